"""Reads the rows of a bill (账单明细): one pattern per bank, the same for table rows and for flat text."""

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Final

from anhuan.statements import rules
from anhuan.statements.model import Line, LineKind, Problem
from anhuan.statements.text import CURRENCIES, Sheet, amount_of, date_of, mask_numbers, tail_of

# Pieces for the patterns of banks, over half-width text.
MMDD: Final = r"(?<![\d.,*/:-])(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?![\d.,*/:])"
MM_SLASH_DD: Final = r"(?<![\d.,*/:-])(?:0[1-9]|1[0-2])/(?:0[1-9]|[12]\d|3[01])(?![\d/])"
YYMMDD: Final = r"(?<![\d.,*/:-])\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?![\d.,*/:])"
DIGITS: Final = r"\d{1,3}(?:,\d{3}){1,4}\.\d{1,2}|\d{1,12}\.\d{1,2}"
SIGNED: Final = rf"(?<![\d.,])(?:[-+]\s*)?(?:{DIGITS})(?![\d%])"
# Beside a currency mark: the yen has no decimals.
ANY: Final = rf"(?<![\d.,])(?:-\s*)?(?:{DIGITS}|\d{{1,3}}(?:,\d{{3}}){{1,4}}|\d{{1,9}})(?![\d.,])"
_LATEST: Final = timedelta(days=1)
TAIL: Final = r"(?<![\d.,*])\d{4}(?![\d.,])"


def words_of(day: str, most: int = 140) -> str:
    """A pattern for a description: it begins with no blank and never runs over the two dates of the next row."""
    return rf"\S(?:(?!\s{day}\s+{day}).){{0,{most}}}?"


@dataclass(frozen=True, slots=True)
class Heading:
    """What a heading between the rows says of the rows below: kind, direction, currency, card."""

    kind: LineKind | None = None
    sign: int | None = None  # +1: the amounts below are spending, -1: credits; for banks that print no sign
    currency: str | None = None
    card: bool | None = None  # True: the heading ends in the digits of the card; False: the rows below have no card


@dataclass(frozen=True, slots=True)
class _State:
    kind: LineKind | None = None
    sign: int | None = None
    currency: str | None = None
    card: str | None = None


@dataclass(frozen=True)
class RowShape:
    """How a bank's rows look: a pattern with the groups desc and amount.

    It may have the groups trade, post, kind, tail, cur (currency of the amount), orig, orig_cur, and paid_in, an
    amount in a column of its own for money in. `headings` are patterns of the headings between the rows; `flip` turns
    the sign (ABC prints spending as negative). `.` meets line ends too, since a flat mail has each cell on a line of
    its own. Patterns are compiled at first use.
    """

    rows: str
    headings: Mapping[str, Heading] = field(default_factory=dict)
    flip: bool = False
    currency: str = "CNY"
    day: str = ""  # a pattern of the day that a row begins with twice: such a beginning without a row is told

    @cached_property
    def beginning(self) -> re.Pattern[str]:
        """The two days that a row begins with, so that rows of an unknown form are noticed."""
        return re.compile(rf"(?P<trade>{self.day})\s+(?P<post>{self.day})\s+(?=[^\d\s]|\d)")

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The pattern of a row."""
        return re.compile(self.rows, re.S)

    @cached_property
    def heading_pattern(self) -> re.Pattern[str]:
        """The headings as one pattern, each in a group of its own."""
        return re.compile("|".join(f"(?P<h{number}>{words})" for number, words in enumerate(self.headings)))


def lines_of(sheet: Sheet, form: RowShape, *, near: date | None, notes: list[Problem] | None = None) -> list[Line]:
    """Every row of the sheet that has the shape; `near` is the statement date, which gives dates their year.

    Into `notes` goes how many rows seem to begin and could not be read.
    """
    matches = list(form.pattern.finditer(sheet.text))
    if notes is not None and form.day:
        notes += _unread(sheet, form, matches, near)
    if not matches:
        return []
    states = _states(sheet, form, matches)
    places = [place for place, _ in states]
    lines: list[Line] = []
    for match in matches:
        state = (
            states[bisect_right(places, match.start()) - 1][1] if places and places[0] <= match.start() else _State()
        )
        line = _line(sheet, form, match, state, near, len(lines) + 1)
        if line is not None:
            lines.append(line)
    return lines


def _unread(sheet: Sheet, form: RowShape, matches: Sequence[re.Match[str]], near: date | None) -> list[Problem]:
    """Two days side by side that no row was read from; a day after the bill belongs to its summary."""
    starts = [match.start() for match in matches]
    count = 0
    for met in form.beginning.finditer(sheet.text):
        inside = bisect_right(starts, met.start()) - 1
        if inside >= 0 and met.start() < matches[inside].end():
            continue
        days = [_day(met["trade"], near), _day(met["post"], near)]
        count += all(day is not None and (near is None or day <= near + _LATEST) for day in days)
    return [Problem("rows.unread", f"有 {count} 行明细没有读出，例如没有金额的说明行")] if count else []


def _states(sheet: Sheet, form: RowShape, matches: Sequence[re.Match[str]]) -> list[tuple[int, _State]]:
    """What holds from each heading on; words inside a row are no heading."""
    if not form.headings:
        return []
    known = list(form.headings.values())
    starts = [match.start() for match in matches]
    state, found = _State(), []
    for met in form.heading_pattern.finditer(sheet.text):
        inside = bisect_right(starts, met.start()) - 1
        if inside >= 0 and met.start() < matches[inside].end():
            continue
        state = _after(state, known[int((met.lastgroup or "h0")[1:])], met[0])
        found.append((met.start(), state))
    return found


def _after(state: _State, heading: Heading, words: str) -> _State:
    if heading.currency:
        state = _State(currency=heading.currency, card=state.card)
    if heading.card is not None:
        state = replace(state, card=_last_digits(words) if heading.card else None)
    if heading.kind or heading.sign:
        state = replace(state, kind=heading.kind, sign=heading.sign)
    return state


def _last_digits(words: str) -> str | None:
    digits = re.findall(r"\d{3,}", words)
    return tail_of(digits[-1]) if digits else None


def _line(
    sheet: Sheet, form: RowShape, match: re.Match[str], state: _State, near: date | None, number: int
) -> Line | None:
    groups = match.groupdict()
    traded_on, posted_on = _day(groups.get("trade"), near), _day(groups.get("post"), near)
    named = CURRENCIES.get(groups.get("cur") or "")
    currency = named or state.currency or form.currency
    paid_in = groups.get("paid_in")
    amount = amount_of(paid_in or groups["amount"] or "", currency)
    if amount is None or (traded_on is None and posted_on is None):
        return None
    if near is not None and max(traded_on or near, posted_on or near) > near + _LATEST:
        return None  # two dates of the summary: no row of a bill is younger than the bill
    currency = amount.currency or currency
    minor = -amount.minor if form.flip else amount.minor
    if state.sign is not None:
        minor = state.sign * abs(minor)
    if paid_in:
        minor = -abs(minor)
    description = mask_numbers(sheet.printed(*match.span("desc"))) if groups["desc"] else ""
    words = " ".join((groups["desc"] or "").split())  # with half-width signs, which the rules are written in
    tail = groups.get("tail")
    return Line(
        posted_on=posted_on,
        traded_on=traded_on,
        description=description,
        amount=minor,
        currency=currency,
        card=tail_of(tail) if tail else state.card,
        kind=rules.kind_of(f"{groups.get('kind') or ''} {words}", minor, state.kind),
        original=_original(groups, minor, currency),
        span=f"row {number}: {sheet.printed(*match.span())[:80]}",
        instalment=rules.instalment_of(words),
    )


def _day(words: str | None, near: date | None) -> date | None:
    return date_of(words, near) if words else None


def _original(groups: Mapping[str, str | None], minor: int, currency: str) -> tuple[int, str] | None:
    """The amount in the currency of the trade, where that is another one; it has the sign of the posted amount."""
    words = groups.get("orig")
    named = CURRENCIES.get(groups.get("orig_cur") or "")
    if not words:
        return None
    amount = amount_of(words, named or currency)
    if amount is None or (amount.currency or named or currency) == currency:
        return None
    return (-1 if minor < 0 else 1) * abs(amount.minor), amount.currency or named or currency
