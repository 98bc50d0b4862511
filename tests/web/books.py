"""Books to look at in tests: a person's repayment on its way and one that arrived, fees, a hold, a reversal, bounds."""

from dataclasses import dataclass
from uuid import UUID

from anhuan.kit import db as database
from anhuan.kit import ids, wall
from anhuan.ledger import service
from anhuan.ledger.model import AccountKind, AccountName, Kind, Line
from anhuan.ledger.rules import Code

TRACKED, HOUSE = "CNY/tracked", "CNY/house"
CHANNEL = "simbank"


@dataclass(frozen=True, slots=True)
class Kept:
    """What a test may want to find again."""

    person: UUID
    lane: int
    order: UUID
    hold: UUID  # captured, and the capture reversed
    open_hold: UUID
    arrived: UUID
    suspense: UUID


def bank(person: UUID) -> AccountName:
    """The mirror of the person's own bank."""
    return AccountName(TRACKED, AccountKind.BANK, person, "cmb-6688")


def card(person: UUID) -> AccountName:
    """The mirror of the person's card."""
    return AccountName(TRACKED, AccountKind.CARD, person, "cmb-7190")


TRANSIT = AccountName(TRACKED, AccountKind.TRANSIT, None, CHANNEL)
SUSPENSE = AccountName(TRACKED, AccountKind.SUSPENSE, None, CHANNEL)
DUE = AccountName(HOUSE, AccountKind.CHANNEL_DUE, None, CHANNEL)
INCOME = AccountName(HOUSE, AccountKind.FEE_INCOME)


def keep(person: UUID) -> Kept:
    """Post a small history for this person, by the web's own login behind the person's wall."""
    order, lost = ids.new_id(), ids.new_id()
    taken, arrived, given_back = ids.derive(order, "take"), ids.derive(order, "arrive"), ids.derive(lost, "take")
    waiting, strange = ids.derive(ids.new_id(), "take"), ids.derive(ids.new_id(), "line")
    with database.transaction() as db:
        wall.enter(db, party=person, person=person)
        lane = service.lane_of(db, person)

        def held(id: UUID, amount: int, ref: UUID | None = None) -> None:
            service.hold(db, id=id, src=bank(person), dst=TRANSIT, amount=amount, code=Code.REPAY_TAKEN, ref=ref)

        held(taken, 50_000, order)
        service.capture(db, taken)
        service.transfer(
            db, id=arrived, src=TRANSIT, dst=card(person), amount=49_950, code=Code.REPAY_ARRIVED, ref=order
        )
        fee = Line(Kind.POST, ids.derive(order, "fee"), DUE, INCOME, 30, Code.SERVICE_FEE, ref=order)
        service.post(db, [fee]).insist()
        held(given_back, 12_345, lost)
        service.capture(db, given_back)
        service.reverse(db, ids.derive(given_back, "resolve"))
        held(waiting, 777)
        service.transfer(db, id=strange, src=bank(person), dst=SUSPENSE, amount=1_000, code=Code.SUSPENSE_FROM_BANK)
    return Kept(person, lane, order, given_back, waiting, arrived, strange)
