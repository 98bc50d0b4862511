"""The first watcher: the worker itself tells what is due. The second one (`watching`) does the same without it."""

from datetime import datetime
from uuid import UUID

import structlog

from anhuan.identity import purposes
from anhuan.identity.consent_words import Duty
from anhuan.kit import clock, jobs, wall
from anhuan.kit.errors import Refused
from anhuan.repayments import alert_bills, alerts, failures

log = structlog.get_logger(__name__)


@jobs.task("repayments.alerts", cron="* * * * *")
def alert() -> None:
    """Tell every payer whose order is not proved arrived at one of its moments."""
    now = clock.now()
    with jobs.transaction() as db:
        wall.everybody(db)
        found = alerts.due(db, now)
        bills = alert_bills.untold(db, alert_bills.missing(db, now))
    for party, order_id in alerts.each(found):
        one(party, order_id, now=now)
    for bill in bills:
        with jobs.transaction() as db:
            purposes.open_for(db, bill.party, Duty.OWN_REQUEST, actor=failures.WORKER, now=now)
            alert_bills.tell(db, bill, now=now, by_job=True)


def one(party: UUID, order_id: UUID, *, now: datetime) -> None:
    """Tell about one order, in a transaction of its own: one that cannot be told keeps nobody else waiting."""
    try:
        with jobs.transaction() as db:
            purposes.open_for(db, party, Duty.OWN_REQUEST, actor=failures.WORKER, now=now)
            alerts.tell(db, party, order_id, now=now, by_job=True)
    except Refused as refused:
        log.error("an alert could not be made", order=str(order_id), code=refused.code)
    except Exception:
        log.exception("an alert could not be made", order=str(order_id))
