"""Whether a payment lies within what a channel allows, by itself and with what went before in its day and month."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from anhuan.channels import rules
from anhuan.channels.model import Ask, Capabilities, Unfit
from anhuan.channels.store import Payment
from anhuan.kit import clock

CURRENCY = "CNY"


@dataclass(frozen=True, slots=True)
class Used:
    """What stands of this channel already: fen of today and of this month, payments of this month by card."""

    today: int
    month: int
    by_card: dict[str, int]


def month_began(now: datetime) -> datetime:
    """The first moment of this month at the bank (UTC+8)."""
    here = now.astimezone(clock.CHINA)
    return here.replace(day=1, hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)


def used(rows: Iterable[Payment], now: datetime) -> Used:
    """Add up what was prepared since the month began and may have been taken."""
    today, day_total, month_total, by_card = now.astimezone(clock.CHINA).date(), 0, 0, dict[str, int]()
    for row in rows:
        month_total += row.amount_minor
        day_total += row.amount_minor if row.made_at.astimezone(clock.CHINA).date() == today else 0
        by_card[row.card_ref] = by_card.get(row.card_ref, 0) + 1
    return Used(day_total, month_total, by_card)


def check(ask: Ask, record: Capabilities, before: Used) -> None:
    """Refuse what the record does not allow, with the sentence that says which limit it is; fen throughout."""
    if ask.currency != CURRENCY or ask.amount < 1 or ask.service_fee < 0:
        raise Unfit("只能用人民币还款，金额要大于零。", field="amount")
    if ask.funding_kind not in record.funding_kinds:
        raise Unfit("这个渠道不接受这种资金来源。", field="funding_kind")
    if not rules.fits(ask.amount, record):
        raise Unfit("金额不在这个渠道的单笔范围内，请拆成几笔。", field="amount")
    if record.per_day_max is not None and before.today + ask.amount > record.per_day_max:
        raise Unfit("超过这个渠道的单日限额，请换一天或换渠道。", field="amount")
    if record.per_month_max is not None and before.month + ask.amount > record.per_month_max:
        raise Unfit("超过这个渠道的单月限额，请换渠道。", field="amount")
    if record.payments_per_month is not None and before.by_card.get(ask.card_ref, 0) >= record.payments_per_month:
        raise Unfit("这张卡本月在这个渠道的次数已用完，请换渠道。", field="card_ref")


def sha256(content: bytes) -> str:
    """The hash under which a message is kept, in hex."""
    return hashlib.sha256(content).hexdigest()
