"""Fees of a payment by dated schedules with a free quota per real person and month: the channel's own, and the
service's, which is taken only where a channel can collect it. All of them are shown before anybody confirms."""

from collections.abc import Mapping, MutableMapping
from datetime import date, datetime
from typing import Any, Final

from anhuan.channels import capabilities
from anhuan.channels.model import Licence, UnknownChannel
from anhuan.kit import clock, terms
from anhuan.repayments import fee_rules, quotas
from anhuan.repayments.fee_rules import Schedule
from anhuan.repayments.model import FeeLine
from anhuan.repayments.payers import Payer

_BY_HAND: Final = (Licence.OWN_HAND, Licence.OWN_FILE)
_NOTHING: Final[Mapping[str, int]] = {}


def lines_for(
    payer: Payer, amount: int, channel: str, *, now: datetime, bank: str = "",
    spent: Mapping[str, int] = _NOTHING, held: terms.Terms | None = None,
) -> tuple[FeeLine, ...]:  # fmt: skip
    """The fee lines of one payment (fen) by a channel: the channel's own schedule, and the service's.

    `now` is the moment at which it starts: its day says which row holds, its month (China) which quota. `spent` is what
    other parts and payments of the same confirmation take of quotas before it, as `add` counts it. The quota is the
    payer's own, whoever's card is paid. Raises `UnknownChannel`, and `NoSuchTerm` where nobody knows the price.
    """
    on = now.astimezone(clock.CHINA).date()
    made = []
    for schedule in schedules(channel, on=on, bank=bank, held=held):
        left = payer.free_left(schedule, at=now) if schedule.charges else 0
        left -= spent.get(quotas.name(schedule.id, now), 0)
        made.append(fee_rules.line(amount, schedule, free_left=left))
    return tuple(made)


def add(spent: MutableMapping[str, int], lines: tuple[FeeLine, ...], *, now: datetime) -> None:
    """Count what these lines take of their month's quotas, for the payments quoted after them."""
    for line in lines:
        name = quotas.name(line.schedule, now)
        spent[name] = spent.get(name, 0) + line.free


def schedules(
    channel: str, *, on: date, bank: str = "", held: terms.Terms | None = None
) -> tuple[Schedule, ...]:  # fmt: skip
    """The schedules that a payment by this channel falls under: the channel's first; the service's where it charges
    anything and a channel under contract can collect it. Whoever walks pays us nothing: nobody could collect it."""
    key, licence = _priced(channel, on, bank, held)
    own = fee_rules.read(key or f"channel:{channel}", on=on, held=held)
    if licence in _BY_HAND:
        return (own,)
    service = fee_rules.read(fee_rules.SERVICE, on=on, held=held)
    return (own, service) if service.charges else (own,)


def _priced(channel: str, on: date, bank: str, held: terms.Terms | None) -> tuple[str, str]:
    """The key of a channel's price and whose licence it needs; the same for all its banks where none is named."""
    record = capabilities.find(channel, bank, on=on, held=held) if bank else None
    if record is not None:
        return record.fee_key, record.licence
    row = (held or terms.seeds()).find("record", on=on, scopes=(f"{capabilities.SCOPE}:{channel}",))
    if row is None:
        raise UnknownChannel(f"渠道 {channel} 在 {on} 没有能力记录。", field="channel")
    said: Mapping[str, Any] = row.value
    return said["fee_key"], said["licence"]
