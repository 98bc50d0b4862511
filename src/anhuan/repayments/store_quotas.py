"""Every question that quotas and limits ask of the database; one function for each."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from anhuan.kit import ids
from anhuan.repayments.model import OrderStatus
from anhuan.repayments.tables import OrderRow
from anhuan.repayments.tables_quotas import QuotaRow

Mine = tuple[UUID, str]  # party and schedule
_FELL = (OrderStatus.FAILED, OrderStatus.CANCELLED, OrderStatus.GIVEN_BACK)


@dataclass(frozen=True, slots=True)
class Start:
    """When an order starts, by which channel, over how much (fen)."""

    order_id: UUID
    start_at: datetime
    channel: str
    amount: int


def granted_since(db: Session, parties: Collection[UUID], month: str) -> Sequence[tuple[UUID, str, str]]:
    """The (party, month, schedule) of these parties' grants from a month on."""
    asked = select(QuotaRow.user_id, QuotaRow.month, QuotaRow.schedule).where(
        QuotaRow.user_id.in_(list(parties)), QuotaRow.month >= month
    )
    return [(party, granted, schedule) for party, granted, schedule in db.execute(asked)]


def grants(db: Session, month: str, wanted: Collection[Mine]) -> set[Mine]:
    """Those of these (party, schedule) that have their grant of the month."""
    one = QuotaRow
    asked = select(one.user_id, one.schedule).where(
        tuple_(one.user_id, one.schedule).in_(list(wanted)), one.month == month
    )
    return {(party, schedule) for party, schedule in db.execute(asked)} if wanted else set()


def add_grants(
    db: Session, month: str, wanted: Sequence[Mine], *, versions: Mapping[str, str], now: datetime
) -> dict[Mine, UUID]:  # fmt: skip
    """Write the one grant of a month of each (party, schedule); missing: somebody else did, who has then committed."""
    made = [
        {"user_id": party, "id": ids.new_id(), "month": month, "schedule": schedule, "version": versions[schedule],
         "granted_at": now}
        for party, schedule in wanted
    ]  # fmt: skip
    if not made:
        return {}
    one = QuotaRow
    written = insert(one).on_conflict_do_nothing().returning(one.user_id, one.schedule, one.id)
    return {(party, schedule): row for party, schedule, row in db.execute(written, made)}


def starts_since(db: Session, parties: Collection[UUID], first: datetime) -> dict[UUID, list[Start]]:
    """Of orders that start from a moment on and did not come to nothing; at most ten thousand for each party."""
    one, found = OrderRow, {party: list[Start]() for party in parties}
    asked = select(one.user_id, one.id, one.start_at, one.channel, one.amount_minor).where(
        one.user_id.in_(list(parties)), one.start_at >= first, one.status.not_in(_FELL)
    )
    asked = asked.order_by(one.start_at, one.id).limit(10_000 * len(parties))
    for party, order_id, start_at, channel, amount in db.execute(asked):
        found[party].append(Start(order_id, start_at, channel, amount))
    return found
