"""What room planning holds about a party: copied out, counted and erased on the party's own request."""

from collections.abc import Iterator, Mapping
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.kit import holdings
from anhuan.kit.holdings import Holding, Sheet
from anhuan.planning import tables

HOLDINGS: Final = (
    Holding(tables.FlowRow, "预计收支", "Expected money"),
    Holding(tables.ChannelRow, "还款渠道", "Ways to pay"),
    Holding(tables.SpendingRow, "预计消费", "Expected spending"),
    Holding(tables.SettingsRow, "方案设置", "Plan settings"),
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
