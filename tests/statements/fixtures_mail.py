"""Bill mails of CMB, ICBC, CCB, BOC, ABC, BOCOM and CITIC in the versions of their templates. All data are invented."""

from typing import Final

from tests.statements.shapes_mail import Letter, Para, pairs, rows

CMB_ROWS: Final = (
    Para("还 款"),
    rows(("", "0801", "跨行转账还款", "￥-1,200.00", "3096", "", "-1,200.00")),
    Para("退款"),
    rows(("0716", "0717", "退货-某某商城", "￥- 88.00", "7190", "CN", "-88.00")),
    Para("消费"),
    rows(
        ("0712", "0713", "支付宝-85度C 人民路店", "￥12.00", "3096", "CN", "12.00"),
        ("0720", "0721", "财付通-7-11便利店", "￥1,023.50", "7190", "CN", "1,023.50"),
    ),
    Para("费用"),
    rows(("", "0808", "会员费-增值服务使用费", "￥36.00", "0000", "", "")),
    Para("分期"),
    rows(("0808", "0808", "账单分期 第03期/共12期", "￥500.00", "3096", "CN", "500.00")),
)
CMB_HEADING: Final = rows(("交易日", "记账日", "交易摘要", "人民币金额", "卡号末四位", "交易地", "交易地金额"))


def cmb_2026() -> Letter:
    """One line of five values, no label beside them."""
    return Letter(
        "ccsvc@message.cmbchina.com",
        "招商银行信用卡电子账单",
        (
            Para("尊敬的张三先生："),
            rows(("2026/07/09-2026/08/08", "￥ 35,000.00", "￥ 1,927.79", "￥ 96.39", "2026/08/26")),
            CMB_HEADING,
            *CMB_ROWS,
        ),
    )


def cmb_2020(cycle: str = "2020/12/09-2021/01/08(补)", due: str = "2021/01/26") -> Letter:
    """Labels and values, the limit without decimals, a re-sent bill; January with rows of December."""
    return Letter(
        "95555@message.cmbchina.com",
        "招商银行信用卡电子账单",
        (
            Para("尊敬的 张三 先生，您好！以下是您的招商银行信用卡01月账单"),
            pairs(
                ("账单周期", cycle),
                ("信用额度 Credit Limit", "￥35,000"),
                ("本期应还金额 New Balance", "￥218.80"),
                ("本期最低还款额 Min. Payment", "￥10.94"),
                ("到期还款日 Payment Due Date", due),
            ),
            Para("消费"),
            rows(
                ("1231", "0101", "美团-某餐厅", "￥118.80", "2111", "CN", "118.80"),
                ("0105", "0106", "某书店", "￥100.00", "2111", "CN", "100.00"),
            ),
        ),
        date="Sat, 09 Jan 2021 06:00:00 +0800",
    )


def cmb_2017() -> Letter:
    """A due date without a year, and rows with tail, day and time."""
    return Letter(
        "ccsvc@message.cmbchina.com",
        "招商银行信用卡电子账单",
        (
            Para("您 2017 年 12 月信用卡个人卡账单已出"),
            pairs(("到期还款日Payment Due Date", "01 月 02 日"), ("本期应还金额NewBalance", "￥1,345.60")),
            rows(("7449", "20171203", "10:20:30", "CNY", "某某超市", "345.60")),
        ),
        date="Sat, 16 Dec 2017 06:00:00 +0800",
    )


def cmb_daily() -> Letter:
    """Yesterday's rows; a foreign one, a refund without a tail, another card's number in the text."""
    return Letter(
        "ccsvc@message.cmbchina.com",
        "每日信用管家",
        (
            Para("尊敬的客户，截至昨日最后一笔交易，您的额度和积分信息如下："),
            Para("2026/08/19 您的消费明细如下："),
            rows(
                ("02:38:56", "USD 1.36", "尾号2111 邮购 EXAMPLE.AI SAN FRANCISCOCA US"),
                ("23:57:01", "CNY 286.00", "尾号7190 消费 美团支付-原绑定卡:3096"),
                ("23:58:00", "CNY -9.90", "退货 支付宝退款"),
            ),
        ),
    )


ICBC_ROWS: Final = rows(
    ("卡号后四位", "交易日", "记账日", "交易类型", "商户名称/城市", "交易金额/币种", "记账金额/币种"),
    ("7640", "2026-07-01", "2026-07-02", "消费", "某酒店 东京", "5,000/JPY", "238.10/RMB(支出)"),
    ("1225", "2026-07-03", "2026-07-04", "消费", "某超市", "20.00/RMB", "20.00/RMB(支出)"),
    ("卡号后四位", "交易日", "记账日", "交易类型", "商户名称/城市", "交易金额/币种", "记账金额/币种"),
    ("7640", "2026-07-05", "2026-07-06", "退货", "某商城", "99.00/RMB", "99.00/RMB(存入)"),
    ("7640", "2026-07-20", "2026-07-20", "还款", "跨行还款", "3,000.00/RMB", "3,000.00/RMB(存入)"),
    ("7640", "2026-07-07", "2026-07-08", "消费", "境外网购", "2.68/USD", "2.68/USD(支出)"),
)
_ICBC: Final = ("webmaster@icbc.com.cn", "中国工商银行客户对账单(ICBC Peony Card Bank Statement)")


def icbc_2026(total: str = "8,431.90/RMB") -> Letter:
    """Two cards, one with a USD row of its own, and a printed sum."""
    return Letter(
        *_ICBC,
        (
            Para("尊敬的张三先生"),
            pairs(
                ("对账单生成日", "2026年07月31日"),
                ("账单周期", "2026年07月01日—2026年07月31日"),
                ("贷记卡到期还款日", "2026年8月25日"),
            ),
            Para("需还款明细"),
            rows(
                ("卡号后四位", "币种", "应还款额", "最低还款额", "信用额度"),
                ("7640(牡丹贷记卡)", "人民币(本位币)", "8,411.90/RMB", "1,429.79/RMB", "81,000.00/RMB"),
                ("7640(牡丹贷记卡)", "美元", "2.68/USD", "0.27/USD", "10,000.00/USD"),
                ("1225(牡丹贷记卡)", "人民币(本位币)", "20.00/RMB", "2.00/RMB", "81,000.00/RMB"),
                ("合计", "人民币(本位币)", total, "1,431.79/RMB", ""),
            ),
            Para("交易明细"),
            ICBC_ROWS,
        ),
        date="Sat, 01 Aug 2026 06:00:00 +0800",
    )


def icbc_zero() -> Letter:
    """No amount due: only the movements of the card."""
    return Letter(
        *_ICBC,
        (
            pairs(("对账单生成日", "2026年07月31日"), ("账单周期", "2026年07月01日—2026年07月31日")),
            Para("本期交易汇总"),
            rows(
                ("卡号后四位", "上期余额", "本期收入", "本期支出", "本期余额"),
                ("1498(牡丹贷记卡)", "-3.50/RMB", "3.50/RMB", "0.00/RMB", "0.00/RMB"),
            ),
        ),
    )


_CCB: Final = ("service@vip.ccb.com", "中国建设银行信用卡电子账单")


def ccb_2026() -> Letter:
    """Two cards, an overpaid USD account, a tail with a second number behind it."""
    return Letter(
        *_CCB,
        (
            Para("账单周期：2026年07月15日-2026年08月14日"),
            pairs(
                ("本期账单日 Statement Date", "2026-08-14"),
                ("本期到期还款日 Payment Due Date", "2026/09/03"),
                ("信用额度 Credit Limit", "CNY50000"),
                ("取现额度 Cash Advance Limit", "CNY25000"),
            ),
            Para("应还款明细"),
            rows(
                ("卡号", "币种", "应还款额/溢缴款", "最低还款额", "争议款/笔数 Dispute Amt/Nbr"),
                ("62270816****9490", "人民币(CNY)", "857.90", "200.00", "0.00/0"),
                ("62270816****9490", "美元(USD)", "-12.00", "0.00", "0.00/0"),
                ("43674501****1234", "人民币(CNY)", "1,100.00", "110.00", "0.00/0"),
            ),
            Para("交易明细"),
            rows(
                ("2026-07-20", "2026-07-21", "9490", "银联扫码 某餐厅", "CNY", "77.00", "CNY", "77.00"),
                ("2026-07-25", "2026-07-26", "1234/5678", "EXAMPLE STORE 東京", "JPY", "2,000", "CNY", "95.40"),
                ("2026-08-01", "2026-08-01", "9490", "手机银行还款", "CNY", "-1,000.00", "CNY", "-1,000.00"),
            ),
        ),
    )


def ccb_2017() -> Letter:
    """Full-width brackets, hyphens in all dates."""
    return Letter(
        *_CCB,
        (
            pairs(("本期账单日 Statement Date", "2017-05-14"), ("本期到期还款日 Payment Due Date", "2017-06-03")),
            rows(("62270816****9490", "人民币（CNY）", "345.67", "34.57")),
        ),
    )


def boc_2021(total: str = "10,949.22") -> Letter:
    """HTML: due date first, then statement date; money in and money out in two columns."""
    return Letter(
        "boczhangdan@bankofchina.com",
        "中国银行信用卡电子账单",
        (
            rows(
                ("到期还款日\nDue Date", "账单日\nStatement Date", "本期人民币欠款总计", "本期外币欠款总计"),
                ("2021-08-24", "2021-08-04", total, "0.00"),
            ),
            Para("卡号 本期应还款额 最低还款额"),
            rows(("62590943****2010", "6,240.92", "625.00"), ("62590943****7557", "4,708.30", "471.00")),
            Para("人民币交易明细"),
            rows(
                ("交易日", "银行记账日", "卡号后四位", "交易描述", "存入", "支出"),
                ("2021-07-10", "2021-07-11", "2010", "财付通-某商户CHN", "", "240.92"),
                ("2021-07-20", "2021-07-21", "2010", "信用卡还款", "3,000.00", ""),
                ("2021-08-04", "2021-08-04", "", "存款利息", "0.12", ""),
            ),
        ),
    )


def boc_2020_zero() -> Letter:
    """Nothing owed: the due date is left out."""
    return Letter(
        "PersonalService@bank-of-china.com",
        "中国银行银行卡电子账单",
        (
            rows(
                ("到期还款日 Due Date", "账单日 Statement Date", "本期人民币欠款总计", "本期外币欠款总计"),
                ("", "2020-08-04", "0.00", "0.00"),
            ),
            rows(("62590943****2010", "0.00", "0.00")),
        ),
    )


_ABC: Final = ("e-statement@creditcard.abchina.com.cn", "中国农业银行金穗信用卡电子对账单")


def abc_2026(total: str = "-1,399.80", least: str = "-70.00") -> Letter:
    """The heading says that a debt is negative."""
    return Letter(
        *_ABC,
        (
            pairs(
                ("卡号 Card No", "625998******9164"),
                ("账单周期 Statement Cycle", "2026/07/20-2026/08/19"),
                ("到期还款日 Payment Due Date", "2026/09/13"),
                ("本期应还款额(欠款为-) New Balance", f"人民币(CNY) {total}"),
                ("最低还款额(欠款为-) Min Payment", f"人民币(CNY) {least}"),
            ),
            rows(
                ("交易日", "入账日", "卡号末四位", "交易摘要", "交易金额/币种", "入账金额/币种(支出为-)"),
                ("260801", "260802", "9164", "网上消费，某商户", "-12.00/CNY", "-12.00/CNY"),
                ("260805", "260806", "5446", "消费 EXAMPLE HK", "-100.00/HKD", "-92.31/CNY"),
                ("260812", "260813", "", "还款，张三", "500.00/CNY", "500.00/CNY"),
            ),
        ),
    )


def abc_2021() -> Letter:
    """All labels in a block, then all values; dates without separators."""
    return Letter(
        "e-statement@creditcard.abchina.com",
        "中国农业银行金穗信用卡电子对账单",
        (
            *(Para(label) for label in ("卡号 Card No.", "账单周期 Statement Cycle", "到期还款日 Payment Due Date")),
            *(Para(label) for label in ("本期应还款额(欠款为-) New Balance", "最低还款额(欠款为-) Min Payment")),
            Para("信用额度 Credit Limit"),
            *(Para(value) for value in ("625336******1170", "20210314-20210413", "20210508")),
            *(Para(value) for value in ("-709.46", "-97.23", "50000.00")),
            rows(("20210401", "20210402", "5446", "网上消费", "某商户", "-12.00/CNY", "-12.00/CNY")),
        ),
    )


def bocom_2026(owed: str = "￥34.60 ＄---", least: str = "￥1.73 ＄---", due: str = "2026-09-04") -> Letter:
    """The card in the heading line; two sections of rows without signs."""
    return Letter(
        "pccc@bocomcc.com",
        "交通银行个人信用卡2026年08月电子账单",
        (
            Para("交通银行个人信用卡622253******8679"),
            pairs(
                ("账单周期 Statement Cycle", "2026/07/11-2026/08/10"),
                ("到期还款日 Payment Due Date", due),
                ("本期应还款", owed),
                ("最低应还款", least),
            ),
            Para("还款、退货、费用返还明细"),
            rows(
                ("2026/07/20", "2026/07/20", "信用卡还款 手机银行", "CNY 123.18", "CNY 123.18"),
                ("2026/07/21", "2026/07/22", "退货 某商城", "CNY 20.00", "CNY 20.00"),
            ),
            Para("消费、取现、其他费用明细"),
            rows(
                ("2026/07/25", "2026/07/26", "消费 某超市", "CNY 14.60", "CNY 14.60"),
                ("2026/07/28", "2026/07/29", "消费 某拉面店", "JPY 420", "CNY 20.00"),
            ),
        ),
    )


def bocom_2022() -> Letter:
    """最后还款日, the card's name before its number, days without a year, December in a January bill."""
    return Letter(
        "pccc@bocomcc.com",
        "交通银行银联优逸白金卡2022年01月电子账单",
        (
            Para("交通银行银联优逸白金卡622656******0988"),
            pairs(
                ("账单周期", "2021/12/11-2022/01/10"),
                ("最后还款日", "2022/02/04"),
                ("本期应还款", "￥1057.16 $ 3.00"),
                ("最低应还款", "￥105.72 $ 0.30"),
            ),
            Para("还款、退货、费用返还明细"),
            rows(("12/20", "12/21", "0988", "信用卡还款", "RMB 500.00", "RMB 500.00")),
            Para("消费、取现、其他费用明细"),
            rows(("01/02", "01/03", "0988", "消费 某书店", "RMB 57.16", "RMB 57.16")),
        ),
    )


_CITIC: Final = ("citiccard@bill.citiccard.com", "中信银行信用卡电子账单")


def citic_2026() -> Letter:
    """Five amounts a card, of which the last two count; two currencies."""
    return Letter(
        *_CITIC,
        (
            pairs(
                ("账单日", "2026年08月13日 Statement Date"),
                ("到期还款日", "2026年09月01日 Payment Due Date"),
            ),
            rows(
                ("6229-19**-****-5983", "CNY", "100.00", "80.00", "50.00", "70.00", "3.50"),
                ("6229-19**-****-5983", "USD", "0.00", "0.00", "12.00", "12.00", "0.60"),
            ),
            rows(
                ("20260812", "20260813", "5983", "某商户", "CNY", "50.00", "CNY", "50.00"),
                ("20260802", "20260802", "5983", "还款-网上银行", "CNY", "-80.00", "CNY", "-80.00"),
                ("20260803", "20260804", "5983", "EXAMPLE.COM", "USD", "12.00", "USD", "12.00"),
            ),
        ),
    )


def citic_2023(joined: str = "-") -> Letter:
    """No statement date but a sentence; an Amex card with three digits in the head and four in the rows."""
    return Letter(
        *_CITIC,
        (
            Para(f"您好！2023年04月账单已产生，记录了您2023年03月03日{joined}2023年04月02日账户变动信息，现为您奉上"),
            Para("到期还款日：2023年04月21日"),
            rows(
                ("3780-09**-****-855", "RMB", "2,500.82", "2,500.82", "4,445.92", "4,445.92", "222.30"),
                ("6226-89**-****-6133", "RMB", "1,351.44", "1,351.44", "462.87", "462.87", "23.14"),
            ),
            Para("取现额度/预借现金额度"),
            rows(
                ("20230401", "20230401", "8855", "某酒店", "CNY", "4,445.92", "CNY", "4,445.92"),
                ("20230402", "20230402", "6133", "0.2元现金奖励", "CNY", "-0.20", "CNY", "-0.20"),
            ),
        ),
    )


def citic_2020() -> Letter:
    """A banner with dates that lack the year, two amounts a card."""
    return Letter(
        *_CITIC,
        (
            Para("2020年02月账单已产生，记录了您2020年01月03日至2020年02月02日账户变动信息。"),
            Para("到期还款日：02月21日"),
            Para("账单日：02月02日"),
            rows(("6226-88**-****-0616", "RMB 946.00", "RMB 94.60")),
        ),
    )
