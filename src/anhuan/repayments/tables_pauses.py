"""Pauses of single cards, and the index by which alerts find orders near their last safe moment."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, Text, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from anhuan.kit.classes import C1
from anhuan.kit.db import Base
from anhuan.repayments.tables import OrderRow

MOMENT = TIMESTAMP(timezone=True)
_OPEN = text("status NOT IN ('arrived', 'given_back', 'failed', 'cancelled')")

Index("repay_orders_safe_by", OrderRow.safe_by_at, postgresql_where=_OPEN)


class CardPauseRow(Base):
    """卡片暂停: nothing goes to this card until its holder lifts it; by its holder, or after repeated failures."""

    __tablename__ = "repay_pauses"
    __table_args__ = (
        Index(
            "repay_pauses_standing", "user_id", "account_id", unique=True, postgresql_where=text("lifted_at IS NULL")
        ),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    account_id: Mapped[UUID] = mapped_column(info=C1)  # the billed account
    why: Mapped[str] = mapped_column(Text, info=C1)  # own_wish, or the code of the last failure
    since: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    by_person: Mapped[UUID | None] = mapped_column(info=C1)  # None: the house, after repeated failures
    lifted_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    lifted_by: Mapped[UUID | None] = mapped_column(info=C1)
