"""The chain of seals worked out apart from the product: bytes of each row (ledger.md, section 8), SHA-256, compare."""

import hashlib
import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, Final, NamedTuple
from uuid import UUID

import psycopg
from psycopg.rows import namedtuple_row

GENESIS: Final = bytes(32)
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_SHAPE: Final = struct.Struct(">hqh16shhi7qqq16s16s16s")
_ROWS: Final = """SELECT shard, batch_no, line, id, kind, code, unit, src, dst, amount, src_seq, dst_seq, src_bal,
                         dst_bal, ts, event_at, parent_id, group_id, ref
                  FROM ledger.posting ORDER BY shard, batch_no, line"""
_SEALS: Final = "SELECT shard, batch_no, n, ts, prev, hash FROM ledger.seal ORDER BY shard, batch_no"


class Fault(NamedTuple):
    """Where a chain breaks first, and how."""

    shard: int
    batch_no: int
    what: str


def bytes_of(row: Any) -> bytes:
    """The 156 bytes of a posting, big-endian."""
    assert _SHAPE.size == 156
    return _SHAPE.pack(
        row.shard, row.batch_no, row.line, row.id.bytes, row.kind, row.code, row.unit,
        row.src, row.dst, row.amount, row.src_seq, row.dst_seq, row.src_bal, row.dst_bal,
        _micros(row.ts), -(2**63) if row.event_at is None else _micros(row.event_at),
        _or_zeros(row.parent_id), _or_zeros(row.group_id), _or_zeros(row.ref),
    )  # fmt: skip


def faults(connection: psycopg.Connection[Any]) -> list[Fault]:
    """The first fault of every shard whose rows, seals and head do not tell one story; none for an honest ledger."""
    with connection.cursor(row_factory=namedtuple_row) as named:
        cursor: Any = named
        rows = {
            key: list(some)
            for key, some in groupby(cursor.execute(_ROWS).fetchall(), key=lambda r: (r.shard, r.batch_no))
        }
        seals = {shard: list(some) for shard, some in groupby(cursor.execute(_SEALS).fetchall(), key=lambda s: s.shard)}
        heads = cursor.execute("SELECT shard, batch_no, hash FROM ledger.shard_head ORDER BY shard").fetchall()
    found = [next(_faults_of(head, seals.get(head.shard, []), rows), None) for head in heads]
    return [fault for fault in found if fault is not None]


def _faults_of(head: Any, seals: list[Any], rows: dict[tuple[int, int], list[Any]]) -> Iterator[Fault]:
    last, number = GENESIS, 0
    for number, seal in enumerate(seals, 1):
        lines = rows.get((head.shard, seal.batch_no), [])
        if (seal.batch_no, seal.prev) != (number, last):
            yield Fault(head.shard, number, "does not follow the seal before")
        if seal.n != len(lines) or any(line.ts != seal.ts for line in lines):
            yield Fault(head.shard, number, "has other lines than it says")
        last = hashlib.sha256(last + b"".join(map(bytes_of, lines))).digest()
        if last != seal.hash:
            yield Fault(head.shard, number, "its lines are not those that were sealed")
    if (head.batch_no, head.hash) != (number, last):
        yield Fault(head.shard, number + 1, "the head stands elsewhere")
    if any(shard == head.shard and batch_no > number for shard, batch_no in rows):
        yield Fault(head.shard, number + 1, "lines without a seal")


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _or_zeros(some: UUID | None) -> bytes:
    return bytes(16) if some is None else some.bytes
