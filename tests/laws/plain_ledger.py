"""The ledger as one would explain it at a desk: plain Python, one line at a time, no database, no sets, no speed.

The laws send the same lines here and to PostgreSQL and compare what became of each, every row and every balance.
"""

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from typing import Final
from uuid import UUID

from anhuan.kit import ids
from anhuan.ledger.model import LIMIT, MOST, Kind, Result

RESOLVES: Final = frozenset({Kind.CAPTURE, Kind.VOID, Kind.EXPIRE})
MOVES: Final = frozenset({Kind.POST, Kind.CAPTURE, Kind.REVERSE})
DONE: Final = frozenset({Result.OK, Result.EXISTS})


@dataclass(frozen=True, slots=True)
class Ask:
    """One line as the database's function takes it, accounts by number; lines with a parent name little else."""

    kind: Kind
    id: UUID | None = None
    src: int | None = None
    dst: int | None = None
    amount: int | None = None
    code: int | None = None
    parent: UUID | None = None
    group: UUID | None = None
    ref: UUID | None = None
    event_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One stored posting, and what its two accounts had then: entries so far, balance."""

    body: Ask
    seqs: tuple[int, int]
    balances: tuple[int, int]


@dataclass(slots=True)
class Account:
    """One account; amounts in minor units of its unit."""

    unit: int
    owner: UUID | None = None
    floor: int | None = None
    ceil: int | None = None
    over: bool = False
    frozen_out: bool = False
    frozen_in: bool = False
    posted: int = 0
    held: int = 0
    held_in: int = 0
    seq: int = 0

    @property
    def outside(self) -> bool:
        """Whether it lies outside its bounds, holds counted."""
        low = self.floor is not None and self.posted - self.held < self.floor
        return low or (self.ceil is not None and self.posted + self.held_in > self.ceil)


@dataclass(slots=True)
class PlainLedger:
    """One shard. A new id must fall between the milliseconds of `window`; `party` asks (None: everybody)."""

    window: tuple[int, int]
    party: UUID | None = None
    accounts: dict[int, Account] = field(default_factory=dict)
    rows: dict[UUID, Row] = field(default_factory=dict)
    holds: dict[UUID, Ask] = field(default_factory=dict)

    def post(self, lines: Iterable[Ask]) -> list[Result]:
        """What becomes of each line, in order; neighbours of one group stand or fall together."""
        codes: list[Result] = []
        for group, some in groupby(lines, key=lambda line: line.group):
            members = list(some)
            codes += self._together(members) if group else [self.one(line) for line in members]
        return codes

    def one(self, line: Ask) -> Result:
        """One line alone: recognise, decide, write."""
        whole = self._filled(line)
        if whole is None:
            return Result.NO_HOLD
        assert whole.id is not None
        if known := self.rows.get(whole.id):
            return _told(known.body, whole)
        code = self._of_parent(line, whole) if line.parent else Result.OK
        if code is Result.OK:
            code = self._allowed(whole)
        if code is Result.OK:
            self._write(whole)
        return code

    def bound(self, number: int, floor: int | None, ceil: int | None, *, out: bool = False, into: bool = False) -> None:
        """Give an account other bounds and freezes; what lies outside already is marked."""
        account = self.accounts[number]
        account.floor, account.ceil, account.frozen_out, account.frozen_in = floor, ceil, out, into
        account.over = account.outside

    def _together(self, lines: Sequence[Ask]) -> list[Result]:
        before = copy.deepcopy(self.accounts), dict(self.rows), dict(self.holds)
        codes: list[Result] = []
        for line in lines:
            codes.append(self.one(line))
            if codes[-1] not in DONE:
                self.accounts, self.rows, self.holds = before
                return [codes[-1] if place == len(codes) - 1 else Result.LINKED for place in range(len(lines))]
        return codes

    def _filled(self, line: Ask) -> Ask | None:
        """The line with what its parent says; None where there is no such parent."""
        if line.parent is None:
            return line
        if (parent := self.rows.get(line.parent)) is None or (line.kind in RESOLVES and parent.body.kind != Kind.HOLD):
            return None
        was = parent.body
        back, step = line.kind == Kind.REVERSE, "reverse" if line.kind == Kind.REVERSE else "resolve"
        return replace(
            line, id=ids.derive(line.parent, step), src=was.dst if back else was.src, dst=was.src if back else was.dst,
            amount=line.amount if line.kind == Kind.CAPTURE and line.amount is not None else was.amount,
            code=line.code or was.code, ref=line.ref or was.ref,
        )  # fmt: skip

    def _of_parent(self, line: Ask, whole: Ask) -> Result:
        """What the parent forbids."""
        was = self.rows[line.parent].body if line.parent else whole
        assert was.amount is not None
        assert whole.amount is not None
        if line.kind == Kind.REVERSE:
            return Result.OK if was.kind in MOVES else Result.NOT_REVERSIBLE
        if line.kind == Kind.EXPIRE and was.expires_at is None:
            return Result.NEVER_EXPIRES
        if not 1 <= whole.amount <= MOST:
            return Result.BAD_AMOUNT
        return Result.OVER_HOLD if whole.amount > was.amount else Result.OK

    def _allowed(self, line: Ask) -> Result:
        """What window and wall forbid, then what may move; what resolves a hold only records what has happened."""
        src, dst = self.accounts.get(line.src or 0), self.accounts.get(line.dst or 0)
        if line.id is None or not self.window[0] <= line.id.int >> 80 < self.window[1]:
            return Result.ID_OUT_OF_WINDOW
        if line.amount is None or not 1 <= line.amount <= MOST:
            return Result.BAD_AMOUNT
        if line.src == line.dst:
            return Result.SAME_ACCOUNT
        if src is None or dst is None:
            return Result.NO_ACCOUNT
        if self.party and {src.owner, dst.owner} - {None, self.party}:
            return Result.BEHIND_THE_WALL
        return Result.OK if line.kind in RESOLVES else _may_move(line.amount, src, dst)

    def _write(self, line: Ask) -> None:
        assert line.id is not None
        assert line.amount is not None
        src, dst = self.accounts[line.src or 0], self.accounts[line.dst or 0]
        if line.kind in MOVES:
            src.posted, dst.posted = src.posted - line.amount, dst.posted + line.amount
        if line.kind == Kind.HOLD:
            self.holds[line.id] = line
            src.held, dst.held_in = src.held + line.amount, dst.held_in + line.amount
        if line.kind in RESOLVES and line.parent:
            freed = self.holds.pop(line.parent).amount or 0
            src.held, dst.held_in = src.held - freed, dst.held_in - freed
        for account in (src, dst):
            account.seq += 1
            account.over = account.over and account.outside
        self.rows[line.id] = Row(line, (src.seq, dst.seq), (src.posted, dst.posted))


def _told(known: Ask, line: Ask) -> Result:
    """What an id that is there already means; when a hold expires is no part of what is stored of it for good."""
    if known == replace(line, expires_at=known.expires_at):
        return Result.EXISTS
    return Result.ALREADY_RESOLVED if line.parent else Result.ID_REUSED


def _may_move(amount: int, src: Account, dst: Account) -> Result:
    """Units, freezes and bounds; what is held counts as if it were gone, so no capture can break a bound."""
    low, high = src.posted - src.held - amount, dst.posted + dst.held_in + amount
    if src.unit != dst.unit:
        return Result.UNIT_DIFFERS
    if src.frozen_out or dst.frozen_in:
        return Result.FROZEN
    if src.floor is not None and low < src.floor:
        return Result.BELOW_FLOOR
    if dst.ceil is not None and high > dst.ceil:
        return Result.ABOVE_CEILING
    return Result.OVERFLOW if low <= -LIMIT or high >= LIMIT else Result.OK
