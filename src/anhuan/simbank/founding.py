"""Where the bank lives: its own database with its own login on the embedded server, and its control token in a file."""

import os
import secrets
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from anhuan.kit import db as databases
from anhuan.kit import settings
from anhuan.simbank.model import BadOrder, NoBankDatabase

NAME: Final = "anhuan_simbank"  # of the database and of its login


def database() -> str:
    """The address of the bank's own database: ANHUAN_SIMBANK_DATABASE, else one on the embedded server, made if new."""
    given = settings.read()
    if given.simbank_database is not None:
        return given.simbank_database
    if given.database_url is not None:
        sentence = "with DATABASE_URL set, ANHUAN_SIMBANK_DATABASE must name the simulated bank's own database"
        raise NoBankDatabase(sentence, field="ANHUAN_SIMBANK_DATABASE")
    return make(databases.access().owner, _password())


def make(admin_url: str, password: str, name: str = NAME) -> str:
    """Make a database that its own login alone may enter, or give that login this password; returns its address."""
    with psycopg.connect(admin_url, dbname="postgres", autocommit=True) as admin:
        who, what = sql.Identifier(name), sql.Literal(password)
        known = admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).fetchone()
        verb = sql.SQL("ALTER" if known else "CREATE")
        admin.execute(sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(verb, who, what))
        if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
            admin.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(who, who))
        admin.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(who))
        parts = {**admin.info.get_parameters(), "dbname": name, "user": name, "password": password}
    return psycopg.conninfo.make_conninfo(**parts)


def keep_token(token: str) -> Path:
    """Write the control token where this installation's commands find it, closed to others."""
    return _keep("control-token", token)


def read_token() -> str:
    """The control token that a bank of this installation left; refuses where none did."""
    place = _folder() / "control-token"
    if not place.exists():
        raise BadOrder(f"no bank has left its token in {place}; start one with `anhuan simbank`")
    return place.read_text().strip()


def _password() -> str:
    place = _folder() / "password"
    if place.exists():
        return place.read_text().strip()
    made = secrets.token_urlsafe(24)
    _keep("password", made)
    return made


def _folder() -> Path:
    return settings.read().home / "simbank"


def _keep(name: str, secret: str) -> Path:
    place = _folder() / name
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as out:
        out.write(secret + "\n")
    return place
