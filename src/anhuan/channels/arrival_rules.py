"""How long arrivals take, learned from what arrived and from what has not yet (channels.md, section 8). Values in,
values out; a wait is a whole number of minutes, or of workdays where a channel books on workdays only."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum

from anhuan.kit import clock
from anhuan.kit.calendar import Calendar
from anhuan.kit.terms import Channel

_DAY = timedelta(days=1)


class Unit(StrEnum):
    """How waits are counted."""

    MINUTES = "minutes"
    WORKDAYS = "workdays"


class Season(StrEnum):
    """Holidays are kept apart: what is slow in them says nothing about other weeks, and the other way round."""

    USUAL = "usual"
    BREAK = "break"


@dataclass(frozen=True, slots=True)
class Wait:
    """One payment: how long it took to the posting day in the bank's data, or how long it has taken so far."""

    length: int
    arrived: bool


@dataclass(frozen=True, slots=True)
class Learned:
    """What the arrivals of one channel to one bank's cards tell: `trusted` from so many on that p99 rests on them."""

    unit: Unit
    n: int
    under_way: int
    p50: int
    p99: int
    maximum: int
    trusted: bool
    shifted: bool = False


@dataclass(frozen=True, slots=True)
class Careful:
    """The dated figures that learning needs."""

    share: Decimal  # 0.99
    confidence: Decimal  # 0.95
    shift_last: int
    shift_factor: int


def needed(share: Decimal, confidence: Decimal) -> int:
    """From how many arrivals on the largest one lies above the true quantile with this confidence: 299 for 99%, 95%."""
    return math.ceil(math.log(1 - confidence) / math.log(share))


def rank_above(n: int, share: Decimal, confidence: Decimal) -> int:
    """The place (1 is the shortest) of the arrival that lies above the true quantile with this confidence.

    The number of arrivals below the quantile is binomial: the smallest place r with P(X < r) >= confidence.
    """
    p, below = float(share), 0.0
    for place in range(1, n + 1):
        below += math.exp(_log_binomial(n, place - 1, p))
        if below >= float(confidence):
            return place
    return n


def learn(waits: Sequence[Wait], *, unit: Unit, careful: Careful, otherwise: int) -> Learned | None:
    """What these waits tell, in the order in which they were sent; None where nothing has arrived yet.

    Those under way count: the product-limit estimate (Kaplan and Meier, 1958) takes each as slower than it is so far.
    While there are too few arrivals, p99 is the largest of what was seen, of waits under way, and of `otherwise`.
    """
    arrived = sorted(wait.length for wait in waits if wait.arrived)
    open_ = sorted(wait.length for wait in waits if not wait.arrived)
    if not arrived:
        return None
    largest = max(arrived[-1], open_[-1] if open_ else 0)
    p50, p99 = (_product_limit(waits, share, largest) for share in (Decimal("0.5"), careful.share))
    trusted = len(arrived) >= needed(careful.share, careful.confidence)
    if trusted:
        # Waits that are longer already than the estimate are late ones, whenever they end.
        late = sorted([*arrived, *(length for length in open_ if length > p99)])
        p99 = max(p99, late[rank_above(len(late), careful.share, careful.confidence) - 1])
    else:
        p99 = max(largest, otherwise, p50)
    return Learned(
        unit, len(arrived), len(open_), p50, p99, arrived[-1], trusted, is_shifted(waits, p50, careful)
    )  # fmt: skip


def is_shifted(waits: Sequence[Wait], usual: int, careful: Careful) -> bool:
    """Whether the last few payments are all far slower than usual: the breaker answers at once, the statistic later."""
    last = waits[-careful.shift_last :]
    slow = careful.shift_factor * max(usual, 1)
    return len(waits) > 2 * careful.shift_last and len(last) == careful.shift_last and all(
        one.length > slow for one in last
    )  # fmt: skip


def wait_of(
    sent_at: datetime, *, posted_at: datetime | None, posted_on: date | None, now: datetime, unit: Unit,
    cut_off: time | None, calendar: Calendar,
) -> Wait:  # fmt: skip
    """One payment as a wait; where only the day is known it counts to the end of that day (UTC+8)."""
    arrived = posted_at is not None or posted_on is not None
    if posted_at is not None:
        end = posted_at
    elif posted_on is not None:
        end = datetime.combine(posted_on + _DAY, time(0), clock.CHINA)
    else:
        end = now
    if unit is Unit.MINUTES:
        return Wait(max(0, math.ceil((end - sent_at) / timedelta(minutes=1))), arrived)
    last = posted_on or (end.astimezone(clock.CHINA) - (timedelta(microseconds=1) if arrived else timedelta())).date()
    return Wait(workdays_between(_counts_from(sent_at, cut_off, calendar), last, calendar), arrived)


def workdays_between(first: date, last: date, calendar: Calendar) -> int:
    """How many workdays lie after the first day, up to and including the last; 0 where it is the same or earlier."""
    days = (first + _DAY * step for step in range(1, (last - first).days + 1))
    return sum(calendar.is_open(day) for day in days)


def season_of(sent_on: date, posted_on: date, calendar: Calendar, *, break_days: int) -> Season:
    """Whether a break (so many closed days in a row) lies in or touches the days from sending to posting."""
    run, day, last = 0, sent_on - _DAY * break_days, posted_on + _DAY * break_days
    while day <= last:
        run = 0 if calendar.is_open(day) else run + 1
        if run >= break_days and day >= sent_on and day - _DAY * (run - 1) <= posted_on:
            return Season.BREAK
        day += _DAY
    return Season.USUAL


def applied(channel: Channel, learned: Learned | None) -> Channel:
    """The channel with the learned p99 in place of its usual arrival; as it stands where nothing was learned."""
    if learned is None:
        return channel
    if learned.unit is Unit.WORKDAYS:
        return replace(channel, lead_days=learned.p99)
    return replace(channel, arrival_minutes=learned.p99)


def _counts_from(sent_at: datetime, cut_off: time | None, calendar: Calendar) -> date:
    """The workday that a channel counts a sending for: the next one after its cut-off or on a closed day."""
    here = sent_at.astimezone(clock.CHINA)
    late = cut_off is not None and here.time() > cut_off
    return calendar.next_workday(here.date() + _DAY if late else here.date())


def _product_limit(waits: Iterable[Wait], share: Decimal, otherwise: int) -> int:
    """The shortest wait by which this share has arrived; the longest known where the estimate never gets there."""
    left = 1 - float(share)
    ordered = sorted(waits, key=lambda wait: (wait.length, not wait.arrived))
    staying, at_risk = 1.0, len(ordered)
    for wait in ordered:
        if wait.arrived:
            staying *= (at_risk - 1) / at_risk
            if staying <= left + 1e-12:
                return wait.length
        at_risk -= 1
    return otherwise


def _log_binomial(n: int, k: int, p: float) -> float:
    return (
        math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) + k * math.log(p) + (n - k) * math.log1p(-p)
    )  # fmt: skip
