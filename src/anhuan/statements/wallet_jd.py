"""JD 京东: CSV of payments; refunds stand inside the amount, `131.77(已退款89.84)`, and as rows of their own.

The amount counts in full and the refund row takes its part back, so nothing is counted twice. An order by 先享后付
(pay later) is no payment yet: when it is charged JD writes another row, so the order itself counts nothing.
"""

from typing import Final

from anhuan.kit import money
from anhuan.statements import wallets
from anhuan.statements.draft import Draft, Layout, Table
from anhuan.statements.model import LineKind, Problem, Source


def adjust(draft: Draft) -> None:
    """Settle direction and kind of one row by 收/支, the way of paying and the text."""
    if wallets.unpaid(draft):
        return
    if draft.description.startswith("退款") or draft.status.startswith("退款"):
        wallets.settle(draft, -1, LineKind.REFUND)
    elif "还款" in draft.description or "还款" in draft.word:
        wallets.settle(draft, 1, LineKind.REPAYMENT)
    elif wallets.is_neutral(draft) and "先享后付" in f"{draft.paid_with}{draft.word}":
        wallets.void(draft)
    elif wallets.is_neutral(draft) and not draft.refunded:
        came = any(word in draft.description for word in ("转出", "充值", "赎回"))
        wallets.settle(draft, -1 if came else 1, LineKind.TRANSFER)
    elif wallets.is_neutral(draft):
        wallets.settle(draft, 1, LineKind.PURCHASE)  # bought and wholly given back: the refund rows undo it
    else:
        wallets.by_direction(draft)


def check(table: Table) -> list[Problem]:
    """The counts of the preface, and refunds noted inside amounts that have no row of their own."""
    problems = wallets.check_counts(table)
    noted = sum(draft.refunded for draft in table.drafts)
    given = -sum(draft.amount for draft in table.drafts if draft.kind is LineKind.REFUND)
    if noted > given:
        said = f"金额栏注明已退 {money.to_text(noted)}，退款明细只有 {money.to_text(given)}"
        problems.append(Problem("file.refund_row_missing", said))
    return problems


LAYOUT: Final = Layout(
    "jd", "jd", "csv", Source.WALLET, ("交易时间", "商户名称", "交易说明", "收/支", "交易订单号", "商家订单号"),
    columns={"商户名称": "counterparty", "交易说明": "description", "金额": "amount"}, currency="CNY", adjust=adjust,
    check=check, wallet=r"京东账号名\s*[:：]\s*(\S+)",
)  # fmt: skip
