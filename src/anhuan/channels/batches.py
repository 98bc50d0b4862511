"""Many instructions of one channel handed over together: fewer calls and fewer transactions, the same safety.

As in `delivery`: a transaction writes `sent_at` of all, the calls stand outside any transaction, what was said is kept,
then all that was said is recorded. What a crash leaves is found by the round of `journey`, which asks first.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, Protocol, runtime_checkable
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from anhuan.channels import capabilities, delivery, kept_messages, registry, service
from anhuan.channels.delivery import Now
from anhuan.channels.model import Answer, Capabilities, Instruction, NotLive, OtherBody, Unknown, Why
from anhuan.channels.service import Next, Step
from anhuan.kit import clock, jobs, wall

SLICE: Final = 50  # taken up together; the calls for them end long before "not found" can be final

log = structlog.get_logger(__name__)


@runtime_checkable
class PaysMany(Protocol):
    """A connector whose channel takes several instructions in one call; each has its own answer."""

    def pay_many(self, instructions: Sequence[Instruction]) -> Mapping[UUID, Answer]:
        """Send these bytes under their keys, once; one that is left out of the answer is unknown."""


def deliver_many(channel: str, items: Sequence[tuple[UUID, UUID]], *, now: Now = clock.now) -> int:
    """Hand over instructions of one channel, each as (party, key); tells how many went out.

    All of them must belong to parties of one lane of the books, for what follows from their answers is recorded in one
    transaction. Of a channel that takes no batches each goes by itself.
    """
    connector = registry.find(capabilities.way(channel, on=now().astimezone(clock.CHINA).date()).connector)
    if not isinstance(connector, PaysMany):
        for party, key in items:
            _alone(party, key, now)
        return len(items)
    sent = 0
    for start in range(0, len(items), SLICE):
        # Taken up right before they go out: whoever finds `sent_at` asks, and a pause in between still holds the rest.
        ready = _taken_up(items[start : start + SLICE], now=now)
        at_most = min((record.batch_max for _, _, record in ready), default=1)
        for place in range(0, len(ready), at_most):
            chunk = [(party, made) for party, made, _ in ready[place : place + at_most]]
            answers = _called(connector, [made for _, made in chunk])
            _recorded(chunk, answers, now=now)
        sent += len(ready)
    return sent


def _taken_up(items: Sequence[tuple[UUID, UUID]], *, now: Now) -> list[tuple[UUID, Instruction, Capabilities]]:
    ready = []
    with _everybody() as db:
        for (party, key), found in zip(items, service.take_up_many(db, items, now=now()), strict=True):
            if not isinstance(found, Next):
                log.warning("one of many is not sent", key=str(key), code=found.code)
            elif found.step is Step.SEND:
                ready.append((party, found.instruction, found.record))
    return ready


def _called(connector: PaysMany, made: Sequence[Instruction]) -> Mapping[UUID, Answer]:
    """The one call; what goes wrong in it is unknown for all of them, for the bytes may have arrived."""
    unknown: dict[UUID, Answer] = {one.key: Unknown(Why.NO_ANSWER) for one in made}
    try:
        return unknown | dict(connector.pay_many(made))
    except Exception:  # as in delivery: a connector that fails is an unknown answer, never a failed payment
        log.exception("a connector failed with many", channel=made[0].channel)
        return unknown


def _recorded(
    chunk: Sequence[tuple[UUID, Instruction]], answers: Mapping[UUID, Answer], *, now: Now
) -> None:  # fmt: skip
    at = now()
    told = [(party, made, answers[made.key]) for party, made in chunk]
    with _everybody() as db:
        kept_messages.keep_answers(db, told, now=at)
    with _everybody() as db:
        service.note_many(db, [(party, made.key, answer) for party, made, answer in told], now=at, asked=False)


def _alone(party: UUID, key: UUID, now: Now) -> None:
    try:
        delivery.deliver(party, key, now=now)
    except (NotLive, OtherBody) as bad:
        log.warning("one of many is not sent", key=str(key), code=bad.code)


@contextmanager
def _everybody() -> Iterator[Session]:
    """A short transaction of the worker in which the rows of all these parties are open."""
    with jobs.transaction() as db:
        wall.everybody(db)
        yield db
