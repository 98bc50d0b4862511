"""The second watcher: it warns without the worker and without the database, each payer once, and calls the operator."""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool
from tests.notify.conftest import has_address, smtp
from tests.notify.mailserver import MailServer
from tests.repayments.conftest import Home, clean, home, house

from anhuan import notify
from anhuan.kit import db as database
from anhuan.kit import postgres
from anhuan.notify.model import MailState
from anhuan.repayments.model import OrderView
from anhuan.repayments.watching import Watcher

__all__ = ["clean", "home", "house", "smtp"]
pytestmark = pytest.mark.scope("S0-42")
OPERATOR = "operator@example.org"


@pytest.fixture
def order(home: Home, smtp: MailServer, monkeypatch: pytest.MonkeyPatch) -> OrderView:
    """A payment under way of somebody with an address; the operator has one, too."""
    monkeypatch.setenv("ANHUAN_ALERT_MAIL", OPERATOR)
    with home.rows() as db:
        has_address(db, home.party, address_of(home))
    (made,) = home.tap()
    home.deliver(made)
    return home.found(made)


@pytest.fixture
def gone(clean: object) -> Iterator[None]:
    """The watcher's database does not answer while this stands; the tests' own connections do."""
    before = database._logins["work"]
    dead = create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none", poolclass=NullPool)
    database.use_login("work", dead)
    yield
    database.use_login("work", before)


def safe_by(order: OrderView) -> datetime:
    assert order.safe_by_at is not None
    return order.safe_by_at


def alerts_of(home: Home, now: datetime) -> list[notify.Message]:
    with home.rows() as db:
        return [one for one in notify.messages(db, home.party, lang="zh", now=now) if one.kind.startswith("alert_")]


def address_of(home: Home) -> str:
    return f"{home.party}@example.com"


def to_payer(home: Home, smtp: MailServer) -> list[str]:
    return [str(one.mail["Subject"]) for one in smtp.mails if one.to == address_of(home)]


def test_it_tells_and_mails_without_any_worker(home: Home, order: OrderView, smtp: MailServer) -> None:
    now = safe_by(order)
    Watcher(now).round(now)
    assert to_payer(home, smtp) == ["请留意:一笔还款还没有确认到账"]
    (message,) = alerts_of(home, now)
    assert (message.mail_state, message.urgent) == (MailState.SENT, True)


def test_two_watchers_at_once_tell_once(home: Home, order: OrderView, smtp: MailServer) -> None:
    now = safe_by(order)
    threads = [threading.Thread(target=Watcher(now).round, args=(now,)) for _ in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(to_payer(home, smtp)) == 1
    assert len(alerts_of(home, now)) == 1
    assert home.told(order).count("alerted") == 1


def test_without_the_database_it_mails_from_memory_once(
    home: Home, order: OrderView, smtp: MailServer, request: pytest.FixtureRequest
) -> None:
    watcher = Watcher(safe_by(order))
    watcher.round(safe_by(order) - timedelta(hours=1))
    assert {stage for one, stage in watcher.coming if one == order.order_id} == {"safe_by", "by_hand"}
    request.getfixturevalue("gone")
    now = safe_by(order)
    watcher.round(now)
    assert to_payer(home, smtp) == [], "one look that fails is not yet a database that is gone"
    for _ in range(3):
        watcher.round(now)
    assert to_payer(home, smtp) == ["请核对:我们此刻无法核实一笔还款"]
    assert any("我们的系统此刻无法核实" in one.text for one in smtp.mails if one.to == address_of(home))
    assert [one.to for one in smtp.mails].count(OPERATOR) == 1


def test_when_the_database_is_back_what_was_mailed_is_written_down_and_not_mailed_again(
    home: Home, order: OrderView, smtp: MailServer
) -> None:
    now, watcher = safe_by(order), Watcher(safe_by(order))
    watcher.round(now - timedelta(hours=1))
    watcher.blind(now)
    watcher.round(now + timedelta(minutes=1))
    assert len(to_payer(home, smtp)) == 1
    (message,) = alerts_of(home, now)
    assert message.mail_state is MailState.SENT
    assert home.told(order).count("alerted") == 1


@pytest.mark.parametrize(("port", "mails"), [("", 0), ("1", 1)])  # a slow look, and a database that is gone
def test_a_look_that_hangs_is_no_reason_to_warn_while_the_database_answers(
    home: Home, order: OrderView, smtp: MailServer, server: postgres.Access, monkeypatch: pytest.MonkeyPatch,
    port: str, mails: int,
) -> None:  # fmt: skip
    now, watcher = safe_by(order), Watcher(safe_by(order))
    watcher.round(now - timedelta(hours=1))
    monkeypatch.setenv("DATABASE_URL", server.app)
    monkeypatch.setenv("ANHUAN_WORK_URL", f"postgresql://nobody@127.0.0.1:{port}/none" if port else str(server.work))
    watcher.answered -= 100
    watcher.guard(now)
    assert len(to_payer(home, smtp)) == mails


def test_a_watcher_that_was_started_again_does_not_mail_from_memory_twice(
    home: Home, order: OrderView, smtp: MailServer
) -> None:
    now, first, second = safe_by(order), Watcher(safe_by(order)), Watcher(safe_by(order))
    for watcher in (first, second):
        watcher.round(now - timedelta(hours=1))
    for watcher in (first, second):
        watcher.blind(now)
    assert len(to_payer(home, smtp)) == 1


def test_a_mail_server_that_was_away_is_asked_again_by_the_watcher_itself(
    home: Home, order: OrderView, smtp: MailServer
) -> None:
    now, watcher = safe_by(order), Watcher(safe_by(order))
    smtp.says["GREETING"] = "421 later"
    watcher.round(now)
    assert to_payer(home, smtp) == []
    del smtp.says["GREETING"]
    watcher.round(now + timedelta(minutes=1))
    assert to_payer(home, smtp) == [], "its job has a minute"
    watcher.round(now + timedelta(minutes=3))
    assert len(to_payer(home, smtp)) == 1


def test_the_operator_is_told_once_that_no_worker_works(home: Home, order: OrderView, smtp: MailServer) -> None:
    now = home.clock()
    watcher = Watcher(now - timedelta(minutes=6))
    for seconds in (0, 30, 60):
        watcher.round(now + timedelta(seconds=seconds))
    subjects = [str(one.mail["Subject"]) for one in smtp.mails if one.to == OPERATOR]
    assert subjects.count("安还:后台任务没有响应") == 1
    beat(now + timedelta(minutes=2))
    watcher.round(now + timedelta(minutes=2))
    with database.sessions("work").begin() as db:
        assert "ops_no_worker" not in [kind for kind, _ in notify.watchers.standing(db)]
        db.execute(text("DELETE FROM procrastinate_workers"))


def beat(at: datetime) -> None:
    """A worker gives a sign of life."""
    with database.sessions("work").begin() as db:
        db.execute(text("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (:at)"), {"at": at})


def test_it_leaves_a_sign_of_life_that_others_read(home: Home, order: OrderView) -> None:
    now, watcher = home.clock(), Watcher(home.clock())
    watcher.round(now)
    with database.sessions("work").begin() as db:
        asked = text("SELECT seen_at, mails FROM notify_watchers WHERE id = :id")
        assert tuple(db.execute(asked, {"id": watcher.id}).one()) == (now, True)
        assert notify.watchers.last(db) is not None
