"""Statement cycles (账单周期): when a bank closes its bill and when it wants its money; days are China's, UTC+8.

A computed day only fills a gap: the day the bank prints is the truth, and a printed day that differs is kept by the
user as an override for its month.
"""

from calendar import monthrange
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from anhuan.kit.calendar import Calendar

SHIFTS: Final = ("none", "next_workday", "previous_workday")


@dataclass(frozen=True, slots=True)
class DueRule:
    """Statement to due day: a fixed offset in days, or a fixed day of the month at least `least_gap` days later."""

    offset_days: int | None = None
    day: int | None = None
    least_gap: int = 1


@dataclass(frozen=True, slots=True)
class Cycle:
    """How one account's statements recur; `sure` is 0 to 1 and `why` says what that rests on."""

    statement_day: int
    due: DueRule
    statement_shift: str = "none"
    due_shift: str = "none"
    moved: Mapping[tuple[int, int], date] = field(default_factory=dict)  # (year, month) -> the day the bank closed
    sure: float = 1.0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Learned:
    """What printed bills teach: a value and how sure it is, by the rule of succession (right + 1) / (seen + 2)."""

    value: int
    right: int
    seen: int

    @property
    def sure(self) -> float:
        """0 to 1; one bill gives two thirds, ten that agree eleven twelfths."""
        return (self.right + 1) / (self.seen + 2)


def statement_in(cycle: Cycle, year: int, month: int, *, calendar: Calendar) -> date:
    """The statement day of a month: as moved by the bank that month, else clamped to its end and shifted by rule."""
    if moved := cycle.moved.get((year, month)):
        return moved
    return shifted(clamped(year, month, cycle.statement_day), cycle.statement_shift, calendar=calendar)


def due_after(cycle: Cycle, statement_on: date, *, calendar: Calendar) -> date:
    """The due day that belongs to a statement day, always later than it."""
    rule = cycle.due
    if rule.offset_days is not None:
        due = statement_on + timedelta(days=rule.offset_days)
    else:
        assert rule.day is not None, "a due rule is an offset or a day"
        due = next(day for day in _monthly(statement_on, rule.day) if (day - statement_on).days >= rule.least_gap)
    return shifted(due, cycle.due_shift, calendar=calendar)


def statements_between(cycle: Cycle, *, after: date, until: date, calendar: Calendar) -> list[tuple[date, date]]:
    """Statement and due days of every statement after one day, up to and including another."""
    year, month = after.year, after.month
    found: list[tuple[date, date]] = []
    while date(year, month, 1) <= until + timedelta(days=31):
        on = statement_in(cycle, year, month, calendar=calendar)
        if after < on <= until:
            found.append((on, due_after(cycle, on, calendar=calendar)))
        year, month = _next_month(year, month)
    return sorted(set(found))


def learn_statement_day(statements: Sequence[date]) -> Learned:
    """The day of the month that explains most statements, counting a month's end as any later day; ties go later."""
    # 30 April fits 30 and 31: a day that was seen is the simplest answer, and the latest seen explains short months too
    days = {on.day for on in statements}
    counts = {day: sum(clamped(on.year, on.month, day) == on for on in statements) for day in days}
    best = max(days, key=lambda day: (counts[day], day))
    right = counts[best]
    return Learned(best, right, len(statements))


def learn_due(bills: Sequence[tuple[date, date]], *, offsets: range, assumed: int | None, least_gap: int) -> DueRule:
    """Offset or fixed day, whichever explains more bills; a tie goes to the bank's usual offset, then to an offset."""
    by_offset = Counter((due - statement).days for statement, due in bills)
    offset, right = max(by_offset.items(), key=lambda item: (item[1], item[0] == assumed))
    day = max({due.day for _, due in bills})
    fixed = DueRule(day=day, least_gap=min(least_gap, *by_offset))
    fits = sum(_fits(fixed, statement, due) for statement, due in bills)
    if fits > right or offset not in offsets:
        return fixed
    return DueRule(offset_days=offset)


def due_rule_sure(rule: DueRule, bills: Sequence[tuple[date, date]]) -> Learned:
    """How many of the printed bills the rule explains."""
    right = sum(_fits(rule, statement, due) for statement, due in bills)
    return Learned(rule.offset_days or rule.day or 0, right, len(bills))


def clamped(year: int, month: int, day: int) -> date:
    """The day of the month, or its last day where the month is shorter."""
    return date(year, month, min(day, monthrange(year, month)[1]))


def shifted(day: date, shift: str, *, calendar: Calendar) -> date:
    """The day as the bank's rule moves it off a closed day; `none` leaves it, the careful side."""
    if shift == "next_workday":
        return calendar.next_workday(day)
    return calendar.previous_workday(day) if shift == "previous_workday" else day


def _fits(rule: DueRule, statement: date, due: date) -> bool:
    cycle = Cycle(statement.day, rule)
    return due_after(cycle, statement, calendar=_UNSHIFTED) == due


def _monthly(start: date, day: int) -> Iterator[date]:
    year, month = start.year, start.month
    while True:
        yield clamped(year, month, day)
        year, month = _next_month(year, month)


def _next_month(year: int, month: int) -> tuple[int, int]:
    return (year + 1, 1) if month == 12 else (year, month + 1)


_UNSHIFTED: Final = Calendar(())
