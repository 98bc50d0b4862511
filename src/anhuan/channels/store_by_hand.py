"""What the pages of payments by hand ask of the database."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from anhuan.channels.tables import InstructionRow


def by_hand(db: Session, user_id: UUID, channels: Collection[str], *, at_most: int) -> Sequence[InstructionRow]:
    """A party's payments by these channels, the newest first."""
    mine = (InstructionRow.user_id == user_id, InstructionRow.channel.in_(sorted(channels)))
    return db.scalars(
        select(InstructionRow).where(*mine).order_by(InstructionRow.made_at.desc(), InstructionRow.key).limit(at_most)
    ).all()


def one(db: Session, user_id: UUID, key: UUID) -> InstructionRow | None:
    """One payment of a party, or None."""
    mine = (InstructionRow.user_id == user_id, InstructionRow.key == key)
    return db.scalars(select(InstructionRow).where(*mine)).one_or_none()
