"""The rows of room cards: who holds which card, what was billed and paid, and the user's own terms.

All money is in minor units; every key contains the user, so one person's rows lie together.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, DATERANGE, JSONB, TIMESTAMP, Range
from sqlalchemy.orm import Mapped, mapped_column

from anhuan.kit.db import Base

MOMENT = TIMESTAMP(timezone=True)


class LineRow(Base):
    """A credit line: one limit that several accounts share."""

    __tablename__ = "credit_lines"

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    limit_minor: Mapped[int | None] = mapped_column(BigInteger)  # None: the largest limit its bills print


class AccountRow(Base):
    """The unit that is billed and repaid."""

    __tablename__ = "card_accounts"
    __table_args__ = (
        ForeignKeyConstraint(["user_id", "credit_line_id"], ["credit_lines.user_id", "credit_lines.id"]),
        CheckConstraint("level in ('account', 'card')", name="level_known"),
        Index("card_accounts_bank", "user_id", "bank"),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    bank: Mapped[str] = mapped_column(Text)
    level: Mapped[str] = mapped_column(Text)
    label: Mapped[str] = mapped_column(Text, default="")
    product: Mapped[str | None] = mapped_column(Text)
    credit_line_id: Mapped[UUID | None]
    source_id: Mapped[UUID | None]  # the import that made it, so that taking the import back removes it
    added_at: Mapped[datetime] = mapped_column(MOMENT)
    removed_at: Mapped[datetime | None] = mapped_column(MOMENT)


class CardRow(Base):
    """A piece of plastic: its last digits, never its number."""

    __tablename__ = "cards"
    __table_args__ = (
        ForeignKeyConstraint(["user_id", "account_id"], ["card_accounts.user_id", "card_accounts.id"]),
        CheckConstraint("last_digits ~ '^[0-9]{3,4}$'", name="last_digits_only"),
        UniqueConstraint("user_id", "account_id", "last_digits"),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    last_digits: Mapped[str] = mapped_column(Text)
    label: Mapped[str] = mapped_column(Text, default="")
    groups: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    supplementary: Mapped[bool] = mapped_column(default=False)
    source_id: Mapped[UUID | None]
    added_at: Mapped[datetime] = mapped_column(MOMENT)


class BillRow(Base):
    """One version of one bill; the standing one has neither `superseded_by` nor `taken_back_at`."""

    __tablename__ = "bills"
    __table_args__ = (
        ForeignKeyConstraint(["user_id", "account_id"], ["card_accounts.user_id", "card_accounts.id"]),
        UniqueConstraint("user_id", "account_id", "currency", "statement_on", "version"),
        Index(
            "bills_one_standing",
            "user_id",
            "account_id",
            "currency",
            "statement_on",
            unique=True,
            postgresql_where=text("superseded_by is null and taken_back_at is null"),
        ),
        Index("bills_source", "user_id", "source_id", postgresql_where=text("source_id is not null")),
        CheckConstraint("due_on is null or due_on > statement_on", name="due_after_statement"),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    currency: Mapped[str] = mapped_column(Text)
    statement_on: Mapped[date]
    version: Mapped[int] = mapped_column(Integer)
    total_minor: Mapped[int] = mapped_column(BigInteger)
    minimum_minor: Mapped[int | None] = mapped_column(BigInteger)
    due_on: Mapped[date | None]
    limit_minor: Mapped[int | None] = mapped_column(BigInteger)
    level: Mapped[str] = mapped_column(Text)
    cycle_from: Mapped[date | None]
    cycle_to: Mapped[date | None]
    cards: Mapped[list[str]] = mapped_column(ARRAY(Text))
    inferred: Mapped[list[str]] = mapped_column(ARRAY(Text))
    confidence: Mapped[dict[str, float]] = mapped_column(JSONB)
    spans: Mapped[dict[str, str]] = mapped_column(JSONB)
    known_complete: Mapped[bool]
    fingerprint: Mapped[str] = mapped_column(Text)  # of the facts as handed over: the same facts again change nothing
    source_id: Mapped[UUID | None]
    known_at: Mapped[datetime] = mapped_column(MOMENT)
    superseded_by: Mapped[UUID | None]
    taken_back_at: Mapped[datetime | None] = mapped_column(MOMENT)


class ChargeRow(Base):
    """One charge of one version of a bill, in the bill's order."""

    __tablename__ = "bill_charges"
    __table_args__ = (ForeignKeyConstraint(["user_id", "bill_id"], ["bills.user_id", "bills.id"], ondelete="CASCADE"),)

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    bill_id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True)
    posted_on: Mapped[date]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    instalment: Mapped[bool]


class PaymentRow(Base):
    """A repayment credited to an account: it counts for the bill whose days it falls into.

    `entered_on` is what the user said, `posted_on` what the bank's data say; the bank is right. `source_ids` are the
    imports that prove it; a row that nobody vouches for any more is deleted.
    """

    __tablename__ = "card_payments"
    __table_args__ = (
        ForeignKeyConstraint(["user_id", "account_id"], ["card_accounts.user_id", "card_accounts.id"]),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("entered_on is not null or posted_on is not null", name="day_known"),
        Index("card_payments_account", "user_id", "account_id", "currency", "credited_on"),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    currency: Mapped[str] = mapped_column(Text)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    credited_on: Mapped[date]
    entered_on: Mapped[date | None]
    posted_on: Mapped[date | None]
    source_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default=list)
    added_at: Mapped[datetime] = mapped_column(MOMENT)


class OwnAccountRow(Base):
    """A debit account of the user."""

    __tablename__ = "own_accounts"
    __table_args__ = (UniqueConstraint("user_id", "bank", "last_digits", "currency"),)

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    bank: Mapped[str] = mapped_column(Text)
    last_digits: Mapped[str] = mapped_column(Text)
    label: Mapped[str] = mapped_column(Text, default="")
    currency: Mapped[str] = mapped_column(Text)
    balance_minor: Mapped[int] = mapped_column(BigInteger)
    balance_on: Mapped[date | None]
    reserve_minor: Mapped[int] = mapped_column(BigInteger)


class TermRow(Base):
    """A dated number that the user or an operator set; no row is edited, a change retires it and adds another.

    One value per scope, key and day: the migration adds UNIQUE (user_id, scope, key, retired_by, valid WITHOUT
    OVERLAPS), which the mapper cannot write; `retired_by` is the nil id while a row stands.
    """

    __tablename__ = "terms"
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    scope: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)
    value: Mapped[Any] = mapped_column(JSONB)
    unit: Mapped[str] = mapped_column(Text)
    valid: Mapped[Range[date]] = mapped_column(DATERANGE)
    confidence: Mapped[str] = mapped_column(Text)
    basis: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    checked_on: Mapped[date]
    supersedes: Mapped[UUID | None]
    retired_by: Mapped[UUID]
    entered_by: Mapped[UUID]
    approved_by: Mapped[UUID | None]
    entered_at: Mapped[datetime] = mapped_column(MOMENT)
