"""What is true of every plan: its cost is the simulator's, it is allowed, it is proved, and it charges no card."""

import random
from dataclasses import fields, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.laws import brute
from tests.laws.plan_requests import any_request, tiny_request

from anhuan import cards, planning
from anhuan.planning import BadPlan, Legs, Plan, Request, Status, cost_of, live_habits, plan, request_from, settle_fees
from anhuan.planning.explain import explain
from anhuan.planning.model import Card, Credit, Issued, Offer
from anhuan.planning.rules import credit_day, run_card, shares_of, terminal_charge

SECONDS = 3.0
ANY_LIFE = st.integers(min_value=0, max_value=10**6)
# Planning takes time, so the laws of plans share their households; `python -m bench.fuzz_planning` tries others.
SEEDS = st.integers(min_value=0, max_value=59)
LAW = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
LIFE_LAW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
TINY_LAW = settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


@cache
def planned(seed: int) -> tuple[Request, Plan]:
    """The household of a seed and its plan, worked out once for all laws."""
    request = request_from(any_request(random.Random(seed)))
    return request, plan(request, seconds=SECONDS)


def allowed_gap(cost: int) -> int:
    """What `optimal` may leave open (planning.md, The answer)."""
    return max(100, cost // 1000)


@LIFE_LAW
@given(ANY_LIFE)
def test_the_simulator_and_the_oracle_of_cards_agree_to_the_fen(seed: int) -> None:
    dice = random.Random(seed)
    request = request_from(any_request(dice, cards=1, lines=False))
    card = request.cards[0]
    taken, payments = random_life(dice, request, card)
    credits = lived(request, card, taken, payments)
    mine = run_card(card, credits, last=request.last, shares=shares_of(card, taken))
    told = cards.tell(story_of(request, card, taken, payments), date.fromordinal(request.last))
    assert (mine.interest, mine.late_fees, mine.missed, mine.bearing) == (
        told.interest, told.late_fees, told.missed, told.balance_bearing,
    )  # fmt: skip
    shown = [(one.balance, one.minimum, one.carried, one.fees, one.paid, one.late_fee) for one in mine.statements]
    assert shown == [(s.balance, s.minimum, s.carried, s.fees, s.paid, s.late_fee) for s in told.statements]


@pytest.mark.scope("S0-05")
@LAW
@given(SEEDS)
def test_the_predicted_cost_of_a_plan_is_the_oracles_to_the_fen(seed: int) -> None:
    request, made = planned(seed)
    assert made.cost == recomputed(request, made.legs)
    assert made.breakdown == cost_of(request, made.legs)[0]


@pytest.mark.scope("S0-05")
@LAW
@given(SEEDS)
def test_a_plan_is_proved_as_far_as_its_status_says(seed: int) -> None:
    request, made = planned(seed)
    assert made.lower_bound <= made.cost
    if made.status is Status.OPTIMAL:
        assert made.cost - made.lower_bound <= allowed_gap(made.cost)
    if made.status is Status.SHORTFALL:
        assert made.missed
    missed = sum(outcome.missed for outcome in cost_of(request, made.legs)[1].values())
    assert len(made.missed) == (missed if made.status is Status.SHORTFALL else len(made.missed))


@pytest.mark.scope("S0-06", "S0-27")
@LAW
@given(SEEDS)
def test_no_plan_charges_a_card_or_spends_what_must_stay(seed: int) -> None:
    request, made = planned(seed)
    own, names = {account.id for account in request.accounts}, {card.id for card in request.cards}
    channels = {channel.id: channel for channel in request.channels}
    for payment in made.legs.payments:
        assert payment.account in own - names
        assert payment.card in names
        assert payment.account in channels[payment.channel].accounts
        assert payment.amount > 0
    lines = {line.id: line for line in request.lines}
    assert {move.line for move in (*made.legs.draws, *made.legs.line_repayments)} <= set(lines)
    assert {taken.offer for taken in made.legs.instalments} <= {
        offer.id for card in request.cards for offer in card.offers
    }
    assert {one.name for one in fields(Legs)} == {"payments", "instalments", "draws", "line_repayments"}
    assert least_room(request, made) >= 0


@pytest.mark.scope("S0-05", "S0-07")
@LAW
@given(SEEDS)
def test_no_habit_of_people_is_cheaper_than_the_plan(seed: int) -> None:
    request, made = planned(seed)
    for habit in live_habits(request):
        assert cost_of(request, habit.legs)[0].total == habit.cost >= made.lower_bound
        assert habit.cost >= made.cost, habit.kind


@LAW
@given(SEEDS)
def test_every_plan_can_explain_itself(seed: int) -> None:
    request, made = planned(seed)
    told = explain(request, made, seconds=SECONDS)
    assert [leg.payment for leg in told.legs] == list(made.legs.payments)
    assert all(leg.reasons for leg in told.legs)
    for leg in told.legs if not request.lines else ():
        rest = tuple(payment for payment in made.legs.payments if payment is not leg.payment)
        without = settle_fees(request, replace(made.legs, payments=rest))
        try:
            assert leg.saves == cost_of(request, without)[0].total - made.cost
        except BadPlan:  # a fee falls on another account, which then lacks it
            continue
    for lang in ("zh", "en"):
        answer = planning.answer_of(request, made, explanation=told, lang=lang)
        assert answer["cost"] == sum(answer["breakdown"].values())


@pytest.mark.scope("S0-05")
@TINY_LAW
@given(SEEDS)
def test_trying_every_plan_never_beats_the_bound(seed: int) -> None:
    request = request_from(tiny_request(random.Random(seed)))
    made = plan(request, seconds=SECONDS)
    cost, legs = brute.cheapest(request)
    assert made.lower_bound <= cost, legs
    assert made.cost <= cost + allowed_gap(cost), legs


def least_room(request: Request, made: Plan) -> int:
    """The least that stands above any account's floor of any day, counted day by day and account by account."""
    least = 0
    interest = {line.id: Fraction(0) for line in request.lines}
    held = {account.id: account.balance for account in request.accounts}
    bare = dict(held)
    drawn = dict.fromkeys(interest, 0)
    for day in range(request.as_of, request.last + 1):
        for flow in request.flows:
            if flow.day == day:
                held[flow.account] += flow.amount
                bare[flow.account] += flow.amount
        for line in request.lines:
            moved = sum(move.amount for move in made.legs.draws if (move.line, move.day) == (line.id, day))
            moved -= sum(move.amount for move in made.legs.line_repayments if (move.line, move.day) == (line.id, day))
            drawn[line.id] += moved
            held[line.account] += moved
            assert 0 <= drawn[line.id] <= line.available
            interest[line.id] += drawn[line.id] * line.daily_rate
        for payment in made.legs.payments:
            if payment.day == day:
                held[payment.account] -= payment.amount + payment.fee
        if day == request.last:
            for line in request.lines:
                held[line.account] -= (2 * interest[line.id] + 1) // 2
        for account in request.accounts:
            least = min(least, held[account.id] - min(account.reserve, bare[account.id]))
    return int(least)


def recomputed(request: Request, legs: Legs) -> int:
    """The cost of a plan by the oracle of cards, with fees, lines and the terminal charge added up here."""
    total = sum(payment.fee for payment in legs.payments)
    for card in request.cards:
        offers = {offer.id: offer for offer in card.offers}
        taken = [(offers[one.offer], one.principal) for one in legs.instalments if one.offer in offers]
        credits = [Credit(payment.credited, payment.amount) for payment in legs.payments if payment.card == card.id]
        credits += [credit for statement in card.statements[:1] for credit in statement.paid]
        told = cards.tell(story_of(request, card, taken, credits), date.fromordinal(request.last))
        total += told.cost + told.missed * request.missed_minimum_cost
        total += terminal_charge(told.balance_bearing, card.daily_rate, request.terminal_days)
    for line in request.lines:
        days = drawn = 0
        moves = [(move.day, move.amount) for move in legs.draws if move.line == line.id]
        moves += [(move.day, -move.amount) for move in legs.line_repayments if move.line == line.id]
        for day, amount in moves:
            days, drawn = days + amount * (request.last + 1 - day), drawn + amount
        total += int((2 * days * line.daily_rate + 1) // 2)
        total += terminal_charge(drawn, line.daily_rate, request.terminal_days)
    return total


def story_of(request: Request, card: Card, taken: list[tuple[Offer, int]], credits: list[Credit]) -> cards.CardStory:
    """The same card in the words of the oracle; `credits` are all but the principals of instalments."""
    at = {offer.id: credit_day(card, offer, as_of=request.as_of) for offer, _ in taken}
    return cards.CardStory(
        terms=cards.CardTerms(
            decimal(card.daily_rate), cards.InterestBasis(card.basis.value), decimal(card.minimum_rate),
            decimal(card.late_fee_rate), card.late_fee_minimum, card.grace_days, card.tolerance, card.late_tolerance,
        ),
        statements=tuple(
            cards.StoryStatement(
                date.fromordinal(statement.day), date.fromordinal(statement.due),
                tuple(cards.Charge(date.fromordinal(c.posted), c.amount, c.instalment) for c in statement.charges),
                statement.carried, statement.fees, statement.minimum if index == 0 else None,
            )
            for index, statement in enumerate(card.statements)
        ),
        payments=tuple(
            cards.Payment(date.fromordinal(credit.day), credit.amount)
            for credit in credits
            if credit.day <= request.last
        ),
        taken=tuple(
            cards.Taken(offer.statement, principal, offer.periods, decimal(offer.fee_rate), date.fromordinal(day))
            for offer, principal in taken
            if (day := at[offer.id]) is not None
        ),
    )  # fmt: skip


def decimal(rate: Fraction) -> Decimal:
    return Decimal(rate.numerator) / Decimal(rate.denominator)


def random_life(dice: random.Random, request: Request, card: Card) -> tuple[list[tuple[Offer, int]], list[Credit]]:
    """Payments on random days, often exactly what is open or due, and an offer taken now and then."""
    taken: list[tuple[Offer, int]] = []
    payments = [credit for statement in card.statements[:1] for credit in statement.paid if credit.day <= request.last]
    days = dice.choices(range(card.statements[0].day, request.last + 1), k=dice.randint(0, 6))
    offered = (credit_day(card, offer, as_of=request.as_of) for offer in card.offers)
    days += [day for day in offered if day is not None and day <= request.last]
    for day in sorted(days):
        if any(credit.day > day for credit in lived(request, card, taken, payments)):
            continue
        now = told_to(day, request, card, taken, payments)
        for offer in card.offers:
            fits = credit_day(card, offer, as_of=request.as_of) == day and not taken
            principal = min(now.balance - now.paid, offer.maximum)
            if fits and principal >= max(1, offer.minimum):
                taken.append((offer, principal))
                now = told_to(day, request, card, taken, payments)
        open_now, due = now.balance - now.paid, now.minimum - now.paid
        choices = (open_now, due, due - 1, open_now - card.tolerance, dice.randint(0, max(0, open_now)))
        amount = min(open_now, max(0, dice.choice(choices)))
        if amount:
            payments.append(Credit(day, amount))
    return taken, payments


def told_to(day: int, request: Request, card: Card, taken: list[tuple[Offer, int]], payments: list[Credit]) -> Issued:
    """How the current statement stands at the end of a day."""
    credits = lived(request, card, taken, payments)
    return run_card(card, credits, last=day, shares=shares_of(card, taken)).statements[-1]


def lived(request: Request, card: Card, taken: list[tuple[Offer, int]], payments: list[Credit]) -> list[Credit]:
    """Payments and principals of instalments in order of day."""
    days = [(credit_day(card, offer, as_of=request.as_of), principal) for offer, principal in taken]
    principals = [Credit(day, principal) for day, principal in days if day is not None]
    return sorted([*principals, *payments], key=lambda credit: credit.day)
