"""The background jobs of room notify: mails of messages, codes that prove addresses, what lost its job."""

from typing import Final
from uuid import UUID

from anhuan.kit import clock, jobs, wall
from anhuan.notify import mailbox, mailing, service

AT_ONCE: Final = 200  # mails of one round; the next round takes the rest


@jobs.task(service.MAIL)
def mail(party: str, message: str) -> None:
    """Mail one message; safe to run twice."""
    mailing.deliver(UUID(party), UUID(message), now=clock.now())


@jobs.task(mailbox.CODE, retries=0)
def code(party: str, question: str) -> None:
    """Mail the code that proves an address."""
    mailbox.send_code(UUID(party), UUID(question), now=clock.now())


@jobs.task("notify.sweep", cron="*/5 * * * *")
def sweep() -> None:
    """Find mails that were left in hand or lost their job; asks the tables what is undone."""
    with jobs.transaction() as db:
        wall.everybody(db)
        mailing.sweep(db, now=clock.now(), at_most=AT_ONCE)
