"""The background jobs of matching: payments that wait for proof are compared with what came in, each minute."""

from typing import Final
from uuid import UUID

from anhuan.identity import purposes
from anhuan.identity.consent_words import Duty
from anhuan.kit import clock, jobs, wall
from anhuan.repayments import matching, store_matching

AT_ONCE: Final = 500  # parties of one round; the next takes the rest


@jobs.task("repayments.match", cron="* * * * *")
def match() -> None:
    """Promise a look for every party whose statements say something new since the last one."""
    with jobs.transaction() as db:
        wall.everybody(db)
        for party in store_matching.turned(db, at_most=AT_ONCE):
            matching.promise(db, party)


@jobs.task(matching.COMPARE)
def compare(party: str) -> None:
    """Compare one party's payments with its statements; safe to run twice, at any moment, on any worker."""
    owner, now = UUID(party), clock.now()
    with jobs.transaction() as db:
        purposes.open_for(db, owner, Duty.OWN_REQUEST, actor=matching.WORKER, now=now)
        matching.look(db, owner, now=now)
