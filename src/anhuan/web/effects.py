"""What paying only a part of a bill leads to, worked out by the oracle of room cards before anything is paid."""

from datetime import date, timedelta
from typing import Final

from anhuan import cards
from anhuan.cards.consequences import Consequence
from anhuan.cards.model import AccountPage, BoardEntry

A_CYCLE: Final = timedelta(days=31)
SHOWN: Final = ("full", "custom", "minimum", "nothing")


def effects_of(
    held: AccountPage, entry: BoardEntry, today: date, *, custom: int | None, lang: str
) -> tuple[Consequence, ...]:
    """Paying in full, an own amount, the minimum or nothing, in that order; nothing where no due day is known."""
    bill = next((bill for bill in held.bills if bill.bill_id == entry.bill.bill_id), None)
    if bill is None or bill.due_on is None or not bill.open:
        return ()
    found = cards.consequences_of(
        bill,
        held.terms,
        () if custom is None else (custom,),
        pay_on=pay_day(entry, today),
        next_statement_on=_next_statement(held, entry, today),
        lang=lang,
    )
    wanted = [one for one in found if not (one.choice == "minimum" and one.amount in (0, bill.open))]
    return tuple(sorted(wanted, key=lambda one: SHOWN.index(one.choice)))


def pay_day(entry: BoardEntry, today: date) -> date:
    """The day the comparison assumes: the due day, or today where it is past."""
    return max(today, entry.bill.due_on or today)


def _next_statement(held: AccountPage, entry: BoardEntry, today: date) -> date:
    """The next statement day by the account's cycle; a cycle after the last one where none is known."""
    least = pay_day(entry, today)
    expected = (bill.statement_on for bill in held.upcoming if bill.statement_on > least)
    return next(expected, max(entry.bill.statement_on + A_CYCLE, least + timedelta(days=1)))
