"""What if I pay only so much, or so late: figures shown before the choice is made."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from anhuan.cards import (
    BillView,
    CardTerms,
    Charge,
    InterestBasis,
    Level,
    NotABill,
    Payment,
    consequences_of,
    late_cost,
)
from anhuan.kit.ids import new_id
from anhuan.kit.money import yuan

POSTED, STATEMENT, DUE, NEXT = date(2026, 3, 10), date(2026, 4, 5), date(2026, 4, 25), date(2026, 5, 5)
TERMS = CardTerms(Decimal("0.0005"), InterestBasis.FULL, Decimal("0.1"), Decimal("0.05"))


def fen(text: str) -> int:
    return yuan(text).minor


def bill() -> BillView:
    return BillView(
        bill_id=new_id(),
        account_id=new_id(),
        bank="cgb",
        currency="CNY",
        statement_on=STATEMENT,
        due_on=DUE,
        total_due=fen("10000"),
        minimum_due=fen("1000"),
        paid=0,
        level=Level.CARD,
        version=1,
        known_at=datetime(2026, 4, 6, tzinfo=UTC),
        known_complete=True,
        charges=(Charge(POSTED, fen("10000")),),
    )


@pytest.mark.scope("S3-06", "S0-03", "S0-20")
def test_each_choice_shows_its_cost_before_it_is_made() -> None:
    found = consequences_of(bill(), TERMS, [fen("9900")], pay_on=DUE, next_statement_on=NEXT)
    assert [(one.choice, one.cost, one.missed) for one in found] == [
        ("full", 0, False),
        ("custom", fen("230.50"), False),
        ("minimum", fen("275"), False),
        ("nothing", fen("330"), True),
    ]
    nothing = found[-1]
    assert (nothing.next_balance, nothing.next_minimum) == (fen("10330"), fen("2078"))
    assert not any(one.assumed for one in found)


def test_what_was_paid_already_counts() -> None:
    paid = replace(bill(), paid=fen("9000"), payments=(Payment(date(2026, 4, 10), fen("9000")),))
    full, *_ = consequences_of(paid, TERMS, pay_on=DUE, next_statement_on=NEXT)
    assert (full.choice, full.amount, full.cost) == ("full", fen("1000"), 0)


def test_an_overpaid_bill_costs_nothing_whatever_is_chosen() -> None:
    paid = replace(bill(), paid=fen("10500"), payments=(Payment(date(2026, 4, 10), fen("10500")),))
    assert {one.cost for one in consequences_of(paid, TERMS, [5], pay_on=DUE, next_statement_on=NEXT)} == {0}


def test_unknown_charges_are_taken_at_their_dearest_and_said_to_be_assumed() -> None:
    unknown = replace(bill(), charges=(), known_complete=False, cycle_from=date(2026, 3, 6))
    nothing = consequences_of(unknown, TERMS, pay_on=DUE, next_statement_on=NEXT)[-1]
    assert nothing.assumed
    assert nothing.interest == fen("300"), "60 days from the first day of the cycle"
    assert "假设" in nothing.steps[0].label


def test_a_courtesy_that_reaches_into_the_next_statement_ends_before_it() -> None:
    generous = replace(TERMS, grace_days=30)
    full, *_ = consequences_of(bill(), generous, pay_on=NEXT - timedelta(days=1), next_statement_on=NEXT)
    assert (full.choice, full.cost) == ("full", 0)


@pytest.mark.scope("S0-19")
@pytest.mark.parametrize(
    ("days_late", "interest", "late_fee"),
    [
        (0, "0", "0"),
        (1, "235", "50"),  # 47 days on everything
        (9, "275", "50"),
        (10, "280", "50"),  # the next statement: interest and fee are on it, and it is paid that day
    ],
)
def test_days_late_have_a_price(days_late: int, interest: str, late_fee: str) -> None:
    one = late_cost(bill(), TERMS, days_late=days_late, upcoming=[(NEXT, date(2026, 5, 25))])
    assert (one.interest, one.late_fee) == (fen(interest), fen(late_fee))
    assert one.amount == fen("10330") if days_late == 10 else fen("10000")


def test_months_late_compound() -> None:
    months = [(date(2026, month, 5), date(2026, month, 25)) for month in (5, 6, 7)]
    short, long = (late_cost(bill(), TERMS, days_late=days, upcoming=months) for days in (30, 90))
    assert short.interest == fen("382.80"), "280.00 billed, then 20 days on 10,280.00: the fee bears none"
    assert long.interest > fen("680"), "more than 136 days of simple interest on 10,000.00"
    assert long.late_fee > short.late_fee == fen("50")


def test_without_a_due_day_nothing_can_be_said() -> None:
    with pytest.raises(NotABill):
        consequences_of(replace(bill(), due_on=None), TERMS, pay_on=DUE, next_statement_on=NEXT)
    with pytest.raises(NotABill):
        consequences_of(bill(), TERMS, pay_on=DUE, next_statement_on=DUE)


def test_steps_speak_both_languages() -> None:
    chinese, english = (
        consequences_of(bill(), TERMS, pay_on=DUE, next_statement_on=NEXT, lang=lang)[-1].steps for lang in ("zh", "en")
    )
    assert [step.amount for step in chinese] == [step.amount for step in english]
    assert any("违约金" in step.label for step in chinese)
    assert any("late fee" in step.label for step in english)
