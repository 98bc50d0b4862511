"""Work that outlives a request: a promise that commits with the caller's rows, kept by any worker, after any crash.

A job carries ids and nothing else; our own rows say what is to be done, and every task bears being run twice. Rooms
name their tasks with `task`; whoever must promise one calls `defer` by name, on the connection of the transaction at
hand. A second Procrastinate App that is never opened does that: in a worker the obvious call breaks (stack.md 4).
"""

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import psycopg
import structlog
from sqlalchemy.orm import Session

from anhuan.kit import db as database
from anhuan.kit.errors import Broken

if TYPE_CHECKING:
    import procrastinate

QUEUE: Final = "anhuan"
HEARTBEAT: Final = 10.0  # seconds between two signs of life of a worker
DEAD_AFTER: Final = 30.0  # seconds of silence after which another worker takes its jobs
KEPT_HOURS: Final = 72  # finished jobs stay so long; our own rows are the record
RETRIES: Final = 5
CONCURRENCY: Final = 4  # threads at work; the event loop lends min(32, cores + 4), six on two cores
GRACE: Final = 20.0  # seconds for running jobs when a worker is asked to stop; what is cut off is taken up again
EVERY_MINUTE: Final = "* * * * *"
_ID: Final = re.compile(r"[0-9a-f-]{32,36}|[0-9]{1,19}")

log = structlog.get_logger(__name__)


class NotAnId(Broken):
    """A job was given something else than an id; the queue stands outside the wall, so it holds nothing of anybody."""

    code = "jobs.not_an_id"


class UnknownTask(Broken):
    """A job was promised that no room does."""

    code = "jobs.unknown_task"


@dataclass(frozen=True, slots=True)
class Task:
    """One kind of work: its name, what does it (arguments by name, as text), and when it also runs by itself."""

    name: str
    work: Callable[..., None]
    cron: str | None
    retries: int


TASKS: Final[dict[str, Task]] = {}
Work = Callable[..., None]


def task(name: str, *, cron: str | None = None, retries: int = RETRIES) -> Callable[[Work], Work]:
    """Name a plain function as the work of a kind of job; with `cron` it also runs by the clock, without arguments.

    A slot of the clock that was missed by more than ten minutes is not made up, so such work asks what is undone.
    """

    def named(work: Work) -> Work:
        known = TASKS.get(name)
        assert known is None or known.work.__qualname__ == work.__qualname__, f"two tasks are called {name}"
        TASKS[name] = Task(name, work, cron, retries)
        return work

    return named


def defer(
    db: Session, name: str, *, lock: str | None = None, priority: int = 0, at: datetime | None = None,
    **ids: UUID | str | int,
) -> int:  # fmt: skip
    """Promise a job that exists if, and only if, the caller's transaction commits; returns its number.

    Of one `lock` only one job runs at a time. A waiting job holds back later ones of its lock, even when it waits for
    tomorrow: such a one gets a priority below zero. The lock is politeness; safety is in the rows.
    """
    if name not in TASKS:
        raise UnknownTask(f"no room does {name!r}", field="name")
    told = {key: str(value) for key, value in ids.items()}
    for key, value in told.items():
        if not _ID.fullmatch(value):
            raise NotAnId(f"{name}: {key} is no id", field=key)
    raw = db.connection().connection.driver_connection
    promised = _deferring().configure_task(
        name, connection=raw, queue=QUEUE, lock=lock, priority=priority, schedule_at=at
    )
    return promised.defer(**told)


@contextmanager
def transaction() -> Iterator[Session]:
    """One transaction of the worker's own login, whose rows the work then opens for one party."""
    with database.sessions("work").begin() as db:
        yield db


async def run(url: str, *, until: asyncio.Event | None = None, heartbeat: float = HEARTBEAT,
              dead_after: float = DEAD_AFTER, concurrency: int = CONCURRENCY) -> None:  # fmt: skip
    """Work as a worker at this address until stopped; a job that is running then may finish, or is taken up again."""
    app = worker_app(url, dead_after=dead_after)
    async with app.open_async():
        await sweep(app, dead_after)
        working = asyncio.ensure_future(
            app.run_worker_async(
                queues=[QUEUE], concurrency=concurrency, update_heartbeat_interval=heartbeat,
                stalled_worker_timeout=dead_after, shutdown_graceful_timeout=GRACE,
                install_signal_handlers=False,
            )
        )  # fmt: skip
        stop = asyncio.ensure_future((until or asyncio.Event()).wait())
        await asyncio.wait({working, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if not working.done():
            working.cancel()  # Procrastinate takes this as a request to stop
        try:
            await working
        except asyncio.CancelledError:
            log.info("worker stopped")


def worker_app(url: str, *, dead_after: float = DEAD_AFTER) -> "procrastinate.App":
    """An App with every named task, for a worker at this address."""
    import procrastinate

    from anhuan.kit.job_manager import Manager

    connector = procrastinate.PsycopgConnector(conninfo=url, min_size=1, max_size=CONCURRENCY)
    app = procrastinate.App(connector=connector)
    app.job_manager = Manager(connector)
    for one in TASKS.values():
        again = procrastinate.RetryStrategy(max_attempts=one.retries, exponential_wait=4)
        made = app.task(name=one.name, queue=QUEUE, retry=again)(_watched(one))
        if one.cron:
            app.periodic(cron=one.cron)(made)

    @app.periodic(cron=EVERY_MINUTE)
    @app.task(name="jobs.sweep", queue=QUEUE, queueing_lock="jobs.sweep", pass_context=False)
    async def swept(timestamp: int) -> None:
        await sweep(app, dead_after)

    return app


async def sweep(app: "procrastinate.App", dead_after: float = DEAD_AFTER) -> int:
    """Hand the jobs of dead workers to the living, tidy up finished ones, keep the statistics fresh; tells how many."""
    taken = 0
    for job in await app.job_manager.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=dead_after):
        try:
            await app.job_manager.retry_job(job)
            taken += 1
        except Exception as error:  # one job that cannot be taken up must not keep the others waiting
            if isinstance(error.__cause__, psycopg.errors.RaiseException):
                log.info("another worker took a stalled job up", job=job.id, task=job.task_name)
            else:
                log.exception("a stalled job stays", job=job.id, task=job.task_name)
    if taken:
        log.warning("jobs of a dead worker are taken up", jobs=taken)
    await app.job_manager.delete_old_jobs(nb_hours=KEPT_HOURS, include_failed=False)
    await app.connector.execute_query_async("ANALYZE procrastinate_jobs")
    return taken


def _watched(one: Task) -> Work:
    """The work of a task as the worker calls it; a periodic one is told the moment of its slot and ignores it."""

    def work(timestamp: int | None = None, **ids: str) -> None:
        log.info("job", task=one.name, **ids)
        one.work(**ids)

    work.__name__ = work.__qualname__ = one.name
    return work


@cache
def _deferring() -> "procrastinate.App":
    """The App that is never opened and knows no task: it writes promises on connections it is given."""
    import procrastinate

    return procrastinate.App(connector=procrastinate.SyncPsycopgConnector())


def known() -> Mapping[str, Task]:
    """Every kind of work that was named so far."""
    return dict(TASKS)


def waiting(db: Session, name: str) -> Any:
    """Numbers of the jobs of a kind that are not at their end; for the worker's and the auditor's login."""
    from sqlalchemy import text

    asked = text(
        "SELECT id FROM procrastinate_jobs WHERE task_name = :name AND status IN ('todo', 'doing') ORDER BY id"
    )
    return db.scalars(asked, {"name": name}).all()
