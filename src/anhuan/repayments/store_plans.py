"""Every question about confirmed plans and proposed changes; one function for each."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from anhuan.repayments.model import OrderStatus
from anhuan.repayments.tables import OrderRow
from anhuan.repayments.tables_plans import PlanRow, ProposalRow


def plan(db: Session, party: UUID, plan_id: UUID) -> PlanRow | None:
    """One confirmed plan."""
    return db.get(PlanRow, (party, plan_id))


def standing(db: Session, party: UUID) -> PlanRow | None:
    """The confirmed plan that stands, or None."""
    return db.scalars(select(PlanRow).where(PlanRow.user_id == party, PlanRow.ended_at.is_(None))).one_or_none()


def arranged(db: Session, party: UUID, group_id: UUID) -> Sequence[OrderRow]:
    """Orders of a plan whose day has not come, in order."""
    asked = select(OrderRow).where(
        OrderRow.user_id == party, OrderRow.group_id == group_id, OrderRow.status == OrderStatus.SCHEDULED
    )
    return db.scalars(asked.order_by(OrderRow.number)).all()


def arrived_since(db: Session, party: UUID, since: datetime) -> Sequence[OrderRow]:
    """Orders made since a moment that have arrived; at most a thousand."""
    asked = select(OrderRow).where(
        OrderRow.user_id == party, OrderRow.status == OrderStatus.ARRIVED, OrderRow.placed_at >= since
    )
    return db.scalars(asked.order_by(OrderRow.placed_at, OrderRow.id).limit(1000)).all()


def open_proposal(db: Session, party: UUID) -> ProposalRow | None:
    """The proposed change that waits for an answer, or None."""
    asked = select(ProposalRow).where(ProposalRow.user_id == party, ProposalRow.state == "open")
    return db.scalars(asked).one_or_none()


def was_dismissed(db: Session, party: UUID, plan_id: UUID, fingerprint: bytes) -> bool:
    """Whether the payer kept the plan in this very situation."""
    asked = select(ProposalRow.id).where(
        ProposalRow.user_id == party, ProposalRow.plan_id == plan_id, ProposalRow.state == "dismissed",
        ProposalRow.fingerprint == fingerprint,
    )  # fmt: skip
    return db.scalars(asked.limit(1)).first() is not None


def to_look_at(db: Session, before: datetime, *, now: datetime, at_most: int) -> Sequence[UUID]:
    """Parties whose standing plan was not compared since a moment, taken for this round; for the worker."""
    asked = (
        select(PlanRow)
        .where(PlanRow.ended_at.is_(None), PlanRow.looked_at <= before)
        .order_by(PlanRow.looked_at, PlanRow.id)
        .limit(at_most)
        .with_for_update(skip_locked=True)
    )
    rows = db.scalars(asked).all()
    for row in rows:
        row.looked_at = now
    return [row.user_id for row in rows]
