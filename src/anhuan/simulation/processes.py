"""The processes of a town, all real: database, simulated bank, web server, workers; started, killed, started again.

Nothing is told before it dies. What was killed is started at once; what ended by itself (a worker whose database died)
is started again as a supervisor would, and counted as that.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Final

import structlog

from anhuan.kit import clock, fetch, postgres
from anhuan.simulation import leftovers, nursery
from anhuan.simulation.model import Kind, Stuck

HEARTBEAT: Final = 1.0  # seconds between two signs of life of a worker of the town
DEAD_AFTER: Final = 4.0
WORKERS: Final = 2
PATIENCE: Final = 90.0  # seconds for a process to come up

log = structlog.get_logger(__name__)


class Town:
    """The processes of one town in its home folder; `end` ends them all."""

    def __init__(self, home: Path, *, web_port: int, bank_port: int) -> None:
        self.home = home
        self.server = postgres.Embedded(home)
        self.web_port, self.bank_port = web_port, bank_port
        self.env = _environment(home, web=self.web_port, bank=self.bank_port)
        self.ended_alone: Counter[str] = Counter()  # after its database had died under it, or it was held still
        self.ended_unasked: Counter[str] = Counter()  # with no such reason, by name and exit code
        self._disturbed: dict[str, str] = {}  # what was done to a process since it began
        self._running: dict[str, ForkServerProcess] = {}
        self._nursery = nursery.ready()
        self._lock = threading.RLock()
        self._ending = False

    @property
    def web(self) -> str:
        """Where the pages are."""
        return f"http://localhost:{self.web_port}"

    @property
    def bank(self) -> str:
        """Where the simulated bank listens."""
        return f"http://127.0.0.1:{self.bank_port}"

    @property
    def clock_file(self) -> Path:
        """What every process reads the time from."""
        return self.home / "clock"

    @cached_property
    def owner(self) -> str:
        """The address of the town's own administrator."""
        return self.server.join().owner

    def adopt_environment(self) -> None:
        """Let this very process live in the town as well: the townspeople act through it."""
        for name in [name for name in os.environ if name.startswith("ANHUAN_") or name == "DATABASE_URL"]:
            del os.environ[name]
        os.environ.update({name: value for name, value in self.env.items() if name.startswith("ANHUAN_")})

    def start(self, *names: str) -> None:
        """Start these processes: `bank`, `web`, `worker 1`, ...; one that runs stays."""
        with self._lock:
            for name in names:
                if name not in self._running or self._running[name].exitcode is not None:
                    self._running[name] = self._begin(name)

    def kill(self, kind: Kind, place: int) -> None:
        """kill -9, and started again at once; `place` says which of several."""
        with self._lock:
            if kind is Kind.DATABASE:
                self._kill_database()
                return
            name = f"worker {place % WORKERS + 1}" if kind is Kind.WORKER else kind.value
            process = self._running[name]
            process.kill()
            process.join()
            self._running[name] = self._begin(name)

    def hold_still(self, place: int, seconds: float) -> None:
        """SIGSTOP a worker for a while: others take its work for a dead one's, then it wakes up and goes on."""
        name = f"worker {place % WORKERS + 1}"
        process = self._running[name]
        self._disturbed[name] = "held still"
        _signal(process, signal.SIGSTOP)
        time.sleep(seconds)
        if process.exitcode is None:
            _signal(process, signal.SIGCONT)

    def give_up(self) -> None:
        """The town is told to end: whoever waits for a process waits no longer."""
        self._ending = True

    def tend(self) -> None:
        """Start again what ended by itself."""
        if self._ending:
            raise Stuck("the town was told to end")
        with self._lock:
            for name, process in list(self._running.items()):
                if process.exitcode is not None and not self._ending:
                    self._note_end(name, process.exitcode)
                    self._running[name] = self._begin(name)

    def _note_end(self, name: str, exitcode: int) -> None:
        why = self._disturbed.get(name)
        if why is None:
            self.ended_unasked[f"{name.split()[0]}, exit {exitcode}"] += 1
        else:
            self.ended_alone[f"{name.split()[0]}: {why}"] += 1

    def await_door(self, kind: Kind) -> None:
        """Wait until somebody answers at the door of the web server or of the bank."""
        door, until = (
            self.web + "/static/none" if kind is Kind.WEB else self.bank + "/v1/none",
            time.monotonic() + PATIENCE,
        )
        while time.monotonic() < until:
            try:
                fetch.fetch_here(door, seconds=5.0)
                return
            except fetch.NoAnswer:
                self.tend()
                time.sleep(0.03)
        raise Stuck(f"{kind} does not come up; its log is {self.home / kind.value}.log")

    def partners(self) -> frozenset[str]:
        """The key ids by which the bank knows this house; people's own app has another."""
        said = json.loads((self.home / "keys" / "simbank.json").read_text("utf-8"))
        return frozenset({str(said["key_id"])})

    def verify(self) -> tuple[int, str]:
        """`anhuan ledger verify` over the whole history, as an auditor runs it: exit code, and what it said."""
        command = [sys.executable, "-m", "anhuan.cli", "ledger", "verify", "--from-genesis", "--lang", "en"]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def end(self) -> None:
        """End every process of the town in order, the database last."""
        with self._lock:
            self._ending = True
            for process in self._running.values():
                _signal(process, signal.SIGCONT)
                process.terminate()
            for process in self._running.values():
                process.join(timeout=15)
                if process.exitcode is None:
                    process.kill()
                    process.join()
            self._running.clear()

    def _kill_database(self) -> None:
        number = int((self.server.data / "postmaster.pid").read_text().split()[0])
        os.kill(number, signal.SIGKILL)
        self._disturbed |= dict.fromkeys(self._running, "its database died")
        self.server.join()

    def _begin(self, name: str) -> ForkServerProcess:
        begun = nursery.begin(
            self._nursery, self._command(name), env=self.env, log=self.home / f"{name.replace(' ', '-')}.log"
        )
        assert begun.pid is not None, "it was started"
        leftovers.note(self.home, begun.pid)
        self._disturbed.pop(name, None)
        return begun

    def _command(self, name: str) -> Sequence[str]:
        if name == Kind.WEB:
            return [nursery.WEB, str(self.web_port)]
        if name == Kind.BANK:
            return ["simbank", "--port", str(self.bank_port)]
        return ["work", "--heartbeat", str(HEARTBEAT), "--dead-after", str(DEAD_AFTER)]


def _signal(process: ForkServerProcess, number: int) -> None:
    """Send a signal to a process that may have ended meanwhile."""
    assert process.pid is not None, "it was started"
    with suppress(ProcessLookupError):
        os.kill(process.pid, number)


def _environment(home: Path, *, web: int, bank: int) -> dict[str, str]:
    """What the processes of a town are told; nothing of the installation that runs the command reaches them."""
    calm = {name: value for name, value in os.environ.items() if not name.startswith("ANHUAN_")}
    calm.pop("DATABASE_URL", None)
    if binaries := os.environ.get("ANHUAN_PG_BIN"):
        calm["ANHUAN_PG_BIN"] = binaries
    return calm | {
        "ANHUAN_HOME": str(home),
        clock.HELD_BY: str(home / "clock"),
        "ANHUAN_PORT": str(web),
        "ANHUAN_SIMBANK_URL": f"http://127.0.0.1:{bank}",
        "ANHUAN_PROXY": "127.0.0.1",  # each household has an address of its own
    }
