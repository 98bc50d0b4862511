"""`anhuan demo fill`: a household to look at, made through the same acts that a person uses. Everybody is invented."""

from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

import typer
from sqlalchemy.orm import Session

from anhuan import cards, planning, statements
from anhuan.cli import demo_books, demo_mail
from anhuan.identity import agreeing, commands, consent, demonstration
from anhuan.identity.consent_words import Channel, Purpose
from anhuan.kit import clock, db, terminal
from anhuan.kit.actors import Actor, ActorKind

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="A household to look at.")

# Debit accounts: bank, last digits, name, what is on it and what must stay (fen).
OWN: Final = (
    ("cmb", "6688", "张三的工资卡", 860_000, 100_000),
    ("icbc", "1024", "家庭备用", 420_000, 0),
)
SALARY: Final = (1_600_000, 5)  # fen, and the day of the month it arrives
RENT: Final = (-320_000, 10)
LABELS: Final = {"7190": "大件", "3096": "日常"}


@app.callback()
def demo() -> None:
    """Keep `fill` a command of its own name."""


@app.command(name="fill")
@terminal.may("installer")
def fill_command() -> None:
    """Fill six cards at five banks, two own accounts, salary and rent; does nothing where there are cards already."""
    db.migrate()
    filled = prepare()
    typer.echo("the demo household is there" if filled else "there are cards already: nothing was changed")


def prepare() -> bool:
    """Make this a demonstration, unless it is real: its people and its household; tells whether anything was made."""
    declare()
    now = clock.now()
    with db.sessions("work").begin() as session:
        demonstration.fill(session, now=now)
    with db.transaction() as session:
        agreeing.invented(session, [(one.id, one.party or one.id) for one in demonstration.PEOPLE], now=now)
    with commands.transaction() as (session, me):
        made = fill(session, me, now=now)
    demo_books.fill(now=now)
    return made


def declare() -> None:
    """Say for ever that this is a demonstration; refuses where there are other data."""
    with commands.transaction() as (session, me):
        if cards.own_accounts(session, me) and not _is_invented(session, me):
            raise demonstration.NotADemonstration(
                "这里已有别的数据,不能当演示打开;演示请另选一个 ANHUAN_HOME。", field="--demo"
            )
        demonstration.declare(session, demonstration.DEMONSTRATION, now=clock.now())


def _is_invented(session: Session, user_id: UUID) -> bool:
    """Whether what is there is this household, as older versions filled it without saying that it is one."""
    return any(account.label == OWN[0][2] for account in cards.own_accounts(session, user_id))


def fill(session: Session, user_id: UUID, *, now: datetime) -> bool:
    """Make the household of this day for a user without cards; tells whether anything was made."""
    if cards.accounts(session, user_id) or cards.own_accounts(session, user_id):
        return False
    today = now.astimezone(clock.CHINA).date()
    household = Actor(ActorKind.COMMAND, person_id=user_id, party_id=user_id, demo=True)
    consent.give(session, user_id, Purpose.BILL_READING, actor=household, now=now, channel=Channel.COMMAND)
    statements.take_in(session, user_id, list(_mails(today)), now=now)
    for tail, label in LABELS.items():
        for card in cards.find_cards(session, user_id, bank="cmb", last_digits=tail):
            cards.edit_card(session, user_id, card.card_id, label=label)
    _pay_what_was_due(session, user_id, today, now=now)
    _own_money(session, user_id, today)
    return True


def _mails(today: date) -> list[statements.Upload]:
    return [
        statements.Upload(f"{account.bank}-{bill.statement_on:%Y-%m}.eml", demo_mail.mail(bill))
        for account in demo_mail.ACCOUNTS
        for bill in demo_mail.bills_until(account, today)
    ]


def _pay_what_was_due(session: Session, user_id: UUID, today: date, *, now: datetime) -> None:
    """A calm start: what fell due before today was paid two days early."""
    for bill in cards.current_bills(session, user_id, on=today):
        if bill.due_on is not None and bill.due_on < today and bill.open:
            paid_on = max(bill.statement_on, bill.due_on - timedelta(days=2))
            cards.record_payment(session, user_id, bill.bill_id, bill.open, paid_on, now=now)


def _own_money(session: Session, user_id: UUID, today: date) -> None:
    made = []
    for bank, tail, label, balance, reserve in OWN:
        account = cards.set_account(session, user_id, bank, tail, label=label, reserve=reserve)
        made.append(cards.record_balance(session, user_id, account.account_id, balance, balance_on=today))
    for label, (amount, day) in {"工资": SALARY, "房租": RENT}.items():
        planning.set_flow(session, user_id, made[0].account_id, amount, label=label, day_of_month=day)
    for channel in ("bank_transfer", "bank_app", "wechat"):
        planning.set_channel(session, user_id, channel, chosen=True)
