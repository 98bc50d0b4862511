"""Where a party's mail goes: an address is used only after a code that was mailed there came back.

The code is nowhere kept: it follows from the id of the question, the address and the house's key, so neither a copy of
the database nor the queue of jobs gives it away.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from anhuan.identity import purposes
from anhuan.identity.consent_words import Duty
from anhuan.kit import audit, ids, jobs, rates, terms, vault
from anhuan.kit.actors import Actor
from anhuan.notify import mailing, rules, smtp, store, texts
from anhuan.notify.model import BadAddress, NoMail, WrongCode
from anhuan.notify.smtp import Mail
from anhuan.notify.tables import AddressRow

CODE: Final = "notify.code"  # the job that mails a code
DIGITS: Final = 6

log = structlog.get_logger(__name__)
SAID: Final = {
    "zh": (
        "安还：验证您的邮箱",
        "验证码是 {code}，{minutes} 分钟内有效，请在“消息”页填写。如果不是您本人操作，不必理会。",
    ),
    "en": (
        "Anhuan: your code",
        "The code is {code}, good for {minutes} minutes. Type it on the page of messages. If you did not ask for it, do"
        " nothing.",
    ),
}


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Where mail goes, and which address waits for its code; "" where none."""

    mail: str
    wanted: str
    mails: bool  # whether this installation sends mail at all


def find(db: Session, party: UUID) -> Mailbox:
    """The mailbox of a party."""
    row = store.address(db, party)
    mails = smtp.server() is not None
    return Mailbox("", "", mails) if row is None else Mailbox(row.mail or "", row.wanted or "", mails)


def ask(db: Session, party: UUID, address: str, *, lang: str, now: datetime) -> None:
    """Mail a code to an address; raises `BadAddress`, `NoMail`, `TooMany`. What was proved before stays until then."""
    wanted = address.strip()
    if smtp.server() is None:
        raise NoMail("这里没有设置发信服务器，不能发邮件。")
    if not rules.is_address(wanted):
        raise BadAddress("这个邮箱地址不能用，请核对后再填。", field="address")
    rates.take(f"notify.code|{party}", rates.limit("notify.codes", on=now.date()), now=now)
    row = store.address(db, party, lock=True)
    if row is None:
        row = AddressRow(user_id=party, mail=None, proved_at=None, tries=0, lang=lang)
        db.add(row)
    row.wanted, row.asked_id, row.asked_at, row.tries, row.lang = wanted, ids.new_id(), now, 0, lang
    db.flush()
    jobs.defer(db, CODE, priority=10, party=party, question=row.asked_id)


def prove(db: Session, who: Actor, party: UUID, code: str, *, now: datetime) -> bool:
    """Use the address from now on, if this is its code; False, and one try less, where it is not."""
    row = store.address(db, party, lock=True)
    if row is None or row.wanted is None or row.asked_id is None or row.asked_at is None:
        raise WrongCode("没有等待验证的邮箱。", field="code")
    late = now - row.asked_at > timedelta(minutes=_number("notify_code_minutes", now))
    row.tries += 1
    fits = hmac.compare_digest(code_of(party, row.asked_id, row.wanted).encode(), "".join(code.split()).encode())
    if late or row.tries > _number("notify_code_tries", now) or not fits:
        db.flush()
        return False
    row.mail, row.proved_at = row.wanted, now
    row.wanted = row.asked_id = row.asked_at = None
    db.flush()
    audit.write(db, who, "mail.proved", f"person:{party}", now=now)
    return True


def forget(db: Session, who: Actor, party: UUID, *, now: datetime) -> None:
    """No mail from now on: the address, and the one that waited, are deleted."""
    row = store.address(db, party, lock=True)
    if row is not None:
        db.delete(row)
        db.flush()
        audit.write(db, who, "mail.removed", f"person:{party}", now=now)


def send_code(party: UUID, question: UUID, *, now: datetime) -> None:
    """Mail the code of a question that still stands; a code is asked for again, so a lost one is not made up."""
    with jobs.transaction() as db:
        purposes.open_for(db, party, Duty.OWN_REQUEST, actor=mailing.WORKER, now=now)
        row = store.address(db, party)
        if row is None or row.asked_id != question or row.wanted is None:
            return
        code, to, lang = code_of(party, question, row.wanted), row.wanted, row.lang
    there = smtp.server()
    if there is None:
        log.error("a code cannot be mailed: no mail server is set", party=str(party))
        return
    title, text = SAID[lang]
    told = text.format(code=code, minutes=_number("notify_code_minutes", now))
    tried = smtp.send(there, Mail(question, to, title, mailing.body(told, "", lang), now))
    log.info("code mailed", outcome=tried.outcome.value, said=tried.code)


def code_of(party: UUID, question: UUID, address: str) -> str:
    """The six digits that prove this address for this question."""
    number = vault.keyed_number("notify_addresses.code", question.bytes + address.encode(), party=party)
    return f"{number % 10**DIGITS:0{DIGITS}}"


def _number(key: str, now: datetime) -> int:
    found: int = terms.ask(key, on=texts.day_of(now), scopes=("platform",)).value
    return found
