"""One payment from the tap to its end: the money is set aside, sent once, followed, proved, or given back."""

import threading
from datetime import date, timedelta

import pytest
from sqlalchemy import text
from tests.repayments.conftest import Home

from anhuan import cards, repayments
from anhuan.cards import BillFacts
from anhuan.channels import delivery, kept_messages
from anhuan.channels import service as hands
from anhuan.channels.model import Settled, Unknown
from anhuan.identity import limits
from anhuan.identity.limits import LimitKind, OverOwnLimit, Which
from anhuan.identity.stepup import StepUpNeeded
from anhuan.kit import clock, ids, wall
from anhuan.kit import db as database
from anhuan.kit.actors import Actor, ActorKind
from anhuan.repayments import AmountRule, OrderStatus, Wait, day_limits, journey, moving, payers, store
from anhuan.repayments.model import BadAsk, KeyReused, NothingToPay

S = OrderStatus


@pytest.mark.scope("S3-03", "S0-34")
def test_a_tap_sets_the_money_aside_and_sends_it_once(home: Home) -> None:
    [order] = home.tap()
    assert (order.status, order.amount) == (S.PLACED, 100_000)
    assert home.money() == {"bank": 0, "card": 0, "held": 100_000, "transit": 0}
    assert isinstance(home.deliver(order), Settled)
    assert home.found(order).status is S.PROMISED
    assert home.bank.debits[str(order.key)] == 1
    assert home.money() == {"bank": -100_000, "card": 0, "held": 0, "transit": 100_000}


@pytest.mark.scope("S3-02", "S0-40")
def test_arrived_is_said_on_bank_data_alone(home: Home) -> None:
    [order] = home.tap()
    home.deliver(order)
    assert home.found(order).status is S.PROMISED
    home.prove(order)
    found = home.found(order)
    assert (found.status, found.arrived_on, found.arrived) == (S.ARRIVED, date(2026, 11, 22), 100_000)
    assert home.money() == {"bank": -100_000, "card": 100_000, "held": 0, "transit": 0}
    assert [kind for kind in home.told(order) if kind != "alerted"] == [
        "confirmed", "placed", "sent", "promised", "arrived",
    ]  # fmt: skip


def test_the_same_tap_twice_is_one_payment(home: Home) -> None:
    key = ids.new_id()
    [first], [again] = home.tap(key=key), home.tap(key=key)
    assert first.order_id == again.order_id
    assert home.money()["held"] == 100_000


def test_a_key_that_was_used_for_another_wish_is_refused(home: Home) -> None:
    key = ids.new_id()
    home.tap(key=key, rule=AmountRule.CUSTOM, amount=10_000)
    with pytest.raises(KeyReused):
        home.tap(key=key, rule=AmountRule.CUSTOM, amount=20_000)


def test_what_is_on_its_way_is_not_paid_once_more(home: Home) -> None:
    home.tap()
    with pytest.raises(NothingToPay):
        home.tap()


def test_two_taps_at_the_same_moment_fit_under_one_bill(home: Home) -> None:
    outcomes: list[str] = []

    def tap() -> None:
        try:
            home.tap()
            outcomes.append("paid")
        except NothingToPay:
            outcomes.append("refused")

    both = [threading.Thread(target=tap) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sorted(outcomes) == ["paid", "refused"]
    assert home.money()["held"] == 100_000


def test_a_final_no_gives_every_fen_free_again(home: Home) -> None:
    home.bank.next = ["no:insufficient_funds"]
    [order] = home.tap()
    home.deliver(order)
    found = home.found(order)
    assert (found.status, found.final_code) == (S.FAILED, "insufficient_funds")
    assert home.money() == {"bank": 0, "card": 0, "held": 0, "transit": 0}


def test_an_unknown_answer_leaves_the_money_where_the_last_proof_put_it(home: Home) -> None:
    home.bank.next = ["hang up"]
    [order] = home.tap()
    assert isinstance(home.deliver(order), Unknown)
    assert home.found(order).status is S.SENT
    assert home.money() == {"bank": 0, "card": 0, "held": 100_000, "transit": 0}
    home.deliver(order)
    assert home.found(order).status is S.PROMISED
    assert home.bank.debits[str(order.key)] == 1


def test_an_order_that_could_not_follow_keeps_the_answer_and_is_looked_at_next(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object, **__: object) -> None:
        raise RuntimeError("the books are busy")

    [order] = home.tap()
    with monkeypatch.context() as patch:
        patch.setattr(moving, "learn", break_down)
        assert isinstance(home.deliver(order), Settled)
    behind = home.found(order)
    assert (behind.status, behind.next_at) == (S.PLACED, home.clock())
    with home.worker() as db:
        journey.step(db, home.party, order.order_id, now=home.clock())
    assert home.found(order).status is S.PROMISED
    assert home.bank.debits[str(order.key)] == 1


def test_money_that_comes_back_after_arrival_undoes_the_arrival(home: Home) -> None:
    [order] = home.tap()
    home.deliver(order)
    home.prove(order)
    state = home.bank.states[str(order.key)]
    state["event"] = {"kind": "returned", "at": "2026-11-23T02:00:00+00:00", "amount": 100_000}
    delivery.ask(home.party, order.key, now=home.clock)  # type: ignore[arg-type]
    assert home.found(order).status is S.GIVEN_BACK
    assert home.money() == {"bank": 0, "card": 0, "held": 0, "transit": 0}


def test_less_on_the_card_than_was_sent_stayed_with_the_channel(home: Home) -> None:
    [order] = home.tap()
    home.deliver(order)
    home.prove(order, amount=99_950)
    assert (home.found(order).status, home.found(order).arrived) == (S.ARRIVED, 99_950)
    assert home.money() == {"bank": -100_000, "card": 99_950, "held": 0, "transit": 0}


def test_what_has_not_gone_out_can_be_taken_back(home: Home) -> None:
    [order] = home.tap()
    with home.rows() as db:
        cancelled = repayments.cancel(db, home.me, home.party, order.order_id, now=home.clock())
    assert cancelled.status is S.CANCELLED
    assert home.money()["held"] == 0
    home.deliver(order)
    assert home.bank.sent == {}


def test_what_has_gone_out_is_followed_and_not_taken_back(home: Home) -> None:
    [order] = home.tap()
    home.deliver(order)
    with pytest.raises(repayments.TooLateToCancel), home.rows() as db:
        repayments.cancel(db, home.me, home.party, order.order_id, now=home.clock())
    assert home.found(order).status is S.PROMISED


@pytest.mark.scope("S0-14")
def test_a_pause_between_tap_and_sending_keeps_the_bytes_here(home: Home) -> None:
    [order] = home.tap()
    with home.rows() as db:
        limits.pause_everything(db, Actor(ActorKind.PERSON, home.party, home.party), now=home.clock())
    home.deliver(order)
    assert home.bank.sent == {}
    assert home.found(order).wait is Wait.PAUSED
    assert "waiting" in home.told(order)


def test_a_scheduled_order_holds_nothing_until_its_day(home: Home) -> None:
    [order] = home.tap(start_on=date(2026, 11, 25))
    assert order.status is S.SCHEDULED
    assert home.money()["held"] == 0
    home.clock.pass_(days=3)
    with home.worker() as db:
        journey.step(db, home.party, order.order_id, now=home.clock())
    assert home.found(order).status is S.PLACED
    assert home.money()["held"] == 100_000


def test_a_scheduled_order_that_was_paid_for_meanwhile_ends(home: Home) -> None:
    [order] = home.tap(start_on=date(2026, 11, 25))
    with home.rows() as db:
        cards.record_payment(db, home.party, home.bill_id, 60_000, date(2026, 11, 24), now=home.clock())
    home.clock.pass_(days=3)
    with home.worker() as db:
        journey.step(db, home.party, order.order_id, now=home.clock())
    found = home.found(order)
    assert (found.status, found.final_code) == (S.FAILED, "repay.paid_meanwhile")


def test_a_person_on_a_page_proves_who_acts_before_anything_is_kept(home: Home) -> None:
    page = Actor(ActorKind.PERSON, home.party, home.party, session_id=ids.new_id())
    quote = home.quote()
    with pytest.raises(StepUpNeeded), home.rows() as db:
        repayments.confirm(db, page, [quote], key=ids.new_id(), answer=None, now=home.clock())
    assert home.money()["held"] == 0


@pytest.mark.parametrize("kill", ["before the answer is written", "before the message is kept"])
def test_a_worker_that_dies_leaves_one_debit(home: Home, kill: str, monkeypatch: pytest.MonkeyPatch) -> None:
    [order] = home.tap()

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(*{"before the answer is written": (hands, "note")}.get(kill, (kept_messages, "keep")), die)
        with pytest.raises(KeyboardInterrupt):
            home.deliver(order)
    home.deliver(order)
    assert home.found(order).status is S.PROMISED
    assert home.bank.debits[str(order.key)] == 1


def test_the_round_looks_at_what_is_due_nearest_end_first(home: Home) -> None:
    [order] = home.tap(start_on=date(2026, 11, 25))
    home.clock.pass_(days=3)
    with database.sessions("work").begin() as db:
        wall.everybody(db)
        found = store.due(
            db, home.clock(), until=home.clock() + timedelta(minutes=10), at_most=500
        )  # fmt: skip
    assert (home.party, order.order_id) in [tuple(one) for one in found]


def test_a_payment_above_the_channels_limit_is_cut_into_parts_and_no_other(home: Home) -> None:
    with home.rows() as db:
        facts = BillFacts("cmb", "CNY", 12_000_000, 600_000, date(2026, 11, 19), date(2026, 12, 9), ("6214",))
        cards.record_bill(db, home.party, facts, now=home.clock())
        cards.record_balance(db, home.party, home.source_id, 90_000_000, balance_on=date(2026, 11, 22))
    quote = home.quote()
    assert [part.amount for part in quote.parts] == [4_000_000] * 3
    assert home.quote(channel=None).parts == quote.parts  # rather in parts by itself than whole by hand
    by_hand = home.quote(channel="bank_app")  # the own bank's app has its own limits; ours are for what we send
    assert ([part.amount for part in by_hand.parts], by_hand.troubles) == ([12_000_000], ())
    home.tap(channel="bank_app")
    with home.rows() as db:
        today = home.clock().astimezone(clock.CHINA).date()
        assert day_limits.used_on(payers.of(db, home.party, now=home.clock()), today) == 0


def test_several_payments_of_one_tap_are_within_the_days_limit_together(home: Home) -> None:
    with home.rows() as db:
        who = Actor(ActorKind.PERSON, person_id=home.party, party_id=home.party)
        limits.set_limit(db, who, Which(LimitKind.PER_DAY), 50_000, now=home.clock())
    ask = home.ask(rule=AmountRule.CUSTOM, amount=30_000)
    with home.rows() as db:
        quotes = [repayments.quote(db, home.party, ask, now=home.clock()) for _ in range(2)]
        assert [one.troubles for one in quotes] == [(), ()]
        with pytest.raises(OverOwnLimit):
            repayments.confirm(db, home.me, quotes, key=ids.new_id(), answer=None, now=home.clock())
    with home.rows() as db:
        assert len(repayments.confirm(db, home.me, quotes[:1], key=ids.new_id(), answer=None, now=home.clock())) == 1
    for key in (ids.new_id(), ids.new_id()):  # weighed before the first was placed, as by another tap at that moment
        with pytest.raises(OverOwnLimit), home.rows() as db:
            repayments.confirm(db, home.me, quotes[1:], key=key, answer=None, now=home.clock())


@pytest.mark.parametrize("on", [date(2027, 11, 24), date(9999, 12, 31)])
def test_a_day_beyond_a_year_is_refused_and_is_no_fault(home: Home, on: date) -> None:
    assert [one.code for one in home.quote(start_on=on).troubles] == [BadAsk.code]
    with pytest.raises(BadAsk):
        home.tap(start_on=on)


def test_the_postings_of_an_order_name_it(home: Home, clean: object) -> None:
    [order] = home.tap()
    home.deliver(order)
    home.prove(order)
    with database.sessions("audit").begin() as db:
        found = db.execute(text("SELECT count(*) FROM ledger.posting WHERE ref = :ref"), {"ref": order.order_id})
        assert found.scalar_one() == 3  # set aside, taken, arrived
