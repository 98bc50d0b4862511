"""Counters of tries in the database, one row for each thing that is counted; no row tells whom it is about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Engine, LargeBinary, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from anhuan.kit.classes import C1
from anhuan.kit.db import Base

SWEPT_AT_MOST: Final = 20_000  # rows of one sweep

# Each try moves `busy_until` one step on, unless that would lead further ahead than the window (the generic cell rate
# algorithm). The keys come sorted, so two statements over the same rows never wait for each other. A crash may lose the
# last tries, never a row of anybody's money: the commit need not wait for the disk. A counter that lies further ahead
# than its window was written by a clock that has been put back since: it counts as fresh, and locks nobody out.
_TAKE: Final = text("""
    INSERT INTO rate_counters AS held (key_hash, busy_until)
    SELECT asked.key, CAST(:now AS timestamptz) + asked.step
      FROM unnest(CAST(:keys AS bytea[]), CAST(:steps AS interval[])) AS asked (key, step) ORDER BY asked.key
    ON CONFLICT (key_hash) DO UPDATE SET busy_until = (
        SELECT CASE WHEN base + step <= now + fill THEN base + step ELSE held.busy_until END
        FROM (SELECT CAST(:now AS timestamptz) AS now, excluded.busy_until - CAST(:now AS timestamptz) AS step,
              (CAST(:windows AS interval[]))[array_position(CAST(:keys AS bytea[]), held.key_hash)] AS fill) AS asked,
        LATERAL (SELECT CASE WHEN held.busy_until > now + fill THEN now
                             ELSE greatest(held.busy_until, now) END AS base) AS known)
    RETURNING new.key_hash, old.busy_until, new.busy_until, set_config('synchronous_commit', 'off', true)
""")
_SWEEP: Final = text("""
    DELETE FROM rate_counters WHERE key_hash IN
        (SELECT key_hash FROM rate_counters WHERE busy_until < :before LIMIT :at_most FOR UPDATE SKIP LOCKED)
""")


class RateRow(Base):
    """One counter: the keyed hash of what is counted, and until when its tries fill the time."""

    __tablename__ = "rate_counters"

    key_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True, info=C1)
    busy_until: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), info=C1)


@dataclass(frozen=True, slots=True)
class Try:
    """One thing to count: the hash of its key, the time one try takes, and the time that may be filled ahead."""

    key_hash: bytes
    step: timedelta
    window: timedelta


def take(bind: Engine | Connection, tries: Sequence[Try], *, now: datetime) -> dict[bytes, datetime]:
    """Count each try that still fits, all in one statement; returns the refused ones with the moment each fits again.

    On an engine it works on a connection of its own and is committed at once: what becomes of the request that tried
    changes nothing. On a connection (a test's) it stays inside that connection's transaction.
    """
    asked = sorted({each.key_hash: each for each in tries}.values(), key=lambda each: each.key_hash)
    values = {
        "now": now,
        "keys": [each.key_hash for each in asked],
        "steps": [each.step for each in asked],
        "windows": [each.window for each in asked],
    }
    counted = _run(bind, _TAKE, values)
    steps = {each.key_hash: each for each in asked}
    return {
        key: before + steps[key].step - steps[key].window
        for key, before, after, _ in counted
        if before is not None and before == after
    }


def sweep(bind: Engine | Connection, *, before: datetime) -> None:
    """Forget counters that came to rest before this moment."""
    _run(bind, _SWEEP, {"before": before, "at_most": SWEPT_AT_MOST})


def _run(bind: Engine | Connection, statement: Any, values: dict[str, Any]) -> list[Any]:
    if isinstance(bind, Connection):
        with bind.begin_nested():
            done = bind.execute(statement, values)
            return list(done.all()) if done.returns_rows else []
    with bind.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        done = connection.execute(statement, values)
        return list(done.all()) if done.returns_rows else []
