"""What a mandate would do: the next debits as they would be, before anybody confirms it."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan import cards, channels
from anhuan.cards.model import AccountFace
from anhuan.kit import calendar, clock
from anhuan.repayments import mandate_rules as rules
from anhuan.repayments import mandate_runs as runs
from anhuan.repayments import views
from anhuan.repayments.mandate_model import Moments, Preview, Timing, Wish
from anhuan.repayments.mandate_rules import Owed

PREVIEWS: Final = 3
_YEAR: Final = timedelta(days=366)


def of(db: Session, party: UUID, wish: Wish, face: AccountFace, *, now: datetime) -> tuple[Preview, ...]:
    """The next three debits as they would be: told when, made when, how much where the bill is known."""
    today = _day(now)
    bill = cards.open_of_many(db, [(party, wish.account_id)], on=today).get((party, wish.account_id))
    if wish.timing is Timing.BEFORE_DUE:
        return _of_bills(db, party, wish, face, bill, now=now)
    found = []
    for nominal in islice(rules.occurrences(wish, after=today - timedelta(days=1)), PREVIEWS):
        moments = rules.on_day(
            wish, nominal, safe_by=None, now=now, calendar=calendar.current(), house=runs.house(today)
        )
        found.append(_of_day(db, party, wish, face, bill, moments, today))
    return tuple(found)


def _of_bills(
    db: Session, party: UUID, wish: Wish, face: AccountFace, bill: cards.OpenBill | None, *, now: datetime
) -> tuple[Preview, ...]:
    today = _day(now)
    book = channels.arrivals.book(db, on=today)
    known: list[tuple[date | None, date, int | None]] = []
    if bill is not None and bill.due_on is not None and bill.open:
        known.append((bill.statement_on, bill.due_on, _owed(db, party, wish, bill)))
    last = bill.statement_on if bill is not None else today - timedelta(days=31)
    expected = cards.upcoming_bills(db, party, wish.account_id, after=last, until=today + _YEAR)
    known += [(one.statement_on, one.due_on, None) for one in expected if one.due_on > today]
    found = []
    for statement_on, due_on, debit in known[:PREVIEWS]:
        safe = runs.safe_by(due_on, face.bank, wish.channel, on=today, book=book)
        moments = rules.before_due(
            wish, due_on, safe_by=safe, now=now, calendar=calendar.current(), house=runs.house(today)
        )
        if debit is None or bill is None:
            found.append(Preview(moments, None, statement_on, due_on))
            continue
        above = _asked(db, party, wish, bill) > debit
        missing = rules.missing(wish, _facts(db, party, wish, bill), debit)
        found.append(Preview(moments, debit, statement_on, due_on, above=above, missing=missing))
    return tuple(found)


def _of_day(
    db: Session, party: UUID, wish: Wish, face: AccountFace, bill: cards.OpenBill | None, moments: Moments, today: date
) -> Preview:
    """A day of a custom schedule beside the bill that is open then, where that is known."""
    if bill is None or bill.due_on is None or not bill.open or _day(moments.pay_at) > bill.due_on + timedelta(days=20):
        return Preview(moments, wish.amount, None, None)
    safe = runs.safe_by(bill.due_on, face.bank, wish.channel, on=today)
    after = safe is not None and moments.pay_at > safe
    debit = _owed(db, party, wish, bill)
    above = _asked(db, party, wish, bill) > debit
    return Preview(replace(moments, safe_by_at=safe), debit, bill.statement_on, bill.due_on, above, after)


def _owed(db: Session, party: UUID, wish: Wish, bill: cards.OpenBill) -> int:
    return rules.debit_of(wish, _facts(db, party, wish, bill)).amount


def _asked(db: Session, party: UUID, wish: Wish, bill: cards.OpenBill) -> int:
    return rules.debit_of(wish, _facts(db, party, wish, bill)).asked


def _facts(db: Session, party: UUID, wish: Wish, bill: cards.OpenBill) -> Owed:
    return Owed(bill.open, bill.minimum_open, views.on_its_way(db, party).get(wish.account_id, 0))


def _day(at: datetime) -> date:
    return at.astimezone(clock.CHINA).date()
