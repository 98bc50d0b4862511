"""Households at the simulated bank's real process: each month planned from the bills it sent, paid over its wire, and
every bill it sends laid beside what was predicted. What the bank knows reaches the planner as bills alone.
"""

import random
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tests.bank import SimBank
from tests.laws.bank_agreement import Tally, bill_differs, branches_of
from tests.laws.bank_households import DAY, IN_THE_LAW, card_in_words, purchases, verdict_on

from anhuan import statements
from anhuan.kit.clock import CHINA
from anhuan.planning import Legs, Request, cost_of, plan, request_from
from anhuan.planning.model import Issued
from anhuan.simbank.issued import Statement, from_json
from anhuan.simbank.terms import bank, next_day, terms_on

OPENED = date(2026, 1, 2)
MONTH_DAY = 2  # each month is planned on its second morning; no bill of ours comes on that day
ONE_PAYMENT = 5_000_000  # the bank's own limit


@dataclass
class Running:
    """An instalment plan as its holder knows it from the offer: what the bills from now on will carry."""

    bill: date
    principal: int
    periods: int
    fee_rate: Decimal

    @property
    def fee(self) -> int:
        """The fee of each share, half up to the fen."""
        return int((self.principal * self.fee_rate).quantize(Decimal(1), ROUND_HALF_UP))

    def share(self, number: int) -> int:
        """The share of a number, from 1, without its fee; the last takes what is left over."""
        whole = self.principal // self.periods
        return whole if number < self.periods else self.principal - whole * (self.periods - 1)


@dataclass
class WireCard:
    """A card as its holder sees it: the bills that came, what was bought and paid."""

    id: str
    bank: str
    statement_day: int
    bought: list[tuple[date, int]]
    paid: list[tuple[date, int]] = field(default_factory=list)
    bills: dict[date, Statement] = field(default_factory=dict)
    plans: list[Running] = field(default_factory=list)

    @property
    def bill(self) -> Statement:
        """The bill in force."""
        return self.bills[max(self.bills)]

    def shares_on(self, days: list[date]) -> list[list[int]]:
        """What each of these bills will carry of instalments, with the fees."""
        return [[plan.share(number) + plan.fee for plan, number in self._due_on(day)] for day in days]

    def owed(self, today: date) -> int:
        """What the holder owes this morning by their own reckoning: the newest bill, what was bought since, what was
        not paid, and the principal of instalments that bills have yet to carry; fen."""
        on, bill = self.bill.statement_on, self.bill
        bought = sum(amount for day, amount in self.bought if on < day < today)
        paid = sum(amount for day, amount in self.paid if day >= on)
        ahead = sum(
            plan.share(number)
            for plan in self.plans
            for number in range(1 + self._bills_between(plan.bill, on), plan.periods + 1)
        )
        return bill.balance - bill.credit + bought - paid + ahead

    def _due_on(self, day: date) -> list[tuple[Running, int]]:
        numbers = [(plan, self._bills_between(plan.bill, day)) for plan in self.plans]
        return [(plan, number) for plan, number in numbers if 1 <= number <= plan.periods]

    def _bills_between(self, first: date, last: date) -> int:
        count, day = 0, first
        while day < last:
            count, day = count + 1, next_day(day, self.statement_day)
        return count

    def days_to(self, last: date) -> list[date]:
        """The statement days after the bill in force, up to a day."""
        found = [next_day(self.bill.statement_on, self.statement_day)]
        while found[-1] <= last:
            found.append(next_day(found[-1], self.statement_day))
        return found[:-1]


@dataclass
class Family:
    """A household: its cards, and what it has each month."""

    id: str
    cards: list[WireCard]
    income: int
    request: Request | None = None
    legs: Legs = field(default_factory=Legs)


def settle_in(sim: SimBank, dice: random.Random, families: int, months: int) -> list[Family]:
    """Begin the bank again with these families; what their cards buy in all the months is on its agenda."""
    sim.reset(now=_morning(OPENED))
    found, charges = [], []
    for number in range(families):
        cards = []
        for at in range(dice.choice((1, 2, 3))):
            issuer = IN_THE_LAW[(number + at) % len(IN_THE_LAW)]
            name = f"{990_000 + number:06d}{6_214 + at:04d}"
            day = dice.choice([day for day in bank(issuer).statement_days if day != MONTH_DAY])
            said = {"card": name, "bank": issuer, "name": f"family {number}", "statement_day": day}
            sim.control("POST", "/sim/cards", said)
            bought = [(one.day, one.amount) for one in purchases(dice, OPENED, OPENED + DAY * 31 * (months + 3), "c")]
            charges += [{"card": name, "day": on.isoformat(), "amount": amount} for on, amount in bought]
            cards.append(WireCard(name, issuer, day, bought))
        family = Family(f"family-{number}", cards, dice.choice((20_000, 200_000, 5_000_000)))
        sim.control("POST", "/sim/accounts", {"funding": family.id, "holder": family.id, "balance": 10**12})
        found.append(family)
    for start in range(0, len(charges), 2_000):
        sim.control("POST", "/sim/charges", {"charges": charges[start : start + 2_000]})
    return found


def live(sim: SimBank, *, families: int, months: int, seed: int) -> Tally:
    """So many families at the real process for so many months; what was predicted and what the bank billed."""
    dice = random.Random(seed)
    tally = Tally()
    homes = settle_in(sim, dice, families, months)
    day = date(OPENED.year, OPENED.month + 1, MONTH_DAY)
    _move(sim, day)
    for _ in range(months):
        until = next_day(day, MONTH_DAY)
        for home in homes:
            tally.differences += _read_bills(sim, home)
            _plan(dice, home, day, until)
            _take_instalments(sim, home)
        _pay_through(sim, homes, day, until)
        for home in homes:
            tally.differences += _read_bills(sim, home)
            tally.add(_compare(home))
        day = until
    tally.differences += _books_differ(sim, [card for home in homes for card in home.cards], day)
    return tally


def _plan(dice: random.Random, home: Family, as_of: date, until: date) -> None:
    """Plan the days from one monthly look to the next, from the bills that came."""
    home.request, home.legs = None, Legs()
    last = until - DAY
    for card in home.cards:
        terms = terms_on(card.bank, card.bill.statement_on)
        if terms.tolerance_share:
            second = next_day(card.bill.statement_on, card.statement_day)
            last = min(last, verdict_on(terms, second) - DAY)
    if last < as_of:
        return
    cards = [_in_words(card, last) for card in home.cards]
    asked: dict[str, Any] = {
        "as_of": as_of.isoformat(), "horizon_days": (last - as_of).days, "cards": cards,
        "accounts": [{"id": home.id, "balance": dice.randint(0, home.income)}],
        "cash_flows": [{"account": home.id, "date": (as_of + DAY * dice.randint(0, 30)).isoformat(),
                        "amount": dice.randint(0, home.income)}],
        "channels": [{"id": "wire", "accounts": [home.id], "cards": [card["id"] for card in cards],
                      "per_payment_max": ONE_PAYMENT, "fee_rate": dice.choice(("0", "0.001"))}],
    }  # fmt: skip
    home.request = request_from(asked)
    home.legs = plan(home.request, seconds=0.5).legs


def _take_instalments(sim: SimBank, home: Family) -> None:
    """What the plan takes of the bills in force is taken at the bank this morning."""
    cards = {card.id: card for card in home.cards}
    for taken in home.legs.instalments:
        name, _, offer = taken.offer.partition("/")
        card = cards[name]
        said = {"offer": offer, "amount": taken.principal}
        answer = sim.control("POST", f"/sim/cards/{name}/instalments", said)
        terms = terms_on(card.bank, card.bill.statement_on).offer(offer)
        assert terms is not None
        assert answer["periods"] == terms.periods
        card.plans.append(Running(card.bill.statement_on, taken.principal, terms.periods, terms.fee_rate))
        card.paid.append((sim.now.date(), taken.principal))


def _in_words(card: WireCard, last: date) -> dict[str, Any]:
    bill = card.bill
    paid = [(day, amount) for day, amount in card.paid if day >= bill.statement_on]
    terms, days = terms_on(card.bank, bill.statement_on), card.days_to(last)
    asked = card_in_words(card.id, terms, bill, paid=paid, known=card.bought, days=days, shares=card.shares_on(days))
    if not any(plan.bill == bill.statement_on for plan in card.plans):  # one instalment of each bill
        asked["instalment_offers"] = [
            {"id": f"{card.id}/{offer.id}", "statement": 0, "periods": offer.periods, "fee_rate": str(offer.fee_rate),
             "minimum": offer.minimum, "maximum": ONE_PAYMENT}
            for offer in terms.instalments
        ]  # fmt: skip
    return asked


def _pay_through(sim: SimBank, homes: list[Family], start: date, until: date) -> None:
    """Day by day to the next monthly look: what is planned for a day is paid over the wire on its morning."""
    cards = {card.id: card for home in homes for card in home.cards}
    names = {card.id: f"family {number}" for number, home in enumerate(homes) for card in home.cards}
    due: dict[date, list[tuple[str, int, Any]]] = {}
    for home in homes:
        for number, leg in enumerate(home.legs.payments):
            due.setdefault(date.fromordinal(leg.day), []).append((home.id, number, leg))
    for day in sorted(due):
        _move(sim, day)
        for funding, number, leg in due[day]:
            key = f"{leg.card}-{day.isoformat()}-{number}"
            said = sim.pay(key, leg.amount, funding=funding, card=leg.card, name=names[leg.card])
            assert said["state"] == "success", said
            cards[leg.card].paid.append((day, leg.amount))
    _move(sim, until)


def _compare(home: Family) -> Tally:
    tally = Tally(households=1)
    if home.request is None:
        return tally
    tally.days = home.request.last - home.request.as_of + 1
    _, outcomes = cost_of(home.request, home.legs)
    for card in home.cards:
        told = outcomes[card.id].statements
        bills = [card.bills[date.fromordinal(one.day)] for one in told[1:]]
        tally.differences += _bills_differ(card, told, bills)
        tally.cards += 1
        tally.bills += len(bills)
        tally.billed += sum(bill.interest + bill.late_fee for bill in bills)
        tally.banks[card.bank] += len(bills)
        tally.branches.update(branches_of(terms_on(card.bank, OPENED), bills, told))
    return tally


def _bills_differ(card: WireCard, told: list[Issued], bills: list[Statement]) -> list[str]:
    return [
        f"{card.id} at {card.bank}, bill of {bill.statement_on}: {line}"
        for before, said, bill in zip(told, told[1:], bills, strict=False)
        for line in bill_differs(before, said, bill)
    ]


def _books_differ(sim: SimBank, cards: list[WireCard], today: date) -> list[str]:
    """What the bank's books say of the cards against what their holders reckon and what was printed."""
    books = sim.books()
    kept = {one["name"]: one["balance"] for one in books["accounts"]}
    found = [] if books["sound"] else ["the bank's books are not sound"]
    for card in cards:
        if -kept[f"card:{card.id}"] != card.owed(today):
            found.append(f"{card.id}: {-kept[f'card:{card.id}']} in the books, {card.owed(today)} by its bills")
        posted = [one for one in sim.postings(card.id) if one["kind"] in ("interest", "late_fee")]
        taken, printed = (
            -sum(one["amount"] for one in posted),
            sum(b.interest + b.late_fee for b in card.bills.values()),
        )
        found += [f"{card.id}: {taken} taken, {printed} printed"] if taken != printed else []
    return found


def _read_bills(sim: SimBank, home: Family) -> list[str]:
    """Every bill that has come since the last look, as the bank's own service tells it and as its page is read."""
    found = []
    for card in home.cards:
        listed = sim.call("GET", f"/v1/cards/{card.id}/statements").json["statements"]
        for day in (date.fromisoformat(one["day"]) for one in listed):
            if day not in card.bills:
                text = sim.call("GET", f"/v1/cards/{card.id}/statements/{day.isoformat()}.json").body
                card.bills[day] = from_json(text, Statement)
                page = sim.call("GET", f"/v1/cards/{card.id}/statements/{day.isoformat()}.html").body
                found += _reads_otherwise(page, card.bills[day])
    return found


def _reads_otherwise(page: bytes, bill: Statement) -> list[str]:
    """Where the house reads the printed bill otherwise than the bank issued it."""
    reading = statements.read_file(page, "bill.html")
    seen = [(one.total_due, one.minimum_due, one.statement_on, one.due_on) for one in reading.bills]
    issued = (bill.balance - bill.credit, bill.minimum, bill.statement_on, bill.due_on)
    return [] if seen == [issued] else [f"{bill.card}: {seen} read, {issued} issued, {reading.problems}"]


def _move(sim: SimBank, day: date) -> None:
    if sim.now < _morning(day):
        sim.move(to=_morning(day))


def _morning(day: date) -> datetime:
    return datetime.combine(day, time(6), CHINA)
