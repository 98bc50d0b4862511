"""The ledger's protocol (ledger.md, section 11): server CPU per posting against pgbench tpcb-like of the same run.

One server, one run; only ratios inside the run are compared. LEDGER_SECONDS=2 before the command gives a short look.
"""

import multiprocessing
import os
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, LiteralString

import psycopg
from rich.table import Table

from anhuan.kit import binaries, db, ids, postgres

SECONDS: Final = float(os.environ.get("LEDGER_SECONDS", "6"))
TPCB_SECONDS: Final = max(2, round(SECONDS * 8 / 6))
SCALE: Final = int(os.environ.get("LEDGER_SCALE", "50"))
CLIENTS: Final = 8
ACCOUNTS: Final = 10_000
LANES: Final = 16
FUNDED: Final = 10**12
BATCHES: Final = (1, 10, 100, 1000)
BARS: Final = {"uniform": (3.2, 0.55, 0.22, 0.15), "hot": (3.8, 0.60, 0.22, 0.15)}
WAL_BAR: Final = 1000  # bytes per posting at batch 100
SETTINGS: Final = ("shared_buffers = '1GB'", "max_wal_size = '8GB'")
POST: Final[LiteralString] = (
    "SELECT ledger.post(%s::smallint, %s::uuid[], %s::smallint[], %s::bigint[], %s::bigint[], %s::bigint[],"
    " %s::smallint[], %s::uuid[], %s::uuid[], %s::uuid[], %s::timestamptz[], %s::timestamptz[])"
)
Work = Callable[[psycopg.Connection, random.Random, list[list[int]], int], int]


@dataclass(frozen=True, slots=True)
class Row:
    """What one row of the table saw."""

    name: str
    batch: int
    postings: int
    seconds: float
    server_cpu: float
    client_cpu: float
    wal: int
    calls_ms: list[float]
    others: float

    @property
    def micro(self) -> float:
        """Microseconds of server CPU per posting (per transaction for pgbench)."""
        return self.server_cpu / max(self.postings, 1) * 1e6


def tables() -> Iterator[Table]:
    """The whole protocol, then the laws."""
    with tempfile.TemporaryDirectory(prefix="anhuan-ledger-") as folder:
        home = Path(folder)
        home.chmod(0o711)  # as root the server runs as another user, who must get in
        server = postgres.Embedded(home)
        server.join()
        try:
            with psycopg.connect(server.join().owner, autocommit=True) as admin:
                for setting in SETTINGS:
                    admin.execute(f"ALTER SYSTEM SET {setting}".encode())
            server.stop()
            access = server.join()
            db.migrate(access.owner)
            lanes = funded(access.work or "")
            yield from measured(server, access, lanes)
        finally:
            server.stop()


def measured(server: postgres.Embedded, access: postgres.Access, lanes: list[list[int]]) -> Iterator[Table]:
    """All rows of the protocol on one running server."""
    postmaster = int((server.data / "postmaster.pid").read_text().split()[0])
    with psycopg.connect(access.owner, autocommit=True) as admin:
        said = {name: admin.execute(f"SHOW {name}".encode()).fetchone() for name in
                ("fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size")}  # fmt: skip
    pgbench(access, ["-i", "-q", "-s", str(SCALE)])
    rows = [tpcb(postmaster, access, "before")]
    for name, work in (("uniform", uniform), ("hot", hot), ("hold, capture", captured)):
        checkpoint(access)
        rows += [run(postmaster, access, lanes, name, work, batch, CLIENTS) for batch in BATCHES]
    checkpoint(access)
    rows += [run(postmaster, access, lanes, "one client, one lane", one_lane, batch, 1) for batch in (1, 1000)]
    rows.append(tpcb(postmaster, access, "after"))
    settings = [f"{name} {value[0]}" for name, value in said.items() if value]
    yield table(rows, ", ".join([*settings, f"{syncs(server.data)} syncs/s"]))
    yield laws(access)


def funded(url: str) -> list[list[int]]:
    """10,000 accounts with floor 0 in 16 lanes, funded by postings; the first of each lane is the source."""
    lanes = []
    with psycopg.connect(url, autocommit=True) as connection:
        enter(connection)
        for lane in range(LANES):
            each = ACCOUNTS // LANES
            names = ["source", *(f"a{number}" for number in range(each))]
            found = connection.execute(
                "SELECT ledger.accounts(%s::smallint, %s, %s::smallint[], %s::uuid[], %s)",
                [lane, ["CNY/tracked"] * (each + 1), [3] * (each + 1), [None] * (each + 1), names],
            ).fetchone()
            assert found is not None
            numbers = found[0]
            call(connection, lane, [1] * each, [numbers[0]] * each, numbers[1:], [FUNDED] * each)
            lanes.append(numbers)
    return lanes


def enter(connection: psycopg.Connection) -> None:
    """The worker's login, asking for everybody."""
    connection.execute("SET anhuan.everybody = 'yes'")


def call(
    connection: psycopg.Connection, lane: int, kinds: list[int], srcs: list[Any], dsts: list[Any], amounts: list[Any],
    names: list[Any] | None = None, parents: list[Any] | None = None,
) -> None:  # fmt: skip
    """One batch; every line must be accepted."""
    n = len(kinds)
    none = [None] * n
    made = names or [ids.new_id() for _ in kinds]
    codes = [1 if kind <= 2 else None for kind in kinds]
    given = [lane, made, kinds, srcs, dsts, amounts, codes, parents or none, none, none, none, none]
    found = connection.execute(POST, given, prepare=True, binary=True).fetchone()
    assert found is not None
    assert not any(found[0]), found[0]


def uniform(connection: psycopg.Connection, dice: random.Random, lanes: list[list[int]], batch: int) -> int:
    """Random pairs of a random lane."""
    lane = dice.randrange(LANES)
    pairs = [dice.sample(lanes[lane], 2) for _ in range(batch)]
    call(connection, lane, [1] * batch, [a for a, _ in pairs], [b for _, b in pairs], [dice.randint(1, 100)] * batch)
    return batch


def hot(connection: psycopg.Connection, dice: random.Random, lanes: list[list[int]], batch: int) -> int:
    """One lane, one account on a side of every line, half in and half out."""
    middle, others = lanes[0][1], lanes[0][2:]
    pairs = [
        (middle, dice.choice(others)) if dice.random() < 0.5 else (dice.choice(others), middle) for _ in range(batch)
    ]
    call(connection, 0, [1] * batch, [a for a, _ in pairs], [b for _, b in pairs], [dice.randint(1, 100)] * batch)
    return batch


def captured(connection: psycopg.Connection, dice: random.Random, lanes: list[list[int]], batch: int) -> int:
    """A batch of holds, then a batch of their captures."""
    lane = dice.randrange(LANES)
    pairs = [dice.sample(lanes[lane], 2) for _ in range(batch)]
    names = [ids.new_id() for _ in range(batch)]
    none = [None] * batch
    call(connection, lane, [2] * batch, [a for a, _ in pairs], [b for _, b in pairs], [5] * batch, names=names)
    call(connection, lane, [3] * batch, none, none, none, names=none, parents=names)
    return 2 * batch


def one_lane(connection: psycopg.Connection, dice: random.Random, lanes: list[list[int]], batch: int) -> int:
    """Random pairs of lane 0."""
    pairs = [dice.sample(lanes[0], 2) for _ in range(batch)]
    call(connection, 0, [1] * batch, [a for a, _ in pairs], [b for _, b in pairs], [dice.randint(1, 100)] * batch)
    return batch


def client(url: str, lanes: list[list[int]], work: Work, batch: int, seed: int, until: float, pipe: Any) -> None:
    """One client process: calls until the moment, then tells what it did."""
    dice, done, took = random.Random(seed), 0, []
    with psycopg.connect(url, autocommit=True) as connection:
        enter(connection)
        while time.monotonic() < until:
            began = time.perf_counter()
            done += work(connection, dice, lanes, batch)
            took.append((time.perf_counter() - began) * 1000)
    pipe.send((done, took, time.process_time()))


def run(
    postmaster: int, access: postgres.Access, lanes: list[list[int]], name: str, work: Work, batch: int, clients: int
) -> Row:
    """One row of the protocol."""
    context = multiprocessing.get_context("fork")
    with looking(postmaster, access) as seen:
        until = time.monotonic() + SECONDS
        pipes, processes = [], []
        for number in range(clients):
            mine, theirs = context.Pipe(duplex=False)
            args = (access.work, lanes, work, batch, number, until, theirs)
            processes.append(context.Process(target=client, args=args))
            processes[-1].start()
            pipes.append(mine)
        said = [pipe.recv() for pipe in pipes]
        for process in processes:
            process.join()
    took = [one for _, calls, _ in said for one in calls]
    return Row(name, batch, sum(done for done, _, _ in said), seen["seconds"], seen["cpu"],
               sum(cpu for _, _, cpu in said), int(seen["wal"]), took, seen["others"])  # fmt: skip


def tpcb(postmaster: int, access: postgres.Access, when: str) -> Row:
    """pgbench's own transaction, as many clients."""
    checkpoint(access)
    with looking(postmaster, access) as seen:
        said = pgbench(access, ["-n", "-b", "tpcb-like", "-c", str(CLIENTS), "-j", "2", "-T", str(TPCB_SECONDS)])
    done = int(next(line for line in said.splitlines() if "actually processed" in line).split(":")[1].split("/")[0])
    average = float(next(line for line in said.splitlines() if "latency average" in line).split("=")[1].split()[0])
    return Row(f"pgbench tpcb-like, {when}", 1, done, seen["seconds"], seen["cpu"], 0.0, int(seen["wal"]), [average],
               seen["others"])  # fmt: skip


def pgbench(access: postgres.Access, arguments: list[str]) -> str:
    """Run pgbench as the administrator in a database of its own."""
    programs = binaries.find(None)
    with psycopg.connect(access.owner, autocommit=True) as admin:
        if not admin.execute("SELECT 1 FROM pg_database WHERE datname = 'tpcb'").fetchone():
            admin.execute("CREATE DATABASE tpcb")
        info = admin.info
        place = {"PGHOST": info.host, "PGPORT": str(info.port), "PGUSER": info.user, "PGPASSWORD": info.password}
    command = [str(programs.folder / "pgbench"), *arguments, "tpcb"]
    done = subprocess.run(command, env=os.environ | place, capture_output=True, text=True, check=True)
    return done.stdout


def syncs(data: Path) -> str:
    """How often a second the disk takes a page for good (fdatasync, as pg_test_fsync tells it)."""
    command = [str(binaries.find(None).folder / "pg_test_fsync"), "-s", "1", "-f", str(data.parent / "sync.tmp")]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return next(line.split()[1] for line in told.splitlines() if line.strip().startswith("fdatasync"))


def checkpoint(access: postgres.Access) -> None:
    """So that every group begins alike."""
    with psycopg.connect(access.owner, autocommit=True) as admin:
        admin.execute("CHECKPOINT")


@contextmanager
def looking(postmaster: int, access: postgres.Access) -> Iterator[dict[str, float]]:
    """Server CPU, WAL, and what others took of the machine, between begin and half a second after the end."""
    seen: dict[str, float] = {}
    with psycopg.connect(access.owner, autocommit=True) as admin:
        lsn, cpu, (busy, idle), began, own = wal(admin), server_cpu(postmaster), machine(), time.perf_counter(), mine()
        yield seen
        seen["seconds"] = time.perf_counter() - began
        time.sleep(0.5)
        seen["wal"] = wal(admin) - lsn
        seen["cpu"] = server_cpu(postmaster) - cpu
        busy_after, idle_after = machine()
        total = busy_after - busy + idle_after - idle
        seen["others"] = max(0.0, (busy_after - busy - seen["cpu"] - (mine() - own)) / total)


def mine() -> float:
    """CPU seconds of this process and its children that have ended."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def wal(admin: psycopg.Connection) -> float:
    """Bytes of WAL ever written."""
    row = admin.execute("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn").fetchone()
    assert row is not None
    return float(row[0])


def server_cpu(postmaster: int) -> float:
    """User and system seconds of the postmaster, the children it reaped, and those that live."""
    ticks, total = os.sysconf("SC_CLK_TCK"), 0
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = place.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if place.parent.name == str(postmaster):
            total += sum(map(int, fields[11:15]))
        elif fields[1] == str(postmaster):
            total += sum(map(int, fields[11:13]))
    return total / ticks


def machine() -> tuple[float, float]:
    """Seconds of all processors, busy and idle."""
    fields = [int(part) for part in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    idle, ticks = fields[3] + fields[4], os.sysconf("SC_CLK_TCK")
    return (sum(fields) - idle) / ticks, idle / ticks


def table(rows: list[Row], title: str) -> Table:
    """All rows, with the ratio to the mean of both pgbench rows and its bar."""
    tpcb_rows = [row.micro for row in rows if row.name.startswith("pgbench")]
    mean = statistics.mean(tpcb_rows)
    steady = max(tpcb_rows) / min(tpcb_rows) <= 1.2
    shown = Table("work", "batch", "server CPU, us", "of tpcb", "bar", "postings/s", "p50 ms", "p99 ms", "WAL bytes",
                  "client CPU, us", "others", title=f"server CPU per posting, {CLIENTS} clients ({title})"
                  + ("" if steady else " - VOID: the two pgbench rows differ by more than 20%"))  # fmt: skip
    for row in rows:
        bar = dict(zip(BATCHES, BARS.get(row.name, ()), strict=False)).get(row.batch)
        ratio = row.micro / mean
        took = sorted(row.calls_ms)
        busy = row.others > 0.1
        shown.add_row(
            row.name, str(row.batch), f"{row.micro:,.0f}", f"{ratio:.3f}",
            "" if bar is None else f"{bar} {'met' if ratio <= bar else 'MISSED'}",
            "busy" if busy else f"{row.postings / row.seconds:,.0f}", f"{took[len(took) // 2]:.1f}",
            f"{took[min(len(took) - 1, len(took) * 99 // 100)]:.1f}", f"{row.wal / max(row.postings, 1):,.0f}",
            f"{row.client_cpu / max(row.postings, 1) * 1e6:,.0f}", f"{row.others:.0%}",
        )  # fmt: skip
    return shown


LAWS: Final[dict[str, LiteralString]] = {
    "every unit sums to zero in every lane": """
        SELECT count(*) FROM (SELECT FROM ledger.account GROUP BY shard, unit HAVING sum(posted) <> 0) x""",
    "posted is the sum of entries, seq their number": """
        SELECT count(*) FROM ledger.account a LEFT JOIN (
            SELECT shard, account, sum(delta) AS total, count(*) AS n, max(seq) AS last
            FROM ledger.entry GROUP BY shard, account) e ON e.shard = a.shard AND e.account = a.id
        WHERE (a.posted, a.seq, a.seq)
            IS DISTINCT FROM (coalesce(e.total, 0), coalesce(e.n, 0), coalesce(e.last, 0))""",
    "no floor is passed": "SELECT count(*) FROM ledger.account WHERE posted - held < floor AND NOT over",
    "what is held is the sum of open holds": """
        SELECT count(*) FROM ledger.account a LEFT JOIN (
            SELECT shard, src, sum(amount) AS total FROM ledger.hold GROUP BY shard, src
        ) h ON h.shard = a.shard AND h.src = a.id WHERE a.held <> coalesce(h.total, 0)""",
}


def laws(access: postgres.Access) -> Table:
    """What must be true after the run; a run that breaks one has no figures."""
    shown = Table("law", "broken by", title="after the run")
    with psycopg.connect(access.owner, autocommit=True) as admin:
        for law, question in LAWS.items():
            row = admin.execute(question).fetchone()
            shown.add_row(law, str(row[0] if row else "?"))
    return shown
