"""A program at the door: its key becomes an actor, or nobody; wrong secrets are written down."""

from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session, sessionmaker

from anhuan.identity import clients, purposes, store_keys
from anhuan.identity.consent_words import Purpose
from anhuan.identity.rights import Role, rights_of
from anhuan.identity.store_keys import FoundKey
from anhuan.kit import actors, audit, page, rates, wall
from anhuan.kit.actors import PUBLIC, Actor, ActorKind
from anhuan.kit.errors import Refused
from anhuan.kit.rates import Limit

USED_EVERY: Final = timedelta(minutes=1)  # so often at most a request writes that its key is in use


def admit(db: Session, bearer: str, *, now: datetime, sessions: sessionmaker[Session], note: bool = True) -> Actor:
    """Who holds this key: opens the wall for its owner, or for nobody. Raises TooMany beyond the client's quota."""
    shape = clients.SHAPE.fullmatch(bearer)
    found = None
    if shape is not None:
        key_id = UUID(shape[1])
        found = store_keys.key(db, key_id, clients.hash_of(shape[2]), at=now)
    if shape is None or found is None or not (found.right_secret and found.alive and clients.usable(found.state)):
        wall.enter(db, party=None)
        if found is not None:
            _refused(found, now=now, sessions=sessions)
        return actors.NOBODY
    limit = rates.limit("client.requests", on=_day(now))
    if found.quota_per_minute is not None:
        limit = Limit(f"client.quota_{found.quota_per_minute}", found.quota_per_minute, 60)
    rates.take(f"client:{found.client_id}", limit, now=now, sessions=sessions)
    wall.enter(db, party=found.organisation_id or found.person_id, person=found.person_id)
    if note and (found.used_at is None or now - found.used_at >= USED_EVERY):
        store_keys.note_use(db, key_id, at=now, personal=found.person_id is not None)
    return _actor(found)


def open_shared(db: Session, who: Actor, party: UUID, *, now: datetime) -> None:
    """Open one person's rows to a partner's request, if that person agreed to share with this very client.

    Every other answer is the same as for a person who does not exist. The look is written before anything is read.
    """
    assert who.client_id is not None
    try:
        purposes.open_for(db, party, Purpose.SHARING, actor=who, now=now, partner=str(who.client_id))
    except Refused:
        raise page.NotFound("没有这个人，或者没有授权。") from None


def _actor(found: FoundKey) -> Actor:
    roles = frozenset(found.roles or ())
    most = rights_of(Role(role) for role in roles)
    if found.person_id is not None:
        most &= frozenset(clients.PERSONAL)
    return Actor(
        kind=ActorKind.CLIENT,
        person_id=found.person_id,
        party_id=found.organisation_id or found.person_id,
        roles=roles if found.person_id is None else frozenset({Role.HOLDER.value}),
        rights=(most & frozenset(found.scopes)) | {PUBLIC},
        client_id=found.client_id,
    )


def _refused(found: FoundKey, *, now: datetime, sessions: sessionmaker[Session]) -> None:
    """Write the refusal in a transaction of its own: the one of the request will be rolled back."""
    why = "ended" if found.right_secret else "secret"
    with sessions.begin() as db:
        owner = f"person:{found.person_id}" if found.person_id else f"client:{found.client_id}"
        nobody = Actor(ActorKind.CLIENT, client_id=found.client_id, rights=frozenset({PUBLIC}))
        audit.write(db, nobody, "client.refused", owner, {"why": why}, now=now)


def _day(now: datetime) -> date:
    return now.date()
