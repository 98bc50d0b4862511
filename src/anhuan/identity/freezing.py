"""Freezing a person's account: who is frozen signs in and looks, but nothing moves, and is told why and how to object.

反电信网络诈骗法, article 32: whoever is restricted is told the reason and the ways to object. What may not be told
(a suspicion under the law against money laundering) is no reason for a freeze here and has no place in this text.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.identity import changes, grants, store, store_access
from anhuan.identity.change_rules import Kind
from anhuan.identity.model import PersonState, UnknownPerson
from anhuan.identity.rights import Role
from anhuan.identity.tables_access import ChangeRow, FreezeRow
from anhuan.kit import audit, ids
from anhuan.kit.actors import Actor


@dataclass(frozen=True, slots=True)
class Told:
    """What a frozen person reads: since when and why."""

    since: datetime
    reason: str


def propose(db: Session, who: Actor, person_id: UUID, *, told: str, reason: str, now: datetime) -> ChangeRow:
    """Ask that an account is frozen; `told` is what the person will read, `reason` stays at the desk."""
    _in_state(db, person_id, PersonState.ACTIVE)
    asked = {"told": changes.reason_of(told, now=now)}
    return changes.propose(db, who, Kind.FREEZE, subject_id=person_id, asked=asked, reason=reason, now=now)


def propose_end(db: Session, who: Actor, person_id: UUID, *, reason: str, now: datetime) -> ChangeRow:
    """Ask that a frozen account moves again."""
    _in_state(db, person_id, PersonState.FROZEN)
    return changes.propose(db, who, Kind.UNFREEZE, subject_id=person_id, asked={}, reason=reason, now=now)


def freeze(db: Session, who: Actor, change: ChangeRow, now: datetime) -> None:
    """What an approved freeze does; the last administrator cannot be frozen."""
    _in_state(db, change.subject_id, PersonState.ACTIVE)
    roles = {one.role for one in store_access.standing_grants(db, now=now, person_id=change.subject_id)}
    if Role.ADMINISTRATOR in roles:
        grants.another_administrator(db, change.subject_id)
    db.add(
        FreezeRow(
            person_id=change.subject_id, id=ids.new_id(), told=change.asked["told"], since=now, change_id=change.id
        )
    )
    db.flush()
    store_access.set_state(db, change.subject_id, PersonState.FROZEN)
    audit.write(db, who, "person.frozen", f"person:{change.subject_id}", {"change": change.id}, now=now)


def unfreeze(db: Session, who: Actor, change: ChangeRow, now: datetime) -> None:
    """What an approved thaw does."""
    _in_state(db, change.subject_id, PersonState.FROZEN)
    standing = store_access.freeze(db, change.subject_id)
    if standing is None:
        raise changes.ChangeStale("账户没有处于冻结状态。")
    store_access.end_freeze(db, standing, at=now, change_id=change.id)
    store_access.set_state(db, change.subject_id, PersonState.ACTIVE)
    audit.write(db, who, "person.unfrozen", f"person:{change.subject_id}", {"change": change.id}, now=now)


def told(db: Session, person_id: UUID) -> Told | None:
    """What the person is told about the freeze that stands, or None."""
    standing = store_access.freeze(db, person_id)
    return None if standing is None else Told(standing.since, standing.told)


def frozen(db: Session, persons: Collection[UUID]) -> set[UUID]:
    """Those of these people whose account is frozen."""
    return store_access.frozen(db, persons)


def _in_state(db: Session, person_id: UUID, state: PersonState) -> None:
    db.expire_all()  # the state may have been changed by a statement of its own
    person = store.person(db, person_id)
    if person is None or person.state == PersonState.ERASED:
        raise UnknownPerson("没有这个人。", field="person_id")
    if person.state != state:
        raise changes.ChangeStale("账户的状态已经变了，没有再做改动。")
