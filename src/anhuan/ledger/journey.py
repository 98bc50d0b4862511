"""The background jobs of the ledger: roots each minute, overdue holds, months opened ahead, the books checked."""

from datetime import date, datetime
from functools import cache
from typing import Final

import structlog

from anhuan.kit import clock, db, jobs, wall
from anhuan.kit.actors import Actor, ActorKind
from anhuan.ledger import checking, roots, service, store, store_statement
from anhuan.ledger.model import LINES, BadLine, Kind, Line, Result

MONTHS_AHEAD: Final = 3
_FINE: Final = (Result.OK, Result.EXISTS, Result.ALREADY_RESOLVED, Result.NO_HOLD)  # the last: taken meanwhile

log = structlog.get_logger(__name__)


@jobs.task("ledger.root", cron=jobs.EVERY_MINUTE, retries=1)  # the next minute tries again anyway
def sign_root() -> None:
    """Sign the ends of the chains if one moved, publish; safe to run twice, at once, and after any pause."""
    roots.seal_due(now=clock.now())


@jobs.task("ledger.sweep", cron=jobs.EVERY_MINUTE, retries=1)
def sweep() -> None:
    """Expire the holds whose time has passed, shard by shard; asks the table what is undone."""
    expired = sweep_all(clock.now())
    if expired:
        log.info("holds expired", holds=expired)


@jobs.task("ledger.months", cron="20 3 * * *")
def open_months() -> None:
    """Open the months ahead; every day, because a slot that was missed is not made up."""
    with jobs.transaction() as db:
        made = store.open_month(db, months_later(clock.today(), MONTHS_AHEAD))
    if made:
        log.info("months of the ledger opened", months=made)


@jobs.task("ledger.verify", cron="40 18 * * *", retries=1)  # 02:40 in China; the next night asks what is undone
def check_books() -> None:
    """Check the books each night, whole each week; what is found stands in the log, the audit log and at the desk."""
    try:
        report = checking.check_due(Actor(ActorKind.WORKER), now=clock.now())
    except db.NoLogin as missing:
        _say_once(missing.message)
        return
    facts = {"postings": report.postings, "from_root": report.from_root, "seconds": round(report.seconds, 1)}
    if report.findings:
        kinds = {str(kind): count for kind, count in report.counts.items()}
        log.error("the books are not whole", findings=report.counts.total(), kinds=kinds, **facts)
    else:
        log.info("the books were checked", **facts)


def sweep_all(now: datetime) -> int:
    """Expire what is overdue at this moment; tells how many holds. Each shard in transactions of its own."""
    with jobs.transaction() as db:
        shards = [head.shard for head in store.heads(db)]
    return sum(_sweep(shard, now) for shard in shards)


def months_later(day: date, months: int) -> date:
    """The first day of the month so many months later."""
    count = day.year * 12 + day.month - 1 + months
    return date(count // 12, count % 12 + 1, 1)


@cache
def _say_once(why: str) -> None:
    log.warning("the books are not checked at night: no login of the auditor", why=why)


def _sweep(shard: int, now: datetime) -> int:
    expired = 0
    while True:
        with jobs.transaction() as db:
            wall.everybody(db)
            overdue = store_statement.overdue(db, shard, now, at_most=LINES)
            if not overdue:
                return expired
            results = service.post(db, [Line(Kind.EXPIRE, parent=one) for one in overdue], shard=shard)
        strange = [code for code in results if code not in _FINE]
        if strange:
            raise BadLine(f"a hold of shard {shard} could not expire: {strange[0].name.lower()}", field="hold")
        expired += sum(code == Result.OK for code in results)
        if len(overdue) < LINES:
            return expired
