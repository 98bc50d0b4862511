"""`anhuan keys`: the keys that seal what people own and owe: look at them, make new ones, change their master.

Whoever runs this holds the files of the installation and may act as the owner of the tables, as for migrations.
"""

import importlib
import pkgutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.pool import NullPool

import anhuan
from anhuan.kit import db, keys, resealing, store_keys, terminal, vault
from anhuan.kit.errors import Refused
from anhuan.kit.store_keys import LockedKey

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The keys that seal people's data.")

_CIPHERS: Final = {vault.AES: "AES-256-GCM", vault.SM4: "SM4-GCM"}


class NotSure(Refused):
    """Destroying keys cannot be undone, so it is asked for twice."""

    code = "keys.not_sure"


@app.command()
@terminal.may("installer")
def status() -> None:
    """Which keys there are, how worn they are, and what is still sealed by an older one."""
    import_tables()
    with _owner() as engine, engine.connect() as connection:
        for row in store_keys.keys(connection):
            typer.echo(_line(row))
        left = resealing.remaining(connection)
    typer.echo(f"sealed from now on by: {_CIPHERS[vault.chosen_format()]}, master key {keys.master().name}")
    typer.echo("under older keys or ciphers: " + (_counts(left) if left else "nothing"))


@app.command()
@terminal.may("installer")
def rotate(
    forget: Annotated[bool, typer.Option("--forget", help="destroy the older keys at the end")] = False,
    sure: Annotated[bool, typer.Option("--yes", help="old backups may become unreadable: I know")] = False,
) -> None:
    """Make a new data key and seal everything anew while the house serves; safe to stop and to start again."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    if forget and not sure:
        raise NotSure("--forget destroys the older keys, for backups too: add --yes", field="forget")
    import_tables()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with _owner() as engine, Progress(*columns, console=Console(stderr=True)) as progress:
        shown: dict[str, int] = {}

        def told(what: str, done: int, of: int) -> None:
            if what not in shown:
                shown[what] = progress.add_task(what, total=of)
            progress.update(shown[what], completed=done, total=of)  # type: ignore[arg-type]

        done = resealing.rotate(engine, forget=forget, told=told)
    typer.echo(f"data key {done.number} seals; {done.rows} rows sealed anew")
    for word, numbers in (("retired", done.retired), ("destroyed", done.destroyed)):
        if numbers:
            typer.echo(f"{word}: data key {', '.join(map(str, numbers))}")


@app.command()
@terminal.may("installer")
def rewrap(
    to: Annotated[Path | None, typer.Option("--to", help="write the new master key to this new file")] = None,
    from_kms: Annotated[str | None, typer.Option("--from-kms", help="the program that unlocks the keys of now")] = None,
    to_kms: Annotated[str | None, typer.Option("--to-kms", help="the program of the key service to move to")] = None,
) -> None:
    """Put the data keys under a new master key: of a file, or of a key service; no sealed value is touched.

    Without options a fresh key takes the place of the installation's file, and the former one is kept beside it.
    """
    if to is not None and to_kms is not None:
        raise Refused("name a file or a key service, not both", field="to")
    before = keys.service(from_kms) if from_kms else keys.master()
    place = keys.master_file()
    fresh = to or place.with_suffix(".new")
    if to_kms is None:
        keys.write_key(fresh)
    after = keys.service(to_kms) if to_kms else keys.held_in(fresh)
    with _owner() as engine, engine.begin() as connection:
        count = keys.rewrap(connection, before, after)
    typer.echo(f"{count} keys are under the master key {after.name}")
    if to_kms is not None:
        typer.echo(f"from now on set ANHUAN_KMS_COMMAND={to_kms}")
    elif to is not None or before.name != _name_of(place):
        typer.echo(f"the master key lies in {fresh}: put it where this installation looks for it")
    else:
        former = place.with_suffix(f".{before.name}")
        former.hardlink_to(place)
        fresh.replace(place)
        typer.echo(f"{place} is new; {former} opens old backups: keep it where they are kept")


def import_tables() -> None:
    """Import the mapped tables of all rooms, so that no sealed column is overlooked."""
    for room in pkgutil.iter_modules(anhuan.__path__):
        if not room.ispkg:
            continue
        package = importlib.import_module(f"anhuan.{room.name}")
        for file in pkgutil.iter_modules(package.__path__):
            if "tables" in file.name or file.name.startswith("store_"):
                importlib.import_module(f"anhuan.{room.name}.{file.name}")


@contextmanager
def _owner() -> Iterator[Engine]:
    """The database as its owner, who alone makes and retires keys."""
    engine = create_engine(db.driver_url(db.access().owner), poolclass=NullPool, hide_parameters=True)
    event.listen(engine, "begin", db._become_owner)
    yield engine
    engine.dispose()


def _line(row: LockedKey) -> str:
    state = "destroyed" if row.destroyed_at else "retired" if row.retired_at else "in use"
    worn = f", lent {row.seals_reserved:,} of {vault.MOST_SEALS:,} seals" if row.purpose == "data" else ""
    return f"key {row.id}: {row.purpose}, {state}, made {row.made_at:%Y-%m-%d}, master key {row.master}{worn}"


def _counts(left: dict[str, int]) -> str:
    return ", ".join(f"{table} {count}" for table, count in sorted(left.items()))


def _name_of(place: Path) -> str | None:
    return keys.held_in(place).name if place.exists() else None
