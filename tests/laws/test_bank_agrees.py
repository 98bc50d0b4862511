"""What the planner predicts is what the simulated banks charge, to the fen (channels.md, section 7).

The banks charge by a loop over days written apart from everything that predicts. `make bench ONLY=agreement` tries
thousands of household-months; these are the first of them.
"""

import random
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path

import pytest
from tests.laws.bank_agreement import Tally, planned, random_life
from tests.laws.bank_households import IN_THE_LAW, household

from anhuan.planning import request_from, unused_fields
from anhuan.simbank import issuer

PLANS, LIVES = range(12), range(32)
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


@pytest.mark.timeout(60)  # about half a second; a switch numbed by a boundless instalment once made it endless
def test_a_household_offered_instalments_without_a_maximum_gets_its_plan_in_time() -> None:
    tally = planned(430, seconds=0.6)
    assert tally.differences == []
    assert tally.bills > 0


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


WRONG_BANKS = {
    "full only beyond the tolerance": (
        "cycle.paid >= cycle.balance - cycle.tolerance",
        "cycle.paid > cycle.balance - cycle.tolerance",
    ),
    "no tolerance in per cent": ("_at_rate(balance, terms.tolerance_share, rounding=_DOWN)", "0"),
    "no late tolerance": ("cycle.minimum - terms.late_tolerance", "cycle.minimum"),
    "both bases alike": ("item.open * item.days", "item.weight"),
    "no interest on interest": (
        "account.weight += account.carried + account.unbilled_cash",
        "account.weight += account.principal",
    ),
    "one day less": ("day == cycle.last_grace_day", "day == cycle.last_grace_day - _DAY"),
    "no days of grace": ("day == cycle.last_grace_day", "day == cycle.due_on"),
    "fees bear interest": ("account.fees += late_fee", "account.interest += late_fee; account.fees += 0"),
    "late fee of the whole minimum": ("_at_rate(cycle.minimum - cycle.paid, rate)", "_at_rate(cycle.minimum, rate)"),
    "no floor": ("max(terms.late_fee_minimum, ", "max(0, "),
    "what is missing is forgiven": ("+ shares + missing", "+ shares"),
    "minimum to the nearest fen": ("terms.minimum_rate, rounding=UP", "terms.minimum_rate, rounding=HALF_UP"),
    "shares at the rate of the minimum": ("+ account.principal + charges,", "+ account.principal + charges + shares,"),
    "remainder first": ("split(plan.periods)[plan.billed]", "split(plan.periods)[-1 - plan.billed]"),
    "what stayed open bears interest": (
        "fresh.append(Item(day, left, left, Kind.LEFT_OPEN))",
        "account.principal += left",
    ),
    "interest cut to the fen": (
        "interest = _at_rate(account.weight, ending.daily_rate)",
        "interest = _at_rate(account.weight, ending.daily_rate, rounding=_DOWN)",
    ),
    "charges before the carried balance": (
        '"fees", "interest", "cash", "principal", "items")',
        '"items", "fees", "interest", "cash", "principal")',
    ),
    "the day of posting is free": ("item.weight += item.open", "item.weight += item.open if item.days else 0"),
}


@pytest.fixture
def source() -> Iterator[str]:
    """The issuer's source, in force again afterwards."""
    text = Path(issuer.__file__).read_text(encoding="utf-8")
    yield text
    exec(text, issuer.__dict__)


@pytest.mark.parametrize("wrong", WRONG_BANKS)
def test_a_bank_that_charges_otherwise_is_found_out(source: str, wrong: str) -> None:
    old, new = WRONG_BANKS[wrong]
    assert source.count(old) == 1
    exec(source.replace(old, new), issuer.__dict__)
    lives = chain(
        (partial(random_life, seed, horizon=180) for seed in range(12)),
        (partial(random_life, seed, horizon=60, of=("sim_c",)) for seed in range(12)),
    )
    assert any(live().differences for live in lives)
