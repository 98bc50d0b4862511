"""The closed form answers only where it is right: it agrees with the program, which knows nothing of it."""

import random
from dataclasses import replace

import pytest
from tests.laws.plan_requests import any_request

from anhuan.planning import cost_of, plan, request_from
from anhuan.planning.model import Request, Status
from anhuan.planning.opening import open_card
from anhuan.planning.planner import _Search, means_by_account
from anhuan.planning.plenty import enough_money


def rich(seed: int) -> Request:
    """A random household whose accounts hold more than it will ever owe."""
    asked = any_request(random.Random(seed), lines=False, offers=False)
    for account in asked["accounts"]:
        account["balance"] = 90_000_000
    return request_from(asked)


@pytest.mark.parametrize("seed", range(40))
def test_the_closed_form_costs_what_the_program_costs(seed: int) -> None:
    request = rich(seed)
    openings = [open_card(request, card) for card in request.cards]
    means = means_by_account(request)
    easy = enough_money(request, openings, means)
    if easy is None:
        return
    assert easy.cost == easy.lower_bound == cost_of(request, easy.legs)[0].total
    searched = _Search(request, openings, means, 5.0).best()
    assert searched.cost >= easy.cost
    assert searched.lower_bound <= easy.cost


def test_the_closed_form_is_used_by_most_of_the_rich() -> None:
    answered = [plan(rich(seed)).method for seed in range(40)]
    assert answered.count("closed form") >= 10


def test_without_money_there_is_no_closed_form() -> None:
    request = rich(3)
    poor = replace(request, accounts=tuple(replace(account, balance=0) for account in request.accounts), flows=())
    openings = [open_card(poor, card) for card in poor.cards]
    answer = enough_money(poor, openings, means_by_account(poor))
    assert answer is None or not answer.legs.payments


def test_a_way_with_a_free_quota_counts_when_a_balance_is_to_be_paid_at_once() -> None:
    asked = {
        "as_of": "2026-12-30", "horizon_days": 40, "terminal_days": 0,
        "accounts": [{"id": "own", "balance": 2_000_000}],
        "channels": [
            {"id": "slow", "accounts": ["own"], "cards": ["a"], "lead_days": 3},
            {"id": "wallet", "accounts": ["own"], "cards": ["a"], "fee_rate": "0.001", "fee_minimum": 10,
             "free_quota": 500_000},
        ],
        "cards": [{
            "id": "a", "daily_rate": "0.0005", "minimum_rate": "0.1",
            "statements": [{"statement_date": "2026-12-30", "due_date": "2027-01-20", "carried": 180_000,
                            "minimum": 18_000}],
        }],
    }  # fmt: skip
    made = plan(request_from(asked))
    assert (made.status, made.cost) == (Status.OPTIMAL, 0)
    assert [payment.channel for payment in made.legs.payments] == ["wallet"]
