"""Bills that a mandate should have paid and for which, at their last safe moment, there is no order at all."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan import cards, notify
from anhuan.kit import clock
from anhuan.repayments import facing, failures, mandate_runs, store_mandates, store_pauses

KIND: Final = "alert_no_order"
LOOKS_BACK: Final = timedelta(days=7)  # older ones were told, or nobody watched for a week
MANY: Final = 500


@dataclass(frozen=True, slots=True)
class Missing:
    """One bill, or one day of a schedule, without an order in time."""

    party: UUID
    account_id: UUID
    on: date  # the statement day, or the day of the schedule
    due_on: date

    @property
    def key(self) -> str:
        """By what it is told once."""
        return f"{self.account_id}:{self.on}"


def missing(db: Session, now: datetime) -> list[Missing]:
    """Runs that were planned and not ordered, and bills that no run was made for; of everybody, for the worker."""
    today = _day(now)
    found = [
        Missing(row.user_id, row.account_id, row.statement_on or row.occurrence_on or today, _day(row.deadline_at))
        for row in store_pauses.runs_without_order(db, now, since=now - LOOKS_BACK, at_most=MANY)
    ]
    for bill in store_mandates.new_bills(db, since=None, today=today, at_most=MANY):
        safe = mandate_runs.safe_by(bill.due_on, bill.bank, bill.mandate.channel, on=today)
        if safe is not None and now - LOOKS_BACK <= safe <= now:
            found.append(Missing(bill.mandate.user_id, bill.mandate.account_id, bill.statement_on, bill.due_on))
    return found


def untold(db: Session, found: Iterable[Missing]) -> list[Missing]:
    """Those that were not told yet."""
    return [one for one in found if not notify.is_told(db, one.party, KIND, one.key)]


def tell(db: Session, one: Missing, *, now: datetime, by_job: bool) -> UUID | None:
    """Tell the payer; the message to be mailed by whoever calls, unless a job does it."""
    face = cards.account_face(db, one.party, one.account_id)
    facts = facing.said("card", face.name("zh"), face.name("en")) | {
        "due_on": one.due_on.isoformat(), "until": facing.moment(failures.end_of(one.due_on)),
    }  # fmt: skip
    link = f"/repay/{one.account_id}"
    if by_job:
        notify.tell(db, one.party, KIND, key=one.key, facts=facts, now=now, link=link, urgent=True)
        return None
    kept = notify.keep(db, one.party, KIND, key=one.key, facts=facts, now=now, link=link, urgent=True)
    return None if kept is None else kept.id


def _day(at: datetime) -> date:
    return at.astimezone(clock.CHINA).date()
