"""Money: a whole number of minor units in one currency, read from and written as people and banks do."""

import re
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Final

from anhuan.kit.errors import Refused

# Minor digits by ISO 4217; two where not listed.
_DIGITS: Final = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "ISK": 0, "BHD": 3, "KWD": 3, "OMR": 3, "TND": 3, "JOD": 3}
_PLAIN: Final = re.compile(r"[+-]?\d+(\.\d+)?")


class NotMoney(Refused):
    """金额无法识别: the text is no amount of money."""

    code = "money.unreadable"


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount: minor units (fen, cents) and an ISO 4217 code."""

    minor: int
    currency: str = "CNY"

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other).minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other).minor, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __str__(self) -> str:
        return to_text(self.minor, self.currency)

    def at_rate(self, rate: Decimal, *, rounding: str) -> "Money":
        """Take a rate of this amount; who loses the half fen is the caller's rule, so it is named."""
        return Money(int((self.minor * rate).to_integral_value(rounding)), self.currency)

    def split(self, parts: int) -> list["Money"]:
        """Divide into equal parts and lose no fen: the last part takes what is left over."""
        share, rest = divmod(self.minor, parts)
        return [Money(share, self.currency)] * (parts - 1) + [Money(share + rest, self.currency)]

    def _same(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise Refused(f"{self.currency} and {other.currency} cannot be added", field="currency")
        return other


def yuan(text: str) -> Money:
    """Yuan written as decimal text, for instance `yuan("12.34")`."""
    return Money(from_text(text, "CNY"), "CNY")


def digits_of(currency: str) -> int:
    """How many decimal digits the currency's amounts have (ISO 4217)."""
    return _DIGITS.get(currency, 2)


def from_text(text: str, currency: str = "CNY") -> int:
    """Minor units from plain decimal text such as `-1927.79`; refuses more digits than the currency has."""
    clean = text.strip().replace(",", "")
    if not _PLAIN.fullmatch(clean):
        raise NotMoney(f"{text!r} is not an amount of money")
    scaled = Decimal(clean).scaleb(digits_of(currency))
    if scaled != scaled.to_integral_value():
        raise NotMoney(f"{text!r} has more decimals than {currency}")
    return int(scaled)


def to_text(minor: int, currency: str = "CNY") -> str:
    """Minor units as plain decimal text, for instance `1927.79`: no thousands mark, no sign of currency."""
    places = digits_of(currency)
    if not places:
        return str(minor)
    whole, rest = divmod(abs(minor), 10**places)
    return f"{'-' if minor < 0 else ''}{whole}.{rest:0{places}d}"


def round_half_up(amount: Fraction) -> int:
    """To the nearest whole unit, halves upward (planning.md: `round`)."""
    return (2 * amount.numerator + amount.denominator) // (2 * amount.denominator)


def round_up(amount: Fraction) -> int:
    """To the next whole unit upward (planning.md: `ceil`)."""
    return -(-amount.numerator // amount.denominator)


HALF_UP: Final = ROUND_HALF_UP
UP: Final = ROUND_CEILING
