"""招商银行: bills of three generations and the daily mail."""

from dataclasses import replace

import pytest
from tests.statements import fixtures_mail as letters
from tests.statements.mail_checks import ALL_SHAPES, bills, lines, problems, read
from tests.statements.shapes_mail import Para, rows


@pytest.mark.scope("S0-10")
@pytest.mark.parametrize("charset", ["utf-8", "gbk"])
@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_a_bill_of_2026_is_read_from_its_run_of_five_values(shape: str, charset: str) -> None:
    reading = read(letters.cmb_2026(), shape, charset=charset, encoding="quoted-printable")
    assert bills(reading) == ["CNY 1927.79 96.39 2026-08-08 2026-08-26 3096,7190 account 35000.00"]
    assert reading.bills[0].inferred == ("statement_on",)  # the end of the cycle, not printed by itself
    assert problems(reading) == []


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_rows_keep_days_cards_signs_and_kinds(shape: str) -> None:
    assert lines(read(letters.cmb_2026(), shape)) == [
        "None 2026-08-01 -1200.00 CNY 3096 repayment 跨行转账还款",
        "2026-07-16 2026-07-17 -88.00 CNY 7190 refund 退货-某某商城",
        "2026-07-12 2026-07-13 12.00 CNY 3096 purchase 支付宝-85度C 人民路店",
        "2026-07-20 2026-07-21 1023.50 CNY 7190 purchase 财付通-7-11便利店",
        "None 2026-08-08 36.00 CNY - fee 会员费-增值服务使用费",
        "2026-08-08 2026-08-08 500.00 CNY 3096 instalment 账单分期 第03期/共12期",
    ]
    assert read(letters.cmb_2026(), shape).lines[-1].instalment == (3, 12)


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_december_rows_of_a_january_bill_belong_to_the_year_before(shape: str) -> None:
    reading = read(letters.cmb_2020(), shape, charset="gb2312")
    assert bills(reading) == ["CNY 218.80 10.94 2021-01-08 2021-01-26 2111 account 35000.00"]
    assert lines(reading)[0].startswith("2020-12-31 2021-01-01 118.80")


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_an_old_due_date_without_a_year_follows_the_month_of_the_bill(shape: str) -> None:
    reading = read(letters.cmb_2017(), shape)
    assert bills(reading) == ["CNY 1345.60 - 2017-12-15 2018-01-02 7449 account -"]
    assert reading.bills[0].inferred == ("statement_on",)
    assert lines(reading) == ["2017-12-03 None 345.60 CNY 7449 purchase 某某超市"]


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_the_daily_mail_is_rows_and_no_bill(shape: str) -> None:
    reading = read(letters.cmb_daily(), shape)
    assert (reading.kind, bills(reading), reading.complete) == ("daily", [], False)
    assert lines(reading) == [
        "2026-08-19 None 1.36 USD 2111 purchase 邮购 EXAMPLE.AI SAN FRANCISCOCA US",
        "2026-08-19 None 286.00 CNY 7190 purchase 消费 美团支付-原绑定卡:3096",
        "2026-08-19 None -9.90 CNY - refund 退货 支付宝退款",
    ]


def test_a_subject_that_only_begins_like_the_daily_mail_is_advertising() -> None:
    reading = read(replace(letters.cmb_daily(), subject="每日信用管家活动"))
    assert (reading.kind, problems(reading)) == ("unknown", ["mail.not_a_bill"])


def test_an_overpaid_bill_is_negative_and_kept() -> None:
    run = rows(("2026/07/09-2026/08/08", "￥35,000.00", "￥-20.00", "￥0.00", "2026/08/26"))
    assert bills(read(replace(letters.cmb_2026(), blocks=(run,)))) == [
        "CNY -20.00 0.00 2026-08-08 2026-08-26 - account 35000.00"
    ]


@pytest.mark.parametrize(
    ("values", "code"),
    [
        (("￥1,927.79", "￥96.39", "2026/08/01"), "bill.due_before_statement"),
        (("￥1,927.79", "￥96.39", "2026/12/01"), "bill.due_too_late"),
        (("￥50.00", "￥96.39", "2026/08/26"), "bill.minimum_over_total"),
    ],
)
def test_a_bill_that_contradicts_itself_is_refused_with_its_rows(values: tuple[str, ...], code: str) -> None:
    run = rows(("2026/07/09-2026/08/08", "￥35,000.00", *values))
    reading = read(replace(letters.cmb_2026(), blocks=(run, *letters.CMB_ROWS)))
    assert (bills(reading), lines(reading), problems(reading)) == ([], [], [code])


def test_a_bill_without_a_summary_is_not_guessed() -> None:
    reading = read(replace(letters.cmb_2026(), blocks=(Para("尊敬的张三先生：您的账单已出，请及时还款。"),)))
    assert (reading.kind, problems(reading)) == ("unknown", ["bill.template_unknown"])
