"""One month as a calendar shows it: statement days, due days and last safe days of all cards."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan import cards
from anhuan.cards.model import AccountFace
from anhuan.kit import clock

ORDER: Final = ("safe", "due", "statement")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that falls on a day: `kind` is statement, due or safe; an expected day is not printed yet."""

    on: date
    kind: str
    account: AccountFace
    amount: int | None = None
    currency: str = "CNY"
    at: datetime | None = None
    expected: bool = False


@dataclass(frozen=True, slots=True)
class Day:
    """One square of the grid."""

    on: date
    inside: bool
    is_today: bool
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Month:
    """A month in weeks from Monday, and its events in order."""

    first: date
    weeks: tuple[tuple[Day, ...], ...]
    events: tuple[Event, ...]


def first_of(text: str, today: date) -> date:
    """The first day of a month written `2026-11`; of this month when it cannot be read."""
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        return today.replace(day=1)


def events_of(db: Session, user_id: UUID, first: date, *, today: date) -> tuple[Event, ...]:
    """Everything that falls into the month: printed days from bills, expected ones from the cycles of the accounts."""
    after = (first + timedelta(days=31)).replace(day=1)
    board = cards.due_board(db, user_id, on=today)
    found: list[Event] = []
    for entry in board.entries:
        bill = entry.bill
        found.append(Event(bill.statement_on, "statement", entry.account))
        if bill.due_on:
            found.append(Event(bill.due_on, "due", entry.account, entry.open, bill.currency))
        if entry.safe_pay_by and entry.open:
            local = entry.safe_pay_by.astimezone(clock.CHINA)
            found.append(Event(local.date(), "safe", entry.account, entry.open, bill.currency, entry.safe_pay_by))
    faces = {account.account_id: account for account in cards.accounts(db, user_id)}
    known = {(entry.account.account_id, entry.bill.statement_on) for entry in board.entries}
    coming = cards.upcoming_of_all(db, user_id, list(faces), after=today, until=after)
    for expected in (bill for bills in coming.values() for bill in bills):
        if (expected.account_id, expected.statement_on) not in known:
            found.append(Event(expected.statement_on, "statement", faces[expected.account_id], expected=True))
            found.append(Event(expected.due_on, "due", faces[expected.account_id], expected=True))
    inside = [event for event in found if first <= event.on < after]
    return tuple(sorted(inside, key=lambda event: (event.on, ORDER.index(event.kind), str(event.account.account_id))))


def month_of(first: date, today: date, events: tuple[Event, ...]) -> Month:
    """The grid of a month with a mark for each kind of event on a day."""
    start = first - timedelta(days=first.weekday())
    weeks: list[tuple[Day, ...]] = []
    while not weeks or start.month == first.month:
        weeks.append(tuple(_day(start + timedelta(days=n), first, today, events) for n in range(7)))
        start += timedelta(days=7)
    return Month(first, tuple(weeks), events)


def _day(on: date, first: date, today: date, events: tuple[Event, ...]) -> Day:
    kinds = {event.kind for event in events if event.on == on}
    return Day(on, on.month == first.month, on == today, tuple(kind for kind in ORDER if kind in kinds))
