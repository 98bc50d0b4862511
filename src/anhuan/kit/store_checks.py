"""What `anhuan selfcheck` asks of the database: what a login could do beyond its work, and how late things are."""

from datetime import datetime
from typing import Final

import psycopg
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from anhuan.kit import roles
from anhuan.kit.audit_tables import AuditRow, AuditWaiting

SECRETS: Final = "passwords, passkeys, totps, recovery_codes, challenges"  # the web's login alone reads these
RECORDS: Final = "audit_log, audit_chain, audit_roots"  # nobody changes these
_NEVER: Final = {
    roles.APP: ((RECORDS, "INSERT, UPDATE, DELETE, TRUNCATE"),),
    roles.DESK: ((RECORDS, "INSERT, UPDATE, DELETE, TRUNCATE"), (SECRETS, "SELECT, INSERT, UPDATE, DELETE")),
    roles.WORK: ((RECORDS, "INSERT, UPDATE, DELETE, TRUNCATE"),),
    roles.AUDIT: (("*", "INSERT, UPDATE, DELETE, TRUNCATE"), (SECRETS, "SELECT")),
}
_HELD = (
    "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')"
    " AND (%(all)s OR c.relname = ANY (%(tables)s)) AND has_table_privilege(c.oid, %(privileges)s) ORDER BY 1"
)
_SIGN = text("SELECT max(last_heartbeat) FROM procrastinate_workers")


def beyond_its_work(login: psycopg.Connection, expected: str) -> list[str]:
    """What is wrong with one login: whose it is, what it may on every table, whether walls hold it; empty is right."""
    row = login.execute("SELECT current_user, rolbypassrls FROM pg_roles WHERE rolname = current_user").fetchone()
    if row is None or row[0] != expected:
        return [f"{row[0] if row else 'nobody'} logs in where {expected} should"]
    said = [*roles.complaints(login), *([f"{expected} passes through every wall"] if row[1] else [])]
    for tables, privileges in _NEVER[expected]:
        asked = {"all": tables == "*", "tables": tables.split(", "), "privileges": privileges}
        found = [name for (name,) in login.execute(_HELD, asked).fetchall()]
        said += [f"{expected} may {privileges} on {', '.join(found)}"] if found else []
    return said


def oldest_waiting(db: Session) -> tuple[int, datetime | None]:
    """Records that the chain does not hold yet, and when the oldest was written; for the auditors' login."""
    asked = select(func.count(), func.min(AuditRow.written_at)).join(
        AuditWaiting, AuditWaiting.number == AuditRow.number
    )
    count, oldest = db.execute(asked).one()
    return count, oldest


def last_sign_of_life(db: Session) -> datetime | None:
    """The last heartbeat of any worker; for the worker's and the auditors' login."""
    found: datetime | None = db.scalar(_SIGN)
    return found
