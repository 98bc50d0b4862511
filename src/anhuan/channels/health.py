"""How each channel is doing: looks at it, kept as snapshots, and the matrix of banks and channels that pages show."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from anhuan.channels import breaker, capabilities, register, registry, stops, store, store_house
from anhuan.channels.model import Capabilities, Health, HealthState, UnknownChannel
from anhuan.channels.tables_house import HealthRow
from anhuan.kit import clock
from anhuan.kit.settings import BadSetting

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class State:
    """One channel as the page of health shows it."""

    channel: str
    zh: str
    en: str
    connector: str
    health: Health | None  # None: nobody has looked yet
    breaker_until: datetime | None
    failures: int
    live: bool
    licence: str
    entry: register.Standing | None
    waiting: dict[str, int]  # instructions without a final answer, by state
    oldest_at: datetime | None
    stop: stops.Stop | None  # by an operator: this channel, or everything


@dataclass(frozen=True, slots=True)
class Cell:
    """What one channel can do for one bank's cards: its record, and whether it may be used on the day."""

    channel: str
    bank: str
    record: Capabilities | None
    live: bool


@dataclass(frozen=True, slots=True)
class Matrix:
    """Banks by channels on a day; the cell of a pair that nobody has a record of is empty, never a guess."""

    on: date
    channels: tuple[capabilities.Way, ...]
    banks: tuple[tuple[str, str, str], ...]  # id, Chinese, English
    cells: dict[tuple[str, str], Cell]  # (bank, channel)


def look(channel: str, *, now: datetime) -> Health:
    """Look at one connector; one that is not set up or fails is silent. Opens no transaction."""
    on = now.astimezone(clock.CHINA).date()
    began = time.perf_counter()
    try:
        found = registry.find(capabilities.way(channel, on=on).connector).health(now=now)
    except (BadSetting, UnknownChannel) as error:
        return Health(HealthState.SILENT, now, detail=error.code)
    except Exception as error:
        log.exception("a look at a channel failed", channel=channel)
        return Health(HealthState.SILENT, now, detail=type(error).__name__)
    took = found.took_ms if found.took_ms is not None else int((time.perf_counter() - began) * 1000)
    slow = took >= capabilities.number("slow_call_ms", on=on, channel=channel)
    state = HealthState.SLOW if slow and found.state is HealthState.ANSWERED else found.state
    return replace(found, state=state, took_ms=took)


def keep(db: Session, channel: str, seen: Health) -> None:
    """Keep one look; for the worker."""
    db.merge(
        HealthRow(
            channel=channel, checked_at=seen.checked_at, state=seen.state.value, took_ms=seen.took_ms,
            until_at=seen.until, detail=seen.detail[:200],
        )
    )  # fmt: skip


def told(channel: str, *, on: date) -> list[capabilities.Difference]:
    """In what a channel tells of itself otherwise than our record; nothing where it tells nothing. No transaction."""
    try:
        theirs = registry.find(capabilities.way(channel, on=on).connector).capabilities(on)
    except (BadSetting, UnknownChannel):
        return []
    except Exception:
        log.exception("a channel could not tell what it can do", channel=channel)
        return []
    mine = {one.bank: one for one in theirs if one.channel == channel}
    records = {bank: _record(channel, bank, on) for bank in mine}
    return [
        one for bank, record in records.items() if record for one in capabilities.differences(record, mine[bank])
    ]  # fmt: skip


def flag(db: Session, channel: str, found: Sequence[capabilities.Difference], *, now: datetime) -> None:
    """Keep each difference for somebody to decide on; our record holds until then. For the worker."""
    for one in found:
        store_house.flag(db, {"channel": channel, "bank": one.bank, "field": one.field, "ours": str(one.ours)[:200],
                              "theirs": str(one.theirs)[:200], "seen_at": now})  # fmt: skip


def tidy(db: Session, *, now: datetime) -> None:
    """Forget looks older than the dated number of days."""
    days = capabilities.number("health_kept_days", on=now.astimezone(clock.CHINA).date())
    store_house.forget_health(db, now - timedelta(days=days))


def health(db: Session, *, now: datetime) -> list[State]:
    """Every channel with its last look, breaker, licence and what waits for its answer; for the worker and the desk."""
    on = now.astimezone(clock.CHINA).date()
    looks = {row.channel: row for row in store_house.latest_health(db)}
    counts = store.counts(db)
    return [_state(db, channel, looks.get(channel), counts, now, on) for channel in capabilities.ids(on=on)]


def states(db: Session, *, now: datetime) -> dict[str, HealthState]:
    """How channels are doing for routing, in two questions: an open breaker, else as a fresh look said.

    What is missing answers: a look that is old says nothing of now, and would keep people from paying for nothing.
    """
    minutes = capabilities.number("health_believed_minutes", on=now.astimezone(clock.CHINA).date())
    fresh = store_house.latest_health(db, since=now - timedelta(minutes=minutes))
    found = {row.channel: HealthState(row.state) for row in fresh}
    return found | dict.fromkeys(breaker.all_open(db, now), HealthState.OPEN)


def matrix(db: Session, on: date) -> Matrix:
    """What each channel can do for each bank's cards on a day, from the dated records (S2-23, S3-14)."""
    ways = tuple(capabilities.way(channel, on=on) for channel in capabilities.ids(on=on))
    banks = tuple((bank, zh, en) for bank, (zh, en) in capabilities.banks(on=on).items())
    live: dict[str, bool] = {}
    cells = {}
    for way in ways:
        for bank, _, _ in banks:
            record = _record(way.channel, bank, on)
            if record is not None and way.channel not in live:
                live[way.channel] = register.is_live(db, record, on)
            cells[bank, way.channel] = Cell(way.channel, bank, record, record is not None and live[way.channel])
    return Matrix(on, ways, banks, cells)


def _seen(row: HealthRow) -> Health:
    return Health(HealthState(row.state), row.checked_at, row.took_ms, row.until_at, row.detail)


def _record(channel: str, bank: str, on: date) -> Capabilities | None:
    try:
        return capabilities.find(channel, bank, on=on)
    except BadSetting:  # a connector that nobody has set up tells nothing of itself
        return None


def _state(
    db: Session, channel: str, seen: HealthRow | None, counts: Sequence[tuple[str, str, int, datetime]],
    now: datetime, on: date,
) -> State:  # fmt: skip
    way = capabilities.way(channel, on=on)
    records = [one for bank in capabilities.banks(on=on) if (one := _record(channel, bank, on)) is not None]
    record = records[0] if records else None
    row = store_house.breaker(db, channel)
    mine = [one for one in counts if one[0] == channel]
    return State(
        channel=channel, zh=way.zh, en=way.en, connector=way.connector,
        health=_seen(seen) if seen else None,
        breaker_until=breaker.open_until(db, channel, now), failures=row.failures if row else 0,
        live=record is not None and register.is_live(db, record, on), licence=record.licence if record else "",
        entry=register.valid(db, channel, on), waiting={one[1]: one[2] for one in mine},
        oldest_at=min((one[3] for one in mine), default=None), stop=stops.standing(db, channel, "", now),
    )  # fmt: skip
