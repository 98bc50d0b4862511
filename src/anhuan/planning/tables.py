"""The rows of room planning: expected money, channels chosen, expected spending, and how the user wants to plan."""

from datetime import date
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Integer, Text, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from anhuan.kit.db import Base


class FlowRow(Base):
    """Money an own account expects: monthly on a day of the month, or once on a date; fen, spending negative."""

    __tablename__ = "plan_flows"
    __table_args__ = (
        CheckConstraint("(day_of_month is null) <> (on_date is null)", name="monthly_or_once"),
        CheckConstraint("day_of_month between 1 and 31", name="day_known"),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    label: Mapped[str] = mapped_column(Text)
    amount_minor: Mapped[int]
    day_of_month: Mapped[int | None] = mapped_column(Integer)
    on_date: Mapped[date | None]
    from_on: Mapped[date | None]
    until_on: Mapped[date | None]


class ChannelRow(Base):
    """Whether the user pays through a channel, and from which own accounts (none named: from all)."""

    __tablename__ = "plan_channels"
    __table_args__ = (UniqueConstraint("user_id", "channel_id"),)

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    channel_id: Mapped[str] = mapped_column(Text)
    chosen: Mapped[bool]
    account_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))


class SpendingRow(Base):
    """What the user expects to spend on a billed account in each cycle to come, in fen."""

    __tablename__ = "plan_spending"
    __table_args__ = (
        UniqueConstraint("user_id", "account_id"),
        CheckConstraint("amount_minor >= 0", name="amount_not_negative"),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    amount_minor: Mapped[int]


class SettingsRow(Base):
    """How one user wants to plan: how far ahead, and whether to rely on the banks' courtesy days and amounts."""

    __tablename__ = "plan_settings"
    __table_args__ = (
        UniqueConstraint("user_id"),
        CheckConstraint("horizon_days between 1 and 366", name="horizon_sane"),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    horizon_days: Mapped[int] = mapped_column(Integer)
    rely_on_grace: Mapped[bool]
