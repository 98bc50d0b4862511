"""中国银行 BOC: card rows with 存入 and 支出 columns, several currencies in one table; debit exports in UTF-16."""

from typing import Final

from anhuan.statements.draft import Layout
from anhuan.statements.model import Source

CREDIT: Final = Layout(
    "boc", "boc", "card csv", Source.CARD, ("交易日", "银行记账日", "卡号后四位", "交易描述", "存入", "支出", "币种")
)
LAYOUTS: Final = (CREDIT,)
