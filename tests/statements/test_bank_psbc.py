"""邮储银行: one card per mail."""

import pytest
from tests.statements import fixtures_mail_more as letters
from tests.statements.mail_checks import ALL_SHAPES, bills, lines, problems, read


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_the_cycle_in_the_greeting_ends_on_the_statement_date(shape: str) -> None:
    reading = read(letters.psbc_2026(), shape)
    assert bills(reading) == ["CNY 6163.68 616.37 2026-07-27 2026-08-16 5888 card -"]
    assert lines(reading) == [
        "2026-06-30 2026-07-01 6263.68 CNY 5888 purchase 消费 示例商户 北京",
        "2026-07-05 2026-07-05 -100.00 CNY 5888 repayment 还款 手机银行",
    ]
    assert (reading.template, problems(reading), reading.bills[0].inferred) == ("2025", [], ("statement_on",))


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_month_of_the_title_and_day_make_the_statement_date(shape: str) -> None:
    reading = read(letters.psbc_2022(), shape)
    assert bills(reading) == ["CNY 628.45 62.85 2022-02-27 2022-03-19 5888 card -"]
    assert (reading.template, reading.bills[0].inferred) == ("2022", ("statement_on",))
    assert lines(reading) == ["2022-02-01 2022-02-02 628.45 CNY 5888 purchase 消费 示例商户"]
