"""The books as operators read them: accounts with the sign turned for what is owned, entries, postings and their kin.

The tables never turn a sign (`posted` = credits - debits, so what is owned is negative there); pages do, for kinds in
`rules.ASSETS`. Whoever comes here has been let in: by a right to house accounts, by a look with a reason to a person's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.kit import ids
from anhuan.ledger import pages_drawing, store_explorer
from anhuan.ledger.model import AccountKind, Kind
from anhuan.ledger.pages_drawing import Curve
from anhuan.ledger.rules import ASSETS, CHART
from anhuan.ledger.store_explorer import AccountRow, ChangeRow, EntryRow, PostingRow, Together

CHAIN: Final = 12  # links of a chain of reversals that a page follows


@dataclass(frozen=True, slots=True)
class Unit:
    """In what a figure is counted."""

    code: str
    scale: int
    book: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """A word in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Account:
    """科目: one account for a page; every figure in minor units of its unit, the sign turned where its kind asks."""

    shard: int
    number: int
    unit: Unit
    kind: AccountKind
    sub: str
    of_a_person: bool
    turned: bool
    posted: int
    held: int
    held_in: int
    available: int
    room: int | None  # what may still go out before the floor; None: no floor
    floor: int | None
    ceil: int | None
    over: bool
    frozen_out: bool
    frozen_in: bool
    closed_at: datetime | None
    opened_at: datetime
    seq: int


@dataclass(frozen=True, slots=True)
class HouseAccount:
    """A house account added up over its shards."""

    unit: Unit
    kind: AccountKind
    sub: str
    turned: bool
    posted: int
    held: int
    shards: int
    entries: int


@dataclass(frozen=True, slots=True)
class Entry:
    """分录: one line of an account; the sign turned with its account."""

    seq: int
    delta: int
    amount: int
    balance: int
    id: UUID
    kind: Kind
    code: Said
    at: datetime
    event_at: datetime | None


@dataclass(frozen=True, slots=True)
class Leg:
    """One side of a posting: its account where this reader may know it, what moved and what stood there after."""

    debit: bool
    account: Account | None  # None: a person's account, whose page opens for a reason alone
    delta: int
    balance: int
    seq: int


@dataclass(frozen=True, slots=True)
class Link:
    """One posting among others: in the chain hold -> capture -> reversal, in its group, of one business row."""

    id: UUID
    kind: Kind
    code: Said
    amount: int
    unit: Unit
    at: datetime
    here: bool


@dataclass(frozen=True, slots=True)
class Posting:
    """凭证: one posting for a page."""

    row: PostingRow
    kind: Kind
    code: Said
    unit: Unit
    legs: tuple[Leg, Leg]
    chain: tuple[Link, ...]
    group: tuple[Link, ...]


def account_of(row: AccountRow) -> Account:
    """An account as its page shows it; bounds change places when the sign turns."""
    kind = AccountKind(row.kind)
    turned = kind in ASSETS
    sign = -1 if turned else 1
    low, high = (row.ceil, row.floor) if turned else (row.floor, row.ceil)
    return Account(
        shard=row.shard, number=row.number, unit=Unit(row.unit, row.scale, row.book), kind=kind, sub=row.sub,
        of_a_person=row.owner is not None, turned=turned, posted=sign * row.posted, held=row.held,
        held_in=row.held_in, available=sign * (row.posted - row.held),
        room=None if row.floor is None else max(0, row.posted - row.held - row.floor),
        floor=None if low is None else sign * low, ceil=None if high is None else sign * high, over=row.over,
        frozen_out=row.frozen_out, frozen_in=row.frozen_in, closed_at=row.closed_at, opened_at=row.opened_at,
        seq=row.seq,
    )  # fmt: skip


def house_account_of(row: Together) -> HouseAccount:
    """A house account as the list shows it."""
    kind = AccountKind(row.kind)
    sign = -1 if kind in ASSETS else 1
    unit = Unit(row.unit, row.scale, row.book)
    return HouseAccount(unit, kind, row.sub, kind in ASSETS, sign * row.posted, row.held, row.shards, row.entries)


def together(parts: Sequence[Account]) -> HouseAccount:
    """A house account added up from its parts, of which there is at least one."""
    one = parts[0]
    return HouseAccount(
        one.unit, one.kind, one.sub, one.turned, sum(part.posted for part in parts), sum(part.held for part in parts),
        len(parts), sum(part.seq for part in parts),
    )  # fmt: skip


def with_bounds(account: Account, change: ChangeRow) -> Account:
    """The account with the bounds and freezes that a change gave it, to be shown in the same words."""
    low, high = change.new_floor, change.new_ceil
    if account.turned:
        low, high = (None if one is None else -one for one in (high, low))
    return replace(account, floor=low, ceil=high, frozen_out=change.frozen_out, frozen_in=change.frozen_in, over=False)


def entries(db: Session, account: Account, *, below: int | None, at_most: int) -> Sequence[Entry]:
    """Entries of an account, the newest first."""
    start = account.seq + 1 if below is None else below
    rows = store_explorer.entries(db, account.shard, account.number, below=start, at_most=at_most)
    return [_entry(row, -1 if account.turned else 1) for row in rows]


def drawn(db: Session, account: Account, *, now: datetime) -> Curve | None:
    """The balance of an account over its life as a picture."""
    wanted = pages_drawing.sampled(account.seq)
    sign = -1 if account.turned else 1
    steps = [(one.ts, sign * one.balance)
             for one in store_explorer.points(db, account.shard, account.number, wanted)]  # fmt: skip
    return pages_drawing.curve(steps, until=now)


def posting_of(db: Session, row: PostingRow) -> Posting:
    """A posting with both legs, the chain it stands in and its group."""
    return Posting(
        row=row, kind=Kind(row.kind), code=code_said(row.code), unit=Unit(row.unit, row.scale),
        legs=(_leg(db, row, debit=True), _leg(db, row, debit=False)), chain=tuple(_chain(db, row)),
        group=tuple(_link(one, row) for one in store_explorer.group_of(db, row)) if row.group_id else (),
    )  # fmt: skip


def of_business(db: Session, ref: UUID, *, at_most: int) -> tuple[Link, ...]:
    """The postings of one business row, oldest first."""
    return tuple(_link(row, None) for row in store_explorer.postings_of(db, ref, at_most=at_most))


def code_said(code: int) -> Said:
    """What people call a code of the chart; one that this program does not know is its number."""
    for known, way in CHART.items():
        if known == code:
            return Said(way.zh, way.en)
    return Said(str(code), str(code))


def _entry(row: EntryRow, sign: int) -> Entry:
    return Entry(
        row.seq, sign * row.delta, row.amount, sign * row.balance, row.id, Kind(row.kind), code_said(row.code),
        row.ts, row.event_at,
    )  # fmt: skip


def _leg(db: Session, row: PostingRow, *, debit: bool) -> Leg:
    number, seq, after = (row.src, row.src_seq, row.src_bal) if debit else (row.dst, row.dst_seq, row.dst_bal)
    found = store_explorer.account(db, row.shard, number)
    shown = account_of(found) if found and found.owner is None else None
    moved = row.amount if row.kind in (Kind.POST, Kind.CAPTURE, Kind.REVERSE) else 0
    sign = -1 if shown and shown.turned else 1
    return Leg(debit, shown, sign * (-moved if debit else moved), sign * after, seq)


def _chain(db: Session, row: PostingRow) -> list[Link]:
    """Where this came from and what became of it: ids of resolutions and reversals derive from their parents."""
    found = [row]
    while found[0].parent_id is not None and len(found) < CHAIN:
        above = store_explorer.posting(db, found[0].parent_id)
        if above is None:
            break
        found.insert(0, above)
    while len(found) < CHAIN:
        last = found[-1]
        below = store_explorer.posting(db, ids.derive(last.id, "resolve" if last.kind == Kind.HOLD else "reverse"))
        if below is None:
            break
        found.append(below)
    return [_link(one, row) for one in found]


def _link(one: PostingRow, here: PostingRow | None) -> Link:
    unit = Unit(one.unit, one.scale)
    is_here = here is not None and one.id == here.id
    return Link(one.id, Kind(one.kind), code_said(one.code), one.amount, unit, one.ts, is_here)
