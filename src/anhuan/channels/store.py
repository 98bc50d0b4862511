"""Every question that room channels asks about parties' rows: instructions, messages, events, evidence, stops."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from anhuan.channels.tables import (
    CardStopRow,
    ClearingRow,
    ContradictionRow,
    EventRow,
    EvidenceRow,
    InstructionRow,
    MessageRow,
)

Key = tuple[UUID, UUID]  # party and instruction
Part = tuple[UUID, UUID, int]  # party, order and part
_PARTS = text(
    "SELECT pg_advisory_xact_lock(hashtextextended('channels ' || part, 0)) FROM unnest(CAST(:parts AS text[])) AS part"
)


Noted = TypeVar("Noted", ContradictionRow, EventRow, EvidenceRow)


@dataclass(frozen=True, slots=True)
class Payment:
    """What limits count of an instruction: when it was made, fen, to which card."""

    made_at: datetime
    amount_minor: int
    card_ref: str


def lock_parts(db: Session, parts: Iterable[Part]) -> None:
    """Let one transaction at a time decide about these parts of orders; always in one order."""
    db.execute(_PARTS, {"parts": sorted(f"{user} {order} {part}" for user, order, part in parts)})


def instruction(db: Session, user_id: UUID, key: UUID, *, lock: bool = False) -> InstructionRow | None:
    """One instruction of a party; with `lock` nobody else changes it until the transaction ends."""
    asked = select(InstructionRow).where(InstructionRow.user_id == user_id, InstructionRow.key == key)
    if lock:
        asked = asked.with_for_update().execution_options(populate_existing=True)
    return db.scalars(asked).one_or_none()


def held(db: Session, keys: Sequence[Key]) -> dict[Key, InstructionRow]:
    """Several instructions, by (party, key), held for this transaction; taken in one order, whoever asks."""
    asked = select(InstructionRow).where(tuple_(InstructionRow.user_id, InstructionRow.key).in_(keys))
    asked = asked.order_by(InstructionRow.key).with_for_update().execution_options(populate_existing=True)
    return {(row.user_id, row.key): row for row in db.scalars(asked)}


def attempts(db: Session, user_id: UUID, order_id: UUID, part: int) -> Sequence[InstructionRow]:
    """Every attempt at one part of an order, first to last, held for this transaction."""
    one = (user_id, order_id, part)
    return attempts_of(db, [one]).get(one, [])


def attempts_of(db: Session, parts: Sequence[Part]) -> dict[Part, list[InstructionRow]]:
    """The same for several parts that have any."""
    one = InstructionRow
    asked = select(one).where(tuple_(one.user_id, one.order_id, one.part).in_(parts)).order_by(one.key, one.attempt)
    found: dict[Part, list[InstructionRow]] = {}
    for row in db.scalars(asked.with_for_update().execution_options(populate_existing=True)):
        found.setdefault((row.user_id, row.order_id, row.part), []).append(row)
    return {part: sorted(rows, key=lambda row: row.attempt) for part, rows in found.items()}


def of_order(db: Session, user_id: UUID, order_id: UUID) -> Sequence[InstructionRow]:
    """Every instruction of an order, by part and attempt."""
    asked = select(InstructionRow).where(InstructionRow.user_id == user_id, InstructionRow.order_id == order_id)
    return db.scalars(asked.order_by(InstructionRow.part, InstructionRow.attempt)).all()


def owner_of(db: Session, channel: str, key: UUID) -> UUID | None:
    """Whose instruction a channel speaks of; for a transaction of the worker that sees everybody's."""
    asked = select(InstructionRow.user_id).where(InstructionRow.key == key, InstructionRow.channel == channel)
    return db.scalars(asked.limit(1)).one_or_none()


def due(db: Session, before: datetime, *, until: datetime, at_most: int) -> Sequence[tuple[UUID, UUID, str]]:
    """(party, key, channel) of instructions whose question is due, nearest end first, taken until then; for the worker.

    What another round holds at this moment is left to it.
    """
    one = InstructionRow
    asked = (
        select(one)
        .where(one.next_ask_at <= before)
        .order_by(one.expires_at, one.next_ask_at, one.key)
        .limit(at_most)
        .with_for_update(skip_locked=True)
    )
    rows = db.scalars(asked).all()
    for row in rows:
        row.next_ask_at = until
    return [(row.user_id, row.key, row.channel) for row in rows]


def sent_since(
    db: Session, senders: Collection[tuple[UUID, str]], since: datetime
) -> dict[tuple[UUID, str], list[Payment]]:  # fmt: skip
    """What each (party, channel) has sent since a moment and what may have been taken, oldest first; some thousand."""
    mine = tuple_(InstructionRow.user_id, InstructionRow.channel).in_(list(senders))
    return {sender: [] for sender in senders} | _sent(db, mine, since, 1000 * len(senders))


def all_sent_since(
    db: Session, parties: Collection[UUID], since: datetime
) -> dict[tuple[UUID, str], list[Payment]]:  # fmt: skip
    """The same of these parties by every channel that they used."""
    return _sent(db, InstructionRow.user_id.in_(list(parties)), since, 5000 * len(parties))


def contradictions(db: Session, user_id: UUID, keys: Sequence[UUID]) -> Sequence[ContradictionRow]:
    """Contradictions about these instructions that nobody has cleared."""
    asked = select(ContradictionRow).where(
        ContradictionRow.user_id == user_id, ContradictionRow.key.in_(keys), ContradictionRow.cleared_at.is_(None)
    )
    return db.scalars(asked.order_by(ContradictionRow.seen_at)).all()


def contradictions_of(db: Session, keys: Sequence[Key]) -> dict[Key, list[ContradictionRow]]:
    """The same for instructions of several parties that have any, by (party, key)."""
    one = ContradictionRow
    asked = select(one).where(tuple_(one.user_id, one.key).in_(keys), one.cleared_at.is_(None))
    return _by_key(db.scalars(asked.order_by(one.seen_at))) if keys else {}


def contradiction(db: Session, user_id: UUID, number: UUID, *, lock: bool = True) -> ContradictionRow | None:
    """One contradiction of a party, held for this transaction; the desk's login can hold one that stands open."""
    asked = select(ContradictionRow).where(ContradictionRow.user_id == user_id, ContradictionRow.id == number)
    return db.scalars(asked.with_for_update() if lock else asked).one_or_none()


def clearings(db: Session, user_id: UUID, contradiction: UUID) -> Sequence[ClearingRow]:
    """What people said about clearing a contradiction, first to last."""
    asked = select(ClearingRow).where(ClearingRow.user_id == user_id, ClearingRow.contradiction_id == contradiction)
    return db.scalars(asked.order_by(ClearingRow.said_at, ClearingRow.id)).all()


def events(db: Session, user_id: UUID, key: UUID) -> Sequence[EventRow]:
    """Returns and reversals of an instruction, as they happened."""
    asked = select(EventRow).where(EventRow.user_id == user_id, EventRow.key == key)
    return db.scalars(asked.order_by(EventRow.happened_at, EventRow.id)).all()


def events_of(db: Session, keys: Sequence[Key]) -> dict[Key, list[EventRow]]:
    """The same for several instructions that have any, by (party, key)."""
    asked = select(EventRow).where(tuple_(EventRow.user_id, EventRow.key).in_(keys))
    return _by_key(db.scalars(asked.order_by(EventRow.happened_at, EventRow.id))) if keys else {}


def messages(db: Session, user_id: UUID, key: UUID, *, at_most: int = 200) -> Sequence[MessageRow]:
    """What the outside world said about an instruction, first to last."""
    asked = select(MessageRow).where(MessageRow.user_id == user_id, MessageRow.key == key)
    return db.scalars(asked.order_by(MessageRow.seen_at, MessageRow.id).limit(at_most)).all()


def last_message(db: Session, user_id: UUID, key: UUID, verb: str) -> MessageRow | None:
    """What was heard last when this was asked about an instruction."""
    asked = select(MessageRow).where(MessageRow.user_id == user_id, MessageRow.key == key, MessageRow.verb == verb)
    return db.scalars(asked.order_by(MessageRow.seen_at.desc(), MessageRow.id.desc()).limit(1)).one_or_none()


def verdict(db: Session, user_id: UUID, key: UUID) -> str | None:
    """What two people last found out about the money of an instruction, where a contradiction asked for that."""
    confirmed = (ClearingRow.kind == "confirmed") & ClearingRow.verdict.is_not(None)
    asked = (
        select(ClearingRow.verdict)
        .join(ContradictionRow, (ContradictionRow.user_id == ClearingRow.user_id)
              & (ContradictionRow.id == ClearingRow.contradiction_id))
        .where(ContradictionRow.user_id == user_id, ContradictionRow.key == key,
               ContradictionRow.cleared_at.is_not(None), confirmed)
        .order_by(ClearingRow.said_at.desc(), ClearingRow.id.desc())
    )  # fmt: skip
    return db.scalars(asked.limit(1)).one_or_none()


def unproved(db: Session, before: datetime, *, until: datetime, at_most: int) -> Sequence[tuple[UUID, UUID]]:
    """(party, key) of instructions whose card is to be looked at, longest waiting first, taken until then."""
    one = InstructionRow
    asked = select(one).where(one.next_look_at <= before).order_by(one.next_look_at, one.key).limit(at_most)
    rows = db.scalars(asked.with_for_update(skip_locked=True)).all()
    for row in rows:
        row.next_look_at = until
    return [(row.user_id, row.key) for row in rows]


def evidence(db: Session, user_id: UUID, key: UUID) -> Sequence[EvidenceRow]:
    """Every proof, word and doubt about an instruction, first to last."""
    asked = select(EvidenceRow).where(EvidenceRow.user_id == user_id, EvidenceRow.key == key)
    return db.scalars(asked.order_by(EvidenceRow.given_at, EvidenceRow.id)).all()


def evidence_of(db: Session, keys: Sequence[Key]) -> dict[Key, list[EvidenceRow]]:
    """The same of several instructions that have any, by (party, key)."""
    asked = select(EvidenceRow).where(tuple_(EvidenceRow.user_id, EvidenceRow.key).in_(keys))
    return _by_key(db.scalars(asked.order_by(EvidenceRow.given_at, EvidenceRow.id))) if keys else {}


def evidence_for(db: Session, user_id: UUID, key: UUID, kind: str, source_key: bytes) -> EvidenceRow | None:
    """The proof that was taken in from this source before, or None."""
    asked = select(EvidenceRow).where(
        EvidenceRow.user_id == user_id,
        EvidenceRow.key == key,
        EvidenceRow.kind == kind,
        EvidenceRow.source_key == source_key,
    )
    return db.scalars(asked).one_or_none()


def card_stops(
    db: Session, cards: Collection[tuple[UUID, str, bytes]], now: datetime
) -> dict[tuple[UUID, str, bytes], datetime]:  # fmt: skip
    """Until when each of these cards, as (party, channel, card), is stopped; those that no stop holds are missing."""
    one = CardStopRow
    asked = select(one.user_id, one.channel, one.card_key, one.until_at).where(
        tuple_(one.user_id, one.channel, one.card_key).in_(list(cards)), one.until_at > now
    )
    return {(row[0], row[1], row[2]): row[3] for row in db.execute(asked)} if cards else {}


def stop(db: Session, row: dict[str, Any]) -> None:
    """Stop a card at a channel, or longer than before."""
    made = insert(CardStopRow).values(**row)
    db.execute(
        made.on_conflict_do_update(
            index_elements=["user_id", "channel", "card_key"],
            set_={"code": made.excluded.code, "since_at": made.excluded.since_at, "until_at": made.excluded.until_at},
        )
    )


def counts(db: Session) -> Sequence[tuple[str, str, int, datetime]]:
    """(channel, state, how many, since when) of instructions without a final answer, of all parties together."""
    asked = text("SELECT channel, state, count, oldest_at FROM anhuan_channel_counts()")
    return [tuple(row) for row in db.execute(asked).all()]


def open_contradictions(
    db: Session,
) -> Sequence[tuple[UUID, UUID, UUID, str, str, datetime, UUID | None, datetime | None]]:
    """(party, number, key, channel, kind, heard at, who asked to clear it, since when), oldest first."""
    asked = text(
        "SELECT party, id, key, channel, kind, seen_at, asked_by, asked_at FROM anhuan_channel_contradictions()"
    )
    return [tuple(row) for row in db.execute(asked).all()]


def samples(db: Session, since: datetime, *, after: tuple[UUID, UUID] | None, at_most: int) -> Sequence[Any]:
    """What arrivals are learned from, all parties' by key: what was sent, and the first day bank data show it."""
    proof = (
        select(
            EvidenceRow.user_id,
            EvidenceRow.key,
            func.min(EvidenceRow.posted_on).label("posted_on"),
            func.min(EvidenceRow.posted_at).label("posted_at"),
        )
        .where(EvidenceRow.kind.in_(("statement", "bank_file")))
        .group_by(EvidenceRow.user_id, EvidenceRow.key)
        .subquery()
    )
    one = InstructionRow
    asked = (
        select(one.user_id, one.key, one.channel, one.bank, one.funding_kind, one.card_key, one.sent_at,
               proof.c.posted_on, proof.c.posted_at)
        .outerjoin(proof, (proof.c.user_id == one.user_id) & (proof.c.key == one.key))
        .where(one.sent_at >= since, one.stands)
    )  # fmt: skip
    if after is not None:
        asked = asked.where((one.user_id > after[0]) | ((one.user_id == after[0]) & (one.key > after[1])))
    return db.execute(asked.order_by(one.user_id, one.key).limit(at_most)).all()


def _by_key(rows: Iterable[Noted]) -> dict[Key, list[Noted]]:
    found: dict[Key, list[Noted]] = {}
    for row in rows:
        found.setdefault((row.user_id, row.key), []).append(row)
    return found


def _sent(
    db: Session, mine: ColumnElement[bool], since: datetime, at_most: int
) -> dict[tuple[UUID, str], list[Payment]]:  # fmt: skip
    one, found = InstructionRow, dict[tuple[UUID, str], list[Payment]]()
    asked = select(one.user_id, one.channel, one.made_at, one.amount_minor, one.card_ref).where(
        mine, one.made_at >= since, one.stands
    )
    for user_id, channel, made_at, fen, card_ref in db.execute(asked.order_by(one.made_at).limit(at_most)):
        found.setdefault((user_id, channel), []).append(Payment(made_at, fen, card_ref))
    return found
