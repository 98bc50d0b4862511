"""Flattening and the grammar of dates, money and card numbers."""

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anhuan.statements.model import TooLarge
from anhuan.statements.text import (
    DATE,
    MASKED,
    MAX_CHARS,
    MONEY,
    PERIOD,
    amount_of,
    date_of,
    due_date_of,
    mask_numbers,
    sheet_of_html,
    sheet_of_text,
    tail_of,
)


def test_cells_end_with_tabs_rows_with_lines_and_empty_cells_stay() -> None:
    page = "<table><TR><td>a</td><td>&nbsp;</td><td>b<br>c</td></TR><tr><td>d<td>e</table><p>f</p>"
    assert sheet_of_html(page).text == "a\t\tb\rc\t\nd\te\nf"


def test_styles_scripts_and_comments_are_no_text_even_without_their_end() -> None:
    assert sheet_of_html("<style>td{}</style>a<!-- x --><script>1<2</script>b<!-- open").text == "ab"


def test_odd_tags_neither_hide_text_nor_become_text() -> None:
    assert sheet_of_html('a<img alt="1>2">b<td width="3>c</td>d < 5 &lt;b&gt;').text.startswith("ab")


def test_full_width_forms_are_made_plain_and_kept_as_printed() -> None:
    sheet = sheet_of_html("（补）￥－１２，３４５．６７：")
    assert sheet.text == "(补)\xa5-12,345.67:"
    assert sheet.printed(0, 3) == "（补）"


def test_blanks_inside_chinese_labels_are_dropped_for_labels_only() -> None:
    sheet = sheet_of_text("到期 还 款日  张三 超市")
    assert (sheet.labels, sheet.text) == ("到期还款日张三超市", "到期 还 款日 张三 超市")


def test_too_much_text_is_refused() -> None:
    with pytest.raises(TooLarge):
        sheet_of_html("x" * (MAX_CHARS + 1))


@pytest.mark.parametrize(
    ("text", "minor", "currency"),
    [
        ("￥1,927.79", 192779, "CNY"),
        ("\xa5- 88.00", -8800, "CNY"),
        ("-￥920.74", -92074, "CNY"),
        ("＄12.14", 1214, "USD"),
        ("$ 0.00", 0, "USD"),
        ("1234567.80", 123456780, None),
        ("(存入)500.00", -50000, None),
        ("（存款）110.00", -11000, None),
        ("88.00/CNY(支出)", 8800, "CNY"),
        ("88.00/RMB(存入)", -8800, "CNY"),
        ("人民币(CNY) -1,399.80", -139980, "CNY"),
        ("CNY50000", 5000000, "CNY"),
        ("RMB:-2,399.64", -239964, "CNY"),
        ("JPY 5,000", 5000, "JPY"),
    ],
)
def test_money_is_read_in_every_shape(text: str, minor: int, currency: str | None) -> None:
    met = re.search(MONEY, sheet_of_text(text).text)
    assert met is not None
    assert amount_of(met[0]) == (minor, currency)


@pytest.mark.parametrize("text", ["5%", "2026", "9555", "10.5%", "1234****5678"])
def test_other_numbers_are_no_money(text: str) -> None:
    assert re.search(MONEY, text) is None


@pytest.mark.parametrize(
    "text", ["2026/08/08", "2026-08-08", "2026.8.8", "20260808", "2026年08月08日", "2026年8月8日", "2026 年 08 月 8 日"]
)
def test_dates_are_read_in_every_shape(text: str) -> None:
    assert re.fullmatch(DATE, text)
    assert date_of(text) == date(2026, 8, 8)


@pytest.mark.parametrize(
    ("text", "near", "day"),
    [
        ("0712", date(2026, 8, 8), date(2026, 7, 12)),
        ("1231", date(2027, 1, 8), date(2026, 12, 31)),
        ("12/31", date(2027, 1, 8), date(2026, 12, 31)),
        ("260812", None, date(2026, 8, 12)),
        ("0230", date(2026, 8, 8), None),
        ("0712", None, None),
        ("20261301", None, None),
    ],
)
def test_a_day_without_a_year_takes_that_of_the_bill(text: str, near: date | None, day: date | None) -> None:
    assert date_of(text, near) == day


def test_a_due_date_without_a_year_follows_the_statement() -> None:
    assert due_date_of("01/02", date(2026, 12, 15)) == date(2027, 1, 2)
    assert due_date_of("12 月 26 日", date(2026, 12, 8)) == date(2026, 12, 26)
    assert due_date_of("01/02", None) is None


@pytest.mark.parametrize(
    "text", ["2026/07/09-2026/08/08", "2026年07月01日—2026年07月31日", "20210314-20210413", "2026-07-09 至 2026-08-08"]
)
def test_a_cycle_is_one_value(text: str) -> None:
    plain = sheet_of_text(text).text
    met = re.search(PERIOD, plain)
    assert met is not None
    assert met[0] == plain


@pytest.mark.parametrize(
    ("number", "tail"),
    [
        ("62270816****9490", "9490"),
        ("6259 0611 **** 1831", "1831"),
        ("4096 **** **** 0289", "0289"),
        ("6229-19**-****-5983", "5983"),
        ("3780-09**-****-855", "855"),
        ("00046242****0437872", "7872"),
        ("625998******0000", None),
    ],
)
def test_the_tail_of_a_masked_number(number: str, tail: str | None) -> None:
    met = re.search(MASKED, number)
    assert met is not None
    assert tail_of(met[0]) == tail


def test_full_card_numbers_are_hidden_and_dates_are_not() -> None:
    assert mask_numbers("银联还款 6222020000000000") == "银联还款 ****0000"
    assert mask_numbers("还款 6222 0200 0000 0000 123") == "还款 ****0123"
    assert mask_numbers("2026-08-01 2026-08-01 9490") == "2026-08-01 2026-08-01 9490"


@given(st.text(alphabet=st.sampled_from("<>/td br\"'=-!&;a1中 \t\n"), max_size=200))
def test_any_text_is_flattened_with_as_many_plain_as_printed_characters(source: str) -> None:
    sheet = sheet_of_html(source)
    assert len(sheet.text) == len(sheet.raw)
