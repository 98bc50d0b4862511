"""The channels at the operators' console: how each answers, what is open by state and age, which bank they reach."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response

from anhuan.channels import arrivals, capabilities, health, store, store_house
from anhuan.channels.arrivals import Known
from anhuan.channels.capabilities import Way
from anhuan.channels.health import Cell, Matrix
from anhuan.channels.health import State as Standing
from anhuan.channels.model import HealthState, Licence, State
from anhuan.channels.tables_house import FlagRow, HealthRow
from anhuan.kit import page

router = APIRouter(prefix="/desk/channels", include_in_schema=False)
BY_HAND: Final = (Licence.OWN_HAND, Licence.OWN_FILE)  # nobody answers there: the user, or a file, does it
LOOKS: Final = 50
# What is worst first: nobody knows, then what was never sent, then what the channel has taken.
URGENCY: Final = (State.UNKNOWN, State.CREATED, State.PROCESSING, State.ACCEPTED)


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel as it looks from here: `state` is a HealthState, or `hand`, or `never` (nobody has looked yet)."""

    standing: Standing
    state: str
    good_at: datetime | None
    open: int


@dataclass(frozen=True, slots=True)
class Open:
    """Instructions of one channel without a final answer, in one state; the age is that of the oldest, in minutes."""

    way: Way
    state: str
    count: int
    since: datetime
    minutes: int


@dataclass(frozen=True, slots=True)
class Contradiction:
    """What a channel said against what it had said; it bars a new attempt until somebody has cleared it."""

    party: UUID
    number: UUID
    key: UUID
    way: Way
    kind: str
    heard_at: datetime
    asked_at: datetime | None  # since when somebody's word to clear it waits for a second person


@dataclass(frozen=True, slots=True)
class Reach:
    """Banks that every channel reaches alike, in one row, with a cell for each channel in the order of the columns."""

    zh: tuple[str, ...]
    en: tuple[str, ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Channels:
    """All channels on one page."""

    template: ClassVar[str] = "channels/channels.html"
    channels: tuple[Channel, ...]
    open: tuple[Open, ...]
    contradictions: tuple[Contradiction, ...]
    learned: tuple[tuple[Way, str, str, Known], ...]
    flags: tuple[tuple[Way, FlagRow], ...]
    columns: tuple[Way, ...]
    matrix: tuple[Reach, ...]


@dataclass(frozen=True, slots=True)
class OneChannel:
    """One channel: the last looks at it, and its record with each bank that it reaches."""

    template: ClassVar[str] = "channels/channel.html"
    channel: Channel
    looks: tuple[HealthRow, ...]
    records: tuple[tuple[str, str, tuple[tuple[str, Any], ...]], ...]


@router.get("", dependencies=[page.needs("desk.channels")])
def channels(request: Request, db: page.Desk) -> Response:
    """State, work that is open, learned arrivals, and the matrix of banks and channels."""
    on, now = page.today(request), page.now(request)

    def way(channel: str) -> Way:
        return capabilities.way(channel, on=on)

    good = store_house.last_answers(db)
    waiting = [
        Open(way(channel), state, count, since, max(0, int((now - since).total_seconds() // 60)))
        for channel, state, count, since in store.counts(db)
    ]
    table, names = health.matrix(db, on), capabilities.banks(on=on)
    shown = Channels(
        channels=tuple(_channel(one, good) for one in health.health(db, now=now)),
        open=tuple(sorted(waiting, key=_urgency)),
        contradictions=tuple(
            Contradiction(party, number, key, way(channel), kind, at, asked_at)
            for party, number, key, channel, kind, at, _, asked_at in store.open_contradictions(db)
        ),
        learned=tuple(
            (way(one.channel), *names.get(one.bank, (one.bank, one.bank)), one) for one in arrivals.all_known(db, on=on)
        ),
        flags=tuple((way(row.channel), row) for row in store_house.flags(db)),
        columns=table.channels,
        matrix=_rows(table),
    )
    return page.render(request, shown)


@router.get("/{channel}", dependencies=[page.needs("desk.channels")])
def channel(request: Request, db: page.Desk, channel: str) -> Response:
    """One channel with its last looks and its whole record."""
    on, now = page.today(request), page.now(request)
    found = next((one for one in health.health(db, now=now) if one.channel == channel), None)
    if found is None:
        raise page.NotFound("没有这个渠道。")
    looks = store_house.health_of(db, channel, datetime.fromtimestamp(0, now.tzinfo), at_most=LOOKS)
    table = health.matrix(db, on)
    records = tuple(
        (zh, en, tuple((name, _plain(value)) for name, value in capabilities.as_rows(record)))
        for bank, zh, en in table.banks
        if (record := table.cells[bank, channel].record) is not None
    )
    return page.render(request, OneChannel(_channel(found, store_house.last_answers(db)), tuple(looks), records))


def _rows(table: Matrix) -> tuple[Reach, ...]:
    """One row for all banks whose cells say the same."""
    alike: dict[tuple[object, ...], list[tuple[str, str, str]]] = {}
    for bank in table.banks:
        cells = (table.cells[bank[0], one.channel] for one in table.channels)
        alike.setdefault(tuple(_said(cell) for cell in cells), []).append(bank)
    return tuple(
        Reach(
            tuple(zh for _, zh, _ in banks), tuple(en for _, _, en in banks),
            tuple(table.cells[banks[0][0], one.channel] for one in table.channels),
        )
        for banks in alike.values()
    )  # fmt: skip


def _said(cell: Cell) -> object:
    """What the matrix says of a cell."""
    one = cell.record
    return one and (cell.live, one.licence, one.arrival_class, one.per_payment_max)


def _channel(one: Standing, good: dict[str, datetime]) -> Channel:
    return Channel(one, _state(one), good.get(one.channel), sum(one.waiting.values()))


def _state(one: Standing) -> str:
    if not one.live:
        return HealthState.CLOSED
    if one.licence in BY_HAND:
        return "hand"
    if one.breaker_until is not None:
        return HealthState.OPEN
    return one.health.state if one.health else "never"


def _urgency(one: Open) -> tuple[int, datetime]:
    return URGENCY.index(State(one.state)) if one.state in URGENCY else len(URGENCY), one.since


def _plain(value: Any) -> str:
    if value is None or value in ((), frozenset(), ""):
        return "—"
    if isinstance(value, bool):
        return "是 yes" if value else "否 no"
    if isinstance(value, tuple | frozenset):
        return ", ".join(sorted(map(str, value)))
    return str(value)
