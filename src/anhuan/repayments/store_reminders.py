"""Which bills of everybody fall due soon; asked by the worker alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import Column, Date, MetaData, Table, Text, Uuid, and_, exists, select
from sqlalchemy.orm import Session

from anhuan.repayments.tables import OrderRow

_BILLS: Final = Table(
    "bills_standing", MetaData(),
    Column("user_id", Uuid), Column("account_id", Uuid), Column("bill_id", Uuid), Column("currency", Text),
    Column("statement_on", Date), Column("due_on", Date),
)  # fmt: skip
_OPEN: Final = ("scheduled", "placed", "sent", "promised", "in_doubt")


@dataclass(frozen=True, slots=True)
class Due:
    """One bill in yuan that falls due soon and has no payment under way."""

    party: UUID
    account_id: UUID
    bill_id: UUID
    due_on: date


def due_between(db: Session, first: date, last: date, *, at_most: int) -> Sequence[Due]:
    """Newest standing bills due on these days without any order under way, nearest first."""
    newer = _BILLS.alias("newer")
    asked = (
        select(_BILLS.c.user_id, _BILLS.c.account_id, _BILLS.c.bill_id, _BILLS.c.due_on)
        .where(
            _BILLS.c.currency == "CNY", _BILLS.c.due_on.between(first, last),
            ~exists().where(and_(newer.c.user_id == _BILLS.c.user_id, newer.c.account_id == _BILLS.c.account_id),
                            newer.c.currency == "CNY", newer.c.statement_on > _BILLS.c.statement_on),
            ~exists().where(OrderRow.user_id == _BILLS.c.user_id, OrderRow.account_id == _BILLS.c.account_id,
                            OrderRow.status.in_(_OPEN)),
        )
        .order_by(_BILLS.c.due_on, _BILLS.c.user_id, _BILLS.c.bill_id)
        .limit(at_most)
    )  # fmt: skip
    return [Due(*row) for row in db.execute(asked)]
