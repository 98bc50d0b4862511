"""Alipay's 业务明细: a CSV in GBK, mostly inside a ZIP beside its 汇总, preceded and followed by lines with '#'.

Returns and service fees are printed as negative amounts. The closing lines (列表结束, 交易合计, 退款合计) and the sums
of the second file must agree with the rows; a bare CSV without its closing line counts as cut off.
"""

import re
from collections.abc import Sequence
from typing import Final

from anhuan.channels import file_table, file_text, file_zip
from anhuan.channels.file_model import FileLine, LineKind, LineState, Total, same_reference
from anhuan.channels.file_table import Detail, Layout, Table, agree
from anhuan.channels.file_text import Row, moment
from anhuan.channels.model import FileDamaged
from anhuan.kit.money import to_text

_MONEY: Final = (
    "订单金额", "商家实收", "支付宝红包", "集分宝", "支付宝优惠", "商家优惠", "券核销金额", "商家红包消费金额",
    "卡消费金额", "服务费", "分润", "实收净额",
)  # fmt: skip
_LAYOUT: Final = Layout(
    "支付宝业务明细",
    {name: (f"{name}（元）",) for name in _MONEY}
    | {name: () for name in ("支付宝交易号", "商户订单号", "业务类型", "创建时间", "完成时间")}
    | {"退款批次号": ("退款批次号/请求号",)},
    (("支付宝交易号",), ("商户订单号",), ("业务类型",), ("完成时间", "创建时间"), ("订单金额",), ("商家实收",)),
    {},
    others=frozenset(
        ("商品名称", "门店编号", "门店名称", "操作员", "终端号", "对方账户", "券名称", "备注", "交易号", "卡号")
    ),
)
_SUMMED: Final = Layout(
    "支付宝业务汇总",
    {name: (f"{name}（元）",) for name in _MONEY}
    | {name: () for name in ("门店编号", "门店名称", "交易订单总笔数", "退款订单总笔数")},
    (("交易订单总笔数",), ("退款订单总笔数",), ("订单金额",)),
    {},
)
_CLOSING: Final = re.compile(
    r"#(交易|退款)合计[：:](\d+)笔[，,](?:商家实收(?:退款)?|总金额|退款)共?(-?[\d.]+)元"
    r"(?:[，,]商家优惠(?:退款)?共(-?[\d.]+)元)?"
)
_ENDS: Final = "列表结束"


def read(content: bytes) -> tuple[list[FileLine], Table]:
    """The lines of the ZIP or of its bare CSV; raises FileDamaged."""
    if not file_zip.looks_like(content):
        return _details(file_text.rows(content), bare=True)
    details, summed = _chosen(file_zip.members(content))
    lines, table = _details(file_text.rows(details.content), bare=False)
    totals = list(table.totals)
    for member in summed:
        totals += _agree(member.name, file_text.rows(member.content), table.details)
    return lines, Table(table.details, tuple(totals), table.strange, table.after, table.columns)


def _chosen(members: Sequence[file_zip.Member]) -> tuple[file_zip.Member, list[file_zip.Member]]:
    tables = [one for one in members if one.name.lower().endswith((".csv", ".txt"))]
    summed = [one for one in tables if "汇总" in one.name]
    details = [one for one in tables if one not in summed]
    if len(details) != 1:
        raise FileDamaged(f"ZIP 里应有一份业务明细，找到 {len(details)} 份")
    return details[0], summed


def _details(rows: Sequence[Row], *, bare: bool) -> tuple[list[FileLine], Table]:
    table = file_table.read(rows, _LAYOUT)
    totals = _closing(table.after, table.details)
    if bare and not any(_ENDS in row.cells[0] for row in table.after if row.cells):
        raise FileDamaged("支付宝业务明细没有结束行，文件可能被截断")
    if bare and {total.name for total in totals} != {"交易合计笔数", "交易合计", "退款合计笔数", "退款合计"}:
        raise FileDamaged("支付宝业务明细的合计行不完整，文件可能被截断")
    numbers = file_table.copies([one.row.raw for one in table.details])
    lines = [_line(one, n, c) for n, (one, c) in enumerate(zip(table.details, numbers, strict=True), start=1)]
    return lines, Table(table.details, tuple(totals), table.strange, table.after, table.columns)


def _line(one: Detail, place: int, copy: int) -> FileLine:
    printed = one.get("完成时间") or one.get("创建时间")
    day, at = moment(printed, what=f"第 {one.row.number} 行的完成时间")
    back = _back(one)
    amount = one.fen("订单金额")
    if amount < 0 and not back:
        raise FileDamaged(f"第 {one.row.number} 行不是退款，金额却是负数")
    return FileLine(
        place, copy, LineKind.RETURN if back else LineKind.PAYMENT, LineState.DONE,
        same_reference(one.get("商户订单号")), one.get("退款批次号") if back else one.get("支付宝交易号"), day, at,
        printed, abs(amount), -one.fen("服务费"), "CNY", one.printed, one.row.raw,
    )  # fmt: skip


def _back(one: Detail) -> bool:
    named = one.get("业务类型")
    if named not in ("交易", "退款"):
        raise FileDamaged(f"第 {one.row.number} 行的业务类型「{named}」不认识")
    return named == "退款"


def _closing(after: Sequence[Row], details: Sequence[Detail]) -> list[Total]:
    """The closing lines: how many and how much of payments and of returns."""
    totals: list[Total] = []
    for row in after:
        said = _CLOSING.match("，".join(row.cells))
        if said is None:
            continue
        chosen = [one for one in details if _back(one) == (said[1] == "退款")]
        totals.append(agree(f"{said[1]}合计笔数", said[2], len(chosen), is_count=True))
        totals.append(agree(f"{said[1]}合计", said[3], sum(one.fen("商家实收") for one in chosen), is_count=False))
        if said[4]:
            agree(f"{said[1]}合计商家优惠", said[4], sum(one.fen("商家优惠") for one in chosen), is_count=False)
    return totals


def _agree(name: str, rows: Sequence[Row], details: Sequence[Detail]) -> list[Total]:
    """The second file: its row of sums, or its shops added up, against the details."""
    shops = file_table.read(rows, _SUMMED)
    whole = [one for one in shops.details if "合计" in (one.get("门店编号"), one.get("门店名称"))] or shops.details
    back = sum(map(_back, details))
    totals = []
    for word, counted in (("交易订单总笔数", len(details) - back), ("退款订单总笔数", back)):
        said = sum(file_text.count(one.get(word), what=f"{name}的{word}") for one in whole)
        totals.append(agree(f"{name}的{word}", str(said), counted, is_count=True))
    ours = {word: sum(one.fen(word) for one in details) for word in _MONEY}
    ours["实收净额"] = ours["商家实收"] + ours["服务费"] + ours["分润"]
    for word in sorted(shops.columns & set(_MONEY)):
        printed = whole[0].get(word) if len(whole) == 1 else to_text(sum(one.fen(word) for one in whole))
        if word in _named(details) or word == "实收净额":
            totals.append(agree(f"{name}的{word}", printed, ours[word], is_count=False))
    return totals


def _named(details: Sequence[Detail]) -> frozenset[str]:
    return frozenset(details[0].words) if details else frozenset(_MONEY)
