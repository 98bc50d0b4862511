"""What a bill's rows say to room cards."""

from datetime import date

from anhuan.kit import ids
from anhuan.statements import facts
from anhuan.statements.model import Bill, Line, LineKind


def test_a_repayment_printed_on_a_bill_paid_the_one_before_even_on_the_statement_day() -> None:
    bill = Bill("CNY", 100_00, statement_on=date(2026, 11, 8), due_on=date(2026, 11, 26), cards=("3096",))
    rows = [
        Line(date(2026, 11, 8), None, "自动还款", -50_00, kind=LineKind.REPAYMENT),
        Line(date(2026, 11, 1), None, "某某超市", 100_00, kind=LineKind.PURCHASE),
    ]
    told = facts.facts_of(bill, rows, bank="cmb", whole=True, source_id=ids.new_id())
    assert [(payment.credited_on, payment.amount) for payment in told.payments] == [(date(2026, 11, 7), 50_00)]


def test_a_repayment_that_the_same_bill_shows_as_given_back_paid_nothing() -> None:
    bill = Bill("CNY", 100_00, statement_on=date(2026, 11, 10), due_on=date(2026, 12, 5), cards=("2260",))
    rows = [
        Line(date(2026, 10, 31), None, "还款", -75_00, kind=LineKind.REPAYMENT),
        Line(date(2026, 10, 31), None, "还款退回", 75_00, kind=LineKind.REPAYMENT),
        Line(date(2026, 11, 1), None, "还款", -75_00, kind=LineKind.REPAYMENT),
        Line(date(2026, 11, 2), None, "还款退回", 20_00, kind=LineKind.REPAYMENT),  # of an earlier bill's repayment
    ]
    told = facts.facts_of(bill, rows, bank="sim_c", whole=True, source_id=ids.new_id())
    assert [(payment.credited_on, payment.amount) for payment in told.payments] == [(date(2026, 11, 1), 75_00)]


def test_a_bill_that_names_no_bank_stands_by_its_card_number() -> None:
    bill = Bill("SGD", 702_10, statement_on=date(2026, 7, 1), cards=("9473",))
    assert facts.can_be_recorded(bill, None)
    assert not facts.can_be_recorded(Bill("SGD", 702_10, statement_on=date(2026, 7, 1)), None)
