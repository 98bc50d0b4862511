"""Sessions: an opaque token in the browser, its hash in the database, ended by its person, by time or at the desk."""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.identity import rules, store, store_signin
from anhuan.identity.model import Ended, PersonState
from anhuan.identity.rights import Role, looks_only, rights_of
from anhuan.identity.tables import GrantRow, PersonRow, SessionRow
from anhuan.kit import actors, audit, ids, wall
from anhuan.kit.actors import Actor, ActorKind, Strength

TOKEN_BYTES: Final = 32
CONSENT: Final = "consent.write"  # an account that is frozen may take consent back, one that is recovered may not
SEEN_EVERY: Final = timedelta(minutes=1)  # so often at most a page writes that its session is in use


@dataclass(frozen=True, slots=True)
class Device:
    """One signed-in browser as its owner sees it."""

    id: UUID
    name: str
    since: datetime
    seen_at: datetime
    strength: Strength
    here: bool


def admit(db: Session, token: str | None, *, now: datetime) -> Actor:
    """Who holds this token: opens the wall for the session's party, or for nobody."""
    found = store.held(db, hash_of(token)) if token else None
    if (
        found is None
        or found.state == PersonState.ERASED
        or not rules.is_alive(seen_at=found.seen_at, ends_at=found.ends_at, now=now)
    ):
        wall.enter(db, party=None)
        return actors.NOBODY
    wall.enter(db, party=found.party_id, person=found.person_id)
    if now - found.seen_at >= SEEN_EVERY:
        store.seen(db, found.person_id, found.id, at=now)
    roles, frozen = frozenset(found.roles or ()), found.state == PersonState.FROZEN
    rights = rights_of(Role(role) for role in roles)
    return Actor(
        kind=ActorKind.PERSON,
        person_id=found.person_id,
        party_id=found.party_id,
        roles=roles,
        rights=_rights(rights, frozen=frozen, strength=found.strength),
        session_id=found.id,
        strength=Strength(found.strength),
        demo=found.strength == Strength.DEMO,
        frozen=frozen,
        lang=found.lang,
        news=found.news,
        unread=found.unread,
    )


def _rights(rights: frozenset[str], *, frozen: bool, strength: str) -> frozenset[str]:
    """Whoever is here by a recovery that is not done looks and changes nothing; nor does a frozen account pay."""
    if strength == Strength.RECOVERY:
        return looks_only(rights) - {CONSENT}
    return looks_only(rights) if frozen else rights


def open_session(
    db: Session,
    person_id: UUID,
    *,
    strength: Strength,
    now: datetime,
    party_id: UUID | None = None,
    device: str | None = None,
    address: str | None = None,
) -> str:
    """Begin a session and return its token, which nobody sees again; the wall must be open for the person."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    hours = rules.house("session_total_hours", on=now.date())
    db.add(
        SessionRow(
            person_id=person_id,
            id=ids.new_id(),
            token_hash=hash_of(token),
            party_id=party_id or person_id,
            strength=strength,
            made_at=now,
            seen_at=now,
            proved_at=now,
            ends_at=now + timedelta(hours=hours),
            device=device,
            address=address,
        )
    )
    db.flush()
    return token


def rotate(db: Session, who: Actor, *, now: datetime) -> str:
    """Give the session a new token after a fresh proof of who acts; the old one is worth nothing from here on."""
    assert who.person_id is not None
    assert who.session_id is not None
    token = secrets.token_urlsafe(TOKEN_BYTES)
    store.renew(db, who.person_id, who.session_id, hash_of(token), proved_at=now)
    return token


def devices(db: Session, who: Actor, *, now: datetime) -> tuple[Device, ...]:
    """Where this person is signed in, last used first; sessions that time ended are left out."""
    assert who.person_id is not None
    return tuple(
        Device(row.id, row.device or "", row.made_at, row.seen_at, Strength(row.strength), row.id == who.session_id)
        for row in store_signin.sessions(db, who.person_id, now=now)
        if rules.is_alive(seen_at=row.seen_at, ends_at=row.ends_at, now=now)
    )


def end(db: Session, who: Actor, *, now: datetime) -> None:
    """Sign out here."""
    assert who.person_id is not None
    assert who.session_id is not None
    store_signin.end_sessions(db, who.person_id, Ended.SIGNED_OUT, now=now, only=who.session_id)
    audit.write(db, who, "session.signed_out", f"person:{who.person_id}", now=now)


def end_one(db: Session, who: Actor, session_id: UUID, *, now: datetime) -> bool:
    """Sign one of the own devices out; False when there is no such session of this person."""
    assert who.person_id is not None
    ended = store_signin.end_sessions(db, who.person_id, Ended.SIGNED_OUT, now=now, only=session_id)
    if ended:
        audit.write(db, who, "session.ended", f"person:{who.person_id}", {"ended_session": session_id}, now=now)
    return bool(ended)


def end_all(db: Session, who: Actor, *, now: datetime) -> int:
    """Sign out everywhere, here too; every browser becomes a strange one again."""
    assert who.person_id is not None
    ended = store_signin.end_sessions(db, who.person_id, Ended.EVERYWHERE, now=now)
    facts = {"sessions_ended": ended}
    audit.write(db, who, "session.ended_everywhere", f"person:{who.person_id}", facts, now=now)
    return ended


def hash_of(token: str) -> bytes:
    """What the database keeps of a token; 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).digest()


def add_person(
    db: Session, *, now: datetime, person_id: UUID | None = None, name: str | None = None, lang: str | None = None,
    roles: Iterable[Role] = (Role.HOLDER,),
) -> UUID:  # fmt: skip
    """Enter a person with roles and open the wall for it; only `holder` can be given by the web's own login."""
    made = person_id or ids.new_id()
    wall.enter(db, party=made, person=made)
    db.add(PersonRow(id=made, name=name, lang=lang, state=PersonState.ACTIVE, made_at=now))
    db.flush()
    for role in roles:
        db.add(GrantRow(person_id=made, id=ids.new_id(), role=role, since=now, given_by=made))
    db.flush()
    return made
