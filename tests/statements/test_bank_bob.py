"""北京银行: one bill for the account."""

import pytest
from tests.statements import fixtures_mail_more as letters
from tests.statements.mail_checks import ALL_SHAPES, bills, lines, problems, read


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_amounts_name_their_currency_in_the_rows(shape: str) -> None:
    reading = read(letters.bob_2026(), shape)
    assert bills(reading) == ["CNY 1505.50 75.28 2026-08-20 2026-09-09 8594 account -"]
    assert lines(reading) == [
        "2026-07-25 2026-07-25 9.50 CNY 8594 purchase 支付宝-示例通信",
        "2026-08-02 2026-08-03 3895.64 CNY 8594 purchase 示例家电",
        "2026-08-10 2026-08-10 -2399.64 CNY 8594 repayment 云闪付还款 ****0000",
    ]
    assert (reading.template, problems(reading), reading.complete) == ("2025", [], True)


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_the_short_mail_of_2021_has_spaced_labels_and_no_rows(shape: str) -> None:
    reading = read(letters.bob_2021(), shape)
    assert bills(reading) == ["CNY 2741.50 274.15 2022-01-20 2022-02-09 - account -"]
    assert (reading.template, reading.complete) == ("2021", False)
