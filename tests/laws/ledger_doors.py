"""The database's own door, `ledger.post`, for lines that the service would never let through: accounts by number."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import psycopg
from sqlalchemy import Connection
from sqlalchemy.orm import Session
from tests.laws.plain_ledger import Ask

from anhuan.ledger.model import AccountKind, Result

POST: Final = """SELECT ledger.post(%s::smallint, %s::uuid[], %s::smallint[], %s::bigint[], %s::bigint[], %s::bigint[],
    %s::smallint[], %s::uuid[], %s::uuid[], %s::uuid[], %s::timestamptz[], %s::timestamptz[])"""
OPEN: Final = "SELECT ledger.accounts(%s::smallint, %s::text[], %s::smallint[], %s::uuid[], %s::text[])"
BOUND: Final = """SELECT ledger.set_bounds(%s::smallint, %s::bigint, %s::bigint, %s::bigint, %s, %s, 'a law',
    %s::uuid, %s::uuid)"""
ENTER: Final = "SELECT set_config('anhuan.party', %s, false), set_config('anhuan.person', %s, false)"
SOMEBODY: Final = UUID("01900000-0000-7000-8000-00000000beef")  # decided and approved what a law decides


def arrays(lines: Sequence[Ask]) -> tuple[list[Any], ...]:
    """The lines as the function takes them, one array a field."""
    return tuple(
        [getattr(line, name) for line in lines]
        for name in ("id", "kind", "src", "dst", "amount", "code", "parent", "group", "ref", "event_at", "expires_at")
    )


def post(where: psycopg.Connection[Any], shard: int, lines: Sequence[Ask]) -> list[Result]:
    """One batch through the function; what became of each line."""
    row = where.execute(POST, (shard, *arrays(lines))).fetchone()
    assert row is not None
    return [Result(code) for code in row[0]]


def open_accounts(
    where: psycopg.Connection[Any], shard: int, names: Sequence[tuple[str, AccountKind, UUID | None, str]]
) -> list[int]:
    """Accounts of (unit, kind, owner, sub) by number, opened where they are new."""
    units, kinds, owners, subs = (list(column) for column in zip(*names, strict=True))
    row = where.execute(OPEN, (shard, units, kinds, owners, subs)).fetchone()
    assert row is not None
    assert None not in row[0], "an account behind the wall"
    return list(row[0])


def bound(
    where: psycopg.Connection[Any],
    shard: int,
    account: int,
    floor: int | None,
    ceil: int | None,
    *,
    out: bool = False,
    into: bool = False,
) -> None:
    """Give an account bounds and freezes."""
    where.execute(BOUND, (shard, account, floor, ceil, out, into, SOMEBODY, SOMEBODY))


def enter(where: psycopg.Connection[Any], party: UUID | None) -> None:
    """Open the rows of this party to the connection, until it enters as another."""
    where.execute(ENTER, (str(party or ""), str(party or "")))


def driver(where: Session | Connection) -> psycopg.Connection[Any]:
    """The driver's own connection below SQLAlchemy's, in the same transaction."""
    connection = where.connection() if isinstance(where, Session) else where
    inner = connection.connection.driver_connection
    assert isinstance(inner, psycopg.Connection)
    return inner
