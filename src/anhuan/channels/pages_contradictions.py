"""One contradiction at the operators' console: its facts for a reason and a while, and two people who clear it."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, ClassVar, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from sqlalchemy.orm import Session

from anhuan.channels import capabilities, clearing, store
from anhuan.channels.capabilities import Way
from anhuan.channels.clearing import Case
from anhuan.identity import looking
from anhuan.identity.desk_page import Notice, attempt, said
from anhuan.kit import page
from anhuan.kit.actors import Actor

router = APIRouter(prefix="/desk/channels/contradictions/{party}/{number}", include_in_schema=False)
RIGHT: Final = "desk.contradictions"
Ours: Final = Depends(page.own_form)
Words = Annotated[str, Form(max_length=2000)]


@dataclass(frozen=True, slots=True)
class AskWhy:
    """Before the facts of a contradiction open, which are one person's: why."""

    template: ClassVar[str] = "channels/contradiction_why.html"
    party: UUID
    number: UUID
    trouble: str
    typed: str


@dataclass(frozen=True, slots=True)
class OneContradiction:
    """One contradiction with its facts, and what its reader may do about it."""

    template: ClassVar[str] = "channels/contradiction.html"
    case: Case
    way: Way
    look: UUID
    shown: str
    own: bool
    trouble: str
    typed: str


@router.get("", dependencies=[page.needs(RIGHT)])
def contradiction(request: Request, db: page.Desk, party: UUID, number: UUID, look: UUID | None = None) -> Response:
    """The facts of a contradiction; without a look that was written down it asks why and reads nothing."""
    try:
        row = looking.open_person(db, page.actor(request), party, look, now=page.now(request))
    except looking.NeedsReason:
        return page.render(request, AskWhy(party, number, "", ""))
    return page.render(request, _shown(request, db, party, number, row.id))


@router.post("/look", dependencies=[page.needs(RIGHT), Ours])
def look(request: Request, db: page.Desk, party: UUID, number: UUID, reason: Words = "") -> Response:
    """Write the look down; this transaction ends before anything of the person is read."""
    begun: list[UUID] = []

    def write() -> None:
        who, now = page.actor(request), page.now(request)
        begun.append(looking.begin(db, who, party, reason=reason, now=now, right=RIGHT))

    trouble = attempt(request, db, write)
    if trouble:
        return page.render(request, AskWhy(party, number, trouble, reason), status=422)
    return page.go(f"/desk/channels/contradictions/{party}/{number}?look={begun[0]}")


@router.post("/{verb}", dependencies=[page.needs(RIGHT), Ours])
def decide(
    request: Request, db: page.Desk, party: UUID, number: UUID, verb: str, look: Annotated[UUID, Form()],
    shown: Annotated[str, Form(max_length=200)] = "", reason: Words = "",
    verdict: Annotated[clearing.Verdict | None, Form()] = None,
) -> Response:  # fmt: skip
    """Ask to clear, or confirm or refuse exactly what the page showed, while the look lasts."""
    who, now = page.actor(request), page.now(request)
    try:
        looking.open_person(db, who, party, look, now=now)
    except looking.NeedsReason:
        return page.render(request, AskWhy(party, number, "", ""), status=409)

    def act() -> None:
        match verb:
            case "ask":
                clearing.ask(db, who, party, number, reason=reason, verdict=verdict, now=now)
            case "confirm":
                clearing.confirm(db, who, party, number, shown=shown, now=now)
            case "refuse":
                clearing.refuse(db, who, party, number, shown=shown, reason=reason, now=now)
            case _:
                raise page.NotFound("没有这个操作。")

    trouble = attempt(request, db, act)
    if trouble:
        db.expire_all()
        return page.render(request, _shown(request, db, party, number, look, trouble, reason), status=409)
    note = {
        "ask": said(request, "已提出,等待第二人确认。", "Asked; somebody else has to confirm it."),
        "confirm": said(request, "已核实。", "Cleared."),
    }.get(verb) or said(request, "已记录。", "Recorded.")
    return page.go(f"/desk/channels/contradictions/{party}/{number}?look={look}", request=request, note=note)


def notices(db: Session, who: Actor, now: datetime, on: date) -> list[Notice]:
    """What stands barred on the desk's first page, for whoever may clear it: and what waits for a second person."""
    if not who.may(RIGHT):
        return []
    rows = store.open_contradictions(db)
    others = sum(asked is not None and asked != who.person_id for *_, asked, _ in rows)
    told = (
        ("late", len(rows), f"{len(rows)} 笔指令前后说法矛盾,待核实", f"contradictions to look into: {len(rows)}"),
        ("soon", others, f"{others} 笔矛盾的核实等待第二人确认", f"clearings that wait for a second person: {others}"),
    )
    return [Notice(tone, zh, en, "/desk/channels") for tone, count, zh, en in told if count]


def _shown(
    request: Request, db: Session, party: UUID, number: UUID, look: UUID, trouble: str = "", typed: str = ""
) -> OneContradiction:
    try:
        case = clearing.find(db, party, number)
    except clearing.NoContradiction as none:
        raise page.NotFound(none.message) from None
    waiting = case.waiting
    shown = waiting.shown_hash.hex() if waiting else ""
    own = waiting is not None and waiting.asked_by == page.actor(request).person_id
    way = capabilities.way(case.instruction.channel, on=page.today(request))
    return OneContradiction(case, way, look, shown, own, trouble, typed)
