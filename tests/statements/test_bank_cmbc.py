"""民生银行: one bill for the account, sections with spaced headings, tails at the end of the rows."""

from base64 import encodebytes
from dataclasses import replace

import pytest
from tests.statements import fixtures_mail_more as letters
from tests.statements.mail_checks import ALL_SHAPES, bills, lines, problems, read
from tests.statements.shapes_mail import Para, mail, pairs, rows

from anhuan.statements.mail import read_mail

BILLS_2022 = [
    "CNY 1528.96 100.00 2026-08-05 2026-08-25 1234,5678 account -",
    "USD 12.00 1.20 2026-08-05 2026-08-25 1234,5678 account -",
]


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_a_bill_since_2022_has_yuan_dollars_and_sections(shape: str) -> None:
    reading = read(letters.cmbc_2026(), shape)
    assert bills(reading) == BILLS_2022
    assert lines(reading) == [
        "2026-08-01 2026-08-02 1068.00 CNY 1234 purchase 示例餐饮",
        "2026-08-03 2026-08-04 460.96 CNY 5678 purchase 示例购物 上海",
        "2025-12-30 2025-12-31 0.50 CNY 5678 purchase 去年补记 示例酒店",
        "2026-08-05 2026-08-05 300.00 CNY 1234 instalment 示例商城分期 第03/12期",
        "2026-07-28 2026-07-29 -20.00 CNY 5678 refund 示例购物退款",
        "2026-07-20 2026-07-21 -500.00 CNY 1234 repayment 自动还款",
        "2026-07-30 2026-07-31 12.00 USD 1234 purchase EXAMPLE CLOUD US",
    ]
    assert reading.lines[3].instalment == (3, 12)
    assert (reading.template, reading.complete, problems(reading)) == ("2022", True, [])


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_a_january_bill_of_2021_takes_december_rows_to_the_year_before(shape: str) -> None:
    reading = read(letters.cmbc_2020(), shape)
    assert bills(reading) == ["CNY 14363.00 1436.30 2021-01-05 2021-01-25 1234 account -"]
    assert lines(reading) == ["2020-12-28 2020-12-29 14363.00 CNY 1234 purchase 示例家具"]
    assert reading.template == "2020"


def test_a_foreign_row_keeps_the_amount_of_the_trade() -> None:
    letter = replace(
        letters.cmbc_2026(),
        blocks=(
            *letters.cmbc_2026().blocks[:3],
            Para("消 费"),
            rows(("08/01", "08/02", "EXAMPLE.COM/BILL US0.99USD", "7.01", "1234")),
        ),
    )
    line = read(letter).lines[0]
    assert (line.amount, line.currency, line.original) == (701, "CNY", (99, "USD"))


def test_a_summary_as_plain_labels_is_read_too() -> None:
    letter = replace(
        letters.cmbc_2026(),
        blocks=(
            pairs(
                ("本期账单日 Statement Date", "2026/08/05"),
                ("本期最后还款日 Payment Due Date", "2026/08/25"),
                ("本期应还款金额 New Balance", "RMB 8.11 USD 0.00"),
                ("本期最低还款金额 Min.Payment", "RMB 8.11 USD 0.00"),
            ),
        ),
    )
    for shape in ALL_SHAPES:
        assert bills(read(letter, shape)) == [
            "CNY 8.11 8.11 2026-08-05 2026-08-25 - account -",
            "USD 0.00 0.00 2026-08-05 2026-08-25 - account -",
        ]


def test_html_wrapped_twice_in_gbk_is_the_same_bill() -> None:
    inner = mail(letters.cmbc_2026(), charset="gbk")
    head = (
        b"From: <master@creditcard.cmbc.com.cn>\r\n"
        b"Subject: =?gbk?B?" + encodebytes("民生信用卡2026年08月电子对账单".encode("gbk")).strip() + b"?=\r\n"
        b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/html; charset=gbk\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    )
    assert bills(read_mail(head + encodebytes(inner) + b"\r\n--b--\r\n")) == BILLS_2022


def test_a_row_that_cannot_be_read_is_told() -> None:
    blocks = (*letters.cmbc_2026().blocks, rows(("08/02", "08/03", "金额缺失的一行")))
    reading = read(replace(letters.cmbc_2026(), blocks=blocks))
    assert (bills(reading), problems(reading), reading.complete) == (BILLS_2022, ["rows.unread"], False)
