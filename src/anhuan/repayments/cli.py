"""`anhuan repay`: what a payment would be, paying after a typed yes, following, taking back, mandates, pauses.

Whoever holds this command line holds the files of the installation and acts for the person of ANHUAN_PERSON; every
command is written into the audit log. Words and numbers are those of the pages.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

import typer

from anhuan.kit import clock, ids, terminal
from anhuan.kit.errors import Refused

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from anhuan.kit.actors import Actor
    from anhuan.repayments.model import OrderView, Quote, RepayAsk

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Pay a card, follow it, mandates, pauses · 还款、进度、授权、暂停"
)
LOOK: Final = 2.0  # seconds between two looks of --watch
SHORT: Final = 8  # characters by which an order may be named

Lang = Annotated[str | None, typer.Option("--lang", help="zh or en", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="as JSON, for programs · 输出 JSON")]
Account = Annotated[str, typer.Argument(help="last digits of the card, or the account's id · 卡号末位或账户编号")]
Full = Annotated[bool, typer.Option("--full", help="everything that is open · 全额")]
Minimum = Annotated[bool, typer.Option("--minimum", help="the minimum · 最低还款额")]
Amount = Annotated[str | None, typer.Option("--amount", help="yuan, such as 500.00 · 自定金额", show_default=False)]
From = Annotated[
    str | None, typer.Option("--from", help="own account, by its last digits · 付款账户", show_default=False)
]
By = Annotated[
    str | None, typer.Option("--by", help="channel; without it the cheapest in time · 渠道", show_default=False)
]
On = Annotated[datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="day · 日期", show_default=False)]
Number = Annotated[str, typer.Argument(help="the order's id, or its last characters · 还款单编号或其末几位")]


class Which(Refused):
    """请指明是哪一个: the text names no card, own account or order, or more than one."""

    code = "repay.which"


@app.command()
@terminal.may("repay.read")
def quote(
    account: Account, full: Full = False, minimum: Minimum = False, amount: Amount = None, source: From = None,
    by: By = None, on: On = None, as_json: AsJson = False, lang: Lang = None,
) -> None:  # fmt: skip
    """What paying a card would be; nothing moves. Exit code 1 where it cannot be paid now · 试算."""
    with _rows() as (db, who):
        asked = _ask(db, who, account, _rule(full, minimum, amount), source, by, on)
        made = _quoted(db, who, asked, lang)
    if as_json:
        typer.echo(json.dumps(_quote_json(made, lang), ensure_ascii=False))
    else:
        _print_quote(made, lang)
    raise typer.Exit(1 if made.troubles else 0)


@app.command()
@terminal.may("repay.write")
def now(
    account: Account, full: Full = False, minimum: Minimum = False, amount: Amount = None, source: From = None,
    by: By = None, on: On = None, watch: Annotated[bool, typer.Option("--watch", help="follow it · 跟踪进度")] = False,
    lang: Lang = None,
) -> None:  # fmt: skip
    """Show what paying a card would be, ask for a yes, and pay; nothing is paid without it · 还款."""
    from anhuan.repayments import service
    from anhuan.repayments.model import Changed

    say = _words(lang)
    with _rows() as (db, who):
        asked = _ask(db, who, account, _rule(full, minimum, amount), source, by, on)
        shown = _quoted(db, who, asked, lang)
    _print_quote(shown, lang)
    if shown.troubles:
        raise typer.Exit(1)
    if typer.prompt(say("ask"), default="no", show_default=False).strip().lower() != "yes":
        typer.echo(say("not_paid"))
        raise typer.Exit(1)
    with _rows() as (db, who):
        again = _quoted(db, who, asked, lang)
        if (again.parts, again.channel) != (shown.parts, shown.channel):
            raise Changed("内容有变，没有付款；请重新运行，再看一遍。", field="amount")
        orders = service.pay(db, who, [asked], key=ids.new_id(), answer=None, now=clock.now())
    typer.echo(say("taken"))
    for one in orders:
        _print_order(one, lang)
    if watch:
        typer.echo(say("watching"))
        for one in orders:
            _follow(one.order_id, lang)


@app.command()
@terminal.may("repay.read")
def orders(
    open_only: Annotated[bool, typer.Option("--open", help="only those that are not at their end · 未完结的")] = False,
    at_most: Annotated[int, typer.Option("--at-most", min=1, max=500)] = 50,
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Payments, the newest first · 还款单."""
    from anhuan.repayments import views

    with _rows() as (db, who):
        found = views.orders(db, _party(who), open_only=open_only, at_most=at_most)
        names = _names(db, who)
    if as_json:
        for one in found:
            typer.echo(_order_json(one))
        return
    if not found:
        typer.echo(_words(lang)("none"))
        return
    rows = [
        [f"{one.order_id}"[-SHORT:], names.get(one.account_id, one.bank), _yuan(one.amount), _state(one, lang),
         _moment(one.expected_at, lang) if one.closed_at is None else _moment(one.closed_at, lang)]
        for one in found
    ]  # fmt: skip
    _table(["order", "card", "amount", "status", "expected"], rows, lang, right=2)


@app.command()
@terminal.may("repay.read")
def show(
    number: Number, watch: Annotated[bool, typer.Option("--watch", help="follow it · 跟踪进度")] = False,
    as_json: AsJson = False, lang: Lang = None,
) -> None:  # fmt: skip
    """One payment with everything that happened to it · 还款进度."""
    from anhuan.repayments import views

    with _rows() as (db, who):
        order = _order(db, who, number)
        stamps = views.timeline(db, _party(who), order.order_id)
    if as_json:
        from anhuan.repayments import wire

        typer.echo(wire.story_out(order, stamps, None).model_dump_json())
        return
    _print_order(order, lang)
    if watch:
        typer.echo(_words(lang)("watching"))
        _follow(order.order_id, lang)
        return
    for one in stamps:
        typer.echo(_stamp(one.at, one.kind, one.code, lang))


@app.command()
@terminal.may("repay.write")
def cancel(number: Number, lang: Lang = None) -> None:
    """Take a payment back before anything goes out · 取消."""
    from anhuan.repayments import service

    with _rows() as (db, who):
        order = _order(db, who, number)
        service.cancel(db, who, _party(who), order.order_id, now=clock.now())
    typer.echo(_words(lang)("cancelled"))


@app.command()
@terminal.may("repay.read")
def mandates(
    every: Annotated[bool, typer.Option("--all", help="those that were revoked, too · 包括已撤回的")] = False,
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """What may be debited without asking again · 代扣授权."""
    from anhuan.repayments import mandates as given

    with _rows() as (db, who):
        found = given.of(db, _party(who), ended=every)
        names = _names(db, who)
    say = _words(lang)
    if as_json:
        for one in found:
            facts = {"mandate_id": one.id, "account_id": one.wish.account_id, "cap": one.wish.cap, "on": one.on,
                     "valid_to": one.wish.valid_to, "revoked_at": one.revoked_at}  # fmt: skip
            typer.echo(json.dumps(facts, default=str))
        return
    if not found:
        typer.echo(say("no_mandates"))
        return
    rows = [
        [f"{one.id}"[-SHORT:], names.get(one.wish.account_id, ""), _yuan(one.wish.cap),
         f"{one.wish.valid_to}" if one.wish.valid_to else say("no_end"),
         say("revoked" if not one.stands else "on" if one.on else "off")]
        for one in found
    ]  # fmt: skip
    _table(["mandate", "card", "cap", "until", "status"], rows, lang, right=2)


@app.command()
@terminal.may("consent.write")
def revoke(
    number: Annotated[str, typer.Argument(help="the mandate's id, or its last characters · 授权编号或其末几位")],
    lang: Lang = None,
) -> None:
    """Take a mandate back, at once; says what is still on its way · 撤回授权."""
    from anhuan.repayments import mandates as given

    with _rows() as (db, who):
        held = {one.id for one in given.of(db, _party(who), ended=True)}
        done = given.revoke(db, who, _named(number, held), now=clock.now())
    typer.echo(_words(lang)("taken_back").format(stopped=done.stopped, followed=len(done.followed)))


@app.command()
@terminal.may("repay.write")
def pause(
    account: Annotated[str | None, typer.Argument(help="one card; without it everything · 一张卡，不写是全部")] = None,
    lang: Lang = None,
) -> None:
    """Let nothing go out, of everything or of one card; what went out is followed · 暂停."""
    from anhuan.identity import limits
    from anhuan.repayments import card_pauses

    with _rows() as (db, who):
        if account is None:
            limits.pause_everything(db, who, now=clock.now())
        else:
            card_pauses.pause(db, who, _party(who), _account(db, who, account), now=clock.now())
    typer.echo(_words(lang)("paused") + (f" {account}" if account else ""))


@app.command()
@terminal.may("repay.write")
def resume(
    account: Annotated[str | None, typer.Argument(help="one card; without it everything · 一张卡，不写是全部")] = None,
    lang: Lang = None,
) -> None:
    """Let payments go on: of one card here, of everything in the browser, with your proof · 恢复."""
    from anhuan.identity import limits
    from anhuan.repayments import card_pauses, service

    say = _words(lang)
    with _rows() as (db, who):
        party = _party(who)
        if account is not None:
            lifted = card_pauses.lift(db, who, party, _account(db, who, account), now=clock.now())
            service.wake(db, party)
            typer.echo(say("card_resumed" if lifted else "not_paused"))
            return
        standing = limits.at(db, party, now=clock.now()).pause is not None
    typer.echo(say("in_browser" if standing else "not_paused"))
    raise typer.Exit(1 if standing else 0)


@contextmanager
def _rows() -> "Iterator[tuple[Session, Actor]]":
    from anhuan.identity import commands
    from anhuan.kit import db as database

    database.require_head()
    with commands.transaction() as (db, _):
        yield db, commands.enter(db)


def _party(who: "Actor") -> UUID:
    assert who.party_id is not None
    return who.party_id


def _rule(full: bool, minimum: bool, amount: str | None) -> tuple[str, int | None]:
    """Exactly one of --full, --minimum and --amount; full without any."""
    from anhuan.kit.money import from_text

    if full + minimum + (amount is not None) > 1:
        raise typer.BadParameter("one of --full, --minimum, --amount")
    if amount is not None:
        return "custom", from_text(amount)
    return ("minimum" if minimum else "full"), None


def _ask(
    db: "Session", who: "Actor", account: str, rule: tuple[str, int | None], source: str | None, by: str | None,
    on: datetime | None,
) -> "RepayAsk":  # fmt: skip
    from anhuan.repayments.model import AmountRule, RepayAsk

    named, fen = rule
    return RepayAsk(
        _account(db, who, account), _source(db, who, source), AmountRule(named), fen, by, on.date() if on else None
    )


def _quoted(db: "Session", who: "Actor", asked: "RepayAsk", lang: str | None) -> "Quote":
    from anhuan.repayments import quoting

    return quoting.quote(db, _party(who), asked, now=clock.now(), lang=terminal.language(lang))


def _account(db: "Session", who: "Actor", text: str) -> UUID:
    """The billed account that is meant: by its id, or the last digits of a card."""
    from anhuan import cards

    faces = cards.accounts(db, _party(who))
    meant = {one.account_id for one in faces if any(card.last_digits.endswith(text) for card in one.cards)}
    if len(meant) == 1:
        return meant.pop()
    return _named(text, {one.account_id for one in faces}, field="account")


def _source(db: "Session", who: "Actor", text: str | None) -> UUID:
    """The own account that pays: the one that is named, or the only one."""
    from anhuan import cards

    own = [one for one in cards.own_accounts(db, _party(who)) if one.currency == "CNY"]
    meant = {one.account_id for one in own if text is None or one.last_digits.endswith(text)}
    if len(meant) == 1:
        return meant.pop()
    if text is None:
        raise Which("请用 --from 指明从哪个账户付（账户末几位）。", field="from")
    return _named(text, {one.account_id for one in own}, field="from")


def _order(db: "Session", who: "Actor", text: str) -> "OrderView":
    from anhuan.repayments import views

    found = {one.order_id: one for one in views.orders(db, _party(who), at_most=500)}
    return found[_named(text, set(found))] if not _is_id(text) else views.find(db, _party(who), UUID(text))


def _named(text: str, known: set[UUID], *, field: str = "number") -> UUID:
    """The one id that is this text, or ends with it."""
    meant = [one for one in known if len(text) >= 4 and str(one).endswith(text.lower())]
    if len(meant) != 1:
        raise Which(f"{text}：没有，或不止一个；请写完整的编号。", field=field)
    return meant[0]


def _is_id(text: str) -> bool:
    try:
        return bool(UUID(text))
    except ValueError:
        return False


def _names(db: "Session", who: "Actor") -> Mapping[UUID, str]:
    from anhuan import cards

    return {one.account_id: one.name() for one in cards.accounts(db, _party(who))}


def _follow(order_id: UUID, lang: str | None) -> None:
    """Print each new line of an order's timeline until it is at its end; whoever stops looking stops nothing.

    The command is written into the audit log once; its looks after that are not.
    """
    from anhuan.identity import commands
    from anhuan.kit import db as database
    from anhuan.repayments import views
    from anhuan.repayments.model import CLOSED

    seen = 0
    try:
        while True:
            with database.transaction() as db:
                party = _party(commands.enter(db))
                order, stamps = views.find(db, party, order_id), views.timeline(db, party, order_id)
            for one in stamps[seen:]:
                typer.echo(_stamp(one.at, one.kind, one.code, lang))
            seen = len(stamps)
            if order.status in CLOSED:
                typer.echo(_state(order, lang))
                return
            time.sleep(LOOK)
    except KeyboardInterrupt:
        typer.echo(_state(order, lang))


def _print_quote(one: "Quote", lang: str | None) -> None:
    say, english = _words(lang), terminal.language(lang) == "en"
    lines = [
        ("card", one.card_name), ("from", one.source_name), ("by", one.channel_en if english else one.channel_zh),
        ("amount", _yuan(one.amount)), ("fee", _yuan(one.fee)), ("debit", _yuan(one.debit)),
        ("start", say("now") if one.start_at <= clock.now() else _moment(one.start_at, lang)),
        ("expected", _moment(one.expected_at, lang)), ("safe", _moment(one.safe_by_at, lang)),
        ("due", f"{one.due_on or say('unknown')}"),
    ]  # fmt: skip
    if len(one.parts) > 1:
        lines.append(("parts", " + ".join(_yuan(part.amount) for part in one.parts)))
    if one.effect is not None:
        lines.append(("stays", _yuan(one.effect.stays_open)))
    for name, value in lines:
        typer.echo(f"{say(name):<16}{value}")
    for trouble in one.troubles:
        typer.secho(f"{say('blocked')}: {trouble.message} [{trouble.code}]", fg=typer.colors.YELLOW)


def _print_order(one: "OrderView", lang: str | None) -> None:
    say = _words(lang)
    typer.echo(f"{say('order')} {one.order_id}  {_yuan(one.amount)}  {_state(one, lang)}")
    if one.closed_at is None and one.expected_at is not None:
        typer.echo(f"{say('expected')} {_moment(one.expected_at, lang)}")


def _state(one: "OrderView", lang: str | None) -> str:
    from anhuan.repayments.cli_words import STATUS, WAIT

    english = terminal.language(lang) == "en"
    said = STATUS[one.status][english]
    if one.wait is not None and one.closed_at is None:
        said = f"{said} · {WAIT[one.wait][english]}"
    if one.arrived_on is not None:
        said = f"{said} {one.arrived_on}"
    return said


def _stamp(at: datetime, kind: str, code: str, lang: str | None) -> str:
    from anhuan.repayments.cli_words import EVENT, WAIT

    english = terminal.language(lang) == "en"
    why = WAIT[code][english] if code in WAIT else code
    return f"{at.astimezone(clock.CHINA):%Y-%m-%d %H:%M:%S}  {EVENT[kind][english]}{f' · {why}' if why else ''}"


def _quote_json(one: "Quote", lang: str | None) -> dict[str, Any]:
    from anhuan.repayments import wire

    told: dict[str, Any] = json.loads(wire.quote_out(one, terminal.language(lang)).model_dump_json())
    return told


def _order_json(one: "OrderView") -> str:
    from anhuan.repayments import wire

    return wire.order_out(one).model_dump_json()


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], lang: str | None, *, right: int) -> None:
    from rich.console import Console
    from rich.table import Table

    say = _words(lang)
    table = Table(box=None, pad_edge=False)
    for place, head in enumerate(heads):
        table.add_column(say(head), justify="right" if place == right else "left", no_wrap=place != len(heads) - 2)
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def _yuan(fen: int) -> str:
    from anhuan.kit import wording

    return wording.amount(fen)


def _moment(at: datetime | None, lang: str | None) -> str:
    from anhuan.kit import wording

    if at is None:
        return _words(lang)("unknown")
    return wording.moment(at, lang=terminal.language(lang), today=clock.today())


def _words(lang: str | None) -> Callable[[str], str]:
    english = terminal.language(lang) == "en"

    def say(name: str) -> str:
        from anhuan.repayments.cli_words import SAY

        return SAY[name][english]

    return say
