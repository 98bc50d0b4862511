"""From a bill as read to the facts that room cards records: which rows are its charges, and whether they explain it."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from anhuan.cards import BillFacts, Charge, Payment
from anhuan.kit import money
from anhuan.statements.changes import FieldShown
from anhuan.statements.model import Bill, Line, LineKind

# The fields of a bill that were printed or inferred, in the order in which people read a bill.
_SHOWN = (
    "total_due", "minimum_due", "due_on", "statement_on", "cards", "credit_limit", "level", "cycle_from", "cycle_to",
)  # fmt: skip
_AMOUNTS = {"total_due", "minimum_due", "credit_limit"}
_NO_CHARGE = (LineKind.REPAYMENT, LineKind.BALANCE)
assert {each.name for each in fields(Bill)} >= set(_SHOWN)


# The bank of a bill that names none: its card number tells it from others.
UNNAMED: Final = "other"


def can_be_recorded(bill: Bill, bank: str | None) -> bool:
    """Whether a bill says enough to stand on the due board: whose it is, how much, and of which day."""
    whose = bank is not None or bool(bill.cards)
    return whose and bill.total_due is not None and bill.statement_on is not None


def facts_of(bill: Bill, lines: Sequence[Line], *, bank: str, whole: bool, source_id: UUID) -> BillFacts:
    """The facts of one bill with its rows as charges and payments; `whole` says that the file shows all its rows.

    Refunds of the cycle are taken off the charges: off an equal charge of the same words first, else off the oldest.
    """
    assert bill.total_due is not None
    assert bill.statement_on is not None
    charges = net_charges(lines, statement_on=bill.statement_on)
    return BillFacts(
        bank=bank,
        currency=bill.currency,
        total_due=bill.total_due,
        minimum_due=bill.minimum_due,
        statement_on=bill.statement_on,
        due_on=bill.due_on,
        cards=bill.cards,
        credit_limit=bill.credit_limit,
        level=bill.level.value,
        cycle_from=bill.cycle_from,
        cycle_to=bill.cycle_to,
        inferred=bill.inferred,
        confidence=bill.confidence,
        spans=bill.spans,
        charges=charges,
        payments=payments_of(lines, statement_on=bill.statement_on),
        source_id=source_id,
        known_complete=whole and sum(charge.amount for charge in charges) == max(0, bill.total_due),
    )


def explained(bill: Bill, lines: Sequence[Line]) -> bool:
    """Whether the rows add up to the total: by themselves, or with the printed balance of the bill before."""
    if bill.total_due is None or not lines:
        return bill.total_due == 0
    moved = [line for line in lines if line.kind is not LineKind.BALANCE]
    spent = sum(line.amount for line in moved if line.kind is not LineKind.REPAYMENT)
    brought = sum(line.amount for line in lines if line.kind is LineKind.BALANCE)
    return bill.total_due in (spent, brought + sum(line.amount for line in moved))


def net_charges(lines: Sequence[Line], *, statement_on: date) -> tuple[Charge, ...]:
    """The charges of a bill in order of posting, what was refunded within the cycle taken off."""
    spent = [line for line in lines if line.amount > 0 and line.kind not in _NO_CHARGE]
    left = [line.amount for line in spent]
    for back in (line for line in lines if line.amount < 0 and line.kind not in _NO_CHARGE):
        _take_off(back, spent, left)
    charges = [
        Charge(_posted(line, statement_on), rest, line.kind is LineKind.INSTALMENT)
        for line, rest in zip(spent, left, strict=True)
        if rest
    ]
    return tuple(sorted(charges, key=lambda charge: charge.posted_on))


def payments_of(lines: Iterable[Line], *, statement_on: date) -> tuple[Payment, ...]:
    """The repayments that a bill prints, by the day on which the bank credited them.

    They went into its total already, so they paid the bill before: none counts from the statement day on. One that the
    same bill shows as given back paid nothing.
    """
    moved = [(day, line.amount) for line in lines
             if line.kind is LineKind.REPAYMENT and (day := line.posted_on or line.traded_on)]  # fmt: skip
    paid = sorted((day, -amount) for day, amount in moved if amount < 0)
    for back_on, amount in ((day, amount) for day, amount in moved if amount > 0):
        undone = [one for one in paid if one[1] == amount and one[0] <= back_on]
        if undone:
            paid.remove(undone[-1])
    return tuple(Payment(min(day, statement_on - timedelta(days=1)), amount) for day, amount in paid)


def shown(bill: Bill) -> tuple[FieldShown, ...]:
    """The bill's fields as plain text with confidence and place, open ones included."""
    return tuple(
        FieldShown(name, _text(bill, name), bill.confidence.get(name), bill.spans.get(name), name in bill.inferred)
        for name in _SHOWN
    )


def _take_off(back: Line, spent: Sequence[Line], left: list[int]) -> None:
    """Take one refund off the charges: an equal one of the same words, then the oldest ones."""
    rest = -back.amount
    for n, line in enumerate(spent):
        if left[n] == rest and line.description == back.description:
            left[n] = 0
            return
    for n in range(len(spent)):
        taken = min(left[n], rest)
        left[n] -= taken
        rest -= taken


def _posted(line: Line, statement_on: date) -> date:
    """The posting day; a row without one was posted on the statement day at the latest."""
    return min(line.posted_on or line.traded_on or statement_on, statement_on)


def _text(bill: Bill, name: str) -> str | None:
    value = getattr(bill, name)
    if value is None or value == ():
        return None
    if name in _AMOUNTS:
        return money.to_text(value, bill.currency)
    return " ".join(value) if name == "cards" else str(value)
