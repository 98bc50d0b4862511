"""What the keys of programs ask of the database."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from anhuan.identity.tables_access import ClientKeyRow, ClientRow, PersonalKeyRow

_KEY = text("SELECT * FROM anhuan_key(:key, :secret, :at)")
QUIETLY = {"synchronize_session": False}


class FoundKey(NamedTuple):
    """A key as its number finds it: whether the secret fits, whose it is, what it may."""

    right_secret: bool
    client_id: UUID
    organisation_id: UUID | None
    person_id: UUID | None
    scopes: Sequence[str]
    quota_per_minute: int | None
    state: str
    alive: bool
    used_at: datetime | None
    roles: Sequence[str] | None


def key(db: Session, key_id: UUID, secret_hash: bytes, *, at: datetime) -> FoundKey | None:
    """The key with this number, whoever asks."""
    row = db.execute(_KEY, {"key": key_id, "secret": secret_hash, "at": at}).one_or_none()
    return FoundKey(*row) if row else None


def note_use(db: Session, key_id: UUID, *, at: datetime, personal: bool) -> None:
    """Note when a key was last used; the wall must be open for its owner."""
    row = PersonalKeyRow if personal else ClientKeyRow
    db.execute(update(row).where(row.id == key_id).values(used_at=at), execution_options=QUIETLY)


def client(db: Session, client_id: UUID, *, lock: bool = False) -> ClientRow | None:
    """One client, as far as the wall is open."""
    return db.get(ClientRow, client_id, with_for_update=True if lock else None, populate_existing=lock)


def clients(db: Session, *, at_most: int = 200) -> Sequence[ClientRow]:
    """All clients, the newest first."""
    return db.scalars(select(ClientRow).order_by(ClientRow.made_at.desc(), ClientRow.id).limit(at_most)).all()


def keys_of(db: Session, client_id: UUID) -> Sequence[ClientKeyRow]:
    """The keys of a client, the newest first."""
    asked = select(ClientKeyRow).where(ClientKeyRow.client_id == client_id)
    return db.scalars(asked.order_by(ClientKeyRow.made_at.desc(), ClientKeyRow.id.desc()).limit(50)).all()


def client_key(db: Session, key_id: UUID, *, lock: bool = False) -> ClientKeyRow | None:
    """One key of a client."""
    return db.get(ClientKeyRow, key_id, with_for_update=True if lock else None, populate_existing=lock)


def set_client(db: Session, client_id: UUID, *, scopes: Sequence[str], quota: int, change_id: UUID) -> None:
    """What a client may from now on."""
    changed = {"scopes": list(scopes), "quota_per_minute": quota, "change_id": change_id}
    db.execute(update(ClientRow).where(ClientRow.id == client_id).values(**changed), execution_options=QUIETLY)


def personal_keys(db: Session, person_id: UUID) -> Sequence[PersonalKeyRow]:
    """A person's keys that were not ended, the newest first."""
    mine = (PersonalKeyRow.person_id == person_id, PersonalKeyRow.ended_at.is_(None))
    return db.scalars(select(PersonalKeyRow).where(*mine).order_by(PersonalKeyRow.made_at.desc()).limit(50)).all()


def count_personal(db: Session, person_id: UUID, *, now: datetime) -> int:
    """How many of a person's keys work."""
    mine = (PersonalKeyRow.person_id == person_id, PersonalKeyRow.ended_at.is_(None), PersonalKeyRow.ends_at > now)
    return db.scalar(select(func.count()).select_from(PersonalKeyRow).where(*mine)) or 0
