"""WeChat Pay 微信支付: CSV or XLSX of 账单明细, 16 lines of preface; `/` stands for nothing.

Neutral rows (中性交易) are top-ups, withdrawals, 零钱通, 理财通 and repayments of cards: moves between own pockets.
A refunded purchase keeps its row; the refund is a row of its own (…-退款).
"""

import re
from typing import Final

from anhuan.statements import wallets
from anhuan.statements.draft import Draft, Layout
from anhuan.statements.model import LineKind, Source

_INTO_WALLET: Final = re.compile(r"零钱充值|转入零钱通-来自(?!零钱)|零钱通转出-到零钱")


def adjust(draft: Draft) -> None:
    """Settle direction and kind of one row by 收/支, 交易类型 and 当前状态."""
    if wallets.unpaid(draft):
        return
    if "退款" in draft.word:
        wallets.settle(draft, -1, LineKind.REFUND)
    elif "信用卡还款" in draft.word or "还款" in draft.counterparty:
        wallets.settle(draft, 1, LineKind.REPAYMENT)
    elif wallets.is_neutral(draft):
        wallets.settle(draft, -1 if _INTO_WALLET.search(draft.word) else 1, LineKind.TRANSFER)
    else:
        wallets.by_direction(draft)


LAYOUT: Final = Layout(
    "wechat", "wechat", "csv", Source.WALLET, ("交易时间", "交易类型", "收/支", "支付方式", "当前状态", "交易单号"),
    columns={"商品": "description"}, currency="CNY", adjust=adjust, check=wallets.check_counts,
    wallet=r"微信昵称\s*[:：]\s*(\S+)",
)  # fmt: skip
