"""How an order moves: one step along the table, its line on the timeline, its postings, and what follows from it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan import channels
from anhuan.channels.evidence import OTHER_ARRIVED, Seen
from anhuan.channels.evidence_rules import PROOFS
from anhuan.channels.evidence_rules import Kind as Proof
from anhuan.channels.model import Answer, Rejected, Settled, Unknown, Why
from anhuan.channels.standing import Standing
from anhuan.kit import ids
from anhuan.repayments import aftermath, booking, precheck, rules, store, views
from anhuan.repayments.booking import Money
from anhuan.repayments.model import CLOSED, EventKind, OrderStatus, Wait
from anhuan.repayments.tables import EventRow, OrderRow

S = OrderStatus
# How long nobody needs to look at an order by itself: channels tell what they learn, this is for what was lost.
LOOK: Final = {
    S.PLACED: timedelta(minutes=30), S.SENT: timedelta(hours=1), S.PROMISED: timedelta(hours=6),
    S.IN_DOUBT: timedelta(minutes=30),
}  # fmt: skip
_STAMPS: Final = {
    S.PLACED: EventKind.PLACED, S.SENT: EventKind.SENT, S.PROMISED: EventKind.PROMISED, S.ARRIVED: EventKind.ARRIVED,
    S.IN_DOUBT: EventKind.IN_DOUBT, S.GIVEN_BACK: EventKind.GIVEN_BACK, S.FAILED: EventKind.FAILED,
    S.CANCELLED: EventKind.CANCELLED, S.SCHEDULED: EventKind.SCHEDULED,
}  # fmt: skip
_STAMPED: Final = "repayments.stamped"
_UNDER_WAY: Final = (Why.ACCEPTED, Why.PROCESSING)


@dataclass(frozen=True, slots=True)
class Move:
    """One step of an order along the table, and what is known of its instruction."""

    row: OrderRow
    status: OrderStatus
    known: Answer | None = None
    seen: Seen | None = None
    code: str = ""


def learn(db: Session, rows: Sequence[OrderRow], *, now: datetime) -> None:
    """Bring orders to what is known of their instructions now; nothing new changes nothing."""
    stands = channels.standing.of_many(db, [_key(row) for row in rows])
    move_many(db, [move for row in rows if (move := _learnt(db, row, stands[_key(row)], now)) is not None], now=now)


def _learnt(db: Session, row: OrderRow, stands: Standing, now: datetime) -> Move | None:
    known, seen = stands.known, stands.seen
    before = OrderStatus(row.status)
    status = rules.status_of(
        known, seen.arrival, sent_at=stands.sent_at, contradicted=_contradicted(row, stands), now_is=before
    )  # fmt: skip
    row.sent_at = stands.sent_at
    if status is not before and not rules.may_become(before, status):
        status = before  # what was heard late adds nothing to an end that stands
    if status is before:
        _said_meanwhile(db, row, known, now=now)
        _look_again(row, now)
        return None
    if status not in (S.SENT, S.PLACED) and before is S.PLACED and row.sent_at is not None:
        stamp(db, row, EventKind.SENT, at=row.sent_at)
    return Move(row, status, known, seen)


def move(db: Session, row: OrderRow, status: OrderStatus, *, code: str = "", now: datetime) -> None:
    """One step along the table, with its postings and its line; raises `BadStep` where the table does not know it."""
    move_many(db, [Move(row, status, code=code)], now=now)


def move_many(db: Session, moves: Sequence[Move], *, now: datetime) -> None:
    """The same for many orders of one lane: the rows and lines of all, then their postings, then what follows."""
    steps = [_stepped(db, one, now) for one in moves]
    db.flush()
    posted = [one for one in steps if one.before is not S.SCHEDULED or one.status is S.PLACED]
    booking.follow(db, posted, now=now)
    aftermath.after(
        db, [(views.view_of(move.row), step.before) for move, step in zip(moves, steps, strict=True)], now=now
    )
    db.flush()


def _stepped(db: Session, one: Move, now: datetime) -> booking.Step:
    row, status, known, code = one.row, one.status, one.known, one.code
    before = OrderStatus(row.status)
    row.status = rules.step(before, status)
    taken, arrived = row.taken_at is not None, row.arrived_minor
    facts: dict[str, str | int] = {}
    if status is not S.IN_DOUBT and row.wait is not None:
        row.wait = None
    if isinstance(known, Settled):
        row.taken_at = row.taken_at or known.taken_at
        facts["reference"] = known.reference
    if status is S.ARRIVED:
        row.taken_at = row.taken_at or now
        facts |= _arrived(row, one.seen)
    if isinstance(known, Rejected):
        code, row.resets_at = code or known.final_code, known.resets_at
        facts |= {"message": known.message} if known.message else {}
        facts |= {"missing": known.missing} if known.missing is not None else {}
    event = known.event if isinstance(known, Settled) else None
    if status in (S.FAILED, S.CANCELLED, S.GIVEN_BACK):
        code = code or (event.reason if event else "")
        row.final_code = (event.kind.value if event else code) or "unknown"
    row.closed_at = now if status in CLOSED else None
    _look_again(row, now)
    stamp(db, row, _STAMPS[status], at=now, code=code, **facts)
    return booking.Step(
        money_of(row), before, status, taken=taken, taken_at=row.taken_at, arrived=arrived,
        shown=row.arrived_minor if arrived is None else None, back_at=event.at if event else None,
        back=event.amount if event is not None and event.amount < row.amount_minor else None,
    )  # fmt: skip


def stamp(db: Session, row: OrderRow, kind: EventKind, *, at: datetime, code: str = "", **facts: str | int) -> None:
    """Write one line of the timeline."""
    db.add(
        EventRow(user_id=row.user_id, id=_number(db, row), order_id=row.id, at=at, kind=kind, code=code,
                 facts=json.dumps(facts, ensure_ascii=False))
    )  # fmt: skip


def _number(db: Session, row: OrderRow) -> UUID:
    """Two lines of one order that are written within a millisecond keep their order by their numbers."""
    before: dict[UUID, UUID] = db.info.setdefault(_STAMPED, {})
    last, number = before.get(row.id), ids.new_id()
    before[row.id] = number if last is None or last < number else UUID(int=last.int + 1)
    return before[row.id]


def hold_up(db: Session, row: OrderRow, wait: Wait, *, now: datetime, until: datetime | None = None) -> None:
    """Say why an order does not move; said once for each reason."""
    if row.wait != wait:
        row.wait = wait
        stamp(db, row, EventKind.WAITING, at=now, code=wait.value)
        db.flush()
        aftermath.after(db, [(views.view_of(row), OrderStatus(row.status))], now=now)
    if until is not None:
        row.next_at = until
    db.flush()


def money_of(row: OrderRow) -> Money:
    """An order as the books see it."""
    return Money(
        row.id, row.user_id, row.source_id, row.account_id, row.channel, row.amount_minor, views.fees_of(row)
    )  # fmt: skip


def _arrived(row: OrderRow, seen: Seen | None) -> dict[str, str | int]:
    """The day and amount that the proof shows; an amount that it does not show is what was sent."""
    assert seen is not None, "nothing arrives without a proof"
    assert seen.on is not None, "a proof has its day"
    doubted = {one.about_id for one in seen.rows if one.kind == Proof.DOUBT}
    standing = [one for one in seen.rows if one.kind in PROOFS and one.id not in doubted]
    shown = next((one.amount_minor for one in standing if one.amount_minor is not None), None)
    row.arrived_on = seen.on
    if row.arrived_minor is None:
        row.arrived_minor = min(row.amount_minor if shown is None else shown, row.amount_minor)
    return {"day": seen.on.isoformat(), "evidence": str(standing[0].id), "proof": standing[0].kind,
            "amount": row.arrived_minor}  # fmt: skip


def _contradicted(row: OrderRow, stands: Standing) -> bool:
    """Whether what the bank says leaves a doubt; less on the card than was sent is a fee on the way, and no doubt."""
    kinds = set(stands.contradicted)
    if OTHER_ARRIVED in kinds:
        shown = [one.amount_minor for one in stands.seen.rows if one.kind in PROOFS and one.amount_minor is not None]
        if all(amount <= row.amount_minor for amount in shown):
            kinds.discard(OTHER_ARRIVED)
    return bool(kinds)


def _said_meanwhile(db: Session, row: OrderRow, known: Answer, *, now: datetime) -> None:
    """The same status, but something to say: the channel took it on, or it has to wait before it may go out."""
    if not isinstance(known, Unknown):
        return
    if known.why is Why.BUSY and row.sent_at is None:
        hold_up(db, row, _why_it_waits(db, row, now), now=now)
    elif row.wait is not None and row.sent_at is not None:
        row.wait = None
        stamp(db, row, EventKind.WENT_ON, at=now)
    if known.why in _UNDER_WAY and row.sent_at is not None and not _has(db, row, EventKind.ACCEPTED):
        stamp(db, row, EventKind.ACCEPTED, at=now)


def _why_it_waits(db: Session, row: OrderRow, now: datetime) -> Wait:
    return precheck.wait_of(db, row.user_id, row.account_id, now=now) or precheck.stopped_by(
        db, row.channel, row.bank, now=now
    )


def _has(db: Session, row: OrderRow, kind: EventKind) -> bool:
    return any(one.kind == kind for one in store.events(db, row.user_id, row.id))


def _look_again(row: OrderRow, now: datetime) -> None:
    pause = LOOK.get(OrderStatus(row.status))
    row.next_at = None if pause is None else now + pause


def _key(row: OrderRow) -> tuple[UUID, UUID]:
    assert row.key is not None, "only an order with an instruction can learn"
    return row.user_id, row.key
