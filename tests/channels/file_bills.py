"""Bills as channels print them, built here from what their documents say, apart from the simulated bank's printer."""
# ruff: noqa: E501 - headings and rows as they stand in a file

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from anhuan.channels.file_model import ChannelFile
from anhuan.channels.file_reading import read
from anhuan.channels.model import DayFile
from anhuan.kit.clock import CHINA
from anhuan.kit.money import to_text

DAY = date(2026, 11, 20)
TRADE = [
    "交易时间",
    "公众账号ID",
    "商户号",
    "特约商户号",
    "设备号",
    "微信订单号",
    "商户订单号",
    "用户标识",
    "交易类型",
    "交易状态",
    "付款银行",
    "货币种类",
    "应结订单金额",
    "代金券金额",
    "微信退款单号",
    "商户退款单号",
    "退款金额",
    "充值券退款金额",
    "退款类型",
    "退款状态",
    "商品名称",
    "商户数据包",
    "手续费",
    "费率",
    "订单金额",
    "申请退款金额",
    "费率备注",
]
TRADE_SUMS = [
    "总交易单数",
    "应结订单总金额",
    "退款总金额",
    "充值券退款总金额",
    "手续费总金额",
    "订单总金额",
    "申请退款总金额",
]
FLOW = [
    "记账时间",
    "微信支付业务单号",
    "资金流水单号",
    "业务名称",
    "业务类型",
    "收支类型",
    "收支金额(元)",
    "账户结余(元)",
    "资金变更提交申请人",
    "备注",
    "业务凭证号",
]
FLOW_SUMS = ["资金流水总笔数", "收入笔数", "收入金额", "支出笔数", "支出金额"]
BANK = [
    "交易日期",
    "交易时间",
    "交易流水号",
    "商户订单号",
    "业务类型",
    "借贷标志",
    "交易金额",
    "手续费",
    "账户余额",
    "摘要",
]
BANK_SUMS = ["总笔数", "借方笔数", "借方金额", "贷方笔数", "贷方金额"]
ALIPAY = [
    "支付宝交易号",
    "商户订单号",
    "业务类型",
    "商品名称",
    "创建时间",
    "完成时间",
    "门店编号",
    "门店名称",
    "操作员",
    "终端号",
    "对方账户",
    "订单金额（元）",
    "商家实收（元）",
    "支付宝红包（元）",
    "集分宝（元）",
    "支付宝优惠（元）",
    "商家优惠（元）",
    "券核销金额（元）",
    "券名称",
    "商家红包消费金额（元）",
    "卡消费金额（元）",
    "退款批次号/请求号",
    "服务费（元）",
    "分润（元）",
    "备注",
]


@dataclass(frozen=True)
class Paid:
    """One payment or return as every bill prints it; fen."""

    key: UUID
    amount: int
    fee: int = 0
    back: bool = False
    at: datetime = field(default=datetime(2026, 11, 20, 10, 30, 5, tzinfo=CHINA))

    @property
    def moment(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S}"

    @property
    def number(self) -> str:
        return f"4200{self.key.int % 10**12:012}"


def some(count: int, *, first: int = 10_000) -> list[Paid]:
    """Payments of different amounts, a minute apart, keys 1 to count."""
    start = datetime(2026, 11, 20, 9, 0, tzinfo=CHINA)
    return [Paid(UUID(int=n + 1), first + n, n % 3, at=start + timedelta(minutes=n)) for n in range(count)]


def wechat(
    columns: Sequence[str],
    rows: Sequence[Mapping[str, str]],
    sums: Sequence[str],
    said: Sequence[str],
    *,
    tick: str = "`",
) -> bytes:
    """A bill of WeChat's shape: heading, rows whose values begin with a back-tick, heading of the sums, sums."""
    lines = [",".join(columns)]
    lines += [",".join(tick + row.get(column, "") for column in columns) for row in rows]
    lines += [",".join(sums), ",".join(tick + one for one in said)]
    return ("\ufeff" + "\r\n".join(lines) + "\r\n").encode()


def trade_rows(paid: Sequence[Paid]) -> list[dict[str, str]]:
    return [
        {
            "交易时间": one.moment, "公众账号ID": "wx0", "商户号": "1900", "特约商户号": "0", "微信订单号": one.number,
            "商户订单号": one.key.hex, "交易类型": "JSAPI", "交易状态": "REFUND" if one.back else "SUCCESS",
            "付款银行": "OTHERS", "货币种类": "CNY", "应结订单金额": "0.00" if one.back else to_text(one.amount),
            "代金券金额": "0.00", "微信退款单号": f"50{one.number}" if one.back else "0",
            "商户退款单号": f"R{one.key.hex}" if one.back else "0",
            "退款金额": to_text(one.amount) if one.back else "0.00", "充值券退款金额": "0.00",
            "退款类型": "ORIGINAL" if one.back else "", "退款状态": "PROCESSING" if one.back else "",
            "商品名称": "还款, 尾号1234", "手续费": to_text(-one.fee if one.back else one.fee) + "000", "费率": "0.10%",
            "订单金额": "0.00" if one.back else to_text(one.amount),
            "申请退款金额": to_text(one.amount) if one.back else "0.00",
        }
        for one in paid
    ]  # fmt: skip


def trade_sums(paid: Sequence[Paid]) -> list[str]:
    out = to_text(sum(one.amount for one in paid if not one.back))
    back = to_text(sum(one.amount for one in paid if one.back))
    fees = to_text(sum(-one.fee if one.back else one.fee for one in paid)) + "000"
    return [str(len(paid)), out, back, "0.00", fees, out, back]


def trade(paid: Sequence[Paid], *, columns: Sequence[str] = TRADE, tick: str = "`") -> bytes:
    return wechat(columns, trade_rows(paid), TRADE_SUMS, trade_sums(paid), tick=tick)


def flow(paid: Sequence[Paid], *, columns: Sequence[str] = FLOW) -> bytes:
    rows = [
        {
            "记账时间": one.moment, "微信支付业务单号": one.number, "资金流水单号": f"F{one.number}",
            "业务名称": "退款" if one.back else "交易", "业务类型": "退款" if one.back else "交易",
            "收支类型": "支出" if one.back else "收入", "收支金额(元)": to_text(one.amount), "账户结余(元)": "1.00",
            "资金变更提交申请人": "system", "备注": "退款总金额0.01元;含手续费0.00元", "业务凭证号": one.key.hex,
        }
        for one in paid
    ]  # fmt: skip
    came, went = [one.amount for one in paid if not one.back], [one.amount for one in paid if one.back]
    said = [str(len(paid)), str(len(came)), to_text(sum(came)), str(len(went)), to_text(sum(went))]
    return wechat(columns, rows, FLOW_SUMS, said)


def bank(paid: Sequence[Paid], *, columns: Sequence[str] = BANK, codec: str = "utf-8", summary: bool = True) -> bytes:
    rows = [
        {
            "交易日期": f"{one.at:%Y%m%d}", "交易时间": f"{one.at:%H:%M:%S}", "交易流水号": one.number,
            "商户订单号": one.key.hex, "业务类型": "退汇" if one.back else "还款", "借贷标志": "贷" if one.back else "借",
            "交易金额": to_text(one.amount), "手续费": to_text(one.fee), "账户余额": "1.00", "摘要": "信用卡还款",
        }
        for one in paid
    ]  # fmt: skip
    lines = [",".join(columns), *(",".join(row.get(column, "") for column in columns) for row in rows)]
    out, came = [one.amount for one in paid if not one.back], [one.amount for one in paid if one.back]
    said = [str(len(paid)), str(len(out)), to_text(sum(out)), str(len(came)), to_text(sum(came))]
    lines += [",".join(BANK_SUMS), ",".join(said)] if summary else []
    return ("\r\n".join(lines) + "\r\n").encode(codec)


def alipay_csv(paid: Sequence[Paid], *, columns: Sequence[str] = ALIPAY) -> bytes:
    def row(one: Paid) -> dict[str, str]:
        sign = -1 if one.back else 1
        zero = {column: "0.00" for column in ALIPAY if column.endswith("（元）")}
        return zero | {
            "支付宝交易号": one.number, "商户订单号": one.key.hex, "业务类型": "退款" if one.back else "交易",
            "商品名称": "还款", "创建时间": one.moment, "完成时间": one.moment, "对方账户": "*三(139****0000)",
            "订单金额（元）": to_text(sign * one.amount), "商家实收（元）": to_text(sign * one.amount),
            "退款批次号/请求号": f"re_{one.number}" if one.back else "", "服务费（元）": to_text(-sign * one.fee),
        }  # fmt: skip

    out, back = [one for one in paid if not one.back], [one for one in paid if one.back]
    lines = [
        "#支付宝业务明细查询", "#账号：[20880000000000000156]", "#起始日期：[2026年11月20日 00:00:00]   终止日期：[2026年11月21日 00:00:00]",
        "#-----------------------------------------业务明细列表----------------------------------------",
        ",".join(columns),
        *(",".join(f"{row(one).get(column, '')}\t" for column in columns) for one in paid),
        "#-----------------------------------------业务明细列表结束------------------------------------",
        f"#交易合计：{len(out)}笔，商家实收共{to_text(sum(one.amount for one in out))}元，商家优惠共0.00元",
        f"#退款合计：{len(back)}笔，商家实收退款共{to_text(-sum(one.amount for one in back))}元，商家优惠退款共0.00元",
        "#导出时间：[2026年11月21日 06:27:10]",
    ]  # fmt: skip
    return ("\r\n".join(lines) + "\r\n").encode("gbk")


def zipped(members: Mapping[str, bytes], *, packed: bool = True) -> bytes:
    """A ZIP whose names are written in GBK without the mark of UTF-8, as Alipay's are."""

    class Named(zipfile.ZipInfo):
        def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802 - the library's name
            return self.filename.encode("gbk"), self.flag_bits & ~0x800

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            info = Named(name, (2026, 11, 21, 6, 0, 0))
            archive.writestr(info, content, zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED)
    return out.getvalue()


def alipay(paid: Sequence[Paid], *, columns: Sequence[str] = ALIPAY) -> bytes:
    return zipped({"20880000_20261120_业务明细.csv": alipay_csv(paid, columns=columns)})


def camt(paid: Sequence[Paid], *, version: str = "053.001.08", summary: bool = True) -> bytes:
    """A statement of the account that pays, entries with their end-to-end ids."""
    tag, inner = {"053": ("BkToCstmrStmt", "Stmt"), "052": ("BkToCstmrAcctRpt", "Rpt"),
                  "054": ("BkToCstmrDbtCdtNtfctn", "Ntfctn")}[version[:3]]  # fmt: skip
    out = sum(one.amount for one in paid if not one.back)
    back = sum(one.amount for one in paid if one.back)
    closing = 10_000_000 - out + back
    sums = f"<TxsSummry><TtlNtries><NbOfNtries>{len(paid)}</NbOfNtries><Sum>{to_text(out + back)}</Sum></TtlNtries></TxsSummry>"
    balances = _balance("OPBD", 10_000_000) + _balance("CLBD", closing)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.{version}"><{tag}>'
        f"<GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-11-21T09:00:00+08:00</CreDtTm></GrpHdr><{inner}><Id>S1</Id>"
        + (balances + sums if summary else "")
        + "".join(entry(one) for one in paid)
        + f"</{inner}></{tag}></Document>\n"
    ).encode()


def entry(one: Paid, *, status: str = "BOOK") -> str:
    side = "CRDT" if one.back else "DBIT"
    amount = f'<Amt Ccy="CNY">{to_text(one.amount)}</Amt><CdtDbtInd>{side}</CdtDbtInd>'
    why = "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>" if one.back else ""
    fee = f'<Chrgs><Rcrd><Amt Ccy="CNY">{to_text(one.fee)}</Amt></Rcrd></Chrgs>' if one.fee else ""
    return (
        f"<Ntry>{amount}<Sts><Cd>{status}</Cd></Sts><BookgDt><Dt>{one.at:%Y-%m-%d}</Dt></BookgDt>"
        f"<AcctSvcrRef>{one.number}</AcctSvcrRef>{fee}<NtryDtls><TxDtls><Refs><EndToEndId>{one.key.hex}</EndToEndId></Refs>"
        f"{amount}{why}</TxDtls></NtryDtls></Ntry>"
    )


def _balance(code: str, fen: int) -> str:
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">{to_text(abs(fen))}</Amt>'
        f"<CdtDbtInd>{'CRDT' if fen >= 0 else 'DBIT'}</CdtDbtInd><Dt><Dt>2026-11-20</Dt></Dt></Bal>"
    )


KINDS: Mapping[str, Callable[..., bytes]] = {
    "trade": trade,
    "fund_flow": flow,
    "alipay": alipay,
    "bank_csv": bank,
    "camt053": camt,
}


def taken(kind: str, content: bytes, *, sha256: str = "", day: date = DAY, channel: str = "x") -> ChannelFile:
    """The file as our reader reads it."""
    return read(DayFile(channel, day, kind, f"{kind}.dat", sha256, content))
