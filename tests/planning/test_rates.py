"""The true rate of an instalment plan against the table of domain.md, section 3 (12,000.00 borrowed)."""

from decimal import Decimal
from fractions import Fraction

import pytest

from anhuan.planning.model import BadRequest
from anhuan.planning.rates import true_rate


@pytest.mark.parametrize(
    ("periods", "fee", "nominal", "effective"),
    [
        (3, "0.0090", "16.13", "17.38"),
        (6, "0.0075", "15.27", "16.38"),
        (12, "0.0060", "13.03", "13.84"),  # G5: not 7.2%
        (12, "0.0066", "14.31", "15.29"),
        (24, "0.0065", "14.33", "15.30"),
        (36, "0.0060", "13.17", "14.00"),
    ],
)
@pytest.mark.scope("S2-37")
def test_the_true_rate_is_the_one_of_the_table(periods: int, fee: str, nominal: str, effective: str) -> None:
    found = true_rate(1_200_000, periods, Fraction(fee))
    assert round(found.nominal * 100, 2) == Decimal(nominal)
    assert round(found.effective * 100, 2) == Decimal(effective)


def test_twelve_thousand_in_twelve_costs_eight_hundred_and_sixty_four() -> None:
    found = true_rate(1_200_000, 12, Fraction("0.006"))
    assert (found.payments[0], found.fees) == (107_200, 86_400)


def test_the_odd_fen_of_three_shares_stands_on_the_last() -> None:
    assert true_rate(1_000_000, 3, Fraction(0)).payments == (333_333, 333_333, 333_334)


def test_an_offer_without_fees_costs_nothing() -> None:
    assert round(true_rate(1_000_000, 3, Fraction(0)).nominal, 9) == 0


@pytest.mark.parametrize(("principal", "periods", "fee"), [(0, 12, "0.006"), (100, 0, "0.006"), (100, 12, "1.5")])
def test_nonsense_is_refused(principal: int, periods: int, fee: str) -> None:
    with pytest.raises(BadRequest):
        true_rate(principal, periods, Fraction(fee))
