"""Getting back into an account whose keys are lost: as strong as signing in, because it takes time and is told.

It begins with a code from paper or a link from the installer, never with a password alone. For a day the one who asks
may look at most; every session of the account is told, and any of them can say no with one tap. Only then are the old
ways in removed, all sessions ended and a new way in made.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.identity import codes, rules, store_signin
from anhuan.identity.model import Ended
from anhuan.identity.tables_signin import NoticeRow, RecoveryRow
from anhuan.kit import actors, audit, ids, wall
from anhuan.kit.actors import Actor, ActorKind, Strength
from anhuan.kit.errors import Refused

TOKEN_BYTES: Final = 32


class Stage(StrEnum):
    """How far a recovery is."""

    WAITING = "waiting"
    READY = "ready"
    GONE = "gone"  # cancelled, used, late, or none of ours: the answer is the same


class How(StrEnum):
    """What a recovery began with."""

    CODE = "code"
    INSTALLER = "installer"


class WrongCode(Refused):
    """恢复码不对: none of ours, or used."""

    code = "recovery.wrong_code"


class RecoveryGone(Refused):
    """找回已失效: cancelled, used or late."""

    code = "recovery.no_such"


class NotYet(Refused):
    """还在等待期: the cooling time is not over."""

    code = "recovery.not_yet"


class OnlyLooking(Refused):
    """找回期间只能查看: a session of a recovery changes nothing."""

    code = "recovery.only_looking"


@dataclass(frozen=True, slots=True)
class Recovery:
    """A recovery as whoever holds its link sees it."""

    stage: Stage
    person_id: UUID | None = None
    id: UUID | None = None
    ready_at: datetime | None = None
    ends_at: datetime | None = None


def begin_by_code(db: Session, code: str, *, now: datetime) -> tuple[UUID, str]:
    """Begin with a code from paper, which is used up; returns whose account it is and the link's token."""
    wall.enter(db, party=None)
    owner = store_signin.owner_of_code(db, codes.hash_of(code)) if codes.looks_like_recovery(code) else None
    if owner is not None:
        wall.enter(db, party=owner, person=owner)
    if owner is None or not codes.use_recovery_code(db, owner, code, now=now):
        wall.enter(db, party=None)
        raise WrongCode("这个恢复码不对或已用过。", field="code")
    who = Actor(ActorKind.PERSON, person_id=owner, party_id=owner, strength=Strength.RECOVERY)
    return owner, begin(db, owner, How.CODE, who, now=now)


def begin(db: Session, person_id: UUID, how: How, who: Actor, *, now: datetime) -> str:
    """Begin for a person, tell the account, and return the token of the link that finishes it; shown once."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    hours, days = rules.house("recovery_hours", on=now.date()), rules.house("recovery_days", on=now.date())
    row = RecoveryRow(
        person_id=person_id, id=ids.new_id(), token_hash=hash_of(token), how=how, began_at=now,
        ready_at=now + timedelta(hours=hours), ends_at=now + timedelta(days=days),
    )  # fmt: skip
    db.add_all([row, _notice(person_id, "recovery_began", row.id, now)])
    db.flush()
    facts = {"recovery": row.id, "how": how.value}
    audit.write(db, who, "recovery.began", f"person:{person_id}", facts, now=now)
    return token


def look(db: Session, token: str, *, now: datetime) -> Recovery:
    """How far the recovery of this link is; whoever holds the link may know."""
    row = store_signin.recovery_by_hash(db, hash_of(token))
    if row is None or row.cancelled_at or row.done_at or now >= row.ends_at:
        return Recovery(Stage.GONE)
    stage = Stage.WAITING if now < row.ready_at else Stage.READY
    return Recovery(stage, row.person_id, row.id, row.ready_at, row.ends_at)


def ready(db: Session, token: str, *, now: datetime) -> UUID:
    """Whose account the link opens now; raises RecoveryGone or NotYet."""
    found = look(db, token, now=now)
    if found.stage is Stage.WAITING:
        raise NotYet("还在等待期,时间到了再打开这个链接。")
    if found.person_id is None:
        raise RecoveryGone("这次找回已取消、已完成或已过期。")
    return found.person_id


def finish(db: Session, token: str, *, now: datetime) -> UUID:
    """Use the link up: old ways in are gone, all sessions over; the wall is open for the person, who adds a new way."""
    found = look(db, token, now=now)
    person_id = ready(db, token, now=now)
    assert found.id is not None
    wall.enter(db, party=person_id, person=person_id)
    if not store_signin.finish_recovery(db, person_id, found.id, now=now):
        wall.enter(db, party=None)
        raise RecoveryGone("这次找回已取消、已完成或已过期。")
    store_signin.forget_ways_in(db, person_id)
    ended = store_signin.end_sessions(db, person_id, Ended.RECOVERED, now=now)
    store_signin.cancel_recoveries(db, person_id, now=now)
    db.add(_notice(person_id, "recovered", found.id, now))
    db.flush()
    who = Actor(ActorKind.PERSON, person_id=person_id, party_id=person_id, strength=Strength.RECOVERY)
    facts = {"recovery": found.id, "sessions_ended": ended}
    audit.write(db, who, "recovery.done", f"person:{person_id}", facts, now=now)
    return person_id


def under_way(db: Session, person_id: UUID, *, now: datetime) -> Recovery | None:
    """The recovery of this person that runs at this moment."""
    row = store_signin.open_recovery(db, person_id, now=now)
    if row is None:
        return None
    stage = Stage.WAITING if now < row.ready_at else Stage.READY
    return Recovery(stage, person_id, row.id, row.ready_at, row.ends_at)


def cancel(db: Session, who: Actor, *, now: datetime) -> bool:
    """Stop it, from any signed-in device of the account; whoever looks by a recovery is out at once."""
    assert who.person_id is not None
    insist_done(who)
    stopped = store_signin.cancel_recoveries(db, who.person_id, now=now)
    store_signin.end_recovery_sessions(db, who.person_id, now=now)
    for one in stopped:
        audit.write(db, who, "recovery.cancelled", f"person:{who.person_id}", {"recovery": one}, now=now)
    return bool(stopped)


def insist_done(who: Actor) -> None:
    """Refuse whoever is here by a recovery that is not done: they look, and change nothing."""
    if who.strength is Strength.RECOVERY:
        raise OnlyLooking("找回账户期间只能查看,不能改动。")


def hash_of(token: str) -> bytes:
    """What is kept of a link's token; 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).digest()


def installer() -> Actor:
    """Whoever holds the machine of this installation, on its command line."""
    return Actor(ActorKind.COMMAND, rights=frozenset({actors.PUBLIC}))


def _notice(person_id: UUID, kind: str, subject_id: UUID, now: datetime) -> NoticeRow:
    return NoticeRow(person_id=person_id, id=ids.new_id(), kind=kind, subject_id=subject_id, made_at=now)
