"""What is asked of the database about pauses of cards, and about orders that alerts look at."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select, text, tuple_
from sqlalchemy.orm import Session

from anhuan.repayments.alert_rules import Stage
from anhuan.repayments.model import CLOSED, EventKind, OrderStatus, Wait
from anhuan.repayments.tables import EventRow, OrderRow
from anhuan.repayments.tables_mandates import MandateRow, RunRow
from anhuan.repayments.tables_pauses import CardPauseRow

_ENDED: Final = (OrderStatus.ARRIVED, OrderStatus.FAILED, OrderStatus.GIVEN_BACK)
_QUICKLY: Final = text("SELECT set_config('lock_timeout', '5s', true), set_config('statement_timeout', '20s', true)")


def standing(db: Session, party: UUID) -> Sequence[CardPauseRow]:
    """Cards of a party that are paused, the first paused first."""
    asked = select(CardPauseRow).where(CardPauseRow.user_id == party, CardPauseRow.lifted_at.is_(None))
    return db.scalars(asked.order_by(CardPauseRow.since, CardPauseRow.id).limit(500)).all()


def of_card(db: Session, party: UUID, account_id: UUID) -> CardPauseRow | None:
    """The pause of one card that stands."""
    asked = select(CardPauseRow).where(
        CardPauseRow.user_id == party, CardPauseRow.account_id == account_id, CardPauseRow.lifted_at.is_(None)
    )
    return db.scalars(asked).one_or_none()


def of_cards(db: Session, accounts: Collection[tuple[UUID, UUID]]) -> set[tuple[UUID, UUID]]:
    """Those of these (party, account) for which a pause stands."""
    one = CardPauseRow
    asked = select(one.user_id, one.account_id).where(
        tuple_(one.user_id, one.account_id).in_(list(accounts)), one.lifted_at.is_(None)
    )
    return {(party, account) for party, account in db.execute(asked)} if accounts else set()


def last_lifted(db: Session, party: UUID, account_id: UUID) -> datetime | None:
    """When a pause of this card was lifted last."""
    asked = select(func.max(CardPauseRow.lifted_at)).where(
        CardPauseRow.user_id == party, CardPauseRow.account_id == account_id
    )
    return db.scalar(asked)


def ends_of_card(
    db: Session, party: UUID, account_id: UUID, *, since: datetime, at_most: int
) -> Sequence[tuple[str, bool]]:
    """How payments to a card ended since a moment, the newest first: their code, and whether they arrived."""
    asked = select(OrderRow.final_code, OrderRow.status).where(
        OrderRow.user_id == party, OrderRow.account_id == account_id, OrderRow.status.in_(_ENDED),
        OrderRow.closed_at >= since,
    )  # fmt: skip
    rows = db.execute(asked.order_by(OrderRow.closed_at.desc(), OrderRow.id.desc()).limit(at_most)).all()
    return [(code or "", status == OrderStatus.ARRIVED) for code, status in rows]


def quickly(db: Session) -> None:
    """Wait for nobody for long in this transaction: an alert that waits is no alert."""
    db.execute(_QUICKLY)


def to_alert(
    db: Session, until: datetime, *, held_ahead: timedelta, not_started_after: timedelta, at_most: int
) -> Sequence[OrderRow]:
    """Open orders of everybody with a stage, not yet told, whose moment comes until then; nearest end first."""
    hand = case(
        (OrderRow.placed_at < OrderRow.by_hand_at, OrderRow.by_hand_at),
        else_=func.coalesce(OrderRow.expected_at, OrderRow.placed_at + timedelta(hours=1)),
    )
    stages = {
        Stage.SAFE_BY: and_(OrderRow.safe_by_at <= until, OrderRow.placed_at < OrderRow.safe_by_at),
        Stage.BY_HAND: and_(OrderRow.by_hand_at.is_not(None), hand <= until),
        Stage.HELD: and_(
            OrderRow.safe_by_at <= until + held_ahead, OrderRow.wait.is_not(None), OrderRow.wait != Wait.DAY,
            OrderRow.status.in_((OrderStatus.SCHEDULED, OrderStatus.PLACED)),
        ),
        Stage.NOT_STARTED: and_(
            OrderRow.status == OrderStatus.SCHEDULED, OrderRow.next_at <= until - not_started_after,
            OrderRow.wait.is_(None),
        ),
    }  # fmt: skip
    due = or_(*(and_(condition, ~_told(stage)) for stage, condition in stages.items()))
    near = or_(
        OrderRow.safe_by_at <= until + held_ahead, OrderRow.by_hand_at <= until,
        OrderRow.next_at <= until - not_started_after,
    )  # fmt: skip
    open_ = OrderRow.status.not_in([one.value for one in CLOSED])
    asked = select(OrderRow).where(open_, near, due).order_by(OrderRow.by_hand_at, OrderRow.id).limit(at_most)
    return db.scalars(asked.execution_options(populate_existing=True)).all()


def told_stages(db: Session, party: UUID, order_id: UUID) -> frozenset[str]:
    """The stages of which the payer of an order was told."""
    asked = select(EventRow.code).where(
        EventRow.user_id == party, EventRow.order_id == order_id, EventRow.kind == EventKind.ALERTED
    )
    return frozenset(db.scalars(asked.limit(100)))


def runs_without_order(db: Session, now: datetime, *, since: datetime, at_most: int) -> Sequence[RunRow]:
    """Runs of mandates that stand, without an order at their last safe moment, which came since a moment."""
    standing_ = exists().where(
        MandateRow.user_id == RunRow.user_id, MandateRow.id == RunRow.mandate_id, MandateRow.revoked_at.is_(None),
        MandateRow.off_at.is_(None),
    )  # fmt: skip
    asked = select(RunRow).where(
        RunRow.stage.in_(("planned", "noticed")), RunRow.next_at.is_not(None), RunRow.safe_by_at <= now,
        RunRow.safe_by_at >= since, standing_,
    )  # fmt: skip
    return db.scalars(asked.order_by(RunRow.deadline_at, RunRow.id).limit(at_most)).all()


def told_of(db: Session, orders: Sequence[tuple[UUID, UUID]]) -> dict[UUID, set[str]]:
    """The stages that were told, by order; orders as (party, order)."""
    asked = select(EventRow.order_id, EventRow.code).where(
        EventRow.user_id.in_({party for party, _ in orders}), EventRow.order_id.in_([one for _, one in orders]),
        EventRow.kind == EventKind.ALERTED,
    )  # fmt: skip
    found: dict[UUID, set[str]] = {}
    for order_id, code in db.execute(asked) if orders else ():
        found.setdefault(order_id, set()).add(code)
    return found


def _told(stage: Stage) -> ColumnElement[bool]:
    return exists().where(
        EventRow.user_id == OrderRow.user_id, EventRow.order_id == OrderRow.id,
        EventRow.kind == EventKind.ALERTED, EventRow.code == stage,
    )  # fmt: skip
