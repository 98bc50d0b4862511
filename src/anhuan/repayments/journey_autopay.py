"""The background jobs of autopay: new bills and days get their runs, due runs are told, ordered and handed over.

Every job asks the tables what is undone, so it may be killed anywhere, run twice, or run several times at once: runs
are taken with their rows held, those that another job holds are passed over.
"""

import time
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.exc import DBAPIError

from anhuan.channels import batches
from anhuan.channels.delivery import Now
from anhuan.kit import clock, jobs, terms, wall
from anhuan.kit.errors import Unavailable
from anhuan.repayments import autopay, mandate_runs
from anhuan.repayments import store_mandates as store
from anhuan.repayments.mandate_model import Timing

SHARE: Final = "repayments.autopay_share"
SHARES: Final = 2  # jobs at once; more would wait for the same two cores
SECONDS: Final = 50.0  # of one job; the next minute's goes on
FRESH: Final = timedelta(days=3)  # bills that became known since then are looked for every minute, all of them at night
AT_ONCE: Final = 500
URGENCY: Final = 5  # before all questions and looks, after what a person sends (channels.journey.FIRST)

log = structlog.get_logger(__name__)


@jobs.task("repayments.autopay", cron="* * * * *")
def due() -> None:
    """Promise as many jobs as may work at once on the runs that are due; none where nothing is."""
    with jobs.transaction() as db:
        wall.everybody(db)
        if store.nearest(db, clock.now()) is None:
            return
        for share in range(SHARES):
            jobs.defer(db, SHARE, lock=f"autopay {share}", priority=URGENCY, share=share)


@jobs.task(SHARE)
def share(share: str) -> None:
    """Take batch after batch, nearest deadline first, until nothing is due or the minute is over."""
    ends = time.monotonic() + SECONDS
    busy: set[int] = set()
    while time.monotonic() < ends:
        done = round_of_one(busy=busy)
        if done.lane is None:
            return
        if not done.taken:
            busy.add(done.lane)  # another job holds what is due there


def round_of_one(*, now: Now = clock.now, busy: set[int] | None = None) -> autopay.Done:
    """One batch: its transaction, and then the handing over of what it ordered."""
    try:
        done = _batch(now(), busy or set(), careful=False)
    except (DBAPIError, Unavailable):
        raise
    except Exception:
        log.exception("a batch of autopay broke; each of its runs is taken apart")
        done = _batch(now(), busy or set(), careful=True)
    _hand_over(done.to_send, now=now)
    return done


def _batch(at: datetime, busy: set[int], *, careful: bool) -> autopay.Done:
    at_most = terms.ask("batch", on=_day(at), scopes=("autopay",)).value
    with jobs.transaction() as db:
        wall.everybody(db)
        return autopay.run_due(db, now=at, at_most=at_most, busy=busy, careful=careful)


@jobs.task("repayments.mandates", cron="* * * * *")
def take_up() -> None:
    """Give new bills their runs, schedules their next day, plans their legs."""
    take_up_bills(since=clock.now() - FRESH, now=clock.now())
    take_up_days(now=clock.now())


@jobs.task("repayments.mandates_all", cron="23 2 * * *")
def take_up_all() -> None:
    """The same for bills however old: what was missed while nobody worked."""
    take_up_bills(since=None, now=clock.now())


def take_up_bills(*, since: datetime | None, now: datetime) -> int:
    """Runs for all bills that lack one, some hundreds in one transaction; tells how many were made."""
    made = 0
    while True:
        with jobs.transaction() as db:
            wall.everybody(db)
            new = mandate_runs.take_up_bills(db, since=since, now=now, at_most=AT_ONCE)
        made += new
        if new < AT_ONCE:
            return made


def take_up_days(*, now: datetime) -> int:
    """The next days of schedules, and plans that changed: each mandate in a transaction of its own."""
    looked = 0
    while looked < AT_ONCE:
        with jobs.transaction() as db:
            wall.everybody(db)
            found = store.to_look_at(db, now, at_most=1)
            if not found:
                return looked
            (row,) = found
            try:
                with db.begin_nested():
                    if row.timing == Timing.PLANNED:
                        mandate_runs.take_up_plan(db, row, now=now)
                    else:
                        mandate_runs.take_up_schedule(db, row, after=_day(row.next_at or now), now=now)
            except Exception:  # one that cannot be planned must not keep the others waiting
                log.exception("a mandate's days could not be worked out", mandate=str(row.id))
                row.next_at = now + timedelta(hours=1)
        looked += 1
    return looked


def _day(at: datetime) -> date:
    return at.astimezone(clock.CHINA).date()


def _hand_over(to_send: Sequence[tuple[UUID, UUID, str]], *, now: Now) -> None:
    """Everything of one channel together; what is lost here is promised again by the channels' own round."""
    for channel in dict.fromkeys(channel for _, _, channel in to_send):
        batches.deliver_many(channel, [(party, key) for party, key, one in to_send if one == channel], now=now)
