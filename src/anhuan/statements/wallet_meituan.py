"""Meituan 美团: CSV of payments with an order amount and a paid amount; refunds are rows of their own."""

from typing import Final

from anhuan.statements import wallets
from anhuan.statements.draft import Draft, Layout
from anhuan.statements.model import LineKind, Source


def adjust(draft: Draft) -> None:
    """Settle direction and kind of one row by 交易类型 and 收/支."""
    if wallets.unpaid(draft):
        return
    if "退款" in draft.word:
        wallets.settle(draft, -1, LineKind.REFUND)
    elif "还款" in draft.word or "还款" in draft.description:
        wallets.settle(draft, 1, LineKind.REPAYMENT)
    elif wallets.is_neutral(draft):
        wallets.settle(draft, -1 if "充值" in draft.word else 1, LineKind.TRANSFER)
    else:
        wallets.by_direction(draft)


LAYOUT: Final = Layout(
    "meituan", "meituan", "csv", Source.WALLET, ("交易类型", "订单标题", "收/支", "实付金额"),
    columns={"交易创建时间": "traded_on", "交易成功时间": "posted_on", "实付金额": "amount", "订单金额": "ignored"},
    currency="CNY", adjust=adjust, check=wallets.check_counts, wallet=r"(?:用户名|昵称|账号)\s*[:：]\s*(\S+)",
)  # fmt: skip
