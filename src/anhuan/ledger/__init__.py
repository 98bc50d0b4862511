"""Room ledger: what happened to every fen, provably. It records postings, holds and balances, decides nothing about
people, calls no bank, and never edits the past.

Others import this front door alone: `from anhuan import ledger`, then `ledger.post(db, lines).insist()`.
"""

from anhuan.ledger.holdings import HOLDINGS, erase, export, held
from anhuan.ledger.model import (
    AboveCeiling,
    AccountKind,
    AccountName,
    AlreadyResolved,
    BadLine,
    Balance,
    BelowFloor,
    Book,
    FrozenAccount,
    IdReused,
    Kind,
    LedgerRefused,
    Line,
    NoSuchHold,
    OverHold,
    Result,
    Results,
)
from anhuan.ledger.rules import CHART, Code
from anhuan.ledger.service import (
    as_of,
    balance,
    capture,
    entries,
    expire,
    heads,
    hold,
    lane_of,
    open_account,
    open_unit,
    post,
    reverse,
    set_bounds,
    transfer,
    void,
)
from anhuan.ledger.store import Entry, Head

__all__ = [
    "AboveCeiling", "AccountKind", "AccountName", "AlreadyResolved", "BadLine", "Balance", "BelowFloor", "Book",
    "CHART", "Code", "Entry", "FrozenAccount", "HOLDINGS", "Head", "IdReused", "Kind", "LedgerRefused", "Line",
    "NoSuchHold", "OverHold", "Result", "Results", "as_of", "balance", "capture", "entries", "erase", "expire",
    "export", "heads", "held", "hold", "lane_of", "open_account", "open_unit", "post", "reverse", "set_bounds",
    "transfer", "void",
]  # fmt: skip
