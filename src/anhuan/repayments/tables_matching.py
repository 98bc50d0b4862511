"""The rows of matching: up to which page of a party's statements was looked, and what arrivals credited to bills."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Date, ForeignKeyConstraint, Index
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from anhuan.kit.classes import C1, C2
from anhuan.kit.db import Base
from anhuan.kit.vault import Sealed

MOMENT = TIMESTAMP(timezone=True)


class LookRow(Base):
    """对账进度: the page of the party's statements at which payments were compared with their lines the last time."""

    __tablename__ = "repay_looks"

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    page: Mapped[int] = mapped_column(info=C1)
    looked_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)


class CreditRow(Base):
    """入账: what an order's arrival credited to its account; `source_id`: in whose name room cards holds it."""

    __tablename__ = "repay_credits"
    __table_args__ = (
        ForeignKeyConstraint(["user_id", "order_id"], ["repay_orders.user_id", "repay_orders.id"]),
        Index("repay_credits_day", "user_id", "account_id", "credited_on"),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    order_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    account_id: Mapped[UUID] = mapped_column(info=C1)
    credited_on: Mapped[date] = mapped_column(Date, info=C1)
    amount_minor: Mapped[int] = mapped_column(Sealed(int), info=C2)  # fen
    source_id: Mapped[UUID] = mapped_column(info=C1)
    credited_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
