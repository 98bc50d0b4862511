"""Payments: taken once, moved along by the clock, booked on the card, given back; asked about as often as one likes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from anhuan.kit.clock import CHINA
from anhuan.kit.money import to_text as yuan
from anhuan.simbank import billing, books, courses, scenarios, store, store_agenda
from anhuan.simbank.callbacks import announce
from anhuan.simbank.courses import Course
from anhuan.simbank.house import Act, bank_calendar, lowered, midnight
from anhuan.simbank.model import Ask, Card, CardPosting, No, Payment, State

_MORNING: Final = time(9)  # when a next day's bookings are made,
_RETURNS: Final = time(11)  # when what came back is given back,
_EVENING: Final = time(21)  # and when a same day's bookings are made; UTC+8
_DAY: Final = timedelta(days=1)
_WORDS: Final = {
    No.INSUFFICIENT_FUNDS: "余额不足",
    No.DAILY_LIMIT: "超过单日限额",
    No.OVER_SINGLE_LIMIT: "超过单笔限额",
    No.UNDER_SINGLE_LIMIT: "低于单笔下限",
    No.CARD_FROZEN: "卡片已冻结",
    No.EXPIRED: "指令已过期",
    No.UNKNOWN_FUNDING: "付款账户不存在",
    No.OTHER_CURRENCY: "不支持的币种",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A final no, and what the answer says beside it."""

    code: No
    missing: int | None = None
    resets_at: datetime | None = None


def take(act: Act, ask: Ask, partner: str, met: tuple[int, ...], course: Course) -> Payment:
    """Take a payment under a key that is not known yet: debit it and let it run its course, or refuse it for good."""
    card = store.card(act.db, ask.card)
    refusal = _refusal(act, ask, card, course)
    wrong = course.returned or card is None or bool(ask.name and ask.name != card.name)
    payment = Payment(
        key=ask.key, partner=partner, body_sha256=ask.body_sha256, amount=ask.amount, currency=ask.currency,
        funding=ask.funding, card=ask.card, name=ask.name, state=State.FAILED if refusal else State(course.steps[0][1]),
        reference=_reference(act, ask.key, old=course.old_reference), taken_at=act.now,
        visible_from=act.now + timedelta(seconds=course.hidden),
        course=replace(course, returned=wrong).as_json(), scenarios=met,
        fee_kept=0 if refusal else min(course.fee, ask.amount - 1), service_fee=ask.service_fee,
    )  # fmt: skip
    if refusal:
        message = _WORDS[refusal.code] + (f"，还差 {yuan(refusal.missing)} 元" if refusal.missing else "")
        payment = replace(payment, code=refusal.code, message=message, missing=refusal.missing)
        payment = replace(payment, resets_at=refusal.resets_at, final_at=act.now)
    store.add_payment(act.db, payment)
    announce(act, payment, "taken")
    if refusal:
        announce(act, payment, "final")
        return payment
    books.move(act, "debit", books.client(ask.funding), books.TRANSIT, ask.amount, key=ask.key)
    if ask.service_fee:
        collected = books.of_partner(partner)
        store.add_account(act.db, collected)
        books.move(act, "service_fee", books.client(ask.funding), collected, ask.service_fee, key=ask.key)
    if payment.fee_kept:
        books.move(act, "fee", books.TRANSIT, books.FEES, payment.fee_kept, key=ask.key)
    for seconds, state in course.steps[1:]:
        store_agenda.plan(act.db, act.now + timedelta(seconds=seconds), "step", ask.key, {"state": state})
    if payment.state is State.SUCCESS:
        succeed(act, payment)
    return _known(act, ask.key)


def step(act: Act, key: str, facts: Mapping[str, Any]) -> None:
    """Move a payment on to the state that was planned."""
    payment, state = _known(act, key), State(facts["state"])
    if payment.event_kind is not None:
        return
    store.change_payment(act.db, key, state=state.value)
    if state is State.SUCCESS:
        succeed(act, replace(payment, state=state))


def succeed(act: Act, payment: Payment) -> None:
    """The bank's promise: from here the money reaches the card, or comes back from a card that is not the holder's."""
    store.change_payment(act.db, payment.key, final_at=act.now)
    announce(act, replace(payment, final_at=act.now), "final")
    course = courses.read(payment.course)
    if course.returned:
        due = _on_a_day(act, course, act.today + _DAY, _RETURNS)
        store_agenda.plan(act.db, due, "return", payment.key, {"reason": "name_or_card"})
        return
    due = arrival(act, course)
    if due <= act.now:
        book(act, payment.key)
    else:
        store_agenda.plan(act.db, due, "book", payment.key)


def arrival(act: Act, course: Course) -> datetime:
    """When a payment that succeeds now is booked on the card."""
    how = course.arrival or act.profile.arrival
    workdays = course.workdays or act.profile.workdays_only
    day, late = act.today, False
    if workdays:
        known = bank_calendar(act.profile, course.unknown_years)
        cut_off = time.fromisoformat(course.cut_off) if course.cut_off else act.profile.cut_off
        late = act.now.astimezone(CHINA).time() >= cut_off or not known.is_open(day)
        day = known.next_workday(day + _DAY if late else day)
    if how == "next_day":
        return _on_a_day(act, course, day + _DAY, _MORNING)
    if late:
        return datetime.combine(day, _MORNING, CHINA)
    if how == "same_day":
        return max(act.now, datetime.combine(day, _EVENING, CHINA))
    return act.now


def book(act: Act, key: str) -> None:
    """入账: credit the card with what is left of the amount."""
    payment = _known(act, key)
    if payment.booked_on is not None or payment.event_kind is not None:
        return
    given = payment.amount - payment.fee_kept
    books.move(act, "book", books.TRANSIT, books.of_card(payment.card), given, key=key)
    store.change_payment(act.db, key, booked_on=act.today)
    post(act, payment, "payment", given, "还款")
    if billing.REFUND in payment.scenarios:
        met = store_agenda.meeting(act.db, key) or {}
        params = scenarios.params_of(billing.REFUND, met.get("params", {}))
        billing.refund_later(act, payment.card, params, about=billing.last_bill(act, payment.card))
    course = courses.read(payment.course)
    if course.corrected_days:
        for days, kind in ((course.withdrawn_days, "withdraw"), (course.corrected_days, "correct")):
            store_agenda.plan(act.db, datetime.combine(act.today + days * _DAY, _MORNING, CHINA), kind, key)


def withdraw(act: Act, key: str) -> None:
    """It was posted to the wrong bill: take the booking off the card again (scenario 32)."""
    payment = _known(act, key)
    if payment.event_kind is not None:
        return
    given = payment.amount - payment.fee_kept
    books.move(act, "withdraw", books.of_card(payment.card), books.SUSPENSE, given, key=key)
    post(act, payment, "withdrawn", -given, "还款入账更正:转出")


def correct(act: Act, key: str) -> None:
    """Post it again, where it belongs (scenario 32)."""
    payment = _known(act, key)
    if payment.event_kind is not None:
        return
    given = payment.amount - payment.fee_kept
    books.move(act, "correct", books.SUSPENSE, books.of_card(payment.card), given, key=key)
    post(act, payment, "corrected", given, "还款入账更正:转入")


def give_back(act: Act, key: str, kind: str, reason: str) -> None:
    """退汇 or 冲正: the money returns to where it came from; the success stays as it was, with an event beside it."""
    payment = _known(act, key)
    if payment.event_kind is not None:
        return
    given = payment.amount - payment.fee_kept
    if books.withdrawn(act, key):
        books.move(act, "release", books.SUSPENSE, books.TRANSIT, given, key=key)
    elif payment.booked_on is not None:
        books.move(act, "withdraw", books.of_card(payment.card), books.TRANSIT, given, key=key)
        post(act, payment, "withdrawn", -given, "还款退回")
    if payment.fee_kept:
        books.move(act, "fee_back", books.FEES, books.TRANSIT, payment.fee_kept, key=key)
    books.move(act, "give_back", books.TRANSIT, books.client(payment.funding), payment.amount, key=key)
    if payment.service_fee:
        collected, funding = books.of_partner(payment.partner), books.client(payment.funding)
        books.move(act, "service_fee_back", collected, funding, payment.service_fee, key=key)
    store.change_payment(act.db, key, event_kind=kind, event_at=act.now, event_reason=reason)
    announce(act, _known(act, key), "event")


def post(act: Act, payment: Payment, kind: str, amount: int, text: str) -> None:
    """One line on the card's account, for the holder to see."""
    one = CardPosting(
        act.number("posting"), payment.card, act.today, act.now, kind, amount, text, payment.key, payment.reference
    )
    store.add_posting(act.db, one)


def told(payment: Payment, now: datetime) -> dict[str, Any] | None:
    """What the bank says about a payment at this moment; None while it says that it does not know it."""
    if now < payment.visible_from:
        return None
    said: dict[str, Any] = {"key": payment.key, "state": payment.state.value, "reference": payment.reference}
    said |= {"taken_at": moment(payment.taken_at), "amount": payment.amount}
    if payment.code:
        said |= {"code": payment.code, "message": payment.message}
    if payment.missing is not None:
        said["missing"] = payment.missing
    if payment.resets_at is not None:
        said["resets_at"] = moment(payment.resets_at)
    if payment.fee_kept:
        said["fee_kept"] = payment.fee_kept
    if payment.service_fee:
        said["service_fee"] = payment.service_fee
    if payment.event_kind is not None and payment.event_at is not None:
        said["event"] = {
            "kind": payment.event_kind,
            "at": moment(payment.event_at),
            "amount": payment.amount,
            "reason": payment.event_reason,
        }
    return said


def moment(at: datetime) -> str:
    """A moment as the bank writes it: ISO 8601, to the second, in its own zone."""
    return at.astimezone(CHINA).isoformat(timespec="seconds")


def _refusal(act: Act, ask: Ask, card: Card | None, course: Course) -> Refusal | None:
    """The first reason to say no, from the simplest to the most particular."""
    profile = lowered(act.profile, course.at_most)
    if ask.expires_at <= act.now:
        return Refusal(No.EXPIRED)
    if ask.currency != "CNY":
        return Refusal(No.OTHER_CURRENCY)
    if ask.amount < profile.per_payment_min:
        return Refusal(No.UNDER_SINGLE_LIMIT)
    if ask.amount > profile.per_payment_max:
        return Refusal(No.OVER_SINGLE_LIMIT)
    held = store.balance(act.db, books.client(ask.funding))
    if held is None:
        return Refusal(No.UNKNOWN_FUNDING)
    if course.no == No.CARD_FROZEN or (card is not None and card.frozen):
        return Refusal(No.CARD_FROZEN)
    tomorrow = midnight(act.today + _DAY)
    spent = store.spent_between(act.db, ask.funding, midnight(act.today), tomorrow)
    if course.no == No.DAILY_LIMIT or spent + ask.amount > profile.per_day_max:
        return Refusal(No.DAILY_LIMIT, resets_at=tomorrow)
    if course.no == No.INSUFFICIENT_FUNDS or held < ask.debit:
        return Refusal(No.INSUFFICIENT_FUNDS, missing=ask.debit - held if held < ask.debit else ask.debit)
    return None


def _reference(act: Act, key: str, *, old: bool) -> str:
    """The bank's own number: 16 digits by the dice; or, in scenario 28, the oldest one of an earlier year."""
    year = midnight(date(act.today.year, 1, 1))
    used = store.oldest_reference(act.db, year) if old else None
    return used or act.dice.digits(16, "reference", act.number("reference"), key)


def _on_a_day(act: Act, course: Course, day: date, at: time) -> datetime:
    if course.workdays or act.profile.workdays_only:
        day = bank_calendar(act.profile, course.unknown_years).next_workday(day)
    return datetime.combine(day, at, CHINA)


def _known(act: Act, key: str) -> Payment:
    payment = store.payment(act.db, key)
    assert payment is not None, f"no payment {key}"
    return payment
