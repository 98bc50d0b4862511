"""What an order posts to the books (ledger.md, section 9): set aside, taken, arrived, given back, released.

Every posting's id is drawn from the order, so whatever is repeated is one. Nobody's money is held by the house: these
are mirrors of what the payer's own bank gave and of what is proved on the card.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan import ledger
from anhuan.kit import ids
from anhuan.ledger import AccountKind, AccountName, Code, Kind, Line, Result
from anhuan.repayments import quotas
from anhuan.repayments.model import Changed, FeeLine, OrderStatus
from anhuan.repayments.quotas import chunks

TRACKED: Final = "CNY/tracked"
HOUSE: Final = "CNY/house"
SERVICE: Final = "service"
_ORDERS: Final = 300  # of one call of the ledger: none has more than three lines
S = OrderStatus


@dataclass(frozen=True, slots=True)
class Money:
    """An order as the books see it; amounts in fen."""

    order_id: UUID
    party: UUID
    source_id: UUID
    account_id: UUID
    channel: str
    amount: int
    fees: tuple[FeeLine, ...]

    @property
    def debit(self) -> int:
        """What leaves the paying account."""
        return self.amount + sum(line.fee for line in self.fees)

    @property
    def service_fee(self) -> int:
        """What of the fees is the house's."""
        return sum(line.fee for line in self.fees if line.schedule == SERVICE)

    @property
    def bank(self) -> AccountName:
        """The payer's own account, as a mirror."""
        return AccountName(TRACKED, AccountKind.BANK, self.party, str(self.source_id))

    @property
    def card(self) -> AccountName:
        """The card, as a mirror."""
        return AccountName(TRACKED, AccountKind.CARD, self.party, str(self.account_id))

    @property
    def transit(self) -> AccountName:
        """What is instructed and taken, and not proved arrived."""
        return AccountName(TRACKED, AccountKind.TRANSIT, None, self.channel)

    @property
    def outside_fee(self) -> AccountName:
        """What channels kept of the payer's money."""
        return AccountName(TRACKED, AccountKind.OUTSIDE_FEE, self.party, self.channel)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an order: what it was and is, and what its postings rest on."""

    money: Money
    before: OrderStatus
    status: OrderStatus
    taken: bool  # it was captured before
    taken_at: datetime | None
    arrived: int | None  # fen posted on the card before
    shown: int | None = None  # fen that bank data now show on the card
    back_at: datetime | None = None
    back: int | None = None  # fen that came back, where it was not all


def set_aside(db: Session, orders: Sequence[Money], *, now: datetime) -> None:
    """Hold what each order will take, with the free quota it uses; all orders of one lane, all or nothing.

    Raises `Changed` where the quota was used up meanwhile: the fee must be shown anew.
    """
    uses = [quotas.Use(one.order_id, one.party, one.fees, step(one.order_id, "placed")) for one in orders]
    for some in chunks(list(zip(orders, uses, quotas.lines_of_many(db, uses, now=now), strict=True)), _ORDERS):
        lines: list[Line] = []
        for one, use, held in some:
            take = Line(
                Kind.HOLD, id=step(one.order_id, "take"), src=one.bank, dst=one.transit, amount=one.debit,
                code=Code.REPAY_TAKEN, group=use.group if held else None, ref=one.order_id,
            )  # fmt: skip
            lines += [take, *held]
        results = ledger.post(db, lines)
        if any(result is Result.BELOW_FLOOR for result in results):
            raise Changed("本月的免费额度刚被用掉，手续费有变，请重新确认。", field="fee")
        results.insist()


def follow(db: Session, steps: Sequence[Step], *, now: datetime) -> None:
    """Post what steps of orders of one lane mean."""
    taking = (S.PROMISED, S.ARRIVED, S.GIVEN_BACK)
    _take(db, [(one.money, one.taken_at or now) for one in steps if one.status in taking and not one.taken])
    for one in steps:
        _follow(db, one, now)


def _follow(db: Session, one: Step, now: datetime) -> None:
    money = one.money
    match one.status:
        case S.ARRIVED if one.shown is not None:
            arrive(db, money, one.shown, at=now)
        case S.GIVEN_BACK:
            _give_back(db, money, arrived=one.arrived, at=one.back_at or now, back=one.back)
        case S.FAILED if one.taken:
            _give_back(db, money, arrived=one.arrived, at=now, back=None)
        case S.FAILED | S.CANCELLED:
            ledger.void(db, step(money.order_id, "take"))
            quotas.release(db, money.order_id, money.fees)
        case _:
            pass


def arrive(db: Session, money: Money, arrived: int, *, at: datetime) -> None:
    """Bank data show so many fen on the card: the rest of what was taken stayed with the channel as fees."""
    lines = [
        Line(Kind.POST, id=step(money.order_id, "arrive"), src=money.transit, dst=money.card, amount=arrived,
             code=Code.REPAY_ARRIVED, ref=money.order_id, event_at=at)
    ]  # fmt: skip
    if money.debit > arrived:
        lines.append(
            Line(Kind.POST, id=step(money.order_id, "outside fee"), src=money.transit, dst=money.outside_fee,
                 amount=money.debit - arrived, code=Code.REPAY_FEE_OUTSIDE, ref=money.order_id, event_at=at)
        )  # fmt: skip
    if money.service_fee:
        due = AccountName(HOUSE, AccountKind.CHANNEL_DUE, None, money.channel)
        lines.append(
            Line(Kind.POST, id=step(money.order_id, "service fee"), src=due,
                 dst=AccountName(HOUSE, AccountKind.FEE_INCOME), amount=money.service_fee, code=Code.SERVICE_FEE,
                 ref=money.order_id, event_at=at)
        )  # fmt: skip
    ledger.post(db, lines).insist()


def step(order_id: UUID, name: str) -> UUID:
    """The id of the posting that a step of an order makes."""
    return ids.derive(order_id, name)


def _take(db: Session, orders: Sequence[tuple[Money, datetime]]) -> None:
    """Capture what was held; where a hold was released after a no that was none, take it anew."""
    for some in chunks(orders):
        results = ledger.post(
            db, [Line(Kind.CAPTURE, parent=step(one.order_id, "take"), event_at=at) for one, at in some]
        )
        held = [result in (Result.OK, Result.EXISTS) for result in results]
        quotas.take_of_many(db, [(one.order_id, one.fees) for (one, _), was in zip(some, held, strict=True) if was])
        for (one, at), was in zip(some, held, strict=True):
            if not was:
                ledger.transfer(
                    db, id=step(one.order_id, "take after no"), src=one.bank, dst=one.transit, amount=one.debit,
                    code=Code.REPAY_TAKEN, ref=one.order_id, event_at=at,
                )  # fmt: skip


def _give_back(db: Session, money: Money, *, arrived: int | None, at: datetime, back: int | None) -> None:
    """Everything goes back: first the arrival is undone, then the money returns to the payer's account."""
    if arrived is not None:
        undone = ["arrive"]
        undone += ["outside fee"] if money.debit > arrived else []
        undone += ["service fee"] if money.service_fee else []
        for name in undone:
            ledger.reverse(db, step(money.order_id, name), event_at=at)
    returned = money.debit if back is None else min(back, money.debit)
    ledger.transfer(
        db, id=step(money.order_id, "back"), src=money.transit, dst=money.bank, amount=returned,
        code=Code.REPAY_GIVEN_BACK, ref=money.order_id, event_at=at,
    )  # fmt: skip
    if returned < money.debit:
        ledger.transfer(
            db, id=step(money.order_id, "kept at return"), src=money.transit, dst=money.outside_fee,
            amount=money.debit - returned, code=Code.REPAY_FEE_OUTSIDE, ref=money.order_id, event_at=at,
        )  # fmt: skip
    quotas.give_back(db, money.order_id, money.fees)
