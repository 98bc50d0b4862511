"""Every question the check of the books asks, as the auditor's login, and what keeps and reads signed roots.

Rows come as the very bytes that are hashed: the wire form of int2, int4, int8, uuid and timestamptz is big-endian and
fixed, so a window of postings is one long `bytea` of 156 bytes a row. Row by row through COPY takes twice the time.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, LiteralString
from uuid import UUID

import psycopg
from sqlalchemy import text
from sqlalchemy.orm import Session

from anhuan.kit import audit_bytes
from anhuan.ledger import root_bytes
from anhuan.ledger.root_bytes import End, Root

EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)  # PostgreSQL counts microseconds from here
NONE: Final = -(2**63)  # an absent moment or floor
NEVER: Final = 2**63 - 1  # an absent ceiling

_NIL: Final[LiteralString] = "'00000000-0000-0000-0000-000000000000'::uuid"

# The 156 bytes of ledger.md section 8. Pairs within pairs: fewer bytes are copied than in a row of joins.
ROW_BYTES: Final[LiteralString] = f"""(
    (((int2send(shard) || int8send(batch_no)) || (int2send(line) || uuid_send(id)))
  || ((int2send(kind) || int2send(code)) || (int4send(unit) || int8send(src))))
 || (((int8send(dst) || int8send(amount)) || (int8send(src_seq) || int8send(dst_seq)))
  || (((int8send(src_bal) || int8send(dst_bal)) || (timestamptz_send(ts)
      || timestamptz_send(coalesce(event_at, '-infinity'))))
   || (uuid_send(coalesce(parent_id, {_NIL})) || (uuid_send(coalesce(group_id, {_NIL}))
      || uuid_send(coalesce(ref, {_NIL})))))))"""

_WINDOW: Final[LiteralString] = f"""
    SELECT coalesce(string_agg({ROW_BYTES}, ''::bytea), ''::bytea)
    FROM ledger.posting WHERE ts <= %s::timestamptz"""
_LATER: Final[LiteralString] = f"{_WINDOW} AND ts > %s::timestamptz"
_BY_ID: Final[LiteralString] = f"""
    SELECT coalesce(string_agg({ROW_BYTES}, ''::bytea), ''::bytea)
    FROM unnest(%s::smallint[], %s::uuid[]) AS w(s, i) JOIN ledger.posting ON shard = w.s AND id = w.i"""
_SEALS: Final[LiteralString] = """
    SELECT coalesce(string_agg(int2send(shard) || int8send(batch_no) || int2send(n) || timestamptz_send(ts)
        || substr(prev || decode(repeat('00', 32), 'hex'), 1, 32)
        || substr(hash || decode(repeat('00', 32), 'hex'), 1, 32),
        ''::bytea ORDER BY batch_no), ''::bytea)
    FROM (SELECT * FROM ledger.seal WHERE shard = %s AND batch_no > %s ORDER BY batch_no LIMIT %s) s"""
_ACCOUNTS: Final[LiteralString] = f"""
    SELECT coalesce(string_agg(int2send(shard) || int8send(id) || int4send(unit) || int2send(kind) || int8send(posted)
        || int8send(held) || int8send(held_in) || int8send(seq) || int8send(coalesce(floor, {NONE}))
        || int8send(coalesce(ceil, {NEVER})) || boolsend(over) || boolsend(frozen_out) || boolsend(frozen_in),
        ''::bytea ORDER BY shard, id), ''::bytea)
    FROM (SELECT * FROM ledger.account WHERE (shard, id) > (%s, %s) ORDER BY shard, id LIMIT %s) a"""
# Every shard with a head, an account or a seal: a loose walk over the keys, a few steps whatever the size.
_SHARDS: Final[LiteralString] = """
    WITH RECURSIVE
      a(s) AS (SELECT min(shard) FROM ledger.account UNION ALL
               SELECT (SELECT min(shard) FROM ledger.account WHERE shard > s) FROM a WHERE s IS NOT NULL),
      l(s) AS (SELECT min(shard) FROM ledger.seal UNION ALL
               SELECT (SELECT min(shard) FROM ledger.seal WHERE shard > s) FROM l WHERE s IS NOT NULL)
    SELECT s FROM a WHERE s IS NOT NULL UNION SELECT s FROM l WHERE s IS NOT NULL
    UNION SELECT shard FROM ledger.shard_head ORDER BY 1"""
_HOLDS: Final[LiteralString] = """
    SELECT coalesce(string_agg(int2send(shard) || uuid_send(id) || int8send(src) || int8send(dst) || int4send(unit)
        || int8send(amount), ''::bytea), ''::bytea)
    FROM (SELECT * FROM ledger.hold WHERE (shard, id) > (%s, %s::uuid) ORDER BY shard, id LIMIT %s) h"""
# The entry of each account with this number, in whichever role: what an account had before a window began.
_ENTRIES: Final[LiteralString] = """
    SELECT w.a, w.q, (SELECT p.src_bal FROM ledger.posting p WHERE p.shard = w.s AND p.src = w.a AND p.src_seq = w.q),
        (SELECT p.dst_bal FROM ledger.posting p WHERE p.shard = w.s AND p.dst = w.a AND p.dst_seq = w.q)
    FROM unnest(%s::smallint[], %s::bigint[], %s::bigint[]) AS w(s, a, q)"""
_LAST_CHANGES: Final[LiteralString] = """
    SELECT DISTINCT ON (shard, account) shard, account, new_floor, new_ceil, new_frozen_out, new_frozen_in
    FROM ledger.account_change ORDER BY shard, account, no DESC"""
_CUSTODY: Final[LiteralString] = """
    SELECT u.code FROM ledger.unit u LEFT JOIN ledger.licence l ON l.id = u.licence_id
    WHERE u.book = 'custody' AND (l.id IS NULL OR l.number = '' OR l.bank = '' OR l.first_approver = l.second_approver)
    ORDER BY 1"""

# A window is a small part of the books, whatever the planner thinks of it; compiling a query for each costs more.
_SETTINGS: Final = (
    "enable_seqscan = off", "jit = off", "max_parallel_workers_per_gather = 0", "work_mem = '64MB'", "timezone = 'UTC'",
)  # fmt: skip
_ROOTS: Final = "SELECT no, at, heads, prev, hash, audit_place, audit_link, key_id, signature FROM ledger.root"

Raw = psycopg.Connection[Any]


def freeze(db: Session) -> Raw:
    """Let all that this transaction reads be of one moment, let it write nothing; returns the bare connection."""
    db.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
    for setting in _SETTINGS:
        db.execute(text(f"SET LOCAL {setting}"))
    raw = db.connection().connection.driver_connection
    assert isinstance(raw, psycopg.Connection)
    return raw


def shards(raw: Raw) -> list[int]:
    """Every shard that has a head, an account or a seal."""
    return [shard for (shard,) in raw.execute(_SHARDS)]


def heads(raw: Raw) -> dict[int, tuple[int, bytes]]:
    """Batch and hash at which each shard should end."""
    found = raw.execute("SELECT shard, batch_no, hash FROM ledger.shard_head ORDER BY shard", binary=True)
    return {shard: (batch_no, bytes(digest)) for shard, batch_no, digest in found}


def seals(raw: Raw, shard: int, *, after: int, at_most: int) -> bytes:
    """The next seals of a shard by number: shard, number, rows, moment, hash before, hash; 84 bytes each."""
    return _one(raw, _SEALS, shard, after, at_most)


def window(raw: Raw, after: int | None, through: int | None) -> bytes:
    """Every posting written after one moment and until another, 156 bytes each, in no order; None: no bound."""
    until = moment(through) or "infinity"
    return _one(raw, _WINDOW, until) if after is None else _one(raw, _LATER, until, moment(after))


def postings(raw: Raw, shards: Sequence[int], ids: Sequence[UUID]) -> bytes:
    """The postings with these ids, 156 bytes each, in no order; those that do not exist are left out."""
    return _one(raw, _BY_ID, list(shards), list(ids)) if ids else b""


def accounts(raw: Raw, *, at_a_time: int) -> Iterator[bytes]:
    """Every account by shard and number, page after page; 67 bytes each."""
    last = (-(2**15), 0)
    while page := _one(raw, _ACCOUNTS, *last, at_a_time):
        yield page
        tail = page[-67:]
        last = (int.from_bytes(tail[:2], "big", signed=True), int.from_bytes(tail[2:10], "big", signed=True))


def holds(raw: Raw, *, at_a_time: int) -> Iterator[bytes]:
    """Every open hold, page after page: shard, id, src, dst, unit, amount; 46 bytes each."""
    last = (-(2**15), str(UUID(int=0)))
    while page := _one(raw, _HOLDS, *last, at_a_time):
        yield page
        ends = [page[start : start + 18] for start in range(0, len(page), 46)]
        top = max(ends, key=lambda one: (int.from_bytes(one[:2], "big", signed=True), one[2:]))
        last = (int.from_bytes(top[:2], "big", signed=True), str(UUID(bytes=top[2:])))


def entries(raw: Raw, wanted: Iterable[tuple[int, int, int]]) -> Iterator[tuple[int, int, int | None, int | None]]:
    """For (shard, account, number): account, number, balance after it as source, and as target; None: no such."""
    asked = list(wanted)
    if asked:
        columns: list[list[int]] = [list(column) for column in zip(*asked, strict=True)]
        yield from raw.execute(_ENTRIES, columns, prepare=False)


def last_changes(raw: Raw) -> dict[tuple[int, int], tuple[int | None, int | None, bool, bool]]:
    """Floor, ceiling and freezes of each account as they were last put on record."""
    return {(row[0], row[1]): (row[2], row[3], row[4], row[5]) for row in raw.execute(_LAST_CHANGES)}


def books(raw: Raw) -> dict[int, str]:
    """The book of each unit."""
    return {unit: book for unit, book in raw.execute("SELECT id, book FROM ledger.unit")}


def unlicensed(raw: Raw) -> list[str]:
    """Units of the custody book that no licence with bank and two approvers stands behind."""
    return [code for (code,) in raw.execute(_CUSTODY)]


def moment(micros: int | None) -> datetime | None:
    """The moment of PostgreSQL's count of microseconds."""
    return None if micros is None else EPOCH + timedelta(microseconds=micros)


def micros(at: datetime) -> int:
    """PostgreSQL's count of microseconds of a moment."""
    return (at - EPOCH) // timedelta(microseconds=1)


def _one(raw: Raw, query: LiteralString, *values: Any) -> bytes:
    row = raw.execute(query, values, binary=True, prepare=False).fetchone()
    assert row is not None
    return bytes(row[0])


def roots(db: Session) -> list[Root]:
    """Every signed root, oldest first."""
    return [_root(row) for row in db.execute(text(f"{_ROOTS} ORDER BY no"))]


def last_root(db: Session) -> Root | None:
    """The newest signed root."""
    row = db.execute(text(f"{_ROOTS} ORDER BY no DESC LIMIT 1")).one_or_none()
    return None if row is None else _root(row)


def time_of(db: Session) -> datetime:
    """What the database's clock says at this moment."""
    found: datetime = db.execute(text("SELECT clock_timestamp()")).scalar_one()
    return found


def roots_after(db: Session, number: int) -> list[Root]:
    """Signed roots behind a number, oldest first."""
    return [_root(row) for row in db.execute(text(f"{_ROOTS} WHERE no > :no ORDER BY no"), {"no": number})]


def root_covering(db: Session, shard: int, batch_no: int) -> Root | None:
    """The first root whose end of this shard is this batch or a later one: by halving, since ends never fall."""
    low, high = 1, last.no if (last := last_root(db)) else 0
    found = None
    while low <= high:
        middle = (low + high) // 2
        row = db.execute(text(f"{_ROOTS} WHERE no = :no"), {"no": middle}).one()
        root = _root(row)
        if any(end.shard == shard and end.batch_no >= batch_no for end in root.heads):
            found, high = root, middle - 1
        else:
            low = middle + 1
    return found


def ends(db: Session) -> tuple[End, ...]:
    """Where the chain of every shard ends now, by shard."""
    rows = db.execute(text("SELECT shard, batch_no, hash FROM ledger.shard_head ORDER BY shard"))
    return tuple(End(shard, batch_no, bytes(digest)) for shard, batch_no, digest in rows)


def oldest_behind(db: Session, signed: Mapping[int, int]) -> datetime | None:
    """The moment of the oldest batch behind these, shard by shard; None when there is none."""
    asked = text("SELECT ts FROM ledger.seal WHERE shard = :shard AND batch_no > :last ORDER BY batch_no LIMIT 1")
    behind = [end.shard for end in ends(db) if end.batch_no > signed.get(end.shard, 0)]
    found = (db.scalar(asked, {"shard": shard, "last": signed.get(shard, 0)}) for shard in behind)
    return min((at for at in found if at is not None), default=None)


def audit_end(db: Session) -> tuple[int, str]:
    """Place and link (hex) at which the audit log's chain ends now."""
    row = db.execute(text("SELECT place, link FROM audit_chain ORDER BY place DESC LIMIT 1")).one_or_none()
    return (0, audit_bytes.GENESIS.hex()) if row is None else (row.place, bytes(row.link).hex())


def keep_root(db: Session, root: Root) -> None:
    """Store a signed root; the database refuses one that is not the ends of the chains, or does not follow."""
    asked = text("SELECT ledger.root_keep(:no, :at, :heads, :prev, :place, :link, :key, :signature)")
    db.execute(asked, {
        "no": root.no, "at": datetime.fromisoformat(root.at), "heads": root.head_bytes, 
            "prev": bytes.fromhex(root.prev),
        "place": root.audit_place, "link": bytes.fromhex(root.audit_link), "key": root.key_id,
        "signature": bytes.fromhex(root.signature),
    })  # fmt: skip


def _root(row: Any) -> Root:
    root = Root(
        no=row.no,
        at=audit_bytes.moment(row.at),
        heads=root_bytes.unpack(bytes(row.heads)),
        prev=bytes(row.prev).hex(),
        audit_place=row.audit_place,
        audit_link=bytes(row.audit_link).hex(),
        key_id=row.key_id,
        signature=bytes(row.signature).hex(),
    )
    # A row whose hash is not that of its heads was signed by nobody.
    return root if root.hash == bytes(row.hash).hex() else replace(root, signature="00" * root_bytes.SIGNATURE_BYTES)
