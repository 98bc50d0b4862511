"""The rows of room statements: batches, files, bills as read, lines, which file showed which line, links, health.

Money is in minor units; every key contains the user. Lines and sightings come in hundreds of thousands: they carry no
foreign keys, which would be checked row by row, and a law test watches what the keys would have watched.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from anhuan.kit.db import Base

MOMENT = TIMESTAMP(timezone=True)


class BookRow(Base):
    """The state of one user's intake, counted: commits take turns on this row, previews rest on its number."""

    __tablename__ = "statement_books"
    __table_args__ = (UniqueConstraint("user_id"),)

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    state: Mapped[int] = mapped_column(BigInteger)


class ImportRow(Base):
    """One batch of files; `change_set` holds a preview until it is committed or a day old."""

    __tablename__ = "statement_imports"
    __table_args__ = (CheckConstraint("state in ('previewed', 'committed', 'taken_back')", name="state_known"),)

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(Text)
    book: Mapped[int] = mapped_column(BigInteger)
    made_at: Mapped[datetime] = mapped_column(MOMENT)
    committed_at: Mapped[datetime | None] = mapped_column(MOMENT)
    taken_back_at: Mapped[datetime | None] = mapped_column(MOMENT)
    change_set: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    counts: Mapped[dict[str, Any]] = mapped_column(JSONB)  # files, lines, bills_new, ...: see changes.Commit


class FileRow(Base):
    """One file that was stored: its hash and what it was, never its bytes; `standing` is false once taken back.

    A file that a second batch was given too stands once; the second batch's row waits to take the first one's place.
    """

    __tablename__ = "statement_files"
    __table_args__ = (
        ForeignKeyConstraint(["user_id", "import_id"], ["statement_imports.user_id", "statement_imports.id"]),
        Index("statement_files_hash", "user_id", "sha256", unique=True, postgresql_where=text("standing")),
        Index("statement_files_import", "user_id", "import_id"),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    import_id: Mapped[UUID]
    position: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(Text)
    bank: Mapped[str | None] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    account: Mapped[str | None] = mapped_column(Text)
    reader: Mapped[str] = mapped_column(Text)
    template: Mapped[str] = mapped_column(Text)
    complete: Mapped[bool]
    problems: Mapped[list[Any]] = mapped_column(JSONB)
    read_at: Mapped[datetime] = mapped_column(MOMENT)
    standing: Mapped[bool]


class ReadBillRow(Base):
    """One bill as one file printed it; `bill_id` is its record in room cards, `superseded_by` a later version."""

    __tablename__ = "statement_bills"
    __table_args__ = (
        ForeignKeyConstraint(["user_id", "file_id"], ["statement_files.user_id", "statement_files.id"]),
        Index("statement_bills_file", "user_id", "file_id"),
        Index("statement_bills_day", "user_id", "bank", "statement_on"),
        Index("statement_bills_bill", "user_id", "bill_id"),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    file_id: Mapped[UUID]
    position: Mapped[int] = mapped_column(Integer)
    bill_id: Mapped[UUID | None]
    effect: Mapped[str] = mapped_column(Text)
    bank: Mapped[str | None] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    cards: Mapped[list[str]] = mapped_column(ARRAY(Text))
    level: Mapped[str] = mapped_column(Text)
    statement_on: Mapped[date | None]
    total_minor: Mapped[int | None] = mapped_column(BigInteger)
    explained: Mapped[bool]
    facts: Mapped[bytes | None] = mapped_column(LargeBinary)  # as told to room cards; None: the bill says too little
    superseded_by: Mapped[UUID | None]


class FieldRow(Base):
    """One field of a bill as read: its text, how sure (0 to 1), where it stood, whether a rule filled it in."""

    __tablename__ = "statement_fields"
    __table_args__ = (UniqueConstraint("user_id", "read_bill_id", "name"),)

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    read_bill_id: Mapped[UUID]
    name: Mapped[str] = mapped_column(Text)
    value: Mapped[str | None] = mapped_column(Text)
    confidence: Mapped[float | None] = mapped_column(Float)
    span: Mapped[str | None] = mapped_column(Text)
    inferred: Mapped[bool]


class LineRow(Base):
    """One row of any source, stored once; identical rows are told apart by `occurrence`.

    `standing` is false when only superseded versions of a bill show it; such a line is history and counts nowhere.
    """

    __tablename__ = "statement_lines"
    __table_args__ = (
        UniqueConstraint("user_id", "row_key", "occurrence"),
        Index("statement_lines_amount", "user_id", "currency", func.abs(text("amount_minor"))),
        Index("statement_lines_day", "user_id", "day"),
        Index("statement_lines_order", "user_id", "order_root", postgresql_where=text("order_root is not null")),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    row_key: Mapped[UUID]
    occurrence: Mapped[int] = mapped_column(Integer)
    stream: Mapped[str] = mapped_column(Text)
    file_kind: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    bank: Mapped[str | None] = mapped_column(Text)
    card: Mapped[str | None] = mapped_column(Text)
    account: Mapped[str | None] = mapped_column(Text)
    day: Mapped[date | None]  # the trade day, else the posting day
    posted_on: Mapped[date | None]
    traded_on: Mapped[date | None]
    description: Mapped[str] = mapped_column(Text)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    reference: Mapped[str | None] = mapped_column(Text)
    order_root: Mapped[str | None] = mapped_column(Text)
    counterparty: Mapped[str | None] = mapped_column(Text)
    paid_with: Mapped[str | None] = mapped_column(Text)
    original_minor: Mapped[int | None] = mapped_column(BigInteger)
    original_currency: Mapped[str | None] = mapped_column(Text)
    share: Mapped[int | None] = mapped_column(Integer)
    shares: Mapped[int | None] = mapped_column(Integer)
    balance_minor: Mapped[int | None] = mapped_column(BigInteger)
    standing: Mapped[bool]


class SightingRow(Base):
    """One file shows one line, at this place; a line lives as long as a file shows it."""

    __tablename__ = "statement_sightings"
    __table_args__ = (
        Index("statement_sightings_line", "user_id", "line_id"),
        Index("statement_sightings_file", "user_id", "file_id"),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    file_id: Mapped[UUID]
    line_id: Mapped[UUID]
    read_bill_id: Mapped[UUID | None]
    position: Mapped[int] = mapped_column(Integer)
    span: Mapped[str] = mapped_column(Text)
    standing: Mapped[bool]  # false when the bill it stands in was superseded


class LinkRow(Base):
    """A decision that two lines belong together, with its score (thousandths) and reason; it removes neither."""

    __tablename__ = "statement_links"
    __table_args__ = (
        UniqueConstraint("user_id", "kind", "first_id", "second_id"),
        Index("statement_links_second", "user_id", "second_id"),
        CheckConstraint("first_id <> second_id", name="two_lines"),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    first_id: Mapped[UUID]
    second_id: Mapped[UUID]
    score: Mapped[int] = mapped_column(Integer)
    reason: Mapped[str] = mapped_column(Text)


class MappingRow(Base):
    """The columns that the user named for tables with these headings."""

    __tablename__ = "statement_mappings"
    __table_args__ = (UniqueConstraint("user_id", "fingerprint"),)

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(Text)
    headings: Mapped[list[str]] = mapped_column(ARRAY(Text))
    mapping: Mapped[dict[str, Any]] = mapped_column(JSONB)
    saved_at: Mapped[datetime] = mapped_column(MOMENT)


class MetRow(Base):
    """Parser health: a reader met a file and this came of it (`read`, `template_changed`, `failed`)."""

    __tablename__ = "statement_readings"
    __table_args__ = (Index("statement_readings_reader", "user_id", "reader", "template"),)

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    reader: Mapped[str] = mapped_column(Text)
    template: Mapped[str] = mapped_column(Text)
    bank: Mapped[str | None] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    outcome: Mapped[str] = mapped_column(Text)
    problem: Mapped[str | None] = mapped_column(Text)
    met_at: Mapped[datetime] = mapped_column(MOMENT)
