"""Autopay as a story: told, ordered, paid by the bank, done by bank data; and everything that comes between."""

import threading
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from tests.channels.bank import NAME
from tests.repayments.autopaying import given, me, orders, run_of, until, wish_of, work
from tests.repayments.conftest import Home, clean, home, house

from anhuan import cards, notify, planning, repayments
from anhuan.cards import BillFacts
from anhuan.channels import delivery
from anhuan.channels.model import Unknown
from anhuan.identity import limits, stepup
from anhuan.identity.stepup import Answer
from anhuan.kit import clock, jobs, wall
from anhuan.repayments import AmountRule, OrderStatus, OrderView, autopay, bindings, journey_autopay, mandates
from anhuan.repayments.mandate_model import AboveCap, Mandate, RetryWhen, Stage, Timing, Why

__all__ = ["clean", "home", "house"]
NOTICE, PAY = date(2026, 12, 3), date(2026, 12, 4)  # three days before 8 December is a Saturday: the Friday before


def order_of(home: Home, mandate: Mandate) -> OrderView:
    """The order of the latest run."""
    with home.rows() as db:
        found = run_of(home, mandate).order_id
        assert found is not None
        return repayments.find(db, home.party, found)


def said(home: Home) -> list[str]:
    """The kinds of what autopay told the payer, oldest first."""
    with home.rows() as db:
        told = notify.messages(db, home.party, lang="zh", now=home.clock())
    return [one.kind for one in sorted(told, key=lambda one: one.made_at) if one.kind.startswith("autopay_")]


@pytest.mark.scope("S2-02", "S3-24")
def test_a_bill_is_told_a_day_ahead_ordered_paid_and_done_when_the_bank_shows_it(home: Home) -> None:
    made = given(home)
    assert work(home) == 0
    assert said(home) == ["autopay_given"]
    until(home, NOTICE)
    assert work(home) == 0, "a notice moves nothing"
    assert run_of(home, made).stage == Stage.NOTICED
    assert said(home) == ["autopay_given", "autopay_notice"]
    until(home, PAY, hour=8)
    assert work(home) == 0, "not before the moment that was told"
    until(home, PAY)
    assert work(home) == 1
    run, order = run_of(home, made), order_of(home, made)
    assert (run.stage, run.amount, run.tries) == (Stage.ORDERED, 100_000, 1)
    assert (order.status, order.amount, order.mandate_id) == (OrderStatus.PROMISED, 100_000, made.id)
    assert home.bank.debits.total() == 1
    home.prove(order, on=PAY)
    assert run_of(home, made).stage == Stage.DONE
    assert work(home) == 0
    assert home.bank.debits.total() == 1


def test_the_jobs_may_look_as_often_as_they_like_and_debit_once(home: Home) -> None:
    made = given(home)
    for day in (NOTICE, PAY):
        until(home, day)
        for _ in range(3):
            work(home)
    assert home.bank.debits.total() == 1
    assert run_of(home, made).tries == 1


@pytest.mark.scope("S3-24")
def test_two_workers_at_one_run_make_one_order(home: Home) -> None:
    made = given(home)
    until(home, NOTICE)
    work(home)
    until(home, PAY)
    ready = threading.Barrier(2)

    def one() -> None:
        ready.wait(30)
        work(home)

    both = [threading.Thread(target=one) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(60)
    work(home)
    assert (orders(home), run_of(home, made).tries) == (1, 1)


def test_a_worker_that_dies_after_ordering_leaves_a_payment_that_goes_out_once(home: Home) -> None:
    made = given(home)
    until(home, NOTICE)
    work(home)
    until(home, PAY)
    with jobs.transaction() as db:  # killed between the commit and the handing over
        wall.everybody(db)
        done = autopay.run_due(db, now=home.clock(), at_most=10)
    assert len(done.to_send) == 1
    order = order_of(home, made)
    assert (order.status, home.bank.debits.total()) == (OrderStatus.PLACED, 0)
    assert work(home) == 0
    home.deliver(order)  # what the channels' own round promises again
    assert order_of(home, made).status is OrderStatus.PROMISED
    assert home.bank.debits.total() == 1


def test_a_bill_paid_by_hand_meanwhile_is_left_alone_and_the_payer_told(home: Home) -> None:
    made = given(home)
    until(home, NOTICE)
    work(home)
    home.tap()
    until(home, PAY)
    assert work(home) == 0
    run = run_of(home, made)
    assert (run.stage, run.why) == (Stage.SKIPPED, Why.ALREADY_PAID)
    assert said(home)[-1] == "autopay_already_paid"


def test_a_new_bill_gets_its_run_within_a_minute_and_a_newer_version_none_of_its_own(home: Home) -> None:
    made = given(home)
    until(home, date(2026, 12, 19))
    facts = BillFacts("cmb", "CNY", 230_000, 23_000, date(2026, 12, 18), date(2027, 1, 7), ("6214",))
    for total in (230_000, 231_000):
        with home.rows() as db:
            cards.record_bill(db, home.party, replace(facts, total_due=total), now=home.clock())
        assert journey_autopay.take_up_bills(since=home.clock() - timedelta(days=1), now=home.clock()) == (
            total == 230_000
        )
    run = run_of(home, made)
    assert (run.statement_on, run.stage, run.provisional) == (date(2026, 12, 18), Stage.PLANNED, True)


@pytest.mark.scope("S3-24")
@pytest.mark.parametrize(
    ("above", "stage", "amount", "kind"),
    [
        (AboveCap.UP_TO_CAP, Stage.NOTICED, 60_000, "autopay_capped"),
        (AboveCap.SKIP, Stage.SKIPPED, None, "autopay_above_cap"),
    ],
)
def test_above_the_cap_the_payer_is_told_and_what_the_mandate_says_is_done(
    home: Home, above: AboveCap, stage: Stage, amount: int | None, kind: str
) -> None:
    made = given(home, cap=60_000, above_cap=above)
    until(home, NOTICE)
    work(home)
    run = run_of(home, made)
    assert (run.stage, run.amount) == (stage, amount)
    assert kind in said(home)


@pytest.mark.parametrize(
    "wish", [{"rule": AmountRule.CUSTOM, "amount": 4_000}, {"cap": 4_000}], ids=["fixed amount", "cap"]
)
def test_who_fixed_less_than_the_minimum_is_told_what_is_missing(home: Home, wish: dict[str, Any]) -> None:
    given(home, **wish)
    until(home, NOTICE)
    work(home)
    with home.rows() as db:
        told = notify.messages(db, home.party, lang="zh", now=home.clock())
    (short,) = (one for one in told if one.kind == "autopay_below_minimum")
    assert "60.00" in short.text


def test_a_bill_that_grew_after_the_notice_is_debited_only_as_told(home: Home) -> None:
    made = given(home)
    until(home, NOTICE)
    work(home)
    with home.rows() as db:
        facts = BillFacts("cmb", "CNY", 150_000, 15_000, date(2026, 11, 18), date(2026, 12, 8), ("6214",))
        cards.record_bill(db, home.party, facts, now=home.clock())
    until(home, PAY)
    assert work(home) == 1
    assert order_of(home, made).amount == 100_000
    assert said(home)[-1] == "autopay_less"


def test_a_final_no_is_tried_again_the_next_day_as_a_new_order(home: Home) -> None:
    made = given(home)
    home.bank.next = ["no:insufficient_funds"]
    until(home, NOTICE)
    work(home)
    until(home, PAY)
    work(home)
    first, run = order_of(home, made), run_of(home, made)
    assert (first.status, run.stage) == (OrderStatus.FAILED, Stage.NOTICED)
    assert said(home)[-1] == "autopay_retry"
    with home.rows() as db:
        told = notify.messages(db, home.party, lang="zh", now=home.clock())
    assert "余额不足" in next(one.text for one in told if one.kind == "autopay_retry")
    assert work(home) == 0
    until(home, date(2026, 12, 5))
    assert work(home) == 1
    second = order_of(home, made)
    assert (second.retry_of, second.amount, second.status) == (first.order_id, 100_000, OrderStatus.PROMISED)
    assert home.bank.debits.total() == 1


def test_after_the_last_try_the_payer_is_told_to_pay_by_hand(home: Home) -> None:
    made = given(home, retries=1)
    home.bank.next = ["no:insufficient_funds"] * 2
    for day in (NOTICE, PAY, date(2026, 12, 5), date(2026, 12, 6)):
        until(home, day)
        work(home)
    run = run_of(home, made)
    assert (run.stage, run.why, run.tries) == (Stage.FAILED, Why.REFUSED, 2)
    assert said(home)[-1] == "autopay_failed"
    assert home.bank.debits.total() == 0


def test_of_each_try_the_mandate_alone_tells(home: Home) -> None:
    given(home, retries=1)
    home.bank.next = ["no:insufficient_funds"] * 2
    for day in (NOTICE, PAY, date(2026, 12, 5)):
        until(home, day)
        work(home)
    with home.rows() as db:
        told = [one.kind for one in notify.messages(db, home.party, lang="zh", now=home.clock())]
    assert (told.count("autopay_failed"), told.count("autopay_retry"), told.count("repay_failed")) == (1, 1, 0)


@pytest.mark.scope("S0-49")
def test_revoking_stops_what_was_not_sent_and_follows_what_was(home: Home) -> None:
    made = given(home)
    until(home, NOTICE)
    work(home)
    until(home, PAY)
    with jobs.transaction() as db:
        wall.everybody(db)
        autopay.run_due(db, now=home.clock(), at_most=10)
    with home.rows() as db:
        done = mandates.revoke(db, me(home, db), made.id, now=home.clock())
    assert (done.stopped, done.followed) == (1, ())
    assert order_of(home, made).status is OrderStatus.CANCELLED
    run = run_of(home, made)
    assert (run.stage, run.why) == (Stage.SKIPPED, Why.CANCELLED)
    assert home.money()["held"] == 0
    assert home.bank.debits.total() == 0


@pytest.mark.scope("S0-49")
def test_what_was_sent_when_the_mandate_ended_is_followed_to_its_end_and_told(home: Home) -> None:
    made = given(home)
    home.bank.next, home.bank.answers = ["processing"], ["processing"]
    until(home, NOTICE)
    work(home)
    until(home, PAY)
    work(home)
    with home.rows() as db:
        done = mandates.revoke(db, me(home, db), made.id, now=home.clock())
    order = order_of(home, made)
    assert (done.stopped, done.followed) == (0, (order.order_id,))
    assert said(home)[-1] == "autopay_revoked"
    assert order.key is not None
    home.clock.pass_(hours=1)
    while isinstance(delivery.follow(home.party, order.key, now=home.clock), Unknown):
        home.clock.pass_(hours=1)
    home.prove(order_of(home, made), on=PAY)
    assert run_of(home, made).stage == Stage.DONE, "the money moved, and the history says so"
    until(home, date(2026, 12, 19))
    with home.rows() as db:
        facts = BillFacts("cmb", "CNY", 50_000, 5_000, date(2026, 12, 18), date(2027, 1, 7), ("6214",))
        cards.record_bill(db, home.party, facts, now=home.clock())
    assert work(home) == 0
    assert len(runs(home, made)) == 1, "a revoked mandate takes up nothing"


def runs(home: Home, made: Mandate) -> tuple[Any, ...]:
    """The runs of a mandate."""
    with home.rows() as db:
        return mandates.runs_of(db, home.party, made.id)


def test_a_pause_holds_a_debit_up_and_it_goes_on_by_itself_when_lifted(home: Home) -> None:
    made = given(home)
    until(home, NOTICE)
    work(home)
    with home.rows() as db:
        limits.pause_everything(db, me(home, db), now=home.clock())
    until(home, PAY)
    for _ in range(2):
        assert work(home) == 0
        home.clock.pass_(hours=1)
    assert said(home).count("autopay_blocked") == 1, "once for each reason"
    with home.rows() as db:
        who = me(home, db)
        since = limits.at(db, home.party, now=home.clock()).pause
        assert since is not None
        asked = stepup.begin(db, who, limits.lift_act(home.party, since), shown="x", now=home.clock())
        limits.lift_pause(db, who, now=home.clock(), answer=Answer(asked.id))
    home.clock.pass_(hours=1)
    assert work(home) == 1
    assert run_of(home, made).stage == Stage.ORDERED


def test_what_is_held_up_until_it_is_too_late_ends_and_is_told(home: Home) -> None:
    made = given(home)
    until(home, NOTICE)
    work(home)
    with home.rows() as db:
        cards.record_balance(db, home.party, home.source_id, 100, balance_on=date(2026, 12, 3))
    until(home, PAY)
    work(home)
    assert said(home)[-1] == "autopay_blocked"
    until(home, date(2026, 12, 7), hour=16)
    work(home)
    run = run_of(home, made)
    assert (run.stage, run.why) == (Stage.FAILED, Why.BLOCKED)
    assert said(home)[-1] == "autopay_failed"


def test_a_switched_off_mandate_says_that_this_bill_will_not_be_paid(home: Home) -> None:
    made = given(home)
    with home.rows() as db:
        mandates.switch_off(db, me(home, db), made.id, now=home.clock())
    until(home, NOTICE)
    work(home)
    assert (run_of(home, made).why, said(home)[-1]) == (Why.SWITCHED_OFF, "autopay_off")


@pytest.mark.scope("S3-27")
def test_a_fixed_day_of_the_month_debits_each_month(home: Home) -> None:
    made = given(home, timing=Timing.MONTHLY, day_of_month=29, rule=AmountRule.CUSTOM, amount=30_000)
    until(home, date(2026, 11, 26))  # the 29th is a Sunday: paid on Friday the 27th, told the day before
    work(home)
    until(home, date(2026, 11, 27))
    assert work(home) == 1
    assert order_of(home, made).amount == 30_000
    until(home, date(2026, 11, 30))
    work(home)
    assert [one.occurrence_on for one in runs(home, made)] == [date(2026, 12, 29), date(2026, 11, 29)]
    assert run_of(home, made).pay_at == datetime(2026, 12, 29, 9, tzinfo=clock.CHINA)


def test_as_planned_the_legs_of_this_card_are_the_debits_and_change_with_the_plan(home: Home) -> None:
    with home.rows() as db:
        planning.set_channel(db, home.party, "bank_transfer", chosen=True)
    made = given(home, timing=Timing.PLANNED, rule=AmountRule.PLANNED, holiday=wish_of(home).holiday)
    work(home)
    (run,) = runs(home, made)
    with home.rows() as db:
        (leg,) = planning.plan_mine(db, home.party, as_of=date(2026, 11, 22)).legs
    assert run.occurrence_on == leg.on
    with home.rows() as db:
        cards.record_payment(db, home.party, home.bill_id, 100_000, credited_on=date(2026, 11, 22),
                             now=home.clock())  # fmt: skip
    home.clock.pass_(hours=2)
    work(home)
    assert (run_of(home, made).stage, run_of(home, made).why) == (Stage.SKIPPED, Why.PLAN_CHANGED)


def test_the_income_that_is_expected_says_when_to_try_again(home: Home) -> None:
    with home.rows() as db:
        planning.set_flow(db, home.party, home.source_id, 800_000, label="工资", day_of_month=5)
    made = given(home, retry_when=RetryWhen.INCOME, channel=NAME)
    home.bank.next = ["no:insufficient_funds"]
    for day in (NOTICE, PAY):
        until(home, day)
        work(home)
    until(home, date(2026, 12, 5), hour=20)
    assert work(home) == 0
    until(home, date(2026, 12, 6))
    assert work(home) == 1
    assert run_of(home, made).tries == 2


def test_a_card_in_doubt_is_to_be_checked_and_not_called_unbound(home: Home) -> None:
    made = given(home)
    until(home, NOTICE)
    work(home)
    with home.worker() as db:
        bindings.doubt(db, home.me, home.party, bindings.Kind.CARD, home.account_id, made.wish.channel or "",
                       now=home.clock())  # fmt: skip
    until(home, PAY)
    work(home)
    with home.rows() as db:
        last = max(notify.messages(db, home.party, lang="zh", now=home.clock()), key=lambda one: one.made_at)
    assert (last.kind, last.link, "核对" in last.text) == ("autopay_blocked", "/me/bindings", True)
    until(home, date(2026, 12, 7), hour=16)
    work(home)
    with home.rows() as db:
        asked = text("SELECT why, blocked FROM mandate_runs WHERE user_id = :me")
        assert db.execute(asked, {"me": home.party}).all() == [("blocked", "repay.binding_in_doubt")]
