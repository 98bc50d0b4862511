"""The background jobs of repayments: scheduled orders begin on their day, and what was lost is looked at again.

An order with an instruction needs no job of its own: room channels follows the instruction and tells. The round here is
for days that come, for waits that end, and for whatever was missed.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from anhuan.identity import purposes
from anhuan.identity.consent_words import Duty
from anhuan.kit import clock, jobs, wall
from anhuan.kit.errors import Refused
from anhuan.repayments import following, service, store
from anhuan.repayments.model import OrderStatus

LOOK: Final = "repayments.look"
AT_ONCE: Final = 500  # orders of one round; the next takes the rest
LEASE: Final = timedelta(minutes=10)  # before the round promises the same order once more

log = structlog.get_logger(__name__)


@jobs.task(LOOK)
def look(party: str, order: str) -> None:
    """Bring one order one step nearer its end; safe to run twice, at any moment, on any worker."""
    owner, number, now = UUID(party), UUID(order), clock.now()
    with jobs.transaction() as db:
        purposes.open_for(db, owner, Duty.OWN_REQUEST, actor=service.WORKER, now=now)
        try:
            step(db, owner, number, now=now)
        except Refused as refused:
            log.warning("an order stays as it is", order=order, code=refused.code)


def step(db: Session, party: UUID, order_id: UUID, *, now: datetime) -> None:
    """Start what is due, follow what has gone out."""
    row = store.order(db, party, order_id)
    if row is None:
        return
    if row.status == OrderStatus.SCHEDULED:
        service.start(db, party, order_id, now=now)
    elif row.key is not None:
        following.record(db, party, row.key, now=now)


@jobs.task("repayments.due", cron="* * * * *")
def due() -> None:
    """Promise a look at every order that is due for one, nearest last safe moment first."""
    now = clock.now()
    with jobs.transaction() as db:
        wall.everybody(db)
        for party, order in store.due(db, now, until=now + LEASE, at_most=AT_ONCE):
            jobs.defer(db, LOOK, lock=f"order:{order}", party=party, order=order)
