"""Runs of mandates: when each debit is told and made, what it takes, and what becomes of it when its order moves.

Nothing here places an order (`autopay` does); an order that changes calls `after`, in the transaction of the change.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, Final

from sqlalchemy.orm import Session

from anhuan import cards, channels, ledger, notify, planning
from anhuan.cards.model import AccountFace
from anhuan.kit import calendar, clock, ids, terms
from anhuan.repayments import failures, views
from anhuan.repayments import mandate_rules as rules
from anhuan.repayments import store_mandates as store
from anhuan.repayments.mandate_model import (
    AboveCap,
    Debit,
    Holiday,
    Moments,
    RetryWhen,
    Stage,
    Timing,
    Why,
    Wish,
)
from anhuan.repayments.mandate_rules import House, Owed
from anhuan.repayments.model import CLOSED, OPEN, AmountRule, OrderStatus, OrderView
from anhuan.repayments.tables import OrderRow
from anhuan.repayments.tables_mandates import MandateRow, RunRow

USUAL_CHANNEL: Final = "bank_transfer"  # whose last safe moment counts where a channel has none of its own
NOON: Final = time(12)
S = Stage


def house(on: date) -> House:
    """The house's numbers about autopay as they stand on a day."""

    def said(key: str) -> Any:
        return terms.ask(key, on=on, scopes=("autopay",)).value

    return House(
        said("days_before"), time.fromisoformat(said("pay_at")), said("least_notice_hours"),
        said("most_notice_hours"), said("most_retries"), said("most_days_before"),
        timedelta(minutes=said("slack_minutes")), timedelta(minutes=said("again_minutes")),
        frozenset(said("hopeless_codes")),
    )  # fmt: skip


def wish_of(row: MandateRow) -> Wish:
    """A mandate's terms as they hold now."""
    return Wish(
        account_id=row.account_id, source_id=row.source_id, cap=row.cap_minor, rule=AmountRule(row.rule),
        amount=row.amount_minor, channel=row.channel, above_cap=AboveCap(row.above_cap), timing=Timing(row.timing),
        days_before=row.days_before, day_of_month=row.day_of_month, on_date=row.on_date,
        holiday=Holiday(row.holiday), notice_hours=row.notice_hours, retries=row.retries,
        retry_when=RetryWhen(row.retry_when), valid_from=row.valid_from, valid_to=row.valid_to,
    )  # fmt: skip


def safe_by(
    due_on: date | None, bank: str, channel: str | None, *, on: date, book: channels.arrivals.Book | None = None
) -> datetime | None:  # fmt: skip
    """The last safe moment for a bill by the mandate's channel, by a plain transfer where it names none; or None."""
    if due_on is None:
        return None
    name = channel if channel in terms.channel_ids() else USUAL_CHANNEL
    assert name is not None
    learned = book.of(name, bank, due_on=due_on) if book else None
    if learned is None:
        return _usual_safe_by(due_on, name, on, calendar.current().version)
    return cards.safe_pay_by(
        due_on, terms.channel(name, on=on), calendar=calendar.current(), learned=learned
    ).start_by.astimezone(UTC)  # fmt: skip


@lru_cache(maxsize=2_000)
def _usual_safe_by(due_on: date, channel: str, on: date, version: str) -> datetime:
    found = cards.safe_pay_by(due_on, terms.channel(channel, on=on), calendar=calendar.current())
    return found.start_by.astimezone(UTC)


def take_up_bills(db: Session, *, since: datetime | None, now: datetime, at_most: int) -> int:
    """Give every bill that a mandate pays its run; asks what is missing, so nothing depends on when it looks."""
    today = _day(now)
    book = channels.arrivals.book(db, on=today)
    rows = []
    for one in store.new_bills(db, since=since, today=today, at_most=at_most):
        safe = safe_by(one.due_on, one.bank, one.mandate.channel, on=today, book=book)
        moments = rules.before_due(
            wish_of(one.mandate), one.due_on, safe_by=safe, now=now, calendar=calendar.current(), house=house(today)
        )  # fmt: skip
        rows.append(_new(db, one.mandate, moments, now=now, statement_on=one.statement_on))
    return store.add_runs(db, rows)


def take_up_mandate(db: Session, row: MandateRow, *, now: datetime) -> None:
    """Give a mandate that was just given its first run: of the bill that is open, or of its next day."""
    today = _day(now)
    if row.timing == Timing.BEFORE_DUE:
        bill = cards.open_of_many(db, [(row.user_id, row.account_id)], on=today).get((row.user_id, row.account_id))
        if bill is None or bill.due_on is None or bill.open == 0 or not rules.covers(wish_of(row), today):
            return
        if store.bill_paid_by_another(db, row.user_id, row.account_id, bill.statement_on):
            return
        bank = cards.account_face(db, row.user_id, row.account_id).bank
        safe = safe_by(bill.due_on, bank, row.channel, on=today, book=channels.arrivals.book(db, on=today))
        moments = rules.before_due(
            wish_of(row), bill.due_on, safe_by=safe, now=now, calendar=calendar.current(), house=house(today)
        )
        store.add_runs(db, [_new(db, row, moments, now=now, statement_on=bill.statement_on)])
    elif row.timing == Timing.PLANNED:
        row.next_at = now  # the job plans: that takes longer than a person waits
    else:
        take_up_schedule(db, row, after=today - timedelta(days=1), now=now)
    db.flush()


def take_up_schedule(db: Session, row: MandateRow, *, after: date, now: datetime) -> None:
    """Make the run of a custom schedule's next day, and say when to look for the one after it.

    Days that went by while nobody looked are one debit and not several: the last of them stands for all.
    """
    today, wish, nominal = _day(now), wish_of(row), None
    for day in rules.occurrences(wish, after=after):
        if nominal is not None and day > today:
            break
        nominal = day
        if day > today:
            break
    if nominal is None:
        row.next_at = None
        return
    moments = rules.on_day(wish, nominal, safe_by=None, now=now, calendar=calendar.current(), house=house(today))
    store.add_runs(db, [_new(db, row, moments, now=now, occurrence_on=nominal)])
    again = datetime.combine(nominal, NOON, clock.CHINA)
    row.next_at = again.astimezone(UTC) if rules.next_occurrence(wish, after=nominal) else None


def take_up_plan(db: Session, row: MandateRow, *, now: datetime) -> bool:
    """Keep the plan's payments of this card as the mandate's runs; plans anew only where the household changed."""
    today, party = _day(now), row.user_id
    minutes = terms.ask("replan_minutes", on=today, scopes=("autopay",)).value
    row.next_at = now + timedelta(minutes=minutes)
    asked = planning.request_of(db, party, as_of=today)
    digest = _digest(asked)
    if row.plan_digest == digest:
        return False
    row.plan_digest = digest
    legs: dict[date, int] = {}
    for leg in planning.plan_mine(db, party, as_of=today).legs:
        if (leg.card.account_id, leg.account.account_id) == (row.account_id, row.source_id):
            legs[leg.on] = legs.get(leg.on, 0) + leg.amount
    _keep_legs(db, row, legs, now=now)
    return True


def _keep_legs(db: Session, row: MandateRow, legs: Mapping[date, int], *, now: datetime) -> None:
    """Runs as the plan has them now: those that left it are skipped, changed ones are told anew."""
    today, wish = _day(now), wish_of(row)
    for run in store.unfinished(db, row.user_id, row.id, lock=True):
        if run.stage in (S.PLANNED, S.NOTICED) and run.occurrence_on not in legs and run.tries == 0:
            end(db, run, S.SKIPPED, Why.PLAN_CHANGED, now=now)
    for on, amount in sorted(legs.items()):
        if on < today or not rules.covers(wish, on):
            continue
        moments = rules.on_day(wish, on, safe_by=None, now=now, calendar=calendar.current(), house=house(today))
        known = store.run_on(db, row.user_id, row.id, on)
        if known is None:
            store.add_runs(db, [_new(db, row, moments, now=now, occurrence_on=on) | {"leg_minor": amount}])
        elif known.tries == 0 and (known.leg_minor != amount or known.why == Why.PLAN_CHANGED):
            known.leg_minor = amount
            if known.stage in (S.PLANNED, S.NOTICED) or known.why == Why.PLAN_CHANGED:
                put_back(known, moments)
    db.flush()


def put_back(run: RunRow, moments: Moments) -> None:
    """Let a run that was not ordered begin again, with a new notice."""
    if run.stage != S.PLANNED:
        run.stage = rules.step(Stage(run.stage), S.PLANNED)
    run.why, run.closed_at, run.noticed_at, run.blocked = None, None, None, None
    set_moments(run, moments)
    run.next_at = moments.notice_at


def set_moments(run: RunRow, moments: Moments) -> None:
    """Keep when a debit is told and made."""
    run.notice_at, run.pay_at, run.safe_by_at = moments.notice_at, moments.pay_at, moments.safe_by_at
    run.deadline_at = moments.safe_by_at or moments.pay_at
    run.shortened, run.late, run.provisional = moments.shortened, moments.late, moments.provisional


def end(db: Session, run: RunRow, stage: Stage, why: Why | None, *, now: datetime) -> None:
    """Bring a run to its end."""
    run.stage = rules.step(Stage(run.stage), stage)
    run.why, run.closed_at, run.next_at, run.blocked = why, now, None, None
    db.flush()


def debit(
    row: MandateRow, run: RunRow, bill: cards.OpenBill | None, on_way: int
) -> Debit:  # fmt: skip
    """What this run takes of its bill as it stands; a run for a bill that a newer one followed takes nothing."""
    if bill is None or (run.statement_on is not None and bill.statement_on != run.statement_on):
        return Debit(0, 0, Why.NOTHING_DUE)
    return rules.debit_of(wish_of(row), Owed(bill.open, bill.minimum_open, on_way), leg=run.leg_minor)


def after(db: Session, order: OrderView, before: OrderStatus | None, *, now: datetime) -> None:
    """An order moved: bring the run that made it to where it stands, and weigh another try."""
    if order.mandate_id is None or before is None or not CLOSED & {before, order.status}:
        return  # on its way from step to step: the run is ordered, and stays so
    run = store.run_of_order(db, order.party, order.order_id)
    if run is None or run.group_id is None:
        return  # it is just being made: whoever makes it settles the run itself
    row = store.mandate(db, order.party, run.mandate_id)
    assert row is not None, "a run has its mandate"
    settle(db, row, run, now=now)


def settle(db: Session, row: MandateRow, run: RunRow, *, now: datetime) -> None:
    """Bring a run to where its orders stand: done by bank data alone; a final no is tried again as the mandate says."""
    orders = store.orders_of(db, run.user_id, run.id)
    failed = [one for one in orders if one.status == OrderStatus.FAILED]
    if failed and _again(db, row, run, failed[0], now=now):
        return
    wanted, why = _standing([OrderStatus(one.status) for one in orders], failed)
    if wanted == run.stage:
        return
    if wanted is S.ORDERED:
        run.stage = rules.step(Stage(run.stage), S.ORDERED)
        run.why, run.closed_at, run.next_at = None, None, None
    else:
        end(db, run, wanted, why, now=now)
        if wanted is S.FAILED:
            tell(db, row, run, "autopay_failed", now=now, urgent=True, until=_iso(_until(run, now)))
            for one in failed:  # of one that failed while it was made, the payer may have been told already
                notify.withdraw(db, run.user_id, "repay_failed", str(one.id), now=now)
    db.flush()


def _standing(statuses: Sequence[OrderStatus], failed: Sequence[OrderRow]) -> tuple[Stage, Why | None]:
    if any(one in OPEN for one in statuses):
        return S.ORDERED, None
    if failed:
        paid_meanwhile = all(one.final_code == "repay.paid_meanwhile" for one in failed)
        return (S.SKIPPED, Why.ALREADY_PAID) if paid_meanwhile else (S.FAILED, Why.REFUSED)
    if OrderStatus.GIVEN_BACK in statuses:
        return S.FAILED, Why.GIVEN_BACK
    if OrderStatus.ARRIVED in statuses:
        return S.DONE, None
    return S.SKIPPED, Why.CANCELLED


def _again(db: Session, row: MandateRow, run: RunRow, failed: OrderRow, *, now: datetime) -> bool:
    """Plan another try of an order that was finally refused, where the mandate allows one; tells whether."""
    if run.retry_of == failed.id and run.stage == S.NOTICED:
        return True  # planned before
    if run.stage not in (S.ORDERED, S.NOTICED) or row.revoked_at is not None or row.off_at is not None:
        return False
    code = failed.final_code or ""
    if code == "repay.paid_meanwhile":
        return False
    wish = wish_of(row)
    incomes = _incomes(db, row, now) if wish.retry_when is RetryWhen.INCOME else ()
    at = rules.retry_at(
        wish, code=code, tries=run.tries, now=now, resets_at=failed.resets_at, incomes=incomes,
        safe_by=failed.safe_by_at or run.safe_by_at, house=house(_day(now)),
    )  # fmt: skip
    if at is None or not rules.covers(wish, _day(at)):
        return False
    run.stage = S.NOTICED if run.stage == S.NOTICED else rules.step(Stage(run.stage), S.NOTICED)
    run.retry_of, run.next_at, run.amount_minor = failed.id, at, failed.amount_minor
    db.flush()
    zh, en = (failures.of(db, views.view_of(failed), lang).sentence for lang in ("zh", "en"))
    tell(db, row, run, "autopay_retry", now=now, amount=failed.amount_minor, at=_iso(at), why_zh=zh, why_en=en)
    return True


def tell(
    db: Session, row: MandateRow, run: RunRow, kind: str, *, now: datetime, urgent: bool = False,
    face: AccountFace | None = None, link: str = "", **facts: str | int | None,
) -> None:  # fmt: skip
    """Tell the payer something about a run, once for each try; `link`: where to act, where that is not the mandate."""
    known = face or cards.account_face(db, row.user_id, row.account_id)
    said: dict[str, str | int | None] = {"card": known.name(), **facts}
    key = f"{run.id}:{run.tries}:{run.blocked or ''}"
    notify.tell(db, row.user_id, kind, key=key, facts=said, now=now, link=link or f"/autopay/{row.id}", urgent=urgent)


def _incomes(db: Session, row: MandateRow, now: datetime) -> list[date]:
    """The days on which the paying account expects money in the next two months."""
    request = planning.request_of(db, row.user_id, as_of=_day(now))
    mine = [flow for flow in request.flows if flow.account == str(row.source_id) and flow.amount > 0]
    return [date.fromordinal(flow.day) for flow in mine]


def _new(
    db: Session, row: MandateRow, moments: Moments, *, now: datetime, statement_on: date | None = None,
    occurrence_on: date | None = None,
) -> dict[str, Any]:  # fmt: skip
    return {
        "user_id": row.user_id, "id": ids.new_id(), "mandate_id": row.id, "account_id": row.account_id,
        "lane": ledger.lane_of(db, row.user_id), "statement_on": statement_on, "occurrence_on": occurrence_on,
        "stage": S.PLANNED, "notice_at": moments.notice_at, "pay_at": moments.pay_at,
        "safe_by_at": moments.safe_by_at, "deadline_at": moments.safe_by_at or moments.pay_at,
        "shortened": moments.shortened, "late": moments.late, "provisional": moments.provisional, "tries": 0,
        "next_at": moments.notice_at, "made_at": now, "leg_minor": None,
    }  # fmt: skip


def _digest(request: planning.Request) -> bytes:
    """Of the household, the day left out: another day alone is no change."""
    return hashlib.sha256(repr(replace(request, as_of=0, last=0)).encode()).digest()


def _until(run: RunRow, now: datetime) -> datetime:
    return run.safe_by_at if run.safe_by_at is not None and run.safe_by_at > now else now + timedelta(days=1)


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def _day(at: datetime) -> date:
    return at.astimezone(clock.CHINA).date()
