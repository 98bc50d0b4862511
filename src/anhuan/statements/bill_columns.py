"""The pattern of a row from the order of its columns, and a part of a sheet by its headings."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from anhuan.statements.bill_rows import SIGNED, TAIL
from anhuan.statements.text import CURRENCY, DATE, Sheet

# A day with its year, and the time that some banks print behind it; or month and day alone.
YEAR_DAY: Final = rf"{DATE}(?:\s+\d\d:\d\d(?::\d\d)?)?"
MONTH_DAY: Final = r"(?<![\d.,*/:-])(?:0[1-9]|1[0-2])[/-](?:0[1-9]|[12]\d|3[01])(?![\d/-])"
SIGN_MONEY: Final = rf"(?:-\s*)?[\xa5$]\s*(?:-\s*)?{SIGNED}"
NAMED_MONEY: Final = rf"(?:-\s*)?{CURRENCY}\s*:?\s*{SIGNED}"

_COLUMNS: Final[Mapping[str, str]] = MappingProxyType({
    "tail": rf"(?P<tail>{TAIL})",
    "amount": r"(?P<amount>{amount})(?!\s+{amount})",
    "orig": rf"(?:(?:(?P<orig_cur>{CURRENCY})\s*)?(?P<orig>{SIGNED})\s+)",
})  # fmt: skip


def row(order: str, *, date: str = YEAR_DAY, amount: str = SIGNED) -> str:
    """The pattern of rows with these columns, e.g. `trade post desc amount tail`; `orig?` may be empty.

    A description never runs over the two dates with which the next row begins, so a row without amount stays alone.
    """
    columns = dict(_COLUMNS) | {
        "trade": rf"(?P<trade>{date})",
        "post": rf"(?P<post>{date})",
        "desc": rf"(?P<desc>(?!{date}\s)\S(?:(?!\s{date}\s+{date}).){{0,160}}?)",
        "amount": _COLUMNS["amount"].replace("{amount}", amount),
    }
    pattern = ""
    for name in order.split():
        words = columns[name.rstrip("?")]
        if name == "orig?":
            pattern += words + "?"  # brings its own blank, and goes without it where it is empty
        elif name.endswith("?"):
            pattern += rf"(?:{words}\s+)?"
        else:
            pattern += words + r"\s+"
    return pattern.removesuffix(r"\s+")


def part(sheet: Sheet, start: int, end: int | None = None) -> Sheet:
    """The sheet between two places of its text, as a sheet of its own."""
    return Sheet(sheet.raw[start:end], sheet.text[start:end], sheet.pages, sheet.sent_on)


def up_to(sheet: Sheet, pattern: re.Pattern[str], start: int = 0) -> Sheet:
    """The sheet from `start` up to the first place of a pattern, or to its end."""
    met = pattern.search(sheet.text, start)
    return part(sheet, start, met.start() if met else None)
