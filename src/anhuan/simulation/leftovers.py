"""Towns whose command was killed: nobody else would ever end their processes and take their folders away.

A town that is to be thrown away carries a mark: which process made it, and since when that runs. The next town looks
for marks whose process is gone. What has no mark (a town that was kept, somebody else's folder) is never touched.
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from anhuan.kit import postgres

PREFIX: Final = "anhuan-town-"
MARK: Final = "made-by.json"
PROCESSES: Final = "processes"  # a line for each that was started: its id, and since when it runs
ENDING: Final = 10.0  # seconds for a killed process to be gone


def mark(home: Path) -> None:
    """Say that this town ends with this process."""
    (home / MARK).write_text(json.dumps([os.getpid(), since(os.getpid())]))


def note(home: Path, pid: int) -> None:
    """Keep that this process belongs to the town."""
    with (home / PROCESSES).open("a") as kept:
        kept.write(f"{pid} {since(pid)}\n")


def sweep(place: Path | None = None) -> list[Path]:
    """End and remove every town that was left behind; tells which."""
    found = []
    for home in sorted((place or Path(tempfile.gettempdir())).glob(f"{PREFIX}*")):
        if _is_ours(home) and _is_left(home):
            take_away(home)
            found.append(home)
    return found


def take_away(home: Path) -> None:
    """End what still runs of a town, its database last, and remove its folder."""
    until = time.monotonic() + ENDING
    while (left := _running(home)) and time.monotonic() < until:
        for pid in left:
            for kill in (os.killpg, os.kill):  # each is the first of its group, or about to be
                with suppress(ProcessLookupError):
                    kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    server = postgres.Embedded(home)
    with suppress(postgres.CannotStart):
        server.stop()
    if not server.data.is_relative_to(home):
        shutil.rmtree(server.data.parent, ignore_errors=True)
    shutil.rmtree(home, ignore_errors=True)


def since(pid: int) -> str | None:
    """Since when a process runs, in the system's own words: with its id that is one process; None where it is gone."""
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return None
        said = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
        return said.stdout.strip().replace(" ", "_") or None
    except ProcessLookupError:
        return None
    return None if state in "ZX" else rest[18]  # a dead one that nobody has buried yet is gone


def _is_ours(home: Path) -> bool:
    """Whether it is a folder of this user; in a place that everybody writes to, others may leave anything."""
    try:
        return not home.is_symlink() and home.is_dir() and home.stat().st_uid == os.geteuid()
    except OSError:
        return False


def _is_left(home: Path) -> bool:
    """Whether the process that made it is gone."""
    try:
        pid, began = json.loads((home / MARK).read_text())
        return bool(since(int(pid)) != began)
    except (OSError, ValueError, TypeError):
        return False  # no mark, or not a whole one: not to be touched


def _running(home: Path) -> list[int]:
    """The processes of a town that still run."""
    try:
        lines = [line.split() for line in (home / PROCESSES).read_text().splitlines()]
    except OSError:
        return []
    return [int(line[0]) for line in lines if len(line) == 2 and since(int(line[0])) == line[1]]
