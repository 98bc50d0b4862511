"""`anhuan consent`: what the person of this command line agreed to; yes and no in one line each."""

from typing import Annotated

import typer

from anhuan.kit import clock, terminal

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="What you agreed to · 授权管理")
Name = Annotated[str, typer.Argument(help="bill_reading, scoring, sharing:<partner>, personal_offers or marketing")]
Lang = Annotated[str | None, typer.Option("--lang", help="zh or en", show_default=False)]


@app.command("list")
@terminal.may("consent.write")
def list_(lang: Lang = None) -> None:
    """Print every purpose and what holds about it."""
    from anhuan.identity import commands, consent
    from anhuan.identity.consent_words import PURPOSES

    language, now = terminal.language(lang), clock.now()
    _ready()
    with commands.transaction() as (db, me):
        for one in consent.all_standing(db, me, now):
            until = f"{one.expires_at.astimezone(clock.CHINA):%Y-%m-%d}" if one.stands and one.expires_at else "—"
            mark = "✓" if one.stands else "○"
            typer.echo(f"{mark} {one.name:<18} {until:<11} {PURPOSES[one.purpose].name.in_(language)}")


@app.command()
@terminal.may("consent.write")
def give(purpose: Name, yes: Annotated[bool, typer.Option("--yes", "-y", help="without the text")] = False,
         lang: Lang = None) -> None:  # fmt: skip
    """Show the text of a purpose and agree to it."""
    from anhuan.identity import commands, consent, documents
    from anhuan.identity.consent_words import parse

    language, now = terminal.language(lang), clock.now()
    found, partner = parse(purpose)
    _ready()
    with commands.transaction() as (db, me):
        consent.partner_called(db, partner)
        text = documents.in_force(db, documents.kind_of(found), now.astimezone(clock.CHINA).date())
    if not yes:
        typer.echo(f"{text.title(language)} · {text.version} · {text.sha256.hex()[:16]}\n\n{text.text(language)}")
        typer.confirm("Agree?" if language == "en" else "同意吗？", abort=True)
    with commands.transaction() as (db, me):
        made = consent.give_by_command(db, me, found, now=now, partner=partner, lang=language, version=text.version)
    assert made.expires_at is not None
    typer.echo(f"✓ {made.name}  {made.expires_at.astimezone(clock.CHINA):%Y-%m-%d}")


@app.command()
@terminal.may("consent.write")
def withdraw(purpose: Name, lang: Lang = None) -> None:
    """Withdraw at once."""
    from anhuan.identity import commands, consent
    from anhuan.identity.consent_words import parse

    terminal.language(lang)
    found, partner = parse(purpose)
    _ready()
    with commands.transaction() as (db, me):
        made = consent.withdraw_by_command(db, me, found, now=clock.now(), partner=partner)
    typer.echo(f"○ {made.name}")


def _ready() -> None:
    """The tables are this program's; those of our own server are brought up to date without asking."""
    from anhuan.kit import db, settings

    try:
        db.require_head()
    except db.SchemaBehind:
        if settings.read().database_url is not None:
            raise
        db.migrate()
