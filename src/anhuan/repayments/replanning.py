"""What happens to a confirmed plan: what asks for a look at it, the change that is proposed, and the payer's answer.

A proposal moves nothing. The payer confirms the whole new plan with a new proof (`plans.confirm`), or keeps the one
that stands.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan import notify
from anhuan.kit import audit, clock, jobs, terms
from anhuan.kit.actors import Actor
from anhuan.repayments import store_plans
from anhuan.repayments.model import OrderStatus, OrderView
from anhuan.repayments.tables_plans import ProposalRow

REPLAN: Final = "repayments.replan"
TOLD: Final = "plan_changed"
# Why a plan is looked at again; a job carries the number.
WHYS: Final = ("", "failed", "back", "cancelled", "arrived", "balance", "bill", "income", "channel", "other")
_BY: Final = {
    OrderStatus.FAILED: "failed", OrderStatus.GIVEN_BACK: "back", OrderStatus.CANCELLED: "cancelled",
    OrderStatus.ARRIVED: "arrived",
}  # fmt: skip
SAID: Final[Mapping[str, tuple[str, str]]] = {
    "failed": ("有一笔还款没有成功", "a repayment failed"),
    "back": ("有一笔还款退回来了", "a repayment came back"),
    "cancelled": ("有一笔安排被取消了", "an arranged repayment was taken back"),
    "arrived": ("有一笔还款到账了", "a repayment arrived"),
    "balance": ("账户余额变了", "the balance of an account changed"),
    "bill": ("账单变了，或有新账单", "a bill changed or is new"),
    "income": ("预计的收入或支出变了", "the money you expect changed"),
    "channel": ("渠道的费用、限额或时间变了", "fees, limits or times of a channel changed"),
    "other": ("情况有变", "something changed"),
}


@dataclass(frozen=True, slots=True)
class LegTold:
    """One payment of a proposal, by ids; the amount in fen."""

    account_id: UUID
    source_id: UUID
    channel: str
    on: date
    amount: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """方案变更提议: what would change and why; costs in fen, `before` None where the old plan cannot be kept."""

    id: UUID
    why: str
    gone: tuple[LegTold, ...]
    new: tuple[LegTold, ...]
    kept: int
    before: int | None
    after: int
    made_at: datetime


def after(db: Session, order: OrderView, before: OrderStatus | None, *, now: datetime) -> None:
    """What an order's end means for the standing plan: promise to plan anew."""
    why = _BY.get(order.status)
    if why is None or before is None or store_plans.standing(db, order.party) is None:
        return
    promise(db, order.party, why)


def promise(db: Session, party: UUID, why: str) -> None:
    """Let the worker plan anew for a party with a standing plan."""
    jobs.defer(db, REPLAN, lock=f"plan:{party}", party=party, why=WHYS.index(why))


def proposal(db: Session, party: UUID) -> Proposal | None:
    """The change that waits for an answer, or None."""
    row = store_plans.open_proposal(db, party)
    return None if row is None else told(row)


def dismiss(db: Session, who: Actor, *, now: datetime) -> bool:
    """Keep the plan that stands; the same situation is not proposed again. Tells whether anything waited."""
    assert who.party_id is not None
    row = store_plans.open_proposal(db, who.party_id)
    plan = store_plans.standing(db, who.party_id)
    if row is None or plan is None:
        return False
    row.state, row.decided_at, row.decided_by = "dismissed", now, who.person_id
    plan.fingerprint = row.fingerprint
    db.flush()
    notify.withdraw(db, who.party_id, TOLD, str(row.id), now=now)
    audit.write(db, who, "plan.kept", f"proposal:{row.id}", {"why": row.why}, now=now)
    return True


def look_again(now: datetime) -> timedelta:
    """How long a standing plan is left alone while nothing is heard."""
    on = now.astimezone(clock.CHINA).date()
    return timedelta(minutes=int(terms.ask("plan_look_minutes", on=on, scopes=("repayments",)).value))


def overtake(db: Session, party: UUID, *, now: datetime) -> None:
    """A proposal that no longer holds is taken back, and its message with it."""
    row = store_plans.open_proposal(db, party)
    if row is not None:
        row.state, row.decided_at = "overtaken", now
        db.flush()
        notify.withdraw(db, party, TOLD, str(row.id), now=now)


def told(row: ProposalRow) -> Proposal:
    """A proposal as pages read it."""
    said = json.loads(row.facts)
    gone, new = (
        tuple(LegTold(UUID(one[0]), UUID(one[1]), one[2], date.fromisoformat(one[3]), one[4]) for one in said[which])
        for which in ("gone", "new")
    )
    return Proposal(row.id, row.why, gone, new, said["kept"], said["before"], said["after"], row.made_at)
