"""Random households whose cards live at the simulated banks (channels.md, section 7), and the requests they make of it.

The planner knows of a card what its last bill and its agreement say, and no more.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from tests.laws.plan_requests import any_request

from anhuan.simbank.issued import Account, Event, Statement, What
from anhuan.simbank.issuer import opened, run, scheduled_shares
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
        reached = run(account, since(account, events), until=min(until, ahead - DAY), terms=terms).account
        if reached.through >= until:
            return reached, bills
        (bill,) = run(reached, since(reached, events), until=ahead, terms=terms).statements
        last = next_day(ahead, account.statement_day)
        on = ahead if as_of else ahead + DAY * dice.randint(0, 15)
        paying = payments_for(dice, bill, last, terms or terms_on(account.bank, ahead), split_on=on)
        events += [one for one in sorted(paying, key=lambda one: one.day) if one.day <= until]
        account = run(reached, since(reached, events), until=ahead, terms=terms).account
        bills.append(bill)
    return account, bills


def since(account: Account, events: Iterable[Event]) -> list[Event]:
    """The bookings after an account's last closed day."""
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
            account, since(account, [e for e in events if e.what is What.CHARGE]), until=as_of, terms=terms
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
    seconds = [(one.terms_then(), next_day(one.bill.statement_on, one.account.statement_day)) for one in held]
    return min([wished, *((verdict_on(*one) - DAY - as_of).days for one in seconds if one[0].tolerance_share)])


def verdict_on(terms: CardTerms, statement_on: date) -> date:
    """The last day of grace of a bill."""
    return terms.due_on(statement_on) + DAY * terms.grace_days


def card_asked(one: Held, as_of: date, last: date, dice: random.Random, *, offers: bool) -> dict[str, Any]:
    """The card as planning.md's request words it, from the bill in force and the agreement."""
    on_bill_day = one.bill.statement_on == as_of
    account = one.account
    if on_bill_day:  # the morning of a bill: what it takes up is on it already
        account = run(account, [e for e in one.charges if e.day == as_of], until=as_of, terms=one.terms).account
    known = [(item.posted, item.amount) for item in account.unbilled]
    known += [(event.day, event.amount) for event in one.charges if not (on_bill_day and event.day == as_of)]
    days = one.bill_days(last)
    terms = one.terms_then()
    asked = card_in_words(
        one.id, terms, one.bill, paid=[(event.day, event.amount) for event in one.paid], known=known, days=days,
        shares=scheduled_shares(account, len(days)),
    )  # fmt: skip
    if offers:
        asked["instalment_offers"] = [
            {"id": f"{one.id}/{at}/{offer.id}", "statement": at, "periods": offer.periods,
             "fee_rate": str(offer.fee_rate), "minimum": offer.minimum, "maximum": dice.choice((RICH, 400_000))}
            for at in range(1 + len(days))
            if at or not account.cycle or not account.cycle.instalment_taken
            for offer in terms.instalments
        ]  # fmt: skip
    return asked


def card_in_words(
    name: str,
    terms: CardTerms,
    bill: Statement,
    *,
    paid: Sequence[tuple[date, int]],
    known: Sequence[tuple[date, int]],
    days: Sequence[date],
    shares: Sequence[Sequence[int]] = (),
) -> dict[str, Any]:
    """A card of a request: its bill in force as printed, what was paid since, what is bought, the bills ahead."""
    first = {
        "statement_date": bill.statement_on.isoformat(), "due_date": bill.due_on.isoformat(),
        "carried": bill.carried, "fees": bill.fees, "minimum": bill.minimum,
        "charges": [{"posted": charge.posted.isoformat(), "amount": charge.amount, "instalment": charge.instalment}
                    for charge in bill.charges],
        "paid": [{"date": day.isoformat(), "amount": amount} for day, amount in paid],
    }  # fmt: skip
    later = []
    for number, (before, day) in enumerate(pairwise([bill.statement_on, *days])):
        charges: list[dict[str, Any]] = [
            {"posted": posted.isoformat(), "amount": amount} for posted, amount in known if before < posted <= day
        ]
        own = shares[number] if shares else ()
        charges += [{"posted": day.isoformat(), "amount": share, "instalment": True} for share in own]
        later.append({"statement_date": day.isoformat(), "due_date": terms.due_on(day).isoformat(), "charges": charges})
    return {
        "id": name, "daily_rate": str(terms.daily_rate), "interest_basis": terms.interest_basis.value,
        "grace_days": terms.grace_days, "tolerance": max(terms.tolerance, int(bill.balance * terms.tolerance_share)),
        "late_tolerance": terms.late_tolerance, "minimum_rate": str(terms.minimum_rate),
        "late_fee_rate": str(terms.late_fee_rate), "late_fee_minimum": terms.late_fee_minimum,
        "statements": [first, *later],
    }  # fmt: skip


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
