"""The oracle to the fen: the golden cases of the domain, the rules at their edges, and what holds for every story."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anhuan.cards.model import CardTerms, Charge, InterestBasis, Payment
from anhuan.cards.oracle import Agreement, CardStory, StoryBroken, StoryStatement, Taken, Told, share_of, tell
from anhuan.kit.money import yuan

FULL, UNPAID = InterestBasis.FULL, InterestBasis.UNPAID
POSTED, FIRST, DUE, SECOND = date(2026, 3, 10), date(2026, 4, 5), date(2026, 4, 25), date(2026, 5, 5)
SECOND_DUE = date(2026, 5, 25)
DAY = timedelta(days=1)


def fen(text: str) -> int:
    return yuan(text).minor


def terms(basis: InterestBasis = FULL, **other: Any) -> CardTerms:
    usual: dict[str, Any] = {
        "daily_rate": Decimal("0.0005"),
        "interest_basis": basis,
        "minimum_rate": Decimal("0.1"),
        "late_fee_rate": Decimal("0.05"),
    }
    return CardTerms(**{**usual, **other})


def story(*payments: tuple[date, str], basis: InterestBasis = FULL, **other: Any) -> CardStory:
    """One purchase of 10,000.00, its statement with a minimum of 1,000.00, and the statement after it."""
    return CardStory(
        terms=terms(basis, **other),
        statements=(
            StoryStatement(FIRST, DUE, (Charge(POSTED, fen("10000")),), minimum=fen("1000")),
            StoryStatement(SECOND, SECOND_DUE),
        ),
        payments=tuple(Payment(on, fen(amount)) for on, amount in payments),
    )


def to_second(one: CardStory) -> Told:
    """The story up to the eve of the second statement: what that statement will bill."""
    return tell(one, SECOND - DAY)


@pytest.mark.scope("S0-19")
@pytest.mark.parametrize(("basis", "interest"), [(FULL, "230.50"), (UNPAID, "2.80")])
def test_golden_case_1_almost_paid_is_not_almost_fine(basis: InterestBasis, interest: str) -> None:
    told = to_second(story((DUE, "9900"), basis=basis))
    assert (told.interest, told.late_fees, told.missed) == (fen(interest), 0, 0)


def test_golden_case_1_within_the_tolerance_the_gap_rides_free_to_the_next_statement() -> None:
    told = tell(story((DUE, "9900"), grace_amount=fen("100")), SECOND)
    assert told.interest == 0
    assert told.statements[1].balance == fen("100")
    assert told.statements[1].carried == 0


@pytest.mark.scope("S0-03")
@pytest.mark.parametrize(("basis", "interest"), [(FULL, "275.00"), (UNPAID, "252.00")])
def test_golden_case_2_the_minimum_alone(basis: InterestBasis, interest: str) -> None:
    told = to_second(story((DUE, "1000"), basis=basis))
    assert (told.interest, told.late_fees, told.missed) == (fen(interest), 0, 0)


def test_golden_case_2_the_next_statement() -> None:
    second = tell(story((DUE, "1000")), SECOND).statements[1]
    assert (second.balance, second.minimum) == (fen("9275"), fen("927.50"))


@pytest.mark.parametrize("basis", [FULL, UNPAID])
def test_golden_case_3_nothing_paid(basis: InterestBasis) -> None:
    told = tell(story(basis=basis), SECOND - DAY)
    assert (told.interest, told.late_fees, told.missed) == (fen("280"), fen("50"), 1)
    second = tell(story(basis=basis), SECOND).statements[1]
    assert (second.balance, second.fees, second.minimum) == (fen("10330"), fen("50"), fen("2078"))


def test_golden_case_5_twelve_periods_with_their_fees() -> None:
    taken = Taken(0, fen("12000"), 12, Decimal("0.006"), FIRST)
    one = replace(long_story(14), taken=(taken,))
    told = tell(one, one.statements[-1].statement_on)
    shares = [statement.balance for statement in told.statements[1:13]]
    assert told.instalment_fees == fen("864")
    assert shares[0] == fen("1072")


def test_golden_case_6_the_remainder_of_three_shares() -> None:
    taken = Taken(0, fen("10000"), 3, Decimal(0), FIRST)
    assert [share_of(taken, period) for period in (1, 2, 3)] == [fen("3333.33"), fen("3333.33"), fen("3333.34")]
    first = replace(taken, remainder_on="first")
    assert [share_of(first, period) for period in (1, 2, 3)] == [fen("3333.34"), fen("3333.33"), fen("3333.33")]


def long_story(count: int) -> CardStory:
    """A bill of 12,000.00 and then statements a month apart with nothing new."""
    bill = StoryStatement(FIRST, DUE, (Charge(POSTED, fen("12000")),))
    later = [date(2026 + (4 + at) // 12, (4 + at) % 12 + 1, 5) for at in range(count - 1)]
    return CardStory(terms(), (bill, *(StoryStatement(on, on + 20 * DAY) for on in later)))


def test_an_instalment_counts_as_a_payment_and_comes_back_in_shares() -> None:
    taken = Taken(0, fen("9000"), 3, Decimal("0.006"), FIRST)
    one = replace(story((DUE, "1000")), taken=(taken,))
    told = tell(one, SECOND)
    assert told.statements[0].in_full
    assert (told.interest, told.instalment_fees) == (0, 3 * fen("54"))
    assert told.statements[1].balance == told.statements[1].minimum == fen("3054")


@pytest.mark.parametrize(
    ("grace_days", "paid_on", "interest"),
    [
        (0, DUE, 0),  # the due day itself is in time
        (0, DUE + DAY, fen("235.00")),  # a day late: 47 days on everything
        (3, DUE + 3 * DAY, 0),  # the last day of grace
        (3, DUE + 4 * DAY, fen("250.00")),  # 50 days
    ],
)
def test_grace_ends_with_its_last_day(grace_days: int, paid_on: date, interest: int) -> None:
    assert to_second(story((paid_on, "10000"), grace_days=grace_days)).interest == interest


@pytest.mark.parametrize(
    ("paid", "late_fee"),
    [
        ("1000", "0"),
        ("999.99", "0.00"),  # 5% of one fen rounds to nothing, yet the mark stays
        ("999", "0.05"),
        ("0.01", "50.00"),  # 49.9995 rounded half up
    ],
)
def test_the_late_fee_is_a_share_of_what_is_missing_of_the_minimum(paid: str, late_fee: str) -> None:
    told = to_second(story((DUE, paid)))
    assert told.late_fees == fen(late_fee)
    assert told.missed == (paid != "1000")


def test_the_late_fee_has_a_floor() -> None:
    assert to_second(story((DUE, "999"), late_fee_minimum=fen("10"))).late_fees == fen("10")


def test_the_two_tolerances_are_kept_apart() -> None:
    late_forgiven = to_second(story((DUE, "995"), late_tolerance=fen("5")))
    assert (late_forgiven.missed, late_forgiven.late_fees) == (0, 0)
    assert late_forgiven.interest > 0
    interest_forgiven = to_second(story((DUE, "9995"), grace_amount=fen("5")))
    assert (interest_forgiven.missed, interest_forgiven.interest) == (0, 0)


def test_what_the_tolerance_left_open_earns_interest_only_from_the_next_statement() -> None:
    third = StoryStatement(date(2026, 6, 5), date(2026, 6, 25))
    left_open = story((DUE, "9900"), grace_amount=fen("100"))
    one = replace(left_open, statements=(*left_open.statements, third), terms=terms(grace_amount=0))
    kept = replace(left_open, statements=(*left_open.statements, third))
    assert tell(kept, third.statement_on - DAY).interest == 0, "again within the tolerance"
    assert tell(one, third.statement_on - DAY).interest > fen("230")


def test_fees_are_settled_first_then_the_carried_balance_then_charges() -> None:
    first = StoryStatement(FIRST, DUE, (Charge(POSTED, 1000),), carried=500, fees=300, minimum=0)
    one = CardStory(terms(), (first,), (Payment(FIRST, 900),))
    told = tell(one, FIRST)
    assert (told.open, told.balance_bearing) == (900, 0), "300 of fees, 500 carried, 100 of the charge"


def test_the_carried_balance_earns_interest_though_the_bill_is_paid_in_full() -> None:
    first = StoryStatement(FIRST, DUE, (), carried=fen("10000"), minimum=0)
    told = tell(CardStory(terms(), (first,), (Payment(DUE, fen("10000")),)), DUE)
    assert told.interest == fen("100.00"), "20 days from the statement to the payment"


def test_interest_is_rounded_once_per_cycle_half_up() -> None:
    charges = (Charge(FIRST, 50), Charge(FIRST, 50))  # 0.025 fen a day each: 20 days give 1.00 together, not 0.5 twice
    one = CardStory(terms(), (StoryStatement(FIRST, DUE, charges, minimum=0),))
    assert tell(one, DUE - DAY).interest == 0
    assert tell(one, DUE).interest == 1


def test_a_refund_before_the_statement_lowers_this_bill_from_its_own_day() -> None:
    charges = (Charge(POSTED, fen("10000")), Charge(date(2026, 3, 20), -fen("4000")))
    one = replace(story(), statements=(StoryStatement(FIRST, DUE, charges, minimum=0),))
    told = tell(one, DUE)
    assert told.statements[0].balance == fen("6000")
    assert told.interest == fen("20.00") + fen("141.00"), "4,000 for 10 days, 6,000 for 47"


def test_a_cash_advance_never_rides_free() -> None:
    first = StoryStatement(FIRST, DUE, cash=(Charge(FIRST - 10 * DAY, fen("1000")),))
    told = tell(CardStory(terms(), (first,), (Payment(DUE, fen("1000")),)), DUE)
    assert told.interest == fen("15.00"), "30 days though paid in full on the due day"
    assert told.statements[0].minimum == fen("1000"), "cash advances are due whole"


def test_a_minimum_has_a_floor_and_never_passes_the_balance() -> None:
    first = StoryStatement(FIRST, DUE, (Charge(POSTED, fen("300")),))
    floor = Agreement(minimum_floor=fen("50"))
    assert tell(CardStory(terms(), (first,), agreement=floor), FIRST).statements[0].minimum == fen("50")
    small = replace(first, charges=(Charge(POSTED, fen("20")),))
    assert tell(CardStory(terms(), (small,), agreement=floor), FIRST).statements[0].minimum == fen("20")


def test_a_second_missed_minimum_may_cost_more() -> None:
    one = story()
    two = replace(one, agreement=Agreement(late_fee_rate_again=Decimal("0.06")))
    until = SECOND_DUE
    assert tell(one, until).late_fees == fen("50") + fen("103.90")
    assert tell(two, until).late_fees == fen("50") + fen("124.68")


def test_from_91_days_overdue_principal_is_settled_first() -> None:
    turned = Agreement(principal_first_from_days=91)
    later = [date(2026, month, 5) for month in (6, 7, 8)]
    base = story()
    months = (*base.statements, *(StoryStatement(on, on + 20 * DAY) for on in later))
    paid = (Payment(date(2026, 8, 4), fen("5000")),)
    usual = tell(replace(base, statements=months, payments=paid), date(2026, 8, 4))
    late = tell(replace(base, statements=months, payments=paid, agreement=turned), date(2026, 8, 4))
    assert late.open == usual.open
    assert late.balance_bearing < usual.balance_bearing, "nothing went to fees, which bear no interest anyway"


@pytest.mark.parametrize(
    "broken",
    [
        {"statements": ()},
        {"statements": (StoryStatement(FIRST, FIRST),)},
        {"statements": (StoryStatement(FIRST, DUE, (Charge(FIRST + DAY, 1),)),)},
        {"statements": (StoryStatement(FIRST, DUE), StoryStatement(DUE, SECOND_DUE))},
        {"statements": (StoryStatement(FIRST, DUE), StoryStatement(SECOND, SECOND_DUE, carried=1))},
        {"payments": (Payment(FIRST - DAY, 1),)},
        {"payments": (Payment(FIRST, fen("10000.01")),)},
        {"payments": (Payment(FIRST, 0),)},
    ],
)
def test_a_story_that_contradicts_itself_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(StoryBroken):
        tell(replace(story(), **broken), SECOND)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_step_is_shown_and_the_steps_add_up(lang: str) -> None:
    told = tell(story((DUE, "9900")), SECOND - DAY, lang=lang)
    earned = [step.amount for step in told.steps if "×" in step.working and "2026" in step.working]
    assert sum(earned) == told.interest == fen("230.50")
    assert any("10000" in step.working or "9900.00 × 0.0005 × 46" in step.working for step in told.steps)
    assert any(("全额计息" if lang == "zh" else "basis full") in step.label for step in told.steps)


# --- what holds for every story

calm = settings(deadline=None)  # the machine may be busy; slowness is measured in `make bench`
AMOUNT = st.integers(1, 3_000_000)
TERMS = st.builds(
    terms,
    st.sampled_from([FULL, UNPAID]),
    grace_days=st.integers(0, 5),
    grace_amount=st.sampled_from([0, 0, 1000, 20000]),
    late_tolerance=st.sampled_from([0, 0, 500]),
    late_fee_minimum=st.sampled_from([0, 1000]),
)


@st.composite
def stories(draw: st.DrawFn) -> CardStory:
    """Up to four statements with purchases; a first one that may bring balances over."""
    months = draw(st.integers(1, 4))
    days = [date(2026, 4 + at, 5) for at in range(months)]
    statements = []
    for at, on in enumerate(days):
        charges = draw(st.lists(st.tuples(st.integers(0, 29), AMOUNT, st.booleans()), max_size=3))
        made = tuple(Charge(on - back * DAY, amount, instalment) for back, amount, instalment in charges)
        first = at == 0
        carried, fees = (draw(st.integers(0, 500_000)), draw(st.integers(0, 5000))) if first else (0, 0)
        statements.append(StoryStatement(on, on + 20 * DAY, made, carried, fees))
    return CardStory(draw(TERMS), tuple(statements))


@st.composite
def paid_stories(draw: st.DrawFn) -> tuple[CardStory, date, int]:
    """A story, a day of its first cycle, and what is owed then."""
    one = draw(stories())
    on = FIRST + draw(st.integers(0, 29)) * DAY
    return one, on, tell(one, FIRST).open


def with_payment(one: CardStory, on: date, amount: int) -> CardStory:
    return replace(one, payments=(Payment(on, amount),) if amount else ())


@calm
@given(paid_stories(), st.data())
def test_paying_more_never_costs_more(case: tuple[CardStory, date, int], data: st.DataObject) -> None:
    one, on, owed = case
    less, more = sorted(data.draw(st.tuples(st.integers(0, owed), st.integers(0, owed)), "amounts"))
    until = date(2026, 9, 1)
    little, much = (tell(with_payment(one, on, amount), until) for amount in (less, more))
    assert much.interest <= little.interest
    assert much.late_fees <= little.late_fees
    assert much.missed <= little.missed


@calm
@given(paid_stories(), st.data())
def test_paying_earlier_never_costs_more(case: tuple[CardStory, date, int], data: st.DataObject) -> None:
    one, on, owed = case
    amount = data.draw(st.integers(0, owed), "amount")
    early, late = sorted((on, FIRST + data.draw(st.integers(0, 29), "other day") * DAY))
    until = date(2026, 9, 1)
    first, second = (tell(with_payment(one, day, amount), until) for day in (early, late))
    assert (first.interest, first.missed) <= (second.interest, second.missed)


@calm
@given(stories())
def test_paying_every_bill_in_full_by_its_due_day_costs_nothing_but_what_came_over(one: CardStory) -> None:
    clean = replace(one, statements=(replace(one.statements[0], carried=0, fees=0), *one.statements[1:]))
    paid: list[Payment] = []
    for statement in clean.statements:
        owed = tell(replace(clean, payments=tuple(paid)), statement.statement_on).statements[-1].balance
        paid += [Payment(statement.due_on, owed)] if owed else []
    told = tell(replace(clean, payments=tuple(paid)), date(2026, 12, 1))
    assert (told.cost, told.missed, told.open) == (0, 0, 0)


@calm
@given(stories(), st.integers(0, 200))
def test_no_fen_is_lost(one: CardStory, days: int) -> None:
    until = FIRST + days * DAY
    told = tell(one, until)
    issued = [statement for statement in one.statements if statement.statement_on <= until]
    brought = sum(charge.amount for statement in issued for charge in statement.charges)
    brought += one.statements[0].carried + one.statements[0].fees
    unbilled_fee = told.statements[-1].late_fee
    assert told.open == brought + (told.interest - told.accrued) + told.late_fees - unbilled_fee


@calm
@given(stories())
def test_the_unpaid_basis_never_costs_more_than_the_full_one(one: CardStory) -> None:
    payments = (Payment(DUE, min(1000, tell(one, FIRST).open) or 1),) if tell(one, FIRST).open else ()
    costs = [
        tell(replace(one, payments=payments, terms=replace(one.terms, interest_basis=basis)), DUE + 9 * DAY).interest
        for basis in (UNPAID, FULL)
    ]
    assert costs[0] <= costs[1]
