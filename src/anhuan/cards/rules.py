"""Decisions about cards and bills: values in, values out; no clock, no database."""

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from anhuan.cards.model import BillFacts, BillView, CardTerms, InterestBasis, NotABill, TermUnreadable, Urgency
from anhuan.cards.numbers import same_card
from anhuan.kit.money import round_half_up, round_up

WEEK: Final = timedelta(days=7)
NO_CARD: Final = "0000"  # some banks print this tail where a row belongs to no card
SAME_PAYMENT_DAYS: Final = 3  # a transfer typed by hand and the bank's row of it may differ by a weekend


def check(facts: BillFacts) -> None:
    """Refuse a bill whose printed facts contradict each other."""
    if facts.due_on is not None and facts.due_on <= facts.statement_on:
        raise NotABill(f"due on {facts.due_on}, before its statement of {facts.statement_on}", field="due_on")
    if facts.minimum_due is not None and facts.minimum_due > max(0, facts.total_due):
        raise NotABill("the minimum is larger than the total", field="minimum_due")
    if facts.cycle_from and facts.cycle_to and facts.cycle_to < facts.cycle_from:
        raise NotABill("the cycle ends before it begins", field="cycle_to")
    if len(facts.currency) != 3:
        raise NotABill(f"{facts.currency!r} is no currency", field="currency")
    if wrong := [tail for tail in facts.cards if not (tail.isascii() and tail.isdigit() and len(tail) in (3, 4))]:
        raise NotABill(f"{len(wrong)} card tail(s) are not the last 3 or 4 digits", field="cards")
    if any(payment.amount <= 0 for payment in facts.payments):
        raise NotABill("a payment is an amount above 0", field="payments")


def tails(facts: BillFacts) -> tuple[str, ...]:
    """The card tails of a bill, each once, in its order, without the mark for no card."""
    return tuple(dict.fromkeys(tail for tail in facts.cards if tail != NO_CARD))


def fingerprint(facts: BillFacts) -> str:
    """A short sum over what a bill says, whoever brought it: equal facts, equal sums."""
    said = (facts.bank, facts.currency, facts.total_due, facts.minimum_due, facts.statement_on, facts.due_on)
    rest = (tails(facts), facts.credit_limit, facts.level, facts.cycle_from, facts.cycle_to, sorted(facts.inferred))
    charges = sorted((charge.posted_on, charge.amount, charge.instalment) for charge in facts.charges)
    text = repr((said, rest, charges, facts.known_complete))
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def completed(facts: BillFacts, earlier: BillFacts) -> BillFacts:
    """The bill with its gaps filled from an earlier copy of the same total; a printed value beats an inferred one.

    Another total means a corrected bill: nothing of the earlier one is trusted then.
    """
    if facts.total_due != earlier.total_due:
        return facts
    inferred: set[str] = set(facts.inferred)
    filled: dict[str, Any] = {}
    for name in ("minimum_due", "due_on", "credit_limit", "cycle_from", "cycle_to"):
        new, old = getattr(facts, name), getattr(earlier, name)
        old_is_better = new is None or (name in inferred and name not in earlier.inferred)
        if old is not None and old_is_better:
            filled[name] = old
            inferred.discard(name)
            inferred |= {name} & set(earlier.inferred)
    if not facts.charges or (earlier.known_complete and not facts.known_complete):
        filled |= {"charges": earlier.charges, "known_complete": earlier.known_complete}
    cards = dict.fromkeys((*tails(earlier), *tails(facts)))
    confidence = {**earlier.confidence, **facts.confidence}
    spans = {**earlier.spans, **facts.spans}
    return replace(
        facts,
        **filled,
        cards=tuple(cards),
        inferred=tuple(sorted(inferred)),
        confidence=confidence,
        spans=spans,
    )


def guessed_minimum(facts: BillFacts, *, terms: CardTerms) -> int:
    """The minimum by the card's formula where none is printed: a share of what is no instalment, plus instalments."""
    shares = sum(charge.amount for charge in facts.charges if charge.instalment)
    rest = max(0, facts.total_due - shares)
    return min(max(0, facts.total_due), round_up(Fraction(terms.minimum_rate) * rest) + shares)


def urgency(bill: BillView, *, on: date) -> Urgency:
    """Where a bill stands on a day; without a due day it waits among the later ones."""
    if bill.open == 0:
        return Urgency.SETTLED
    if bill.due_on is None:
        return Urgency.LATER
    if bill.due_on < on:
        return Urgency.OVERDUE if bill.minimum_open else Urgency.ROLLING
    if bill.due_on == on:
        return Urgency.TODAY
    return Urgency.WEEK if bill.due_on <= on + WEEK else Urgency.LATER


def courtesy(value: Any, *, of: int) -> int:
    """A tolerance in fen: an amount, or the larger or smaller of an amount and a share of the bill (rounded half up).

    Written as a number of fen, or as `{"amount": 1000, "rate": "0.01", "take": "max"}`; `take` is max without a word,
    and `"round": "down"` is for banks whose share is never more than it says.
    """
    if isinstance(value, int):
        return value
    parts = [int(value["amount"])] if "amount" in value else []
    if "rate" in value:
        share = Fraction(value["rate"]) * of
        parts.append(math.floor(share) if value.get("round") == "down" else round_half_up(share))
    return (min if value.get("take") == "min" else max)(parts)


_RATES: Final = frozenset({"daily_rate", "minimum_rate", "late_fee_rate", "late_fee_rate_again"})
_FEN: Final = frozenset({"late_fee_minimum", "minimum_floor"})
_DAYS: Final = {"grace_days": range(31), "due_offset_days": range(1, 61), "due_day": range(1, 32)} | {
    "statement_day": range(1, 32),
    "autopay_ready_days": range(31),
}
_WORDS: Final = {
    "interest_basis": frozenset(InterestBasis),
    "statement_shift": frozenset({"none", "next_workday", "previous_workday"}),
    "due_shift": frozenset({"none", "next_workday", "previous_workday"}),
    "bill_level": frozenset({"account", "card"}),
}
UNITS: Final = (
    dict.fromkeys(_RATES, "share")
    | dict.fromkeys(_FEN, "fen")
    | dict.fromkeys(_DAYS, "days")
    | dict.fromkeys(_WORDS, "word")
    | {"grace_amount": "fen", "late_tolerance": "fen", "statement_on": "date", "daily_rate": "per day"}
)


def read_term(key: str, value: Any) -> Any:
    """The value of a term as it is stored, checked against what the key can be; refuses anything else."""
    try:
        return _read_term(key, value)
    except (ArithmeticError, TypeError, ValueError, KeyError) as why:
        raise TermUnreadable(f"{value!r} cannot be the value of {key}", field=key) from why


def _read_term(key: str, value: Any) -> Any:
    if key in _RATES:
        rate = Decimal(str(value))
        if not 0 <= rate < 1:
            raise ValueError("a rate is a share from 0 to 1")
        return str(rate)
    if key in _FEN:
        return _at_least_zero(int(value))
    if key in _DAYS:
        if int(value) not in _DAYS[key]:
            raise ValueError("out of range")
        return int(value)
    if key in _WORDS:
        if value not in _WORDS[key]:
            raise ValueError("not one of its words")
        return str(value)
    if key in ("grace_amount", "late_tolerance"):
        read: Any = dict(value) if isinstance(value, dict) else int(value)
        _at_least_zero(courtesy(read, of=100))
        return read
    if key == "statement_on":
        return date.fromisoformat(str(value)).isoformat()
    raise KeyError(key)


def _at_least_zero(amount: int) -> int:
    if amount < 0:
        raise ValueError("below 0")
    return amount


def matches(known: Iterable[str], wanted: Sequence[str]) -> bool:
    """Whether a bill's tails and an account's cards share a card."""
    return any(same_card(tail, other) for tail in known for other in wanted)


@dataclass(frozen=True, slots=True)
class KnownPayment:
    """A repayment we have: its day, its amount, and whether only the user's word stands for it."""

    day: date
    amount: int
    typed: bool = False


def new_payments(told: Sequence[tuple[date, int]], held: Sequence[KnownPayment]) -> list[tuple[date, int, int | None]]:
    """Pair what a source tells with what is held: (day, amount, index of the held row, or None for a new one).

    Bank data are one payment when the day is the same; what a user typed may be some days off. Each held row answers
    for one told row at most, so two payments of one amount on one day stay two.
    """
    free = set(range(len(held)))
    paired: list[tuple[date, int, int | None]] = []
    for day, amount in told:
        near = [at for at in free if held[at].amount == amount and _may_be(held[at], day)]
        best = min(near, key=lambda at: (abs((held[at].day - day).days), at), default=None)
        free.discard(-1 if best is None else best)
        paired.append((day, amount, best))
    return paired


def _may_be(held: KnownPayment, day: date) -> bool:
    apart = abs((held.day - day).days)
    return apart == 0 or (held.typed and apart <= SAME_PAYMENT_DAYS)
