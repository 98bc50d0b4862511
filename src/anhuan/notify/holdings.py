"""What room notify holds about a party: what it was told, and where its mail goes."""

from collections.abc import Iterator, Mapping
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.kit import holdings
from anhuan.kit.holdings import Holding, Sheet
from anhuan.notify import tables

HOLDINGS: Final = (
    Holding(tables.MessageRow, "消息", "Messages"),
    Holding(tables.AddressRow, "收信邮箱", "Mail address"),
)


def held(db: Session, party: UUID) -> Mapping[str, int]:
    """How many rows of each table the party has."""
    return holdings.held(db, HOLDINGS, party)


def export(db: Session, party: UUID) -> Iterator[Sheet]:
    """Everything this room holds about the party (PIPL article 45)."""
    return holdings.export(db, HOLDINGS, party)


def erase(db: Session, party: UUID) -> Mapping[str, int]:
    """Delete all of it: no duty keeps messages."""
    return holdings.erase(db, HOLDINGS, party)
