"""The rows of free quotas: one for each month and schedule of which a person was granted a quota; the amount and what
became of it stand in the books. A month is granted once, however many first payments meet."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from anhuan.kit.classes import C1
from anhuan.kit.db import Base

MOMENT = TIMESTAMP(timezone=True)


class QuotaRow(Base):
    """免费额度发放: that the quota of a month and schedule was granted, and by which dated row."""

    __tablename__ = "repay_quotas"
    __table_args__ = (UniqueConstraint("user_id", "month", "schedule"),)

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    month: Mapped[str] = mapped_column(Text, info=C1)  # 2026-11
    schedule: Mapped[str] = mapped_column(Text, info=C1)
    version: Mapped[str] = mapped_column(Text, info=C1)  # the first day of the schedule's row
    granted_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
