"""The rows of room statements: batches, files, bills as read, lines, which file showed which line, links, health.

Money is in minor units; every key contains the user. Lines and sightings come in hundreds of thousands: they carry no
foreign keys, which would be checked row by row, and a law test watches what the keys would have watched; what a line
says lies in one sealed value.
"""

from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Dialect,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from anhuan.kit import vault
from anhuan.kit.classes import C1, C2, c2_hashed
from anhuan.kit.db import Base
from anhuan.kit.vault import Sealed

MOMENT = TIMESTAMP(timezone=True)


class BookRow(Base):
    """The state of one user's intake, counted: commits take turns on this row, previews rest on its number."""

    __tablename__ = "statement_books"
    __table_args__ = (UniqueConstraint("user_id"),)

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    state: Mapped[int] = mapped_column(BigInteger, info=C1)


class ImportRow(Base):
    """One batch of files; `change_set` holds a preview until it is committed or a day old."""

    __tablename__ = "statement_imports"
    __table_args__ = (CheckConstraint("state in ('previewed', 'committed', 'taken_back')", name="state_known"),)

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    state: Mapped[str] = mapped_column(Text, info=C1)
    book: Mapped[int] = mapped_column(BigInteger, info=C1)
    made_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    committed_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    taken_back_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    change_set: Mapped[bytes | None] = mapped_column(Sealed(bytes), deferred=True, info=C2)
    counts: Mapped[dict[str, Any]] = mapped_column(JSONB, info=C1)  # files, lines, bills_new, ...: see changes.Commit
    balances: Mapped[list[Any] | None] = mapped_column(Sealed(list), info=C2)  # what own accounts hold: see writing.py


class FileRow(Base):
    """One file that was stored: its hash and what it was, never its bytes; `standing` is false once taken back.

    A file that a second batch was given too stands once; the second batch's row waits to take the first one's place.
    """

    __tablename__ = "statement_files"
    __table_args__ = (
        ForeignKeyConstraint(["user_id", "import_id"], ["statement_imports.user_id", "statement_imports.id"]),
        Index("statement_files_content", "user_id", "content_key", unique=True, postgresql_where=text("standing")),
        Index("statement_files_import", "user_id", "import_id"),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    import_id: Mapped[UUID] = mapped_column(info=C1)
    position: Mapped[int] = mapped_column(Integer, info=C1)
    name: Mapped[str] = mapped_column(Sealed(str), info=C2)
    sha256: Mapped[str] = mapped_column(Sealed(str), info=C2)
    content_key: Mapped[bytes] = mapped_column(LargeBinary, info=c2_hashed("keyed hash of the file's own hash"))
    size: Mapped[int] = mapped_column(BigInteger, info=C1)
    kind: Mapped[str] = mapped_column(Text, info=C1)
    bank: Mapped[str | None] = mapped_column(Text, info=C1)
    source: Mapped[str] = mapped_column(Text, info=C1)
    account: Mapped[str | None] = mapped_column(Sealed(str), info=C2)
    reader: Mapped[str] = mapped_column(Text, info=C1)
    template: Mapped[str] = mapped_column(Text, info=C1)
    complete: Mapped[bool] = mapped_column(info=C1)
    problems: Mapped[list[Any]] = mapped_column(Sealed(list), info=C2)  # their sentences quote the file
    read_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    standing: Mapped[bool] = mapped_column(info=C1)


class ReadBillRow(Base):
    """One bill as one file printed it; `bill_id` is its record in room cards, `superseded_by` a later version."""

    __tablename__ = "statement_bills"
    __table_args__ = (
        ForeignKeyConstraint(["user_id", "file_id"], ["statement_files.user_id", "statement_files.id"]),
        Index("statement_bills_file", "user_id", "file_id"),
        Index("statement_bills_day", "user_id", "bank", "statement_on"),
        Index("statement_bills_bill", "user_id", "bill_id"),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    file_id: Mapped[UUID] = mapped_column(info=C1)
    position: Mapped[int] = mapped_column(Integer, info=C1)
    bill_id: Mapped[UUID | None] = mapped_column(info=C1)
    effect: Mapped[str] = mapped_column(Text, info=C1)
    bank: Mapped[str | None] = mapped_column(Text, info=C1)
    currency: Mapped[str] = mapped_column(Text, info=C1)
    cards: Mapped[list[str]] = mapped_column(ARRAY(Text), info=C1)  # last digits
    level: Mapped[str] = mapped_column(Text, info=C1)
    statement_on: Mapped[date | None] = mapped_column(info=C1)
    total_minor: Mapped[int | None] = mapped_column(Sealed(int), info=C2)
    explained: Mapped[bool] = mapped_column(info=C1)
    facts: Mapped[bytes | None] = mapped_column(Sealed(bytes), info=C2)  # told to room cards; None: it says too little
    superseded_by: Mapped[UUID | None] = mapped_column(info=C1)


class FieldRow(Base):
    """One field of a bill as read: its text, how sure (0 to 1), where it stood, whether a rule filled it in."""

    __tablename__ = "statement_fields"
    __table_args__ = (UniqueConstraint("user_id", "read_bill_id", "name"),)

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    read_bill_id: Mapped[UUID] = mapped_column(info=C1)
    name: Mapped[str] = mapped_column(Text, info=C1)
    value: Mapped[str | None] = mapped_column(Sealed(str), info=C2)
    confidence: Mapped[float | None] = mapped_column(Float, info=C1)
    span: Mapped[str | None] = mapped_column(Sealed(str), info=C2)
    inferred: Mapped[bool] = mapped_column(info=C1)


class Said(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What one line says about its owner, money in minor units; packed into one value, because lines come in masses."""

    key: bytes  # 128 bits of the row as printed: see sameness.py
    amount: int
    description: str
    reference: str | None
    counterparty: str | None
    paid_with: str | None
    original: tuple[int, str] | None  # amount and currency of the trade, where it differs
    instalment: tuple[int, int] | None
    balance: int | None
    account: str | None  # the last field is text or nothing: see `pack_said`


_WRITE: Final = msgspec.msgpack.Encoder()
_READ: Final = msgspec.msgpack.Decoder(Said)
_STEP: Final = 16  # the length of a sealed value can be seen, so it tells of 16 bytes at a time
_FILL: Final = b"\xc1"  # MessagePack never uses this byte as a type, nor UTF-8 at all
_FILLS: Final = tuple(_FILL * count for count in range(_STEP))


def pack_said(said: Said | tuple[Any, ...]) -> bytes:
    """What a line says (or its fields in the order of `Said`) as bytes, filled up to a multiple of 16."""
    packed = _WRITE.encode(said)
    return packed + _FILLS[-len(packed) % _STEP]


class SealedSaid(Sealed):
    """The type of the column in which `Said` lies."""

    cache_ok = True

    def __init__(self, place: str = "") -> None:
        super().__init__(Said, place)

    def process_bind_param(self, value: Said | None, dialect: Dialect) -> bytes | None:
        """Pack and seal."""
        return None if value is None else vault.seal_raw(self._known_place(), pack_said(value))

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Said | None:
        """Open and unpack."""
        return None if value is None else _READ.decode(vault.open_raw(self.place, value).rstrip(_FILL))


class LineRow(Base):
    """One row of any source, stored once; identical rows are told apart by `occurrence`.

    `standing` is false when only superseded versions of a bill show it; such a line is history and counts nowhere.
    """

    __tablename__ = "statement_lines"
    __table_args__ = (
        UniqueConstraint("user_id", "row_key", "occurrence"),
        Index("statement_lines_amount", "user_id", "amount_key", postgresql_where=text("amount_key is not null")),
        Index("statement_lines_day", "user_id", "day"),
        Index("statement_lines_order", "user_id", "order_key", postgresql_where=text("order_key is not null")),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    row_key: Mapped[UUID] = mapped_column(info=c2_hashed("keyed hash of the row as printed"))
    occurrence: Mapped[int] = mapped_column(Integer, info=C1)
    amount_key: Mapped[int | None] = mapped_column(BigInteger, info=c2_hashed("keyed hash of currency and amount"))
    order_key: Mapped[int | None] = mapped_column(BigInteger, info=c2_hashed("keyed hash of the order number's root"))
    stream: Mapped[str] = mapped_column(Text, info=C1)
    file_kind: Mapped[str] = mapped_column(Text, info=C1)
    source: Mapped[str] = mapped_column(Text, info=C1)
    bank: Mapped[str | None] = mapped_column(Text, info=C1)
    card: Mapped[str | None] = mapped_column(Text, info=C1)  # last digits
    account_tail: Mapped[str | None] = mapped_column(Text, info=C1)  # of a row that names no card
    day: Mapped[date | None] = mapped_column(info=C1)  # the trade day, else the posting day
    posted_on: Mapped[date | None] = mapped_column(info=C1)
    traded_on: Mapped[date | None] = mapped_column(info=C1)
    currency: Mapped[str] = mapped_column(Text, info=C1)
    kind: Mapped[str] = mapped_column(Text, info=C1)
    tells_cost: Mapped[bool] = mapped_column(info=C1)  # of a card's fee or interest: see kinds.py
    standing: Mapped[bool] = mapped_column(info=C1)
    said: Mapped[Said] = mapped_column(SealedSaid(), info={**C2, "packs": Said.__struct_fields__})


class SightingRow(Base):
    """One file shows one line, at this place; a line lives as long as a file shows it."""

    __tablename__ = "statement_sightings"
    __table_args__ = (Index("statement_sightings_line", "user_id", "line_id"),)

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    file_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    line_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    read_bill_id: Mapped[UUID | None] = mapped_column(info=C1)
    position: Mapped[int] = mapped_column(Integer, info=C1)
    place: Mapped[str] = mapped_column(Text, info=C1)  # row 12, p2 y314
    quote: Mapped[str | None] = mapped_column(Sealed(str), info=C2)  # what the reader quotes of that place
    standing: Mapped[bool] = mapped_column(info=C1)  # false when the bill it stands in was superseded


class LinkRow(Base):
    """A decision that two lines belong together, with its score (thousandths) and reason; it removes neither."""

    __tablename__ = "statement_links"
    __table_args__ = (
        UniqueConstraint("user_id", "kind", "first_id", "second_id"),
        Index("statement_links_second", "user_id", "second_id"),
        CheckConstraint("first_id <> second_id", name="two_lines"),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    kind: Mapped[str] = mapped_column(Text, info=C1)
    first_id: Mapped[UUID] = mapped_column(info=C1)
    second_id: Mapped[UUID] = mapped_column(info=C1)
    score: Mapped[int] = mapped_column(Integer, info=C1)
    reason: Mapped[str] = mapped_column(Text, info=C1)


class MappingRow(Base):
    """The columns that the user named for tables with these headings."""

    __tablename__ = "statement_mappings"
    __table_args__ = (UniqueConstraint("user_id", "fingerprint"),)

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    fingerprint: Mapped[str] = mapped_column(Text, info=C1)
    headings: Mapped[list[str]] = mapped_column(ARRAY(Text), info=C1)
    mapping: Mapped[dict[str, Any]] = mapped_column(JSONB, info=C1)
    saved_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)


class MetRow(Base):
    """Parser health: a reader met a file and this came of it (`read`, `template_changed`, `failed`)."""

    __tablename__ = "statement_readings"
    __table_args__ = (Index("statement_readings_reader", "user_id", "reader", "template"),)

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    reader: Mapped[str] = mapped_column(Text, info=C1)
    template: Mapped[str] = mapped_column(Text, info=C1)
    bank: Mapped[str | None] = mapped_column(Text, info=C1)
    kind: Mapped[str] = mapped_column(Text, info=C1)
    outcome: Mapped[str] = mapped_column(Text, info=C1)
    problem: Mapped[str | None] = mapped_column(Text, info=C1)
    met_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
