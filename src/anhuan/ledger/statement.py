"""Statements 对账单: of one account, of a person, of the house; opening, entries, closing, tied to a signed root.

Nothing is stored: what an account had at a moment is found by halving over its entries, since inside a shard time never
falls as entries grow (ledger.md, section 6). A statement that does not add up is not handed out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as daytime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.kit.clock import CHINA
from anhuan.kit.errors import Broken, Refused
from anhuan.ledger import store_proof, store_statement
from anhuan.ledger.root_bytes import Root
from anhuan.ledger.rules import ASSETS
from anhuan.ledger.store_statement import Face, Line

PAGE: Final = 500  # accounts at a time


class BadPeriod(Refused):
    """起止时间颠倒: a statement's first moment comes before its last."""

    code = "ledger.bad_period"


class NoSuchAccount(Refused):
    """没有这个科目: there is no such account or unit, or it is somebody else's."""

    code = "ledger.no_such_account"


class DoesNotAddUp(Broken):
    """对账单不平: opening and entries do not come to the closing balance; run `anhuan ledger verify`."""

    code = "ledger.does_not_add_up"


@dataclass(frozen=True, slots=True)
class Period:
    """From a moment on until before another."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class AccountStatement:
    """One account over a period; figures as the books have them (`posted` = credits - debits)."""

    face: Face
    opening: int
    lines: tuple[Line, ...]
    closing: int

    @property
    def came_in(self) -> int:
        """The sum of what was credited."""
        return sum(line.delta for line in self.lines if line.delta > 0)

    @property
    def went_out(self) -> int:
        """The sum of what was debited, not negative."""
        return -sum(line.delta for line in self.lines if line.delta < 0)

    @property
    def turned(self) -> bool:
        """Whether people see the sign turned: what is owned stands negative in the books."""
        return self.face.kind in ASSETS


@dataclass(frozen=True, slots=True)
class UnitSum:
    """All accounts of a unit in one shard at the end of a period; they come to zero."""

    unit: str
    shard: int
    accounts: int
    total: int


@dataclass(frozen=True, slots=True)
class Statement:
    """Statements of several accounts, and the root they are tied to."""

    owner: UUID | None  # None: the house
    period: Period
    made_at: datetime
    accounts: tuple[AccountStatement, ...]
    sums: tuple[UnitSum, ...]  # of the house alone
    root: int | None  # the latest signed root; None: none was signed yet
    root_hash: str
    root_covers: bool  # whether that root covers every entry above


def days(first: date, last: date) -> Period:
    """The bank days from the first to the last, both whole."""
    if last < first:
        raise BadPeriod("the first day comes before the last", field="from")
    start = datetime.combine(first, daytime(), CHINA)
    return Period(start, datetime.combine(last + timedelta(days=1), daytime(), CHINA))


def of_owner(db: Session, owner: UUID, period: Period, *, now: datetime) -> Statement:
    """用户对账单: every account of a person or firm that existed in the period; the session stands behind its wall."""
    faces = [face for face in store_statement.accounts_of(db, owner) if face.opened_at < period.until]
    return _statement(db, owner, faces, (), period, now=now)


def of_account(db: Session, shard: int, number: int, period: Period, *, now: datetime) -> Statement:
    """One account by shard and number, as far as the session may see it; raises `NoSuchAccount`."""
    face = store_statement.account(db, shard, number)
    if face is None:
        raise NoSuchAccount(f"no account {number} in shard {shard}", field="account")
    return _statement(db, face.owner, [face], (), period, now=now)


def of_house(db: Session, unit: str, period: Period, *, now: datetime) -> Statement:
    """运营对账单: every house account of a unit, shard by shard, and the proof that each shard comes to zero.

    The sums need a session that sees all accounts (the auditor's).
    """
    if unit not in store_statement.units(db):
        raise NoSuchAccount(f"no unit {unit!r}; known: {', '.join(store_statement.units(db))}", field="unit")
    faces = [face for face in _house_faces(db, unit) if face.opened_at < period.until]
    sums = store_statement.books_at(db, unit, _last_moment(period))
    totals = [UnitSum(unit, shard, count, total) for shard, count, total in sums]
    if any(one.total for one in totals):
        raise DoesNotAddUp(f"the accounts of {unit} do not come to zero: run `anhuan ledger verify`")
    return _statement(db, None, faces, totals, period, now=now)


def balances_at(db: Session, faces: Sequence[Face], moment: datetime) -> list[tuple[Face, int]]:
    """What these accounts had at a moment."""
    return [(face, _state(db, face, moment)[1]) for face in faces]


def _statement(
    db: Session, owner: UUID | None, faces: Sequence[Face], sums: Sequence[UnitSum], period: Period, *, now: datetime
) -> Statement:
    if period.until <= period.since:
        raise BadPeriod("the first moment comes before the last", field="from")
    parts = tuple(_of_one(db, face, period) for face in faces)
    root = store_proof.last_root(db)
    return Statement(
        owner=owner,
        period=period,
        made_at=now,
        accounts=parts,
        sums=tuple(sums),
        root=None if root is None else root.no,
        root_hash="" if root is None else root.hash,
        root_covers=root is not None and all(_covered(db, root, part) for part in parts),
    )


def _of_one(db: Session, face: Face, period: Period) -> AccountStatement:
    first, opening = _state(db, face, period.since - timedelta(microseconds=1))
    last, closing = _state(db, face, _last_moment(period))
    lines = tuple(store_statement.lines(db, face, after=first, through=last))
    moved = sum(line.delta for line in lines)
    if opening + moved != closing or len(lines) != last - first:
        raise DoesNotAddUp(
            f"account {face.account} of shard {face.shard}: opening {opening}, moved {moved}, not {closing}"
        )
    return AccountStatement(face, opening, lines, closing)


def _covered(db: Session, root: Root, part: AccountStatement) -> bool:
    """Whether the last entry of a statement lies in a batch that the root vouches for."""
    if not part.lines:
        return True
    where = store_statement.where_is(db, part.lines[-1].id)
    assert where is not None
    return any(end.shard == where[0] and end.batch_no >= where[1] for end in root.heads)


def _state(db: Session, face: Face, moment: datetime) -> tuple[int, int]:
    """Number of the last entry at or before a moment, and the balance after it; 0 and 0 before the first."""
    low, high, balance = 0, face.seq, 0
    while low < high:
        middle = (low + high + 1) // 2
        at, after = store_statement.at_entry(db, face, middle)
        if at <= moment:
            low, balance = middle, after
        else:
            high = middle - 1
    return low, balance


def _house_faces(db: Session, unit: str) -> Iterator[Face]:
    last = (-1, 0)
    while page := store_statement.accounts_in(db, unit, after=last, at_most=PAGE):
        yield from page
        last = (page[-1].shard, page[-1].account)


def _last_moment(period: Period) -> datetime:
    return period.until - timedelta(microseconds=1)
