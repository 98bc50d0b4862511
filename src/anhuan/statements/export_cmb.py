"""招商银行 CMB: web exports of a card bill (dates without a year, the month in the title) and of debit accounts."""

from typing import Final

from anhuan.statements import cells
from anhuan.statements.draft import Draft, Layout
from anhuan.statements.model import Source


def split_party(draft: Draft) -> None:
    """对手信息 runs the payee's name and account number together: the number is cut off, masked."""
    name = draft.counterparty.rstrip("0123456789*")
    number = draft.counterparty[len(name) :]
    if name and len(number) >= 6:
        draft.counterparty = f"{name.rstrip()} {cells.masked_name(number)}"


CREDIT: Final = Layout(
    "cmb", "cmb", "card csv", Source.CARD, ("交易日", "记账日", "交易摘要", "人民币金额", "卡号末四位"),
    currency="CNY", spending="positive",
)  # fmt: skip
DEBIT: Final = Layout(
    "cmb", "cmb", "debit csv", Source.ACCOUNT, ("记账日期", "货币", "交易金额", "联机余额", "交易摘要"),
    columns={"交易摘要": "kind", "客户摘要": "description", "对手信息": "counterparty", "交易金额": "amount"},
    spending="negative", adjust=split_party,
)  # fmt: skip
LAYOUTS: Final = (CREDIT, DEBIT)
