"""Every question the ledger asks of the database; what writes is a function of the owner, never a statement of ours."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PGUUID
from sqlalchemy.orm import Session
from sqlalchemy.types import BigInteger, DateTime, SmallInteger, Text

from anhuan.ledger.model import AccountName, Balance, Kind

_UUIDS, _BIGS, _SMALLS = ARRAY(PGUUID(as_uuid=True)), ARRAY(BigInteger), ARRAY(SmallInteger)
_MOMENTS, _TEXTS = ARRAY(DateTime(timezone=True)), ARRAY(Text)
_POST = text(
    "SELECT ledger.post(CAST(:lane AS smallint), :ids, :kinds, :srcs, :dsts, :amounts, :codes, :parents, :groups,"
    " :refs, :events, :expires)"
).bindparams(
    *(bindparam(name, type_=_UUIDS) for name in ("ids", "parents", "groups", "refs")),
    *(bindparam(name, type_=_BIGS) for name in ("srcs", "dsts", "amounts")),
    *(bindparam(name, type_=_SMALLS) for name in ("kinds", "codes")),
    *(bindparam(name, type_=_MOMENTS) for name in ("events", "expires")),
)
_ACCOUNTS = text("SELECT ledger.accounts(CAST(:lane AS smallint), :units, :kinds, :owners, :subs)").bindparams(
    bindparam("units", type_=_TEXTS), bindparam("kinds", type_=_SMALLS), bindparam("owners", type_=_UUIDS),
    bindparam("subs", type_=_TEXTS),
)  # fmt: skip
_BALANCES = text(
    "SELECT one.place, b.posted, b.held, b.held_in, b.seq, b.floor, b.ceil, b.over, b.frozen_out, b.frozen_in"
    " FROM unnest(:units, :kinds, :owners, :subs) WITH ORDINALITY AS one (unit, kind, owner, sub, place)"
    " JOIN ledger.balance b ON b.shard = ledger.shard_of(one.owner) AND b.owner = one.owner AND b.unit = one.unit"
    " AND b.kind = one.kind AND b.sub = one.sub"
).bindparams(
    bindparam("units", type_=_TEXTS), bindparam("kinds", type_=_SMALLS), bindparam("owners", type_=_UUIDS),
    bindparam("subs", type_=_TEXTS),
)  # fmt: skip
_SHARDS = text("SELECT DISTINCT ledger.shard_of(owner) FROM unnest(:owners) AS owner").bindparams(
    bindparam("owners", type_=_UUIDS)
)
_LANES = text("SELECT DISTINCT shard FROM ledger.posting WHERE id = ANY(:postings)").bindparams(
    bindparam("postings", type_=_UUIDS)
)
_BOUNDS = text(
    "SELECT ledger.set_bounds(CAST(:shard AS smallint), account, CAST(:floor AS bigint), CAST(:ceil AS bigint),"
    " :frozen_out, :frozen_in, :reason, decision, :approver)"
    " FROM unnest(:accounts, :decisions) AS one (account, decision) ORDER BY account"
).bindparams(bindparam("accounts", type_=_BIGS), bindparam("decisions", type_=_UUIDS))


@dataclass(frozen=True, slots=True)
class Row:
    """One line as the database takes it: accounts by number."""

    kind: int
    id: UUID | None
    src: int | None
    dst: int | None
    amount: int | None
    code: int | None
    parent: UUID | None
    group: UUID | None
    ref: UUID | None
    event_at: datetime | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Entry:
    """分录: one side of a posting, as seen from one account; amounts in minor units of the account's unit."""

    shard: int
    account: int
    seq: int
    delta: int  # 0 for what only sets aside
    balance: int  # after it
    other: int
    id: UUID
    kind: Kind
    code: int
    ref: UUID | None
    ts: datetime
    happened_at: datetime


@dataclass(frozen=True, slots=True)
class Head:
    """The end of one lane's chain."""

    shard: int
    batch_no: int
    ts: datetime
    hash: bytes


def post(db: Session, shard: int, rows: Sequence[Row]) -> list[int]:
    """The codes of one batch of at most 1,000 lines."""
    found = db.scalar(_POST, {
        "lane": shard, "ids": [row.id for row in rows], "kinds": [row.kind for row in rows],
        "srcs": [row.src for row in rows], "dsts": [row.dst for row in rows], "amounts": [row.amount for row in rows],
        "codes": [row.code for row in rows], "parents": [row.parent for row in rows],
        "groups": [row.group for row in rows], "refs": [row.ref for row in rows],
        "events": [row.event_at for row in rows], "expires": [row.expires_at for row in rows],
    })  # fmt: skip
    return list(found or ())


def accounts(db: Session, shard: int, names: Sequence[AccountName]) -> list[int | None]:
    """Numbers of these accounts in the lane, opened on first use; None for one behind the wall."""
    found = db.scalar(_ACCOUNTS, {
        "lane": shard, "units": [name.unit for name in names], "kinds": [int(name.kind) for name in names],
        "owners": [name.owner for name in names], "subs": [name.sub for name in names],
    })  # fmt: skip
    return list(found or ())


def shard_of(db: Session, owner: UUID) -> int:
    """The lane of a person, firm or merchant, fixed when first asked for."""
    return int(db.scalar(text("SELECT ledger.shard_of(:owner)"), {"owner": owner}))


def shards_of(db: Session, owners: Iterable[UUID]) -> set[int]:
    """The lanes of several, in one order, so that two who fix some of the same never wait for each other."""
    wanted = sorted(owners)
    return set(db.scalars(_SHARDS, {"owners": wanted})) if wanted else set()


def lanes_of_postings(db: Session, postings: Collection[UUID]) -> set[int]:
    """The lanes in which these postings lie, as far as this transaction may see them."""
    return set(db.scalars(_LANES, {"postings": list(postings)})) if postings else set()


def number_of(db: Session, name: AccountName, shard: int) -> int | None:
    """The number of an account that exists and may be seen."""
    asked = text(
        "SELECT account FROM ledger.balance WHERE shard = :shard AND unit = :unit AND kind = :kind AND sub = :sub"
        " AND owner IS NOT DISTINCT FROM CAST(:owner AS uuid)"
    )
    key = {"shard": shard, "unit": name.unit, "kind": int(name.kind), "sub": name.sub, "owner": name.owner}
    found: int | None = db.scalar(asked, key)
    return found


def balance(db: Session, shard: int, account: int) -> Balance | None:
    """The state of one account, if it may be seen."""
    asked = text(
        "SELECT posted, held, held_in, seq, floor, ceil, over, frozen_out, frozen_in FROM ledger.account"
        " WHERE shard = :shard AND id = :account"
    )
    row = db.execute(asked, {"shard": shard, "account": account}).one_or_none()
    return None if row is None else Balance(*row)


def balances(db: Session, names: Sequence[AccountName]) -> dict[AccountName, Balance]:
    """The states of accounts that have an owner, as far as they exist and may be seen."""
    asked = {
        "units": [name.unit for name in names], "kinds": [int(name.kind) for name in names],
        "owners": [name.owner for name in names], "subs": [name.sub for name in names],
    }  # fmt: skip
    return {names[place - 1]: Balance(*state) for place, *state in db.execute(_BALANCES, asked)}


def as_of(db: Session, shard: int, account: int, moment: datetime) -> int | None:
    """`posted` of an account at a moment, by binary search over its entries."""
    asked = text("SELECT ledger.as_of(CAST(:shard AS smallint), :account, :moment)")
    found: int | None = db.scalar(asked, {"shard": shard, "account": account, "moment": moment})
    return found


def entries(db: Session, shard: int, account: int, *, after_seq: int, at_most: int) -> list[Entry]:
    """Entries of an account in order, after one of them."""
    asked = text(
        "SELECT shard, account, seq, delta, balance, other, id, kind, code, ref, ts, happened_at FROM ledger.entry"
        " WHERE shard = :shard AND account = :account AND seq > :after ORDER BY seq LIMIT :most"
    )
    rows = db.execute(asked, {"shard": shard, "account": account, "after": after_seq, "most": at_most})
    return [_entry(*row) for row in rows]


def heads(db: Session) -> list[Head]:
    """The ends of all lanes' chains."""
    rows = db.execute(text("SELECT shard, batch_no, ts, hash FROM ledger.shard_head ORDER BY shard"))
    return [Head(shard, batch_no, ts, bytes(digest)) for shard, batch_no, ts, digest in rows]


def set_bounds(db: Session, shard: int, decided: Mapping[int, UUID], bounds: dict[str, Any]) -> None:
    """Floors, ceilings and freezes of accounts, with the reason, each account's decision and who approved it."""
    db.execute(_BOUNDS, {"shard": shard, "accounts": list(decided), "decisions": list(decided.values()), **bounds})


def open_unit(db: Session, code: str, scale: int, issuer: UUID | None) -> int:
    """The id of a unit of book `benefit`, opened if it is new."""
    asked = text("SELECT ledger.open_unit(:code, CAST(:scale AS smallint), CAST(:issuer AS uuid))")
    return int(db.scalar(asked, {"code": code, "scale": scale, "issuer": issuer}))


def open_month(db: Session, day: date) -> int:
    """Open the months up to this day's; returns how many were new."""
    return int(db.scalar(text("SELECT ledger.open_month(:day)"), {"day": day}))


def _entry(
    shard: int, account: int, seq: int, delta: int, after: int, other: int, id: UUID, kind: int, *rest: Any
) -> Entry:
    return Entry(shard, account, seq, delta, after, other, id, Kind(kind), *rest)
