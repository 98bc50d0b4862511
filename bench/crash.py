"""The crash test: writers with fsync on, the database killed again and again, every acknowledged row counted after.

`make crash`, or `python -m bench.crash ROUNDS`. Even rounds kill a writer's process, odd rounds the database itself.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
from rich.console import Console
from rich.table import Table

from anhuan.kit import postgres, terminal

SEED = 20261122


def write(home: Path, acknowledged: Path, name: str) -> None:
    """Insert rows one by one; a number goes to the file only after its commit came back. Reconnects for ever."""
    with acknowledged.open("a", buffering=1) as book:
        number = int(time.time_ns())
        while True:
            try:
                with psycopg.connect(postgres.Embedded(home).join().owner, connect_timeout=5) as connection:
                    while True:
                        number += 1
                        connection.execute("INSERT INTO crash_rows VALUES (%s, %s)", (name, number))
                        connection.commit()
                        book.write(f"{name} {number}\n")
            except (psycopg.Error, postgres.CannotStart):
                time.sleep(0.05)


def begin(home: Path, name: str) -> subprocess.Popen[bytes]:
    """A writer in its own process."""
    return subprocess.Popen([sys.executable, "-m", "bench.crash", "write", str(home), str(home / f"{name}.txt"), name])


def run(home: Path, rounds: int) -> Table:
    """Kill for so many rounds, then compare what was acknowledged with what is there."""
    dice = random.Random(SEED)
    server = postgres.Embedded(home)
    with psycopg.connect(server.join().owner) as admin:
        admin.execute("CREATE TABLE crash_rows (writer text, number bigint)")
    writers = {name: begin(home, name) for name in ("first", "second")}
    back: list[float] = []
    for round_number in range(rounds):
        time.sleep(dice.uniform(0.5, 2.0))
        if round_number % 2 == 0:
            victim = dice.choice(sorted(writers))
            writers[victim].kill()
            writers[victim].wait()
            writers[victim] = begin(home, victim)
        else:
            os.kill(int((server.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
            began = time.perf_counter()
            postgres.Embedded(home).join()
            back.append(time.perf_counter() - began)
    for writer in writers.values():
        writer.kill()
        writer.wait()
    said = {tuple(line.split()) for name in writers for line in (home / f"{name}.txt").read_text().splitlines()}
    with psycopg.connect(server.join().owner) as admin:
        there = {(name, str(number)) for name, number in admin.execute("SELECT writer, number FROM crash_rows")}
    table = Table("kills", "acknowledged rows", "lost", "bar", "back after a killed database, s (worst)")
    table.title = f"kill -9 on writers and database, fsync on, seed {SEED}"
    table.add_row(str(rounds), str(len(said)), str(len(said - there)), "0 lost", f"{max(back, default=0):.1f}")
    if said - there or not said:
        raise SystemExit("rows were lost, or none was written")
    return table


def main() -> None:
    """Either one writer (started by ourselves) or the whole test."""
    terminal.log_to_stderr(verbose=False)
    if sys.argv[1:2] == ["write"]:
        write(Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory(prefix="anhuan-crash-") as folder:
        place = Path(folder)
        place.chmod(0o711)
        try:
            Console(width=None if sys.stdout.isatty() else 120).print(run(place / "home", rounds))
        finally:
            postgres.Embedded(place / "home").stop()


if __name__ == "__main__":
    main()
