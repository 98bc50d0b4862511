"""The rows of consent, of agreements, of requests about one's own data. Consents and acceptances are only added to."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, Text, UniqueConstraint, column
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from anhuan.kit.classes import C1, c3_hashed
from anhuan.kit.db import Base

MOMENT = TIMESTAMP(timezone=True)


class ConsentRow(Base):
    """One yes or no to one purpose; the newest step of a purpose says what holds, and none is ever edited."""

    __tablename__ = "consent_events"
    __table_args__ = (
        UniqueConstraint("user_id", "purpose", "partner", "step"),
        CheckConstraint("event in ('given', 'withdrawn')", name="event_known"),
        CheckConstraint("(event = 'given') = (expires_at is not null)", name="a_yes_ends"),
        CheckConstraint("(purpose = 'sharing') = (partner <> '')", name="sharing_names_a_partner"),
        CheckConstraint("channel in ('page', 'api', 'command', 'paper')", name="channel_known"),
        CheckConstraint("mode in ('view', 'store', 'query', 'stream')", name="mode_known"),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    purpose: Mapped[str] = mapped_column(Text, info=C1)
    partner: Mapped[str] = mapped_column(Text, info=C1)  # "": nobody else
    step: Mapped[int] = mapped_column(info=C1)
    event: Mapped[str] = mapped_column(Text, info=C1)
    person_id: Mapped[UUID | None] = mapped_column(info=C1)  # who said it, for the party
    document_version: Mapped[int] = mapped_column(info=C1)
    document_sha256: Mapped[bytes] = mapped_column(LargeBinary, info=C1)
    rendered_sha256: Mapped[bytes] = mapped_column(LargeBinary, info=C1)  # what stood on the screen, in its language
    data_types: Mapped[list[Any]] = mapped_column(info=C1)
    mode: Mapped[str] = mapped_column(Text, info=C1)
    periodic: Mapped[bool] = mapped_column(info=C1)
    channel: Mapped[str] = mapped_column(Text, info=C1)
    session_id: Mapped[UUID | None] = mapped_column(info=C1)  # its row tells the device
    at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    expires_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)


class AcceptanceRow(Base):
    """One acceptance of one version of an agreement."""

    __tablename__ = "agreement_acceptances"
    __table_args__ = (UniqueConstraint("user_id", "kind", "version"),)

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    person_id: Mapped[UUID | None] = mapped_column(info=C1)
    kind: Mapped[str] = mapped_column(Text, info=C1)
    version: Mapped[int] = mapped_column(info=C1)
    document_sha256: Mapped[bytes] = mapped_column(LargeBinary, info=C1)
    rendered_sha256: Mapped[bytes] = mapped_column(LargeBinary, info=C1)
    channel: Mapped[str] = mapped_column(Text, info=C1)
    session_id: Mapped[UUID | None] = mapped_column(info=C1)
    at: Mapped[datetime] = mapped_column(MOMENT, info=C1)


class DocumentRow(Base):
    """A version of a text that was published at the desk; the first version of each comes with the program."""

    __tablename__ = "documents"
    __table_args__ = (CheckConstraint("approved_by <> proposed_by", name="two_people"),)

    kind: Mapped[str] = mapped_column(Text, primary_key=True, info=C1)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, info=C1)
    zh: Mapped[str] = mapped_column(Text, info=C1)
    en: Mapped[str] = mapped_column(Text, info=C1)
    sha256: Mapped[bytes] = mapped_column(LargeBinary, info=C1)
    made_on: Mapped[date] = mapped_column(info=C1)
    in_force_on: Mapped[date] = mapped_column(info=C1)
    anew: Mapped[bool] = mapped_column(info=C1)  # purpose, way or data changed: an earlier yes does not cover it
    published_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    proposed_by: Mapped[UUID] = mapped_column(info=C1)
    approved_by: Mapped[UUID] = mapped_column(info=C1)
    change_id: Mapped[UUID | None] = mapped_column(info=C1)


class DataRequestRow(Base):
    """A person's request for a copy of everything, or to be erased; the job that fulfils it reports here."""

    __tablename__ = "data_requests"
    __table_args__ = (
        CheckConstraint("kind in ('export', 'erasure')", name="kind_known"),
        CheckConstraint("state in ('waiting', 'cooling', 'running', 'done', 'cancelled', 'gone')", name="state_known"),
        CheckConstraint("percent between 0 and 100", name="percent_of_a_whole"),
        Index("ix_data_requests_receipt_hash", "receipt_hash"),
        Index(
            "data_requests_one_open", "user_id", "kind", unique=True,
            postgresql_where=column("state").in_(("waiting", "cooling", "running")),
        ),
    )  # fmt: skip

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    person_id: Mapped[UUID | None] = mapped_column(info=C1)
    kind: Mapped[str] = mapped_column(Text, info=C1)
    state: Mapped[str] = mapped_column(Text, info=C1)
    percent: Mapped[int] = mapped_column(info=C1)
    doing: Mapped[str] = mapped_column(Text, info=C1)  # the room at work, or ""
    lang: Mapped[str] = mapped_column(Text, info=C1)
    asked_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    acts_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)  # not before: end of the cooling time
    done_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    expires_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)  # an export's file is deleted then
    fetched_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    file_name: Mapped[str | None] = mapped_column(Text, info=C1)  # random, under ANHUAN_HOME/exports
    file_bytes: Mapped[int | None] = mapped_column(info=C1)
    receipt_hash: Mapped[bytes | None] = mapped_column(LargeBinary, info=c3_hashed("SHA-256 of 256 random bits"))
    report: Mapped[dict[str, Any]] = mapped_column(info=C1)  # rows by table: what went, what stays, why, until when
