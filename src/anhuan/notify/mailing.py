"""The mail of one message, from "waits" to its end: taken in hand in one transaction, sent outside of any, settled.

Whoever is killed in between leaves it in hand; later it is called unclear and not sent again, for two mails about one
payment may make somebody pay twice. The Message-ID comes from the row, so that a mailbox knows a double.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from anhuan.identity import purposes
from anhuan.identity.consent_words import Duty
from anhuan.kit import jobs, settings, terms
from anhuan.kit.actors import Actor, ActorKind
from anhuan.notify import rules, service, smtp, store, texts
from anhuan.notify.model import MailState
from anhuan.notify.smtp import Mail, Outcome

WORKER: Final = Actor(ActorKind.WORKER)
Rows = Callable[[], AbstractContextManager[Session]]

log = structlog.get_logger(__name__)
FOOT: Final = {
    "zh": "这封邮件由系统发出，请不要回复。我们不会在邮件里索要密码、验证码或卡号。",
    "en": "This mail was sent by a program; please do not reply. We never ask for passwords, codes or card numbers.",
}


def deliver(
    party: UUID, message_id: UUID, *, now: datetime, rows: Rows = jobs.transaction, promise: bool = True
) -> MailState | None:
    """Send the mail of a message if it waits and its moment has come; what became of it, or None.

    Without `promise` no job is promised for the next try: the watcher itself looks again.
    """
    with rows() as db:
        purposes.open_for(db, party, Duty.OWN_REQUEST, actor=WORKER, now=now)
        mail = _take(db, party, message_id, now=now)
    if mail is None:
        return None
    there = smtp.server()
    tried = smtp.Tried(Outcome.NOT_NOW, "no mail server is set") if there is None else smtp.send(there, mail)
    with rows() as db:
        purposes.open_for(db, party, Duty.OWN_REQUEST, actor=WORKER, now=now)
        state = _settle(db, party, message_id, tried, now=now, promise=promise)
    log.info("mail", message=str(message_id), state=state.value, said=tried.code)
    return state


def body(text: str, link: str, lang: str) -> str:
    """The text of a mail: what is to be said, where to look, and who we are not."""
    look = f"{'Details' if lang == 'en' else '查看'}: {settings.read().origin}{link}\n\n" if link else ""
    return f"{text}\n\n{look}{FOOT[lang]}\n"


def again(state: MailState, tries: int, *, now: datetime) -> datetime | None:
    """When a mail that did not go out is tried again; None: never."""
    pauses = terms.ask("notify_mail_pauses", on=texts.day_of(now), scopes=("platform",)).value
    return rules.next_try(tries, pauses=pauses, now=now) if state is MailState.WAITING else None


def sweep(db: Session, *, now: datetime, at_most: int) -> int:
    """Call unclear what somebody left in hand, and promise again the mails that lost their job; tells how many."""
    minutes = terms.ask("notify_mail_lost_minutes", on=texts.day_of(now), scopes=("platform",)).value
    lost = timedelta(minutes=minutes)
    if left := store.abandoned(db, now - lost):
        log.warning("mails were left in hand; whether they went out is not known", mails=left)
    waiting = store.to_mail(db, now - lost, at_most=at_most)
    for party, message_id, _ in waiting:
        jobs.defer(db, service.MAIL, party=party, message=message_id)
    return len(waiting)


def _take(db: Session, party: UUID, message_id: UUID, *, now: datetime) -> Mail | None:
    row = store.take(db, party, message_id, now=now)
    if row is None:
        return None
    to = store.address(db, party)
    if to is None or to.mail is None:
        store.settle(db, party, message_id, MailState.NONE, "the address was removed", now=now)
        return None
    said = service.shown(row, to.lang, now=now)
    return Mail(row.id, to.mail, said.title, body(said.text, row.link, to.lang), now)


def _settle(
    db: Session, party: UUID, message_id: UUID, tried: smtp.Tried, *, now: datetime, promise: bool
) -> MailState:
    match tried.outcome:
        case Outcome.TAKEN:
            state, after = MailState.SENT, None
        case Outcome.UNCLEAR:
            state, after = MailState.UNCLEAR, None
        case Outcome.REFUSED:
            state, after = MailState.REFUSED, None
        case Outcome.NOT_NOW:
            row = store.message(db, party, message_id)
            after = again(MailState.WAITING, row.mail_tries if row else 1, now=now)
            state = MailState.REFUSED if after is None else MailState.WAITING
    store.settle(db, party, message_id, state, tried.code, now=now, after=after)
    if after is not None and promise:
        jobs.defer(db, service.MAIL, priority=-1, at=after, party=party, message=message_id)
    return state
