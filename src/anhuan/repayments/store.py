"""Every question that room repayments asks about orders, groups and timelines; one function for each."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select, text, tuple_
from sqlalchemy.orm import Session

from anhuan.repayments.model import OrderStatus
from anhuan.repayments.tables import BindingRow, EventRow, GroupRow, OrderRow

_PARTY = text("SELECT pg_advisory_xact_lock(hashtextextended('repay ' || :party, 0))")
_PARTIES = text(
    "SELECT pg_advisory_xact_lock(hashtextextended('repay ' || party, 0))"
    " FROM unnest(CAST(:parties AS text[])) AS party"
)
_OPEN = ("scheduled", "placed", "sent", "promised", "in_doubt")


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """As much of an order that is not at an end as it takes to count it; fen."""

    party: UUID
    account_id: UUID
    order_id: UUID
    amount: int
    status: str
    channel: str
    due_on: date | None
    key: UUID | None


def lock_party(db: Session, party: UUID) -> None:
    """Let one transaction at a time decide what a party pays, so that two taps cannot both fit under one bill."""
    db.execute(_PARTY, {"party": str(party)})


def lock_parties(db: Session, parties: Sequence[UUID]) -> None:
    """The same for many, always in one order, so that two who ask for some of the same never wait for each other."""
    db.execute(_PARTIES, {"parties": sorted(str(one) for one in parties)})


def group_for(db: Session, party: UUID, key: UUID) -> GroupRow | None:
    """What was confirmed under this request key, or None."""
    return db.scalars(select(GroupRow).where(GroupRow.user_id == party, GroupRow.key == key)).one_or_none()


def group(db: Session, party: UUID, group_id: UUID) -> GroupRow | None:
    """One confirmation."""
    return db.get(GroupRow, (party, group_id))


def groups_for(db: Session, keys: Sequence[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], GroupRow]:
    """The same for many, each as (party, key): those under which something was confirmed."""
    asked = select(GroupRow).where(tuple_(GroupRow.user_id, GroupRow.key).in_(keys))
    return {(row.user_id, row.key): row for row in db.scalars(asked)}


def of_group(db: Session, party: UUID, group_id: UUID) -> Sequence[OrderRow]:
    """The orders of one confirmation, in order."""
    asked = select(OrderRow).where(OrderRow.user_id == party, OrderRow.group_id == group_id)
    return db.scalars(asked.order_by(OrderRow.number)).all()


def order(db: Session, party: UUID, order_id: UUID, *, lock: bool = False) -> OrderRow | None:
    """One order; with `lock` nobody else changes it until the transaction ends."""
    asked = select(OrderRow).where(OrderRow.user_id == party, OrderRow.id == order_id)
    if lock:
        asked = asked.with_for_update().execution_options(populate_existing=True)
    return db.scalars(asked).one_or_none()


def order_for(db: Session, party: UUID, key: UUID, *, lock: bool = True) -> OrderRow | None:
    """The order of an instruction, held for this transaction."""
    asked = select(OrderRow).where(OrderRow.user_id == party, OrderRow.key == key)
    if lock:
        asked = asked.with_for_update().execution_options(populate_existing=True)
    return db.scalars(asked).one_or_none()


def as_they_stand(db: Session, party: UUID, order_ids: Collection[UUID]) -> Sequence[OrderRow]:
    """These orders as they are now, also where this transaction has read them before."""
    asked = select(OrderRow).where(OrderRow.user_id == party, OrderRow.id.in_(order_ids)).order_by(OrderRow.id)
    return db.scalars(asked.execution_options(populate_existing=True)).all()


def orders_for(db: Session, keys: Sequence[tuple[UUID, UUID]], *, lock: bool = True) -> Sequence[OrderRow]:
    """The orders of instructions, each as (party, key), held for this transaction; taken in one order, whoever asks."""
    asked = select(OrderRow).where(tuple_(OrderRow.user_id, OrderRow.key).in_(keys)).order_by(OrderRow.id)
    if lock:
        asked = asked.with_for_update().execution_options(populate_existing=True)
    return db.scalars(asked).all()


def orders(
    db: Session, party: UUID, *, account_id: UUID | None, statuses: Sequence[str] | None, before: datetime | None,
    at_most: int,
) -> Sequence[OrderRow]:  # fmt: skip
    """Orders of a party, the newest first."""
    asked = select(OrderRow).where(OrderRow.user_id == party)
    if account_id is not None:
        asked = asked.where(OrderRow.account_id == account_id)
    if statuses is not None:
        asked = asked.where(OrderRow.status.in_(statuses))
    if before is not None:
        asked = asked.where(OrderRow.placed_at < before)
    return db.scalars(asked.order_by(OrderRow.placed_at.desc(), OrderRow.id.desc()).limit(at_most)).all()


def open_orders(db: Session, party: UUID, *, account_id: UUID | None = None) -> Sequence[OrderRow]:
    """Orders of a party that are not at an end, oldest first; at most a thousand."""
    asked = select(OrderRow).where(OrderRow.user_id == party, OrderRow.status.in_(_OPEN))
    if account_id is not None:
        asked = asked.where(OrderRow.account_id == account_id)
    return db.scalars(asked.order_by(OrderRow.placed_at, OrderRow.id).limit(1000)).all()


def open_of_many(db: Session, accounts: Iterable[tuple[UUID, UUID]]) -> Sequence[OpenOrder]:
    """Orders of billed accounts, each as (party, account), that are not at an end, in one question for many."""
    wanted = list(accounts)
    if not wanted:
        return []
    asked = select(
        OrderRow.user_id, OrderRow.account_id, OrderRow.id, OrderRow.amount_minor, OrderRow.status, OrderRow.channel,
        OrderRow.due_on, OrderRow.key,
    ).where(tuple_(OrderRow.user_id, OrderRow.account_id).in_(wanted), OrderRow.status.in_(_OPEN))  # fmt: skip
    return [OpenOrder(*row) for row in db.execute(asked)]


def events(db: Session, party: UUID, order_id: UUID) -> Sequence[EventRow]:
    """The timeline of an order, first to last."""
    asked = select(EventRow).where(EventRow.user_id == party, EventRow.order_id == order_id)
    return db.scalars(asked.order_by(EventRow.at, EventRow.id).limit(500)).all()


def due(
    db: Session, before: datetime, *, until: datetime, at_most: int
) -> Sequence[tuple[UUID, UUID]]:  # fmt: skip
    """(party, order) that somebody should look at, nearest last safe moment first, taken until then; for the worker."""
    asked = (
        select(OrderRow)
        .where(OrderRow.next_at <= before)
        .order_by(OrderRow.by_hand_at, OrderRow.next_at, OrderRow.id)
        .limit(at_most)
        .with_for_update(skip_locked=True)
    )
    rows = db.scalars(asked).all()
    for row in rows:
        row.next_at = until
    return [(row.user_id, row.id) for row in rows]


def successor(db: Session, party: UUID, order_id: UUID) -> OrderRow | None:
    """The order that was made because this one came to nothing."""
    asked = select(OrderRow).where(OrderRow.user_id == party, OrderRow.retry_of == order_id)
    return db.scalars(asked).one_or_none()


def bindings(db: Session, party: UUID) -> Sequence[BindingRow]:
    """Every binding of a party that stands, oldest first."""
    return bindings_of(db, [party])


def bindings_of(db: Session, parties: Collection[UUID]) -> Sequence[BindingRow]:
    """The same of several parties."""
    asked = select(BindingRow).where(BindingRow.user_id.in_(parties), BindingRow.state != "removed")
    return db.scalars(asked.order_by(BindingRow.proved_at, BindingRow.id).limit(500 * len(parties))).all()


def binding(db: Session, party: UUID, kind: str, subject_id: UUID, channel: str) -> BindingRow | None:
    """The binding of one account or card at one channel that stands."""
    asked = select(BindingRow).where(
        BindingRow.user_id == party, BindingRow.kind == kind, BindingRow.subject_id == subject_id,
        BindingRow.channel == channel, BindingRow.state != "removed",
    )  # fmt: skip
    return db.scalars(asked).one_or_none()


def waiting_of(db: Session, party: UUID) -> Sequence[OrderRow]:
    """Orders of a party that are made and not known to have gone out, held for this transaction."""
    asked = select(OrderRow).where(OrderRow.user_id == party, OrderRow.status == OrderStatus.PLACED)
    return db.scalars(asked.order_by(OrderRow.id).with_for_update()).all()
