"""The golden cases of domain.md, section 3, by the planner's own simulator."""

from datetime import date
from fractions import Fraction

import pytest

from anhuan.planning import Payment, Request
from anhuan.planning.model import Account, BadPlan, Basis, Card, Channel, Charge, Credit, Offer, Statement
from anhuan.planning.rules import instalment_fee, run_card, shares_of
from anhuan.planning.ways import credited_on, fee_for, with_fees

FULL, UNPAID = Basis.FULL, Basis.UNPAID
LAST = date(2026, 5, 24).toordinal()


def day(month: int, number: int) -> int:
    return date(2026, month, number).toordinal()


def card(basis: Basis, *, tolerance: int = 0, minimum: int = 100_000) -> Card:
    """One purchase of 10,000.00 posted 10 March; statement 5 April, due 25 April, next statement 5 May."""
    first = Statement(day(4, 5), day(4, 25), (Charge(day(3, 10), 1_000_000),), minimum=minimum)
    return Card(
        "a", (first, Statement(day(5, 5), day(5, 25))), Fraction(5, 10_000), basis, tolerance=tolerance,
        minimum_rate=Fraction(1, 10), late_fee_rate=Fraction(5, 100),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("basis", "tolerance", "paid", "interest"),
    [
        (FULL, 0, 990_000, 23_050),  # G1: the missing 100 yuan cost 230.50
        (UNPAID, 0, 990_000, 280),
        (FULL, 10_000, 990_000, 0),  # a tolerance of 1%
        (FULL, 0, 100_000, 27_500),  # G2: the minimum
        (UNPAID, 0, 100_000, 25_200),
        (FULL, 0, 0, 28_000),  # G3: nothing
        (UNPAID, 0, 0, 28_000),
        (FULL, 0, 1_000_000, 0),
    ],
)
def test_interest_up_to_the_next_statement(basis: Basis, tolerance: int, paid: int, interest: int) -> None:
    credits = [Credit(day(4, 25), paid)] if paid else []
    told = run_card(card(basis, tolerance=tolerance), credits, last=day(5, 24))
    assert told.statements[0].interest == interest


def test_g1_what_the_tolerance_leaves_open_becomes_a_charge_of_the_next_statement() -> None:
    told = run_card(card(FULL, tolerance=10_000), [Credit(day(4, 25), 990_000)], last=day(5, 24))
    assert (told.statements[1].balance, told.statements[1].charges, told.bearing) == (10_000, 10_000, 0)


def test_g2_the_next_bill_after_the_minimum() -> None:
    told = run_card(card(FULL), [Credit(day(4, 25), 100_000)], last=day(5, 24))
    assert (told.statements[1].balance, told.statements[1].minimum) == (927_500, 92_750)


def test_g3_the_next_bill_after_nothing_and_its_late_fee_that_earns_no_interest() -> None:
    told = run_card(card(FULL), [], last=day(5, 24))
    after = told.statements[1]
    assert (told.late_fees, told.missed) == (5_000, 1)
    assert (after.balance, after.fees, after.minimum) == (1_033_000, 5_000, 207_800)


@pytest.mark.parametrize(
    ("amount", "floor", "fee"),
    [
        (500_000, 10, 0),  # G4: all of it free
        (800_000, 10, 300),
        (500_001, 10, 10),  # the floor
        (5_000_000, 10, 4_500),
        (500_001, 0, 1),  # any part of a fen is charged as one
    ],
)
def test_g4_fees_above_the_months_free_quota(amount: int, floor: int, fee: int) -> None:
    channel = Channel("w", ("d",), ("a",), fee_rate=Fraction(1, 1000), free_quota=500_000, fee_minimum=floor)
    assert fee_for(channel, amount, used=0) == fee


def test_g4_the_quota_is_used_up_in_order_and_comes_back_with_the_month() -> None:
    channel = Channel("w", ("d",), ("a",), fee_rate=Fraction(1, 1000), free_quota=500_000)
    request = Request(day(4, 1), LAST, 180, 0, (Account("d", 10**7),), (card(FULL),), channels=(channel,))
    days = (day(4, 30), day(4, 29), day(5, 1))
    told = with_fees(request, [Payment(on, "d", "w", "a", 400_000) for on in days])
    assert [payment.fee for payment in told] == [0, 300, 0]


def test_g5_twelve_periods_bring_their_fee_each() -> None:
    offer = Offer("o", 0, 12, Fraction(6, 1000), 0, 1_200_000)
    statements = tuple(Statement(day(1, 5) + 30 * i, day(1, 5) + 30 * i + 20) for i in range(13))
    shares = shares_of(Card("a", statements, Fraction(0), offers=(offer,)), [(offer, 1_200_000)])
    assert list(shares.values()) == [107_200] * 12
    assert 12 * instalment_fee(offer, 1_200_000) == 86_400


def test_g6_the_last_share_takes_the_odd_fen() -> None:
    offer = Offer("o", 0, 3, Fraction(0), 0, 1_000_000)
    statements = tuple(Statement(day(1, 5) + 30 * i, day(1, 5) + 30 * i + 20) for i in range(4))
    shares = shares_of(Card("a", statements, Fraction(0), offers=(offer,)), [(offer, 1_000_000)])
    assert list(shares.values()) == [333_333, 333_333, 333_334]


@pytest.mark.scope("S0-21")
def test_g7_a_channel_of_workdays_books_after_the_spring_festival() -> None:
    channel = Channel("t", ("d",), ("a",), workdays_only=True)
    assert credited_on(channel, day(2, 21)) == day(2, 24)
    assert credited_on(channel, day(2, 14)) == day(2, 14), "a working Saturday"
    assert credited_on(channel, day(10, 10)) == day(10, 10)


def test_nobody_pays_more_than_is_open() -> None:
    with pytest.raises(BadPlan, match="open balance"):
        run_card(card(FULL), [Credit(day(4, 25), 1_000_001)], last=day(5, 24))


def test_a_payment_on_the_statement_date_counts_for_the_new_statement() -> None:
    told = run_card(card(FULL), [Credit(day(5, 5), 1)], last=day(5, 24))
    assert [one.paid for one in told.statements] == [0, 1]
