"""The true yearly rate of an instalment plan: what is really paid for the money that is really still in use."""

from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Final

from anhuan.kit.money import round_half_up
from anhuan.planning.model import BadRequest

_MONTHS: Final = 12
_DIGITS: Final = 30
_HALVINGS: Final = 80
_HIGHEST: Final = Decimal(1)  # 100% a month: no offer is dearer


@dataclass(frozen=True, slots=True)
class TrueRate:
    """One offer told honestly: payments and fees in fen, yearly rates as shares (12 r, and (1 + r)^12 - 1)."""

    payments: tuple[int, ...]
    fees: int
    nominal: Decimal
    effective: Decimal


def true_rate(principal: int, periods: int, fee_rate: Fraction) -> TrueRate:
    """The rate at which the shares with their fees are worth the principal in fen (domain.md, sections 3 and 5).

    Shares are whole fen with the remainder on the last, the fee of a period is rounded half up: as planning.md, rule 5.
    """
    if principal <= 0 or not 1 <= periods <= 60 or not 0 <= fee_rate < 1:
        raise BadRequest("分期的金额、期数(1 到 60)和每期费率要在合理范围内。", field="fee_rate")
    share, rest = divmod(principal, periods)
    fee = round_half_up(fee_rate * principal)
    payments = tuple(share + fee + (rest if period == periods - 1 else 0) for period in range(periods))
    with localcontext() as exact:
        exact.prec = _DIGITS
        low, high = Decimal(0), _HIGHEST
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if _worth(payments, middle) > principal else (low, middle)
        return TrueRate(payments, fee * periods, low * _MONTHS, (1 + low) ** _MONTHS - 1)


def _worth(payments: tuple[int, ...], rate: Decimal) -> Decimal:
    """What the payments are worth on the first day, one month apart, at a monthly rate."""
    worth = Decimal(0)
    for payment in reversed(payments):
        worth = (worth + payment) / (1 + rate)
    return worth
