"""The dead-man alert with real processes: the worker is killed, the database is closed, and the payer is warned."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import psycopg
import pytest
from sqlalchemy import Engine
from tests.conftest import _admin, _on
from tests.notify.conftest import ADDRESS, has_address, smtp
from tests.notify.mailserver import MailServer
from tests.repayments.conftest import Home, clean, home, house

from anhuan.kit import clock, postgres
from anhuan.repayments.model import OrderView

__all__ = ["clean", "home", "house", "smtp"]
pytestmark = pytest.mark.scope("S0-42")


@pytest.fixture
def there(server: postgres.Access, clean: Engine, smtp: MailServer) -> dict[str, str]:
    """The environment of a real installation over this database, with a mail server."""
    name = str(clean.url.database)
    assert server.work is not None
    return {
        **os.environ, "DATABASE_URL": _on(server.app, name), "ANHUAN_WORK_URL": _on(server.work, name),
        "ANHUAN_SMTP_URL": smtp.url, "ANHUAN_MAIL_FROM": "anhuan@example.org", "LANG": "C.UTF-8",
    }  # fmt: skip


@contextlib.contextmanager
def program(*words: str, env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """`anhuan WORDS` as a process of its own."""
    running = subprocess.Popen(
        [sys.executable, "-m", "anhuan.cli", *words],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert running.stdout is not None
        assert running.stdout.readline(), "it did not start"
        yield running
    finally:
        running.kill()
        running.wait()
        assert running.stdout is not None
        running.stdout.close()


def under_way(home: Home) -> OrderView:
    """A payment that the channel has, of somebody with an address."""
    with home.rows() as db:
        has_address(db, home.party)
    (made,) = home.tap()
    home.deliver(made)
    return home.found(made)


def safe_until(engine: Engine, server: postgres.Access, order: OrderView, at: datetime) -> None:
    """The machine's own clock runs on, so the order's last safe moment is put near it."""
    with psycopg.connect(_on(server.owner, str(engine.url.database)), autocommit=True) as inside:
        inside.execute("SET ROLE anhuan_owner")
        inside.execute(
            "UPDATE repay_orders SET placed_at = %s, safe_by_at = %s, by_hand_at = %s WHERE id = %s",
            (at - timedelta(days=2), at, at + timedelta(days=3), order.order_id),
        )


def to_payer(smtp: MailServer) -> list[str]:
    return [str(one.mail["Subject"]) for one in smtp.mails if one.to == ADDRESS]


def test_the_worker_is_killed_and_the_payer_is_warned_all_the_same(
    home: Home, clean: Engine, server: postgres.Access, smtp: MailServer, there: dict[str, str]
) -> None:
    order = under_way(home)
    with program("work", env=there) as worker, program("watch", "--seconds", "0.5", env=there):
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        safe_until(clean, server, order, clock.now())
        (mail,) = smtp.wait_for(1, seconds=60)
    assert (mail.to, to_payer(smtp)) == (ADDRESS, ["请留意:一笔还款还没有确认到账"])
    assert home.told(order).count("alerted") == 1


def test_the_database_is_closed_and_the_payer_is_warned_from_memory(
    home: Home, clean: Engine, server: postgres.Access, smtp: MailServer, there: dict[str, str]
) -> None:
    order, began = under_way(home), clock.now()
    with program("watch", "--seconds", "0.5", env=there):
        wait_for(clean, server, f"started_at >= '{began}'")
        safe_until(clean, server, order, clock.now() + timedelta(seconds=8))
        wait_for(clean, server, f"started_at >= '{began}' AND coming > 0")
        clean.dispose()
        with closed(clean, server):
            (mail,) = smtp.wait_for(1, seconds=60)
        assert mail.mail["Subject"] == "请核对:我们此刻无法核实一笔还款"
        assert "我们的系统此刻无法核实" in mail.text
        deadline = time.monotonic() + 60
        while home.told(order).count("alerted") == 0:
            assert time.monotonic() < deadline, "it was not written down when the database was back"
            time.sleep(0.2)
    assert len(to_payer(smtp)) == 1


def wait_for(engine: Engine, server: postgres.Access, sign: str) -> None:
    """Wait until the watcher has left this sign of life."""
    deadline = time.monotonic() + 60
    with psycopg.connect(_on(server.owner, str(engine.url.database)), autocommit=True) as inside:
        inside.execute("SET ROLE anhuan_owner")
        while inside.execute(f"SELECT 1 FROM notify_watchers WHERE {sign}".encode()).fetchone() is None:
            assert time.monotonic() < deadline, f"no watcher with {sign}"
            time.sleep(0.05)


@contextlib.contextmanager
def closed(engine: Engine, server: postgres.Access) -> Iterator[None]:
    """The database lets nobody in, and whoever was inside is thrown out."""
    name = str(engine.url.database)
    with _admin(server) as admin:
        admin.execute(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS false'.encode())
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        try:
            yield
        finally:
            admin.execute(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS true'.encode())
