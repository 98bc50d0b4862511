"""Whom an import concerns: the room above is told, inside the transaction, that a party's statements turned a page.

The intake knows nothing of payments. Whoever compares them with its lines registers once at start.
"""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

Turned = Callable[[Session, UUID], None]  # party: something was taken in, or taken back


@dataclass(slots=True)
class _Above:
    turned: Turned | None = None


_above = _Above()


def know(*, turned: Turned) -> None:
    """Register who is told; it works inside the caller's transaction."""
    _above.turned = turned


def tell(db: Session, party: UUID) -> None:
    """Let the room above know that lines came or went."""
    if _above.turned is not None:
        _above.turned(db, party)
