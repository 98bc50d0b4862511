"""Planning anew on every change (S0-11): a standing plan is compared with what is known, and a difference that costs
something is proposed. Where keeping the plan costs nothing more, nothing is proposed: one as good is no reason to ask.
"""

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan import notify, planning
from anhuan.kit import clock, ids
from anhuan.planning import ExplainedPlan, Payment, Request
from anhuan.planning.above import Standing
from anhuan.repayments import plans, store_plans
from anhuan.repayments.replanning import SAID, TOLD, Proposal, overtake, promise, told
from anhuan.repayments.tables import OrderRow
from anhuan.repayments.tables_plans import PlanRow, ProposalRow


def look(db: Session, party: UUID, why: str, *, now: datetime) -> Proposal | None:
    """Compare a standing plan with what is known now; a difference that costs something is proposed, once.

    Without `why` it is only looked whether anything that a plan rests on has changed at all.
    """
    today = now.astimezone(clock.CHINA).date()
    plan = store_plans.standing(db, party)
    if plan is None:
        return None
    plan.looked_at = now
    if plan.horizon_on < today:
        plan.ended_at = now
        overtake(db, party, now=now)
        return None
    marks = plans.fingerprint(db, party, planning.request_of(db, party, as_of=today))
    waiting = store_plans.open_proposal(db, party)
    if not why and marks == (waiting.fingerprint if waiting else plan.fingerprint):
        return told(waiting) if waiting else None
    why = why or plans.differs_in(plan.fingerprint, marks) or "other"
    made = planning.plan_mine(db, party, as_of=today)
    old = store_plans.arranged(db, party, plan.group_id)
    worse = costs_more(made, old)
    if worse == 0:
        plan.fingerprint = marks
        overtake(db, party, now=now)
        return None
    if store_plans.was_dismissed(db, party, plan.id, marks):
        return None
    return _propose(db, plan, made, old, worse, marks, why, now=now)


def costs_more(made: ExplainedPlan, old: Sequence[OrderRow]) -> int | None:
    """What keeping the arranged orders costs more than the plan made now (fen); None where they cannot be kept.

    They are put in place of what the new plan pays for bills that are there; what it forecasts for others stays.
    """
    first = made.request.as_of
    kept = [
        Payment(max(first, _day(row.start_at).toordinal()), str(row.source_id), row.channel, str(row.account_id),
                row.amount_minor)
        for row in old
    ]  # fmt: skip
    known = [plans.KnownLeg(leg, amount, leg.on) for leg, amount in planning.of_known_bills(made)]
    cost = plans.cost_with(made, [*kept, *plans.forecast(made, known)])
    return None if cost is None else max(0, cost - made.cost)


def standing(db: Session, party: UUID, request: Request) -> Standing:
    """What became of the household's plan, for whoever plans now; where it rests on something else, a look follows."""
    if store_plans.open_proposal(db, party) is not None:
        return Standing.CHANGED
    plan = store_plans.standing(db, party)
    if plan is None or not store_plans.arranged(db, party, plan.group_id):
        return Standing.NONE
    if plans.fingerprint(db, party, request) != plan.fingerprint:
        promise(db, party, "")
    return Standing.CONFIRMED


def _propose(
    db: Session, plan: PlanRow, made: ExplainedPlan, old: Sequence[OrderRow], worse: int | None, marks: bytes,
    why: str, *, now: datetime,
) -> Proposal:  # fmt: skip
    new = [_leg(one.leg.card.account_id, one.leg.account.account_id, one.leg.channel.channel_id, one.on, one.amount)
           for one in plans.legs_of(made)]  # fmt: skip
    was = [_leg(row.account_id, row.source_id, row.channel, _day(row.start_at), row.amount_minor) for row in old]
    both = [one for one in was if one in new]
    gone, come = ([one for one in some if one not in both] for some in (was, new))
    before = None if worse is None else made.cost + worse
    facts = {"gone": gone, "new": come, "kept": len(both), "before": before, "after": made.cost}
    said = json.dumps(facts, sort_keys=True)
    if (known := store_plans.open_proposal(db, plan.user_id)) is not None:
        if known.facts == said:
            known.fingerprint = marks
            return told(known)
        overtake(db, plan.user_id, now=now)
    row = ProposalRow(
        user_id=plan.user_id, id=ids.new_id(), plan_id=plan.id, fingerprint=marks, why=why, facts=said, state="open",
        made_at=now, decided_at=None, decided_by=None,
    )  # fmt: skip
    db.add(row)
    db.flush()
    zh, en = SAID[why]
    said_of: dict[str, str | int | None] = {"why_zh": zh, "why_en": en, "gone": len(gone), "new": len(come)}
    notify.tell(db, plan.user_id, TOLD, key=str(row.id), facts=said_of, now=now, link="/plan/changed")
    return told(row)


def _leg(account_id: UUID, source_id: UUID, channel: str, on: date, amount: int) -> list[Any]:
    return [str(account_id), str(source_id), channel, on.isoformat(), amount]


def _day(at: datetime) -> date:
    return at.astimezone(clock.CHINA).date()
