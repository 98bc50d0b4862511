"""Step-ups, own limits and pauses as rows."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from anhuan.kit.classes import C1, C2
from anhuan.kit.db import Base
from anhuan.kit.vault import Sealed

MOMENT = TIMESTAMP(timezone=True)


class StepUpRow(Base):
    """A person is asked once more, for one act alone: `binding` is the hash of everything about it."""

    __tablename__ = "step_ups"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    session_id: Mapped[UUID] = mapped_column(info=C1)
    kind: Mapped[str] = mapped_column(Text, info=C1)
    binding: Mapped[bytes] = mapped_column(LargeBinary, info=C1)
    shown_hash: Mapped[bytes] = mapped_column(LargeBinary, info=C1)  # of the words the person read
    challenge_id: Mapped[UUID | None] = mapped_column(info=C1)
    made_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    ends_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    used_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    used_how: Mapped[str | None] = mapped_column(Text, info=C1)


class OwnLimitRow(Base):
    """One wish about one limit, in force from a moment on; without an amount (fen) the limit is gone from then on."""

    __tablename__ = "own_limits"
    __table_args__ = (
        CheckConstraint("kind in ('per_payment', 'per_day', 'per_card')", name="kind_known"),
        CheckConstraint("(kind = 'per_card') = (account_id is not null)", name="card_named"),
        CheckConstraint("from_at >= asked_at", name="not_before_asked"),
        CheckConstraint("from_at = asked_at or step_up_id is not null", name="later_needs_step_up"),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    kind: Mapped[str] = mapped_column(Text, info=C1)
    account_id: Mapped[UUID | None] = mapped_column(info=C1)
    amount_minor: Mapped[int | None] = mapped_column(Sealed(int), info=C2)
    asked_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    from_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    asked_by: Mapped[UUID] = mapped_column(info=C1)
    step_up_id: Mapped[UUID | None] = mapped_column(info=C1)
    withdrawn_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)


class PauseRow(Base):
    """While one of a party's pauses stands, nothing of it is sent; at most one stands."""

    __tablename__ = "pauses"
    __table_args__ = (
        CheckConstraint("(lifted_at is null) = (lifted_by is null)", name="lifted_by_somebody"),
        Index("pauses_one_standing", "user_id", unique=True, postgresql_where=text("lifted_at is null")),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    from_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    paused_by: Mapped[UUID] = mapped_column(info=C1)
    lifted_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    lifted_by: Mapped[UUID | None] = mapped_column(info=C1)
    step_up_id: Mapped[UUID | None] = mapped_column(info=C1)
