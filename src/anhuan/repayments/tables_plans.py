"""The rows of confirmed plans and of what changed since: a plan stands until another is confirmed or all of it is done;
a proposal says what would be different, moves nothing, and is answered by the payer or overtaken by the next one."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKeyConstraint, Index, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from anhuan.kit.classes import C1, C2
from anhuan.kit.db import Base
from anhuan.kit.vault import Sealed

MOMENT = TIMESTAMP(timezone=True)


class PlanRow(Base):
    """已确认的方案: which confirmation it is, and what it rested on when it was confirmed."""

    __tablename__ = "repay_plans"
    __table_args__ = (
        ForeignKeyConstraint(["user_id", "group_id"], ["repay_groups.user_id", "repay_groups.id"]),
        Index("repay_plans_standing", "user_id", unique=True, postgresql_where=text("ended_at IS NULL")),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    group_id: Mapped[UUID] = mapped_column(info=C1)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary, info=C1)  # keyed hash of what was planned for
    horizon_on: Mapped[date] = mapped_column(Date, info=C1)  # the last day that the plan looks at
    summary: Mapped[str] = mapped_column(Sealed(str), info=C2)  # JSON: cost and legs as confirmed
    made_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    looked_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)  # when it was last compared with what is known
    ended_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)


class ProposalRow(Base):
    """方案变更提议: what would change in a confirmed plan and why; nothing moves until the payer says yes."""

    __tablename__ = "repay_proposals"
    __table_args__ = (
        ForeignKeyConstraint(["user_id", "plan_id"], ["repay_plans.user_id", "repay_plans.id"]),
        Index("repay_proposals_open", "user_id", unique=True, postgresql_where=text("state = 'open'")),
        CheckConstraint("state IN ('open', 'accepted', 'dismissed', 'overtaken')", name="state_known"),
        CheckConstraint("(state = 'open') = (decided_at IS NULL)", name="decided_with_its_moment"),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    plan_id: Mapped[UUID] = mapped_column(info=C1)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary, info=C1)  # of what it was planned for
    why: Mapped[str] = mapped_column(Text, info=C1)  # what happened: income, balance, bill, failed, back, terms
    facts: Mapped[str] = mapped_column(Sealed(str), info=C2)  # JSON: legs gone, new and kept, cost before and after
    state: Mapped[str] = mapped_column(Text, info=C1)
    made_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    decided_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    decided_by: Mapped[UUID | None] = mapped_column(info=C1)
