"""When the payer of an order is told that it is not proved arrived (channels.md, section 8): stages and their moments.

Values in, values out. Each stage is told once. An order that was placed when it was late already is not told what its
payer was told before confirming; once it could have arrived, paying by hand is what is left.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from anhuan.repayments.model import ON_ITS_WAY, OPEN, OrderStatus, OrderView, Wait

LATE_PLACED: Final = timedelta(hours=1)


class Stage(StrEnum):
    """Why somebody is told, mildest first."""

    HELD = "held"  # it waits, and its last safe moment comes near
    NOT_STARTED = "not_started"  # its moment has come and nobody began it
    SAFE_BY = "safe_by"  # the last safe moment, and no proof
    BY_HAND = "by_hand"  # from now on only paying by hand is left


def moment_of(
    order: OrderView, stage: Stage, *, held_ahead: timedelta, not_started_after: timedelta
) -> datetime | None:
    """When this stage of an order is told, as far as nothing changes; None: never."""
    if order.status not in OPEN:
        return None
    match stage:
        case Stage.SAFE_BY:
            safe = order.safe_by_at
            return safe if safe is not None and order.placed_at < safe else None
        case Stage.BY_HAND:
            if order.by_hand_at is None or order.placed_at < order.by_hand_at:
                return order.by_hand_at
            return order.expected_at or order.placed_at + LATE_PLACED
        case Stage.HELD:
            waits = order.status in (OrderStatus.SCHEDULED, OrderStatus.PLACED) and order.wait not in (None, Wait.DAY)
            return order.safe_by_at - held_ahead if waits and order.safe_by_at is not None else None
        case Stage.NOT_STARTED:
            begins = order.status is OrderStatus.SCHEDULED and order.wait is None and order.next_at is not None
            return order.next_at + not_started_after if begins and order.next_at is not None else None


def due_stages(
    order: OrderView, told: Collection[str], *, now: datetime, held_ahead: timedelta, not_started_after: timedelta
) -> tuple[Stage, ...]:
    """What is to be told now; the gravest alone, and with it the milder ones count as told."""
    found = []
    for stage in Stage:
        at = moment_of(order, stage, held_ahead=held_ahead, not_started_after=not_started_after)
        if stage not in told and at is not None and at <= now:
            found.append(stage)
    return tuple(found)


def may_be_out(order: OrderView) -> bool:
    """Whether money may be on its way, so that paying by hand may pay twice."""
    return order.status in ON_ITS_WAY and order.sent_at is not None
