"""The rows of repayments: what was confirmed, one order for one payment, its timeline, and bindings at channels.

An order is made once and never deleted; its status moves by the table in `rules`, each step leaves a row on the
timeline. Twice is once: a request key makes one group, an order has one instruction, one failed order one successor.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKeyConstraint, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from anhuan.kit.classes import C1, C2
from anhuan.kit.db import Base
from anhuan.kit.vault import Sealed

MOMENT = TIMESTAMP(timezone=True)
STATUSES = "'scheduled', 'placed', 'sent', 'promised', 'arrived', 'in_doubt', 'given_back', 'failed', 'cancelled'"
CLOSED = "'arrived', 'given_back', 'failed', 'cancelled'"


class GroupRow(Base):
    """确认: what a person confirmed at once, one payment or a whole plan, with the proof and the hash of what was
    shown; `key` is the business intent, so one tap is one group however often it is sent."""

    __tablename__ = "repay_groups"
    __table_args__ = (
        UniqueConstraint("user_id", "key"),
        CheckConstraint("kind IN ('one', 'several', 'plan', 'autopay')", name="kind_known"),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    key: Mapped[UUID] = mapped_column(info=C1)
    kind: Mapped[str] = mapped_column(Text, info=C1)
    digest: Mapped[bytes] = mapped_column(LargeBinary, info=C1)  # SHA-256 of the wishes, salted by the key
    summary: Mapped[str] = mapped_column(Sealed(str), info=C2)  # JSON: every payment and fee as it was confirmed
    mandate_id: Mapped[UUID | None] = mapped_column(info=C1)
    confirmed_by: Mapped[UUID | None] = mapped_column(info=C1)  # None: the worker, for a mandate
    step_up_id: Mapped[UUID | None] = mapped_column(info=C1)
    made_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)


class OrderRow(Base):
    """还款单: one payment of one billed account from one own account by one channel; one instruction, ever."""

    __tablename__ = "repay_orders"
    __table_args__ = (
        ForeignKeyConstraint(["user_id", "group_id"], ["repay_groups.user_id", "repay_groups.id"]),
        UniqueConstraint("user_id", "group_id", "number"),
        UniqueConstraint("user_id", "retry_of"),
        Index("repay_orders_of_account", "user_id", "account_id", "status"),
        Index("repay_orders_key", "user_id", "key", unique=True, postgresql_where=text("key IS NOT NULL")),
        Index("repay_orders_due", "next_at", postgresql_where=text("next_at IS NOT NULL")),
        Index("repay_orders_ended", "closed_at", postgresql_where=text("closed_at IS NOT NULL")),
        Index("repay_orders_by_hand", "by_hand_at",
              postgresql_where=text("status NOT IN ('arrived', 'given_back', 'failed', 'cancelled')")),
        Index("repay_orders_unproved", "user_id", postgresql_where=text("status IN ('sent', 'promised', 'in_doubt')")),
        CheckConstraint(f"status IN ({STATUSES})", name="status_known"),
        CheckConstraint("rule IN ('full', 'minimum', 'custom', 'planned')", name="rule_known"),
        CheckConstraint(f"(status IN ({CLOSED})) = (closed_at IS NOT NULL)", name="closed_with_its_moment"),
        CheckConstraint("status <> 'arrived' OR arrived_on IS NOT NULL", name="arrived_with_its_day"),
        CheckConstraint("status <> 'failed' OR final_code IS NOT NULL", name="failed_with_its_code"),
        CheckConstraint("status NOT IN ('scheduled', 'cancelled') OR sent_at IS NULL", name="nothing_went_out"),
    )  # fmt: skip

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    group_id: Mapped[UUID] = mapped_column(info=C1)
    number: Mapped[int] = mapped_column(info=C1)  # in its group, from 1
    account_id: Mapped[UUID] = mapped_column(info=C1)  # the billed account
    bill_id: Mapped[UUID | None] = mapped_column(info=C1)
    bank: Mapped[str] = mapped_column(Text, info=C1)
    source_id: Mapped[UUID] = mapped_column(info=C1)  # the own debit account
    channel: Mapped[str] = mapped_column(Text, info=C1)
    rule: Mapped[str] = mapped_column(Text, info=C1)
    amount_minor: Mapped[int] = mapped_column(Sealed(int), info=C2)  # fen that are to reach the card
    fee_minor: Mapped[int] = mapped_column(Sealed(int), info=C2)  # fen on top of it, all fees together
    fees: Mapped[str] = mapped_column(Sealed(str), info=C2)  # JSON: the lines (model.FeeLine)
    status: Mapped[str] = mapped_column(Text, info=C1)
    wait: Mapped[str | None] = mapped_column(Text, info=C1)
    due_on: Mapped[date | None] = mapped_column(Date, info=C1)
    start_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    expected_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    safe_by_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    by_hand_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)  # from here on only paying by hand is left
    placed_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    key: Mapped[UUID | None] = mapped_column(info=C1)  # of the instruction (room channels)
    sent_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    taken_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    arrived_on: Mapped[date | None] = mapped_column(Date, info=C1)
    arrived_minor: Mapped[int | None] = mapped_column(Sealed(int), info=C2)
    closed_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    final_code: Mapped[str | None] = mapped_column(Text, info=C1)
    resets_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    retry_of: Mapped[UUID | None] = mapped_column(info=C1)
    mandate_id: Mapped[UUID | None] = mapped_column(info=C1)
    run_id: Mapped[UUID | None] = mapped_column(info=C1)
    next_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)  # when somebody should look again
    alerted_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)


class EventRow(Base):
    """One line of an order's timeline: written once, never edited."""

    __tablename__ = "repay_events"
    __table_args__ = (
        ForeignKeyConstraint(["user_id", "order_id"], ["repay_orders.user_id", "repay_orders.id"]),
        Index("repay_events_of", "user_id", "order_id", "at"),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    order_id: Mapped[UUID] = mapped_column(info=C1)
    at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    kind: Mapped[str] = mapped_column(Text, info=C1)
    code: Mapped[str] = mapped_column(Text, info=C1)
    facts: Mapped[str] = mapped_column(Sealed(str), info=C2)  # JSON


class BindingRow(Base):
    """绑定: how a channel names an own debit account or a billed account, and how it was proved to be the payer's."""

    __tablename__ = "repay_bindings"
    __table_args__ = (
        Index("repay_bindings_standing", "user_id", "kind", "subject_id", "channel", unique=True,
              postgresql_where=text("state <> 'removed'")),
        CheckConstraint("kind IN ('source', 'card')", name="kind_known"),
        CheckConstraint("state IN ('proved', 'doubtful', 'removed')", name="state_known"),
        CheckConstraint("kind <> 'source' OR funding_kind IN ('own_debit', 'own_wallet')", name="own_money_alone"),
        CheckConstraint("(state = 'removed') = (removed_at IS NOT NULL)", name="removed_with_its_moment"),
    )  # fmt: skip

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    kind: Mapped[str] = mapped_column(Text, info=C1)
    subject_id: Mapped[UUID] = mapped_column(info=C1)  # own account or billed account
    channel: Mapped[str] = mapped_column(Text, info=C1)
    ref: Mapped[str] = mapped_column(Sealed(str), info=C2)  # how the channel names it
    name: Mapped[str] = mapped_column(Sealed(str), info=C2)  # the holder's name, where the channel compares it
    funding_kind: Mapped[str | None] = mapped_column(Text, info=C1)
    proved_how: Mapped[str] = mapped_column(Text, info=C1)
    state: Mapped[str] = mapped_column(Text, info=C1)
    proved_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    removed_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
