"""The words of what people hold: cards, shared credit lines, bills, terms, own accounts."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from uuid import UUID


class InterestBasis(StrEnum):
    """全额计息 or 未偿还部分计息 (domain.md, section 2)."""

    FULL = "full"
    UNPAID = "unpaid"


class Urgency(StrEnum):
    """Where a bill stands on the due board."""

    OVERDUE = "overdue"
    TODAY = "today"
    WEEK = "week"
    LATER = "later"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class Charge:
    """One charge of a bill: the bank's posting day (记账日) and fen; a share of an instalment plan is marked."""

    posted_on: date
    amount: int
    instalment: bool = False


@dataclass(frozen=True, slots=True)
class Payment:
    """Money credited to the card on a day, in fen, positive."""

    credited_on: date
    amount: int


@dataclass(frozen=True, slots=True)
class CardTerms:
    """The dated terms of one card on one day, with the layer each value came from (domain.md, section 1)."""

    daily_rate: Decimal
    interest_basis: InterestBasis
    minimum_rate: Decimal
    late_fee_rate: Decimal
    late_fee_minimum: int = 0
    grace_days: int = 0
    grace_amount: int = 0
    late_tolerance: int = 0
    layers: dict[str, str] = field(default_factory=dict)  # key -> scope it came from; "typical" shows as assumed


@dataclass(frozen=True, slots=True)
class BillFacts:
    """A bill to be recorded, in minor units of its currency, as intake hands it over."""

    bank: str
    currency: str
    total_due: int
    minimum_due: int | None
    statement_on: date
    due_on: date | None
    cards: tuple[str, ...]
    credit_limit: int | None = None
    level: str = "card"
    cycle_from: date | None = None
    cycle_to: date | None = None
    inferred: tuple[str, ...] = ()
    confidence: dict[str, float] = field(default_factory=dict)
    spans: dict[str, str] = field(default_factory=dict)
    charges: tuple[Charge, ...] = ()
    payments: tuple[Payment, ...] = ()  # repayments credited since the statement date that are known already
    source_id: UUID | None = None  # the import that brought it
    known_complete: bool = False  # whether the charges explain the total due


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a worked sum: what, how, and the exact amount in fen (rounded only where the rule says so)."""

    label: str
    working: str
    amount: Fraction
