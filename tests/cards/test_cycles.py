"""Statement cycles: days that every month has, days that few have, and days that the bank moves."""

from calendar import monthrange
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anhuan.cards import cycles
from anhuan.cards.cycles import Cycle, DueRule
from anhuan.kit import calendar

CALENDAR = calendar.current()
OFFSETS = range(1, 41)
calm = settings(deadline=None)


def between(cycle: Cycle, after: date, until: date) -> list[tuple[date, date]]:
    return cycles.statements_between(cycle, after=after, until=until, calendar=CALENDAR)


@pytest.mark.scope("S0-02")
def test_a_fixed_offset_counts_days() -> None:
    cycle = Cycle(8, DueRule(offset_days=25))
    assert between(cycle, date(2027, 1, 8), date(2027, 3, 8)) == [
        (date(2027, 2, 8), date(2027, 3, 5)),
        (date(2027, 3, 8), date(2027, 4, 2)),
    ]


def test_a_fixed_day_of_the_month_is_the_next_one_that_leaves_time() -> None:
    same_month = Cycle(5, DueRule(day=25, least_gap=5))
    next_month = Cycle(25, DueRule(day=15, least_gap=5))
    too_near = Cycle(25, DueRule(day=28, least_gap=5))
    due = [
        cycles.due_after(one, date(2026, 11, one.statement_day), calendar=CALENDAR) for one in (same_month, next_month)
    ]
    assert due == [date(2026, 11, 25), date(2026, 12, 15)]
    assert cycles.due_after(too_near, date(2026, 11, 25), calendar=CALENDAR) == date(2026, 12, 28)


@pytest.mark.parametrize(
    ("day", "february", "april"),
    [(28, 28, 28), (29, 28, 29), (30, 28, 30), (31, 28, 30)],
)
def test_days_that_a_month_lacks_fall_on_its_last_day(day: int, february: int, april: int) -> None:
    cycle = Cycle(day, DueRule(offset_days=20))
    assert cycles.statement_in(cycle, 2027, 2, calendar=CALENDAR) == date(2027, 2, february)
    assert cycles.statement_in(cycle, 2027, 4, calendar=CALENDAR) == date(2027, 4, april)
    assert cycles.statement_in(cycle, 2028, 2, calendar=CALENDAR) == date(2028, 2, min(29, day))


def test_a_day_that_the_bank_moved_once_beats_the_rule() -> None:
    cycle = Cycle(8, DueRule(offset_days=20), moved={(2026, 10): date(2026, 10, 9)})
    assert between(cycle, date(2026, 9, 30), date(2026, 11, 8)) == [
        (date(2026, 10, 9), date(2026, 10, 29)),
        (date(2026, 11, 8), date(2026, 11, 28)),
    ]


@pytest.mark.scope("S0-21", "S3-27")
@pytest.mark.parametrize(
    ("shift", "due"),
    [
        ("none", date(2026, 2, 21)),  # a Saturday of the Spring Festival; not moved is the careful side
        ("next_workday", date(2026, 2, 24)),
        ("previous_workday", date(2026, 2, 14)),
    ],
)
def test_a_bank_may_move_its_due_day_off_a_holiday(shift: str, due: date) -> None:
    cycle = Cycle(1, DueRule(offset_days=20), due_shift=shift)
    assert cycles.due_after(cycle, date(2026, 2, 1), calendar=CALENDAR) == due


def test_one_bill_teaches_a_cycle_that_is_not_yet_sure() -> None:
    learned = cycles.learn_statement_day([date(2026, 11, 8)])
    assert (learned.value, round(learned.sure, 2)) == (8, 0.67)


def test_a_months_end_is_learned_from_the_longest_month_seen() -> None:
    seen = [date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30)]
    assert cycles.learn_statement_day(seen).value == 31
    assert cycles.learn_statement_day([date(2026, 4, 30)]).value == 30


def test_a_moved_statement_does_not_spoil_what_was_learned() -> None:
    seen = [date(2026, 8, 8), date(2026, 9, 8), date(2026, 10, 9), date(2026, 11, 8)]
    learned = cycles.learn_statement_day(seen)
    assert (learned.value, learned.right, learned.seen) == (8, 3, 4)


@pytest.mark.parametrize(
    ("bills", "assumed", "rule"),
    [
        # one bill: an offset, because most banks count days
        ([(date(2026, 11, 8), date(2026, 11, 28))], 25, DueRule(offset_days=20)),
        # 18 days after each, on different days of the month
        (
            [(date(2026, 10, 31), date(2026, 11, 18)), (date(2026, 11, 30), date(2026, 12, 18))],
            18,
            DueRule(offset_days=18),
        ),
        # the same day of the month after months of different length
        (
            [(date(2026, 2, 5), date(2026, 2, 25)), (date(2026, 1, 25), date(2026, 2, 25))],
            20,
            DueRule(day=25, least_gap=5),
        ),
        # further than any bank counts
        ([(date(2026, 11, 1), date(2026, 12, 25))], 20, DueRule(day=25, least_gap=5)),
    ],
)
def test_the_due_rule_is_the_one_that_explains_most_bills(
    bills: list[tuple[date, date]], assumed: int, rule: DueRule
) -> None:
    assert cycles.learn_due(bills, offsets=OFFSETS, assumed=assumed, least_gap=5) == rule


DAYS = st.dates(date(2020, 1, 1), date(2034, 12, 31))
RULES = st.one_of(
    st.builds(DueRule, offset_days=st.integers(1, 40)),
    st.builds(DueRule, day=st.integers(1, 31), least_gap=st.integers(1, 10)),
)
SHIFTS = st.sampled_from(cycles.SHIFTS)


@calm
@given(st.integers(1, 31), RULES, SHIFTS, DAYS, st.integers(28, 800))
def test_every_month_has_one_statement_and_its_due_day_is_later(
    day: int, rule: DueRule, shift: str, after: date, span: int
) -> None:
    until = after + timedelta(days=span)
    found = between(Cycle(day, rule, statement_shift=shift), after, until)
    assert all(after < statement <= until and due > statement for statement, due in found)
    gaps = [(later - earlier).days for (earlier, _), (later, _) in pairwise(found)]
    assert all(10 <= gap <= 50 for gap in gaps), "a shift over a festival moves a statement by some days only"
    assert abs(len(found) - span / 30.44) <= 2


@calm
@given(st.integers(1, 31), st.integers(1, 40), DAYS, st.integers(1, 12))
def test_what_printed_bills_teach_tells_their_days_again(day: int, offset: int, after: date, count: int) -> None:
    true = Cycle(day, DueRule(offset_days=offset))
    bills = between(true, after, after + timedelta(days=31 * count + 31))[:count]
    learned = cycles.learn_statement_day([statement for statement, _ in bills])
    rule = cycles.learn_due(bills, offsets=OFFSETS, assumed=offset, least_gap=5)
    again = Cycle(learned.value, rule)
    assert learned.right == learned.seen
    assert [cycles.statement_in(again, on.year, on.month, calendar=CALENDAR) for on, _ in bills] == [
        on for on, _ in bills
    ]
    assert cycles.due_rule_sure(rule, bills).right == len(bills)


@given(st.integers(2000, 2100), st.integers(1, 12), st.integers(1, 31))
def test_clamping_stays_inside_the_month(year: int, month: int, day: int) -> None:
    clamped = cycles.clamped(year, month, day)
    assert (clamped.year, clamped.month) == (year, month)
    assert clamped.day == min(day, monthrange(year, month)[1])
