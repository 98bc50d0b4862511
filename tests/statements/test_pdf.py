"""PDF bills of any bank: labels, rows by their places, contradictions."""

from datetime import date
from pathlib import Path

import pytest
from tests.statements.files_pdf import placed
from tests.statements.pages_pdf import pdf_of
from tests.statements.tables_text import codes

from anhuan.statements import pdf
from anhuan.statements.files import read_file
from anhuan.statements.model import FileKind, Level, LineKind, NeedsPassword, Source, Unreadable

pytestmark = pytest.mark.scope("S0-10")

Words = list[tuple[float, float, str]]


def head(due: str = "24 AUG 2023", minimum: str = "S$50.00", total: str = "110.40") -> Words:
    """Labels above their values, and one label with its value behind it."""
    return [
        (50, 100, "STATEMENT DATE"), (150, 100, "PAYMENT DUE DATE"), (250, 100, "TOTAL CREDIT LIMIT"),
        (350, 100, "AVAILABLE CREDIT LIMIT"), (480, 100, "MINIMUM PAYMENT"),
        (55, 112, "01 AUG 2023"), (155, 112, due), (255, 112, "S$22,800"), (355, 112, "S$22,058.11"), (485, 112, minimum),  # noqa: E501
        (50, 500, "TOTAL AMOUNT DUE"), (500, 500, total),
    ]  # fmt: skip


ROWS: Words = [
    (50, 200, "POST DATE"), (110, 200, "TRANS DATE"), (200, 200, "DESCRIPTION"), (480, 200, "AMOUNT (SGD)"),
    (200, 212, "4000-1111-2222-3333"),
    (200, 224, "PREVIOUS BALANCE"), (500, 224, "412.16"),
    (50, 236, "03/07"), (110, 236, "02/07"), (200, 236, "PAYMENT RECEIVED"), (500, 236, "412.16"), (530, 236, "CR"),
    (50, 248, "14/07"), (110, 248, "13/07"), (200, 248, "SHOP A SINGAPORE SG"), (500, 248, "100.40"),
    (200, 258, "USD 75.00"),
    (50, 270, "21/07"), (110, 270, "20/07"), (200, 270, "LATE CHARGE"), (500, 270, "10.00"),
    (200, 282, "SUBTOTAL"), (500, 282, "110.40"),
]  # fmt: skip


def test_labels_rows_and_their_sum_make_a_bill() -> None:
    reading = read_file(placed([head() + ROWS]), "bill.csv")
    assert (reading.kind, reading.source, codes(reading), reading.complete) == (FileKind.BILL, Source.CARD, [], True)
    (bill,) = reading.bills
    assert (bill.currency, bill.total_due, bill.minimum_due, bill.credit_limit) == ("SGD", 11040, 5000, 2280000)
    assert (bill.statement_on, bill.due_on) == (date(2023, 8, 1), date(2023, 8, 24))
    assert (bill.cards, bill.level, bill.inferred) == (("3333",), Level.CARD, ())
    assert bill.confidence["total_due"] == 0.99  # the rows prove it
    assert bill.spans["due_on"].startswith("p1 x155 ")
    assert [(one.amount, one.kind, one.posted_on, one.traded_on) for one in reading.lines] == [
        (41216, LineKind.BALANCE, None, None),
        (-41216, LineKind.REPAYMENT, date(2023, 7, 3), date(2023, 7, 2)),
        (10040, LineKind.PURCHASE, date(2023, 7, 14), date(2023, 7, 13)),
        (1000, LineKind.FEE, date(2023, 7, 21), date(2023, 7, 20)),
    ]
    assert reading.lines[2].description == "SHOP A SINGAPORE SG USD 75.00"  # the second line of the row
    assert {one.card for one in reading.lines} == {"3333"}


def test_a_field_printed_in_two_ways_is_told_and_less_sure() -> None:
    slip: Words = [(50, 700, "PAYMENT DUE DATE :"), (200, 700, "24 SEP 2023")]
    reading = read_file(placed([head() + ROWS, slip]), "x")
    assert codes(reading) == ["bill.printed_twice"]
    assert reading.bills[0].due_on == date(2023, 8, 24)
    assert reading.bills[0].confidence["due_on"] == 0.5


def test_a_due_date_before_the_statement_is_refused() -> None:
    reading = read_file(placed([head(due="24 JUL 2023")]), "x")
    assert reading.bills == ()
    assert codes(reading) == ["bill.due_before_statement"]


def test_a_minimum_above_the_total_is_refused() -> None:
    reading = read_file(placed([head(minimum="S$500.00")]), "x")
    assert (reading.bills, codes(reading)) == ((), ["bill.minimum_over_total"])


def test_rows_that_do_not_make_the_total_are_told() -> None:
    reading = read_file(placed([head(total="111.40") + ROWS]), "x")
    assert codes(reading) == ["bill.rows_disagree"]
    assert not reading.complete
    assert reading.bills[0].confidence["total_due"] < 0.9


def test_an_account_statement_reads_in_and_out_by_their_columns() -> None:
    page: Words = [
        (50, 100, "DATE"), (120, 100, "DESCRIPTION"), (320, 100, "WITHDRAWAL"), (400, 100, "DEPOSIT"), (480, 100, "BALANCE"),  # noqa: E501
        (50, 112, "13 JUL 2023"), (120, 112, "SHOP A"), (330, 112, "10.00"), (490, 112, "90.00"),
        (50, 124, "14 JUL 2023"), (120, 124, "SALARY"), (410, 124, "50.00"), (487, 124, "140.00"),
    ]  # fmt: skip
    reading = read_file(placed([page]), "x")
    assert (reading.kind, reading.source) == (FileKind.STATEMENT, Source.ACCOUNT)
    assert [(one.amount, one.balance, one.posted_on) for one in reading.lines] == [
        (1000, 9000, date(2023, 7, 13)), (-5000, 14000, date(2023, 7, 14)),
    ]  # fmt: skip


def test_chinese_labels_of_an_unknown_bank_are_read() -> None:
    text = [
        "某某村镇银行信用卡账单",
        "账单日 2026/08/05",
        "到期还款日 2026/08/25",
        "本期应还款额 ¥1,234.56",
        "最低还款额 ¥123.46",
    ]
    reading = read_file(pdf_of(text), "x")
    (bill,) = reading.bills
    assert (bill.currency, bill.total_due, bill.minimum_due) == ("CNY", 123456, 12346)
    assert (bill.statement_on, bill.due_on) == (date(2026, 8, 5), date(2026, 8, 25))


def test_a_locked_pdf_asks_for_its_password() -> None:
    locked = placed([head() + ROWS], password="246810")
    for wrong in (None, "1"):
        with pytest.raises(NeedsPassword):
            read_file(locked, "x", password=wrong)
    assert read_file(locked, "x", password="246810").bills[0].total_due == 11040


def test_a_scan_is_refused_by_name() -> None:
    with pytest.raises(Unreadable, match="没有文字层"):
        read_file(placed([[]]), "x")


def test_too_many_pages_are_refused() -> None:
    with pytest.raises(Unreadable, match="最多"):
        read_file(placed([[(50, 50, "x")]] * (pdf.MAX_PAGES + 1)), "x")


def test_a_pdf_without_bill_or_rows_is_unknown() -> None:
    reading = read_file(placed([[(50, 50, "Dear customer"), (50, 62, "we have moved.")]]), "x")
    assert (reading.kind, codes(reading)) == (FileKind.UNKNOWN, ["pdf.unknown"])


def test_the_singapore_bill_of_others_comes_out_right(shared_data: Path) -> None:
    reading = read_file((shared_data / "statements-intl" / "pdf-sg-example-creditcard.pdf").read_bytes(), "x")
    (bill,) = reading.bills
    assert (bill.currency, bill.total_due, bill.minimum_due, bill.credit_limit) == ("SGD", 70210, 5000, 2280000)
    assert bill.due_on == date(2023, 7, 24)  # the head of the bill; its slip prints a month later, which is told
    assert codes(reading) == ["bill.printed_twice", "bill.printed_twice"]
    assert bill.cards == ("9473",)
    assert len(reading.lines) == 53
    assert sum(one.amount for one in reading.lines) == bill.total_due


def test_two_days_with_names_of_months_are_no_year() -> None:
    rows: Words = [
        (50, 200, "TRANS DATE"), (110, 200, "POST DATE"), (200, 200, "DESCRIPTION"), (480, 200, "AMOUNT (SGD)"),
        (50, 212, "03 Jul"), (85, 212, "04 Jul"), (200, 212, "SHOP A"), (500, 212, "100.40"),
    ]  # fmt: skip
    (line,) = read_file(placed([head() + rows]), "x").lines
    assert (line.traded_on, line.posted_on, line.description) == (date(2023, 7, 3), date(2023, 7, 4), "SHOP A")


def test_one_date_that_tells_the_order_tells_it_for_the_whole_file() -> None:
    words: Words = [
        (50, 100, "Statement Closing Date"), (300, 100, "08/01/2026"), (50, 112, "Payment Due Date"),
        (300, 112, "08/25/2026"), (50, 124, "New Balance"), (300, 124, "$702.10"),
        (50, 200, "Date"), (110, 200, "Post"), (200, 200, "Description"), (480, 200, "Amount"),
        (50, 212, "07/03"), (110, 212, "07/04"), (200, 212, "SHOP A"), (500, 212, "$88.50"),
    ]  # fmt: skip
    reading = read_file(placed([words]), "x")
    assert (reading.bills[0].statement_on, reading.bills[0].due_on) == (date(2026, 8, 1), date(2026, 8, 25))
    assert (reading.lines[0].traded_on, reading.lines[0].posted_on) == (date(2026, 7, 3), date(2026, 7, 4))


def test_a_value_belongs_to_the_label_it_stands_under_most() -> None:
    words: Words = [
        (50, 100, "STATEMENT DATE"), (122, 100, "PAYMENT DUE DATE"), (250, 100, "TOTAL AMOUNT DUE"),
        (50, 112, "01 August 2023"), (122, 112, "24 August 2023"), (250, 112, "S$110.40"),
    ]  # fmt: skip
    (bill,) = read_file(placed([words]), "x").bills
    assert (bill.statement_on, bill.due_on) == (date(2023, 8, 1), date(2023, 8, 24))


def test_a_chinese_label_and_its_value_in_one_word_are_told_apart() -> None:
    page = [
        "示例农商银行 信用卡电子账单", "账单日：2026/08/05", "还款日：2026/08/25", "本期应还总额：人民币 3,821.40 元",
        "本期最低还款额：人民币 191.07 元", "卡号：6225********3096", "交易日 入账日 交易说明 人民币金额",
        "2026/07/03 2026/07/04 京东商城 88.50",
    ]  # fmt: skip
    reading = read_file(pdf_of(page), "x.pdf")
    (bill,) = reading.bills
    assert (reading.bank, bill.statement_on, bill.due_on) == (None, date(2026, 8, 5), date(2026, 8, 25))
    assert (bill.total_due, bill.minimum_due, bill.cards) == (382140, 19107, ("3096",))
