"""Whom a command acts for, what it may do, and what is written down about it."""

import re
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from tests.people import as_party

from anhuan import cards, identity
from anhuan.identity import Role, commands
from anhuan.identity.commands import NoRule, WhichPerson
from anhuan.identity.model import UnknownPerson
from anhuan.kit import audit, clock, ids
from anhuan.kit.ids import LOCAL_USER
from anhuan.kit.page import NotAllowed
from anhuan.kit.terminal import may


@may("cards.read")
def look() -> UUID:
    """Open a transaction as a command does, and tell for whom."""
    with commands.transaction() as (_, me):
        return me


@may("limits.write")
def change() -> UUID:
    """The same for a command that changes something about a person."""
    with commands.transaction() as (_, me):
        return me


@may("desk.audit")
def pry() -> None:
    """A command of auditors."""
    with commands.transaction():
        pass


@pytest.fixture(autouse=True)
def nobody_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment names no person."""
    monkeypatch.delenv("ANHUAN_PERSON", raising=False)


def test_before_anybody_signed_up_a_command_acts_for_the_first_person(db: Session) -> None:
    assert look() == LOCAL_USER


def test_an_only_person_need_not_be_named(db: Session) -> None:
    only = identity.add_person(db, now=clock.now())
    assert look() == only


def test_among_several_people_one_must_be_named(db: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = (identity.add_person(db, now=clock.now()) for _ in range(2))
    with pytest.raises(WhichPerson):
        look()
    for who in (one, other):
        monkeypatch.setenv("ANHUAN_PERSON", str(who))
        assert look() == who


def test_in_a_demonstration_the_first_person_is_meant(db: Session) -> None:
    db.execute(text("INSERT INTO installation VALUES (true, 'demonstration', now())"))
    for who in (LOCAL_USER, ids.new_id()):
        identity.add_person(db, now=clock.now(), person_id=who)
    assert look() == LOCAL_USER


@pytest.mark.parametrize("given", ["somebody", "01900000-0000-7000-8000-0000000000ff"])
def test_somebody_who_is_not_here_is_refused(db: Session, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("ANHUAN_PERSON", given)
    with pytest.raises(UnknownPerson):
        look()


def test_a_command_without_a_rule_opens_nothing(db: Session) -> None:
    with pytest.raises(NoRule), commands.transaction():
        pass


def test_a_command_may_no_more_than_its_person(db: Session) -> None:
    identity.add_person(db, now=clock.now(), person_id=LOCAL_USER, roles=(Role.HOLDER,))
    with pytest.raises(NotAllowed):
        pry()


def test_a_command_sees_the_rows_of_its_person_alone(db: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = (identity.add_person(db, now=clock.now()) for _ in range(2))
    cards.add_card(db, as_party(db, one), "cmb", "6214", now=clock.now())
    monkeypatch.setenv("ANHUAN_PERSON", str(other))

    @may("cards.read")
    def listed() -> int:
        with commands.transaction() as (session, _):
            return len(cards.accounts(session, one))

    assert listed() == 0
    monkeypatch.setenv("ANHUAN_PERSON", str(one))
    assert listed() == 1


def test_what_a_command_changes_about_people_is_written_down_without_a_name(db: Session) -> None:
    me = identity.add_person(db, now=clock.now())
    look()
    assert audit.page_of(db, act="command.run") == []
    change()
    [record] = audit.page_of(db, act="command.run")
    assert (record.actor["kind"], record.actor["person"]) == ("command", str(me))
    assert record.facts["command_right"] == "limits.write"
    assert re.fullmatch("[0-9a-f]{32}", record.facts["system_user"]), "a hash, not a name"
