"""Looking for the proof: what a bank shows on the card about our key, where its connector can show it.

The same three steps as handing over: a short transaction that decides, the call outside any transaction with what was
seen kept before it is read, a short transaction that records. A posting of this key is evidence, a posting that the
bank withdraws puts it in doubt, a corrected one proves it anew; an amount alone proves nothing.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from anhuan.channels import capabilities, delivery, evidence, instructions, store, wire
from anhuan.channels.evidence import Proof
from anhuan.channels.evidence_rules import Arrival, Kind
from anhuan.channels.model import Booked, Instruction, ShowsPostings, State, UnknownInstruction
from anhuan.channels.service import WORKER
from anhuan.channels.tables import InstructionRow
from anhuan.identity import purposes
from anhuan.identity.consent_words import Duty
from anhuan.kit import clock, jobs
from anhuan.kit.errors import Unavailable

VERB: Final = "postings"
GIVES: Final = ("payment", "corrected")
TAKES_BACK: Final = "withdrawn"
WITHDRAWN_BY_BANK: Final = "银行撤回了这笔入账"

log = structlog.get_logger(__name__)


def look(party: UUID, key: UUID, *, now: delivery.Now = clock.now) -> Arrival:
    """Look once at what the bank booked on the card, and take what it shows as evidence; twice is once."""
    with _transaction(party, now()) as db:
        instruction = _to_look(db, party, key, now())
    booked = None if instruction is None else _called(party, instruction, now)
    with _transaction(party, now()) as db:
        row = _held(db, party, key, lock=True)
        if booked is not None:
            _take_in(db, row, booked, now())
            row = _held(db, party, key, lock=True)
        row.looks += 1
        arrival = evidence.of(db, party, key)
        row.next_look_at = None if instruction is None else _next_look(row, arrival.arrival, arrival.on, now())
        return arrival.arrival


def pause(age: timedelta, table: Sequence[Sequence[int]]) -> timedelta:
    """How long to wait before the next look at something of this age, in steps of (seconds of age, seconds between)."""
    seconds = age.total_seconds()
    every = next((every for upto, every in table if upto == 0 or seconds < upto), table[-1][1])
    return timedelta(seconds=every)


def _to_look(db: Session, party: UUID, key: UUID, now: datetime) -> Instruction | None:
    """The instruction whose card is to be looked at; None where its end leaves nothing to prove, or nobody can show."""
    row = _held(db, party, key)
    over = row.state == State.FAILED or not row.stands or row.sent_at is None
    if over or not isinstance(delivery.connector_of(instructions.as_instruction(row), now), ShowsPostings):
        return None
    return instructions.as_instruction(row)


def _called(party: UUID, instruction: Instruction, now: delivery.Now) -> Sequence[Booked] | None:
    """The one call, outside any transaction; None where nothing whole was heard."""
    connector = delivery.connector_of(instruction, now())
    assert isinstance(connector, ShowsPostings)
    assert instruction.sent_at is not None
    since = _day(instruction.sent_at) - timedelta(days=1)
    with delivery.watched(delivery.Call(party, instruction, VERB, now)) as call:
        try:
            booked = connector.postings(instruction.card_ref, since=since)
        except Unavailable as error:
            log.warning("a channel did not show a card", channel=instruction.channel, code=error.code)
            return None
        except Exception:
            log.exception("a connector failed", channel=instruction.channel)
            return None
        if not call.kept:
            said = [[one.number, one.posted_on, one.kind, one.amount, one.key, one.reference] for one in booked]
            delivery.keep(call, 0, wire.canonical([[str(part) for part in one] for one in said]))
    return booked


def _take_in(db: Session, row: InstructionRow, booked: Sequence[Booked], now: datetime) -> None:
    mine = sorted((one for one in booked if _is_of(one, row)), key=lambda one: one.number)
    before = len(store.evidence(db, row.user_id, row.key))
    for place, one in enumerate(mine):
        if one.kind in GIVES and one.amount > 0:
            told = Proof(Kind.BANK_FILE, _source(row, one), one.posted_on, one.at, one.amount, note=one.text[:200])
            evidence.give(db, WORKER, row.user_id, row.key, told, now=now)
        elif one.kind == TAKES_BACK:
            given = [other for other in mine[:place] if other.kind in GIVES]
            _take_back(db, row, given[-1:], now)
    if len(store.evidence(db, row.user_id, row.key)) > before:
        evidence.weigh(db, row.user_id, row.key, now=now)


def _take_back(db: Session, row: InstructionRow, given: Sequence[Booked], now: datetime) -> None:
    """The bank took this posting back: it proves nothing any more, nor does a bill that shows the same day's."""
    for one in given:
        standing = evidence.standing_proofs(store.evidence(db, row.user_id, row.key))
        own = [proof for proof in standing if (proof.kind, proof.source) == (Kind.BANK_FILE, _source(row, one))]
        printed = [proof for proof in standing if (proof.kind, proof.posted_on) == (Kind.STATEMENT, one.posted_on)]
        for proof in (*own, *printed) if own else ():
            evidence.doubt(db, WORKER, row.user_id, row.key, proof.id, reason=WITHDRAWN_BY_BANK, now=now)


def _is_of(one: Booked, row: InstructionRow) -> bool:
    """Whether a posting carries this instruction's key, or without any key the channel's own number of it."""
    if one.key is not None:
        return one.key == row.key
    return bool(row.reference) and one.reference == row.reference


def _source(row: InstructionRow, one: Booked) -> str:
    return f"{row.channel} posting {one.number} of {one.posted_on.isoformat()}"


def _next_look(row: InstructionRow, arrival: Arrival, on: date | None, now: datetime) -> datetime | None:
    """Fast at first, then hourly, then daily, until it is proved; then ever more rarely, while it may be taken back."""
    assert row.sent_at is not None
    table = capabilities.number("proof_looks", on=_day(now), channel=row.channel)
    if row.state == State.FAILED or not row.stands:
        return None
    if arrival is Arrival.ARRIVED and on is not None:
        steps = capabilities.number("withdrawal_looks", on=_day(now), channel=row.channel)
        after = next((days for days in steps if on + timedelta(days=days) > _day(now)), None)
        return None if after is None else now + timedelta(days=(on - _day(now)).days + after)
    days = capabilities.number("proof_days", on=_day(now), channel=row.channel)
    age = now - max(row.sent_at, row.taken_at or row.sent_at)
    return now + pause(age, table) if now < row.sent_at + timedelta(days=days) else None


def _held(db: Session, party: UUID, key: UUID, *, lock: bool = False) -> InstructionRow:
    row = store.instruction(db, party, key, lock=lock)
    if row is None:
        raise UnknownInstruction("没有这笔付款指令。", field="key")
    return row


def _day(now: datetime) -> date:
    return now.astimezone(clock.CHINA).date()


@contextmanager
def _transaction(party: UUID, now: datetime) -> Iterator[Session]:
    """A short transaction of the worker, in which this party's rows are open."""
    with jobs.transaction() as db:
        purposes.open_for(db, party, Duty.OWN_REQUEST, actor=WORKER, now=now)
        yield db
