"""Safe-pay-by: the example of the design, and what holds for every due day."""

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anhuan.cards.safety import Margins, latest_start, safe_pay_by, usual_margins
from anhuan.kit import calendar, terms
from anhuan.kit.clock import CHINA

DUE = date(2026, 2, 21)  # a Saturday in the Spring Festival break
CALENDAR = calendar.current()
DAYS = st.dates(date(2018, 1, 1), date(2034, 12, 31))
CHANNELS = st.sampled_from(terms.channel_ids())


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 2, day, hour, minute, tzinfo=CHINA)


@pytest.mark.scope("S0-03")
def test_a_channel_that_books_on_workdays_must_start_nine_days_before() -> None:
    safe = safe_pay_by(DUE, terms.channel("large_value", on=DUE), calendar=CALENDAR)
    assert (safe.start_by, safe.retry_by, safe.by_hand_from) == (at(12, 16), at(13, 16), at(20, 17))
    assert not safe.provisional


def test_a_channel_round_the_clock_may_start_the_afternoon_before() -> None:
    safe = safe_pay_by(DUE, terms.channel("bank_app", on=DUE), calendar=CALENDAR)
    assert safe.start_by == at(20, 16, 40)


def test_a_margin_of_days_is_kept_on_top() -> None:
    usual = usual_margins(DUE)
    early = Margins(usual.due_day_ends, 2, usual.manual_window)
    channel = terms.channel("bank_app", on=DUE)
    assert safe_pay_by(DUE, channel, calendar=CALENDAR, margins=early).start_by == at(18, 16, 40)


def test_a_year_without_calendar_is_answered_early_and_called_provisional() -> None:
    channel = terms.channel("large_value", on=DUE)
    hidden = safe_pay_by(DUE, channel, calendar=CALENDAR.without_years(2026))
    assert hidden.provisional
    assert hidden.start_by <= safe_pay_by(DUE, channel, calendar=CALENDAR).start_by


def test_the_clock_of_the_bank_is_chinas() -> None:
    safe = safe_pay_by(DUE, terms.channel("bank_app", on=DUE), calendar=CALENDAR)
    assert safe.ends_at.utcoffset() == timedelta(hours=8)
    assert safe.ends_at.time() == time(17)


@settings(deadline=None)
@given(DAYS, CHANNELS)
def test_the_moments_stand_in_order_and_a_late_start_still_arrives(due_on: date, channel_id: str) -> None:
    channel = terms.channel(channel_id, on=due_on)
    safe = safe_pay_by(due_on, channel, calendar=CALENDAR)
    assert safe.start_by <= safe.retry_by <= safe.by_hand_from < safe.ends_at
    if channel.workdays_only:
        assert CALENDAR.is_open(safe.start_by.date())
        assert CALENDAR.workdays_after(safe.retry_by.date(), channel.lead_days) <= safe.by_hand_from.date()


@settings(deadline=None)
@given(DAYS, CHANNELS)
def test_a_later_due_day_is_never_safe_earlier(due_on: date, channel_id: str) -> None:
    channel = terms.channel(channel_id, on=due_on)
    days = (due_on, due_on + timedelta(days=1))
    first, second = (safe_pay_by(day, channel, calendar=CALENDAR).start_by for day in days)
    assert first <= second


@pytest.mark.parametrize("year", range(2009, 2027))
def test_a_hidden_year_is_never_safe_later_than_it_turned_out(year: int) -> None:
    channel = terms.channel("large_value", on=DUE)
    hidden = CALENDAR.without_years(year, year + 1)
    later = []
    for at_day in range(date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal() + 1):
        due_on = date.fromordinal(at_day)
        provisional, official = (safe_pay_by(due_on, channel, calendar=one) for one in (hidden, CALENDAR))
        if provisional.start_by > official.start_by:
            later.append(due_on)
    # a one-time commemoration closed 2015-09-03 and 04, which no rule foresees
    assert later == ([date(2015, 9, day) for day in range(4, 9)] if year == 2015 else [])


def test_a_same_day_channel_sends_before_its_cut_off() -> None:
    same_day = latest_start(terms.channel("large_value", on=DUE), at(14, 13), calendar=CALENDAR)
    assert same_day == at(13, 16), "noon of the 14th is reached from the 13th, a workday before"
