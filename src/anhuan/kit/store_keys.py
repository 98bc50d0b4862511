"""The table of data keys, each locked by the master key: what is asked of it and written to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, Connection, Integer, LargeBinary, Text, func, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from anhuan.kit.classes import C1, c3_hashed
from anhuan.kit.db import Base


class Purpose(StrEnum):
    """What a key is for."""

    DATA = "data"  # seals values
    INDEX = "index"  # makes the keyed hashes by which sealed values are found


class DataKeyRow(Base):
    """One data key as it lies in the database: locked, and without its secret (`wrapped`) once it is destroyed."""

    __tablename__ = "data_keys"
    __table_args__ = (CheckConstraint("purpose in ('data', 'index')", name="purpose_known"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, info=C1)
    purpose: Mapped[str] = mapped_column(Text, info=C1)
    algorithm: Mapped[str] = mapped_column(Text, info=C1)  # by which `wrapped` was locked
    master: Mapped[str] = mapped_column(Text, info=C1)  # the name of the master key that locked it
    wrapped: Mapped[bytes | None] = mapped_column(LargeBinary, info=c3_hashed("locked by the master key"))
    seals_reserved: Mapped[int] = mapped_column(BigInteger, default=0, info=C1)  # how often it was lent for sealing
    made_at: Mapped[datetime] = mapped_column(info=C1)
    retired_at: Mapped[datetime | None] = mapped_column(info=C1)  # from here on it opens, but seals no more
    destroyed_at: Mapped[datetime | None] = mapped_column(info=C1)


@dataclass(frozen=True, slots=True)
class LockedKey:
    """One row of the table, as values."""

    id: int
    purpose: Purpose
    algorithm: str
    master: str
    wrapped: bytes | None
    seals_reserved: int
    made_at: datetime
    retired_at: datetime | None
    destroyed_at: datetime | None


_TABLE = DataKeyRow.__table__


def keys(connection: Connection) -> Sequence[LockedKey]:
    """Every key there ever was, oldest first; a handful."""
    rows = connection.execute(select(*_TABLE.c).order_by(_TABLE.c.id).limit(10_000))
    return [LockedKey(**dict(row._mapping) | {"purpose": Purpose(row.purpose)}) for row in rows]


def next_number(connection: Connection) -> int:
    """The number that no key has had; the caller holds the lock of `alone`."""
    return int(connection.scalar(select(func.coalesce(func.max(_TABLE.c.id), 0))) or 0) + 1


def alone(connection: Connection) -> None:
    """Wait until nobody else changes the set of keys, and keep them waiting until the end of the transaction."""
    connection.execute(select(func.pg_advisory_xact_lock(func.hashtext("anhuan.data_keys"))))


def add(
    connection: Connection, number: int, purpose: Purpose, *, algorithm: str, master: str, wrapped: bytes, now: datetime
) -> None:
    """Keep a new key."""
    told = {"purpose": purpose.value, "algorithm": algorithm, "master": master, "wrapped": wrapped, "made_at": now}
    connection.execute(insert(DataKeyRow).values(id=number, seals_reserved=0, **told))


def relock(connection: Connection, number: int, *, algorithm: str, master: str, wrapped: bytes) -> None:
    """Put the same key under another master key."""
    changed = update(DataKeyRow).where(_TABLE.c.id == number)
    connection.execute(changed.values(algorithm=algorithm, master=master, wrapped=wrapped))


def retire(connection: Connection, number: int, *, now: datetime) -> None:
    """Let a key open what it sealed, and seal no more."""
    retired = update(DataKeyRow).where(_TABLE.c.id == number, _TABLE.c.retired_at.is_(None))
    connection.execute(retired.values(retired_at=now))


def destroy(connection: Connection, number: int, *, now: datetime) -> None:
    """Forget the secret of a key for ever; what it sealed can no longer be opened."""
    connection.execute(update(DataKeyRow).where(_TABLE.c.id == number).values(wrapped=None, destroyed_at=now))


def reserve(connection: Connection, number: int, count: int) -> int:
    """Count so many seals of a key before they are made; returns how many were lent in all, these included."""
    lent = update(DataKeyRow).where(_TABLE.c.id == number).values(seals_reserved=DataKeyRow.seals_reserved + count)
    return int(connection.execute(lent.returning(_TABLE.c.seals_reserved)).scalar_one())
