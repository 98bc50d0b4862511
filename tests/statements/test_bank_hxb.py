"""华夏银行: one bill for the account, the statement day as a rule of the month."""

from dataclasses import replace

import pytest
from tests.statements import fixtures_mail_more as letters
from tests.statements.mail_checks import ALL_SHAPES, bills, lines, problems, read
from tests.statements.shapes_mail import Para


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_dollars_may_stand_before_yuan(shape: str) -> None:
    reading = read(letters.hxb_2026(), shape)
    assert sorted(bills(reading)) == [
        "CNY 10070.71 503.54 2026-08-19 2026-09-08 5616 account -",
        "USD 0.00 0.00 2026-08-19 2026-09-08 5616 account -",
    ]
    assert (reading.template, problems(reading)) == ("2022", [])


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_the_number_of_the_paying_card_is_masked(shape: str) -> None:
    assert lines(read(letters.hxb_2026(), shape)) == [
        "2026-08-03 2026-08-03 11000.00 CNY 5616 purchase 财付通示例停车",
        "2026-08-05 2026-08-06 -929.29 CNY 5616 repayment 银联信用卡还款 ****0000",
    ]


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_amount_payable_between_the_currencies_is_no_label(shape: str) -> None:
    reading = read(letters.hxb_2022(), shape)
    assert bills(reading) == [
        "CNY 78.00 10.00 2022-02-19 2022-03-11 5986 account -",
        "USD 0.00 0.00 2022-02-19 2022-03-11 5986 account -",
    ]
    assert [line.amount for line in reading.lines] == [7800, -92074]
    assert reading.bills[0].inferred == ("statement_on",)


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_a_bill_of_2020_has_the_tail_behind_the_amount(shape: str) -> None:
    reading = read(letters.hxb_2020(), shape)
    assert bills(reading) == [
        "CNY 1072.99 107.30 2020-12-19 2021-01-08 5986 account -",
        "USD 0.00 0.00 2020-12-19 2021-01-08 5986 account -",
    ]
    assert lines(reading) == ["2020-12-01 2020-12-02 1072.99 CNY 5986 purchase 示例电力公司"]
    assert reading.template == "2020"


def test_flat_text_with_broken_lines_is_read_the_same() -> None:
    text = (
        "华夏信用卡对账单(2022/02)\n本期应还款 ￥78.00 Amount Payable $0.00\n最低应还款 ￥10.00 Amount Payable $0.00\n"
        "账单日 每月19日 Statement Date\n最后还款日 2022/03/11 Payment Due Date\n人民币账务信息 RMB ACCOUNT\n"
        "Trans Amount 01/27 01/27 财付通(银联云闪付)  5986 ￥78.00 02/02 02/03 银联信用卡还款\n"
        "6222020000000000  5986 -￥920.74\n美元账务信息 USD ACCOUNT"
    )
    reading = read(replace(letters.hxb_2022(), blocks=(Para(text),)), "plain")
    assert bills(reading)[0] == "CNY 78.00 10.00 2022-02-19 2022-03-11 5986 account -"
    assert lines(reading)[1] == "2022-02-02 2022-02-03 -920.74 CNY 5986 repayment 银联信用卡还款 ****0000"
