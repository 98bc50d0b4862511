"""The acts on instructions, each inside the caller's transaction: prepare, take up, record an answer, withdraw.

The order is the safety: the bytes are computed once, `sent_at` is written and committed before the first call,
what the channel said is stored before it is acted on, and a part of an order has one instruction that stands.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from itertools import groupby
from typing import TypeVar
from uuid import UUID

import msgspec
from sqlalchemy.orm import Session

from anhuan.channels import (
    above,
    breaker,
    capabilities,
    instructions,
    limits,
    register,
    registry,
    rules,
    store,
    store_house,
    wire,
)
from anhuan.channels.gate import Card, Gate
from anhuan.channels.model import (
    EXPIRED,
    NOT_PAID,
    WITHDRAWN,
    Answer,
    Ask,
    Barred,
    BreakerOpen,
    Capabilities,
    CardStopped,
    Event,
    EventKind,
    Instruction,
    NotLive,
    OtherBody,
    Rejected,
    Settled,
    State,
    StillOpen,
    Unfit,
    Unknown,
    Why,
    is_silent,
)
from anhuan.channels.tables import ContradictionRow, EventRow, InstructionRow
from anhuan.kit import audit, clock, ids, vault
from anhuan.kit.actors import Actor, ActorKind
from anhuan.kit.errors import Refused

T = TypeVar("T")
WORKER = Actor(ActorKind.WORKER)


class Step(Enum):
    """What is to be done with an instruction now."""

    SEND = "send"  # `sent_at` has just been written: the bytes may go out, once
    ASK = "ask"  # somebody was here before: first the question
    NOTHING = "nothing"  # it has its answer, or must wait


@dataclass(frozen=True, slots=True)
class Next:
    """An instruction with what is to be done, and what is known of it as an answer."""

    step: Step
    instruction: Instruction
    record: Capabilities
    known: Answer


def prepare(
    db: Session, user_id: UUID, ask: Ask, *, now: datetime, ask_at: datetime | None = None
) -> Instruction:  # fmt: skip
    """Make one instruction, its bytes and its key, or give back the one that was made for this attempt before.

    Nothing is sent here; where nobody sends it, the round takes it up from `ask_at` on (else when it expires). Refused:
    `NotLive`, `Unfit`, `StillOpen`, `Barred`, `CardStopped`; not now: `BreakerOpen`.
    """
    return _only(prepare_many(db, [(user_id, ask)], now=now, ask_at=ask_at))


def prepare_many(
    db: Session, asks: Sequence[tuple[UUID, Ask]], *, now: datetime, ask_at: datetime | None = None
) -> list[Instruction | Refused | BreakerOpen]:  # fmt: skip
    """The same for many, each as (party, ask): what is refused stands in its place and leaves nothing."""
    if not asks:
        return []
    parts = [(user_id, ask.order_id, ask.part) for user_id, ask in asks]
    store.lock_parts(db, parts)
    earlier = store.attempts_of(db, parts)
    sent = store.sent_since(db, {(user_id, ask.channel) for user_id, ask in asks}, limits.month_began(now))
    gate = Gate(db, [_card(user_id, ask) for user_id, ask in asks], now)
    made: list[Instruction | Refused | BreakerOpen] = []
    for part, (user_id, ask) in zip(parts, asks, strict=True):
        before, payments = earlier.setdefault(part, []), sent[user_id, ask.channel]
        try:
            row = _row_of(db, user_id, ask, before, payments, gate, now)
        except (Refused, BreakerOpen) as no:
            made.append(no)
            continue
        if row not in before:
            row.next_ask_at = ask_at or row.next_ask_at
            before.append(row)
            payments.append(store.Payment(row.made_at, row.amount_minor, row.card_ref))
            db.add(row)
        made.append(instructions.as_instruction(row))
    db.flush()
    return made


def take_up(db: Session, user_id: UUID, key: UUID, *, now: datetime) -> Next:
    """Decide what to do with an instruction, and write `sent_at` where it is to be sent for the first time.

    Refuses with `NotLive` what was never sent and may not be sent today, raises `OtherBody` for one that was stopped.
    """
    return _only(take_up_many(db, [(user_id, key)], now=now))


def take_up_many(db: Session, keys: Sequence[store.Key], *, now: datetime) -> list[Next | NotLive | OtherBody]:
    """The same for many, each as (party, key): what is refused stands in its place and changes nothing."""
    rows = instructions.held(db, keys)
    fresh = [row for row in rows if row.sent_at is None and not rules.is_final(State(row.state))]
    gate = Gate(db, [_card_of(row) for row in fresh], now)
    waits = above.not_before(db, [(row.user_id, row.key) for row in fresh], now)
    steps: list[Step | NotLive | OtherBody] = []
    for row in rows:
        try:
            steps.append(_step(row, gate, waits.get((row.user_id, row.key)), now))
        except (NotLive, OtherBody) as no:
            steps.append(no)
    db.flush()
    refused = {row.key for row, step in zip(rows, steps, strict=True) if not isinstance(step, Step)}
    above.tell_many(db, [(row.user_id, row.key) for row in fresh if row.key not in refused], now)
    known = instructions.all_known_of(db, rows)
    return [
        Next(step, instructions.as_instruction(row), instructions.record_of(row), answer)
        if isinstance(step, Step) else step
        for row, step, answer in zip(rows, steps, known, strict=True)
    ]  # fmt: skip


def claim_again(db: Session, user_id: UUID, key: UUID, *, now: datetime) -> Instruction | None:
    """Let the same bytes go out once more after the channel did not know the key; None where that is not allowed.

    The row is held, so of two workers that heard "not found" only one sends where the channel promises nothing.
    """
    (row,) = instructions.held(db, [(user_id, key)])
    record = instructions.record_of(row)
    if State(row.state) not in (State.CREATED, State.UNKNOWN) or row.stopped_at is not None:
        return None
    if now >= row.expires_at or not rules.may_send_again(record, untaken=row.untaken):
        return None
    if not register.is_live(db, record, _day(now)) or _not_before(db, row, record, now) is not None:
        return None
    # Where the channel said that it took nothing, waiting for "not found" to be final would turn a pause into a no.
    if not row.untaken and rules.not_found_is_final(record, sent_at=row.last_sent_at, now=now):
        return None
    _going_out(row, now)
    db.flush()
    return instructions.as_instruction(row)


def note(db: Session, user_id: UUID, key: UUID, answer: Answer, *, now: datetime, asked: bool) -> Answer:
    """Record what the channel said and return what is known now; an answer that adds nothing changes nothing."""
    return note_many(db, [(user_id, key, answer)], now=now, asked=asked)[0]


def note_many(
    db: Session, answers: Sequence[tuple[UUID, UUID, Answer]], *, now: datetime, asked: bool
) -> list[Answer]:  # fmt: skip
    """The same for many, each as (party, key, answer)."""
    keys = [(user_id, key) for user_id, key, _ in answers]
    rows = instructions.held(db, keys)
    for row, (_, _, answer) in zip(rows, answers, strict=True):
        _noted(db, row, answer, now=now, asked=asked)
    for channel in dict.fromkeys(row.channel for row in rows):
        said = [is_silent(answer) for row, (_, _, answer) in zip(rows, answers, strict=True) if row.channel == channel]
        for silent, same in groupby(said):
            for _ in same if silent else (silent,):  # a good answer closes the breaker; a second one adds nothing
                breaker.note(db, channel, good=not silent, why="no_answer", now=now, on=_day(now))
    db.flush()
    above.tell_many(db, keys, now)
    return instructions.all_known_of(db, rows)


def conclude(db: Session, row: InstructionRow, *, paid: bool, now: datetime) -> None:
    """End an instruction as two people found out; one that said it was paid and was not has come back."""
    state = State(row.state)
    if not rules.is_final(state):
        row.state = State.SUCCESS if paid else State.FAILED
        row.final_at, row.asks, row.why, row.next_ask_at = now, 0, None, None
        if paid:
            row.taken_at, row.next_look_at = row.sent_at, now
        else:
            row.final_code, row.stands = NOT_PAID, False
    elif state is State.SUCCESS and not paid and row.stands:
        _keep_event(db, row, Event(EventKind.REVERSED, now, row.amount_minor, NOT_PAID), now)
    db.flush()


def stopped(db: Session, user_id: UUID, key: UUID, *, now: datetime) -> None:
    """Stop an instruction that the channel knows with another body: nothing is sent or asked, somebody is woken."""
    (row,) = instructions.held(db, [(user_id, key)])
    if row.stopped_at is None:
        row.stopped_at, row.next_ask_at, row.next_look_at = now, None, now
        audit.write(db, WORKER, "channel.stopped", f"instruction:{key}", {"channel": row.channel}, now=now)
        contradict(db, row, "other_body", "the channel knows this key with another body", now=now)
    db.flush()
    above.tell(db, user_id, key, now)


def withdraw(db: Session, user_id: UUID, key: UUID, *, now: datetime) -> Answer:
    """Take back an instruction that was never sent; one that was is followed to its end, and told as it stands."""
    (row,) = instructions.held(db, [(user_id, key)])
    if row.sent_at is None and not rules.is_final(State(row.state)):
        _end(row, WITHDRAWN, now)
        db.flush()
        above.tell(db, user_id, key, now)
    return instructions.known_of(db, row)


def contradict(db: Session, row: InstructionRow, kind: str, said: str, *, now: datetime) -> None:
    """Open a recorded contradiction, once for each kind; it bars a new attempt until somebody has cleared it."""
    if any(one.kind == kind for one in store.contradictions(db, row.user_id, [row.key])):
        return
    db.add(
        ContradictionRow(
            user_id=row.user_id, id=ids.new_id(), key=row.key, kind=kind, state=row.state, said=said, seen_at=now
        )
    )
    db.flush()
    facts = {"kind": kind, "channel": row.channel, "state": row.state}
    audit.write(db, WORKER, "channel.contradiction", f"instruction:{row.key}", facts, now=now)


def held_until(db: Session, user_id: UUID, key: UUID, *, now: datetime) -> datetime | None:
    """Until when an instruction that nobody has sent would wait if it were taken up now; None where it would go out."""
    row = store.instruction(db, user_id, key)
    if row is None or row.sent_at is not None or rules.is_final(State(row.state)):
        return None
    return _not_before(db, row, instructions.record_of(row), now)


def _next_attempt(db: Session, user_id: UUID, rows: Sequence[InstructionRow], ask: Ask) -> None:
    if ask.attempt != len(rows) + 1:
        raise StillOpen(f"下一次付款是第 {len(rows) + 1} 次。", field="attempt")
    if rows and store.contradictions(db, user_id, [row.key for row in rows]):
        raise Barred("银行对这一笔的说法前后矛盾，核实之前不能再付。", field="attempt")
    if any(row.stands for row in rows):
        raise StillOpen("上一次付款没有最终结果，或已经成功。", field="attempt")


def _row_of(
    db: Session, user_id: UUID, ask: Ask, earlier: Sequence[InstructionRow], sent: Sequence[store.Payment],
    gate: Gate, now: datetime,
) -> InstructionRow:  # fmt: skip
    """The row of this attempt: the one that was made before, or a new one."""
    for row in earlier:
        if row.attempt == ask.attempt:
            if not wire.same(ask, instructions.as_instruction(row)):
                raise StillOpen("这一次付款已经有指令，内容不同。", field="attempt")
            return row
    _next_attempt(db, user_id, earlier, ask)
    record = gate.record(ask.channel, ask.bank)
    gate.require_live(record)
    limits.check(ask, record, limits.used(sent, now))
    if gate.card_stopped_until(_card(user_id, ask)) is not None:
        raise CardStopped("发卡行说这张卡目前不能收款，请联系发卡行。", field="card_ref")
    if (until := gate.breaker_until(ask.channel)) is not None:
        raise BreakerOpen(f"渠道 {ask.channel} 连续出错，暂停到 {until.astimezone(clock.CHINA):%H:%M}。", until=until)
    return _made(user_id, ask, record, now=now)


def _made(user_id: UUID, ask: Ask, record: Capabilities, *, now: datetime) -> InstructionRow:
    hours = capabilities.number("instruction_hours", on=_day(now), channel=ask.channel)
    expires_at = ask.expires_at or now + timedelta(hours=hours)
    if expires_at <= now:
        raise Unfit("这笔指令的期限已经过去。", field="expires_at")
    key = ids.derive(ask.order_id, f"channel {ask.part} {ask.attempt}")
    plain = Instruction(
        key, ask.order_id, ask.part, ask.attempt, ask.channel, ask.funding_ref, ask.card_ref, ask.amount,
        ask.currency, expires_at, b"", None, ask.bank, ask.funding_kind, ask.service_fee,
    )  # fmt: skip
    connector = registry.find(capabilities.way(ask.channel, on=_day(now)).connector)
    written = connector.write(plain, ask.name) if isinstance(connector, wire.Writes) else wire.body_of(plain, ask.name)
    return InstructionRow(
        user_id=user_id, key=key, order_id=ask.order_id, part=ask.part, attempt=ask.attempt, channel=ask.channel,
        bank=ask.bank, funding_kind=ask.funding_kind, funding_ref=ask.funding_ref, card_ref=ask.card_ref,
        card_key=instructions.card_key(user_id, ask.card_ref), amount_minor=ask.amount, currency=ask.currency,
        expires_at=expires_at, body=written, body_hash=vault.keyed_hash("channels.body", written), made_at=now,
        state=State.CREATED, stands=True, untaken=False, sends=0, asks=0, next_ask_at=expires_at,
        record=msgspec.to_builtins(record),
    )  # fmt: skip


def _card(user_id: UUID, ask: Ask) -> Card:
    return user_id, ask.channel, instructions.card_key(user_id, ask.card_ref)


def _card_of(row: InstructionRow) -> Card:
    return row.user_id, row.channel, row.card_key


def _not_before(db: Session, row: InstructionRow, record: Capabilities, now: datetime) -> datetime | None:
    """Until when nothing may be sent: what keeps it here and what the room above says; the later of them."""
    card, key = _card_of(row), (row.user_id, row.key)
    return _later(
        Gate(db, [card], now).not_before(record, row.bank, card), above.not_before(db, [key], now).get(key)
    )  # fmt: skip


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((at for at in (one, other) if at is not None), default=None)


def _step(row: InstructionRow, gate: Gate, wait: datetime | None, now: datetime) -> Step:
    """What is to be done with an instruction that is held; `wait`: until when the room above wants it to wait."""
    final = rules.is_final(State(row.state))
    if row.stopped_at is not None and not final:
        raise OtherBody(f"instruction {row.key} was stopped: the channel knows it with another body")
    if final:
        return Step.NOTHING
    if row.sent_at is not None:
        return Step.ASK
    if now >= row.expires_at:
        _end(row, EXPIRED, now)
        return Step.NOTHING
    record = instructions.record_of(row)
    gate.require_live(record)
    if (until := _later(gate.not_before(record, row.bank, _card_of(row)), wait)) is not None:
        row.next_ask_at, row.why = until, Why.BUSY
        return Step.NOTHING
    _going_out(row, now)
    return Step.SEND


def _going_out(row: InstructionRow, now: datetime) -> None:
    """Written and committed before the call: whoever comes after a crash finds it and asks first."""
    if row.body_hash != vault.keyed_hash("channels.body", row.body):
        raise OtherBody(f"the bytes of instruction {row.key} are not those that were made")
    row.sent_at, row.last_sent_at = row.sent_at or now, now
    row.sends, row.why, row.untaken = row.sends + 1, None, False
    row.next_ask_at = now + _first_question(row.channel, now)


def _first_heard(row: InstructionRow) -> bool:
    """Whether the bytes are out, no end is known, and nobody has looked at the card yet."""
    return row.sent_at is not None and not rules.is_final(State(row.state)) and row.next_look_at is None


def _first_question(channel: str, now: datetime) -> timedelta:
    """How long a call may take and be recorded before somebody else asks about it."""
    pauses = capabilities.number("ask_pauses", on=_day(now), channel=channel)
    return timedelta(seconds=capabilities.number("call_seconds", on=_day(now), channel=channel)) + rules.pause(
        0, pauses
    )


def _next_question(row: InstructionRow, record: Capabilities, answer: Answer, now: datetime) -> datetime | None:
    if not record.asks or row.stopped_at is not None or row.state == State.FAILED:
        return None
    on = _day(now)
    if row.state == State.SUCCESS:
        pauses = capabilities.number("return_pauses", on=on, channel=row.channel)
        return now + timedelta(seconds=pauses[row.asks]) if row.asks < len(pauses) and row.stands else None
    told = answer.again_at if isinstance(answer, Unknown) else None
    usual = now + rules.pause(row.asks, capabilities.number("ask_pauses", on=on, channel=row.channel))
    return max(told, now) if told is not None else usual


def _move(row: InstructionRow, change: rules.Change, answer: Answer, now: datetime) -> None:
    assert change.state is not None
    assert rules.may_become(State(row.state), change.state), (row.state, change.state)
    row.state = change.state
    if rules.is_final(change.state):
        row.final_at, row.asks, row.why = now, 0, None
    if change.state is State.FAILED:
        row.final_code, row.stands = change.final_code, False
        if isinstance(answer, Rejected):
            row.resets_at, row.no_message, row.missing_minor = answer.resets_at, answer.message[:500], answer.missing
    if isinstance(answer, Settled):
        row.reference, row.taken_at, row.fee_kept_minor = answer.reference, answer.taken_at, answer.fee_kept
        row.stands = not _all_came_back(row, answer)


def _all_came_back(row: InstructionRow, answer: Settled) -> bool:
    return answer.event is not None and answer.event.amount >= row.amount_minor


def _end(row: InstructionRow, code: str, now: datetime) -> None:
    """A final no of our own, for what was never sent."""
    assert row.sent_at is None
    row.state, row.final_code, row.final_at, row.stands, row.next_ask_at = State.FAILED, code, now, False, None


def _keep_event(db: Session, row: InstructionRow, event: Event, now: datetime) -> None:
    held = store.events(db, row.user_id, row.key)
    if any((one.kind, one.happened_at) == (event.kind, event.at) for one in held):
        return
    db.add(
        EventRow(
            user_id=row.user_id, id=ids.new_id(), key=row.key, kind=event.kind, happened_at=event.at,
            amount_minor=event.amount, reason=event.reason, seen_at=now,
        )
    )  # fmt: skip
    db.flush()
    if row.state == State.SUCCESS and sum(one.amount_minor for one in held) + event.amount >= row.amount_minor:
        row.stands = False


def _noted(db: Session, row: InstructionRow, answer: Answer, *, now: datetime, asked: bool) -> None:
    record = instructions.record_of(row)
    before = rules.Standing(State(row.state), row.amount_minor, row.last_sent_at)
    change = rules.change(before, answer, record=record, now=now)
    if change.contradiction:
        contradict(db, row, change.contradiction, wire.said(answer).decode(), now=now)
    if change.event is not None:
        _keep_event(db, row, change.event, now)
    if change.state is not None:
        _move(row, change, answer, now)
    if asked:
        row.asked_at, row.asks = now, row.asks + 1
    row.next_ask_at = _next_question(row, record, answer, now)
    if record.asks and record.statement_evidence and (change.state is State.SUCCESS or _first_heard(row)):
        row.next_look_at = now  # the card may show it already
    if isinstance(answer, Unknown) and not rules.is_final(State(row.state)):
        row.why = answer.why
        # Said of a question, "busy" tells nothing about the bytes that went out before it.
        row.untaken = row.untaken or (answer.why is Why.BUSY and not asked)
    if isinstance(answer, Rejected):
        _learn(db, row, record, answer.final_code, now)


def _learn(db: Session, row: InstructionRow, record: Capabilities, code: str, now: datetime) -> None:
    """What a final no tells about this card, and where our record of the channel is wrong."""
    on = _day(now)
    breaker.stop_card(db, row.user_id, row.channel, row.card_key, code=code, now=now, on=on)
    if code not in record.final_codes:
        _flag(db, row, "final_codes", ",".join(sorted(record.final_codes)), code, now)
    elif code in capabilities.number("limit_codes", on=on, channel=row.channel):
        ours = f"{record.per_payment_min or ''}..{record.per_payment_max or ''}"
        _flag(db, row, "per_payment", ours, code, now)


def _flag(db: Session, row: InstructionRow, field: str, ours: str, theirs: str, now: datetime) -> None:
    store_house.flag(db, {"channel": row.channel, "bank": row.bank, "field": field, "ours": ours,
                          "theirs": theirs[:200], "seen_at": now})  # fmt: skip


def _only(found: "Sequence[T | Refused | BreakerOpen | OtherBody]") -> T:
    """The one thing that was asked for; raises what stands in its place."""
    (one,) = found
    if isinstance(one, Refused | BreakerOpen | OtherBody):
        raise one
    return one


def _day(now: datetime) -> date:
    return now.astimezone(clock.CHINA).date()
