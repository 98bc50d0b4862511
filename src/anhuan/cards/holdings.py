"""What room cards holds about a party: copied out, counted and erased on the party's own request."""

from collections.abc import Iterator, Mapping
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.cards import tables
from anhuan.kit import holdings
from anhuan.kit.holdings import Holding, Sheet

HOLDINGS: Final = (
    Holding(tables.LineRow, "信用额度", "Credit lines"),
    Holding(tables.AccountRow, "信用卡账户", "Card accounts"),
    Holding(tables.CardRow, "信用卡", "Cards"),
    Holding(tables.BillRow, "账单", "Bills"),
    Holding(tables.ChargeRow, "账单明细", "Charges of bills"),
    Holding(tables.PaymentRow, "还款记录", "Payments"),
    Holding(tables.OwnAccountRow, "自己的账户", "Own accounts"),
    Holding(tables.TermRow, "合同条款", "Contract terms"),
)


def held(db: Session, party: UUID) -> Mapping[str, int]:
    """How many rows of each table the party has."""
    return holdings.held(db, HOLDINGS, party)


def export(db: Session, party: UUID) -> Iterator[Sheet]:
    """Everything this room holds about the party (PIPL article 45)."""
    return holdings.export(db, HOLDINGS, party)


def erase(db: Session, party: UUID) -> Mapping[str, int]:
    """Delete everything this room holds about the party (PIPL article 47); no duty keeps any of it."""
    return holdings.erase(db, HOLDINGS, party)
