"""What a mandate would do: the next debits as they would be, before anybody confirms it."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan import cards, channels
from anhuan.cards.model import AccountFace
from anhuan.kit import calendar, clock
from anhuan.repayments import mandate_rules as rules
from anhuan.repayments import mandate_runs as runs
from anhuan.repayments import under_way
from anhuan.repayments.mandate_model import Moments, Preview, Timing, Wish
from anhuan.repayments.mandate_rules import Owed

PREVIEWS: Final = 3
_YEAR: Final = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class _Debit:
    """What would be debited for a bill that is known (fen), whether the cap cuts it, and what the minimum lacks."""

    amount: int
    above: bool
    missing: int


def of(db: Session, party: UUID, wish: Wish, face: AccountFace, *, now: datetime) -> tuple[Preview, ...]:
    """The next three debits as they would be: told when, made when, how much where the bill is known."""
    today = _day(now)
    bill = cards.open_of_many(db, [(party, wish.account_id)], on=today).get((party, wish.account_id))
    debit = None if bill is None else _debit(db, party, wish, bill, on=today)
    if wish.timing is Timing.BEFORE_DUE:
        return _of_bills(db, party, wish, face, bill, debit, now=now)
    found = []
    for nominal in islice(rules.occurrences(wish, after=today - timedelta(days=1)), PREVIEWS):
        moments = rules.on_day(
            wish, nominal, safe_by=None, now=now, calendar=calendar.current(), house=runs.house(today)
        )
        found.append(_of_day(wish, face, bill, debit, moments, today))
    return tuple(found)


def _of_bills(
    db: Session, party: UUID, wish: Wish, face: AccountFace, bill: cards.OpenBill | None, debit: _Debit | None, *,
    now: datetime,
) -> tuple[Preview, ...]:  # fmt: skip
    today = _day(now)
    book = channels.arrivals.book(db, on=today)
    known: list[tuple[date | None, date, _Debit | None]] = []
    if bill is not None and bill.due_on is not None and bill.open:
        known.append((bill.statement_on, bill.due_on, debit))
    last = bill.statement_on if bill is not None else today - timedelta(days=31)
    expected = cards.upcoming_bills(db, party, wish.account_id, after=last, until=today + _YEAR)
    known += [(one.statement_on, one.due_on, None) for one in expected if one.due_on > today]
    found = []
    for statement_on, due_on, one in known[:PREVIEWS]:
        safe = runs.safe_by(due_on, face.bank, wish.channel, on=today, book=book)
        moments = rules.before_due(
            wish, due_on, safe_by=safe, now=now, calendar=calendar.current(), house=runs.house(today)
        )
        if one is None:
            found.append(Preview(moments, None, statement_on, due_on))
        else:
            found.append(Preview(moments, one.amount, statement_on, due_on, above=one.above, missing=one.missing))
    return tuple(found)


def _of_day(
    wish: Wish, face: AccountFace, bill: cards.OpenBill | None, debit: _Debit | None, moments: Moments, today: date
) -> Preview:
    """A day of a custom schedule beside the bill that is open then, where that is known."""
    if bill is None or debit is None or bill.due_on is None or not bill.open:
        return Preview(moments, wish.amount, None, None)
    if _day(moments.pay_at) > bill.due_on + timedelta(days=20):
        return Preview(moments, wish.amount, None, None)
    safe = runs.safe_by(bill.due_on, face.bank, wish.channel, on=today)
    after = safe is not None and moments.pay_at > safe
    moments = replace(moments, safe_by_at=safe)
    return Preview(moments, debit.amount, bill.statement_on, bill.due_on, debit.above, after)


def _debit(db: Session, party: UUID, wish: Wish, bill: cards.OpenBill, *, on: date) -> _Debit:
    on_way = under_way.of_one(db, party, wish.account_id, bill, on=on)
    owed = Owed(bill.open, bill.minimum_open, on_way)
    found = rules.debit_of(wish, owed)
    return _Debit(found.amount, found.asked > found.amount, rules.missing(wish, owed, found.amount))


def _day(at: datetime) -> date:
    return at.astimezone(clock.CHINA).date()
