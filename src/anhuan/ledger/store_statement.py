"""What statements, holdings and proofs ask of the books; row-level security decides whose rows a session sees."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from anhuan.ledger.model import AccountKind, Kind
from anhuan.ledger.store_proof import ROW_BYTES

PAGE: Final = 1_000  # entries at a time
_FACE: Final = """
    SELECT a.shard, a.id AS account, u.code AS unit, u.book, u.scale, a.kind, a.owner, a.sub, a.posted, a.held,
        a.held_in, a.seq, a.floor, a.ceil, a.opened_at
    FROM ledger.account a JOIN ledger.unit u ON u.id = a.unit"""
_ENTRY: Final = """
    SELECT seq, delta, balance, kind, code, id, ref, ts, happened_at, amount FROM (
        SELECT src_seq AS seq, CASE WHEN kind IN (1, 3, 6) THEN -amount ELSE 0 END AS delta, src_bal AS balance, kind,
            code, id, ref, ts, coalesce(event_at, ts) AS happened_at, amount
        FROM ledger.posting WHERE shard = :shard AND src = :account AND src_seq > :after AND src_seq <= :through
        UNION ALL
        SELECT dst_seq, CASE WHEN kind IN (1, 3, 6) THEN amount ELSE 0 END, dst_bal, kind, code, id, ref, ts,
            coalesce(event_at, ts), amount
        FROM ledger.posting WHERE shard = :shard AND dst = :account AND dst_seq > :after AND dst_seq <= :through) e
    ORDER BY seq"""
_AT: Final = text("""
    SELECT ts, src_bal AS balance FROM ledger.posting WHERE shard = :shard AND src = :account AND src_seq = :seq
    UNION ALL
    SELECT ts, dst_bal FROM ledger.posting WHERE shard = :shard AND dst = :account AND dst_seq = :seq""")


@dataclass(frozen=True, slots=True)
class Face:
    """One account as a statement heads it; minor units of its unit, `posted` = credits - debits."""

    shard: int
    account: int
    unit: str
    book: str
    scale: int
    kind: AccountKind
    owner: UUID | None
    sub: str
    posted: int
    held: int
    held_in: int
    seq: int
    floor: int | None
    ceil: int | None
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of an account as a statement prints it; `delta` is 0 for what only sets aside or releases."""

    seq: int
    delta: int
    balance: int
    kind: Kind
    code: int
    id: UUID
    ref: UUID | None
    ts: datetime
    happened_at: datetime
    amount: int


@dataclass(frozen=True, slots=True)
class Sealed:
    """One batch of a chain: the hash before, the bytes of its rows, the hash that was sealed."""

    batch_no: int
    prev: bytes
    rows: bytes
    hash: bytes


def accounts_of(db: Session, owner: UUID) -> list[Face]:
    """The accounts of one owner, by unit, kind and name."""
    rows = db.execute(text(f"{_FACE} WHERE a.owner = :owner ORDER BY u.code, a.kind, a.sub"), {"owner": owner})
    return [_face(row) for row in rows]


def accounts_in(db: Session, unit: str, *, after: tuple[int, int], at_most: int) -> list[Face]:
    """Accounts of a unit that belong to the house, by shard and number, behind one of them."""
    asked = f"""{_FACE} WHERE u.code = :unit AND a.owner IS NULL AND (a.shard, a.id) > (:shard, :account)
        ORDER BY a.shard, a.id LIMIT :most"""
    values = {"unit": unit, "shard": after[0], "account": after[1], "most": at_most}
    return [_face(row) for row in db.execute(text(asked), values)]


def account(db: Session, shard: int, number: int) -> Face | None:
    """One account, if it may be seen."""
    row = db.execute(text(f"{_FACE} WHERE a.shard = :shard AND a.id = :id"), {"shard": shard, "id": number}).first()
    return None if row is None else _face(row)


def units(db: Session) -> list[str]:
    """The codes of all units."""
    return list(db.scalars(text("SELECT code FROM ledger.unit ORDER BY code")))


def at_entry(db: Session, face: Face, seq: int) -> tuple[datetime, int]:
    """Moment of an entry, and the balance after it."""
    row = db.execute(_AT, {"shard": face.shard, "account": face.account, "seq": seq}).one()
    return row.ts, row.balance


def lines(db: Session, face: Face, *, after: int, through: int) -> Iterator[Line]:
    """Entries of an account by number, from behind one up to another; fetched page by page."""
    while after < through:
        upper = min(through, after + PAGE)
        values = {"shard": face.shard, "account": face.account, "after": after, "through": upper}
        for row in db.execute(text(_ENTRY), values):
            yield Line(row.seq, row.delta, row.balance, Kind(row.kind), *row[4:])
        after = upper


def books_at(db: Session, unit: str, moment: datetime) -> list[tuple[int, int, int]]:
    """Of each shard: how many accounts of the unit exist, and what all of them came to at a moment, which is zero."""
    asked = """
        SELECT a.shard, count(*), coalesce(sum(ledger.as_of(a.shard, a.id, :moment)), 0)::bigint
        FROM ledger.account a JOIN ledger.unit u ON u.id = a.unit WHERE u.code = :unit GROUP BY a.shard ORDER BY 1"""
    return [(row[0], row[1], row[2]) for row in db.execute(text(asked), {"unit": unit, "moment": moment})]


def where_is(db: Session, posting_id: UUID) -> tuple[int, int, int, bytes] | None:
    """Shard, batch, line and the 156 bytes of a posting that may be seen."""
    asked = text(f"SELECT shard, batch_no, line, {ROW_BYTES} FROM ledger.posting WHERE id = :id")
    row = db.execute(asked, {"id": posting_id}).first()
    return None if row is None else (row[0], row[1], row[2], bytes(row[3]))


def sealed(db: Session, shard: int, *, first: int, last: int) -> Iterator[Sealed]:
    """Batches of a shard with the bytes of their rows in line order; for a login that sees every row."""
    asked = text(f"""
        SELECT s.batch_no, s.prev, s.hash, (SELECT coalesce(string_agg({ROW_BYTES}, ''::bytea ORDER BY line), ''::bytea)
            FROM ledger.posting p WHERE p.ts = s.ts AND p.shard = s.shard AND p.batch_no = s.batch_no)
        FROM ledger.seal s WHERE s.shard = :shard AND s.batch_no BETWEEN :first AND :last ORDER BY s.batch_no""")
    for row in db.execute(asked, {"shard": shard, "first": first, "last": last}):
        yield Sealed(row[0], bytes(row[1]), bytes(row[3]), bytes(row[2]))


def rows_between(db: Session, shard: int, *, first: int, last: int) -> int:
    """How many rows these batches of a shard were sealed with."""
    asked = text(
        "SELECT coalesce(sum(n), 0) FROM ledger.seal WHERE shard = :shard AND batch_no BETWEEN :first AND :last"
    )
    return int(db.scalar(asked, {"shard": shard, "first": first, "last": last}) or 0)


def overdue(db: Session, shard: int, now: datetime, *, at_most: int) -> Sequence[UUID]:
    """Holds of a shard whose time has passed, the longest overdue first."""
    asked = text(
        "SELECT id FROM ledger.hold WHERE shard = :shard AND expires_at <= :now ORDER BY expires_at LIMIT :most"
    )
    return list(db.scalars(asked, {"shard": shard, "now": now, "most": at_most}))


HELD: Final[dict[str, str]] = {  # table of an export -> its rows, of accounts of `:party` alone
    "account": """
        SELECT a.shard, a.id AS account, u.code AS unit, u.scale, a.kind, a.sub, a.posted, a.held, a.held_in, a.floor,
            a.ceil, a.frozen_out, a.frozen_in, a.opened_at, a.closed_at
        FROM ledger.account a JOIN ledger.unit u ON u.id = a.unit WHERE a.owner = :party ORDER BY a.id""",
    "posting": """
        SELECT e.account, e.seq, e.delta, e.balance, e.kind, e.code, e.id, e.ref, e.ts, e.happened_at
        FROM ledger.account a JOIN ledger.entry e ON e.shard = a.shard AND e.account = a.id
        WHERE a.owner = :party ORDER BY e.account, e.seq""",
    "hold": """
        SELECT h.id, h.src AS account, h.amount, h.expires_at FROM ledger.account a
        JOIN ledger.hold h ON h.shard = a.shard AND h.src = a.id WHERE a.owner = :party ORDER BY h.id""",
    "account_change": """
        SELECT c.account, c.at, c.old_floor, c.old_ceil, c.new_floor, c.new_ceil, c.new_frozen_out, c.new_frozen_in,
            c.reason, c.decision_id
        FROM ledger.account a JOIN ledger.account_change c ON c.shard = a.shard AND c.account = a.id
        WHERE a.owner = :party ORDER BY c.no""",
}


def held_count(db: Session, table: str, party: UUID) -> int:
    """How many rows of one table of an export there are; none of a table that is not the ledger's."""
    if table not in HELD:
        return 0
    return int(db.scalar(text(f"SELECT count(*) FROM ({HELD[table]}) held"), {"party": party}) or 0)


def held_rows(db: Session, table: str, party: UUID) -> tuple[tuple[str, ...], Any]:
    """Columns and rows of one table of an export, fetched while they are read."""
    if table not in HELD:
        return (), ()
    found = db.execute(text(HELD[table]).execution_options(yield_per=PAGE), {"party": party})
    return tuple(found.keys()), found


def _face(row: Any) -> Face:
    return Face(row.shard, row.account, row.unit, row.book, row.scale, AccountKind(row.kind), *row[6:])
