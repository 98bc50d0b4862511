"""The dead-man alert (S0-42): whoever ordered a payment that is not proved arrived in time is told what to do by hand.

Each stage of an order is told once: the line on its timeline and the message are written together, under the order's
lock, so that the worker and every watcher may look at once. The acts here need neither jobs nor the journey alive.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan import cards, notify
from anhuan.cards.model import BillView
from anhuan.kit import clock, ids, terms, wording
from anhuan.kit.errors import Refused
from anhuan.repayments import alert_rules, facing, failure_rules, failures, store, store_pauses, views
from anhuan.repayments.alert_rules import Stage
from anhuan.repayments.card_pauses import CardPause, lift
from anhuan.repayments.card_pauses import of as pauses
from anhuan.repayments.card_pauses import pause as pause_card
from anhuan.repayments.card_pauses import paused as card_paused
from anhuan.repayments.facing import Facts
from anhuan.repayments.model import EventKind, OrderStatus, OrderView
from anhuan.repayments.tables import EventRow

__all__ = ["CardPause", "Due", "card_paused", "due", "lift", "pause_card", "pauses", "tell"]

MANY: Final = 2000  # orders of one look; the next look takes the rest, nearest end first


@dataclass(frozen=True, slots=True)
class Due:
    """One stage of one order: when it is told."""

    party: UUID
    order_id: UUID
    stage: Stage
    at: datetime


def due(db: Session, now: datetime, *, ahead: timedelta = timedelta()) -> list[Due]:
    """What is to be told now, and within `ahead` if nothing changes; for the worker, whom every row is open to."""
    found: list[Due] = []
    until = now + ahead
    spans = _spans(now)
    rows = store_pauses.to_alert(
        db, until, held_ahead=spans["held_ahead"], not_started_after=spans["not_started_after"], at_most=MANY
    )
    told = store_pauses.told_of(db, [(row.user_id, row.id) for row in rows])
    for row in rows:
        order = views.view_of(row)
        for stage in set(Stage) - told.get(row.id, set()):
            at = alert_rules.moment_of(order, stage, **spans)
            if at is not None and at <= until:
                found.append(Due(order.party, order.order_id, stage, at))
    return found


def tell(db: Session, party: UUID, order_id: UUID, *, now: datetime, by_job: bool, mailed: bool = False) -> UUID | None:
    """Tell the payer what stands with an order, if a stage of it is due and was not told; the message to be mailed.

    `by_job` False: whoever calls mails it himself; `mailed`: a mail from memory went out while the database was gone.
    """
    row = store.order(db, party, order_id, lock=True)
    if row is None:
        return None
    order, told = views.view_of(row), store_pauses.told_stages(db, party, order_id)
    stages = alert_rules.due_stages(order, told, now=now, **_spans(now))
    if not stages:
        return None
    kind, facts = written(db, order, stages[-1], now=now)
    for stage in stages:
        db.add(
            EventRow(user_id=party, id=ids.new_id(), order_id=order_id, at=now, kind=EventKind.ALERTED, code=stage,
                     facts="{}")
        )  # fmt: skip
    row.alerted_at = now
    db.flush()
    said = {
        "key": f"{order_id}:{stages[-1]}", "facts": facts, "now": now, "link": f"/repay/orders/{order_id}",
        "urgent": stages[-1] is not Stage.NOT_STARTED,
    }  # fmt: skip
    if by_job:
        notify.tell(db, party, kind, **said)  # type: ignore[arg-type]
        return None
    kept = notify.keep(db, party, kind, mailed=mailed, **said)  # type: ignore[arg-type]
    return None if kept is None or mailed else kept.id


def written(db: Session, order: OrderView, stage: Stage, *, now: datetime) -> tuple[str, Facts]:
    """The kind of message and its facts."""
    whose = facing.facts(db, order)
    until = facing.moment(failures.due_end(order))
    match stage:
        case Stage.HELD:
            zh, en = failures.told(order, "zh"), failures.told(order, "en")
            why = facing.said("why", zh.sentence, en.sentence) | facing.said("next", zh.action, en.action)
            return "alert_held", whose | why | {"safe_by": facing.moment(order.safe_by_at)}
        case Stage.NOT_STARTED:
            return "alert_not_started", whose | {"start": facing.moment(order.start_at), "until": until}
        case Stage.SAFE_BY if alert_rules.may_be_out(order):
            by_hand = facing.moment(order.by_hand_at)
            return "alert_safe_out", whose | _known(order) | {"by_hand": by_hand, "until": until}
        case Stage.SAFE_BY:
            return "alert_safe_not_out", whose | {"until": until, "late": _costs(db, order, now=now)[1]}
        case Stage.BY_HAND:
            minimum, late = _costs(db, order, now=now)
            costs: Facts = {"minimum": minimum, "until": until, "late": late}
            if alert_rules.may_be_out(order):
                return "alert_hand_out", whose | _known(order) | costs
            return "alert_hand_not_out", whose | costs


def blind(db: Session, order: OrderView) -> tuple[str, Facts]:
    """What is said while the database does not answer: made before, for then nothing can be asked."""
    return "alert_blind", facing.facts(db, order) | {"until": facing.moment(failures.due_end(order))}


def over(db: Session, order: OrderView, *, now: datetime) -> None:
    """It is proved, or came to its end: what warned of it needs nobody's attention any more."""
    for stage in store_pauses.told_stages(db, order.party, order.order_id):
        for kind in _KINDS[Stage(stage)]:
            notify.withdraw(db, order.party, kind, f"{order.order_id}:{stage}", now=now)


_KINDS: Final = {
    Stage.HELD: ("alert_held",),
    Stage.NOT_STARTED: ("alert_not_started",),
    Stage.SAFE_BY: ("alert_safe_out", "alert_safe_not_out"),
    Stage.BY_HAND: ("alert_hand_out", "alert_hand_not_out"),
}


def _known(order: OrderView) -> Facts:
    """What is known of a payment that may be out, in both languages; nothing is called done that is not proved."""
    at = order.taken_at or order.sent_at
    status = order.status if order.status in (OrderStatus.PROMISED, OrderStatus.IN_DOUBT) else OrderStatus.SENT
    said = failure_rules.words("known")[status.value]
    zh, en = (said[lang].format(at=_at(at, order, lang)) for lang in ("zh", "en"))
    return facing.said("known", zh, en)


def _at(at: datetime | None, order: OrderView, lang: str) -> str:
    if at is None:
        return ""
    local = at.astimezone(clock.CHINA)
    return f"{wording.day(local.date(), lang=lang, this_year=order.placed_at.year)} {local:%H:%M}"


def _costs(db: Session, order: OrderView, *, now: datetime) -> tuple[int | None, int | None]:
    """What is missing of the minimum, and what paying a day late costs (fen); None where it is not known."""
    bill = _bill(db, order)
    if bill is None:
        return None, None
    try:
        late: int | None = cards.late_cost_of(db, order.party, bill, days_late=1).cost
    except Refused:
        late = None
    return (bill.minimum_open if bill.minimum_due is not None else None), late


def _bill(db: Session, order: OrderView) -> BillView | None:
    if order.bill_id is None:
        return None
    try:
        return cards.find_bill(db, order.party, order.bill_id)
    except Refused:
        return None


def _spans(now: datetime) -> dict[str, timedelta]:
    on = now.astimezone(clock.CHINA).date()
    return {
        "held_ahead": timedelta(hours=_number("alert_held_hours", on)),
        "not_started_after": timedelta(minutes=_number("alert_not_started_minutes", on)),
    }


def _number(key: str, on: date) -> int:
    found: int = terms.ask(key, on=on, scopes=("platform",)).value
    return found


def each(found: list[Due]) -> Iterator[tuple[UUID, UUID]]:
    """Every order once, in order."""
    yield from dict.fromkeys((one.party, one.order_id) for one in found)
