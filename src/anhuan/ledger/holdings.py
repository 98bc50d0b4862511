"""What the ledger holds about a party: copied out and counted on request, never erased.

The books are only added to (ledger.md, section 7), and 反洗钱法 article 34 asks for ten years of keeping; an erased
person's accounts stay under a number that says nothing once room identity has emptied the person's own row.
"""

from collections.abc import Iterator, Mapping
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.kit.holdings import Holding, Sheet
from anhuan.ledger import store_statement, tables

AML: Final = "aml"  # the duty, as room identity names it


HOLDINGS: Final = (  # each named by the table its rows come from; `export` asks for the party's own alone
    Holding(tables.AccountRow, "账本科目", "Accounts in the books", key="owner", kept=AML),
    Holding(tables.PostingRow, "账本分录", "Entries in the books", key="src", kept=AML),
    Holding(tables.HoldRow, "未了结的冻结", "Open holds", key="src", kept=AML),
    Holding(tables.AccountChangeRow, "限额与冻结变更", "Changes of bounds and freezes", key="account", kept=AML),
)


def held(db: Session, party: UUID) -> Mapping[str, int]:
    """How many rows of each table the party has."""
    counts = {one.table: store_statement.held_count(db, one.table, party) for one in HOLDINGS}
    return {table: count for table, count in counts.items() if count}


def export(db: Session, party: UUID) -> Iterator[Sheet]:
    """Everything this room holds about the party (PIPL article 45); the other side of a posting is not theirs."""
    for one in HOLDINGS:
        columns, rows = store_statement.held_rows(db, one.table, party)
        yield Sheet(one.table, one.zh, one.en, columns, rows)


def erase(db: Session, party: UUID) -> Mapping[str, int]:
    """Nothing goes: the duty keeps all of it (PIPL article 47, second paragraph)."""
    return {}
