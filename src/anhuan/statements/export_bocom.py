"""交通银行 BOCOM: amounts carry no sign; the text begins with 信用卡还款, 退货 or 消费 and gives the direction."""

from typing import Final

from anhuan.statements.draft import Layout
from anhuan.statements.model import Source

CREDIT: Final = Layout(
    "bocom", "bocom", "card csv", Source.CARD, ("交易日期", "记账日期", "交易说明", "交易币种/金额", "入账币种/金额"),
    currency="CNY", unsigned=True,
)  # fmt: skip
LAYOUTS: Final = (CREDIT,)
