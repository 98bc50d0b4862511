"""Decisions about mandates: is a wish whole, how much, on which day, told when, tried again when.

Values in, values out: the calendar, the last safe moment and the house's numbers come in as arguments.
"""

from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Final

from anhuan.kit import clock
from anhuan.kit.calendar import Calendar
from anhuan.repayments.mandate_model import (
    BY_BILL,
    NEXT,
    AboveCap,
    BadMandate,
    BadStage,
    Debit,
    Holiday,
    Moments,
    RetryWhen,
    Stage,
    Timing,
    Why,
    Wish,
)
from anhuan.repayments.model import AmountRule

_DAY: Final = timedelta(days=1)
FARTHEST: Final = timedelta(days=366)  # from today, for a day that a payer names


@dataclass(frozen=True, slots=True)
class House:
    """The house's dated numbers about autopay (terms_mandates.toml)."""

    days_before: int  # where the payer names none
    pay_at: time  # the hour of debits, China's clock
    least_notice_hours: int
    most_notice_hours: int
    most_retries: int
    most_days_before: int
    slack: timedelta  # so long before the last safe moment a debit leaves at the latest
    again: timedelta  # pause before something that forbade a debit is looked at again
    hopeless: frozenset[str]  # final codes that another try cannot mend


@dataclass(frozen=True, slots=True)
class Owed:
    """What a bill asks for and what is on its way, fen."""

    open: int
    minimum_open: int
    on_way: int


def step(stage: Stage, wanted: Stage) -> Stage:
    """The wanted stage, if the table knows the step; raises `BadStage`."""
    if wanted not in NEXT[stage]:
        raise BadStage(f"a run that is {stage} cannot become {wanted}")
    return wanted


def check(wish: Wish, *, today: date, house: House) -> None:
    """Refuse a wish that is not whole or contradicts itself; the sentence names the field."""
    _check_amount(wish)
    _check_timing(wish, today, house)
    if not house.least_notice_hours <= wish.notice_hours <= house.most_notice_hours:
        said = f"提前通知要在 {house.least_notice_hours} 到 {house.most_notice_hours} 小时之间。"
        raise BadMandate(said, field="notice_hours")
    if not 0 <= wish.retries <= house.most_retries:
        raise BadMandate(f"失败后最多重试 {house.most_retries} 次。", field="retries")
    if wish.valid_to is not None and wish.valid_to < max(today, wish.valid_from or today):
        raise BadMandate("授权的最后一天要在开始之后。", field="valid_to")


def _check_amount(wish: Wish) -> None:
    if wish.cap <= 0:
        raise BadMandate("请填写每次最多扣多少(元)。", field="cap")
    if (wish.rule is AmountRule.CUSTOM) != (wish.amount is not None):
        raise BadMandate("固定金额要写明金额，其他方式不用写。", field="amount")
    if wish.amount is not None and not 0 < wish.amount <= wish.cap:
        raise BadMandate("固定金额要大于零，且不超过每次上限。", field="amount")
    if (wish.rule is AmountRule.PLANNED) != (wish.timing is Timing.PLANNED):
        raise BadMandate("“按方案”的金额和日期要一起选。", field="timing")


def _check_timing(wish: Wish, today: date, house: House) -> None:
    said = (wish.days_before is not None, wish.day_of_month is not None, wish.on_date is not None)
    allowed = {Timing.BEFORE_DUE: 0, Timing.MONTHLY: 1, Timing.ONCE: 2}.get(wish.timing)
    if any(there for at, there in enumerate(said) if at != allowed):
        raise BadMandate("扣款时间只能选一种。", field="timing")
    if wish.timing is Timing.MONTHLY and not 1 <= (wish.day_of_month or 0) <= 31:
        raise BadMandate("请选每月的 1 到 31 日。", field="day_of_month")
    if wish.timing is Timing.ONCE and (wish.on_date is None or wish.on_date < today):
        raise BadMandate("请选今天或以后的日期。", field="on_date")
    if wish.timing is Timing.ONCE and wish.on_date is not None and wish.on_date > today + FARTHEST:
        raise BadMandate("日期最远可以选一年内。", field="on_date")
    if wish.days_before is not None and not 0 <= wish.days_before <= house.most_days_before:
        raise BadMandate(f"请选还款日前 0 到 {house.most_days_before} 天。", field="days_before")


def is_narrower(held: Wish, cap: int | None, valid_to: date | None) -> bool:
    """Whether these values only take away: a cap that is not higher, an end that is not later; None leaves it."""
    lower = cap is None or 0 < cap <= held.cap
    sooner = valid_to is None or held.valid_to is None or valid_to <= held.valid_to
    return lower and sooner


def owed_by(wish: Wish, owed: Owed, *, leg: int | None = None) -> int:
    """What the rule asks for, fen: never more than is open beside what is on its way; `leg` is the plan's amount."""
    left = max(0, owed.open - owed.on_way)
    match wish.rule:
        case AmountRule.FULL:
            return left
        case AmountRule.MINIMUM:
            return min(left, max(0, owed.minimum_open - owed.on_way))
        case AmountRule.CUSTOM:
            return min(left, wish.amount or 0)
        case AmountRule.PLANNED:
            return min(left, leg or 0)


def debit_of(wish: Wish, owed: Owed, *, leg: int | None = None) -> Debit:
    """What is debited within the cap, and why not where it is nothing."""
    asked = owed_by(wish, owed, leg=leg)
    if asked == 0:
        return Debit(0, 0, Why.NOTHING_DUE if owed.open == 0 and owed.on_way == 0 else Why.ALREADY_PAID)
    if asked <= wish.cap:
        return Debit(asked, asked)
    if wish.above_cap is AboveCap.SKIP:
        return Debit(0, asked, Why.ABOVE_CAP)
    return Debit(wish.cap, asked)


def missing(wish: Wish, owed: Owed, debit: int) -> int:
    """What the minimum still lacks after a bill's only debit (fen): 逾期 unless the payer adds it.

    The days of a schedule and the legs of a plan are not the only ones, so of those nothing is said.
    """
    if wish.timing is not Timing.BEFORE_DUE or wish.rule is AmountRule.PLANNED:
        return 0
    return max(0, owed.minimum_open - owed.on_way - debit)


def moved(nominal: date, holiday: Holiday, *, calendar: Calendar, safe_on: date | None) -> date:
    """The day of a debit after the holiday rule: a later workday only where it is not after the last safe day."""
    if holiday is Holiday.SAME or calendar.is_open(nominal):
        return nominal
    if holiday is Holiday.LATER:
        later = calendar.next_workday(nominal)
        if safe_on is None or later <= safe_on:
            return later
    return calendar.previous_workday(nominal)


def before_due(
    wish: Wish, due_on: date, *, safe_by: datetime | None, now: datetime, calendar: Calendar, house: House
) -> Moments:
    """When a bill's debit is told and made; always before the last safe moment while that is still possible."""
    days = house.days_before if wish.days_before is None else wish.days_before
    return _moments(wish, due_on - days * _DAY, safe_by=safe_by, now=now, calendar=calendar, house=house, pulled=True)


def on_day(
    wish: Wish, nominal: date, *, safe_by: datetime | None, now: datetime, calendar: Calendar, house: House
) -> Moments:
    """When the debit of a custom schedule is told and made: on its day, not pulled to any bill."""
    return _moments(wish, nominal, safe_by=safe_by, now=now, calendar=calendar, house=house, pulled=False)


def _moments(
    wish: Wish, nominal: date, *, safe_by: datetime | None, now: datetime, calendar: Calendar, house: House,
    pulled: bool,
) -> Moments:  # fmt: skip
    last = None if safe_by is None else safe_by - house.slack
    safe_on = None if last is None else last.astimezone(clock.CHINA).date()
    day = moved(nominal, wish.holiday, calendar=calendar, safe_on=safe_on)
    wanted = datetime.combine(day, house.pay_at, clock.CHINA)
    if pulled and last is not None and wanted > last:
        wanted = _before(last, wish.holiday, calendar, house)
    moments = fit(wanted, last if pulled else None, notice=timedelta(hours=wish.notice_hours), now=now)
    known = calendar.all_known(min(day, moments.pay_at.astimezone(clock.CHINA).date()), nominal)
    return Moments(moments.notice_at, moments.pay_at, safe_by, moments.shortened, moments.late, not known)


def _before(last: datetime, holiday: Holiday, calendar: Calendar, house: House) -> datetime:
    """The usual hour of the last day that is still safe, or the last moment itself where that is earlier in the day."""
    day = last.astimezone(clock.CHINA).date()
    if holiday is not Holiday.SAME and not calendar.is_open(day):
        return datetime.combine(calendar.previous_workday(day), house.pay_at, clock.CHINA)
    return min(last, datetime.combine(day, house.pay_at, clock.CHINA))


def fit(wanted: datetime, last: datetime | None, *, notice: timedelta, now: datetime) -> Moments:
    """Whether the notice still fits: else the debit is made later, at the last safe moment at most; then late."""
    if wanted - notice >= now:
        return Moments(wanted - notice, wanted, None)
    told_in_time = max(wanted, now + notice)
    if last is None or told_in_time <= last:
        return Moments(now, told_in_time, None)
    if last > now:
        return Moments(now, last, None, shortened=True)
    # The bill came after its own last safe moment: waiting would only cost more, so it goes at once and says so.
    return Moments(now, now, None, shortened=True, late=True)


def occurrences(wish: Wish, *, after: date) -> Iterator[date]:
    """The days of a custom schedule after a day, in order, within the mandate's own days; of a bill's timing none."""
    if wish.timing in BY_BILL:
        return
    first = max(after + _DAY, wish.valid_from or date.min)
    for day in _days(wish, first):
        if wish.valid_to is not None and day > wish.valid_to:
            return
        if day >= first:
            yield day


def next_occurrence(wish: Wish, *, after: date) -> date | None:
    """The first day of a custom schedule after a day."""
    return next(islice(occurrences(wish, after=after), 1), None)


def _days(wish: Wish, first: date) -> Iterator[date]:
    if wish.timing is Timing.ONCE:
        assert wish.on_date is not None
        yield wish.on_date
        return
    year, month = first.year, first.month
    while year < date.max.year:
        yield date(year, month, min(wish.day_of_month or 1, monthrange(year, month)[1]))
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)


def covers(wish: Wish, on: date) -> bool:
    """Whether a day lies within the mandate's own days."""
    return (wish.valid_from is None or wish.valid_from <= on) and (wish.valid_to is None or on <= wish.valid_to)


def retry_at(
    wish: Wish, *, code: str, tries: int, now: datetime, resets_at: datetime | None, incomes: Sequence[date],
    safe_by: datetime | None, house: House,
) -> datetime | None:  # fmt: skip
    """When a debit that was finally refused is tried again; None where it is not, or would be too late."""
    if tries > wish.retries or code in house.hopeless:
        return None
    wanted = _wanted(wish.retry_when, now, resets_at, incomes, house)
    if safe_by is None:
        return wanted
    last = safe_by - house.slack
    return wanted if wanted <= last else last if last > now else None


def _wanted(
    when: RetryWhen, now: datetime, resets_at: datetime | None, incomes: Sequence[date], house: House
) -> datetime:
    today = now.astimezone(clock.CHINA).date()
    tomorrow = datetime.combine(today + _DAY, house.pay_at, clock.CHINA)
    if when is RetryWhen.LIMIT_RESET and resets_at is not None and resets_at > now:
        return resets_at
    if when is RetryWhen.INCOME:
        come = min((day for day in incomes if day >= today), default=None)
        return tomorrow if come is None else datetime.combine(come + _DAY, house.pay_at, clock.CHINA)
    return tomorrow
