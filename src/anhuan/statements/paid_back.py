"""Repayments as imported lines show them, by billed account: for whoever asks whether a payment reached its card."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan import cards
from anhuan.statements import service, store_lines, writing
from anhuan.statements.changes import LineShown, LinkKind
from anhuan.statements.model import LineKind

PAGE: Final = 500
MOST: Final = 20  # pages of one bank


@dataclass(frozen=True, slots=True)
class Repaid:
    """One repayment on a card, told by a line that stands and counts."""

    line_id: UUID
    account_id: UUID
    amount: int  # fen, above 0
    posted_on: date
    traded_on: date | None
    also: frozenset[UUID]  # lines that tell the same movement


def repaid(db: Session, user_id: UUID, banks: Iterable[str], *, since: date) -> Sequence[Repaid]:
    """Repayments in yuan on the cards of these banks since a day, each movement once, by posting day and line."""
    faces = cards.accounts(db, user_id)
    found: list[Repaid] = []
    for bank in sorted(set(banks)):
        for line in _lines(db, user_id, bank, since):
            account = writing.account_of(faces, bank, line.card or line.account)
            day = line.posted_on or line.traded_on
            if line.counts and line.amount < 0 and line.currency == "CNY" and account is not None and day is not None:
                also = frozenset(other for kind, other in line.links if kind is LinkKind.SAME)
                found.append(Repaid(line.id, account, -line.amount, day, line.traded_on, also))
    return sorted(found, key=lambda one: (one.posted_on, one.line_id))


def _lines(db: Session, user_id: UUID, bank: str, since: date) -> Sequence[LineShown]:
    where = [store_lines.of_card(bank, None), store_lines.of_repayments(), *store_lines.between(since, None)]
    found: list[LineShown] = []
    for page in range(MOST):
        rows, total = store_lines.page_of_lines(db, user_id, where=where, offset=page * PAGE, at_most=PAGE)
        found += service.shown_lines(db, user_id, rows)
        if len(found) >= total:
            break
    return [line for line in found if line.kind is LineKind.REPAYMENT]
