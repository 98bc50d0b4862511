"""Every question that operators ask about orders of all parties together: where each stands and by when it must arrive.

They are asked of a view without amounts and names; amounts are sealed, so that no sum can be made of them here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Date,
    Text,
    Uuid,
    and_,
    column,
    func,
    literal_column,
    or_,
    select,
    table,
    tuple_,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Session

MOMENT = TIMESTAMP(timezone=True)
MOMENTS: Final = (
    "start_at",
    "expected_at",
    "safe_by_at",
    "by_hand_at",
    "placed_at",
    "sent_at",
    "closed_at",
    "latest_at",
)
TEXTS: Final = ("status", "wait", "channel", "bank", "final_code")
SEEN = table(
    "repay_orders_seen", column("user_id", Uuid), column("id", Uuid), column("due_on", Date),
    column("by_mandate", Boolean), *(column(name, MOMENT) for name in MOMENTS), *(column(name, Text) for name in TEXTS),
)  # fmt: skip
C: Any = SEEN.c
# Written out, not bound: so the database sees that its index of what is open will do.
OPEN: Final[ColumnElement[bool]] = literal_column(
    "(status NOT IN ('arrived', 'given_back', 'failed', 'cancelled'))", Boolean
)


class Work(StrEnum):
    """The lists of operators, what is most urgent first."""

    RISK = "risk"  # 可能来不及: not arrived, and the last safe moment is near or past
    WAITING = "waiting"  # 等待: something keeps it from going out
    UNKNOWN = "unknown"  # 结果未知: sent, and no answer for long
    DOUBT = "doubt"  # 待核实
    BACK = "back"  # 今天退回
    FAILED = "failed"  # 今天没有成功
    OPEN = "open"  # 全部未完结


@dataclass(frozen=True, slots=True)
class Moments:
    """The moments by which the lists are cut."""

    near: datetime  # the last safe moment lies before it: at risk
    silent: datetime  # sent before it and without an answer: unknown for long
    began: datetime  # of this bank day


@dataclass(frozen=True, slots=True)
class Seen:
    """One order as operators see it in a list."""

    party: UUID
    order_id: UUID
    status: str
    wait: str
    channel: str
    bank: str
    due_on: date | None
    expected_at: datetime | None
    latest_at: datetime | None  # the last safe moment, or where that is not known the beginning of the due day
    placed_at: datetime
    sent_at: datetime | None
    closed_at: datetime | None
    final_code: str
    by_mandate: bool
    at: datetime  # its place in the list


@dataclass(frozen=True, slots=True)
class Place:
    """The end of a page: the next one begins after it."""

    at: datetime
    order_id: UUID


def seen(
    db: Session, work: Work, at: Moments, *, channel: str, bank: str, after: Place | None, at_most: int
) -> Sequence[Seen]:  # fmt: skip
    """One page of a list, the most urgent first; `channel` and `bank` narrow it where they are given."""
    which, place = _which(work, at)
    asked = select(SEEN, place.label("at")).where(which)
    if channel:
        asked = asked.where(C.channel == channel)
    if bank:
        asked = asked.where(C.bank == bank)
    if after is not None:
        asked = asked.where(tuple_(place, C.id) > tuple_(after.at, after.order_id))
    rows = db.execute(asked.order_by(place, C.id).limit(at_most)).all()
    return [
        Seen(
            row.user_id, row.id, row.status, row.wait or "", row.channel, row.bank, row.due_on, row.expected_at,
            row.latest_at, row.placed_at, row.sent_at, row.closed_at, row.final_code or "", row.by_mandate, row.at,
        )
        for row in rows
    ]  # fmt: skip


def counts(db: Session, at: Moments) -> dict[Work, tuple[int, datetime | None]]:
    """How many stand in each list, and the earliest last safe moment of them."""
    figures: list[Any] = []
    for work in Work:
        which, _ = _which(work, at)
        figures += [func.count().filter(which), func.min(C.latest_at).filter(which)]
    row = db.execute(select(*figures).select_from(SEEN).where(or_(OPEN, C.closed_at >= at.began))).one()
    return {work: (row[2 * place], row[2 * place + 1]) for place, work in enumerate(Work)}


def by_status(db: Session, at: Moments) -> Sequence[tuple[str, int]]:
    """How many orders stand where: all that are open, and what came to its end today."""
    which = or_(OPEN, C.closed_at >= at.began)
    asked = select(C.status, func.count()).select_from(SEEN).where(which).group_by(C.status)
    return [tuple(row) for row in db.execute(asked).all()]


def _which(work: Work, at: Moments) -> tuple[ColumnElement[bool], Any]:
    """Which orders a list shows, and by what it is ordered."""
    match work:
        case Work.RISK:
            return and_(OPEN, C.latest_at < at.near), C.latest_at
        case Work.WAITING:
            return and_(C.status.in_(("scheduled", "placed")), C.wait.is_not(None), C.wait != "day"), C.placed_at
        case Work.UNKNOWN:
            return and_(C.status == "sent", C.sent_at < at.silent), C.sent_at
        case Work.DOUBT:
            return C.status == "in_doubt", C.placed_at
        case Work.BACK:
            return and_(C.status == "given_back", C.closed_at >= at.began), C.closed_at
        case Work.FAILED:
            return and_(C.status == "failed", C.closed_at >= at.began), C.closed_at
        case Work.OPEN:
            return OPEN, C.placed_at
