"""`anhuan people`: who lives here, invitations, and the way back for somebody who lost every key."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from anhuan.kit import terminal

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from anhuan.identity.tables import PersonRow

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The people of this installation.")
Lang = Annotated[str | None, typer.Option("--lang", help="zh or en; without it, as the terminal speaks")]


@contextmanager
def everybody() -> "Iterator[Session]":
    """A transaction of the installer, who sees everybody's name and nobody's cards."""
    from anhuan.kit import db, wall

    with db.sessions("work").begin() as session:
        wall.everybody(session)
        yield session


@app.command("list")
@terminal.may("installer")
def list_() -> None:
    """Print everybody: id, name, state, roles, ways to sign in."""
    from anhuan.identity import signin, store, store_signin

    with everybody() as db:
        for row in store_signin.people(db):
            ways, roles = signin.ways_in(db, row.id), ",".join(store.roles(db, row.id))
            kinds = f"{ways.passkeys} keys, {'password' if ways.password else 'no password'}, {ways.codes} codes"
            typer.echo(f"{row.id}  {row.name or '—'}  {row.handle or '—'}  {row.state}  {roles}  {kinds}")


@app.command()
@terminal.may("installer")
def invite(
    role: Annotated[
        list[str] | None, typer.Option("--role", help="beside holder: risk, finance, administrator ...")
    ] = None,
) -> None:
    """Print a link by which one person may come in; it works once and for a day."""
    from anhuan.identity import recovery, signin
    from anhuan.identity.rights import DESK, Role
    from anhuan.kit import clock, settings

    roles = {Role.HOLDER}
    for one in role or []:
        if one not in DESK:
            raise typer.BadParameter(f"{one}: one of {', '.join(DESK)}", param_hint="--role")
        roles.add(Role(one))
    with everybody() as db:
        token = signin.invite(db, now=clock.now(), roles=roles, given_by=recovery.installer())
    typer.echo(f"{settings.read().origin}/welcome/{token}")


@app.command()
@terminal.may("installer")
def recover(
    name: Annotated[str, typer.Argument(help="name, sign-in name or id · 称呼、登录名或编号")], lang: Lang = None
) -> None:
    """Print a link for somebody who lost every way in: after a day of waiting it makes a new one.

    Every device of theirs is told and can stop it. Give the link to nobody but the person, face to face.
    """
    from anhuan.identity import recovery
    from anhuan.kit import clock, settings

    now = clock.now()
    with everybody() as db:
        person = _named(db, name)
        token = recovery.begin(db, person.id, recovery.How.INSTALLER, recovery.installer(), now=now)
        ready = recovery.look(db, token, now=now).ready_at
    assert ready is not None
    said = f"{ready.astimezone(clock.CHINA):%Y-%m-%d %H:%M}"
    typer.echo(f"usable from {said}" if terminal.language(lang) == "en" else f"{said} 起可用")
    typer.echo(f"{settings.read().origin}/recover/{token}")


def welcome() -> str | None:
    """A fresh link for the first person of a house where nobody lives yet; the one before it ends."""
    from anhuan.identity import recovery, signin, store_signin
    from anhuan.identity.rights import Role
    from anhuan.kit import clock, ids, settings

    with everybody() as db:
        if store_signin.people(db, at_most=1):
            return None
        roles = (Role.HOLDER, Role.ADMINISTRATOR)
        token = signin.invite(db, now=clock.now(), roles=roles, person_id=ids.LOCAL_USER, given_by=recovery.installer())
    return f"{settings.read().origin}/welcome/{token}"


def _named(db: "Session", name: str) -> "PersonRow":
    from anhuan.identity import store_signin
    from anhuan.identity.model import UnknownPerson

    found = [row for row in store_signin.people(db) if name in (str(row.id), row.handle, row.name)]
    if len(found) != 1:
        how = "nobody" if not found else "more than one person; use the id"
        raise UnknownPerson(f"{name}: {how} (anhuan people list)", field="NAME")
    return found[0]
