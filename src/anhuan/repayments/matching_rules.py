"""Which imported line shows which payment on its card: values in, pairs out, never by a guess.

Amounts agree to the fen, days lie in the payment's window, and lines and payments pair one to one. Where there are
more payments than lines that could be theirs, or more lines, nobody knows which is which: they stay apart and are told.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Sent:
    """A payment of one billed account as matching sees it; amounts in fen."""

    id: UUID
    amounts: frozenset[int]  # that may show on the card: what was sent, and that less a fee the channel told of
    sent_at: datetime
    since: date  # the first day on which it may be booked
    until: date  # the last one
    posted_on: date | None = None  # other bank data show it on this day
    posted: int | None = None  # and with this amount
    lines: frozenset[UUID] = frozenset()  # imported lines that prove it already


@dataclass(frozen=True, slots=True)
class Shown:
    """A repayment on the same account as an imported line shows it."""

    id: UUID
    amount: int  # fen
    posted_on: date
    traded_on: date | None = None
    also: frozenset[UUID] = frozenset()  # other lines that tell the same movement


@dataclass(frozen=True, slots=True)
class Pairs:
    """What belongs together, and which payments have lines that fit but cannot be told apart."""

    found: Mapping[UUID, UUID] = field(default_factory=dict)  # payment to line
    unclear: frozenset[UUID] = frozenset()


def pair(payments: Iterable[Sent], lines: Iterable[Shown]) -> Pairs:
    """Pair payments and lines of one account; what is paired already stays as it is."""
    sent = sorted(payments, key=lambda one: (one.sent_at, one.id))
    used = frozenset[UUID]().union(*(one.lines for one in sent))
    free = {line.id: line for line in sorted(lines, key=_line_key) if not ({line.id} | line.also) & used}
    waiting = [one for one in sent if not one.lines]
    found: dict[UUID, UUID] = {}
    # What other bank data show on a day is the line of that day, before anybody else may have it.
    for one in waiting:
        own = next((line for line in free.values() if _is_posting_of(one, line)), None)
        if own is not None:
            found[one.id] = free.pop(own.id).id
    unclear: set[UUID] = set()
    for group, theirs in _groups([one for one in waiting if one.id not in found], list(free.values())):
        pairs = list(zip(group, theirs, strict=False))
        if len(group) == len(theirs) and all(may_be(one, line) for one, line in pairs):
            found |= {one.id: line.id for one, line in pairs}
        elif theirs:
            unclear |= {one.id for one in group if one.posted_on is None}
    return Pairs(found, frozenset(unclear))


def may_be(one: Sent, line: Shown) -> bool:
    """Whether this line can be this payment: the amount to the fen, the day in the window."""
    return line.amount in one.amounts and one.since <= line.posted_on <= one.until


def _is_posting_of(one: Sent, line: Shown) -> bool:
    return one.posted_on in (line.posted_on, line.traded_on or line.posted_on) and line.amount == one.posted


def _groups(payments: Sequence[Sent], lines: Sequence[Shown]) -> list[tuple[list[Sent], list[Shown]]]:
    """Payments and lines that hang together because one could be the other, each group in its order."""
    left = {line.id: line for line in lines}
    open_ = {one.id: one for one in payments}
    groups = []
    while open_:
        group, theirs = [open_.pop(next(iter(open_)))], list[Shown]()
        fresh = list(group)
        while fresh:
            met = [line for line in left.values() if any(may_be(one, line) for one in fresh)]
            theirs += [left.pop(line.id) for line in met]
            fresh = [one for one in open_.values() if any(may_be(one, line) for line in met)]
            group += [open_.pop(one.id) for one in fresh]
        groups.append((sorted(group, key=lambda one: (one.sent_at, one.id)), sorted(theirs, key=_line_key)))
    return groups


def _line_key(line: Shown) -> tuple[date, UUID]:
    return line.posted_on, line.id
