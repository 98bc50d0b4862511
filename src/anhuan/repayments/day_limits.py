"""Limits of one payment and of one day: the law's and the channel's, the tier's, and the payer's own."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.identity import limits


def insist(
    db: Session, party: UUID, amount: int, *, per_payment: int, account_id: UUID, now: datetime
) -> None:  # fmt: skip
    """Refuse what goes beyond a limit: `amount` fen today beside what stands of today, the largest part `per_payment`."""
    held = limits.at(db, party, now=now)
    if held.pause is None:
        held.insist(per_payment, account_id=account_id, paid_today=amount - per_payment)
