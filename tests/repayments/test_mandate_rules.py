"""Mandates in rules alone: which wishes are whole, how much, on which day, told when, tried again when."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anhuan.kit import calendar, clock, ids
from anhuan.kit.calendar import Calendar
from anhuan.repayments import mandate_rules as rules
from anhuan.repayments.mandate_model import (
    AboveCap,
    BadMandate,
    BadStage,
    Debit,
    Holiday,
    RetryWhen,
    Stage,
    Timing,
    Why,
    Wish,
)
from anhuan.repayments.mandate_rules import House, Owed
from anhuan.repayments.model import AmountRule

HOUSE = House(
    days_before=3, pay_at=time(9), least_notice_hours=24, most_notice_hours=168, most_retries=3, most_days_before=15,
    slack=timedelta(minutes=30), again=timedelta(hours=1), hopeless=frozenset({"card_frozen"}),
)  # fmt: skip
WISH = Wish(ids.new_id(), ids.new_id(), cap=500_000)
TODAY = date(2026, 11, 22)
E, L, A = Holiday.EARLIER, Holiday.LATER, Holiday.SAME


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=clock.CHINA)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"cap": 0}, "cap"),
        ({"rule": AmountRule.CUSTOM}, "amount"),  # a fixed amount without its amount
        ({"amount": 100}, "amount"),  # an amount that no rule asks for
        ({"rule": AmountRule.CUSTOM, "amount": 500_001}, "amount"),  # above its own cap
        ({"rule": AmountRule.PLANNED}, "timing"),  # a plan says both, amounts and days
        ({"timing": Timing.MONTHLY}, "day_of_month"),
        ({"timing": Timing.MONTHLY, "day_of_month": 32}, "day_of_month"),
        ({"timing": Timing.MONTHLY, "day_of_month": 5, "days_before": 2}, "timing"),
        ({"timing": Timing.ONCE, "on_date": TODAY - timedelta(days=1)}, "on_date"),
        ({"timing": Timing.ONCE, "on_date": date(9999, 12, 31)}, "on_date"),
        ({"days_before": 16}, "days_before"),
        ({"notice_hours": 23}, "notice_hours"),  # less than the dated least
        ({"retries": 4}, "retries"),
        ({"valid_to": TODAY - timedelta(days=1)}, "valid_to"),
    ],
)
def test_a_wish_that_contradicts_itself_is_refused_by_its_field(changes: dict[str, Any], field: str) -> None:
    rules.check(WISH, today=TODAY, house=HOUSE)
    with pytest.raises(BadMandate) as why:
        rules.check(replace(WISH, **changes), today=TODAY, house=HOUSE)
    assert why.value.field == field


@pytest.mark.scope("S3-24")
@pytest.mark.parametrize(
    ("changes", "owed", "debit"),
    [
        ({}, Owed(100_000, 10_000, 0), Debit(100_000, 100_000)),
        ({}, Owed(100_000, 10_000, 30_000), Debit(70_000, 70_000)),  # what is on its way is not sent twice
        ({}, Owed(100_000, 10_000, 100_000), Debit(0, 0, Why.ALREADY_PAID)),
        ({}, Owed(0, 0, 0), Debit(0, 0, Why.NOTHING_DUE)),
        ({"rule": AmountRule.MINIMUM}, Owed(100_000, 10_000, 0), Debit(10_000, 10_000)),
        ({"rule": AmountRule.MINIMUM}, Owed(100_000, 10_000, 4_000), Debit(6_000, 6_000)),
        ({"rule": AmountRule.MINIMUM}, Owed(90_000, 0, 0), Debit(0, 0, Why.ALREADY_PAID)),  # the minimum is met
        ({"rule": AmountRule.CUSTOM, "amount": 80_000}, Owed(50_000, 0, 0), Debit(50_000, 50_000)),  # never overpays
        ({"cap": 60_000}, Owed(100_000, 0, 0), Debit(60_000, 100_000)),  # up to the cap
        ({"cap": 60_000, "above_cap": AboveCap.SKIP}, Owed(100_000, 0, 0), Debit(0, 100_000, Why.ABOVE_CAP)),
    ],
)
def test_a_debit_takes_what_the_rule_asks_for_within_bill_and_cap(
    changes: dict[str, Any], owed: Owed, debit: Debit
) -> None:
    assert rules.debit_of(replace(WISH, **changes), owed) == debit


@given(
    st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9), st.integers(1, 10**9),
    st.sampled_from(list(AboveCap)), st.sampled_from([AmountRule.FULL, AmountRule.MINIMUM]),
)  # fmt: skip
def test_no_debit_is_ever_above_the_cap_or_what_is_open(
    open_: int, minimum: int, on_way: int, cap: int, above: AboveCap, rule: AmountRule
) -> None:
    owed = Owed(open_, min(open_, minimum), on_way)
    debit = rules.debit_of(replace(WISH, cap=cap, above_cap=above, rule=rule), owed)
    assert 0 <= debit.amount <= min(cap, max(0, open_ - on_way))
    assert (debit.amount == 0) == (debit.why is not None)


@pytest.mark.scope("S3-27")
@pytest.mark.parametrize(
    ("nominal", "holiday", "safe_on", "day"),
    [
        ("2026-11-18", E, None, "2026-11-18"),  # a workday stays
        ("2026-11-21", E, None, "2026-11-20"),  # Saturday, earlier
        ("2026-11-21", L, None, "2026-11-23"),  # Saturday, later
        ("2026-11-21", L, "2026-11-22", "2026-11-20"),  # later would be after the last safe day
        ("2026-11-21", A, "2026-11-20", "2026-11-21"),  # the payer wants the day itself
        ("2026-02-17", E, None, "2026-02-14"),  # Spring Festival: back to the working Saturday
        ("2026-02-17", L, None, "2026-02-24"),  # and forward past the whole break
        ("2026-10-03", E, None, "2026-09-30"),  # National Day
        ("2026-10-03", L, None, "2026-10-08"),
        ("2026-10-10", E, None, "2026-10-10"),  # a working Saturday is a workday
    ],
)
def test_a_closed_day_moves_as_the_mandate_says(nominal: str, holiday: Holiday, safe_on: str | None, day: str) -> None:
    safe = date.fromisoformat(safe_on) if safe_on else None
    moved = rules.moved(date.fromisoformat(nominal), holiday, calendar=calendar.current(), safe_on=safe)
    assert moved == date.fromisoformat(day)


def bill(wish: Wish, due_on: str, *, safe: str, now: str, days: Calendar | None = None) -> Any:
    return rules.before_due(
        wish, date.fromisoformat(due_on), safe_by=at(safe), now=at(now), calendar=days or calendar.current(),
        house=HOUSE,
    )  # fmt: skip


@pytest.mark.scope("S3-24", "S2-02")
@pytest.mark.parametrize(
    ("changes", "due_on", "safe", "now", "notice_at", "pay_at", "marks"),
    [
        # three days before, told a day ahead
        ({}, "2026-12-08", "2026-12-07 13:00", "2026-11-22 10:00", "2026-12-03 09:00", "2026-12-04 09:00", ""),
        # the due day itself lies after the last safe moment: the debit is pulled before it
        ({"days_before": 0}, "2026-12-08", "2026-12-07 13:00", "2026-11-22 10:00", "2026-12-06 09:00",
         "2026-12-07 09:00", ""),
        # safe by eight in the morning: half an hour before that, not at nine
        ({"days_before": 0}, "2026-12-08", "2026-12-07 08:00", "2026-11-22 10:00", "2026-12-06 07:30",
         "2026-12-07 07:30", ""),
        # Spring Festival: the last safe moment is on a closed day, so the working Saturday before it
        ({"days_before": 1}, "2026-02-21", "2026-02-20 12:00", "2026-02-01 10:00", "2026-02-13 09:00",
         "2026-02-14 09:00", ""),
        # due in the National Day break
        ({}, "2026-10-05", "2026-10-04 12:00", "2026-09-01 10:00", "2026-09-29 09:00", "2026-09-30 09:00", ""),
        # Feb 29
        ({"days_before": 1, "holiday": A}, "2028-03-01", "2028-02-29 13:00", "2028-02-01 10:00", "2028-02-28 09:00",
         "2028-02-29 09:00", "provisional"),
        # the bill came late: told at once, made a day later, still safe
        ({}, "2026-12-08", "2026-12-07 13:00", "2026-12-05 10:00", "2026-12-05 10:00", "2026-12-06 10:00", ""),
        # too late for a whole notice: the last safe moment, and it is said
        ({}, "2026-12-08", "2026-12-07 13:00", "2026-12-07 10:00", "2026-12-07 10:00", "2026-12-07 12:30",
         "shortened"),
        # after the last safe moment: at once, and it is said
        ({}, "2026-12-08", "2026-12-07 13:00", "2026-12-08 10:00", "2026-12-08 10:00", "2026-12-08 10:00",
         "shortened late"),
    ],
)  # fmt: skip
def test_a_bill_is_told_and_paid_before_its_last_safe_moment(
    changes: dict[str, Any], due_on: str, safe: str, now: str, notice_at: str, pay_at: str, marks: str
) -> None:
    told = bill(replace(WISH, **changes), due_on, safe=safe, now=now)
    assert (told.notice_at, told.pay_at) == (at(notice_at), at(pay_at))
    assert [name for name in ("shortened", "late", "provisional") if getattr(told, name)] == marks.split()


@given(
    st.dates(date(2026, 1, 5), date(2026, 12, 25)), st.integers(0, 15), st.sampled_from(list(Holiday)),
    st.integers(0, 30 * 24), st.integers(24, 168),
)  # fmt: skip
def test_while_it_is_possible_no_debit_lies_after_the_last_safe_moment(
    due_on: date, days: int, holiday: Holiday, hours: int, notice: int
) -> None:
    end = datetime.combine(due_on, time(13), clock.CHINA)
    now, safe = end - timedelta(hours=hours), end - timedelta(days=1)
    wish = replace(WISH, days_before=days, holiday=holiday, notice_hours=notice)
    told = rules.before_due(wish, due_on, safe_by=safe, now=now, calendar=calendar.current(), house=HOUSE)
    assert told.late or told.pay_at <= safe - HOUSE.slack or now > safe - HOUSE.slack
    assert now <= told.notice_at <= told.pay_at
    assert told.shortened or told.pay_at - told.notice_at >= timedelta(hours=notice)
    assert told.late == (safe - HOUSE.slack <= now and told.pay_at == now)


@pytest.mark.scope("S3-27")
@pytest.mark.parametrize(
    ("changes", "after", "days"),
    [
        ({"day_of_month": 31}, "2026-01-15", ["2026-01-31", "2026-02-28", "2026-03-31"]),  # month ends
        ({"day_of_month": 30}, "2028-01-31", ["2028-02-29", "2028-03-30", "2028-04-30"]),  # a leap year
        ({"day_of_month": 5}, "2026-11-05", ["2026-12-05", "2027-01-05", "2027-02-05"]),  # after its own day
        ({"day_of_month": 5, "valid_from": date(2027, 1, 1)}, "2026-11-01", ["2027-01-05", "2027-02-05", "2027-03-05"]),
        ({"day_of_month": 5, "valid_to": date(2027, 1, 4)}, "2026-11-01", ["2026-11-05", "2026-12-05"]),
    ],
)  # fmt: skip
def test_a_fixed_day_comes_every_month_and_a_missing_one_is_the_last(
    changes: dict[str, Any], after: str, days: list[str]
) -> None:
    wish = replace(WISH, timing=Timing.MONTHLY, **changes)
    found = islice(rules.occurrences(wish, after=date.fromisoformat(after)), 3)
    assert [day.isoformat() for day in found] == days


def test_once_is_once_and_a_bill_has_no_days_of_its_own() -> None:
    once = replace(WISH, timing=Timing.ONCE, on_date=date(2026, 12, 1))
    assert list(rules.occurrences(once, after=TODAY)) == [date(2026, 12, 1)]
    assert rules.next_occurrence(once, after=date(2026, 12, 1)) is None
    assert list(rules.occurrences(WISH, after=TODAY)) == []


def test_days_of_a_year_that_nobody_has_published_are_said_to_be_provisional() -> None:
    known = calendar.current()
    assert not bill(WISH, "2026-12-08", safe="2026-12-07 13:00", now="2026-11-22 10:00", days=known).provisional
    hidden = known.without_years(2026)
    assert bill(WISH, "2026-12-08", safe="2026-12-07 13:00", now="2026-11-22 10:00", days=hidden).provisional


@pytest.mark.parametrize(
    ("changes", "code", "tries", "resets", "safe", "again"),
    [
        ({}, "insufficient_funds", 1, None, None, "2026-12-05 09:00"),  # the next day
        ({}, "insufficient_funds", 2, None, None, None),  # one retry was allowed, and used
        ({"retries": 0}, "insufficient_funds", 1, None, None, None),
        ({}, "card_frozen", 1, None, None, None),  # another try cannot mend it
        ({"retry_when": RetryWhen.LIMIT_RESET}, "daily_limit", 1, "2026-12-05 00:00", None, "2026-12-05 00:00"),
        ({"retry_when": RetryWhen.LIMIT_RESET}, "daily_limit", 1, None, None, "2026-12-05 09:00"),  # nobody said when
        (
            {"retry_when": RetryWhen.INCOME},
            "insufficient_funds",
            1,
            None,
            None,
            "2026-12-07 09:00",
        ),  # income on the 6th
        ({"retry_when": RetryWhen.INCOME}, "insufficient_funds", 1, None, "2026-12-06 13:00", "2026-12-06 12:30"),
        ({}, "insufficient_funds", 1, None, "2026-12-04 10:00", None),  # it would be too late already
    ],
)
def test_a_final_no_is_tried_again_as_the_mandate_says_and_never_too_late(
    changes: dict[str, Any], code: str, tries: int, resets: str | None, safe: str | None, again: str | None
) -> None:
    found = rules.retry_at(
        replace(WISH, **changes), code=code, tries=tries, now=at("2026-12-04 10:00"),
        resets_at=at(resets) if resets else None, incomes=[date(2026, 12, 6), date(2026, 12, 20)],
        safe_by=at(safe) if safe else None, house=HOUSE,
    )  # fmt: skip
    assert found == (at(again) if again else None)


@pytest.mark.parametrize(
    ("cap", "end", "narrower"),
    [
        (400_000, None, True), (500_000, None, True), (500_001, None, False), (0, None, False),
        (None, date(2027, 5, 1), True), (None, date(2027, 6, 1), True), (None, date(2027, 6, 2), False),
    ],
)  # fmt: skip
def test_only_a_lower_cap_and_a_nearer_end_narrow(cap: int | None, end: date | None, narrower: bool) -> None:
    held = replace(WISH, valid_to=date(2027, 6, 1))
    assert rules.is_narrower(held, cap, end) is narrower


def test_a_run_moves_by_its_table_alone() -> None:
    assert rules.step(Stage.PLANNED, Stage.NOTICED) is Stage.NOTICED
    with pytest.raises(BadStage):
        rules.step(Stage.DONE, Stage.PLANNED)


def test_only_a_bills_one_debit_is_weighed_against_the_minimum() -> None:
    owed = Owed(100_000, 10_000, 1_000)
    fixed = replace(WISH, rule=AmountRule.CUSTOM, amount=4_000)
    assert rules.missing(fixed, owed, 4_000) == 5_000
    assert rules.missing(fixed, owed, 9_000) == 0
    assert rules.missing(replace(fixed, timing=Timing.MONTHLY), owed, 4_000) == 0
    assert rules.missing(replace(fixed, rule=AmountRule.PLANNED), owed, 4_000) == 0
