"""Bills whose tables, signs and footers another designer chose: what must not depend on the layout."""

import pytest
from tests.statements.mail_checks import bills, lines, problems
from tests.statements.shapes_mail import Letter, wrap

from anhuan.statements import rules
from anhuan.statements.mail import read_mail
from anhuan.statements.model import LineKind, Reading


def _row(*cells: str) -> str:
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _table(*rows: str) -> str:
    return f"<table>{''.join(rows)}</table>"


def _read(sender: str, subject: str, page: str) -> Reading:
    return read_mail(wrap(Letter(sender, subject, ()), f"<html><body>{page}</body></html>", charset="gbk"))


@pytest.mark.parametrize("shop", ["STARBUCKS COFFEE BJ", "FEED THE CAT", "INSTALLATION SHOP"])
def test_a_word_of_a_charge_inside_another_word_makes_no_charge(shop: str) -> None:
    assert rules.kind_of(shop, 3200) is LineKind.PURCHASE
    assert rules.kind_of("ANNUAL FEE", 3200) is LineKind.FEE
    assert rules.kind_of("INSTALMENT 3/12", 3200) is LineKind.INSTALMENT


@pytest.mark.parametrize("minimum", ["139.98", "-139.98"])
def test_abc_owes_its_minimum_with_or_without_a_minus(minimum: str) -> None:
    reading = _read(
        "e-statement@creditcard.abchina.com.cn", "中国农业银行金穗信用卡电子对账单",
        _table(_row("卡号 Card No", "625998******9164"), _row("账单周期 Statement Cycle", "2026/07/09-2026/08/08"),
               _row("到期还款日 Payment Due Date", "2026/09/02"))
        + _table(_row("", "本期应还款额(欠款为-) New Balance", "最低还款额 Min Payment"),
                 _row("人民币(CNY)", "-1,399.80", minimum)),
    )  # fmt: skip
    assert bills(reading) == ["CNY 1399.80 139.98 2026-08-08 2026-09-02 9164 card -"]


def test_boc_tells_a_second_table_of_dollars_by_the_yuan_total() -> None:
    reading = _read(
        "boczhangdan@bankofchina.com", "中国银行信用卡电子账单",
        _table(_row("到期还款日 Payment Due Date", "账单日 Statement Closing Date",
                    "本期人民币欠款总计 Current RMB Total Balance Due",
                    "本期外币欠款总计 Current FCY Total Balance Due"),
               _row("2021-01-11", "2020-12-22", "2,010.55", "33.20"))
        + _table(_row("卡号", "本期欠款", "最低还款额"), _row("62590943****2010", "2,010.55", "100.53"))
        + "<div>外币账户</div>"
        + _table(_row("卡号", "本期欠款", "最低还款额"), _row("62590943****2010", "33.20", "3.32"))
        + "<div>外币（美元）交易明细</div>"
        + _table(_row("2020-12-01", "2020-12-02", "2010", "EXAMPLE BOOKS", "", "33.20")),
    )  # fmt: skip
    assert (bills(reading), problems(reading)) == (
        ["CNY 2010.55 100.53 2020-12-22 2021-01-11 2010 card -", "USD 33.20 3.32 2020-12-22 2021-01-11 2010 card -"],
        [],
    )
    assert lines(reading) == ["2020-12-01 2020-12-02 33.20 USD 2010 purchase EXAMPLE BOOKS"]


@pytest.mark.parametrize(
    "footer",
    [
        "最低还款额＝信用额度内消费款的10%＋其他应付款项，最低￥10.00",
        "“最低还款额”是指您须还的最小金额，不低于￥10.00",
    ],
)
def test_a_sentence_that_explains_a_label_gives_no_amount(footer: str) -> None:
    reading = _read(
        "pccc@bocomcc.com", "交通银行个人信用卡2026年08月电子账单",
        "<div>交通银行个人信用卡622253******8679</div>"
        + _table(_row("账单周期 Statement Cycle", "2026/07/11-2026/08/10"), _row("到期还款日 Payment Due Date", "---"))
        + _table(_row("本期应还款", "￥-20.00&nbsp;＄---"), _row("最低应还款", "￥---&nbsp;＄---"))
        + f"<p>{footer}</p>",
    )  # fmt: skip
    assert (bills(reading), problems(reading)) == (["CNY -20.00 - 2026-08-10 None 8679 card -"], [])


def test_the_mark_of_a_credit_belongs_to_the_amount_behind_it() -> None:
    reading = _read(
        "cebbank@cardcenter.cebbank.com", "光大信用卡电子账单（2026年06月12日）",
        _table(_row("账单日期 Statement Date", "到期还款日 Payment Due Date", "信用额度 Credit Limit",
                    "人民币本期应还款额 RMB Statement Balance"),
               _row("2026/06/12", "2026/07/01", "60,000.00", "(存款)110.00"))
        + "<div>人民币账户</div>"
        + _table(_row("40625406****6605", "阳光卡", "(存款)110.00", "(存款)110.00", "0.00")),
    )  # fmt: skip
    assert (bills(reading), problems(reading)) == (
        ["CNY -110.00 0.00 2026-06-12 2026-07-01 6605 card 60000.00"],
        [],
    )


def test_cgb_bills_a_supplementary_card_in_a_row_of_its_own() -> None:
    reading = _read(
        "creditcard@cgbchina.com.cn", "广发信用卡 2026年07月电子账单",
        "<p>账单周期:2026/06/27-2026/07/26</p>"
        + _table(_row("6736", "908.11", "90.81", "2026/08/15", "人民币", "0.00", "30,000.00"),
                 _row("（5510附）", "100.00", "10.00", "2026/08/15", "人民币", "0.00", "30,000.00")),
    )  # fmt: skip
    assert [line.split()[5] for line in bills(reading)] == ["6736", "5510"]


def test_cib_dates_side_by_side_above_its_amounts_are_no_row() -> None:
    reading = _read(
        "creditcard@message.cib.com.cn", "兴业银行信用卡2026年07月电子账单",
        "<p>卡号末四位 0648</p>"
        + _table(_row("账单日 Statement Date", "到期还款日 Payment Due Date", "本期应还款总额 New Balance",
                      "本期最低还款额 Minimum Payment"),
                 _row("2026年07月25日", "2026年08月14日", "RMB 6,542.97", "RMB 327.15")),
    )  # fmt: skip
    assert bills(reading) == ["CNY 6542.97 327.15 2026-07-25 2026-08-14 0648 card -"]


def test_cmbc_rows_below_the_heading_of_dollars_are_dollars() -> None:
    reading = _read(
        "master@creditcard.cmbc.com.cn", "民生信用卡2026年08月电子对账单",
        _table(_row("本期账单日", "2026/08/16"), _row("本期最后还款日", "2026/09/05"),
               _row("人民币/美元账户 RMB/USD Account", "500.00", "12.00", "50.00", "1.20"))
        + "<div>人民币 RMB</div><div>消 费</div>" + _table(_row("08/01", "08/02", "商户甲", "500.00", "1234"))
        + "<div>美元 USD</div><div>消 费</div>" + _table(_row("08/03", "08/04", "SHOP B", "12.00", "1234")),
    )  # fmt: skip
    assert [line.split()[2:4] for line in lines(reading)] == [["500.00", "CNY"], ["12.00", "USD"]]


@pytest.mark.parametrize(
    ("sender", "subject", "head"),
    [
        ("admin@creditcardmail.hxb.com.cn", "华夏信用卡-电子账单2026年08月",
         "账单日 每月19日" + _table(_row("到期还款日", "2026/09/08"), _row("本期应还款额", "￥110.00", "$0.00"))),
        ("service@ebill.bankofbeijing.com.cn", "北京银行信用卡电子账单",
         _table(_row("账单日", "2026/08/19"), _row("到期还款日", "2026/09/08"), _row("本期应还款额", "RMB:110.00"))),
    ],
)  # fmt: skip
def test_rows_without_the_digits_of_a_card_are_read(sender: str, subject: str, head: str) -> None:
    first, second = ("2026-08-01", "2026-08-02", "商户甲", "10.00"), ("2026-08-03", "2026-08-04", "商户乙", "100.00")
    rows = _table(_row(*first), _row(*second))
    reading = _read(sender, subject, head + rows)
    assert lines(reading) == [
        "2026-08-01 2026-08-02 10.00 CNY - purchase 商户甲",
        "2026-08-03 2026-08-04 100.00 CNY - purchase 商户乙",
    ]
    assert (problems(reading), reading.complete) == ([], True)


def test_a_sign_behind_a_slash_belongs_to_the_next_amount() -> None:
    reading = _read(
        "estmtservice@eb.spdbccc.com.cn", "浦发银行-信用卡电子账单",
        "20260818 880012345 0001234<br>"
        + _table(_row("本期应还款总额：", "￥5,210.00 / ＄33.10"), _row("本期最低还款额：", "￥521.00 / ＄3.31"),
                 _row("到期还款日：", "2026/09/07")),
    )  # fmt: skip
    assert bills(reading) == [
        "CNY 5210.00 521.00 2026-08-18 2026-09-07 - account -",
        "USD 33.10 3.31 2026-08-18 2026-09-07 - account -",
    ]
