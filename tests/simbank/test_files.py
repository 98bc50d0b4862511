"""End-of-day files: the shapes of real ones, sums that agree with the rows, the same bytes every time."""

import csv
import hashlib
import io
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring

from anhuan.kit.clock import CHINA
from anhuan.kit.money import from_text as fen
from anhuan.simbank import files
from anhuan.simbank.files import DayBook, Kind, Row, print_day

DAY = date(2026, 11, 20)
CAMT = {"c": "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"}


def at(hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 11, 20, hour, minute, second, tzinfo=CHINA)


ROWS = (
    Row(Kind.PAID, at(0), "S001", "a" * 32, 123456, 0, "6225 **** 1234", "张*"),
    Row(Kind.PAID, at(10, 30), "S002", "b" * 32, 50000, 50, "6225 **** 5678", "李*"),
    Row(Kind.GIVEN, at(10, 31), "S001", "a" * 32, 123456),
    Row(Kind.GIVEN, at(10, 32), "S002", "b" * 32, 49950),
    Row(Kind.BOUNCED, at(16), "S001", "a" * 32, 123456),
    Row(Kind.RETURNED, at(16, 1), "S001", "a" * 32, 123456, 0, "6225 **** 1234", "张*", "B001", "户名不符"),
    Row(Kind.REVERSED, at(23, 59, 59), "S002", "b" * 32, 50000, 50, "6225 **** 5678", "李*", "B002", "冲正, 重复"),
)
BOOK = DayBook("simbank", DAY, "2088000001", ROWS, 700, 10_000_000, Decimal("0.001"))


def text_of(kind: str, book: DayBook = BOOK) -> str:
    [one] = print_day(book, [kind])
    return one.content.decode("utf-8-sig")


def table(text: str, columns: str, summary: str) -> tuple[list[dict[str, str]], dict[str, str]]:
    """Details and summary of a CSV, by heading, without back-ticks."""
    lines = [[cell.removeprefix("`") for cell in line] for line in csv.reader(io.StringIO(text))]
    assert lines[0] == columns.split(",")
    split = lines.index(summary.split(","))
    assert len(lines) == split + 2
    details = [dict(zip(lines[0], line, strict=True)) for line in lines[1:split]]
    return details, dict(zip(lines[split], lines[-1], strict=True))


def total(details: list[dict[str, str]], name: str) -> int:
    return sum(fen(line[name].removesuffix("000")) if name == "手续费" else fen(line[name]) for line in details)


def test_the_trade_bill_has_27_columns_and_a_summary_of_7_that_are_its_sums() -> None:
    assert len(files.TRADE_COLUMNS.split(",")) == 27
    details, sums = table(text_of("trade"), files.TRADE_COLUMNS, files.TRADE_SUMMARY)
    assert [line["交易状态"] for line in details] == ["SUCCESS", "SUCCESS", "REFUND", "REFUND"]
    assert sums["总交易单数"] == "4"
    assert len(sums) == 7
    for column, summary in (("应结订单金额", "应结订单总金额"), ("退款金额", "退款总金额"), ("订单金额", "订单总金额"),
                            ("申请退款金额", "申请退款总金额")):  # fmt: skip
        assert total(details, column) == fen(sums[summary])
    assert (sums["手续费总金额"], total(details, "手续费")) == ("0.00000", 0)  # 0.50 kept, 0.50 given back
    assert details[1]["手续费"] == "0.50000"
    assert details[1]["费率"] == "0.10%"


def test_every_detail_value_of_the_trade_bill_begins_with_a_back_tick() -> None:
    for line in text_of("trade").splitlines()[1:5]:
        assert all(cell.startswith("`") for cell in line.split(","))
        assert len(line.split(",")) == 27


def test_the_fund_flow_carries_its_balance_and_its_summary_of_5() -> None:
    details, sums = table(text_of("fund_flow"), files.FLOW_COLUMNS, files.FLOW_SUMMARY)
    balance = 700
    for line in details:
        balance += fen(line["收支金额(元)"]) * (1 if line["收支类型"] == "收入" else -1)
        assert fen(line["账户结余(元)"]) == balance
    came = [line for line in details if line["收支类型"] == "收入"]
    assert (sums["收入笔数"], fen(sums["收入金额"])) == (str(len(came)), total(came, "收支金额(元)"))
    assert int(sums["资金流水总笔数"]) == len(details) == int(sums["收入笔数"]) + int(sums["支出笔数"])
    assert balance == 700 - 50000  # what was reversed after it had been given is still missing at the end of the day


def test_the_zip_holds_gbk_files_under_gbk_names_with_four_lines_of_heads_and_tabs() -> None:
    [one] = print_day(BOOK, ["alipay"])
    with zipfile.ZipFile(io.BytesIO(one.content), metadata_encoding="gbk") as archive:
        assert archive.namelist() == ["2088000001_20261120_业务明细.csv", "2088000001_20261120_业务明细(汇总).csv"]
        assert [info.flag_bits & 0x800 for info in archive.infolist()] == [0, 0]
        lines = archive.read(archive.namelist()[0]).decode("gbk").splitlines()
    assert [line.startswith("#") for line in lines[:5]] == [True] * 4 + [False]
    assert lines[4] == files.ALIPAY_COLUMNS
    assert len(lines[4].split(",")) == 25
    details = [dict(zip(lines[4].split(","), line.split(","), strict=True)) for line in lines[5:9]]
    assert all(value.endswith("\t") for line in details for value in line.values())
    assert [fen(line["商家实收（元）"]) for line in details] == [123456, 50000, -123456, -50000]
    assert lines[10] == "#交易合计：2笔，商家实收共1734.56元，商家优惠共0.00元"
    assert lines[11] == "#退款合计：2笔，商家实收退款共-1734.56元，商家优惠退款共0.00元"


def test_the_banks_csv_carries_its_balance_and_its_sums() -> None:
    details, sums = table(text_of("bank_csv"), files.BANK_COLUMNS, files.BANK_SUMMARY)
    balance = fen(sums["期初余额"])
    for line in details:
        balance += fen(line["交易金额"]) * (1 if line["借贷标志"] == "贷" else -1)
        assert fen(line["账户余额"]) == balance
    assert (balance, fen(sums["期末余额"])) == (10_000_000, 10_000_000)
    assert (sums["借方笔数"], fen(sums["借方金额"])) == ("2", 173456)
    assert details[-1]["摘要"] == "冲正， 重复"  # a comma in a reason adds no column


def test_camt_balances_and_sums_agree_with_its_entries() -> None:
    root: Element = fromstring(print_day(BOOK, ["camt053"])[0].content)
    signed = [
        fen(node.findtext("c:Amt", "", CAMT)) * (1 if node.findtext("c:CdtDbtInd", "", CAMT) == "CRDT" else -1)
        for node in root.iterfind(".//c:Ntry", CAMT)
    ]
    opening, closing = (fen(node.findtext("c:Amt", "", CAMT)) for node in root.iterfind(".//c:Bal", CAMT))
    assert opening + sum(signed) == closing
    assert root.findtext(".//c:TtlNtries/c:NbOfNtries", "", CAMT) == str(len(signed))
    assert fen(root.findtext(".//c:TtlDbtNtries/c:Sum", "", CAMT)) == -sum(one for one in signed if one < 0)
    assert root.findtext(".//c:EndToEndId", "", CAMT) == "a" * 32


def test_an_end_to_end_id_is_never_longer_than_35_characters() -> None:
    key = "01900000-0000-7000-8000-000000000001"
    book = replace(BOOK, rows=(replace(ROWS[0], key=key),))
    root: Element = fromstring(print_day(book, ["camt053"])[0].content)
    assert root.findtext(".//c:EndToEndId", "", CAMT) == key.replace("-", "")


def test_the_same_book_gives_the_same_bytes_and_the_checksum_is_theirs() -> None:
    first, again = print_day(BOOK), print_day(BOOK)
    assert first == again
    assert [one.sha256 for one in first] == [hashlib.sha256(one.content).hexdigest() for one in first]
    assert [one.kind for one in first] == list(files.KINDS)
    assert all(one.name.isascii() for one in first)


def test_a_day_without_payments_has_files_without_rows() -> None:
    for one in print_day(replace(BOOK, rows=())):
        assert (one.rows, one.size > 0) == (0, True)


def test_the_day_is_the_banks_day_under_a_utc_clock() -> None:
    last = datetime(2026, 11, 20, 15, 59, 59, tzinfo=UTC)  # 23:59:59 in UTC+8
    book = replace(BOOK, rows=(replace(ROWS[0], at=last),))
    assert "`2026-11-20 23:59:59," in text_of("trade", book)
    with pytest.raises(ValueError, match="another bank day"):
        replace(BOOK, rows=(replace(ROWS[0], at=last + timedelta(seconds=1)),))


@pytest.mark.parametrize(("amount", "fee"), [(0, 0), (-1, 0), (100, 101), (100, -1)])
def test_amounts_and_fees_that_cannot_be_are_refused(amount: int, fee: int) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        replace(BOOK, rows=(replace(ROWS[0], amount=amount, fee=fee),))
