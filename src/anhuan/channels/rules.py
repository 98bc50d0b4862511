"""Decisions about instructions: what an answer makes of one, what may be sent when, when to ask again, and what a
contradiction is (channels.md, sections 1 and 5). Values in, values out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final, assert_never

from anhuan.channels.model import (
    FINAL,
    NOT_FOUND,
    Answer,
    Capabilities,
    Event,
    Rejected,
    Settled,
    State,
    Unknown,
    Why,
)

NEXT: Final[Mapping[State, frozenset[State]]] = {
    State.CREATED: frozenset({State.ACCEPTED, State.PROCESSING, State.SUCCESS, State.FAILED, State.UNKNOWN}),
    State.UNKNOWN: frozenset({State.ACCEPTED, State.PROCESSING, State.SUCCESS, State.FAILED}),
    State.ACCEPTED: frozenset({State.PROCESSING, State.SUCCESS, State.FAILED}),
    State.PROCESSING: frozenset({State.SUCCESS, State.FAILED}),
    State.SUCCESS: frozenset(),
    State.FAILED: frozenset(),
}
_SAID: Final[Mapping[Why, State]] = {
    Why.ACCEPTED: State.ACCEPTED,
    Why.PROCESSING: State.PROCESSING,
    Why.NO_ANSWER: State.UNKNOWN,
    Why.NOT_FOUND: State.UNKNOWN,
    Why.BUSY: State.CREATED,
}
OTHER_AMOUNT: Final = "other_amount"  # the channel took another amount than the instruction says
PAID_AFTER_NO: Final = "paid_after_no"  # it said finally no, and then that it paid
ALIVE_AFTER_NO: Final = "alive_after_no"  # it said finally no, and then that it is on its way
NO_AFTER_PAID: Final = "no_after_paid"  # it said it paid, and then finally no


@dataclass(frozen=True, slots=True)
class Standing:
    """What the decision about an answer rests on: where the instruction stands, and since when its bytes are out."""

    state: State
    amount: int  # fen
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class Change:
    """What an answer makes of an instruction; every part may be empty."""

    state: State | None = None
    final_code: str = ""
    contradiction: str = ""
    event: Event | None = None


def change(standing: Standing, answer: Answer, *, record: Capabilities, now: datetime) -> Change:
    """What becomes of an instruction by this answer; an answer that adds nothing changes nothing."""
    said, code = _said(standing, answer, record=record, now=now)
    contradiction = _contradiction(standing, answer, said)
    event = answer.event if isinstance(answer, Settled) and standing.state is not State.FAILED else None
    if said not in NEXT[standing.state]:
        return Change(contradiction=contradiction, event=event)
    return Change(said, code, contradiction, event)


def may_become(state: State, wanted: State) -> bool:
    """Whether the table of states allows this step."""
    return wanted in NEXT[state]


def is_final(state: State) -> bool:
    """Whether nothing but a return or a reversal can follow."""
    return state in FINAL


def not_found_is_final(record: Capabilities, *, sent_at: datetime | None, now: datetime) -> bool:
    """Whether "not found" means no: only so long after the bytes went out as the channel's record says."""
    minutes = record.not_found_final_after_minutes
    return sent_at is not None and minutes is not None and now >= sent_at + timedelta(minutes=minutes)


def may_send_again(record: Capabilities, *, untaken: bool) -> bool:
    """Whether the same bytes may go out once more after the channel said "not found".

    Only where it promises one execution per key, or where it answered the sending before with "busy, nothing taken".
    """
    return record.idempotent_by_key or untaken


def waits_until(record: Capabilities, now: datetime, *, zone_time: time) -> datetime | None:
    """The end of the maintenance window that this moment lies in, or None; `zone_time` is the hour at the bank."""
    for window in record.maintenance:
        if _inside(window.starts, window.ends, zone_time):
            left = _seconds(window.ends) - _seconds(zone_time)
            return now + timedelta(seconds=left if left > 0 else left + 24 * 3600)
    return None


def pause(asked: int, pauses: Sequence[int]) -> timedelta:
    """How long to wait before the next question, after so many unanswered ones: growing, then steady, for ever."""
    return timedelta(seconds=pauses[min(asked, len(pauses) - 1)])


def split(amount: int, *, at_least: int | None, at_most: int | None) -> list[int]:
    """Parts of an amount (fen) that a channel takes one by one: as few as possible, none below its minimum.

    Empty where no such parts exist. Parts differ by one fen at most, so the remainder lies on the first ones.
    """
    count = 1 if at_most is None else -(-amount // at_most)
    share, rest = divmod(amount, count)
    parts = [share + 1] * rest + [share] * (count - rest)
    return parts if parts[-1] >= (at_least or 1) else []


def fits(amount: int, record: Capabilities) -> bool:
    """Whether one payment of this amount (fen) lies within the channel's own smallest and largest."""
    return (record.per_payment_min or 1) <= amount and (
        record.per_payment_max is None or amount <= record.per_payment_max
    )


def _said(standing: Standing, answer: Answer, *, record: Capabilities, now: datetime) -> tuple[State, str]:
    match answer:
        case Settled():
            return State.SUCCESS, ""
        case Rejected(final_code=code):
            # A no that the record does not list as final may be followed by a yes: it stays unknown.
            return (State.FAILED, code) if code in record.final_codes else (State.UNKNOWN, "")
        case Unknown(why=Why.NOT_FOUND) if standing.state in (State.CREATED, State.UNKNOWN):
            final = not_found_is_final(record, sent_at=standing.sent_at, now=now)
            return (State.FAILED, NOT_FOUND) if final else (State.UNKNOWN, "")
        case Unknown(why=why):
            return _SAID[why], ""
        case _:
            assert_never(answer)


def _contradiction(standing: Standing, answer: Answer, said: State) -> str:
    if isinstance(answer, Settled) and answer.amount != standing.amount:
        return OTHER_AMOUNT
    if standing.state is State.FAILED and said is State.SUCCESS:
        return PAID_AFTER_NO
    if standing.state is State.FAILED and said in (State.ACCEPTED, State.PROCESSING):
        return ALIVE_AFTER_NO
    if standing.state is State.SUCCESS and said is State.FAILED:
        return NO_AFTER_PAID
    return ""


def _inside(starts: time, ends: time, at: time) -> bool:
    return starts <= at < ends if starts < ends else at >= starts or at < ends


def _seconds(at: time) -> int:
    return at.hour * 3600 + at.minute * 60 + at.second
