"""What an operator reads of one instruction after a look with its reason: its state, every message by its hash, proofs.

What the outside world said stays sealed; its hash is enough to compare with what the bank keeps.
"""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.channels import limits, store


@dataclass(frozen=True, slots=True)
class Heard:
    """One message of the outside world: when, in answer to what, with which HTTP status, and its SHA-256 in hex."""

    at: datetime
    verb: str
    http: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Piece:
    """One proof, word or doubt about the arrival."""

    id: UUID
    at: datetime
    kind: str
    posted_on: date | None
    amount: int | None  # fen that it shows
    about: UUID | None


@dataclass(frozen=True, slots=True)
class Trace:
    """One instruction with all that is known of it."""

    key: UUID
    state: str
    why: str
    made_at: datetime
    sent_at: datetime | None
    sends: int
    asked_at: datetime | None
    next_ask_at: datetime | None
    expires_at: datetime
    final_at: datetime | None
    final_code: str
    body_sha256: str
    heard: tuple[Heard, ...]
    pieces: tuple[Piece, ...]


def of(db: Session, party: UUID, key: UUID) -> Trace | None:
    """The trace of an instruction of the party whose rows are open; None where there is none."""
    row = store.instruction(db, party, key)
    if row is None:
        return None
    heard = tuple(Heard(one.seen_at, one.verb, one.status, one.sha256) for one in store.messages(db, party, key))
    pieces = tuple(
        Piece(one.id, one.given_at, one.kind, one.posted_on, one.amount_minor, one.about_id)
        for one in store.evidence(db, party, key)
    )
    return Trace(
        row.key, row.state, row.why or "", row.made_at, row.sent_at, row.sends, row.asked_at, row.next_ask_at,
        row.expires_at, row.final_at, row.final_code or "", limits.sha256(row.body), heard, pieces,
    )  # fmt: skip
