"""What channels said, kept as it came with its hash before anybody acts on it, and shown to whoever has to prove it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.channels import limits, store, wire
from anhuan.channels.model import Answer, Instruction, is_silent
from anhuan.channels.tables import MessageRow
from anhuan.kit import ids


@dataclass(frozen=True, slots=True)
class KeptMessage:
    """One message as it was kept before anybody acted on it; `status` 0: it came another way, -1: nothing came."""

    at: datetime
    verb: str
    status: int
    sha256: str


def keep(
    db: Session, user_id: UUID, key: UUID, *, channel: str, verb: str, status: int, content: bytes, now: datetime
) -> UUID:
    """Store one message of the outside world with its hash; returns its number.

    What is booked on a card is looked at again and again: the same list as the last time is not stored once more.
    """
    last = store.last_message(db, user_id, key, verb) if verb == "postings" else None
    if last is not None and last.sha256 == limits.sha256(content):
        return last.id
    number = _add(db, user_id, key, channel=channel, verb=verb, status=status, content=content, now=now)
    db.flush()
    return number


def keep_answers(db: Session, answers: Sequence[tuple[UUID, Instruction, Answer]], *, now: datetime) -> None:
    """Store what one call that showed no bytes of its own said about many, each as (party, instruction, answer)."""
    for user_id, made, answer in answers:
        _add(
            db, user_id, made.key, channel=made.channel, verb="pay", status=-1 if is_silent(answer) else 0,
            content=wire.said(answer), now=now,
        )  # fmt: skip
    db.flush()


def of(db: Session, user_id: UUID, key: UUID, *, at_most: int = 50) -> tuple[KeptMessage, ...]:
    """The messages about an instruction, first to last."""
    rows = store.messages(db, user_id, key, at_most=at_most)
    return tuple(KeptMessage(row.seen_at, row.verb, row.status, row.sha256) for row in rows)


def _add(
    db: Session, user_id: UUID, key: UUID, *, channel: str, verb: str, status: int, content: bytes, now: datetime
) -> UUID:
    number = ids.new_id()
    db.add(
        MessageRow(
            user_id=user_id, id=number, key=key, channel=channel, verb=verb, status=status, content=content,
            sha256=limits.sha256(content), seen_at=now,
        )
    )  # fmt: skip
    return number
