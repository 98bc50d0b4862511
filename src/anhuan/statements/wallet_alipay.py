"""Alipay 支付宝: the CSV of 交易明细, gb18030, mailed inside a ZIP with a password.

收/支 has a third value 不计收支. A closed order (交易关闭) moved money only where a way of paying is printed: then its
refund is a row of its own; without one the order was never paid, its amount is kept as `original` and counts nothing.
"""

from typing import Final

from anhuan.statements import wallets
from anhuan.statements.draft import Draft, Layout
from anhuan.statements.model import LineKind, Source


def adjust(draft: Draft) -> None:
    """Settle direction and kind of one row by 收/支, 交易分类 and 交易状态."""
    if wallets.unpaid(draft):
        return
    said = f"{draft.word} {draft.status} {draft.description}"
    if draft.word.startswith("退款") or draft.status.startswith("退款") or draft.description.startswith("退款-"):
        wallets.settle(draft, -1, LineKind.REFUND)
    elif "还款" in said:
        wallets.settle(draft, 1, LineKind.REPAYMENT)
    elif wallets.is_neutral(draft):
        came = any(word in said for word in ("转出", "卖出", "赎回", "充值", "收益"))
        wallets.settle(draft, -1 if came else 1, LineKind.TRANSFER)
    else:
        wallets.by_direction(draft)


LAYOUT: Final = Layout(
    "alipay", "alipay", "csv", Source.WALLET, ("交易时间", "交易对方", "收/支", "交易订单号", "商家订单号"),
    columns={"交易分类": "kind", "金额": "amount", "收/付款方式": "paid_with"}, currency="CNY", adjust=adjust,
    check=wallets.check_counts, wallet=r"(?:支付宝账户|账号)\s*[:：]\s*(\S+)",
)  # fmt: skip
