"""Every question that room repayments asks about mandates and their runs; one function for each."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    Column,
    Date,
    DateTime,
    MetaData,
    Table,
    Text,
    Uuid,
    and_,
    exists,
    func,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from anhuan.repayments.tables import OrderRow
from anhuan.repayments.tables_mandates import MandateRow, RunRow

MANY: Final = 1_000
_WAITING: Final = ("planned", "noticed")
_UNDER_WAY: Final = ("scheduled", "placed", "sent", "promised", "in_doubt")
# What room cards publishes for reading in bulk: bills that stand, with their days and nothing of their amounts.
_BILLS: Final = Table(
    "bills_standing", MetaData(),
    Column("user_id", Uuid), Column("account_id", Uuid), Column("bill_id", Uuid), Column("currency", Text),
    Column("statement_on", Date), Column("due_on", Date), Column("known_at", DateTime(timezone=True)),
    Column("bank", Text),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class NewBill:
    """A standing bill in yuan that a mandate has no run for."""

    mandate: MandateRow
    statement_on: date
    due_on: date
    bank: str


def mandates(db: Session, party: UUID, *, account_id: UUID | None = None, ended: bool = True) -> Sequence[MandateRow]:
    """A party's mandates, standing ones first, then the newest."""
    asked = select(MandateRow).where(MandateRow.user_id == party)
    if account_id is not None:
        asked = asked.where(MandateRow.account_id == account_id)
    if not ended:
        asked = asked.where(MandateRow.revoked_at.is_(None))
    order = (MandateRow.revoked_at.is_not(None), MandateRow.given_at.desc(), MandateRow.id)
    return db.scalars(asked.order_by(*order).limit(MANY)).all()


def mandate(db: Session, party: UUID, mandate_id: UUID, *, lock: bool = False) -> MandateRow | None:
    """One mandate; with `lock` nobody else changes it until the transaction ends."""
    asked = select(MandateRow).where(MandateRow.user_id == party, MandateRow.id == mandate_id)
    if lock:
        asked = asked.with_for_update().execution_options(populate_existing=True)
    return db.scalars(asked).one_or_none()


def runs_of(db: Session, party: UUID, mandate_id: UUID, *, at_most: int = 24) -> Sequence[RunRow]:
    """The runs of a mandate, the latest first."""
    asked = select(RunRow).where(RunRow.user_id == party, RunRow.mandate_id == mandate_id)
    return db.scalars(asked.order_by(RunRow.pay_at.desc(), RunRow.id.desc()).limit(at_most)).all()


def unfinished(db: Session, party: UUID, mandate_id: UUID | None = None, *, lock: bool = False) -> Sequence[RunRow]:
    """Runs of a party, or of one mandate, that are not at an end, soonest first."""
    asked = select(RunRow).where(RunRow.user_id == party, RunRow.closed_at.is_(None))
    if mandate_id is not None:
        asked = asked.where(RunRow.mandate_id == mandate_id)
    asked = asked.order_by(RunRow.pay_at, RunRow.id).limit(MANY)
    if lock:
        asked = asked.with_for_update().execution_options(populate_existing=True)
    return db.scalars(asked).all()


def waiting(db: Session, party: UUID, mandate_id: UUID) -> Sequence[RunRow]:
    """Runs of a mandate that nobody has ordered, held for this transaction."""
    asked = select(RunRow).where(RunRow.user_id == party, RunRow.mandate_id == mandate_id, RunRow.stage.in_(_WAITING))
    asked = asked.order_by(RunRow.id).limit(MANY).with_for_update().execution_options(populate_existing=True)
    return db.scalars(asked).all()


def open_orders(db: Session, party: UUID, mandate_id: UUID) -> Sequence[UUID]:
    """Orders of a mandate that are not at an end, oldest first."""
    asked = select(OrderRow.id).where(
        OrderRow.user_id == party, OrderRow.mandate_id == mandate_id, OrderRow.status.in_(_UNDER_WAY)
    )
    return db.scalars(asked.order_by(OrderRow.placed_at, OrderRow.id).limit(MANY)).all()


def run(db: Session, party: UUID, run_id: UUID, *, lock: bool = False) -> RunRow | None:
    """One run; with `lock` nobody else changes it until the transaction ends."""
    asked = select(RunRow).where(RunRow.user_id == party, RunRow.id == run_id)
    if lock:
        asked = asked.with_for_update().execution_options(populate_existing=True)
    return db.scalars(asked).one_or_none()


def run_of_order(db: Session, party: UUID, order_id: UUID) -> RunRow | None:
    """The run that an order was made for, held for this transaction; None where a person made the order."""
    asked = (
        select(RunRow)
        .join(OrderRow, and_(OrderRow.user_id == RunRow.user_id, OrderRow.run_id == RunRow.id))
        .where(OrderRow.user_id == party, OrderRow.id == order_id)
        .with_for_update(of=RunRow)
        .execution_options(populate_existing=True)
    )
    return db.scalars(asked).one_or_none()


def run_tells(db: Session, party: UUID, order_id: UUID) -> bool:
    """Whether the run that an order was made for tells its payer: it ended without success, or tries it once more."""
    asked = select(RunRow.id).join(OrderRow, and_(OrderRow.user_id == RunRow.user_id, OrderRow.run_id == RunRow.id))
    told = or_(RunRow.stage == "failed", RunRow.retry_of == OrderRow.id)
    asked = asked.where(OrderRow.user_id == party, OrderRow.id == order_id, told)
    return db.scalar(asked.limit(1)) is not None


def orders_of(db: Session, party: UUID, run_id: UUID) -> Sequence[OrderRow]:
    """The orders of a run that no later order took the place of."""
    later = aliased(OrderRow)
    followed = exists().where(later.user_id == OrderRow.user_id, later.retry_of == OrderRow.id)
    asked = select(OrderRow).where(OrderRow.user_id == party, OrderRow.run_id == run_id, ~followed)
    return db.scalars(asked.order_by(OrderRow.placed_at, OrderRow.number, OrderRow.id).limit(MANY)).all()


def orders_of_runs(
    db: Session, runs: Iterable[tuple[UUID, UUID]]
) -> Mapping[tuple[UUID, UUID], list[OrderRow]]:  # fmt: skip
    """The newest orders of many runs, by (party, run): those of the last try."""
    wanted = list(runs)
    found: dict[tuple[UUID, UUID], list[OrderRow]] = {one: [] for one in wanted}
    asked = select(OrderRow).where(tuple_(OrderRow.user_id, OrderRow.run_id).in_(wanted))
    for row in db.scalars(asked.order_by(OrderRow.placed_at.desc(), OrderRow.number)) if wanted else ():
        assert row.run_id is not None, "it was asked for by its run"
        mine = found[row.user_id, row.run_id]
        if not mine or mine[0].group_id == row.group_id:
            mine.append(row)
    return found


def add_runs(db: Session, rows: Sequence[Mapping[str, Any]]) -> int:
    """Keep runs that are new; one that stands already changes nothing. Tells how many were new."""
    if not rows:
        return 0
    made = insert(RunRow).on_conflict_do_nothing().returning(RunRow.id)
    return len(db.scalars(made, [dict(row) for row in rows]).all())


def run_on(db: Session, party: UUID, mandate_id: UUID, occurrence_on: date) -> RunRow | None:
    """The run of one day of a schedule, held for this transaction."""
    asked = select(RunRow).where(
        RunRow.user_id == party, RunRow.mandate_id == mandate_id, RunRow.occurrence_on == occurrence_on
    )
    return db.scalars(asked.with_for_update().execution_options(populate_existing=True)).one_or_none()


def new_bills(db: Session, *, since: datetime | None, today: date, at_most: int) -> Sequence[NewBill]:
    """Newest standing bills in yuan of accounts whose mandate pays by the bill and has no run for it; of everybody.

    A bill that another mandate of the card has paid or is paying is left alone: one autopay for one bill.
    """
    newer, other = _BILLS.alias("newer"), aliased(RunRow)
    same_account = and_(newer.c.user_id == _BILLS.c.user_id, newer.c.account_id == _BILLS.c.account_id)
    asked = (
        select(MandateRow, _BILLS.c.statement_on, _BILLS.c.due_on, _BILLS.c.bank)
        .join(_BILLS, and_(_BILLS.c.user_id == MandateRow.user_id, _BILLS.c.account_id == MandateRow.account_id))
        .where(
            *_in_force(today), MandateRow.timing == "before_due", _BILLS.c.currency == "CNY",
            _BILLS.c.due_on.is_not(None), _BILLS.c.statement_on <= today,
            ~exists().where(same_account, newer.c.currency == "CNY", newer.c.statement_on > _BILLS.c.statement_on,
                            newer.c.statement_on <= today),
            ~exists().where(other.user_id == MandateRow.user_id, other.mandate_id == MandateRow.id,
                            other.statement_on == _BILLS.c.statement_on),
            ~exists().where(other.user_id == MandateRow.user_id, other.account_id == MandateRow.account_id,
                            other.statement_on == _BILLS.c.statement_on, other.stage.in_(("ordered", "done"))),
        )
        .order_by(_BILLS.c.due_on, MandateRow.id)
        .limit(at_most)
    )  # fmt: skip
    if since is not None:
        asked = asked.where(_BILLS.c.known_at >= since)
    return [NewBill(row[0], row[1], row[2], row[3]) for row in db.execute(asked)]


def bill_paid_by_another(db: Session, party: UUID, account_id: UUID, statement_on: date) -> bool:
    """Whether a run of any mandate of this card has an order for this bill, or paid it."""
    asked = select(RunRow.id).where(
        RunRow.user_id == party, RunRow.account_id == account_id, RunRow.statement_on == statement_on,
        RunRow.stage.in_(("ordered", "done")),
    )  # fmt: skip
    return db.scalar(asked.limit(1)) is not None


def to_look_at(db: Session, now: datetime, *, at_most: int) -> Sequence[MandateRow]:
    """Mandates whose schedule or plan is to be looked at, held for this transaction; others' are passed over."""
    asked = select(MandateRow).where(MandateRow.next_at <= now).order_by(MandateRow.next_at, MandateRow.id)
    return db.scalars(asked.limit(at_most).with_for_update(skip_locked=True)).all()


def nearest(db: Session, now: datetime, *, busy: Collection[int] = ()) -> tuple[int, datetime] | None:
    """Lane and deadline of the due run with the nearest deadline; lanes in `busy` are passed over."""
    asked = select(RunRow.lane, RunRow.deadline_at).where(RunRow.next_at <= now)
    if busy:
        asked = asked.where(RunRow.lane.not_in(list(busy)))
    row = db.execute(asked.order_by(RunRow.deadline_at, RunRow.id).limit(1)).one_or_none()
    return None if row is None else (row[0], row[1])


def due_runs(
    db: Session, lane: int, now: datetime, *, until: datetime, at_most: int
) -> Sequence[tuple[RunRow, MandateRow]]:  # fmt: skip
    """Due runs of one lane with their mandates, nearest deadline first, held for this transaction.

    Only those whose deadline is not after `until`: what presses in other lanes goes before what can wait in this one.
    """
    asked = (
        select(RunRow, MandateRow)
        .join(MandateRow, and_(MandateRow.user_id == RunRow.user_id, MandateRow.id == RunRow.mandate_id))
        .where(RunRow.lane == lane, RunRow.next_at <= now, RunRow.deadline_at <= until)
        .order_by(RunRow.deadline_at, RunRow.id)
        .limit(at_most)
        .with_for_update(of=RunRow, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    return [(row[0], row[1]) for row in db.execute(asked)]


def counts(db: Session, now: datetime) -> tuple[int, int]:
    """How many runs are due now, and how many of them are past their deadline; for health and the bench."""
    due = func.count().filter(RunRow.next_at <= now)
    late = func.count().filter(and_(RunRow.next_at <= now, RunRow.deadline_at < now))
    row = db.execute(select(due, late).select_from(RunRow).where(RunRow.next_at.is_not(None))).one()
    return int(row[0]), int(row[1])


def _in_force(today: date) -> tuple[Any, ...]:
    return (
        MandateRow.revoked_at.is_(None), MandateRow.off_at.is_(None),
        or_(MandateRow.valid_from.is_(None), MandateRow.valid_from <= today),
        or_(MandateRow.valid_to.is_(None), MandateRow.valid_to >= today),
    )  # fmt: skip
