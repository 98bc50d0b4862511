"""The page of a party's own limits and of the pause: lower at once, higher after a cooling time and one more proof."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from sqlalchemy.orm import Session

from anhuan import cards, identity
from anhuan.cards.model import AccountFace
from anhuan.identity import confirming, limits
from anhuan.identity.confirming import ActWords
from anhuan.identity.limits import LimitKind, Limits, Which, Wish
from anhuan.identity.stepup import Answer
from anhuan.kit import page
from anhuan.kit.money import from_text, to_text

router = APIRouter(prefix="/me/limits", include_in_schema=False)
PATH: Final = "/me/limits"
WRITES: Final = [page.needs("limits.write"), Depends(page.own_form)]


@dataclass(frozen=True, slots=True)
class LimitShown:
    """One limit as its row shows it: fen as text for the form, None where there is no limit, and a raise that waits."""

    kind: str
    account: AccountFace | None
    amount: int | None
    typed: str
    waiting: Wish | None


@dataclass(frozen=True, slots=True)
class LimitsPage:
    """The limits and the pause."""

    template: ClassVar[str] = "web/limits.html"
    shown: tuple[LimitShown, ...]
    more: tuple[AccountFace, ...]
    pause: datetime | None
    raise_hours: int
    may_write: bool


@router.get("", dependencies=[page.needs("me.use")])
def show(request: Request, db: page.Transaction) -> Response:
    """Every limit of the party, raises that wait, and the pause."""
    party, who, now = page.person(request), page.actor(request), page.now(request)
    held = limits.at(db, party, now=now)
    accounts = cards.accounts(db, party) if who.may("cards.read") else ()
    shown = rows_of(held, accounts)
    known = {one.account.account_id for one in shown if one.account}
    more = tuple(face for face in accounts if face.account_id not in known)
    hours = identity.house("limit_raise_hours", on=page.today(request))
    return page.render(request, LimitsPage(shown, more, held.pause, hours, who.may("limits.write")))


@router.post("", dependencies=WRITES)
def set_limit(
    request: Request,
    db: page.Transaction,
    proof: confirming.Proof,
    kind: Annotated[LimitKind, Form()],
    amount: Annotated[str, Form(max_length=20)] = "",
    account_id: Annotated[str, Form(max_length=36)] = "",
) -> Response:
    """Take a wish about one limit; an empty amount means no limit."""
    who, party, now = page.actor(request), page.person(request), page.now(request)
    face = _card(db, party, account_id)
    which, wanted = Which(kind, face.account_id if face else None), from_text(amount) if amount.strip() else None
    try:
        limits.set_limit(db, who, which, wanted, now=now, answer=proof)
    except confirming.AGAIN as refused:
        held = limits.at(db, party, now=now).standing[which]
        hours = timedelta(hours=identity.house("limit_raise_hours", on=now.date()))
        words = ActWords("limit_raise", kind.value, face, held, wanted, now + hours)
        act = limits.raise_act(party, which, wanted, held)
        fields = (("kind", kind.value), ("amount", amount), ("account_id", account_id))
        return confirming.ask(request, db, act, words, refused, action=PATH, back=PATH, fields=fields)
    return _done(request, db, proof)


@router.post("/withdraw", dependencies=WRITES)
def withdraw(
    request: Request,
    db: page.Transaction,
    kind: Annotated[LimitKind, Form()],
    account_id: Annotated[str, Form(max_length=36)] = "",
) -> Response:
    """Take back a raise that still waits."""
    face = _card(db, page.person(request), account_id)
    which = Which(kind, face.account_id if face else None)
    limits.withdraw_raise(db, page.actor(request), which, now=page.now(request))
    return page.go(PATH, request=request)


@router.post("/pause", dependencies=WRITES)
def pause(request: Request, db: page.Transaction) -> Response:
    """Stop everything with one tap."""
    limits.pause_everything(db, page.actor(request), now=page.now(request))
    return page.go(PATH, request=request)


@router.post("/resume", dependencies=WRITES)
def resume(request: Request, db: page.Transaction, proof: confirming.Proof) -> Response:
    """Let things move again, after one more proof."""
    party, now = page.person(request), page.now(request)
    since = limits.at(db, party, now=now).pause
    if since is None:
        return page.go(PATH, request=request)
    try:
        limits.lift_pause(db, page.actor(request), now=now, answer=proof)
    except confirming.AGAIN as refused:
        words = ActWords("pause_lift", from_at=since)
        act = limits.lift_act(party, since)
        return confirming.ask(request, db, act, words, refused, action=f"{PATH}/resume", back=PATH)
    return _done(request, db, proof)


def rows_of(held: Limits, accounts: Sequence[AccountFace]) -> tuple[LimitShown, ...]:
    """The two limits everybody has a row for, and those of single cards that are set or wait."""
    faces = {face.account_id: face for face in accounts}
    waiting = {wish.which: wish for wish in held.waiting}
    everybody = [Which(LimitKind.PER_PAYMENT), Which(LimitKind.PER_DAY)]
    cards_named = sorted(which for which in {*held.standing, *waiting} if which.account_id in faces)
    return tuple(
        LimitShown(
            kind=which.kind.value,
            account=faces.get(which.account_id) if which.account_id else None,
            amount=(fen := held.standing.get(which)),
            typed="" if fen is None else to_text(fen),
            waiting=waiting.get(which),
        )
        for which in [*everybody, *cards_named]
    )


def _card(db: Session, party: UUID, account_id: str) -> AccountFace | None:
    """The card account that a form names, among the party's own."""
    if not account_id:
        return None
    for face in cards.accounts(db, party):
        if str(face.account_id) == account_id:
            return face
    raise page.NotFound("没有这张卡,或者它不属于您。")


def _done(request: Request, db: Session, proof: Answer | None) -> Response:
    return confirming.done(request, db, page.go(PATH, request=request), proof)
