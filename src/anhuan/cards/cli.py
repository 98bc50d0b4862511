"""`anhuan cards`: what is due, the cards themselves, their terms, own accounts, and what a choice would cost."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from anhuan.kit import clock, terminal
from anhuan.kit.errors import Refused

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from anhuan.cards.model import AccountFace, BillView

app = typer.Typer(
    rich_markup_mode=None,
    invoke_without_command=True,
    help="Cards, due dates, what a late payment costs · 信用卡与到期日",
)
account = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Own debit accounts · 自己的账户")
terms_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The terms of a card · 卡片条款")
calendar_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Chinese working days · 工作日")
app.add_typer(account, name="account")
app.add_typer(terms_app, name="terms")
app.add_typer(calendar_app, name="calendar")

Lang = Annotated[str | None, typer.Option("--lang", help="zh or en", show_default=False)]
Tail = Annotated[str, typer.Argument(help="last digits of the card · 卡号末位", show_default=False)]
BankOf = Annotated[
    str | None, typer.Option("--bank", help="bank id, where two cards end alike · 银行", show_default=False)
]
On = Annotated[datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="day · 日期", show_default=False)]


class Unclear(Refused):
    """找不到或不止一张: the digits name no card, or more than one."""

    code = "cards.which_card"


class NotANumber(Refused):
    """数值无法识别: the text is no value of that kind."""

    code = "cards.bad_value"


@app.callback()
@terminal.may("cards.read")
def due(ctx: typer.Context, lang: Lang = None) -> None:
    """Without a command: the due board."""
    if ctx.invoked_subcommand is None:
        board(lang=lang)


@app.command()
@terminal.may("cards.read")
def board(on: On = None, lang: Lang = None) -> None:
    """What is due: overdue, today, this week, later · 到期看板."""
    from anhuan.cards import screen, views

    with _database() as (db, me):
        screen.print_board(views.due_board(db, me, on=_day(on)), terminal.language(lang))


@app.command("list")
@terminal.may("cards.read")
def list_(lang: Lang = None) -> None:
    """All cards with their labels, groups and ids · 所有卡."""
    from anhuan.cards import screen, views

    with _database() as (db, me):
        screen.print_accounts(views.accounts(db, me), terminal.language(lang))


@app.command()
@terminal.may("cards.read")
def show(tail: Tail, bank: BankOf = None, lang: Lang = None) -> None:
    """One card: bills, expected bills, until when each channel is safe · 单张卡."""
    from anhuan import channels
    from anhuan.cards import screen, views

    with _database() as (db, me):
        today = clock.today()
        face = _account(db, me, tail, bank)
        page = views.account_page(db, me, face.account_id, on=today)
        learned = channels.arrivals.book(db, on=today)
        due = page.bills and page.bills[0].open
        moments = views.safe_moments(page.bills[0], on=today, learned=learned) if due else ()
        screen.print_page(page, moments, terminal.language(lang), on=today)


@app.command()
@terminal.may("cards.write")
def add(
    bank: Annotated[str, typer.Argument(help="bank id, for instance cmb · 银行")],
    number: Annotated[str, typer.Argument(help="last digits, or the number to be checked and cut · 卡号末位")],
    label: Annotated[str, typer.Option(help="your own name for it · 名称")] = "",
    group: Annotated[list[str] | None, typer.Option(help="group, may be given again · 分组")] = None,
    supplementary: Annotated[bool, typer.Option(help="a supplementary card · 附属卡")] = False,
    lang: Lang = None,
) -> None:
    """Add a card; only its last digits are kept · 添加卡."""
    from anhuan.cards import screen, service, views
    from anhuan.kit import terms

    if bank not in terms.banks():
        raise Unclear(f"no bank has the id {bank!r}; known: {', '.join(terms.banks())}", field="bank")
    with _database() as (db, me):
        service.add_card(
            db,
            me,
            bank,
            number,
            now=clock.now(),
            label=label,
            groups=group or (),
            supplementary=supplementary,
        )
        screen.print_accounts(views.accounts(db, me), terminal.language(lang))


@app.command()
@terminal.may("cards.write")
def edit(
    tail: Tail,
    bank: BankOf = None,
    label: Annotated[str | None, typer.Option(help="your own name for it · 名称")] = None,
    group: Annotated[list[str] | None, typer.Option(help="group, may be given again · 分组")] = None,
    lang: Lang = None,
) -> None:
    """Name a card and put it into groups · 修改名称与分组."""
    from anhuan.cards import screen, service, views

    with _database() as (db, me):
        card = _card(db, me, tail, bank)
        service.edit_card(db, me, card, label=label, groups=group)
        screen.print_accounts(views.accounts(db, me), terminal.language(lang))


@app.command()
@terminal.may("cards.write")
def remove(tail: Tail, bank: BankOf = None, lang: Lang = None) -> None:
    """Put a card away; its bills stay in history · 移除卡."""
    from anhuan.cards import screen, service, views

    with _database() as (db, me):
        service.remove_card(db, me, _card(db, me, tail, bank), now=clock.now())
        screen.print_accounts(views.accounts(db, me), terminal.language(lang))


@app.command()
@terminal.may("cards.write")
def paid(
    tail: Tail,
    amount: Annotated[str, typer.Argument(help="for instance 1927.79 · 金额")],
    on: On = None,
    bank: BankOf = None,
    currency: Annotated[str, typer.Option(help="ISO 4217 · 币种")] = "CNY",
    lang: Lang = None,
) -> None:
    """Note a repayment that reached the card; the bank's own row of it will be the same one · 记一笔还款."""
    from anhuan.cards import screen, service, views
    from anhuan.kit.money import from_text

    with _database() as (db, me):
        bill = _bill(db, me, _account(db, me, tail, bank), currency)
        fen = from_text(amount, currency)
        service.record_payment(db, me, bill.bill_id, fen, _day(on), now=clock.now())
        screen.print_board(views.due_board(db, me, on=clock.today()), terminal.language(lang))


@app.command()
@terminal.may("cards.write")
def share(
    label: Annotated[str, typer.Argument(help="name of the shared limit · 额度名称")],
    tails: Annotated[list[str], typer.Argument(help="last digits of the cards that share it · 卡号末位")],
    limit: Annotated[str | None, typer.Option(help="the limit, else the largest printed · 额度")] = None,
    lang: Lang = None,
) -> None:
    """Let several cards share one limit, so that it counts once · 共享额度."""
    from anhuan.cards import screen, service, views
    from anhuan.kit.money import from_text

    with _database() as (db, me):
        accounts = list(dict.fromkeys(_account(db, me, tail, None).account_id for tail in tails))
        fen = None if limit is None else from_text(limit)
        service.share_line(db, me, accounts, label=label, limit=fen)
        screen.print_board(views.due_board(db, me, on=clock.today()), terminal.language(lang))


@app.command()
@terminal.may("bills.read")
def cost(
    tail: Tail,
    pay: Annotated[list[str] | None, typer.Option(help="an amount to try, may be given again · 试算金额")] = None,
    on: On = None,
    late: Annotated[int | None, typer.Option(min=0, help="days late, all paid then · 逾期天数")] = None,
    bank: BankOf = None,
    currency: Annotated[str, typer.Option(help="ISO 4217 · 币种")] = "CNY",
    steps: Annotated[bool, typer.Option(help="the worked sum of each choice · 计算步骤")] = True,
    lang: Lang = None,
) -> None:
    """What paying in full, the minimum, nothing or an amount costs, worked out step by step · 试算还款成本."""
    from anhuan.cards import choices, screen
    from anhuan.kit.money import from_text

    with _database() as (db, me):
        bill = _bill(db, me, _account(db, me, tail, bank), currency)
        speak = terminal.language(lang)
        if late is not None:
            found = [choices.late(db, me, bill, days_late=late, lang=speak)]
        else:
            amounts = [from_text(text, currency) for text in pay or ()]
            pay_on = None if on is None else on.date()
            found = list(choices.of_bill(db, me, bill, amounts, pay_on=pay_on, lang=speak))
        screen.print_consequences(found, currency, speak, steps=steps)


@app.command()
@terminal.may("public")
def instalment(
    principal: Annotated[str, typer.Argument(help="amount · 本金")],
    periods: Annotated[int, typer.Argument(min=1, max=360, help="number of periods · 期数")],
    fee: Annotated[str, typer.Argument(help="fee per period, for instance 0.6% · 每期费率")],
    up_front: Annotated[bool, typer.Option(help="the fee is taken once, at the start · 一次性收取")] = False,
    lang: Lang = None,
) -> None:
    """The true yearly rate behind an instalment fee · 分期真实年化."""
    from anhuan.cards import screen
    from anhuan.cards.instalments import plan_cost
    from anhuan.kit.money import from_text

    shown = plan_cost(from_text(principal), periods, _share(fee), up_front=up_front)
    screen.print_plan(shown, terminal.language(lang))


@account.command("list")
@terminal.may("cards.read")
def account_list(lang: Lang = None) -> None:
    """Own debit accounts · 自己的账户."""
    from anhuan.cards import own, screen

    with _database() as (db, me):
        screen.print_own(own.own_accounts(db, me), terminal.language(lang))


@account.command("set")
@terminal.may("cards.write")
def account_set(
    bank: Annotated[str, typer.Argument(help="bank id · 银行")],
    number: Annotated[str, typer.Argument(help="last digits · 末位")],
    balance: Annotated[str | None, typer.Option(help="what it holds · 余额")] = None,
    reserve: Annotated[str | None, typer.Option(help="never to be spent · 保留")] = None,
    label: Annotated[str | None, typer.Option(help="your own name for it · 名称")] = None,
    on: On = None,
    lang: Lang = None,
) -> None:
    """Add a debit account, or change its balance, reserve or name · 添加或更新账户."""
    from anhuan.cards import own, screen
    from anhuan.kit.money import from_text

    with _database() as (db, me):
        kept = None if reserve is None else from_text(reserve)
        held = own.set_account(db, me, bank, number, label=label, reserve=kept)
        if balance is not None:
            own.record_balance(db, me, held.account_id, from_text(balance), balance_on=_day(on))
        screen.print_own(own.own_accounts(db, me), terminal.language(lang))


@terms_app.command("show")
@terminal.may("cards.read")
def terms_show(tail: Tail, on: On = None, bank: BankOf = None, lang: Lang = None) -> None:
    """Every term of a card with the layer it came from · 条款一览."""
    from anhuan.cards import contracts, screen

    with _database() as (db, me):
        face = _account(db, me, tail, bank)
        sheet = contracts.terms_sheet(db, me, face.account_id, on=_day(on))
        screen.print_terms(sheet, terminal.language(lang))


@terms_app.command("set")
@terminal.may("cards.write")
def terms_set(
    tail: Tail,
    key: Annotated[str, typer.Argument(help="for instance daily_rate, grace_days, due_day · 条款")],
    value: Annotated[str, typer.Argument(help="rates in percent, money in yuan, days as numbers · 值")],
    valid_from: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="from this day on · 生效日")],
    source: Annotated[str, typer.Option(help="where you read it · 出处")] = "own contract",
    bank: BankOf = None,
    lang: Lang = None,
) -> None:
    """Keep what your own contract says; earlier days keep what held then · 按合同修改条款."""
    from anhuan.cards import contracts, screen

    with _database() as (db, me):
        face = _account(db, me, tail, bank)
        contracts.set_term(
            db,
            me,
            face.account_id,
            key,
            _typed(key, value),
            valid_from=valid_from.date(),
            source=source,
            now=clock.now(),
        )
        sheet = contracts.terms_sheet(db, me, face.account_id, on=valid_from.date())
        screen.print_terms([term for term in sheet if term.key == key], terminal.language(lang))


@calendar_app.command("show")
@terminal.may("public")
def calendar_show(on: On = None) -> None:
    """Whether banks book on a day, and what that rests on · 查询工作日."""
    from anhuan.kit import calendar

    _load_years()
    answer = calendar.day(_day(on))
    known = "official" if answer.known else "provisional"
    typer.echo(f"{_day(on)}  {'open 工作日' if answer.open else 'closed 休息日'}  {known}  {answer.source}")


@calendar_app.command("load")
@terminal.may("installer")
def calendar_load(
    table: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="a year as JSON · 年度表")],
) -> None:
    """Load the official table of a year, so that it is known without a new release · 载入年度节假日."""
    import json

    from anhuan.kit import calendar

    read = calendar.read_table(json.loads(table.read_text("utf-8")))
    folder = _years_folder()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{read.year}.json").write_text(json.dumps(read.as_json(), ensure_ascii=False, indent=1), "utf-8")
    typer.echo(f"{read.year}: {calendar.load(read).version}")


@contextmanager
def _database() -> Iterator[tuple["Session", UUID]]:
    """One transaction on a database that has this program's tables, and whose rows it sees."""
    from anhuan.identity import commands
    from anhuan.kit import db, settings

    try:
        db.require_head()
    except db.SchemaBehind:
        if settings.read().database_url is not None:
            raise
        db.migrate()
    _load_years()
    with commands.transaction() as (session, me):
        yield session, me


def _load_years() -> None:
    from anhuan.kit import calendar

    if _years_folder().is_dir():
        calendar.load_folder(_years_folder())


def _years_folder() -> Path:
    from anhuan.kit import settings

    return settings.read().home / "calendar"


def _day(given: datetime | None) -> date:
    return clock.today() if given is None else given.date()


def _account(db: "Session", me: UUID, tail: str, bank: str | None) -> "AccountFace":
    """The one account that holds a card with these last digits."""
    from anhuan.cards import rules, views

    found = [
        face
        for face in views.accounts(db, me)
        if bank in (None, face.bank) and rules.matches((card.last_digits for card in face.cards), [tail])
    ]
    if len(found) != 1:
        names = ", ".join(face.name() for face in found)
        raise Unclear(
            f"{tail}: {f'more than one card: {names}; add --bank' if found else 'no such card'}", field="tail"
        )
    return found[0]


def _card(db: "Session", me: UUID, tail: str, bank: str | None) -> UUID:
    from anhuan.cards.numbers import same_card

    return next(card.card_id for card in _account(db, me, tail, bank).cards if same_card(card.last_digits, tail))


def _bill(db: "Session", me: UUID, face: "AccountFace", currency: str) -> "BillView":
    """The newest bill of an account in a currency."""
    from anhuan.cards import views

    for view in views.bills_of(db, me, face.account_id):
        if view.currency == currency:
            return view
    raise Unclear(f"{face.name()} has no bill in {currency} yet", field="tail")


def _share(text: str) -> Decimal:
    """A rate typed as 0.006 or 0.6%."""
    try:
        rate = Decimal(text.strip().removesuffix("%"))
    except InvalidOperation as why:
        raise NotANumber(f"{text!r} is no rate", field="fee") from why
    return rate / 100 if text.strip().endswith("%") else rate


def _typed(key: str, text: str) -> Any:
    """What people type for a term: money in yuan, percent as percent, days and words as they are."""
    from anhuan.cards import rules
    from anhuan.kit.money import from_text

    if rules.UNITS.get(key) == "fen":
        return from_text(text) if not text.endswith("%") else {"rate": str(_share(text))}
    if key.endswith("rate"):
        return str(_share(text))
    return int(text) if text.isascii() and text.isdigit() else text
