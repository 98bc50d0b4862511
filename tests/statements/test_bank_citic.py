"""中信银行: the last two of five amounts, the sentence with the cycle, the Amex card."""

import pytest
from tests.statements import fixtures_mail as letters
from tests.statements.mail_checks import ALL_SHAPES, bills, lines, problems, read


@pytest.mark.parametrize("charset", ["utf-8", "gbk"])
@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_balance_due_and_minimum_are_the_last_two_amounts(shape: str, charset: str) -> None:
    reading = read(letters.citic_2026(), shape, charset=charset)
    assert bills(reading) == [
        "CNY 70.00 3.50 2026-08-13 2026-09-01 5983 card -",
        "USD 12.00 0.60 2026-08-13 2026-09-01 5983 card -",
    ]
    assert problems(reading) == []
    assert lines(reading)[1:] == [
        "2026-08-02 2026-08-02 -80.00 CNY 5983 repayment 还款-网上银行",
        "2026-08-03 2026-08-04 12.00 USD 5983 purchase EXAMPLE.COM",
    ]


@pytest.mark.parametrize("joined", ["-", "至", " 至 "])
@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_the_cycle_of_2023_ends_on_the_statement_date(shape: str, joined: str) -> None:
    reading = read(letters.citic_2023(joined), shape)
    assert bills(reading) == [
        "CNY 4445.92 222.30 2023-04-02 2023-04-21 8855 card -",
        "CNY 462.87 23.14 2023-04-02 2023-04-21 6133 card -",
    ]
    assert lines(reading) == [
        "2023-04-01 2023-04-01 4445.92 CNY 8855 purchase 某酒店",
        "2023-04-02 2023-04-02 -0.20 CNY 6133 refund 0.2元现金奖励",
    ]


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_a_banner_without_years_takes_the_year_of_the_cycle(shape: str) -> None:
    assert bills(read(letters.citic_2020(), shape)) == ["CNY 946.00 94.60 2020-02-02 2020-02-21 0616 card -"]
