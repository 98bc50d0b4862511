"""People who ask in tests: a true session for a person with roles, as the cookie that their browser would send."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from anhuan.identity import Role, consent, sessions, store
from anhuan.identity.consent_words import Purpose
from anhuan.identity.model import PersonState
from anhuan.identity.tables import GrantRow, MemberRow, OrganisationRow, PersonRow
from anhuan.kit import clock, ids, page, wall
from anhuan.kit import db as database
from anhuan.kit.actors import Actor, ActorKind, Strength

BY_MEMBERSHIP = frozenset({Role.OWNER, Role.MAKER, Role.CHECKER})


def sign_in(
    where: Session | Engine,
    person_id: UUID = ids.LOCAL_USER,
    *,
    roles: Iterable[Role | str] = (Role.HOLDER,),
    now: datetime | None = None,
    strength: Strength = Strength.PASSKEY,
) -> str:
    """The value of a `Cookie` header for this person with exactly these roles, who is entered when nobody knows them.

    On a `Session` (the fixture `db`) a person can only be a holder, as on the web; operators need an `Engine`.
    """
    held = frozenset(Role(role) for role in roles)
    at = now or clock.now()
    if isinstance(where, Session):
        assert held <= {Role.HOLDER}, "the web's own login gives nobody another role: ask for `own_database`"
        return _cookie(_opened(where, person_id, held, at, strength, None))
    with Session(where) as db, db.begin():
        _entered(db, person_id, held & {Role.HOLDER}, at)
    party = _appointed(where, person_id, held - {Role.HOLDER}, at)
    with Session(where) as db, db.begin():
        wall.enter(db, party=party or person_id, person=person_id)
        return _cookie(sessions.open_session(db, person_id, strength=strength, now=at, party_id=party, device="a test"))


def as_party(db: Session, party: UUID) -> UUID:
    """Open the rows of this party, and of no other, to what follows in the transaction; for tests with two people."""
    db.flush()
    db.expire_all()  # what is in memory may belong to the party before
    wall.enter(db, party=party, person=party)
    return party


def browser(where: Session | Engine, person_id: UUID = ids.LOCAL_USER, **how: Any) -> dict[str, str]:
    """The head lines that this person's browser sends with every request to us; `how` as in `sign_in`."""
    return {"cookie": sign_in(where, person_id, **how), "sec-fetch-site": "same-origin"}


def _opened(
    db: Session, person_id: UUID, held: frozenset[Role], at: datetime, strength: Strength, party: UUID | None
) -> str:
    _entered(db, person_id, held, at)
    return sessions.open_session(db, person_id, strength=strength, now=at, party_id=party)


def _entered(db: Session, person_id: UUID, held: frozenset[Role], at: datetime) -> None:
    """The person's row and own roles, made by the web's own login."""
    wall.enter(db, party=person_id, person=person_id)
    if store.person(db, person_id) is None:
        db.add(PersonRow(id=person_id, state=PersonState.ACTIVE, made_at=at))
        db.flush()
    for role in held - frozenset(map(Role, store.roles(db, person_id))):
        db.add(GrantRow(person_id=person_id, id=ids.new_id(), role=role, since=at, given_by=person_id))
    db.flush()
    _agreed(db, person_id, person_id, at)


def _appointed(where: Engine, person_id: UUID, held: frozenset[Role], at: datetime) -> UUID | None:
    """Roles at the desk, by the worker's login, the desk gives none unsigned; or in an organisation, then the party."""
    for role in held - BY_MEMBERSHIP:
        with database.sessions("work").begin() as db:
            db.add(GrantRow(person_id=person_id, id=ids.new_id(), role=role, since=at, given_by=ids.new_id()))
    if not held & BY_MEMBERSHIP:
        return None
    party = ids.new_id()
    with Session(where) as db, db.begin():
        wall.enter(db, party=party, person=person_id)
        db.add(OrganisationRow(id=party, kind="merchant", state="active", made_at=at))
        db.flush()
        for role in held & BY_MEMBERSHIP:
            db.add(
                MemberRow(
                    person_id=person_id, id=ids.new_id(), organisation_id=party, role=role, since=at,
                    given_by=person_id,
                )
            )  # fmt: skip
        _agreed(db, party, person_id, at)
    return party


def _agreed(db: Session, party: UUID, person_id: UUID, at: datetime) -> None:
    """Whoever signs in here has agreed to have bills read: without that nothing is taken in."""
    actor = Actor(ActorKind.PERSON, person_id=person_id, party_id=party)
    consent.give(db, party, Purpose.BILL_READING, actor=actor, now=at)


def _cookie(token: str) -> str:
    return f"{page.SESSION_COOKIE}={token}"
