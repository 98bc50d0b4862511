"""The acts of repayments, each inside the caller's transaction: confirm, place, start, record, cancel."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.identity import stepup
from anhuan.kit.actors import Actor
from anhuan.repayments.model import GroupKind, OrderView, Quote


def act_of(party: UUID, key: UUID, quotes: Sequence[Quote]) -> stepup.Act:
    """What is confirmed: every payment with its amount, fees, card, source, channel and day; a change voids it."""
    raise NotImplementedError


def confirm(
    db: Session, who: Actor, quotes: Sequence[Quote], *, key: UUID, kind: GroupKind = GroupKind.ONE,
    answer: stepup.Answer | None, now: datetime,
) -> tuple[OrderView, ...]:  # fmt: skip
    """Place what a person confirmed, after one more proof bound to it; the same key gives back the same orders.

    Raises `StepUpNeeded`, `Changed`, `KeyReused`, and the first trouble of a quote.
    """
    raise NotImplementedError


def place(
    db: Session, party: UUID, quotes: Sequence[Quote], *, key: UUID, kind: GroupKind, now: datetime,
    who: Actor | None = None, step_up_id: UUID | None = None, mandate_id: UUID | None = None,
    run_id: UUID | None = None, retry_of: UUID | None = None,
) -> tuple[OrderView, ...]:  # fmt: skip
    """Make the orders of these quotes and start those whose day has come; nothing is kept where one is refused."""
    raise NotImplementedError


def start(db: Session, party: UUID, order_id: UUID, *, now: datetime) -> OrderView:
    """Let a scheduled order go: weigh it again, set its amount aside, make the instruction, promise its sending."""
    raise NotImplementedError


def cancel(db: Session, who: Actor, party: UUID, order_id: UUID, *, now: datetime) -> OrderView:
    """Take an order back before anything goes out; raises `TooLateToCancel` where the channel may have it."""
    raise NotImplementedError


def record(db: Session, party: UUID, key: UUID, *, now: datetime) -> OrderView | None:
    """Bring the order of an instruction to what is known of it now, and post what follows; twice is once."""
    raise NotImplementedError
