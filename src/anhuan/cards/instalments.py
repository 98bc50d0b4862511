"""What an instalment plan (分期) really costs a year: the rate behind the fee, from the payments themselves.

A fee percentage is no rate: half of the principal is paid back on average, so 0.6% a month is about 13% a year.
"""

from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Final

from anhuan.kit.errors import Refused
from anhuan.kit.money import round_half_up

_DIGITS: Final = 40
_STEPS: Final = 120  # halvings of the search; each gives a binary digit
_DEAREST: Final = Decimal(1)  # 100% a month: dearer plans are no plans


class BadPlan(Refused):
    """分期方案有误: principal, periods or fee cannot be a plan."""

    code = "cards.bad_instalment_plan"


@dataclass(frozen=True, slots=True)
class Row:
    """One payment of a plan in fen: period 0 is the day the plan begins."""

    period: int
    principal: int
    fee: int

    @property
    def amount(self) -> int:
        """What is paid then."""
        return self.principal + self.fee


@dataclass(frozen=True, slots=True)
class PlanCost:
    """A plan with its price: fees in fen, yearly rates as shares; `nominal` is 12 r, `effective` (1 + r)^12 - 1."""

    rows: tuple[Row, ...]
    fees: int
    nominal: Decimal
    effective: Decimal


def plan_rows(
    principal: int, periods: int, fee_rate: Decimal, *, up_front: bool = False, remainder_on: str = "last"
) -> tuple[Row, ...]:
    """The payments of a plan: equal shares of whole fen, the rest on the named row; the fee per period or at once."""
    if principal <= 0 or periods <= 0 or not 0 <= fee_rate < 1:
        raise BadPlan("a plan has a principal, at least one period and a fee from 0 to below 1")
    if remainder_on not in ("first", "last"):
        raise BadPlan("the remainder is on the first or the last row", field="remainder_on")
    share, rest = divmod(principal, periods)
    bearer = periods if remainder_on == "last" else 1
    fee = round_half_up(Fraction(fee_rate) * principal)
    start = (Row(0, 0, fee),) if up_front else ()
    each = 0 if up_front else fee
    return (*start, *(Row(at, share + (rest if at == bearer else 0), each) for at in range(1, periods + 1)))


def plan_cost(
    principal: int, periods: int, fee_rate: Decimal, *, up_front: bool = False, remainder_on: str = "last"
) -> PlanCost:
    """The price of a plan: `fee_rate` is of the principal, per period, or once where it is taken up front."""
    rows = plan_rows(principal, periods, fee_rate, up_front=up_front, remainder_on=remainder_on)
    monthly = monthly_rate(principal, rows)
    with localcontext() as precise:
        precise.prec = _DIGITS
        effective = (1 + monthly) ** 12 - 1
    return PlanCost(rows, sum(row.fee for row in rows), nominal=12 * monthly, effective=effective)


def monthly_rate(principal: int, rows: tuple[Row, ...]) -> Decimal:
    """The rate r at which the payments are worth the principal: principal = sum of payments / (1 + r)^period."""
    with localcontext() as precise:
        precise.prec = _DIGITS
        low, high = Decimal(0), _DEAREST
        if _worth(rows, high) > principal:
            raise BadPlan("the fee is larger than any rate can explain", field="fee_rate")
        for _ in range(_STEPS):
            middle = (low + high) / 2
            low, high = (middle, high) if _worth(rows, middle) > principal else (low, middle)
        return (low + high) / 2


def _worth(rows: tuple[Row, ...], rate: Decimal) -> Decimal:
    return sum((row.amount / (1 + rate) ** row.period for row in rows), Decimal(0))
