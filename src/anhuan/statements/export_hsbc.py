"""HSBC Hong Kong: card rows in several billing currencies, day first, with a Credit / Debit column beside the sign."""

from typing import Final

from anhuan.statements.draft import Layout
from anhuan.statements.model import Source

CREDIT: Final = Layout(
    "hsbc", "hsbc", "hk card csv", Source.CARD,
    ("Transaction date", "Post date", "Billing amount", "Billing currency", "Credit / Debit"),
    columns={"Merchant name": "counterparty", "Country / region": "ignored"}, date_order="dm",
)  # fmt: skip
LAYOUTS: Final = (CREDIT,)
