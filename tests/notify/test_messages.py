"""Messages are kept once, stand until somebody acknowledges them, and are mailed at most once."""

import threading
from datetime import UTC, date, datetime, time, timedelta

import pytest
from sqlalchemy import text
from tests.notify.conftest import ADDRESS, FACTS, KIND, NOW, Reader
from tests.notify.mailserver import MailServer

from anhuan import notify
from anhuan.kit import clock, ids, jobs, wall
from anhuan.kit.db import sessions
from anhuan.notify import mailing, rules
from anhuan.notify import smtp as smtp_line
from anhuan.notify.model import MailState

NIGHT = datetime(2026, 11, 22, 15, 30, tzinfo=UTC)  # half past eleven at night in China


def test_the_same_kind_and_key_is_told_once(reader: Reader) -> None:
    assert [reader.tell(), reader.tell(), reader.tell("two")] == [True, False, True]
    with reader.rows() as db:
        assert len(notify.messages(db, reader.party, lang="zh", now=NOW)) == 2


def test_a_message_and_the_promise_of_its_mail_are_one_transaction(reader: Reader) -> None:
    with reader.rows() as db:
        notify.tell(db, reader.party, KIND, key="one", facts=FACTS, now=NOW)
        db.rollback()
    with sessions("work").begin() as db:
        assert jobs.waiting(db, "notify.mail") == []
    reader.tell()
    with sessions("work").begin() as db:
        assert len(jobs.waiting(db, "notify.mail")) == 1


def test_the_mail_says_what_the_page_says_and_no_amount_in_its_subject(reader: Reader, smtp: MailServer) -> None:
    reader.tell()
    assert reader.mail() is MailState.SENT
    sent = smtp.mails[0]
    assert (sent.to, sent.sender) == (ADDRESS, "anhuan@example.org")
    assert sent.mail["Subject"] == "一笔还款待核实"
    assert "招商银行 尾号 6214还的 ¥1,234.56" in sent.text
    assert "银行不会要求您还款到其他账户" in sent.text
    assert "http://localhost:8000/me" in sent.text
    assert sent.mail["Message-ID"] == f"<{reader.message().id}@example.org>"


def test_two_senders_at_once_send_one_mail(reader: Reader, smtp: MailServer) -> None:
    reader.tell()
    smtp.before_answer = lambda: ends.append(reader.mail())  # the second comes while the first has the line
    ends: list[MailState | None] = []
    assert reader.mail() is MailState.SENT
    assert (ends, len(smtp.mails), reader.mail()) == ([None], 1, None)


def test_a_line_that_breaks_after_the_text_leaves_it_unclear_and_is_not_tried_again(
    reader: Reader, smtp: MailServer
) -> None:
    smtp.hangs_up_after_text = True
    reader.tell()
    assert reader.mail() is MailState.UNCLEAR
    assert reader.mail(now=NOW + timedelta(days=1)) is None
    assert len(smtp.mails) == 1


def die(*_: object) -> None:
    raise KeyboardInterrupt


def test_whoever_died_with_a_mail_in_hand_leaves_it_unclear(
    reader: Reader, smtp: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader.tell()
    monkeypatch.setattr(smtp_line, "send", die)
    with pytest.raises(KeyboardInterrupt):
        reader.mail()
    assert reader.message().mail_state == MailState.SENDING
    with jobs.transaction() as db:
        wall.everybody(db)
        mailing.sweep(db, now=NOW + timedelta(minutes=11), at_most=10)
    assert reader.message().mail_state == MailState.UNCLEAR
    assert smtp.mails == []


@pytest.mark.parametrize(
    ("verb", "answer", "state"),
    [
        ("GREETING", "421 too busy", MailState.WAITING),
        ("AUTH", "535 who are you", MailState.WAITING),  # the operator mends it
        ("RCPT", "450 mailbox busy", MailState.WAITING),
        ("RCPT", "550 no such mailbox", MailState.REFUSED),
        ("DATA", "452 full", MailState.WAITING),
        ("TEXT", "451 not now", MailState.WAITING),
        ("TEXT", "554 unwanted", MailState.REFUSED),
    ],
)
def test_what_the_server_says_is_told_apart(
    reader: Reader, smtp: MailServer, monkeypatch: pytest.MonkeyPatch, verb: str, answer: str, state: MailState
) -> None:
    monkeypatch.setenv("ANHUAN_SMTP_URL", f"smtp://me:secret@127.0.0.1:{smtp.port}")
    smtp.says[verb] = answer
    reader.tell()
    assert reader.mail() is state
    assert reader.message().mail_code.startswith(answer[:3])


def test_a_server_that_is_not_there_is_tried_with_growing_pauses_and_then_given_up(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANHUAN_SMTP_URL", "smtp://127.0.0.1:1")
    reader.tell()
    now, pauses = NOW, []
    while reader.mail(now=now) is MailState.WAITING:
        after = reader.message().mail_after
        assert after is not None
        pauses.append((after - now).total_seconds())
        assert reader.mail(now=after - timedelta(seconds=1)) is None
        now = after
    assert pauses == [60, 300, 1800, 7200, 21600]
    assert reader.message().mail_state == MailState.REFUSED


def test_mail_waits_for_the_morning_unless_it_is_urgent(reader: Reader) -> None:
    reader.tell("calm", now=NIGHT)
    reader.tell("urgent", now=NIGHT, urgent=True)
    assert reader.message("calm").mail_after == datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
    assert reader.message("urgent").mail_after == NIGHT
    assert (reader.mail("calm", now=NIGHT), reader.mail("urgent", now=NIGHT)) == (None, MailState.SENT)


@pytest.mark.parametrize(
    ("at", "goes_at"),
    [
        ("21:59", "22 21:59"), ("22:00", "23 08:00"), ("23:59", "23 08:00"), ("00:00", "22 08:00"),
        ("07:59", "22 08:00"), ("08:00", "22 08:00"),
    ],
)  # fmt: skip
def test_the_quiet_hours_cross_midnight(at: str, goes_at: str) -> None:
    now = datetime.combine(date(2026, 11, 22), time.fromisoformat(at), clock.CHINA)
    found = rules.may_go_at(now, quiet_from=time(22), quiet_until=time(8), urgent=False)
    assert f"{found.astimezone(clock.CHINA):%d %H:%M}" == goes_at


def test_without_an_address_a_message_is_in_the_pages_alone(reader: Reader, smtp: MailServer) -> None:
    other = Reader(ids.new_id())
    other.tell()
    assert other.message().mail_state == MailState.NONE
    assert other.mail() is None
    assert smtp.mails == []


def test_what_is_over_is_neither_mailed_nor_in_sight(reader: Reader, smtp: MailServer) -> None:
    reader.tell(urgent=True)
    with reader.rows() as db:
        notify.withdraw(db, reader.party, KIND, "one", now=NOW)
        assert notify.urgent(db, reader.party, lang="zh", now=NOW) == ()
    assert reader.mail() is None


def test_urgent_messages_stay_in_sight_until_somebody_acknowledges_them(reader: Reader) -> None:
    reader.tell("calm")
    reader.tell("urgent", urgent=True)
    with reader.rows() as db:
        shown = notify.urgent(db, reader.party, lang="en", now=NOW)
        assert [one.title for one in shown] == ["A repayment is in doubt"]
        assert notify.acknowledge(db, reader.party, shown[0].id, now=NOW) == 1
        assert notify.urgent(db, reader.party, lang="en", now=NOW) == ()


def test_nobody_reads_the_messages_of_another(reader: Reader) -> None:
    reader.tell()
    other = Reader(ids.new_id())
    with other.rows() as db:
        assert db.execute(text("SELECT count(*) FROM notify_messages")).scalar() == 0


def test_a_secret_of_the_message_is_sealed(reader: Reader) -> None:
    reader.tell()
    with reader.rows() as db:
        raw = db.execute(text("SELECT facts FROM notify_messages")).scalar()
        mail = db.execute(text("SELECT mail FROM notify_addresses")).scalar()
    assert b"6214" not in bytes(raw or b"")
    assert ADDRESS.encode() not in bytes(mail or b"")


def test_many_tellers_at_once_make_one_message(reader: Reader) -> None:
    told: list[bool] = []
    threads = [threading.Thread(target=lambda: told.append(reader.tell("race"))) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(told) == [False, False, False, True]
