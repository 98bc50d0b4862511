"""What one payment would be, worked out before anybody confirms it: amount, parts, channel, fees, moments, effect."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.repayments.model import Quote, RepayAsk


def quote(db: Session, party: UUID, ask: RepayAsk, *, now: datetime, lang: str = "zh") -> Quote:
    """Everything the sheet shows, and in `troubles` what keeps it from being confirmed; raises for unknown ids only."""
    raise NotImplementedError
