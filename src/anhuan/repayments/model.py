"""The words of repayments: orders and where they stand, what is asked for, what a sheet shows, and the room's refusals.

Amounts are fen, moments are aware, days are China's bank days.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from anhuan.cards.model import OpenBill
from anhuan.kit.errors import Broken, Refused


class OrderStatus(StrEnum):
    """Where an order stands. What moves it is written in `rules.NEXT`, and nowhere else."""

    SCHEDULED = "scheduled"  # 已安排: waits for its day; nothing is set aside
    PLACED = "placed"  # 已下单: set aside in the books; nothing is known to have gone out
    SENT = "sent"  # 已发出: the channel may have it; no final answer
    PROMISED = "promised"  # 通道回执成功: the channel says it paid; no bank data show it on the card yet
    ARRIVED = "arrived"  # 已到账: bank data show it on the card
    IN_DOUBT = "in_doubt"  # 待核实: a proof was taken back, or what the bank says contradicts itself
    GIVEN_BACK = "given_back"  # 已退回: it came back after the channel had said that it paid
    FAILED = "failed"  # 未成功: finally no, and nothing left the account
    CANCELLED = "cancelled"  # 已取消: taken back before anything went out


class AmountRule(StrEnum):
    """How much of a bill is to be paid."""

    FULL = "full"  # 全额
    MINIMUM = "minimum"  # 最低
    CUSTOM = "custom"  # 自定: the amount is named
    PLANNED = "planned"  # 按方案: a leg of a plan


class GroupKind(StrEnum):
    """What one confirmation covered."""

    ONE = "one"  # one payment
    SEVERAL = "several"  # several cards, or a payment that a limit cut into parts
    PLAN = "plan"  # a whole plan
    AUTOPAY = "autopay"  # a mandate's own run: the mandate was confirmed


class Wait(StrEnum):
    """Why an order that may move does not; shown with what to do about it."""

    DAY = "day"  # its day has not come
    PAUSED = "paused"  # the payer paused everything
    CARD_PAUSED = "card_paused"  # the payer, or the house, paused this card
    FROZEN = "frozen"  # the account is frozen
    CHANNEL_STOPPED = "channel_stopped"  # breaker or operator: this channel
    BANK_STOPPED = "bank_stopped"  # operator: this bank
    MAINTENANCE = "maintenance"
    BALANCE = "balance"  # the paying account is known to hold too little
    LIMIT = "limit"  # today's limit is used up; it goes on tomorrow


class EventKind(StrEnum):
    """What stands on the timeline of an order."""

    CONFIRMED = "confirmed"  # by whom and how it was proved
    SCHEDULED = "scheduled"
    PLACED = "placed"
    WAITING = "waiting"
    WENT_ON = "went_on"  # what kept it is over
    SENT = "sent"
    ACCEPTED = "accepted"  # 受理
    PROMISED = "promised"
    ARRIVED = "arrived"
    SHORT = "short"  # less arrived than was sent
    IN_DOUBT = "in_doubt"
    CLEARED = "cleared"  # the doubt is over
    GIVEN_BACK = "given_back"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNCLEAR = "unclear"  # imported lines fit this payment and another alike; nobody guesses
    ALERTED = "alerted"  # the payer was told to pay by hand
    NOTICED = "noticed"  # the payer was told before a debit


@dataclass(frozen=True, slots=True)
class RepayAsk:
    """One wish: pay so much of one billed account from one own account. `channel` None: the cheapest in time."""

    account_id: UUID  # the billed account (cards.AccountFace)
    source_id: UUID  # the own debit account (cards.OwnAccount)
    rule: AmountRule = AmountRule.FULL
    amount: int | None = None  # fen; CUSTOM and PLANNED name it
    channel: str | None = None
    start_on: date | None = None  # None: now
    in_foreign: bool = False  # kept for bills in other money, which are refused with a sentence


@dataclass(frozen=True, slots=True)
class FeeLine:
    """One fee of a payment: whose schedule, what the month's free quota covered, what is charged; fen."""

    schedule: str  # "channel:<id>" or "service"
    free: int  # of the amount, covered by the quota
    charged: int  # of the amount, above it
    fee: int
    free_left: int  # of the quota after this payment
    version: str  # which dated row: its first day


@dataclass(frozen=True, slots=True)
class Trouble:
    """What keeps a payment from being confirmed: a stable code, the sentence, and what to do instead."""

    code: str
    message: str
    field: str | None = None
    kind: type[Refused] = Refused  # what is raised where it is confirmed all the same


@dataclass(frozen=True, slots=True)
class Effect:
    """What paying this much does to the bill (cards.choices_of); fen. `interest` None: not known."""

    stays_open: int
    interest: int | None
    late_fee: int | None


@dataclass(frozen=True, slots=True)
class Way:
    """One channel as the sheet offers it."""

    channel: str
    zh: str
    en: str
    fits: bool
    why_not: str  # a code of channels.routing.Passed or of a refusal; "" where it fits
    by_hand: bool
    fee: int
    expected_at: datetime | None
    safe_by_at: datetime | None


@dataclass(frozen=True, slots=True)
class PayPart:
    """One payment that will be made: an order to be."""

    amount: int
    fees: tuple[FeeLine, ...]
    start_on: date | None = None  # None: now

    @property
    def fee(self) -> int:
        """All fees of this payment, fen."""
        return sum(line.fee for line in self.fees)


@dataclass(frozen=True, slots=True)
class Quote:
    """Everything a person sees before confirming one payment; confirming it again with other figures is refused."""

    ask: RepayAsk
    bill: OpenBill | None  # as it stood when this was worked out
    bank: str
    card_name: str
    source_name: str
    channel: str
    channel_zh: str
    channel_en: str
    by_hand: bool
    amount: int
    parts: tuple[PayPart, ...]  # more than one only where a limit asks for it
    start_at: datetime
    expected_at: datetime | None
    safe_by_at: datetime | None
    by_hand_at: datetime | None
    effect: Effect | None
    ways: tuple[Way, ...]
    troubles: tuple[Trouble, ...]
    spare: int | None = None  # fen that the paying account is known to give; None where nobody told its balance
    effects: Mapping[int, Effect] = field(default_factory=dict)  # of this amount and of others that were asked about

    @property
    def bill_id(self) -> UUID | None:
        """Which bill it pays."""
        return self.bill.bill_id if self.bill else None

    @property
    def due_on(self) -> date | None:
        """The due day of its bill."""
        return self.bill.due_on if self.bill else None

    @property
    def fee(self) -> int:
        """All fees, fen."""
        return sum(part.fee for part in self.parts)

    @property
    def debit(self) -> int:
        """What leaves the paying account, fen."""
        return self.amount + self.fee


@dataclass(frozen=True, slots=True)
class Stamp:
    """One line of an order's timeline."""

    at: datetime
    kind: EventKind
    code: str = ""
    facts: dict[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OrderView:
    """还款单: one payment of one billed account, as pages, programs and commands read it; amounts in fen."""

    order_id: UUID
    group_id: UUID
    account_id: UUID
    bill_id: UUID | None
    bank: str
    source_id: UUID
    channel: str
    rule: AmountRule
    amount: int
    fee: int
    fees: tuple[FeeLine, ...]
    status: OrderStatus
    wait: Wait | None
    due_on: date | None
    start_at: datetime
    expected_at: datetime | None
    safe_by_at: datetime | None
    by_hand_at: datetime | None
    placed_at: datetime
    sent_at: datetime | None
    taken_at: datetime | None
    arrived_on: date | None
    arrived: int | None  # fen that reached the card, where bank data show it
    closed_at: datetime | None
    final_code: str
    resets_at: datetime | None
    retry_of: UUID | None
    mandate_id: UUID | None
    key: UUID | None  # of the instruction
    next_at: datetime | None
    party: UUID  # whose it is


OPEN: Final = frozenset({
    OrderStatus.SCHEDULED, OrderStatus.PLACED, OrderStatus.SENT, OrderStatus.PROMISED, OrderStatus.IN_DOUBT,
})  # fmt: skip
ON_ITS_WAY: Final = frozenset({OrderStatus.PLACED, OrderStatus.SENT, OrderStatus.PROMISED, OrderStatus.IN_DOUBT})
CLOSED: Final = frozenset({
    OrderStatus.ARRIVED, OrderStatus.GIVEN_BACK, OrderStatus.FAILED, OrderStatus.CANCELLED,
})  # fmt: skip


class BadAsk(Refused):
    """还款请求有误: no amount, an amount of nothing, or a rule and an amount that contradict each other."""

    code = "repay.bad_ask"


class NothingToPay(Refused):
    """没有要还的: the account has no open bill in yuan, or all of it is paid or on its way."""

    code = "repay.nothing_to_pay"


class AlreadyOnItsWay(Refused):
    """已在路上: together with what is on its way this would be more than the bill; nothing is sent twice."""

    code = "repay.already_on_its_way"


class NoSource(Refused):
    """付款账户不能用: repayments come from the payer's own debit account, proved at this channel; never from a card."""

    code = "repay.no_source"


class NoChannel(Refused):
    """没有可用渠道: no channel carries this payment now; each says why."""

    code = "repay.no_channel"


class BindingInDoubt(NoChannel):
    """绑定待核对: number or name did not fit and the payment came back; the binding is proved anew before the next."""

    code = "repay.binding_in_doubt"


class OverDayLimit(Refused):
    """超过单日限额: the payer's tier allows so much a day."""

    code = "repay.over_day_limit"


class TooLittleMoney(Refused):
    """余额不足: the paying account is known to hold less than amount, fees and reserve."""

    code = "repay.too_little_money"


class Changed(Refused):
    """内容有变: amount, fee, channel or bill differ from what was confirmed; look again and confirm anew."""

    code = "repay.changed"


class KeyReused(Refused):
    """同一请求号,内容不同: this request key stands for another payment already."""

    code = "repay.key_reused"


class UnknownOrder(Refused):
    """没有这笔还款: there is no such order, or it is not the asker's."""

    code = "repay.not_found"


class TooLateToCancel(Refused):
    """已经发出: the channel may have it already; it is followed to its end and told."""

    code = "repay.too_late_to_cancel"


class BadStep(Broken):
    """A status was to change in a way that the table does not know."""

    code = "repay.bad_step"
