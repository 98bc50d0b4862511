"""What banks write into cells."""

from datetime import date

import pytest

from anhuan.kit.money import NotMoney
from anhuan.statements import cells
from anhuan.statements.cells import Amount


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("5.90", Amount(590)),
        ("-1,099.14\t", Amount(-109914)),  # padded inside the quotes
        ("¥28.16", Amount(2816, "CNY")),
        ("¥50.0", Amount(5000, "CNY")),  # one decimal
        ("￥- 88.00", Amount(-8800, "CNY")),  # a blank behind the minus
        ("CNY13.50", Amount(1350, "CNY")),
        ("JPY 1000.00", Amount(1000, "JPY")),  # no minor unit
        ("12.00美元", Amount(1200, "USD")),  # 元 in it is no yuan
        ("S$22,800", Amount(2280000, "SGD")),
        ("(412.16)", Amount(-41216)),
        ("12.34-", Amount(-1234)),
        ("702.10CR", Amount(70210, None, 0, True)),
        ("88.00/CNY(存入)", Amount(8800, "CNY", 0, True)),
        ("131.77(已退款89.84)", Amount(13177, None, 8984)),
        ("468.32(已全额退款)", Amount(46832, None, 46832)),
        ("8,000.00(CN)", Amount(800000)),  # a country, no currency
        ("1.234,56", Amount(123456)),  # decimal comma
        ("200,29", Amount(20029)),
        ("1,234", Amount(123400)),  # three digits behind: thousands
    ],
)
def test_amounts_are_read_as_written(written: str, amount: Amount) -> None:
    assert cells.amount_of(written) == amount


@pytest.mark.parametrize("written", ["", "-", "xx,yyyy.zz", "1234****5678", "(5$)", "12%", "3 of 4 pages, 5 left"])
def test_what_is_no_amount_is_none(written: str) -> None:
    assert cells.amount_of(written) is None


def test_more_decimals_than_the_currency_has_are_refused() -> None:
    with pytest.raises(NotMoney):
        cells.amount_of("1.234", "CNY")


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2024-12-13", date(2024, 12, 13)),
        ("2024/1/5 12:03", date(2024, 1, 5)),
        ("2026年8月1日", date(2026, 8, 1)),
        ("20240102", date(2024, 1, 2)),
        ("20240102153000", date(2024, 1, 2)),
        ("01 AUG 23", date(2023, 8, 1)),
        ("Aug 5, 2023", date(2023, 8, 5)),
        ("13/07/2023", date(2023, 7, 13)),
        ("1234", None),
        ("99/99/2023", None),
    ],
)
def test_dates_are_read_in_every_shape(written: str, day: date | None) -> None:
    assert cells.read_dates([written]).dates[written] == day


def test_one_day_above_twelve_settles_the_whole_column() -> None:
    column = cells.read_dates(["09/04/2025", "08/04/2025", "31/03/2025"])
    assert column.dates["09/04/2025"] == date(2025, 4, 9)
    assert not column.order_assumed


def test_rows_of_three_days_are_likelier_than_of_three_months() -> None:
    column = cells.read_dates(["05/01/2023", "05/02/2023", "05/03/2023"])
    assert column.dates["05/03/2023"] == date(2023, 5, 3)
    assert column.order_assumed


def test_an_order_that_nothing_settles_leaves_the_dates_open() -> None:
    column = cells.read_dates(["01/02/2023"])
    assert column.order_open
    assert column.dates == {"01/02/2023": None}
    assert cells.read_dates(["01/02/2023"], order="dm").dates == {"01/02/2023": date(2023, 2, 1)}


def test_a_year_that_is_not_printed_is_the_newest_before_the_latest_day() -> None:
    column = cells.read_dates(["12/29", "01/05"], latest=date(2024, 1, 31))
    assert column.dates == {"12/29": date(2023, 12, 29), "01/05": date(2024, 1, 5)}
    assert cells.read_dates(["17 OCT"]).year_missing


def test_the_leap_day_finds_a_leap_year() -> None:
    assert cells.read_dates(["29 FEB"], latest=date(2026, 6, 1)).dates == {"29 FEB": date(2024, 2, 29)}


@pytest.mark.parametrize(
    ("cell", "tail"),
    [
        ("1234****5678", "5678"),
        ("6688", "6688"),
        ("12", "0012"),
        ("0000", None),
        ("", None),
        ("6229-19**-****-5983", "5983"),
    ],
)
def test_card_tails_keep_their_zeros_and_0000_is_no_card(cell: str, tail: str | None) -> None:
    assert cells.card_tail(cell) == tail


def test_long_numbers_are_cut_and_names_are_masked() -> None:
    assert cells.masked("转账 6222021234567890123 张三") == "转账 ****0123 张三"
    assert cells.masked("电话 02816700587") == "电话 02816700587"
    assert cells.masked_name("lisi@example.com") == "li***@example.com"
    assert cells.masked_accounts(["0194774600888", "0194777100888"]) == {
        "0194774600888": "****600888",
        "0194777100888": "****100888",
    }
