"""What a failed, given back or waiting order means for its payer, and what follows from it (S3-26)."""

from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from anhuan import notify
from anhuan.cards.safety import usual_margins
from anhuan.kit import clock, terms, wording
from anhuan.kit.actors import Actor, ActorKind
from anhuan.repayments import bindings, card_pauses, facing, failure_rules, store_mandates, store_pauses, views
from anhuan.repayments.failure_rules import Failure, Retry, Stops
from anhuan.repayments.model import EventKind, OrderStatus, OrderView

WORKER: Final = Actor(ActorKind.WORKER)
S = OrderStatus
_DUE: Final = {"zh": "还款日", "en": "the due day"}


def told(order: OrderView, lang: str = "zh", *, reason: str = "", missing: int | None = None) -> Failure:
    """Why an order came to nothing, or waits, and the next best action; `reason` is nearer than its final code.

    `missing` are the fen that the paying account lacked, where the bank told.
    """
    wait = f"wait.{order.wait}" if order.wait is not None else ""
    row = failure_rules.find(reason, order.final_code, wait)
    need = order.amount + order.fee
    said = row.next_act[lang].format(
        until=_until(order, row.retry, lang), need=wording.amount(need), bank=terms.bank(order.bank).name(lang),
        resets=_moment(order.resets_at, order, lang),
    )  # fmt: skip
    if missing:
        said += f"还差 {wording.amount(missing)}。" if lang == "zh" else f" {wording.amount(missing)} was missing."
    again = failure_rules.retry_at(row, closed_at=order.closed_at, resets_at=order.resets_at)
    return Failure(row.code, row.kind, row.said[lang], said, link_of(order, row.action), row.retry, again, row.effect)


def of(db: Session, order: OrderView, lang: str = "zh") -> Failure:
    """The same with what the timeline knows: why the money came back, how much was missing."""
    ends = (EventKind.FAILED, EventKind.GIVEN_BACK)
    last = [one for one in views.timeline(db, order.party, order.order_id) if one.kind in ends]
    missing = last[-1].facts.get("missing") if last else None
    return told(
        order, lang, reason=last[-1].code if last else "", missing=missing if isinstance(missing, int) else None
    )


def after(db: Session, order: OrderView, before: OrderStatus | None, *, now: datetime) -> None:
    """On a failure or a return: tell the payer what to do next, doubt the binding, pause the card where it repeats.

    Of a debit that is tried again, or is not any more, the mandate itself has told the payer (`mandate_runs.settle`).
    """
    if before is None or before is order.status or order.status not in (S.FAILED, S.GIVEN_BACK):
        return
    zh, en = of(db, order, "zh"), of(db, order, "en")
    if order.status is S.GIVEN_BACK or not store_mandates.run_tells(db, order.party, order.order_id):
        _tell(db, order, zh, en, now=now)
    if zh.effect is Stops.BINDING:
        _doubt(db, order, zh, now=now)
    _pause_repeated(db, order, zh, en, now=now)


def _tell(db: Session, order: OrderView, zh: Failure, en: Failure, *, now: datetime) -> None:
    kind = "repay_failed" if order.status is S.FAILED else "repay_given_back"
    facts = (
        facing.facts(db, order)
        | facing.said("why", zh.sentence, en.sentence)
        | facing.said("next", zh.action, en.action)
    )
    urgent = order.by_hand_at is not None and now >= order.by_hand_at
    notify.tell(
        db, order.party, kind, key=str(order.order_id), facts=facts, now=now, link=zh.link,
        urgent=urgent or order.status is S.GIVEN_BACK,
    )  # fmt: skip


def link_of(order: OrderView, action: str) -> str:
    """Where the next best action is done."""
    match action:
        case "resume_card":
            return f"/repay/paused/{order.account_id}"
        case "resume_all" | "raise_limit":
            return "/me/limits"
        case "unfreeze":
            return "/me/frozen"
        case "top_up" if order.wait is not None:
            return "/me/money"
        case "other_channel" | "again" | "smaller" | "larger" | "when_resets" | "top_up" | "by_hand":
            return f"/repay/{order.account_id}" if order.closed_at else f"/repay/orders/{order.order_id}"
        case _:
            return f"/repay/orders/{order.order_id}"


def _doubt(db: Session, order: OrderView, failure: Failure, *, now: datetime) -> None:
    """Both ends are named by the channel: a wrong card or name doubts the card, an unknown account the account."""
    kind, subject = (bindings.Kind.CARD, order.account_id)
    if failure.action and failure.code == "unknown_funding":
        kind, subject = bindings.Kind.SOURCE, order.source_id
    bindings.doubt(db, WORKER, order.party, kind, subject, order.channel, now=now)


def _pause_repeated(db: Session, order: OrderView, zh: Failure, en: Failure, *, now: datetime) -> None:
    if not failure_rules.find(zh.code).counts:
        return
    most, days = (_number(key, now) for key in ("card_pause_failures", "card_pause_days"))
    since = now - timedelta(days=days)
    lifted = store_pauses.last_lifted(db, order.party, order.account_id)
    since = max(since, lifted) if lifted is not None else since
    ends = store_pauses.ends_of_card(db, order.party, order.account_id, since=since, at_most=most)
    times = failure_rules.in_a_row(ends)
    if times < most or not card_pauses.pause(db, WORKER, order.party, order.account_id, why=zh.code, now=now):
        return
    card = {name: value for name, value in facing.facts(db, order).items() if name.startswith("card_")}
    facts = card | {"times": times} | facing.said("why", zh.sentence, en.sentence)
    notify.tell(
        db, order.party, "repay_card_paused", key=str(order.order_id), facts=facts, now=now,
        link=f"/repay/paused/{order.account_id}", urgent=True,
    )  # fmt: skip


def _until(order: OrderView, retry: Retry, lang: str) -> str:
    """Until when the next act helps: another try until the manual window begins, one's own hand until the due end."""
    own_hand = order.by_hand_at is None or retry is Retry.BY_HAND
    ended = order.closed_at is not None and order.by_hand_at is not None and order.closed_at >= order.by_hand_at
    if not own_hand and not ended:
        return _moment(order.by_hand_at, order, lang)
    return _moment(due_end(order), order, lang)


def due_end(order: OrderView) -> datetime | None:
    """The end of the due day at the card's bank."""
    return None if order.due_on is None else end_of(order.due_on)


def end_of(due_on: date) -> datetime:
    """The end of a due day at a card's bank."""
    return datetime.combine(due_on, usual_margins(due_on).due_day_ends, clock.CHINA)


def _moment(at: datetime | None, order: OrderView, lang: str) -> str:
    """A moment with its day; never "today", for a message is read on another day than it was made."""
    if at is None:
        return _DUE[lang]
    local = at.astimezone(clock.CHINA)
    this_year = order.placed_at.astimezone(clock.CHINA).year
    return f"{wording.day(local.date(), lang=lang, this_year=this_year)} {local:%H:%M}"


def _number(key: str, now: datetime) -> int:
    found: int = terms.ask(key, on=now.astimezone(clock.CHINA).date(), scopes=("platform",)).value
    return found
