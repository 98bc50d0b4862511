"""浦发银行: a summary for the account; the rows wait behind a link."""

from dataclasses import replace

import pytest
from tests.statements import fixtures_mail_more as letters
from tests.statements.mail_checks import ALL_SHAPES, bills, problems, read
from tests.statements.shapes_mail import Para, pairs


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_a_bill_since_2025_has_both_currencies_and_no_card(shape: str) -> None:
    reading = read(letters.spdb_2026(), shape)
    assert bills(reading) == [
        "CNY 1234.56 61.73 2026-08-19 2026-09-08 - account -",
        "USD 7.80 0.78 2026-08-19 2026-09-08 - account -",
    ]
    assert (reading.template, reading.complete, reading.lines) == ("2025", False, ())


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_a_bill_of_2021_gets_its_statement_date_by_the_rule_and_says_so(shape: str) -> None:
    reading = read(letters.spdb_2021(), shape)
    assert bills(reading) == ["CNY 629.00 62.90 2021-12-28 2022-01-17 - account -"]
    bill = reading.bills[0]
    assert bill.inferred == ("statement_on",)
    assert bill.confidence["statement_on"] < bill.confidence["due_on"]


def test_a_long_tracking_address_between_label_and_amount_is_no_obstacle() -> None:
    link = "[https://ebill.example.com/open?" + "token=20260101&amount=99.00&" * 12 + "]"
    letter = replace(
        letters.spdb_2026(),
        blocks=(
            Para("20260819 10020030 0400500 尊敬的 张三 先生:"),
            pairs(
                ("本期应还款总额：", f"{link} ￥1182.00"),
                ("本期最低还款额：", f"{link} ￥59.10"),
                ("到期还款日：", "2026/09/08"),
            ),
        ),
    )
    assert bills(read(letter, "plain")) == ["CNY 1182.00 59.10 2026-08-19 2026-09-08 - account -"]


def test_an_overpaid_bill_is_negative() -> None:
    block = pairs(("本期应还款总额：", "￥-12.00"), ("本期最低还款额：", "￥0.00"), ("到期还款日：", "2026/09/08"))
    letter = replace(letters.spdb_2026(), blocks=(Para("20260819 10020030 0400500"), block))
    assert bills(read(letter)) == ["CNY -12.00 0.00 2026-08-19 2026-09-08 - account -"]


def test_a_due_date_before_the_statement_date_is_refused() -> None:
    block = pairs(("本期应还款总额：", "￥12.00"), ("到期还款日：", "2026/08/01"))
    reading = read(replace(letters.spdb_2026(), blocks=(Para("20260819 10020030 0400500"), block)))
    assert (bills(reading), problems(reading)) == ([], ["bill.due_before_statement"])


def test_advertising_from_the_same_sender_is_no_bill() -> None:
    reading = read(replace(letters.spdb_2026(), subject="浦发银行信用卡 周五半价"))
    assert (bills(reading), problems(reading)) == ([], ["mail.not_a_bill"])
