"""Enough money: the closed form. Every bill is paid in full in time, and nothing can be cheaper, with proof.

Why it is the cheapest: whatever is paid, the past of each card costs what it costs; from the first day on, interest
falls with every fen paid earlier. A bill with nothing carried over that is paid in full by its last day of grace costs
nothing. A bill that carries a balance costs least when all of it is paid on the first day that money can reach it. A
plan that does this for every bill, through ways without a fee, without a line and without an instalment, reaches each
card's least cost at once, so its cost is its own lower bound.
"""

from collections import Counter
from dataclasses import dataclass, field

from anhuan.planning.means import Means
from anhuan.planning.model import (
    Breakdown,
    Card,
    CardOutcome,
    Channel,
    Credit,
    Legs,
    Payment,
    Plan,
    Request,
    Status,
)
from anhuan.planning.opening import Opening
from anhuan.planning.rules import run_card
from anhuan.planning.ways import credited_on, first_day_for, last_day_for, month_of


def enough_money(request: Request, openings: list[Opening], means: dict[str, Means]) -> Plan | None:
    """The cheapest plan when money suffices, or None when the closed form does not apply."""
    if any(opening.missed for opening in openings):
        return None
    purse = _Purse(request, means)
    needs: list[_Need] = []
    for opening in openings:
        wanted = _needs(request, opening)
        if wanted is None:
            return None
        needs += wanted
    payments: list[Payment] = []
    for need in sorted(needs, key=lambda need: (need.final, need.card.id)):
        paid = purse.pay(need)
        if paid is None:
            return None
        payments += paid
    return _proved(request, openings, payments)


@dataclass(frozen=True, slots=True)
class _Need:
    """An amount that must be credited between two days; `at_once` means on the first day that is possible."""

    card: Card
    amount: int
    first: int
    final: int
    at_once: bool = False


def _needs(request: Request, opening: Opening) -> list[_Need] | None:
    """What a card's bills need; None where interest runs on from bill to bill in more than a simple way."""
    needs: list[_Need] = []
    if _bears(opening):
        return _bearing_needs(request, opening)
    for cycle in opening.cycles:
        if cycle.grace < cycle.end and not cycle.graced:
            amount = cycle.open - sum(amount for _, amount in cycle.coming)
            if amount:
                needs.append(_Need(opening.card, amount, cycle.start, cycle.grace))
    return needs


def _bears(opening: Opening) -> bool:
    """Whether a card carries a balance, fees or interest that come over from bill to bill."""
    return any(cycle.carried or cycle.fees or cycle.past_days or cycle.late_fee for cycle in opening.cycles)


def _bearing_needs(request: Request, opening: Opening) -> list[_Need] | None:
    """A card with a balance that earns interest: each bill that carries something is paid on its first possible day."""
    card, needs = opening.card, []
    ways = [way for way in request.channels if card.id in way.cards and way.accounts]
    if not ways or card.offers or any(cycle.coming for cycle in opening.cycles):
        return None
    credits = [credit for statement in card.statements[:1] for credit in statement.paid if credit.day <= request.as_of]
    for position, cycle in enumerate(opening.cycles):
        issued = run_card(card, credits, last=card.statements[cycle.index].day).statements[cycle.index]
        amount = cycle.open if position == 0 else issued.balance
        carried = cycle.carried + cycle.fees if position == 0 else issued.carried + issued.fees
        judged = cycle.grace < cycle.end and not cycle.graced
        if not amount or not (judged or carried):
            continue
        if carried:
            day = min(credited_on(way, first_day_for(way, cycle.start, first=request.as_of)) for way in ways)
            if day >= cycle.end or (judged and day > cycle.grace):
                return None
        else:
            day = cycle.grace
        needs.append(_Need(card, amount, cycle.start, day, at_once=bool(carried)))
        credits = [*credits, Credit(day, amount)]
    return needs


@dataclass(slots=True)
class _Purse:
    """The accounts and free ways as payments use them up, in order of their last days."""

    request: Request
    means: dict[str, Means]
    gone: Counter[str] = field(default_factory=Counter)
    month: Counter[tuple[str, int]] = field(default_factory=Counter)
    day: Counter[tuple[str, int]] = field(default_factory=Counter)
    count: Counter[tuple[str, str, int]] = field(default_factory=Counter)

    def pay(self, need: _Need) -> list[Payment] | None:
        """Pay a need whole from one account over one free way, as late as serves it; None when none can."""
        best: tuple[int, int, Channel, str] | None = None
        for channel in self.request.channels:
            if need.card.id not in channel.cards:
                continue
            day = last_day_for(channel, need.final, first=self.request.as_of)
            if day is None or credited_on(channel, day) < need.first or not self._free(channel, need, day):
                continue
            if need.at_once and credited_on(channel, day) != need.final:
                continue
            for account in channel.accounts:
                spare = self.means[account].safe_on(day) - self.gone[account]
                if spare >= need.amount and (best is None or (day, spare) > best[:2]):
                    best = (day, spare, channel, account)
        if best is None:
            return None
        day, _, channel, account = best
        most = channel.per_payment_max or need.amount
        amounts = [most] * (need.amount // most) + ([need.amount % most] if need.amount % most else [])
        self.gone[account] += need.amount
        self.month[channel.id, month_of(day)] += need.amount
        self.day[channel.id, day] += need.amount
        self.count[channel.id, need.card.id, month_of(day)] += len(amounts)
        credited = credited_on(channel, day)
        return [Payment(day, account, channel.id, need.card.id, amount, 0, credited) for amount in amounts]

    def _free(self, channel: Channel, need: _Need, day: int) -> bool:
        """Whether the amount goes this way without a fee and within its limits."""
        charged = self.month[channel.id, month_of(day)] + need.amount > channel.free_quota
        if charged and (channel.fee_rate or channel.fee_minimum):
            return False
        if channel.per_day_max and self.day[channel.id, day] + need.amount > channel.per_day_max:
            return False
        most = channel.per_payment_max or need.amount
        pieces = -(-need.amount // most)
        if channel.per_payment_min > (need.amount % most or most):
            return False
        limit = channel.payments_per_month
        return not limit or self.count[channel.id, need.card.id, month_of(day)] + pieces <= limit


def _proved(request: Request, openings: list[Opening], payments: list[Payment]) -> Plan | None:
    """The plan with its cost, when the simulator finds every bill as the proof wants it."""
    interest = late_fees = 0
    for opening in openings:
        if not _bears(opening):  # paid in full and in time, such a card costs nothing more than its past
            interest += opening.interest
            late_fees += opening.late_fees
            continue
        outcome = _outcome(request, opening.card, payments)
        if outcome.missed or outcome.bearing:
            return None
        interest += outcome.interest
        late_fees += outcome.late_fees
    breakdown = Breakdown(interest=interest, late_fees=late_fees)
    legs = Legs(tuple(sorted(payments, key=lambda one: (one.day, one.card, one.channel, -one.amount))))
    return Plan(Status.OPTIMAL, legs, breakdown, breakdown.total, method="closed form")


def _outcome(request: Request, card: Card, payments: list[Payment]) -> CardOutcome:
    credits = [credit for statement in card.statements[:1] for credit in statement.paid]
    credits += [Credit(payment.credited, payment.amount) for payment in payments if payment.card == card.id]
    credits.sort(key=lambda credit: credit.day)
    return run_card(card, [credit for credit in credits if credit.day <= request.last], last=request.last)
