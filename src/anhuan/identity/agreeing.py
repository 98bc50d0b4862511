"""Accepting the agreements: all of them by joining, each in the version that stood on the page; later ones one by one.

Joining accepts what nobody can do without (user agreement, privacy policy, risk notice). Consents are not among it:
each is asked for where it is needed, by itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.identity import documents, store_consent
from anhuan.identity.consent_words import Channel, TextChanged
from anhuan.identity.documents import AGREEMENTS, Document
from anhuan.kit import clock, wall
from anhuan.kit.actors import Actor, ActorKind


@dataclass(frozen=True, slots=True)
class Waiting:
    """An agreement that waits for this party, and the version that it accepted before (0: none)."""

    document: Document
    before: int


def to_show(db: Session, on: date) -> tuple[Document, ...]:
    """The agreements in force, as the page of joining links them."""
    return tuple(documents.in_force(db, kind, on) for kind in AGREEMENTS)


def written(shown: Iterable[Document]) -> str:
    """Kinds and versions as the form of joining carries them: `user_agreement:1 privacy_policy:1 ...`."""
    return " ".join(f"{one.kind.value}:{one.version}" for one in shown)


def insist(db: Session, agreed: str, on: date) -> tuple[Document, ...]:
    """What the form carried, if those are the very versions in force; raises TextChanged before anybody has joined."""
    holding = to_show(db, on)
    if agreed != written(holding):
        raise TextChanged("协议刚刚更新，请再看一遍。", field="agreed")
    return holding


def agree(
    db: Session, party: UUID, shown: Iterable[Document], *, actor: Actor, now: datetime, lang: str,
    channel: Channel = Channel.PAGE,
) -> None:  # fmt: skip
    """Record that the party accepts each of these; twice is once."""
    for one in shown:
        documents.accept(db, party, one.kind, one.version, actor=actor, now=now, lang=lang, channel=channel)


def waiting(db: Session, party: UUID, on: date) -> tuple[Waiting, ...]:
    """The agreements in force that wait for this party, with what it accepted before."""
    accepted = store_consent.accepted(db, party)
    return tuple(Waiting(one, accepted.get(one.kind.value, 0)) for one in documents.to_accept(db, party, on))


def invented(db: Session, people: Iterable[tuple[UUID, UUID]], *, now: datetime) -> None:
    """The people of a demonstration (person, party) have accepted for themselves and their organisation."""
    shown = to_show(db, now.astimezone(clock.CHINA).date())
    for person, party in people:
        for one in dict.fromkeys((person, party)):
            wall.enter(db, party=one, person=person)
            actor = Actor(ActorKind.COMMAND, person_id=person, party_id=one, demo=True)
            agree(db, one, shown, actor=actor, now=now, lang="zh", channel=Channel.COMMAND)
