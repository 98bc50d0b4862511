"""Rotation: a new data key, and every sealed value under it, while the house goes on serving.

Nothing is locked but one batch of rows for the moment it takes to write it. Killed at any point and started again,
the rotation goes on where it was: the new key is known by not being alone, the work done by the key in each value.

It runs as the owner of the tables, who makes and retires keys anyway: no login that serves needs to see all parties'
rows for it, or to write what it may otherwise only read.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Engine, LargeBinary, Table, func, or_, select, text, tuple_, type_coerce

from anhuan.kit import clock, converting, db, keys, store_keys, vault
from anhuan.kit.errors import Broken, Unavailable
from anhuan.kit.store_keys import Purpose

BATCH: Final = 500  # rows that are locked together
MARGIN_SECONDS: Final = 5.0  # added to the lease, for a clock read just before it ended
PATIENCE_SECONDS: Final = 600.0  # how long transactions that may still write under the old key are waited for
_FOREIGN: Final = ("alembic_version", "procrastinate_%")

Told = Callable[[str, int, int], None]  # what is being done, how much of it is done, of how much


class StillBusy(Unavailable):
    """A transaction that may write under the old key does not end; the rotation goes on when started again."""

    code = "keys.still_busy"


class NotAllSealedAnew(Broken):
    """Values under an older key are left, so that key may be neither retired nor destroyed."""

    code = "keys.values_left"


@dataclass(frozen=True, slots=True)
class Place:
    """One table with sealed columns."""

    table: Table
    key: tuple[str, ...]
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation did."""

    number: int
    rows: int
    retired: tuple[int, ...]
    destroyed: tuple[int, ...]


def places() -> tuple[Place, ...]:
    """Every mapped table with sealed columns; the caller has imported the tables of all rooms."""
    found = []
    for table in db.Base.metadata.sorted_tables:
        columns = tuple(column.name for column in table.columns if isinstance(column.type, vault.Sealed))
        if columns:
            found.append(Place(table, tuple(column.name for column in table.primary_key), columns))
    return tuple(found)


def rotate(
    owner: Engine,
    *,
    forget: bool = False,
    told: Told = lambda what, done, of: None,
    wait: Callable[[float], None] = time.sleep,
) -> Rotated:
    """Seal everything under a new key, or under the one that a killed rotation had made; returns what was done.

    With `forget` the secrets of all older data keys are destroyed at the end: copies of sealed values in old backups
    can then never be opened.
    """
    with owner.begin() as connection:
        number, made_at = _newest(connection)
    _let_all_know(made_at, told, wait)
    vault.header_now()
    rows = _walk(owner, told)
    _outlast(owner, told, wait)
    rows += _walk(owner, told)
    with owner.begin() as connection:
        left = remaining(connection)
        if left:
            raise NotAllSealedAnew("values under an older key are left in " + ", ".join(sorted(left)))
        store_keys.alone(connection)
        older = [key for key in store_keys.keys(connection) if key.purpose == Purpose.DATA and key.id < number]
        retired = [key.id for key in older if key.retired_at is None]
        destroyed = [key.id for key in older if key.wrapped is not None] if forget else []
        for key_id in retired:
            store_keys.retire(connection, key_id, now=clock.now())
        if destroyed:
            _insist_all_known(connection)
        for key_id in destroyed:
            store_keys.destroy(connection, key_id, now=clock.now())
    return Rotated(number, rows, tuple(retired), tuple(destroyed))


def remaining(connection: Connection) -> dict[str, int]:
    """How many rows of each table hold a value that is not sealed by the key and cipher of now, as the owner sees."""
    header = vault.header_now()
    found = {}
    for place in places():
        count = connection.scalar(select(func.count()).select_from(place.table).where(_stale(place, header)))
        if count:
            found[place.table.name] = int(count)
    return found


def _newest(connection: Connection) -> tuple[int, datetime]:
    """The key to seal under: a fresh one, unless two data keys seal already, which a killed rotation left so."""
    store_keys.alone(connection)
    held = [row for row in store_keys.keys(connection) if row.purpose == Purpose.DATA and row.retired_at is None]
    now = clock.now()
    if len(held) > 1:
        return held[-1].id, held[-1].made_at
    return keys.add_key(connection, keys.master(), Purpose.DATA, now=now), now


def _let_all_know(made_at: datetime, told: Told, wait: Callable[[float], None]) -> None:
    """Wait until every process has had to ask which key seals."""
    lease = vault.LEASE_SECONDS + MARGIN_SECONDS
    until = made_at + timedelta(seconds=lease)
    while (left := (until - clock.now()).total_seconds()) > 0:
        told("waiting for every process to take the new key", round(lease - left), round(lease))
        wait(min(1.0, left))


def _walk(owner: Engine, told: Told) -> int:
    """Once through every table; returns how many rows were sealed anew."""
    header, total = vault.header_now(), 0
    for place in places():
        with owner.begin() as connection:
            of = connection.scalar(select(func.count()).select_from(place.table).where(_stale(place, header))) or 0
        done = 0
        for count in _batches(owner, place, header):
            done += count
            told(place.table.name, done, max(of, done))
        total += done
    return total


def _batches(owner: Engine, place: Place, header: bytes) -> Iterator[int]:
    """Seal a table anew, batch by batch in the order of its key, each in a transaction of its own."""
    last: tuple[Any, ...] | None = None
    while True:
        with owner.begin() as connection:
            rows = _take(connection, place, header, last)
            if not rows:
                return
            converting.write_columns(
                connection, place.table.name, place.key, place.columns, [_anew(place, row, header) for row in rows]
            )
            last = tuple(rows[-1][name] for name in place.key)
        yield len(rows)


def _take(connection: Connection, place: Place, header: bytes, last: tuple[Any, ...] | None) -> list[dict[str, Any]]:
    """The next rows that hold an older value, as bytes, locked until the end of the transaction."""
    key = [place.table.c[name] for name in place.key]
    asked = select(*key, *(_bytes(place, name).label(name) for name in place.columns)).where(_stale(place, header))
    if last is not None:
        asked = asked.where(tuple_(*key) > tuple_(*last))
    asked = asked.order_by(*key).limit(BATCH).with_for_update(key_share=True)
    return [dict(row) for row in connection.execute(asked).mappings()]


def _anew(place: Place, row: dict[str, Any], header: bytes) -> dict[str, Any]:
    """The row with its older values under the key of now."""
    fresh = dict(row)
    for name in place.columns:
        if row[name] is not None and row[name][:5] != header:
            at = f"{place.table.name}.{name}"
            fresh[name] = vault.seal_raw(at, vault.open_raw(at, row[name]))
    return fresh


def _stale(place: Place, header: bytes) -> Any:
    """Whether any value of a row was not sealed by the key and cipher of now; nothing is never stale."""
    return or_(*(func.substring(_bytes(place, name), 1, 5) != header for name in place.columns))


def _bytes(place: Place, name: str) -> Any:
    return type_coerce(place.table.c[name], LargeBinary)


_OPEN = text(
    "SELECT held.virtualxid FROM pg_locks held JOIN pg_stat_activity who USING (pid)"
    " WHERE held.locktype = 'virtualxid' AND held.granted AND held.pid <> pg_backend_pid()"
    " AND who.datname = current_database() AND who.usename IS NOT NULL"
)
"""Every transaction open in this database, those that have written nothing yet among them. Transaction numbers
(pg_current_snapshot) would not do: they count those of every other database of the server, and miss these. Vacuum has
no user and is not waited for."""


def _outlast(owner: Engine, told: Told, wait: Callable[[float], None]) -> None:
    """Wait for the end of every transaction that may have sealed a value before the new key was known to all."""
    with owner.connect() as connection:
        older = set(connection.scalars(_OPEN))
    since = time.monotonic()
    while older:
        with owner.connect() as connection:
            older &= set(connection.scalars(_OPEN))
        if not older:
            return
        passed = time.monotonic() - since
        if passed > PATIENCE_SECONDS:
            raise StillBusy("a transaction has been open for too long; run `anhuan keys rotate` again after it ended")
        told("waiting for open transactions to end", round(passed), round(PATIENCE_SECONDS))
        wait(0.2)


def _insist_all_known(connection: Connection) -> None:
    """Before a key is destroyed: no table with bytes in it may be one that this program does not know."""
    asked = text(
        "SELECT DISTINCT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relnamespace = CAST('public' AS regnamespace) AND c.relkind IN ('r', 'p')"
        " AND a.atttypid = CAST('bytea' AS regtype) AND NOT a.attisdropped AND NOT (c.relname LIKE ANY (:foreign))"
    )
    found = set(connection.scalars(asked, {"foreign": list(_FOREIGN)}))
    if unknown := found - set(db.Base.metadata.tables):
        raise NotAllSealedAnew("this program does not know the tables " + ", ".join(sorted(unknown)))
