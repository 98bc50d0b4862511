"""湖南银行, until 2023 华融湘江银行: one bill for the account."""

import pytest
from tests.statements import fixtures_mail_more as letters
from tests.statements.mail_checks import ALL_SHAPES, bills, lines, problems, read


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_the_banks_own_spelling_of_minimum_is_understood(shape: str) -> None:
    reading = read(letters.hnb_2026(), shape)
    assert bills(reading) == ["CNY 779.78 77.98 2026-08-08 2026-09-02 1937 account -"]
    assert lines(reading) == [
        "2026-07-28 2026-07-28 1030.00 CNY 1937 purchase 银联跨行消费 示例电力公司",
        "2026-08-01 2026-08-01 -250.22 CNY 1937 repayment 本行还款",
    ]
    assert (reading.template, problems(reading)) == ("2026", [])


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_the_total_of_2022_lacks_a_character(shape: str) -> None:
    reading = read(letters.hnb_2022(), shape)
    assert bills(reading) == ["CNY 417.83 41.78 2022-03-08 2022-04-02 1937 account -"]
    assert [line.amount for line in reading.lines] == [40283, 1500]
    assert reading.template == "2022"
