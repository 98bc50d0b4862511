"""The books as mapped rows, for reading alone: what writes is a function of the owner (migrations/ledger)."""

from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import (
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from anhuan.kit.classes import C1, c2_clear
from anhuan.kit.db import Base

SCHEMA: Final = {"schema": "ledger"}
_RECKONED: Final = c2_clear("the database adds it up and holds its bounds; accounts carry numbers, not names")


class UnitRow(Base):
    """A unit: its book, digits, and whose points, coupons or loans it counts."""

    __tablename__ = "unit"
    __table_args__ = SCHEMA

    id: Mapped[int] = mapped_column(Integer, Identity(always=True), primary_key=True, info=C1)
    code: Mapped[str] = mapped_column(Text, unique=True, info=C1)
    book: Mapped[str] = mapped_column(Text, info=C1)
    scale: Mapped[int] = mapped_column(SmallInteger, info=C1)
    issuer: Mapped[UUID | None] = mapped_column(Uuid, info=C1)
    licence_id: Mapped[int | None] = mapped_column(Integer, ForeignKey("ledger.licence.id"), info=C1)
    opened_at: Mapped[datetime] = mapped_column(info=C1)


class LicenceRow(Base):
    """The licence and custody bank without which no unit of client money exists."""

    __tablename__ = "licence"
    __table_args__ = SCHEMA

    id: Mapped[int] = mapped_column(Integer, Identity(always=True), primary_key=True, info=C1)
    number: Mapped[str] = mapped_column(Text, unique=True, info=C1)
    bank: Mapped[str] = mapped_column(Text, info=C1)
    valid_to: Mapped[date] = mapped_column(Date, info=C1)
    first_approver: Mapped[UUID] = mapped_column(Uuid, info=C1)
    second_approver: Mapped[UUID] = mapped_column(Uuid, info=C1)
    entered_at: Mapped[datetime] = mapped_column(info=C1)


class OwnerRow(Base):
    """The lane of a person, firm or merchant."""

    __tablename__ = "owner"
    __table_args__ = SCHEMA

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, info=C1)
    shard: Mapped[int] = mapped_column(SmallInteger, info=C1)


class AccountRow(Base):
    """科目: a row with a balance in one unit."""

    __tablename__ = "account"
    __table_args__ = (
        Index("account_owner", "owner", postgresql_where=text("owner IS NOT NULL")),
        UniqueConstraint(
            "shard", "unit", "kind", "owner", "sub", name="one_of_a_name", postgresql_nulls_not_distinct=True
        ),
        SCHEMA,
    )

    shard: Mapped[int] = mapped_column(SmallInteger, primary_key=True, info=C1)
    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True, info=C1)
    unit: Mapped[int] = mapped_column(Integer, ForeignKey("ledger.unit.id"), info=C1)
    kind: Mapped[int] = mapped_column(SmallInteger, info=C1)
    owner: Mapped[UUID | None] = mapped_column(Uuid, info=C1)
    sub: Mapped[str] = mapped_column(Text, info=C1)
    floor: Mapped[int | None] = mapped_column(info=_RECKONED)
    ceil: Mapped[int | None] = mapped_column(info=_RECKONED)
    posted: Mapped[int] = mapped_column(info=_RECKONED)
    held: Mapped[int] = mapped_column(info=_RECKONED)
    held_in: Mapped[int] = mapped_column(info=_RECKONED)
    seq: Mapped[int] = mapped_column(info=C1)
    over: Mapped[bool] = mapped_column(info=C1)
    frozen_out: Mapped[bool] = mapped_column(info=C1)
    frozen_in: Mapped[bool] = mapped_column(info=C1)
    opened_at: Mapped[datetime] = mapped_column(info=C1)
    closed_at: Mapped[datetime | None] = mapped_column(info=C1)


class PostingRow(Base):
    """凭证: one row takes from `src` what it gives to `dst`. The table is cut into months by id."""

    __tablename__ = "posting"
    __table_args__ = SCHEMA

    src: Mapped[int] = mapped_column(info=C1)
    dst: Mapped[int] = mapped_column(info=C1)
    amount: Mapped[int] = mapped_column(info=_RECKONED)
    src_seq: Mapped[int] = mapped_column(info=C1)
    dst_seq: Mapped[int] = mapped_column(info=C1)
    src_bal: Mapped[int] = mapped_column(info=_RECKONED)
    dst_bal: Mapped[int] = mapped_column(info=_RECKONED)
    batch_no: Mapped[int] = mapped_column(info=C1)
    ts: Mapped[datetime] = mapped_column(info=C1)
    event_at: Mapped[datetime | None] = mapped_column(info=C1)
    unit: Mapped[int] = mapped_column(Integer, info=C1)
    shard: Mapped[int] = mapped_column(SmallInteger, primary_key=True, info=C1)
    line: Mapped[int] = mapped_column(SmallInteger, info=C1)
    kind: Mapped[int] = mapped_column(SmallInteger, info=C1)
    code: Mapped[int] = mapped_column(SmallInteger, info=C1)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, info=C1)
    parent_id: Mapped[UUID | None] = mapped_column(Uuid, info=C1)
    group_id: Mapped[UUID | None] = mapped_column(Uuid, info=C1)
    ref: Mapped[UUID | None] = mapped_column(Uuid, info=C1)


class HoldRow(Base):
    """冻结: what is set aside and not resolved yet."""

    __tablename__ = "hold"
    __table_args__ = (
        Index("hold_expires", "shard", "expires_at", postgresql_where=text("expires_at IS NOT NULL")),
        SCHEMA,
    )

    shard: Mapped[int] = mapped_column(SmallInteger, primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, info=C1)
    src: Mapped[int] = mapped_column(info=C1)
    dst: Mapped[int] = mapped_column(info=C1)
    unit: Mapped[int] = mapped_column(Integer, info=C1)
    amount: Mapped[int] = mapped_column(info=_RECKONED)
    expires_at: Mapped[datetime | None] = mapped_column(info=C1)


class ShardHeadRow(Base):
    """The end of one lane's chain."""

    __tablename__ = "shard_head"
    __table_args__ = SCHEMA

    shard: Mapped[int] = mapped_column(SmallInteger, primary_key=True, info=C1)
    batch_no: Mapped[int] = mapped_column(info=C1)
    ts: Mapped[datetime] = mapped_column(info=C1)
    hash: Mapped[bytes] = mapped_column(LargeBinary, info=C1)


class SealRow(Base):
    """One link of a lane's chain: a batch and the hash over it and all before."""

    __tablename__ = "seal"
    __table_args__ = SCHEMA

    shard: Mapped[int] = mapped_column(SmallInteger, primary_key=True, info=C1)
    batch_no: Mapped[int] = mapped_column(primary_key=True, info=C1)
    n: Mapped[int] = mapped_column(SmallInteger, info=C1)
    ts: Mapped[datetime] = mapped_column(info=C1)
    prev: Mapped[bytes] = mapped_column(LargeBinary, info=C1)
    hash: Mapped[bytes] = mapped_column(LargeBinary, info=C1)


class MonthRow(Base):
    """A month that has its partition."""

    __tablename__ = "month"
    __table_args__ = SCHEMA

    month: Mapped[date] = mapped_column(Date, primary_key=True, info=C1)
    from_id: Mapped[UUID] = mapped_column(Uuid, info=C1)
    to_id: Mapped[UUID] = mapped_column(Uuid, info=C1)
    state: Mapped[str] = mapped_column(Text, info=C1)


class SpanRow(Base):
    """What the open months span together."""

    __tablename__ = "span"
    __table_args__ = SCHEMA

    one: Mapped[bool] = mapped_column(primary_key=True, info=C1)
    from_id: Mapped[UUID] = mapped_column(Uuid, info=C1)
    to_id: Mapped[UUID] = mapped_column(Uuid, info=C1)


class AccountChangeRow(Base):
    """Bounds and freezes of an account, before and after, with the decision and who approved it."""

    __tablename__ = "account_change"
    __table_args__ = (Index("account_change_of", "shard", "account", "no"), SCHEMA)

    no: Mapped[int] = mapped_column(Identity(always=True), primary_key=True, info=C1)
    shard: Mapped[int] = mapped_column(SmallInteger, info=C1)
    account: Mapped[int] = mapped_column(info=C1)
    at: Mapped[datetime] = mapped_column(info=C1)
    login: Mapped[str] = mapped_column(Text, info=C1)
    old_floor: Mapped[int | None] = mapped_column(info=_RECKONED)
    old_ceil: Mapped[int | None] = mapped_column(info=_RECKONED)
    old_frozen_out: Mapped[bool] = mapped_column(info=C1)
    old_frozen_in: Mapped[bool] = mapped_column(info=C1)
    new_floor: Mapped[int | None] = mapped_column(info=_RECKONED)
    new_ceil: Mapped[int | None] = mapped_column(info=_RECKONED)
    new_frozen_out: Mapped[bool] = mapped_column(info=C1)
    new_frozen_in: Mapped[bool] = mapped_column(info=C1)
    reason: Mapped[str] = mapped_column(Text, info=C1)
    decision_id: Mapped[UUID] = mapped_column(Uuid, info=C1)
    approver: Mapped[UUID] = mapped_column(Uuid, info=C1)


class RootRow(Base):
    """A signed root over the ends of all chains."""

    __tablename__ = "root"
    __table_args__ = SCHEMA

    no: Mapped[int] = mapped_column(primary_key=True, info=C1)
    at: Mapped[datetime] = mapped_column(info=C1)
    heads: Mapped[bytes] = mapped_column(LargeBinary, info=C1)
    prev: Mapped[bytes] = mapped_column(LargeBinary, info=C1)
    hash: Mapped[bytes] = mapped_column(LargeBinary, info=C1)
    audit_place: Mapped[int] = mapped_column(info=C1)
    audit_link: Mapped[bytes] = mapped_column(LargeBinary, info=C1)
    key_id: Mapped[str] = mapped_column(Text, info=C1)
    signature: Mapped[bytes] = mapped_column(LargeBinary, info=C1)
