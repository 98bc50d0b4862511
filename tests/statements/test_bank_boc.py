"""中国银行: HTML until 2021, PDF since, money in and money out in two columns."""

import pytest
from tests.statements import fixtures_mail as letters
from tests.statements.mail_checks import ALL_SHAPES, bills, lines, problems, read

from anhuan.statements.mail import read_pdf_pages
from anhuan.statements.model import Page, Word


@pytest.mark.parametrize("charset", ["utf-8", "gbk"])
@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_a_bill_of_2021_has_a_row_per_card(shape: str, charset: str) -> None:
    reading = read(letters.boc_2021(), shape, charset=charset)
    assert bills(reading) == [
        "CNY 6240.92 625.00 2021-08-04 2021-08-24 2010 card -",
        "CNY 4708.30 471.00 2021-08-04 2021-08-24 7557 card -",
    ]
    assert problems(reading) == []


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_money_in_is_negative(shape: str) -> None:
    assert lines(read(letters.boc_2021(), shape)) == [
        "2021-07-10 2021-07-11 240.92 CNY 2010 purchase 财付通-某商户CHN",
        "2021-07-20 2021-07-21 -3000.00 CNY 2010 repayment 信用卡还款",
        "2021-08-04 2021-08-04 -0.12 CNY - repayment 存款利息",
    ]


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_a_zero_bill_leaves_its_due_date_open(shape: str) -> None:
    reading = read(letters.boc_2020_zero(), shape)
    assert bills(reading) == ["CNY 0.00 0.00 2020-08-04 None 2010 card -"]
    assert reading.bills[0].inferred == ()


def test_a_total_that_is_not_the_sum_of_the_cards_is_refused() -> None:
    reading = read(letters.boc_2021(total="10,000.00"))
    assert (bills(reading), problems(reading)) == ([], ["bill.totals_disagree"])


def _page(*lines: tuple[tuple[int, str], ...]) -> Page:
    """A PDF page: each line a list of (x, word), twelve points a line, five points a letter."""
    words = tuple(
        Word(text, x0, x0 + 5 * len(text), 40 + 12 * row, 50 + 12 * row)
        for row, line in enumerate(lines)
        for x0, text in line
    )
    return Page(1, 595, 842, words)


def _said(x0: int, sentence: str) -> tuple[tuple[int, str], ...]:
    """The words of a sentence one behind the other."""
    placed = []
    for word in sentence.split():
        placed.append((x0, word))
        x0 += 5 * (len(word) + 1)
    return tuple(placed)


GARBLED = _page(
    _said(20, "Payment Due Date Statement Closing Date Current RMB Total Balance Due Current FCY Total Balance Due"),
    _said(20, "2026-08-24 2026-08-04 2,861.30"),
    _said(20, "6259 0611 **** 1831 2861.30 286.00"),
    ((20, "\u13a1\u13a2(\u13a3\uff1a1831)"),),
    ((20, "\u13a4/RMB"),),
    ((400, "Deposit"), (500, "Expenditure")),
    ((20, "2026-07-14"), (90, "2026-07-15"), (160, "1831"), (200, "\u13a5-\u13a6CHN"), (505, "1085.00")),
    ((200, "\u13a7\u13a8"),),
    ((20, "2026-07-17"), (90, "2026-07-18"), (160, "1831"), (405, "2710.40")),
    ((20, "\u13a4/USD"),),
    ((20, "2026-07-20"), (90, "2026-07-21"), (160, "1831"), (200, "APP[683.01]"), (505, "23.14")),
)


def test_a_pdf_whose_chinese_is_garbled_is_read_by_digits_english_and_places() -> None:
    reading = read_pdf_pages([GARBLED], "bill.pdf")
    assert reading is not None
    assert bills(reading) == ["CNY 2861.30 286.00 2026-08-04 2026-08-24 1831 card -"]
    assert [line.split()[:5] for line in lines(reading)] == [
        ["2026-07-14", "2026-07-15", "1085.00", "CNY", "1831"],
        ["2026-07-17", "2026-07-18", "-2710.40", "CNY", "1831"],
        ["2026-07-20", "2026-07-21", "23.14", "USD", "1831"],
    ]
    assert reading.lines[1].description == "\u13a7\u13a8"


def test_a_pdf_without_its_column_titles_tells_deposits_by_their_printed_sum() -> None:
    page = _page(
        _said(20, "Current FCY Total Balance Due 2026-08-24 2026-08-04 2,861.30"),
        _said(20, "6259 0611 **** 1831 2861.30 286.00"),
        _said(20, "\u13a4/RMB \u13a5/DEBT 2710.40 2861.30 2710.40 \u13a5/DEBT 2861.30 25738.70"),
        _said(20, "2026-07-14 2026-07-15 1831 \u13a6CHN 1085.00"),
        _said(20, "2026-07-17 2026-07-18 1831 \u13a7\u13a8 2710.40"),
    )
    reading = read_pdf_pages([page])
    assert reading is not None
    assert [line.amount for line in reading.lines] == [108500, -271040]


def test_a_pdf_of_2022_has_one_card() -> None:
    page = _page(
        _said(20, "中国银行信用卡账单 客户姓名/Customer Name 张三 先生"),
        _said(20, "信用卡卡号/Credit Card No. 4096 **** **** 0289"),
        _said(20, "2022-01-24 2022-01-04 欠款 RMB 3,828.88 RMB 383.00"),
        _said(20, "12/31 01/01 0289"),
        _said(20, "财付通-某商户"),
        _said(20, "CHN 1,887.94"),
        _said(20, "01/02 01/03 0289 云闪付还款 6222020000000000 500.00"),
    )
    reading = read_pdf_pages([page])
    assert reading is not None
    assert bills(reading) == ["CNY 3828.88 383.00 2022-01-04 2022-01-24 0289 card -"]
    assert lines(reading) == [
        "2021-12-31 2022-01-01 1887.94 CNY 0289 purchase 财付通-某商户 CHN",
        "2022-01-02 2022-01-03 -500.00 CNY 0289 repayment 云闪付还款 ****0000",
    ]


def test_a_description_wrapped_below_its_row_is_read_to_its_end() -> None:
    page = _page(
        _said(
            20, "Payment Due Date Statement Closing Date Current RMB Total Balance Due Current FCY Total Balance Due"
        ),
        _said(20, "2026-08-24 2026-08-04 2,861.30"),
        _said(20, "6259 0611 **** 1831 2861.30 286.00"),
        ((400, "Deposit"), (500, "Expenditure")),
        ((20, "2026-07-14"), (90, "2026-07-15"), (160, "1831"), (200, "某某餐饮管"), (505, "1085.00")),
        ((200, "理有限公司"),),
        ((20, "2026-07-17"), (90, "2026-07-18"), (160, "1831"), (200, "某书店"), (505, "12.00")),
    )
    reading = read_pdf_pages([page])
    assert reading is not None
    assert [line.description for line in reading.lines] == ["某某餐饮管 理有限公司", "某书店"]
