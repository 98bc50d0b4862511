"""What the room above has to say: it is asked before bytes go out, and told whenever something becomes known.

Channels know nothing of orders and mandates. Whoever drives instructions registers once at start; without anybody
above, instructions go out and are followed all the same.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

Key = tuple[UUID, UUID]  # party and instruction
MayGo = Callable[[Session, Sequence[Key], datetime], Mapping[Key, datetime]]  # those that wait, and until when
Told = Callable[[Session, Sequence[Key], datetime], None]  # something about these is known that was not


@dataclass(slots=True)
class _Above:
    may_go: MayGo | None = None
    told: Told | None = None


_above = _Above()


def know(*, may_go: MayGo, told: Told) -> None:
    """Register who is asked and told; both work inside the caller's transaction."""
    _above.may_go, _above.told = may_go, told


def not_before(db: Session, keys: Sequence[Key], now: datetime) -> Mapping[Key, datetime]:
    """Which of these instructions the room above wants to wait, and until when."""
    return {} if _above.may_go is None or not keys else _above.may_go(db, keys, now)


def tell(db: Session, party: UUID, key: UUID, now: datetime) -> None:
    """Let the room above know that something about an instruction changed."""
    tell_many(db, [(party, key)], now)


def tell_many(db: Session, keys: Sequence[Key], now: datetime) -> None:
    """The same for several, all of which this transaction holds."""
    if _above.told is not None and keys:
        _above.told(db, keys, now)
