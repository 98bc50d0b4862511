"""Every question that quotas and limits ask of the database; one function for each."""

from collections.abc import Collection, Mapping, Sequence
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


def grant(db: Session, party: UUID, month: str, schedule: str) -> UUID | None:
    """The grant of a month and schedule, or None before its first use."""
    asked = select(QuotaRow.id).where(QuotaRow.user_id == party, QuotaRow.month == month, QuotaRow.schedule == schedule)
    return db.scalar(asked)


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
    written = insert(one).values(made).on_conflict_do_nothing().returning(one.user_id, one.schedule, one.id)
    return {(party, schedule): row for party, schedule, row in db.execute(written)}


def standing_between(db: Session, party: UUID, first: datetime, last: datetime) -> Sequence[OrderRow]:
    """Orders that start in a span of time and did not come to nothing; at most ten thousand."""
    asked = select(OrderRow).where(
        OrderRow.user_id == party, OrderRow.start_at >= first, OrderRow.start_at < last,
        OrderRow.status.not_in(_FELL),
    )  # fmt: skip
    return db.scalars(asked.order_by(OrderRow.start_at, OrderRow.id).limit(10_000)).all()
