"""Every question that quotas and limits ask of the database; one function for each."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from anhuan.kit import ids
from anhuan.repayments.model import OrderStatus
from anhuan.repayments.tables import OrderRow
from anhuan.repayments.tables_quotas import QuotaRow

_FELL = (OrderStatus.FAILED, OrderStatus.CANCELLED, OrderStatus.GIVEN_BACK)


def grant(db: Session, party: UUID, month: str, schedule: str) -> UUID | None:
    """The grant of a month and schedule, or None before its first use."""
    asked = select(QuotaRow.id).where(QuotaRow.user_id == party, QuotaRow.month == month, QuotaRow.schedule == schedule)
    return db.scalar(asked)


def add_grant(
    db: Session, party: UUID, month: str, schedule: str, *, version: str, now: datetime
) -> UUID | None:  # fmt: skip
    """Write the one grant of a month and schedule; None where somebody else did, who has then committed."""
    made = {"user_id": party, "id": ids.new_id(), "month": month, "schedule": schedule, "version": version,
            "granted_at": now}  # fmt: skip
    written = insert(QuotaRow).values(made).on_conflict_do_nothing().returning(QuotaRow.id)
    return db.execute(written).scalar_one_or_none()


def standing_between(
    db: Session, party: UUID, first: datetime, last: datetime, *, channel: str | None = None
) -> Sequence[OrderRow]:  # fmt: skip
    """Orders that start in a span of time and did not come to nothing; at most ten thousand."""
    asked = select(OrderRow).where(
        OrderRow.user_id == party, OrderRow.start_at >= first, OrderRow.start_at < last,
        OrderRow.status.not_in(_FELL),
    )  # fmt: skip
    if channel is not None:
        asked = asked.where(OrderRow.channel == channel)
    return db.scalars(asked.order_by(OrderRow.start_at, OrderRow.id).limit(10_000)).all()
