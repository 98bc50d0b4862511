"""What counts as on its way: all that is open, but no promise to pay by hand that a newer bill left behind."""

from datetime import date

import pytest
from tests.channels.bank import NAME
from tests.repayments.autopaying import given, run_of, until, work
from tests.repayments.conftest import Home, clean, home, house

from anhuan import cards, repayments
from anhuan.cards import BillFacts
from anhuan.channels import evidence
from anhuan.repayments import OrderStatus, OrderView, mandate_previews, screen_orders, under_way
from anhuan.repayments.model import NothingToPay

__all__ = ["clean", "home", "house"]
pytestmark = pytest.mark.scope("S2-06", "S3-02")
BY_HAND = "bank_app"
STATEMENT, DUE = date(2026, 12, 18), date(2027, 1, 8)  # of the next bill; the first one is due on 8 December
NEW = 150_000  # the next bill, with what was not paid of the first


def walking(home: Home) -> OrderView:
    """A payment of the first bill by hand, for which the payer knows the steps."""
    [order] = home.tap(channel=BY_HAND)
    home.deliver(order)
    return home.found(order)


def billed(home: Home, statement_on: date = STATEMENT, due_on: date = DUE) -> None:
    facts = BillFacts("cmb", "CNY", NEW, 15_000, statement_on, due_on, ("6214",))
    with home.rows() as db:
        cards.record_bill(db, home.party, facts, now=home.clock())


def marked(home: Home, order: OrderView) -> None:
    assert order.key is not None
    with home.rows() as db:
        evidence.mark_paid(db, home.me, home.party, order.key, now=home.clock())


def on_way(home: Home) -> int:
    with home.rows() as db:
        return repayments.on_its_way(db, home.party, on=home.clock().date())[home.account_id]


def test_a_promise_of_a_bill_that_is_over_keeps_nobody_from_paying_the_next(home: Home) -> None:
    old = walking(home)
    assert on_way(home) == 100_000
    until(home, date(2026, 12, 19))
    assert on_way(home) == 100_000, "no newer bill tells what became of it"
    billed(home)
    assert on_way(home) == 0
    assert home.quote().amount == NEW
    [new] = home.tap(channel=BY_HAND)
    assert (new.amount, on_way(home)) == (NEW, NEW)
    assert home.found(old).status is OrderStatus.SENT, "it waits for the payer's word"
    with pytest.raises(NothingToPay):
        home.tap()


@pytest.mark.parametrize(
    ("said_on", "counts"),
    [(date(2026, 12, 9), False), (STATEMENT, True), (date(2026, 12, 19), True)],  # the bill tells what came before it
)
def test_the_payers_word_after_the_newer_statement_counts_again(home: Home, said_on: date, counts: bool) -> None:
    old = walking(home)
    until(home, said_on)
    marked(home, old)
    until(home, date(2026, 12, 20))
    billed(home)
    assert on_way(home) == (100_000 if counts else 0)
    assert home.quote().amount == NEW - on_way(home)


def test_a_word_that_is_taken_back_counts_no_more(home: Home) -> None:
    old = walking(home)
    until(home, date(2026, 12, 20))
    billed(home)
    marked(home, old)
    assert on_way(home) == 100_000
    assert old.key is not None
    with home.rows() as db:
        evidence.mark_unpaid(db, home.me, home.party, old.key, now=home.clock())
    assert on_way(home) == 0


def test_a_promise_stands_while_its_own_bill_is_not_over(home: Home) -> None:
    walking(home)
    until(home, date(2026, 12, 6))
    billed(home, date(2026, 12, 5), date(2026, 12, 25))
    assert on_way(home) == 100_000
    until(home, date(2026, 12, 9))
    assert on_way(home) == 0


def test_what_a_channel_holds_counts_whatever_bill_comes(home: Home) -> None:
    home.bank.next = ["hang up"]
    [order] = home.tap()
    home.deliver(order)
    until(home, date(2026, 12, 20))
    billed(home)
    assert on_way(home) == 100_000, "nobody but the channel knows where it is"


def test_autopay_pays_the_next_bill_and_its_preview_says_so(home: Home) -> None:
    mandate = given(home)
    walking(home)
    until(home, date(2026, 12, 11))
    billed(home, date(2026, 12, 10), date(2026, 12, 29))
    with home.rows() as db:
        face = cards.account_face(db, home.party, home.account_id)
        first = mandate_previews.of(db, home.party, mandate.wish, face, now=home.clock())[0]
    assert (first.amount, first.due_on) == (NEW, date(2026, 12, 29))
    until(home, date(2026, 12, 24))
    work(home)
    until(home, date(2026, 12, 25))
    assert work(home) == 1
    assert run_of(home, mandate).amount == NEW


def test_a_payment_on_a_day_is_not_ended_by_a_promise_that_was_left_behind(home: Home) -> None:
    walking(home)
    until(home, date(2026, 12, 19))
    billed(home)
    [later] = home.tap(channel=NAME, start_on=date(2026, 12, 21))
    until(home, date(2026, 12, 21))
    with home.worker() as db:
        started = repayments.start(db, home.party, later.order_id, now=home.clock())
    assert started is not None
    assert (started.status, started.amount) == (OrderStatus.PLACED, NEW)


def test_the_payer_is_asked_what_became_of_it(home: Home) -> None:
    old = walking(home)
    until(home, date(2026, 12, 19))
    today = home.clock().date()
    with home.rows() as db:
        assert screen_orders.stuck(db, home.party, now=home.clock(), today=today) == ()
    billed(home)
    with home.rows() as db:
        [shown] = screen_orders.stuck(db, home.party, now=home.clock(), today=today)
        board = cards.due_board(db, home.party, on=today)
        assert screen_orders.ways_of(board.entries, [shown]) == {}, "the new bill shows nothing on its way"
    assert (shown.order.order_id, shown.left_behind, shown.walks) == (old.order_id, True, False)
    assert old.key is not None
    with home.rows() as db:
        evidence.mark_unpaid(db, home.me, home.party, old.key, now=home.clock())
    with home.worker() as db:
        evidence.weigh(db, home.party, old.key, now=home.clock())
    assert home.found(old).status is OrderStatus.FAILED
    with home.rows() as db:
        assert under_way.left_behind(db, {(home.party, home.account_id)}, on=today) == frozenset()
