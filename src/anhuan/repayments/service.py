"""The acts of repayments, each inside the caller's transaction: confirm, place, start, record, cancel.

One tap is one transaction: what was confirmed, its orders, the money set aside, the instruction and the promise to send
it, all or nothing. What goes out is decided by `channels`, which asks and tells `following`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from anhuan import channels
from anhuan.identity import stepup
from anhuan.identity.stepup import ActKind
from anhuan.kit import audit, clock
from anhuan.kit.actors import Actor, ActorKind
from anhuan.kit.errors import Refused, Unavailable
from anhuan.kit.money import to_text
from anhuan.repayments import day_limits, fees, moving, payers, placing, precheck, quoting, store, under_way, views
from anhuan.repayments.following import look_again, record
from anhuan.repayments.model import (
    Changed,
    GroupKind,
    KeyReused,
    NoSource,
    NothingToPay,
    OrderStatus,
    OrderView,
    PayPart,
    Quote,
    RepayAsk,
    TooLateToCancel,
    TooLittleMoney,
    UnknownOrder,
    Wait,
)
from anhuan.repayments.payers import Payer
from anhuan.repayments.placing import Placing
from anhuan.repayments.tables import GroupRow, OrderRow

WORKER = Actor(ActorKind.WORKER)
S = OrderStatus
log = structlog.get_logger(__name__)


def act_of(party: UUID, key: UUID, quotes: Sequence[Quote]) -> stepup.Act:
    """What is confirmed: every payment with its amount, fees, card, source, channel and day; a change voids it."""
    facts: dict[str, str | int] = {"party": str(party), "key": str(key), "payments": sum(len(q.parts) for q in quotes)}
    for number, one in enumerate(quotes, 1):
        facts[f"{number}.card"] = str(one.ask.account_id)
        facts[f"{number}.source"] = str(one.ask.source_id)
        facts[f"{number}.channel"] = one.channel
        for place, part in enumerate(one.parts, 1):
            facts[f"{number}.{place}.amount"] = part.amount
            facts[f"{number}.{place}.fee"] = part.fee
            facts[f"{number}.{place}.on"] = part.start_on.isoformat() if part.start_on else "now"
    return stepup.Act(ActKind.PAYMENT, facts)


def pay(
    db: Session, who: Actor, asks: Sequence[RepayAsk], *, key: UUID, answer: stepup.Answer | None, now: datetime,
    lang: str = "zh", retry_of: UUID | None = None,
) -> tuple[OrderView, ...]:  # fmt: skip
    """Place what a person confirmed, after one more proof bound to what it costs now; the same key gives back the same
    orders. The wishes are weighed here, once, while nobody else decides what this party pays.

    Raises `StepUpNeeded`, `StepUpVoid` where a figure has changed, `KeyReused`, and the first trouble of a wish.
    """
    assert who.party_id is not None
    store.lock_party(db, who.party_id)
    if (known := _known(db, who.party_id, key, asks)) is not None:
        return known
    quotes = quoting.quotes(db, who.party_id, asks, now=now, lang=lang, effect=False)
    _insist(quotes)
    if len(quotes) > 1:
        _fits(db, who.party_id, quotes, now=now)
        _within_day(db, who.party_id, quotes, now=now)
        insist_affordable(quotes)
    kind = GroupKind.SEVERAL if len(quotes) > 1 or len(quotes[0].parts) > 1 else GroupKind.ONE
    step_up_id = _proved(db, who, quotes, key=key, answer=answer, now=now)
    return _placed(db, who.party_id, quotes, key=key, kind=kind, now=now, who=who, step_up_id=step_up_id,
                   retry_of=retry_of)  # fmt: skip


def confirm(
    db: Session, who: Actor, quotes: Sequence[Quote], *, key: UUID, kind: GroupKind = GroupKind.ONE,
    answer: stepup.Answer | None, now: datetime,
) -> tuple[OrderView, ...]:  # fmt: skip
    """The same for what was weighed before, as a whole plan is."""
    assert who.party_id is not None
    store.lock_party(db, who.party_id)
    if (known := _known(db, who.party_id, key, [one.ask for one in quotes])) is not None:
        return known
    _weigh(db, who.party_id, quotes, now=now)
    step_up_id = _proved(db, who, quotes, key=key, answer=answer, now=now)
    return _placed(db, who.party_id, quotes, key=key, kind=kind, now=now, who=who, step_up_id=step_up_id)


def place(
    db: Session, party: UUID, quotes: Sequence[Quote], *, key: UUID, kind: GroupKind, now: datetime,
    who: Actor | None = None, retry_of: UUID | None = None,
) -> tuple[OrderView, ...]:  # fmt: skip
    """Make the orders of these quotes and start those whose day has come; nothing is kept where one is refused."""
    store.lock_party(db, party)
    if (known := _known(db, party, key, [one.ask for one in quotes])) is not None:
        return known
    _weigh(db, party, quotes, now=now)
    return _placed(db, party, quotes, key=key, kind=kind, now=now, who=who, retry_of=retry_of)


def place_many(
    db: Session, placings: Sequence[Placing], *, now: datetime
) -> tuple[list[tuple[UUID, UUID, str]], dict[UUID, Refused | None]]:  # fmt: skip
    """Place many groups of one lane at once, for the worker: (party, key, channel) of what is ready to be sent, and
    what was refused by the key of its group (None: it broke); such a one leaves nothing and harms no other.

    Whoever calls hands them to `channels.batches.deliver_many` after the commit; what it never gets to is promised
    again by the channels' own round.
    """
    ready: list[OrderRow] = []
    refused: dict[UUID, Refused | None] = {}
    for number, together in enumerate(_rounds(placings)):
        ready += _together(db, together, refused, weigh=number > 0, now=now)
    return [(row.user_id, row.key, row.channel) for row in ready if row.key is not None], refused


def start(db: Session, party: UUID, order_id: UUID, *, now: datetime) -> OrderView:
    """Let a scheduled order go: weigh it again, set its amount aside, make the instruction, promise its sending."""
    store.lock_party(db, party)
    row = store.order(db, party, order_id, lock=True)
    if row is None:
        raise UnknownOrder("没有这笔还款。", field="order_id")
    if row.status != S.SCHEDULED or row.start_at > now:
        return views.view_of(row)
    if _may_start(db, row, now=now):
        _send(db, placing.begin(db, [row], now=now))
    return views.view_of(row)


def cancel(db: Session, who: Actor, party: UUID, order_id: UUID, *, now: datetime) -> OrderView:
    """Take an order back before anything goes out; raises `TooLateToCancel` where the channel may have it."""
    row = store.order(db, party, order_id)
    if row is None:
        raise UnknownOrder("没有这笔还款。", field="order_id")
    if row.key is not None:
        channels.withdraw(db, party, row.key, now=now)  # the instruction first: whoever sends holds it before the order
    row = store.order(db, party, order_id, lock=True)
    assert row is not None, "it was just there"
    if row.status == S.SCHEDULED:
        moving.move(db, row, S.CANCELLED, code="withdrawn", now=now)
    if row.status != S.CANCELLED:
        raise TooLateToCancel("这一笔已经发出，会跟到底并告诉您结果。", field="order_id")
    audit.write(db, who, "repayment.cancelled", f"order:{row.id}", {"channel": row.channel}, now=now)
    return views.view_of(row)


def wake(db: Session, party: UUID) -> None:
    """What kept this party's orders is over: let them be asked at once instead of at the next look."""
    for row in store.waiting_of(db, party):
        if row.key is not None:
            channels.send(db, party, row.key, row.channel)


def _proved(
    db: Session, who: Actor, quotes: Sequence[Quote], *, key: UUID, answer: stepup.Answer | None, now: datetime
) -> UUID | None:  # fmt: skip
    """The proof of what was weighed; whoever holds the command line holds the files of the house, and is audited."""
    if who.kind is ActorKind.COMMAND:
        return None
    assert who.party_id is not None
    return stepup.insist(db, who, act_of(who.party_id, key, quotes), answer, now=now)


def _placed(
    db: Session, party: UUID, quotes: Sequence[Quote], *, key: UUID, kind: GroupKind, now: datetime,
    who: Actor | None, step_up_id: UUID | None = None, retry_of: UUID | None = None,
) -> tuple[OrderView, ...]:  # fmt: skip
    """Make the orders of what was weighed under the payer's lock, and start those whose day has come."""
    one = Placing(party, tuple(quotes), key, kind, step_up_id=step_up_id, retry_of=retry_of)
    rows = placing.make(db, [one], now=now, who=who)
    _send(db, placing.begin(db, [row for row in rows if row.start_at <= now], now=now))
    return tuple(views.view_of(row) for row in rows)


def _send(db: Session, ready: Sequence[OrderRow]) -> None:
    for row in ready:
        assert row.key is not None
        channels.send(db, row.user_id, row.key, row.channel)


def _rounds(placings: Sequence[Placing]) -> list[list[Placing]]:
    """One of each payer at a time: what the first takes is known when the next is weighed."""
    rounds: list[list[Placing]] = []
    times: dict[UUID, int] = {}
    for one in placings:
        times[one.party] = times.get(one.party, -1) + 1
        if times[one.party] == len(rounds):
            rounds.append([])
        rounds[times[one.party]].append(one)
    return rounds


def _together(
    db: Session, placings: Sequence[Placing], refused: dict[UUID, Refused | None], *, weigh: bool, now: datetime
) -> list[OrderRow]:  # fmt: skip
    """Place what can be placed, all at once; where that breaks each is placed by itself."""
    try:
        with db.begin_nested():
            fitting, no = _fitting(db, placings, weigh=weigh, now=now)
            rows = placing.make(db, fitting, now=now)
            ready = placing.begin(db, [row for row in rows if row.start_at <= now], now=now, at_once=True)
    except (DBAPIError, Unavailable):
        raise  # all of it is taken again
    except Exception as broken:
        if len(placings) > 1:
            return [row for one in placings for row in _together(db, [one], refused, weigh=weigh, now=now)]
        if not isinstance(broken, Refused):
            log.exception("a payment could not be placed", key=str(placings[0].key))
        refused[placings[0].key] = broken if isinstance(broken, Refused) else None
        return []
    refused |= no
    return ready


def _fitting(
    db: Session, placings: Sequence[Placing], *, weigh: bool, now: datetime
) -> tuple[list[Placing], dict[UUID, Refused]]:  # fmt: skip
    """Once more under the locks: what is new and still fits, and what was refused. `weigh`: another of this payer was
    placed after this one was weighed, so the day's limits are asked once more."""
    store.lock_parties(db, [one.party for one in placings])
    groups = store.groups_for(db, [(one.party, one.key) for one in placings])
    on_way = _on_way(db, [(one.party, one.quotes) for one in placings], now=now)
    fitting, refused = list[Placing](), dict[UUID, Refused]()
    for one in placings:
        try:
            if (group := groups.get((one.party, one.key))) is not None:
                _same(group, one.key, [quote.ask for quote in one.quotes])
                continue
            _insist(one.quotes)
            _fit(on_way, one.party, one.quotes)
            if weigh:
                _within_day(db, one.party, one.quotes, now=now)
            fitting.append(one)
        except Refused as no:
            refused[one.key] = no
    return fitting, refused


def _known(db: Session, party: UUID, key: UUID, asks: Sequence[RepayAsk]) -> tuple[OrderView, ...] | None:
    group = store.group_for(db, party, key)
    if group is None:
        return None
    _same(group, key, asks)
    return tuple(views.view_of(row) for row in store.of_group(db, party, group.id))


def _same(group: GroupRow, key: UUID, asks: Sequence[RepayAsk]) -> None:
    if group.digest != placing.digest(key, asks):
        raise KeyReused("这个请求已经用过，内容不同；请重新打开还款页。", field="key")


def _insist(quotes: Sequence[Quote]) -> None:
    """Refuse with the first trouble, in its own words."""
    if not quotes:
        raise NothingToPay("没有要还的。")
    for one in quotes:
        for trouble in one.troubles:
            raise trouble.kind(trouble.message, field=trouble.field)


def _fits(db: Session, party: UUID, quotes: Sequence[Quote], *, now: datetime) -> None:
    """Once more under the lock: with what is on its way, nothing is paid beyond its bill, whoever was faster."""
    _fit(_on_way(db, [(party, quotes)], now=now), party, quotes)


def _on_way(
    db: Session, asked: Sequence[tuple[UUID, Sequence[Quote]]], *, now: datetime
) -> dict[tuple[UUID, UUID], int]:  # fmt: skip
    bills = {(party, one.ask.account_id): one.bill for party, quotes in asked for one in quotes if one.bill}
    return under_way.of_many(db, bills, on=now.astimezone(clock.CHINA).date())


def _fit(on_way: Mapping[tuple[UUID, UUID], int], party: UUID, quotes: Sequence[Quote]) -> None:
    on_way = dict(on_way)
    for one in quotes:
        account = (party, one.ask.account_id)
        on_way[account] = on_way.get(account, 0) + one.amount
        if one.bill is None or on_way[account] > one.bill.open:
            raise NothingToPay("已经还清，或全部在路上。", field="account_id")


def _weigh(db: Session, party: UUID, quotes: Sequence[Quote], *, now: datetime) -> None:
    """Once more under the lock what was weighed before it."""
    _insist(quotes)
    _fits(db, party, quotes, now=now)
    _within_day(db, party, quotes, now=now)


def insist_affordable(quotes: Sequence[Quote]) -> None:
    """Refuse several payments that together take more than their own accounts are known to give."""
    if missing := quoting.short(quotes):
        raise TooLittleMoney(f"这几笔合起来还差 {to_text(missing)} 元；可以换一个账户，或少还一些。", field="source_id")


def _within_day(db: Session, party: UUID, quotes: Sequence[Quote], *, now: datetime) -> None:
    """Once more under the lock: all that begins today is within the day's limits together, whoever was faster."""
    today, total, payer = now.astimezone(clock.CHINA).date(), 0, payers.of(db, party, now=now)
    for one in quotes:
        begins = [part.amount for part in one.parts if part.start_on is None or part.start_on <= today]
        if begins and not one.by_hand:
            total += sum(begins)
            day_limits.insist(
                payer, total, account_id=one.ask.account_id, channel=one.channel, per_payment=max(begins), now=now
            )


def _may_start(db: Session, row: OrderRow, *, now: datetime) -> bool:
    """Weigh a scheduled order on its day: what only delays it is written down, what forbids it ends it."""
    wait = precheck.wait_of(db, row.user_id, row.account_id, now=now)
    if wait is not None:
        moving.hold_up(db, row, wait, now=now, until=now + look_again(now))
        return False
    bill, source = precheck.bill_and_source(db, row, now=now)
    others = 0 if bill is None else under_way.begun(db, row, bill, on=now.astimezone(clock.CHINA).date())
    if source is None:
        moving.move(db, row, S.FAILED, code=NoSource.code, now=now)
        return False
    if bill is None or row.amount_minor > bill.open - others:
        moving.move(db, row, S.FAILED, code="repay.paid_meanwhile", now=now)
        return False
    payer = payers.of(db, row.user_id, now=now)
    troubles = precheck.troubles(
        payer, account_id=row.account_id, source=source, amount=row.amount_minor,
        parts=(PayPart(row.amount_minor, views.fees_of(row)),), channel=row.channel, now=now, order_id=row.id,
    )  # fmt: skip
    if not troubles:
        return _fees_hold(db, row, payer, now=now)
    first = troubles[0]
    last = row.by_hand_at or row.start_at + timedelta(days=1)
    if now < last:  # money may come, a new day has its own limit
        short = Wait.BALANCE if first.code == TooLittleMoney.code else Wait.LIMIT
        moving.hold_up(db, row, short, now=now, until=now + look_again(now))
    else:
        moving.move(db, row, S.FAILED, code=first.code, now=now)
    return False


def _fees_hold(db: Session, row: OrderRow, payer: Payer, *, now: datetime) -> bool:
    """Work the fees out once more on the day: what became cheaper is taken cheaper; what became dearer was not
    confirmed, and ends the order so that the payer is asked anew."""
    lines = fees.lines_for(payer, row.amount_minor, row.channel, now=now, bank=row.bank)
    fee = sum(line.fee for line in lines)
    if fee > row.fee_minor:
        moving.move(db, row, S.FAILED, code=Changed.code, now=now)
        return False
    row.fees, row.fee_minor = msgspec.json.encode(lines).decode(), fee
    return True


__all__ = ["act_of", "cancel", "confirm", "pay", "place", "place_many", "record", "start", "wake"]
