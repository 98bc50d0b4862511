"""The roles of the database: one owns the tables, four log in, each behind the wall that its work allows."""

from collections.abc import Mapping
from typing import Final, LiteralString

import psycopg
from psycopg import sql

OWNER: Final = "anhuan_owner"
APP: Final = "anhuan_app"
AUDIT: Final = "anhuan_audit"
DESK: Final = "anhuan_desk"  # operators' pages: reads, one party at a time
WORK: Final = "anhuan_work"  # the background worker
LOGINS: Final = (APP, AUDIT, DESK, WORK)
DATABASE: Final = "anhuan"

_INSIDE: Final[tuple[LiteralString, ...]] = (
    "ALTER SCHEMA public OWNER TO anhuan_owner",
    "REVOKE ALL ON SCHEMA public FROM PUBLIC",
    "GRANT USAGE ON SCHEMA public TO anhuan_app, anhuan_audit, anhuan_desk, anhuan_work",
)


def create_roles(admin: psycopg.Connection, passwords: Mapping[str, str]) -> None:
    """Make the roles, or give those that exist these passwords; needs a connection in autocommit mode."""
    for name, password in ((OWNER, None), *((name, passwords[name]) for name in LOGINS)):
        known = admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).fetchone()
        verb = sql.SQL("ALTER" if known else "CREATE")
        login = sql.SQL("NOLOGIN") if password is None else sql.SQL("LOGIN PASSWORD {}").format(sql.Literal(password))
        admin.execute(sql.SQL("{} ROLE {} {}").format(verb, sql.Identifier(name), login))


def create_database(admin: psycopg.Connection, name: str = DATABASE, *, template: str | None = None) -> None:
    """Make a database of the owner that nobody else may enter but our logins; does nothing if it exists."""
    if admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
        return
    database = sql.Identifier(name)
    copy = (
        sql.SQL("") if template is None else sql.SQL(" TEMPLATE {} STRATEGY file_copy").format(sql.Identifier(template))
    )
    admin.execute(sql.SQL("CREATE DATABASE {} OWNER anhuan_owner").format(database) + copy)
    admin.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
    let_in(admin, name)


def let_in(admin: psycopg.Connection, name: str = DATABASE) -> None:
    """Let our logins connect to a database."""
    logins = sql.SQL(", ").join(map(sql.Identifier, LOGINS))
    admin.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(name), logins))


def open_schema(inside: psycopg.Connection) -> None:
    """Give the schema of the database to the owner, and let our logins use it."""
    for statement in _INSIDE:
        inside.execute(statement)


def script() -> str:
    """The same as SQL for the administrator of somebody's server, who fills in the passwords."""
    return "\n".join(
        [
            f"CREATE ROLE {OWNER} NOLOGIN;",
            *(f"CREATE ROLE {name} LOGIN PASSWORD :'{name.removeprefix('anhuan_')}_password';" for name in LOGINS),
            f"CREATE ROLE anhuan_migrator LOGIN PASSWORD :'migrator_password' IN ROLE {OWNER};",
            f"CREATE DATABASE {DATABASE} OWNER {OWNER} ENCODING 'UTF8' TEMPLATE template0;",
            f"REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC;",
            f"GRANT CONNECT ON DATABASE {DATABASE} TO {', '.join(LOGINS)}, anhuan_migrator;",
            f"\\connect {DATABASE}",
            *(f"{statement};" for statement in _INSIDE),
            "",
        ]
    )


def complaints(app: psycopg.Connection) -> list[str]:
    """What is wrong with the role the application logs in as; nothing may move money while this list is not empty."""
    row = app.execute(
        "SELECT current_user, rolsuper, rolcreaterole,"
        " EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        "         WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND pg_has_role(c.relowner, 'USAGE'))"
        " FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    if row is None:
        return ["the role of this connection is not known to the server"]
    name, is_super, may_grant, owns = row
    said = [f"{name} is a superuser"] if is_super else []
    said += [f"{name} may create roles"] if may_grant and not is_super else []
    return said + ([f"{name} owns the tables it writes"] if owns and not is_super else [])
