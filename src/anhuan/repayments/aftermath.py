"""What follows when orders changed: one line for each thing, in the transaction of the change, in this order."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from anhuan.repayments import failures, mandate_runs, matching, replanning, tellings
from anhuan.repayments.model import OrderStatus, OrderView

Moved = tuple[OrderView, OrderStatus | None]  # an order as it stands, and how it stood before; None: just made


def after(db: Session, moved: Sequence[Moved], *, now: datetime) -> None:
    """Tell the payers, weigh what to do about failures, let mandates and plans know."""
    placed = OrderStatus.PLACED
    tellings.placed(db, [order for order, before in moved if order.status is placed is not before], now=now)
    for order, before in moved:
        if OrderStatus.ARRIVED in (order.status, before):
            matching.credit(db, order, now=now)
        tellings.after(db, order, before, now=now)
        mandate_runs.after(db, order, before, now=now)
        failures.after(db, order, before, now=now)
        replanning.after(db, order, before, now=now)
