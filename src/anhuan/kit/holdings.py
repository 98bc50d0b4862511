"""What a room holds about a party, table by table: how it is called, copied out, counted and erased.

Each room lists its tables and offers `held`, `export` and `erase` at its front door; a house test walks all tables and
fails at one that nobody lists. Sheets carry values in clear, as the person may have them (PIPL article 45), but no
secrets (C3) and no row of anybody else.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from anhuan.kit.classes import DataClass
from anhuan.kit.db import Base

BATCH: Final = 1000
ERASED: Final = "erased"  # what the identity room does to the person's own row: it stays, emptied


@dataclass(frozen=True, slots=True)
class Holding:
    """One table of a room: what its rows are called, whose they are, and which duty keeps them after an erasure."""

    row: type[Base]
    zh: str
    en: str
    key: str = "user_id"  # the column that names the party, or the person
    kept: str | None = None  # the duty (room identity, `KEEPING`); None: goes when the party goes

    @property
    def table(self) -> str:
        """The table's name."""
        return str(self.row.__tablename__)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table of an export: its names, its columns, and the rows as they come from the database."""

    table: str
    zh: str
    en: str
    columns: tuple[str, ...]
    rows: Iterable[Sequence[Any]]


class Room(Protocol):
    """The front door of a room that holds something about parties."""

    def held(self, db: Session, party: UUID) -> Mapping[str, int]:
        """How many rows of each table there are."""

    def export(self, db: Session, party: UUID) -> Iterator[Sheet]:
        """Everything there is, table by table."""

    def erase(self, db: Session, party: UUID) -> Mapping[str, int]:
        """Delete what no duty keeps and tell how many rows of each table went."""


def held(db: Session, holdings: Iterable[Holding], party: UUID) -> Mapping[str, int]:
    """Rows of the party in each table, tables without any left out."""
    counts = {one.table: _count(db, one, party) for one in holdings}
    return {table: count for table, count in counts.items() if count}


def export(db: Session, holdings: Iterable[Holding], party: UUID) -> Iterator[Sheet]:
    """The party's rows of each table with every column but secrets; rows are fetched while they are read."""
    for one in holdings:
        table = Base.metadata.tables[one.table]
        columns = [column for column in table.columns if _may_leave(column.name, column.info)]
        asked = select(*columns).where(table.columns[one.key] == party).order_by(*table.primary_key.columns)
        rows = db.execute(asked.execution_options(yield_per=BATCH))
        yield Sheet(one.table, one.zh, one.en, tuple(column.name for column in columns), rows)


def erase(db: Session, holdings: Iterable[Holding], party: UUID) -> Mapping[str, int]:
    """Delete the party's rows that no duty keeps, tables that others point to last; twice is once."""
    listed = {one.table: one for one in holdings if one.kept is None}
    counts = {}
    for table in reversed(Base.metadata.sorted_tables):
        if table.name in listed:
            gone = db.execute(delete(table).where(table.columns[listed[table.name].key] == party))
            counts[table.name] = gone.rowcount  # type: ignore[attr-defined]
    return {table: count for table, count in counts.items() if count}


def _count(db: Session, one: Holding, party: UUID) -> int:
    table = one.row.__table__
    return db.scalar(select(func.count()).select_from(table).where(table.columns[one.key] == party)) or 0


def _may_leave(name: str, info: Mapping[Any, Any]) -> bool:
    """Neither what lets somebody in nor what only finds a row leaves the house."""
    return not name.endswith("_hash") and info.get("data_class") is not DataClass.C3 and "hashed" not in info
