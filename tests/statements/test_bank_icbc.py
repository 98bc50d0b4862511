"""工商银行: rows per card and currency, words for directions, the bill as an HTML attachment."""

from dataclasses import replace

import pytest
from tests.statements import fixtures_mail as letters
from tests.statements.mail_checks import ALL_SHAPES, bills, lines, problems, read
from tests.statements.shapes_mail import nested

from anhuan.statements.mail import read_mail


@pytest.mark.parametrize("charset", ["utf-8", "gbk"])
@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_each_card_and_currency_is_a_bill(shape: str, charset: str) -> None:
    reading = read(letters.icbc_2026(), shape, charset=charset)
    assert bills(reading) == [
        "CNY 8411.90 1429.79 2026-07-31 2026-08-25 7640 card 81000.00",
        "USD 2.68 0.27 2026-07-31 2026-08-25 7640 card 10000.00",
        "CNY 20.00 2.00 2026-07-31 2026-08-25 1225 card 81000.00",
    ]
    assert problems(reading) == []


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_the_word_in_the_last_column_is_the_direction(shape: str) -> None:
    reading = read(letters.icbc_2026(), shape)
    assert lines(reading) == [
        "2026-07-01 2026-07-02 238.10 CNY 7640 purchase 某酒店 东京",
        "2026-07-03 2026-07-04 20.00 CNY 1225 purchase 某超市",
        "2026-07-05 2026-07-06 -99.00 CNY 7640 refund 某商城",
        "2026-07-20 2026-07-20 -3000.00 CNY 7640 repayment 跨行还款",
        "2026-07-07 2026-07-08 2.68 USD 7640 purchase 境外网购",
    ]
    assert reading.lines[0].original == (5000, "JPY")


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_a_zero_bill_is_read_from_the_movements(shape: str) -> None:
    assert bills(read(letters.icbc_zero(), shape)) == ["CNY 0.00 - 2026-07-31 None 1498 card -"]


def test_a_sum_that_is_not_the_sum_of_the_cards_is_refused() -> None:
    reading = read(letters.icbc_2026(total="9,000.00/RMB"))
    assert (bills(reading), lines(reading), problems(reading)) == ([], [], ["bill.totals_disagree"])


@pytest.mark.parametrize("kind", ["text/html", "application/octet-stream"])
def test_the_bill_may_be_an_html_attachment(kind: str) -> None:
    letter = letters.icbc_2026()
    page = nested(letter).encode("gb18030")
    mail = (
        f"From: <{letter.sender}>\r\nSubject: {letter.subject}\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n您的信用卡对账单见附件。\r\n"
        f"--b\r\nContent-Type: {kind}; name=bill.html\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    ).encode() + page
    assert len(read_mail(mail + b"\r\n--b--\r\n").bills) == 3


def test_a_mail_without_its_end_is_read_and_named() -> None:
    letter = letters.icbc_2026()
    head = f"From: <{letter.sender}>\r\nSubject: {letter.subject}\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    mail = head.encode() + b"--b\r\nContent-Type: text/html\r\n\r\n" + nested(letter).encode()
    reading = read_mail(mail)
    assert (len(reading.bills), problems(reading), reading.complete) == (3, ["mail.truncated"], False)


def test_other_mail_of_the_bank_is_no_bill() -> None:
    assert problems(read(replace(letters.icbc_2026(), subject="工银e生活 周末优惠"))) == ["mail.not_a_bill"]
