"""Exports of banks: each layout in its own shape, with invented rows."""

import io
from datetime import date
from pathlib import Path

import pytest
import xlwt
from tests.statements.tables_text import codes, read, shown

from anhuan.statements.files import read_file
from anhuan.statements.model import LineKind, Source

pytestmark = pytest.mark.scope("S0-10")


def test_cmb_dates_without_a_year_take_it_from_the_title() -> None:
    reading = read(
        "招商银行信用卡对账单（个人消费卡账户 2024年01月）（补）\n"
        "交易日,记账日,交易摘要,人民币金额,卡号末四位,交易地金额\n"
        ",12/29,掌上生活还款,-1.23,1234,-1.23\n01/02,01/03,某某影城,56.78,1234,56.78\n"
        '01/03,01/04,手机银行饭票,-3.90,1234,-3.90(CN)\n01/05,01/07,年费,"8,000.00",0000,"8,000.00(CN)"\n'
    )
    assert (reading.bank, reading.source, codes(reading)) == ("cmb", Source.CARD, [])
    assert [one.posted_on for one in reading.lines] == [
        date(2023, 12, 29), date(2024, 1, 3), date(2024, 1, 4), date(2024, 1, 7),
    ]  # fmt: skip
    assert reading.lines[0].traded_on is None
    assert [one.kind.value for one in reading.lines] == ["repayment", "purchase", "refund", "fee"]
    assert [one.card for one in reading.lines] == ["1234", "1234", "1234", None]
    assert reading.lines[3].amount == 800000


def test_cmb_debit_rows_count_what_goes_out_as_positive() -> None:
    reading = read(
        "记账日期,货币,交易金额,联机余额,交易摘要,对手信息,客户摘要\n"
        '2024-01-01,CNY,"1,234.00","1,271.66",代发工资,某某公司1111111111,一月\n'
        '2024-01-02,CNY,"-1,000.00",271.66,转账汇款,李四 66666666666666,转账\n'
        "2024-01-03,CNY,-3.00,268.66,信用卡还款,,\n"
    )
    assert (reading.bank, reading.source) == ("cmb", Source.ACCOUNT)
    assert shown(reading) == [
        ("-1234.00 CNY", "income", "代发工资 一月"),
        ("1000.00 CNY", "transfer", "转账汇款"),
        ("3.00 CNY", "repayment", "信用卡还款"),
    ]
    assert [one.counterparty for one in reading.lines] == ["某某公司 ****1111", "李四 ****6666", None]
    assert [one.balance for one in reading.lines] == [127166, 27166, 26866]


ICBC = (
    '明细查询文件下载\n\n卡号: 1234****5678,"卡别名: "\n\n子账户类别:\n\n'
    "交易日期,记账日期,摘要,交易场所,交易国家或地区简称,交易金额(收入),交易金额(支出),交易币种,记账金额(收入),记账金额(支出),记账币种,余额,对方户名\n"
    '2023-04-22     \t,2023-04-23     \t,"消费      \t",某某旗舰店   \t,"CHN  \t","   \t","20.00   \t",人民币  \t,"   \t","20.00   \t",人民币  \t,"-20.00  \t","  \t",\n'  # noqa: E501
    '2023-04-25     \t,2023-04-25     \t,"自动转帐还款  \t",某某卡中心   \t,"CHN  \t","4,621.01  \t","   \t",人民币  \t,"4,621.01  \t","   \t",人民币  \t,"4,601.01  \t","  \t",\n'  # noqa: E501
    ' \n合计金额,,,,,"4,621.01  \t","{out}  \t",\t,"4,621.01  \t","{out}  \t",\n'
)


def test_icbc_fields_lose_their_padding_and_totals_are_checked() -> None:
    reading = read(ICBC.replace("{out}", "20.00"), encoding="gb18030")
    assert (reading.bank, reading.account, codes(reading), reading.complete) == ("icbc", "****5678", [], True)
    assert shown(reading) == [
        ("20.00 CNY", "purchase", "某某旗舰店"),
        ("-4621.01 CNY", "repayment", "自动转帐还款 某某卡中心"),
    ]
    assert {one.card for one in reading.lines} == {"5678"}


def test_icbc_totals_that_disagree_are_told_and_the_rows_kept() -> None:
    reading = read(ICBC.replace("{out}", "21.00"))
    assert codes(reading) == ["file.totals_disagree"]
    assert "21.00，各行相加为 20.00" in reading.problems[0].message
    assert (len(reading.lines), reading.complete) == (2, False)


def test_boc_columns_give_the_direction_and_each_row_its_currency() -> None:
    reading = read(
        "中国银行信用卡账单(2025年01月)\n交易日,银行记账日,卡号后四位,交易描述,存入,支出,币种\n"
        "2024-12-13,2024-12-14,4260,某某公交CHN,,50.00,CNY\n2024-12-20,2024-12-20,,存款利息,0.01,,CNY\n"
        "2024-12-21,2024-12-21,2875,张三丰,361.19,,CNY\n2024-12-22,2024-12-24,2875,GAMES*SHOPJPN,,3.72,USD"
    )
    assert shown(reading) == [
        ("50.00 CNY", "purchase", "某某公交CHN"),
        ("-0.01 CNY", "interest", "存款利息"),
        ("-361.19 CNY", "repayment", "张三丰"),  # only a person's name: somebody transferred to the card
        ("3.72 USD", "purchase", "GAMES*SHOPJPN"),
    ]


def test_bocom_words_give_the_sign_that_is_not_printed() -> None:
    reading = read(
        "交易日期,记账日期,交易说明,交易币种/金额,入账币种/金额\n"
        "2025-01-10,2025-01-10,退货 支付宝-某某出行,CNY 123.18,CNY 123.18\n"
        "2025-01-29,2025-01-29,信用卡还款 转账还款-张三 6666,CNY13.50,CNY 13.50\n"
        "2025-01-18,2025-01-18,消费 交通充值,JPY 1000.00,CNY 49.85\n"
    )
    assert shown(reading) == [
        ("-123.18 CNY", "refund", "退货 支付宝-某某出行"),
        ("-13.50 CNY", "repayment", "信用卡还款 转账还款-张三 6666"),
        ("49.85 CNY", "purchase", "消费 交通充值"),
    ]
    assert reading.lines[2].original == (1000, "JPY")
    assert codes(reading) == []


def test_citic_workbooks_have_a_sheet_for_each_currency() -> None:
    book = xlwt.Workbook()
    for name, currency, card, amounts in (
        ("本期账单明细(人民币)", "人民币", 88, ["5.90", "-0.20"]),  # the zeros of 0088 are lost in the file
        ("本期账单明细(美元)", "美元", 6688, ["3.10"]),
    ):
        sheet = book.add_sheet(name)
        sheet.write(0, 0, name)
        for column, heading in enumerate(
            ("交易日期", "入账日期", "交易描述", "卡末四位", "交易币种", "结算币种", "交易金额", "结算金额")
        ):
            sheet.write(1, column, heading)
        for row, amount in enumerate(amounts, start=2):
            for column, cell in enumerate(
                ("2024-11-09", "2024-11-10", "某某商户", card, currency, currency, amount, amount)
            ):
                sheet.write(row, column, cell)
    out = io.BytesIO()
    book.save(out)
    reading = read_file(out.getvalue(), "anything.txt")
    assert reading.bank == "citic"
    assert shown(reading) == [
        ("5.90 CNY", "purchase", "某某商户"), ("-0.20 CNY", "refund", "某某商户"), ("3.10 USD", "purchase", "某某商户"),
    ]  # fmt: skip
    assert [one.card for one in reading.lines] == ["0088", "0088", "6688"]
    assert reading.lines[0].span == "本期账单明细(人民币) row 3"


def test_hsbc_days_come_first_and_the_word_gives_the_direction() -> None:
    reading = read(
        "Transaction date,Post date,Description,Billing amount,Billing currency,Transaction status,Merchant name,"
        "Country / region,Area / district,Credit / Debit\n"
        '09/04/2025,10/04/2025,QR   SOME SHOP   CHN  CN,"-1,099.14"\t,CNY,POSTED,SOME SHOP,CHINA,CHN,DEBIT\n'
        '03/04/2025,04/04/2025,RETURN:  SOME SHOP,"25.00"\t,HKD,POSTED,SOME SHOP,CHINA,CHN,CREDIT\n'
        '02/04/2025,02/04/2025,PAYMENT - THANK YOU,"3,266.16"\t,CNY,POSTED,,,,CREDIT\n'
    )
    assert reading.bank == "hsbc"
    assert reading.lines[0].posted_on == date(2025, 4, 10)
    assert shown(reading) == [
        ("1099.14 CNY", "purchase", "QR SOME SHOP CHN CN"),
        ("-25.00 HKD", "refund", "RETURN: SOME SHOP"),
        ("-3266.16 CNY", "repayment", "PAYMENT - THANK YOU"),
    ]


def test_an_unknown_bank_with_clear_headings_is_read_by_them() -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("交易明细")
    rows = [
        ["中国建设银行", "China Construction Bank"], ["账号：", "6217****0001", "币种：人民币"],
        ["序号  ", " 交易日期 ", "支出  ", " 收入", "账户余额", "摘要", " 对方户名"],
        ["1", "20250102", "12.50", "", "987.50", "消费", "某某超市"], ["2", "20250103", "", "100.00", "1087.50", "代发工资", "某某公司"],  # noqa: E501
        ["合计", "", "12.50", "100.00", "", "", ""],
    ]  # fmt: skip
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            sheet.write(number, column, cell)
    out = io.BytesIO()
    book.save(out)
    reading = read_file(out.getvalue(), "x.csv")
    assert (reading.bank, reading.source, reading.account, codes(reading)) == ("ccb", Source.ACCOUNT, "****0001", [])
    assert [(one.amount, one.kind) for one in reading.lines] == [(1250, LineKind.PURCHASE), (-10000, LineKind.INCOME)]


def test_utf16_tables_of_debit_accounts_are_read() -> None:
    text = "交易日期\t业务摘要\t对方户名\t收入金额\t支出金额\t余额\n2025/01/02\t消费\t某某超市\t\t12.50\t87.50\n"
    reading = read(text, encoding="utf-16")
    assert [(one.amount, one.balance, one.posted_on) for one in reading.lines] == [(1250, 8750, date(2025, 1, 2))]


@pytest.mark.parametrize(
    ("name", "bank", "count", "spent"),
    [
        ("boc-credit.csv", "boc", 14, 122809), ("bocom-credit.csv", "bocom", 8, 7358), ("citic-credit.xls", "citic", 13, 109880),  # noqa: E501
        ("cmb-credit.csv", "cmb", 6, 805678), ("cmb-debit.csv", "cmb", 5, 201314), ("hsbc-hk-credit.csv", "hsbc", 11, 158679),  # noqa: E501
        ("icbc-credit.csv", "icbc", 9, 36313), ("icbc-debit-v1.csv", "icbc", 11, 424108),
    ],
)  # fmt: skip
def test_samples_of_others_are_read_whole(shared_data: Path, name: str, bank: str, count: int, spent: int) -> None:
    reading = read_file((shared_data / "statements-cn" / name).read_bytes(), "renamed.pdf")
    assert (reading.bank, len(reading.lines)) == (bank, count)
    assert sum(one.amount for one in reading.lines if one.amount > 0 and one.currency != "USD") == spent
    assert all(one.posted_on for one in reading.lines)


def test_days_of_four_digits_take_the_year_of_the_title() -> None:
    reading = read(
        "招商银行信用卡对账单（个人消费卡账户 2026年01月）\n交易日,记账日,交易摘要,人民币金额,卡号末四位,交易地金额\n"
        '1231,0101,某某餐厅,"1,288.50",3096,"1,288.50(CN)"\n'
    )
    assert (reading.lines[0].traded_on, reading.lines[0].posted_on) == (date(2025, 12, 31), date(2026, 1, 1))
