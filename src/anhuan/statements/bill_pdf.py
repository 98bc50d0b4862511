"""Rows of a PDF bill whose amounts stand in two columns: the place on the page tells money in from money out."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from anhuan.statements import rules
from anhuan.statements.bill_rows import MM_SLASH_DD, SIGNED
from anhuan.statements.model import Line, Page, Word
from anhuan.statements.text import DATE, amount_of, date_of, mask_numbers, tail_of

_DAY: Final = re.compile(rf"{DATE}|{MM_SLASH_DD}")
_SUM: Final = re.compile(SIGNED)
_SAME_COLUMN: Final = 4.0  # points
_NEAR: Final = 14.0  # points: a wrapped description stands within a line above or below its row


@dataclass
class _Row:
    dates: list[str]
    tail: str | None
    amount: str
    right: bool  # in the second column of money
    middle: float
    words: list[tuple[float, float, str]]  # of the description: top, x0, text


def two_column_rows(
    pages: Sequence[Page], *, near: date | None, headings: tuple[str, str], currency_of: re.Pattern[str]
) -> list[Line]:
    """Rows with two dates; `headings` are the English titles of the columns money in and money out.

    `currency_of` finds the code of a section's currency in a heading line. Empty where a page lacks the titles.
    """
    lines: list[Line] = []
    split: float | None = None
    currency = "CNY"
    for page in pages:
        found: list[tuple[_Row, str]] = []
        loose: list[list[Word]] = []
        for visual in page.lines():
            split = _split_of(visual, headings) or split
            words = " ".join(word.text for word in visual)
            if named := currency_of.search(words):
                currency = "CNY" if named[1] in {"RMB", "CNY"} else named[1]
            row = _row_of(visual, split)
            if row is not None:
                found.append((row, currency))
            elif not named:
                loose.append(visual)
        _attach(loose, [row for row, _ in found])
        lines += [_line(row, code, near, len(lines) + number) for number, (row, code) in enumerate(found, 1)]
    return lines


def _split_of(visual: Sequence[Word], headings: tuple[str, str]) -> float | None:
    """The middle between the two column titles, from a line that has both."""
    left = next((word for word in visual if headings[0] in word.text), None)
    right = next((word for word in visual if headings[1] in word.text), None)
    if left is None or right is None or left is right or left.x1 >= right.x0:
        return None
    return (left.x1 + right.x0) / 2


def _row_of(visual: Sequence[Word], split: float | None) -> _Row | None:
    """A line that starts with two dates and ends with an amount."""
    if split is None or len(visual) < 3:
        return None
    if not (_DAY.fullmatch(visual[0].text) and _DAY.fullmatch(visual[1].text)):
        return None
    last = visual[-1]
    amount = _SUM.search(last.text)
    if amount is None or amount.end() != len(last.text):
        return None
    rest = list(visual[2:-1])
    tail = rest.pop(0).text if rest and re.fullmatch(r"\d{4}", rest[0].text) else None
    words = [(word.top, word.x0, word.text) for word in rest]
    if amount.start() > 0:  # the description runs into the amount
        words.append((last.top, last.x0, last.text[: amount.start()]))
    middle = (last.top + last.bottom) / 2
    return _Row([visual[0].text, visual[1].text], tail, amount[0], (last.x0 + last.x1) / 2 > split, middle, words)


def _attach(loose: Sequence[Sequence[Word]], rows: Sequence[_Row]) -> None:
    """Give the lines of a wrapped description to the nearest row that has none of its own, else to the row they go on.

    They go on a row right above them whose description begins in the same column.
    """
    bare = [row for row in rows if not row.words]
    begins = {id(row): min(x0 for _, x0, _ in row.words) for row in rows if row.words}
    for visual in loose:
        middle = (visual[0].top + visual[0].bottom) / 2
        nearest = min(bare, key=lambda row: abs(row.middle - middle), default=None)
        if nearest is None or abs(nearest.middle - middle) > _NEAR:
            above = [row for row in rows if 0 < middle - row.middle <= _NEAR and id(row) in begins]
            nearest = next((row for row in above if abs(begins[id(row)] - visual[0].x0) <= _SAME_COLUMN), None)
        if nearest is not None:
            nearest.words += [(word.top, word.x0, word.text) for word in visual]


def _line(row: _Row, currency: str, near: date | None, number: int) -> Line:
    amount = amount_of(row.amount, currency)
    minor = amount.minor if amount else 0
    minor = minor if row.right else -abs(minor)
    description = mask_numbers(" ".join(text for _, _, text in sorted(row.words)))
    return Line(
        posted_on=date_of(row.dates[1], near),
        traded_on=date_of(row.dates[0], near),
        description=description,
        amount=minor,
        currency=currency,
        card=tail_of(row.tail) if row.tail else None,
        kind=rules.kind_of(description, minor),
        span=f"row {number}: y {row.middle:.0f}",
        instalment=rules.instalment_of(description),
    )
