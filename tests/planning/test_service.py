"""The plan of a stored household: its request from bills, terms and own money, honest about what it assumes."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from anhuan import cards, planning
from anhuan.cards import BillFacts, Charge, Payment
from anhuan.planning import PlanSettings, Status, WhatIf
from anhuan.planning.service import BadFlow, NoSuchFlow

NOW = datetime(2026, 11, 10, 3, 0, tzinfo=UTC)
TODAY = date(2026, 11, 21)


def bill(db: Session, user_id: UUID, **other: Any) -> UUID:
    usual: dict[str, Any] = {
        "bank": "icbc", "currency": "CNY", "total_due": 800000, "minimum_due": 80000,
        "statement_on": date(2026, 11, 8), "due_on": date(2026, 11, 28), "cards": ("7640",),
        "charges": (Charge(date(2026, 10, 20), 800000),), "known_complete": True,
    }  # fmt: skip
    return cards.record_bill(db, user_id, BillFacts(**{**usual, **other}), now=NOW).account_id


def money(db: Session, user_id: UUID, balance: int = 1_200_000, *, reserve: int = 50_000) -> UUID:
    own = cards.set_account(db, user_id, "ccb", "0099", reserve=reserve)
    cards.record_balance(db, user_id, own.account_id, balance, balance_on=TODAY)
    return own.account_id


def codes(made: planning.ExplainedPlan) -> set[str]:
    return {words.code for words in made.warnings} | {one.words.code for one in made.assumptions}


@pytest.mark.scope("S0-05", "S0-11")
def test_a_household_with_enough_money_pays_its_bill_in_full_on_the_last_day(db: Session, user_id: UUID) -> None:
    account, own = bill(db, user_id), money(db, user_id)
    made = planning.plan_mine(db, user_id, as_of=TODAY)
    leg = made.legs[0]
    assert (made.plan.status, made.cost, len(made.legs)) == (Status.OPTIMAL, 0, 1)
    assert (leg.card.account_id, leg.account.account_id, leg.amount, leg.fee) == (account, own, 800000, 0)
    assert leg.on == date(2026, 11, 28), "grace is not relied on unless the user says so"
    assert "免息" in leg.why("zh") or "利息" in leg.why("zh")
    assert leg.saves > 0
    assert made.points[0].balances[own] == 1_200_000
    assert made.points[-1].total == 400_000


@pytest.mark.scope("S0-24", "S0-07")
def test_a_shortage_says_which_minimum_falls_and_what_would_save_it(db: Session, user_id: UUID) -> None:
    bill(db, user_id)
    own = money(db, user_id, 100_000)
    planning.set_flow(db, user_id, own, 2_000_000, on_date=date(2026, 12, 5))
    made = planning.plan_mine(db, user_id, as_of=TODAY)
    (missed,) = made.missed
    assert made.plan.status is Status.SHORTFALL
    assert (missed.minimum, missed.more, missed.by) == (80000, 30000, date(2026, 11, 28))


def test_what_is_paid_already_is_not_paid_again(db: Session, user_id: UUID) -> None:
    bill(db, user_id, payments=(Payment(date(2026, 11, 15), 300000),))
    money(db, user_id)
    assert [leg.amount for leg in planning.plan_mine(db, user_id, as_of=TODAY).legs] == [500000]


def test_an_overpaid_bill_needs_nothing(db: Session, user_id: UUID) -> None:
    bill(db, user_id, payments=(Payment(date(2026, 11, 15), 900000),))
    money(db, user_id)
    made = planning.plan_mine(db, user_id, as_of=TODAY)
    assert (made.legs, made.cost) == ((), 0)


def test_a_bill_in_foreign_money_is_set_aside_and_said(db: Session, user_id: UUID) -> None:
    bill(db, user_id, currency="USD", total_due=12345, minimum_due=1234, charges=(), known_complete=False)
    money(db, user_id)
    made = planning.plan_mine(db, user_id, as_of=TODAY)
    assert [one.currency for one in made.pay_in_currency] == ["USD"]
    assert made.request.cards == ()
    assert "foreign_bill" in codes(made)


def test_a_bill_without_its_rows_is_counted_from_the_cycles_first_day_and_marked(db: Session, user_id: UUID) -> None:
    bill(db, user_id, charges=(), known_complete=False)
    money(db, user_id)
    made = planning.plan_mine(db, user_id, as_of=TODAY)
    charge = made.request.cards[0].statements[0].charges[0]
    assert (date.fromordinal(charge.posted), charge.amount) == (date(2026, 10, 9), 800000)
    assert made.approximate
    assert "unexplained" in codes(made)


def test_what_the_bill_before_left_open_is_carried_and_not_a_new_charge(db: Session, user_id: UUID) -> None:
    old = {"statement_on": date(2026, 10, 8), "due_on": date(2026, 10, 28), "total_due": 300000, "minimum_due": 30000}
    bill(db, user_id, **old, charges=(Charge(date(2026, 9, 20), 300000),))
    bill(db, user_id, charges=(Charge(date(2026, 10, 20), 500000),), known_complete=False)
    first = planning.request_of(db, user_id, as_of=TODAY).cards[0].statements[0]
    assert (first.carried, sum(charge.amount for charge in first.charges)) == (300000, 500000)


def test_later_statements_follow_the_cycle_and_carry_what_the_user_expects_to_spend(db: Session, user_id: UUID) -> None:
    account = bill(db, user_id)
    planning.set_spending(db, user_id, account, 123400)
    statements = planning.request_of(db, user_id, as_of=TODAY).cards[0].statements
    assert [date.fromordinal(one.day) for one in statements[1:]] == [
        date(2026, 12, 8), date(2027, 1, 8), date(2027, 2, 8),
    ]  # fmt: skip
    assert [one.charges[0].amount for one in statements[1:]] == [123400] * 3


def test_expected_money_comes_monthly_or_once_and_can_be_taken_back(db: Session, user_id: UUID) -> None:
    bill(db, user_id)
    own = money(db, user_id)
    salary = planning.set_flow(db, user_id, own, 1_500_000, label="工资", day_of_month=31)
    planning.set_flow(db, user_id, own, -200_000, label="房租", on_date=date(2026, 12, 1))
    flows = planning.request_of(db, user_id, as_of=TODAY).flows
    days = sorted((date.fromordinal(flow.day), flow.amount) for flow in flows)
    assert days == [
        (date(2026, 11, 30), 1_500_000), (date(2026, 12, 1), -200_000), (date(2026, 12, 31), 1_500_000),
        (date(2027, 1, 31), 1_500_000),
    ]  # fmt: skip
    planning.set_flow(db, user_id, own, 1_600_000, label="工资", day_of_month=15, flow_id=salary.flow_id)
    assert [flow.amount for flow in planning.flows(db, user_id)] == [1_600_000, -200_000]
    planning.remove_flow(db, user_id, salary.flow_id)
    assert len(planning.flows(db, user_id)) == 1
    with pytest.raises(NoSuchFlow):
        planning.remove_flow(db, user_id, salary.flow_id)
    with pytest.raises(BadFlow):
        planning.set_flow(db, user_id, own, 1, day_of_month=3, on_date=TODAY)


def test_a_plan_uses_the_channels_the_user_chose_and_a_plain_transfer_before(db: Session, user_id: UUID) -> None:
    bill(db, user_id)
    money(db, user_id)
    assert [one.id for one in planning.request_of(db, user_id, as_of=TODAY).channels] == ["bank_transfer"]
    planning.set_channel(db, user_id, "bank_transfer", chosen=False)
    planning.set_channel(db, user_id, "wechat", chosen=True)
    made = planning.plan_mine(db, user_id, as_of=TODAY)
    assert {leg.channel.channel_id for leg in made.legs} == {"wechat"}
    assert all((leg.credited_on - leg.on).days == 1 for leg in made.legs), "its slow end is a day"


def test_courtesies_count_only_when_the_user_relies_on_them(db: Session, user_id: UUID) -> None:
    account = bill(db, user_id)
    for key, value in (("grace_days", 3), ("grace_amount", 1000)):
        cards.set_term(db, user_id, account, key, value, valid_from=date(2026, 1, 1), source="合同", now=NOW)
    card = planning.request_of(db, user_id, as_of=TODAY).cards[0]
    assert (card.grace_days, card.tolerance) == (0, 0)
    planning.set_settings(db, user_id, PlanSettings(horizon_days=60, rely_on_grace=True))
    request = planning.request_of(db, user_id, as_of=TODAY)
    assert (request.cards[0].grace_days, request.cards[0].tolerance, request.last - request.as_of) == (3, 1000, 60)


@pytest.mark.scope("S0-20")
def test_what_if_a_bill_is_skipped_costs_its_interest_its_fee_and_its_mark(db: Session, user_id: UUID) -> None:
    account = bill(db, user_id)
    money(db, user_id)
    made = planning.plan_mine(db, user_id, as_of=TODAY, what_if=WhatIf(skip=(str(account),)))
    assert made.before == 0
    assert made.plan.breakdown.missed_minimums == 100_000
    assert made.plan.breakdown.late_fees == 4000
    assert made.dearer == made.cost > 104_000
    assert all(leg.credited_on >= date(2026, 12, 8) for leg in made.legs)


def test_a_household_without_anything_gets_an_empty_plan(db: Session, user_id: UUID) -> None:
    made = planning.plan_mine(db, user_id, as_of=TODAY)
    assert (made.legs, made.cost, made.request.cards) == ((), 0, ())


def test_every_sentence_of_a_plan_can_be_said_in_both_languages(db: Session, user_id: UUID) -> None:
    bill(db, user_id, charges=(), minimum_due=None, due_on=None, known_complete=False)
    money(db, user_id, 300_000)
    made = planning.plan_mine(db, user_id, as_of=TODAY)
    for lang in ("zh", "en"):
        said = [one.say(lang) for one in made.warnings] + [one.words.say(lang) for one in made.assumptions]
        said += [leg.why(lang) for leg in made.legs] + [one.why.say(lang) for one in made.left]
        assert all(said)
    assert {"minimum_guessed", "due_guessed"} <= codes(made)
