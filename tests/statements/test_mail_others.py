"""Bills as other people would compose them from the same facts: other tables, other gaps, other English halves."""

from typing import Final

import pytest
from tests.statements.mail_checks import bills, lines, problems, read
from tests.statements.shapes_mail import Letter, Para, wrap

from anhuan.statements.mail import read_mail


def _row(*cells: str) -> str:
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _table(*rows: str) -> str:
    return f"<table>{''.join(rows)}</table>"


SPDB: Final = (
    "estmtservice@eb.spdb.com.cn", "浦发银行-信用卡电子账单",
    "<p>20260718 880012345 0001234</p><p>尊敬的张三先生：</p>"
    + _table(
        _row('本期应还款总额：<a href="https://x.example/z?a=1">点击查看</a>', "￥3,210.45", "＄0.00"),
        _row('本期最低还款额：<a href="https://x.example">查看明细</a>', "￥160.52", "＄0.00"),
        _row("到期 还 款日：", "2026/08/07"),
    ),
    ["CNY 3210.45 160.52 2026-07-18 2026-08-07 - account -", "USD 0.00 0.00 2026-07-18 2026-08-07 - account -"],
)  # fmt: skip
CEB: Final = (
    "cebbank@cardcenter.cebbank.com", "光大信用卡电子账单（2026年06月12日）",
    "<p>特为您呈上2026年05月13日至2026年06月12日信用卡账户变动情况。您最晚于2026年07月01日还款</p>"
    + _table(
        _row("账单日期 Statement Date", "到期还款日 Payment Due Date", "信用额度 Credit Limit",
             "人民币应还款额 RMB Statement Balance", "美元应还款额 USD Statement Balance"),
        _row("2026/06/12", "2026/07/01", "50,000.00", "￥1,500.00", "$20.00"),
    )
    + "<h3>美元账户</h3>"
    + _table(_row("账号", "卡名", "本期余额", "应还款额", "最低还款额"),
             _row("4062****6605", "阳光商旅卡", "20.00", "20.00", "1.00"))
    + "<h3>人民币账户</h3>"
    + _table(_row("账号", "卡名", "本期余额", "应还款额", "最低还款额"),
             _row("4062****6605", "阳光商旅卡", "￥1,000.00", "￥1,000.00", "￥50.00"),
             _row("6259****9975", "福卡", "500.00", "500.00", "25.00"),
             _row("合计", "", "1,500.00", "1,500.00", "75.00"))
    + "<div>人民币账户交易明细</div>" + _table(_row("说明"))
    + _table(_row("2026/05/20", "2026/05/21", "6605", "超市 7-11便利店", "1,200.00")),
    ["USD 20.00 1.00 2026-06-12 2026-07-01 6605 card -", "CNY 1000.00 50.00 2026-06-12 2026-07-01 6605 card 50000.00",
     "CNY 500.00 25.00 2026-06-12 2026-07-01 9975 card 50000.00"],
)  # fmt: skip
CMBC: Final = (
    "master@creditcard.cmbc.com.cn", "民生信用卡2026年08月电子对账单",
    _table(_row("本期账单日 Statement Date", '<span id="fixBand36">2026/08/16</span>'),
           _row("本期最后还款日 Payment Due Date", "2026/09/05"), _row("信用额度", "￥30,000"))
    + _table(_row("人民币/美元账户 RMB/USD Account", "528.96", "0.00", "100.00", "0.00"))
    + '<table id="loopBand3">' + _row("消 费") + _row("08/01", "08/02", "商户甲 北京", "500.00", "1234") + "</table>",
    ["CNY 528.96 100.00 2026-08-16 2026-09-05 1234 account 30000.00",
     "USD 0.00 0.00 2026-08-16 2026-09-05 1234 account -"],
)  # fmt: skip
PAB: Final = (
    "creditcard@service.pingan.com", "平安白金信用卡电子账单",
    "".join(f"<div>{words}</div>" for words in (
        "本期应还金额", "￥ 2,345.67", "$ 0.00", "本期最低应还金额", "￥ 234.57", "$ 0.00", "本期账单日", "2026-08-10",
        "本期还款日", "2026-08-29", "好车主信用卡（金卡）（1765）", "主卡 Main Card", "合计：￥ 2,000.00",
        "2026-07-20", "2026-07-21", "加油站", "￥2,500.00",
    )),
    ["CNY 2345.67 234.57 2026-08-10 2026-08-29 1765 account -", "USD 0.00 0.00 2026-08-10 2026-08-29 1765 account -"],
)  # fmt: skip
CGB: Final = (
    "creditcard@cgbchina.com.cn", "广发信用卡 2026年07月电子账单",
    "<p>账单周期:2026/06/27-2026/07/26</p>"
    + _table(_row("卡号末四位", "本期账单金额", "最低还款额", "最后还款日", "入账货币", "存款", "卡片消费额度"),
             _row("1234", "3,456.78", "172.84", "2026/08/15", "人民币", "0.00", "50,000"))
    + _table(_row("2026/07/10", "2026/07/10", "（分期）银联分期付款/10/12期", "250.00", "人民币", "250.00", "人民币")),
    ["CNY 3456.78 172.84 2026-07-26 2026-08-15 1234 card 50000.00"],
)  # fmt: skip
CIB: Final = (
    "creditcard@message.cib.com.cn", "兴业银行信用卡2017年07月电子账单",
    "<p>卡号末四位：0648</p>"
    + _table(_row("账单周期 Statement Cycle", "信用额度 Credit Limit(RMB)", "预借现金额度 Cash Advance Limit(RMB)",
                  "到期还款日 Payment Due Date"),
             _row("2017/06/26-2017/07/25", "30,000", "15,000", "2017年08月14日"))
    + _table(_row("本期应还款总额 New Balance", "本期最低还款额 Minimum Payment"), _row("RMB 542.97", "RMB 27.15")),
    ["CNY 542.97 27.15 2017-07-25 2017-08-14 0648 card 30000.00"],
)  # fmt: skip
PSBC: Final = (
    "bill@cardmail.psbcltd.cn", "邮储银行信用卡电子账单",
    "<p>您尾号1234的信用卡，账单周期为【2026/06/21-2026/07/20】</p>"
    + _table(_row("本期应还金额", "￥888.00"), _row("最低还款额", "￥88.80"), _row("到期还款日", "2026/08/09"))
    + _table(_row("20260701", "20260702", "消费 饭店", "￥888.00", "1234")),
    ["CNY 888.00 88.80 2026-07-20 2026-08-09 1234 card -"],
)  # fmt: skip
HXB: Final = (
    "admin@creditcardmail.hxb.com.cn", "华夏信用卡-电子账单2022年02月",
    _table(_row("账单日 Statement Date", "每月19日"), _row("到期还款日 Payment Due Date", "2022/03/11"),
           _row("本期应还款额 Amount Payable", "￥1,078.00", "$12.00"),
           _row("最低还款额 Minimum Payment", "￥107.80", "$1.20")),
    ["CNY 1078.00 107.80 2022-02-19 2022-03-11 - account -", "USD 12.00 1.20 2022-02-19 2022-03-11 - account -"],
)  # fmt: skip
HXB_WITHOUT_MONTH: Final = (
    "admin@creditcardmail.hxb.com.cn", "华夏信用卡-电子账单",
    _table(_row("账单日", "每月31日"), _row("到期还款日", "2023/03/20"), _row("本期应还款", "￥5.00")),
    ["CNY 5.00 - 2023-02-28 2023-03-20 - account -"],
)  # fmt: skip
NJCB: Final = (
    "cc@message.njcb.com.cn", "南京银行信用卡电子账单",
    "".join(f"<div>{words}</div>" for words in (
        "本期应还", "￥1,415.00", "最低应还", "￥141.50", "还款日期", "2026年", "09", "月", "06", "日",
    )),
    ["CNY 1415.00 141.50 2026-08-12 2026-09-06 - account -"],
)  # fmt: skip
HNB: Final = (
    "creditcard@hunan-bank.com", "华融湘江银行信用卡电子账单",
    _table(_row("账单日", "2022-03-08"), _row("到期还款日", "2022-04-02"), _row("本期还款总额", "￥417.83"),
           _row("Mininum Payment", "￥41.78")),
    ["CNY 417.83 41.78 2022-03-08 2022-04-02 - account -"],
)  # fmt: skip


@pytest.mark.parametrize(
    ("sender", "subject", "page", "said"),
    [SPDB, CEB, CMBC, PAB, CGB, CIB, PSBC, HXB, HXB_WITHOUT_MONTH, NJCB, HNB],
)
def test_a_bill_composed_by_somebody_else_is_read(sender: str, subject: str, page: str, said: list[str]) -> None:
    reading = read_mail(wrap(Letter(sender, subject, ()), f"<html><body>{page}</body></html>", charset="gbk"))
    assert (bills(reading), problems(reading)) == (said, [])


@pytest.mark.parametrize(
    ("bank", "page", "said"),
    [
        (SPDB, "20260819 10020030 0400500<br>本期应还款总额： ￥0.00 ＄0.00<br>本期最低还款额： ￥0.00 ＄0.00"
               "<br>到期还款日： --",
         ["CNY 0.00 0.00 2026-08-19 None - account -", "USD 0.00 0.00 2026-08-19 None - account -"]),
        (CEB, _table(_row("账单日期 Statement Date", "到期还款日 Payment Due Date", "RMB Statement Balance"),
                     _row("2026/06/12", "", "￥0.00"))
         + "人民币账户" + _table(_row("40625406****6605", "(存款)110.00", "0.00", "0.00")),
         ["CNY 0.00 0.00 2026-06-12 None 6605 card -"]),
        (CMBC, _table(_row("本期账单日", "2026/08/16"), _row("本期最后还款日", "无需还款"),
                      _row("人民币/美元账户 RMB/USD Account", "RMB -20.00", "USD 0.00", "RMB 0.00", "USD 0.00")),
         ["CNY -20.00 0.00 2026-08-16 None - account -", "USD 0.00 0.00 2026-08-16 None - account -"]),
        (CGB, "账单周期:2026/06/27-2026/07/26" + _table(_row("1234", "无欠款", "", "", "人民币"),
                                                    _row("5678（6736附）", "无欠款", "无欠款", "无欠款", "美元")),
         ["CNY 0.00 0.00 2026-07-26 None 1234 card -", "USD 0.00 0.00 2026-07-26 None 5678,6736 card -"]),
        (CGB, "账单周期:2026/06/27-2026/07/26 您本期无欠款", ["CNY 0.00 - 2026-07-26 None - account -"]),
        (CIB, "卡号末四位 0648" + _table(_row("账单日", "2026年07月25日"), _row("到期还款日", ""),
                                     _row("本期应还款总额 New Balance", "RMB 0.00")),
         ["CNY 0.00 - 2026-07-25 None 0648 card -"]),
        (HXB, _table(_row("账单日", "每月19日"), _row("最后还款日", "-"), _row("本期应还款", "￥0.00", "$0.00")),
         ["CNY 0.00 - 2022-02-19 None - account -", "USD 0.00 - 2022-02-19 None - account -"]),
    ],
)  # fmt: skip
def test_a_bill_that_asks_for_nothing_has_no_due_date_made_up(
    bank: tuple[str, str, str, list[str]], page: str, said: list[str]
) -> None:
    reading = read_mail(wrap(Letter(bank[0], bank[1], ()), f"<html><body>{page}</body></html>"))
    assert bills(reading) == said


def test_rows_without_a_heading_belong_to_the_only_card() -> None:
    sender, subject, page, _ = CGB
    reading = read_mail(wrap(Letter(sender, subject, ()), page))
    assert lines(reading) == ["2026-07-10 2026-07-10 250.00 CNY 1234 instalment （分期）银联分期付款/10/12期"]


def test_the_address_of_a_link_in_plain_text_is_no_amount() -> None:
    text = (
        "20260718 880012345 0001234\n\n本期应还款总额：\n"
        "[https://x.example/index.htm?data=P1234567&sum=99.00]\n￥3,210.45 ＄0.00\n"
        "本期最低还款额：\n<https://a.example/c?b=12.34>\n￥160.52 ＄0.00\n到期 还 款日：\n2026/08/07\n"
    )
    assert bills(read(Letter(SPDB[0], SPDB[1], (Para(text),)), "plain")) == SPDB[3]
