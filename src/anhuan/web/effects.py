"""What paying only a part of a bill leads to, worked out by the oracle of room cards."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.cards.model import BoardEntry, Step


@dataclass(frozen=True, slots=True)
class Effect:
    """One way to pay: full, minimum, custom or nothing, with its cost in minor units and the steps of the sum."""

    kind: str
    amount: int
    cost: int
    late: bool
    next_minimum: int
    steps: tuple[Step, ...]


def effects_of(db: Session, user_id: UUID, entry: BoardEntry, today: date, *, custom: int | None) -> tuple[Effect, ...]:
    """The effects of paying in full, the minimum, nothing, and an own amount where one is given."""
    return ()
