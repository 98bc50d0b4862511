"""What room channels holds about a party: payments and what was said about them, kept as long as the law demands."""

from collections.abc import Iterator, Mapping
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.channels import tables
from anhuan.identity.holdings import AML
from anhuan.kit import holdings
from anhuan.kit.holdings import Holding, Sheet

HOLDINGS: Final = (
    Holding(tables.InstructionRow, "付款指令", "Payment instructions", kept=AML),
    Holding(tables.MessageRow, "渠道往来报文", "Messages of channels", kept=AML),
    Holding(tables.EventRow, "退汇与冲正", "Returns and reversals", kept=AML),
    Holding(tables.ContradictionRow, "渠道说法矛盾", "Contradictions of channels", kept=AML),
    Holding(tables.ClearingRow, "核实矛盾的签字", "Who cleared contradictions, and why", kept=AML),
    Holding(tables.EvidenceRow, "到账凭证", "Evidence of arrival", kept=AML),
    Holding(tables.CardStopRow, "暂停收款的卡片", "Stopped cards"),
)


def held(db: Session, party: UUID) -> Mapping[str, int]:
    """How many rows of each table the party has."""
    return holdings.held(db, HOLDINGS, party)


def export(db: Session, party: UUID) -> Iterator[Sheet]:
    """Everything this room holds about the party (PIPL article 45)."""
    return holdings.export(db, HOLDINGS, party)


def erase(db: Session, party: UUID) -> Mapping[str, int]:
    """Delete what no duty keeps: payments and their proofs stay for the AML law's years."""
    return holdings.erase(db, HOLDINGS, party)
