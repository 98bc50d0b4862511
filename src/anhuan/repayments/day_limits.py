"""Limits of a payment: one payment's, the day's by the payer's tier, the payer's own; and parts where they ask for it.

The lowest of all counts. A day is a day of China's clock, and what counts is what starts on it and did not fail. Limits
are for what the house sends: who pays in the own bank's app pays by that bank's limits, and nothing of it counts here.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from anhuan.channels import capabilities
from anhuan.channels.model import Capabilities, Licence
from anhuan.channels.rules import split as cut
from anhuan.identity.limits import LimitKind, OverOwnLimit, Paused
from anhuan.kit import clock, terms, wording
from anhuan.kit.errors import Refused
from anhuan.repayments.model import OverDayLimit
from anhuan.repayments.payers import Payer

SCOPE: Final = "repayments"
BASIC: Final = "basic"
_OWN: Final = {LimitKind.PER_PAYMENT: "单笔限额", LimitKind.PER_DAY: "单日限额", LimitKind.PER_CARD: "这张卡的限额"}


class OverSingleLimit(Refused):
    """超过单笔限额: one payment may be so large at most; a larger one is made in parts."""

    code = "repay.over_single_limit"


@dataclass(frozen=True, slots=True)
class DayLimits:
    """What a payment to one card may be today, in fen; None where the payer set no limit of that kind."""

    tier: str
    per_payment: int
    per_day: int
    used: int  # today, by what stands
    own_per_payment: int | None = None
    own_per_card: int | None = None
    own_per_day: int | None = None
    paused: bool = False

    @property
    def day(self) -> int:
        """What may leave on one day."""
        return self.per_day if self.own_per_day is None else min(self.per_day, self.own_per_day)

    @property
    def left(self) -> int:
        """What may still leave today."""
        return max(0, self.day - self.used)


@dataclass(frozen=True, slots=True)
class DayPart:
    """One payment of several, and how many days from the first it starts."""

    amount: int
    days_later: int


def tier_of(payer: Payer) -> str:
    """The tier whose day limit holds for a payer. Nobody is known better than by signing in, so all are basic."""
    return BASIC


def per_payment_max(on: date) -> int:
    """The largest one payment, fen."""
    return int(terms.ask("per_payment_max", on=on, scopes=(SCOPE,)).value)


def per_day_max(tier: str, on: date) -> int:
    """What a payer of a tier may send on one day, fen."""
    return int(terms.ask("per_day_max", on=on, scopes=(SCOPE,)).value[tier])


def by_hand(channel: str, on: date) -> bool:
    """Whether a person walks this channel, so that the house sends nothing."""
    return capabilities.licence_of(channel, on=on) in (Licence.OWN_HAND, Licence.OWN_FILE)


def used_on(payer: Payer, on: date, *, leaving_out: Collection[UUID] = ()) -> int:
    """Fen of the orders that start on this day, scheduled ones too, and did not come to nothing."""
    return sum(
        one.amount for one in payer.starts
        if one.start_at.astimezone(clock.CHINA).date() == on
        and one.order_id not in leaving_out and not by_hand(one.channel, on)
    )  # fmt: skip


def of(payer: Payer, *, account_id: UUID, now: datetime, leaving_out: Collection[UUID] = ()) -> DayLimits:
    """The limits of a payer for one card account on the day of this moment, not before the day of the look."""
    on, own, tier = now.astimezone(clock.CHINA).date(), payer.own.at(now), tier_of(payer)
    return DayLimits(
        tier, per_payment_max(on), per_day_max(tier, on), used_on(payer, on, leaving_out=leaving_out),
        own.of(LimitKind.PER_PAYMENT), own.of(LimitKind.PER_CARD, account_id), own.of(LimitKind.PER_DAY),
        own.pause is not None,
    )  # fmt: skip


def insist(
    payer: Payer, amount: int, *, account_id: UUID, channel: str, now: datetime,
    per_payment: int | None = None, leaving_out: Collection[UUID] = (),
) -> None:  # fmt: skip
    """Refuse a payment of so many fen to a card on the day of `now` that goes beyond a limit, and say what is left.

    `per_payment` is the largest of its parts where it is made in several; `leaving_out` are orders that are not counted
    beside it, because they are what is asked about. Raises `OverSingleLimit`, `OverDayLimit`, `OverOwnLimit`, `Paused`.
    """
    held = of(payer, account_id=account_id, now=now, leaving_out=leaving_out)
    if by_hand(channel, now.astimezone(clock.CHINA).date()):
        return _insist_not_paused(held)
    return check(held, amount, single=amount if per_payment is None else per_payment)


def check(held: DayLimits, amount: int, *, single: int) -> None:
    """The same over values: `amount` of the day in all, `single` the largest one payment; fen."""
    _insist_not_paused(held)
    if single > held.per_payment:
        raise OverSingleLimit(
            f"单笔最多 {_yuan(held.per_payment)}，请分成几笔。", field="amount", allowed=held.per_payment
        )
    for kind, asked, own in (
        (LimitKind.PER_PAYMENT, single, held.own_per_payment),
        (LimitKind.PER_CARD, single, held.own_per_card),
        (LimitKind.PER_DAY, amount + held.used, held.own_per_day),
    ):
        if own is not None and asked > own:
            raise OverOwnLimit(
                f"超出您自己设的{_OWN[kind]} {_yuan(own)}；今天还可以还 {_yuan(held.left)}。可以在“限额与暂停”里调整。",
                field="amount", limit=kind, allowed=own, asked=asked, left=held.left,
            )  # fmt: skip
    if amount + held.used > held.per_day:
        raise OverDayLimit(
            f"超过单日限额 {_yuan(held.per_day)}；今天还可以还 {_yuan(held.left)}，其余明天再还。",
            field="amount", allowed=held.per_day, used=held.used, left=held.left,
        )  # fmt: skip


def _insist_not_paused(held: DayLimits) -> None:
    if held.paused:
        raise Paused("已暂停所有还款，请先在“限额与暂停”里恢复。")


def split(
    amount: int, record: Capabilities, held: DayLimits, *, channel_used: int = 0, last_day: int | None = None
) -> list[DayPart]:  # fmt: skip
    """The payments that an amount (fen) is made in: one wherever limits allow it, else as few as they allow.

    What today's limit does not take starts on a later day. Where as few parts as possible would start after `last_day`
    (days from today on which it is still in time), every day takes what it can instead. `channel_used` is what this
    channel carried today. Empty where no such parts exist, for instance below the channel's smallest payment. What the
    payer set for one payment or card is no reason for parts: paying in parts would go around it.
    """
    day = _lowest(held.day, record.per_day_max)
    single = min(_lowest(held.per_payment, record.per_payment_max), day)
    today = min(held.left, day if record.per_day_max is None else max(0, record.per_day_max - channel_used))
    least = record.per_payment_min or 1
    if amount < least or single < least:
        return []
    few = _few(amount, least=least, single=single, today=today, day=day)
    if few and (last_day is None or few[-1].days_later <= last_day):
        return few
    early = _early(amount, least=least, single=single, today=today, day=day)
    return early if early and (not few or early[-1].days_later < few[-1].days_later) else few


def _few(amount: int, *, least: int, single: int, today: int, day: int) -> list[DayPart]:
    """As few parts as the largest payment allows, each on the first day that still takes it."""
    made, on, room = [], 0, today
    for part in cut(amount, at_least=least, at_most=single):
        if part > room:
            on, room = on + 1, day
        made.append(DayPart(part, on))
        room -= part
    return made


def _early(amount: int, *, least: int, single: int, today: int, day: int) -> list[DayPart]:
    """Every day takes what it can, and never leaves less than the smallest payment for the next one."""
    made, on, room, rest = [], 0, today, amount
    while rest:
        here = min(rest, room)
        if 0 < rest - here < least:
            here = rest - least
        if here >= least and (parts := cut(here, at_least=least, at_most=single)):
            made += [DayPart(part, on) for part in parts]
            rest -= here
        elif room == day:
            return []  # a whole day takes nothing: no later one will
        on, room = on + 1, day
    return made


def _lowest(one: int, other: int | None) -> int:
    return one if other is None else min(one, other)


def _yuan(fen: int) -> str:
    return wording.amount(fen)
