"""The rows of room channels that belong to no party: the partner register, and what is known of each channel."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKeyConstraint, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from anhuan.kit.classes import C1, C2
from anhuan.kit.db import Base
from anhuan.kit.vault import Sealed

MOMENT = TIMESTAMP(timezone=True)


class EntryRow(Base):
    """持牌登记: one licence of one partner for some channels and acts, from a day to a day; never edited or deleted."""

    __tablename__ = "partner_entries"
    __table_args__ = (
        UniqueConstraint("id", "entered_by", "shown_hash"),
        CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name="days_in_order"),
        CheckConstraint("octet_length(document_hash) = 32", name="document_hash_whole"),
        CheckConstraint("jsonb_array_length(channels) > 0 AND jsonb_array_length(verbs) > 0", name="scope_not_empty"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    partner: Mapped[str] = mapped_column(Text, info=C1)
    licence_kind: Mapped[str] = mapped_column(Text, info=C1)
    licence_number: Mapped[str] = mapped_column(Text, info=C1)
    holder: Mapped[str] = mapped_column(Text, info=C1)  # a firm
    verbs: Mapped[list[Any]] = mapped_column(info=C1)
    channels: Mapped[list[Any]] = mapped_column(info=C1)
    products: Mapped[list[Any]] = mapped_column(info=C1)
    valid_from: Mapped[date] = mapped_column(Date, info=C1)
    valid_to: Mapped[date | None] = mapped_column(Date, info=C1)  # the first day on which it holds no more
    custody_bank: Mapped[str] = mapped_column(Text, info=C1)
    document_hash: Mapped[bytes] = mapped_column(LargeBinary, info=C1)  # SHA-256 of the licence or contract
    reason: Mapped[str] = mapped_column(Text, info=C1)
    entered_by: Mapped[UUID] = mapped_column(info=C1)
    entered_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    shown_hash: Mapped[bytes] = mapped_column(LargeBinary, info=C1)  # of all that whoever approves is shown


class WordRow(Base):
    """One person's word on an entry: approved or refused by somebody else, suspended by whoever sees the need."""

    __tablename__ = "partner_words"
    __table_args__ = (
        ForeignKeyConstraint(
            ["entry_id", "entered_by", "shown_hash"],
            ["partner_entries.id", "partner_entries.entered_by", "partner_entries.shown_hash"],
        ),
        CheckConstraint("kind IN ('approved', 'refused', 'suspended')", name="kind_known"),
        CheckConstraint("kind = 'suspended' OR said_by <> entered_by", name="nobody_approves_the_own"),
    )

    entry_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    kind: Mapped[str] = mapped_column(Text, primary_key=True, info=C1)
    entered_by: Mapped[UUID] = mapped_column(info=C1)
    shown_hash: Mapped[bytes] = mapped_column(LargeBinary, info=C1)
    from_day: Mapped[date] = mapped_column(Date, info=C1)
    reason: Mapped[str] = mapped_column(Text, info=C1)
    said_by: Mapped[UUID] = mapped_column(info=C1)
    said_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)


class CallbackRow(Base):
    """回调: one receipt of a callback, believed or not; it makes us ask and changes nothing by itself."""

    __tablename__ = "channel_callbacks"
    __table_args__ = (
        Index("channel_callbacks_event", "channel", "event_id", unique=True,
              postgresql_where=text("verdict = 'hint'")),
        Index("channel_callbacks_heard", "channel", "heard_at"),
        CheckConstraint("verdict IN ('hint', 'replay', 'forged', 'stale')", name="verdict_known"),
        CheckConstraint("verdict NOT IN ('hint', 'replay') OR (event_id IS NOT NULL AND key IS NOT NULL)",
                        name="a_hint_names_its_key"),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    channel: Mapped[str] = mapped_column(Text, info=C1)
    verdict: Mapped[str] = mapped_column(Text, info=C1)
    event_id: Mapped[str | None] = mapped_column(Text, info=C1)
    key: Mapped[UUID | None] = mapped_column(info=C1)
    headers: Mapped[dict[str, Any]] = mapped_column(Sealed(dict), info=C2)
    content: Mapped[bytes] = mapped_column(Sealed(bytes), info=C2)
    sha256: Mapped[str] = mapped_column(Sealed(str), info=C2)
    heard_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)


class FileRow(Base):
    """对账文件: the bytes of one file of one day; the same bytes once, other bytes as a new version."""

    __tablename__ = "channel_files"
    __table_args__ = (
        UniqueConstraint("channel", "day", "kind", "sha256"),
        UniqueConstraint("channel", "day", "kind", "version"),
        CheckConstraint("version >= 1", name="counted_from_one"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    channel: Mapped[str] = mapped_column(Text, info=C1)
    day: Mapped[date] = mapped_column(Date, info=C1)
    kind: Mapped[str] = mapped_column(Text, info=C1)
    name: Mapped[str] = mapped_column(Text, info=C1)
    sha256: Mapped[str] = mapped_column(Text, info=C1)  # of many people's rows together
    version: Mapped[int] = mapped_column(info=C1)
    content: Mapped[bytes] = mapped_column(Sealed(bytes), info=C2)
    fetched_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)


class BreakerRow(Base):
    """熔断: failures of a channel in a row, and until when nothing is sent to it."""

    __tablename__ = "channel_breakers"

    channel: Mapped[str] = mapped_column(Text, primary_key=True, info=C1)
    failures: Mapped[int] = mapped_column(info=C1)
    first_failed_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    trips: Mapped[int] = mapped_column(info=C1)  # how often it opened without a good call between
    open_until_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    why: Mapped[str] = mapped_column(Text, default="", info=C1)


class HealthRow(Base):
    """One look at a channel."""

    __tablename__ = "channel_health"

    channel: Mapped[str] = mapped_column(Text, primary_key=True, info=C1)
    checked_at: Mapped[datetime] = mapped_column(MOMENT, primary_key=True, info=C1)
    state: Mapped[str] = mapped_column(Text, info=C1)
    took_ms: Mapped[int | None] = mapped_column(info=C1)
    until_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    detail: Mapped[str] = mapped_column(Text, info=C1)


class ArrivalRow(Base):
    """学到的到账时间: how long a channel takes to a bank's cards, computed on a day; minutes or workdays."""

    __tablename__ = "channel_arrivals"
    __table_args__ = (
        CheckConstraint("unit IN ('minutes', 'workdays')", name="unit_known"),
        CheckConstraint("season IN ('usual', 'break')", name="season_known"),
        CheckConstraint("n >= 1 AND p50 <= p99", name="figures_in_order"),
    )

    channel: Mapped[str] = mapped_column(Text, primary_key=True, info=C1)
    bank: Mapped[str] = mapped_column(Text, primary_key=True, info=C1)
    funding_kind: Mapped[str] = mapped_column(Text, primary_key=True, info=C1)
    season: Mapped[str] = mapped_column(Text, primary_key=True, info=C1)
    computed_on: Mapped[date] = mapped_column(Date, primary_key=True, info=C1)
    unit: Mapped[str] = mapped_column(Text, info=C1)
    n: Mapped[int] = mapped_column(info=C1)  # arrivals
    under_way: Mapped[int] = mapped_column(info=C1)  # not arrived yet: they count as slow, never as missing
    p50: Mapped[int] = mapped_column(info=C1)
    p99: Mapped[int] = mapped_column(info=C1)
    maximum: Mapped[int] = mapped_column(info=C1)
    trusted: Mapped[bool] = mapped_column(info=C1)  # enough arrivals to rest on the sample alone
    shifted: Mapped[bool] = mapped_column(info=C1)  # the latest ones are all far slower: routing turns away


class FlagRow(Base):
    """能力记录存疑: in this field a channel shows something else than our record says; a person decides."""

    __tablename__ = "channel_flags"

    channel: Mapped[str] = mapped_column(Text, primary_key=True, info=C1)
    bank: Mapped[str] = mapped_column(Text, primary_key=True, info=C1)
    field: Mapped[str] = mapped_column(Text, primary_key=True, info=C1)
    ours: Mapped[str] = mapped_column(Text, info=C1)
    theirs: Mapped[str] = mapped_column(Text, info=C1)
    seen_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
