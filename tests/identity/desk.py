"""Operators in tests: people with roles at the desk, and transactions on the desk's own login behind its wall."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.identity import Role, rights_of, sessions
from anhuan.identity.change_rules import Status
from anhuan.identity.changes import sign
from anhuan.identity.tables import GrantRow
from anhuan.identity.tables_access import ChangeRow
from anhuan.kit import clock, ids, wall
from anhuan.kit import db as database
from anhuan.kit.actors import Actor, ActorKind, Strength

NOW = datetime(2026, 11, 22, 9, 20, tzinfo=clock.CHINA)
WHY = "第三季度权限复核后的调整"


def a_person(*roles: Role, now: datetime = NOW, name: str | None = None) -> Actor:
    """Somebody entered by the web's login, with roles at the desk given by the worker's, as an actor with a session."""
    with database.transaction() as db:
        person = sessions.add_person(db, now=now, name=name)
        token = sessions.open_session(db, person, strength=Strength.PASSKEY, now=now, device="a test")
    with database.sessions("work").begin() as db:
        for role in roles:
            db.add(GrantRow(person_id=person, id=ids.new_id(), role=role, since=now, given_by=person))
    return admitted(token, now=now)


def me(who: Actor) -> UUID:
    """The person behind an actor."""
    assert who.person_id is not None
    return who.person_id


def admitted(token: str, *, now: datetime = NOW) -> Actor:
    """Who holds this token at the moment."""
    with database.transaction() as db:
        return sessions.admit(db, token, now=now)


def acting(person: UUID, *roles: Role, party: UUID | None = None) -> Actor:
    """An actor with these roles and no session, for acts that need none."""
    return Actor(
        ActorKind.PERSON, person, party or person, frozenset(roles), rights_of(roles), session_id=ids.new_id(),
        strength=Strength.PASSKEY,
    )  # fmt: skip


@contextmanager
def at_desk(who: Actor) -> Iterator[Session]:
    """One transaction of an operator."""
    with database.sessions("desk").begin() as db:
        wall.enter(db, party=who.party_id, person=who.person_id)
        yield db


@contextmanager
def at_home(who: Actor) -> Iterator[Session]:
    """One transaction of a person, or of the organisation acted for, on the web's login."""
    with database.transaction() as db:
        wall.enter(db, party=who.party_id, person=who.person_id)
        yield db


def signed(change: ChangeRow, *signers: Actor, now: datetime = NOW) -> Status:
    """The change after each of these operators has approved what was shown, one transaction each."""
    status = Status.OPEN
    for who in signers:
        with at_desk(who) as db:
            status = sign(db, who, change.id, shown=change.shown_hash, now=now)
    return status
