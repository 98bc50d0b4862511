"""Ways for money to reach a card: when a payment is credited, and what a channel takes for it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from functools import lru_cache

from anhuan.kit import calendar
from anhuan.planning.model import Channel, Payment, Request


@lru_cache(maxsize=20_000)
def workday_from(day: int) -> int:
    """The first workday on or after a day: Chinese calendar; Monday to Friday in unpublished years (planning.md)."""
    while not _is_workday(date.fromordinal(day)):
        day += 1
    return day


def _is_workday(on: date) -> bool:
    known = calendar.current()
    return known.is_open(on) if known.is_known(on) else on.weekday() < 5


def credited_on(channel: Channel, day: int) -> int:
    """The day a payment that leaves on `day` is credited to the card."""
    arrives = day + channel.lead_days
    return workday_from(arrives) if channel.workdays_only else arrives


def last_day_for(channel: Channel, credited: int, *, first: int) -> int | None:
    """The last day to pay so that the money is credited by `credited`; None when even `first` is too late."""
    day = credited - channel.lead_days
    while day >= first and credited_on(channel, day) > credited:
        day -= 1
    return day if day >= first else None


def first_day_for(channel: Channel, credited: int, *, first: int) -> int:
    """The first day to pay so that the money is not credited before `credited`."""
    day = max(first, credited - channel.lead_days)
    while day > first and credited_on(channel, day - 1) >= credited:
        day -= 1
    return day


@lru_cache(maxsize=20_000)
def month_of(day: int) -> int:
    """The calendar month of a day, as one number."""
    on = date.fromordinal(day)
    return on.year * 12 + on.month


@lru_cache(maxsize=2_000)
def next_month(day: int) -> int:
    """The first day of the month after a day."""
    on = date.fromordinal(day)
    return date(on.year + on.month // 12, on.month % 12 + 1, 1).toordinal()


def fee_for(channel: Channel, amount: int, *, used: int) -> int:
    """What a payment costs in fen when `used` fen went before it this month: the part above the quota, rounded up."""
    charged = min(amount, max(0, used + amount - channel.free_quota))
    if charged <= 0 or not channel.fee_rate:
        return max(channel.fee_minimum, 0) if charged > 0 else 0
    rate = channel.fee_rate
    return max(channel.fee_minimum, -(-charged * rate.numerator // rate.denominator))


def with_fees(request: Request, payments: Iterable[Payment]) -> list[Payment]:
    """The payments in order of day with the fee and the credited day that the channel's terms give them."""
    channels = {channel.id: channel for channel in request.channels}
    used: dict[tuple[str, int], int] = {}
    told = []
    for payment in sorted(payments, key=lambda payment: payment.day):
        channel = channels[payment.channel]
        fee = 0
        if channel.fee_rate or channel.fee_minimum:
            month = (payment.channel, month_of(payment.day))
            fee = fee_for(channel, payment.amount, used=used.get(month, 0))
            used[month] = used.get(month, 0) + payment.amount
        credited = credited_on(channel, payment.day)
        if fee != payment.fee or credited != payment.credited:
            payment = replace(payment, fee=fee, credited=credited)
        told.append(payment)
    return told
