"""The second wall: row-level security. A transaction sees the rows of one party, the first wall being the stores' keys.

PostgreSQL's policies read three settings that hold for one transaction: the party whose rows are open, the person who
asks, and secrets that were presented (a row found by its secret is open to whoever holds it). Only room `identity`
says who that is; a house test watches the callers.
"""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

WEB: Final = "anhuan_app"
DESK: Final = "anhuan_desk"
WORK: Final = "anhuan_work"
AUDIT: Final = "anhuan_audit"
_SET: Final = text("SELECT set_config('anhuan.party', :party, true), set_config('anhuan.person', :person, true)")
_PRESENT: Final = text("SELECT set_config(:name, :value, true)")


def enter(db: Session, *, party: UUID | None, person: UUID | None = None) -> None:
    """Open the rows of this party, and the person's own, to the rest of the transaction; of nobody with None."""
    db.execute(_SET, {"party": str(party or ""), "person": str(person or "")})


def present(db: Session, kind: str, secret_hash: bytes) -> None:
    """Open the rows that are found by this hash (`handle`, `challenge`, ...) to the rest of the transaction."""
    assert kind.isidentifier(), kind
    db.execute(_PRESENT, {"name": f"anhuan.presented_{kind}", "value": secret_hash.hex()})


def everybody(db: Session) -> None:
    """Open the rows of all parties to the rest of the transaction: for the worker's role, nobody else is heard."""
    db.execute(_PRESENT, {"name": "anhuan.everybody", "value": "yes"})


def party_policy(table: str, *, key: str = "user_id") -> list[str]:
    """The statements that put up the wall around a table whose rows belong to parties."""
    return _policies(table, f"{key} = (SELECT anhuan_party())")


def person_policy(table: str, *, key: str = "person_id") -> list[str]:
    """The same for rows that belong to a person, whomever the person acts for."""
    return _policies(table, f"{key} = (SELECT anhuan_person())")


def _policies(table: str, own: str) -> list[str]:
    return [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"CREATE POLICY own ON {table} TO {WEB}, {WORK} USING ({own}) WITH CHECK ({own})",
        f"CREATE POLICY desk_reads ON {table} FOR SELECT TO {DESK} USING ({own})",
        role_policy(table, WORK, "(SELECT anhuan_everybody())"),
    ]


def role_policy(table: str, role: str, using: str, *, verb: str = "ALL") -> str:
    """One more opening for one role: rows that fulfil `using`; names itself after role and verb."""
    check = "" if verb in ("SELECT", "DELETE") else f" WITH CHECK ({using})"
    opening = "" if verb == "INSERT" else f" USING ({using})"
    return f"CREATE POLICY {role}_{verb.lower()} ON {table} FOR {verb} TO {role}{opening}{check}"


def possession_policy(table: str, column: str, kind: str, *, roles: Iterable[str] = (WEB,)) -> str:
    """A row is open to whoever presents the hash that stands in this column."""
    own = f"{column} = (SELECT anhuan_presented('{kind}'))"
    return f"CREATE POLICY held_{kind} ON {table} TO {', '.join(roles)} USING ({own}) WITH CHECK ({own})"


FUNCTIONS: Final = (
    """
    CREATE FUNCTION anhuan_party() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT nullif(current_setting('anhuan.party', true), '')::uuid $$""",
    """
    CREATE FUNCTION anhuan_person() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT nullif(current_setting('anhuan.person', true), '')::uuid $$""",
    """
    CREATE FUNCTION anhuan_presented(kind text) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT decode(nullif(current_setting('anhuan.presented_' || kind, true), ''), 'hex') $$""",
    """
    CREATE FUNCTION anhuan_everybody() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT coalesce(current_setting('anhuan.everybody', true), '') = 'yes' $$""",
)
