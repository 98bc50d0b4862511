"""What follows when an order changed: one line for each thing, in the transaction of the change, in this order."""

from datetime import datetime

from sqlalchemy.orm import Session

from anhuan.repayments import failures, mandate_runs, matching, replanning, tellings
from anhuan.repayments.model import OrderStatus, OrderView


def after(db: Session, order: OrderView, before: OrderStatus | None, *, now: datetime) -> None:
    """Tell the payer, weigh what to do about a failure, let mandates and plans know; `before` None: just made."""
    if OrderStatus.ARRIVED in (order.status, before):
        matching.credit(db, order, now=now)
    tellings.after(db, order, before, now=now)
    failures.after(db, order, before, now=now)
    mandate_runs.after(db, order, before, now=now)
    replanning.after(db, order, before, now=now)
