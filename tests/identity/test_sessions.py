"""Sessions: how they end, who sees them, and what a token is worth."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from anhuan.identity import devices, rules, sessions
from anhuan.kit import ids, wall
from anhuan.kit.actors import Actor, Strength

NOW = datetime(2026, 11, 22, 1, 20, tzinfo=UTC)
IDLE = timedelta(minutes=rules.house("session_idle_minutes", on=NOW.date()))
TOTAL = timedelta(hours=rules.house("session_total_hours", on=NOW.date()))


@pytest.fixture
def lin(db: Session) -> UUID:
    return sessions.add_person(db, now=NOW, name="林晓")


def opened(db: Session, person: UUID, *, at: datetime = NOW, device: str = "Chrome · Mac") -> str:
    wall.enter(db, party=person, person=person)
    return sessions.open_session(db, person, strength=Strength.PASSKEY, now=at, device=device, address="192.0.2.1")


def who(db: Session, token: str | None, *, at: datetime = NOW) -> Actor:
    return sessions.admit(db, token, now=at)


@pytest.mark.parametrize("token", [None, "", "x", "a" * 43, "\x00", "' OR true --", "林" * 20])
def test_a_token_that_nobody_gave_opens_nothing(db: Session, lin: UUID, token: str | None) -> None:
    opened(db, lin)
    assert who(db, token).person_id is None
    assert db.scalar(text("SELECT count(*) FROM sessions")) == 0


def test_a_session_ends_when_it_is_idle_and_when_its_day_is_over(db: Session, lin: UUID) -> None:
    token = opened(db, lin)
    assert who(db, token, at=NOW + IDLE - timedelta(seconds=1)).person_id == lin
    at = NOW + IDLE - timedelta(seconds=1)
    while at < NOW + TOTAL - IDLE:
        at += IDLE - timedelta(minutes=1)
        assert who(db, token, at=at).person_id == lin  # kept alive by use
    assert who(db, token, at=NOW + TOTAL).person_id is None
    assert who(db, opened(db, lin), at=NOW + IDLE).person_id is None


def test_the_database_knows_no_token_and_no_name_of_a_device(db: Session, lin: UUID) -> None:
    token = opened(db, lin)
    wall.enter(db, party=lin, person=lin)
    rows = db.execute(text("SELECT token_hash, device, address FROM sessions")).all()
    kept = b"".join(bytes(part) for row in rows for part in row)
    assert token.encode() not in kept
    assert b"Chrome" not in kept
    assert b"192.0.2.1" not in kept


def test_devices_are_listed_with_this_one_marked_and_one_can_be_ended(db: Session, lin: UUID) -> None:
    here = who(db, opened(db, lin))
    there_token = opened(db, lin, at=NOW + timedelta(seconds=1), device="Safari · iPhone")
    found = sessions.devices(db, here, now=NOW + timedelta(seconds=2))
    assert [(one.name, one.here) for one in found] == [("Safari · iPhone", False), ("Chrome · Mac", True)]
    assert sessions.end_one(db, here, found[0].id, now=NOW)
    assert who(db, there_token).person_id is None
    wall.enter(db, party=lin, person=lin)
    assert len(sessions.devices(db, here, now=NOW)) == 1
    assert not sessions.end_one(db, here, found[0].id, now=NOW)


def test_nobody_ends_the_session_of_another(db: Session, lin: UUID) -> None:
    mine = who(db, opened(db, lin))
    thief = who(db, opened(db, sessions.add_person(db, now=NOW)))
    assert mine.session_id is not None
    assert not sessions.end_one(db, thief, mine.session_id, now=NOW)
    assert not sessions.end_one(db, thief, ids.new_id(), now=NOW)


def test_signing_out_everywhere_ends_this_session_too(db: Session, lin: UUID) -> None:
    tokens = [opened(db, lin) for _ in range(3)]
    assert sessions.end_all(db, who(db, tokens[0]), now=NOW) == 3
    assert [who(db, token).person_id for token in tokens] == [None] * 3


def test_signing_out_ends_one(db: Session, lin: UUID) -> None:
    first, second = opened(db, lin), opened(db, lin)
    sessions.end(db, who(db, first), now=NOW)
    assert who(db, first).person_id is None
    assert who(db, second).person_id == lin


def test_a_fresh_proof_changes_the_token(db: Session, lin: UUID) -> None:
    old = opened(db, lin)
    new = sessions.rotate(db, who(db, old), now=NOW)
    assert who(db, old).person_id is None
    assert who(db, new).person_id == lin


@pytest.mark.parametrize(("said", "name"), [
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36",
     "Chrome · Windows"),
    ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/130.0 Safari/537.36 Edg/130.0", "Edge · Windows"),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Version/18.0 Mobile Safari/604.1",
     "Safari · iPhone"),
    ("Mozilla/5.0 (Linux; Android 15; M) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36 MicroMessenger/8.0.50",
     "微信 · Android"),
    ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14.1; rv:131.0) Gecko/20100101 Firefox/131.0", "Firefox · Mac"),
    ("curl/8.5.0", "未知设备"), ("", "未知设备"), ("x" * 10_000 + "Chrome/1 Windows", "未知设备"),
])  # fmt: skip
def test_a_browser_is_called_what_its_owner_calls_it(said: str, name: str) -> None:
    assert devices.name_of(said) == name
