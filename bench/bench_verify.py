"""The check of the books: postings a second from the first batch and from a root, memory, and the share of each step.

The books are made through `ledger.post` in batches of 1,000 on 16 lanes: posts, holds, captures of holds, reversals.
`ANHUAN_BENCH_POSTINGS=100000 make bench ONLY=verify` makes smaller ones.
"""

import os
import resource
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final
from uuid import UUID

import psycopg
from rich.table import Table
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from anhuan.kit import audit_key, clock, db, ids, postgres
from anhuan.ledger import AccountKind, Code, Kind, roots, verify
from anhuan.ledger.verify_words import Report

POSTINGS: Final = int(os.environ.get("ANHUAN_BENCH_POSTINGS", "1000000"))
LINES: Final = 1000
PEOPLE: Final = 5_000
BAR: Final = 200_000
ROUNDS: Final = 3

_POST: Final = """SELECT ledger.post(%s::smallint, %s::uuid[], %s::smallint[], %s::bigint[], %s::bigint[], %s::bigint[],
    %s::smallint[], %s::uuid[], %s::uuid[], %s::uuid[], %s::timestamptz[], %s::timestamptz[])"""
_ACCOUNTS: Final = "SELECT ledger.accounts(%s::smallint, %s, %s::smallint[], %s::uuid[], %s)"


@dataclass(slots=True)
class Lane:
    """The accounts of one lane, and the holds that wait."""

    number: int
    banks: list[int]
    cards: list[int]
    transit: int
    dice: Random
    held: list[UUID] = field(default_factory=list)
    posted: list[UUID] = field(default_factory=list)


def tables() -> Iterator[Table]:
    """One table: each way to check, best of three rounds."""
    with tempfile.TemporaryDirectory(prefix="anhuan-bench-") as folder:
        home = Path(folder)
        home.chmod(0o711)  # as root the server runs as another user, who must get in
        server = postgres.Embedded(home)
        access = server.join()
        logins = {name: create_engine(db.driver_url(getattr(access, name))) for name in ("app", "audit", "work")}
        before = db.use(logins["app"])
        for name in ("audit", "work"):
            db.use_login(name, logins[name])
        try:
            db.migrate(access.owner)
            yield _measured(home, access.owner)
        finally:
            db.use(before)
            for name in ("audit", "work"):
                db.use_login(name, None)
            for engine in logins.values():
                engine.dispose()
            server.leave()


def _measured(home: Path, owner: str) -> Table:
    table = Table("what", "postings", "seconds", "Python CPU s", "server CPU s", "postings/s", "peak RSS MB",
                  "where the time went", title=f"check of the books (bar: {BAR:,} postings/s)")  # fmt: skip
    began = time.perf_counter()
    made = fill(owner, POSTINGS * 9 // 10)
    roots.seal_due(now=clock.now(), home=home)
    made += fill(owner, POSTINGS // 10)
    took = time.perf_counter() - began
    table.add_row("made, 2 writers", f"{made:,}", f"{took:.1f}", "", "", f"{made / took:,.0f}", "", "")
    with psycopg.connect(owner, autocommit=True) as admin:
        admin.execute("VACUUM ANALYZE")
    _row(table, "from the first batch", home, None)
    roots.seal_due(now=clock.now(), home=home)
    _row(table, "from the root before the last tenth", home, 1)
    return table


def _row(table: Table, what: str, home: Path, from_root: int | None) -> None:
    best: tuple[float, float, float, Report] | None = None
    for _ in range(ROUNDS):
        with db.sessions("audit")() as session:
            server = _server(session)
            session.rollback()  # the check begins its own transaction, on the same connection
            began = time.perf_counter(), time.process_time(), _cpu(server)
            report = verify.verify(
                session, file_roots=roots.in_file(roots.roots_file(home)), keys=audit_key.known_keys(home),
                from_root=from_root,
            )  # fmt: skip
            took = time.perf_counter() - began[0], time.process_time() - began[1], _cpu(server) - began[2]
        assert not report.findings, report.findings[:3]
        if best is None or took[0] < best[0]:
            best = *took, report
    assert best is not None
    wall, cpu, server_cpu, report = best
    steps = ", ".join(f"{name} {seconds:.2f}" for name, seconds in report.steps.items())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    table.add_row(
        what, f"{report.postings:,}", f"{wall:.2f}", f"{cpu:.2f}", f"{server_cpu:.2f}",
        f"{report.postings / wall:,.0f}", f"{peak:.0f}", steps,
    )  # fmt: skip


def _server(session: Session) -> int:
    """The process of the database that serves this session."""
    raw = session.connection().connection.driver_connection
    assert isinstance(raw, psycopg.Connection)
    return raw.info.backend_pid


def _cpu(process: int) -> float:
    """Seconds of CPU that a process has used (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def fill(owner: str, postings: int) -> int:
    """Make about so many postings, on all lanes by turns; returns how many were accepted."""
    with psycopg.connect(owner) as connection:
        lanes = [_lane(connection, number) for number in range(16)]
        connection.commit()
    rounds = max(1, postings // LINES // len(lanes))

    def work(own: list[Lane]) -> int:
        done = 0
        with psycopg.connect(owner) as connection:
            connection.execute("SET synchronous_commit = off")
            for _ in range(rounds):
                for lane in own:
                    done += _batch(connection, lane)
                    connection.commit()
        return done

    with ThreadPoolExecutor(2) as writers:
        return sum(writers.map(work, (lanes[:8], lanes[8:])))


def _lane(connection: psycopg.Connection[Any], number: int) -> Lane:
    """Accounts of some people of this lane, the same at every call."""
    people = [UUID(int=(0x0190 << 112) | number << 64 | one << 4 | number) for one in range(PEOPLE // 16)]
    for one in people:
        connection.execute("INSERT INTO ledger.owner VALUES (%s, %s) ON CONFLICT DO NOTHING", (one, number))
    found = [
        _numbers(connection, number, kind, people, sub)
        for kind, sub in ((AccountKind.BANK, "b"), (AccountKind.CARD, "c"))
    ]
    row = connection.execute(
        _ACCOUNTS, (number, ["CNY/tracked"], [int(AccountKind.TRANSIT)], [None], ["bench"])
    ).fetchone()
    assert row is not None
    return Lane(number, found[0], found[1], row[0][0], Random(number))


def _numbers(
    connection: psycopg.Connection[Any], lane: int, kind: AccountKind, people: list[UUID], sub: str
) -> list[int]:
    count = len(people)
    asked = (lane, ["CNY/tracked"] * count, [int(kind)] * count, people, [sub] * count)
    row = connection.execute(_ACCOUNTS, asked).fetchone()
    assert row is not None
    return list(row[0])


def _batch(connection: psycopg.Connection[Any], lane: Lane) -> int:
    """A thousand lines: repayments taken and arrived, holds, captures of the batch before, some reversals."""
    rows: list[tuple[Any, ...]] = []  # id, kind, src, dst, amount, code, parent
    dice, captured, held = lane.dice, lane.held[:200], []
    rows += [(None, Kind.CAPTURE, None, None, dice.randint(1, 100), None, parent) for parent in captured]
    rows += [(None, Kind.REVERSE, None, None, None, None, parent) for parent in lane.posted[:10]]
    for _ in range(200):
        held.append(ids.new_id())
        rows.append((held[-1], Kind.HOLD, dice.choice(lane.banks), lane.transit, 100, Code.REPAY_TAKEN, None))
    posted = []
    while len(rows) < LINES:
        posted.append(ids.new_id())
        amount = dice.randint(1, 100_000)
        if len(rows) % 2:
            rows.append((posted[-1], Kind.POST, dice.choice(lane.banks), lane.transit, amount, Code.REPAY_TAKEN, None))
        else:
            rows.append(
                (posted[-1], Kind.POST, lane.transit, dice.choice(lane.cards), amount, Code.REPAY_ARRIVED, None)
            )
    id_, kind, src, dst, amounts, code, parent = (list(column) for column in zip(*rows, strict=True))
    none = [None] * len(rows)
    refs = [ids.new_id()] * len(rows)
    row = connection.execute(
        _POST,
        (lane.number, id_, list(map(int, kind)), src, dst, amounts, [None if one is None else int(one) for one in code],
         parent, none, refs, none, none),
    ).fetchone()  # fmt: skip
    assert row is not None
    assert set(row[0]) == {0}, set(row[0])
    lane.held, lane.posted = held, posted
    return len(row[0])
