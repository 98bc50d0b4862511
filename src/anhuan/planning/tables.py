"""The rows of room planning: expected money, channels chosen, expected spending, and how the user wants to plan."""

from datetime import date
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Integer, Text, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column, validates

from anhuan.kit.classes import C1, C2
from anhuan.kit.db import Base
from anhuan.kit.vault import Sealed, insist


class FlowRow(Base):
    """Money an own account expects: monthly on a day of the month, or once on a date; fen, spending negative."""

    __tablename__ = "plan_flows"
    __table_args__ = (
        CheckConstraint("(day_of_month is null) <> (on_date is null)", name="monthly_or_once"),
        CheckConstraint("day_of_month between 1 and 31", name="day_known"),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    account_id: Mapped[UUID] = mapped_column(info=C1)
    label: Mapped[str] = mapped_column(Sealed(str), info=C2)
    amount_minor: Mapped[int] = mapped_column(Sealed(int), info=C2)
    day_of_month: Mapped[int | None] = mapped_column(Integer, info=C1)
    on_date: Mapped[date | None] = mapped_column(info=C1)
    from_on: Mapped[date | None] = mapped_column(info=C1)
    until_on: Mapped[date | None] = mapped_column(info=C1)


class ChannelRow(Base):
    """Whether the user pays through a channel, and from which own accounts (none named: from all)."""

    __tablename__ = "plan_channels"
    __table_args__ = (UniqueConstraint("user_id", "channel_id"),)

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    channel_id: Mapped[str] = mapped_column(Text, info=C1)
    chosen: Mapped[bool] = mapped_column(info=C1)
    account_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), info=C1)


class SpendingRow(Base):
    """What the user expects to spend on a billed account in each cycle to come, in fen."""

    __tablename__ = "plan_spending"
    __table_args__ = (UniqueConstraint("user_id", "account_id"),)

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    account_id: Mapped[UUID] = mapped_column(info=C1)
    amount_minor: Mapped[int] = mapped_column(Sealed(int), info=C2)

    @validates("amount_minor")
    def _not_negative(self, column: str, amount: int) -> int:
        return insist(amount, amount >= 0, "plan_spending.amount_minor is not below 0")


class SettingsRow(Base):
    """How one user wants to plan: how far ahead, and whether to rely on the banks' courtesy days and amounts."""

    __tablename__ = "plan_settings"
    __table_args__ = (
        UniqueConstraint("user_id"),
        CheckConstraint("horizon_days between 1 and 366", name="horizon_sane"),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    horizon_days: Mapped[int] = mapped_column(Integer, info=C1)
    rely_on_grace: Mapped[bool] = mapped_column(info=C1)
