"""The JSON of repayments: wishes, quotes, orders, timelines. Money is decimal text in yuan, moments ISO 8601."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic.types import JsonValue

from anhuan.identity.api_limits import Body, Proof
from anhuan.kit.money import NotMoney, from_text, to_text
from anhuan.repayments import quoting
from anhuan.repayments.model import (
    AmountRule,
    BadAsk,
    Effect,
    EventKind,
    FeeLine,
    OrderStatus,
    OrderView,
    PayPart,
    Quote,
    RepayAsk,
    Stamp,
    Trouble,
    Wait,
    Way,
)

ACCOUNT, SOURCE = "01a20340-9272-71b9-8722-762ac61938f3", "01a20340-9269-7bf0-a464-667c5e05d904"
WISH: dict[str, JsonValue] = {"account_id": ACCOUNT, "source_id": SOURCE, "rule": "custom", "amount": "500.00"}
KEY, STEP_UP = "01a20341-0000-7000-8000-000000000001", "01a20341-0000-7000-8000-000000000002"


class NewWish(Body):
    """One wish: pay so much of a card's bill from an own account; without a channel the cheapest in time is taken."""

    model_config = ConfigDict(json_schema_extra={"examples": [WISH]})

    account_id: UUID = Field(description="the card account, as GET /accounts names it")
    source_id: UUID = Field(description="the own debit account, as GET /own-accounts names it")
    rule: AmountRule = AmountRule.FULL
    amount: str | None = Field(default=None, max_length=20, description="yuan, such as 500.00; for rule custom alone")
    channel: str | None = Field(default=None, max_length=40)
    start_on: date | None = Field(default=None, description="the day in China on which it begins; now if left out")

    def ask(self) -> RepayAsk:
        """The same in the words of the room."""
        return RepayAsk(
            self.account_id, self.source_id, self.rule, _fen(self.amount), self.channel or None, self.start_on
        )


class NewRepayment(Body):
    """What is to be confirmed at once: one wish or several, one request key, and the person's proof for exactly this.

    The key is the business intent: sent again, it gives back the same orders and moves nothing a second time.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"wishes": [WISH], "key": KEY, "proof": {"step_up": STEP_UP, "code": "123456"}}
            ]
        }
    )  # fmt: skip

    wishes: list[NewWish] = Field(min_length=1, max_length=20)
    key: UUID | None = Field(default=None, description="the request key; the header Idempotency-Key says the same")
    proof: Proof | None = None


class NewProof(Body):
    """For which payments a proof is asked: the same wishes and key that will be confirmed with it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"wishes": [WISH], "key": KEY}]})

    wishes: list[NewWish] = Field(min_length=1, max_length=20)
    key: UUID


class NewTogether(Body):
    """Several wishes that are to be confirmed at once."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"wishes": [WISH]}]})

    wishes: list[NewWish] = Field(min_length=1, max_length=20)


class FeeOut(BaseModel):
    """One fee: whose schedule, what of the amount is free, what is charged, and what is left of the free quota."""

    schedule: str
    free: str
    charged: str
    fee: str
    free_left: str
    version: str


class PartOut(BaseModel):
    """One payment that will be made; a limit may cut an amount into several."""

    amount: str
    fee: str
    fees: list[FeeOut]
    start_on: date | None


class EffectOut(BaseModel):
    """What paying this much does to the bill; `interest` null: not known."""

    stays_open: str
    interest: str | None
    late_fee: str | None


class WayOut(BaseModel):
    """One channel: whether it carries this payment, and if not, why."""

    channel: str
    name: str
    fits: bool
    why_not: str
    by_hand: bool
    fee: str
    expected_at: datetime | None
    safe_by_at: datetime | None


class TroubleOut(BaseModel):
    """What keeps the payment from being confirmed: a stable code, and a sentence that says what to do."""

    code: str
    message: str
    field: str | None


class QuoteOut(BaseModel):
    """Everything a person is shown before confirming; nothing moves by it. `troubles` empty: it may be confirmed."""

    account_id: UUID
    source_id: UUID
    bill_id: UUID | None
    rule: AmountRule
    channel: str
    channel_name: str
    by_hand: bool
    amount: str
    fee: str
    debit: str = Field(description="what leaves the own account: amount and fees")
    parts: list[PartOut]
    due_on: date | None
    start_at: datetime
    expected_at: datetime | None
    safe_by_at: datetime | None = Field(description="the last moment at which starting is still safe")
    by_hand_at: datetime | None = Field(description="from here on only paying by hand is left")
    effect: EffectOut | None
    ways: list[WayOut]
    troubles: list[TroubleOut]


class TogetherOut(BaseModel):
    """Several payments of one confirmation: each with its own troubles, and what they come to together."""

    quotes: list[QuoteOut]
    amount: str
    fee: str
    debit: str = Field(description="what leaves the own accounts: amounts and fees")
    short: str = Field(description="what the own accounts are known to lack for all of them together; 0.00: nothing")


class OrderOut(BaseModel):
    """One payment. `promised` is the channel's word; `arrived` is said on bank data alone."""

    order_id: UUID
    group_id: UUID
    account_id: UUID
    source_id: UUID
    bill_id: UUID | None
    bank: str
    channel: str
    rule: AmountRule
    amount: str
    fee: str
    status: OrderStatus
    wait: Wait | None = Field(description="why it does not move, where something keeps it")
    due_on: date | None
    start_at: datetime
    expected_at: datetime | None
    safe_by_at: datetime | None
    by_hand_at: datetime | None
    placed_at: datetime
    sent_at: datetime | None
    arrived_on: date | None
    arrived: str | None = Field(description="what reached the card, where bank data show it")
    closed_at: datetime | None
    final_code: str
    resets_at: datetime | None = Field(description="when a limit of the bank begins anew, where the bank said when")
    retry_of: UUID | None
    mandate_id: UUID | None
    next_at: datetime | None = Field(description="when it is looked at again, where nothing happens before")


class StampOut(BaseModel):
    """One line of the timeline."""

    at: datetime
    kind: EventKind
    code: str
    facts: dict[str, str | int]


class StoryOut(BaseModel):
    """An order with everything that happened to it, first to last."""

    order: OrderOut
    timeline: list[StampOut]
    followed_by: UUID | None = Field(description="the order that took its place, where it came to nothing")


class GroupOut(BaseModel):
    """The payments of one confirmation."""

    group_id: UUID
    orders: list[OrderOut]


class OrdersOut(BaseModel):
    """One page of orders, the newest first; `next` goes into `before` for the page after it."""

    orders: list[OrderOut]
    next: datetime | None


def quote_out(one: Quote, lang: str) -> QuoteOut:
    """A quote as JSON."""
    return QuoteOut(
        account_id=one.ask.account_id, source_id=one.ask.source_id, bill_id=one.bill_id, rule=one.ask.rule,
        channel=one.channel, channel_name=one.channel_en if lang == "en" else one.channel_zh, by_hand=one.by_hand,
        amount=to_text(one.amount), fee=to_text(one.fee), debit=to_text(one.debit),
        parts=[_part(part) for part in one.parts], due_on=one.due_on, start_at=one.start_at,
        expected_at=one.expected_at, safe_by_at=one.safe_by_at, by_hand_at=one.by_hand_at,
        effect=_effect(one.effect) if one.effect else None, ways=[_way(way, lang) for way in one.ways],
        troubles=[_trouble(trouble) for trouble in one.troubles],
    )  # fmt: skip


def together_out(quotes: Sequence[Quote], lang: str) -> TogetherOut:
    """Several quotes and what they come to as JSON."""
    amount, fee = sum(one.amount for one in quotes), sum(one.fee for one in quotes)
    return TogetherOut(
        quotes=[quote_out(one, lang) for one in quotes], amount=to_text(amount), fee=to_text(fee),
        debit=to_text(amount + fee), short=to_text(quoting.short(quotes)),
    )  # fmt: skip


def order_out(one: OrderView) -> OrderOut:
    """An order as JSON."""
    return OrderOut(
        order_id=one.order_id, group_id=one.group_id, account_id=one.account_id, source_id=one.source_id,
        bill_id=one.bill_id, bank=one.bank, channel=one.channel, rule=one.rule, amount=to_text(one.amount),
        fee=to_text(one.fee), status=one.status, wait=one.wait, due_on=one.due_on, start_at=one.start_at,
        expected_at=one.expected_at, safe_by_at=one.safe_by_at, by_hand_at=one.by_hand_at, placed_at=one.placed_at,
        sent_at=one.sent_at, arrived_on=one.arrived_on, arrived=None if one.arrived is None else to_text(one.arrived),
        closed_at=one.closed_at, final_code=one.final_code, resets_at=one.resets_at, retry_of=one.retry_of,
        mandate_id=one.mandate_id, next_at=one.next_at,
    )  # fmt: skip


def story_out(order: OrderView, timeline: Sequence[Stamp], followed_by: UUID | None) -> StoryOut:
    """An order with its timeline as JSON."""
    lines = [StampOut(at=one.at, kind=one.kind, code=one.code, facts=one.facts) for one in timeline]
    return StoryOut(order=order_out(order), timeline=lines, followed_by=followed_by)


def group_out(orders: Sequence[OrderView]) -> GroupOut:
    """The orders of one confirmation as JSON."""
    return GroupOut(group_id=orders[0].group_id, orders=[order_out(one) for one in orders])


def _part(one: PayPart) -> PartOut:
    return PartOut(
        amount=to_text(one.amount), fee=to_text(one.fee), fees=[_fee(line) for line in one.fees], start_on=one.start_on
    )


def _fee(one: FeeLine) -> FeeOut:
    return FeeOut(
        schedule=one.schedule, free=to_text(one.free), charged=to_text(one.charged), fee=to_text(one.fee),
        free_left=to_text(one.free_left), version=one.version,
    )  # fmt: skip


def _effect(one: Effect) -> EffectOut:
    return EffectOut(
        stays_open=to_text(one.stays_open), interest=None if one.interest is None else to_text(one.interest),
        late_fee=None if one.late_fee is None else to_text(one.late_fee),
    )  # fmt: skip


def _way(one: Way, lang: str) -> WayOut:
    return WayOut(
        channel=one.channel, name=one.en if lang == "en" else one.zh, fits=one.fits, why_not=one.why_not,
        by_hand=one.by_hand, fee=to_text(one.fee), expected_at=one.expected_at, safe_by_at=one.safe_by_at,
    )  # fmt: skip


def _trouble(one: Trouble) -> TroubleOut:
    return TroubleOut(code=one.code, message=one.message, field=one.field)


def _fen(amount: str | None) -> int | None:
    try:
        return from_text(amount) if amount else None
    except NotMoney as unread:
        raise BadAsk(unread.message, field="amount") from unread
