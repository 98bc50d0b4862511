"""`anhuan plan`: requests in, plans out, as JSON lines for programs or as tables for people."""

import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from anhuan.kit import terminal
from anhuan.kit.errors import Bad, Refused
from anhuan.planning.answer import answer_of, request_warnings
from anhuan.planning.explain import explain
from anhuan.planning.planner import plan
from anhuan.planning.wire import read_request, unused_fields

app = typer.Typer(rich_markup_mode=None, help="The cheapest way to pay on time, proved. 还款方案。")


class Unreadable(Refused):
    """文件无法读取: the file is missing or cannot be read."""

    code = "plan.unreadable"


@app.command()
@terminal.may("plan.read")
def make(
    files: Annotated[list[str] | None, typer.Argument(metavar="FILE...", help="requests as JSON; - is stdin")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one answer per line, in the order of the files")] = False,
    mine: Annotated[bool, typer.Option("--mine", help="plan for the household stored here · 为本机数据做方案")] = False,
    seconds: Annotated[float, typer.Option("--seconds", min=0.05, help="how long one search may take")] = 2.5,
    no_explain: Annotated[bool, typer.Option("--no-explain", help="leave the reasons out")] = False,
    lang: Annotated[str | None, typer.Option("--lang", help="zh or en")] = None,
) -> None:
    """Plan each request: what to pay, from where, how and when, with the proof of its cost."""
    speech = terminal.language(lang)
    if not files and not mine:
        raise typer.BadParameter("name a file with a request, - for stdin, or --mine", param_hint="FILE...")
    good = True
    if mine:
        good &= _show_mine(speech, as_json=as_json, seconds=seconds)
    for name in files or []:
        good &= _show(name, speech, as_json=as_json, seconds=seconds, explained=not no_explain)
    if not good:
        raise typer.Exit(1)


def _show(name: str, lang: str, *, as_json: bool, seconds: float, explained: bool) -> bool:
    """One file's answer, or its error; says whether it was planned."""
    try:
        text = _text_of(name)
        request = read_request(text)
        answer = plan(request, seconds=seconds)
        told = explain(request, answer, seconds=min(1.0, seconds)) if explained else None
    except Bad as bad:
        if as_json:
            _line({"error": bad.as_json() | {"field": bad.field}})
        else:
            typer.echo(f"{name}: {terminal.bad_news(bad, lang)}", err=True)
        return False
    warnings = request_warnings(request, unused_fields(msgspec.json.decode(text)))
    if as_json:
        _line(answer_of(request, answer, explanation=told, warnings=warnings, lang=lang))
    else:
        from anhuan.planning.printing import print_plan

        print_plan(request, answer, told, warnings, title=name, lang=lang)
    return True


def _show_mine(lang: str, *, as_json: bool, seconds: float) -> bool:
    """The plan of the household stored here, as of today in China."""
    from anhuan.identity import commands
    from anhuan.kit import clock, db
    from anhuan.planning.service import plan_mine

    db.require_head()
    with commands.transaction() as (session, me):
        made = plan_mine(session, me, as_of=clock.today(), seconds=seconds)
    if as_json:
        told = answer_of(made.request, made.plan, explanation=made.explanation, warnings=made.warnings, lang=lang)
        told["names"] = {key: name.say(lang) for key, name in made.names.items()}
        told["assumptions"] = [{"text": one.words.say(lang), "layer": one.layer} for one in made.assumptions]
        _line(told)
    else:
        from anhuan.planning.printing import print_plan

        print_plan(
            made.request, made.plan, made.explanation, made.warnings, title="", lang=lang, names=made.names,
            assumptions=[one.words for one in made.assumptions if one.assumed],
        )  # fmt: skip
    return True


def _text_of(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror or error}", field=name) from None


def _line(value: Any) -> None:
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()
