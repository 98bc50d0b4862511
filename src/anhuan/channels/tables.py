"""The rows of room channels: instructions with all that the outside world said about them, and what proves arrival.

An instruction is made once and never deleted; what happens to it is a state that only moves forward, or a row of its
own. What people pay and with which card is sealed; the database upholds that one part has one instruction at a time.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKeyConstraint, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from anhuan.kit.classes import C1, C2, c2_hashed
from anhuan.kit.db import Base
from anhuan.kit.vault import Sealed

MOMENT = TIMESTAMP(timezone=True)
STATES = "'created', 'accepted', 'processing', 'success', 'failed', 'unknown'"


def _instruction() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["user_id", "key"], ["channel_instructions.user_id", "channel_instructions.key"])


class InstructionRow(Base):
    """指令: one payment handed to a channel. `stands` until a final no or a return; a part has one that stands."""

    __tablename__ = "channel_instructions"
    __table_args__ = (
        UniqueConstraint("user_id", "order_id", "part", "attempt"),
        Index("channel_instructions_standing", "user_id", "order_id", "part", unique=True,
              postgresql_where=text("stands")),
        Index("channel_instructions_due", "next_ask_at", postgresql_where=text("next_ask_at IS NOT NULL")),
        Index("channel_instructions_key", "key"),
        Index("channel_instructions_look", "next_look_at", postgresql_where=text("next_look_at IS NOT NULL")),
        CheckConstraint(f"state IN ({STATES})", name="state_known"),
        CheckConstraint("part >= 1 AND attempt >= 1", name="counted_from_one"),
        CheckConstraint("(state IN ('success', 'failed')) = (final_at IS NOT NULL)", name="final_with_its_moment"),
        CheckConstraint("(state = 'failed') = (final_code IS NOT NULL)", name="failed_with_its_code"),
        CheckConstraint("stands OR state IN ('success', 'failed')", name="stands_while_open"),
        CheckConstraint("(sent_at IS NULL) = (sends = 0)", name="sent_with_its_moment"),
        CheckConstraint("state IN ('created', 'failed') OR sent_at IS NOT NULL", name="nothing_known_of_what_was_kept"),
    )  # fmt: skip

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    key: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    order_id: Mapped[UUID] = mapped_column(info=C1)
    part: Mapped[int] = mapped_column(info=C1)
    attempt: Mapped[int] = mapped_column(info=C1)
    channel: Mapped[str] = mapped_column(Text, info=C1)
    bank: Mapped[str] = mapped_column(Text, info=C1)  # of the card
    funding_kind: Mapped[str] = mapped_column(Text, info=C1)
    funding_ref: Mapped[str] = mapped_column(Sealed(str), info=C2)
    card_ref: Mapped[str] = mapped_column(Sealed(str), info=C2)
    card_key: Mapped[bytes] = mapped_column(
        LargeBinary, info=c2_hashed("keyed hash of the card, by which a stop of this card alone is found")
    )
    amount_minor: Mapped[int] = mapped_column(Sealed(int), info=C2)  # fen
    currency: Mapped[str] = mapped_column(Text, info=C1)
    expires_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)  # nothing is sent from here on
    body: Mapped[bytes] = mapped_column(Sealed(bytes), info=C2)
    body_hash: Mapped[bytes] = mapped_column(
        LargeBinary, info=c2_hashed("keyed hash of the bytes that go out, to show that they never changed")
    )
    made_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    state: Mapped[str] = mapped_column(Text, info=C1)
    why: Mapped[str | None] = mapped_column(Text, info=C1)  # of the last answer that was not final
    stands: Mapped[bool] = mapped_column(info=C1)
    untaken: Mapped[bool] = mapped_column(info=C1)  # the last sending was answered with "busy": nothing was taken
    record: Mapped[dict[str, Any]] = mapped_column(info=C1)  # what the channel promised when this was made
    stopped_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)  # another body under this key: nobody asks on
    sent_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)  # written before the first call
    last_sent_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    sends: Mapped[int] = mapped_column(info=C1)
    asked_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    asks: Mapped[int] = mapped_column(info=C1)
    next_ask_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    final_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    final_code: Mapped[str | None] = mapped_column(Text, info=C1)
    resets_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    reference: Mapped[str | None] = mapped_column(Sealed(str), info=C2)
    taken_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    fee_kept_minor: Mapped[int | None] = mapped_column(Sealed(int), info=C2)
    no_message: Mapped[str | None] = mapped_column(Sealed(str), info=C2)  # the channel's words for a final no
    missing_minor: Mapped[int | None] = mapped_column(Sealed(int), info=C2)  # fen that the funding account lacked
    looks: Mapped[int] = mapped_column(default=0, info=C1)  # how often the card's postings were looked at
    next_look_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)


class MessageRow(Base):
    """One message of the outside world about an instruction, kept with its hash before it is acted on."""

    __tablename__ = "channel_messages"
    __table_args__ = (
        _instruction(),
        Index("channel_messages_of", "user_id", "key", "seen_at"),
        CheckConstraint("verb IN ('pay', 'ask', 'file', 'hand', 'postings')", name="verb_known"),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    key: Mapped[UUID] = mapped_column(info=C1)
    channel: Mapped[str] = mapped_column(Text, info=C1)
    verb: Mapped[str] = mapped_column(Text, info=C1)
    status: Mapped[int] = mapped_column(info=C1)  # of HTTP; 0: it came another way, -1: nothing came
    content: Mapped[bytes] = mapped_column(Sealed(bytes), info=C2)
    sha256: Mapped[str] = mapped_column(Sealed(str), info=C2)
    seen_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)


class EventRow(Base):
    """退汇 or 冲正: money that came back after a success, as a row of its own."""

    __tablename__ = "channel_events"
    __table_args__ = (
        _instruction(),
        UniqueConstraint("user_id", "key", "kind", "happened_at"),
        CheckConstraint("kind IN ('returned', 'reversed')", name="kind_known"),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    key: Mapped[UUID] = mapped_column(info=C1)
    kind: Mapped[str] = mapped_column(Text, info=C1)
    happened_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    amount_minor: Mapped[int] = mapped_column(Sealed(int), info=C2)
    reason: Mapped[str] = mapped_column(Sealed(str), info=C2)
    seen_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)


class ContradictionRow(Base):
    """说法矛盾: what the channel said against a final state. It bars a new attempt until somebody has cleared it."""

    __tablename__ = "channel_contradictions"
    __table_args__ = (
        _instruction(),
        Index("channel_contradictions_open", "user_id", "key", "kind", unique=True,
              postgresql_where=text("cleared_at IS NULL")),
        CheckConstraint("(cleared_at IS NULL) = (cleared_by IS NULL)", name="cleared_by_somebody"),
    )  # fmt: skip

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    key: Mapped[UUID] = mapped_column(info=C1)
    kind: Mapped[str] = mapped_column(Text, info=C1)
    state: Mapped[str] = mapped_column(Text, info=C1)  # what stood when it was heard
    said: Mapped[str] = mapped_column(Sealed(str), info=C2)
    seen_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    cleared_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    cleared_by: Mapped[UUID | None] = mapped_column(info=C1)
    cleared_why: Mapped[str | None] = mapped_column(Sealed(str), info=C2)


class ClearingRow(Base):
    """核实的签字: one person asks to clear a contradiction, another confirms it or says no; never edited or deleted."""

    __tablename__ = "channel_clearings"
    __table_args__ = (
        ForeignKeyConstraint(["user_id", "contradiction_id"],
                             ["channel_contradictions.user_id", "channel_contradictions.id"]),
        ForeignKeyConstraint(
            ["user_id", "answers", "contradiction_id", "asked_by", "shown_hash"],
            [f"channel_clearings.{name}" for name in ("user_id", "id", "contradiction_id", "asked_by", "shown_hash")],
            name="fk_channel_clearings_answers",
        ),
        UniqueConstraint("user_id", "answers"),
        UniqueConstraint("user_id", "id", "contradiction_id", "asked_by", "shown_hash",
                         name="uq_channel_clearings_asked"),
        Index("channel_clearings_of", "user_id", "contradiction_id", "said_at"),
        CheckConstraint("kind IN ('asked', 'confirmed', 'refused')", name="kind_known"),
        CheckConstraint("(kind = 'asked') = (answers IS NULL)", name="an_answer_names_what_was_asked"),
        CheckConstraint("kind = 'refused' OR (kind = 'asked') = (said_by = asked_by)", name="nobody_confirms_the_own"),
        CheckConstraint("verdict IN ('paid', 'not_paid')", name="verdict_known"),
    )  # fmt: skip

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    contradiction_id: Mapped[UUID] = mapped_column(info=C1)
    kind: Mapped[str] = mapped_column(Text, info=C1)
    answers: Mapped[UUID | None] = mapped_column(info=C1)  # the number of what was asked
    asked_by: Mapped[UUID] = mapped_column(info=C1)
    said_by: Mapped[UUID] = mapped_column(info=C1)
    shown_hash: Mapped[bytes] = mapped_column(LargeBinary, info=C1)  # of all that whoever confirms is shown
    reason: Mapped[str] = mapped_column(Sealed(str), info=C2)
    verdict: Mapped[str | None] = mapped_column(Text, info=C1)  # what became of the money, where that must be told
    said_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)


class EvidenceRow(Base):
    """凭证: what tells that money reached the card; doubt about one is a later row that names it."""

    __tablename__ = "channel_evidence"
    __table_args__ = (
        _instruction(),
        UniqueConstraint("user_id", "key", "kind", "source_key"),
        CheckConstraint("kind IN ('marked', 'unpaid', 'statement', 'bank_file', 'bank_notice', 'receipt', 'doubt')",
                        name="kind_known"),
        CheckConstraint("kind IN ('marked', 'unpaid', 'doubt') OR posted_on IS NOT NULL", name="proof_has_its_day"),
        CheckConstraint("kind NOT IN ('receipt', 'bank_notice') OR confirmed_by IS NOT NULL", name="checked_by_a_name"),
        CheckConstraint("kind <> 'receipt' OR receipt_sha256 IS NOT NULL", name="receipt_with_its_hash"),
        CheckConstraint("(kind = 'doubt') = (about_id IS NOT NULL)", name="doubt_is_about_something"),
    )  # fmt: skip

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    key: Mapped[UUID] = mapped_column(info=C1)
    kind: Mapped[str] = mapped_column(Text, info=C1)
    posted_on: Mapped[date | None] = mapped_column(Date, info=C1)
    posted_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    amount_minor: Mapped[int | None] = mapped_column(Sealed(int), info=C2)
    source: Mapped[str] = mapped_column(Sealed(str), info=C2)  # which line of which statement, which file
    source_key: Mapped[bytes] = mapped_column(
        LargeBinary, info=c2_hashed("keyed hash of the source, so that one proof is taken in once")
    )
    receipt_sha256: Mapped[str | None] = mapped_column(Sealed(str), info=C2)
    note: Mapped[str] = mapped_column(Sealed(str), default="", info=C2)
    about_id: Mapped[UUID | None] = mapped_column(info=C1)
    given_by: Mapped[UUID | None] = mapped_column(info=C1)  # NULL: the program, from bank data
    confirmed_by: Mapped[UUID | None] = mapped_column(info=C1)
    given_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)


class CardStopRow(Base):
    """Nothing is sent to this card by this channel until then: its bank said that it cannot take money."""

    __tablename__ = "channel_card_stops"

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    channel: Mapped[str] = mapped_column(Text, primary_key=True, info=C1)
    card_key: Mapped[bytes] = mapped_column(
        LargeBinary, primary_key=True, info=c2_hashed("keyed hash of the card, as in channel_instructions")
    )
    code: Mapped[str] = mapped_column(Text, info=C1)
    since_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    until_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
