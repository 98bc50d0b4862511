"""What others read of orders: one order, those of a party, and its timeline."""

import json
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy.orm import Session

from anhuan.repayments import store
from anhuan.repayments.model import (
    OPEN,
    AmountRule,
    EventKind,
    FeeLine,
    OrderStatus,
    OrderView,
    Stamp,
    UnknownOrder,
    Wait,
)
from anhuan.repayments.tables import OrderRow

_Fees = tuple[FeeLine, ...]


def find(db: Session, party: UUID, order_id: UUID) -> OrderView:
    """One order of a party; raises `UnknownOrder`."""
    row = store.order(db, party, order_id)
    if row is None:
        raise UnknownOrder("没有这笔还款。", field="order_id")
    return view_of(row)


def orders(
    db: Session, party: UUID, *, account_id: UUID | None = None, open_only: bool = False, at_most: int = 50,
    before: datetime | None = None,
) -> Sequence[OrderView]:  # fmt: skip
    """Orders of a party, the newest first."""
    statuses = [status.value for status in OPEN] if open_only else None
    rows = store.orders(db, party, account_id=account_id, statuses=statuses, before=before, at_most=at_most)
    return [view_of(row) for row in rows]


def of_group(db: Session, party: UUID, group_id: UUID) -> Sequence[OrderView]:
    """The orders of one confirmation, in order."""
    return [view_of(row) for row in store.of_group(db, party, group_id)]


def timeline(db: Session, party: UUID, order_id: UUID) -> Sequence[Stamp]:
    """What happened to an order, first to last."""
    rows = store.events(db, party, order_id)
    return [Stamp(row.at, EventKind(row.kind), row.code, json.loads(row.facts)) for row in rows]


def successor_of(db: Session, party: UUID, order_id: UUID) -> OrderView | None:
    """The order that was made because this one came to nothing."""
    row = store.successor(db, party, order_id)
    return None if row is None else view_of(row)


def view_of(row: OrderRow) -> OrderView:
    """An order as a value."""
    return OrderView(
        order_id=row.id, group_id=row.group_id, account_id=row.account_id, bill_id=row.bill_id, bank=row.bank,
        source_id=row.source_id, channel=row.channel, rule=AmountRule(row.rule), amount=row.amount_minor,
        fee=row.fee_minor, fees=fees_of(row), status=OrderStatus(row.status),
        wait=Wait(row.wait) if row.wait else None, due_on=row.due_on, start_at=row.start_at,
        expected_at=row.expected_at, safe_by_at=row.safe_by_at, by_hand_at=row.by_hand_at, placed_at=row.placed_at,
        sent_at=row.sent_at, taken_at=row.taken_at, arrived_on=row.arrived_on, arrived=row.arrived_minor,
        closed_at=row.closed_at, final_code=row.final_code or "", resets_at=row.resets_at, retry_of=row.retry_of,
        mandate_id=row.mandate_id, key=row.key, next_at=row.next_at, party=row.user_id,
    )  # fmt: skip


def fees_of(row: OrderRow) -> tuple[FeeLine, ...]:
    """The fee lines that were confirmed with an order."""
    return msgspec.json.decode(row.fees, type=_Fees)
