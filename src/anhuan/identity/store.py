"""What room identity asks of the database about people, roles and sessions."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from anhuan.identity.tables import GrantRow, PersonRow, SessionRow

_SESSION = text("SELECT * FROM anhuan_session(:token)")


class Held(NamedTuple):
    """A session as its token finds it, with its person's state and the roles in the party acted for."""

    id: UUID
    person_id: UUID
    party_id: UUID
    strength: str
    seen_at: datetime
    ends_at: datetime
    state: str
    lang: str | None
    roles: Sequence[str] | None
    news: bool
    unread: bool


def held(db: Session, token_hash: bytes) -> Held | None:
    """The standing session of this token, whoever asks."""
    row = db.execute(_SESSION, {"token": token_hash}).one_or_none()
    return Held(*row) if row else None


def seen(db: Session, person_id: UUID, session_id: UUID, *, at: datetime) -> None:
    """Note that the session was used; a wish to note it earlier than another request did changes nothing."""
    mine = (SessionRow.person_id == person_id, SessionRow.id == session_id, SessionRow.seen_at < at)
    db.execute(update(SessionRow).where(*mine).values(seen_at=at), execution_options={"synchronize_session": False})


def renew(db: Session, person_id: UUID, session_id: UUID, token_hash: bytes, *, proved_at: datetime) -> None:
    """Let a session be found by another token from now on."""
    mine = (SessionRow.person_id == person_id, SessionRow.id == session_id, SessionRow.ended_at.is_(None))
    changed = {"token_hash": token_hash, "proved_at": proved_at}
    db.execute(update(SessionRow).where(*mine).values(**changed), execution_options={"synchronize_session": False})


def person(db: Session, person_id: UUID) -> PersonRow | None:
    """One person, as far as the wall is open."""
    return db.get(PersonRow, person_id)


def roles(db: Session, person_id: UUID) -> Sequence[str]:
    """The standing roles of a person by himself."""
    asked = select(GrantRow.role).where(GrantRow.person_id == person_id, GrantRow.until.is_(None))
    return db.scalars(asked.order_by(GrantRow.role)).all()
