"""What if I pay only so much, or so late: the oracle told once for each choice, before anything is paid."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Final

from anhuan.cards.model import BillView, CardTerms, Charge, NotABill, Payment, Step
from anhuan.cards.oracle import CardStory, StoryStatement, Told, tell
from anhuan.cards.wording import say

_DAY: Final = timedelta(days=1)
_LONGEST_CYCLE: Final = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Consequence:
    """One choice and what follows from it, in minor units of the bill's currency."""

    choice: str  # full, minimum, nothing, custom or late
    amount: int
    paid_on: date | None
    interest: int
    late_fee: int
    missed: bool
    next_balance: int  # what the next statement brings over, interest and fees included
    next_minimum: int | None  # of that statement, if nothing else is bought; None where it was not asked
    assumed: bool  # posting days are assumed, because the charges of the bill are not all known
    steps: tuple[Step, ...]

    @property
    def cost(self) -> int:
        """Interest and late fee together."""
        return self.interest + self.late_fee


def consequences_of(
    bill: BillView,
    terms: CardTerms,
    amounts: Iterable[int] = (),
    *,
    pay_on: date,
    next_statement_on: date,
    lang: str = "zh",
) -> tuple[Consequence, ...]:
    """Paying in full, the minimum, nothing, or an amount on one day: the cost up to the next statement, least first.

    Amounts are what is paid now, beside what was paid already. Where charges are not all known, the longest possible
    interest is shown and marked as assumed.
    """
    asked = [("full", bill.open), ("minimum", bill.minimum_open), ("nothing", 0)]
    asked += [("custom", max(0, min(amount, bill.open))) for amount in amounts]
    story = story_of(bill, terms)
    if next_statement_on <= story.statements[0].due_on:
        raise NotABill("the next statement comes after the due day", field="next_statement_on")
    story = _clipped(story, [next_statement_on])
    found = [_choice(story, bill, name, amount, pay_on, next_statement_on, lang) for name, amount in asked]
    return tuple(sorted(found, key=lambda one: (one.cost, -one.amount, one.choice)))


def late_cost(
    bill: BillView,
    terms: CardTerms,
    *,
    days_late: int,
    upcoming: Sequence[tuple[date, date]] = (),
    lang: str = "zh",
) -> Consequence:
    """What it costs to pay all that is open `days_late` days after the due day (逾期成本).

    `upcoming` are the statement and due days that follow; with them interest compounds as the bank bills it.
    """
    story = story_of(bill, terms)
    paid_on = story.statements[0].due_on + days_late * _DAY
    later = tuple(StoryStatement(statement, due) for statement, due in upcoming if statement <= paid_on)
    story = _clipped(story, [statement for statement, _ in upcoming])
    story = replace(story, statements=(*story.statements, *later))
    owed = tell(story, paid_on, lang=lang).open
    paid = (Payment(paid_on, owed),) if owed else ()
    told = tell(replace(story, payments=(*story.payments, *paid)), paid_on, lang=lang)
    rest = told.open + told.accrued
    return _consequence(bill, "late", owed, paid_on, told, next_balance=rest, next_minimum=None, lang=lang)


def story_of(bill: BillView, terms: CardTerms) -> CardStory:
    """The bill as a story for the oracle; without all its charges, one purchase on the first day of its cycle."""
    if bill.due_on is None:
        raise NotABill("the due day of this bill is not known", field="due_on")
    charges = bill.charges if _explains(bill) else _assumed(bill)
    statement = StoryStatement(bill.statement_on, bill.due_on, charges, minimum=bill.minimum_due)
    return CardStory(terms, (statement,), tuple(_within(bill)), currency=bill.currency)


def _clipped(story: CardStory, following: Sequence[date]) -> CardStory:
    """A courtesy of grace may not reach into the next statement: it ends on the day before (domain.md, section 4)."""
    room = min(((on - story.statements[0].due_on).days - 1 for on in following[:1]), default=story.terms.grace_days)
    return replace(story, terms=replace(story.terms, grace_days=max(0, min(story.terms.grace_days, room))))


def _explains(bill: BillView) -> bool:
    """Whether the charges add up to the bill and lie before it, so that their days can be trusted."""
    known = bill.known_complete and sum(charge.amount for charge in bill.charges) == bill.total_due
    return known and all(charge.posted_on <= bill.statement_on for charge in bill.charges)


def _assumed(bill: BillView) -> tuple[Charge, ...]:
    first = bill.cycle_from or bill.statement_on - _LONGEST_CYCLE + _DAY
    return (Charge(min(first, bill.statement_on), bill.total_due),) if bill.total_due > 0 else ()


def _within(bill: BillView) -> Iterable[Payment]:
    """The payments so far, as far as there was something to pay: an overpayment earns nothing."""
    rest = max(0, bill.total_due)
    for payment in bill.payments:
        part = min(rest, payment.amount)
        if part:
            yield Payment(payment.credited_on, part)
        rest -= part


def _choice(
    story: CardStory, bill: BillView, name: str, amount: int, pay_on: date, next_on: date, lang: str
) -> Consequence:
    paid = (Payment(max(pay_on, bill.statement_on), amount),) if amount else ()
    chosen = replace(story, payments=(*story.payments, *paid))
    told = tell(chosen, next_on - _DAY, lang=lang)
    following = StoryStatement(next_on, next_on + _LONGEST_CYCLE)
    after = tell(replace(chosen, statements=(*chosen.statements, following)), next_on, lang=lang).statements[-1]
    return _consequence(
        bill,
        name,
        amount,
        pay_on if amount else None,
        told,
        next_balance=after.balance,
        next_minimum=after.minimum,
        lang=lang,
    )


def _consequence(
    bill: BillView,
    choice: str,
    amount: int,
    paid_on: date | None,
    told: Told,
    *,
    next_balance: int,
    next_minimum: int | None,
    lang: str,
) -> Consequence:
    assumed = not _explains(bill)
    first = _assumed(bill)
    note = (
        (Step(say("assumed_posting", lang), first[0].posted_on.isoformat(), Fraction(0)),) if assumed and first else ()
    )
    return Consequence(
        choice=choice,
        amount=amount,
        paid_on=paid_on,
        interest=told.interest,
        late_fee=told.late_fees,
        missed=told.missed > 0,
        next_balance=next_balance,
        next_minimum=next_minimum,
        assumed=assumed,
        steps=(*note, *told.steps),
    )
