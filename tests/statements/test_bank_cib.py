"""兴业银行: one card per mail."""

from dataclasses import replace

import pytest
from tests.statements import fixtures_mail_more as letters
from tests.statements.mail_checks import ALL_SHAPES, bills, lines, problems, read
from tests.statements.shapes_mail import Para, rows


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_a_bill_of_2026_prints_its_statement_date(shape: str) -> None:
    reading = read(letters.cib_2026(), shape)
    assert bills(reading) == ["CNY 6542.97 327.15 2026-07-25 2026-08-14 0648 card 50000.00"]
    assert lines(reading) == [
        "2026-06-26 2026-06-26 6047.98 CNY 0648 purchase 财付通--示例云",
        "2026-06-29 2026-06-30 276.80 CNY 0648 purchase （特约）示例外卖",
        "2026-07-03 2026-07-05 505.00 CNY 0648 purchase EXAMPLE HOTEL",
        "2026-07-10 2026-07-10 -599.73 CNY 0648 repayment 支付宝还款",
        "2026-07-12 2026-07-12 -31.80 CNY 0648 refund 财付通--示例商户退货20260712",
        "2026-07-25 2026-07-25 344.72 CNY 0648 instalment 分期付款 第12期共24期",
    ]
    assert (reading.lines[2].original, reading.lines[5].instalment) == ((55000, "HKD"), (12, 24))
    assert (reading.template, problems(reading)) == ("2026", [])


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_a_bill_of_2021_ends_its_cycle_on_the_statement_date(shape: str) -> None:
    reading = read(letters.cib_2021(), shape)
    assert bills(reading) == ["CNY -12.30 0.00 2021-11-25 2021-12-15 1983 card 29000.00"]
    assert [line.kind for line in reading.lines] == ["purchase", "repayment"]
    assert reading.template == "2017"


def test_the_flat_text_of_2017_is_read_in_one_go() -> None:
    text = (
        "尊敬的 张三 女士 您好! 以下是您金卡（卡号末四位 6105）的2017年10月账单。 "
        "账单周期 Statement Cycle 2017/09/25-2017/10/24 信用额度(人民币) Credit Limit(RMB) 31000 "
        "预借现金额度(人民币) Cash Advance Limit(RMB) 31000 到期还款日 Payment Due Date 2017年11月13日 "
        "本期应还款总额 New Balance RMB 9325.93 本期最低还款额 Minimum Payment RMB 2111.89 "
        "您本月新增积分为1292分，当前积分余额为73609分。 人民币账户 RMB A/C 本期应缴余额:9325.93元 New Balance "
        "本期应缴余额 New Balance 9325.93 = 上期账单余额 Previous Balance 6729.89 - 已还金额 1799.80 "
        "交易日期 Trans Date 记账日期 Post Date 人民币金额 Amount(RMB) **** 主卡交易(卡号末四位 6105) **** "
        "2017-09-25 2017-09-25 财付通--示例出行 35.30 2017-09-24 2017-09-25 财付通--示例打车 17.72 "
        "2017-10-24 2017-10-24 电销现分按月收24期 第12期共24期 1291.66 2017-10-24 2017-10-24 信用卡违约金 60.56 "
        "2017-10-24 2017-10-24 利息 131.98 账单说明：截至2017年10月24日您的分期未还总金额为18475.98元。"
    )
    letter = replace(letters.cib_2021(), subject="兴业银行信用卡2017年10月电子账单", blocks=(Para(text),))
    for shape in ("plain", "nested"):
        reading = read(letter, shape)
        assert bills(reading) == ["CNY 9325.93 2111.89 2017-10-24 2017-11-13 6105 card 31000.00"]
        assert [(line.amount, line.kind.value) for line in reading.lines] == [
            (3530, "purchase"),
            (1772, "purchase"),
            (129166, "instalment"),
            (6056, "fee"),
            (13198, "interest"),
        ]


def test_rows_of_a_supplementary_card_keep_their_card() -> None:
    table = rows(
        ("**** 附属卡交易(卡号末四位 2222) ****",),
        ("2026-07-03", "2026-07-05", "示例书店", "HKD 51.00", "CNY 45.51"),
    )
    letter = replace(letters.cib_2026(), blocks=(*letters.cib_2026().blocks[:4], table))
    for shape in ALL_SHAPES:
        reading = read(letter, shape)
        assert reading.bills[0].cards == ("0648", "2222")
        assert reading.lines[-1].card == "2222"
        assert (reading.lines[-1].amount, reading.lines[-1].original) == (4551, (5100, "HKD"))
