"""The second watcher: it sends due alerts by itself, calls the operator when no worker works, and holds the alerts of
the next hours in memory, so that payers are warned even while the database does not answer.

It needs neither the worker nor its queue. What it sends from memory leaves a mark in the installation's folder first,
so that two watchers of one machine, or one that was started again, send it once; when the database is back, the alert
is written down as mailed.
"""

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import psycopg
import structlog
from sqlalchemy.orm import Session

from anhuan import notify
from anhuan.identity import purposes
from anhuan.identity.consent_words import Duty
from anhuan.kit import clock, ids, jobs, settings, terms, wall
from anhuan.kit import db as database
from anhuan.notify import mailing, smtp, texts
from anhuan.repayments import alert_bills, alerts, failures, store, store_pauses, views
from anhuan.repayments.alert_rules import Stage
from anhuan.repayments.alerts import Due

CONNECTS: Final = 5  # seconds to wait for a new connection
PATIENCE: Final = 45.0  # seconds without an answer of the database before alerts are sent from memory
FAILED_LOOKS: Final = 2  # or so many looks that failed at once
LATER: Final = timedelta(minutes=1)  # an urgent mail is left to its job so long
BILLS_EVERY: Final = timedelta(minutes=10)
READY_AT_ONCE: Final = 500  # alerts that one look makes ready; the next one goes on
FROM_MEMORY: Final = frozenset({Stage.SAFE_BY, Stage.BY_HAND})

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ready:
    """One alert that can be sent without asking anybody."""

    due: Due
    to: str
    lang: str
    kind: str
    facts: Mapping[str, Any]
    link: str

    @property
    def key(self) -> UUID:
        """The id of its mail, the same in every watcher."""
        return ids.derive(self.due.order_id, f"blind {self.due.stage}")


@dataclass
class Watcher:
    """One watcher: what it has seen and what it holds ready."""

    started_at: datetime
    id: UUID = field(default_factory=ids.new_id)
    coming: dict[tuple[UUID, Stage], Ready] = field(default_factory=dict)
    answered: float = field(default_factory=time.monotonic)
    failed: int = 0
    gone_since: datetime | None = None
    bills_at: datetime | None = None  # when it looked for bills without an order
    called: bool = False  # the operator was told that the database is gone
    _one: threading.Lock = field(default_factory=threading.Lock)

    def round(self, now: datetime) -> None:
        """Look once; a look that fails leaves everything as it was, and memory steps in."""
        try:
            self.look(now)
        except Exception as error:  # whatever it was: payers must be warned all the same
            self.failed += 1
            log.error("the watcher could not look", failed=self.failed, error=type(error).__name__)
            if self.failed >= FAILED_LOOKS:
                self.blind(now)
            return
        self.failed = 0

    def look(self, now: datetime) -> None:
        """Send what is due, make ready what comes, see whether somebody works, give a sign of life."""
        with jobs.transaction() as db:
            wall.everybody(db)
            store_pauses.quickly(db)
            found = alerts.due(db, now)
            coming = alerts.due(db, now, ahead=timedelta(hours=_number("watch_ahead_hours", now)))
        self.answered = time.monotonic()
        self._back(now)
        for party, order_id in alerts.each(found):
            self._tell(party, order_id, now=now)
        self._make_ready([one for one in coming if one.at > now and one.stage in FROM_MEMORY], now)
        for part in (self._bills, self._urgent_mails, self._see_to_work):
            try:
                part(now)
            except Exception:  # what goes wrong here must not look like a database that is gone
                log.exception("a part of the look failed", part=part.__name__)
        self.answered = time.monotonic()

    def guard(self, now: datetime) -> None:
        """Called beside the looks: a look that hangs must not keep payers waiting."""
        if time.monotonic() - self.answered > PATIENCE and not _answers():
            self.blind(now)

    def blind(self, now: datetime) -> None:
        """The database does not answer: mail from memory what is due, and call the operator."""
        with self._one:
            self.gone_since = self.gone_since or now
            if not self.called:
                self.called = notify.watchers.call_operator(
                    "ops_no_database", {"since": self.gone_since.isoformat()}, now=now
                )  # fmt: skip
            there = smtp.server()
            for ready in sorted(self.coming.values(), key=lambda one: one.due.at):
                if ready.due.at <= now and there is not None and _mark(ready):
                    self._mail_blind(ready, there, now)

    def _mail_blind(self, ready: Ready, there: smtp.Server, now: datetime) -> None:
        said = texts.write(ready.kind, ready.facts, ready.lang, today=texts.day_of(now))
        body = mailing.body(said.text, ready.link, ready.lang)
        tried = smtp.send(there, smtp.Mail(ready.key, ready.to, said.title, body, now))
        log.warning("alert from memory", order=str(ready.due.order_id), outcome=tried.outcome.value, said=tried.code)
        if tried.outcome is smtp.Outcome.NOT_NOW:
            _unmark(ready)

    def _back(self, now: datetime) -> None:
        """The database answers again: what was mailed meanwhile is written down, so that nobody is told twice."""
        if self.gone_since is not None:
            log.warning("the database answers again", gone_since=self.gone_since.isoformat())
        self.gone_since, self.called = None, False
        for ready in list(self.coming.values()):
            if ready.due.at <= now and _is_marked(ready):
                self._tell(ready.due.party, ready.due.order_id, now=now, mailed=True)
                self.coming.pop((ready.due.order_id, ready.due.stage), None)

    def _tell(self, party: UUID, order_id: UUID, *, now: datetime, mailed: bool = False) -> None:
        """One order in a transaction of its own, then its mail outside of any."""
        try:
            with jobs.transaction() as db:
                purposes.open_for(db, party, Duty.OWN_REQUEST, actor=failures.WORKER, now=now)
                store_pauses.quickly(db)
                message = alerts.tell(db, party, order_id, now=now, by_job=False, mailed=mailed)
            self.answered = time.monotonic()
            if message is not None:
                mailing.deliver(party, message, now=now, promise=False)
        except Exception:  # one order that cannot be told keeps nobody else waiting
            log.exception("an alert could not be made", order=str(order_id))

    def _bills(self, now: datetime) -> None:
        """Bills that a mandate should have paid; asked more rarely, for it looks at every mandate."""
        if self.bills_at is not None and now - self.bills_at < BILLS_EVERY:
            return
        with jobs.transaction() as db:
            wall.everybody(db)
            store_pauses.quickly(db)
            found = alert_bills.untold(db, alert_bills.missing(db, now))
        self.bills_at = now
        for bill in found:
            with jobs.transaction() as db:
                purposes.open_for(db, bill.party, Duty.OWN_REQUEST, actor=failures.WORKER, now=now)
                message = alert_bills.tell(db, bill, now=now, by_job=False)
            if message is not None:
                mailing.deliver(bill.party, message, now=now, promise=False)

    def _urgent_mails(self, now: datetime) -> None:
        """Urgent mails that no job has sent in time."""
        with jobs.transaction() as db:
            wall.everybody(db)
            waiting = notify.watchers.urgent_mails(db, before=now - LATER)
        for party, message in waiting:
            mailing.deliver(party, message, now=now, promise=False)

    def _make_ready(self, found: list[Due], now: datetime) -> None:
        """Keep in memory what is coming, and nothing else but what was sent blind and waits to be written down."""
        ready = {key: one for key, one in self.coming.items() if one.due.at <= now and _is_marked(one)}
        made = 0
        for due in found:
            key = (due.order_id, due.stage)
            known = self.coming.get(key)
            if known is not None and known.due == due:
                ready[key] = known
            elif made < READY_AT_ONCE:
                made += 1
                fresh = _ready(due, now)
                if fresh is not None:
                    ready[key] = fresh
        self.coming = ready

    def _see_to_work(self, now: datetime) -> None:
        with jobs.transaction() as db:
            notify.watchers.seen(db, self.id, started_at=self.started_at, now=now, coming=len(self.coming))
            silent = max(notify.watchers.worker_seen(db) or self.started_at, self.started_at - _WEEK)
            late = notify.watchers.oldest_due_job(db, now=now)
            for kind, since, key in (
                ("ops_no_worker", silent, "watch_worker_minutes"), ("ops_jobs_late", late, "watch_job_minutes"),
            ):  # fmt: skip
                bad = since is not None and now - since > timedelta(minutes=_number(key, now))
                notify.watchers.mark(db, kind, since if bad else None, now=now)
            untold = notify.watchers.untold(db)
        for kind, since in untold:
            if notify.watchers.call_operator(kind, {"since": since.isoformat()}, now=now):
                with jobs.transaction() as db:
                    notify.watchers.told(db, kind, now=now)


_WEEK: Final = timedelta(days=7)


def run(stop: threading.Event, watcher: Watcher | None = None, *, seconds: float | None = None) -> None:
    """Watch until stopped: one thread looks, this one sees that the looks do not hang."""
    watching = watcher or Watcher(clock.now())
    looking = threading.Thread(target=_looks, args=(watching, stop, seconds), name="looks", daemon=True)
    looking.start()
    while not stop.wait(min(PATIENCE / 4, seconds or PATIENCE)):
        watching.guard(clock.now())


def _looks(watcher: Watcher, stop: threading.Event, seconds: float | None) -> None:
    while True:
        now = clock.now()
        watcher.round(now)
        if stop.wait(seconds or _number("watch_seconds", now)):
            return


def _ready(due: Due, now: datetime) -> Ready | None:
    """What may be mailed for this stage without asking; None where the payer gave no address."""
    with jobs.transaction() as db:
        purposes.open_for(db, due.party, Duty.OWN_REQUEST, actor=failures.WORKER, now=now)
        to = notify.watchers.address(db, due.party)
        return None if to is None else _made(db, due, *to)


def _made(db: Session, due: Due, to: str, lang: str) -> Ready | None:
    row = store.order(db, due.party, due.order_id)
    if row is None:
        return None
    kind, facts = alerts.blind(db, views.view_of(row))
    return Ready(due, to, lang, kind, facts, f"/repay/orders/{due.order_id}")


def _answers() -> bool:
    """Whether the database lets somebody new in; a look may be long because a mail server is slow."""
    try:
        with psycopg.connect(database.url_of("work"), connect_timeout=CONNECTS) as line:
            line.execute("SELECT 1")
    except (psycopg.Error, OSError):
        return False
    return True


def _mark(ready: Ready) -> bool:
    """Leave the mark of an alert from memory; False where it is there already."""
    folder = settings.read().home / "watch"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(folder / str(ready.key), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return False
    except OSError:
        log.exception("no mark could be left; the alert is sent all the same")
    return True


def _is_marked(ready: Ready) -> bool:
    return (settings.read().home / "watch" / str(ready.key)).exists()


def _unmark(ready: Ready) -> None:
    (settings.read().home / "watch" / str(ready.key)).unlink(missing_ok=True)


def _number(key: str, now: datetime) -> int:
    found: int = terms.ask(key, on=now.astimezone(clock.CHINA).date(), scopes=("platform",)).value
    return found
