"""中信银行 CITIC: the XLS of a bill, one sheet per currency, 本期账单明细(人民币); refunds negative."""

from typing import Final

from anhuan.statements.draft import Layout
from anhuan.statements.model import Source

CREDIT: Final = Layout(
    "citic", "citic", "card xls", Source.CARD, ("交易日期", "入账日期", "交易描述", "卡末四位", "结算币种", "结算金额"),
    spending="positive",
)  # fmt: skip
LAYOUTS: Final = (CREDIT,)
