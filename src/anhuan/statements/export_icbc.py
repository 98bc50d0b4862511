"""工商银行 ICBC: 明细查询文件下载; fields padded with blanks and tabs, income and outgo in columns of their own."""

from typing import Final

from anhuan.statements.draft import Layout
from anhuan.statements.model import Source

CREDIT: Final = Layout(
    "icbc", "icbc", "card csv", Source.CARD, ("交易日期", "记账日期", "摘要", "交易场所", "记账金额(支出)", "记账币种"),
    columns={"交易场所": "description"},
)  # fmt: skip
DEBIT: Final = Layout(
    "icbc", "icbc", "debit csv", Source.ACCOUNT, ("交易日期", "摘要", "钞/汇", "记账金额(支出)", "记账币种"),
    columns={"交易场所": "description"},
)  # fmt: skip
DEBIT_2: Final = Layout(
    "icbc", "icbc", "debit csv 2", Source.ACCOUNT, ("交易日期", "摘要", "储种", "收入金额", "支出金额", "余额"),
)  # fmt: skip
LAYOUTS: Final = (CREDIT, DEBIT, DEBIT_2)
