"""The background jobs of confirmed plans: what happened is heard at once, what nobody tells is looked for."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.identity import purposes
from anhuan.identity.consent_words import Duty
from anhuan.kit import clock, jobs, wall
from anhuan.repayments import proposing, replanning, service, store_plans

AT_ONCE: Final = 1000  # plans of one round; the next takes the rest


@jobs.task(replanning.REPLAN)
def replan(party: str, why: str) -> None:
    """Plan anew for one party and propose what would be different; safe to run twice."""
    with jobs.transaction() as db:
        step(db, UUID(party), replanning.WHYS[int(why)], now=clock.now())


def step(db: Session, party: UUID, why: str, *, now: datetime) -> None:
    """The same inside the caller's transaction, with the clock in hand."""
    purposes.open_for(db, party, Duty.OWN_REQUEST, actor=service.WORKER, now=now)
    proposing.look(db, party, why, now=now)


@jobs.task("repayments.plans", cron="*/5 * * * *")
def plans() -> None:
    """Promise a look at every standing plan that was left alone for long enough."""
    now = clock.now()
    with jobs.transaction() as db:
        wall.everybody(db)
        before = now - replanning.look_again(now)
        for party in store_plans.to_look_at(db, before, now=now, at_most=AT_ONCE):
            replanning.promise(db, party, "")
