"""What the room above has to say: it is asked before bytes go out, and told whenever something becomes known.

Channels know nothing of orders and mandates. Whoever drives instructions registers once at start; without anybody
above, instructions go out and are followed all the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

MayGo = Callable[[Session, UUID, UUID, datetime], datetime | None]  # party, key, now: wait until then, or go
Told = Callable[[Session, UUID, UUID, datetime], None]  # party, key, now: something about it is known that was not


@dataclass(slots=True)
class _Above:
    may_go: MayGo | None = None
    told: Told | None = None


_above = _Above()


def know(*, may_go: MayGo, told: Told) -> None:
    """Register who is asked and told; both work inside the caller's transaction."""
    _above.may_go, _above.told = may_go, told


def not_before(db: Session, party: UUID, key: UUID, now: datetime) -> datetime | None:
    """Until when the room above wants an instruction to wait, or None."""
    return None if _above.may_go is None else _above.may_go(db, party, key, now)


def tell(db: Session, party: UUID, key: UUID, now: datetime) -> None:
    """Let the room above know that something about an instruction changed."""
    if _above.told is not None:
        _above.told(db, party, key, now)
