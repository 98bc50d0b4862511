"""`anhuan selfcheck`: walk through the house once and say what is not in order."""

import json
from collections.abc import Callable
from typing import Annotated, Final

import psycopg
import typer
from sqlalchemy.exc import DBAPIError

from anhuan.cli import checks
from anhuan.kit import clock, db, roles, settings, terminal
from anhuan.kit.errors import Bad, Broken

app = typer.Typer(rich_markup_mode=None)
SIGNS: Final = {"ok": "ok  ", "warn": "WARN", "fail": "FAIL"}


@app.command()
@terminal.may("installer")
def selfcheck(
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object, for machines")] = False,
) -> None:
    """Check settings, database, logins, keys, audit chain, worker; exit code 1 when something is not in order."""
    found = []
    for name, check in CHECKS.items():
        state, said = _looked(check)
        found.append({"name": name, "state": state, "said": said})
        if not as_json:
            typer.echo(f"{SIGNS[state]}  {name}: {said}")
    bad = any(one["state"] == "fail" for one in found)
    if as_json:
        typer.echo(json.dumps({"ok": not bad, "checks": found}, ensure_ascii=False))
    raise typer.Exit(1 if bad else 0)


def _looked(check: Callable[[], str]) -> tuple[str, str]:
    """`ok`, `warn` or `fail`, and the sentence."""
    try:
        return "ok", check()
    except checks.Worry as worry:
        return "warn", worry.message
    except Bad as trouble:
        return "fail", trouble.message
    except (psycopg.Error, DBAPIError, OSError) as trouble:
        return "fail", (str(trouble).splitlines() or [type(trouble).__name__])[0]


def check_settings() -> str:
    """The settings can be read; tells where the data lie."""
    given = settings.read()
    return f"data in {given.home}, port {given.port}"


def check_clock() -> str:
    """Nobody holds the clock of this installation: that is for the throw-away towns of `anhuan simulate`."""
    if clock.is_held():
        raise Broken(f"{clock.HELD_BY} is set: remove it, or this is no installation that anybody may rely on")
    return "the machine's own"


def check_database() -> str:
    """A server of the right version answers."""
    access = db.access()
    with psycopg.connect(access.app, connect_timeout=10) as connection:
        version = connection.info.parameter_status("server_version")
    return f"PostgreSQL {version}, {access.found}"


def check_rights() -> str:
    """The role of the application cannot change tables or roles."""
    with psycopg.connect(db.access().app, connect_timeout=10) as connection:
        wrong = roles.complaints(connection)
    if wrong:
        raise Broken("; ".join(wrong))
    return f"the application is {roles.APP}, without rights it does not need"


def check_tables() -> str:
    """The tables have the version that this program needs."""
    db.require_head()
    return f"version {db.head()}"


def check_calendar() -> str:
    """The working days of this year are known."""
    from anhuan.kit import calendar

    this_year, known = clock.today().year, calendar.current().years()
    if this_year not in known:
        raise Broken(f"the working days of {this_year} are not known to this version")
    later = "known" if this_year + 1 in known else "provisional"
    return f"working days known for {this_year}, {later} for {this_year + 1}"


def check_keys() -> str:
    """The master key opens the data keys, and the one that seals is far from worn out."""
    from anhuan.kit import store_keys, vault

    vault.open_("selfcheck.probe", vault.seal("selfcheck.probe", 0))
    with db.sessions().begin() as session:
        rows = [row for row in store_keys.keys(session.connection()) if row.purpose == "data" and not row.retired_at]
    newest = rows[-1]
    if len(rows) > 1:
        raise Broken("a rotation was not finished: run `anhuan keys rotate` again")
    if newest.seals_reserved > vault.WORN_AT:
        raise Broken(f"data key {newest.id} has sealed {newest.seals_reserved:,} values: run `anhuan keys rotate`")
    return f"data key {newest.id} seals, {newest.seals_reserved / vault.MOST_SEALS:.1%} used"


CHECKS: Final[dict[str, Callable[[], str]]] = {
    "settings": check_settings,
    "clock": check_clock,
    "database": check_database,
    "rights": check_rights,
    "tables": check_tables,
    "logins": checks.check_logins,
    "keys": check_keys,
    "key files": checks.check_files,
    "audit chain": checks.check_chain,
    "books": checks.check_books,
    "ledger roots": checks.check_roots,
    "installation": checks.check_mode,
    "origin": checks.check_origin,
    "worker": checks.check_worker,
    "watcher": checks.check_watcher,
    "mail": checks.check_mail,
    "calendar": check_calendar,
}
