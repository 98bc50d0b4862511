"""`anhuan watch`: the second watcher, a process of its own that warns payers even when nothing else works."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from subprocess import Popen
from types import FrameType
from typing import Annotated, Final

import typer
from sqlalchemy import create_engine

from anhuan.cli import beside
from anhuan.kit import db, settings, terminal

app = typer.Typer(rich_markup_mode=None)
CONNECTS: Final = 5  # seconds to wait for the database: whoever waits longer warns nobody


@app.command()
@terminal.may("installer")
def watch(
    parent: Annotated[bool, typer.Option("--parent", hidden=True, help="end when the standard input ends")] = False,
    seconds: Annotated[float | None, typer.Option("--seconds", hidden=True, help="between two looks")] = None,
) -> None:
    """Send overdue alerts, tell the operator when no worker works, warn payers when the database is gone · 第二值守."""
    from anhuan import notify, repayments  # noqa: F401 - their tables and tasks are known
    from anhuan.notify import smtp
    from anhuan.repayments import watching

    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
    if parent:
        beside.end_with_parent()
    else:
        db.require_head()
        mails = "mails by " + smtp_host if (smtp_host := _host(smtp.server())) else "no mail server is set"
        operator = "tells " + (settings.read().alert_mail or "no operator (ANHUAN_ALERT_MAIL)")
        typer.echo(f"watching  {mails}; {operator}  (Ctrl-C stops)")
    db.use_login("work", create_engine(
        db.driver_url(db.url_of("work")), pool_size=2, max_overflow=2, pool_pre_ping=True, hide_parameters=True,
        connect_args={"options": "-c timezone=UTC", "connect_timeout": CONNECTS},
    ))  # fmt: skip
    watching.run(stop, seconds=seconds)


def _host(there: object) -> str:
    return str(getattr(there, "host", ""))


@contextlib.contextmanager
def alongside() -> Iterator[Popen[bytes]]:
    """A watcher as a child process, ended with the block, and with this process whatever ends it."""
    with beside.child("watch") as child:
        yield child
