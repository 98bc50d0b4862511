"""`anhuan work`: the background worker, which keeps what pages and commands promised; as many as one likes."""

import asyncio
import contextlib
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Annotated, Final

import structlog
import typer

from anhuan.cli.beside import child
from anhuan.kit import db, jobs, memory, terminal

app = typer.Typer(rich_markup_mode=None)
PARENT_GONE: Final = 5.0  # seconds a child gets to end by itself before it is stopped
log = structlog.get_logger(__name__)


@app.command()
@terminal.may("installer")
def work(
    parent: Annotated[bool, typer.Option("--parent", hidden=True, help="end when the standard input ends")] = False,
    heartbeat: Annotated[float, typer.Option("--heartbeat", hidden=True, help="seconds")] = jobs.HEARTBEAT,
    dead_after: Annotated[float, typer.Option("--dead-after", hidden=True, help="seconds")] = jobs.DEAD_AFTER,
) -> None:
    """Keep what was promised (exports, erasures, what the clock asks for) until stopped · 后台任务."""
    know_the_rooms()
    if not parent:
        db.require_head()
        typer.echo("working  (Ctrl-C stops)")
    memory.settle()
    asyncio.run(_until_stopped(db.url_of("work"), parent=parent, heartbeat=heartbeat, dead_after=dead_after))


def know_the_rooms() -> None:
    """Name the tasks of every room, and tell what holds data of people."""
    from anhuan import cards, channels, ledger, notify, planning, repayments, statements
    from anhuan.identity import holdings, journey  # noqa: F401 - it names the tasks of its room
    from anhuan.kit import audit_jobs  # noqa: F401 - and so does the kit
    from anhuan.ledger import journey as ledger_journey  # noqa: F401 - roots, holds that expire, months, the nightly check
    from anhuan.repayments import journey as repaying  # noqa: F401 - scheduled orders, and what was lost
    from anhuan.repayments import (
        journey_alerts,  # noqa: F401 - payers are told in time what is not proved
        journey_autopay,  # noqa: F401 - debits by mandate
        journey_proofs,  # noqa: F401 - payments are compared with imported lines
        reminding,  # noqa: F401 - bills that fall due and are not arranged
    )

    holdings.know(planning=planning, statements=statements, cards=cards, channels=channels, ledger=ledger,
                  repayments=repayments, notify=notify)  # fmt: skip


async def _until_stopped(url: str, *, parent: bool, heartbeat: float, dead_after: float) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    if parent:
        threading.Thread(target=_when_parent_ends, args=(loop, stop), daemon=True).start()
    await jobs.run(url, until=stop, heartbeat=heartbeat, dead_after=dead_after)


def _when_parent_ends(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """The parent holds the other end of our input and never writes: when it ends, if by kill -9, so does the input."""
    sys.stdin.buffer.read()
    with contextlib.suppress(RuntimeError):  # the loop has ended already
        loop.call_soon_threadsafe(stop.set)


@contextlib.contextmanager
def beside(*options: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker of one's own as a child process, ended with the block, and with this process whatever ends it."""
    with child("work", *options, told=PARENT_GONE + jobs.GRACE) as worker:
        yield worker
