"""What one payment would be, worked out before anybody confirms it: amount, parts, channel, fees, moments, effect.

A quote moves nothing. What keeps it from being confirmed stands in its `troubles`, each with what to do instead; an id
that is nobody's is refused.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan import cards
from anhuan.cards.model import AccountFace, NoSuchCard, OpenBill, OwnAccount
from anhuan.channels import capabilities, routing
from anhuan.kit import clock
from anhuan.kit.errors import Refused
from anhuan.kit.money import to_text
from anhuan.repayments import day_limits, fees, precheck, under_way, ways
from anhuan.repayments.day_limits import DayPart
from anhuan.repayments.model import (
    AlreadyOnItsWay,
    AmountRule,
    BadAsk,
    BindingInDoubt,
    Effect,
    NoChannel,
    NothingToPay,
    PayPart,
    Quote,
    RepayAsk,
    Trouble,
)
from anhuan.repayments.payers import Payer
from anhuan.repayments.ways import Payment, Road

CURRENCY: Final = "CNY"
FARTHEST: Final = timedelta(days=366)  # from today: who pays later confirms later
MORNING: Final = time(9)  # of a named day: payments of that day begin when banks are awake


@dataclass(frozen=True, slots=True)
class Facts:
    """What a wish is about, asked once; whoever quotes for many asks for all of them at once."""

    face: AccountFace
    source: OwnAccount
    bill: OpenBill | None
    on_way: int  # fen under way for this account
    seen: ways.Seen


@dataclass(frozen=True, slots=True)
class Known:
    """What several payments of one party are about, asked once for all of them; by billed account."""

    faces: Mapping[UUID, AccountFace]
    bills: Mapping[UUID, OpenBill]
    on_way: Mapping[UUID, int]
    seen: ways.Seen

    def facts(self, account_id: UUID, source: OwnAccount | None) -> Facts:
        """Those of one payment; raises `NoSuchCard` for an id that is nobody's."""
        if account_id not in self.faces:
            raise NoSuchCard("没有这张卡。", field="account_id")
        if source is None:
            raise NoSuchCard("没有这个付款账户。", field="source_id")
        return Facts(
            self.faces[account_id], source, self.bills.get(account_id), self.on_way.get(account_id, 0), self.seen
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Wish:
    """A wish with what it is about, its amount, and when it starts."""

    ask: RepayAsk
    facts: Facts
    amount: int
    start_at: datetime


def quote(
    db: Session, party: UUID, ask: RepayAsk, *, now: datetime, lang: str = "zh", effect: bool = True,
    seen: ways.Seen | None = None,
) -> Quote:  # fmt: skip
    """Everything the sheet shows, and in `troubles` what keeps it from being confirmed; raises for unknown ids only.

    Where nobody looks (autopay), the `effect` on interest is left out. `seen` is for whoever quotes again and again.
    """
    return quotes(db, party, [ask], now=now, lang=lang, effect=effect, seen=seen)[0]


def quotes(
    db: Session, party: UUID, asks: Sequence[RepayAsk], *, now: datetime, lang: str = "zh", effect: bool = True,
    seen: ways.Seen | None = None,
) -> list[Quote]:  # fmt: skip
    """The same for several payments, each as if it were alone."""
    known = look(db, party, {ask.account_id for ask in asks}, now=now, seen=seen)
    own = cards.own_of_many(db, {(party, ask.source_id) for ask in asks})
    return [
        quote_of(
            db, party, ask, known.facts(ask.account_id, own.get((party, ask.source_id))), now=now, lang=lang,
            effect=effect,
        )
        for ask in asks
    ]  # fmt: skip


def look(
    db: Session, party: UUID, accounts: Collection[UUID], *, now: datetime, seen: ways.Seen | None = None
) -> Known:  # fmt: skip
    """Ask once what payments of these billed accounts are about."""
    today, billed = now.astimezone(clock.CHINA).date(), [(party, one) for one in accounts]
    faces, bills = cards.faces_of_many(db, billed), cards.open_of_many(db, billed, on=today, currency=CURRENCY)
    on_way = under_way.of_many(db, bills, on=today)
    return Known(
        {account: face for (_, account), face in faces.items()},
        {account: bill for (_, account), bill in bills.items()},
        {account: fen for (_, account), fen in on_way.items()},
        seen or ways.look(db, {party}, now=now),
    )


def quote_of(
    db: Session, party: UUID, ask: RepayAsk, facts: Facts, *, now: datetime, lang: str = "zh", effect: bool = False,
    beside: Collection[int] = (),
) -> Quote:  # fmt: skip
    """The same over facts that are known already; `beside` are other amounts whose effect is asked as well."""
    wish, troubles = _wish(db, party, ask, facts, now=now)
    due_on = facts.bill.due_on if facts.bill else None
    payment = Payment(party, ask.account_id, ask.source_id, facts.face.bank, wish.amount, wish.start_at, due_on)
    only = None if effect else ask.channel  # where nobody looks, nobody is shown the other channels
    payer, roads = facts.seen.payers[party], ways.roads(db, payment, facts.seen, only=only)
    chosen, parts, why = _carried(payer, wish, payment, roads)
    if chosen is None and not troubles:
        troubles.append(_no_channel(ask, why))
    if chosen is not None and wish.amount > 0:
        troubles += precheck.troubles(
            payer, account_id=ask.account_id, source=facts.source, amount=wish.amount, parts=parts,
            channel=chosen.record.channel, now=now,
        )  # fmt: skip
    channel = chosen.record.channel if chosen else ask.channel or ""
    named = capabilities.way(channel, on=now.astimezone(clock.CHINA).date()) if channel else None
    effects = _effects(db, party, wish, {wish.amount, *beside}) if effect else {}
    return Quote(
        ask=ask, bank=facts.face.bank,
        card_name=facts.face.name(lang), source_name=facts.source.name(lang), channel=channel,
        channel_zh=named.zh if named else "", channel_en=named.en if named else "",
        by_hand=chosen.by_hand if chosen else False, amount=wish.amount, parts=parts,
        start_at=wish.start_at, expected_at=chosen.option.arrives_by if chosen and not chosen.by_hand else None,
        safe_by_at=chosen.safe_by_at if chosen else None, by_hand_at=chosen.by_hand_at if chosen else None,
        effect=effects.get(wish.amount), effects=effects, bill=facts.bill,
        spare=precheck.spare(facts.source), troubles=tuple(troubles),
        ways=tuple(ways.as_way(road, "" if road is chosen else why.get(road.record.channel, ""), lang=lang)
                   for road in roads),
    )  # fmt: skip


def short(quotes: Sequence[Quote]) -> int:
    """What is missing on known own accounts for all these payments together, fen; a single one says so itself."""
    wanted: dict[UUID, int] = {}
    for one in quotes:
        wanted[one.ask.source_id] = wanted.get(one.ask.source_id, 0) + one.debit
    held = {one.ask.source_id: one.spare for one in quotes}
    missing = (fen - spare for which, fen in wanted.items() if (spare := held[which]) is not None)
    return sum(max(0, fen) for fen in missing) if len(quotes) > 1 else 0


def _wish(
    db: Session, party: UUID, ask: RepayAsk, facts: Facts, *, now: datetime
) -> tuple[_Wish, list[Trouble]]:  # fmt: skip
    today = now.astimezone(clock.CHINA).date()
    troubles: list[Trouble] = []
    amount = 0
    try:
        if facts.bill is None:
            foreign = any(one.account_id == ask.account_id for one in cards.current_bills(db, party, on=today))
            said = "这张卡只有外币账单，请到发卡行还款。" if foreign else "这张卡还没有账单；导入账单后再还。"
            raise NothingToPay(said, field="account_id")
        amount = _amount(ask, facts.bill, facts.on_way)
    except Refused as refused:
        troubles.append(_trouble(refused))
    start_at = now
    if ask.start_on is not None and ask.start_on > today + FARTHEST:
        troubles.append(_trouble(BadAsk("还款的日子最远可以选一年内。", field="start_on")))
    elif ask.start_on is not None and ask.start_on > today:
        start_at = datetime.combine(ask.start_on, MORNING, clock.CHINA)
    elif ask.start_on is not None and ask.start_on < today:
        troubles.append(_trouble(BadAsk("还款的日子已经过去。", field="start_on")))
    return _Wish(ask, facts, amount, start_at), troubles


def _amount(ask: RepayAsk, bill: OpenBill, on_way: int) -> int:
    """How much to pay, fen: never more than is open beside what is on its way."""
    left = max(0, bill.open - on_way)
    if left == 0:
        raise NothingToPay("已经还清，或全部在路上。", field="account_id")
    match ask.rule:
        case AmountRule.FULL:
            return left
        case AmountRule.MINIMUM:
            missing = max(0, bill.minimum_open - on_way)
            if missing == 0:
                raise NothingToPay("最低还款额已经还够，或已在路上。", field="rule")
            return min(left, missing)
        case AmountRule.CUSTOM | AmountRule.PLANNED:
            if ask.amount is None or ask.amount <= 0:
                raise BadAsk("请填写大于零的金额。", field="amount")
            if ask.amount > left:
                more = f"待还 {to_text(left)} 元" + (f"，另有 {to_text(on_way)} 元已在路上" if on_way else "")
                raise AlreadyOnItsWay(f"金额超过待还：{more}。", field="amount")
            return ask.amount


def _carried(
    payer: Payer, wish: _Wish, payment: Payment, roads: Sequence[Road]
) -> tuple[Road | None, tuple[PayPart, ...], dict[str, str]]:
    """The road that carries it, in parts only where the limit of every channel that goes by itself asks for it."""
    if wish.amount <= 0:
        return None, (), {}
    chosen, why = ways.choose(roads, payment, wanted=wish.ask.channel)
    if chosen is None or (chosen.by_hand and wish.ask.channel is None):
        itself = [road for road in roads if not road.by_hand]  # goes by itself, if not in one piece
        for road in sorted(itself if chosen else roads, key=lambda one: (one.by_hand, one.option.fee)):
            parts = _in_parts(payer, wish, payment, road)
            if parts and (chosen is None or sum(part.fee for part in parts) <= chosen.option.fee):
                return road, parts, why
    return chosen, (PayPart(wish.amount, chosen.fees, wish.ask.start_on),) if chosen else (), why


def _in_parts(payer: Payer, wish: _Wish, payment: Payment, road: Road) -> tuple[PayPart, ...]:
    """The parts in which this road carries it; empty where it cannot, or where it needs none."""
    wanted = wish.ask.channel in (None, road.record.channel)
    if not wanted or not road.bound or not road.option.live or routing.is_down(road.option):
        return ()
    held = day_limits.of(payer, account_id=payment.account_id, now=wish.start_at)
    parts = day_limits.split(
        wish.amount, road.record, held, channel_used=road.option.used_today, last_day=_days_left(payment)
    )  # fmt: skip
    return _parts(payer, payment, road, parts, wish.ask.start_on) if len(parts) > 1 else ()


def _parts(
    payer: Payer, payment: Payment, road: Road, parts: Sequence[DayPart], start_on: date | None
) -> tuple[PayPart, ...]:  # fmt: skip
    """The parts of a payment that limits cut, each with its fees; what a day does not take waits for the next."""
    first = payment.start_at.astimezone(clock.CHINA).date()
    made, spent = list[PayPart](), dict[str, int]()
    for part in parts:
        on, at = start_on, payment.start_at
        if part.days_later:
            on = first + timedelta(days=part.days_later)
            at = datetime.combine(on, MORNING, clock.CHINA)
        lines = fees.lines_for(
            payer, part.amount, road.record.channel, now=at, bank=payment.bank, spent=spent
        )  # fmt: skip
        fees.add(spent, lines, now=at)
        made.append(PayPart(part.amount, lines, on))
    return tuple(made)


def _days_left(payment: Payment) -> int | None:
    """How many days after its start the bill is due; None where nothing presses, or it is late already."""
    if payment.due_on is None:
        return None
    left = (payment.due_on - payment.start_at.astimezone(clock.CHINA).date()).days
    return left if left >= 0 else None


def _effects(db: Session, party: UUID, wish: _Wish, amounts: Collection[int]) -> Mapping[int, Effect]:
    """What paying so much does to the bill, by the oracle; nothing where it has no due day or nothing is paid."""
    owed, wanted = wish.facts.bill, sorted(amount for amount in amounts if amount > 0)
    if owed is None or owed.due_on is None or not wanted:
        return {}
    bill = cards.find_bill(db, party, owed.bill_id)
    assert bill.due_on is not None, "it was just read"
    pay_on = min(wish.start_at.astimezone(clock.CHINA).date(), bill.due_on)
    if pay_on <= bill.statement_on:
        pay_on = bill.due_on
    try:
        told = cards.choices_of(db, party, bill, wanted, pay_on=pay_on)
    except Refused:
        return {amount: Effect(bill.open - amount, None, None) for amount in wanted}
    own = [one for one in told if one.choice == "custom"]
    return {one.amount: Effect(bill.open - one.amount, one.interest, one.late_fee) for one in own}


IN_DOUBT: Final = "这张卡上次付款被退回：卡号或户名要先在「我的-绑定」核对。"
# Why a channel cannot carry a payment now, in words (routing.Passed, and what is ours).
_WHY: Final = {
    "not_bound": "还没有绑定您本人的账户和卡", "not_live": "没有有效的持牌登记", "funding": "不接受这种付款账户",
    "limit": "金额超出它的限额", "down": "它现在不通", "too_late": "来不及在还款日前到账",
}  # fmt: skip


def _no_channel(ask: RepayAsk, why: Mapping[str, str]) -> Trouble:
    asked = why.values() if ask.channel is None else (why.get(ask.channel),)
    if ways.IN_DOUBT in asked:
        return Trouble(BindingInDoubt.code, IN_DOUBT, "channel", BindingInDoubt)
    said = "现在没有渠道能付这一笔；可以在发卡行自己付，再回来标记。"
    if ask.channel is not None and (known := _WHY.get(why.get(ask.channel, ""))):
        said = f"这个渠道现在不能用：{known}。请换一个渠道，或在银行自己付。"
    return Trouble(NoChannel.code, said, "channel", NoChannel)


def _trouble(refused: Refused) -> Trouble:
    return Trouble(refused.code, refused.message, refused.field, type(refused))
