"""The choices of a stored bill with its own terms and cycle: what each would cost, before anything is paid."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.cards import contracts
from anhuan.cards.consequences import Consequence, consequences_of, late_cost
from anhuan.cards.model import BillView, CardTerms, NotABill

_YEAR: Final = timedelta(days=366)
_A_CYCLE: Final = timedelta(days=31)


def of_bill(
    db: Session,
    user_id: UUID,
    bill: BillView,
    amounts: Sequence[int] = (),
    *,
    pay_on: date | None = None,
    lang: str = "zh",
) -> tuple[Consequence, ...]:
    """In full, the minimum, nothing, or an amount (minor units), paid on a day, else the due day; least cost first."""
    terms = _terms(db, user_id, bill)
    due_on = _due(bill)
    following = [day for day, _ in _upcoming(db, user_id, bill) if day > due_on]
    next_on = following[0] if following else max(due_on + timedelta(days=1), bill.statement_on + _A_CYCLE)
    return consequences_of(bill, terms, amounts, pay_on=pay_on or due_on, next_statement_on=next_on, lang=lang)


def late(db: Session, user_id: UUID, bill: BillView, *, days_late: int, lang: str = "zh") -> Consequence:
    """All that is open, paid so many days after the due day."""
    upcoming = _upcoming(db, user_id, bill)
    return late_cost(bill, _terms(db, user_id, bill), days_late=days_late, upcoming=upcoming, lang=lang)


def _terms(db: Session, user_id: UUID, bill: BillView) -> CardTerms:
    minimum = bill.minimum_due or 0
    on = bill.statement_on
    return contracts.terms_of(db, user_id, bill.account_id, on=on, total=bill.total_due, minimum=minimum)


def _upcoming(db: Session, user_id: UUID, bill: BillView) -> list[tuple[date, date]]:
    due_on = _due(bill)
    until = due_on + _YEAR
    expected = contracts.upcoming_bills(db, user_id, bill.account_id, after=bill.statement_on, until=until)
    return [(one.statement_on, one.due_on) for one in expected if one.statement_on > due_on]


def _due(bill: BillView) -> date:
    if bill.due_on is None:
        raise NotABill("the due day of this bill is not known", field="due_on")
    return bill.due_on
