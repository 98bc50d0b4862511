"""A party's own limits and the pause as JSON; amounts are decimal text in yuan, moments ISO 8601.

A wish that narrows holds at once. One that widens wants a step-up: ask `POST /step-ups` for it, let the person answer
in the browser, and send the answer along with the wish.
"""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from anhuan.identity import approvals, erasure, export, limits, stepup
from anhuan.identity.limits import LimitKind, Which, Wish
from anhuan.identity.stepup import Answer
from anhuan.kit import page
from anhuan.kit.actors import Actor
from anhuan.kit.money import NotMoney, from_text, to_text

router = APIRouter(tags=["limits"])


class Body(BaseModel):
    """What is sent to us has the fields named here and no others."""

    model_config = ConfigDict(extra="forbid")


class Proof(Body):
    """A person's answer to a step-up: a passkey's answer as the browser gives it (JSON text), or a one-time code."""

    step_up: UUID
    credential: str = Field(default="", max_length=20_000)
    code: str = Field(default="", max_length=16)

    def answer(self) -> Answer:
        """The same in the words of the room."""
        return Answer(self.step_up, self.credential, self.code.replace(" ", ""))


class NewLimit(Body):
    """A wish about one limit; without an amount the limit goes, which is a raise too."""

    kind: LimitKind
    account_id: UUID | None = Field(default=None, description="the card account, of a limit per card")
    amount: str | None = Field(default=None, max_length=20, description="yuan, such as 5000.00")
    proof: Proof | None = None


class NewStepUp(Body):
    """Which act wants a proof: a limit that shall rise, the end of the pause, a copy of everything, an erasure."""

    act: Literal["limit_raise", "pause_lift", "export_fetched", "erasure"]
    request_id: UUID | None = Field(default=None, description="the finished export, for export_fetched")
    kind: LimitKind | None = None
    account_id: UUID | None = None
    amount: str | None = Field(default=None, max_length=20)


class LimitOut(BaseModel):
    """One limit, and since or from when it holds."""

    kind: LimitKind
    account_id: UUID | None
    amount: str | None
    from_at: datetime | None = None


class LimitsOut(BaseModel):
    """What stands now, raises that wait, and since when everything is paused."""

    standing: list[LimitOut]
    waiting: list[LimitOut]
    paused_since: datetime | None


class StepUpOut(BaseModel):
    """A step-up that waits: `options` go into the browser's navigator.credentials.get, or a code is typed."""

    id: UUID
    ends_at: datetime
    options: dict[str, Any] | None
    by_code: bool


@router.get("/limits", dependencies=[page.needs("me.use")])
def show(request: Request, db: page.Transaction) -> LimitsOut:
    """The party's own limits, raises that wait, and the pause."""
    held = limits.at(db, page.person(request), now=page.now(request))
    standing = [
        LimitOut(kind=which.kind, account_id=which.account_id, amount=to_text(fen))
        for which, fen in sorted(held.standing.items(), key=lambda pair: (pair[0].kind, str(pair[0].account_id)))
    ]
    return LimitsOut(standing=standing, waiting=[_out(wish) for wish in held.waiting], paused_since=held.pause)


@router.put("/limits", dependencies=[page.needs("limits.write")])
def set_limit(request: Request, db: page.Transaction, new: NewLimit) -> LimitOut:
    """Narrow a limit at once, or widen it after the cooling time with a proof; 422 stepup.needed asks for one."""
    which, fen = Which(new.kind, new.account_id), _fen(new.amount)
    answer = new.proof.answer() if new.proof else None
    return _out(limits.set_limit(db, page.actor(request), which, fen, now=page.now(request), answer=answer))


@router.post("/step-ups", status_code=201, dependencies=[page.needs("me.data")])
def begin_step_up(request: Request, db: page.Transaction, new: NewStepUp) -> StepUpOut:
    """Ask the person of this session for one more proof, bound to exactly this act and good for it once."""
    who, now = page.actor(request), page.now(request)
    act = _act(db, who, new, now)
    asked = stepup.begin(db, who, act, shown=repr(sorted(act.facts.items())), now=now)
    options = dict(asked.options) if asked.options else None
    return StepUpOut(id=asked.id, ends_at=asked.ends_at, options=options, by_code=asked.by_code)


@router.post("/pause", status_code=204, dependencies=[page.needs("limits.write")])
def pause(request: Request, db: page.Transaction) -> None:
    """Stop everything of the party at once; a second time changes nothing."""
    limits.pause_everything(db, page.actor(request), now=page.now(request))


@router.post("/pause/lift", status_code=204, dependencies=[page.needs("limits.write")])
def resume(request: Request, db: page.Transaction, proof: Proof) -> None:
    """Let things move again, with a proof bound to this pause."""
    limits.lift_pause(db, page.actor(request), now=page.now(request), answer=proof.answer())


def _act(db: Session, who: Actor, new: NewStepUp, now: datetime) -> stepup.Act:
    """The act that is meant, with every fact it is bound to."""
    assert who.party_id is not None
    if new.act == "export_fetched":
        if new.request_id is None:
            raise export.NoSuchRequest("没有这项申请。", field="request_id")
        return approvals.archive(db, who, new.request_id, now=now).act
    if new.act == "erasure":
        erasure.insist_oneself(who.party_id, who)
        return approvals.erasing(db, who, now=now).act
    held = limits.at(db, who.party_id, now=now)
    if new.act == "pause_lift":
        if held.pause is None:
            raise limits.BadLimit("nothing is paused", field="act")
        return limits.lift_act(who.party_id, held.pause)
    standing = held.of(new.kind, new.account_id) if new.kind else None
    if new.kind is None or standing is None:
        raise limits.BadLimit("there is no such limit to raise", field="kind")
    return limits.raise_act(who.party_id, Which(new.kind, new.account_id), _fen(new.amount), standing)


def _out(wish: Wish) -> LimitOut:
    amount = None if wish.amount is None else to_text(wish.amount)
    return LimitOut(kind=wish.which.kind, account_id=wish.which.account_id, amount=amount, from_at=wish.from_at)


def _fen(amount: str | None) -> int | None:
    try:
        return from_text(amount) if amount else None
    except NotMoney as unread:
        raise limits.BadLimit(unread.message, field="amount") from unread
