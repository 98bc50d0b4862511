"""The rows of room cards: who holds which card, what was billed and paid, and the user's own terms.

All money is in minor units; every key contains the user, so one person's rows lie together. What people own, owe and
call things is sealed: the database sees days and digits, and the laws of amounts are upheld by the rows themselves.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, DATERANGE, JSONB, TIMESTAMP, Range
from sqlalchemy.orm import Mapped, mapped_column, validates

from anhuan.kit.classes import C1, C2, c2_hashed
from anhuan.kit.db import Base
from anhuan.kit.vault import Sealed, insist

MOMENT = TIMESTAMP(timezone=True)


class LineRow(Base):
    """A credit line: one limit that several accounts share."""

    __tablename__ = "credit_lines"

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    label: Mapped[str] = mapped_column(Sealed(str), info=C2)
    currency: Mapped[str] = mapped_column(Text, info=C1)
    limit_minor: Mapped[int | None] = mapped_column(Sealed(int), info=C2)  # None: the largest limit its bills print

    @validates("limit_minor")
    def _no_debt(self, column: str, limit: int | None) -> int | None:
        return insist(limit, limit is None or limit >= 0, "credit_lines.limit_minor is not below 0")


class AccountRow(Base):
    """The unit that is billed and repaid."""

    __tablename__ = "card_accounts"
    __table_args__ = (
        ForeignKeyConstraint(["user_id", "credit_line_id"], ["credit_lines.user_id", "credit_lines.id"]),
        CheckConstraint("level in ('account', 'card')", name="level_known"),
        Index("card_accounts_bank", "user_id", "bank"),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    bank: Mapped[str] = mapped_column(Text, info=C1)
    level: Mapped[str] = mapped_column(Text, info=C1)
    label: Mapped[str] = mapped_column(Sealed(str), default="", info=C2)
    product: Mapped[str | None] = mapped_column(Text, info=C1)
    credit_line_id: Mapped[UUID | None] = mapped_column(info=C1)
    source_id: Mapped[UUID | None] = mapped_column(info=C1)  # the import that made it; taken back, it goes too
    added_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    removed_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)


class CardRow(Base):
    """A piece of plastic: its last digits, never its number."""

    __tablename__ = "cards"
    __table_args__ = (
        ForeignKeyConstraint(["user_id", "account_id"], ["card_accounts.user_id", "card_accounts.id"]),
        CheckConstraint("last_digits ~ '^[0-9]{3,4}$'", name="last_digits_only"),
        UniqueConstraint("user_id", "account_id", "last_digits"),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    account_id: Mapped[UUID] = mapped_column(info=C1)
    last_digits: Mapped[str] = mapped_column(Text, info=C1)
    label: Mapped[str] = mapped_column(Sealed(str), default="", info=C2)
    groups: Mapped[list[str]] = mapped_column(Sealed(list), default=list, info=C2)
    supplementary: Mapped[bool] = mapped_column(default=False, info=C1)
    source_id: Mapped[UUID | None] = mapped_column(info=C1)
    added_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)


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
        Index("bills_known", "known_at"),
        CheckConstraint("due_on is null or due_on > statement_on", name="due_after_statement"),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    account_id: Mapped[UUID] = mapped_column(info=C1)
    currency: Mapped[str] = mapped_column(Text, info=C1)
    statement_on: Mapped[date] = mapped_column(info=C1)
    version: Mapped[int] = mapped_column(Integer, info=C1)
    total_minor: Mapped[int] = mapped_column(Sealed(int), info=C2)
    minimum_minor: Mapped[int | None] = mapped_column(Sealed(int), info=C2)
    due_on: Mapped[date | None] = mapped_column(info=C1)
    limit_minor: Mapped[int | None] = mapped_column(Sealed(int), info=C2)
    level: Mapped[str] = mapped_column(Text, info=C1)
    cycle_from: Mapped[date | None] = mapped_column(info=C1)
    cycle_to: Mapped[date | None] = mapped_column(info=C1)
    cards: Mapped[list[str]] = mapped_column(ARRAY(Text), info=C1)
    inferred: Mapped[list[str]] = mapped_column(ARRAY(Text), info=C1)
    confidence: Mapped[dict[str, float]] = mapped_column(JSONB, info=C1)
    spans: Mapped[dict[str, str]] = mapped_column(Sealed(dict), info=C2)
    known_complete: Mapped[bool] = mapped_column(info=C1)
    # Of the facts as handed over: the same facts again change nothing.
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary, info=c2_hashed("keyed hash of what the bill says"))
    source_id: Mapped[UUID | None] = mapped_column(info=C1)
    known_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    superseded_by: Mapped[UUID | None] = mapped_column(info=C1)
    taken_back_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)


class ChargeRow(Base):
    """One charge of one version of a bill, in the bill's order."""

    __tablename__ = "bill_charges"
    __table_args__ = (ForeignKeyConstraint(["user_id", "bill_id"], ["bills.user_id", "bills.id"], ondelete="CASCADE"),)

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    bill_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True, info=C1)
    posted_on: Mapped[date] = mapped_column(info=C1)
    amount_minor: Mapped[int] = mapped_column(Sealed(int), info=C2)
    instalment: Mapped[bool] = mapped_column(info=C1)


class PaymentRow(Base):
    """A repayment credited to an account: it counts for the bill whose days it falls into.

    `entered_on` is what the user said, `posted_on` what the bank's data say; the bank is right. `source_ids` are the
    imports that prove it; a row that nobody vouches for any more is deleted.
    """

    __tablename__ = "card_payments"
    __table_args__ = (
        ForeignKeyConstraint(["user_id", "account_id"], ["card_accounts.user_id", "card_accounts.id"]),
        CheckConstraint("entered_on is not null or posted_on is not null", name="day_known"),
        Index("card_payments_account", "user_id", "account_id", "currency", "credited_on"),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    account_id: Mapped[UUID] = mapped_column(info=C1)
    currency: Mapped[str] = mapped_column(Text, info=C1)
    amount_minor: Mapped[int] = mapped_column(Sealed(int), info=C2)
    credited_on: Mapped[date] = mapped_column(info=C1)
    entered_on: Mapped[date | None] = mapped_column(info=C1)
    posted_on: Mapped[date | None] = mapped_column(info=C1)
    source_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default=list, info=C1)
    added_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)

    @validates("amount_minor")
    def _above_nothing(self, column: str, amount: int) -> int:
        return insist(amount, amount > 0, "card_payments.amount_minor is above 0")


class OwnAccountRow(Base):
    """A debit account of the user."""

    __tablename__ = "own_accounts"
    __table_args__ = (UniqueConstraint("user_id", "bank", "last_digits", "currency"),)

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    bank: Mapped[str] = mapped_column(Text, info=C1)
    last_digits: Mapped[str] = mapped_column(Text, info=C1)
    label: Mapped[str] = mapped_column(Sealed(str), default="", info=C2)
    currency: Mapped[str] = mapped_column(Text, info=C1)
    balance_minor: Mapped[int] = mapped_column(Sealed(int), info=C2)
    balance_on: Mapped[date | None] = mapped_column(info=C1)
    reserve_minor: Mapped[int] = mapped_column(Sealed(int), info=C2)


class TermRow(Base):
    """A dated number that the user or an operator set; no row is edited, a change retires it and adds another.

    One value per scope, key and day: the migration adds UNIQUE (user_id, scope, key, retired_by, valid WITHOUT
    OVERLAPS), which the mapper cannot write; `retired_by` is the nil id while a row stands.
    """

    __tablename__ = "terms"
    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    scope: Mapped[str] = mapped_column(Text, info=C1)
    key: Mapped[str] = mapped_column(Text, info=C1)
    value: Mapped[Any] = mapped_column(Sealed(object), info=C2)
    unit: Mapped[str] = mapped_column(Text, info=C1)
    valid: Mapped[Range[date]] = mapped_column(DATERANGE, info=C1)
    confidence: Mapped[str] = mapped_column(Text, info=C1)
    basis: Mapped[str] = mapped_column(Sealed(str), info=C2)
    source: Mapped[str] = mapped_column(Sealed(str), info=C2)
    checked_on: Mapped[date] = mapped_column(info=C1)
    supersedes: Mapped[UUID | None] = mapped_column(info=C1)
    retired_by: Mapped[UUID] = mapped_column(info=C1)
    entered_by: Mapped[UUID] = mapped_column(info=C1)
    approved_by: Mapped[UUID | None] = mapped_column(info=C1)
    entered_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
