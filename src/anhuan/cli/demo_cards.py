"""Cards of the demonstration that truly pay: two at simulated banks, billed by the banks' own issuers, and their past.

What is seen was lived through: the bank's clock begins some months ago, its issuers print the bills that our reader
imports, and the payments of these months went out as orders, each with its postings. Filled once; afterwards the bank's
books persist beside ours, and only the bills that came since are fetched.
"""

from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any, Final, Protocol
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan import cards, planning, repayments, statements
from anhuan.channels import delivery, proofs, registry
from anhuan.channels.simbank_http import SimulatedBank
from anhuan.identity import commands, demonstration
from anhuan.kit import clock, fetch, ids
from anhuan.kit.actors import Actor, ActorKind
from anhuan.repayments import AmountRule, GroupKind, RepayAsk, bindings
from anhuan.repayments.bindings import Kind, Proved

CHANNEL: Final = "simbank"
HOLDER: Final = demonstration.PEOPLE[0].name
SOURCE_BANK: Final = "sim_a"
SOURCE: Final = "6299000100000014"  # the own debit account, as the bank numbers it
SOURCE_LABEL: Final = "甲银行借记卡"
MONEY: Final = 6_000_000  # fen on it when the past begins
SEED: Final = 20261122
MONTHS_AHEAD: Final = 6  # of purchases that are known to the bank already
MORNING: Final = time(9, 30)
TEN: Final = time(10)
AFTERNOON: Final = time(15)
_MINUTE: Final = timedelta(minutes=1)
_DAY: Final = timedelta(days=1)


class Control(Protocol):
    """The hand on the running bank."""

    def __call__(self, method: str, path: str, said: Mapping[str, Any] | None = None) -> Any:
        """Tell the bank something."""


@dataclass(frozen=True, slots=True)
class Held:
    """One card: its number at its bank, how many days ahead its bill is due at least, what is bought each month."""

    bank: str
    number: str
    statement_days: tuple[int, ...]  # that the bank offers
    due_after: int  # days from a bill to its due day
    due_from: int  # days ahead
    limit: int
    buys: tuple[tuple[int, str, int], ...]  # day of the month, at whom, fen
    given_back: bool = False  # whether its first payment was undone by the bank and made again

    @property
    def tail(self) -> str:
        """The last digits, by which its bills name it."""
        return self.number[-4:]


CARDS: Final = (
    Held("sim_a", "9900010000007717", (3, 8, 12, 17, 22, 27), 20, 2, 3_000_000, (
        (2, "示例超市 中山路店", 36_880), (7, "示例书店", 12_900), (13, "示例出行 机票", 58_000),
        (19, "示例餐厅", 25_640), (26, "示例加油站", 38_000),
    )),
    Held("sim_c", "9900030000002260", (2, 5, 10, 15, 20, 28), 25, 9, 2_000_000, (
        (4, "示例影院", 9_600), (11, "示例数码 耳机", 29_900), (18, "示例药房", 6_450), (23, "示例健身房 月费", 29_900),
    ), given_back=True),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bills:
    """The days of one card: its first bill, the bill in force, and the statement day of its months."""

    held: Held
    first: date
    last: date

    @property
    def first_due(self) -> date:
        """When the first bill was due."""
        return self.first + self.held.due_after * _DAY


def fill(control: Control, *, now: datetime | None = None) -> bool:
    """Make the cards and their past where they are not there; fetch bills that came since. Tells whether it was new."""
    now = now or clock.now()
    today = now.astimezone(clock.CHINA).date()
    with commands.transaction() as (db, me):
        whole, begun = _is_whole(db, me), _source(db, me) is not None
    if not whole:
        days = [bills_of(held, today) for held in CARDS]
        if not begun:
            _open_at_the_bank(control, days, today)
            _own_account(control, min(_at(one.first, MORNING) for one in days))
            _live(control, days, me, now)
        control("PUT", "/sim/clock", {"now": clock.now().isoformat()})
    for held in CARDS:
        _take_bills(held, now)
    if not whole:
        _finish(control, me, now)
    return not whole


def _finish(control: Control, me: UUID, now: datetime) -> None:
    """What holds from here on: what is on the account today, both cards bound, the channel chosen for plans."""
    _own_account(control, now)
    with commands.transaction() as (db, _):
        source = _source(db, me)
        for held in CARDS:
            account = _account(db, me, held)
            if source is not None and account is not None:
                _bind(db, me, source, account, held, now=now)
        planning.set_channel(db, me, CHANNEL, chosen=True)


def bills_of(held: Held, today: date) -> Bills:
    """The bill whose due day lies ahead by so many days at least, the nearest of them, and the bill a month before."""
    months = [(today.year, today.month), _month_before(today.year, today.month)]
    known = sorted(date(year, month, day) for year, month in months for day in held.statement_days)
    last = next(day for day in known if day + held.due_after * _DAY >= today + held.due_from * _DAY)
    return Bills(held, date(*_month_before(last.year, last.month), last.day), last)


def _open_at_the_bank(control: Control, days: list[Bills], today: date) -> None:
    """The bank begins again some weeks before the first bill: an account with money, two cards, what they buy."""
    begins = min(one.first for one in days) - timedelta(days=27)
    control("POST", "/sim/reset", {"seed": SEED, "now": _at(begins, MORNING).isoformat()})
    control("POST", "/sim/accounts", {"funding": SOURCE, "holder": HOLDER, "balance": MONEY})
    for one in days:
        held = one.held
        facts = {"credit_limit": held.limit, "mailbox": "zhangsan@example.com"}
        control("POST", "/sim/cards", {"card": held.number, "bank": held.bank, "name": HOLDER,
                                       "statement_day": one.last.day, "facts": facts})  # fmt: skip
    until = today + timedelta(days=31 * MONTHS_AHEAD)
    control("POST", "/sim/charges", {"charges": [each for one in days for each in _buys(one.held, begins, until)]})


def _buys(held: Held, first: date, last: date) -> Iterator[dict[str, Any]]:
    """Every purchase of the months from one day to another; each month a little dearer, so that no two are alike."""
    for number, month in enumerate(_months(first, last)):
        for day, text, fen in held.buys:
            on = date(*month, min(day, monthrange(*month)[1]))
            if first <= on <= last:
                yield {"card": held.number, "amount": fen + 10 * number * day, "text": text, "day": on.isoformat()}


def _live(control: Control, days: list[Bills], me: UUID, now: datetime) -> None:
    """Bills come in, and the first ones are paid by orders, on the days and by the acts of a person who lived then."""
    story: list[tuple[datetime, Callable[[datetime], None]]] = []
    for one in days:
        take, pay = partial(_take_bills, one.held), partial(_pay, me, one.held)
        story += [(_at(one.first + _DAY, MORNING), take), (_at(one.last + _DAY, MORNING), take)]
        early = one.first_due - 4 * _DAY
        story.append((_at(early, TEN), pay))
        if one.held.given_back:
            story += [(_at(early, AFTERNOON), partial(_undo, control, me, one.held)), (_at(early + _DAY, TEN), pay)]
    for at, act in sorted(story, key=lambda step: step[0]):
        if at < now:
            control("PUT", "/sim/clock", {"now": at.isoformat()})
            act(at)


def _pay(me: UUID, held: Held, at: datetime) -> None:
    """One order from the tap to its proof; where the bank gave one back before, this is the next attempt."""
    with commands.transaction() as (db, _):
        source, account = _source(db, me), _account(db, me, held)
        assert source is not None, "the own account was opened before"
        assert account is not None, "the first bill was imported before"
        _bind(db, me, source, account, held, now=at)
        ask = RepayAsk(account, source, AmountRule.FULL, channel=CHANNEL)
        quote = repayments.quote(db, me, ask, now=at)
        failed = next((one.order_id for one in repayments.orders(db, me, account_id=account, at_most=1)), None)
        (order,) = repayments.place(
            db, me, [quote], key=ids.new_id(), kind=GroupKind.ONE, who=_person(me), retry_of=failed, now=at
        )
    assert order.key is not None, "it begins at once"
    delivery.deliver(me, order.key, now=lambda: at)
    proofs_at = at + 2 * _MINUTE
    if not held.given_back or failed is not None:
        proofs.look(me, order.key, now=lambda: proofs_at)


def _undo(control: Control, me: UUID, held: Held, at: datetime) -> None:
    """The bank takes the newest payment back by its own mistake; we hear of it by asking."""
    with commands.transaction() as (db, _):
        newest = repayments.orders(db, me, account_id=_account(db, me, held), at_most=1)[0]
    assert newest.key is not None
    control("POST", f"/sim/payments/{newest.key}/reverse", {"reason": "bank_error"})
    delivery.ask(me, newest.key, now=lambda: at)


def _take_bills(held: Held, at: datetime) -> None:
    """Import every bill that the bank has printed for this card by now, as it mails them; known ones change nothing."""
    bank = registry.find(CHANNEL)
    assert isinstance(bank, SimulatedBank)
    try:
        mails = [
            statements.Upload(f"{held.bank}-{day:%Y-%m}.eml", bank.bill(held.number, day, "eml"))
            for day in bank.bill_days(held.number)
        ]
    except fetch.NoAnswer:
        return  # a card that this bank does not know: its database is another one
    with commands.transaction() as (db, me):
        statements.take_in(db, me, mails, now=at)


def _own_account(control: Control, at: datetime) -> None:
    """The own debit account at the bank, with what the bank says is on it."""
    held = int(control("POST", "/sim/accounts", {"funding": SOURCE})["balance"])
    with commands.transaction() as (db, me):
        account = cards.set_account(db, me, SOURCE_BANK, SOURCE, label=SOURCE_LABEL)
        cards.record_balance(db, me, account.account_id, held, balance_on=at.astimezone(clock.CHINA).date())


def _bind(db: Session, me: UUID, source: UUID, account: UUID, held: Held, *, now: datetime) -> None:
    """What the channel calls the own account and the card, once; a binding in doubt is made anew."""
    for kind, subject, ref in ((Kind.SOURCE, source, SOURCE), (Kind.CARD, account, held.number)):
        found = bindings.find(db, me, kind, subject, CHANNEL)
        if found is None or found.doubtful:
            bindings.bind(
                db, _person(me), me, kind, subject, CHANNEL, ref=ref, name=HOLDER, how=Proved.DEMONSTRATION, now=now
            )


def _is_whole(db: Session, me: UUID) -> bool:
    """Whether the own account and both cards are there and bound."""
    source, accounts = _source(db, me), [_account(db, me, held) for held in CARDS]
    subjects = [(Kind.SOURCE, source), *((Kind.CARD, account) for account in accounts)]
    return all(subject and bindings.find(db, me, kind, subject, CHANNEL) for kind, subject in subjects)


def _source(db: Session, me: UUID) -> UUID | None:
    own = cards.own_accounts(db, me)
    return next((one.account_id for one in own if (one.bank, one.label) == (SOURCE_BANK, SOURCE_LABEL)), None)


def _account(db: Session, me: UUID, held: Held) -> UUID | None:
    found = cards.find_cards(db, me, bank=held.bank, last_digits=held.tail)
    return found[0].account_id if found else None


def _person(me: UUID) -> Actor:
    return Actor(ActorKind.COMMAND, person_id=me, party_id=me, demo=True)


def _at(day: date, when: time) -> datetime:
    return datetime.combine(day, when, clock.CHINA)


def _months(first: date, last: date) -> Iterator[tuple[int, int]]:
    year, month = first.year, first.month
    while (year, month) <= (last.year, last.month):
        yield year, month
        year, month = year + month // 12, month % 12 + 1


def _month_before(year: int, month: int) -> tuple[int, int]:
    return (year, month - 1) if month > 1 else (year - 1, 12)
