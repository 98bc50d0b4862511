"""`anhuan db`: start, stop and look at the database, and bring its tables up to date."""

import typer

from anhuan.kit import db, postgres, roles, settings, terminal
from anhuan.kit.errors import Refused

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The database of this installation.")


class NotEmbedded(Refused):
    """DATABASE_URL names somebody's server, which is not ours to start or stop."""

    code = "database.not_embedded"


@app.command()
@terminal.may("installer")
def start() -> None:
    """Start the embedded server and let it run until `anhuan db stop`."""
    _embedded().keep()
    typer.echo("the database runs; stop it with: anhuan db stop")


@app.command()
@terminal.may("installer")
def stop() -> None:
    """Stop the embedded server, whoever uses it."""
    typer.echo("stopped" if _embedded().stop() else "the database was not running")


@app.command()
@terminal.may("installer")
def migrate() -> None:
    """Bring the tables to the version of this program."""
    typer.echo(f"the tables have version {db.migrate()}")


@app.command()
@terminal.may("installer")
def status() -> None:
    """Where the database is, whether it runs, and the version of its tables."""
    given = settings.read()
    if given.database_url is None and not _embedded().running():
        typer.echo(f"embedded server in {_embedded().data}: not running")
        return
    access = db.access()
    engine = db.open_engine(access.app)
    with engine.connect() as connection:
        number = connection.exec_driver_sql("SHOW server_version").scalar_one()
    where = f" in {_embedded().data}" if given.database_url is None else ""
    typer.echo(f"{access.found}{where}: PostgreSQL {number}, tables {db.version(engine) or 'none yet'} of {db.head()}")
    engine.dispose()


@app.command(name="roles")
@terminal.may("public")
def roles_script() -> None:
    """Print the SQL that makes our roles and database on a server of your own, for its administrator (psql)."""
    typer.echo(roles.script(), nl=False)


def _embedded() -> postgres.Embedded:
    given = settings.read()
    if given.database_url is not None:
        raise NotEmbedded("DATABASE_URL is set: that server is not ours to start or stop", field="DATABASE_URL")
    return postgres.Embedded(given.home, pg_bin=given.pg_bin)
