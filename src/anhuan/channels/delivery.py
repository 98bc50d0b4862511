"""Handing an instruction over, and asking what became of it: the only two places that call a channel about money.

Each is three steps (style.md, rule 10): a short transaction that decides and writes `sent_at`, the call outside any
transaction, a short transaction that records. Killed between any two of them and run again, by this worker or another,
it asks before anything goes out; the same bytes go out again only where the channel promises that they count once.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from anhuan.channels import capabilities, instructions, kept_messages, registry, service, wire
from anhuan.channels.model import (
    Answer,
    Connector,
    Instruction,
    Licence,
    OtherBody,
    Rejected,
    Seen,
    Settled,
    State,
    Unknown,
    Why,
)
from anhuan.channels.service import WORKER, Next, Step
from anhuan.identity import purposes
from anhuan.identity.consent_words import Duty
from anhuan.kit import clock, jobs
from anhuan.kit.errors import Unavailable

Now = Callable[[], datetime]

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Call:
    """The call under way in this thread: whose and about what, and how much of it was already kept."""

    party: UUID
    instruction: Instruction
    verb: str
    now: Now
    kept: int = 0


class _Under(threading.local):
    call: Call | None = None


_under = _Under()


def deliver(party: UUID, key: UUID, *, now: Now = clock.now) -> Answer:
    """Hand an instruction over, or learn what became of it; safe to run twice, at any moment, on any worker.

    Raises `NotLive` for what was never sent and may not be, `OtherBody` where the channel knows the key otherwise.
    """
    with _transaction(party, now()) as db:
        found = service.take_up(db, party, key, now=now())
    return _delivered(party, found, now)


def ask(party: UUID, key: UUID, *, now: Now = clock.now) -> Answer:
    """What became of an instruction; never sends. One that has its end is asked too: a return may have followed."""
    with _transaction(party, now()) as db:
        found = _question(db, party, key)
    return _asked(party, found, now)


def follow(party: UUID, key: UUID, *, now: Now = clock.now) -> Answer:
    """Hand over what was never known to be sent, ask about everything else; raises as `deliver`."""
    with _transaction(party, now()) as db:
        if instructions.state_of(db, party, key) is State.CREATED:
            found: Next | Instruction | Answer = service.take_up(db, party, key, now=now())
        else:
            found = _question(db, party, key)
    return _delivered(party, found, now) if isinstance(found, Next) else _asked(party, found, now)


def tell(db: Session, party: UUID, key: UUID, answer: Answer, *, content: bytes, verb: str, now: datetime) -> Answer:
    """Record what a file or a hand told about an instruction, in the caller's transaction; kept before it counts."""
    instruction = instructions.find(db, party, key)
    kept_messages.keep(db, party, key, channel=instruction.channel, verb=verb, status=0, content=content, now=now)
    return service.note(db, party, key, answer, now=now, asked=False)


def witness(seen: Seen) -> None:
    """Keep what a connector has just seen, in a transaction of its own, before anybody reads it."""
    call = _under.call
    if call is None or seen.key not in (None, call.instruction.key):
        return  # capabilities, health and files are about nobody's instruction; files are kept whole
    keep(call, seen.status, seen.body)


def _delivered(party: UUID, found: Next, now: Now) -> Answer:
    match found.step:
        case Step.NOTHING:
            return found.known
        case Step.SEND:
            return _recorded(party, found.instruction, "pay", now)
        case Step.ASK:
            return _ask_then_send(party, found, now)


def _question(db: Session, party: UUID, key: UUID) -> Instruction | Answer:
    """What its channel can be asked about, or else what is known."""
    return instructions.to_ask(db, party, key) or instructions.known(db, party, key)


def _asked(party: UUID, found: Instruction | Answer, now: Now) -> Answer:
    return _recorded(party, found, "ask", now) if isinstance(found, Instruction) else found


def _ask_then_send(party: UUID, found: Next, now: Now) -> Answer:
    if not found.record.asks:
        # Where a person walks, `pay` sends nothing to anybody, so a call that was cut off is simply made again.
        cut_off = isinstance(found.known, Unknown) and found.known.why is Why.NO_ANSWER
        if cut_off and found.record.licence in (Licence.OWN_HAND, Licence.OWN_FILE):
            return _recorded(party, found.instruction, "pay", now)
        return found.known
    answer = _called(party, found.instruction, "ask", now)
    if isinstance(answer, Unknown) and answer.why is Why.NOT_FOUND:
        with _transaction(party, now()) as db:
            again = service.claim_again(db, party, found.instruction.key, now=now())
        if again is not None:
            return _recorded(party, again, "pay", now)
    with _transaction(party, now()) as db:
        return service.note(db, party, found.instruction.key, answer, now=now(), asked=True)


def _recorded(party: UUID, instruction: Instruction, verb: str, now: Now) -> Answer:
    answer = _called(party, instruction, verb, now)
    with _transaction(party, now()) as db:
        return service.note(db, party, instruction.key, answer, now=now(), asked=verb == "ask")


def _called(party: UUID, instruction: Instruction, verb: str, now: Now) -> Answer:
    """The one call, outside any transaction; what goes wrong in it is an unknown, for the bytes may have arrived."""
    connector = connector_of(instruction, now())
    with watched(Call(party, instruction, verb, now)) as call:
        try:
            answer = connector.pay(instruction) if verb == "pay" else connector.ask(instruction.key)
        except OtherBody:
            if not call.kept:
                keep(call, -1, b"other body")
            with _transaction(party, now()) as db:
                service.stopped(db, party, instruction.key, now=now())
            raise
        except Unavailable as error:
            log.warning("a channel did not answer", channel=instruction.channel, code=error.code)
            answer = Unknown(Why.NO_ANSWER)
        except Exception:
            log.exception("a connector failed", channel=instruction.channel)
            answer = Unknown(Why.NO_ANSWER)
        if not isinstance(answer, Settled | Rejected | Unknown):
            log.error("a connector gave no answer", channel=instruction.channel, kind=type(answer).__name__)
            answer = Unknown(Why.NO_ANSWER)
        if not call.kept:
            silent = isinstance(answer, Unknown) and answer.why is Why.NO_ANSWER
            keep(call, -1 if silent else 0, wire.said(answer))
    return answer


@contextmanager
def watched(call: Call) -> Iterator[Call]:
    """What the connector shows in this thread meanwhile is kept as being about this call."""
    before, _under.call = _under.call, call
    try:
        yield call
    finally:
        _under.call = before


def keep(call: Call, status: int, content: bytes) -> None:
    """Keep one message of a call, in a transaction of its own."""
    at = call.now()
    with _transaction(call.party, at) as db:
        kept_messages.keep(
            db, call.party, call.instruction.key, channel=call.instruction.channel, verb=call.verb, status=status,
            content=content, now=at,
        )  # fmt: skip
    call.kept += 1


def connector_of(instruction: Instruction, now: datetime) -> Connector:
    """The connector that carried an instruction, or would carry it now."""
    on = (instruction.sent_at or now).astimezone(clock.CHINA).date()
    return registry.find(capabilities.way(instruction.channel, on=on).connector)


@contextmanager
def _transaction(party: UUID, now: datetime) -> Iterator[Session]:
    """A short transaction of the worker, in which this party's rows are open: it finishes what the party ordered."""
    with jobs.transaction() as db:
        purposes.open_for(db, party, Duty.OWN_REQUEST, actor=WORKER, now=now)
        yield db


registry.witnessed_by(witness)
