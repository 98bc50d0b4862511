"""Bills as the fictitious banks send them, read back by the readers of the house: the figures are the issuer's."""

import random
from dataclasses import replace
from datetime import date, timedelta

import pytest
from tests.simbank.lives import any_life

from anhuan import statements
from anhuan.kit.errors import Bad
from anhuan.simbank import terms
from anhuan.simbank.issued import Event, Kind, Row, Statement, What
from anhuan.simbank.issuer import opened, run
from anhuan.simbank.printed import in_words
from anhuan.simbank.printing import Form, Holder, printed
from anhuan.statements import FileKind, LineKind, Reading

HOLDER = Holder("林女士", "lin@mail.example", "6214", 5_000_000)
BANKS = terms.bank_ids()
MAILED = (Form.EML, Form.HTML)


def bills_of(bank: str, seed: int) -> tuple[Statement, ...]:
    account, events = any_life(random.Random(seed), bank, days=120)
    return run(account, events, until=account.opened_on + timedelta(days=150)).statements


def read(bill: Statement, form: Form, *, changed: bool = False) -> Reading:
    return statements.read_file(printed(bill, HOLDER, form, changed=changed), f"bill.{form}")


def assert_same(bill: Statement, reading: Reading) -> None:
    (seen,) = reading.bills
    assert (reading.kind, reading.bank, reading.problems, reading.complete) == (FileKind.BILL, bill.bank, (), True)
    assert (seen.total_due, seen.minimum_due) == (bill.balance - bill.credit, bill.minimum)
    assert (seen.statement_on, seen.due_on) == (bill.statement_on, bill.due_on)
    assert (seen.cards, seen.currency, seen.credit_limit) == (("6214",), bill.currency, 5_000_000)
    assert rows_of(reading) == [(row.posted, row.traded or row.posted, row.amount) for row in bill.rows]


def rows_of(reading: Reading) -> list[tuple[date | None, date | None, int]]:
    lines = [line for line in reading.lines if line.kind is not LineKind.BALANCE]
    return [(line.posted_on, line.traded_on, line.amount) for line in lines]


@pytest.mark.scope("S0-38")
@pytest.mark.parametrize("form", MAILED)
@pytest.mark.parametrize("bank", [one for one in BANKS if one != "sim_b"])
def test_a_bill_that_came_by_mail_is_read_as_it_was_issued(bank: str, form: Form) -> None:
    for seed in range(4):
        for bill in bills_of(bank, seed):
            assert_same(bill, read(bill, form))


@pytest.mark.parametrize("bank", BANKS)
def test_a_bill_on_paper_is_read_as_it_was_issued(bank: str) -> None:
    for bill in bills_of(bank, 7)[2:4]:
        assert_same(bill, read(bill, Form.PDF))


def test_a_bill_that_hangs_on_a_mail_as_pdf_is_read_as_it_was_issued() -> None:
    for bill in bills_of("sim_b", 5)[1:3]:
        assert_same(bill, read(bill, Form.EML))


@pytest.mark.parametrize("form", [Form.CSV, Form.XLSX])
@pytest.mark.parametrize("bank", BANKS)
def test_the_rows_to_download_are_the_rows_of_the_bill(bank: str, form: Form) -> None:
    for bill in bills_of(bank, 3)[1:]:
        reading = read(bill, form)
        assert (reading.kind, reading.bank) == (FileKind.STATEMENT, bank)
        assert rows_of(reading) == [(row.posted, row.traded or row.posted, row.amount) for row in bill.rows]
        assert {line.currency for line in reading.lines} == {"CNY"}


def test_a_dollar_bill_is_read_in_dollars() -> None:
    account = opened("sim_e", "card", statement_day=6, on=date(2026, 3, 7), currency="USD")
    events = [Event(date(2026, 3, 10), What.CHARGE, 123_456, text="BOOKS"), Event(date(2026, 4, 8), What.PAYMENT, 100)]
    first, second = run(account, events, until=date(2026, 5, 6)).statements
    for bill in (first, second):
        assert_same(bill, read(bill, Form.EML))


def test_whatever_a_shop_calls_itself_the_rows_stay_rows() -> None:
    names = ["<b>店</b> & 合计 100.00", "门店 2026-03-11 12.50", "某某购物中心有限责任公司第二百三十八号分店" * 3]
    account = opened("sim_d", "card", statement_day=31, on=date(2026, 3, 1))
    events = [Event(date(2026, 3, 2 + n), What.CHARGE, 1000 + n, text=name) for n, name in enumerate(names)]
    (bill,) = run(account, events, until=date(2026, 3, 31)).statements
    for form in (Form.EML, Form.CSV, Form.XLSX):
        reading = read(bill, form)
        assert rows_of(reading) == [(row.posted, row.posted, row.amount) for row in bill.rows]


@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize("bank", BANKS)
def test_a_changed_layout_is_refused_whole(bank: str, form: Form) -> None:
    bill = bills_of(bank, 2)[2]
    try:
        reading = read(bill, form, changed=True)
    except Bad:
        return
    assert (reading.kind, reading.bills, reading.lines) == (FileKind.UNKNOWN, (), ())
    assert [problem.code for problem in reading.problems] == [
        "pdf.unknown" if form is Form.PDF else "bill.template_unknown"
    ]


def test_a_bill_whose_rows_do_not_make_its_total_is_not_taken() -> None:
    bill = bills_of("sim_a", 1)[2]
    wrong = replace(bill, rows=(*bill.rows, Row(bill.statement_on, Kind.CHARGE, 1)))
    reading = read(wrong, Form.EML)
    assert (reading.bills, reading.lines) == ((), ())
    assert "bill.totals_disagree" in {problem.code for problem in reading.problems}


def test_the_same_bill_gives_the_same_bytes() -> None:
    bill = bills_of("sim_b", 0)[1]
    for form in Form:
        assert printed(bill, HOLDER, form) == printed(bill, HOLDER, form)


def test_the_words_of_a_bill_tell_the_readers_what_a_row_is() -> None:
    account = opened("sim_e", "card", statement_day=6, on=date(2026, 3, 7))
    events = [
        Event(date(2026, 3, 10), What.CHARGE, 1_000_000, "c"), Event(date(2026, 3, 20), What.CASH, 50_000),
        Event(date(2026, 4, 8), What.INSTALMENT, 100_000, offer="12"), Event(date(2026, 4, 10), What.REFUND, 5_000),
        Event(date(2026, 4, 20), What.PAYMENT, 1000, "p"), Event(date(2026, 4, 22), What.RETURNED, 1000, corrects="p"),
    ]  # fmt: skip
    first, second = run(account, events, until=date(2026, 5, 6)).statements
    assert [line.kind for line in read(first, Form.EML).lines] == [
        LineKind.PURCHASE, LineKind.CASH_ADVANCE, LineKind.FEE, LineKind.INTEREST,
    ]  # fmt: skip
    told = read(second, Form.EML).lines
    assert [line.kind for line in told] == [
        LineKind.BALANCE, LineKind.REPAYMENT, LineKind.REFUND, LineKind.REPAYMENT, LineKind.REPAYMENT,
        LineKind.INSTALMENT, LineKind.INTEREST, LineKind.FEE,
    ]  # fmt: skip
    assert told[5].instalment == (1, 12)


@pytest.mark.parametrize(
    ("month", "day", "words"),
    [(5, 6, "五月六日"), (10, 10, "十月十日"), (12, 31, "十二月三十一日"), (1, 20, "一月二十日")],
)
def test_days_in_words(month: int, day: int, words: str) -> None:
    assert in_words(date(2026, month, day)) == words
