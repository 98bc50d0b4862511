"""Orders as rows, for tests of what only counts them: nothing was confirmed, booked or sent for these."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.kit import ids
from anhuan.repayments.model import CLOSED, OrderStatus
from anhuan.repayments.tables import GroupRow, OrderRow


def kept(
    db: Session, party: UUID, *, amount: int, start_at: datetime, status: OrderStatus, channel: str = "simbank"
) -> UUID:  # fmt: skip
    """One order of a group of its own; its id."""
    group = GroupRow(user_id=party, id=ids.new_id(), key=ids.new_id(), kind="one", digest=b"x", summary="{}",
                     made_at=start_at)  # fmt: skip
    db.add(group)
    db.flush()
    closed = start_at if status in CLOSED else None
    row = OrderRow(
        user_id=party, id=ids.new_id(), group_id=group.id, number=1, account_id=ids.new_id(), bank="sim_a",
        source_id=ids.new_id(), channel=channel, rule="full", amount_minor=amount, fee_minor=0, fees="[]",
        status=status, start_at=start_at, placed_at=start_at, closed_at=closed,
        final_code="x" if status is OrderStatus.FAILED else None,
        arrived_on=start_at.date() if status is OrderStatus.ARRIVED else None,
    )  # fmt: skip
    db.add(row)
    db.flush()
    return row.id
