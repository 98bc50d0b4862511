"""Lines nobody would send on purpose: recipes drawn blindly, and the cook that makes batches of them.

A recipe is a handful of small numbers and knows no state, so that it can be drawn, shrunk and repeated; the cook knows
what was sent before and turns `pick` into one of those ids, accounts and holds.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from random import Random
from typing import Final
from uuid import UUID

from tests.laws.plain_ledger import RESOLVES, Ask

from anhuan.kit import ids
from anhuan.ledger.model import LIMIT, MOST, Kind

DAY: Final = 86_400_000  # milliseconds
EVENT: Final = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class What(Enum):
    """What a line tries; the first are what a room sends, the later what only a mistake sends."""

    POST = auto()
    HOLD = auto()
    EXPIRING_HOLD = auto()
    CAPTURE = auto()
    CAPTURE_PART = auto()
    VOID = auto()
    EXPIRE = auto()
    REVERSE = auto()
    AGAIN = auto()  # an earlier line, letter for letter
    OTHER_BODY = auto()  # an earlier id, something else under it
    NO_PARENT = auto()
    SAME_ACCOUNT = auto()
    OTHER_UNIT = auto()
    NO_ACCOUNT = auto()
    STRANGER = auto()  # the account of somebody whose rows are not open
    TOO_EARLY = auto()  # the id of a month that is not open
    TOO_LATE = auto()  # the id of a day after tomorrow


COMMON: Final = (What.POST, What.HOLD, What.EXPIRING_HOLD, What.CAPTURE, What.CAPTURE_PART, What.VOID, What.EXPIRE,
                 What.REVERSE, What.AGAIN, What.OTHER_BODY)  # fmt: skip
ODD: Final = tuple(what for what in What if what not in COMMON)
AMOUNTS: Final = (*(1, 2, 3, 40, 60, 100, 250, 500) * 3, 0, -1, MOST, MOST + 1, LIMIT, 2 * LIMIT - 1)
BOUNDS: Final = (None, None, 0, 0, -100, 250, -1000, 1000)

CLOSELY: Final = (None, None, -20, 0, 40)  # how far a bound lies outside of what stands there; minus: inside


class Together(Enum):
    """Whether a line stands alone, opens a group or joins the one before it."""

    ALONE = auto()
    OPENS = auto()
    JOINS = auto()


@dataclass(frozen=True, slots=True)
class Recipe:
    """One line before anybody knows what was sent before it."""

    what: What
    first: int  # which account, or which road of the chart
    second: int
    amount: int
    pick: int  # which of the earlier lines
    together: Together = Together.ALONE


@dataclass(frozen=True, slots=True)
class Road:
    """A way the chart allows: a code and the accounts that may stand at its two ends."""

    code: int
    sources: tuple[int, ...]
    targets: tuple[int, ...]
    elsewhere: tuple[int, ...]  # accounts of another unit


@dataclass(slots=True)
class Cook:
    """Turns recipes into lines of one shard; `count` makes the ids, so that equal schedules make equal ids."""

    roads: tuple[Road, ...]
    strangers: tuple[int, ...]
    now_ms: int
    salt: int = 0
    count: int = 0
    sent: list[Ask] = field(default_factory=list)
    holds: list[UUID] = field(default_factory=list)
    moves: list[UUID] = field(default_factory=list)
    stored: set[UUID] = field(default_factory=set)  # ids that were accepted

    def batch(self, recipes: Iterable[Recipe]) -> list[Ask]:
        """Lines of one call; a group never comes back after a gap, that would be refused as a whole."""
        lines: list[Ask] = []
        for recipe in recipes:
            line = self._line(recipe)
            group = self._group(recipe, lines)
            if recipe.what is not What.AGAIN:
                line = replace(line, group=group)
            elif line.group and line.group in {one.group for one in lines[:-1]} - {lines[-1].group if lines else None}:
                continue
            lines.append(line)
            self._remember(line)
        return lines

    def settle(self, stored: set[UUID]) -> None:
        """Learn what was accepted: later lines mostly pick from that, lines of the same batch from anything."""
        self.stored |= stored
        self.holds = [one for one in self.holds if one in self.stored]
        self.moves = [one for one in self.moves if one in self.stored]

    def new_id(self, *, off_ms: int = 0) -> UUID:
        """A version 7 id of the schedule's moment and the next number."""
        self.count += 1
        low = (0b10 << 62) | (self.salt << 40) | self.count
        return UUID(int=(self.now_ms + off_ms) << 80 | 0x7 << 76 | low)

    def _line(self, recipe: Recipe) -> Ask:
        earlier: Sequence[UUID | Ask] = ()
        match recipe.what:
            case What.CAPTURE | What.CAPTURE_PART | What.VOID | What.EXPIRE:
                earlier = self.holds
            case What.REVERSE:
                earlier = self.moves
            case What.AGAIN | What.OTHER_BODY:
                earlier = self.sent
        if not earlier:
            return self._fresh(recipe)
        chosen = earlier[-1 - recipe.pick % len(earlier)]
        if isinstance(chosen, UUID):
            return self._resolving(recipe, chosen)
        return chosen if recipe.what is What.AGAIN else self._changed(recipe, chosen)

    def _fresh(self, recipe: Recipe) -> Ask:
        road = self.roads[recipe.first % len(self.roads)]
        src = road.sources[recipe.second % len(road.sources)]
        dst = road.targets[recipe.pick % len(road.targets)]
        off = 0
        match recipe.what:
            case What.NO_PARENT:
                kind = list(Kind)[2 + recipe.second % 4]
                return Ask(kind, parent=self.new_id(), amount=recipe.amount if kind == Kind.CAPTURE else None)
            case What.SAME_ACCOUNT:
                dst = src
            case What.OTHER_UNIT:
                dst = road.elsewhere[recipe.pick % len(road.elsewhere)]
            case What.NO_ACCOUNT:
                src, dst = (src, -1) if recipe.pick % 2 else (10**15, dst)
            case What.STRANGER:
                src = self.strangers[recipe.pick % len(self.strangers)]
            case What.TOO_EARLY:
                off = -400 * DAY
            case What.TOO_LATE:
                off = 2 * DAY
        return Ask(
            Kind.HOLD if recipe.what in (What.HOLD, What.EXPIRING_HOLD) else Kind.POST,
            id=self.new_id(off_ms=off), src=src, dst=dst, amount=recipe.amount, code=road.code,
            ref=UUID(int=recipe.pick + 1) if recipe.pick % 3 else None,
            event_at=EVENT + timedelta(days=recipe.pick) if recipe.pick % 5 == 0 else None,
            expires_at=EVENT if recipe.what is What.EXPIRING_HOLD else None,
        )  # fmt: skip

    def _resolving(self, recipe: Recipe, parent: UUID) -> Ask:
        kind = {
            What.CAPTURE: Kind.CAPTURE, What.CAPTURE_PART: Kind.CAPTURE, What.VOID: Kind.VOID,
            What.EXPIRE: Kind.EXPIRE, What.REVERSE: Kind.REVERSE,
        }[recipe.what]  # fmt: skip
        return Ask(kind, parent=parent, amount=recipe.amount if recipe.what is What.CAPTURE_PART else None)

    def _changed(self, recipe: Recipe, line: Ask) -> Ask:
        """The same id with one thing else; a line with a parent has its id from it, so another thing is done to it."""
        if line.parent is not None:
            kinds = sorted({*RESOLVES, Kind.REVERSE} - {line.kind})
            return replace(line, kind=kinds[recipe.second % len(kinds)], amount=None)
        road = next((road for road in self.roads if road.code == line.code), self.roads[0])
        match recipe.second % (7 if line.id in self.stored else 5):  # the last two would leave the chart if accepted
            case 0:
                return replace(line, amount=(line.amount or 0) % MOST + 1)
            case 1:
                return replace(line, ref=UUID(int=777))
            case 2:
                return replace(line, event_at=EVENT + timedelta(microseconds=1))
            case 3:
                return replace(line, kind=Kind.HOLD if line.kind == Kind.POST else Kind.POST, expires_at=None)
            case 4:
                return replace(
                    line,
                    src=road.sources[recipe.first % len(road.sources)],
                    dst=road.targets[recipe.pick % len(road.targets)],
                )
            case 5:
                return replace(line, src=line.dst, dst=line.src)
            case _:
                return replace(line, code=(line.code or 0) + 1)

    def _group(self, recipe: Recipe, lines: Sequence[Ask]) -> UUID | None:
        if recipe.together is Together.OPENS:
            return self.new_id()
        return lines[-1].group if lines and recipe.together is Together.JOINS else None

    def _remember(self, line: Ask) -> None:
        self.sent.append(line)
        if line.kind == Kind.HOLD and line.id is not None:
            self.holds.append(line.id)
        elif line.parent is not None:
            self.moves.append(ids.derive(line.parent, "reverse" if line.kind == Kind.REVERSE else "resolve"))
        elif line.id is not None:
            self.moves.append(line.id)


def random_recipes(dice: Random, *, most: int) -> Iterator[Recipe]:
    """Recipes of one batch, drawn by dice: mostly sensible, sometimes not."""
    for _ in range(dice.randint(1, most)):
        yield Recipe(
            what=dice.choice(ODD) if dice.random() < 0.06 else dice.choice(COMMON),
            first=dice.randrange(30), second=dice.randrange(30), amount=dice.choice(AMOUNTS), pick=dice.randrange(12),
            together=dice.choices(tuple(Together), (6, 1, 2))[0],
        )  # fmt: skip
