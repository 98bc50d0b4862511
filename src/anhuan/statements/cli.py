"""`anhuan bills`: read what banks send, store it, take it back, and see how the readers fare."""

import getpass
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

import typer

from anhuan.kit import clock, terminal
from anhuan.kit.errors import Refused
from anhuan.statements import wording
from anhuan.statements.changes import FileEffect, Upload
from anhuan.statements.mapping import WORDS, Mapping
from anhuan.statements.model import FileKind, Problem

if TYPE_CHECKING:
    from anhuan.statements.changes import FileRead

    Columns = dict[str, Mapping]

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Read and import what banks send · 读取、导入账单")
_MANY: Final = 3  # files from which on a bar shows how far we are

Files = Annotated[list[str], typer.Argument(help="files or folders · 文件或文件夹", show_default=False)]
Lang = Annotated[str | None, typer.Option("--lang", help="zh or en", show_default=False)]
Password = Annotated[bool, typer.Option("--password", help="ask for the password of locked files · 询问密码")]


class NotAnImport(Refused):
    """编号无效: this is not the number of an import."""

    code = "import.bad_number"


@app.command()
@terminal.may("public")
def read(
    files: Files,
    as_json: Annotated[bool, typer.Option("--json", help="one line of JSON per file")] = False,
    password: Password = False,
    lang: Lang = None,
) -> None:
    """Say what is in the files; nothing is stored. Exit code 1 when a file could not be read."""
    from anhuan.statements import wire

    secret, unread = _secret(password, lang), 0
    with _Bar(not as_json, len(paths := _expanded(files)), lang) as step:
        for path in paths:
            found = _read(path, secret)
            step()
            unread += found.reading is None or found.reading.kind is FileKind.UNKNOWN
            if as_json:
                sys.stdout.write(wire.line_of(path, found) + "\n")
                sys.stdout.flush()
            else:
                from anhuan.statements import showing  # here: JSON needs no tables on the screen

                showing.print_reading(path, found, terminal.language(lang))
    raise typer.Exit(1 if unread else 0)


@app.command("import")
@terminal.may("bills.import")
def import_(
    files: Files,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="store without asking · 不再询问")] = False,
    only_preview: Annotated[bool, typer.Option("--preview", help="only show what would change · 只预览")] = False,
    agree: Annotated[bool, typer.Option("--agree", help="agree to have bills read · 同意账单读取")] = False,
    password: Password = False,
    lang: Lang = None,
) -> None:
    """Show what the files would change, ask, and store them all or none."""
    from anhuan.identity import commands, consent
    from anhuan.identity.consent_words import Purpose
    from anhuan.statements import service, showing

    language, secret, paths = terminal.language(lang), _secret(password, lang), _expanded(files)
    _ready()
    with commands.transaction() as (db, me):
        if agree:
            consent.give_by_command(db, me, Purpose.BILL_READING, now=clock.now(), lang=language)
        consent.require(db, me, Purpose.BILL_READING, clock.now())
        known = service.saved_mappings(db, me)
    with _Bar(True, len(paths), lang) as step:
        read = [_stepped(_unlocked(path, secret, known, language), step) for path in paths]
    with commands.transaction() as (db, me):
        made = service.preview_of(db, me, read, now=clock.now())
    showing.print_preview(made, language)
    refused = any(each.effect not in (FileEffect.NEW, FileEffect.KNOWN) for each in made.files)
    if only_preview or made.changes_nothing:
        raise typer.Exit(1 if refused else 0)
    if not yes and not typer.confirm(wording.words(language)["sure"]):
        raise typer.Exit(1)
    with commands.transaction() as (db, me):
        done = service.commit(db, me, made.id, now=clock.now())
    showing.print_commit(done, language)
    raise typer.Exit(1 if refused else 0)


@app.command()
@terminal.may("bills.import")
def undo(
    number: Annotated[str | None, typer.Argument(help="number of the import; without it, the newest")] = None,
    lang: Lang = None,
) -> None:
    """Take a whole import back; bills that it superseded stand again."""
    from anhuan.identity import commands
    from anhuan.statements import service, showing

    _ready()
    with commands.transaction() as (db, me):
        wanted = service.last_import(db, me) if number is None else _number(number)
        shown = service.undo(db, me, wanted, now=clock.now())
    showing.print_history([shown], terminal.language(lang))


@app.command()
@terminal.may("bills.read")
def history(
    at_most: Annotated[int, typer.Option("--at-most", min=1, max=500)] = 20,
    lang: Lang = None,
) -> None:
    """The imports, newest first, and what was taken back."""
    from anhuan.identity import commands
    from anhuan.statements import service, showing

    _ready()
    with commands.transaction() as (db, me):
        showing.print_history(service.imports(db, me, at_most=at_most), terminal.language(lang))


@app.command()
@terminal.may("bills.read")
def health(lang: Lang = None) -> None:
    """Which reader met which layout, when first and last, and which layout of a bank is not known any more."""
    from anhuan.identity import commands
    from anhuan.statements import health as reader_health
    from anhuan.statements import showing

    _ready()
    with commands.transaction() as (db, me):
        showing.print_health(reader_health.report(db, me), terminal.language(lang))


@app.command("map")
@terminal.may("bills.import")
def map_(
    file: Annotated[str, typer.Argument(help="a CSV or XLSX whose columns no reader knows")],
    column: Annotated[
        list[str] | None, typer.Option("--column", "-c", help="our word = heading, e.g. traded_on=Date; else asked")
    ] = None,
    spending: Annotated[str, typer.Option(help="positive or negative: the sign of money spent")] = "",
    bank: Annotated[str | None, typer.Option(help="id of the bank, e.g. cmb")] = None,
    currency: Annotated[str | None, typer.Option(help="e.g. CNY")] = None,
    lang: Lang = None,
) -> None:
    """Name the columns of an unknown table once; the choice is kept for all tables with the same headings."""
    from anhuan.identity import commands
    from anhuan.statements import service, showing

    language = terminal.language(lang)
    found = _read(file, None)
    if found.effect is not FileEffect.ASKS_MAPPING:
        showing.print_reading(file, found, language)
        raise typer.Exit(0 if found.reading else 1)
    showing.print_sample(found.headings, found.sample, found.proposal, language)
    chosen = dict(each.split("=", 1) for each in column or () if "=" in each)
    columns = chosen or _asked_columns(found, language)
    _ready()
    with commands.transaction() as (db, me):
        made = Mapping(columns, spending, currency=currency, bank=bank)
        service.save_mapping(db, me, found.headings, made, now=clock.now())
        known = service.saved_mappings(db, me)
    showing.print_reading(file, _read(file, None, known), language)


class _Bar:
    """A bar on stderr for many files, nothing for few or where stderr is no terminal."""

    def __init__(self, wanted: bool, count: int, lang: str | None) -> None:
        self.shown = wanted and count >= _MANY and sys.stderr.isatty()
        self.count, self.text = count, wording.words(terminal.language(lang))["reading"]
        self.bar: Any = None

    def __enter__(self) -> Callable[[], None]:
        if self.shown:
            from rich.console import Console
            from rich.progress import Progress

            self.bar = Progress(console=Console(stderr=True), transient=True)
            self.bar.start()
            self.task = self.bar.add_task(self.text, total=self.count)
        return self.step

    def step(self) -> None:
        """One more file is done."""
        if self.bar is not None:
            self.bar.advance(self.task)

    def __exit__(self, *failure: object) -> None:
        if self.bar is not None:
            self.bar.stop()


def _stepped(found: "FileRead", step: Callable[[], None]) -> "FileRead":
    step()
    return found


def _expanded(files: Sequence[str]) -> list[str]:
    """The files as given; a folder gives its files in sorted order, hidden ones left out."""
    found: list[str] = []
    for each in files:
        if Path(each).is_dir():
            inside = sorted(path for path in Path(each).rglob("*") if path.is_file())
            found += [str(path) for path in inside if not any(part.startswith(".") for part in path.parts)]
        else:
            found.append(each)
    return found


def _read(path: str, password: str | None, known: "Columns | None" = None) -> "FileRead":
    """One file by its path; a missing one is an answer too."""
    from anhuan.statements import reading
    from anhuan.statements.changes import FileRead, hash_of

    try:
        upload = _upload(path, password)
    except OSError as error:
        problem = Problem("file.missing", f"打不开文件：{error.strerror or error}")
        return FileRead(path, hash_of(path.encode()), 0, None, FileEffect.REFUSED, (problem,))
    return reading.read_one(upload, known or {})


def _unlocked(path: str, password: str | None, known: "Columns", language: str) -> "FileRead":
    """One file, its password asked for where it needs one and somebody is there to answer."""
    found = _read(path, password, known)
    while found.effect is FileEffect.ASKS_PASSWORD and sys.stdin.isatty():
        given = getpass.getpass(f"{path}: {wording.words(language)['password']} ")
        if not given:
            break
        found = _read(path, given, known)
    return found


def _upload(path: str, password: str | None) -> Upload:
    """The file's bytes, one more than a reader takes at most, so that a giant is refused and not swallowed."""
    from anhuan.statements.files import MAX_BYTES

    with Path(path).open("rb") as file:
        return Upload(path, file.read(MAX_BYTES + 1), password)


def _secret(asked: bool, lang: str | None) -> str | None:
    return getpass.getpass(f"{wording.words(terminal.language(lang))['password']} ") if asked else None


def _ready() -> None:
    """The database runs and has this program's tables; our own one is brought up to date without asking."""
    from anhuan.kit import db as database
    from anhuan.kit import settings

    try:
        database.require_head()
    except database.SchemaBehind:
        if settings.read().database_url is not None:
            raise
        database.migrate()


def _number(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotAnImport(f"{text!r} is not the number of an import; see `anhuan bills history`") from error


def _asked_columns(found: "FileRead", language: str) -> dict[str, str]:
    """Ask for the heading of each of our words, our guess as the default; an empty answer leaves a word out."""
    told = wording.words(language)
    answers = {
        word: typer.prompt(f"{word} ({told[word]})", default=found.proposal.get(word, ""), show_default=True)
        for word in WORDS
    }
    return {word: heading.strip() for word, heading in answers.items() if heading.strip()}
