"""Autopay (自动还款): due runs of mandates are told and ordered, nearest deadline first, one batch of a lane at a time.

What a batch needs to know of bills, accounts and payments under way is asked once for all of it. What is refused
leaves nothing, and the others go on.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from anhuan import cards
from anhuan.cards.model import AccountFace, OwnAccount
from anhuan.kit import clock, ids, news
from anhuan.kit.errors import Refused, Unavailable
from anhuan.repayments import mandate_rules as rules
from anhuan.repayments import mandate_runs as runs
from anhuan.repayments import precheck, quoting, service, under_way, ways
from anhuan.repayments import store as orders
from anhuan.repayments import store_mandates as store
from anhuan.repayments.mandate_model import Debit, Stage, Timing, Why
from anhuan.repayments.mandate_rules import House, Owed
from anhuan.repayments.model import (
    AlreadyOnItsWay,
    AmountRule,
    BindingInDoubt,
    NoSource,
    NothingToPay,
    OrderStatus,
    Quote,
    RepayAsk,
    Trouble,
    Wait,
)
from anhuan.repayments.placing import Placing
from anhuan.repayments.tables import OrderRow
from anhuan.repayments.tables_mandates import MandateRow, RunRow

_PAID: Final = frozenset({NothingToPay.code, AlreadyOnItsWay.code})
_WAITS: Final = {
    Wait.PAUSED: ("您暂停了全部付款。", "you paused all payments."),
    Wait.CARD_PAUSED: ("这张卡的付款已暂停。", "payments to this card are paused."),
    Wait.FROZEN: ("账户已冻结。", "the account is frozen."),
}
_OTHER: Final = ("现在不能付款。", "payments cannot go out now.")
BY_HAND: Final = "mandate.by_hand"
_BY_HAND: Final = ("现在只有要您自己动手的渠道可用。", "only channels that you walk yourself are open now.")
TOGETHER: Final = timedelta(hours=1)  # deadlines that press alike: no lane's later ones go before another's sooner ones
S = Stage
Key = tuple[UUID, UUID]
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Done:
    """What one batch did."""

    taken: int  # runs that were looked at
    ordered: int
    lane: int | None  # None: nothing was due
    to_send: tuple[tuple[UUID, UUID, str], ...] = ()  # (party, key, channel), to be handed over after the commit


@dataclass(frozen=True, slots=True)
class _Asked:
    """A payment that was weighed and is to be ordered."""

    row: MandateRow
    run: RunRow
    quote: Quote
    debit: Debit


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of all runs of a batch, asked once."""

    now: datetime
    house: House
    bills: Mapping[Key, cards.OpenBill]
    faces: Mapping[Key, AccountFace]
    sources: Mapping[Key, OwnAccount]
    on_way: dict[Key, int]
    waits: Mapping[Key, Wait]
    seen: ways.Seen

    @property
    def today(self) -> date:
        return self.now.astimezone(clock.CHINA).date()


def run_due(
    db: Session, *, now: datetime, at_most: int, busy: Collection[int] = (), careful: bool = False
) -> Done:  # fmt: skip
    """Take one batch of due runs of one lane: tell what is to be told, order what is to be ordered.

    Whoever calls hands what is `to_send` to the channels after the commit; what is lost on the way they promise again.
    Where a run broke the batch it is taken once more, `careful`: each run apart, so that one keeps no other waiting.
    """
    found = store.nearest(db, now, busy=busy)
    if found is None:
        return Done(0, 0, None)
    lane, deadline = found
    batch = store.due_runs(db, lane, now, until=deadline + TOGETHER, at_most=at_most)
    orders.lock_parties(db, list({run.user_id for run, _ in batch}))
    known = _ask(db, batch, now)
    step = _apart if careful else _step
    asked = [wanted for run, row in batch if (wanted := step(db, row, run, known)) is not None]
    return Done(len(batch), len(asked), lane, tuple(_placed(db, asked, known)))


def _ask(db: Session, batch: Sequence[tuple[RunRow, MandateRow]], now: datetime) -> _Known:
    today = now.astimezone(clock.CHINA).date()
    billed = list({(row.user_id, row.account_id) for _, row in batch})
    paying = list({(row.user_id, row.source_id) for _, row in batch})
    bills = cards.open_of_many(db, billed, on=today)
    return _Known(
        now, runs.house(today), bills, cards.faces_of_many(db, billed), cards.own_of_many(db, paying),
        under_way.of_many(db, bills, on=today), precheck.waits_of(db, billed),
        ways.look(db, {row.user_id for _, row in batch}, now=now),
    )  # fmt: skip


def _apart(db: Session, row: MandateRow, run: RunRow, known: _Known) -> _Asked | None:
    """One step of one run, in a part of its own; gives the payment to be ordered, where one is."""
    try:
        with db.begin_nested():
            return _step(db, row, run, known)
    except (DBAPIError, Unavailable):
        raise  # the whole batch is taken again
    except Exception:  # one run that cannot go on must not keep the others waiting
        log.exception("a run of a mandate could not go on", run=str(run.id))
        run.next_at = known.now + known.house.again
        db.flush()
        return None


def _step(db: Session, row: MandateRow, run: RunRow, known: _Known) -> _Asked | None:
    if not _allowed(db, row, run, known):
        return None
    debit = runs.debit(row, run, known.bills.get(_card(row)), known.on_way.get(_card(row), 0))
    if debit.why is not None:
        _nothing(db, row, run, debit, known)
        return None
    if run.stage == S.PLANNED:
        _notice(db, row, run, debit, known)
        if run.pay_at > known.now:
            return None
    return _weighed(db, row, run, debit, known)


def _allowed(db: Session, row: MandateRow, run: RunRow, known: _Known) -> bool:
    """Whether the mandate still allows this debit; where it does not the run ends, and the payer knows why."""
    face = known.faces.get(_card(row))
    if row.revoked_at is not None or face is None:
        why = Why.REVOKED
    elif not rules.covers(runs.wish_of(row), known.today):
        why = Why.ENDED
    elif row.off_at is not None:
        why = Why.SWITCHED_OFF
        due_on = bill.due_on.isoformat() if (bill := known.bills.get(_card(row))) and bill.due_on else None
        runs.tell(db, row, run, "autopay_off", now=known.now, face=face, due_on=due_on, urgent=True)
    else:
        return True
    runs.end(db, run, S.SKIPPED, why, now=known.now)
    return False


def _nothing(db: Session, row: MandateRow, run: RunRow, debit: Debit, known: _Known) -> None:
    """Nothing is debited: paid by another hand, nothing due, or above the cap; the payer is told."""
    assert debit.why is not None
    face = known.faces[_card(row)]
    if debit.why is Why.ABOVE_CAP:
        runs.tell(db, row, run, "autopay_above_cap", now=known.now, face=face, urgent=True, asked=debit.asked,
                  cap=row.cap_minor)  # fmt: skip
    elif debit.why is Why.ALREADY_PAID or run.noticed_at is not None:
        runs.tell(db, row, run, "autopay_already_paid", now=known.now, face=face)
    runs.end(db, run, S.SKIPPED, debit.why, now=known.now)


def _notice(db: Session, row: MandateRow, run: RunRow, debit: Debit, known: _Known) -> None:
    """Tell the payer before a debit; where the notice comes late the debit waits for it, until the last safe moment."""
    now, face, source = known.now, known.faces[_card(row)], known.sources.get((row.user_id, row.source_id))
    last = None if run.safe_by_at is None or row.timing != Timing.BEFORE_DUE else run.safe_by_at - known.house.slack
    fitted = rules.fit(run.pay_at, last, notice=timedelta(hours=row.notice_hours), now=now)
    if fitted.notice_at <= now:  # told now; else it was looked at early, and its moments stand
        run.pay_at = fitted.pay_at
        run.shortened, run.late = run.shortened or fitted.shortened, run.late or fitted.late
    run.stage, run.noticed_at, run.amount_minor = rules.step(S.PLANNED, S.NOTICED), now, debit.amount
    run.next_at = run.pay_at
    bill = known.bills[_card(row)]
    pay_at, paid_from = run.pay_at.astimezone(UTC).isoformat(), source.name() if source else ""
    if run.late:
        runs.tell(db, row, run, "autopay_notice_late", now=now, face=face, urgent=True, amount=debit.amount,
                  due_on=bill.due_on.isoformat() if bill.due_on else None, source=paid_from)  # fmt: skip
    else:
        kind = "autopay_notice_short" if run.shortened else "autopay_notice"
        runs.tell(db, row, run, kind, now=now, face=face, urgent=run.shortened, amount=debit.amount, pay_at=pay_at,
                  source=paid_from)  # fmt: skip
    if debit.above:
        runs.tell(db, row, run, "autopay_capped", now=now, face=face, urgent=True, asked=debit.asked,
                  cap=debit.amount, pay_at=pay_at)  # fmt: skip
    owed = Owed(bill.open, bill.minimum_open, known.on_way.get(_card(row), 0))
    if missing := rules.missing(runs.wish_of(row), owed, debit.amount):
        runs.tell(db, row, run, "autopay_below_minimum", now=now, face=face, urgent=True, amount=debit.amount,
                  missing=missing, due_on=bill.due_on.isoformat() if bill.due_on else None)  # fmt: skip
    db.flush()


def _weighed(db: Session, row: MandateRow, run: RunRow, debit: Debit, known: _Known) -> _Asked | None:
    """Weigh a debit that was told once more: at most what was told; what forbids it is told and tried again."""
    now = known.now
    amount = debit.amount if run.amount_minor is None else min(debit.amount, run.amount_minor)
    if wait := known.waits.get(_card(row)):
        zh, en = _WAITS.get(wait, _OTHER)
        _blocked(db, row, run, wait.value, zh, en, known)
        return None
    whole = amount == debit.asked and run.retry_of is None and row.rule in (AmountRule.FULL, AmountRule.MINIMUM)
    rule, named = (AmountRule(row.rule), None) if whole else (AmountRule.CUSTOM, amount)
    ask = RepayAsk(row.account_id, row.source_id, rule, named, row.channel)
    try:
        quote = quoting.quote_of(db, row.user_id, ask, _facts(row, known), now=now)
    except Refused as refused:
        _forbidden(db, row, run, Trouble(refused.code, refused.message), known)
        return None
    if quote.troubles:
        _forbidden(db, row, run, quote.troubles[0], known)
        return None
    if quote.by_hand:
        _blocked(db, row, run, BY_HAND, *_BY_HAND, known)
        return None
    known.on_way[_card(row)] = known.on_way.get(_card(row), 0) + amount
    return _Asked(row, run, quote, debit)


def _facts(row: MandateRow, known: _Known) -> quoting.Facts:
    """What the batch knows already; an account that was put away is refused."""
    source = known.sources.get((row.user_id, row.source_id))
    if source is None:
        raise NoSource("付款账户已不在。", field="source_id")
    card = _card(row)
    return quoting.Facts(known.faces[card], source, known.bills.get(card), known.on_way.get(card, 0), known.seen)


def _placed(db: Session, asked: Sequence[_Asked], known: _Known) -> list[tuple[UUID, UUID, str]]:
    """Order what was weighed, all at once; the key is the try's own, so that twice is once."""
    placings = [
        Placing(one.run.user_id, (one.quote,), _key(one.run), mandate_id=one.row.id, run_id=one.run.id,
                retry_of=one.run.retry_of)
        for one in asked
    ]  # fmt: skip
    to_send, refused = service.place_many(db, placings, now=known.now) if placings else ([], {})
    made = store.orders_of_runs(db, [(one.run.user_id, one.run.id) for one in asked])
    for one in asked:
        if (key := _key(one.run)) not in refused:
            _kept(db, one, made[one.run.user_id, one.run.id], known)
        elif (no := refused[key]) is not None:
            _forbidden(db, one.row, one.run, Trouble(no.code, no.message), known)
        else:
            one.run.next_at = known.now + known.house.again
    db.flush()
    return to_send


def _kept(db: Session, one: _Asked, made: Sequence[OrderRow], known: _Known) -> None:
    """Write down the order of a try; one that came to nothing at once is settled at once."""
    run, first = one.run, made[0]
    run.tries += 1
    if run.stage != S.ORDERED:
        run.stage = rules.step(S(run.stage), S.ORDERED)
    run.group_id, run.order_id, run.amount_minor = first.group_id, first.id, one.quote.amount
    run.ordered_at, run.next_at, run.retry_of, run.blocked = known.now, None, None, None
    if one.quote.amount < one.debit.amount and run.tries == 1:
        runs.tell(db, one.row, run, "autopay_less", now=known.now, face=known.faces[_card(one.row)],
                  amount=one.quote.amount, owed=one.debit.asked)  # fmt: skip
    if any(order.status == OrderStatus.FAILED for order in made):
        db.flush()
        runs.settle(db, one.row, run, now=known.now)


def _key(run: RunRow) -> UUID:
    return ids.derive(run.id, f"try {run.tries + 1}")


def _forbidden(db: Session, row: MandateRow, run: RunRow, trouble: Trouble, known: _Known) -> None:
    if trouble.code in _PAID:
        _nothing(db, row, run, Debit(0, 0, Why.ALREADY_PAID), known)
        return
    zh, en = (news.told(trouble.code, trouble.message, lang) for lang in ("zh", "en"))
    _blocked(db, row, run, trouble.code, zh, en, known)


def _blocked(db: Session, row: MandateRow, run: RunRow, code: str, zh: str, en: str, known: _Known) -> None:
    """Something forbids a debit: told once for each reason, tried again until the last safe moment, then given up."""
    now = known.now
    until = _until(run)
    face = known.faces[_card(row)]
    if now >= until or code == NoSource.code:
        runs.end(db, run, S.FAILED, Why.BLOCKED, now=now)
        run.blocked = code
        by = run.safe_by_at if run.safe_by_at is not None and run.safe_by_at > now else now + timedelta(days=1)
        runs.tell(db, row, run, "autopay_failed", now=now, face=face, urgent=True,
                  until=by.astimezone(UTC).isoformat())  # fmt: skip
        return
    if run.blocked != code:
        run.blocked = code
        runs.tell(db, row, run, "autopay_blocked", now=now, face=face, urgent=True, why_zh=zh, why_en=en,
                  until=until.astimezone(UTC).isoformat(),
                  link="/me/bindings" if code == BindingInDoubt.code else "")  # fmt: skip
    run.next_at = min(now + known.house.again, until)
    db.flush()


def _until(run: RunRow) -> datetime:
    """Until when a debit that something forbids is tried: its last safe moment, a day where no bill presses."""
    day = run.pay_at + timedelta(days=1)
    return day if run.safe_by_at is None else max(run.safe_by_at, run.pay_at)


def _card(row: MandateRow) -> Key:
    return row.user_id, row.account_id
