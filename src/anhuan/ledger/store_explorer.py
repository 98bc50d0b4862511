"""What operators' pages ask of the books: house accounts, one account by shard and number, postings, batches, holds.

Every question has an index to stand on: accounts by their key, entries by (shard, account, seq), postings by id within
each shard, the rows of a batch by its moment, which is one per batch and shard.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from anhuan.ledger.store_proof import ROW_BYTES

_SHARDS: Final = "shard = ANY (ARRAY (SELECT shard FROM ledger.shard_head))"
_ACCOUNT: Final = """
    a.shard, a.id AS number, u.code AS unit, u.scale, u.book, a.kind, a.owner, a.sub, a.floor, a.ceil, a.posted, a.held,
    a.held_in, a.seq, a.over, a.frozen_out, a.frozen_in, a.opened_at, a.closed_at"""
_FROM: Final = "FROM ledger.account a JOIN ledger.unit u ON u.id = a.unit"
_POSTING: Final = """
    p.shard, p.id, p.kind, p.code, p.src, p.dst, p.amount, u.code AS unit, u.scale, p.src_seq, p.dst_seq, p.src_bal,
    p.dst_bal, p.batch_no, p.line, p.ts, p.event_at, p.parent_id, p.group_id, p.ref"""
_POSTED: Final = "FROM ledger.posting p JOIN ledger.unit u ON u.id = p.unit"


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One account as the table has it: minor units of its unit, `posted` = credits - debits."""

    shard: int
    number: int
    unit: str
    scale: int
    book: str
    kind: int
    owner: UUID | None
    sub: str
    floor: int | None
    ceil: int | None
    posted: int
    held: int
    held_in: int
    seq: int
    over: bool
    frozen_out: bool
    frozen_in: bool
    opened_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Together:
    """A house account added up over its shards."""

    unit: str
    scale: int
    book: str
    kind: int
    sub: str
    posted: int
    held: int
    shards: int
    entries: int


@dataclass(frozen=True, slots=True)
class EntryRow:
    """分录: one side of a posting as its account sees it; holds and releases move nothing (`delta` 0)."""

    seq: int
    delta: int
    amount: int
    balance: int
    other: int
    id: UUID
    kind: int
    code: int
    ref: UUID | None
    ts: datetime
    event_at: datetime | None


@dataclass(frozen=True, slots=True)
class PostingRow:
    """凭证: one posting, complete."""

    shard: int
    id: UUID
    kind: int
    code: int
    src: int
    dst: int
    amount: int
    unit: str
    scale: int
    src_seq: int
    dst_seq: int
    src_bal: int
    dst_bal: int
    batch_no: int
    line: int
    ts: datetime
    event_at: datetime | None
    parent_id: UUID | None
    group_id: UUID | None
    ref: UUID | None


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One change of an account's bounds or freezes."""

    at: datetime
    old_floor: int | None
    new_floor: int | None
    old_ceil: int | None
    new_ceil: int | None
    frozen_out: bool
    frozen_in: bool
    reason: str
    decision_id: UUID | None
    approver: UUID | None


@dataclass(frozen=True, slots=True)
class Point:
    """What an account held after one entry."""

    ts: datetime
    balance: int


@dataclass(frozen=True, slots=True)
class HoldRow:
    """冻结: an open hold."""

    shard: int
    id: UUID
    src: int
    dst: int
    unit: str
    scale: int
    amount: int
    since: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class RootRow:
    """A signed root, as the list shows it."""

    no: int
    at: datetime
    hash: bytes


@dataclass(frozen=True, slots=True)
class Waiting:
    """Money that stands on a house account which should empty itself: how much, and since when at the earliest.

    `since` counts first in, first out: the oldest credit the balance still consists of; None beyond the last 2,000.
    """

    shard: int
    number: int
    unit: str
    scale: int
    kind: int
    sub: str
    posted: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Sealed:
    """One batch: the hash that was sealed, and whether its rows still have it."""

    n: int
    prev: bytes
    hash: bytes
    whole: bool


def house_accounts(
    db: Session, *, unit: str = "", kind: int | None = None, sub: str = "", at_most: int
) -> Sequence[Together]:
    """Accounts that belong to the house, each added up over its shards, by book, unit and kind."""
    asked = f"""
        SELECT u.code AS unit, u.scale, u.book, a.kind, a.sub, sum(a.posted)::bigint AS posted,
               sum(a.held)::bigint AS held, count(*) AS shards, sum(a.seq)::bigint AS entries
        {_FROM}
        WHERE a.owner IS NULL AND (:unit = '' OR u.code = :unit) AND (CAST(:kind AS int) IS NULL OR a.kind = :kind)
          AND (:sub = '' OR a.sub = :sub)
        GROUP BY u.code, u.scale, u.book, u.id, a.kind, a.sub ORDER BY u.id, a.kind, a.sub LIMIT :at_most"""
    rows = db.execute(text(asked), {"unit": unit, "kind": kind, "sub": sub, "at_most": at_most}).mappings()
    return [Together(**row) for row in rows]


def parts_of(db: Session, unit: str, kind: int, sub: str) -> Sequence[AccountRow]:
    """A house account in each of its shards."""
    asked = f"SELECT {_ACCOUNT} {_FROM} WHERE a.owner IS NULL AND u.code = :unit AND a.kind = :kind AND a.sub = :sub"
    return _accounts(db, f"{asked} ORDER BY a.shard LIMIT 1000", {"unit": unit, "kind": kind, "sub": sub})


def accounts_of(db: Session, owner: UUID, *, at_most: int = 500) -> Sequence[AccountRow]:
    """The accounts of one owner, as far as the wall is open."""
    asked = f"SELECT {_ACCOUNT} {_FROM} WHERE a.owner = :owner ORDER BY u.id, a.kind, a.sub LIMIT :at_most"
    return _accounts(db, asked, {"owner": owner, "at_most": at_most})


def account(db: Session, shard: int, number: int) -> AccountRow | None:
    """One account by its shard and number, as far as the wall is open."""
    found = _accounts(db, f"SELECT {_ACCOUNT} {_FROM} WHERE a.shard = :shard AND a.id = :number",
                      {"shard": shard, "number": number})  # fmt: skip
    return found[0] if found else None


def entries(db: Session, shard: int, number: int, *, below: int, at_most: int) -> Sequence[EntryRow]:
    """Entries of an account, the newest first, below a sequence number."""
    asked = """
        SELECT * FROM (
          (SELECT src_seq AS seq, -CASE WHEN kind IN (1, 3, 6) THEN amount ELSE 0 END AS delta, amount,
                  src_bal AS balance, dst AS other, id, kind, code, ref, ts, event_at
           FROM ledger.posting WHERE shard = :shard AND src = :number AND src_seq < :below
           ORDER BY src_seq DESC LIMIT :at_most)
          UNION ALL
          (SELECT dst_seq, CASE WHEN kind IN (1, 3, 6) THEN amount ELSE 0 END, amount, dst_bal, src, id, kind, code,
                  ref, ts, event_at
           FROM ledger.posting WHERE shard = :shard AND dst = :number AND dst_seq < :below
           ORDER BY dst_seq DESC LIMIT :at_most)) both_sides
        ORDER BY seq DESC LIMIT :at_most"""
    given = {"shard": shard, "number": number, "below": below, "at_most": at_most}
    return [EntryRow(**row) for row in db.execute(text(asked), given).mappings()]


def points(db: Session, shard: int, number: int, seqs: Sequence[int]) -> Sequence[Point]:
    """What the account held after each of these entries, in their order."""
    asked = """
        SELECT ts, balance FROM (
          SELECT src_seq AS seq, ts, src_bal AS balance FROM ledger.posting
          WHERE shard = :shard AND src = :number AND src_seq = ANY (CAST(:seqs AS bigint[]))
          UNION ALL
          SELECT dst_seq, ts, dst_bal FROM ledger.posting
          WHERE shard = :shard AND dst = :number AND dst_seq = ANY (CAST(:seqs AS bigint[]))) both_sides
        ORDER BY seq"""
    rows = db.execute(text(asked), {"shard": shard, "number": number, "seqs": list(seqs)}).mappings()
    return [Point(**row) for row in rows]


def posting(db: Session, posting_id: UUID) -> PostingRow | None:
    """One posting by its id, wherever it is."""
    found = postings(db, [posting_id])
    return found[0] if found else None


def postings(db: Session, wanted: Sequence[UUID]) -> Sequence[PostingRow]:
    """Postings by their ids, oldest first."""
    asked = (
        f"SELECT {_POSTING} {_POSTED} WHERE p.{_SHARDS} AND p.id = ANY (CAST(:wanted AS uuid[])) ORDER BY p.ts, p.line"
    )
    return _postings(db, asked, {"wanted": list(wanted)})


def postings_of(db: Session, ref: UUID, *, at_most: int) -> Sequence[PostingRow]:
    """Postings of one business row, oldest first: their ids derive from its id and begin with the same six bytes."""
    first, last = _same_moment(ref)
    asked = f"""SELECT {_POSTING} {_POSTED} WHERE p.{_SHARDS} AND p.id BETWEEN :first AND :last AND p.ref = :ref
                ORDER BY p.ts, p.line LIMIT :at_most"""
    return _postings(db, asked, {"first": first, "last": last, "ref": ref, "at_most": at_most})


def group_of(db: Session, row: PostingRow) -> Sequence[PostingRow]:
    """The postings that stood or fell together with this one: lines of the same batch."""
    asked = f"""SELECT {_POSTING} {_POSTED} WHERE p.shard = :shard AND p.ts = :ts AND p.group_id = :group
                ORDER BY p.line LIMIT 1000"""
    return _postings(db, asked, {"shard": row.shard, "ts": row.ts, "group": row.group_id})


def changes_of(db: Session, shard: int, number: int, *, at_most: int) -> Sequence[ChangeRow]:
    """Changes of bounds and freezes of an account, the newest first."""
    asked = """
        SELECT at, old_floor, new_floor, old_ceil, new_ceil, new_frozen_out AS frozen_out, new_frozen_in AS frozen_in,
               reason, decision_id, approver
        FROM ledger.account_change WHERE shard = :shard AND account = :number ORDER BY no DESC LIMIT :at_most"""
    rows = db.execute(text(asked), {"shard": shard, "number": number, "at_most": at_most}).mappings()
    return [ChangeRow(**row) for row in rows]


def units(db: Session, *, at_most: int = 200) -> Sequence[str]:
    """The codes of all units, in the order in which they were opened."""
    return db.scalars(text("SELECT code FROM ledger.unit ORDER BY id LIMIT :at_most"), {"at_most": at_most}).all()


def house_kinds(db: Session) -> Sequence[int]:
    """Kinds of which the house has an account."""
    return db.scalars(text("SELECT DISTINCT kind FROM ledger.account WHERE owner IS NULL ORDER BY kind")).all()


def open_holds(db: Session, *, at_most: int) -> Sequence[HoldRow]:
    """Open holds, the oldest first."""
    asked = """SELECT h.shard, h.id, h.src, h.dst, u.code AS unit, u.scale, h.amount, p.ts AS since, h.expires_at
               FROM ledger.hold h JOIN ledger.unit u ON u.id = h.unit
               JOIN ledger.posting p ON p.shard = h.shard AND p.id = h.id
               ORDER BY h.id LIMIT :at_most"""
    return [HoldRow(**row) for row in db.execute(text(asked), {"at_most": at_most}).mappings()]


def roots(db: Session, *, at_most: int) -> Sequence[RootRow]:
    """The newest signed roots."""
    rows = db.execute(text("SELECT no, at, hash FROM ledger.root ORDER BY no DESC LIMIT :most"), {"most": at_most})
    return [RootRow(**row) for row in rows.mappings()]


def count_holds(db: Session) -> int:
    """How many holds are open."""
    return db.scalar(text("SELECT count(*) FROM ledger.hold")) or 0


def waiting(db: Session, kind: int, *, at_most: int) -> Sequence[Waiting]:
    """House accounts of a kind whose balance is not zero, the oldest money first."""
    since = """(SELECT max(c.ts) FROM (
            SELECT p.ts, sum(p.amount) OVER (ORDER BY p.seq DESC) AS heap FROM (
              SELECT ts, amount, {side}_seq AS seq FROM ledger.posting
              WHERE shard = a.shard AND {side} = a.id AND kind IN (1, 3, 6) ORDER BY {side}_seq DESC LIMIT 2000) p) c
          WHERE c.heap >= abs(a.posted))"""
    asked = f"""
        SELECT a.shard, a.id AS number, u.code AS unit, u.scale, a.kind, a.sub, a.posted,
          CASE WHEN a.posted > 0 THEN {since.format(side="dst")} ELSE {since.format(side="src")} END AS since
        FROM ledger.account a JOIN ledger.unit u ON u.id = a.unit
        WHERE a.owner IS NULL AND a.kind = :kind AND a.posted <> 0
        ORDER BY since NULLS FIRST, a.shard, a.id LIMIT :at_most"""
    rows = db.execute(text(asked), {"kind": kind, "at_most": at_most}).mappings()
    return [Waiting(**row) for row in rows]


def sealed(db: Session, row: PostingRow) -> Sealed | None:
    """The seal of the batch that a posting belongs to, with its rows hashed again."""
    asked = f"""
        SELECT s.n, s.prev, s.hash, s.hash = sha256(s.prev || r.bytes) AND s.n = r.n AS whole
        FROM ledger.seal s, LATERAL (
          SELECT string_agg({ROW_BYTES}, ''::bytea ORDER BY line) AS bytes, count(*) AS n FROM ledger.posting
          WHERE shard = s.shard AND ts = s.ts) r
        WHERE s.shard = :shard AND s.batch_no = :batch_no"""
    found = db.execute(text(asked), {"shard": row.shard, "batch_no": row.batch_no}).mappings().first()
    return Sealed(**found) if found else None


def _accounts(db: Session, asked: str, given: dict[str, Any]) -> list[AccountRow]:
    return [AccountRow(**row) for row in db.execute(text(asked), given).mappings()]


def _postings(db: Session, asked: str, given: dict[str, Any]) -> list[PostingRow]:
    return [PostingRow(**row) for row in db.execute(text(asked), given).mappings()]


def _same_moment(one: UUID) -> tuple[UUID, UUID]:
    """The first and last id whose six leading bytes are those of this one."""
    head = one.bytes[:6]
    return UUID(bytes=head + bytes(10)), UUID(bytes=head + b"\xff" * 10)
