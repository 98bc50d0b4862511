"""`anhuan limits`: see and narrow one's own limits, and pause everything; what widens wants a browser."""

from typing import Annotated

import typer

from anhuan.kit import terminal

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Your own limits and the pause.")
KINDS = {
    "per_payment": ("每笔最多", "most per payment"),
    "per_day": ("每天最多", "most per day"),
    "per_card": ("单卡每笔最多", "most per payment to the card"),
}
Lang = Annotated[str | None, typer.Option("--lang", help="zh or en; without it, as the terminal speaks")]


@app.command()
@terminal.may("me.use")
def show(lang: Lang = None) -> None:
    """Print every limit, raises that wait, and the pause."""
    from anhuan.identity import commands, limits
    from anhuan.kit import clock, wording

    at = 1 if terminal.language(lang) == "en" else 0
    with commands.transaction() as (db, me):
        held = limits.at(db, me, now=clock.now())
    typer.echo((("没有暂停", "nothing is paused"), ("已全部暂停", "everything is paused"))[held.pause is not None][at])
    for which, fen in sorted(held.standing.items(), key=lambda pair: (pair[0].kind, str(pair[0].account_id))):
        typer.echo(f"{KINDS[which.kind][at]}  {wording.amount(fen)}  {which.account_id or ''}".rstrip())
    for wish in held.waiting:
        amount = "—" if wish.amount is None else wording.amount(wish.amount)
        until = f"{wish.from_at.astimezone(clock.CHINA):%Y-%m-%d %H:%M}"
        typer.echo(f"{KINDS[wish.which.kind][at]}  → {amount}  {until}")


@app.command("set")
@terminal.may("limits.write")
def set_(
    kind: Annotated[str, typer.Argument(help="per_payment or per_day · 每笔或每天")],
    amount: Annotated[str, typer.Argument(help="yuan · 元")],
    lang: Lang = None,
) -> None:
    """Narrow a limit; a higher one is asked for in the browser, where you prove who you are."""
    from anhuan.identity import commands, limits
    from anhuan.kit import clock
    from anhuan.kit.money import from_text

    if kind not in ("per_payment", "per_day"):
        raise limits.BadLimit(f"kind must be per_payment or per_day, not {kind!r}", field="kind")
    with commands.transaction() as (db, _):
        which = limits.Which(limits.LimitKind(kind))
        limits.set_limit(db, commands.enter(db), which, from_text(amount), now=clock.now())
    show(lang)


@app.command()
@terminal.may("limits.write")
def pause(lang: Lang = None) -> None:
    """Stop everything at once; going on is confirmed in the browser."""
    from anhuan.identity import commands, limits
    from anhuan.kit import clock

    with commands.transaction() as (db, _):
        limits.pause_everything(db, commands.enter(db), now=clock.now())
    show(lang)
