"""The calendar: official years as published, careful answers for the others."""

import json
import math
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import chinese_calendar
import pytest
from chinese_calendar import constants as published

from anhuan.kit import calendar
from anhuan.kit.calendar import BadYearTable, Calendar, YearTable

DAY = timedelta(days=1)
# A one-time break on 2015-09-03 and 04 that no rule foresees, and the days whose walk of up to 3 workdays crosses it.
COMMEMORATION = {date(2015, 9, day) for day in range(3, 9)}
HIDDEN_YEARS = range(2009, 2027)


@pytest.fixture
def own_calendar() -> Iterator[None]:
    """Give the process back the shipped calendar after a test that loads a year."""
    yield
    calendar._held.clear()


def days(first: date, last: date) -> Iterator[date]:
    return (date.fromordinal(at) for at in range(first.toordinal(), last.toordinal() + 1))


@pytest.mark.scope("S3-27")
def test_the_official_years_agree_with_a_second_source_on_every_day() -> None:
    for on in days(date(2004, 1, 1), date(2026, 12, 31)):
        assert calendar.is_open(on) == chinese_calendar.is_workday(on), on
        assert calendar.day(on).known
    assert max(published.holidays).year == 2026


def test_golden_case_7_the_spring_festival_of_2026() -> None:
    saturday_in_the_break = date(2026, 2, 21)
    assert calendar.next_workday(saturday_in_the_break) == date(2026, 2, 24)
    assert calendar.previous_workday(saturday_in_the_break) == date(2026, 2, 14)
    assert calendar.is_open(date(2026, 10, 10))


def test_a_workday_is_its_own_next_and_previous_workday() -> None:
    monday = date(2026, 11, 23)
    assert calendar.next_workday(monday) == calendar.previous_workday(monday) == monday
    assert calendar.current().workdays_before(monday, 1) == date(2026, 11, 20)
    assert calendar.current().workdays_after(date(2026, 11, 21), 1) == date(2026, 11, 24)


@pytest.mark.parametrize("year", HIDDEN_YEARS)
def test_a_hidden_year_is_never_answered_later_than_it_turned_out(year: int) -> None:
    official = calendar.current()
    hidden = official.without_years(year, year + 1)  # a year is planned before it and the next are published
    for due in days(date(year, 1, 1), date(year, 12, 31)):
        for back in (0, 1, 2, 3):
            late = hidden.workdays_before(due, back) > official.workdays_before(due, back)
            assert not late or due in COMMEMORATION, (due, back)


@pytest.mark.parametrize("year", HIDDEN_YEARS)
def test_every_weekday_off_lies_inside_a_provisional_window(year: int) -> None:
    hidden = calendar.current().without_years(year)
    off = {on for on in days(date(year, 1, 1), date(year, 12, 31)) if on.weekday() < 5 and not calendar.is_open(on)}
    missed = {on for on in off if hidden.is_open(on)}
    assert missed <= {date(2015, 9, 3), date(2015, 9, 4)}


def test_a_year_beyond_the_tables_is_answered_and_says_that_it_is_provisional() -> None:
    for on in days(date(2027, 1, 1), date(2035, 12, 31)):
        answer = calendar.day(on)
        assert not answer.known
        assert "provisional" in answer.source
        assert not (answer.open and on.weekday() >= 5)
    assert not calendar.is_open(date(2027, 2, 8)), "the Monday after the Spring Festival of 2027"


def test_a_year_without_lunar_anchors_still_gets_weekends_and_fixed_holidays() -> None:
    far = calendar.current()
    assert calendar.lunar_anchors(2071) == {}
    assert not far.is_open(date(2071, 10, 1))
    assert far.is_open(date(2071, 3, 3))


def test_provisional_windows_reach_across_the_turn_of_the_year() -> None:
    assert not calendar.is_open(date(2027, 12, 31)), "the day before New Year is closed in a year not yet published"


@pytest.mark.parametrize("year", range(2004, 2051))
def test_lunar_anchors_agree_with_new_moons_and_solar_terms(year: int) -> None:
    assert calendar.lunar_anchors(year) == festivals_by_the_sky(year)


def test_loading_the_same_year_twice_changes_nothing(own_calendar: None) -> None:
    table = YearTable(2027, frozenset({date(2027, 1, 1)}), frozenset({date(2027, 1, 3)}), "a notice")
    first = calendar.load(table)
    assert calendar.load(table) is first
    assert calendar.day(date(2027, 1, 3)) == calendar.Workday(open=True, known=True, source="a notice")


def test_a_corrected_year_takes_effect_and_has_another_version(own_calendar: None) -> None:
    table = YearTable(2027, frozenset({date(2027, 1, 1)}), frozenset({date(2027, 1, 3)}), "a notice")
    before = calendar.load(table).version
    after = calendar.load(YearTable(2027, table.closed, frozenset(), "a corrected notice"))
    assert not calendar.is_open(date(2027, 1, 3))
    assert after.version != before


def test_a_run_under_way_keeps_the_calendar_it_began_with(own_calendar: None) -> None:
    began_with = calendar.current()
    assert not began_with.is_open(date(2027, 1, 3))
    calendar.load(YearTable(2027, frozenset(), frozenset({date(2027, 1, 3)}), "a notice"))
    assert not began_with.is_open(date(2027, 1, 3))
    assert calendar.is_open(date(2027, 1, 3))


def test_an_operators_folder_is_loaded(own_calendar: None, tmp_path: Path) -> None:
    table = YearTable(2027, frozenset({date(2027, 1, 1)}), frozenset(), "a notice", date(2026, 11, 30))
    (tmp_path / "2027.json").write_text(json.dumps(table.as_json()), "utf-8")
    assert calendar.load_folder(tmp_path).is_known(date(2027, 5, 5))


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"year": 2027, "closed": [], "working": ["01-04"], "source": "x"}, "working"),  # a Monday
        ({"year": 2027, "closed": ["01-03"], "working": ["01-03"], "source": "x"}, "closed"),
        ({"year": 2027, "closed": ["02-30"], "working": [], "source": "x"}, None),
        ({"year": 2027, "closed": [], "working": []}, None),
        ([], None),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(said: object, field: str | None) -> None:
    with pytest.raises(BadYearTable) as why:
        calendar.read_table(said)
    assert why.value.field == field


def test_an_empty_calendar_still_answers() -> None:
    assert Calendar([]).next_workday(date(2026, 10, 1)) == date(2026, 10, 8)


# --- a second source for the lunar table: new moons and the sun's longitude after Meeus, Astronomical Algorithms


def festivals_by_the_sky(year: int) -> dict[str, date]:
    first = first_days_of_months(year)
    return {
        "spring_festival": first[1],
        "qingming": china_day(when_sun_at(year, 15), year),
        "dragon_boat": first[5] + 4 * DAY,
        "mid_autumn": first[8] + 14 * DAY,
    }


def first_days_of_months(year: int) -> dict[int, date]:
    """First day of each lunar month (leap months left out) between two winter solstices, by month number."""
    solstices = china_day(when_sun_at(year - 1, 270), year), china_day(when_sun_at(year, 270), year)
    count = round((year - 2001) * 12.3685) + 8
    moons = sorted(china_day(new_moon(count + step), year) for step in range(-3, 22))
    start, end = (max(moon for moon in moons if moon <= solstice) for solstice in solstices)
    months = [pair for pair in pairwise(moons) if start <= pair[0] < end]
    major = [china_day(when_sun_at(year - 1 if at == 270 else year, at % 360), year) for at in range(270, 630, 30)]
    leap_due = len(months) == 13
    found, number = {11: months[0][0]}, 11
    for begins, ends in months[1:]:
        if leap_due and not any(begins <= term < ends for term in major):
            leap_due = False
            continue
        number = number % 12 + 1
        found[number] = begins
    return found


def china_day(julian_day: float, year: int) -> date:
    since = year - 2000
    clock_drift = (62.92 + 0.32217 * since + 0.005589 * since * since) / 86400
    return date(1970, 1, 1) + math.floor(julian_day - clock_drift + 8 / 24 - 2440587.5) * DAY


def when_sun_at(year: int, longitude: int) -> float:
    moment = 2451544.5 + (year - 2000) * 365.2425 + (longitude - 280) % 360 / 360 * 365.2422
    for _ in range(8):
        moment += ((longitude - sun_longitude(moment) + 180) % 360 - 180) / 360 * 365.2422
    return moment


def sun_longitude(moment: float) -> float:
    centuries = (moment - 2451545.0) / 36525
    anomaly = math.radians(357.52911 + 35999.05029 * centuries)
    centre = (1.914602 - 0.004817 * centuries) * math.sin(anomaly) + 0.019993 * math.sin(2 * anomaly)
    node = math.radians(125.04 - 1934.136 * centuries)
    return (280.46646 + 36000.76983 * centuries + centre - 0.00569 - 0.00478 * math.sin(node)) % 360


def new_moon(count: int) -> float:
    centuries = count / 1236.85
    sun = math.radians(2.5534 + 29.10535670 * count)
    moon = math.radians(201.5643 + 385.81693528 * count)
    latitude = math.radians(160.7108 + 390.67050284 * count)
    earth = 1 - 0.002516 * centuries
    return (
        2451550.09766
        + 29.530588861 * count
        - 0.40720 * math.sin(moon)
        + 0.17241 * earth * math.sin(sun)
        + 0.01608 * math.sin(2 * moon)
        + 0.01039 * math.sin(2 * latitude)
        + 0.00739 * earth * math.sin(moon - sun)
        - 0.00514 * earth * math.sin(moon + sun)
        + 0.00208 * math.sin(2 * sun)
        - 0.00111 * math.sin(moon - 2 * latitude)
        - 0.00057 * math.sin(moon + 2 * latitude)
        + 0.00056 * math.sin(2 * moon + sun)
    )
