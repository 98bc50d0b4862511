"""The rows of stops by operators, which belong to no party: what was stopped, who lifts it, and breakers closed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, LargeBinary, Text, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from anhuan.kit.classes import C1
from anhuan.kit.db import Base

MOMENT = TIMESTAMP(timezone=True)


class StopRow(Base):
    """停用: nothing is sent to a channel, for the cards of a bank, or at all, from a moment until it ends or is
    lifted; never edited but for who lifted it."""

    __tablename__ = "channel_stops"
    __table_args__ = (
        Index("channel_stops_standing", "from_at", postgresql_where=sql("lifted_at IS NULL")),
        CheckConstraint("scope IN ('channel', 'bank', 'everything')", name="scope_known"),
        CheckConstraint("(scope = 'everything') = (name = '')", name="named_unless_everything"),
        CheckConstraint("until_at IS NULL OR until_at > from_at", name="ends_after_it_began"),
        CheckConstraint("(lifted_at IS NULL) = (lifted_by IS NULL)", name="lifted_by_somebody"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    scope: Mapped[str] = mapped_column(Text, info=C1)
    name: Mapped[str] = mapped_column(Text, info=C1)  # of the channel or bank; "" for everything
    reason: Mapped[str] = mapped_column(Text, info=C1)
    stopped_by: Mapped[UUID] = mapped_column(info=C1)
    from_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    until_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)  # None: until two people lift it
    lifted_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    lifted_by: Mapped[UUID | None] = mapped_column(info=C1)


class StopWordRow(Base):
    """One person's word on lifting a stop: asked by one, confirmed by another, or refused."""

    __tablename__ = "channel_stop_words"
    __table_args__ = (
        UniqueConstraint("answers"),
        UniqueConstraint("id", "stop_id", "asked_by", "shown_hash"),
        ForeignKeyConstraint(
            ["answers", "stop_id", "asked_by", "shown_hash"],
            ["channel_stop_words.id", "channel_stop_words.stop_id", "channel_stop_words.asked_by",
             "channel_stop_words.shown_hash"],
        ),
        Index("channel_stop_words_of", "stop_id", "said_at"),
        CheckConstraint("kind IN ('asked', 'confirmed', 'refused')", name="kind_known"),
        CheckConstraint("(kind = 'asked') = (answers IS NULL)", name="an_answer_names_what_was_asked"),
        CheckConstraint(
            "kind = 'refused' OR (kind = 'asked') = (said_by = asked_by)", name="nobody_confirms_the_own"
        ),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    stop_id: Mapped[UUID] = mapped_column(ForeignKey("channel_stops.id"), info=C1)
    kind: Mapped[str] = mapped_column(Text, info=C1)
    answers: Mapped[UUID | None] = mapped_column(info=C1)
    asked_by: Mapped[UUID] = mapped_column(info=C1)
    said_by: Mapped[UUID] = mapped_column(info=C1)
    shown_hash: Mapped[bytes] = mapped_column(LargeBinary, info=C1)
    reason: Mapped[str] = mapped_column(Text, info=C1)
    said_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)


class ClosingRow(Base):
    """A breaker that had opened by itself, closed by a person before its time: who, when and why."""

    __tablename__ = "channel_breaker_closings"

    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    channel: Mapped[str] = mapped_column(Text, info=C1)
    was_open_until_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    failures: Mapped[int] = mapped_column(info=C1)
    reason: Mapped[str] = mapped_column(Text, info=C1)
    closed_by: Mapped[UUID] = mapped_column(info=C1)
    closed_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
