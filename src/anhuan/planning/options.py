"""The few days that can matter: for each bill, the ways and days on which a payment can make a difference.

A payment may be moved back to the last day on which money came in: no balance suffers, and interest only falls. What
stops it is the bill's own date, the start of a month (free quotas), and limits per day. So those days are enough; where
a credit line pays, the last day before grace ends is one more, since drawing later is cheaper.
"""

from dataclasses import dataclass

from anhuan.planning.means import Means
from anhuan.planning.model import Channel, Request
from anhuan.planning.opening import Cycle, Opening
from anhuan.planning.ways import credited_on, first_day_for, last_day_for, next_month


@dataclass(frozen=True, slots=True)
class Option:
    """One way to pay one bill: from an account, through a channel, on a day."""

    account: str
    channel: Channel
    day: int
    credited: int


def options_for(
    request: Request,
    opening: Opening,
    cycle: Cycle,
    means: dict[str, Means],
    *,
    burden: int,
    charges_alone: bool = False,
) -> list[Option]:
    """The ways and days that can matter for one bill, by day of credit.

    `burden` is the most fen that all bills together can ask for: it tells how far a day's maximum spreads payments.
    `charges_alone` says that only charges without daily interest are open: then, before grace ends, the last day of a
    plain way serves as well as any earlier one.
    """
    lined = {line.account for line in request.lines if line.available}
    last_credit = min(cycle.end - 1, request.last)
    options = []
    for channel, account in ways_to(request, opening.card.id):
        first = first_day_for(channel, cycle.start, first=request.as_of)
        final = last_day_for(channel, last_credit, first=first)
        if final is None:
            continue
        deadline = None if cycle.graced else last_day_for(channel, min(cycle.grace, last_credit), first=first)
        days = {first, *(day for day in means[account].growth_days() if first < day <= final)}
        if channel.fee_rate or channel.fee_minimum or channel.payments_per_month:
            days |= _month_starts(first, final)
        if account in lined:
            days |= {day for day in means[account].days if first < day <= final}
            if deadline is not None:
                days.add(deadline)
        if channel.per_day_max:
            days |= _neighbours(days, burden, channel, first, final, deadline)
        if charges_alone and deadline is not None and _plain(channel) and account not in lined:
            early = [day for day in days if day <= deadline]
            days -= {day for day in early if day != max(early)}
        # of days that are credited together the last one serves best, but for what a month counts
        latest = {credited_on(channel, day): day for day in sorted(days)}
        chosen = sorted(latest.values() if _plain(channel) else days)
        options += [Option(account, channel, day, credited_on(channel, day)) for day in chosen]
    options.sort(key=lambda option: (option.credited, option.day))
    return options


def ways_to(request: Request, card: str) -> list[tuple[Channel, str]]:
    """The ways (channel and account) that reach a card, without those that another one beats in everything."""
    channels = [channel for channel in request.channels if card in channel.cards]
    return [
        (channel, account)
        for i, channel in enumerate(channels)
        for account in channel.accounts
        if not any(
            account in other.accounts and _beats(other, channel, earlier=j < i)
            for j, other in enumerate(channels)
            if i != j
        )
    ]


def _beats(one: Channel, other: Channel, *, earlier: bool) -> bool:
    """Whether a free channel without limits serves everything the other does, no later; of equals the first wins."""
    if one.fee_rate or one.fee_minimum or one.per_payment_max or not _unlimited(one):
        return False
    if (one.lead_days, one.workdays_only) != (other.lead_days, other.workdays_only):
        return one.lead_days <= other.lead_days and not one.workdays_only
    equal = not (other.fee_rate or other.fee_minimum or other.per_payment_max) and _unlimited(other)
    return earlier or not equal


def _unlimited(channel: Channel) -> bool:
    return not (channel.per_payment_min or channel.per_day_max or channel.payments_per_month)


def _plain(channel: Channel) -> bool:
    """Whether a channel has neither fees nor limits that a calendar counts."""
    counted = channel.per_day_max or channel.payments_per_month
    return not (channel.fee_rate or channel.fee_minimum or counted)


def _month_starts(first: int, final: int) -> set[int]:
    starts, day = set(), next_month(first)
    while day <= final:
        starts.add(day)
        day = next_month(day)
    return starts


def _neighbours(
    days: set[int], burden: int, channel: Channel, first: int, final: int, deadline: int | None
) -> set[int]:
    """Where a day's maximum cuts a bill into days: the days after each start and before the deadline."""
    needed = min(31, -(-burden // channel.per_day_max) + 1)
    around = {day + i for day in days for i in range(needed)}
    if deadline is not None:
        around |= {deadline - i for i in range(needed)}
    return {day for day in around if first <= day <= final}
