"""Fees of a payment by dated schedules with a free quota per real person and month."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.repayments.model import FeeLine


def lines_for(db: Session, party: UUID, amount: int, channel: str, *, now: datetime) -> tuple[FeeLine, ...]:
    """The fee lines of one payment (fen) by a channel: the channel's own schedule, and the service's."""
    return ()
