"""WeChat's two bills 微信账单: the trade bill (ALL, SUCCESS, REFUND) and the fund flow.

Headings and summary figures are those of the platform's own documents; older bills say 子商户号, 总金额 and 企业红包.
A refund stands there from the moment it begins and its state is never renewed: it is read as pending unless the bill
says SUCCESS, and the outcome has to be asked for.
"""

from collections.abc import Sequence
from typing import Final

from anhuan.channels import file_table
from anhuan.channels.file_model import FileKind, FileLine, LineKind, LineState, same_reference
from anhuan.channels.file_table import Detail, Figure, Layout, Table
from anhuan.channels.file_text import Row, moment
from anhuan.channels.model import FileDamaged

_STATES: Final = {"SUCCESS": LineState.DONE, "FAIL": LineState.FAILED, "CHANGE": LineState.FAILED}


def _sum(word: str) -> Figure:
    return Figure(lambda details: sum(one.fen(word) for one in details))


def _flow(word: str, way: str) -> Figure:
    def counted(details: Sequence[Detail]) -> int:
        chosen = [one for one in details if one.get("收支类型") == way]
        return len(chosen) if word == "笔数" else sum(one.fen("收支金额") for one in chosen)

    return Figure(counted, is_count=word == "笔数")


_COUNT: Final = Figure(len, is_count=True)
_TRADE: Final = Layout(
    "微信交易账单",
    {
        "交易时间": (), "微信订单号": (), "商户订单号": (), "交易状态": (), "交易类型": (),
        "货币种类": ("货币类型",), "应结订单金额": ("总金额",), "代金券金额": ("代金券或立减优惠金额", "企业红包金额"),
        "微信退款单号": (), "商户退款单号": (), "退款金额": (), "退款状态": (), "手续费": (), "订单金额": (),
        "充值券退款金额": ("代金券或立减优惠退款金额", "企业红包退款金额"), "申请退款金额": (),
    },
    (
        ("交易时间",), ("商户订单号",), ("微信订单号",), ("交易状态",), ("手续费",),
        ("订单金额", "应结订单金额", "申请退款金额"),
    ),
    {
        "总交易单数": _COUNT, "应结订单总金额": _sum("应结订单金额"), "总交易额": _sum("应结订单金额"),
        "退款总金额": _sum("退款金额"), "总退款金额": _sum("退款金额"), "充值券退款总金额": _sum("充值券退款金额"),
        "总代金券或立减优惠退款金额": _sum("充值券退款金额"), "总企业红包退款金额": _sum("充值券退款金额"),
        "手续费总金额": _sum("手续费"), "订单总金额": _sum("订单金额"), "申请退款总金额": _sum("申请退款金额"),
    },
    summary_needed=True,
    others=frozenset((
        "公众账号ID", "商户号", "特约商户号", "子商户号", "设备号", "用户标识", "付款银行", "退款类型", "商品名称",
        "商户数据包", "费率", "费率备注", "退款申请时间", "退款成功时间",
    )),
)  # fmt: skip
_FLOW: Final = Layout(
    "微信资金账单",
    {
        "记账时间": (), "微信支付业务单号": (), "资金流水单号": (), "业务名称": (), "业务类型": (), "收支类型": (),
        "收支金额": ("收支金额(元)",), "账户结余": ("账户结余(元)",), "业务凭证号": (),
    },
    (("记账时间",), ("微信支付业务单号",), ("收支类型",), ("收支金额",), ("业务凭证号",)),
    {
        "资金流水总笔数": _COUNT, "收入笔数": _flow("笔数", "收入"), "收入金额": _flow("金额", "收入"),
        "支出笔数": _flow("笔数", "支出"), "支出金额": _flow("金额", "支出"),
    },
    summary_needed=True,
    others=frozenset(("资金变更提交申请人", "备注")),
)  # fmt: skip


def trade(rows: Sequence[Row]) -> tuple[list[FileLine], Table]:
    """The lines of a trade bill; raises FileDamaged."""
    table = file_table.read(rows, _TRADE)
    numbers = file_table.copies([one.row.raw for one in table.details])
    lines = [_traded(one, n, c) for n, (one, c) in enumerate(zip(table.details, numbers, strict=True), start=1)]
    return lines, table


def fund_flow(rows: Sequence[Row]) -> tuple[list[FileLine], Table]:
    """The lines of a fund flow; raises FileDamaged."""
    table = file_table.read(rows, _FLOW)
    numbers = file_table.copies([one.row.raw for one in table.details])
    lines = [_flowed(one, n, c) for n, (one, c) in enumerate(zip(table.details, numbers, strict=True), start=1)]
    return lines, table


def _traded(one: Detail, place: int, copy: int) -> FileLine:
    state = one.get("交易状态").upper()
    if state not in ("SUCCESS", "REFUND", "REVOKED"):
        raise FileDamaged(f"第 {one.row.number} 行的交易状态「{one.get('交易状态')}」不认识")
    day, at = moment(one.get("交易时间"), what=f"第 {one.row.number} 行的交易时间")
    back = state != "SUCCESS"
    if state == "REFUND":
        amount = one.fen("申请退款金额") or one.fen("退款金额")
        done = _STATES.get(one.get("退款状态").upper(), LineState.PENDING)
    else:
        amount = one.fen("订单金额") or one.fen("应结订单金额")
        done = LineState.DONE
    return FileLine(
        place, copy, LineKind.RETURN if back else LineKind.PAYMENT, done, same_reference(one.get("商户订单号")),
        (one.get("微信退款单号") if state == "REFUND" else "") or one.get("微信订单号"), day, at, one.get("交易时间"),
        _positive(one, amount), one.fen("手续费"), one.get("货币种类") or "CNY", one.printed, one.row.raw,
    )  # fmt: skip


def _flowed(one: Detail, place: int, copy: int) -> FileLine:
    way = one.get("收支类型")
    if way not in ("收入", "支出"):
        raise FileDamaged(f"第 {one.row.number} 行的收支类型「{way}」不认识")
    day, at = moment(one.get("记账时间"), what=f"第 {one.row.number} 行的记账时间")
    kind = _kind(one.get("业务名称") + one.get("业务类型"))
    return FileLine(
        place, copy, kind, LineState.DONE, same_reference(one.get("业务凭证号")), one.get("微信支付业务单号"), day, at,
        one.get("记账时间"), _positive(one, one.fen("收支金额")), 0, "CNY", one.printed, one.row.raw,
    )  # fmt: skip


def _kind(named: str) -> LineKind:
    if "手续费" in named:
        return LineKind.FEE
    if "退票" in named:
        return LineKind.BOUNCED
    if any(word in named for word in ("退款", "退汇", "退回", "冲正", "撤销")):
        return LineKind.RETURN
    return LineKind.GIVEN if "入卡" in named else LineKind.PAYMENT


def _positive(one: Detail, amount: int) -> int:
    if amount < 0:
        raise FileDamaged(f"第 {one.row.number} 行的金额是负数")
    return amount


KINDS: Final = {FileKind.TRADE: trade, FileKind.FUND_FLOW: fund_flow}
