"""Sealing what lies in clear: for migrations that turn columns of a table that has rows into sealed ones."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, text

from anhuan.kit import vault

BATCH: Final = 2_000
Made = Callable[[Mapping[str, Any]], bytes | None]  # from the old row, what its new column holds


def sealed(table: str, column: str) -> Made:
    """The old value of the same column, sealed; nothing stays nothing."""
    place = f"{table}.{column}"

    def made(row: Mapping[str, Any]) -> bytes | None:
        return None if row[column] is None else vault.seal(place, row[column])

    return made


def seal_columns(connection: Connection, table: str, key: Sequence[str], made: Mapping[str, Made]) -> int:
    """Turn columns into bytea, filled by these functions in batches, and leave nothing of the old values in the file.

    The caller is the owner, inside a migration and `vault.keys_of`. Returns how many rows there were.
    """
    nullable = _nullable(connection, table)
    for column in made:
        connection.execute(text(f"ALTER TABLE {table} RENAME {column} TO {column}_clear"))
        connection.execute(text(f"ALTER TABLE {table} ADD {column} bytea"))
    rows = _fill(connection, table, key, made)
    for column in made:
        connection.execute(text(f"ALTER TABLE {table} DROP {column}_clear"))
        if not nullable[column]:
            connection.execute(text(f"ALTER TABLE {table} ALTER {column} SET NOT NULL"))
    # A dropped column stays in its rows until the table is written anew; a type "changed" by a function does that.
    # The pending checks of foreign keys must be done first.
    first = next(iter(made))
    connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    connection.execute(text(f"ALTER TABLE {table} ALTER {first} TYPE bytea USING substring({first} FROM 1)"))
    return rows


def _fill(connection: Connection, table: str, key: Sequence[str], made: Mapping[str, Made]) -> int:
    """Walk through the table by its key; each batch is one question and one update of whole columns."""
    keys = ", ".join(key)
    old = ", ".join(f"{name}_clear AS {name}" for name in made)
    others = ", ".join(name for name in _types(connection, table) if name not in made and not name.endswith("_clear"))
    after, done = "", 0
    last: dict[str, Any] = {}
    while True:
        asked = text(f"SELECT {others}, {old} FROM {table} {after} ORDER BY {keys} LIMIT {BATCH}")
        rows = [dict(row) for row in connection.execute(asked, last).mappings()]
        if not rows:
            return done
        fresh = [{name: row[name] for name in key} | {name: make(row) for name, make in made.items()} for row in rows]
        write_columns(connection, table, key, tuple(made), fresh)
        done += len(rows)
        last = {f"last_{name}": rows[-1][name] for name in key}
        after = f"WHERE ({keys}) > ({', '.join(f':last_{name}' for name in key)})"


def write_columns(
    connection: Connection, table: str, key: Sequence[str], columns: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Set these columns of many rows, found by their key, in one statement: each column is one array."""
    types = _types(connection, table)
    names = (*key, *columns)
    arrays = ", ".join(f"CAST(:{name} AS {types[name]}[])" for name in names)
    update = text(
        f"UPDATE {table} t SET {', '.join(f'{name} = n.{name}' for name in columns)}"
        f" FROM unnest({arrays}) AS n ({', '.join(names)})"
        f" WHERE ({', '.join(f't.{name}' for name in key)}) = ({', '.join(f'n.{name}' for name in key)})"
    )
    connection.execute(update, {name: [row[name] for row in rows] for name in names})


def _types(connection: Connection, table: str) -> dict[str, str]:
    asked = text(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = CAST(:table AS regclass) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
    )
    return {name: kind for name, kind in connection.execute(asked, {"table": table})}


def _nullable(connection: Connection, table: str) -> dict[str, bool]:
    asked = text(
        "SELECT attname, NOT attnotnull FROM pg_attribute"
        " WHERE attrelid = CAST(:table AS regclass) AND attnum > 0 AND NOT attisdropped"
    )
    return {name: free for name, free in connection.execute(asked, {"table": table})}
