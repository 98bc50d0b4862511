"""The check of the books as people and the clock ask for it: as the auditor's login, and written into the audit log.

A check from a signed root on trusts what came before it; a whole one trusts nothing. The clock's job takes the short
way while a whole check of the last days found nothing, so findings are told again each night until they are gone.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from anhuan.kit import audit, audit_key, clock, db, settings
from anhuan.kit.actors import Actor
from anhuan.ledger import roots

if TYPE_CHECKING:
    from anhuan.ledger.verify_words import Report

ACT: Final = "ledger.verified"
WEEK: Final = timedelta(days=6, hours=12)  # a whole check each week: its record is younger than the slot of the clock
ASKED: Final = 100  # records of checks to look at; more checks within a week only make one of them whole


def check(
    *,
    from_root: int | None,
    roots_at: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> "Report":
    """Check the books from the first batch (None), or from a signed root on; raises `db.NoLogin` without a login."""
    from anhuan.ledger import verify

    home = settings.read().home
    with db.sessions("audit").begin() as session:
        return verify.verify(
            session, file_roots=roots.in_file(roots_at or roots.roots_file(home)), keys=audit_key.known_keys(home),
            from_root=from_root, progress=progress,
        )  # fmt: skip


def remember(report: "Report", who: Actor) -> None:
    """Write into the audit log that the books were checked and what came of it; the console shows the last time."""
    facts = {"postings": report.postings, "batches": report.batches, "findings": report.counts.total(),
             "from_root": report.from_root or 0, "milliseconds": int(report.seconds * 1000)}  # fmt: skip
    with suppress(db.NoLogin), db.sessions("work").begin() as session:  # an auditor's machine may have one login only
        audit.write(session, who, ACT, "ledger:books", facts, now=clock.now())


def check_due(who: Actor, *, now: datetime) -> "Report":
    """What the clock asks for each night: from the newest signed root, or whole when no whole one of late was clean."""
    from anhuan.ledger import verify

    try:
        report = check(from_root=verify.NEWEST if _trusted(now) else None)
    except verify.NoSuchRoot:  # nothing was signed yet, or what was signed is gone: the whole check tells which
        report = check(from_root=None)
    remember(report, who)
    return report


def _trusted(now: datetime) -> bool:
    """Whether a whole check within the week found nothing, and no check since found anything."""
    with db.sessions("audit").begin() as session:
        for record in audit.page_of(session, act=ACT, at_most=ASKED):
            if record.facts["findings"] or now - record.written_at > WEEK:
                return False
            if not record.facts["from_root"]:
                return True
    return False
