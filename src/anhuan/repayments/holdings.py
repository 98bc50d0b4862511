"""What room repayments holds about a party: what was confirmed, orders, their timeline, kept as the law demands."""

from collections.abc import Iterator, Mapping
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.identity.holdings import AML
from anhuan.kit import holdings
from anhuan.kit.holdings import Holding, Sheet
from anhuan.repayments import tables, tables_mandates, tables_matching, tables_pauses, tables_plans, tables_quotas

HOLDINGS: Final = (
    Holding(tables.GroupRow, "确认记录", "Confirmations", kept=AML),
    Holding(tables.OrderRow, "还款单", "Repayment orders", kept=AML),
    Holding(tables.EventRow, "还款进度", "Timelines of repayments", kept=AML),
    Holding(tables.BindingRow, "绑定的账户与卡片", "Accounts and cards bound at channels", kept=AML),
    Holding(tables_matching.CreditRow, "到账计入的账单还款", "Arrivals credited to bills", kept=AML),
    Holding(tables_matching.LookRow, "对账进度", "How far statements were compared with payments"),
    Holding(tables_pauses.CardPauseRow, "暂停还款的卡片", "Cards that are paused"),
    Holding(tables_mandates.MandateRow, "代扣授权", "Mandates", kept=AML),
    Holding(tables_mandates.RunRow, "自动还款记录", "Automatic repayments", kept=AML),
    Holding(tables_quotas.QuotaRow, "免费额度发放", "Free quotas granted", kept=AML),
    Holding(tables_plans.PlanRow, "已确认的方案", "Confirmed plans", kept=AML),
    Holding(tables_plans.ProposalRow, "方案变更提议", "Proposed changes of plans", kept=AML),
)


def held(db: Session, party: UUID) -> Mapping[str, int]:
    """How many rows of each table the party has."""
    return holdings.held(db, HOLDINGS, party)


def export(db: Session, party: UUID) -> Iterator[Sheet]:
    """Everything this room holds about the party (PIPL article 45)."""
    return holdings.export(db, HOLDINGS, party)


def erase(db: Session, party: UUID) -> Mapping[str, int]:
    """Delete what no duty keeps: payments and their confirmations stay for the AML law's years."""
    return holdings.erase(db, HOLDINGS, party)
