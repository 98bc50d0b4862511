"""The background jobs of room identity: copies of one's data, erasures, and what the clock asks for."""

from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from anhuan.identity import erasure, export, purposes, store_consent
from anhuan.identity.consent_words import Duty
from anhuan.kit import clock, jobs, wall

AT_ONCE: Final = 200  # rows of one round; the next round takes the rest
WAITED: Final = timedelta(minutes=10)  # a request this late has lost its job

log = structlog.get_logger(__name__)


@jobs.task(export.EXPORT)
def make_export(party: str, request: str) -> None:
    """Make the copy that a person asked for."""
    export.make(UUID(party), UUID(request))


@jobs.task(erasure.ERASE)
def erase(party: str, request: str) -> None:
    """Erase whoever asked for it and let the cooling time pass."""
    erasure.act(UUID(party), UUID(request))


@jobs.task("identity.tidy", cron="*/10 * * * *")
def tidy() -> None:
    """Delete exports that expired, and promise again what lost its job; asks the tables what is undone."""
    now = clock.now()
    with jobs.transaction() as db:
        wall.everybody(db)
        for row in store_consent.outlived(db, now, at_most=AT_ONCE):
            export.forget(db, row)
        for party, request, kind in store_consent.undone(db, now - WAITED, at_most=AT_ONCE):
            name = export.EXPORT if kind == "export" else erasure.ERASE
            log.warning("a request has waited too long", kind=kind, request=str(request))
            jobs.defer(db, name, lock=f"data:{party}", party=party, request=request)


@jobs.task("identity.forget", cron="17 3 * * *")
def forget() -> None:
    """Delete what a duty kept of erased people, once its last day has passed."""
    today = clock.today()
    with jobs.transaction() as db:
        wall.everybody(db)
        store_consent.forget_kept(db, today)  # proof, which nobody but the owner's function may delete
        parties = store_consent.over(db, today, at_most=AT_ONCE)
    for party in parties:
        with jobs.transaction() as db:
            purposes.open_for(db, party, Duty.OWN_REQUEST, actor=export.WORKER, now=clock.now())
            log.info("kept rows whose time is over", rows=erasure.forget(db, party, today))
