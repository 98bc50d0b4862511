"""What the planner predicts is what the simulated banks charge, to the fen (channels.md, section 7).

The banks charge by a loop over days written apart from everything that predicts. `make bench ONLY=agreement` tries
thousands of household-months; these are the first of them.
"""

import random
from collections.abc import Iterable

import pytest
from tests.laws.bank_agreement import Tally, planned, random_life
from tests.laws.bank_households import IN_THE_LAW, household

from anhuan.planning import request_from, unused_fields
from anhuan.simbank import issuer
from anhuan.simbank.issued import Account, Cycle
from anhuan.simbank.terms import CardTerms

PLANS, LIVES = range(16), range(32)
HORIZONS = (60, 92, 180, 365)
BRANCHES = {
    "interest, full", "interest, unpaid", "interest on interest", "late fee at its floor", "late fee by its rate",
    "amount left open", "share left open", "let pass by the late tolerance", "paid after grace",
    "missing of the minimum before", "instalment share", "fee still open",
}  # fmt: skip


@pytest.fixture(scope="module")
def plans() -> Tally:
    return summed(planned(seed, seconds=0.2) for seed in PLANS)


@pytest.fixture(scope="module")
def lives() -> Tally:
    long = [
        random_life(seed, horizon=HORIZONS[seed % len(HORIZONS)], free=free) for seed in LIVES for free in (False, True)
    ]
    return summed([*long, *(random_life(seed, horizon=60, of=("sim_c",)) for seed in range(8))])


def summed(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for one in tallies:
        total.add(one)
    return total


@pytest.mark.scope("S0-05", "S0-38")
def test_what_a_plan_predicts_is_what_the_banks_charge(plans: Tally) -> None:
    assert plans.differences == []
    assert set(plans.banks) == set(IN_THE_LAW)
    assert plans.billed > 0


@pytest.mark.scope("S0-05", "S0-38")
def test_whatever_a_household_pays_the_banks_charge_what_the_simulator_says(lives: Tally) -> None:
    assert lives.differences == []
    assert set(lives.banks) == set(IN_THE_LAW)


def test_the_households_go_through_every_rule(plans: Tally, lives: Tally) -> None:
    assert set(plans.branches) | set(lives.branches) == BRANCHES
    assert plans.months + lives.months >= 150


def test_a_request_about_a_simulated_card_has_no_field_that_no_rule_reads() -> None:
    asked, _ = household(random.Random(1), horizon=92)
    assert unused_fields(asked) == []
    assert request_from(asked).cards


def test_a_bank_that_charges_one_day_more_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = issuer._judge_interest

    def greedy(account: Account, cycle: Cycle, terms: CardTerms) -> None:
        for item in account.billed:
            item.weight, item.days = item.weight + item.open, item.days + 1
        honest(account, cycle, terms)

    monkeypatch.setattr(issuer, "_judge_interest", greedy)
    assert any(random_life(seed, horizon=92, free=False).differences for seed in range(6))


def test_a_bank_that_rounds_a_fen_its_own_way_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = issuer._at_rate
    monkeypatch.setattr(
        issuer, "_at_rate", lambda fen, rate, rounding="ROUND_FLOOR": honest(fen, rate, rounding=rounding)
    )
    assert any(random_life(seed, horizon=180, free=False).differences for seed in range(6))
