"""Reading alone, on one core and without a database: bill mails, long tables, PDFs. Storing them is `bench import`."""

import io
import random
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, timedelta

import xlwt
from rich.table import Table
from tests.statements.files_pdf import placed
from tests.statements.test_pdf import ROWS, head

from anhuan.statements.files import read_file
from bench.bench_import import letter

SEED = 20261122
MAILS, ROWS_LONG, ROWS_XLS, PDFS = 600, 100_000, 60_000, 100
SHOPS = 3_000  # merchants of a long table: people go back to the same shops


def tables() -> Iterator[Table]:
    """Mails a second, seconds for 100,000 rows of four kinds, PDFs and archives a second."""
    dice = random.Random(SEED)
    yield mails(dice)
    yield long_tables(dice)
    yield packed()


def mails(dice: random.Random) -> Table:
    """Bill mails of one bank, 12 rows each, from bytes to a reading."""
    letters = [letter(dice, number) for number in range(MAILS)]
    table = Table(
        "what", "mails", "seconds", "mails/s", "bar", title=f"bill mails, read, seconds of one core (seed {SEED})"
    )
    took = timed(lambda: [read_file(one, "x.eml") for one in letters], time.process_time)
    table.add_row("one after the other", str(MAILS), f"{took:.2f}", f"{MAILS / took:,.0f}", "200 mails/s, stored")
    return table


def long_tables(dice: random.Random) -> Table:
    """100,000 rows in the shapes of a wallet, a bank and an unknown bank; 60,000 in a workbook."""
    table = Table(
        "what", "MB", "rows", "seconds", "rows/s", "bar", title=f"long tables, read, seconds of one core (seed {SEED})"
    )
    made: list[tuple[str, bytes, int]] = [
        ("WeChat CSV, UTF-8", wechat(dice).encode(), ROWS_LONG),
        ("ICBC CSV, GB18030", icbc(dice).encode("gb18030"), ROWS_LONG),
        ("unknown bank, signs and currency found out", unknown(dice).encode(), ROWS_LONG),
        ("CITIC XLS, limited process, by the wall", citic(dice), ROWS_XLS),
    ]
    for what, data, rows in made:
        counted = len(read_file(data, "x").lines)
        assert counted == rows, f"{what}: {counted} of {rows} rows"
        clock = time.process_time if rows == ROWS_LONG else time.perf_counter  # the limited process has its own time
        took = timed(lambda data=data: read_file(data, "x"), clock)  # type: ignore[misc]
        bar = "2 s" if rows == ROWS_LONG else ""
        table.add_row(what, f"{len(data) / 1e6:.1f}", f"{rows:,}", f"{took:.2f}", f"{rows / took:,.0f}", bar)
    return table


def packed() -> Table:
    """Small files through the limited process: what its walls cost."""
    table = Table("what", "files", "seconds", "files/s", "bar", title="files opened in the limited process")
    bill = placed([head() + ROWS])
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("a.csv", "日期,说明,金额\n2025-01-02,某某早餐,8.50\n")
    read_file(bill, "x")  # the worker starts once
    for what, data in (("PDF bill of one page", bill), ("ZIP with one CSV", out.getvalue())):
        took = timed(lambda data=data: [read_file(data, "x") for _ in range(PDFS)])  # type: ignore[misc]
        table.add_row(what, str(PDFS), f"{took:.2f}", f"{PDFS / took:,.0f}", "")
    return table


def timed(act: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """The better of two runs, in seconds of the clock."""
    best = float("inf")
    for _ in range(2):
        began = clock()
        act()
        best = min(best, clock() - began)
    return best


def wechat(dice: random.Random) -> str:
    """A year of a busy wallet."""
    lines = ["微信支付账单明细,,,,,,,,,,", f"共{ROWS_LONG}笔记录,,,,,,,,,,"]
    lines.append("交易时间,交易类型,交易对方,商品,收/支,金额(元),支付方式,当前状态,交易单号,商户单号,备注")
    for number in range(ROWS_LONG):
        lines.append(
            f"{day(dice)} {dice.randrange(24):02d}:{dice.randrange(60):02d}:05,商户消费,{shop(dice)},订单{number},支出,"
            f"¥{amount(dice)},招商银行信用卡(1234),支付成功,42000{number:023d}\t,1000{number:020d}\t,/"
        )
    return "\n".join(lines)


def icbc(dice: random.Random) -> str:
    """Padded and quoted fields, income and outgo in two columns, a running balance."""
    lines = ["明细查询文件下载", "", '卡号: 1234****5678,"卡别名: "', ""]
    lines.append(
        "交易日期,记账日期,摘要,交易场所,交易国家或地区简称,交易金额(收入),交易金额(支出),交易币种,"
        "记账金额(收入),记账金额(支出),记账币种,余额,对方户名"
    )
    for _ in range(ROWS_LONG):
        on, much = day(dice), amount(dice)
        lines.append(
            f'{on}     \t,{on}     \t,"消费        \t",{shop(dice)}      \t,"CHN       \t","       \t","{much}      \t",'  # noqa: E501
            f'人民币      \t,"       \t","{much}      \t",人民币      \t,"-{amount(dice)}    \t","       \t",'
        )
    return "\n".join(lines)


def unknown(dice: random.Random) -> str:
    """Spending with a minus, no currency: both are settled over the whole column."""
    rows = (f"{day(dice)},{shop(dice)} SINGAPORE SG,-{amount(dice)}" for _ in range(ROWS_LONG))
    return "\n".join(["date,description,amount", *rows])


def citic(dice: random.Random) -> bytes:
    """An XLS as the bank writes it; the format ends at 65,536 rows."""
    book = xlwt.Workbook()
    sheet = book.add_sheet("本期账单明细(人民币)")
    headings = ("交易日期", "入账日期", "交易描述", "卡末四位", "交易币种", "结算币种", "交易金额", "结算金额")
    for column, heading in enumerate(headings):
        sheet.write(0, column, heading)
    for row in range(1, ROWS_XLS + 1):
        much = amount(dice)
        for column, cell in enumerate((day(dice), day(dice), shop(dice), 6688, "人民币", "人民币", much, much)):
            sheet.write(row, column, cell)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def day(dice: random.Random) -> str:
    """A day of two years."""
    return (date(2024, 1, 1) + timedelta(days=dice.randrange(730))).isoformat()


def shop(dice: random.Random) -> str:
    """One of the merchants."""
    return f"财付通-某某商户有限公司第{dice.randrange(SHOPS)}分店"


def amount(dice: random.Random) -> str:
    """Up to a thousand, with two decimals."""
    return f"{dice.randrange(1, 99_999) / 100:.2f}"
