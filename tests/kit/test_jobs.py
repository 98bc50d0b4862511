"""Jobs: they exist if and only if their transaction commits, carry ids alone, and survive the worker that had them."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import resources
from uuid import UUID

import procrastinate
import psycopg
import pytest
from alembic.script import ScriptDirectory
from procrastinate.jobs import Job
from sqlalchemy import Engine, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from anhuan.identity import journey
from anhuan.kit import db as database
from anhuan.kit import ids, jobs, postgres, roles
from anhuan.kit.job_manager import Manager

WAIT = 40.0  # seconds in which something must have happened


@jobs.task("test.nothing")
def nothing(one: str) -> None:
    """Work that does nothing; its jobs are only counted."""


@pytest.fixture
def inside(own_database: Engine, server: postgres.Access) -> Iterator[psycopg.Connection]:
    """The owner's look into the queue of this test's database."""
    url = make_url(server.owner).set(database=own_database.url.database).render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"SET ROLE {roles.OWNER}")
        yield connection


def queued(inside: psycopg.Connection) -> list[tuple[str, str, dict[str, str]]]:
    """Name, state and arguments of every job."""
    asked = "SELECT task_name, status::text, args FROM procrastinate_jobs WHERE task_name LIKE 'test.%' ORDER BY id"
    return [(name, status, args) for name, status, args in inside.execute(asked)]


@pytest.mark.parametrize("commits", [True, False])
def test_a_job_exists_if_and_only_if_its_transaction_commits(
    own_database: Engine, inside: psycopg.Connection, commits: bool
) -> None:
    one = ids.new_id()
    with Session(own_database) as db:
        jobs.defer(db, "test.nothing", lock="x", one=one)
        assert queued(inside) == [], "nobody sees it before the commit"
        if commits:
            db.commit()
    assert queued(inside) == ([("test.nothing", "todo", {"one": str(one)})] if commits else [])


def test_a_savepoint_that_is_taken_back_takes_its_job_along(own_database: Engine, inside: psycopg.Connection) -> None:
    with Session(own_database) as db:
        kept = ids.new_id()
        jobs.defer(db, "test.nothing", one=kept)
        part = db.begin_nested()
        jobs.defer(db, "test.nothing", one=ids.new_id())
        part.rollback()
        db.commit()
    assert [args["one"] for _, _, args in queued(inside)] == [str(kept)]


@pytest.mark.parametrize("said", ["张三", "6222020000000000000x", "a@b.cn", "{}", ""])
def test_a_job_carries_ids_alone(db: Session, said: str) -> None:
    with pytest.raises(jobs.NotAnId):
        jobs.defer(db, "test.nothing", one=said)


def test_work_that_no_room_does_cannot_be_promised(db: Session) -> None:
    with pytest.raises(jobs.UnknownTask):
        jobs.defer(db, "test.nobody_does_this", one=ids.new_id())


def test_two_rooms_cannot_give_one_name_to_two_works() -> None:
    def other(one: str) -> None:
        """Another work."""

    with pytest.raises(AssertionError, match=r"two tasks are called test\.nothing"):
        jobs.task("test.nothing")(other)


def test_the_house_knows_its_work() -> None:
    assert vars(journey), "its import names the tasks"
    names = {"identity.export", "identity.erase", "identity.tidy", "identity.forget"}
    assert names <= set(jobs.known())
    assert {name for name in names if jobs.known()[name].cron} == {"identity.tidy", "identity.forget"}


@pytest.mark.parametrize("login", ["app", "desk"])
@pytest.mark.parametrize(
    "asked",
    [
        "SELECT * FROM procrastinate_jobs",
        "UPDATE procrastinate_jobs SET args = '{}'",
        "DELETE FROM procrastinate_jobs",
        "INSERT INTO procrastinate_jobs (queue_name, task_name) VALUES ('anhuan', 'test.nothing')",
        "SELECT procrastinate_fetch_job_v2(NULL, 1)",
    ],
)
def test_pages_promise_jobs_and_neither_read_nor_change_them(own_database: Engine, login: str, asked: str) -> None:
    with database.sessions(login)() as db:
        jobs.defer(db, "test.nothing", one=ids.new_id())
        with pytest.raises(DBAPIError, match="permission denied"):
            db.execute(text(asked))


def test_the_installed_queue_is_the_one_that_the_package_wants() -> None:
    config = database._migrations()
    revision = ScriptDirectory.from_config(config).get_revision("0012")
    files = sorted(p.name for p in (resources.files("procrastinate.sql") / "migrations").iterdir() if p.name[:1] == "0")
    newest = files[-1]
    assert newest.startswith(revision.module.UP_TO), "procrastinate brings newer tables: add a migration for them"


def test_the_queue_has_statistics_from_the_first_day(inside: psycopg.Connection) -> None:
    asked = "SELECT reltuples FROM pg_class WHERE relname = 'procrastinate_jobs'"
    assert inside.execute(asked).fetchone() == (0.0,)


WORKER = """
import asyncio, sys, time, signal
from sqlalchemy import text
from anhuan.kit import db, jobs, terminal
terminal.log_to_stderr(verbose=False)
@jobs.task("test.slow")
def slow(one: str) -> None:
    with jobs.transaction() as session:
        first = session.scalar(text("SELECT count(*) FROM marks WHERE one = :one"), {"one": one}) == 0
        session.execute(text("INSERT INTO marks VALUES (:one, 'began')"), {"one": one})
    if first:
        time.sleep(600)
    with jobs.transaction() as session:
        session.execute(text("INSERT INTO marks VALUES (:one, 'done')"), {"one": one})
asyncio.run(jobs.run(db.url_of("work"), heartbeat=0.5, dead_after=2.0))
"""


@pytest.mark.timeout(180)
def test_a_job_of_a_killed_worker_is_finished_by_another(
    own_database: Engine, inside: psycopg.Connection, server: postgres.Access
) -> None:
    inside.execute("CREATE TABLE marks (one text NOT NULL, what text NOT NULL)")
    one = ids.new_id()
    jobs.TASKS.setdefault("test.slow", jobs.Task("test.slow", nothing, None, 1))
    with Session(own_database) as db, db.begin():
        jobs.defer(db, "test.slow", lock=f"slow:{one}", one=one)
    first = start(own_database, server)
    try:
        until(lambda: marks(inside, one) == ["began"], first)
        first.send_signal(signal.SIGKILL)
        first.wait()
        assert queued(inside) == [("test.slow", "doing", {"one": str(one)})], "the dead worker still holds it"
        time.sleep(2.5)  # longer than `dead_after`
        second = start(own_database, server)
        try:
            until(lambda: marks(inside, one) == ["began", "began", "done"], second)
            until(lambda: queued(inside)[0][1] == "succeeded", second)
        finally:
            second.terminate()
            second.communicate(timeout=30)
    finally:
        first.kill()
        first.communicate()


def test_of_two_workers_that_find_a_stalled_job_one_takes_it_up_and_the_other_says_so_quietly(
    own_database: Engine, inside: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Session(own_database) as db:
        number = jobs.defer(db, "test.nothing", one=ids.new_id())
        db.commit()
    inside.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour')")
    inside.execute("UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT id FROM procrastinate_workers)")

    async def sweeps() -> tuple[int, int]:
        app = jobs.worker_app(work_url())
        async with app.open_async():
            stalled = list(await app.job_manager.get_stalled_jobs(queue=jobs.QUEUE, seconds_since_heartbeat=30))
            assert [job.id for job in stalled] == [number]
            first = await jobs.sweep(app)

            async def found_before(**_: object) -> list[Job]:
                return stalled

            monkeypatch.setattr(app.job_manager, "get_stalled_jobs", found_before)
            return first, await jobs.sweep(app)

    with capture_logs() as said:
        assert asyncio.run(sweeps()) == (1, 0)
    assert [one["event"] for one in said if one["log_level"] in ("error", "critical")] == []
    assert [status for _, status, _ in queued(inside)] == ["todo"]


def start(engine: Engine, server: postgres.Access) -> "subprocess.Popen[str]":
    """A worker process of its own on this test's database."""
    name = engine.url.database

    def on(url: str) -> str:
        return make_url(url).set(database=name).render_as_string(hide_password=False)

    env = os.environ | {"DATABASE_URL": on(server.app), "ANHUAN_WORK_URL": on(server.work or "")}
    return subprocess.Popen([sys.executable, "-c", WORKER], env=env, stderr=subprocess.PIPE, text=True)


def marks(inside: psycopg.Connection, one: UUID) -> list[str]:
    """What the slow work wrote, sorted."""
    return sorted(what for (what,) in inside.execute("SELECT what FROM marks WHERE one = %s", (str(one),)))


def until(holds: Callable[[], bool], worker: "subprocess.Popen[str]") -> None:
    """Wait for something to hold while the worker lives."""
    end = time.monotonic() + WAIT
    while not holds():
        assert worker.poll() is None, worker.communicate()[1][-2000:]
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def test_a_worker_stops_when_asked_and_leaves_no_sign_of_life(own_database: Engine, inside: psycopg.Connection) -> None:
    async def a_moment() -> None:
        stop = asyncio.Event()
        working = asyncio.ensure_future(jobs.run(work_url(), until=stop))
        while not inside.execute("SELECT 1 FROM procrastinate_workers").fetchone():
            assert not working.done()
            await asyncio.sleep(0.05)
        stop.set()
        await working

    asyncio.run(asyncio.wait_for(a_moment(), 30))
    assert inside.execute("SELECT count(*) FROM procrastinate_workers").fetchone() == (0,)
    assert json.dumps(queued(inside)) == "[]"


def test_two_workers_that_take_jobs_of_one_lock_at_once_both_live_on(
    own_database: Engine, inside: psycopg.Connection
) -> None:
    """A more urgent job comes in while another worker is taking a less urgent one of its lock."""
    with Session(own_database) as db:
        jobs.defer(db, "test.nothing", lock="x", priority=-5, one=ids.new_id())
        db.commit()
    with psycopg.connect(work_url()) as other:
        taken = other.execute("SELECT id FROM procrastinate_fetch_job_v2(ARRAY['anhuan'], NULL)").fetchone()
        with Session(own_database) as db:
            urgent = jobs.defer(db, "test.nothing", lock="x", one=ids.new_id())
            db.commit()
        assert taken not in (None, (urgent,))

        async def fetches() -> object:
            app = jobs.worker_app(work_url())
            async with app.open_async():
                asked = asyncio.ensure_future(app.job_manager.fetch_job([jobs.QUEUE], None))  # type: ignore[arg-type]
                await asyncio.to_thread(until_held_up, inside, other.info.backend_pid)
                other.commit()
                return await asked

        assert asyncio.run(fetches()) is None, "the lock is held"
    assert [status for _, status, _ in queued(inside)] == ["doing", "todo"]


def work_url() -> str:
    """The worker's way into this test's database."""
    url = make_url(database.driver_url(str(database.sessions("work").kw["bind"].url.render_as_string(False))))
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def until_held_up(inside: psycopg.Connection, by: int) -> None:
    """Until somebody waits for the transaction of this server process."""
    waits = "SELECT 1 FROM pg_locks WHERE NOT granted AND %s = ANY(pg_blocking_pids(pid))"
    end = time.monotonic() + WAIT
    while inside.execute(waits, (by,)).fetchone() is None:
        assert time.monotonic() < end, "nobody waits"
        time.sleep(0.02)


def test_what_waits_behind_a_lock_begins_when_the_job_before_it_ends(
    own_database: Engine, inside: psycopg.Connection
) -> None:
    """Nobody polls in this test, and no other job comes in: a worker that waited for that would never go on."""
    with Session(own_database) as db:
        for _ in range(4):
            jobs.defer(db, "test.nothing", lock="x", one=ids.new_id())
        db.commit()

    async def works() -> None:
        connector = procrastinate.PsycopgConnector(conninfo=work_url(), min_size=1, max_size=4)
        app = procrastinate.App(connector=connector)
        app.job_manager = Manager(connector)
        app.task(name="test.nothing", queue=jobs.QUEUE)(nothing)
        async with app.open_async():
            working = asyncio.ensure_future(
                app.run_worker_async(
                    queues=[jobs.QUEUE], concurrency=2, fetch_job_polling_interval=3600, install_signal_handlers=False
                )
            )
            while {status for _, status, _ in queued(inside)} != {"succeeded"}:
                assert not working.done()
                await asyncio.sleep(0.05)
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working

    asyncio.run(asyncio.wait_for(works(), WAIT))
