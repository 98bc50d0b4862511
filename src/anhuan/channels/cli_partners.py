"""`anhuan partners`: the register of licences, to read. Entering and approving is done by signed-in people at the desk.

A command is nobody in particular: it proposes nothing and signs nothing (identity.changes.person_of).
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from anhuan.kit import clock, terminal

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The partner register: who is licensed · 持牌登记")
Lang = Annotated[str | None, typer.Option("--lang", help="zh or en", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="for programs")]

WORDS: Final = {
    "waiting": ("待复核", "waiting"), "refused": ("已驳回", "refused"), "future": ("未到生效日", "not in force yet"),
    "valid": ("有效", "valid"), "expired": ("已到期", "expired"), "suspended": ("已暂停", "suspended"),
    "left": ("剩 {days} 天", "{days} days left"), "none": ("还没有登记", "the register is empty"),
    "unnamed": (
        "没有登记引用这份文件；请在后台 /desk/partners/new 录入", "no entry names it; enter one at /desk/partners/new",
    ),
}  # fmt: skip


@app.command("list")
@terminal.may("installer")
def list_(as_json: AsJson = False, lang: Lang = None) -> None:
    """Every entry as it stands today, what needs somebody first."""
    from anhuan.channels import register
    from anhuan.kit import db

    with db.sessions("work").begin() as session:
        found = register.all_standings(session, on=clock.today())
    speak = _words(lang)
    for one in found:
        entry = one.entry
        if as_json:
            facts = {"id": str(one.id), "status": one.status.value, "partner": entry.partner,
                     "number": entry.licence_number, "channels": entry.channels, "days_left": one.days_left,
                     "valid_to": entry.valid_to.isoformat() if entry.valid_to else None}  # fmt: skip
            typer.echo(json.dumps(facts, ensure_ascii=False))
            continue
        left = "" if one.days_left is None or one.status.value != "valid" else speak("left", days=one.days_left)
        typer.echo(f"{one.id}  {speak(one.status.value)}  {entry.partner}  {entry.licence_number}  {left}".rstrip())
    if not found and not as_json:
        typer.echo(speak("none"))


@app.command()
@terminal.may("installer")
def document(
    file: Annotated[Path, typer.Argument(help="a licence or contract · 证照文件", exists=True, dir_okay=False)],
    lang: Lang = None,
) -> None:
    """The SHA-256 of a document as its form asks for it, and which entries name it; exit code 1 where none does."""
    from anhuan.channels import register
    from anhuan.kit import db

    with file.open("rb") as given:
        digest = hashlib.file_digest(given, "sha256").hexdigest()
    with db.sessions("work").begin() as session:
        found = [one for one in register.all_standings(session, on=clock.today())
                 if one.entry.document_sha256 == digest]  # fmt: skip
    speak = _words(lang)
    typer.echo(digest)
    for one in found:
        typer.echo(f"{one.id}  {speak(one.status.value)}  {one.entry.partner}  {one.entry.licence_number}")
    if not found:
        typer.echo(speak("unnamed"))
    raise typer.Exit(0 if found else 1)


def _words(lang: str | None) -> Callable[..., str]:
    english = terminal.language(lang) == "en"

    def speak(name: str, **facts: Any) -> str:
        return WORDS[name][english].format(**facts)

    return speak
