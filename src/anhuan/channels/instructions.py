"""Instructions as they stand: found by party and key, as values, and what is known of them as an answer."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy.orm import Session

from anhuan.channels import limits, store, wire
from anhuan.channels.model import (
    Answer,
    Capabilities,
    Event,
    EventKind,
    Instruction,
    Rejected,
    Settled,
    State,
    Unknown,
    UnknownInstruction,
    Why,
)
from anhuan.channels.tables import EventRow, InstructionRow
from anhuan.kit import vault


def find(db: Session, user_id: UUID, key: UUID) -> Instruction:
    """One instruction of a party; refuses one that is nobody's or somebody else's."""
    return as_instruction(_row(db, user_id, key))


def to_ask(db: Session, user_id: UUID, key: UUID) -> Instruction | None:
    """An instruction that its channel can be asked about; None where nothing was sent, or only evidence tells."""
    row = _row(db, user_id, key)
    asked = row.sent_at is not None and row.stopped_at is None and record_of(row).asks
    return as_instruction(row) if asked else None


def state_of(db: Session, user_id: UUID, key: UUID) -> State:
    """Where a party's instruction stands."""
    return State(_row(db, user_id, key).state)


def known(db: Session, user_id: UUID, key: UUID) -> Answer:
    """What is known of a party's instruction, without asking anybody."""
    return known_of(db, _row(db, user_id, key))


def used_of_many(db: Session, parties: Collection[UUID], *, now: datetime) -> dict[UUID, dict[str, limits.Used]]:
    """What these parties have made of each channel's day and month already; channels they never used are left out."""
    found: dict[UUID, dict[str, limits.Used]] = {party: {} for party in parties}
    for (party, channel), sent in store.all_sent_since(db, parties, limits.month_began(now)).items():
        found[party][channel] = limits.used(sent, now)
    return found


def held(db: Session, keys: Sequence[store.Key]) -> list[InstructionRow]:
    """Their rows in the same order, held until the commit; refuses where one of them is nobody's."""
    found = store.held(db, keys)
    if len(found) < len(set(keys)):
        raise UnknownInstruction("没有这笔付款指令。", field="key")
    return [found[key] for key in keys]


def known_of(db: Session, row: InstructionRow) -> Answer:
    """What is known of an instruction, as an answer."""
    return all_known_of(db, [row])[0]


def all_known_of(db: Session, rows: Sequence[InstructionRow]) -> list[Answer]:
    """The same for many."""
    events = store.events_of(db, [(row.user_id, row.key) for row in rows if row.state == State.SUCCESS])
    return [known_by(row, events.get((row.user_id, row.key), ())) for row in rows]


def known_by(row: InstructionRow, events: Sequence[EventRow]) -> Answer:
    """The same by what came back of it, as it happened."""
    match State(row.state):
        case State.SUCCESS:
            last = events[-1] if events else None
            event = Event(EventKind(last.kind), last.happened_at, last.amount_minor, last.reason) if last else None
            return Settled(
                row.reference or "", row.taken_at or row.final_at or row.made_at, row.amount_minor,
                row.fee_kept_minor or 0, event,
            )  # fmt: skip
        case State.FAILED:
            return Rejected(row.final_code or "", row.no_message or "", row.resets_at, row.missing_minor)
        case State.ACCEPTED:
            return Unknown(Why.ACCEPTED, row.next_ask_at)
        case State.PROCESSING:
            return Unknown(Why.PROCESSING, row.next_ask_at)
        case _:
            return Unknown(Why(row.why) if row.why else Why.NO_ANSWER, row.next_ask_at)


def as_instruction(row: InstructionRow) -> Instruction:
    """The instruction as a value."""
    return Instruction(
        key=row.key, order_id=row.order_id, part=row.part, attempt=row.attempt, channel=row.channel,
        funding_ref=row.funding_ref, card_ref=row.card_ref, amount=row.amount_minor, currency=row.currency,
        expires_at=row.expires_at, body=row.body, sent_at=row.sent_at, bank=row.bank, funding_kind=row.funding_kind,
        service_fee=wire.service_fee_of(row.body) or 0,
    )  # fmt: skip


def record_of(row: InstructionRow) -> Capabilities:
    """What the channel promised on the day on which this instruction was made."""
    return msgspec.convert(row.record, Capabilities)


def card_key(user_id: UUID, card_ref: str) -> bytes:
    """By what a card is found again without being told."""
    return vault.keyed_hash("channels.card", card_ref, party=user_id)


def _row(db: Session, user_id: UUID, key: UUID) -> InstructionRow:
    row = store.instruction(db, user_id, key)
    if row is None:
        raise UnknownInstruction("没有这笔付款指令。", field="key")
    return row
