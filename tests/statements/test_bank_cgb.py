"""广发银行: one row per card and currency, supplementary cards, kinds in brackets, bills re-sent as PDF."""

from dataclasses import replace

import pytest
from tests.statements import fixtures_mail_more as letters
from tests.statements.mail_checks import ALL_SHAPES, bills, lines, problems, read
from tests.statements.shapes_mail import Para, pairs, rows


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_a_bill_has_a_row_for_each_card_and_currency(shape: str) -> None:
    reading = read(letters.cgb_2026(), shape)
    assert bills(reading) == [
        "CNY 3810.78 191.00 2026-07-26 2026-08-15 1119,6736 card 97000.00",
        "USD 20.50 2.05 2026-07-26 2026-08-15 1119,6736 card -",
        "CNY 0.00 0.00 2026-07-26 2026-08-15 2620 card 97000.00",
    ]
    assert lines(reading) == [
        "2026-06-28 2026-06-29 3285.00 CNY 1119 purchase （消费）示例餐饮",
        "2026-07-01 2026-07-01 -900.00 CNY 1119 repayment （还款）手机银行还款",
        "2026-07-05 2026-07-06 -74.22 CNY 1119 refund （退款）示例购物",
        "2026-07-10 2026-07-10 600.00 CNY 1119 instalment （分期）银联分期示例商户/10/12期",
        "2026-07-11 2026-07-12 20.50 USD 1119 purchase （消费）EXAMPLE STORE",
        "2026-07-15 2026-07-16 50.00 CNY 6736 purchase （消费）示例书店",
    ]
    assert reading.lines[3].instalment == (10, 12)
    assert reading.lines[4].original == (2960, "JPY")
    assert (reading.bills[0].cycle_from, problems(reading)) == (reading.bills[2].cycle_from, [])


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_the_text_of_2023_runs_rows_together(shape: str) -> None:
    reading = read(letters.cgb_2023(), shape)
    assert bills(reading) == ["CNY 520.00 52.00 2023-07-26 2023-08-15 2620 card 50000.00"]
    assert lines(reading) == [
        "2023-07-04 2023-07-05 500.00 CNY 2620 purchase (消费)示例超市",
        "2023-07-16 2023-07-16 20.00 CNY 2620 fee (费用)逾期还款违约金",
        "2023-07-24 2023-07-24 0.00 CNY 2620 other (费用)刷卡次数免年费 RMB: 80.00",
    ]


def test_a_bill_sent_again_as_pdf_is_read_from_the_pdf() -> None:
    reading = read(letters.cgb_2025())
    assert bills(reading) == ["CNY 3810.00 190.50 2025-05-26 2025-06-15 1119,6736 card 97000.00"]
    assert [line.amount for line in reading.lines] == [352500, 28500]


@pytest.mark.parametrize(
    ("row", "bill"),
    [
        (("2620", "无欠款", "人民币", "15.00", "9,000.00"), "CNY 0.00 0.00 2026-07-26 - 2620 card 9000.00"),  # one cell
        (("2620", "无欠款", "无欠款", "--", "人民币"), "CNY 0.00 0.00 2026-07-26 - 2620 card -"),  # no due date
        (("2620/", "-5.00", "0.00", "2026/08/15", "美元"), "USD -5.00 0.00 2026-07-26 2026-08-15 2620 card -"),
    ],
)
def test_a_card_without_debt_owes_nothing(row: tuple[str, ...], bill: str) -> None:
    letter = replace(letters.cgb_2026(), blocks=(Para("账单周期:2026/06/27-2026/07/26"), rows(row)))
    for shape in ALL_SHAPES:
        assert bills(read(letter, shape)) == [bill.replace(" - 2620", " None 2620")]


def test_values_beside_their_labels_are_the_bill_of_that_card() -> None:
    block = pairs(
        ("卡号末四位", "2620"),
        ("本期账单金额", "520.00"),
        ("最低还款额", "52.00"),
        ("最后还款日", "2026/08/15"),
        ("入账货币", "人民币"),
    )
    letter = replace(letters.cgb_2026(), blocks=(Para("账单周期:2026/06/27-2026/07/26"), block))
    assert bills(read(letter)) == ["CNY 520.00 52.00 2026-07-26 2026-08-15 2620 card -"]


def test_an_unsigned_repayment_is_still_no_spending() -> None:
    blocks = (*letters.cgb_2023().blocks[:3], Para("卡号：6225********2620"))
    row = rows(("2023/07/04", "2023/07/05", "(还款)柜台还款", "500.00", "人民币", "500.00", "人民币"))
    line = read(replace(letters.cgb_2023(), blocks=(*blocks, row))).lines[0]
    assert (line.amount, line.kind) == (-50000, "repayment")
