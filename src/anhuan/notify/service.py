"""The acts of notify: keep a message, read and acknowledge messages."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.kit import ids, jobs, terms
from anhuan.kit.doors import own_path
from anhuan.notify import rules, store, texts
from anhuan.notify.model import MailState, Message, News
from anhuan.notify.tables import MessageRow

MAIL: Final = "notify.mail"  # the job that sends the mail of one message
SHOWN: Final = 100  # messages of one list
STRIP: Final = 3  # urgent messages of one strip


def tell(
    db: Session, party: UUID, kind: str, *, key: str, facts: Mapping[str, str | int | None], now: datetime,
    link: str = "", urgent: bool = False,
) -> bool:  # fmt: skip
    """Keep one message for a party and promise its sending; the same kind and key twice is one. Tells whether new.

    `kind` names its sentences in `notify/texts/*.toml`; `facts` fill them. An urgent one does not wait for the morning.
    """
    return tell_many(db, [News(party, kind, key, facts, link, urgent)], now=now) == 1


def tell_many(db: Session, told: Sequence[News], *, now: datetime) -> int:
    """The same for many, kept by one statement; tells how many were new."""
    rows = [_row(db, one, now) for one in told]
    new = store.add(db, rows)
    for row in rows:
        if row.id in new and row.mail_state == MailState.WAITING:
            late = None if row.mail_after == now else row.mail_after
            jobs.defer(db, MAIL, priority=10 if row.urgent else -1, at=late, party=row.user_id, message=row.id)
    return len(new)


def keep(
    db: Session, party: UUID, kind: str, *, key: str, facts: Mapping[str, str | int | None], now: datetime,
    link: str = "", urgent: bool = False, mailed: bool = False,
) -> MessageRow | None:  # fmt: skip
    """The same without a job, for whoever mails it himself, or has (`mailed`); None where it is kept already."""
    row = _row(db, News(party, kind, key, facts, link, urgent), now, mailed=mailed)
    return row if store.add(db, [row]) else None


def messages(db: Session, party: UUID, *, lang: str, now: datetime, at_most: int = SHOWN) -> tuple[Message, ...]:
    """A party's messages, those that nobody acknowledged first, then the newest first."""
    return tuple(shown(row, lang, now=now) for row in store.messages(db, party, at_most=at_most))


def urgent(db: Session, party: UUID, *, lang: str, now: datetime) -> tuple[Message, ...]:
    """What is urgent and nobody has acknowledged: it stays in sight."""
    return tuple(shown(row, lang, now=now) for row in store.urgent(db, party, at_most=STRIP))


def acknowledge(db: Session, party: UUID, message_id: UUID | None, *, now: datetime) -> int:
    """Somebody saw this message, or all of them (None); tells how many were not acknowledged before."""
    return store.acknowledge(db, party, message_id, now=now)


def withdraw(db: Session, party: UUID, kind: str, key: str, *, now: datetime) -> None:
    """What a message warned of is over: it needs nobody's attention any more, and an unsent mail is not sent."""
    row = store.by_key(db, party, kind, key)
    if row is None:
        return
    row.acknowledged_at = row.acknowledged_at or now
    if row.mail_state == MailState.WAITING:
        row.mail_state, row.mail_after, row.mail_code = MailState.NONE, None, "over before it was sent"
    db.flush()


def is_told(db: Session, party: UUID, kind: str, key: str) -> bool:
    """Whether the party has a message of this kind and key."""
    return store.by_key(db, party, kind, key) is not None


def shown(row: MessageRow, lang: str, *, now: datetime) -> Message:
    """A message in one language, its days counted from this moment."""
    said = texts.write(row.kind, json.loads(row.facts), lang, today=texts.day_of(now))
    return Message(
        row.id, row.kind, said.title, said.text, row.link, row.urgent, row.made_at, row.acknowledged_at,
        MailState(row.mail_state), row.mail_at,
    )  # fmt: skip


def _row(db: Session, one: News, now: datetime, *, mailed: bool = False) -> MessageRow:
    known = texts.find(one.kind)
    texts.insist(known, one.facts)
    state, after = MailState.NONE, None
    if mailed:
        state = MailState.SENT
    elif known.mail and (to := store.address(db, one.party)) is not None and to.mail is not None:
        state, after = MailState.WAITING, _may_go_at(now, urgent=one.urgent)
    return MessageRow(
        user_id=one.party, id=ids.new_id(), kind=one.kind, key=one.key,
        facts=json.dumps(dict(one.facts), ensure_ascii=False), link=own_path(one.link) if one.link else "",
        urgent=one.urgent, made_at=now, acknowledged_at=None, mail_state=state, mail_tries=int(mailed),
        mail_at=now if mailed else None, mail_after=after, mail_code="",
    )  # fmt: skip


def _may_go_at(now: datetime, *, urgent: bool) -> datetime:
    hours = terms.ask("notify_quiet_hours", on=texts.day_of(now), scopes=("platform",)).value
    starts, ends = (time.fromisoformat(hours[name]) for name in ("from", "until"))
    return rules.may_go_at(now, quiet_from=starts, quiet_until=ends, urgent=urgent)
