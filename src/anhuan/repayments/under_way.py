"""What of the cards' newest bills is on its way, and which orders by hand were left behind by a newer bill.

An order by hand is a promise to walk to the bank. Once its bill is over and a newer one tells what is owed, what was
paid stands on that one; counting the promise beside it would keep the payer from paying at all. It counts again where
the payer says, after the newer statement, that it was paid. It stays open until the payer says what became of it.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan import cards
from anhuan.cards.model import OpenBill
from anhuan.channels import evidence
from anhuan.kit import clock
from anhuan.repayments import day_limits, store
from anhuan.repayments.model import OrderStatus
from anhuan.repayments.store import OpenOrder
from anhuan.repayments.tables import OrderRow

Key = tuple[UUID, UUID]  # party, billed account
_PROMISED: Final = (OrderStatus.PLACED, OrderStatus.SENT)  # by hand nothing is sent: the payer knows the steps


def of_many(db: Session, bills: Mapping[Key, OpenBill], *, on: date) -> dict[Key, int]:
    """Fen by account that are scheduled, placed, sent, promised or in doubt for these bills."""
    found = dict.fromkeys(bills, 0)
    for one in _counting(db, bills, on=on):
        found[one.party, one.account_id] += one.amount
    return found


def of_one(db: Session, party: UUID, account_id: UUID, bill: OpenBill, *, on: date) -> int:
    """The same for one bill."""
    return of_many(db, {(party, account_id): bill}, on=on)[party, account_id]


def of_party(db: Session, party: UUID, *, on: date) -> Mapping[UUID, int]:
    """The same for every bill in yuan of a party, by account."""
    bills = cards.open_of_many(db, [(party, one.account_id) for one in cards.accounts(db, party)], on=on)
    return {account_id: fen for (_, account_id), fen in of_many(db, bills, on=on).items()}


def begun(db: Session, order: OrderRow, bill: OpenBill, *, on: date) -> int:
    """The same beside one order of the bill, without what only waits for its day."""
    found = _counting(db, {(order.user_id, order.account_id): bill}, on=on)
    return sum(one.amount for one in found if one.order_id != order.id and one.status != OrderStatus.SCHEDULED)


def left_behind(db: Session, accounts: Iterable[Key], *, on: date) -> frozenset[UUID]:
    """The open orders of these accounts that a newer bill left behind."""
    accounts = set(accounts)
    opens = store.open_of_many(db, accounts)
    return _left_behind(db, opens, cards.open_of_many(db, accounts, on=on) if opens else {}, on=on)


def _counting(db: Session, bills: Mapping[Key, OpenBill], *, on: date) -> list[OpenOrder]:
    opens = store.open_of_many(db, bills)
    over = _left_behind(db, opens, bills, on=on)
    return [one for one in opens if one.order_id not in over]


def _left_behind(
    db: Session, opens: Iterable[OpenOrder], bills: Mapping[Key, OpenBill], *, on: date
) -> frozenset[UUID]:  # fmt: skip
    old = [
        (one, bill.statement_on)
        for one in opens
        if (bill := bills.get((one.party, one.account_id))) is not None and _is_over(one, bill, on)
    ]
    said = evidence.said_paid(db, [(one.party, one.key) for one, _ in old if one.key]) if old else {}
    found = set()
    for one, statement_on in old:
        at = said.get((one.party, one.key)) if one.key else None
        if at is None or at.astimezone(clock.CHINA).date() < statement_on:
            found.add(one.order_id)
    return frozenset(found)


def _is_over(one: OpenOrder, bill: OpenBill, on: date) -> bool:
    """Whether it was to be paid by hand for a bill that is over, and this is a newer one."""
    if one.status not in _PROMISED or one.due_on is None or bill.due_on is None:
        return False
    return one.due_on < min(on, bill.due_on) and day_limits.by_hand(one.channel, on)
