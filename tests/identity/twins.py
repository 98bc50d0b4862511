"""Two parties with one row in every table that belongs to somebody, so that a wall can be tried from each side.

The database is a copy of the migrated one with its walls as they are. Only what would ask for meaningful values
(foreign keys, checks, triggers) is taken away, so that a table that is new tomorrow is filled too.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import Engine, create_engine, make_url
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from anhuan.kit import db as database
from anhuan.kit import postgres, wall

LIN: Final = UUID("01900000-0000-7000-8000-00000000000a")
MEI: Final = UUID("01900000-0000-7000-8000-00000000000b")
THINGS: Final = {
    LIN: UUID("01900000-0000-7000-8000-0000000000aa"),
    MEI: UUID("01900000-0000-7000-8000-0000000000bb"),
}  # whatever has an id in Lin's rows has this one, so that a question with it would find all of them
KEYS: Final = ("user_id", "person_id")
LOGINS: Final = ("app", "desk", "work", "audit")


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose rows belong to somebody: its columns with their types, and the columns that say who."""

    name: str
    columns: dict[str, str]
    keys: tuple[str, ...]
    generated: frozenset[str]


@dataclass(frozen=True, slots=True)
class Twins:
    """The database of Lin and Mei."""

    name: str
    access: postgres.Access
    tables: tuple[Table, ...]

    def url(self, login: str) -> str:
        """The address of this database for a login, or for its administrator (`owner`)."""
        return make_url(getattr(self.access, login)).set(database=self.name).render_as_string(hide_password=False)

    def engine(self, login: str) -> Engine:
        """Connections of a login, each used once."""
        return create_engine(database.driver_url(self.url(login)), poolclass=NullPool)

    @contextmanager
    def behind(self, login: str, who: UUID | None) -> Iterator[Session]:
        """A transaction of a login behind the wall of one party, undone at its end."""
        engine = self.engine(login)
        with Session(engine) as db:
            wall.enter(db, party=who, person=who)
            yield db
            db.rollback()
        engine.dispose()

    def marks(self, who: UUID) -> dict[str, str]:
        """What stands in every table for a party, as one hash each, read by the administrator."""
        found = {}
        with psycopg.connect(self.url("owner")) as admin:
            for table in self.tables:
                asked = sql.SQL("SELECT string_agg(t::text, '|' ORDER BY t::text) FROM {} t WHERE {} = %s").format(
                    sql.Identifier(table.name), sql.Identifier(table.keys[0])
                )
                row = admin.execute(asked, (who,)).fetchone()
                found[table.name] = hashlib.sha256(str(row).encode()).hexdigest()
        return found


def tables_of(admin: psycopg.Connection) -> tuple[Table, ...]:
    """Every table of the schema with a column that says whose a row is."""
    found: dict[str, tuple[dict[str, str], set[str]]] = {}
    asked = (
        "SELECT c.relname, a.attname, format_type(a.atttypid, NULL), a.attgenerated <> '' OR a.attidentity = 'a'"
        " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0"
        " AND NOT a.attisdropped ORDER BY 1, a.attnum"
    )
    for name, column, kind, generated in admin.execute(asked):
        columns, made = found.setdefault(name, ({}, set()))
        columns[column] = kind
        if generated:
            made.add(column)
    return tuple(
        Table(name, columns, tuple(key for key in KEYS if key in columns), frozenset(made))
        for name, (columns, made) in found.items()
        if any(key in columns for key in KEYS)
    )


def fill(admin: psycopg.Connection, tables: tuple[Table, ...]) -> None:
    """One row for each of the two in every table."""
    for table in tables:
        loosen(admin, table.name)
    for table in tables:
        for who in (LIN, MEI):
            row = row_of(table, who)
            admin.execute(
                sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
                    sql.Identifier(table.name),
                    sql.SQL(", ").join(map(sql.Identifier, row)),
                    sql.SQL(", ").join(sql.SQL("{}::" + kind).format(sql.Placeholder()) for kind, _ in row.values()),
                ),
                [value for _, value in row.values()],
            )


def loosen(admin: psycopg.Connection, table: str) -> None:
    """Take away what asks for meaningful values; keys and the wall stay."""
    asked = "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype IN ('c', 'f')"
    for (name,) in admin.execute(asked, (table,)).fetchall():
        drop = sql.SQL("ALTER TABLE {} DROP CONSTRAINT IF EXISTS {} CASCADE")
        admin.execute(drop.format(sql.Identifier(table), sql.Identifier(name)))
    admin.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER ALL").format(sql.Identifier(table)))


def row_of(table: Table, who: UUID) -> dict[str, tuple[str, object]]:
    """A row of this party: type and value for each column that takes one."""
    return {
        column: (kind, who if column in table.keys else value_of(kind, who))
        for column, kind in table.columns.items()
        if column not in table.generated
    }


def value_of(kind: str, who: UUID) -> object:
    """Something of a type that belongs to one of the two."""
    if kind.endswith("[]"):
        return [value_of(kind.removesuffix("[]"), who)]
    known: dict[str, object] = {
        "uuid": THINGS[who],
        "bytea": THINGS[who].bytes,
        "boolean": False,
        "jsonb": Jsonb({}),
        "json": Jsonb({}),
        "date": "2026-11-22",
        "daterange": "[2026-01-01,)",
        "timestamp with time zone": "2026-11-22T01:00:00Z",
        "text": "x",
        "character varying": "x",
        "inet": "192.0.2.1",
    }
    return known.get(kind, 1 if who == LIN else 2)
