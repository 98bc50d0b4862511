"""The audit log: what a record costs a transaction, alone and among eight writers; how fast the chain is checked."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
from rich.table import Table
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from anhuan.kit import audit, audit_key, audit_pack, audit_roots, audit_verify, clock, db, ids, postgres
from anhuan.kit.actors import Actor, ActorKind, Strength

ROWS: Final = 200_000
ALONE, WRITERS, EACH = 600, 8, 150
SLOW: Final = 0.01  # seconds that a transaction goes on after its record: a page is drawn, a file is written

# What was not chosen: the record is linked in the caller's transaction, which keeps the chain's end until its commit.
LOCKED: Final = """
    CREATE FUNCTION audit_append_and_link(payload text) RETURNS bigint LANGUAGE sql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$ SELECT audit_append(payload) + 0 * audit_link(1) $$;
    GRANT EXECUTE ON FUNCTION audit_append_and_link(text) TO anhuan_app;
    CREATE TABLE bench_acts (id uuid PRIMARY KEY, number bigint);
    GRANT INSERT ON bench_acts TO anhuan_app;
"""
NOTHING: Final = "SELECT CAST(%(payload)s AS text)"  # as many round trips as with a record
APPEND: Final = "SELECT audit_append(%(payload)s)"
APPEND_AND_LINK: Final = "SELECT audit_append_and_link(%(payload)s)"


@dataclass(frozen=True, slots=True)
class House:
    """The bench's own server, fsync on."""

    access: postgres.Access
    home: Path


def tables() -> Iterator[Table]:
    """Cost of a record, and records a second when linking, checking and packing."""
    with tempfile.TemporaryDirectory(prefix="anhuan-bench-") as folder:
        home = Path(folder)
        home.chmod(0o711)  # as root the server runs as another user, who must get in
        server = postgres.Embedded(home)
        house = House(server.join(), home)
        engines = {name: create_engine(db.driver_url(getattr(house.access, name)), poolclass=NullPool)
                   for name in ("app", "audit", "work")}  # fmt: skip
        before = db.use(engines["app"])
        for name in ("audit", "work"):
            db.use_login(name, engines[name])
        try:
            db.migrate(house.access.owner)
            with psycopg.connect(house.access.owner, autocommit=True) as owner:
                owner.execute("SET ROLE anhuan_owner")
                owner.execute(LOCKED)
            yield writing(house)
            yield reading(house)
        finally:
            db.use(before)
            for name in ("audit", "work"):
                db.use_login(name, None)
            server.leave()


def payload() -> str:
    """What a usual record says."""
    actor = Actor(ActorKind.PERSON, person_id=ids.new_id(), party_id=ids.new_id(), session_id=ids.new_id(),
                  strength=Strength.PASSKEY, roles=frozenset({"support"}))  # fmt: skip
    return audit.payload_of(actor, "person.read", f"person:{ids.new_id()}", {"fields": 3}, now=clock.now())


def writing(house: House) -> Table:
    """Transactions with one row of their own: without a record, with one, and with one that is linked at once."""
    table = Table(
        "transaction", "alone, median ms", "alone, tx/s", "8 writers, tx/s", "8 writers, median ms",
        f"8 writers that go on for {SLOW * 1000:.0f} ms, tx/s", title="what a record costs (fsync on)",
    )  # fmt: skip
    for what, statement in (("no record", NOTHING), ("with a record", APPEND),
                            ("not chosen: record linked in it", APPEND_AND_LINK)):  # fmt: skip
        run(house, statement, 1, 50, 0.0)
        alone_s, alone = run(house, statement, 1, ALONE, 0.0)
        crowd_s, crowd = run(house, statement, WRITERS, EACH, 0.0)
        slow_s, slow = run(house, statement, WRITERS, EACH // 3, SLOW)
        table.add_row(
            what, f"{statistics.median(alone) * 1000:.2f}", f"{len(alone) / alone_s:,.0f}",
            f"{len(crowd) / crowd_s:,.0f}", f"{statistics.median(crowd) * 1000:.2f}", f"{len(slow) / slow_s:,.0f}",
        )  # fmt: skip
    return table


def run(house: House, statement: str, writers: int, each: int, pause: float) -> tuple[float, list[float]]:
    """Seconds of the whole, and of each transaction."""
    said = payload()

    def write(_: int) -> list[float]:
        took = []
        with psycopg.connect(house.access.app) as connection:
            for _ in range(each):
                began = time.perf_counter()
                connection.execute("INSERT INTO bench_acts VALUES (%s, 1)", (ids.new_id(),))
                connection.execute(statement.encode(), {"payload": said})
                if pause:
                    time.sleep(pause)
                connection.commit()
                took.append(time.perf_counter() - began)
        return took

    began = time.perf_counter()
    with ThreadPoolExecutor(writers) as crowd:
        took = [one for many in crowd.map(write, range(writers)) for one in many]
    return time.perf_counter() - began, took


def reading(house: House) -> Table:
    """Linking, checking and packing many records."""
    table = Table("what", "records", "seconds", "python CPU s", "records/s", "records/s of Python's CPU", "bar",
                  title="the chain; the database works beside Python")  # fmt: skip
    fill(house)
    began = now()
    linked = audit_roots.link_waiting()
    row(table, "link into the chain, 1,000 a transaction", linked, since(began), "")
    audit_roots.seal_due(now=clock.now(), home=house.home, today_too=True)
    roots, keys = audit_roots.in_file(audit_roots.roots_file(house.home)), audit_key.known_keys(house.home)
    checked = 0
    best = (float("inf"), float("inf"))
    for _ in range(3):
        with db.sessions("audit").begin() as session:
            began = now()
            report = audit_verify.verify(session, file_roots=roots, keys=keys)
            best = min(best, since(began))
        assert not report.findings, report.findings[:3]
        checked = report.records
    row(table, "verify: every record, link and root", checked, best, "100,000 records/s")
    with db.sessions("audit").begin() as session:
        packed(table, session, house, checked)
    return table


def packed(table: Table, session: Session, house: House, count: int) -> None:
    """The auditor's pack of all."""
    began, today = now(), clock.today()
    keys = audit_key.known_keys(house.home)
    audit_pack.pack(session, house.home / "pack.zip", first_day=today, last_day=today, keys=keys)
    row(table, "auditor's pack", count, since(began), "")


def now() -> tuple[float, float]:
    """Seconds by the wall and of this process."""
    return time.perf_counter(), time.process_time()


def since(began: tuple[float, float]) -> tuple[float, float]:
    """Seconds that went by, of both kinds."""
    wall, python = now()
    return wall - began[0], python - began[1]


def row(table: Table, what: str, count: int, took: tuple[float, float], bar: str) -> None:
    """One line of the table."""
    wall, python = took
    table.add_row(
        what, f"{count:,}", f"{wall:.2f}", f"{python:.2f}", f"{count / wall:,.0f}", f"{count / python:,.0f}", bar
    )


def fill(house: House) -> None:
    """Many records, each through the function that writes them."""
    with psycopg.connect(house.access.app) as connection:
        connection.execute("SET synchronous_commit = off")
        for _ in range(ROWS // 10_000):
            connection.execute(
                "SELECT audit_append(replace(%s, '\"fields\":3', '\"fields\":' || n)) FROM generate_series(1, 10000) n",
                (payload(),),
            )
            connection.commit()
    with psycopg.connect(house.access.owner, autocommit=True) as owner:
        owner.execute("ANALYZE")
