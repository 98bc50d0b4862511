"""From sheets to a reading: known layouts first, then headings that are understood, then columns, then the user."""

import gc
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import Final

from anhuan.statements import cells, exported, guess, headings, layouts, mapping
from anhuan.statements.draft import Hints, Layout
from anhuan.statements.headings import Heading
from anhuan.statements.mapping import Mapping
from anhuan.statements.model import FileKind, Line, NeedsMapping, Problem, Reading, Unreadable
from anhuan.statements.sheets import Sheet

Known = Callable[[Sequence[str]], Mapping | None]
_SAMPLE: Final = 6  # rows shown to the user who maps the columns
_TITLE_ROWS: Final = 40
_DATED_SHARE: Final = 4  # one row in so many must have a date


def read_sheets(
    sheets: Sequence[Sheet],
    name: str,
    *,
    chosen: Mapping | None = None,
    known: Known | None = None,
    latest: date | None = None,
) -> Reading:
    """Read every sheet that holds rows; sheets of one file belong together (one per currency, one per month).

    Raises NeedsMapping when no sheet is understood, Unreadable when there is no table at all.
    """
    filled = [sheet for sheet in sheets if any(cell.strip() for row in sheet.rows for cell in row)]
    if not filled:
        raise Unreadable("文件里没有内容")
    readings, unknown = [], []
    with _nothing_collected():
        for sheet in filled:
            reading = _read(sheet, name, chosen, known, latest)
            if reading is None:
                unknown.append(sheet)
            else:
                readings.append(reading if len(filled) == 1 else _named(reading, sheet.name))
    if not readings:
        raise _ask(filled)
    return _joined(readings, [sheet for sheet in unknown if _is_table(sheet)])


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Rows only pile up here: looking for garbage among 100,000 of them costs a third of the time and finds none."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _read(sheet: Sheet, name: str, chosen: Mapping | None, known: Known | None, latest: date | None) -> Reading | None:
    heading, layout, hints = _understand(sheet, chosen, known)
    if heading is None:
        return None
    title = " ".join(cell for row in sheet.rows[: max(heading.row, 0)][:_TITLE_ROWS] for cell in row)
    hints = replace(hints, bank=hints.bank or (None if layout else layouts.bank_named(f"{sheet.name} {title}")))
    if hints.latest is None:
        hints = replace(hints, latest=latest) if latest else _from_name(hints, name)
    reading = exported.read_table(sheet.rows, heading, layout, hints)
    if not reading.lines and not reading.problems and heading.row < 0:
        return None
    return _with_problems(reading, sheet.problems)


def _understand(
    sheet: Sheet, chosen: Mapping | None, known: Known | None
) -> tuple[Heading | None, Layout | None, Hints]:
    """The heading, the layout if one is known, and the user's word where he gave it for this table."""
    if chosen is not None and chosen.columns:
        return _mapped_heading(sheet.rows, chosen), None, _hints(chosen)
    found = headings.find(sheet.rows)
    layout = layouts.of(found.keys) if found else _layout_anywhere(sheet.rows)
    if layout is not None:
        found = headings.find(sheet.rows, layouts.own_words(layout)) or found
    hints = _hints(chosen) if chosen else Hints()
    if layout is None and known is not None:
        for row in sheet.rows[:_TITLE_ROWS]:
            if (stored := known(mapping.trimmed(row))) and any(cell.strip() for cell in row):
                # An earlier answer knows the columns, not the day of this file.
                return _mapped_heading(sheet.rows, stored), None, replace(_hints(stored), latest=None)
    if found is None and known is not None and (stored := known(_numbers(sheet.rows))):
        return _mapped_heading(sheet.rows, stored), None, replace(_hints(stored), latest=None)
    if found is None and (found := guess.heading_of(sheet.rows)) is None:
        return None, None, hints
    return found, layout, hints


def _layout_anywhere(rows: Sequence[Sequence[str]]) -> Layout | None:
    """A layout whose marks stand in one row although the synonyms alone did not make a heading of it."""
    for row in rows[:_TITLE_ROWS]:
        if layout := layouts.of(frozenset(cells.key_of(cell) for cell in row if cell.strip())):
            return layout
    return None


def _mapped_heading(rows: Sequence[Sequence[str]], chosen: Mapping) -> Heading:
    """The row that has every heading the user named; for columns by number the table begins at its first date."""
    if all(heading.startswith("#") for heading in chosen.columns.values()):
        width = max((len(row) for row in rows), default=0)
        places = mapping.places(chosen, [""] * width)
        column = places.get("posted_on", places.get("traded_on", 0))
        dated = (n for n, row in enumerate(rows) if column < len(row) and cells.raw_date(row[column]))
        return Heading(next(dated, 0) - 1, (), places)
    wanted = {cells.key_of(heading) for heading in chosen.columns.values() if not heading.startswith("#")}
    for number, row in enumerate(rows[: _TITLE_ROWS * 3]):
        if wanted <= {cells.key_of(cell) for cell in row}:
            shown = mapping.trimmed(row)
            keys = frozenset(cells.key_of(cell) for cell in shown if cell)
            return Heading(number, shown, mapping.places(chosen, shown), None, keys)
    raise mapping.BadMapping("文件里没有所设置的列名", field="columns")


def _hints(chosen: Mapping) -> Hints:
    return Hints(
        chosen.spending, chosen.date_order, chosen.currency, chosen.source, chosen.bank, chosen.card, chosen.latest
    )


_MONTH_IN_NAME: Final = re.compile(r"(?<!\d)(20\d\d)[-_. 年]?(0[1-9]|1[0-2])(?:[-_. 月]?([0-3]\d))?(?!\d)")


def _from_name(hints: Hints, name: str) -> Hints:
    """A month in the file's name stands in for a year that the file does not print; the reading says so."""
    months = [cells.month_end(int(found[1]), int(found[2])) for found in _MONTH_IN_NAME.finditer(name)]
    return replace(hints, latest=max(months), latest_is_guess=True) if months else hints


def _ask(sheets: Sequence[Sheet]) -> NeedsMapping:
    """The question to the user: the headings, some rows, and our best guess for each word."""
    sheet = max(sheets, key=lambda one: len(one.rows))
    if not _is_table(sheet):
        raise Unreadable("不认识这种文件：里面没有表格")
    number = _probable_heading(sheet.rows)
    shown = mapping.trimmed(sheet.rows[number]) if number is not None else _numbers(sheet.rows)
    body = list(sheet.rows[(number if number is not None else -1) + 1 :])
    named = headings.understand(number, sheet.rows[number]).places if number is not None else {}
    proposal = {word: place for word, place in {**guess.columns_of(body), **named}.items() if word in mapping.WORDS}
    return NeedsMapping(
        "这张表的列还不认识，请指出日期和金额在哪一列", field="columns", headings=list(shown),
        fingerprint=mapping.fingerprint(shown), sample=[[cells.clean(cell) for cell in row] for row in body[:_SAMPLE]],
        proposal={word: _heading_name(shown, place) for word, place in proposal.items()},
    )  # fmt: skip


def _numbers(rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """#1, #2, ... for the columns of a table without headings."""
    widths = Counter(len(row) for row in rows[:500] if any(cell.strip() for cell in row))
    return tuple(f"#{number}" for number in range(1, max(widths, key=lambda one: widths[one], default=0) + 1))


def _heading_name(shown: Sequence[str], place: int) -> str:
    named = place < len(shown) and shown[place] and shown.count(shown[place]) == 1
    return shown[place] if named else f"#{place + 1}"


def _probable_heading(rows: Sequence[Sequence[str]]) -> int | None:
    """The last full row of words before the first row with a date; None where the table begins at once."""
    widest = max((sum(1 for cell in row if cell.strip()) for row in rows[:200]), default=0)
    for number, row in enumerate(rows[:_TITLE_ROWS]):
        filled = [cell for cell in row if cell.strip()]
        if len(filled) * 2 > widest and not any(cells.raw_date(cell.strip()) or _has_digit(cell) for cell in filled):
            return number
    return None


def _has_digit(cell: str) -> bool:
    return any(letter.isdigit() for letter in cell)


def _is_table(sheet: Sheet) -> bool:
    """True where a person could point at columns: several cells in a row, and a date in many of them."""
    rows = [row for row in sheet.rows[:500] if sum(1 for cell in row if cell.strip()) >= 2]
    dated = sum(1 for row in rows if any(cells.raw_date(cell.strip()) for cell in row))
    return dated * _DATED_SHARE >= max(len(rows), 1)


def _named(reading: Reading, sheet: str) -> Reading:
    lines: list[Line] = [replace(line, span=f"{sheet} {line.span}") for line in reading.lines]
    return replace(reading, lines=tuple(lines))


def _with_problems(reading: Reading, problems: tuple[Problem, ...]) -> Reading:
    return replace(reading, problems=(*problems, *reading.problems)) if problems else reading


def _joined(readings: list[Reading], unread: list[Sheet]) -> Reading:
    first = readings[0]
    problems = [problem for reading in readings for problem in reading.problems]
    problems += [Problem("sheet.unread", f"工作表 {sheet.name} 没有可以识别的列，未读取") for sheet in unread]
    lines = tuple(line for reading in readings for line in reading.lines)
    return replace(
        first, kind=FileKind.STATEMENT, lines=lines, problems=tuple(problems),
        bank=first.bank if len({reading.bank for reading in readings}) == 1 else None,
        complete=all(reading.complete for reading in readings) and not unread,
    )  # fmt: skip
