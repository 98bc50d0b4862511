"""Routing (渠道选择): which channel carries one payment, by cost, limits, arrival and health.

Values in, values out. A channel that cannot carry the payment in time and within its limits is never chosen, and each
one that was passed over says why; among the rest the cheapest wins, then the one with more time to spare.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from anhuan.channels import rules
from anhuan.channels.model import Capabilities, HealthState, Licence
from anhuan.kit import clock


class Passed(StrEnum):
    """Why a channel was not chosen."""

    NOT_LIVE = "not_live"  # 无有效登记
    FUNDING = "funding"  # 资金来源不符
    LIMIT = "limit"  # 超出限额
    DOWN = "down"  # 不通或熔断
    TOO_LATE = "too_late"  # 来不及
    DEARER = "dearer"  # 费用更高
    SLOWER = "slower"  # 更慢


@dataclass(frozen=True, slots=True)
class Option:
    """One channel as it stands now: its record, its fee for this amount, when it would arrive at the latest."""

    record: Capabilities
    fee: int  # fen
    arrives_by: datetime  # now, its learned or stated slow end added
    live: bool
    health: HealthState
    used_today: int = 0  # fen
    used_month: int = 0  # fen
    payments_of_card: int = 0  # this month


@dataclass(frozen=True, slots=True)
class Route:
    """The channel that carries the payment, or None, and why each other one does not."""

    chosen: Option | None
    passed: tuple[tuple[str, Passed], ...]


def choose(
    options: Sequence[Option], *, amount: int, funding_kind: str, now: datetime, arrive_by: datetime
) -> Route:  # fmt: skip
    """Choose among channels for one payment (fen) that must be on the card by a moment."""
    fit, passed = [], []
    for option in options:
        why = obstacle(option, amount=amount, funding_kind=funding_kind, now=now, arrive_by=arrive_by)
        if why is None:
            fit.append(option)
        else:
            passed.append((option.record.channel, why))
    if not fit:
        return Route(None, tuple(passed))
    # Paying by hand costs a person's attention, so a channel that goes by itself wins where the fee is the same.
    fit.sort(key=lambda one: (one.fee, not one.record.asks, _slow(one), one.arrives_by, one.record.channel))
    best, rest = fit[0], fit[1:]
    passed += [(one.record.channel, Passed.DEARER if one.fee > best.fee else Passed.SLOWER) for one in rest]
    return Route(best, tuple(passed))


def obstacle(
    option: Option, *, amount: int, funding_kind: str, now: datetime, arrive_by: datetime
) -> Passed | None:  # fmt: skip
    """What keeps a channel from carrying this payment, or None."""
    record = option.record
    if not option.live:
        return Passed.NOT_LIVE
    if funding_kind not in record.funding_kinds:
        return Passed.FUNDING
    if not _within(option, amount):
        return Passed.LIMIT
    if is_down(option):
        return Passed.DOWN
    wait = rules.waits_until(record, now, zone_time=now.astimezone(clock.CHINA).time())
    delay = timedelta() if wait is None else wait - now
    return Passed.TOO_LATE if option.arrives_by + delay > arrive_by else None


def is_down(option: Option) -> bool:
    """Whether nothing can go by this channel now."""
    return option.health in (HealthState.SILENT, HealthState.OPEN, HealthState.CLOSED)


def by_hand(record: Capabilities) -> bool:
    """Whether a person has to walk this channel."""
    return record.licence in (Licence.OWN_HAND, Licence.OWN_FILE)


def _within(option: Option, amount: int) -> bool:
    record = option.record
    return (
        rules.fits(amount, record)
        and (record.per_day_max is None or option.used_today + amount <= record.per_day_max)
        and (record.per_month_max is None or option.used_month + amount <= record.per_month_max)
        and (record.payments_per_month is None or option.payments_of_card < record.payments_per_month)
    )


def _slow(option: Option) -> bool:
    return option.health in (HealthState.SLOW, HealthState.MAINTENANCE)
