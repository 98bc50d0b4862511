"""农业银行: a debt is printed as negative."""

import pytest
from tests.statements import fixtures_mail as letters
from tests.statements.mail_checks import ALL_SHAPES, bills, lines, problems, read


@pytest.mark.parametrize("charset", ["utf-8", "gbk"])
@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_a_negative_balance_is_owed(shape: str, charset: str) -> None:
    reading = read(letters.abc_2026(), shape, charset=charset)
    assert bills(reading) == ["CNY 1399.80 70.00 2026-08-19 2026-09-13 9164 card -"]
    assert problems(reading) == []


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_spending_is_printed_as_negative_too(shape: str) -> None:
    reading = read(letters.abc_2026(), shape)
    assert lines(reading) == [
        "2026-08-01 2026-08-02 12.00 CNY 9164 purchase 网上消费，某商户",
        "2026-08-05 2026-08-06 92.31 CNY 5446 purchase 消费 EXAMPLE HK",
        "2026-08-12 2026-08-13 -500.00 CNY - repayment 还款，张三",
    ]
    assert reading.lines[1].original == (10000, "HKD")


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_a_positive_balance_under_that_heading_is_overpaid(shape: str) -> None:
    assert bills(read(letters.abc_2026(total="12.00", least="0.00"), shape)) == [
        "CNY -12.00 0.00 2026-08-19 2026-09-13 9164 card -"
    ]


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_labels_in_a_block_and_values_behind_are_read(shape: str) -> None:
    reading = read(letters.abc_2021(), shape)
    assert bills(reading) == ["CNY 709.46 97.23 2021-04-13 2021-05-08 1170 card 50000.00"]
    assert lines(reading) == ["2021-04-01 2021-04-02 12.00 CNY 5446 purchase 网上消费 某商户"]
