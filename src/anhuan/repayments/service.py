"""The acts of repayments, each inside the caller's transaction: confirm, place, start, record, cancel.

One tap is one transaction: what was confirmed, its orders, the money set aside, the instruction and the promise to send
it, all or nothing. What goes out is decided by `channels`, which asks `may_go` first and tells `record` what it learns.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import structlog
from sqlalchemy.orm import Session

from anhuan import channels
from anhuan.channels.model import BreakerOpen, CardStopped
from anhuan.identity import stepup
from anhuan.identity.stepup import ActKind
from anhuan.kit import audit, clock, ids, terms
from anhuan.kit.actors import Actor, ActorKind
from anhuan.kit.errors import Refused, Unavailable
from anhuan.kit.money import to_text
from anhuan.repayments import aftermath, booking, day_limits, fees, moving, precheck, quoting, store, views, ways
from anhuan.repayments.model import (
    Changed,
    EventKind,
    GroupKind,
    KeyReused,
    NoChannel,
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
from anhuan.repayments.tables import GroupRow, OrderRow

WORKER = Actor(ActorKind.WORKER)
S = OrderStatus
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Placing:
    """One group to be placed for one party, as autopay hands over many at once."""

    party: UUID
    quotes: tuple[Quote, ...]
    key: UUID
    mandate_id: UUID | None = None
    run_id: UUID | None = None
    retry_of: UUID | None = None


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
    quotes = [quoting.quote(db, who.party_id, ask, now=now, lang=lang, effect=False) for ask in asks]
    _insist(quotes)
    if len(quotes) > 1:
        _fits(db, who.party_id, quotes)
        _within_day(db, who.party_id, quotes, now=now)
        _affordable(quotes)
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
) -> tuple[list[tuple[UUID, UUID, str]], dict[UUID, Refused]]:  # fmt: skip
    """Place many groups of one lane at once, for the worker: (party, key, channel) of what is ready to be sent, and
    what was refused by the key of its group; one that is refused leaves nothing and harms no other.

    Whoever calls hands them to `channels.batches.deliver_many` after the commit; what it never gets to is promised
    again by the channels' own round.
    """
    ready: list[OrderRow] = []
    refused: dict[UUID, Refused] = {}
    seen = set[UUID]()
    for one in placings:
        try:
            with db.begin_nested():
                ready += _placed_for(db, one, weigh=one.party in seen, now=now)
            seen.add(one.party)
        except Refused as no:
            refused[one.key] = no
    _set_aside(db, ready, now=now)
    return [(row.user_id, row.key, row.channel) for row in ready if row.key is not None], refused


def start(db: Session, party: UUID, order_id: UUID, *, now: datetime) -> OrderView:
    """Let a scheduled order go: weigh it again, set its amount aside, make the instruction, promise its sending."""
    store.lock_party(db, party)
    row = store.order(db, party, order_id, lock=True)
    if row is None:
        raise UnknownOrder("没有这笔还款。", field="order_id")
    if row.status != S.SCHEDULED or row.start_at > now:
        return views.view_of(row)
    if _may_start(db, row, now=now) and _prepared(db, row, now=now):
        _set_aside(db, [row], now=now)
        assert row.key is not None
        channels.send(db, party, row.key, row.channel)
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


def record(db: Session, party: UUID, key: UUID, *, now: datetime) -> OrderView | None:
    """Bring the order of an instruction to what is known of it now, and post what follows; twice is once."""
    row = moving.locked(db, party, key)
    if row is None:
        return None
    moving.learn(db, row, now=now)
    return views.view_of(row)


def told(db: Session, party: UUID, key: UUID, now: datetime) -> None:
    """What `channels` calls: what it learnt stands even where an order cannot follow; the next round looks at it."""
    try:
        with db.begin_nested():
            record(db, party, key, now=now)
    except Unavailable:
        raise
    except Exception:
        log.exception("an order could not follow its instruction", key=str(key))
        if (row := store.order_for(db, party, key, lock=False)) is not None:
            row.next_at = now
            db.flush()


def may_go(db: Session, party: UUID, key: UUID, now: datetime) -> datetime | None:
    """What `channels` asks right before bytes go out: until when they wait, because the payer or the house said so."""
    row = store.order_for(db, party, key, lock=False)
    if row is None or precheck.wait_of(db, party, row.account_id, now=now) is None:
        return None
    return now + look_again(now)


def look_again(now: datetime) -> timedelta:
    """How long something waits before it is asked once more whether it may go."""
    minutes: int = terms.ask("look_again_minutes", on=now.astimezone(clock.CHINA).date(), scopes=("platform",)).value
    return timedelta(minutes=minutes)


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
    rows = _made(db, party, quotes, key=key, kind=kind, who=who, step_up_id=step_up_id, retry_of=retry_of, now=now)
    going = [row for row in rows if row.start_at <= now]
    ready = [row for row in going if _prepared(db, row, now=now)]
    _set_aside(db, ready, now=now)
    for row in ready:
        assert row.key is not None
        channels.send(db, party, row.key, row.channel)
    return tuple(views.view_of(row) for row in rows)


def _placed_for(db: Session, one: Placing, *, weigh: bool, now: datetime) -> list[OrderRow]:
    """`weigh`: another of this payer was placed after this one was weighed, so the day's limits are asked once more."""
    store.lock_party(db, one.party)
    if _known(db, one.party, one.key, [quote.ask for quote in one.quotes]) is not None:
        return []
    _insist(one.quotes)
    _fits(db, one.party, one.quotes)
    if weigh:
        _within_day(db, one.party, one.quotes, now=now)
    rows = _made(
        db, one.party, one.quotes, key=one.key, kind=GroupKind.AUTOPAY, who=None, step_up_id=None,
        mandate_id=one.mandate_id, run_id=one.run_id, retry_of=one.retry_of, now=now,
    )  # fmt: skip
    return [row for row in rows if row.start_at <= now and _prepared(db, row, now=now, at_once=True)]


def _retries(db: Session, party: UUID, earlier: UUID) -> None:
    """A new order in place of one that came to nothing: only when that one is at its end, and only one."""
    row = store.order(db, party, earlier, lock=True)
    if row is None or row.status not in (S.FAILED, S.GIVEN_BACK, S.CANCELLED):
        raise UnknownOrder("原来的那笔还款没有结束，不能换一种方式再还。", field="retry_of")
    if store.successor(db, party, earlier) is not None:
        raise NothingToPay("已经换过一种方式再还了。", field="retry_of")


def _known(db: Session, party: UUID, key: UUID, asks: Sequence[RepayAsk]) -> tuple[OrderView, ...] | None:
    group = store.group_for(db, party, key)
    if group is None:
        return None
    if group.digest != _digest(key, asks):
        raise KeyReused("这个请求已经用过，内容不同；请重新打开还款页。", field="key")
    return tuple(views.view_of(row) for row in store.of_group(db, party, group.id))


def _digest(key: UUID, asks: Sequence[RepayAsk]) -> bytes:
    """Over the wishes alone: what a repeated tap repeats; what they cost may have moved meanwhile."""
    said = [[str(ask.account_id), str(ask.source_id), ask.rule, ask.amount, ask.channel,
             ask.start_on.isoformat() if ask.start_on else None] for ask in asks]  # fmt: skip
    return hashlib.sha256(json.dumps([str(key), said], separators=(",", ":")).encode()).digest()


def _summary(quotes: Sequence[Quote]) -> str:
    """Every payment and fee as it was confirmed, in one steady form."""
    said = [
        {
            "account": str(one.ask.account_id), "card": one.card_name, "source": one.source_name,
            "channel": one.channel, "rule": one.ask.rule.value, "amount": one.amount, "fee": one.fee,
            "due_on": one.due_on.isoformat() if one.due_on else None,
            "parts": [
                {"amount": part.amount, "fee": part.fee, "on": part.start_on.isoformat() if part.start_on else "now"}
                for part in one.parts
            ],
        }
        for one in quotes
    ]  # fmt: skip
    return json.dumps(said, ensure_ascii=False, sort_keys=True)


def _insist(quotes: Sequence[Quote]) -> None:
    """Refuse with the first trouble, in its own words."""
    if not quotes:
        raise NothingToPay("没有要还的。")
    for one in quotes:
        for trouble in one.troubles:
            raise trouble.kind(trouble.message, field=trouble.field)


def _fits(db: Session, party: UUID, quotes: Sequence[Quote]) -> None:
    """Once more under the lock: with what is on its way, nothing is paid beyond its bill, whoever was faster."""
    on_way: dict[UUID, int] = {}
    for row in store.open_orders(db, party):
        on_way[row.account_id] = on_way.get(row.account_id, 0) + row.amount_minor
    for one in quotes:
        account = one.ask.account_id
        on_way[account] = on_way.get(account, 0) + one.amount
        if on_way[account] > one.bill_open:
            raise NothingToPay("已经还清，或全部在路上。", field="account_id")


def _weigh(db: Session, party: UUID, quotes: Sequence[Quote], *, now: datetime) -> None:
    """Once more under the lock what was weighed before it."""
    _insist(quotes)
    _fits(db, party, quotes)
    _within_day(db, party, quotes, now=now)


def _affordable(quotes: Sequence[Quote]) -> None:
    """What several payments take together must be there."""
    if missing := quoting.short(quotes):
        raise TooLittleMoney(f"这几笔合起来还差 {to_text(missing)} 元；可以换一个账户，或少还一些。", field="source_id")


def _within_day(db: Session, party: UUID, quotes: Sequence[Quote], *, now: datetime) -> None:
    """Once more under the lock: all that begins today is within the day's limits together, whoever was faster."""
    today, total = now.astimezone(clock.CHINA).date(), 0
    for one in quotes:
        begins = [part.amount for part in one.parts if part.start_on is None or part.start_on <= today]
        if begins:
            total += sum(begins)
            day_limits.insist(db, party, total, account_id=one.ask.account_id, per_payment=max(begins), now=now)


def _made(
    db: Session, party: UUID, quotes: Sequence[Quote], *, key: UUID, kind: GroupKind, who: Actor | None,
    now: datetime, step_up_id: UUID | None = None, mandate_id: UUID | None = None, run_id: UUID | None = None,
    retry_of: UUID | None = None,
) -> list[OrderRow]:  # fmt: skip
    """The group and its orders as rows, each with the first line of its timeline."""
    if retry_of is not None:
        _retries(db, party, retry_of)
    group = GroupRow(
        user_id=party, id=ids.new_id(), key=key, kind=kind, digest=_digest(key, [one.ask for one in quotes]),
        summary=_summary(quotes),
        mandate_id=mandate_id, confirmed_by=who.person_id if who else None, step_up_id=step_up_id, made_at=now,
    )  # fmt: skip
    db.add(group)
    db.flush()
    rows: list[OrderRow] = []
    for one in quotes:
        for part in one.parts:
            rows.append(
                _order(party, group, one, part, number=len(rows) + 1, mandate_id=mandate_id, run_id=run_id,
                       retry_of=retry_of if not rows else None, now=now)
            )  # fmt: skip
    db.add_all(rows)
    db.flush()
    how = "mandate" if mandate_id else "step_up" if step_up_id else "command"
    for row in rows:
        moving.stamp(db, row, EventKind.CONFIRMED, at=now, code=how)
        if row.start_at > now:
            moving.stamp(db, row, EventKind.SCHEDULED, at=now)
        aftermath.after(db, views.view_of(row), None, now=now)
    facts = {"orders": len(rows), "kind": kind.value}
    audit.write(db, who or WORKER, "repayment.confirmed", f"group:{group.id}", facts, now=now)
    return rows


def _order(
    party: UUID, group: GroupRow, quote: Quote, part: PayPart, *, number: int, mandate_id: UUID | None,
    run_id: UUID | None, retry_of: UUID | None, now: datetime,
) -> OrderRow:  # fmt: skip
    start_at = now
    if part.start_on is not None and part.start_on > now.astimezone(clock.CHINA).date():
        start_at = datetime.combine(part.start_on, quoting.MORNING, clock.CHINA).astimezone(UTC)
    later = start_at - quote.start_at if start_at > quote.start_at else timedelta()
    return OrderRow(
        user_id=party, id=ids.new_id(), group_id=group.id, number=number, account_id=quote.ask.account_id,
        bill_id=quote.bill_id, bank=quote.bank, source_id=quote.ask.source_id, channel=quote.channel,
        rule=quote.ask.rule, amount_minor=part.amount, fee_minor=part.fee,
        fees=msgspec.json.encode(part.fees).decode(), status=S.SCHEDULED, due_on=quote.due_on, start_at=start_at,
        expected_at=quote.expected_at + later if quote.expected_at else None, safe_by_at=quote.safe_by_at,
        by_hand_at=quote.by_hand_at, placed_at=now, mandate_id=mandate_id, run_id=run_id, retry_of=retry_of,
        next_at=start_at,
    )  # fmt: skip


def _may_start(db: Session, row: OrderRow, *, now: datetime) -> bool:
    """Weigh a scheduled order on its day: what only delays it is written down, what forbids it ends it."""
    wait = precheck.wait_of(db, row.user_id, row.account_id, now=now)
    if wait is not None:
        moving.hold_up(db, row, wait, now=now, until=now + look_again(now))
        return False
    bill_open, source = precheck.bill_and_source(db, row, now=now)
    others = sum(one.amount_minor for one in store.open_orders(db, row.user_id, account_id=row.account_id)
                 if one.id != row.id and one.status != S.SCHEDULED)  # fmt: skip
    if source is None:
        moving.move(db, row, S.FAILED, code=NoSource.code, now=now)
        return False
    if row.amount_minor > bill_open - others:
        moving.move(db, row, S.FAILED, code="repay.paid_meanwhile", now=now)
        return False
    troubles = precheck.troubles(
        db, row.user_id, account_id=row.account_id, source=source, amount=row.amount_minor,
        parts=(PayPart(row.amount_minor, views.fees_of(row)),), now=now, order_id=row.id,
    )  # fmt: skip
    if not troubles:
        return _fees_hold(db, row, now=now)
    first = troubles[0]
    last = row.by_hand_at or row.start_at + timedelta(days=1)
    if now < last:  # money may come, a new day has its own limit
        short = Wait.BALANCE if first.code == TooLittleMoney.code else Wait.LIMIT
        moving.hold_up(db, row, short, now=now, until=now + look_again(now))
    else:
        moving.move(db, row, S.FAILED, code=first.code, now=now)
    return False


def _fees_hold(db: Session, row: OrderRow, *, now: datetime) -> bool:
    """Work the fees out once more on the day: what became cheaper is taken cheaper; what became dearer was not
    confirmed, and ends the order so that the payer is asked anew."""
    lines = fees.lines_for(db, row.user_id, row.amount_minor, row.channel, now=now, bank=row.bank)
    fee = sum(line.fee for line in lines)
    if fee > row.fee_minor:
        moving.move(db, row, S.FAILED, code=Changed.code, now=now)
        return False
    row.fees, row.fee_minor = msgspec.json.encode(lines).decode(), fee
    return True


def _prepared(db: Session, row: OrderRow, *, now: datetime, at_once: bool = False) -> bool:
    """Make the instruction of an order whose day has come; False where it waits or came to its end instead."""
    ends = ways.ends(
        db, row.user_id, account_id=row.account_id, source_id=row.source_id, channel=row.channel, bank=row.bank,
        on=now.astimezone(clock.CHINA).date(),
    )  # fmt: skip
    if ends is None or not ends.bound:
        moving.move(db, row, S.FAILED, code=NoChannel.code if ends is None else NoSource.code, now=now)
        return False
    try:
        made = channels.prepare(db, row.user_id, _ask(db, row, ends, now=now), now=now, ask_at=now if at_once else None)
    except (BreakerOpen, CardStopped) as closed:
        until = closed.facts.get("until") if isinstance(closed, BreakerOpen) else None
        moving.hold_up(db, row, Wait.CHANNEL_STOPPED, now=now, until=until or now + look_again(now))
        return False
    except Refused as refused:  # a licence that ended, a limit of the channel: final for this order
        moving.move(db, row, S.FAILED, code=refused.code, now=now)
        return False
    row.key = made.key
    moving.move(db, row, S.PLACED, now=now)
    return True


def _ask(db: Session, row: OrderRow, ends: ways.Ends, *, now: datetime) -> channels.Ask:
    """The one instruction of an order, with both ends as the channel names them; by hand the last digits do."""
    if ends.source is not None and ends.card is not None:
        source, card, name = ends.source.ref, ends.card.ref, ends.card.name
    else:
        source, card = precheck.tails(db, row.user_id, row.source_id, row.account_id)
        name = ""
    return channels.Ask(
        order_id=row.id, part=1, attempt=1, channel=row.channel, bank=row.bank, funding_ref=source, card_ref=card,
        amount=row.amount_minor, name=name,
        service_fee=0 if ends.by_hand else row.fee_minor,  # whoever carries it collects its price on top, in one go
        expires_at=_until(row, now),
    )  # fmt: skip


def _until(row: OrderRow, now: datetime) -> datetime | None:
    """Nothing goes out once only paying by hand is left; an order that starts so late has the usual hours."""
    soon = now + look_again(now)
    return row.by_hand_at if row.by_hand_at is not None and row.by_hand_at > soon else None


def _set_aside(db: Session, rows: Sequence[OrderRow], *, now: datetime) -> None:
    """Hold what these orders will take; last of all, for the books stay locked until the commit."""
    if rows:
        booking.set_aside(db, [moving.money_of(row) for row in rows], now=now)


__all__ = [
    "Placing", "act_of", "cancel", "confirm", "look_again", "may_go", "pay", "place", "place_many", "record",
    "start", "told", "wake",
]  # fmt: skip
