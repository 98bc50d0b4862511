"""What others read of orders: one order, those of a party, its timeline, and what of each bill is on its way."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.repayments.model import OrderView, Stamp


def find(db: Session, party: UUID, order_id: UUID) -> OrderView:
    """One order of a party; raises `UnknownOrder`."""
    raise NotImplementedError


def orders(
    db: Session, party: UUID, *, account_id: UUID | None = None, open_only: bool = False, at_most: int = 50,
    before: datetime | None = None,
) -> Sequence[OrderView]:  # fmt: skip
    """Orders of a party, the newest first."""
    raise NotImplementedError


def of_group(db: Session, party: UUID, group_id: UUID) -> Sequence[OrderView]:
    """The orders of one confirmation, in order."""
    raise NotImplementedError


def timeline(db: Session, party: UUID, order_id: UUID) -> Sequence[Stamp]:
    """What happened to an order, first to last."""
    raise NotImplementedError


def on_its_way(db: Session, party: UUID) -> Mapping[UUID, int]:
    """Fen by billed account that are scheduled, placed, sent or promised and not yet counted as paid on a bill."""
    raise NotImplementedError
