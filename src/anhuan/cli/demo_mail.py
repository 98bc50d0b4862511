"""Bill mails of the demo household, written as five banks write theirs, for whatever day it is. All invented."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from email.message import EmailMessage
from html import escape
from itertools import pairwise
from typing import Final

from anhuan.kit import clock
from anhuan.kit.money import to_text

MONTHS: Final = 3  # bills a card has when the house is opened for the first time


@dataclass(frozen=True, slots=True)
class Buy:
    """One purchase of every month: days after the cycle's start, at whom, fen, and which of the cards."""

    after: int
    at: str
    fen: int
    tail: str


@dataclass(frozen=True, slots=True)
class Account:
    """One billed account: its day of statement, the days until it is due, and what is bought each month."""

    bank: str
    statement_day: int
    due_after: int
    limit: int
    buys: tuple[Buy, ...]
    dollars: int = 0


@dataclass(frozen=True, slots=True)
class Bill:
    """What one mail says; amounts in fen."""

    account: Account
    first: date
    statement_on: date
    due_on: date
    before: int  # the bill before, paid in full
    paid_on: date
    rows: tuple[tuple[date, Buy], ...]

    @property
    def total(self) -> int:
        """What the bill demands."""
        return sum(buy.fen for _, buy in self.rows)

    @property
    def minimum(self) -> int:
        """A tenth, as most banks ask."""
        return self.total // 10


ACCOUNTS: Final = (
    Account("cmb", 8, 18, 5_500_000, (
        Buy(2, "某某超市 人民路店", 38_650, "3096"), Buy(5, "财付通-便利店", 4_280, "3096"),
        Buy(9, "网上商城-家用电器", 268_900, "7190"), Buy(14, "地铁出行", 600, "3096"),
        Buy(14, "地铁出行", 600, "3096"), Buy(20, "某某书店", 15_800, "7190"), Buy(24, "物业缴费", 41_200, "3096"),
    )),
    Account("icbc", 25, 25, 8_100_000, (
        Buy(3, "某酒店 杭州", 92_000, "7640"), Buy(8, "铁路客票", 55_350, "7640"), Buy(17, "某某餐厅", 31_880, "7640"),
    )),
    Account("citic", 13, 19, 3_000_000, (
        Buy(1, "某健身房 月费", 29_900, "5983"), Buy(11, "加油站", 42_000, "5983"),
        Buy(19, "母婴用品店", 61_245, "5983"),
    ), dollars=1_290),
    Account("ccb", 2, 20, 4_800_000, (
        Buy(4, "银联扫码 菜市场", 7_730, "9490"), Buy(12, "装修材料城", 486_000, "9490"),
        Buy(21, "外卖平台", 5_620, "9490"),
    )),
    Account("cmbc", 18, 20, 2_000_000, (
        Buy(6, "示例餐饮", 18_600, "1234"), Buy(13, "示例购物 上海", 46_096, "1234"), Buy(22, "网约车", 6_470, "1234"),
    )),
)  # fmt: skip


def bills_until(account: Account, today: date) -> Iterator[Bill]:
    """The latest bills of an account whose mail has come by now, oldest first."""
    days = _statement_days(account.statement_day, today)
    before = 0
    for month, (last, this) in enumerate(pairwise(days)):
        first = last + timedelta(days=1)
        # A little more is spent each month, so that no two bills are alike.
        buys = [Buy(buy.after, buy.at, buy.fen + 10 * month * buy.after, buy.tail) for buy in account.buys]
        rows = tuple((min(first + timedelta(days=buy.after), this), buy) for buy in buys)
        bill = Bill(account, first, this, this + timedelta(days=account.due_after), before,
                    min(last + timedelta(days=account.due_after - 2), this), rows)  # fmt: skip
        before = bill.total
        yield bill


def mail(bill: Bill) -> bytes:
    """The bill as the message that the bank would send on the next morning."""
    sender, subject, blocks = LETTERS[bill.account.bank](bill)
    message = EmailMessage()
    message["From"] = sender
    message["To"] = "zhangsan@example.com"
    message["Subject"] = subject
    message["Date"] = datetime.combine(bill.statement_on + timedelta(days=1), time(9), clock.CHINA)
    message.set_content(f"<html><body>{''.join(blocks)}</body></html>", subtype="html", cte="base64")
    return message.as_bytes()


Letter = tuple[str, str, list[str]]


def _cmb(bill: Bill) -> Letter:
    cycle = f"{bill.first:%Y/%m/%d}-{bill.statement_on:%Y/%m/%d}"
    blocks = [
        _line("尊敬的张三先生，您好！以下是您的招商银行信用卡账单"),
        _table(("账单周期", cycle)),
        _table(("信用额度 Credit Limit", f"￥{_yuan(bill.account.limit)}")),
        _table(("本期应还金额 New Balance", f"￥{_yuan(bill.total)}")),
        _table(("本期最低还款额 Min. Payment", f"￥{_yuan(bill.minimum)}")),
        _table(("到期还款日 Payment Due Date", f"{bill.due_on:%Y/%m/%d}")),
        _table(("交易日", "记账日", "交易摘要", "人民币金额", "卡号末四位", "交易地", "交易地金额")),
    ]
    if bill.before:
        amount = _yuan(bill.before)
        repaid = ("", f"{bill.paid_on:%m%d}", "自动还款", f"￥-{amount}", bill.account.buys[0].tail, "", f"-{amount}")
        blocks += [_line("还款"), _table(repaid)]
    rows = [
        (f"{on:%m%d}", f"{on:%m%d}", buy.at, f"￥{_yuan(buy.fen)}", buy.tail, "CN", _yuan(buy.fen))
        for on, buy in bill.rows
    ]
    return "ccsvc@message.cmbchina.com", "招商银行信用卡电子账单", [*blocks, _line("消费"), _table(*rows)]


def _icbc(bill: Bill) -> Letter:
    tail = bill.account.buys[0].tail
    sums = (f"{_yuan(bill.total)}/RMB", f"{_yuan(bill.minimum)}/RMB")
    rows = [
        (tail, f"{on}", f"{on}", "消费", buy.at, f"{_yuan(buy.fen)}/RMB", f"{_yuan(buy.fen)}/RMB(支出)")
        for on, buy in bill.rows
    ]
    if bill.before:
        paid = f"{_yuan(bill.before)}/RMB"
        rows.append((tail, f"{bill.paid_on}", f"{bill.paid_on}", "还款", "跨行还款", paid, f"{paid}(存入)"))
    blocks = [
        _line("尊敬的张三先生"),
        _table(("对账单生成日", _long(bill.statement_on))),
        _table(("账单周期", f"{_long(bill.first)}—{_long(bill.statement_on)}")),
        _table(("贷记卡到期还款日", _long(bill.due_on))),
        _line("需还款明细"),
        _table(
            ("卡号后四位", "币种", "应还款额", "最低还款额", "信用额度"),
            (f"{tail}(牡丹贷记卡)", "人民币(本位币)", *sums, f"{_yuan(bill.account.limit)}/RMB"),
            ("合计", "人民币(本位币)", *sums, ""),
        ),
        _line("交易明细"),
        _table(
            ("卡号后四位", "交易日", "记账日", "交易类型", "商户名称/城市", "交易金额/币种", "记账金额/币种"), *rows
        ),
    ]
    return "webmaster@icbc.com.cn", "中国工商银行客户对账单", blocks


def _citic(bill: Bill) -> Letter:
    tail = bill.account.buys[0].tail
    head, dollars = f"6229-19**-****-{tail}", bill.account.dollars
    yuan = [_yuan(fen) for fen in (bill.before, bill.before, bill.total, bill.total, bill.minimum)]
    rows = [
        (f"{on:%Y%m%d}", f"{on:%Y%m%d}", tail, buy.at, "CNY", _yuan(buy.fen), "CNY", _yuan(buy.fen))
        for on, buy in bill.rows
    ]
    if bill.before:
        day, amount = f"{bill.paid_on:%Y%m%d}", f"-{_yuan(bill.before)}"
        rows.append((day, day, tail, "还款-网上银行", "CNY", amount, "CNY", amount))
        rows.append((day, day, tail, "还款-购汇", "USD", f"-{_yuan(dollars)}", "USD", f"-{_yuan(dollars)}"))
    abroad, cents = f"{bill.first:%Y%m%d}", _yuan(dollars)
    rows.append((abroad, abroad, tail, "EXAMPLE CLOUD", "USD", cents, "USD", cents))
    blocks = [
        _table(("账单日", f"{_long(bill.statement_on)} Statement Date")),
        _table(("到期还款日", f"{_long(bill.due_on)} Payment Due Date")),
        _table(
            (head, "CNY", *yuan),
            (head, "USD", *([cents if bill.before else "0.00"] * 2), cents, cents, _yuan(dollars // 10)),
        ),
        _table(*rows),
    ]
    return "citiccard@bill.citiccard.com", "中信银行信用卡电子账单", blocks


def _ccb(bill: Bill) -> Letter:
    tail = bill.account.buys[0].tail
    rows = [(f"{on}", f"{on}", tail, buy.at, "CNY", _yuan(buy.fen), "CNY", _yuan(buy.fen)) for on, buy in bill.rows]
    if bill.before:
        day, amount = f"{bill.paid_on}", f"-{_yuan(bill.before)}"
        rows.append((day, day, tail, "手机银行还款", "CNY", amount, "CNY", amount))
    blocks = [
        _line(f"账单周期：{_long(bill.first)}-{_long(bill.statement_on)}"),
        _table(("本期账单日 Statement Date", f"{bill.statement_on}")),
        _table(("本期到期还款日 Payment Due Date", f"{bill.due_on}")),
        _table(("信用额度 Credit Limit", f"CNY{_yuan(bill.account.limit)}")),
        _line("应还款明细"),
        _table(
            ("卡号", "币种", "应还款额/溢缴款", "最低还款额", "争议款/笔数 Dispute Amt/Nbr"),
            (f"62270816****{tail}", "人民币(CNY)", _yuan(bill.total), _yuan(bill.minimum), "0.00/0"),
        ),
        _line("交易明细"),
        _table(*rows),
    ]
    return "service@vip.ccb.com", "中国建设银行信用卡电子账单", blocks


def _cmbc(bill: Bill) -> Letter:
    tail = bill.account.buys[0].tail
    rows = [(f"{on:%m/%d}", f"{on:%m/%d}", buy.at, _yuan(buy.fen), tail) for on, buy in bill.rows]
    blocks = [
        _line("尊敬的张三先生："),
        _table(("本期账单日 Statement Date", f"{bill.statement_on:%Y/%m/%d}")),
        _table(("本期最后还款日 Payment Due Date", f"{bill.due_on:%Y/%m/%d}")),
        _table(
            ("账户名称 Account", "本期应还款金额 New Balance", "本期最低还款金额 Min.Payment"),
            ("人民币/美元账户 RMB/USD Account", f"RMB {_yuan(bill.total)}", f"RMB {_yuan(bill.minimum)}"),
        ),
        _line("本期应还款金额 New Balance RMB"),
        _line("消 费"),
        _table(*rows),
    ]
    if bill.before:
        day = f"{bill.paid_on:%m/%d}"
        blocks += [_line("还 款"), _table((day, day, "自动还款", f"-{_yuan(bill.before)}", tail))]
    return "master@creditcard.cmbc.com.cn", f"民生信用卡{bill.statement_on:%Y年%m月}电子对账单", blocks


LETTERS: Final[dict[str, Callable[[Bill], Letter]]] = {
    "cmb": _cmb, "icbc": _icbc, "citic": _citic, "ccb": _ccb, "cmbc": _cmbc,
}  # fmt: skip


def _statement_days(day: int, today: date) -> list[date]:
    """The last statement days before today, oldest first, one more than there are bills."""
    month = today.year * 12 + today.month - 1
    days = [date(at // 12, at % 12 + 1, day) for at in range(month - MONTHS - 1, month + 1)]
    return [on for on in days if on < today][-MONTHS - 1 :]


def _yuan(fen: int) -> str:
    whole, _, rest = to_text(fen).partition(".")
    return f"{int(whole):,}.{rest}"


def _long(on: date) -> str:
    return f"{on:%Y年%m月%d日}"


def _line(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _table(*rows: tuple[str, ...]) -> str:
    cells = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows)
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>"
