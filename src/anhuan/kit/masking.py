"""Masking: what people may see of a value that is not theirs, and what no log may hold.

`masked` knows the kind of the value and keeps what is needed to tell two apart (GB/T 35273-2020, 7.2; JR/T 0171-2020,
7.1). `scrub` knows nothing about a text and takes out whatever looks like a secret: the last net under the logs.
"""

import re
from collections.abc import Callable, Mapping, MutableMapping
from enum import StrEnum
from typing import Any, Final

STARS: Final = "***"  # always as many, so that the length is not told
_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643-1999
_CHECK: Final = "10X98765432"
_ADDRESS: Final = re.compile(r".{1,8}?(?:市|自治州|地区|盟)")


class Kind(StrEnum):
    """What a value is, which decides how much of it may be shown."""

    NAME = "name"
    PHONE = "phone"
    IDENTITY = "identity"
    CARD = "card"
    EMAIL = "email"
    ADDRESS = "address"
    AMOUNT = "amount"
    TEXT = "text"


def masked(value: object, kind: Kind, *, may_see: bool) -> str:
    """The value as text for whoever may see it, masked for everybody else; nothing stays nothing."""
    text = "" if value is None else str(value)
    return text if may_see or not text else _MASKS[kind](text.strip())


def name(text: str) -> str:
    """张** and J***: the first character."""
    return text[:1] + ("**" if text[:1] > "\u2e7f" else STARS)


def phone(text: str) -> str:
    """138****5678; of another number the last four digits, where enough stays hidden."""
    digits = re.sub(r"\D", "", text).removeprefix("86") if text.startswith(("+86", "86")) else re.sub(r"\D", "", text)
    if len(digits) == 11 and digits.startswith("1"):
        return f"{digits[:3]}****{digits[-4:]}"
    return f"****{digits[-4:]}" if len(digits) >= 8 else "****"


def identity(text: str) -> str:
    """110**************X: the place of issue and the check digit."""
    return f"{text[:3]}{'*' * 14}{text[-1:]}" if len(text) >= 15 else STARS


def card(text: str) -> str:
    """**** 5678: the last four digits, which receipts print as well."""
    digits = re.sub(r"\D", "", text)
    return f"**** {digits[-4:]}" if len(digits) >= 8 else "****"


def email(text: str) -> str:
    """j***@example.com: the first letter and the house."""
    mailbox, at, house = text.rpartition("@")
    return f"{mailbox[:1]}{STARS}@{house}" if at else STARS


def address(text: str) -> str:
    """北京市****: the city."""
    city = _ADDRESS.match(text)
    return f"{city.group() if city else text[:2]}****"


def hidden(text: str) -> str:
    """Nothing of it: an amount, a free text."""
    return STARS


_MASKS: Final[Mapping[Kind, Callable[[str], str]]] = {
    Kind.NAME: name,
    Kind.PHONE: phone,
    Kind.IDENTITY: identity,
    Kind.CARD: card,
    Kind.EMAIL: email,
    Kind.ADDRESS: address,
    Kind.AMOUNT: hidden,
    Kind.TEXT: hidden,
}

# The net under the logs. Longest first: an identity number must not be taken for a card's or a telephone's.

_SECRET_NAMES: Final = (
    r"pass(?:word|phrase|wd)?|pwd|secret|(?:api|access|master|private)[_-]?key|token|authorization|cookie|otp|pin|cvv2?"
    r"|cvc|密码|口令|验证码|动态码"
)
_HEADER: Final = re.compile(r"\b((?:Set-)?Cookie|(?:Proxy-)?Authorization)\s*:\s*[^\r\n]+", re.I)
_BEARER: Final = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{6,}", re.I)
_KEY_VALUE: Final = re.compile(
    rf"""(?P<name>(?:\b|[_-])[\w-]{{0,30}}?(?:{_SECRET_NAMES})[\w-]{{0,12}}["']?\s*(?:=>|[=:：])\s*)"""
    r"""(?P<value>b?"(?:[^"\\]|\\.)*"|b?'(?:[^'\\]|\\.)*'|[^\s,;&"'{}()\[\]]+)""",
    re.I,
)
_IN_URL: Final = re.compile(r"(?<=://)([^/\s:@]*):([^/\s@]+)@")
_TOKEN: Final = re.compile(r"(?<![A-Za-z0-9])anh_[A-Za-z0-9_.~-]{6,}|(?<=__Host-anhuan=)[^\s;,\"']+")
_EMAIL: Final = re.compile(r"[A-Za-z0-9][\w.%+-]{0,63}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")
_IDENTITY: Final = re.compile(
    r"(?<![0-9A-Za-z])[1-9]\d{5}[ ]?(?:18|19|20)\d{2}[01]\d[0-3]\d[ ]?\d{3}[\dXx](?![0-9A-Za-z])"
)
_CARD: Final = re.compile(r"(?<![0-9A-Za-z])[2-69](?:[ -]?\d){12,18}(?![0-9A-Za-z])")  # ISO/IEC 7812: 13 to 19 digits
_PHONE: Final = re.compile(r"(?<![0-9A-Za-z])(?:\+?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?![0-9A-Za-z])")


def scrub(text: str) -> str:
    """The text without card numbers (Luhn), identity numbers (checksum), phones, e-mails, tokens and passwords."""
    if text.isalpha() and text.isascii():
        return text
    text = _HEADER.sub(r"\1: [secret]", text)
    text = _BEARER.sub(r"\1 [token]", text)
    text = _TOKEN.sub("[token]", text)
    text = _IN_URL.sub(r"\1:[secret]@", text)
    text = _KEY_VALUE.sub(lambda found: found["name"] + _kept_quotes(found["value"]), text)
    text = _EMAIL.sub("[e-mail]", text)
    text = _IDENTITY.sub(lambda found: "[identity number]" if _checks(found[0]) else found[0], text)
    text = _CARD.sub(lambda found: "[card number]" if _luhn(found[0]) else found[0], text)
    return _PHONE.sub("[phone]", text)


def scrub_event(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A step of structlog that scrubs every value of an event, whatever it is nested in, and what is named a secret."""
    for key, value in event.items():
        event[key] = "[secret]" if _SECRET.fullmatch(key) and value is not None else _scrubbed(value)
    return event


_SECRET: Final = re.compile(rf"(?:[\w-]*[_-])?(?:{_SECRET_NAMES})", re.I)


def _scrubbed(value: Any) -> Any:
    match value:
        case str():
            return scrub(value)
        case bool() | None | float():
            return value
        case int():
            clean = scrub(str(value))
            return value if clean == str(value) else clean
        case Mapping():
            return {
                scrub(str(key)): "[secret]" if _SECRET.fullmatch(str(key)) else _scrubbed(one)
                for key, one in value.items()
            }
        case list() | tuple() | set() | frozenset():
            return [_scrubbed(one) for one in value]
        case type() | BaseException():
            return value if isinstance(value, type) else scrub(str(value))
    said = repr(value)
    clean = scrub(said)
    return value if clean == said else clean


def _kept_quotes(value: str) -> str:
    quote = value[-1]
    return f"{quote}[secret]{quote}" if quote in "\"'" else "[secret]"


def _luhn(text: str) -> bool:
    """Whether the digits carry their check digit (ISO/IEC 7812-1, annex B)."""
    digits = [int(each) for each in reversed(text) if each.isdigit()]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _checks(text: str) -> bool:
    """Whether the last character of an identity number is the check of the others (GB 11643-1999)."""
    plain = text.replace(" ", "").upper()
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, plain[:17], strict=True))
    return _CHECK[total % 11] == plain[17]
