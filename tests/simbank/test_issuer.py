"""The card issuers: the golden cases of domain.md section 3 to the fen, and the laws of any account's life."""

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from tests.simbank.lives import any_life

from anhuan.kit.errors import Refused
from anhuan.simbank import terms as banks
from anhuan.simbank.issued import Account, BadEvent, Event, Kind, Ran, Row, Statement, What, from_json, to_json
from anhuan.simbank.issuer import (
    accrued,
    available,
    bearing,
    cost_of_mistakes,
    late_fee_to_come,
    opened,
    run,
    scheduled_shares,
)
from anhuan.simbank.terms import Basis, CardTerms, Instalment

STATEMENT, DUE, NEXT = date(2026, 4, 5), date(2026, 4, 25), date(2026, 5, 5)
FULL = CardTerms(
    interest_basis=Basis.FULL, daily_rate=Decimal("0.0005"), minimum_rate=Decimal("0.1"),
    late_fee_rate=Decimal("0.05"), due_offset_days=20,
    instalments=(Instalment(12, Decimal("0.006"), 0), Instalment(3, Decimal(0), 0)),
)  # fmt: skip
UNPAID = replace(FULL, interest_basis=Basis.UNPAID)


def fen(yuan: str) -> int:
    return int(Decimal(yuan) * 100)


def at(month: int, day: int, year: int = 2026) -> date:
    return date(year, month, day)


def bought(day: date, yuan: str, **more: object) -> Event:
    return Event(day, What.CHARGE, fen(yuan), **more)  # type: ignore[arg-type]


def paid(day: date, yuan: str, **more: object) -> Event:
    return Event(day, What.PAYMENT, fen(yuan), **more)  # type: ignore[arg-type]


def lived(*events: Event, terms: CardTerms | None = FULL, until: date = NEXT, bank: str = "sim_a") -> Ran:
    account = opened(bank, "card", statement_day=5, on=at(3, 6))
    return run(account, events, until=until, terms=terms)


ONE_PURCHASE = bought(at(3, 10), "10000.00")


@pytest.mark.parametrize(
    ("terms", "payment", "interest"),
    [
        (FULL, "9900.00", "230.50"),  # G1: the missing hundred cost 2.3 times themselves
        (UNPAID, "9900.00", "2.80"),
        (replace(FULL, tolerance_share=Decimal("0.01")), "9900.00", "0.00"),
        (replace(FULL, tolerance=9999), "9900.00", "230.50"),  # one fen too little courtesy
        (FULL, "1000.00", "275.00"),  # G2
        (UNPAID, "1000.00", "252.00"),
        (FULL, None, "280.00"),  # G3, the same in both modes
        (UNPAID, None, "280.00"),
        (FULL, "10000.00", "0.00"),
    ],
)
def test_golden_cases_one_to_three(terms: CardTerms, payment: str | None, interest: str) -> None:
    ran = lived(ONE_PURCHASE, *([paid(DUE, payment)] if payment else []), terms=terms)
    first, second = ran.statements
    assert (first.statement_on, first.due_on, first.balance, first.minimum) == (
        STATEMENT, DUE, fen("10000.00"), fen("1000.00"),
    )  # fmt: skip
    assert second.statement_on == NEXT
    assert second.interest == fen(interest)


def test_the_bill_after_a_minimum_payment_is_golden_case_two() -> None:
    second = lived(ONE_PURCHASE, paid(DUE, "1000.00")).statements[1]
    assert (second.balance, second.minimum, second.late_fee) == (fen("9275.00"), fen("927.50"), 0)


def test_the_bill_after_no_payment_is_golden_case_three() -> None:
    second = lived(ONE_PURCHASE).statements[1]
    assert (second.balance, second.fees, second.late_fee) == (fen("10330.00"), fen("50.00"), fen("50.00"))
    assert second.minimum == fen("2078.00")
    assert second.missing == fen("1000.00")
    assert second.last_missed


def test_what_the_tolerance_left_open_becomes_a_charge_of_the_next_bill() -> None:
    second = lived(ONE_PURCHASE, paid(DUE, "9900.00"), terms=replace(FULL, tolerance_share=Decimal("0.01"))).statements[
        1
    ]
    assert [(one.posted, one.amount) for one in second.charges] == [(NEXT, fen("100.00"))]
    assert (second.carried, second.balance, second.minimum) == (0, fen("100.00"), fen("10.00"))


def test_golden_case_five_twelve_periods() -> None:
    events = [bought(at(3, 10), "12000.00"), Event(at(4, 6), What.INSTALMENT, fen("12000.00"), offer="12")]
    ran = lived(*events, until=at(4, 5, 2027))
    shares = [one.balance for one in ran.statements[1:]]
    assert ran.account.taken == []
    assert ran.statements[1].minimum == fen("1072.00")  # a share is due in full
    rows = [row.amount for one in ran.statements for row in one.rows if row.kind is Kind.SHARE]
    assert rows == [fen("1072.00")] * 12
    assert sum(rows) - fen("12000.00") == fen("864.00")
    assert shares[0] == fen("1072.00")


def test_golden_case_six_the_last_share_takes_the_odd_fen() -> None:
    events = [ONE_PURCHASE, Event(at(4, 25), What.INSTALMENT, fen("10000.00"), offer="3")]
    ran = lived(*events, until=at(4, 30))
    assert scheduled_shares(ran.account, 4) == [[333333], [333333], [333334], []]
    assert accrued(ran.account, FULL) == 0


def test_the_first_days_after_a_bill_are_not_judged_yet() -> None:
    before = lived(ONE_PURCHASE, until=DUE - timedelta(days=1))
    on = lived(ONE_PURCHASE, until=DUE)
    assert (accrued(before.account, FULL), late_fee_to_come(before.account), bearing(before.account)) == (0, 0, 0)
    assert accrued(on.account, FULL) == fen("235.00")  # 03-10 through 04-25: the due day stands as well
    assert (late_fee_to_come(on.account), bearing(on.account)) == (fen("50.00"), fen("10000.00"))


@pytest.mark.parametrize(
    ("bank", "statement_day", "bill", "due", "grace"),
    [
        ("sim_a", 8, at(11, 8), at(11, 28), at(12, 1)),
        ("sim_b", 5, at(11, 5), at(11, 25), at(11, 25)),
        ("sim_c", 5, at(2, 5, 2027), at(3, 2, 2027), at(3, 2, 2027)),
        ("sim_d", 31, at(2, 28, 2027), at(3, 18, 2027), at(3, 20, 2027)),  # the 31st of a short month
        ("sim_d", 31, at(11, 30), at(12, 18), at(12, 20)),
        ("sim_e", 6, at(12, 6), at(12, 26), at(12, 26)),
    ],
)
def test_each_bank_sends_its_bill_on_its_day(bank: str, statement_day: int, bill: date, due: date, grace: date) -> None:
    account = opened(bank, "card", statement_day=statement_day, on=bill - timedelta(days=20))
    (sent,) = run(account, [], until=bill).statements
    assert (sent.statement_on, sent.due_on, sent.last_grace_day, sent.balance) == (bill, due, grace, 0)


@pytest.mark.parametrize(
    ("bank", "short", "interest", "late_fee"),
    [
        ("sim_a", 1000, 0, 0),  # ten yuan of courtesy
        ("sim_a", 1001, 46 * 5 + 3 * 5, 0),  # one fen more: the whole bill, 46 days and the days of grace
        ("sim_c", 10000, 0, 0),  # a hundredth of the bill
        ("sim_c", 10001, 0, 0),
    ],
)
def test_courtesy_ends_at_the_fen(bank: str, short: int, interest: int, late_fee: int) -> None:
    account = opened(bank, "card", statement_day=5, on=at(3, 6))
    due = at(4, 25) if bank == "sim_a" else at(4, 30)
    events = [ONE_PURCHASE, Event(due, What.PAYMENT, fen("10000.00") - short)]
    second = run(account, events, until=NEXT).statements[1]
    assert second.late_fee == late_fee
    assert (second.interest > 0) == (short in (1001, 10001))


@pytest.mark.parametrize(
    ("bank", "on", "paid_fen", "late_fee"),
    [
        ("sim_b", at(4, 1), 99_999, 1000),  # one fen short of the minimum: the floor
        ("sim_b", at(4, 1), 0, 5000),
        ("sim_d", at(4, 1), 99_000, 0),  # ten yuan short of the minimum are let pass
        ("sim_d", at(4, 1), 98_999, 3000),
        ("sim_d", at(4, 1, 2025), 98_999, 2000),  # the floor of its day
    ],
)
def test_lateness_ends_at_the_fen(bank: str, on: date, paid_fen: int, late_fee: int) -> None:
    account = opened(bank, "card", statement_day=banks.bank(bank).statement_days[0], on=on)
    events = [Event(on, What.CHARGE, fen("10000.00"))]
    first = run(account, events, until=on + timedelta(days=35)).statements[0]
    events += [Event(first.due_on, What.PAYMENT, paid_fen)] if paid_fen else []
    assert run(account, events, until=first.statement_on + timedelta(days=32)).statements[1].late_fee == late_fee


def test_a_refund_after_the_statement_day_lowers_the_next_bill_and_not_this_one() -> None:
    refund = Event(at(4, 10), What.REFUND, fen("600.00"), "r1", "退货")
    events = [ONE_PURCHASE, refund, bought(at(4, 20), "1000.00")]
    first, second = lived(*events, paid(DUE, "10000.00")).statements
    assert (first.balance, second.balance, second.interest) == (fen("10000.00"), fen("400.00"), 0)
    short = lived(*events, paid(DUE, "9400.00")).statements[1]  # who takes the refund off this bill pays for it
    assert short.interest == fen("230.00") + fen("3.00")


def test_a_refund_before_the_statement_day_lowers_this_bill() -> None:
    (first,) = lived(ONE_PURCHASE, Event(at(4, 5), What.REFUND, fen("600.00")), until=at(4, 5)).statements
    assert first.balance == fen("9400.00")


def test_money_beyond_the_bill_waits_to_the_holders_credit() -> None:
    ran = lived(ONE_PURCHASE, paid(DUE, "10500.00"), bought(at(4, 28), "300.00"), until=at(6, 5))
    assert [(one.balance, one.credit) for one in ran.statements] == [
        (fen("10000.00"), 0),
        (0, fen("200.00")),
        (0, 20000),
    ]


def test_a_payment_on_the_wrong_card_costs_what_the_correction_flags() -> None:
    right = opened("sim_a", "right", statement_day=5, on=at(3, 6))
    wrong = opened("sim_a", "wrong", statement_day=5, on=at(3, 6))
    corrected = paid(at(5, 2), "10000.00", ref="p1", corrects="p0", should_be=DUE)
    mine = [ONE_PURCHASE, corrected]
    theirs = [bought(at(3, 10), "500.00"), paid(DUE, "10000.00", ref="p0"),
              Event(at(5, 2), What.RETURNED, fen("10000.00"), corrects="p0")]  # fmt: skip
    charged = run(right, mine, until=NEXT).statements[1]
    assert (charged.interest, charged.late_fee) == (fen("265.00"), fen("50.00"))
    assert cost_of_mistakes(right, mine, until=NEXT) == fen("265.00") + fen("50.00") + 13  # and its first night
    other = run(wrong, theirs, until=NEXT).statements[1]
    assert (other.interest, other.balance) == (50_000 * 49 // 2000, 50_000 + 1225 + 250)  # its bill stands again


def test_a_returned_payment_leaves_the_bill_open_as_before() -> None:
    back = Event(at(4, 26), What.RETURNED, fen("10000.00"), corrects="p")
    returned = lived(
        ONE_PURCHASE, paid(at(4, 24), "10000.00", ref="p"), Event(at(4, 25), back.what, back.amount, corrects="p")
    )
    never = lived(ONE_PURCHASE)
    assert returned.statements[1].late_fee == never.statements[1].late_fee == 5000
    assert returned.statements[1].interest == never.statements[1].interest - 500  # the one night it lay there
    after = lived(ONE_PURCHASE, paid(at(4, 25), "10000.00", ref="p"), back)  # the verdict is given anew
    assert (after.statements[1].late_fee, after.statements[1].balance) == (5000, 1_000_000 + 5000 + 28_000 - 500)
    later = lived(
        ONE_PURCHASE,
        paid(DUE, "10000.00", ref="p"),
        Event(at(5, 7), back.what, back.amount, corrects="p"),
        until=at(6, 5),
    )
    assert later.statements[2].carried == 1_000_000 + 1_000_000 * 29 // 2000  # owed again from the day it left


def test_the_fifth_bank_takes_more_from_the_second_month_in_a_row() -> None:
    account = opened("sim_e", "card", statement_day=6, on=at(3, 7))
    sent = run(account, [bought(at(3, 10), "10000.00")], until=at(7, 6)).statements
    assert [one.late_fee for one in sent] == [
        0,
        5000,
        (sent[1].minimum * 6 + 50) // 100,
        (sent[2].minimum * 6 + 50) // 100,
    ]


def test_a_cash_advance_bears_interest_from_its_day_and_is_due_in_full() -> None:
    account = opened("sim_e", "card", statement_day=6, on=at(3, 7))
    events = [Event(at(3, 27), What.CASH, fen("2000.00")), bought(at(3, 27), "1000.00")]
    first, second = run(account, [*events, Event(at(4, 6), What.PAYMENT, fen("3030.00"))], until=at(5, 6)).statements
    assert (first.interest, first.fees) == (1000, 2000)  # ten days; one per cent
    assert first.minimum == fen("2000.00") + 2000 + 100 + fen("100.00")  # cash, fee, a tenth of interest and purchase
    assert (second.interest, second.late_fee, second.balance) == (0, 0, 0)
    with pytest.raises(BadEvent):
        lived(Event(at(3, 10), What.CASH, 100_000), terms=None)


def test_from_the_ninety_first_day_principal_is_settled_first() -> None:
    account = opened("sim_e", "card", statement_day=6, on=at(3, 7))
    charge = bought(at(3, 10), "10000.00")
    overdue = at(4, 26)
    before = run(account, [charge, Event(overdue + timedelta(days=90), What.PAYMENT, 50_000)], until=at(8, 5)).account
    after = run(account, [charge, Event(overdue + timedelta(days=91), What.PAYMENT, 50_000)], until=at(8, 5)).account
    assert before.principal == 1_000_000
    assert before.fees + before.interest < after.fees + after.interest
    assert after.principal == 950_000
    assert before.open_now == after.open_now


def test_two_currencies_share_one_line_and_have_a_bill_each() -> None:
    home = opened("sim_e", "card", statement_day=6, on=at(3, 7))
    away = opened("sim_e", "card", statement_day=6, on=at(3, 7), currency="USD")
    other = opened("sim_e", "second", statement_day=6, on=at(3, 7))
    ran = run(home, [bought(at(3, 10), "3000.00")], until=at(4, 6))
    dollars = run(away, [bought(at(3, 10), "20.00")], until=at(4, 6))
    also = run(other, [bought(at(3, 10), "1000.00")], until=at(4, 6))
    assert [one.currency for one in (*ran.statements, *dollars.statements)] == ["CNY", "USD"]
    assert available(fen("5000.00"), [ran.account, also.account]) == fen("1000.00")
    assert available(fen("3999.99"), [ran.account, also.account]) == 0


def test_what_the_bank_does_not_book_is_refused() -> None:
    with pytest.raises(BadEvent):
        lived(bought(at(2, 1), "1.00"))
    with pytest.raises(BadEvent):
        lived(Event(at(3, 10), What.CHARGE, 0))
    with pytest.raises(BadEvent):
        lived(ONE_PURCHASE, Event(at(4, 6), What.INSTALMENT, fen("10000.01"), offer="12"))
    with pytest.raises(BadEvent):
        lived(ONE_PURCHASE, *[Event(at(4, 6), What.INSTALMENT, fen("100.00"), offer="12")] * 2)
    with pytest.raises(Refused):
        banks.bank("sim_z")


# --- laws ---------------------------------------------------------------------------------------------------------

LIVES = [(bank, seed) for bank in ("sim_a", "sim_b", "sim_c", "sim_d", "sim_e") for seed in range(12)]


def total(rows: Iterable[Row]) -> int:
    return sum(row.amount for row in rows)


@pytest.mark.parametrize(("bank", "seed"), LIVES)
def test_every_fen_of_a_bill_is_explained_by_its_rows(bank: str, seed: int) -> None:
    account, events = any_life(random.Random(seed), bank)
    sent = run(account, events, until=account.opened_on + timedelta(days=230)).statements
    assert len(sent) >= 7
    for one in sent:
        assert one.previous + total(one.rows) == one.balance - one.credit
        assert one.balance == one.carried + one.fees + sum(charge.amount for charge in one.charges)
        assert 0 <= one.minimum <= one.balance
        assert one.credit == 0 or one.balance == 0
        assert one.since is None or one.since < one.statement_on <= one.due_on <= one.last_grace_day


@pytest.mark.parametrize(("bank", "seed"), LIVES[::3])
def test_a_life_in_pieces_through_json_is_the_life_in_one_run(bank: str, seed: int) -> None:
    dice = random.Random(seed)
    account, events = any_life(dice, bank)
    end = account.opened_on + timedelta(days=220)
    whole, kept = run(account, events, until=end), to_json(account)
    sent: list[Statement] = []
    while account.through < end:
        until = min(end, account.through + timedelta(days=dice.randint(1, 40)))
        account = from_json(to_json(account), Account)
        part = run(account, [one for one in events if one.day > account.through], until=until)
        account, sent = part.account, [*sent, *part.statements]
    assert (account, tuple(sent)) == (whole.account, whole.statements)
    assert [from_json(to_json(one), Statement) for one in sent] == sent
    assert to_json(run(from_json(kept, Account), events, until=end).account) == to_json(whole.account)
