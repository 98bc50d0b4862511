"""How what was weighed becomes orders: the group and its orders, then the instructions and the money set aside.

One tap is one placing, a batch of autopay many. All payers' locks are held by whoever calls.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy.orm import Session

from anhuan import channels
from anhuan.channels.model import BreakerOpen, CardStopped
from anhuan.kit import audit, clock, ids
from anhuan.kit.actors import Actor, ActorKind
from anhuan.repayments import aftermath, bindings, booking, moving, precheck, quoting, store, views, ways
from anhuan.repayments.following import look_again
from anhuan.repayments.model import (
    BindingInDoubt,
    EventKind,
    GroupKind,
    NoChannel,
    NoSource,
    NothingToPay,
    OrderStatus,
    PayPart,
    Quote,
    RepayAsk,
    UnknownOrder,
    Wait,
)
from anhuan.repayments.moving import Move
from anhuan.repayments.tables import GroupRow, OrderRow

WORKER: Final = Actor(ActorKind.WORKER)
S = OrderStatus


@dataclass(frozen=True, slots=True)
class Placing:
    """One group to be placed for one party: a tap, or one debit of the many that autopay hands over at once."""

    party: UUID
    quotes: tuple[Quote, ...]
    key: UUID
    kind: GroupKind = GroupKind.AUTOPAY
    mandate_id: UUID | None = None
    run_id: UUID | None = None
    retry_of: UUID | None = None
    step_up_id: UUID | None = None

    @property
    def asks(self) -> list[RepayAsk]:
        """The wishes."""
        return [one.ask for one in self.quotes]


def make(db: Session, placings: Sequence[Placing], *, now: datetime, who: Actor | None = None) -> list[OrderRow]:
    """The groups and their orders as rows, each order with the first line of its timeline."""
    for one in placings:
        if one.retry_of is not None:
            _retries(db, one.party, one.retry_of)
    groups = [_group(one, who, now) for one in placings]
    db.add_all(groups)
    db.flush()  # what refers to them comes after them
    orders = [_orders(one, group, now) for one, group in zip(placings, groups, strict=True)]
    rows = [row for some in orders for row in some]
    db.add_all(rows)
    db.flush()
    for one, some in zip(placings, orders, strict=True):
        how = "mandate" if one.mandate_id else "step_up" if one.step_up_id else "command"
        for row in some:
            moving.stamp(db, row, EventKind.CONFIRMED, at=now, code=how)
            if row.start_at > now:
                moving.stamp(db, row, EventKind.SCHEDULED, at=now)
    aftermath.after(db, [(views.view_of(row), None) for row in rows], now=now)
    told = [(f"group:{group.id}", {"orders": len(some), "kind": one.kind.value})
            for one, group, some in zip(placings, groups, orders, strict=True)]  # fmt: skip
    audit.write_many(db, who or WORKER, "repayment.confirmed", told, now=now)
    return rows


def _unfit(ends: ways.Ends | None) -> type[NoChannel | NoSource]:
    if ends is None:
        return NoChannel
    return BindingInDoubt if ends.in_doubt else NoSource


def begin(db: Session, rows: Sequence[OrderRow], *, now: datetime, at_once: bool = False) -> list[OrderRow]:
    """Make the instructions of orders whose day has come and set their money aside; gives those that may be sent.

    The others wait or came to their end. `at_once`: whoever calls sends them itself, and the round follows soon.
    """
    if not rows:
        return []
    on, bound = now.astimezone(clock.CHINA).date(), bindings.of_many(db, {row.user_id for row in rows})
    asked: list[tuple[OrderRow, channels.Ask]] = []
    moves: list[Move] = []
    for row in rows:
        ends = ways.ends(
            bound[row.user_id], account_id=row.account_id, source_id=row.source_id, channel=row.channel,
            bank=row.bank, on=on,
        )  # fmt: skip
        if ends is None or not ends.bound:
            moves.append(Move(row, S.FAILED, code=_unfit(ends).code))
        else:
            asked.append((row, _ask(db, row, ends, now=now)))
    made = channels.prepare_many(
        db, [(row.user_id, ask) for row, ask in asked], now=now, ask_at=now if at_once else None
    )
    for (row, _), one in zip(asked, made, strict=True):
        if isinstance(one, BreakerOpen | CardStopped):
            until = one.facts.get("until") if isinstance(one, BreakerOpen) else None
            moving.hold_up(db, row, Wait.CHANNEL_STOPPED, now=now, until=until or now + look_again(now))
        elif isinstance(one, channels.Instruction):
            row.key = one.key
            moves.append(Move(row, S.PLACED))
        else:  # a licence that ended, a limit of the channel: final for this order
            moves.append(Move(row, S.FAILED, code=one.code))
    moving.move_many(db, moves, now=now)
    ready = [one.row for one in moves if one.status is S.PLACED]
    # Last of all, for the books stay locked until the commit.
    booking.set_aside(db, [moving.money_of(row) for row in ready], now=now)
    return ready


def digest(key: UUID, asks: Sequence[RepayAsk]) -> bytes:
    """Over the wishes alone: what a repeated tap repeats; what they cost may have moved meanwhile."""
    said = [[str(ask.account_id), str(ask.source_id), ask.rule, ask.amount, ask.channel,
             ask.start_on.isoformat() if ask.start_on else None] for ask in asks]  # fmt: skip
    return hashlib.sha256(json.dumps([str(key), said], separators=(",", ":")).encode()).digest()


def _group(one: Placing, who: Actor | None, now: datetime) -> GroupRow:
    return GroupRow(
        user_id=one.party, id=ids.new_id(), key=one.key, kind=one.kind, digest=digest(one.key, one.asks),
        summary=_summary(one.quotes), mandate_id=one.mandate_id, confirmed_by=who.person_id if who else None,
        step_up_id=one.step_up_id, made_at=now,
    )  # fmt: skip


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


def _orders(one: Placing, group: GroupRow, now: datetime) -> list[OrderRow]:
    parts = [(quote, part) for quote in one.quotes for part in quote.parts]
    return [_order(one, group, quote, part, number, now) for number, (quote, part) in enumerate(parts, 1)]


def _order(one: Placing, group: GroupRow, quote: Quote, part: PayPart, number: int, now: datetime) -> OrderRow:
    start_at = now
    if part.start_on is not None and part.start_on > now.astimezone(clock.CHINA).date():
        start_at = datetime.combine(part.start_on, quoting.MORNING, clock.CHINA).astimezone(UTC)
    later = start_at - quote.start_at if start_at > quote.start_at else timedelta()
    return OrderRow(
        user_id=one.party, id=ids.new_id(), group_id=group.id, number=number, account_id=quote.ask.account_id,
        bill_id=quote.bill_id, bank=quote.bank, source_id=quote.ask.source_id, channel=quote.channel,
        rule=quote.ask.rule, amount_minor=part.amount, fee_minor=part.fee,
        fees=msgspec.json.encode(part.fees).decode(), status=S.SCHEDULED, due_on=quote.due_on, start_at=start_at,
        expected_at=quote.expected_at + later if quote.expected_at else None, safe_by_at=quote.safe_by_at,
        by_hand_at=quote.by_hand_at, placed_at=now, mandate_id=one.mandate_id, run_id=one.run_id,
        retry_of=one.retry_of if number == 1 else None, next_at=start_at,
    )  # fmt: skip


def _retries(db: Session, party: UUID, earlier: UUID) -> None:
    """A new order in place of one that came to nothing: only when that one is at its end, and only one."""
    row = store.order(db, party, earlier, lock=True)
    if row is None or row.status not in (S.FAILED, S.GIVEN_BACK, S.CANCELLED):
        raise UnknownOrder("原来的那笔还款没有结束，不能换一种方式再还。", field="retry_of")
    if store.successor(db, party, earlier) is not None:
        raise NothingToPay("已经换过一种方式再还了。", field="retry_of")


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
