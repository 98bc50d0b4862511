"""Chinese working days: official tables by year, and an honest provisional answer for years nobody has published.

The State Council names holidays and the working weekends that pay for them one year at a time, usually in November.
A year without a table is answered by the rule of closed windows around its festivals: closed is the careful side,
because a payment then starts earlier and an arrival is expected later. Such answers carry `known = False`.
"""

import hashlib
import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

from anhuan.kit.errors import Refused

_DAY: Final = timedelta(days=1)
_PROVISIONAL: Final = "provisional: closed windows around the festivals, no working weekends"
_FESTIVALS: Final = ("spring_festival", "qingming", "dragon_boat", "mid_autumn")


class BadYearTable(Refused):
    """年度节假日表有误: the table of a year cannot be used."""

    code = "calendar.bad_table"


@dataclass(frozen=True, slots=True)
class Workday:
    """One day's answer: open for bank business or not, whether an official table says so, and which."""

    open: bool
    known: bool
    source: str


@dataclass(frozen=True, slots=True)
class YearTable:
    """One official year: weekdays that are closed, weekend days that are worked, and where that was published."""

    year: int
    closed: frozenset[date]
    working: frozenset[date]
    source: str
    published_on: date | None = None
    loaded_at: str = ""

    def as_json(self) -> dict[str, Any]:
        """The table as its file holds it; `read_table` reads it back."""
        return {
            "year": self.year,
            "closed": sorted(day.strftime("%m-%d") for day in self.closed),
            "working": sorted(day.strftime("%m-%d") for day in self.working),
            "source": self.source,
            "published_on": self.published_on.isoformat() if self.published_on else None,
            "loaded_at": self.loaded_at,
        }


class Calendar:
    """An unchanging set of year tables; whoever plans holds one and stores its `version` with the plan."""

    def __init__(self, tables: Iterable[YearTable]) -> None:
        self._tables = {table.year: table for table in tables}
        self._years: dict[int, bytes] = {}
        self._open_days: dict[int, list[int]] = {}
        self.version = _version_of(self._tables)

    def is_open(self, on: date) -> bool:
        """Whether banks book on this day (weekday that is no holiday, or a working weekend day)."""
        flags = self._years.get(on.year) or self._year(on.year)
        return flags[on.toordinal() - date(on.year, 1, 1).toordinal()] == 1

    def is_known(self, on: date) -> bool:
        """Whether an official table covers this day; False means every answer about it is provisional."""
        return on.year in self._tables

    def day(self, on: date) -> Workday:
        """The answer for one day with what it rests on."""
        table = self._tables.get(on.year)
        return Workday(self.is_open(on), known=table is not None, source=table.source if table else _PROVISIONAL)

    def next_workday(self, on: date) -> date:
        """The day itself if banks book on it, else the first later day they do."""
        for year in range(on.year, on.year + 2):
            days = self._opens(year)
            at = bisect_left(days, on.toordinal())
            if at < len(days):
                return date.fromordinal(days[at])
        raise AssertionError("every year has an open day")

    def previous_workday(self, on: date) -> date:
        """The day itself if banks book on it, else the last earlier day they did."""
        for year in range(on.year, on.year - 2, -1):
            days = self._opens(year)
            at = bisect_right(days, on.toordinal())
            if at:
                return date.fromordinal(days[at - 1])
        raise AssertionError("every year has an open day")

    def workdays_before(self, on: date, count: int) -> date:
        """The workday that lies `count` workdays before the day; 0 is the day itself or the last workday before it."""
        found = self.previous_workday(on)
        for _ in range(count):
            found = self.previous_workday(found - _DAY)
        return found

    def workdays_after(self, on: date, count: int) -> date:
        """The workday that lies `count` workdays after the day; 0 is the day itself or the first workday after it."""
        found = self.next_workday(on)
        for _ in range(count):
            found = self.next_workday(found + _DAY)
        return found

    def all_known(self, first: date, last: date) -> bool:
        """Whether every day from first to last, both included, has an official table."""
        return all(year in self._tables for year in range(first.year, last.year + 1))

    def years(self) -> tuple[int, ...]:
        """The years with an official table, ascending."""
        return tuple(sorted(self._tables))

    def with_year(self, table: YearTable) -> "Calendar":
        """The same calendar with this year added, or corrected; the old one stays as it was for whoever holds it."""
        return Calendar([*(old for old in self._tables.values() if old.year != table.year), table])

    def without_years(self, *years: int) -> "Calendar":
        """The same calendar as if these years had not been published."""
        return Calendar(table for table in self._tables.values() if table.year not in years)

    def _year(self, year: int) -> bytes:
        table = self._tables.get(year)
        if table is None:
            closed, working = _provisional_closed(year), frozenset[date]()
        else:
            closed, working = table.closed, table.working
        flags = bytes(_is_open(on, closed, working) for on in _days_of(year))
        self._years[year] = flags
        return flags

    def _opens(self, year: int) -> list[int]:
        days = self._open_days.get(year)
        if days is None:
            first = date(year, 1, 1).toordinal()
            flags = self._years.get(year) or self._year(year)
            days = self._open_days[year] = [first + at for at, is_open in enumerate(flags) if is_open]
        return days


def current() -> Calendar:
    """The calendar in force in this process: the shipped years and what `load` added."""
    return _held[-1] if _held else _shipped()


def load(table: YearTable) -> Calendar:
    """Put a year in force, new or corrected, for all who ask from now on; the same table again changes nothing."""
    if current()._tables.get(table.year) != table:
        _held[:] = [current().with_year(table)]
    return current()


def load_folder(folder: Path) -> Calendar:
    """Load every `*.json` year table an operator has put into the folder, in order of name; none is fine."""
    for path in sorted(folder.glob("*.json")):
        load(read_table(json.loads(path.read_text("utf-8"))))
    return current()


def read_table(said: Any) -> YearTable:
    """A year table from its JSON form; refuses days that contradict the week, naming the first."""
    try:
        year = int(said["year"])
        closed, working = (frozenset(_day_in(year, text) for text in said[name]) for name in ("closed", "working"))
        published = said.get("published_on")
        table = YearTable(
            year=year,
            closed=closed,
            working=working,
            source=str(said["source"]),
            published_on=date.fromisoformat(published) if published else None,
            loaded_at=str(said.get("loaded_at") or ""),
        )
    except (KeyError, TypeError, ValueError) as why:
        raise BadYearTable(f"not a table of a year: {why}") from why
    if wrong := sorted(day for day in working if day.weekday() < 5):
        raise BadYearTable(f"{wrong[0]} is a weekday, so it cannot be a working weekend", field="working")
    if both := sorted(closed & working):
        raise BadYearTable(f"{both[0]} is said to be closed and working", field="closed")
    return table


def day(on: date) -> Workday:
    """The answer of the calendar in force for one day."""
    return current().day(on)


def is_open(on: date) -> bool:
    """Whether banks book on this day, by the calendar in force."""
    return current().is_open(on)


def next_workday(on: date) -> date:
    """The day itself if banks book on it, else the first later one, by the calendar in force."""
    return current().next_workday(on)


def previous_workday(on: date) -> date:
    """The day itself if banks book on it, else the last earlier one, by the calendar in force."""
    return current().previous_workday(on)


_held: list[Calendar] = []  # at most one: the shipped calendar with the years an operator loaded


@cache
def _shipped() -> Calendar:
    return Calendar(read_table(said) for said in _seed("workdays.json")["years"])


def _version_of(tables: dict[int, YearTable]) -> str:
    digest = hashlib.sha256()
    for year in sorted(tables):
        said = tables[year].as_json()
        digest.update(json.dumps([year, said["closed"], said["working"]]).encode())
    last = max(tables, default=0)
    return f"{last}-{digest.hexdigest()[:12]}"


def _is_open(on: date, closed: frozenset[date], working: frozenset[date]) -> bool:
    return on in working or (on.weekday() < 5 and on not in closed)


def _days_of(year: int) -> Iterator[date]:
    first = date(year, 1, 1).toordinal()
    last = date(year, 12, 31).toordinal()
    return (date.fromordinal(at) for at in range(first, last + 1))


def _provisional_closed(year: int) -> frozenset[date]:
    """The windows of this year, and of its neighbours where they reach across the turn of the year."""
    return frozenset(day for near in (year, year + 1) for day in _windows(near) if day.year == year)


def _windows(year: int) -> Iterator[date]:
    anchors = lunar_anchors(year)
    for window in _seed("provisional.json")["windows"]:
        name = window["anchor"]
        anchor = anchors.get(name) if name in _FESTIVALS else _day_in(year, name)
        if anchor is None:  # beyond the table of festivals: weekends and fixed holidays only, still not `known`
            continue
        last = window["to"]
        beside = anchors.get(window.get("with", ""))
        if beside is not None and 0 <= (beside - anchor).days <= window["within"]:
            last = window["then_to"]
        yield from (anchor + timedelta(days=offset) for offset in range(window["from"], last + 1))


def lunar_anchors(year: int) -> dict[str, date]:
    """Spring Festival, Qingming, Dragon Boat and Mid-Autumn of a year; empty outside the table of the package."""
    days = _seed("lunar.json")["anchors"].get(str(year), ())
    return {name: _day_in(year, text) for name, text in zip(_FESTIVALS, days, strict=False)}


def _day_in(year: int, text: str) -> date:
    return date.fromisoformat(f"{year:04d}-{text}")


@cache
def _seed(name: str) -> Any:
    return json.loads(resources.files("anhuan.kit").joinpath("seeds", name).read_text("utf-8"))
