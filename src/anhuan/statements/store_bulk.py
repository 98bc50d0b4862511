"""Bulk writes: thousands of rows in one INSERT, handed over as binary arrays that the database unnests.

PostgreSQL refuses COPY into a table behind the wall of rows, because COPY does not ask the wall about each row.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from itertools import chain, islice
from struct import Struct
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from psycopg.adapt import Dumper
from psycopg.pq import Format
from sqlalchemy import Column
from sqlalchemy.dialects.postgresql import dialect
from sqlalchemy.orm import Session

from anhuan.kit import clock
from anhuan.kit.db import Base
from anhuan.kit.vault import Sealed

CHUNK: Final = 2000  # rows of one statement: more gain nothing
NULL: Final = b"\xff\xff\xff\xff"  # an absent value, as the wire has it
_SIZE: Final = Struct(">i")
_ARRAY: Final = Struct(">iiIii")  # dimensions, whether any is NULL, type of the elements, how many, number of the first
_UUID_MARK: Final = 0x7 << 76 | 0b10 << 62
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)  # PostgreSQL counts days and microseconds from here
_EPOCH_DAY: Final = date(2000, 1, 1).toordinal()
_MICROSECOND: Final = timedelta(microseconds=1)


class Kind(NamedTuple):
    """A type as SQL calls it, its number in PostgreSQL's catalogue, and how one value of it is sent."""

    name: str
    number: int
    encode: Callable[[Any], bytes]


def new_ids(count: int) -> list[UUID]:
    """Many ids of this moment at once, like `kit.ids.new_id` and in its form, for rows that come by the thousand."""
    stamp = int(clock.now().timestamp() * 1000) & (1 << 48) - 1
    chance, head = os.urandom(10 * count), stamp << 80 | _UUID_MARK
    made = []
    for at in range(0, 10 * count, 10):
        bits = int.from_bytes(chance[at : at + 10], "big")
        made.append(head | (bits >> 68) << 64 | bits & (1 << 62) - 1)
    made.sort()  # in the order of an index, which then grows at its end alone
    return [UUID(int=each) for each in made]


def id_stream() -> Iterator[UUID]:
    """Fresh ids without end: few at a time for a mail, many for a long export."""
    count = 32
    while True:
        yield from new_ids(count)
        count = min(4 * count, CHUNK)


def write(db: Session, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write many rows at once, in the order of `columns`; what belongs into a sealed column is sealed on the way."""
    command, kinds = _command(table, tuple(columns))
    send(db, command, (
        [array(kind, column) for kind, column in zip(kinds, zip(*part, strict=True), strict=True)]
        for part in parts(rows)
    ))  # fmt: skip


def parts(rows: Iterable[Any]) -> Iterator[list[Any]]:
    """The rows in parts that one statement takes."""
    waiting = iter(rows)
    while part := list(islice(waiting, CHUNK)):
        yield part


def send(db: Session, command: str, lists: Iterable[Sequence[bytes]]) -> None:
    """Run a command on this transaction's own connection, once for each list of values (`%b` in the command).

    The values are as the wire has them. While the database works on one list, the next is made ready.
    """
    waiting = iter(lists)
    if (first := next(waiting, None)) is None:
        return
    db.flush()
    raw = db.connection().connection.driver_connection
    assert raw is not None
    with raw.cursor() as cursor:
        cursor.adapters.register_dumper(_Wire, _WireDumper)
        if (second := next(waiting, None)) is None:
            cursor.execute(command, _wired(first), prepare=False)  # planned for this many rows
            return
        with raw.pipeline():
            for each in chain((first, second), waiting):
                cursor.execute(command, _wired(each), prepare=False)


def array(kind: Kind, values: Iterable[Any]) -> bytes:
    """An array of values of one kind, as the wire has it."""
    encode = kind.encode
    return array_of(kind, [NULL if value is None else encode(value) for value in values])


def array_of(kind: Kind, elements: Sequence[bytes]) -> bytes:
    """The same of elements that were encoded before."""
    return _ARRAY.pack(1, 1, kind.number, len(elements), 1) + b"".join(elements)


def sized(value: bytes) -> bytes:
    """One element: its length, then itself."""
    return _SIZE.pack(len(value)) + value


def _wired(values: Iterable[bytes]) -> list["_Wire"]:
    return [_Wire(value) for value in values]


class _Wire:
    """A value in the binary form of its type already."""

    __slots__ = ("value",)

    def __init__(self, value: bytes) -> None:
        self.value = value


class _WireDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: _Wire) -> bytes:
        return obj.value


def _fixed(form: str) -> Callable[[Any], bytes]:
    """An encoder for numbers: the length and the number in one."""
    packed = Struct(f">i{form}")
    length = packed.size - _SIZE.size
    return lambda value: packed.pack(length, value)


def _text(value: str) -> bytes:
    return sized(value.replace("\0", "").encode())  # a text column takes no zero byte


def _list(value: Sequence[str]) -> bytes:
    quoted = ('"' + item.replace("\\", "\\\\").replace('"', '\\"') + '"' for item in value)
    return _text("{" + ",".join(quoted) + "}")


_day = _fixed("i")
_moment = _fixed("q")
UUIDS: Final = Kind("uuid", 2950, lambda value: b"\0\0\0\x10" + value.bytes)
TEXTS: Final = Kind("text", 25, lru_cache(maxsize=4096)(_text))
INTEGERS: Final = Kind("integer", 23, _fixed("i"))
BIGINTS: Final = Kind("bigint", 20, _fixed("q"))
TRUTHS: Final = Kind("boolean", 16, _fixed("?"))
DAYS: Final = Kind("date", 1082, lru_cache(maxsize=8192)(lambda value: _day(value.toordinal() - _EPOCH_DAY)))
BYTES: Final = Kind("bytea", 17, sized)
_LISTS: Final = Kind("text", TEXTS.number, _list)  # as text: an array of arrays would be unnested whole
_KINDS: Final = {
    "UUID": UUIDS,
    "TEXT": TEXTS,
    "INTEGER": INTEGERS,
    "BIGINT": BIGINTS,
    "BOOLEAN": TRUTHS,
    "DATE": DAYS,
    "BYTEA": BYTES,
    "FLOAT": Kind("float8", 701, _fixed("d")),
    "TIMESTAMP WITH TIME ZONE": Kind("timestamptz", 1184, lambda value: _moment((value - _EPOCH) // _MICROSECOND)),
    "JSONB": Kind("jsonb", 3802, lambda value: sized(b"\1" + msgspec.json.encode(value))),
    "TEXT[]": _LISTS,
}


@cache
def _command(table: str, columns: tuple[str, ...]) -> tuple[str, tuple[Kind, ...]]:
    """The INSERT for these columns, and what is sent for each of them."""
    known = Base.metadata.tables[table].columns
    kinds = tuple(_kind_of(known[name]) for name in columns)
    arrays = ", ".join(f"%b::{kind.name}[]" for kind in kinds)
    taken = ", ".join(f"{name}::text[]" if kind is _LISTS else name for name, kind in zip(columns, kinds, strict=True))
    named = ", ".join(columns)
    return f"INSERT INTO {table} ({named}) SELECT {taken} FROM unnest({arrays}) AS given ({named})", kinds


def _kind_of(column: Column[Any]) -> Kind:
    if isinstance(kind := column.type, Sealed):
        return Kind(BYTES.name, BYTES.number, lambda value: sized(kind.process_bind_param(value, _DIALECT) or b""))
    return _KINDS[str(column.type.compile(dialect=_DIALECT))]


_DIALECT: Final = dialect()  # type: ignore[no-untyped-call]
