"""平安银行: one bill for the account, rows in blocks of cards."""

from dataclasses import replace

import pytest
from tests.statements import fixtures_mail_more as letters
from tests.statements.mail_checks import ALL_SHAPES, bills, lines, problems, read
from tests.statements.shapes_mail import Para, pairs, rows


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_a_bill_since_2021_has_blocks_of_cards(shape: str) -> None:
    reading = read(letters.pab_2026(), shape)
    assert bills(reading) == [
        "CNY 1756.01 732.79 2026-08-17 2026-09-05 1765,8837 account 100000.00",
        "USD 3.00 0.30 2026-08-17 2026-09-05 1765,8837 account -",
    ]
    assert lines(reading) == [
        "2026-08-01 2026-08-02 100.00 CNY 1765 purchase 加油充值",
        "2026-08-03 2026-08-03 -800.00 CNY 1765 repayment 一键还款",
        "2026-08-02 2026-08-02 1200.00 CNY 8837 purchase 超市购物",
        "2026-08-06 2026-08-07 -1000.00 CNY 8837 refund 示例商户退款",
        "2026-07-20 2026-07-20 50.00 CNY - instalment 商户分期 本金03-02期 示例商户",
        "2026-08-17 2026-08-17 6.01 CNY - interest 循环利息",
    ]
    assert reading.lines[4].instalment == (2, 3)
    assert (reading.template, problems(reading)) == ("2021", [])


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_a_bill_of_2019_has_both_labels_before_both_amounts(shape: str) -> None:
    reading = read(letters.pab_2019(), shape)
    assert bills(reading) == [
        "CNY 6762.80 676.28 2019-10-18 2019-11-06 4856 account 30000.00",
        "USD 0.00 0.00 2019-10-18 2019-11-06 4856 account -",
    ]
    assert lines(reading) == [
        "2019-10-01 2019-10-02 6874.00 CNY 4856 purchase 示例旅行",
        "2019-10-03 2019-10-04 -111.20 CNY 4856 refund 示例旅行退款",
    ]
    assert (reading.template, problems(reading)) == ("2019", [])


def test_the_equation_of_the_balance_gives_the_total_and_nothing_else() -> None:
    letter = replace(
        letters.pab_2026(),
        blocks=(
            pairs(("本期账单日", "2026-08-13"), ("本期还款日", "2026-09-01"), ("信用额度", "￥ 100,000.00")),
            pairs(("本期最低应还金额", "￥ 330.51")),
            rows(
                ("本期应还金额 New Balance", "=", "上期账单金额 Pre Statement", "-", "上期还款金额 Pre Payment", "+",
                 "本期账单金额 New Charges"),
                ("", "￥ 1,597.53", "￥ 800.00", "￥ 800.00", "￥ 1,597.53", "￥ 0.00", "￥ 0.00"),
            ),
            Para("平安示例卡（1151） 主卡 合计：￥ 1,597.53"),
            rows(("2026-08-01", "2026-08-02", "示例商户-加油", "￥ 1,597.53")),
        ),
    )  # fmt: skip
    for shape in ("nested", "divs", "breaks", "plain"):
        reading = read(letter, shape)
        assert bills(reading) == ["CNY 1597.53 330.51 2026-08-13 2026-09-01 1151 account 100000.00"]
        assert lines(reading) == ["2026-08-01 2026-08-02 1597.53 CNY 1151 purchase 示例商户-加油"]


def test_an_overpaid_account_owes_less_than_nothing() -> None:
    block = pairs(
        ("本期应还金额", "￥ -2,724.84 $ 0.00"),
        ("本期最低应还金额", "￥ 0.00 $ 0.00"),
        ("本期账单日", "2026-08-17"),
        ("本期还款日", "2026-09-05"),
    )
    for shape in ALL_SHAPES:
        reading = read(replace(letters.pab_2026(), blocks=(block,)), shape)
        assert bills(reading) == [
            "CNY -2724.84 0.00 2026-08-17 2026-09-05 - account -",
            "USD 0.00 0.00 2026-08-17 2026-09-05 - account -",
        ]
