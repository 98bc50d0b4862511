"""A card whose repayments are paused: why, since when, and the way back; its holder pauses and resumes it here."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from anhuan import cards
from anhuan.cards.model import AccountFace, NoSuchCard
from anhuan.identity import confirming
from anhuan.identity.confirming import ActWords
from anhuan.identity.desk_page import said
from anhuan.kit import page
from anhuan.repayments import card_pauses, failure_rules, service

router = APIRouter(prefix="/repay/paused", include_in_schema=False)
Ours: Final = Depends(page.own_form)


@dataclass(frozen=True, slots=True)
class Paused:
    """One card: whether its repayments are paused, since when and why."""

    template: ClassVar[str] = "repayments/paused.html"
    account: AccountFace
    since: datetime | None
    by_house: bool
    why: str


@router.get("/{account_id}", dependencies=[page.needs("repay.read")])
def paused(request: Request, db: page.Transaction, account_id: UUID) -> Response:
    """Whether a card is paused, and why."""
    account = _face(request, db, account_id)
    found = card_pauses.find(db, page.person(request), account_id)
    row = failure_rules.table().get(found.why) if found else None
    why = row.said["en" if page.visitor(request).lang == "en" else "zh"] if row else ""
    since = found.since if found else None
    return page.render(request, Paused(account, since, found.by_house if found else False, why))


@router.post("/{account_id}/lift", dependencies=[page.needs("repay.write"), Ours])
def lift(request: Request, db: page.Transaction, account_id: UUID, proof: confirming.Proof) -> Response:
    """Let payments go to this card again, after one more proof; what waited goes on at once."""
    face, place = _face(request, db, account_id), f"/repay/paused/{account_id}"
    party, now = page.person(request), page.now(request)
    found = card_pauses.find(db, party, account_id)
    if found is None:
        return page.go(place, request=request)
    try:
        card_pauses.lift(db, page.actor(request), party, account_id, now=now, answer=proof)
    except confirming.AGAIN as refused:
        words = ActWords("pause_lift", account=face, from_at=found.since)
        act = card_pauses.lift_act(party, found)
        return confirming.ask(request, db, act, words, refused, action=f"{place}/lift", back=place)
    service.wake(db, party)
    note = said(request, "已恢复，等着的还款会自己继续。", "Resumed; what waited goes on by itself.")
    return confirming.done(request, db, page.go(place, request=request, note=note), proof)


@router.post("/{account_id}/pause", dependencies=[page.needs("repay.write"), Ours])
def pause(request: Request, db: page.Transaction, account_id: UUID) -> Response:
    """Let nothing go to this card from now on."""
    _face(request, db, account_id)
    card_pauses.pause(db, page.actor(request), page.person(request), account_id, now=page.now(request))
    note = said(request, "已暂停这张卡的还款，没有发出的都停下。", "Repayments of this card are paused.")
    return page.go(f"/repay/paused/{account_id}", request=request, note=note)


def _face(request: Request, db: page.Transaction, account_id: UUID) -> AccountFace:
    try:
        return cards.account_face(db, page.person(request), account_id)
    except NoSuchCard:
        raise page.NotFound("没有这张卡。") from None
