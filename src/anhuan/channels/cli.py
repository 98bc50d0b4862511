"""`anhuan channels`: what reaches which bank, how it answers, conformance, files out and in, callbacks heard."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from anhuan.kit import clock, terminal
from anhuan.kit.errors import Refused

if TYPE_CHECKING:
    from anhuan.channels.model import Health

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Channels: who carries a payment where · 渠道")
Lang = Annotated[str | None, typer.Option("--lang", help="zh or en", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="for programs")]
Name = Annotated[str, typer.Argument(help="the channel's id · 渠道编号", show_default=False)]
Day = Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], help="bank day · 银行日", show_default=False)]

WORDS: Final = {
    "live": ("已开通", "open"), "closed": ("未开通", "closed"), "hand": ("本人办理", "by hand"),
    "never": ("还没有查看过", "never looked at"), "banks": ("{count} 家银行", "{count} banks"),
    "stopped": ("已停用，到 {until}", "stopped until {until}"),
    "no_end": ("两人解除为止", "two people lift it"),
    "breaker": ("熔断到 {until}", "breaker open until {until}"), "waiting": ("未完结 {said}", "open: {said}"),
    "took": ("{ms} 毫秒", "{ms} ms"), "nothing_waits": ("没有等待导出的付款", "no payment waits to be exported"),
    "exported": (
        "{place}：{count} 笔，共 {amount}，SHA-256 {sha256}", "{place}: {count} payments, {amount}, SHA-256 {sha256}",
    ),
    "answers": (
        "{kind}：新的回执 {new} 条，对上 {known} 笔，对不上 {unmatched} 条",
        "{kind}: {new} new words on {known} payments, {unmatched} that fit none",
    ),
    "unmatched": ("  对不上：{why} {reference}", "  fits none: {why} {reference}"),
    "file": (
        "{kind} 第 {version} 版{fresh}：{lines} 行，共 {amount}，SHA-256 {sha256}",
        "{kind} version {version}{fresh}: {lines} lines, {amount}, SHA-256 {sha256}",
    ),
    "fresh": ("（新）", " (new)"), "damaged": ("{name}：没有采用，{why}", "{name}: not taken, {why}"),
    "no_callbacks": ("没有收到过回调", "no callback was heard"),
}  # fmt: skip


class FileExists(Refused):
    """文件已存在: the file is there already, and nothing is written over it."""

    code = "channels.file_exists"


@app.command("list")
@terminal.may("installer")
def list_(as_json: AsJson = False, lang: Lang = None) -> None:
    """Every channel with the banks it reaches, whose licence it needs, and whether it may be used today."""
    from anhuan.channels import health
    from anhuan.kit import db

    with db.sessions("work").begin() as session:
        table = health.matrix(session, clock.today())
    said: list[dict[str, Any]] = []
    for way in table.channels:
        cells = [cell for (_, channel), cell in table.cells.items() if channel == way.channel and cell.record]
        licence = cells[0].record.licence if cells and cells[0].record else ""
        said.append({"channel": way.channel, "zh": way.zh, "en": way.en, "connector": way.connector,
                     "licence": licence, "banks": [cell.bank for cell in cells],
                     "live": any(cell.live for cell in cells)})  # fmt: skip
    if as_json:
        typer.echo(json.dumps(said, ensure_ascii=False))
        return
    speak, english = _words(lang), terminal.language(lang) == "en"
    for one in said:
        state = speak("live" if one["live"] else "closed")
        reach = speak("banks", count=len(one["banks"]))
        typer.echo(f"{one['channel']:16} {state}  {one['licence']:13} {reach}  {one['en' if english else 'zh']}")


@app.command()
@terminal.may("installer")
def health(
    look: Annotated[bool, typer.Option("--look", help="look at each channel now · 现在查看")] = False,
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """How each channel is doing: last look, breaker, what waits for its answer; exit code 1 when one is silent."""
    from anhuan.channels import capabilities
    from anhuan.channels import health as states
    from anhuan.kit import db

    now = clock.now()
    if look:
        seen = {channel: states.look(channel, now=now) for channel in capabilities.ids(on=clock.today())}
        with db.sessions("work").begin() as session:
            for channel, one in seen.items():
                states.keep(session, channel, one)
    with db.sessions("work").begin() as session:
        found = states.health(session, now=now)
    speak = _words(lang)
    for state in found:
        said = _standing(speak, state.health, live=state.live, licence=state.licence)
        if as_json:
            facts = {"channel": state.channel, "live": state.live, "failures": state.failures,
                     "waiting": state.waiting, "state": state.health.state.value if state.health else None,
                     "stopped": state.stop is not None}  # fmt: skip
            typer.echo(json.dumps(facts, ensure_ascii=False))
            continue
        notes = [said]
        if state.stop:
            until = state.stop.until
            notes.append(
                speak("stopped", until=f"{until.astimezone(clock.CHINA):%Y-%m-%d %H:%M}" if until else speak("no_end"))
            )
        if state.breaker_until:
            notes.append(speak("breaker", until=f"{state.breaker_until.astimezone(clock.CHINA):%Y-%m-%d %H:%M}"))
        if state.waiting:
            counted = ", ".join(f"{name} {count}" for name, count in sorted(state.waiting.items()))
            notes.append(speak("waiting", said=counted))
        typer.echo(f"{state.channel:16} {'  '.join(notes)}")
    silent = [one for one in found if one.live and one.health and one.health.state.value == "silent"]
    raise typer.Exit(1 if silent else 0)


@app.command()
@terminal.may("installer")
def conform(name: Name, as_json: AsJson = False) -> None:
    """Play the 35 scenarios against a connector in its sandbox; exit code 1 where an end is not the right one."""
    from anhuan.channels import conformance

    report = conformance.conform_named(name)
    typer.echo(report.as_json() if as_json else report.as_table())
    raise typer.Exit(0 if report.held else 1)


@app.command()
@terminal.may("repay.manual")
def export(
    folder: Annotated[Path, typer.Argument(help="where the files go · 目录", exists=True, file_okay=False)],
    form: Annotated[str, typer.Option("--form", help="a version of pain.001, or the bank of a CSV layout")] = "",
    initiator: Annotated[
        str, typer.Option("--initiator", help="who hands it in, as the bank knows · 提交人")
    ] = "ANHUAN",
    bank: Annotated[str, typer.Option("--bank", help="the bank that pays · 付款银行")] = "",
    again: Annotated[str, typer.Option("--again", help="a batch that left before · 再次取出的批次号")] = "",
    lang: Lang = None,
) -> None:
    """Write every payment that waits for a file into pain.001 or a bank's CSV, one file for each paying account.

    What left is kept: a file that was lost is had once more with --again and its batch, byte for byte.
    """
    from anhuan.channels import export_pain, file_doors
    from anhuan.identity import commands

    speak, wanted, now = _words(lang), form or export_pain.USUAL, clock.now()
    with commands.transaction() as (_, me):  # the worker's login writes: what leaves moves states and is kept
        made = (
            (file_doors.export_again(me, again, now=now),)
            if again
            else file_doors.export_batch(me, form=wanted, initiator=initiator, own_bank=bank, now=now)
        )
    for one in made:
        place = folder / one.name
        try:
            terminal.write_closed(place, one.content)
        except FileExistsError as error:
            raise FileExists(f"{place} 已存在，没有覆盖。", field="folder") from error
        facts = {"place": place, "count": one.count, "sha256": one.sha256}
        typer.echo(speak("exported", amount=_yuan(one.control_sum), **facts))
    if not made:
        typer.echo(speak("nothing_waits"))


@app.command()
@terminal.may("repay.manual")
def answers(
    file: Annotated[Path, typer.Argument(help="pain.002 or camt from the bank · 回执文件", exists=True)],
    lang: Lang = None,
) -> None:
    """Take in what the bank answered to exported payments; the same file twice changes nothing."""
    from anhuan.channels import file_doors
    from anhuan.identity import commands

    with commands.transaction() as (_, me):
        taken = file_doors.take_answers(me, file.read_bytes(), now=clock.now())
    speak = _words(lang)
    counts = {"new": taken.new, "known": len(taken.known), "unmatched": len(taken.unmatched)}
    typer.echo(speak("answers", kind=taken.file.kind, **counts))
    for one in taken.unmatched:
        typer.echo(speak("unmatched", why=one.why.value, reference=one.reference))


@app.command("file")
@terminal.may("installer")
def file_(
    channel: Name,
    day: Day,
    path: Annotated[
        Path | None, typer.Option("--path", help="a file you have, instead of asking the channel", exists=True)
    ] = None,
    kind: Annotated[str, typer.Option("--kind", help="of that file: trade, fund_flow, bank_csv, camt053")] = "",
    lang: Lang = None,
) -> None:
    """Fetch a day's reconciliation files, keep their bytes, read them whole; exit code 1 where one is damaged."""
    from anhuan.channels import file_taking, kept_files
    from anhuan.channels.model import DayFile
    from anhuan.kit import db

    if path is None:
        found = list(kept_files.fetch(channel, day.date()))
    else:
        found = [DayFile(channel, day.date(), kind, path.name, "", path.read_bytes())]
    speak, damaged = _words(lang), 0
    for one in found:
        with db.sessions("work").begin() as session:
            taken = file_taking.take(session, one, now=clock.now())
        if taken.file is None:
            damaged += 1
            typer.echo(speak("damaged", name=one.name, why=taken.damaged.message if taken.damaged else ""))
            continue
        fresh = speak("fresh") if taken.new else ""
        facts = {"lines": len(taken.file.lines), "amount": _yuan(taken.file.amount), "sha256": taken.file.id.sha256}
        typer.echo(speak("file", kind=taken.file.id.kind, version=taken.version, fresh=fresh, **facts))
    raise typer.Exit(1 if damaged else 0)


@app.command()
@terminal.may("installer")
def callbacks(channel: Name, lang: Lang = None) -> None:
    """The last callbacks of a channel, believed or not; each one only made us ask."""
    from anhuan.channels import store_house
    from anhuan.kit import db

    with db.sessions("work").begin() as session:
        heard = store_house.callbacks(session, channel)
        for one in heard:
            at = f"{one.heard_at.astimezone(clock.CHINA):%Y-%m-%d %H:%M:%S}"
            typer.echo(f"{at}  {one.verdict:8} {one.key or '—'}  {one.event_id or '—'}")
    if not heard:
        typer.echo(_words(lang)("no_callbacks"))


def _standing(speak: Callable[..., str], seen: "Health | None", *, live: bool, licence: str) -> str:
    if not live:
        return speak("closed")
    if licence in ("own_hand", "own_file"):
        return speak("hand")
    if seen is None:
        return speak("never")
    took = "" if seen.took_ms is None else f" {speak('took', ms=seen.took_ms)}"
    return f"{seen.state.value}{took}"


def _yuan(fen: int) -> str:
    from anhuan.kit import wording

    return wording.amount(fen)


def _words(lang: str | None) -> Callable[..., str]:
    english = terminal.language(lang) == "en"

    def speak(name: str, **facts: Any) -> str:
        return WORDS[name][english].format(**facts)

    return speak
