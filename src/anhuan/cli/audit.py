"""`anhuan audit`: sign the end of the log, check every record, hand out an auditor's pack."""

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from anhuan.kit import audit, audit_key, audit_pack, audit_roots, audit_verify, clock, db, settings, terminal
from anhuan.kit.actors import Actor, ActorKind

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The audit log: who did what, provably.")
Lang = Annotated[str | None, typer.Option("--lang", help="zh or en", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="for programs")]
COMMAND: Final = Actor(ActorKind.COMMAND)

WORDS: Final = {
    "checking": ("核对", "checking"),
    "packing": ("打包", "packing"),
    "linked": ("新入链 {count} 条记录", "{count} records linked"),
    "sealed": (
        "第 {number} 个根：到 {through_at}，{place} 条，已签名（密钥 {key_id}）",
        "root {number}: until {through_at}, {place} links, signed by key {key_id}",
    ),
    "nothing_due": ("没有到期的根", "no root is due"),
    "whole": ("没有发现问题", "nothing is wrong"),
    "checked": (
        "核对了 {records} 条记录，链止于位置 {last_place}；{roots} 个签名根，覆盖到位置 {covered}；待入链 {waiting} 条",
        "{records} records checked, the chain ends at place {last_place}; {roots} signed roots cover all up to place"
        " {covered}; {waiting} records wait to be linked",
    ),
    "found": ("发现 {count} 处问题", "{count} findings"),
    "packed": (
        "{out}：位置 {first} 到 {last}，{roots} 个签名根\nSHA-256 {sha256}",
        "{out}: places {first} to {last}, {roots} signed roots\nSHA-256 {sha256}",
    ),
    "renewed": ("从现在起用新密钥签名", "from now on a new key signs"),
    "no_key": ("还没有签名密钥：第一次签名时生成", "there is no key yet: it is made when the first root is signed"),
}  # fmt: skip


@app.command()
@terminal.may("installer")
def seal(
    now: Annotated[bool, typer.Option("--now", help="also sign the day so far")] = False, lang: Lang = None
) -> None:
    """Link what waits and sign a root for each day that has ended; does nothing the second time."""
    speak = _words(lang)
    linked = audit_roots.link_waiting()
    made = audit_roots.seal_due(now=clock.now(), today_too=now)
    typer.echo(speak("linked", count=linked))
    for root in made:
        typer.echo(speak("sealed", **{name: getattr(root, name) for name in root.__slots__}))
    if not made:
        typer.echo(speak("nothing_due"))


@app.command()
@terminal.may("installer")
def verify(
    roots: Annotated[Path | None, typer.Option("--roots", help="roots you kept elsewhere", exists=True)] = None,
    since: Annotated[int, typer.Option("--from", min=1, help="begin at the signed root before this place")] = 1,
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Check every record, link and root again; exit code 1 and a sentence for each record that is not as written."""
    home, speak = settings.read().home, _words(lang)
    with db.sessions("audit").begin() as session, _bar(speak("checking"), shown=not as_json) as progress:
        report = audit_verify.verify(
            session,
            file_roots=audit_roots.in_file(roots or audit_roots.roots_file(home)),
            keys=audit_key.known_keys(home),
            since=since,
            progress=progress,
        )
    if as_json:
        typer.echo(json.dumps(_report(report), ensure_ascii=False))
    else:
        for finding in report.findings:
            typer.echo(finding.sentence(terminal.language(lang)))
        facts = {name: getattr(report, name) for name in ("records", "last_place", "roots", "covered", "waiting")}
        typer.echo(speak("checked", **facts))
        typer.echo(speak("found", count=len(report.findings)) if report.findings else speak("whole"))
    raise typer.Exit(1 if report.findings else 0)


@app.command()
@terminal.may("installer")
def pack(
    out: Annotated[Path, typer.Argument(help="the ZIP to write")],
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="first bank day")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="last bank day")],
    lang: Lang = None,
) -> None:
    """Write records, links, signed roots and public keys into a ZIP that an auditor checks without this program."""
    home, speak = settings.read().home, _words(lang)
    audit_roots.seal_due(now=clock.now(), today_too=last.date() >= clock.today())
    with db.sessions("audit").begin() as session, _bar(speak("packing"), shown=True) as progress:
        packed = audit_pack.pack(
            session,
            out,
            first_day=first.date(),
            last_day=last.date(),
            keys=audit_key.known_keys(home),
            progress=progress,
        )
    with out.open("rb") as written:
        sha256 = hashlib.file_digest(written, "sha256").hexdigest()
    facts: dict[str, Any] = {"first": packed.first, "last": packed.last, "roots": packed.roots, "sha256": sha256}
    with db.sessions("work").begin() as session:
        audit.write(session, COMMAND, "audit.exported", f"pack:{sha256}", facts, now=clock.now())
    typer.echo(speak("packed", out=out, **facts))


@app.command()
@terminal.may("installer")
def key(
    renew: Annotated[bool, typer.Option("--renew", help="sign with a new key from now on")] = False, lang: Lang = None
) -> None:
    """Print the public keys that signed here, newest use last; tell them to your auditor in another way."""
    home, speak = settings.read().home, _words(lang)
    if renew:
        made = audit_key.make(home)
        with db.sessions("work").begin() as session:
            audit.write(session, COMMAND, "key.made", f"key:{made.key_id}", {"use": "audit"}, now=clock.now())
        typer.echo(speak("renewed"))
    known = audit_key.known_keys(home)
    for name, one in known.items():
        typer.echo(f"{name}\n{audit_key.public_pem(one).decode()}", nl=False)
    if not known:
        typer.echo(speak("no_key"))


def _words(lang: str | None) -> Callable[..., str]:
    english = terminal.language(lang) == "en"

    def speak(name: str, **facts: Any) -> str:
        return WORDS[name][english].format(**facts)

    return speak


def _report(report: audit_verify.Report) -> dict[str, Any]:
    names = ("records", "last_place", "head", "waiting", "roots", "covered")
    findings = [
        {"kind": one.kind, **one.facts, "zh": one.sentence("zh"), "en": one.sentence("en")} for one in report.findings
    ]
    return {"whole": not findings, **{name: getattr(report, name) for name in names}, "findings": findings}


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
