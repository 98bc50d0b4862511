"""Every question asked about instructions that leave in files: those that wait, and what was kept of each export."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from anhuan.channels.model import State
from anhuan.channels.tables import InstructionRow, MessageRow

OPEN = (State.CREATED, State.ACCEPTED, State.UNKNOWN)


def waiting(db: Session, user_id: UUID, channel: str, *, at_most: int) -> Sequence[InstructionRow]:
    """Instructions of a party that no file has held yet, oldest first, held for this transaction.

    Two exports at once take them one after the other: the second finds them in another state and leaves them.
    """
    filed = exists().where(
        MessageRow.user_id == InstructionRow.user_id, MessageRow.key == InstructionRow.key, MessageRow.verb == "file"
    )
    asked = select(InstructionRow).where(
        InstructionRow.user_id == user_id,
        InstructionRow.channel == channel,
        InstructionRow.state.in_(OPEN),
        InstructionRow.stands,
        InstructionRow.stopped_at.is_(None),
        ~filed,
    )
    asked = asked.order_by(InstructionRow.made_at, InstructionRow.key).limit(at_most)
    return db.scalars(asked.with_for_update().execution_options(populate_existing=True)).all()


def filed(db: Session, user_id: UUID, channel: str, *, at_most: int) -> Sequence[tuple[InstructionRow, MessageRow]]:
    """Instructions of a party with what was kept when they left in a file or were told of in one, newest first."""
    asked = (
        select(InstructionRow, MessageRow)
        .join(MessageRow, (MessageRow.user_id == InstructionRow.user_id) & (MessageRow.key == InstructionRow.key))
        .where(InstructionRow.user_id == user_id, InstructionRow.channel == channel, MessageRow.verb == "file")
        .order_by(MessageRow.seen_at.desc(), MessageRow.id)
        .limit(at_most)
    )
    return [(row[0], row[1]) for row in db.execute(asked).all()]
