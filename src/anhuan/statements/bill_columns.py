"""The pattern of a row from the order of its columns, and a part of a sheet by its headings."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from anhuan.statements.bill_reader import Dates, Draft
from anhuan.statements.bill_rows import SIGNED, TAIL, RowShape, lines_of
from anhuan.statements.model import Bill, Line, Problem
from anhuan.statements.text import CURRENCY, DATE, Sheet, date_of

# A day with its year, and the time that some banks print behind it; or month and day alone.
YEAR_DAY: Final = rf"{DATE}(?:\s+\d\d:\d\d(?::\d\d)?)?"
MONTH_DAY: Final = r"(?<![\d.,*/:-])(?:0[1-9]|1[0-2])[/-](?:0[1-9]|[12]\d|3[01])(?![\d/-])"
ANY_DAY: Final = rf"(?:{YEAR_DAY}|{MONTH_DAY})"
SIGN_MONEY: Final = rf"(?:-\s*)?[\xa5$]\s*(?:-\s*)?{SIGNED}"
NAMED_MONEY: Final = rf"(?:-\s*)?{CURRENCY}\s*:?\s*{SIGNED}"

_COLUMNS: Final[Mapping[str, str]] = MappingProxyType({
    "tail": rf"(?P<tail>{TAIL})(?![/-]\d|年)",
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
    return Sheet(sheet.raw[start:end], sheet.text[start:end], sheet.pages, sheet.sent_on, sheet.subject)


def up_to(sheet: Sheet, pattern: re.Pattern[str], start: int = 0) -> Sheet:
    """The sheet from `start` up to the first place of a pattern, or to its end."""
    met = pattern.search(sheet.text, start)
    return part(sheet, start, met.start() if met else None)


def rows_of(sheet: Sheet, form: RowShape, dates: Dates) -> list[Line]:
    """The rows of a sheet; statement date and due date side by side above a table of amounts are no row."""
    own = {dates.statement_on, dates.due_on}
    rows = lines_of(sheet, form, near=dates.statement_on or dates.due_on)
    return [line for line in rows if line.traded_on == line.posted_on or {line.traded_on, line.posted_on} != own]


def first_rows_of(sheet: Sheet, forms: Sequence[RowShape], dates: Dates) -> list[Line]:
    """The rows of the first form that has any: a bank's own columns first, then fewer columns."""
    return next((lines for form in forms if (lines := rows_of(sheet, form, dates))), [])


def draft_of(
    sheet: Sheet, bills: Sequence[Bill], lines: Sequence[Line], dates: Dates, *, date: str = ANY_DAY, notes: int = 0
) -> Draft:
    """The bills with their rows; two dates side by side that became no row are told, so that no row is lost in silence.

    `notes` is the number of such pairs that are no rows of money (a bank's remark on an instalment plan).
    """
    unread = _pairs_of_dates(sheet, dates, date) - notes - len(lines)
    if unread <= 0:
        return Draft(list(bills), list(lines))
    note = Problem("rows.unread", f"有 {unread} 行明细没有读出")
    return Draft(list(bills), list(lines), notes=[note], complete=False)


def _pairs_of_dates(sheet: Sheet, dates: Dates, date: str) -> int:
    """How often two dates stand side by side, but for the dates of the bill itself."""
    own = {dates.statement_on, dates.due_on, dates.cycle_from, dates.cycle_to}
    near = dates.statement_on or dates.due_on
    pairs = re.finditer(rf"(?P<one>{date})\s+(?P<two>{date})(?=\s)", sheet.text)
    read = ((date_of(pair["one"], near), date_of(pair["two"], near)) for pair in pairs)
    return sum(one == two or not {one, two} <= own for one, two in read)
