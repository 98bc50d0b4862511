"""交通银行: the section gives the sign, `---` stands for no such currency."""

import pytest
from tests.statements import fixtures_mail as letters
from tests.statements.mail_checks import ALL_SHAPES, bills, lines, problems, read


@pytest.mark.parametrize("charset", ["utf-8", "gb2312"])
@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_a_bill_of_2026_has_one_card_and_no_usd(shape: str, charset: str) -> None:
    reading = read(letters.bocom_2026(), shape, charset=charset)
    assert bills(reading) == ["CNY 34.60 1.73 2026-08-10 2026-09-04 8679 card -"]
    assert problems(reading) == []


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_rows_without_signs_take_the_sign_of_their_section(shape: str) -> None:
    reading = read(letters.bocom_2026(), shape)
    assert lines(reading) == [
        "2026-07-20 2026-07-20 -123.18 CNY 8679 repayment 信用卡还款 手机银行",
        "2026-07-21 2026-07-22 -20.00 CNY 8679 refund 退货 某商城",
        "2026-07-25 2026-07-26 14.60 CNY 8679 purchase 消费 某超市",
        "2026-07-28 2026-07-29 20.00 CNY 8679 purchase 消费 某拉面店",
    ]
    assert reading.lines[-1].original == (420, "JPY")


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_a_bill_of_2022_has_two_currencies_and_rows_of_the_year_before(shape: str) -> None:
    reading = read(letters.bocom_2022(), shape)
    assert bills(reading) == [
        "CNY 1057.16 105.72 2022-01-10 2022-02-04 0988 card -",
        "USD 3.00 0.30 2022-01-10 2022-02-04 0988 card -",
    ]
    assert lines(reading) == [
        "2021-12-20 2021-12-21 -500.00 CNY 0988 repayment 信用卡还款",
        "2022-01-02 2022-01-03 57.16 CNY 0988 purchase 消费 某书店",
    ]


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_an_overpaid_bill_has_no_due_date(shape: str) -> None:
    reading = read(letters.bocom_2026(owed="¥ -3442.90 $---", least="¥ 0.00 $---", due="---"), shape)
    assert bills(reading) == ["CNY -3442.90 0.00 2026-08-10 None 8679 card -"]
    assert reading.bills[0].inferred == ("statement_on",)  # the end of the cycle
