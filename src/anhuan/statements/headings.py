"""What the headings of exports mean: synonyms in Chinese and English, and the search for the heading row."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from anhuan.statements import cells

# Our word -> headings that mean it, without blanks, half-width, lower case. Words beyond those of `mapping.WORDS`:
# trade_* is the amount in the currency of the trade beside a posted one, `status` and `direction` are read by rules.
SYNONYMS: Final[Mapping[str, str]] = {
    "traded_on": """
        交易日 交易日期 交易时间 消费日期 消费日 交易创建时间 发生日期 transactiondate transdate trandate
        tradedate dateoftransaction purchasedate transactiontime datetime 交易日期时间""",
    "posted_on": """
        記賬日 記賬日期 過賬日期 誌賬日期 入帳日 入帳日期
        记账日 记账日期 记帐日 记帐日期 入账日期 入账日 入帐日期 银行记账日 入账时间 记账时间 日期 账务日期 date
        postdate postingdate posteddate dateposted bookingdate bookdate buchungstag valuedate 交易成功时间 datum
        data fecha""",
    "clock": "时间 time 交易时刻",
    "description": """
        交易詳情 交易說明 交易明細 商戶名稱
        交易摘要 摘要说明 交易描述 交易说明 商品说明 商品名称 商品 交易场所 交易地点 交易地点/附言 商户名称 商户
        商户名 订单标题 客户摘要 附言 交易附言 用途 交易用途 说明 描述 交易内容 交易备注 description details
        transactiondetails particulars narrative memo transactiondescription merchant merchantname payee name
        buchungstext verwendungszweck
        名称 transaction reference/description transactionremarks remarks longdescription""",
    "kind": """
        摘要 交易类型 交易分类 业务类型 业务摘要 交易种类 类型 type transactiontype trantype category""",
    "amount": """
        金額 金额 记账金额 入账金额 入账币种/金额 记账金额/币种 人民币金额 结算金额 交易额 发生额 金额(元) 实付金额
        betrag umsatz
        billingamount amount amount(sgd) amount(hkd) amount(usd) amount(cny) postedamount localamount 变动金额
        交易金额(元) 本币金额""",
    "trade_amount": """
        交易金额 交易币种/金额 交易金额/币种 交易地金额 原币金额 外币金额 订单金额 transactionamount
        foreignamount originalamount foreigncurrencyamount""",
    "money_out": """
        支出 支出金额 借方 借方金额 借方发生额 记账金额(支出) 支出(元) 支出金额(元) 转出金额 付款金额 取出 debit
        debits debitamount withdrawal withdrawals withdrawalamount moneyout paidout outflow charge charges
        debit(sgd) 消费金额""",
    "money_in": """
        存入 收入 收入金额 贷方 贷方金额 贷方发生额 记账金额(收入) 收入(元) 收入金额(元) 转入金额 收款金额
        credit credits creditamount deposit deposits depositamount moneyin paidin inflow credit(sgd) 存入金额""",
    "trade_out": "交易金额(支出)",
    "trade_in": "交易金额(收入)",
    "direction": """
        收/支 收支 收支类型 收支方向 资金方向 借贷 借/贷 借贷标志 借贷方向 credit/debit debit/credit dr/cr cr/dr
        d/c creditdebit debitcredit debitcreditindicator creditdebitindicator 收付标志 资金流向""",
    "currency": """
        币种 货币 入账币种 入账货币 记账币种 结算币种 结算货币 币别 交易币种(入账) billingcurrency currency ccy
        currencycode währung 本币""",
    "trade_currency": "交易币种 交易货币 原币币种 transactioncurrency foreigncurrency originalcurrency",
    "card": """
        卡号 卡片 卡号末四位 卡号后四位 卡末四位 卡片末四位 末四位 尾号 卡号尾号 卡尾号 cardno cardnumber card card#
        cardlast4 last4 cardending firstbankcard maskedcardnumber""",
    "balance": """
        余额 账户余额 联机余额 本次余额 可用余额 账面余额 交易后余额 balance runningbalance accountbalance
        closingbalance""",
    "reference": """
        交易订单号 交易单号 流水号 交易流水号 交易流水 日志号 凭证号 订单号 交易号 reference referenceno
        transactionid transactionreference refno fitid id""",
    "merchant_reference": "商家订单号 商户单号 商家单号 商户订单号",
    "counterparty": """
        交易对方 对方户名 对方名称 对方账户名 对手信息 对方账号与户名 对方信息 交易对手 对方 counterparty
        beneficiary payer payee/payer 收款方 付款方 对方户名/账号 收(付)方名称""",
    "counter_account": "对方账号 对方账户 对方帐号 counterpartyaccount 收(付)方账号",
    "paid_with": "收/付款方式 支付方式 付款方式 支付渠道 paymentmethod",
    "status": "交易状态 当前状态 状态 transactionstatus status",
    "note": "备注 备注说明 note notes comment",
    "place": """
        交易地 交易国家或地区简称 country/region area/district 地区 交易地区 country 交易银行 开户机构""",
}
_BY_KEY: Final = {key: word for word, keys in SYNONYMS.items() for key in keys.split()}
_WEAK_TEXTS: Final = frozenset(("交易用途", "用途", "附言", "交易附言", "memo"))
_PLAIN_DAYS: Final = frozenset(("date", "日期"))
_POSTED: Final = frozenset((
    "postdate", "postingdate", "posteddate", "dateposted", "bookingdate", "post", "posted", "记账日", "记账日期",
    "入账日", "入账日期", "银行记账日", "入账时间", "记账时间",
))  # fmt: skip
_DATES: Final = frozenset(("traded_on", "posted_on"))
_AMOUNTS: Final = frozenset(("amount", "money_out", "money_in", "trade_amount", "trade_out", "trade_in"))
_HALVES: Final = re.compile(r"([\u4e00-\u9fff/|-]+)([a-z0-9/|-]+)|([a-z0-9/|-]+)([\u4e00-\u9fff/|-]+)")
_BRACKETS: Final = re.compile(r"\(([^()]*)\)$")
_LOOK_AT: Final = 120  # rows: the longest known preface has 30


@dataclass(frozen=True, slots=True)
class Heading:
    """The heading row: its place (-1: there is none), its cells and the column of each of our words."""

    row: int
    cells: tuple[str, ...]
    places: Mapping[str, int]
    currency: str | None = None  # printed in a heading, e.g. 金额(元) or AMOUNT (SGD)
    keys: frozenset[str] = field(default=frozenset())


def find(rows: Sequence[Sequence[str]], extra: Mapping[str, str] | None = None) -> Heading | None:
    """The first row that names at least a date and an amount; None when there is none."""
    best: Heading | None = None
    for number, row in enumerate(rows[:_LOOK_AT]):
        if sum(1 for cell in row if cell.strip()) < 2:
            continue
        found = understand(number, row, extra)
        if _is_enough(found) and (best is None or len(found.places) > len(best.places) + 2):
            best = found
    return best


def understand(number: int, row: Sequence[str], extra: Mapping[str, str] | None = None) -> Heading:
    """What each cell of a row would mean as a heading; `extra` are a layout's own words for heading keys."""
    shown = tuple(cells.clean(cell) for cell in row)
    places: dict[str, int] = {}
    currency = None
    for place, cell in enumerate(shown):
        key = cells.key_of(cell)
        word, printed = _meaning(key, extra or {})
        if word and word not in places:
            places[word] = place
            currency = currency or (printed if word in _AMOUNTS else None)
        elif word == "description" and cells.key_of(shown[places[word]]) in _WEAK_TEXTS and key not in _WEAK_TEXTS:
            places.setdefault("note", places[word])  # 交易用途 is mostly empty where 交易摘要 stands beside it
            places[word] = place
    _tell_days(places, shown)
    return Heading(number, shown, _settled(places), currency, frozenset(cells.key_of(cell) for cell in shown if cell))


def _tell_days(places: dict[str, int], shown: Sequence[str]) -> None:
    """Date beside Post Date is the day of the trade: the plain word took the place of the exact one."""
    plain = places.get("posted_on")
    if plain is None or "traded_on" in places or cells.key_of(shown[plain]) not in _PLAIN_DAYS:
        return
    exact = [place for place, cell in enumerate(shown) if cells.key_of(cell) in _POSTED]
    if exact:
        places |= {"traded_on": plain, "posted_on": exact[0]}


def _meaning(key: str, extra: Mapping[str, str]) -> tuple[str, str | None]:
    inside = _BRACKETS.search(key)
    currency = cells.currency_of(inside[1].upper()) if inside else None
    if word := extra.get(key) or _BY_KEY.get(key):
        return word, currency
    if inside is not None:
        return _BY_KEY.get(key[: inside.start()]) or _of_halves(key[: inside.start()]), currency
    return _of_halves(key), None


def _of_halves(key: str) -> str:
    """What a heading in two languages means, by the half that is known: 記賬日期 Post Date."""
    halves = _HALVES.fullmatch(key)
    if halves is None:
        return ""
    return next((word for half in halves.groups() if half and (word := _BY_KEY.get(half.strip("/-|")))), "")


def _is_enough(found: Heading) -> bool:
    return bool(_DATES & found.places.keys()) and bool(_AMOUNTS & found.places.keys())


def _settled(places: dict[str, int]) -> dict[str, int]:
    """A trade amount is the posted one where no other is printed; so is its currency."""
    if not places.keys() & {"amount", "money_out", "money_in"}:
        for trade, posted in (("trade_amount", "amount"), ("trade_out", "money_out"), ("trade_in", "money_in")):
            if trade in places:
                places[posted] = places.pop(trade)
    if "currency" not in places and "trade_currency" in places and "trade_amount" not in places:
        places["currency"] = places.pop("trade_currency")
    return places
