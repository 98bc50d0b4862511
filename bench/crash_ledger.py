"""The ledger under kill -9 (law 8): six writers with fsync on, the server killed again and again.

`make crash`, or `python -m bench.crash_ledger KILLS`. A writer notes each batch before it is sent and its answer after
the commit came back; one answer in fifty is lost on the way besides. A batch without an answer is sent again under the
same ids. At the end every acknowledged line is there once, what was sent twice has one effect, all laws hold and the
chain verifies.
"""

import base64
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from rich.console import Console
from rich.table import Table
from tests.laws import ledger_doors as doors
from tests.laws.ledger_chain import faults
from tests.laws.ledger_laws import laws_hold
from tests.laws.ledger_pair import World, build_world, roads_of
from tests.laws.plain_ledger import Ask

from anhuan.kit import db, ids, postgres, terminal
from anhuan.ledger.model import Kind, Result

SEED = 20261122
WRITERS = 6
LANES = (3, 5)
KILLS = 5
LOST = 0.02  # answers that get lost though the server lives
PAUSE = (0.4, 1.6)  # seconds between two kills
ANSWERED = frozenset({Result.OK, Result.EXISTS})


def write(home: Path, number: int) -> None:
    """Post batches until there is a file `stop`, each again until its answer comes; every word goes to a file first."""
    dice = random.Random(SEED + number)
    world, waiting, holds = _world(home, LANES[number % len(LANES)]), list[Ask](), list[UUID]()
    with (home / f"writer{number}.txt").open("a", buffering=1) as book:
        while not (home / "stop").exists() or waiting:
            try:
                with psycopg.connect(postgres.Embedded(home).join().app, connect_timeout=5) as connection:
                    doors.enter(connection, world.party)
                    connection.commit()
                    while waiting or not (home / "stop").exists():
                        waiting = waiting or list(batch(dice, world, holds))
                        book.write(f"sent {' '.join(map(line_id, waiting))}\n")
                        codes = doors.post(connection, world.lane, waiting)
                        connection.commit()
                        if dice.random() < LOST:
                            raise psycopg.OperationalError("the answer got lost on its way")
                        told = (f"{line_id(line)}={code.name}" for line, code in zip(waiting, codes, strict=True))
                        book.write(f"told {' '.join(told)}\n")
                        waiting = []
            except (psycopg.Error, postgres.CannotStart):
                time.sleep(0.02)


def batch(dice: random.Random, world: World, holds: list[UUID]) -> Iterator[Ask]:
    """One line, or a dozen with a group in it, or captures of what was held in an earlier batch."""
    if len(holds) > 20:
        yield from (Ask(Kind.CAPTURE, parent=holds.pop()) for _ in range(10))
        return
    group = ids.new_id()
    for place in range(dice.choice((1, 1, 12))):
        road = dice.choice(roads_of(world))
        made, kind = ids.new_id(), Kind.HOLD if dice.random() < 0.3 else Kind.POST
        if kind == Kind.HOLD:
            holds.append(made)
        src, dst = dice.choice(road.sources), dice.choice(road.targets)
        together = group if place > 8 else None
        yield Ask(kind, id=made, src=src, dst=dst, amount=dice.randint(1, 999), code=road.code, group=together)


def line_id(line: Ask) -> str:
    """The id under which the line is stored."""
    return (line.id or ids.derive(line.parent or UUID(int=0), "resolve")).hex


def run(home: Path, kills: int) -> Table:
    """Kill for so many rounds, let the writers finish, then compare what was told with what is there."""
    dice = random.Random(SEED)
    os.environ["ANHUAN_HOME"] = str(home)
    db.migrate()
    for lane in LANES:
        _world(home, lane)
    writers = [
        subprocess.Popen([sys.executable, "-m", "bench.crash_ledger", "write", str(home), str(number)])
        for number in range(WRITERS)
    ]
    server, back = postgres.Embedded(home), list[float]()
    try:
        for _ in range(kills):
            _all_write(home)
            time.sleep(dice.uniform(*PAUSE))
            os.kill(int((server.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
            began = time.perf_counter()
            server.join()
            back.append(time.perf_counter() - began)
        _all_write(home)
        (home / "stop").touch()
        for writer in writers:
            writer.wait(timeout=120)
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
    return _judged(home, kills, max(back))


def _judged(home: Path, kills: int, back: float) -> Table:
    sent, told = Counter[str](), dict[str, str]()
    for number in range(WRITERS):
        for text in (home / f"writer{number}.txt").read_text().splitlines():
            verb, *words = text.split()
            if verb == "sent":
                sent.update(words)
            else:
                told |= dict(word.split("=") for word in words)
    with psycopg.connect(postgres.Embedded(home).join().owner) as owner:
        there = [one.hex for (one,) in owner.execute("SELECT id FROM ledger.posting").fetchall()]
        postings, broken = laws_hold(owner), faults(owner)
    again = {line for line, times in sent.items() if times > 1}
    refused = {line for line, word in told.items() if Result[word] not in ANSWERED}
    table = Table("what", "lines", "bar", title=f"kill -9 of the server under {WRITERS} writers, fsync on, seed {SEED}")
    rows: list[tuple[str, Any, str]] = [
        ("kills; back after, s (worst)", f"{kills}; {back:.1f}", ""),
        ("acknowledged", f"{len(told):,}", "> 0"),
        ("of these lost", len(told.keys() - set(there)), "0"),
        ("sent again after a lost answer", len(again), "> 0"),
        ("of these done the first time, answered exists", sum(told[line] == "EXISTS" for line in again), ""),
        ("there twice, or never sent", len(there) - len(set(there)) + len(set(there) - sent.keys()), "0"),
        ("sent and never answered", len(sent.keys() - told.keys()), "0"),
        ("refused", len(refused), "0"),
        ("postings under the laws; faults in the chain", f"{postings:,}; {len(broken)}", "all; 0"),
    ]
    for what, figure, bar in rows:
        table.add_row(what, str(figure), bar)
    wrong = told.keys() ^ set(there) or sent.keys() ^ told.keys() or refused or broken or len(there) != postings
    if wrong or not again:
        Console().print(table)
        raise SystemExit("law 8 is broken, or no answer was ever lost")
    return table


def _all_write(home: Path, *, seconds: float = 90) -> None:
    """Wait until every writer has had an answer since now; else a kill would meet nobody."""
    files = [home / f"writer{number}.txt" for number in range(WRITERS)]
    before = [_answers(file) for file in files]
    end = time.monotonic() + seconds
    while any(_answers(file) <= count for file, count in zip(files, before, strict=True)):
        if time.monotonic() > end:
            raise SystemExit("a writer has had no answer for too long")
        time.sleep(0.05)


def _answers(file: Path) -> int:
    return file.read_text().count("told ") if file.exists() else 0


def _world(home: Path, lane: int) -> World:
    with psycopg.connect(postgres.Embedded(home).join().owner) as owner:
        return build_world(owner, lane)


def main() -> None:
    """Either one writer (started by ourselves) or the whole test."""
    terminal.log_to_stderr(verbose=False)
    if sys.argv[1:2] == ["write"]:
        write(Path(sys.argv[2]), int(sys.argv[3]))
        return
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else KILLS
    os.environ["ANHUAN_MASTER_KEY"] = base64.b64encode(os.urandom(32)).decode()  # not the key of who runs this
    with tempfile.TemporaryDirectory(prefix="anhuan-crash-") as folder:
        home = Path(folder) / "home"
        home.parent.chmod(0o711)  # as root the server runs as another user, who must get in
        try:
            Console(width=None if sys.stdout.isatty() else 120).print(run(home, kills))
        finally:
            db.close()
            postgres.Embedded(home).stop()


if __name__ == "__main__":
    main()
