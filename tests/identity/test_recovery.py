"""Recovery: it takes a day, is told, can be stopped, and is done once."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from anhuan.identity import codes, passkeys, recovery, sessions, signin, store_signin
from anhuan.identity.recovery import Stage
from anhuan.identity.signin import Browser
from anhuan.kit import audit, ids, wall
from anhuan.kit.actors import Actor, Strength

NOW = datetime(2026, 11, 22, 1, 20, tzinfo=UTC)
DAY = timedelta(hours=24)


@pytest.fixture
def paper(db: Session, lin: UUID) -> tuple[str, ...]:
    return codes.make_recovery_codes(db, lin, now=NOW)


@pytest.fixture
def lin(db: Session) -> UUID:
    return sessions.add_person(db, now=NOW, name="林晓")


def at_home(db: Session, lin: UUID) -> Actor:
    wall.enter(db, party=lin, person=lin)
    token = sessions.open_session(db, lin, strength=Strength.PASSKEY, now=NOW)
    return sessions.admit(db, token, now=NOW)


def test_a_code_begins_it_and_is_used_up_whoever_asks(db: Session, lin: UUID, paper: tuple[str, ...]) -> None:
    owner, token = recovery.begin_by_code(db, paper[0], now=NOW)
    assert owner == lin
    assert recovery.look(db, token, now=NOW).stage is Stage.WAITING
    with pytest.raises(recovery.WrongCode):
        recovery.begin_by_code(db, paper[0], now=NOW)


@pytest.mark.parametrize("code", ["", "aaaa-aaaa-aaaa-aaaa", "x" * 5000, "\x00", "123456"])
def test_no_other_code_begins_anything(db: Session, paper: tuple[str, ...], code: str) -> None:
    with pytest.raises(recovery.WrongCode):
        recovery.begin_by_code(db, code, now=NOW)


def test_nothing_is_opened_before_the_day_is_over(db: Session, lin: UUID, paper: tuple[str, ...]) -> None:
    _, token = recovery.begin_by_code(db, paper[0], now=NOW)
    for act in (recovery.ready, recovery.finish):
        with pytest.raises(recovery.NotYet):
            act(db, token, now=NOW + DAY - timedelta(seconds=1))
    assert recovery.look(db, token, now=NOW + DAY).stage is Stage.READY
    assert recovery.look(db, token, now=NOW + timedelta(days=7)).stage is Stage.GONE


def test_who_is_here_by_recovery_looks_and_changes_nothing(db: Session, lin: UUID, paper: tuple[str, ...]) -> None:
    recovery.begin_by_code(db, paper[0], now=NOW)
    done = signin.let_in(db, lin, Strength.RECOVERY, Browser(), now=NOW, how="recovery")
    who = sessions.admit(db, done.token, now=NOW)
    assert "cards.read" in who.rights
    assert not {one for one in who.rights if one.endswith((".write", ".import")) or one.startswith("desk.")}
    for act in (recovery.cancel, signin.insist_fresh):
        with pytest.raises(recovery.OnlyLooking):
            act(db, who, now=NOW)
    with pytest.raises(recovery.OnlyLooking):
        signin.prove_by_passkey(db, who, ids.new_id(), "{}", now=NOW)


def test_every_session_is_told_and_any_may_stop_it(db: Session, lin: UUID, paper: tuple[str, ...]) -> None:
    home = at_home(db, lin)
    assert not home.news
    _, token = recovery.begin_by_code(db, paper[0], now=NOW)
    looking = signin.let_in(db, lin, Strength.RECOVERY, Browser(), now=NOW, how="recovery")
    again = at_home(db, lin)
    assert again.news
    assert recovery.under_way(db, lin, now=NOW)
    assert recovery.cancel(db, again, now=NOW)
    assert recovery.look(db, token, now=NOW + DAY).stage is Stage.GONE
    with pytest.raises(recovery.RecoveryGone):
        recovery.finish(db, token, now=NOW + DAY)
    assert sessions.admit(db, looking.token, now=NOW).person_id is None
    wall.enter(db, party=lin, person=lin)
    acts = [one.act for one in audit.page_of(db, subject=f"person:{lin}")]
    assert {"recovery.began", "recovery.cancelled"} <= set(acts)


def test_when_done_every_session_and_every_old_way_in_is_over_and_the_link_too(
    db: Session, lin: UUID, paper: tuple[str, ...]
) -> None:
    wall.enter(db, party=lin, person=lin)
    token = sessions.open_session(db, lin, strength=Strength.PASSKEY, now=NOW + DAY)
    _, link = recovery.begin_by_code(db, paper[0], now=NOW)
    _, other = recovery.begin_by_code(db, paper[1], now=NOW)
    assert recovery.finish(db, link, now=NOW + DAY) == lin
    assert sessions.admit(db, token, now=NOW + DAY).person_id is None
    wall.enter(db, party=lin, person=lin)
    assert signin.ways_in(db, lin).count == 0
    assert store_signin.codes_left(db, lin) == 0
    assert not passkeys.has_one(db, lin)
    for gone in (link, other):
        with pytest.raises(recovery.RecoveryGone):
            recovery.finish(db, gone, now=NOW + DAY)


def test_a_link_that_nobody_made_says_what_a_used_one_says(db: Session) -> None:
    assert recovery.look(db, "nothing", now=NOW) == recovery.Recovery(Stage.GONE)
    with pytest.raises(recovery.RecoveryGone):
        recovery.ready(db, "nothing", now=NOW)
