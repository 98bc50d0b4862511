"""Card numbers: checked as they are typed, masked at once, never stored; a CVV is not even asked for."""

import re
from typing import Final

from anhuan.cards.model import NotACard

_LENGTHS: Final = range(13, 20)  # ISO/IEC 7812: 19 digits at most; UnionPay 16 to 19, Amex 15
_NUMBER: Final = re.compile(r"(?<![0-9])[0-9](?:[ -]?[0-9]){11,18}(?![0-9])")


def check_digit_right(number: str) -> bool:
    """Luhn's test: from the right, every second digit doubled, its digits summed; the sum ends in 0."""
    digits = [int(digit) for digit in reversed(number)]
    doubled = (digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[1::2])
    return (sum(digits[0::2]) + sum(doubled)) % 10 == 0


def read_number(typed: str) -> tuple[str, str]:
    """BIN (first six digits) and last four of a typed card number; refuses a wrong length or check digit."""
    number = re.sub(r"[ -]", "", typed.strip())
    if not (number.isascii() and number.isdigit() and len(number) in _LENGTHS):
        raise NotACard("a card number has 13 to 19 digits", field="number")
    if not check_digit_right(number):
        raise NotACard("the check digit does not fit: one digit is mistyped", field="number")
    return number[:6], number[-4:]


def read_last_digits(typed: str) -> str:
    """The last three or four digits as people type them; a whole number is checked and cut to its last four."""
    clean = re.sub(r"[ *-]", "", typed.strip())
    if clean.isascii() and clean.isdigit() and len(clean) in (3, 4):
        return clean
    return read_number(clean)[1]


def mask(text: str) -> str:
    """The text with every card or account number reduced to its last four digits."""
    return _NUMBER.sub(lambda found: "****" + re.sub(r"[ -]", "", found.group())[-4:], text)


def same_card(one: str, other: str) -> bool:
    """Whether two tails can be one card: some banks print three digits of it here and four there."""
    return one.endswith(other) or other.endswith(one)
