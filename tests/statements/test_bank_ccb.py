"""建设银行: rows per card and currency, dates in two shapes in one mail."""

from dataclasses import replace

import pytest
from tests.statements import fixtures_mail as letters
from tests.statements.mail_checks import ALL_SHAPES, bills, lines, problems, read
from tests.statements.shapes_mail import rows


@pytest.mark.parametrize("charset", ["utf-8", "gb18030"])
@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_each_card_and_currency_is_a_bill_and_an_overpaid_one_negative(shape: str, charset: str) -> None:
    reading = read(letters.ccb_2026(), shape, charset=charset)
    assert bills(reading) == [
        "CNY 857.90 200.00 2026-08-14 2026-09-03 9490 card 50000.00",
        "USD -12.00 0.00 2026-08-14 2026-09-03 9490 card -",
        "CNY 1100.00 110.00 2026-08-14 2026-09-03 1234 card 50000.00",
    ]
    assert (str(reading.bills[0].cycle_from), problems(reading)) == ("2026-07-15", [])


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_a_row_with_two_tails_belongs_to_the_first(shape: str) -> None:
    reading = read(letters.ccb_2026(), shape)
    assert lines(reading) == [
        "2026-07-20 2026-07-21 77.00 CNY 9490 purchase 银联扫码 某餐厅",
        "2026-07-25 2026-07-26 95.40 CNY 1234 purchase EXAMPLE STORE 東京",
        "2026-08-01 2026-08-01 -1000.00 CNY 9490 repayment 手机银行还款",
    ]
    assert reading.lines[1].original == (2000, "JPY")


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_full_width_brackets_of_2017_are_read(shape: str) -> None:
    assert bills(read(letters.ccb_2017(), shape)) == ["CNY 345.67 34.57 2017-05-14 2017-06-03 9490 card -"]


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_a_row_without_an_amount_is_told_and_swallows_no_other(shape: str) -> None:
    letter = letters.ccb_2026()
    note = rows(("2026-07-19", "2026-07-19", "9490", "账单分期说明：余期为02期"))
    reading = read(replace(letter, blocks=(*letter.blocks[:-1], note, letter.blocks[-1])), shape)
    assert (len(reading.lines), problems(reading)) == (3, ["rows.unread"])
