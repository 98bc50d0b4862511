"""`anhuan ledger`: check the books, sign their ends, statements, balances as of a moment, the proof of a posting."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

import typer

from anhuan.kit import clock, settings, terminal
from anhuan.kit.errors import Refused

if TYPE_CHECKING:
    from anhuan.ledger.statement import Period, Statement
    from anhuan.ledger.verify_words import Report

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The books: check, sign, statements · 账本")
Lang = Annotated[str | None, typer.Option("--lang", help="zh or en", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="for programs")]
Day = datetime | None
First = Annotated[
    Day, typer.Option("--from", formats=["%Y-%m-%d"], help="first bank day · 起", show_default="of the month")
]
Last = Annotated[Day, typer.Option("--to", formats=["%Y-%m-%d"], help="last bank day · 止", show_default="today")]
OfOne = Annotated[str | None, typer.Option("--account", help="one account: SHARD/NUMBER", show_default=False)]
Out = Annotated[Path | None, typer.Option("--out", help="write to this file · 写入文件", show_default=False)]
Id = Annotated[UUID, typer.Argument(help="the posting's id · 凭证号", show_default=False)]


class Form(StrEnum):
    """How a statement is printed."""

    TEXT = "text"
    CSV = "csv"
    JSON = "json"


As = Annotated[Form, typer.Option("--format", help="text, csv or json · 格式")]

WORDS: Final = {
    "checking": ("核对", "checking"),
    "whole": ("没有发现问题", "nothing is wrong"),
    "found": ("发现 {count} 处问题", "{count} findings"),
    "untold": ("另有 {count} 处同类问题未逐条列出", "{count} more of the same kinds are not told one by one"),
    "checked": (
        "核对了 {postings} 笔凭证、{batches} 个批次、{accounts} 个科目、{open_holds} 笔未了结冻结，{shards} 个分片；"
        "{roots} 个签名根，覆盖 {covered} 个批次；用时 {seconds:.1f} 秒，每秒 {speed} 笔",
        "{postings} postings in {batches} batches, {accounts} accounts, {open_holds} open holds, {shards} shards"
        " checked; {roots} signed roots cover {covered} batches; {seconds:.1f} s, {speed} postings/s",
    ),
    "from_root": ("从第 {root} 个签名根起", "from signed root {root} on"),
    "sealed": (
        "第 {no} 个根：{at}，{batches} 个批次，哈希 {short}，已签名（密钥 {key}）",
        "root {no}: {at}, {batches} batches, hash {short}, signed by key {key}",
    ),
    "newest": ("最近：第 {no} 个根，{at}，哈希 {short}", "the newest: root {no}, {at}, hash {short}"),
    "nothing_due": ("各链末端没有变动，不需要新的根", "no chain moved since the last root"),
    "no_root": ("还没有签名根", "no root was signed yet"),
    "sealed_in": (
        "在分片 {shard} 批次 {batch} 第 {line} 行，",
        "in shard {shard}, batch {batch}, line {line}, ",
    ),
    "covered": ("由第 {no} 个签名根覆盖（{short}）", "covered by signed root {no} ({short})"),
    "uncovered": ("还没有签名根覆盖", "covered by no signed root yet"),
    "proof": ("证明已写入 {out}", "the proof is in {out}"),
    "proved": (
        "证明成立：这笔凭证在第 {no} 个签名根（{at}）之前已在账本里，内容如下",
        "the proof holds: this posting stood in the books when root {no} was signed ({at}), and says",
    ),
}  # fmt: skip


class FileExists(Refused):
    """文件已存在: the file is there already, and nothing is written over it."""

    code = "ledger.file_exists"


@app.command()
@terminal.may("installer")
def verify(
    from_genesis: Annotated[bool, typer.Option("--from-genesis", help="from the first batch, as always")] = False,
    from_root: Annotated[
        int | None, typer.Option("--from-root", min=0, help="from this root on; 0: the newest")
    ] = None,
    roots_at: Annotated[Path | None, typer.Option("--roots", help="roots you kept elsewhere", exists=True)] = None,
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Check chain, laws 1 to 3, chart, bounds and signed roots again; exit code 1 and a sentence for each finding."""
    from anhuan.kit.actors import Actor, ActorKind
    from anhuan.ledger import checking

    speak = _words(lang)
    with _bar(speak("checking"), shown=not as_json) as progress:
        report = checking.check(from_root=None if from_genesis else from_root, roots_at=roots_at, progress=progress)
    if as_json:
        typer.echo(json.dumps(_report(report), ensure_ascii=False))
    else:
        _print(report, terminal.language(lang), speak)
    checking.remember(report, Actor(ActorKind.COMMAND))
    raise typer.Exit(1 if report.findings else 0)


@app.command()
@terminal.may("installer")
def root(
    now: Annotated[bool, typer.Option("--now", help="sign one, if the end of a chain moved")] = False,
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Show the newest signed root; with --now sign one first, as a worker does every minute."""
    from anhuan.kit import db
    from anhuan.ledger import roots, store_proof

    speak = _words(lang)
    made = roots.seal_due(now=clock.now()) if now else None
    with db.sessions("work").begin() as session:
        newest = store_proof.last_root(session)
    if as_json:
        typer.echo("null" if newest is None else newest.json)
    elif made is not None:
        batches = sum(end.batch_no for end in made.heads)
        typer.echo(speak("sealed", no=made.no, at=made.at, batches=batches, short=made.short, key=made.key_id))
    elif newest is None:
        typer.echo(speak("no_root"))
    else:
        typer.echo(speak("nothing_due") if now else speak("newest", no=newest.no, at=newest.at, short=newest.short))


@app.command()
@terminal.may("me.use")
def statement(first: First = None, last: Last = None, form: As = Form.TEXT, out: Out = None, lang: Lang = None) -> None:
    """Your own statement: every account of yours in the books, tied to the latest signed root · 用户对账单."""
    from anhuan.identity import commands
    from anhuan.ledger import statement

    with commands.transaction() as (db, me):
        made = statement.of_owner(db, me, _days(first, last), now=clock.now())
    _hand_out(made, form, out, lang)


@app.command("house-statement")
@terminal.may("installer")
def house_statement(
    unit: Annotated[str, typer.Argument(help="for instance CNY/house · 单位")] = "CNY/house",
    account: OfOne = None,
    first: First = None,
    last: Last = None,
    form: As = Form.TEXT,
    out: Out = None,
    lang: Lang = None,
) -> None:
    """The house's statement: its accounts of a unit, and that each shard comes to zero · 运营对账单."""
    from anhuan.kit import db
    from anhuan.ledger import statement

    with db.sessions("audit").begin() as session:
        if account is None:
            made = statement.of_house(session, unit, _days(first, last), now=clock.now())
        else:
            made = statement.of_account(session, *_numbers(account), _days(first, last), now=clock.now())
    _hand_out(made, form, out, lang)


@app.command()
@terminal.may("me.use")
def accounts(as_json: AsJson = False) -> None:
    """Your accounts in the books and what they hold now · 我的科目."""
    _balances(None, as_json)


@app.command("as-of")
@terminal.may("me.use")
def as_of(
    moment: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="Beijing time · 时刻")],
    as_json: AsJson = False,
) -> None:
    """Your accounts as they stood at a moment; a day means its beginning · 历史余额."""
    _balances(moment.replace(tzinfo=clock.CHINA), as_json)


@app.command()
@terminal.may("me.use")
def posting(posting_id: Id, as_json: AsJson = False, lang: Lang = None) -> None:
    """One posting of yours: what it says, where it was sealed, which signed root covers it · 凭证."""
    from anhuan.identity import commands
    from anhuan.ledger import proof

    with commands.transaction() as (db, _):
        place = proof.place_of(db, posting_id)
    _show(place, as_json, lang)


@app.command("proof")
@terminal.may("installer")
def prove(
    posting_id: Id,
    file: Annotated[Path, typer.Option("--file", help="the file to write · 文件", show_default=False)],
    lang: Lang = None,
) -> None:
    """Write the proof of a posting for an auditor: rows, hashes and the signed root, to be checked without us."""
    from anhuan.kit import db
    from anhuan.ledger import proof

    if file.exists():
        raise FileExists(f"{file} exists", field="file")
    with db.sessions("audit").begin() as session:
        text = proof.prove(session, posting_id)
    file.write_text(text)
    typer.echo(_words(lang)("proof", out=file))


@app.command("check-proof")
@terminal.may("public")
def check_proof(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="a proof · 证明文件")],
    keys: Annotated[Path | None, typer.Option("--keys", help="folder with the public keys you trust")] = None,
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Check a proof offline, with public keys alone; exit code 1 when it does not hold · 核验证明."""
    from anhuan.kit import audit_key
    from anhuan.ledger import proof

    known = audit_key.keys_in(keys or settings.read().home / "keys")
    place = proof.check(file.read_text(), known)
    _show(place, as_json, lang, proved=True)


def _balances(moment: datetime | None, as_json: bool) -> None:
    from anhuan.identity import commands
    from anhuan.ledger import statement, statement_print, store_statement
    from anhuan.ledger.rules import ASSETS

    with commands.transaction() as (db, me):
        faces = store_statement.accounts_of(db, me)
        found = [(face, face.posted) for face in faces] if moment is None else statement.balances_at(db, faces, moment)
    if as_json:
        rows = [{"shard": face.shard, "account": face.account, "unit": face.unit, "kind": face.kind.name.lower(),
                 "sub": face.sub, "scale": face.scale, "posted": posted, "held": face.held if moment is None else None}
                for face, posted in found]  # fmt: skip
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    for face, posted in found:
        shown = statement_print.amount(-posted if face.kind in ASSETS else posted, face.scale)
        name = f"{face.kind.name.lower()} {face.sub}"
        typer.echo(f"{face.shard}/{face.account:<8}  {face.unit:<24}  {name:<30}  {shown:>18}")


def _show(place: Any, as_json: bool, lang: str | None, *, proved: bool = False) -> None:
    from anhuan.ledger import proof

    speak, said = _words(lang), proof.facts(place.row)
    if as_json:
        root = None if place.root is None else {"no": place.root.no, "hash": place.root.hash, "at": place.root.at}
        typer.echo(json.dumps({"posting": said, "root": root}))
        return
    if proved:
        typer.echo(speak("proved", no=place.root.no, at=place.root.at))
    for name, value in said.items():
        if value is not None:
            typer.echo(f"  {name:<10} {value}")
    covered = speak("uncovered") if place.root is None else speak("covered", no=place.root.no, short=place.root.short)
    typer.echo(speak("sealed_in", shard=place.shard, batch=place.batch_no, line=place.line) + covered)


def _hand_out(made: "Statement", form: Form, out: Path | None, lang: str | None) -> None:
    from anhuan.ledger import statement_print

    speak = terminal.language(lang)
    if form is Form.TEXT:
        data = statement_print.as_text(made, speak).encode()
    elif form is Form.CSV:
        data = statement_print.as_csv(made, speak)
    else:
        data = (statement_print.as_json(made) + "\n").encode()
    if out is None:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
        return
    try:
        terminal.write_closed(out, data)
    except FileExistsError as error:
        raise FileExists(f"{out} exists", field="out") from error
    typer.echo(str(out))


def _print(report: "Report", lang: str, speak: Callable[..., str]) -> None:
    for finding in report.findings:
        typer.echo(finding.sentence(lang))
    if report.untold:
        typer.echo(speak("untold", count=report.untold))
    if report.from_root is not None:
        typer.echo(speak("from_root", root=report.from_root))
    facts = {
        name: getattr(report, name) for name in ("accounts", "open_holds", "shards", "roots", "covered", "seconds")
    }
    speed = f"{report.postings / max(report.seconds, 1e-6):,.0f}"
    typer.echo(speak("checked", postings=f"{report.postings:,}", batches=f"{report.batches:,}", speed=speed, **facts))
    typer.echo(speak("found", count=report.counts.total()) if report.findings else speak("whole"))


def _report(report: "Report") -> dict[str, Any]:
    names = ("postings", "batches", "accounts", "open_holds", "shards", "roots", "covered", "from_root", "seconds",
             "untold")  # fmt: skip
    findings = [
        {"law": one.law, "kind": one.kind, **one.facts, "zh": one.sentence("zh"), "en": one.sentence("en")}
        for one in report.findings
    ]
    said = {name: getattr(report, name) for name in names}
    return {"whole": not findings, **said, "counts": dict(report.counts), "findings": findings}


def _days(first: datetime | None, last: datetime | None) -> "Period":
    from anhuan.ledger import statement

    until = clock.today() if last is None else last.date()
    return statement.days(until.replace(day=1) if first is None else first.date(), until)


def _numbers(text: str) -> tuple[int, int]:
    from anhuan.ledger import statement

    shard, _, number = text.partition("/")
    if not (shard.isdecimal() and number.isdecimal() and len(text) < 25):
        raise statement.NoSuchAccount(f"{text!r} is no account: SHARD/NUMBER, for instance 3/1042", field="account")
    return int(shard), int(number)


def _words(lang: str | None) -> Callable[..., str]:
    english = terminal.language(lang) == "en"

    def speak(name: str, **facts: Any) -> str:
        return WORDS[name][english].format(**facts)

    return speak


@contextmanager
def _bar(text: str, *, shown: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr, where somebody sees it."""
    if not shown or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(text)
        yield lambda done, total: bar.update(task, completed=done, total=total)
