"""Learned arrivals (到账时间): computed at night from what was sent and what the banks' own data show, as dated rows.

Whoever says until when a payment is safe asks here (`learned`), and stores with the plan which day's row it was.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.channels import arrival_rules, breaker, capabilities, store, store_house
from anhuan.channels.arrival_rules import Careful, Learned, Season, Unit, Wait
from anhuan.channels.tables_house import ArrivalRow
from anhuan.kit import calendar, clock, terms

BATCH: Final = 2000
SHIFTED: Final = "arrivals_shifted"


@dataclass(frozen=True, slots=True)
class Known:
    """What was learned of one channel and bank, and on which day."""

    channel: str
    bank: str
    funding_kind: str
    season: Season
    computed_on: date
    learned: Learned


def learned(
    db: Session, channel: str, bank: str, *, on: date, funding_kind: str = "own_debit", due_on: date | None = None
) -> Known | None:
    """What was last learned up to a day; in the season of the days up to `due_on`, where that is named."""
    season = Season.USUAL if due_on is None else season_between(on, due_on)
    row = store_house.arrival(db, channel, bank, funding_kind, season, on=on)
    return None if row is None else _known(row)


def season_between(first: date, last: date) -> Season:
    """Whether a break lies in the days from the first to the last, by the calendar in force."""
    days = capabilities.number("arrival_break_days", on=first)
    return arrival_rules.season_of(first, max(first, last), calendar.current(), break_days=days)


def with_learned(db: Session, channel: terms.Channel, bank: str, *, on: date, due_on: date) -> terms.Channel:
    """The channel as it truly delivers to this bank's cards: the learned p99 where there is one (S3-15)."""
    found = learned(db, channel.id, bank, on=on, due_on=due_on)
    return arrival_rules.applied(channel, found.learned if found else None)


@dataclass(frozen=True, slots=True)
class Book:
    """Everything that was learned up to a day, asked for once and looked up often."""

    on: date
    rows: dict[tuple[str, str, Season], Learned]

    def of(self, channel: str, bank: str, *, due_on: date) -> Learned | None:
        """What holds for payments from an own debit account between the book's day and the due day, or None."""
        if not self.rows:
            return None
        return self.rows.get((channel, bank, season_between(self.on, due_on)))


def book(db: Session, *, on: date) -> Book:
    """The book of a day; one question to the database."""
    held = all_known(db, on=on)
    return Book(
        on, {(one.channel, one.bank, one.season): one.learned for one in held if one.funding_kind == "own_debit"}
    )  # fmt: skip


def all_known(db: Session, *, on: date) -> list[Known]:
    """Everything that was last learned up to a day; for pages."""
    return [_known(row) for row in store_house.arrivals(db, on=on)]


def compute(db: Session, *, now: datetime) -> int:
    """Learn from all parties' payments of the window and keep one row each; returns how many rows. For the worker."""
    on = now.astimezone(clock.CHINA).date()
    since = now - timedelta(days=capabilities.number("arrival_window_days", on=on))
    groups: dict[tuple[str, str, str, Season], list[tuple[datetime, Wait]]] = defaultdict(list)
    for _, theirs in groupby(_samples(db, since), key=lambda one: one.user_id):
        for key, sent_at, wait in _waits(list(theirs), on):
            groups[key].append((sent_at, wait))
    kept = 0
    for (channel, bank, funding, season), waits in groups.items():
        found = _learn(channel, bank, [wait for _, wait in sorted(waits, key=lambda pair: pair[0])], on)
        if found is not None:
            _keep(db, channel, bank, funding, season, found, on)
            kept += 1
            if found.shifted:
                seconds = capabilities.number("arrival_shift", on=on)["open_seconds"]
                breaker.trip(db, channel, why=SHIFTED, until=now + timedelta(seconds=seconds), now=now)
    return kept


def unit_of(channel: str, bank: str, on: date) -> Unit:
    """How the waits of a channel are counted."""
    record = capabilities.find(channel, bank, on=on)
    return Unit.WORKDAYS if record is not None and record.workdays_only else Unit.MINUTES


def otherwise(channel: str, bank: str, on: date) -> int:
    """The careful wait while few have arrived: the channel's stated class and its own usual arrival, the larger."""
    record = capabilities.find(channel, bank, on=on)
    known = terms.channel(channel, on=on) if channel in terms.channel_ids() else None
    if unit_of(channel, bank, on) is Unit.WORKDAYS:
        return max(record.lead_days if record else 0, known.lead_days if known else 0)
    classes: dict[str, int] = capabilities.number("arrival_classes", on=on)
    stated = classes[record.arrival_class] if record else max(classes.values())
    return max(stated, (known.arrival_minutes if known else None) or 0)


def _samples(db: Session, since: datetime) -> Iterator[Any]:
    after: tuple[UUID, UUID] | None = None
    while rows := store.samples(db, since, after=after, at_most=BATCH):
        yield from rows
        after = (rows[-1].user_id, rows[-1].key)


def _waits(theirs: list[Any], on: date) -> Iterator[tuple[tuple[str, str, str, Season], datetime, Wait]]:
    """One party's payments as waits. What has not arrived was last looked for on the last day of that card's data:

    later than that nobody can say whether it is slow, so it counts as under way until then and no longer.
    """
    looked: dict[bytes, date] = {}
    for one in theirs:
        if one.posted_on is not None:
            looked[one.card_key] = max(one.posted_on, looked.get(one.card_key, one.posted_on))
    for one in theirs:
        until = looked.get(one.card_key)
        if until is not None and until >= one.sent_at.astimezone(clock.CHINA).date():
            key, wait = _sample(one, datetime.combine(until, time(0), clock.CHINA) + timedelta(days=1), on)
            if wait.arrived or wait.length > 0:
                yield key, one.sent_at, wait


def _sample(one: Any, now: datetime, on: date) -> tuple[tuple[str, str, str, Season], Wait]:
    record = capabilities.find(one.channel, one.bank, on=on)
    wait = arrival_rules.wait_of(
        one.sent_at, posted_at=one.posted_at, posted_on=one.posted_on, now=now,
        unit=unit_of(one.channel, one.bank, on), cut_off=record.cut_off if record else None,
        calendar=calendar.current(),
    )  # fmt: skip
    ended = one.posted_on or (now.astimezone(clock.CHINA) - timedelta(days=1)).date()
    days = capabilities.number("arrival_break_days", on=on)
    sent_on = one.sent_at.astimezone(clock.CHINA).date()
    season = arrival_rules.season_of(sent_on, max(sent_on, ended), calendar.current(), break_days=days)
    return (one.channel, one.bank, one.funding_kind, season), wait


def _learn(channel: str, bank: str, waits: list[Wait], on: date) -> Learned | None:
    said, shift = capabilities.number("arrival_confidence", on=on), capabilities.number("arrival_shift", on=on)
    careful = Careful(Decimal(said["share"]), Decimal(said["confidence"]), shift["last"], shift["factor"])
    return arrival_rules.learn(
        waits, unit=unit_of(channel, bank, on), careful=careful, otherwise=otherwise(channel, bank, on)
    )  # fmt: skip


def _keep(db: Session, channel: str, bank: str, funding: str, season: Season, found: Learned, on: date) -> None:
    store_house.keep_arrival(
        db,
        {"channel": channel, "bank": bank, "funding_kind": funding, "season": season.value, "computed_on": on,
         "unit": found.unit.value, "n": found.n, "under_way": found.under_way, "p50": found.p50, "p99": found.p99,
         "maximum": found.maximum, "trusted": found.trusted, "shifted": found.shifted},
    )  # fmt: skip


def _known(row: ArrivalRow) -> Known:
    return Known(
        row.channel, row.bank, row.funding_kind, Season(row.season), row.computed_on,
        Learned(Unit(row.unit), row.n, row.under_way, row.p50, row.p99, row.maximum, row.trusted, row.shifted),
    )  # fmt: skip
