"""Roles at the desk: who holds which, and the two changes that give and take them. Two administrators at least."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.identity import changes, store, store_access
from anhuan.identity.change_rules import Kind
from anhuan.identity.model import PersonState, UnknownPerson
from anhuan.identity.rights import DESK, Role
from anhuan.identity.tables import GrantRow
from anhuan.identity.tables_access import ChangeRow
from anhuan.kit import audit, ids
from anhuan.kit.actors import Actor
from anhuan.kit.errors import Refused

GUARDS: Final = frozenset({Role.RISK, Role.AUDITOR})  # who watches the others; risk has a word in who they are


class BadRole(Refused):
    """角色不能这样授予: not a role of the desk, held already, or not held."""

    code = "role.bad"


class LastAdministrator(Refused):
    """不能移除最后一位管理员: somebody must be left who can give roles."""

    code = "role.last_administrator"


def standing(db: Session, *, now: datetime) -> Sequence[GrantRow]:
    """The roles at the desk that stand now."""
    return store_access.standing_grants(db, now=now)


def propose(
    db: Session, who: Actor, person_id: UUID, role: Role, *, reason: str, now: datetime, ends_at: datetime | None = None
) -> ChangeRow:
    """Ask that a person gets a role at the desk, for good or until a moment; an administrator's role has no end."""
    if role not in DESK:
        raise BadRole("这个角色不是后台角色。", field="role")
    if ends_at is not None and (role is Role.ADMINISTRATOR or ends_at <= now):
        raise BadRole("管理员没有期限；其他角色的期限要在将来。", field="ends_at")
    person = store.person(db, person_id)
    if person is None or person.state != PersonState.ACTIVE:
        raise UnknownPerson("没有这个人，或者账户不能使用。", field="person_id")
    held = store_access.standing_grants(db, now=now)
    if any(one.person_id == person_id and one.role == role for one in held):
        raise BadRole("这个人已经有这个角色。", field="role")
    guarded = role in GUARDS and any(one.role == Role.RISK and one.person_id != who.person_id for one in held)
    asked = {"role": role.value, "ends_at": ends_at.isoformat() if ends_at else ""}
    kind = Kind.ROLE_GRANT_GUARD if guarded else Kind.ROLE_GRANT
    return changes.propose(db, who, kind, subject_id=person_id, asked=asked, reason=reason, now=now)


def propose_end(db: Session, who: Actor, person_id: UUID, role: Role, *, reason: str, now: datetime) -> ChangeRow:
    """Ask that a role at the desk is taken from a person."""
    _held(db, person_id, role, now)
    asked = {"role": role.value}
    return changes.propose(db, who, Kind.ROLE_REVOKE, subject_id=person_id, asked=asked, reason=reason, now=now)


def give(db: Session, who: Actor, change: ChangeRow, now: datetime) -> None:
    """What an approved grant does."""
    role, ends_at = Role(change.asked["role"]), change.asked["ends_at"]
    held = store_access.standing_grants(db, now=now, person_id=change.subject_id)
    if any(one.role == role for one in held):
        raise changes.ChangeStale("这个人已经有这个角色。")
    db.add(
        GrantRow(
            person_id=change.subject_id, id=ids.new_id(), role=role, since=now, given_by=change.proposed_by,
            ends_at=datetime.fromisoformat(ends_at) if ends_at else None, change_id=change.id,
        )
    )  # fmt: skip
    db.flush()
    audit.write(db, who, "role.given", f"person:{change.subject_id}", {"role": role, "change": change.id}, now=now)


def take(db: Session, who: Actor, change: ChangeRow, now: datetime) -> None:
    """What an approved revocation does: the person's next request is without the role. One administrator stays."""
    role = Role(change.asked["role"])
    if role is Role.ADMINISTRATOR:
        another_administrator(db, change.subject_id)
    store_access.end_grant(db, change.subject_id, _held(db, change.subject_id, role, now).id, at=now)
    audit.write(db, who, "role.taken", f"person:{change.subject_id}", {"role": role, "change": change.id}, now=now)


def another_administrator(db: Session, person_id: UUID) -> None:
    """Refuse unless somebody beside this person can act as administrator; holds the rows, so two hands cannot race."""
    held = [one.person_id for one in store_access.lock_administrators(db) if one.person_id != person_id]
    known = store_access.people_by_id(db, held)
    if not any(one.state == PersonState.ACTIVE for one in known.values()):
        raise LastAdministrator("这是最后一位管理员，不能移除或冻结。")


def _held(db: Session, person_id: UUID, role: Role, now: datetime) -> GrantRow:
    for one in store_access.standing_grants(db, now=now, person_id=person_id):
        if one.role == role:
            return one
    raise BadRole("这个人没有这个角色。", field="role")
