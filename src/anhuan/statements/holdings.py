"""What room statements holds about a party: copied out, counted and erased on the party's own request."""

from collections.abc import Iterator, Mapping
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.kit import holdings
from anhuan.kit.holdings import Holding, Sheet
from anhuan.statements import tables

HOLDINGS: Final = (
    Holding(tables.BookRow, "账本", "Books"),
    Holding(tables.ImportRow, "导入批次", "Imports"),
    Holding(tables.FileRow, "导入的文件", "Imported files"),
    Holding(tables.ReadBillRow, "读出的账单", "Bills as read"),
    Holding(tables.FieldRow, "读出的栏目", "Fields as read"),
    Holding(tables.LineRow, "明细", "Lines"),
    Holding(tables.SightingRow, "明细的来源", "Where lines were seen"),
    Holding(tables.LinkRow, "明细的关联", "Links of lines"),
    Holding(tables.MappingRow, "表头对应", "Columns chosen"),
    Holding(tables.MetRow, "识别记录", "Readers and layouts"),
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
