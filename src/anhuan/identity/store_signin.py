"""What sign-in asks of the database. Rows found by a secret are opened by presenting its hash to the wall first."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session

from anhuan.identity.tables import PersonRow, SessionRow
from anhuan.identity.tables_signin import (
    ChallengeRow,
    DeviceRow,
    InvitationRow,
    NoticeRow,
    PasskeyRow,
    PasswordRow,
    RecoveryCodeRow,
    RecoveryRow,
    TotpRow,
)
from anhuan.kit import wall

_JOIN = text("SELECT anhuan_join(:token, :who, :at)")
_MODE = text("SELECT mode FROM installation")
_MARK = text("INSERT INTO installation (mode, made_at) VALUES (:mode, :at) ON CONFLICT DO NOTHING")
_QUIETLY: Mapping[str, Any] = {"synchronize_session": False}

# Questions to a passkey


def spend(db: Session, challenge_id: UUID, purpose: str, *, now: datetime) -> ChallengeRow | None:
    """Take a standing challenge, once: of two requests with the same one only the first gets it."""
    mine = (
        ChallengeRow.id == challenge_id,
        ChallengeRow.purpose == purpose,
        ChallengeRow.used_at.is_(None),
        ChallengeRow.ends_at > now,
    )
    return db.scalars(
        update(ChallengeRow).where(*mine).values(used_at=now).returning(ChallengeRow), execution_options=_QUIETLY
    ).one_or_none()


def sweep(db: Session, *, before: datetime) -> int:
    """Forget questions that ended before this moment; the worker's role sees those of everybody."""
    done = db.execute(delete(ChallengeRow).where(ChallengeRow.ends_at < before).returning(ChallengeRow.id))
    return len(done.all())


# Passkeys


def passkeys(db: Session, person_id: UUID) -> Sequence[PasskeyRow]:
    """All passkeys of a person, oldest first."""
    return db.scalars(select(PasskeyRow).where(PasskeyRow.person_id == person_id).order_by(PasskeyRow.id)).all()


def passkey(db: Session, person_id: UUID, key_id: UUID) -> PasskeyRow | None:
    """One passkey of a person."""
    return db.get(PasskeyRow, (person_id, key_id))


def passkey_by_hash(db: Session, credential_hash: bytes) -> PasskeyRow | None:
    """The passkey with this id, whoever's it is."""
    wall.present(db, "credential", credential_hash)
    return db.scalars(select(PasskeyRow).where(PasskeyRow.credential_hash == credential_hash)).one_or_none()


def count_passkeys(db: Session, person_id: UUID) -> int:
    """How many passkeys a person has."""
    return db.scalar(select(func.count()).where(PasskeyRow.person_id == person_id)) or 0


# Names, passwords, codes


def person_by_handle(db: Session, handle_hash: bytes) -> PersonRow | None:
    """The person who signs in by this name."""
    wall.present(db, "handle", handle_hash)
    return db.scalars(select(PersonRow).where(PersonRow.handle_hash == handle_hash)).one_or_none()


def password(db: Session, person_id: UUID) -> PasswordRow | None:
    """A person's password row."""
    return db.get(PasswordRow, person_id)


def totp(db: Session, person_id: UUID) -> TotpRow | None:
    """A person's one-time codes."""
    return db.get(TotpRow, person_id, populate_existing=True)


def use_step(db: Session, person_id: UUID, step: int) -> bool:
    """Note the time step of a code; False when this or a later one was used before."""
    unused = (TotpRow.person_id == person_id, TotpRow.last_step < step)
    done = db.execute(
        update(TotpRow).where(*unused).values(last_step=step).returning(TotpRow.person_id), execution_options=_QUIETLY
    )
    return done.one_or_none() is not None


def replace_codes(db: Session, person_id: UUID, rows: Sequence[RecoveryCodeRow]) -> None:
    """Put these recovery codes in the place of the old ones."""
    db.execute(delete(RecoveryCodeRow).where(RecoveryCodeRow.person_id == person_id), execution_options=_QUIETLY)
    db.add_all(rows)
    db.flush()


def use_code(db: Session, person_id: UUID, code_hash: bytes, *, now: datetime) -> bool:
    """Strike out a recovery code of this person; False when it is not one, or was used."""
    unused = (
        RecoveryCodeRow.person_id == person_id,
        RecoveryCodeRow.code_hash == code_hash,
        RecoveryCodeRow.used_at.is_(None),
    )
    done = db.execute(
        update(RecoveryCodeRow).where(*unused).values(used_at=now).returning(RecoveryCodeRow.id),
        execution_options=_QUIETLY,
    )
    return done.one_or_none() is not None


def owner_of_code(db: Session, code_hash: bytes) -> UUID | None:
    """Whose unused recovery code this is."""
    wall.present(db, "recovery_code", code_hash)
    unused = (RecoveryCodeRow.code_hash == code_hash, RecoveryCodeRow.used_at.is_(None))
    return db.scalars(select(RecoveryCodeRow.person_id).where(*unused)).one_or_none()


def codes_left(db: Session, person_id: UUID) -> int:
    """How many recovery codes are still good."""
    mine = (RecoveryCodeRow.person_id == person_id, RecoveryCodeRow.used_at.is_(None))
    return db.scalar(select(func.count()).where(*mine)) or 0


def forget_ways_in(db: Session, person_id: UUID) -> None:
    """Remove every passkey, the password, the codes and the known devices: the account was recovered."""
    for table in (PasskeyRow, PasswordRow, TotpRow, RecoveryCodeRow, DeviceRow):
        db.execute(delete(table).where(table.person_id == person_id), execution_options=_QUIETLY)


def forget_password(db: Session, person_id: UUID) -> None:
    """Remove the password and its one-time codes."""
    for table in (PasswordRow, TotpRow):
        db.execute(delete(table).where(table.person_id == person_id), execution_options=_QUIETLY)


# Sessions and devices


def sessions(db: Session, person_id: UUID, *, now: datetime, at_most: int = 50) -> Sequence[SessionRow]:
    """The standing sessions of a person, last used first."""
    standing = (SessionRow.person_id == person_id, SessionRow.ended_at.is_(None), SessionRow.ends_at > now)
    return db.scalars(select(SessionRow).where(*standing).order_by(SessionRow.seen_at.desc()).limit(at_most)).all()


def proved_at(db: Session, person_id: UUID, session_id: UUID) -> datetime | None:
    """When the person of this session last proved who they are."""
    mine = (SessionRow.person_id == person_id, SessionRow.id == session_id)
    return db.scalars(select(SessionRow.proved_at).where(*mine)).one_or_none()


def end_sessions(
    db: Session, person_id: UUID, why: str, *, now: datetime, only: UUID | None = None, but: UUID | None = None
) -> int:
    """End the standing sessions of a person, or only one, or all but one; how many ended."""
    which = [SessionRow.person_id == person_id, SessionRow.ended_at.is_(None)]
    if only is not None:
        which.append(SessionRow.id == only)
    if but is not None:
        which.append(SessionRow.id != but)
    done = db.execute(
        update(SessionRow).where(*which).values(ended_at=now, ended_why=why).returning(SessionRow.id),
        execution_options=_QUIETLY,
    )
    return len(done.all())


def end_recovery_sessions(db: Session, person_id: UUID, *, now: datetime) -> None:
    """End the sessions that a recovery opened."""
    which = (SessionRow.person_id == person_id, SessionRow.ended_at.is_(None), SessionRow.strength == "recovery")
    db.execute(update(SessionRow).where(*which).values(ended_at=now, ended_why="recovered"), execution_options=_QUIETLY)


def device(db: Session, token_hash: bytes, person_id: UUID) -> DeviceRow | None:
    """This browser as one that the person knows."""
    wall.present(db, "device", token_hash)
    mine = (DeviceRow.token_hash == token_hash, DeviceRow.person_id == person_id)
    return db.scalars(select(DeviceRow).where(*mine)).one_or_none()


# Recoveries, invitations, notices, and what kind of house this is


def recovery_by_hash(db: Session, token_hash: bytes) -> RecoveryRow | None:
    """The recovery with this token, whoever's it is."""
    wall.present(db, "recovery", token_hash)
    return db.scalars(select(RecoveryRow).where(RecoveryRow.token_hash == token_hash)).one_or_none()


def open_recovery(db: Session, person_id: UUID, *, now: datetime) -> RecoveryRow | None:
    """The recovery of this person that is under way."""
    going = (
        RecoveryRow.person_id == person_id,
        RecoveryRow.cancelled_at.is_(None),
        RecoveryRow.done_at.is_(None),
        RecoveryRow.ends_at > now,
    )
    return db.scalars(select(RecoveryRow).where(*going).order_by(RecoveryRow.began_at.desc()).limit(1)).one_or_none()


def cancel_recoveries(db: Session, person_id: UUID, *, now: datetime) -> Sequence[UUID]:
    """Stop every recovery of this person that is under way."""
    going = (RecoveryRow.person_id == person_id, RecoveryRow.cancelled_at.is_(None), RecoveryRow.done_at.is_(None))
    done = update(RecoveryRow).where(*going).values(cancelled_at=now).returning(RecoveryRow.id)
    return db.scalars(done, execution_options=_QUIETLY).all()


def finish_recovery(db: Session, person_id: UUID, recovery_id: UUID, *, now: datetime) -> bool:
    """Use a recovery up, once; False when it was used or cancelled."""
    going = (
        RecoveryRow.person_id == person_id,
        RecoveryRow.id == recovery_id,
        RecoveryRow.cancelled_at.is_(None),
        RecoveryRow.done_at.is_(None),
        RecoveryRow.ready_at <= now,
        RecoveryRow.ends_at > now,
    )
    done = db.execute(
        update(RecoveryRow).where(*going).values(done_at=now).returning(RecoveryRow.id), execution_options=_QUIETLY
    )
    return done.one_or_none() is not None


def invitation(db: Session, token_hash: bytes, *, now: datetime) -> InvitationRow | None:
    """The standing invitation of this token."""
    wall.present(db, "invitation", token_hash)
    standing = (InvitationRow.token_hash == token_hash, InvitationRow.used_at.is_(None), InvitationRow.ends_at > now)
    return db.scalars(select(InvitationRow).where(*standing)).one_or_none()


def join(db: Session, token_hash: bytes, person_id: UUID, *, now: datetime) -> Sequence[str] | None:
    """Use an invitation for this person, once, and give the roles it carries; None when it does not hold."""
    given: Sequence[str] | None = db.scalar(_JOIN, {"token": token_hash, "who": person_id, "at": now})
    return given


def end_welcomes(db: Session, person_id: UUID, *, now: datetime) -> None:
    """End older links that carry this person's id, so that the newest alone holds."""
    older = (InvitationRow.person_id == person_id, InvitationRow.used_at.is_(None))
    db.execute(update(InvitationRow).where(*older).values(used_at=now), execution_options=_QUIETLY)


def notices(db: Session, person_id: UUID, *, at_most: int = 5) -> Sequence[NoticeRow]:
    """What this person has not read yet, newest first."""
    unread = (NoticeRow.person_id == person_id, NoticeRow.read_at.is_(None))
    return db.scalars(select(NoticeRow).where(*unread).order_by(NoticeRow.made_at.desc()).limit(at_most)).all()


def read_notices(db: Session, person_id: UUID, *, now: datetime) -> None:
    """Note that the person saw what there was to tell."""
    unread = (NoticeRow.person_id == person_id, NoticeRow.read_at.is_(None))
    db.execute(update(NoticeRow).where(*unread).values(read_at=now), execution_options=_QUIETLY)


def mode(db: Session) -> str | None:
    """`real` or `demonstration`; None while nobody has said. What was said once never changes, so it is asked once."""
    said: str | None = db.info.get("mode") or db.scalar(_MODE)
    db.info["mode"] = said
    return said


def mark(db: Session, kind: str, *, now: datetime) -> None:
    """Say what kind of installation this is, unless that was said before."""
    db.execute(_MARK, {"mode": kind, "at": now})


def people(db: Session, *, at_most: int = 1000) -> Sequence[PersonRow]:
    """Everybody, oldest first, for a role that sees everybody."""
    return db.scalars(select(PersonRow).order_by(PersonRow.made_at, PersonRow.id).limit(at_most)).all()
