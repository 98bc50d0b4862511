"""Whether the books are guarded as they should be: what a login could do to the tables of the schema `ledger`."""

from typing import Any, Final, LiteralString

import psycopg

_WRITES: Final[LiteralString] = """
    SELECT c.relname FROM pg_class c
    WHERE c.relnamespace = 'ledger'::regnamespace AND c.relkind IN ('r', 'p', 'v')
      AND (has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER') OR pg_has_role(c.relowner, 'USAGE'))
    ORDER BY 1"""
_OWNED: Final[LiteralString] = """
    SELECT p.proname FROM pg_proc p
    WHERE p.pronamespace = 'ledger'::regnamespace AND pg_has_role(p.proowner, 'USAGE') ORDER BY 1"""
_SCHEMA: Final[LiteralString] = "SELECT has_schema_privilege('ledger', 'CREATE')"
# Every table that is only added to, partitions too, with the guards that stand before it and are awake.
_GUARDED: Final[LiteralString] = """
    SELECT c.relname FROM pg_class c
    WHERE c.relnamespace = 'ledger'::regnamespace AND c.relkind IN ('r', 'p')
      AND (c.relispartition OR c.relname IN ('posting', 'seal', 'account', 'account_change', 'root'))
      AND (SELECT count(*) FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgenabled IN ('O', 'A')
           AND t.tgfoid = 'ledger.stays()'::regprocedure) 
        < CASE c.relname WHEN 'posting' THEN 1 WHEN 'account' THEN 3 ELSE 2 END
    ORDER BY 1"""


def may_change(login: psycopg.Connection[Any]) -> list[str]:
    """Tables and functions of the ledger that this login could change beside `ledger.post`; empty is right."""
    found = [name for (name,) in login.execute(_WRITES)] + [name for (name,) in login.execute(_OWNED)]
    row = login.execute(_SCHEMA).fetchone()
    return found + (["the schema itself"] if row is not None and row[0] else [])


def unguarded(login: psycopg.Connection[Any]) -> list[str]:
    """Tables that are only added to, and whose triggers against UPDATE, DELETE and TRUNCATE are gone or asleep."""
    return [name for (name,) in login.execute(_GUARDED)]
