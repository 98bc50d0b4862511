"""How time passes in a town: the clock jumps from event to event, what is due is brought forward and done.

The workers live by the machine's clock; jobs that were promised for a moment that has come in the town are handed to
them at once, and what their crons would have done in the hours that were skipped is promised as well.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, TypeVar

import psycopg
import structlog
from croniter import croniter  # type: ignore[import-untyped]
from procrastinate.exceptions import ConnectorException
from sqlalchemy.exc import DBAPIError

from anhuan.kit import clock, db, fetch, jobs, postgres
from anhuan.simulation import store
from anhuan.simulation.model import Stuck
from anhuan.simulation.place import Place
from anhuan.simulation.processes import DEAD_AFTER

T = TypeVar("T")
QUICK: Final = 8.0  # seconds in which a step should be done while people are being killed; then time goes on
AT_REST: Final = 180.0  # seconds that the last work may take when nobody is killed any more
PATIENCE: Final = 90.0
LOOK: Final = 0.04
# Work that the workers' own clock does well enough: it seals and tidies by the minute, whatever the town's date is.
BY_THEMSELVES: Final = frozenset({
    "audit.seal", "ledger.root", "ledger.sweep", "ledger.months", "ledger.verify", "identity.tidy", "identity.forget",
    "jobs.sweep", "channels.look", "channels.compare", "notify.sweep",
})  # fmt: skip
DOWN: Final = (psycopg.Error, DBAPIError, ConnectorException, fetch.NoAnswer, postgres.CannotStart)
log = structlog.get_logger(__name__)


def turn(place: Place, moment: datetime, *, behind: timedelta = timedelta()) -> None:
    """Let it be this moment everywhere, and promise what has come due; `behind`: our own clock goes wrong by that."""
    before, place.now = place.now, moment
    place.diary.jumps["forwards by hours" if moment - before > timedelta(hours=1) else "forwards"] += 1
    if behind:
        place.diary.jumps["set back"] += 1
    clock.hold(place.town.clock_file, moment - behind)
    place.hand.move(moment)
    patiently(place, lambda: _promise(place, before, moment))


def settle(place: Place) -> bool:
    """Wait until nothing is left that may be done now; tells whether it came to that."""
    until = time.monotonic() + (AT_REST if place.calm else QUICK)
    while time.monotonic() < until:
        try:
            with place.administrator() as admin:
                if _drained(place, admin, until):
                    return True
        except DOWN:
            time.sleep(LOOK)
        place.town.tend()
    if place.calm:
        raise Stuck("work does not come to an end: see the logs of the workers")
    return False


def next_event(place: Place) -> datetime | None:
    """When something happens next, at the bank or with us; None: nothing is known."""

    def look() -> datetime | None:
        with place.administrator() as admin:
            found = [store.next_job(admin), store.next_look(admin)]
        found += [at for at, _ in place.hand.coming()]
        return min((at for at in found if at is not None), default=None)

    return patiently(place, look)


def patiently(place: Place, work: Callable[[], T]) -> T:
    """Do something that may be done twice until it is done: what it needs is killed now and then."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return work()
        except DOWN as error:
            if time.monotonic() > until:
                raise
            log.info("once more", why=type(error).__name__)
            place.town.tend()
            time.sleep(0.05)


def slots(cron: str, before: datetime, now: datetime) -> bool:
    """Whether a slot of a cron lies between two moments, the later one included."""
    following: datetime = croniter(cron, before).get_next(datetime)
    return following <= now


def _promise(place: Place, before: datetime, now: datetime) -> None:
    wanted = [
        one.name for one in jobs.known().values()
        if one.cron and one.name not in BY_THEMSELVES and slots(one.cron, before, now)
    ]  # fmt: skip
    with db.sessions("work").begin() as session:
        for name in wanted:
            if not jobs.waiting(session, name):
                jobs.defer(session, name)
    with place.administrator() as admin:
        store.bring_forward(admin, now)


def _drained(place: Place, admin: psycopg.Connection[store.Row], until: float) -> bool:
    quiet = 0
    while time.monotonic() < until:
        store.bring_forward(admin, place.now)
        left = store.backlog(admin, dead_after=DEAD_AFTER)
        if left.orphaned:
            asyncio.run(_sweep())
        quiet = quiet + 1 if not left.doing and not left.waiting else 0
        if quiet == 2:  # a callback that the bank is just sending promises a job between two looks
            return True
        if left.waiting and not left.doing:
            store.wake(admin)
        time.sleep(LOOK)
    return False


async def _sweep() -> None:
    """Hand the work of dead workers to the living, as every worker does each minute."""
    app = jobs.worker_app(db.url_of("work"), dead_after=DEAD_AFTER)
    async with app.open_async():
        await jobs.sweep(app, DEAD_AFTER)
