"""Questions about the bills of many people at once, for the worker: one question however many they are."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from anhuan.cards.store import BillSum
from anhuan.cards.tables import AccountRow, BillRow, CardRow, OwnAccountRow, PaymentRow


def latest_of_many(db: Session, accounts: Iterable[tuple[UUID, UUID]], currency: str, *, on: date) -> Sequence[BillSum]:
    """Of each (party, billed account) the newest standing bill of a currency issued by the day, with what was paid."""
    wanted = list(accounts)
    if not wanted:
        return []
    # The database cannot add what is sealed, so it gathers the amounts and we add them.
    paid = (
        select(func.array_agg(PaymentRow.amount_minor))
        .where(
            PaymentRow.user_id == BillRow.user_id, PaymentRow.account_id == BillRow.account_id,
            PaymentRow.currency == BillRow.currency, PaymentRow.credited_on >= BillRow.statement_on,
            PaymentRow.credited_on <= on,
        )
        .correlate(BillRow)
        .scalar_subquery()
    )  # fmt: skip
    asked: Select[Any, Any] = (
        select(BillRow, paid)
        .where(
            tuple_(BillRow.user_id, BillRow.account_id).in_(wanted), BillRow.currency == currency,
            BillRow.superseded_by.is_(None), BillRow.taken_back_at.is_(None), BillRow.statement_on <= on,
        )
        .ext(distinct_on(BillRow.user_id, BillRow.account_id))
        .order_by(BillRow.user_id, BillRow.account_id, BillRow.statement_on.desc())
    )  # fmt: skip
    return [BillSum(row[0], sum(row[1] or ())) for row in db.execute(asked)]


def own_of_many(db: Session, accounts: Iterable[tuple[UUID, UUID]]) -> Mapping[tuple[UUID, UUID], OwnAccountRow]:
    """The own debit accounts of many, by (party, account)."""
    wanted = list(accounts)
    if not wanted:
        return {}
    asked = select(OwnAccountRow).where(tuple_(OwnAccountRow.user_id, OwnAccountRow.id).in_(wanted))
    return {(row.user_id, row.id): row for row in db.scalars(asked)}


def accounts_of_many(
    db: Session, accounts: Iterable[tuple[UUID, UUID]]
) -> Sequence[tuple[AccountRow, CardRow | None]]:  # fmt: skip
    """Billed accounts of many, each with its cards, one row per card, oldest card first."""
    wanted = list(accounts)
    if not wanted:
        return []
    asked = (
        select(AccountRow, CardRow)
        .outerjoin(CardRow, and_(CardRow.user_id == AccountRow.user_id, CardRow.account_id == AccountRow.id))
        .where(tuple_(AccountRow.user_id, AccountRow.id).in_(wanted))
        .order_by(AccountRow.user_id, AccountRow.id, CardRow.added_at, CardRow.id)
    )
    return [(row[0], row[1]) for row in db.execute(asked)]
