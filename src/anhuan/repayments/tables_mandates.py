"""The rows of mandates (代扣授权) and of their runs.

A mandate is confirmed once and kept: narrowing lowers its cap or brings its end nearer, revoking ends it, nothing else
changes. One run for one bill of a mandate, or for one day of its schedule, however often the job looks.
"""

from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, validates

from anhuan.kit.classes import C1, C2
from anhuan.kit.db import Base
from anhuan.kit.vault import Sealed, insist
from anhuan.repayments.tables import MOMENT

STAGES: Final = "'planned', 'noticed', 'ordered', 'done', 'skipped', 'failed'"
OVER: Final = "'done', 'skipped', 'failed'"
_TIMED: Final = (
    "(timing = 'monthly') = (day_of_month IS NOT NULL) AND (timing = 'once') = (on_date IS NOT NULL)"
    " AND (timing = 'before_due' OR days_before IS NULL)"
)


class MandateRow(Base):
    """代扣授权: what a payer allowed, with the text that was confirmed, its hash and the proof."""

    __tablename__ = "mandates"
    __table_args__ = (
        Index("mandates_one_for_a_card", "user_id", "account_id", unique=True,
              postgresql_where=text("revoked_at IS NULL AND timing IN ('before_due', 'planned')")),
        Index("mandates_due", "next_at", postgresql_where=text("next_at IS NOT NULL")),
        CheckConstraint("rule IN ('full', 'minimum', 'custom', 'planned')", name="rule_known"),
        CheckConstraint("(rule = 'custom') = (amount_minor IS NOT NULL)", name="fixed_with_its_amount"),
        CheckConstraint("(rule = 'planned') = (timing = 'planned')", name="plan_says_both"),
        CheckConstraint("above_cap IN ('skip', 'up_to_cap')", name="above_cap_known"),
        CheckConstraint("timing IN ('before_due', 'monthly', 'once', 'planned')", name="timing_known"),
        CheckConstraint(_TIMED, name="timed"),
        CheckConstraint("day_of_month BETWEEN 1 AND 31", name="day_known"),
        CheckConstraint("holiday IN ('earlier', 'later', 'same')", name="holiday_known"),
        CheckConstraint("retry_when IN ('next_day', 'limit_reset', 'income')", name="retry_known"),
        CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name="revoked_by_somebody"),
    )  # fmt: skip

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    account_id: Mapped[UUID] = mapped_column(info=C1)  # the billed account
    source_id: Mapped[UUID] = mapped_column(info=C1)  # the own debit account: never a mandate without one
    channel: Mapped[str | None] = mapped_column(Text, info=C1)  # None: the cheapest in time
    rule: Mapped[str] = mapped_column(Text, info=C1)
    amount_minor: Mapped[int | None] = mapped_column(Sealed(int), info=C2)
    cap_minor: Mapped[int] = mapped_column(Sealed(int), info=C2)
    above_cap: Mapped[str] = mapped_column(Text, info=C1)
    timing: Mapped[str] = mapped_column(Text, info=C1)
    days_before: Mapped[int | None] = mapped_column(Integer, info=C1)
    day_of_month: Mapped[int | None] = mapped_column(Integer, info=C1)
    on_date: Mapped[date | None] = mapped_column(Date, info=C1)
    holiday: Mapped[str] = mapped_column(Text, info=C1)
    notice_hours: Mapped[int] = mapped_column(Integer, info=C1)
    retries: Mapped[int] = mapped_column(Integer, info=C1)
    retry_when: Mapped[str] = mapped_column(Text, info=C1)
    valid_from: Mapped[date | None] = mapped_column(Date, info=C1)
    valid_to: Mapped[date | None] = mapped_column(Date, info=C1)
    document: Mapped[str] = mapped_column(Sealed(str), info=C2)  # JSON: the confirmed lines in both languages
    document_sha256: Mapped[bytes] = mapped_column(LargeBinary, info=C1)  # salted by the mandate's id
    step_up_id: Mapped[UUID] = mapped_column(info=C1)
    given_by: Mapped[UUID] = mapped_column(info=C1)
    given_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    replaces: Mapped[UUID | None] = mapped_column(info=C1)
    narrowed_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    off_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    revoked_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    revoked_by: Mapped[UUID | None] = mapped_column(info=C1)
    next_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)  # when its schedule or plan is looked at again
    plan_digest: Mapped[bytes | None] = mapped_column(LargeBinary, info=C1)  # of the household the last plan was for

    @validates("cap_minor")
    def _above_nothing(self, column: str, cap: int) -> int:
        return insist(cap, cap > 0, "mandates.cap_minor is above 0")


class RunRow(Base):
    """One debit of a mandate: for one bill, or for one day of a schedule; twice is once."""

    __tablename__ = "mandate_runs"
    __table_args__ = (
        ForeignKeyConstraint(["user_id", "mandate_id"], ["mandates.user_id", "mandates.id"]),
        UniqueConstraint("user_id", "mandate_id", "statement_on"),
        UniqueConstraint("user_id", "mandate_id", "occurrence_on"),
        Index("mandate_runs_due", "deadline_at", "lane", postgresql_where=text("next_at IS NOT NULL")),
        Index("mandate_runs_of_group", "user_id", "group_id"),
        CheckConstraint(f"stage IN ({STAGES})", name="stage_known"),
        CheckConstraint("(statement_on IS NULL) <> (occurrence_on IS NULL)", name="bill_or_day"),
        CheckConstraint(f"(stage IN ({OVER})) = (closed_at IS NOT NULL)", name="over_with_its_moment"),
        CheckConstraint("stage NOT IN ('skipped', 'failed') OR why IS NOT NULL", name="not_paid_with_its_reason"),
        CheckConstraint("stage <> 'ordered' OR group_id IS NOT NULL", name="ordered_with_its_order"),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    mandate_id: Mapped[UUID] = mapped_column(info=C1)
    account_id: Mapped[UUID] = mapped_column(info=C1)
    lane: Mapped[int] = mapped_column(Integer, info=C1)  # of the ledger: a transaction posts in one alone
    statement_on: Mapped[date | None] = mapped_column(Date, info=C1)  # the bill, whatever its version
    occurrence_on: Mapped[date | None] = mapped_column(Date, info=C1)  # the day of a schedule or of a plan's leg
    stage: Mapped[str] = mapped_column(Text, info=C1)
    why: Mapped[str | None] = mapped_column(Text, info=C1)
    leg_minor: Mapped[int | None] = mapped_column(Sealed(int), info=C2)  # what the plan wants on this day, fen
    amount_minor: Mapped[int | None] = mapped_column(Sealed(int), info=C2)  # as it was told or ordered, fen
    notice_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    pay_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    safe_by_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    deadline_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)  # who is nearest to it goes first
    shortened: Mapped[bool] = mapped_column(info=C1)
    late: Mapped[bool] = mapped_column(info=C1)
    provisional: Mapped[bool] = mapped_column(info=C1)
    tries: Mapped[int] = mapped_column(Integer, info=C1)  # orders made so far
    group_id: Mapped[UUID | None] = mapped_column(info=C1)  # of the last try
    order_id: Mapped[UUID | None] = mapped_column(info=C1)  # its first order
    retry_of: Mapped[UUID | None] = mapped_column(info=C1)  # the failed order that the next try follows
    blocked: Mapped[str | None] = mapped_column(Text, info=C1)  # the code of what forbids it, to its end; told once
    next_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    made_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    noticed_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    ordered_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    closed_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
