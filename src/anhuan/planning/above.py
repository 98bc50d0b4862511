"""What the room above knows of a household: payments on their way, and whether a plan was confirmed.

Planning knows nothing of orders. Whoever drives them registers once at start; without anybody above a plan rests on
bills and balances alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.planning.model import Request


class Standing(StrEnum):
    """What became of the household's plan."""

    NONE = "none"  # nothing is confirmed
    CONFIRMED = "confirmed"  # its payments are arranged
    CHANGED = "changed"  # something happened since, and a change is proposed


Counts = Callable[[Session, UUID, Request], Request]  # the request with what is on its way counted as paid and gone
Stands = Callable[[Session, UUID, Request], Standing]  # by what a plan made now rests on


@dataclass(slots=True)
class _Above:
    counts: Counts | None = None
    stands: Stands | None = None


_above = _Above()


def know(*, counts: Counts, stands: Stands) -> None:
    """Register who knows; both work inside the caller's transaction."""
    _above.counts, _above.stands = counts, stands


def counted(db: Session, user_id: UUID, request: Request) -> Request:
    """The request with payments on their way counted as paid and gone, so that nothing is planned twice."""
    return request if _above.counts is None else _above.counts(db, user_id, request)


def standing(db: Session, user_id: UUID, request: Request) -> Standing:
    """What became of the household's plan, seen from what is known now."""
    return Standing.NONE if _above.stands is None else _above.stands(db, user_id, request)
