"""What a row is, which bills contradict themselves, what a rule may fill in."""

from dataclasses import replace
from datetime import date

import pytest

from anhuan.statements.model import Bill, LineKind
from anhuan.statements.rules import DueRule, contradictions, fill_gaps, instalment_of, kind_of, totals_disagree

BILL = Bill("CNY", 10000, 500, date(2026, 8, 8), date(2026, 8, 26))
RULE = DueRule(18, date(2026, 11, 1), "test")


@pytest.mark.parametrize(
    ("words", "amount", "kind"),
    [
        ("支付宝-某超市", 1, LineKind.PURCHASE),
        ("还款", -1, LineKind.REPAYMENT),
        ("某还款服务有限公司", 1, LineKind.PURCHASE),  # spending at a shop with that name
        ("退款-某商城", -1, LineKind.REFUND),
        ("手机银行饭票", -1, LineKind.REFUND),
        ("年费", 30000, LineKind.FEE),
        ("年费返还", -30000, LineKind.REFUND),
        ("消费6次免年费300元", 0, LineKind.OTHER),
        ("账单分期手续费", 1, LineKind.FEE),
        ("账单分期 第03期/共12期", 1, LineKind.INSTALMENT),
        ("循环利息", 1, LineKind.INTEREST),
        ("ATM取现", 1, LineKind.CASH_ADVANCE),
        ("溢缴款转出", 1, LineKind.TRANSFER),
        ("溢缴款转入", -1, LineKind.REPAYMENT),
        ("0.2元现金奖励", -20, LineKind.REFUND),
    ],
)
def test_words_and_sign_say_what_a_row_is(words: str, amount: int, kind: LineKind) -> None:
    assert kind_of(words, amount) is kind


def test_the_section_decides_where_words_do_not() -> None:
    assert kind_of("跨行", -1, LineKind.REPAYMENT) is LineKind.REPAYMENT
    assert kind_of("某商户", -1, LineKind.PURCHASE) is LineKind.REFUND
    assert kind_of("增值服务", 1, LineKind.FEE) is LineKind.FEE


@pytest.mark.parametrize(
    ("words", "share"),
    [
        ("银联分期某商城/10/12期", (10, 12)),
        ("账单分期 第03期/共12期", (3, 12)),
        ("分期付款 12期之第3期", (3, 12)),
        ("分期(03/12)", (3, 12)),
        ("某店 2026/08", None),
        ("分期 13/12期", None),
        ("1/1期", None),
    ],
)
def test_the_share_of_an_instalment_is_read(words: str, share: tuple[int, int] | None) -> None:
    assert instalment_of(words) == share


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        ({}, []),
        ({"due_on": date(2026, 8, 7)}, ["bill.due_before_statement"]),
        ({"due_on": date(2026, 10, 8)}, ["bill.due_too_late"]),
        ({"due_on": date(2026, 10, 7)}, []),  # the sixtieth day
        ({"minimum_due": 10001}, ["bill.minimum_over_total"]),
        ({"total_due": -5000, "minimum_due": 0}, []),  # overpaid
        ({"total_due": 0, "minimum_due": 1}, ["bill.minimum_over_total"]),
        ({"cycle_from": date(2026, 8, 9), "cycle_to": date(2026, 8, 8)}, ["bill.cycle_reversed"]),
    ],
)
def test_contradictions_are_found(change: dict[str, object], codes: list[str]) -> None:
    assert [problem.code for problem in contradictions(replace(BILL, **change))] == codes  # type: ignore[arg-type]


def test_a_rule_fills_a_missing_date_and_says_so() -> None:
    filled = fill_gaps(replace(BILL, due_on=None), RULE)
    assert (filled.due_on, filled.inferred) == (date(2026, 8, 26), ("due_on",))
    assert filled.confidence["due_on"] < 0.7
    assert fill_gaps(replace(BILL, statement_on=None), RULE).statement_on == date(2026, 8, 8)


def test_a_bill_that_asks_for_nothing_keeps_an_open_due_date() -> None:
    nothing = replace(BILL, total_due=0, minimum_due=0, due_on=None)
    assert fill_gaps(nothing, RULE) == nothing


def test_without_a_rule_nothing_is_filled() -> None:
    assert fill_gaps(replace(BILL, due_on=None), None).due_on is None


def test_overpaid_rows_may_count_as_nothing_or_be_set_off() -> None:
    assert totals_disagree([100, -30], 70, "x") == totals_disagree([100, -30], 100, "x") == []
    assert totals_disagree([], 100, "x") == totals_disagree([1], None, "x") == []
    assert [problem.code for problem in totals_disagree([100, -30], 90, "x")] == ["bill.totals_disagree"]
