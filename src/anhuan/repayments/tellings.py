"""What the payer is told while an order goes its way: taken on, waiting, arrived, less than was sent, in doubt."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from anhuan import cards, notify
from anhuan.kit.errors import Refused
from anhuan.repayments import alerts, facing, failure_rules, failures, views
from anhuan.repayments.model import CLOSED, EventKind, OrderStatus, OrderView, Wait

S = OrderStatus
FAILURES: Final = ("repay_failed", "repay_given_back")
# Waits that the payer did not ask for and that may last; the others are told when the last safe moment comes near.
TOLD: Final = frozenset({Wait.FROZEN, Wait.CHANNEL_STOPPED, Wait.BANK_STOPPED, Wait.BALANCE, Wait.LIMIT})


def after(db: Session, order: OrderView, before: OrderStatus | None, *, now: datetime) -> None:
    """Tell what is new about an order; nothing is told twice."""
    if before is order.status:
        if order.wait in TOLD:
            _held(db, order, now=now)
        return
    match order.status:
        case S.ARRIVED:
            _arrived(db, order, now=now)
        case S.IN_DOUBT:
            until: facing.Facts = {"until": facing.moment(order.by_hand_at or failures.due_end(order))}
            _tell(db, order, "repay_in_doubt", until, urgent=True, time=_times(db, order, EventKind.IN_DOUBT), now=now)
        case _:
            pass
    if order.status in CLOSED and before is not None:
        alerts.over(db, order, now=now)


def placed(db: Session, orders: Sequence[OrderView], *, now: datetime) -> None:
    """Tell the payers of these orders that they were taken on."""
    faces = cards.faces_of_many(db, {(one.party, one.account_id) for one in orders})
    news = [
        notify.News(
            one.party, "repay_placed", f"{one.order_id}:1",
            facing.named(one, faces[one.party, one.account_id]) | {"expected": facing.moment(one.expected_at)},
            link=f"/repay/orders/{one.order_id}",
        )
        for one in orders
    ]  # fmt: skip
    notify.tell_many(db, news, now=now)


def _arrived(db: Session, order: OrderView, *, now: datetime) -> None:
    shown = [one for one in views.timeline(db, order.party, order.order_id) if one.kind is EventKind.ARRIVED]
    kind = str(shown[-1].facts.get("proof", "")) if shown else ""
    words = failure_rules.words("proofs").get(kind, failure_rules.words("proofs")["statement"])
    on = order.arrived_on.isoformat() if order.arrived_on else None
    arrived = order.amount if order.arrived is None else order.arrived
    if arrived < order.amount:
        _short(db, order, arrived, now=now)
    facts = {"on": on, "amount": arrived} | facing.said("proof", words["zh"], words["en"])
    _tell(db, order, "repay_arrived", facts, time=len(shown), now=now)
    for time in range(1, _times(db, order, EventKind.IN_DOUBT) + 1):
        notify.withdraw(db, order.party, "repay_in_doubt", f"{order.order_id}:{time}", now=now)
    earlier = order.retry_of
    while earlier is not None:  # what this one made good needs nobody any more
        for kind in FAILURES:
            notify.withdraw(db, order.party, kind, str(earlier), now=now)
        earlier = views.find(db, order.party, earlier).retry_of


def _short(db: Session, order: OrderView, arrived: int, *, now: datetime) -> None:
    """The channel kept a fee of the amount (scenario 26): whether the minimum is met is asked again."""
    missing = None
    if order.bill_id is not None:
        try:
            missing = cards.find_bill(db, order.party, order.bill_id).minimum_open
        except Refused:
            missing = None
    facts: facing.Facts = {"arrived": arrived, "minimum": missing}
    if missing:
        until: facing.Facts = {"until": facing.moment(failures.due_end(order))}
        _tell(db, order, "repay_short_of_minimum", facts | until, urgent=True, now=now)
    else:
        _tell(db, order, "repay_short", facts, now=now)


def _held(db: Session, order: OrderView, *, now: datetime) -> None:
    zh, en = failures.told(order, "zh"), failures.told(order, "en")
    why = facing.said("why", zh.sentence, en.sentence) | facing.said("next", zh.action, en.action)
    notify.tell(
        db, order.party, "repay_held", key=f"{order.order_id}:{order.wait}", facts=facing.facts(db, order) | why,
        now=now, link=zh.link,
    )  # fmt: skip


def _tell(
    db: Session, order: OrderView, kind: str, facts: facing.Facts, *, urgent: bool = False, time: int = 1, now: datetime
) -> None:
    notify.tell(
        db, order.party, kind, key=f"{order.order_id}:{time}", facts=facing.facts(db, order) | facts, now=now,
        link=f"/repay/orders/{order.order_id}", urgent=urgent,
    )  # fmt: skip


def _times(db: Session, order: OrderView, kind: EventKind) -> int:
    return sum(one.kind is kind for one in views.timeline(db, order.party, order.order_id))
