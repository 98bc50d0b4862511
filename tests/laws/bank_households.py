"""Random households whose cards live at the simulated banks, and the comparison of what was predicted with what was
billed (channels.md, section 7). The planner knows of a card what its last bill and its agreement say, and no more.
"""

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from tests.laws.plan_requests import any_request

from anhuan.kit.money import HALF_UP, Money
from anhuan.planning import BadPlan, Legs, Payment, Request, cost_of, plan, request_from
from anhuan.planning.model import CardOutcome, Issued, Taken
from anhuan.simbank.issued import Account, Event, Statement, What
from anhuan.simbank.issuer import accrued, bearing, late_fee_to_come, opened, run, scheduled_shares
from anhuan.simbank.terms import Basis, CardTerms, Instalment, bank, next_day, terms_on

DAY = timedelta(days=1)
IN_THE_LAW = ("sim_a", "sim_b", "sim_c", "sim_d")
FIRST_AS_OF = date(2025, 9, 1)
RICH = 10**13


@dataclass
class Held:
    """One card at its bank on the morning of `as_of`: the account, the bill in force, what will be bought."""

    id: str
    bank: str
    terms: CardTerms | None  # a bank's own where None; else an agreement that no bank of ours has
    account: Account
    bill: Statement
    paid: list[Event]  # since the bill
    charges: list[Event]  # from as_of on

    def terms_then(self) -> CardTerms:
        """The agreement on the day of the bill in force."""
        return self.terms or terms_on(self.bank, self.bill.statement_on)

    def bill_days(self, until: date) -> list[date]:
        """The statement days after the bill in force, up to a day."""
        days = [next_day(self.bill.statement_on, self.account.statement_day)]
        while days[-1] <= until:
            days.append(next_day(days[-1], self.account.statement_day))
        return days[:-1]


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


# --- lives --------------------------------------------------------------------------------------------------------


def purchases(dice: random.Random, start: date, end: date, prefix: str) -> list[Event]:
    """What is bought from one day to another: some days nothing, some days twice."""
    found: list[Event] = []
    often = dice.choice((0.05, 0.15, 0.4))
    size = dice.choice((3_000, 60_000, 900_000))
    day = start
    while day <= end:
        for _ in range((dice.random() < often) + (dice.random() < often / 4)):
            found.append(Event(day, What.CHARGE, dice.randint(1, size), f"{prefix}{len(found)}"))
        day += DAY
    return found


def payments_for(
    dice: random.Random, bill: Statement, before: date, terms: CardTerms, *, split_on: date | None
) -> list[Event]:
    """What somebody pays for a bill: in full, a fen too little, the minimum, part, late, in pieces, nothing at all.

    `before` is the next statement day; an instalment may be taken on `split_on`. Together never more than the bill.
    """
    found: list[Event] = []
    left, due = bill.balance, bill.minimum
    if split_on and dice.random() < 0.15:
        offers = [one for one in terms.instalments if max(1, one.minimum) <= left]
        if offers:
            offer = dice.choice(offers)
            principal = dice.choice((left, dice.randint(max(1, offer.minimum), left)))
            found.append(Event(split_on, What.INSTALMENT, principal, offer=offer.id))
            left, due = left - principal, due - principal
    courtesy = bill.balance * terms.tolerance_share
    tolerance = max(terms.tolerance, int(courtesy))
    for _ in range(dice.choice((0, 1, 1, 1, 2, 3))):
        amount = dice.choice((
            left, left, left - tolerance, left - tolerance - 1, due, due - 1, due - terms.late_tolerance,
            due - terms.late_tolerance - 1, dice.randint(0, max(0, left)), due // 2,
        ))  # fmt: skip
        amount = min(amount, left)
        if amount <= 0:
            continue
        last = before - DAY
        day = dice.choice((
            bill.statement_on, bill.due_on, bill.last_grace_day, bill.due_on - DAY, bill.last_grace_day + DAY, last,
            bill.statement_on + DAY * dice.randint(0, (last - bill.statement_on).days),
        ))  # fmt: skip
        found.append(
            Event(min(max(day, bill.statement_on), last), What.PAYMENT, amount, f"p{bill.number}-{len(found)}")
        )
        left, due = left - amount, due - amount
    return found


def live_on(
    dice: random.Random,
    account: Account,
    events: list[Event],
    until: date,
    terms: CardTerms | None,
    *,
    as_of: date | None,
) -> tuple[Account, list[Statement]]:
    """Live through `until` with the bookings given, paying each bill somehow; payments are added to `events`.

    With `as_of` the life is one that a request can tell: instalments begin on the bill's day.
    """
    bills: list[Statement] = []
    while account.through < until:
        ahead = next_day(account.through, account.statement_day)
        reached = run(account, _after(account, events), until=min(until, ahead - DAY), terms=terms).account
        if reached.through >= until:
            return reached, bills
        (bill,) = run(reached, _after(reached, events), until=ahead, terms=terms).statements
        last = next_day(ahead, account.statement_day)
        on = ahead if as_of else ahead + DAY * dice.randint(0, 15)
        paying = payments_for(dice, bill, last, terms or terms_on(account.bank, ahead), split_on=on)
        events += [one for one in sorted(paying, key=lambda one: one.day) if one.day <= until]
        account = run(reached, _after(reached, events), until=ahead, terms=terms).account
        bills.append(bill)
    return account, bills


def _after(account: Account, events: Iterable[Event]) -> list[Event]:
    return [one for one in events if one.day > account.through]


# --- households ---------------------------------------------------------------------------------------------------


def any_card(dice: random.Random, name: str, as_of: date, last: date, *, of: Sequence[str], free: bool) -> Held:
    """A card with some months behind it and purchases ahead; `free` terms are an agreement drawn at random."""
    at = dice.choice(of)
    terms = any_terms(dice) if free else None
    days = bank(at).statement_days
    day = dice.choice(days) if terms is None or terms.due_day is None else dice.choice((1, 3, 5, 7))
    start = as_of - DAY * dice.randint(35, 200)
    account = opened(at, name, statement_day=day, on=start)
    events = purchases(dice, start, last, "c")
    account, bills = live_on(dice, account, events, as_of - DAY, terms, as_of=None)
    if is_bill_day := next_day(as_of - DAY, day) == as_of:
        bills += run(
            account, _after(account, [e for e in events if e.what is What.CHARGE]), until=as_of, terms=terms
        ).statements
    bill = bills[-1]
    paid = (
        [] if is_bill_day else [one for one in events if one.what is not What.CHARGE and one.day >= bill.statement_on]
    )
    ahead = [one for one in events if one.what is What.CHARGE and one.day >= as_of]
    return Held(name, at, terms, account, bill, paid, ahead)


def any_terms(dice: random.Random) -> CardTerms:
    """An agreement of the planner's language, drawn at random: cycles of four weeks and less of grace."""
    fixed_day = dice.random() < 0.3
    return CardTerms(
        interest_basis=dice.choice(tuple(Basis)),
        daily_rate=Decimal(dice.choice(("0.0005", "0.00035", "0.0004", "0.0006", "0.00012345"))),
        minimum_rate=Decimal(dice.choice(("0.1", "0.05", "0.02", "1"))),
        late_fee_rate=Decimal(dice.choice(("0.05", "0", "0.06", "0.033"))),
        due_offset_days=None if fixed_day else dice.choice((0, 7, 18, 20, 24)),
        due_day=25 if fixed_day else None,
        grace_days=0 if fixed_day else dice.choice((0, 1, 2, 3)),
        tolerance=dice.choice((0, 0, 1, 1000, 50_000)),
        late_tolerance=dice.choice((0, 0, 1000)),
        late_fee_minimum=dice.choice((0, 1000, 3000)),
        instalments=tuple(
            Instalment(periods, Decimal(rate), dice.choice((0, 30_000)))
            for periods, rate in dice.sample(((1, "0"), (3, "0.009"), (7, "0.0033"), (12, "0.006")), k=2)
        ),
    )


def horizon_of(held: Sequence[Held], as_of: date, wished: int) -> int:
    """The days wished for, or fewer: a tolerance in per cent is known in fen for the bill in force alone."""
    days = wished
    for one in held:
        terms = one.terms_then()
        if terms.tolerance_share:
            second = next_day(one.bill.statement_on, one.account.statement_day)
            verdict = terms.due_on(second) + DAY * terms.grace_days
            days = min(days, (verdict - DAY - as_of).days)
    return days


def card_asked(one: Held, as_of: date, last: date, dice: random.Random, *, offers: bool) -> dict[str, Any]:
    """The card as planning.md's request words it, from the bill in force and the agreement."""
    terms, bill = one.terms_then(), one.bill
    first = {
        "statement_date": bill.statement_on.isoformat(), "due_date": bill.due_on.isoformat(),
        "carried": bill.carried, "fees": bill.fees, "minimum": bill.minimum,
        "charges": [{"posted": charge.posted.isoformat(), "amount": charge.amount, "instalment": charge.instalment}
                    for charge in bill.charges],
        "paid": [{"date": event.day.isoformat(), "amount": event.amount} for event in one.paid],
    }  # fmt: skip
    on_bill_day = bill.statement_on == as_of
    account = one.account
    if on_bill_day:  # the morning of a bill: what it takes up is on it already
        account = run(account, [e for e in one.charges if e.day == as_of], until=as_of, terms=one.terms).account
    known = [(item.posted, item.amount) for item in account.unbilled]
    known += [(event.day, event.amount) for event in one.charges if not (on_bill_day and event.day == as_of)]
    days = one.bill_days(last)
    later = []
    for (before, day), shares in zip(
        pairwise([bill.statement_on, *days]), scheduled_shares(account, len(days)), strict=True
    ):
        charges: list[dict[str, Any]] = [
            {"posted": posted.isoformat(), "amount": amount} for posted, amount in known if before < posted <= day
        ]
        charges += [{"posted": day.isoformat(), "amount": share, "instalment": True} for share in shares]
        later.append({"statement_date": day.isoformat(), "due_date": terms.due_on(day).isoformat(), "charges": charges})
    asked: dict[str, Any] = {
        "id": one.id, "daily_rate": str(terms.daily_rate), "interest_basis": terms.interest_basis.value,
        "grace_days": terms.grace_days, "tolerance": max(terms.tolerance, int(bill.balance * terms.tolerance_share)),
        "late_tolerance": terms.late_tolerance, "minimum_rate": str(terms.minimum_rate),
        "late_fee_rate": str(terms.late_fee_rate), "late_fee_minimum": terms.late_fee_minimum,
        "statements": [first, *later],
    }  # fmt: skip
    if offers:
        asked["instalment_offers"] = [
            {"id": f"{one.id}/{at}/{offer.id}", "statement": at, "periods": offer.periods,
             "fee_rate": str(offer.fee_rate), "minimum": offer.minimum, "maximum": dice.choice((RICH, 400_000))}
            for at in range(1 + len(days))
            if at or not account.cycle or not account.cycle.instalment_taken
            for offer in terms.instalments
        ]  # fmt: skip
    return asked


def household(
    dice: random.Random, *, horizon: int, of: Sequence[str] = IN_THE_LAW, free: bool = False, offers: bool | None = None
) -> tuple[dict[str, Any], list[Held]]:
    """A request and the cards behind it: the money, ways and incomes of a random household, cards of random banks."""
    asked = any_request(dice)
    as_of = FIRST_AS_OF + DAY * dice.randrange(600)
    far = as_of + DAY * (horizon + 1)
    held = [any_card(dice, f"card{i}", as_of, far, of=of, free=free) for i in range(dice.choice((1, 2, 3)))]
    days = horizon_of(held, as_of, horizon)
    last = as_of + DAY * days
    moved = as_of - date.fromisoformat(asked["as_of"])
    names = [one.id for one in held]
    with_offers = dice.random() < 0.4 if offers is None else offers
    asked |= {
        "as_of": as_of.isoformat(), "horizon_days": days,
        "cash_flows": [flow | {"date": (date.fromisoformat(flow["date"]) + moved).isoformat()}
                       for flow in asked["cash_flows"]],
        "channels": [way | {"cards": names if not i else dice.sample(names, dice.randint(1, len(names)))}
                     for i, way in enumerate(asked["channels"])],
        "cards": [card_asked(one, as_of, last, dice, offers=with_offers) for one in held],
    }  # fmt: skip
    return asked, held


# --- comparing ----------------------------------------------------------------------------------------------------


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
        account = run(one.account, _after(one.account, events), until=min(rest - DAY, last), terms=one.terms).account
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
        tally.branches.update(_branches(terms, bills, outcomes[one.id].statements))
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
        found += [f"{where}, bill of {bill.statement_on}: {line}" for line in _bill_differs(before, said, bill)]
    cycle = account.cycle
    if cycle and (cycle.paid, cycle.late_fee) != (told[-1].paid, told[-1].late_fee):
        found.append(f"{where}: paid {cycle.paid}, late fee {cycle.late_fee}, predicted {told[-1]}")
    return found


def _bill_differs(before: Issued, said: Issued, bill: Statement) -> list[str]:
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


def _branches(terms: CardTerms, bills: Sequence[Statement], told: Sequence[Issued]) -> Iterator[str]:
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
