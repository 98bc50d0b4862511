"""What was predicted of a household's cards beside what the simulated banks billed, bill by bill and in sum."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from tests.laws.bank_households import (
    DAY,
    FIRST_AS_OF,
    IN_THE_LAW,
    RICH,
    Held,
    household,
    live_on,
    since,
)

from anhuan.kit.money import HALF_UP, Money
from anhuan.planning import BadPlan, Legs, Payment, Request, cost_of, plan, request_from
from anhuan.planning.model import CardOutcome, Issued, Taken
from anhuan.simbank.issued import Account, Event, Statement, What
from anhuan.simbank.issuer import accrued, bearing, late_fee_to_come, run
from anhuan.simbank.terms import CardTerms, next_day, terms_on


@dataclass
class Tally:
    """What was compared, and what differed."""

    households: int = 0
    days: int = 0
    cards: int = 0
    bills: int = 0
    billed: int = 0  # fen of interest and late fees that the banks charged
    banks: Counter[str] = field(default_factory=Counter)  # bills by bank
    branches: Counter[str] = field(default_factory=Counter)  # bills by what happened on them
    differences: list[str] = field(default_factory=list)

    @property
    def months(self) -> int:
        """Whole household-months of 31 days."""
        return self.days // 31

    def add(self, other: "Tally") -> None:
        """Count another tally in."""
        for name in ("households", "days", "cards", "bills", "billed"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.banks += other.banks
        self.branches += other.branches
        self.differences += other.differences


def planned(seed: int, *, horizon: int = 92, seconds: float = 2.5) -> Tally:
    """A household is planned, its payments are made at the banks day by day, and the bills are compared."""
    asked, held = household(random.Random(seed), horizon=horizon)
    request = request_from(asked)
    made = plan(request, seconds=seconds)
    return compared(f"plan {seed}", request, made.legs, held)


def random_life(seed: int, *, horizon: int, free: bool = False, of: Sequence[str] | None = None) -> Tally:
    """A household pays as it likes, within the rules; the banks bill, and the simulator of plans predicts."""
    dice = random.Random(seed)
    of = of or [one for one in IN_THE_LAW if horizon <= 62 or not terms_on(one, FIRST_AS_OF).tolerance_share]
    asked, held = household(dice, horizon=horizon, of=of, free=free, offers=True)
    asked["accounts"].append({"id": "rich", "balance": RICH})
    asked["channels"] = [{"id": "free", "accounts": ["rich"], "cards": [one.id for one in held]}]
    for card in asked["cards"]:
        for offer in card["instalment_offers"]:
            offer["maximum"] = RICH
    request = request_from(asked)
    last = date.fromordinal(request.last)
    payments: list[Payment] = []
    taken: list[Taken] = []
    for one in held:
        events = list(one.charges)
        rest = next_day(one.bill.statement_on, one.account.statement_day)
        open_now = one.account.open_now if one.bill.statement_on < date.fromordinal(request.as_of) else one.bill.balance
        events += _rest_of_cycle(dice, one, open_now, date.fromordinal(request.as_of), min(rest - DAY, last))
        account = run(one.account, since(one.account, events), until=min(rest - DAY, last), terms=one.terms).account
        live_on(dice, account, events, last, one.terms, as_of=date.fromordinal(request.as_of))
        days = [one.bill.statement_on, *one.bill_days(last)]
        for event in events:
            day = event.day.toordinal()
            if event.what is What.PAYMENT:
                payments.append(Payment(day, "rich", "free", one.id, event.amount, 0, day))
            elif event.what is What.INSTALMENT:
                taken.append(Taken(f"{one.id}/{sum(on <= event.day for on in days) - 1}/{event.offer}", event.amount))
    legs = Legs(tuple(sorted(payments, key=lambda one: one.day)), tuple(taken))
    return compared(f"life {seed} {horizon} {free}", request, legs, held)


def _rest_of_cycle(dice: random.Random, one: Held, left: int, start: date, last: date) -> list[Event]:
    """Payments for the bill in force that fall from `start` to `last`, within what is open."""
    found: list[Event] = []
    if start > last:
        return []
    taken = one.account.cycle and one.account.cycle.instalment_taken and one.bill.statement_on < start
    for offer in one.terms_then().instalments[:1]:
        if dice.random() < 0.15 and max(1, offer.minimum) <= left and not taken:
            found.append(Event(start, What.INSTALMENT, dice.choice((left, max(1, offer.minimum))), offer=offer.id))
            left -= found[-1].amount
    for _ in range(dice.choice((0, 1, 2))):
        amount = min(left, dice.choice((left, one.bill.minimum, dice.randint(0, max(0, left)))))
        if amount > 0:
            found.append(Event(start + DAY * dice.randint(0, (last - start).days), What.PAYMENT, amount))
            left -= amount
    return sorted(found, key=lambda event: event.day)


def compared(name: str, request: Request, legs: Legs, held: Sequence[Held]) -> Tally:
    """Make the plan's payments at the banks day by day and lay what they billed beside what was predicted."""
    last = date.fromordinal(request.last)
    tally = Tally(households=1, days=request.last - request.as_of + 1)
    try:
        told, outcomes = cost_of(request, legs)
    except BadPlan as no:  # more was paid than the planner thinks is open, or the like
        tally.differences.append(f"{name}: the planner refuses what the banks took: {no.message}")
        return tally
    sums = {"interest": 0, "late_fees": 0, "instalment_fees": 0, "missed": 0, "terminal": 0}
    for one in held:
        events = [*one.charges, *_from_plan(request, legs, one)]
        ran = run(one.account, events, until=last, terms=one.terms)
        bills = [bill for bill in ran.statements if bill.statement_on > one.bill.statement_on]
        tally.differences += _differences(name, one, ran.account, bills, outcomes[one.id])
        tally.cards += 1
        tally.bills += len(bills)
        terms = one.terms_then()
        tally.banks[one.bank] += len(bills)
        tally.branches.update(branches_of(terms, bills, outcomes[one.id].statements))
        sums["interest"] += sum(bill.interest for bill in bills) + accrued(ran.account, one.terms)
        sums["late_fees"] += sum(bill.late_fee for bill in bills) + late_fee_to_come(ran.account)
        sums["missed"] += _missed(ran.account, bills)
        ahead = Money(bearing(ran.account) * request.terminal_days).at_rate(terms.daily_rate, rounding=HALF_UP)
        sums["terminal"] += ahead.minor
        sums["instalment_fees"] += _instalment_fees(one, events)
    price = request.missed_minimum_cost
    expected = {
        "interest": told.interest, "late_fees": told.late_fees, "instalment_fees": told.instalment_fees,
        "missed": told.missed_minimums // price if price else sums["missed"],
        "terminal": sums["terminal"] if request.lines else told.terminal,  # what is drawn of a line is in it as well
    }  # fmt: skip
    if sums != expected:
        tally.differences.append(f"{name}: in sum the banks billed {sums}, the planner predicted {expected}")
    tally.billed = sums["interest"] + sums["late_fees"] + sums["instalment_fees"]
    return tally


def _from_plan(request: Request, legs: Legs, one: Held) -> list[Event]:
    """What the legs do to one card, as the bank books it: an instalment on its bill's day or as_of, then payments."""
    days = [one.bill.statement_on, *one.bill_days(date.fromordinal(request.last))]
    found: list[Event] = []
    for chosen in legs.instalments:
        card, at, offer = chosen.offer.split("/")
        if card == one.id:
            day = max(days[int(at)], date.fromordinal(request.as_of))
            found.append(Event(day, What.INSTALMENT, chosen.principal, offer=offer))
    for number, payment in enumerate(legs.payments):
        if payment.card == one.id and payment.credited <= request.last:
            found.append(Event(date.fromordinal(payment.credited), What.PAYMENT, payment.amount, f"plan{number}"))
    return found


def _missed(account: Account, bills: Sequence[Statement]) -> int:
    """Minimums missed since the bill in force, those not on a bill yet as well."""
    return sum(bill.last_missed for bill in bills) + bool(account.cycle and account.cycle.missed)


def _instalment_fees(one: Held, events: Sequence[Event]) -> int:
    """All fees of the instalments taken, also those billed later, as the bank's own plan has them."""
    total = 0
    for event in events:
        if event.what is What.INSTALMENT:
            plan_of = run(one.account, events, until=event.day, terms=one.terms).account.taken[-1]
            total += plan_of.fee * plan_of.periods
    return total


def _differences(name: str, one: Held, account: Account, bills: Sequence[Statement], outcome: CardOutcome) -> list[str]:
    """What the bank says of a card otherwise than the simulator of plans, bill by bill."""
    where = f"{name}, {one.id} at {one.bank if one.terms is None else one.terms}"
    mine: dict[str, Any] = {
        "interest": sum(bill.interest for bill in bills) + accrued(account, one.terms),
        "late_fees": sum(bill.late_fee for bill in bills) + late_fee_to_come(account),
        "missed": _missed(account, bills),
        "bearing": bearing(account),
    }
    theirs: dict[str, Any] = {key: getattr(outcome, key) for key in mine}
    found = [f"{where}: billed {mine}, predicted {theirs}"] if mine != theirs else []
    told = outcome.statements
    if len(told) != 1 + len(bills):
        return [*found, f"{where}: {1 + len(bills)} bills, {len(told)} predicted"]
    for before, said, bill in zip(told, told[1:], bills, strict=False):
        found += [f"{where}, bill of {bill.statement_on}: {line}" for line in bill_differs(before, said, bill)]
    cycle = account.cycle
    if cycle and (cycle.paid, cycle.late_fee) != (told[-1].paid, told[-1].late_fee):
        found.append(f"{where}: paid {cycle.paid}, late fee {cycle.late_fee}, predicted {told[-1]}")
    return found


def bill_differs(before: Issued, said: Issued, bill: Statement) -> list[str]:
    """Where a bill is not as it was predicted, its own figures and how the cycle before it ended."""
    printed = {
        "day": bill.statement_on.toordinal(), "last_grace_day": bill.last_grace_day.toordinal(),
        "balance": bill.balance, "minimum": bill.minimum, "carried": bill.carried, "fees": bill.fees,
        "charges": sum(charge.amount for charge in bill.charges),
    }  # fmt: skip
    predicted = {key: getattr(said, key) for key in printed}
    ended = {"interest": bill.interest, "late_fee": bill.late_fee, "paid": bill.last_paid, "missed": bill.last_missed}
    foretold = {key: getattr(before, key) for key in ended}
    both = ((printed, predicted), (ended, foretold))
    return [
        f"{key} {value}, predicted {other[key]}"
        for one, other in both
        for key, value in one.items()
        if value != other[key]
    ]


def branches_of(terms: CardTerms, bills: Sequence[Statement], told: Sequence[Issued]) -> Iterator[str]:
    """Which rules these bills went through, so that a test can say that none was left out."""
    for before, bill in zip(told, bills, strict=False):
        if bill.interest:
            yield f"interest, {terms.interest_basis}"
            yield from ["interest on interest"] if before.carried else []
        if bill.late_fee:
            yield "late fee at its floor" if bill.late_fee == terms.late_fee_minimum else "late fee by its rate"
        if before.full and before.paid_by_grace < before.balance:
            yield "share left open" if terms.tolerance_share else "amount left open"
        if before.paid_by_grace < before.minimum and not before.missed:
            yield "let pass by the late tolerance"
        if before.paid > before.paid_by_grace:
            yield "paid after grace"
        yield from ["missing of the minimum before"] if bill.missing else []
        yield from ["instalment share"] if any(charge.instalment for charge in bill.charges) else []
        yield from ["fee still open"] if bill.fees > bill.late_fee else []
