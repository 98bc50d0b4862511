"""Reminders (还款提醒): a bill that falls due soon, is not paid and has no payment arranged; one link fills the sheet.

Each bill is told once for each of the dated numbers of days before it is due, and never while money is on its way.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from anhuan import cards, notify
from anhuan.identity import purposes
from anhuan.identity.consent_words import Duty
from anhuan.kit import clock, jobs, terms, wall
from anhuan.repayments import facing, failures, store_reminders
from anhuan.repayments.store_reminders import Due

KIND: Final = "bill_due"
MANY: Final = 2000


@dataclass(frozen=True, slots=True)
class Reminder:
    """One bill to be told about, how many of the dated days before it is due."""

    due: Due
    days: int


@jobs.task("repayments.remind", cron="11 * * * *")
def remind() -> None:
    """Tell every payer whose bill falls due soon and is not arranged."""
    now = clock.now()
    with jobs.transaction() as db:
        wall.everybody(db)
        found = list(coming(db, now))
    for one in found:
        with jobs.transaction() as db:
            purposes.open_for(db, one.due.party, Duty.OWN_REQUEST, actor=failures.WORKER, now=now)
            tell(db, one, now=now)


def coming(db: Session, now: datetime) -> Iterator[Reminder]:
    """What is to be told at this moment, of everybody."""
    today = now.astimezone(clock.CHINA).date()
    steps = sorted(terms.ask("remind_days", on=today, scopes=("repayments",)).value)
    for due in store_reminders.due_between(db, today, today + timedelta(days=steps[-1]), at_most=MANY):
        left = (due.due_on - today).days
        yield Reminder(due, next(step for step in steps if left <= step))


def tell(db: Session, one: Reminder, *, now: datetime) -> bool:
    """Tell one payer, if anything is still open; tells whether it was new."""
    today, due = now.astimezone(clock.CHINA).date(), one.due
    account = (due.party, due.account_id)
    bill = cards.open_of_many(db, [account], on=today).get(account)
    if bill is None or bill.bill_id != due.bill_id or bill.open == 0:
        return False
    face = cards.account_face(db, due.party, due.account_id)
    facts = facing.said("card", face.name("zh"), face.name("en")) | {
        "due_on": due.due_on.isoformat(), "amount": bill.open, "minimum": bill.minimum_open,
    }  # fmt: skip
    return notify.tell(
        db, due.party, KIND, key=f"{due.bill_id}:{one.days}", facts=facts, now=now, link=f"/repay/{due.account_id}",
        urgent=one.days <= 1,
    )  # fmt: skip
