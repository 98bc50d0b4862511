"""Tables that no layout knows: by headings, by content, or by the user's word."""

from datetime import date
from pathlib import Path

import pytest
from tests.statements.tables_text import codes, read, shown

from anhuan.kit.money import to_text
from anhuan.statements import mapping
from anhuan.statements.files import read_file
from anhuan.statements.mapping import Mapping
from anhuan.statements.model import LineKind, NeedsMapping, Source

pytestmark = pytest.mark.scope("S0-10")

FOREIGN_CARD = (
    "date,description,amount\n17 OCT,PREVIOUS BALANCE,-100.00\n18 OCT,SOME TRANSFER,100.00\n19 OCT,CAFE A SINGAPORE SG,-2.5\n"  # noqa: E501
    "20 OCT,SHOP B SINGAPORE SG,-11.80\n21 OCT,CASH REBATE,1.00\n22 OCT,SHOP C SINGAPORE SG,-4.00\n02 NOV,DCC FEE,-0.35\n"  # noqa: E501
    "03 NOV,SHOP D SINGAPORE SG,-4.00\n"
)


def test_a_card_that_writes_spending_with_a_minus_is_turned() -> None:
    reading = read(FOREIGN_CARD)
    assert [(amount, kind) for amount, kind, _ in shown(reading)] == [
        ("100.00 SGD", "balance"), ("-100.00 SGD", "repayment"), ("2.50 SGD", "purchase"), ("11.80 SGD", "purchase"),
        ("-1.00 SGD", "refund"), ("4.00 SGD", "purchase"), ("0.35 SGD", "fee"), ("4.00 SGD", "purchase"),
    ]  # fmt: skip
    assert codes(reading) == ["currency.assumed", "date.year_unknown"]


def test_a_year_that_nobody_printed_is_left_open_and_taken_from_a_hint() -> None:
    assert all(one.posted_on is None for one in read(FOREIGN_CARD).lines)
    assert read(FOREIGN_CARD).lines[0].span == "row 2 17 OCT"
    hinted = read_file(FOREIGN_CARD.encode(), "x", latest=date(2024, 11, 15))
    assert hinted.lines[0].posted_on == date(2024, 10, 17)
    named = read(FOREIGN_CARD, name="card-2023-11.csv")
    assert named.lines[-1].posted_on == date(2023, 11, 3)
    assert "date.year_from_name" in codes(named)


def test_a_card_that_writes_spending_with_a_plus_stays() -> None:
    reading = read(
        "Date,Details,Amount (USD)\n2024-01-02,Shop,12.00\n2024-01-03,Other shop,3.00\n2024-01-09,Payment received,-15.00\n"  # noqa: E501
    )
    assert shown(reading)[2] == ("-15.00 USD", "repayment", "Payment received")
    assert shown(reading)[0] == ("12.00 USD", "purchase", "Shop")
    assert codes(reading) == []


def test_signs_that_nothing_settles_are_told() -> None:
    reading = read("Date,Details,Amount (USD)\n2024-01-02,Shop,12.00\n2024-01-03,Other shop,-3.00\n")
    assert codes(reading) == ["sign.assumed"]


def test_rows_without_any_sign_turn_by_their_words_and_say_so() -> None:
    reading = read("日期,说明,金额\n2024-01-02,某某超市,12.00\n2024-01-03,信用卡还款,3.00\n")
    assert [one.amount for one in reading.lines] == [1200, -300]
    assert codes(reading) == ["sign.by_words"]


def test_a_running_balance_tells_which_sign_goes_out() -> None:
    reading = read(
        "Date,Details,Amount (USD),Balance\n2024-01-02,Shop,12.00,88.00\n2024-01-03,Other,3.00,85.00\n2024-01-04,Salary,-10.00,95.00\n"  # noqa: E501
    )
    assert reading.source is Source.ACCOUNT
    assert [one.amount for one in reading.lines] == [1200, 300, -1000]


def test_a_table_without_headings_is_read_by_its_columns() -> None:
    reading = read("05/01/2023,SHOP A,1.96,,98.04\n05/01/2023,SHOP B,12.10,,85.94\n05/03/2023,EMPLOYER,,50.00,135.94\n")
    assert [(one.amount, one.balance) for one in reading.lines] == [(196, 9804), (1210, 8594), (-5000, 13594)]
    assert reading.lines[2].posted_on == date(2023, 5, 3)
    assert codes(reading) == ["currency.unknown", "date.order_assumed"]


def test_in_and_out_columns_are_told_apart_by_the_balance() -> None:
    reading = read("2023-05-01,SHOP A,,1.96,98.04\n2023-05-02,SHOP B,,12.10,85.94\n2023-05-03,EMPLOYER,50.00,,135.94\n")
    assert [one.amount for one in reading.lines] == [196, 1210, -5000]


def test_a_minus_in_a_column_of_its_own_is_decoration_unless_it_is_rare() -> None:
    decorated = read(
        "交易日期,收入金额,支出金额,摘要\n20240102,,-12.50,消费\n20240103,,-3.00,消费\n20240104,50.00,,工资\n"
    )
    assert [one.amount for one in decorated.lines] == [1250, 300, -5000]
    reversal = read(
        "交易日期,收入金额,支出金额,摘要\n20240102,,12.50,消费\n20240103,,3.00,消费\n20240104,,-3.00,冲正\n"
    )
    assert [one.amount for one in reversal.lines] == [1250, 300, -300]


def test_a_type_column_that_says_debit_or_credit_gives_the_direction() -> None:
    reading = read(
        "First Bank Card,Transaction Type,Date Posted, Transaction Amount,Description\n"
        "'4000111122223333',DEBIT,20230505,-12.15,SHOP A\n'4000111122223333',CREDIT,20230506,100.0,REFUND B\n"
    )
    assert [(one.amount, one.card) for one in reading.lines] == [(1215, "3333"), (-10000, "3333")]


def test_a_row_that_cannot_be_read_is_named_and_makes_the_file_incomplete() -> None:
    reading = read("日期,说明,金额\n2024-01-02,某某超市,12.00\n2024-01-03,某某书店,十二元\n2024-01-04,x,1.234\n")
    assert len(reading.lines) == 1
    assert codes(reading) == ["row.unreadable"]
    assert "第 3、4 行" in reading.problems[0].message
    assert not reading.complete


def test_repeated_headings_and_footers_are_no_rows() -> None:
    reading = read("日期,说明,金额\n2024-01-02,甲,1.00\n日期,说明,金额\n2024-01-03,乙,2.00\n以上数据仅供参考\n")
    assert [one.description for one in reading.lines] == ["甲", "乙"]
    assert codes(reading) == []


STRANGE = "Wann,Wofür,Wieviel\n2024-01-02,Brot,3.50\n2024-01-03,Käse,7.00\n2024-01-09,Gutschrift,-2.00\n"


def test_an_unknown_table_asks_and_proposes() -> None:
    with pytest.raises(NeedsMapping) as asked:
        read(STRANGE)
    assert asked.value.facts["headings"] == ["Wann", "Wofür", "Wieviel"]
    assert asked.value.facts["proposal"] == {"posted_on": "Wann", "description": "Wofür", "amount": "Wieviel"}
    assert asked.value.facts["sample"][0] == ["2024-01-02", "Brot", "3.50"]
    assert asked.value.facts["fingerprint"] == mapping.fingerprint([" wann", "WOFÜR ", "Wieviel", ""])


def test_the_users_columns_are_used_and_remembered() -> None:
    chosen = Mapping({"posted_on": "Wann", "description": "Wofür", "amount": "Wieviel"}, currency="EUR")
    assert shown(read(STRANGE, mapping=chosen))[2] == ("-2.00 EUR", "refund", "Gutschrift")
    stored = mapping.from_json(chosen.as_json())
    assert stored == chosen
    again = read_file(STRANGE.encode(), "later", known={("Wann", "Wofür", "Wieviel"): stored}.get)  # type: ignore[arg-type]
    assert len(again.lines) == 3


def test_columns_without_headings_are_chosen_by_number() -> None:
    text = "2024-01-02;Brot;x;3,50\n2024-01-03;Milch;y;1,20\n"
    chosen = Mapping({"posted_on": "#1", "description": "#2", "amount": "#4"}, currency="EUR")
    assert [one.amount for one in read(text, mapping=chosen).lines] == [350, 120]


@pytest.mark.parametrize(
    "columns",
    [
        {"posted_on": "Wann"},
        {"amount": "Wieviel"},
        {"posted_on": "Wann", "amount": "Nichts"},
        {"posted_on": "#1", "amount": "#9"},
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(columns: dict[str, str]) -> None:
    with pytest.raises(mapping.BadMapping):
        read(STRANGE, mapping=Mapping(columns))


@pytest.mark.parametrize(
    ("name", "count", "owed"),
    [
        ("csv-sg-citibank-credit-raw.csv", 86, "1089.65"), ("csv-sg-dbs-credit-raw.csv", 73, "6492.54"),
        ("csv-sg-hsbc-credit-raw.csv", 19, "1627.37"), ("csv-sg-ocbc-credit-raw.csv", 53, "412.16"),
        ("csv-sg-trust-credit-raw.csv", 44, "0.00"),
    ],
)  # fmt: skip
def test_foreign_cards_of_others_keep_every_row(shared_data: Path, name: str, count: int, owed: str) -> None:
    reading = read_file((shared_data / "statements-intl" / name).read_bytes(), "x.csv")
    assert len(reading.lines) == count
    (balance,) = (one for one in reading.lines if one.kind is LineKind.BALANCE)
    assert to_text(balance.amount) == owed
    paid = [one.amount for one in reading.lines if one.kind is LineKind.REPAYMENT]
    assert paid == ([] if owed == "0.00" else [-balance.amount])


def test_a_foreign_account_of_others_without_headings_is_read(shared_data: Path) -> None:
    reading = read_file((shared_data / "statements-intl" / "csv-ca-td.csv").read_bytes(), "x.csv")
    assert [one.amount for one in reading.lines] == [196, 1210, 1000, -1, 3500, 1568, 530, 23913, -33222]
    assert {one.posted_on.month for one in reading.lines if one.posted_on} == {5}


def test_a_plain_date_beside_a_post_date_is_the_day_of_the_trade() -> None:
    reading = read("Date,Post Date,Particulars,Amount,DR/CR\n03 Jul 2026,04 Jul 2026,Shop,12.00,DR\n")
    assert (reading.lines[0].traded_on, reading.lines[0].posted_on) == (date(2026, 7, 3), date(2026, 7, 4))


def test_a_heading_in_two_languages_is_known_by_either_half() -> None:
    reading = read(
        "交易日期 Trans Date,過賬日期 Post Date,交易詳情 Description,金額 (HKD)\n2026-07-03,2026-07-04,Shop,12.00\n"
    )
    (line,) = reading.lines
    assert (line.traded_on, line.posted_on, line.currency) == (date(2026, 7, 3), date(2026, 7, 4), "HKD")
    assert line.description == "Shop"


def test_the_column_of_the_text_wins_over_an_empty_purpose() -> None:
    reading = read("交易日期,交易金额,币种,交易类型,交易用途,交易摘要\n2026-07-03,-12.00,人民币,转账,,超市消费\n")
    assert "超市消费" in reading.lines[0].description


def test_a_german_heading_is_known() -> None:
    reading = read(
        "Buchungstag;Buchungstext;Betrag;Währung\n03.07.2026;MARKT;-1.288,90;EUR\n25.07.2026;BAHN;-2,50;EUR\n"
    )
    assert [(one.posted_on, one.amount, one.currency) for one in reading.lines] == [
        (date(2026, 7, 3), 128890, "EUR"),
        (date(2026, 7, 25), 250, "EUR"),
    ]
