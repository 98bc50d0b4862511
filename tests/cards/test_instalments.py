"""The price of an instalment plan, against the table of the domain."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anhuan.cards.instalments import BadPlan, plan_cost, plan_rows
from anhuan.kit.money import yuan

PRINCIPAL = yuan("12000").minor


def percent(rate: Decimal) -> str:
    return f"{rate * 100:.2f}"


@pytest.mark.scope("S2-37")
@pytest.mark.parametrize(
    ("periods", "fee", "nominal", "effective"),
    [
        (3, "0.009", "16.13", "17.38"),
        (6, "0.0075", "15.27", "16.38"),
        (12, "0.006", "13.03", "13.84"),
        (12, "0.0066", "14.31", "15.29"),
        (24, "0.0065", "14.33", "15.30"),
        (36, "0.006", "13.17", "14.00"),
    ],
)
def test_the_yearly_rate_behind_a_fee(periods: int, fee: str, nominal: str, effective: str) -> None:
    cost = plan_cost(PRINCIPAL, periods, Decimal(fee))
    assert (percent(cost.nominal), percent(cost.effective)) == (nominal, effective)


def test_a_fee_taken_up_front_is_dearer() -> None:
    cost = plan_cost(PRINCIPAL, 12, Decimal("0.072"), up_front=True)
    assert percent(cost.nominal) == "14.02"
    assert cost.rows[0].amount == yuan("864").minor


def test_golden_case_5() -> None:
    cost = plan_cost(PRINCIPAL, 12, Decimal("0.006"))
    assert cost.fees == yuan("864").minor
    assert {row.amount for row in cost.rows} == {yuan("1072").minor}


@pytest.mark.parametrize(("remainder_on", "at"), [("last", 2), ("first", 0)])
def test_golden_case_6(remainder_on: str, at: int) -> None:
    rows = plan_rows(yuan("10000").minor, 3, Decimal(0), remainder_on=remainder_on)
    assert rows[at].amount == yuan("3333.34").minor
    assert [row.amount for row in rows].count(yuan("3333.33").minor) == 2


def test_a_plan_without_fee_costs_nothing() -> None:
    assert round(plan_cost(PRINCIPAL, 12, Decimal(0)).effective, 20) == 0


@given(st.integers(1, 10**9), st.integers(1, 60), st.sampled_from(["first", "last"]))
def test_the_shares_add_up_and_their_number_never_changes(principal: int, periods: int, remainder_on: str) -> None:
    rows = plan_rows(principal, periods, Decimal("0.006"), remainder_on=remainder_on)
    assert len(rows) == periods
    assert sum(row.principal for row in rows) == principal


@pytest.mark.parametrize(
    ("principal", "periods", "fee", "remainder_on"),
    [
        (0, 3, "0", "last"),
        (100, 0, "0", "last"),
        (100, 3, "1", "last"),
        (100, 3, "-0.1", "last"),
        (9, 3, "0", "middle"),
    ],
)
def test_what_is_no_plan_is_refused(principal: int, periods: int, fee: str, remainder_on: str) -> None:
    with pytest.raises(BadPlan):
        plan_rows(principal, periods, Decimal(fee), remainder_on=remainder_on)
