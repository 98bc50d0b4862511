"""The simulated bank beside the pages of a demonstration, and the worker after it: the page does not wait for either.

The bank is a process of its own on a database of its own, kept beside ours from one start to the next. Where it cannot
start the demonstration opens all the same and says so.
"""

import contextlib
import contextvars
import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
import typer

from anhuan.channels import registry, simbank_http, simbank_keys
from anhuan.cli import beside, demo_cards, work
from anhuan.kit import fetch, settings
from anhuan.kit.errors import Bad, Unavailable

URL: Final = "ANHUAN_SIMBANK_URL"
# A worker that is killed is noticed within seconds: people who try this out do not wait half a minute.
WORKER: Final = ("--heartbeat", "2", "--dead-after", "8")
LOOK: Final = 0.5  # seconds between two looks at the worker
SECONDS: Final = 60.0  # for one order to the bank; catching up many days takes a while
log = structlog.get_logger(__name__)


class BankSilent(Unavailable):
    """模拟银行没有启动: the simulated bank ended before it said where it listens."""

    code = "demonstration.bank_silent"


@dataclass(frozen=True, slots=True)
class Control:
    """The hand on the running bank: its address and its control token."""

    url: str
    token: str

    def __call__(self, method: str, path: str, said: Mapping[str, Any] | None = None) -> Any:
        """Tell the bank something; raises `Unavailable` where it does not do it."""
        body = None if said is None else json.dumps(said).encode()
        head = {"authorization": f"Bearer {self.token}"}
        answer = fetch.fetch_here(self.url + path, method=method, body=body, headers=head, seconds=SECONDS)
        if answer.status != 200:
            raise BankSilent(f"{method} {path}: HTTP {answer.status}, {answer.body[:200].decode(errors='replace')}")
        return json.loads(answer.body)


@dataclass(slots=True)
class Beside:
    """What runs beside the pages of a demonstration. `ready` is called once our own rows are there."""

    with_worker: bool
    _bank: "subprocess.Popen[bytes] | None" = None
    _may_fill: threading.Event = field(default_factory=threading.Event)
    _filled: threading.Event = field(default_factory=threading.Event)
    _stopped: threading.Event = field(default_factory=threading.Event)

    def ready(self) -> None:
        """The household is there: its cards at the simulated bank may be added, and the worker may start."""
        self._may_fill.set()

    def run(self) -> None:
        """Wait for the bank, fill what it needs, keep a worker; whatever fails is told, and the rest goes on."""
        control = self._begun(self._acquainted)
        self._may_fill.wait()
        if control is not None and not self._stopped.is_set():
            self._begun(lambda: demo_cards.fill(control))
            self._begun(lambda: _hear_from(control))
        self._filled.set()
        log.info("the demonstration is whole", bank=control is not None)
        while self.with_worker and not self._stopped.is_set():
            with work.beside(*WORKER) as worker:  # one that is killed is followed by another: nothing promised is lost
                while worker.poll() is None and not self._stopped.wait(LOOK):
                    pass
            self._stopped.wait(LOOK)

    def stop(self, thread: threading.Thread) -> None:
        """End the worker and the bank, in that order."""
        self._stopped.set()
        self._may_fill.set()
        if not self._filled.is_set() and self._bank is not None:
            beside.end(self._bank)  # whoever still talks to it hears that it is gone
        thread.join()
        if self._bank is not None:
            beside.end(self._bank)

    def _begun(self, act: Callable[[], Any]) -> Any:
        try:
            return act()
        except Exception as error:
            if not self._stopped.is_set():
                _say(error)
            return None

    def _acquainted(self) -> Control:
        """The running bank, which knows our key; its address stands in the environment of everybody started here."""
        self._bank = self._ours_started()
        assert self._bank.stdout is not None
        line = self._bank.stdout.readline()
        if not line:
            raise BankSilent("the bank ended before it listened")
        said = json.loads(line)
        if not simbank_keys.acquainted(said["key_id"], said["public"]):
            simbank_keys.enrol(said["url"], token=said["token"])
        os.environ[URL] = said["url"]
        log.info("the simulated bank listens", url=said["url"])
        registry.forget()
        return Control(said["url"], said["token"])

    def _ours_started(self) -> "subprocess.Popen[bytes]":
        started = beside.started("simbank", "serve", "--real-time", "--port", "0", heard=True)
        if self._stopped.is_set():
            beside.end(started)
        return started


@contextlib.contextmanager
def beside_pages(*, worker: bool) -> Iterator[Beside]:
    """Start the bank at once and the worker after it; both end with the block, and with this process whatever ends it.

    A bank that somebody named in ANHUAN_SIMBANK_URL is theirs: none is started, and nothing is filled at it.
    """
    if settings.read().simbank_url is not None:
        with work.beside() if worker else contextlib.nullcontext():
            yield Beside(with_worker=False)
        return
    one = Beside(with_worker=worker)
    context = contextvars.copy_context()  # the running command's rule holds in the thread too
    thread = threading.Thread(target=context.run, args=(one.run,), name="demonstration", daemon=True)
    thread.start()
    try:
        yield one
    finally:
        one.stop(thread)


def _hear_from(control: Control) -> None:
    """Let the bank call back at the page's own door, where that speaks plain http on this machine."""
    door = settings.read().origin + simbank_http.callback_path(demo_cards.CHANNEL)
    control("PUT", "/sim/callbacks", {"url": door if fetch.is_here(door) else None})


def _say(error: Exception) -> None:
    why = f"{error.message} [{error.code}]" if isinstance(error, Bad) else f"{type(error).__name__}: {error}"
    log.warning("the demonstration goes on without the simulated bank", why=why)
    typer.echo(f"演示照常打开,但模拟银行没有就绪 · the simulated bank is not ready, the rest works: {why}", err=True)
