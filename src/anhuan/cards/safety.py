"""Safe-pay-by (最晚安全还款时刻): the latest moment at which starting a payment is still safe (channels.md, section 8).

End of the due day at the bank, less the margin, less a window to pay by hand, less one retry, less the arrival: walked
backwards through the channel's workdays and cut-offs. Grace days are never added. Where a channel's arrivals at this
bank were learned, their slow end (p99) stands in place of the usual value.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache

from anhuan import channels
from anhuan.kit import clock, terms
from anhuan.kit.calendar import Calendar
from anhuan.kit.terms import Channel

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SafePayBy:
    """When to start at the latest through a channel, and from when on only paying by hand is left."""

    channel: str
    start_by: datetime
    retry_by: datetime
    by_hand_from: datetime
    ends_at: datetime
    provisional: bool  # a day on the way belongs to a year whose calendar is not published yet


@dataclass(frozen=True, slots=True)
class Margins:
    """The parts of the sum that belong to no channel."""

    due_day_ends: time
    margin_days: int
    manual_window: timedelta


def safe_pay_by(
    due_on: date,
    channel: Channel,
    *,
    calendar: Calendar,
    margins: Margins | None = None,
    learned: channels.Learned | None = None,
) -> SafePayBy:
    """Walk back from the end of the due day; all moments are in China's time."""
    channel = channels.applied(channel, learned)
    parts = margins or usual_margins(due_on)
    ends_at = datetime.combine(due_on, parts.due_day_ends, clock.CHINA)
    by_hand_from = ends_at - parts.margin_days * _DAY - parts.manual_window
    retry_by = latest_start(channel, by_hand_from, calendar=calendar)
    start_by = latest_start(channel, retry_by, calendar=calendar)
    known = not channel.workdays_only or calendar.all_known(start_by.date(), due_on)
    return SafePayBy(channel.id, start_by, retry_by, by_hand_from, ends_at, provisional=not known)


def latest_start(channel: Channel, arrive_by: datetime, *, calendar: Calendar) -> datetime:
    """The last moment to send so that even a slow arrival is there in time."""
    if not channel.workdays_only:
        return arrive_by - timedelta(minutes=channel.arrival_minutes or 0)
    arrives_at = channel.arrival_by or time(23, 59)
    last = arrive_by.date() if arrive_by.time() >= arrives_at else arrive_by.date() - _DAY
    booked_on = calendar.previous_workday(last)
    sent_on = calendar.workdays_before(booked_on, channel.lead_days)
    if channel.lead_days == 0 and channel.cut_off and channel.cut_off > arrives_at:
        sent_on = calendar.previous_workday(sent_on - _DAY)
    return datetime.combine(sent_on, channel.cut_off or time(0), clock.CHINA)


@cache
def usual_margins(on: date) -> Margins:
    """The product's own margins as they stand on a day."""
    return Margins(
        due_day_ends=time.fromisoformat(terms.ask("due_day_ends", on=on, scopes=("platform",)).value),
        margin_days=terms.ask("margin_days", on=on, scopes=("platform",)).value,
        manual_window=timedelta(hours=terms.ask("manual_window_hours", on=on, scopes=("platform",)).value),
    )
