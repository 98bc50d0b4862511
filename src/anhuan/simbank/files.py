"""End-of-day files (对账文件): one day of the bank's own books, printed as five kinds of file that real ones print.

Pure: the same book gives the same bytes. Shapes: the documents of the platforms' trade and fund bills as several
public parsers read them (channels.md, section 4); camt.053.001.08 of ISO 20022; a bank's CSV of our own making.
"""

import hashlib
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from io import BytesIO
from typing import Final
from xml.sax.saxutils import escape

from anhuan.kit.clock import CHINA
from anhuan.kit.money import to_text as yuan


class Kind(StrEnum):
    """What one row of the books is."""

    PAID = "paid"  # 付款: left the funding account
    GIVEN = "given"  # 入账: reached the card; printed in the fund flow alone
    BOUNCED = "bounced"  # 退票: the card's bank gave it back to the channel; printed in the fund flow alone
    RETURNED = "returned"  # 退汇: came back to the funding account, days later
    REVERSED = "reversed"  # 冲正: came back the same day


BACK: Final = (Kind.RETURNED, Kind.REVERSED)


@dataclass(frozen=True, slots=True)
class Row:
    """One movement in the bank's books. Amounts in fen, above zero; `fee` is kept out of the amount on the way."""

    kind: Kind
    at: datetime  # with a zone; printed in UTC+8
    reference: str  # the bank's number of the payment
    key: str  # the payer's number of it: our key, 32 hexadecimal digits or as it came
    amount: int
    fee: int = 0
    card: str = ""  # masked
    name: str = ""  # masked
    back_reference: str = ""  # the bank's number of the return or reversal
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DayBook:
    """One bank day of one channel. Every row belongs to the day in UTC+8; openings in fen."""

    channel: str  # ASCII: part of the files' names
    day: date
    account: str  # merchant number or account, as printed
    rows: tuple[Row, ...]
    transit_opening: int = 0  # 在途: what the channel held at the start of the day
    funds_opening: int = 0  # what the funding accounts held at the start of the day
    fee_rate: Decimal = Decimal(0)
    made_at: datetime | None = None  # 9:00 of the next day where nothing is said

    def __post_init__(self) -> None:
        for row in self.rows:
            if row.at.astimezone(CHINA).date() != self.day:
                raise ValueError(f"{row.reference} happened on another bank day than {self.day}")
            if row.amount <= 0 or not 0 <= row.fee <= row.amount:
                raise ValueError(f"{row.reference} has an amount or a fee that cannot be")

    @property
    def made(self) -> datetime:
        """When the file was made, UTC+8."""
        usual = datetime.combine(self.day + timedelta(days=1), time(9), CHINA)
        return (self.made_at or usual).astimezone(CHINA)


@dataclass(frozen=True, slots=True)
class Printed:
    """One file: its bytes, and the checksum and number of detail rows that the bank claims for it."""

    name: str
    kind: str
    content: bytes
    rows: int
    sha256: str

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.content)


KINDS: Final = ("trade", "fund_flow", "alipay", "bank_csv", "camt053")


def print_day(book: DayBook, kinds: Iterable[str] = KINDS) -> tuple[Printed, ...]:
    """The files of a day, in the order of the kinds."""
    return tuple(_printed(book, kind) for kind in kinds)


def _printed(book: DayBook, kind: str) -> Printed:
    ending, write = _WRITERS[kind]
    content, rows = write(book)
    name = f"{book.channel}-{book.day:%Y%m%d}-{kind}.{ending}"
    return Printed(name, kind, content, rows, hashlib.sha256(content).hexdigest())


# --- the platform's trade bill 交易账单 and fund flow 资金账单: CSV, a back-tick before every value ---

TRADE_COLUMNS: Final = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,"
    "货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,"
    "商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
)
TRADE_SUMMARY: Final = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
FLOW_COLUMNS: Final = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),"
    "资金变更提交申请人,备注,业务凭证号"
)
FLOW_SUMMARY: Final = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额"


def trade(book: DayBook) -> tuple[bytes, int]:
    """交易账单, kind ALL: payments, and a row of its own for every return, whose fee is negative."""
    rows = _of(book, Kind.PAID, *BACK)
    lines = [_trade_row(book, row) for row in rows]
    paid, back = _sum(rows, Kind.PAID), _sum(rows, *BACK)
    fees = sum(row.fee if row.kind is Kind.PAID else -row.fee for row in rows)
    summary = [len(rows), yuan(paid), yuan(back), "0.00", _long(fees), yuan(paid), yuan(back)]
    return _ticked(TRADE_COLUMNS, lines, TRADE_SUMMARY, summary), len(rows)


def _trade_row(book: DayBook, row: Row) -> str:
    back, amount = row.kind in BACK, yuan(row.amount)
    nothing = ("代金券金额", "退款金额", "充值券退款金额", "申请退款金额")
    values: Mapping[str, object] = {name: "0.00" for name in nothing} | {
        "交易时间": _moment(row), "公众账号ID": "wxsimulated", "商户号": book.account, "特约商户号": "0",
        "微信订单号": row.reference, "商户订单号": row.key, "用户标识": row.name, "交易类型": "REPAY",
        "交易状态": "REFUND" if back else "SUCCESS", "付款银行": "SIMBANK_DEBIT", "货币种类": "CNY",
        "应结订单金额": "0.00" if back else amount, "订单金额": "0.00" if back else amount,
        "微信退款单号": "0", "商户退款单号": "0", "商品名称": f"信用卡还款 {row.card}".strip(),
        "商户数据包": row.reason,
        "手续费": _long(-row.fee if back else row.fee), "费率": f"{book.fee_rate * 100:.2f}%",
    }  # fmt: skip
    if back:
        values = {**values, "微信退款单号": row.back_reference, "商户退款单号": f"R{row.key}", "退款金额": amount,
                   "申请退款金额": amount, "退款类型": "ORIGINAL", "退款状态": "SUCCESS"}  # fmt: skip
    return _line(TRADE_COLUMNS, values, before="`")


def fund_flow(book: DayBook) -> tuple[bytes, int]:
    """资金账单: what came into the channel's account and left it, with the balance after every row."""
    lines, balance, sums = list[str](), book.transit_opening, {"收入": [0, 0], "支出": [0, 0]}
    for number, (row, name, way, amount) in enumerate(_flows(book), 1):
        balance += amount if way == "收入" else -amount
        sums[way][0] += 1
        sums[way][1] += amount
        lines.append(_line(FLOW_COLUMNS, {
            "记账时间": _moment(row), "微信支付业务单号": row.reference,
            "资金流水单号": f"{book.day:%Y%m%d}{number:08d}",
            "业务名称": name, "业务类型": name, "收支类型": way,
            "收支金额(元)": yuan(amount), "账户结余(元)": yuan(balance),
            "资金变更提交申请人": "SYSTEM", "备注": row.reason, "业务凭证号": row.key,
        }, before="`"))  # fmt: skip
    (came, income), (went, outlay) = sums["收入"], sums["支出"]
    return _ticked(FLOW_COLUMNS, lines, FLOW_SUMMARY, [len(lines), came, yuan(income), went, yuan(outlay)]), len(lines)


def _flows(book: DayBook) -> Iterable[tuple[Row, str, str, int]]:
    for row in book.rows:
        if row.kind is Kind.PAID:
            yield row, "交易", "收入", row.amount
            if row.fee:
                yield row, "扣除交易手续费", "支出", row.fee
        elif row.kind is Kind.GIVEN:
            yield row, "还款入卡", "支出", row.amount
        elif row.kind is Kind.BOUNCED:
            yield row, "还款退票", "收入", row.amount
        else:
            yield row, "退款", "支出", row.amount


def _ticked(columns: str, lines: Sequence[str], summary: str, sums: Sequence[object]) -> bytes:
    """Heading, details, heading of the summary and its one row; the platform begins its file with a mark of UTF-8."""
    last = ",".join(f"`{value}" for value in sums)
    return ("\ufeff" + "\r\n".join((columns, *lines, summary, last)) + "\r\n").encode()


# --- the other platform's 业务明细: a ZIP of GBK files, lines with '#', tabs behind values ---

ALIPAY_COLUMNS: Final = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,"
    "订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,"
    "券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,"
    "备注"
)
ALIPAY_SUMMARY: Final = (
    "门店编号,门店名称,交易订单总笔数,退款订单总笔数,订单金额（元）,商家实收（元）,支付宝优惠（元）,"
    "商家优惠（元）,卡消费金额（元）,服务费（元）,分润（元）,实收净额（元）"
)
_ALIPAY_NOTHING: Final = (
    "支付宝红包（元） 集分宝（元） 支付宝优惠（元） 商家优惠（元） 券核销金额（元） 商家红包消费金额（元） "
    "卡消费金额（元） 分润（元）"
)
_RULE: Final = "-" * 40


def alipay(book: DayBook) -> tuple[bytes, int]:
    """业务明细 and its 汇总 in one ZIP; returns are negative amounts, service fees too (what the merchant pays)."""
    rows = _of(book, Kind.PAID, *BACK)
    base = f"{book.account}_{book.day:%Y%m%d}_业务明细"
    files = {f"{base}.csv": _alipay_details(book, rows), f"{base}(汇总).csv": _alipay_sums(book, rows)}
    return _zip_gbk(files, book.made), len(rows)


def _alipay_details(book: DayBook, rows: Sequence[Row]) -> str:
    paid, back = _sum(rows, Kind.PAID), _sum(rows, *BACK)
    count = sum(row.kind is Kind.PAID for row in rows)
    lines = [
        *_alipay_head(book, "业务明细查询"),
        f"#{_RULE}业务明细列表{_RULE}",
        ALIPAY_COLUMNS,
        *map(_alipay_row, rows),
        f"#{_RULE}业务明细列表结束{_RULE}",
        f"#交易合计：{count}笔，商家实收共{yuan(paid)}元，商家优惠共0.00元",
        f"#退款合计：{len(rows) - count}笔，商家实收退款共{yuan(-back)}元，商家优惠退款共0.00元",
        f"#导出时间：[{book.made:%Y年%m月%d日 %H:%M:%S}]",
    ]
    return "\r\n".join(lines) + "\r\n"


def _alipay_row(row: Row) -> str:
    back, at = row.kind in BACK, _moment(row)
    amount = yuan(-row.amount if back else row.amount)
    values: Mapping[str, object] = {name: "0.00" for name in _ALIPAY_NOTHING.split()} | {
        "支付宝交易号": row.reference, "商户订单号": row.key, "业务类型": "退款" if back else "交易",
        "商品名称": f"信用卡还款 {row.card}".strip(), "创建时间": at, "完成时间": at, "对方账户": row.name,
        "订单金额（元）": amount, "商家实收（元）": amount, "退款批次号/请求号": row.back_reference,
        "服务费（元）": yuan(row.fee if back else -row.fee), "备注": row.reason,
    }  # fmt: skip
    return _line(ALIPAY_COLUMNS, values, after="\t")


def _alipay_sums(book: DayBook, rows: Sequence[Row]) -> str:
    paid, back = _sum(rows, Kind.PAID), _sum(rows, *BACK)
    fees = sum(-row.fee if row.kind is Kind.PAID else row.fee for row in rows)
    count = sum(row.kind is Kind.PAID for row in rows)
    net, zero = paid - back, "0.00"
    values: Mapping[str, object] = {
        "门店编号": "合计", "交易订单总笔数": count, "退款订单总笔数": len(rows) - count, "订单金额（元）": yuan(net),
        "商家实收（元）": yuan(net), "支付宝优惠（元）": zero, "商家优惠（元）": zero, "卡消费金额（元）": zero,
        "服务费（元）": yuan(fees), "分润（元）": zero, "实收净额（元）": yuan(net + fees),
    }  # fmt: skip
    lines = [
        *_alipay_head(book, "业务汇总查询"),
        f"#{_RULE}业务汇总列表{_RULE}",
        ALIPAY_SUMMARY,
        _line(ALIPAY_SUMMARY, values, after="\t"),
        f"#{_RULE}业务汇总列表结束{_RULE}",
        f"#导出时间：[{book.made:%Y年%m月%d日 %H:%M:%S}]",
    ]
    return "\r\n".join(lines) + "\r\n"


def _alipay_head(book: DayBook, title: str) -> list[str]:
    ends = book.day + timedelta(days=1)
    spell = f"起始日期：[{book.day:%Y年%m月%d日} 00:00:00]   终止日期：[{ends:%Y年%m月%d日} 00:00:00]"
    return [f"#支付宝{title}", f"#账号：[{book.account}]", f"#{spell}"]


class _GbkName(zipfile.ZipInfo):
    """A member whose name is written in GBK, as the platform does, without the mark that says UTF-8."""

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802 - the library's name
        return self.filename.encode("gbk"), self.flag_bits & ~0x800


def _zip_gbk(files: dict[str, str], made: datetime) -> bytes:
    """Stored, not packed: the bytes then depend on no version of a packer."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in files.items():
            archive.writestr(_GbkName(name, made.timetuple()[:6]), text.encode("gbk", "replace"))
    return out.getvalue()


# --- the bank's own CSV ---

BANK_COLUMNS: Final = (
    "交易日期,交易时间,交易流水号,商户订单号,业务类型,借贷标志,交易金额,手续费,账户余额,对方账号,对方户名,摘要"
)
BANK_SUMMARY: Final = "总笔数,借方笔数,借方金额,贷方笔数,贷方金额,手续费总额,期初余额,期末余额"
_WORDS: Final = {Kind.PAID: "还款", Kind.RETURNED: "退汇", Kind.REVERSED: "冲正"}


def bank_csv(book: DayBook) -> tuple[bytes, int]:
    """The funding accounts as the bank sees them: 借 is money that left them, 贷 money that came back."""
    rows, balance, lines = _of(book, Kind.PAID, *BACK), book.funds_opening, list[str]()
    for row in rows:
        back, at = row.kind in BACK, row.at.astimezone(CHINA)
        balance += row.amount if back else -row.amount
        lines.append(_line(BANK_COLUMNS, {
            "交易日期": f"{at:%Y%m%d}", "交易时间": f"{at:%H:%M:%S}", "交易流水号": _number(row), "商户订单号": row.key,
            "业务类型": _WORDS[row.kind], "借贷标志": "贷" if back else "借", "交易金额": yuan(row.amount),
            "手续费": yuan(row.fee), "账户余额": yuan(balance), "对方账号": row.card,
            "对方户名": row.name, "摘要": row.reason,
        }))  # fmt: skip
    paid, came = _sum(rows, Kind.PAID), _sum(rows, *BACK)
    count = sum(row.kind is Kind.PAID for row in rows)
    fees = sum(row.fee if row.kind is Kind.PAID else -row.fee for row in rows)
    last = _line(BANK_SUMMARY, {
        "总笔数": len(rows), "借方笔数": count, "借方金额": yuan(paid), "贷方笔数": len(rows) - count,
        "贷方金额": yuan(came),
        "手续费总额": yuan(fees), "期初余额": yuan(book.funds_opening), "期末余额": yuan(balance),
    })  # fmt: skip
    return ("\r\n".join((BANK_COLUMNS, *lines, BANK_SUMMARY, last)) + "\r\n").encode(), len(rows)


def _number(row: Row) -> str:
    """The bank's number of this very movement: a return has its own."""
    return row.back_reference or row.reference if row.kind in BACK else row.reference


# --- camt.053 ---


def camt053(book: DayBook) -> tuple[bytes, int]:
    """The same account as camt.053.001.08: opening and closing balance, one booked entry per movement."""
    rows = _of(book, Kind.PAID, *BACK)
    paid, back = _sum(rows, Kind.PAID), _sum(rows, *BACK)
    closing, count = book.funds_opening - paid + back, sum(row.kind is Kind.PAID for row in rows)
    name, made = f"{book.channel}-{book.day:%Y%m%d}", book.made.isoformat(timespec="seconds")
    starts = datetime.combine(book.day, time(), CHINA).isoformat()
    ends = datetime.combine(book.day, time(23, 59, 59), CHINA).isoformat()
    sums = (
        f"<TtlNtries><NbOfNtries>{len(rows)}</NbOfNtries><Sum>{yuan(paid + back)}</Sum><TtlNetNtry>"
        f"<Amt>{yuan(abs(back - paid))}</Amt>{_side(back - paid)}</TtlNetNtry></TtlNtries>"
        f"<TtlCdtNtries><NbOfNtries>{len(rows) - count}</NbOfNtries><Sum>{yuan(back)}</Sum></TtlCdtNtries>"
        f"<TtlDbtNtries><NbOfNtries>{count}</NbOfNtries><Sum>{yuan(paid)}</Sum></TtlDbtNtries>"
    )
    text = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>',
        f"<GrpHdr><MsgId>{name}</MsgId><CreDtTm>{made}</CreDtTm></GrpHdr>",
        f"<Stmt><Id>{name}-1</Id><ElctrncSeqNb>{book.day.toordinal()}</ElctrncSeqNb><CreDtTm>{made}</CreDtTm>",
        f"<FrToDt><FrDtTm>{starts}</FrDtTm><ToDtTm>{ends}</ToDtTm></FrToDt>",
        f"<Acct><Id><Othr><Id>{escape(book.account)}</Id></Othr></Id><Ccy>CNY</Ccy></Acct>",
        _balance("OPBD", book.funds_opening, book.day),
        _balance("CLBD", closing, book.day),
        f"<TxsSummry>{sums}</TxsSummry>",
        *(_entry(row, number) for number, row in enumerate(rows, 1)),
        "</Stmt></BkToCstmrStmt></Document>",
    ]
    return ("\n".join(text) + "\n").encode(), len(rows)


def _balance(code: str, amount: int, day: date) -> str:
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">{yuan(abs(amount))}</Amt>'
        f"{_side(amount)}<Dt><Dt>{day.isoformat()}</Dt></Dt></Bal>"
    )


def _entry(row: Row, number: int) -> str:
    back, day = row.kind in BACK, row.at.astimezone(CHINA).date().isoformat()
    amount = f'<Amt Ccy="CNY">{yuan(row.amount)}</Amt>{_side(1 if back else -1)}'
    reversal = "<RvslInd>true</RvslInd>" if row.kind is Kind.REVERSED else ""
    bank = escape(_number(row))
    fee = f'<Chrgs><Rcrd><Amt Ccy="CNY">{yuan(row.fee)}</Amt>{_side(-1)}</Rcrd></Chrgs>' if row.fee else ""
    party = f"<RltdPties><Cdtr><Pty><Nm>{escape(row.name)}</Nm></Pty></Cdtr></RltdPties>" if row.name else ""
    why = f"<RtrInf><AddtlInf>{escape(row.reason[:105])}</AddtlInf></RtrInf>" if back and row.reason else ""
    family = "RRTN" if back else "DMCT"
    code = f"<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>{family}</SubFmlyCd></Fmly></Domn></BkTxCd>"
    refs = f"<Refs><AcctSvcrRef>{bank}</AcctSvcrRef><EndToEndId>{escape(_end_to_end(row.key))}</EndToEndId></Refs>"
    return (
        f"<Ntry><NtryRef>{number}</NtryRef>{amount}{reversal}<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{day}</Dt></BookgDt>"
        f"<ValDt><Dt>{day}</Dt></ValDt><AcctSvcrRef>{bank}</AcctSvcrRef>{code}{fee}"
        f"<NtryDtls><TxDtls>{refs}{amount}{party}{why}</TxDtls></NtryDtls><AddtlNtryInf>{_WORDS[row.kind]}</AddtlNtryInf></Ntry>"
    )


def _end_to_end(key: str) -> str:
    """EndToEndId holds 35 characters: a UUID goes without its dashes."""
    return key if len(key) <= 35 else key.replace("-", "")[:35]


def _side(amount: int) -> str:
    return f"<CdtDbtInd>{'CRDT' if amount >= 0 else 'DBIT'}</CdtDbtInd>"


# --- small parts ---


def _of(book: DayBook, *kinds: Kind) -> list[Row]:
    return [row for row in book.rows if row.kind in kinds]


def _sum(rows: Iterable[Row], *kinds: Kind) -> int:
    return sum(row.amount for row in rows if row.kind in kinds)


def _moment(row: Row) -> str:
    return f"{row.at.astimezone(CHINA):%Y-%m-%d %H:%M:%S}"


def _long(fen: int) -> str:
    """Yuan with five decimals, as the platform prints fees."""
    return f"{yuan(fen)}000"


def _line(columns: str, values: Mapping[str, object], *, before: str = "", after: str = "") -> str:
    """One row under these headings, nothing where nothing is said; raises for a value that has no heading."""
    names = columns.split(",")
    if strange := values.keys() - set(names):
        raise ValueError(f"no heading for {sorted(strange)}")
    return ",".join(f"{before}{_cell(values.get(name, ''))}{after}" for name in names)


def _cell(value: object) -> str:
    """A value that breaks no line and adds no column."""
    return str(value).replace(",", "，").replace("\r", " ").replace("\n", " ")


_WRITERS: Final[dict[str, tuple[str, Callable[[DayBook], tuple[bytes, int]]]]] = {
    "trade": ("csv", trade),
    "fund_flow": ("csv", fund_flow),
    "alipay": ("zip", alipay),
    "bank_csv": ("csv", bank_csv),
    "camt053": ("xml", camt053),
}


def with_rows(book: DayBook, rows: Iterable[Row]) -> DayBook:
    """The same day with other rows, ordered by moment and reference."""
    return replace(book, rows=tuple(sorted(rows, key=lambda row: (row.at, row.reference, row.kind))))
