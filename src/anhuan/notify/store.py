"""What room notify asks of the database."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from anhuan.kit import ids
from anhuan.notify.model import MailState
from anhuan.notify.tables import AddressRow, IncidentRow, MessageRow, WatcherRow

_QUIETLY = {"synchronize_session": False}
_LATE_JOB = text(
    "SELECT min(coalesce(scheduled_at, (SELECT min(e.at) FROM procrastinate_events e WHERE e.job_id = j.id)))"
    " FROM procrastinate_jobs j WHERE status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= :now)"
)


def add(db: Session, rows: Sequence[MessageRow]) -> set[UUID]:
    """Keep messages; tells which are new: a party has one of a kind and key."""
    if not rows:
        return set()
    names = [column.key for column in MessageRow.__table__.columns]
    once = insert(MessageRow).on_conflict_do_nothing(index_elements=["user_id", "kind", "key"])
    made = [
        {name: getattr(row, name) for name in names} for row in rows
    ]  # beside the statement, which is compiled once
    return set(db.scalars(once.returning(MessageRow.id), made))


def message(db: Session, party: UUID, message_id: UUID) -> MessageRow | None:
    """One message of a party, as it stands in the database now."""
    return db.get(MessageRow, (party, message_id), populate_existing=True)


def by_key(db: Session, party: UUID, kind: str, key: str) -> MessageRow | None:
    """The message of this kind and key."""
    asked = select(MessageRow).where(MessageRow.user_id == party, MessageRow.kind == kind, MessageRow.key == key)
    return db.scalars(asked).one_or_none()


def messages(db: Session, party: UUID, *, at_most: int) -> Sequence[MessageRow]:
    """A party's messages: those that nobody acknowledged first, then the newest first."""
    asked = select(MessageRow).where(MessageRow.user_id == party)
    order = (MessageRow.acknowledged_at.is_not(None), MessageRow.made_at.desc(), MessageRow.id)
    return db.scalars(asked.order_by(*order).limit(at_most)).all()


def urgent(db: Session, party: UUID, *, at_most: int) -> Sequence[MessageRow]:
    """What is urgent and was not acknowledged, the newest first."""
    waiting = (MessageRow.user_id == party, MessageRow.urgent, MessageRow.acknowledged_at.is_(None))
    return db.scalars(select(MessageRow).where(*waiting).order_by(MessageRow.made_at.desc()).limit(at_most)).all()


def acknowledge(db: Session, party: UUID, only: UUID | None, *, now: datetime) -> int:
    """Note that one message, or every one, was seen; tells how many were not before."""
    mine = [MessageRow.user_id == party, MessageRow.acknowledged_at.is_(None)]
    mine += [] if only is None else [MessageRow.id == only]
    done = db.execute(update(MessageRow).where(*mine).values(acknowledged_at=now), execution_options=_QUIETLY)
    db.expire_all()
    return done.rowcount  # type: ignore[attr-defined,no-any-return]


def take(db: Session, party: UUID, message_id: UUID, *, now: datetime) -> MessageRow | None:
    """Take the mail of a message in hand, if it waits and its moment has come: of all who ask, one gets it."""
    due = (
        MessageRow.user_id == party, MessageRow.id == message_id, MessageRow.mail_state == MailState.WAITING,
        MessageRow.mail_after <= now,
    )  # fmt: skip
    taken = {"mail_state": MailState.SENDING, "mail_tries": MessageRow.mail_tries + 1, "mail_at": now}
    return db.scalars(update(MessageRow).where(*due).values(**taken).returning(MessageRow)).one_or_none()


def settle(
    db: Session, party: UUID, message_id: UUID, state: MailState, code: str, *, now: datetime,
    after: datetime | None = None,
) -> None:  # fmt: skip
    """Write down what became of a mail that was in hand."""
    mine = (MessageRow.user_id == party, MessageRow.id == message_id, MessageRow.mail_state == MailState.SENDING)
    said = {"mail_state": state, "mail_code": code[:200], "mail_at": now, "mail_after": after}
    db.execute(update(MessageRow).where(*mine).values(**said), execution_options=_QUIETLY)


def abandoned(db: Session, before: datetime) -> int:
    """Mails in hand since before the moment were left by somebody who died: whether they went out is not known."""
    left = (MessageRow.mail_state == MailState.SENDING, MessageRow.mail_at < before)
    said = {"mail_state": MailState.UNCLEAR, "mail_code": "the sender ended before the mail server answered"}
    done = db.execute(update(MessageRow).where(*left).values(**said), execution_options=_QUIETLY)
    return done.rowcount  # type: ignore[attr-defined,no-any-return]


def to_mail(
    db: Session, before: datetime, *, urgent_only: bool = False, at_most: int
) -> Sequence[tuple[UUID, UUID, datetime]]:
    """Party, message and moment of mails that should have gone out before the moment, the oldest first."""
    due = [MessageRow.mail_state == MailState.WAITING, MessageRow.mail_after <= before]
    due += [MessageRow.urgent.is_(True)] if urgent_only else []
    asked = select(MessageRow.user_id, MessageRow.id, MessageRow.mail_after).where(*due)
    rows = db.execute(asked.order_by(MessageRow.mail_after).limit(at_most)).all()
    return [(party, one, after) for party, one, after in rows if after is not None]


def address(db: Session, party: UUID, *, lock: bool = False) -> AddressRow | None:
    """Where a party's mail goes."""
    return db.get(AddressRow, party, with_for_update=lock or None, populate_existing=True)


def seen(db: Session, watcher: UUID, *, started_at: datetime, now: datetime, coming: int, mails: bool) -> None:
    """The watcher gives a sign of life."""
    said = {"seen_at": now, "coming": coming, "mails": mails}
    made = insert(WatcherRow).values(id=watcher, started_at=started_at, **said)
    db.execute(made.on_conflict_do_update(index_elements=["id"], set_=said))


def last_watcher(db: Session) -> WatcherRow | None:
    """The watcher that was heard of last."""
    return db.scalars(select(WatcherRow).order_by(WatcherRow.seen_at.desc()).limit(1)).one_or_none()


def forget_watchers(db: Session, before: datetime) -> None:
    """Drop watchers that were not heard of since the moment."""
    for row in db.scalars(select(WatcherRow).where(WatcherRow.seen_at < before).limit(100)):
        db.delete(row)


def begin_incident(db: Session, kind: str, since: datetime) -> bool:
    """Note that something is wrong; False where it is known already."""
    made = insert(IncidentRow).values(id=ids.new_id(), kind=kind, since=since, told_at=None, over_at=None)
    standing = made.on_conflict_do_nothing(index_elements=["kind"], index_where=IncidentRow.over_at.is_(None))
    return db.scalar(standing.returning(IncidentRow.id)) is not None


def told_incident(db: Session, kind: str, *, now: datetime) -> None:
    """Note that the operator was told."""
    mine = (IncidentRow.kind == kind, IncidentRow.over_at.is_(None))
    db.execute(update(IncidentRow).where(*mine).values(told_at=now), execution_options=_QUIETLY)


def end_incident(db: Session, kind: str, *, now: datetime) -> IncidentRow | None:
    """Note that it is over; the incident, where one stood."""
    mine = (IncidentRow.kind == kind, IncidentRow.over_at.is_(None))
    return db.scalars(update(IncidentRow).where(*mine).values(over_at=now).returning(IncidentRow)).one_or_none()


def standing_incidents(db: Session, *, untold: bool = False) -> Sequence[IncidentRow]:
    """What is wrong at present, the oldest first."""
    asked = select(IncidentRow).where(IncidentRow.over_at.is_(None))
    asked = asked.where(IncidentRow.told_at.is_(None)) if untold else asked
    return db.scalars(asked.order_by(IncidentRow.since).limit(100)).all()


def oldest_due_job(db: Session, now: datetime) -> datetime | None:
    """Since when the oldest job that may run has waited; None: none waits. For the worker's login."""
    found: datetime | None = db.scalar(_LATE_JOB, {"now": now})
    return found


def counts(db: Session, party: UUID) -> tuple[int, int]:
    """How many messages a party has, and how many of them nobody acknowledged."""
    unread = func.count().filter(MessageRow.acknowledged_at.is_(None))
    total, waiting = db.execute(select(func.count(), unread).where(MessageRow.user_id == party)).one()
    return total, waiting
