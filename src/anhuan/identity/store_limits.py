"""What step-ups, own limits and pauses ask of the database."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from anhuan.identity.tables_limits import OwnLimitRow, PauseRow, StepUpRow

MANY = 10_000  # more wishes than any party has


def lock(db: Session, party: UUID) -> None:
    """Let the wishes of one party take turns until the transaction ends."""
    db.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"own_limits:{party}", 0))))


def wishes(db: Session, parties: Collection[UUID]) -> Sequence[OwnLimitRow]:
    """The standing wishes of these parties about limits, in the order in which they were asked."""
    asked = select(OwnLimitRow).where(OwnLimitRow.user_id.in_(list(parties)), OwnLimitRow.withdrawn_at.is_(None))
    return db.scalars(asked.order_by(OwnLimitRow.asked_at, OwnLimitRow.id).limit(MANY * len(parties))).all()


def withdraw_waiting(db: Session, party: UUID, kind: str, account_id: UUID | None, *, now: datetime) -> list[UUID]:
    """Withdraw the wishes about one limit that are not in force yet; returns their ids."""
    mine = (
        OwnLimitRow.user_id == party,
        OwnLimitRow.kind == kind,
        OwnLimitRow.account_id.is_not_distinct_from(account_id),
        OwnLimitRow.withdrawn_at.is_(None),
        OwnLimitRow.from_at > now,
    )
    return list(db.scalars(update(OwnLimitRow).where(*mine).values(withdrawn_at=now).returning(OwnLimitRow.id)))


def standing_pause(db: Session, party: UUID) -> PauseRow | None:
    """The pause that holds now."""
    return db.scalar(select(PauseRow).where(PauseRow.user_id == party, PauseRow.lifted_at.is_(None)))


def standing_pauses(db: Session, parties: Collection[UUID]) -> Sequence[PauseRow]:
    """The pauses of these parties that hold now."""
    return db.scalars(select(PauseRow).where(PauseRow.user_id.in_(list(parties)), PauseRow.lifted_at.is_(None))).all()


def step_up(db: Session, person_id: UUID, step_up_id: UUID) -> StepUpRow | None:
    """One step-up, locked until the end, so that two confirmations of it take turns."""
    mine = select(StepUpRow).where(StepUpRow.person_id == person_id, StepUpRow.id == step_up_id)
    return db.scalar(mine.with_for_update().execution_options(populate_existing=True))
