"""Journals as a desk writes them (ledger.md, section 9): what each moment of a journey leaves on the accounts."""

import pytest
from tests.laws.book import Book

from anhuan import ledger
from anhuan.kit.money import yuan
from anhuan.ledger import Result

NOTHING = yuan("0.00")


def test_a_repayment_leaves_transit_empty_and_the_card_paid(book: Book) -> None:
    book.post("""
        quota_source -> quota:lin/2026-11    200.00
        hold bank:lin -> transit:C           500.00 as order   # placed: the bank is asked to take it
        hold quota:lin/2026-11 -> quota_used 200.00 as free
    """)
    assert book.balances()["bank:lin"] == NOTHING
    assert (book.available("bank:lin"), book.available("quota:lin/2026-11")) == (yuan("-500.00"), NOTHING)
    book.post("""
        capture order                                          # the bank says taken
        capture free
        transit:C -> card:lin                500.00            # the card's own data show it
        channel_due:C -> fee_income          0.30
    """)
    assert book.balances() == {
        "quota_source": yuan("-200.00"), "quota:lin/2026-11": NOTHING, "quota_used": yuan("200.00"),
        "bank:lin": yuan("-500.00"), "transit:C": NOTHING, "card:lin": yuan("500.00"),
        "channel_due:C": yuan("-0.30"), "fee_income": yuan("0.30"),
    }  # fmt: skip


def test_a_rejected_card_gives_every_fen_back(book: Book) -> None:
    book.post("""
        bank:lin -> transit:C      500.00   # taken from her own account
        transit:C -> bank:lin      500.00   # the card's bank refused: every fen goes back
    """)
    assert book.balances() == {"bank:lin": NOTHING, "transit:C": NOTHING}


def test_a_cancelled_order_releases_everything_and_leaves_its_trace(book: Book) -> None:
    book.post("hold bank:lin -> transit:C 500.00 as order")
    book.post("void order")
    state = book.state("bank:lin")
    assert (state.posted, state.held, state.held_in, state.seq) == (0, 0, 0, 2)
    with pytest.raises(ledger.AlreadyResolved):
        book.post("capture order")


def test_money_that_comes_back_after_arrival_is_reversed_line_by_line(book: Book) -> None:
    book.post("""
        quota_source -> quota:lin/2026-11    500.00
        hold quota:lin/2026-11 -> quota_used 500.00 as free
        hold bank:lin -> transit:C           500.00 as order
        capture order as taken
        capture free as spent
        transit:C -> card:lin                500.00 as arrived
        channel_due:C -> fee_income          0.30   as fee
    """)
    book.post("""
        {
        reverse arrived as returned          # 退汇
        reverse fee
        reverse spent
        transit:C -> bank:lin                500.00
        }
    """)
    left = {name: state for name, state in book.balances().items() if state != NOTHING}
    assert left == {"quota_source": yuan("-500.00"), "quota:lin/2026-11": yuan("500.00")}
    assert list(book.ask("reverse arrived")) == [Result.ALREADY_RESOLVED], "the first stood in a group"
    book.post("reverse returned")  # the bank says the return was its mistake: a reversal can be reversed once
    assert book.balances()["card:lin"] == yuan("500.00")


def test_what_a_channel_kept_on_the_way_stands_beside_what_arrived(book: Book) -> None:
    book.post("""
        bank:lin -> transit:C              500.00
        transit:C -> card:lin              499.50
        transit:C -> outside_fee:lin/C     0.50
    """)
    assert book.balances()["transit:C"] == NOTHING


def test_a_partial_capture_releases_the_rest(book: Book) -> None:
    book.post("""
        hold bank:lin -> transit:C 500.00 as order
        capture order 499.99
    """)
    state = book.state("bank:lin")
    assert (state.posted, state.held) == (-49_999, 0)
    assert book.state("transit:C").held_in == 0


def test_quota_that_somebody_used_meanwhile_refuses_the_whole_order(book: Book) -> None:
    book.bound("quota:lin/2026-11", floor="0.00")
    book.post("quota_source -> quota:lin/2026-11 100.00")
    refused = book.ask("""
        {
        hold bank:lin -> transit:C           500.00
        hold quota:lin/2026-11 -> quota_used 100.01
        }
        hold quota:lin/2026-11 -> quota_used 100.00
    """)
    assert list(refused) == [Result.LINKED, Result.BELOW_FLOOR, Result.OK]
    with pytest.raises(ledger.BelowFloor):
        refused.insist()
    assert book.state("bank:lin").seq == 0


@pytest.mark.parametrize("more", ["1", "99999"])  # one point above the budget, and far above
def test_an_issuer_cannot_give_out_one_point_more_than_its_budget(book: Book, more: str) -> None:
    book.bound("issuer", floor="-100001")
    book.post("issuer -> points:lin/2027-12 100001")
    with pytest.raises(ledger.BelowFloor):
        book.post(f"issuer -> points:lin/2027-12 {more}")
    assert book.balances() == {"issuer": -100_001, "points:lin/2027-12": 100_001}


def test_a_limit_cut_below_what_is_drawn_lets_money_come_back_and_nothing_go_out(book: Book) -> None:
    book.post("issuer -> points:lin/2027-12 1000")
    book.bound("issuer", floor="-400")
    assert book.state("issuer").over
    assert list(book.ask("issuer -> points:lin/2027-12 1")) == [Result.BELOW_FLOOR]
    book.post("points:lin/2027-12 -> issuer 500")
    assert book.state("issuer").over, "still 100 below"
    book.post("points:lin/2027-12 -> issuer 100")
    assert not book.state("issuer").over


def test_a_frozen_account_neither_pays_nor_takes_but_what_was_held_may_still_be_captured(book: Book) -> None:
    book.post("hold bank:lin -> transit:C 10.00 as order")
    book.bound("bank:lin", frozen=True)
    assert list(book.ask("bank:lin -> transit:C 1.00")) == [Result.FROZEN]
    assert list(book.ask("transit:C -> bank:lin 1.00")) == [Result.FROZEN]
    book.post("capture order")  # records what has happened outside


def test_only_a_hold_that_was_given_a_time_expires(book: Book) -> None:
    book.post("""
        hold bank:lin -> transit:C 10.00 as order
        quota_source -> quota:lin/2026-11 5.00
        hold quota:lin/2026-11 -> quota_used 5.00 as quote until 2026-11-30
    """)
    assert list(book.ask("""
        expire order
        expire quote
        void quote
    """)) == [Result.NEVER_EXPIRES, Result.OK, Result.ALREADY_RESOLVED]  # fmt: skip


def test_points_become_money_by_two_postings_in_two_units(book: Book) -> None:
    book.post("issuer -> points:lin/2027-12 1000")
    book.post("""
        {
        points:lin/2027-12 -> points_exchange 1000
        exchange:points -> fee_income         10.00
        }
    """)
    assert book.balances()["points_exchange"] == 1000
    assert book.balances()["exchange:points"] == yuan("-10.00")
