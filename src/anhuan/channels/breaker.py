"""The breaker (熔断): a channel that fails again and again is left alone for a while.

One card alone is stopped where its bank said that it takes no money. A breaker keeps us from sending; asking goes on,
and the first good answer closes it again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.channels import capabilities, store, store_house
from anhuan.channels.tables_house import BreakerRow


@dataclass(frozen=True, slots=True)
class Thresholds:
    """So many failures within so many seconds open it, each time longer."""

    failures: int
    within: timedelta
    open_for: tuple[timedelta, ...]


@dataclass(frozen=True, slots=True)
class Count:
    """Failures in a row since a moment, how often it opened without a good call between, and until when it is open."""

    failures: int = 0
    since: datetime | None = None
    trips: int = 0
    open_until: datetime | None = None


def after_call(before: Count, *, good: bool, now: datetime, thresholds: Thresholds) -> Count:
    """The count after one more call; values in, value out."""
    if good:
        return Count()
    fresh = before.since is None or now - before.since > thresholds.within
    # One that opened before and failed its first call after that opens again at once, for longer.
    failures = 1 if fresh and not before.trips else before.failures + 1
    since = now if fresh else before.since
    if failures < thresholds.failures or is_open(before, now):
        return Count(failures, since, before.trips, before.open_until)
    length = thresholds.open_for[min(before.trips, len(thresholds.open_for) - 1)]
    return Count(failures, since, before.trips + 1, now + length)


def is_open(count: Count, now: datetime) -> bool:
    """Whether nothing may be sent at this moment."""
    return count.open_until is not None and now < count.open_until


def thresholds(channel: str, on: date) -> Thresholds:
    """The dated thresholds of a channel."""
    said = capabilities.number("breaker", on=on, channel=channel)
    return Thresholds(
        said["failures"], timedelta(seconds=said["within_seconds"]), _spans(said["open_seconds"])
    )  # fmt: skip


def note(db: Session, channel: str, *, good: bool, why: str, now: datetime, on: date) -> None:
    """Count one call; a good one at a channel that never failed writes nothing."""
    row = store_house.breaker(db, channel, lock=not good)
    if good and (row is None or row.failures == 0):
        return
    if row is None:
        store_house.make_breaker(db, channel)
    row = store_house.breaker(db, channel, lock=True)
    assert row is not None, "it was just made"
    count = after_call(_count(row), good=good, now=now, thresholds=thresholds(channel, on))
    row.failures, row.first_failed_at, row.trips, row.open_until_at = (
        count.failures, count.since, count.trips, count.open_until,
    )  # fmt: skip
    row.why = "" if good else why
    db.flush()


def trip(db: Session, channel: str, *, why: str, until: datetime, now: datetime) -> None:
    """Open it at once, by a rule of another kind (a sudden shift of arrivals) or by hand."""
    store_house.make_breaker(db, channel)
    row = store_house.breaker(db, channel, lock=True)
    assert row is not None, "it was just made"
    row.trips, row.why, row.first_failed_at = row.trips + 1, why, row.first_failed_at or now
    row.open_until_at = max(until, row.open_until_at or until)
    row.failures = max(row.failures, 1)
    db.flush()


def open_until(db: Session, channel: str, now: datetime) -> datetime | None:
    """Until when nothing is sent to a channel, or None where it may be sent."""
    row = store_house.breaker(db, channel)
    count = Count() if row is None else _count(row)
    return count.open_until if is_open(count, now) else None


def all_open(db: Session, now: datetime) -> list[str]:
    """The channels to which nothing is sent at this moment."""
    return [row.channel for row in store_house.breakers(db) if is_open(_count(row), now)]


def stop_card(db: Session, user_id: UUID, channel: str, card_key: bytes, *, code: str, now: datetime, on: date) -> None:
    """Stop one card at one channel, if its bank's code is one of those that say so."""
    said = capabilities.number("card_breaker", on=on, channel=channel)
    if code not in said["codes"]:
        return
    until = now + timedelta(seconds=said["open_seconds"])
    store.stop(db, {"user_id": user_id, "channel": channel, "card_key": card_key, "code": code, "since_at": now,
                    "until_at": until})  # fmt: skip


def _count(row: BreakerRow) -> Count:
    return Count(row.failures, row.first_failed_at, row.trips, row.open_until_at)


def _spans(seconds: Sequence[int]) -> tuple[timedelta, ...]:
    return tuple(timedelta(seconds=one) for one in seconds)
