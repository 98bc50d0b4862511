"""Where each card stands on the first day: what is past and fixed, and what a plan can still change."""

from dataclasses import dataclass, field

from anhuan.planning.model import Basis, Card, Charge, Request
from anhuan.planning.rules import Story


@dataclass(slots=True)
class Cycle:
    """One statement's time from `start` to the day before `end`, as far as a plan can reach it.

    For the current statement the amounts are what is open after the payments already made; for later ones they are
    what the request expects, and what comes over from before is the plan's own doing. Amounts in fen.
    """

    index: int
    start: int
    end: int
    grace: int
    fees: int = 0
    carried: int = 0
    charges: list[Charge] = field(default_factory=list)
    past_days: int = 0  # fen-days of interest on the carried balance before `start`
    charge_days: int = 0  # fen-days that charges earn up to `start` if the bill is not paid in full
    paid: int = 0
    balance: int = 0
    minimum: int | None = None  # None: not issued yet, follows from the plan
    graced: bool = False  # the last day of grace has passed
    shortfall: int = 0
    late_fee: int = 0
    coming: list[tuple[int, int]] = field(default_factory=list)  # payments on their way: (credited, amount)

    @property
    def charged(self) -> int:
        """What is open of charges."""
        return sum(charge.amount for charge in self.charges)

    @property
    def open(self) -> int:
        """What can still be paid on the current statement."""
        return self.fees + self.carried + self.charged


@dataclass(slots=True)
class Opening:
    """A card's cycles from the current one on, and what its past has cost already, in fen."""

    card: Card
    cycles: list[Cycle]
    interest: int = 0
    late_fees: int = 0
    missed: int = 0


def open_card(request: Request, card: Card) -> Opening:
    """The card's story up to the first day of the plan."""
    as_of, last = request.as_of, request.last
    statements = [statement for statement in card.statements if statement.day <= last]
    ends = [statement.day for statement in statements[1:]] + [last + 1]
    current = max((i for i, statement in enumerate(statements) if statement.day <= as_of), default=0)
    known = [credit for statement in statements[:1] for credit in statement.paid]
    story = Story(card, [credit for credit in known if credit.day <= as_of], last, {})
    for i in range(current):
        story.cycle(i, ends[i])
    opening = Opening(card, [], story.interest, story.late_fees, story.missed)
    for i, (statement, end) in enumerate(zip(statements, ends, strict=True)):
        if i < current:
            continue
        cycle = Cycle(i, max(statement.day, as_of), end, statement.due + card.grace_days)
        if i == current and (i == 0 or statement.day <= as_of):
            _settle_past(card, story, cycle, as_of)
            opening.missed, opening.late_fees = story.missed, story.late_fees
        else:
            cycle.charges = list(statement.charges)
            cycle.charge_days = sum(charge.amount * (cycle.start - charge.posted) for charge in cycle.charges)
        cycle.coming = [(credit.day, credit.amount) for credit in known if i == 0 and credit.day > as_of]
        opening.cycles.append(cycle)
    return opening


def _settle_past(card: Card, story: Story, cycle: Cycle, as_of: int) -> None:
    """Run the current cycle up to the first day: payments made are settled, the past is counted."""
    statement = card.statements[cycle.index]
    charges, shares = story.issue(cycle.index)
    charged = sum(charge.amount for charge in charges)
    cycle.balance = story.carried + story.fees + charged
    cycle.minimum = statement.minimum if cycle.index == 0 else story.minimum(charged, shares, cycle.balance)
    queue = sorted(charges, key=lambda charge: charge.posted)
    fees, carried, opened = story.fees, story.carried, charged
    day, saved = statement.day, 0
    graced = False

    def grace_ends() -> None:
        nonlocal graced, carried, opened
        graced = True
        full = cycle.paid >= cycle.balance - card.tolerance
        if cycle.paid < (cycle.minimum or 0) - card.late_tolerance:
            cycle.late_fee = story.late_fee_on((cycle.minimum or 0) - cycle.paid)
            story.late_fees += cycle.late_fee
            story.missed += 1
        if not full:
            cycle.past_days += story.charge_fen_days(charges, charged - opened, saved, cycle.grace)
            cycle.past_days += opened * (day - cycle.grace - 1)
            carried += opened
            opened = 0
            queue.clear()

    for credit in [*story.credited_before(as_of + 1), None]:
        until = max(as_of, day) if credit is None else credit.day
        if not graced and cycle.grace < until:
            cycle.past_days += carried * (cycle.grace + 1 - day) if cycle.grace >= day else 0
            day = max(day, cycle.grace + 1)
            grace_ends()
        cycle.past_days += carried * (until - day)
        day = until
        if credit is None:
            break
        cycle.paid += credit.amount
        to_fees = min(credit.amount, fees)
        to_carried = min(credit.amount - to_fees, carried)
        to_charges = credit.amount - to_fees - to_carried
        fees, carried, opened = fees - to_fees, carried - to_carried, opened - to_charges
        saved += to_charges * (cycle.grace + 1 - credit.day)
        _take(queue, to_charges)
    cycle.fees, cycle.carried, cycle.graced = fees, carried, graced
    cycle.charges = [charge for charge in queue if charge.amount]
    if not graced:
        if card.basis is Basis.FULL:
            whole = sum(charge.amount * (cycle.grace + 1 - charge.posted) for charge in charges)
            cycle.charge_days = whole - saved - opened * (cycle.grace + 1 - cycle.start)
        else:
            cycle.charge_days = sum(charge.amount * (cycle.start - charge.posted) for charge in cycle.charges)


def _take(queue: list[Charge], amount: int) -> None:
    """Settle the earliest charges first."""
    while amount and queue:
        first = queue[0]
        part = min(amount, first.amount)
        amount -= part
        queue[0] = Charge(first.posted, first.amount - part, first.instalment)
        if not queue[0].amount:
            queue.pop(0)
