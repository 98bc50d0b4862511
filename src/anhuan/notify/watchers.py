"""What the second watcher writes down: signs of life, and incidents of which the operator is told once."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from anhuan.kit import ids, settings, store_checks
from anhuan.notify import smtp, store, texts
from anhuan.notify.model import Facts
from anhuan.notify.smtp import Mail, Outcome
from anhuan.notify.tables import WatcherRow

FORGOTTEN: Final = timedelta(days=7)  # a watcher that ended so long ago is of no interest

log = structlog.get_logger(__name__)


def seen(db: Session, watcher: UUID, *, started_at: datetime, now: datetime, coming: int) -> None:
    """The watcher gives a sign of life."""
    store.seen(db, watcher, started_at=started_at, now=now, coming=coming, mails=smtp.server() is not None)
    store.forget_watchers(db, now - FORGOTTEN)


def last(db: Session) -> WatcherRow | None:
    """The watcher that was heard of last; for the worker's and the desk's login."""
    return store.last_watcher(db)


def worker_seen(db: Session) -> datetime | None:
    """The last sign of life of any worker."""
    return store_checks.last_sign_of_life(db)


def oldest_due_job(db: Session, *, now: datetime) -> datetime | None:
    """Since when the oldest job that may run has waited."""
    return store.oldest_due_job(db, now)


def urgent_mails(db: Session, *, before: datetime) -> tuple[tuple[UUID, UUID], ...]:
    """Party and message of urgent mails that should have gone out before the moment."""
    return tuple((party, one) for party, one, _ in store.to_mail(db, before, urgent_only=True, at_most=100))


def address(db: Session, party: UUID) -> tuple[str, str] | None:
    """Where a party's mail goes, and in which language."""
    row = store.address(db, party)
    return None if row is None or row.mail is None else (row.mail, row.lang)


def mark(db: Session, kind: str, since: datetime | None, *, now: datetime) -> None:
    """Something is wrong since a moment, or is not (None): an incident begins once and ends once."""
    if since is not None:
        if store.begin_incident(db, kind, since):
            log.error("incident", kind=kind, since=since.isoformat())
    elif store.end_incident(db, kind, now=now) is not None:
        log.warning("incident over", kind=kind)


def untold(db: Session) -> tuple[tuple[str, datetime], ...]:
    """Incidents of which the operator was not told: kind and moment."""
    return tuple((row.kind, row.since) for row in store.standing_incidents(db, untold=True))


def standing(db: Session) -> tuple[tuple[str, datetime], ...]:
    """Incidents that last: kind and moment."""
    return tuple((row.kind, row.since) for row in store.standing_incidents(db))


def told(db: Session, kind: str, *, now: datetime) -> None:
    """The operator was told of an incident."""
    store.told_incident(db, kind, now=now)


def call_operator(kind: str, facts: Facts, *, now: datetime) -> bool:
    """Mail the operator about an incident; whether the mail server took it, or nobody is to be told."""
    to, there = settings.read().alert_mail, smtp.server()
    if to is None or there is None:
        return True
    said = texts.write(kind, facts, "zh", today=texts.day_of(now))
    english = texts.write(kind, facts, "en", today=texts.day_of(now))
    text = f"{said.text}\n\n{english.text}\n"
    tried = smtp.send(there, Mail(ids.new_id(), to, said.title, text, now))
    log.warning("operator told", kind=kind, outcome=tried.outcome.value, said=tried.code)
    return tried.outcome is not Outcome.NOT_NOW
