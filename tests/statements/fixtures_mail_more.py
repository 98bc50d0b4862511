"""Bills of SPDB, CEB, CMBC, PAB, CGB, CIB, PSBC, HXB, BOB, NJCB and HNB with invented people, cards and amounts.

One function per bank and template version; each returns a letter that every shape of `shapes_mail` can render.
"""

from tests.statements.pages_pdf import pdf_of
from tests.statements.shapes_mail import Letter, Para, pairs, rows

_LINK = "[https://ebill.example.com/open?id=1]"


# 浦发 SPDB: a summary for the account; the rows wait behind a link.


def spdb_2026() -> Letter:
    """The first line carries the statement date; a link stands between label and amount."""
    return Letter(
        sender="estmtservice@eb.spdb.com.cn",
        subject="浦发银行-信用卡电子账单",
        blocks=(
            Para("20260819 10020030 0400500"),
            Para("尊敬的 张三 先生:"),
            Para("感谢您使用浦发银行信用卡，您的电子账单已生成。"),
            pairs(
                ("本期应还款总额：", f"{_LINK} ￥1,234.56 ＄7.80"),
                ("本期最低还款额：", f"{_LINK} ￥61.73 ＄0.78"),
                ("到期还款日：", "2026/09/08"),
            ),
            Para("请于到期还款日前足额还款。客服热线 4008208788"),
        ),
    )


def spdb_2021() -> Letter:
    """No first line, so no statement date; stray blanks in the labels; no dollars."""
    return Letter(
        sender="estmtservice@eb.spdbccc.com.cn",
        subject="浦发银行-信用卡电子账单",
        date="Wed, 29 Dec 2021 10:00:00 +0800",
        blocks=(
            Para("尊敬的 李四 女士 :"),
            Para("请 点击 开启您个人信用卡电子对账单。"),
            pairs(
                ("本期应还款总额：", "￥629.00"),
                ("本期最低还款 额：", "￥62.90"),
                ("到期 还 款日：", "2022/01/17"),
            ),
        ),
    )


# 光大 CEB: one row per card and currency.

_CEB_HEAD = ("账号 Account Number", "卡名", "本期余额 Total Balance", "本期应还款额 Statement Balance",
             "本期最低还款额 Minimum Payment Due")  # fmt: skip
_CEB_DETAIL = ("交易日期 Trans Date", "记账日期 Post Date", "卡号末四位 Card No.(Last 4 Digits)",
               "交易说明 Description of Transaction", "金额 Amount(RMB)")  # fmt: skip


def ceb_2026() -> Letter:
    """Dollars took the minimum's place in the top line; the dollar table comes first and repeats the card."""
    return Letter(
        sender="cebbank@cardcenter.cebbank.com",
        subject="光大信用卡电子账单（2026年06月12日）",
        blocks=(
            Para("张三  先生（收）"),
            Para("感谢您使用中国光大银行信用卡！特为您呈上2026年05月13日至2026年06月12日的信用卡账户变化情况。"),
            Para("您最晚于2026年07月01日还款，请勿错过您的到期还款日。"),
            pairs(
                ("账单日期 Statement Date", "2026/06/12"),
                ("到期还款日 Payment Due Date", "2026/07/01"),
                ("信用额度 Credit Limit", "￥44,000.00"),
                ("人民币本期账单金额 RMB Statement Balance", "￥808.98"),
                ("美元本期账单金额 USD Statement Balance", "$12.34"),
            ),
            Para("美元账户  USD Account （单位：美元）"),
            rows(
                _CEB_HEAD,
                ("40621111****6601", "VISA阳光信用卡", "12.34", "12.34", "0.25"),
                ("合计", "", "12.34", "12.34", "0.25"),
            ),
            Para("人民币账户  RMB Account （单位：元）"),
            rows(
                _CEB_HEAD,
                ("40621111****6601", "VISA阳光信用卡", "799.00", "799.00", "15.98"),
                ("62592222****9902", "京东白条卡", "(存款)110.00", "0.00", "0.00"),
                ("62593333****9303", "福信用卡", "17.97", "9.98", "9.98"),
                ("合计", "", "706.97", "808.98", "25.96"),
            ),
            Para("美元账户交易明细  USD Account Details （单位：美元）"),
            rows(
                (*_CEB_DETAIL[:4], "金额 Amount(USD)"),
                ("2026/05/20", "2026/05/21", "6601", "网上消费 EXAMPLE CLOUD", "12.34"),
            ),
            Para("人民币账户交易明细  RMB Account Details （单位：元）"),
            rows(
                _CEB_DETAIL,
                ("2026/05/15", "2026/05/16", "6601", "网上支付 示例商户 北京", "799.00"),
                ("2026/05/18", "2026/05/18", "9902", "还款 网银转账", "(存入)1,194.62"),
                ("2026/05/22", "2026/05/23", "9303", "消费退货 示例电器", "(存入)88.00"),
            ),
        ),
    )


def ceb_2024() -> Letter:
    """Label and value beside each other, minimum in the top line, names of cards in the table."""
    return Letter(
        sender="cebbank@cardservice.cebbank.com",
        subject="光大信用卡电子账单（2024年03月12日）",
        date="Wed, 13 Mar 2024 09:00:00 +0800",
        blocks=(
            Para("尊敬的 张三 先生 您好!"),
            pairs(
                ("账单日 Statement Date", "2024/03/12"),
                ("到期还款日 Payment Due Date", "2024/03/31"),
                ("信用额度 Credit Limit", "￥21,000.00"),
                ("人民币本期应还款额 RMB Statement Balance", "￥666.00"),
                ("人民币最低还款额 RMB Minimum Payment Due", "￥33.30"),
            ),
            Para("人民币账户（单位：元）RMB Account"),
            rows(
                _CEB_HEAD,
                ("40621111****6601", "VISA阳光商旅信用卡", "666.00", "666.00", "33.30"),
                ("总计", "", "666.00", "666.00", "33.30"),
            ),
            Para("人民币账户交易明细（单位：元）RMB Account Details"),
            Para("账号 Account Number：40621111****6601 VISA阳光商旅信用卡 上期欠款 Opening Balance：1,332.00"),
            rows(
                _CEB_DETAIL,
                ("2024/02/19", "2024/02/20", "6601", "已收妥您的款项", "(存入)1,332.00"),
                ("2024/03/01", "2024/03/02", "6601", "网上支付 示例超市", "566.00"),
                ("2024/03/12", "2024/03/12", "6601", "违约金", "100.00"),
            ),
            Para("本期欠款 Closing Balance：666.00"),
        ),
    )


def ceb_2016() -> Letter:
    """Dates only in a sentence; card numbers of 19 digits with leading zeros."""
    return Letter(
        sender="cebbank@cardcenter.cebbank.com",
        subject="光大银行信用卡电子对账单20160512",
        date="Fri, 13 May 2016 09:00:00 +0800",
        blocks=(
            Para("尊敬的 张三 先生 您好!"),
            Para(
                "感谢您使用中国光大银行信用卡！特为您呈上2016年04月13日至2016年05月12日信用卡账户变动情况。"
                "您最晚于2016年05月31日还款，请勿错过您的到期还款日。"
            ),
            Para("人民币账户（单位：元）RMB Account"),
            rows(
                ("00046241****0437872", "京东白条卡", "977.00", "977.00", "97.70"),
                ("总计", "977.00", "977.00", "97.70"),
            ),
            Para("美元账户（单位：元）USD Account"),
            rows(("00046241****0437872", "京东白条卡", "2.99", "2.99", "0.30")),
            Para("人民币账户交易明细（单位：元）RMB Account Details"),
            rows(
                ("2016/04/17", "2016/04/17", "7872", "网上支付 示例支付", "877.00"),
                ("2016/04/20", "2016/04/21", "7872", "网上支付 示例商城", "100.00"),
            ),
            Para("美元账户交易明细（单位：元）USD Account Details"),
            rows(("2016/05/01", "2016/05/02", "7872", "外币交易 EXAMPLE", "2.99")),
        ),
    )


CEB_2017_LINES = (
    "张三  先生（收）",
    "账单日",
    "Statement Date",
    "2017-01-12",
    "到期还款日",
    "Payment Due Date",
    "2017-01-31",
    "人民币本期应还款额",
    "RMB Statement Balance",
    "￥982.00",
    "Account Number : 46241111****7872 京东白条卡",
    "人民币账户交易明细  RMB Account Details （单位：元）",
    "2016/12/17 2016/12/17 7872 网上支付 示例支付 1,482.00",
    "2016/12/20 2016/12/21 7872 消费退货 示例电器 (存入)500.00",
    "本期最低还款额 Minimum Payment Due 49.10",
)


# 民生 CMBC: one amount for the account, sections with spaced headings.


def cmbc_2026() -> Letter:
    """Yuan and dollars in one line; purchases, instalments, refunds and repayments in sections."""
    return Letter(
        sender="master@creditcard.cmbc.com.cn",
        subject="民生信用卡2026年08月电子对账单",
        blocks=(
            Para("尊敬的张三先生："),
            pairs(
                ("本期账单日 Statement Date", "2026/08/05"),
                ("本期最后还款日 Payment Due Date", "2026/08/25"),
            ),
            rows(
                ("账户名称 Account", "本期应还款金额 New Balance", "", "本期最低还款金额 Min.Payment", ""),
                ("人民币/美元账户 RMB/USD Account", "RMB 1,528.96", "USD 12.00", "RMB 100.00", "USD 1.20"),
            ),
            Para("本期应还款金额 New Balance RMB"),
            Para("消 费"),
            rows(
                ("08/01", "08/02", "示例餐饮", "1,068.00", "1234"),
                ("08/03", "08/04", "示例购物 上海", "460.96", "5678"),
                ("12/30", "12/31", "去年补记 示例酒店", "0.50", "5678"),
            ),
            Para("分 期"),
            rows(("08/05", "08/05", "示例商城分期 第03/12期", "300.00", "1234")),
            Para("退 货"),
            rows(("07/28", "07/29", "示例购物退款", "-20.00", "5678")),
            Para("还 款"),
            rows(("07/20", "07/21", "自动还款", "-500.00", "1234")),
            Para("本期应还款金额 New Balance USD"),
            Para("消 费"),
            rows(("07/30", "07/31", "EXAMPLE CLOUD US12.00USD", "12.00", "1234")),
        ),
    )


def cmbc_2020() -> Letter:
    """No dollars yet; January bill with December rows."""
    return Letter(
        sender="master@creditcard.cmbc.com.cn",
        subject="民生信用卡2021年01月电子对账单",
        date="Wed, 06 Jan 2021 09:00:00 +0800",
        blocks=(
            Para("尊敬的李四女士："),
            pairs(
                ("本期账单日 Statement Date", "2021/01/05"),
                ("本期最后还款日 Payment Due Date", "2021/01/25"),
            ),
            rows(
                ("账户名称 Account", "本期应还款金额 New Balance", "本期最低还款金额 Min.Payment"),
                ("人民币/美元账户 RMB/USD Account", "RMB 14,363.00", "RMB 1,436.30"),
            ),
            Para("消 费"),
            rows(("12/28", "12/29", "示例家具", "14,363.00", "1234")),
        ),
    )


# 平安 PAB: one amount for the account, rows in blocks of cards.


def pab_2026() -> Letter:
    """Blocks of cards with full-width brackets, a supplementary card, blocks without card."""
    return Letter(
        sender="creditcard@service.pingan.com",
        subject="平安信用卡电子账单",
        blocks=(
            Para("尊敬的张三 先生 ："),
            Para("感谢您使用平安信用卡，以下是您 08 月的信用卡对账单。"),
            pairs(
                ("本期应还金额", "￥ 1,756.01 $ 3.00"),
                ("本期最低应还金额", "￥ 732.79 $ 0.30"),
                ("本期账单日", "2026-08-17"),
                ("本期还款日", "2026-09-05"),
                ("信用额度", "￥ 100,000.00"),
            ),
            Para("人民币账户交易明细"),
            rows(("交易日期", "记账日期", "交易说明", "人民币金额")),
            Para("平安银行好车主信用卡（1765）"),
            Para("主卡 Main Card"),
            Para("合计：￥ 100.00"),
            rows(
                ("2026-08-01", "2026-08-02", "加油充值", "￥100.00"),
                ("2026-08-03", "2026-08-03", "一键还款", "￥-800.00"),
            ),
            Para("平安银行好车主卡（金卡）（8837）"),
            Para("附卡 Sup Card 附卡人：王小五"),
            Para("合计：￥ 200.00"),
            rows(
                ("2026-08-02", "2026-08-02", "超市购物", "￥1,200.00"),
                ("2026-08-06", "2026-08-07", "示例商户退款", "￥-1,000.00"),
            ),
            Para("分期 Installment"),
            Para("合计：￥ 50.00"),
            rows(("2026-07-20", "2026-07-20", "商户分期 本金03-02期 示例商户", "￥50.00")),
            Para("其他 Other"),
            rows(("2026-08-17", "2026-08-17", "循环利息", "￥6.01")),
        ),
    )


def pab_2019() -> Letter:
    """Labels first, then four amounts; the card stands behind stars in the block's heading."""
    return Letter(
        sender="creditcard@service.pingan.com",
        subject="平安白金信用卡电子账单",
        date="Sat, 19 Oct 2019 09:00:00 +0800",
        blocks=(
            Para("尊敬的李四 女士 ："),
            pairs(("本期账单日", "2019-10-18"), ("本期还款日", "2019-11-06"), ("信用额度", "￥30,000.00")),
            Para("本期应还金额"),
            Para("本期最低应还金额"),
            rows(("￥", "6,762.80", "$", "0.00"), ("￥", "676.28", "$", "0.00")),
            Para("人民币账户交易明细"),
            Para("平安视频VIP信用卡金卡********4856 合计金额：￥6,874.00"),
            rows(
                ("2019-10-01", "2019-10-02", "示例旅行", "￥", "6,874.00"),
                ("2019-10-03", "2019-10-04", "示例旅行退款", "￥", "-111.20"),
            ),
        ),
    )


# 广发 CGB: one row per card and currency; the kind of a row stands in brackets.

_CGB_HEAD = ("卡号末四位", "本期账单金额", "最低还款额", "最后还款日", "入账货币", "存款", "卡片消费额度")
_CGB_DETAIL = ("交易日期", "入账日期", "交易摘要", "交易金额", "交易货币", "入账金额", "入账货币")


def cgb_2026() -> Letter:
    """A supplementary card, a card without debt, a dollar row."""
    return Letter(
        sender="creditcard@cgbchina.com.cn",
        subject="广发信用卡 2026年07月电子账单",
        blocks=(
            Para("尊敬的张三先生："),
            Para("账单周期:2026/06/27-2026/07/26 账单日:2026/07/26"),
            rows(
                _CGB_HEAD,
                ("1119（6736附）", "3,810.78", "191.00", "2026/08/15", "人民币", "0.00", "97,000.00"),
                ("1119（6736附）", "20.50", "2.05", "2026/08/15", "美元", "0.00", "97,000.00"),
                ("2620", "无欠款", "无欠款", "2026/08/15", "人民币", "15.00", "97,000.00"),
            ),
            Para("卡号：62251111****1119"),
            rows(
                _CGB_DETAIL,
                ("2026/06/28", "2026/06/29", "（消费）示例餐饮", "3,285.00", "人民币", "3,285.00", "人民币"),
                ("2026/07/01", "2026/07/01", "（还款）手机银行还款", "-900.00", "人民币", "-900.00", "人民币"),
                ("2026/07/05", "2026/07/06", "（退款）示例购物", "-74.22", "人民币", "-74.22", "人民币"),
                (
                    "2026/07/10",
                    "2026/07/10",
                    "（分期）银联分期示例商户/10/12期",
                    "600.00",
                    "人民币",
                    "600.00",
                    "人民币",
                ),
                ("2026/07/11", "2026/07/12", "（消费）EXAMPLE STORE", "2,960", "日元", "20.50", "美元"),
            ),
            Para("卡号：62251111****6736（附属卡）"),
            rows(_CGB_DETAIL, ("2026/07/15", "2026/07/16", "（消费）示例书店", "50.00", "人民币", "50.00", "人民币")),
        ),
    )


def cgb_2023() -> Letter:
    """The old text form: full-width colon, 至, several rows run together in one line."""
    return Letter(
        sender="creditcard@cgbchina.com.cn",
        subject="广发信用卡 2023年07月电子账单",
        date="Thu, 27 Jul 2023 09:00:00 +0800",
        blocks=(
            Para("尊敬的李四女士："),
            Para("当期账单周期：2023/06/27至2023/07/26"),
            rows(_CGB_HEAD, ("2620", "520.00", "52.00", "2023/08/15", "人民币", "0.00", "50,000.00")),
            Para(
                "卡号：6225********2620 2023/07/04 2023/07/05 (消费)示例超市 500.00 人民币 500.00 "
                "2023/07/16 2023/07/16 (费用)逾期还款违约金 20.00 人民币 20.00 "
                "2023/07/24 2023/07/24 (费用)刷卡次数免年费 RMB: 80.00 0.00 人民币 0.00"
            ),
        ),
    )


CGB_2025_LINES = (
    "广发信用卡对账单",
    "账单周期 2025/04/27 - 2025/05/26",
    "卡号末四位 本期账单金额 最低还款额 最后还款日 入账货币 存款 卡片消费额度",
    "1119 6736 附 3,810.00 190.50 2025/06/15 人民币 0.00 97,000.00",
    "卡号：6225********1119",
    "交易日期 入账日期 交易摘要 交易金额 交易货币 入账金额 入账货币",
    "2025/05/20 2025/05/21 (消费)示例电器 3,525.00 人民币 3,525.00 人民币",
    "2025/05/26 2025/05/26 (消费)示例餐饮 285.00 人民币 285.00 人民币",
)


# 兴业 CIB: one card per mail.


def cib_2026() -> Letter:
    """The statement date is printed."""
    return Letter(
        sender="creditcard@message.cib.com.cn",
        subject="兴业银行信用卡2026年07月电子账单",
        blocks=(
            Para("尊敬的 张三 先生 您好!"),
            Para("感谢您选择兴业银行信用卡，以下是您示例白金卡（卡号末四位 0648）的2026年07月账单。"),
            pairs(
                ("账单日 Statement Date", "2026年07月25日"),
                ("信用额度(人民币) Credit Limit(RMB)", "50,000"),
                ("预借现金额度(人民币) Cash Advance Limit(RMB)", "25,000"),
                ("到期还款日 Payment Due Date", "2026年08月14日"),
                ("本期应还款总额 New Balance", "RMB 6,542.97"),
                ("本期最低还款额 Minimum Payment", "RMB 327.15"),
            ),
            rows(
                (
                    "交易日期 Trans Date",
                    "记账日期 Post Date",
                    "交易摘要 Trans Description",
                    "交易地金额 Trans Amount",
                    "人民币金额 Amount(RMB)",
                ),
                ("**** 主卡交易(卡号末四位 0648) ****",),
                ("2026-06-26", "2026-06-26", "财付通--示例云", "", "6,047.98"),
                ("2026-06-29 23:47", "2026-06-30", "（特约）示例外卖", "", "276.80"),
                ("2026-07-03", "2026-07-05", "EXAMPLE HOTEL", "HKD 550.00", "505.00"),
                ("2026-07-10", "2026-07-10", "支付宝还款", "", "-599.73"),
                ("2026-07-12", "2026-07-12", "财付通--示例商户退货20260712", "", "-31.80"),
                ("2026-07-25", "2026-07-25", "分期付款 第12期共24期", "", "344.72"),
            ),
            Para("账单说明：“本期应还款总额”显示为负数时，是指您多缴的款项。"),
        ),
    )


def cib_2021() -> Letter:
    """A cycle in place of the statement date; a bill overpaid."""
    return Letter(
        sender="creditcard@message.cib.com.cn",
        subject="兴业银行信用卡2021年11月电子账单",
        date="Fri, 26 Nov 2021 09:00:00 +0800",
        blocks=(
            Para("尊敬的 李四 女士 您好!（卡号末四位 1983）"),
            pairs(
                ("账单周期 Statement Cycle", "2021/10/26-2021/11/25"),
                ("信用额度(人民币) Credit Limit(RMB)", "29,000"),
                ("预借现金额度(人民币) Cash Advance Limit(RMB)", "14,500"),
                ("到期还款日 Payment Due Date", "2021年12月15日"),
                ("本期应还款总额 New Balance", "RMB -12.30"),
                ("本期最低还款额 Minimum Payment", "RMB 0.00"),
            ),
            Para("本期应缴余额 New Balance -12.30 = 上期账单余额 Previous Balance 600.00 - 已还金额 712.30"),
            rows(
                ("**** 主卡交易(卡号末四位 1983) ****",),
                ("2021-10-30", "2021-10-31", "财付通--示例出行", "100.00"),
                ("2021-11-01", "2021-11-01", "财付通还款", "-712.30"),
            ),
        ),
    )


# The briefly described five.


def psbc_2026() -> Letter:
    """邮储: the cycle in a sentence, tails at the end of the rows."""
    return Letter(
        sender="creditcardcenter@cardmail.psbcltd.cn",
        subject="邮储银行信用卡电子账单",
        blocks=(
            Para("尊敬的张三 先生：您好！"),
            Para("现呈上您尾号为5888的信用卡电子对账单，账单周期为【2026/06/28-2026/07/27】。"),
            pairs(
                ("本期应还款总额", "￥6163.68"),
                ("本期最低还款额", "￥616.37"),
                ("到期还款日", "2026年08月16日"),
            ),
            rows(
                ("交易日", "记账日", "交易摘要", "人民币金额", "卡号末四位", "交易国别", "境内外交易标识"),
                ("20260630", "20260701", "消费 示例商户 北京", "￥6,263.68", "5888", "CHN", "境内"),
                ("20260705", "20260705", "还款 手机银行", "￥-100.00", "5888", "CHN", "境内"),
            ),
        ),
    )


def psbc_2022() -> Letter:
    """邮储: the month in the title and the day on its own."""
    return Letter(
        sender="creditcardcenter@cardmail.psbc.com",
        subject="邮储银行信用卡电子账单",
        date="Mon, 28 Feb 2022 09:00:00 +0800",
        blocks=(
            Para("中国邮政储蓄银行信用卡对账单 (2022年02月)"),
            Para("尊敬的张三 先生：您好!现呈上您尾号为5888的信用卡电子对账单。"),
            pairs(
                ("账单日", "27"),
                ("本期应还款总额", "￥628.45"),
                ("本期最低还款额", "￥62.85"),
                ("到期还款日", "2022年03月19日"),
            ),
            rows(("2022/02/01", "2022/02/02", "消费 示例商户", "￥628.45", "5888")),
        ),
    )


def hxb_2026() -> Letter:
    """华夏: dollars before yuan; the statement day is a rule."""
    return Letter(
        sender="admin@creditcardmail.hxb.com.cn",
        subject="华夏信用卡-电子账单2026年08月",
        blocks=(
            Para("尊敬的张三 先生："),
            Para("华夏信用卡对账单(2026/08)"),
            pairs(
                ("本期应还款", "＄0.00 ￥10,070.71"),
                ("最低应还款", "＄0.00 ￥503.54"),
                ("账单日", "每月19日"),
                ("最后还款日", "2026/09/08"),
            ),
            Para("人民币账务信息"),
            rows(
                ("交易日", "记账日", "交易描述", "卡号后四位", "金额"),
                ("08/03", "08/03", "财付通示例停车", "5616", "￥11,000.00"),
                ("08/05", "08/06", "银联信用卡还款 6222020000000000", "5616", "-￥929.29"),
            ),
            Para("美元账务信息"),
        ),
    )


def hxb_2022() -> Letter:
    """华夏: yuan first, "Amount Payable" between the currencies."""
    return Letter(
        sender="admin@creditcardmail.hxb.com.cn",
        subject="华夏信用卡-电子账单2022年02月",
        date="Sun, 20 Feb 2022 09:00:00 +0800",
        blocks=(
            Para("尊敬的张三 先生："),
            Para("华夏信用卡对账单(2022/02)"),
            pairs(
                ("本期应还款", "￥78.00 Amount Payable $0.00"),
                ("最低应还款", "￥10.00 Amount Payable $0.00"),
                ("账单日", "每月19日 Statement Date"),
                ("最后还款日", "2022/03/11 Payment Due Date"),
            ),
            Para("人民币账务信息 RMB ACCOUNT"),
            rows(
                ("01/27", "01/27", "财付通(银联云闪付)", "5986", "￥78.00"),
                ("02/02", "02/03", "银联信用卡还款 6222020000000000", "5986", "-￥920.74"),
            ),
            Para("美元账务信息 USD ACCOUNT"),
        ),
    )


def hxb_2020() -> Letter:
    """华夏: other labels, RMB: and USD: before the amounts, the tail behind the amount."""
    return Letter(
        sender="admin@creditcardmail.hxb.com.cn",
        subject="华夏信用卡-电子账单",
        date="Sun, 20 Dec 2020 09:00:00 +0800",
        blocks=(
            Para("华夏信用卡对账单（2020年12月份）"),
            pairs(
                ("账单日 Statement Date:", "每月19日"),
                ("本期到期还款日 Payment Due Date:", "2021/01/08"),
                ("本期应还金额 Amount Payable", "RMB: 1,072.99 USD: 0.00"),
                ("最低还款额 Minimum Payment", "RMB: 107.30 USD: 0.00"),
            ),
            rows(("2020/12/01", "2020/12/02", "示例电力公司", "1,072.99", "5986")),
        ),
    )


def bob_2026() -> Letter:
    """北京: amounts as RMB:9.50 and with 元."""
    return Letter(
        sender="service@ebill.bankofbeijing.com.cn",
        subject="北京银行-信用卡2026年08月电子账单",
        blocks=(
            Para("北京银行信用卡对账单"),
            Para("本期账单日:2026年08月20日"),
            Para("本期到期还款日:2026年09月09日"),
            Para("人民币账户"),
            pairs(("本期应还款金额：", "1,505.50 元"), ("最低还款金额：", "75.28 元")),
            rows(
                ("交易日", "记账日", "交易摘要", "交易金额", "卡号后四位"),
                ("2026/07/25", "2026/07/25", "支付宝-示例通信", "RMB:9.50", "8594"),
                ("2026/08/02", "2026/08/03", "示例家电", "RMB:3,895.64", "8594"),
                ("2026/08/10", "2026/08/10", "云闪付还款 6222020000000000", "RMB:-2,399.64", "8594"),
            ),
        ),
    )


def bob_2021() -> Letter:
    """北京: a short mail with spaced labels and a link to the rows."""
    return Letter(
        sender="service@ebill.bankofbeijing.com.cn",
        subject="北京银行-信用卡电子账单",
        date="Fri, 21 Jan 2022 09:00:00 +0800",
        blocks=(
            pairs(
                ("最 后 还 款 日:", "2022-02-09"),
                ("账    单    日 :", "2022-01-20"),
                ("本期应还款金额:", "￥2,741.50"),
                ("本期最低还款金额:", "￥274.15"),
            ),
        ),
    )


def njcb_2026() -> Letter:
    """南京: spaced labels, 人民币 behind the amounts."""
    return Letter(
        sender="cc@message.njcb.com.cn",
        subject="南京银行N CARD账户电子账单",
        blocks=(
            pairs(
                ("账 单 日", "2026-08-12"),
                ("到 期 还 款 日", "2026-09-06"),
                ("本 期 应 还 总 额", "105.00 人民币"),
                ("本 期 最 低 还 款 额", "5.00 人民币"),
            ),
            rows(
                ("2026-07-20", "2026-07-21", "示例书店", "205.00", "2039"),
                ("2026-08-01", "2026-08-01", "还款", "-100.00", "2039"),
            ),
        ),
    )


def njcb_2023() -> Letter:
    """南京: a poster; month, amount, due date broken over lines, minimum, and not one label."""
    return Letter(
        sender="cc@message.njcb.com.cn",
        subject="南京银行N CARD账户电子账单",
        date="Wed, 13 Dec 2023 10:00:00 +0800",
        blocks=(
            Para("尊敬的客户，您的信用卡账单已生成。"),
            Para("张三 先生的N Card信用卡账单"),
            rows(("2023-12",), ("415.00",), ("2024年",), ("01",), ("月",), ("06",), ("日",), ("120.70",)),
        ),
    )


def hnb_2026() -> Letter:
    """湖南: the bank's own misspelling, tails at the end of the rows."""
    return Letter(
        sender="creditcard@hunan-bank.com",
        subject="湖南银行信用卡2026年08月电子账单",
        blocks=(
            Para("尊敬的张三先生/女士： 您好！"),
            pairs(
                ("账单日 ( Statement Date )", "2026-08-08"),
                ("到期还款日 ( Payment Due Date )", "2026-09-02"),
                ("本期应还款总额 ( Current Balance )", "RMB 779.78"),
                ("本期最低还款额度 ( Mininum Payment )", "RMB 77.98"),
            ),
            Para("本期账务明细( Transaction Details )"),
            rows(
                ("2026-07-28", "2026-07-28", "银联跨行消费", "示例电力公司", "1,030.00", "1937"),
                ("2026-08-01", "2026-08-01", "本行还款", "-250.22", "1937"),
            ),
        ),
    )


def hnb_2022() -> Letter:
    """华融湘江: 本期还款总额 without 应."""
    return Letter(
        sender="creditcard@hrxjbank.com.cn",
        subject="华融湘江银行信用卡2022年03月电子账单",
        date="Wed, 09 Mar 2022 09:00:00 +0800",
        blocks=(
            Para("感谢您使用华融湘江银行信用卡！以下是您2022年03月的账单，请勿错过您的还款期限。"),
            pairs(
                ("账单日 ( Statement Date )", "2022-03-08"),
                ("到期还款日 ( Payment Due Date )", "2022-04-02"),
                ("本期还款总额 ( Current Balance )", "RMB 417.83"),
                ("本期最低还款额度 ( Mininum Payment )", "RMB 41.78"),
            ),
            Para("本期账务明细( Transaction Details )"),
            rows(
                ("2022-02-28", "2022-02-28", "银联跨行消费", "示例电力公司", "402.83", "1937"),
                ("2022-03-01", "2022-03-01", "银联跨行消费", "示例快餐", "15.00", "1937"),
            ),
        ),
    )


def ceb_2017() -> Letter:
    """光大: the mail is a mere notice, the bill a PDF."""
    return Letter(
        sender="cebbank@cardcenter.cebbank.com",
        subject="光大银行信用卡电子对账单20170112",
        date="Fri, 13 Jan 2017 09:00:00 +0800",
        blocks=(Para("尊敬的客户：您的信用卡电子对账单请见附件。"),),
        pdf=("光大银行信用卡电子对账单20170112.pdf", pdf_of(CEB_2017_LINES)),
    )


def cgb_2025() -> Letter:
    """广发: a re-sent bill, body without figures, the bill a PDF."""
    return Letter(
        sender="creditcard@cgbchina.com.cn",
        subject="广发信用卡2025年05月个人补寄对账单",
        date="Sun, 01 Jun 2025 09:00:00 +0800",
        blocks=(Para("尊敬的客户：现补寄您2025年05月的信用卡对账单，请见附件。"),),
        pdf=("广发信用卡对账单.pdf", pdf_of(CGB_2025_LINES)),
    )
