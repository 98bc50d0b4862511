"""What a channel said about one instruction, for those above who have to prove it: when, by which verb, its hash."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.channels import store


@dataclass(frozen=True, slots=True)
class KeptMessage:
    """One message as it was kept before anybody acted on it; `status` 0: it came another way, -1: nothing came."""

    at: datetime
    verb: str
    status: int
    sha256: str


def of(db: Session, user_id: UUID, key: UUID, *, at_most: int = 50) -> tuple[KeptMessage, ...]:
    """The messages about an instruction, first to last."""
    rows = store.messages(db, user_id, key, at_most=at_most)
    return tuple(KeptMessage(row.seen_at, row.verb, row.status, row.sha256) for row in rows)
