"""The operators' console: today, people, one person with a reason, sessions, the audit log, health."""

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Annotated, ClassVar, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from sqlalchemy.orm import Session

from anhuan.identity import audit_pages, desk_page, looking, store_access
from anhuan.identity.audit_pages import Asked, Shown
from anhuan.identity.desk_page import ROWS, Notice, attempt, cut, place_of, said
from anhuan.identity.looking import Field, PersonSeen, Seen, SessionSeen
from anhuan.identity.model import Ended
from anhuan.kit import audit, clock, page
from anhuan.kit.audit_tables import AuditRoot

router = APIRouter(prefix="/desk", include_in_schema=False)
Ours: Final = Depends(page.own_form)
Words = Annotated[str, Form(max_length=2000)]


@dataclass(frozen=True, slots=True)
class Home:
    """What counts today."""

    template: ClassVar[str] = "desk/home.html"
    notices: tuple[Notice, ...]
    changes: int
    sessions: int
    refused: int
    exports: int
    erasures: int
    records_waiting: int
    root: AuditRoot | None


@dataclass(frozen=True, slots=True)
class People:
    """People, masked, a page at a time; or the one with exactly this sign-in name."""

    template: ClassVar[str] = "desk/people.html"
    people: tuple[PersonSeen, ...]
    after: str
    searched: bool


@dataclass(frozen=True, slots=True)
class AskWhy:
    """Before one person's page opens: why."""

    template: ClassVar[str] = "desk/why.html"
    person_id: UUID
    trouble: str
    typed: str


@dataclass(frozen=True, slots=True)
class Person:
    """One person, everything that identifies masked; one field in clear where it was just asked for."""

    template: ClassVar[str] = "desk/person.html"
    seen: Seen
    reason: str
    ends_at: datetime
    look_id: UUID
    fields: tuple[Field, ...]
    clear: Field | None
    values: tuple[str, ...]
    trouble: str


@dataclass(frozen=True, slots=True)
class Sessions:
    """Standing sessions, the newest first."""

    template: ClassVar[str] = "desk/sessions.html"
    sessions: tuple[SessionSeen, ...]
    after: str


@dataclass(frozen=True, slots=True)
class Log:
    """Records of the audit log with what proves them."""

    template: ClassVar[str] = "desk/audit.html"
    asked: Asked
    rows: tuple[Shown, ...]
    after: str
    acts: tuple[str, ...]
    roots: tuple[AuditRoot, ...]


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the house is well, as far as this server can tell."""

    template: ClassVar[str] = "desk/health.html"
    version: str
    tables: str
    records_waiting: int
    root: AuditRoot | None
    root_late: bool
    administrators: int


@router.get("", dependencies=[page.needs("desk.home")])
def home(request: Request, db: page.Desk) -> Response:
    """Today at the desk."""
    now = page.now(request)
    midnight = datetime.combine(page.today(request), time(), clock.CHINA)
    exports, erasures = store_access.data_waiting(db)
    shown = Home(
        notices=desk_page.notices(db, page.actor(request), now=now, on=page.today(request)),
        changes=store_access.count_open(db, now=now),
        sessions=store_access.count_sessions(db, since=midnight),
        refused=store_access.count_acts(db, "session.refused", since=midnight),
        exports=exports,
        erasures=erasures,
        records_waiting=store_access.records_waiting(db),
        root=store_access.last_root(db),
    )
    return page.render(request, shown)


@router.get("/people", dependencies=[page.needs("desk.people")])
def people(request: Request, db: page.Desk, after: str = "") -> Response:
    """People, the newest first."""
    found = looking.people(db, page.actor(request), before=place_of(after))
    rows, following = cut(found, lambda one: (one.since, one.id))
    return page.render(request, People(rows, following, searched=False))


@router.post("/people", dependencies=[page.needs("desk.people"), Ours])
def search(request: Request, db: page.Desk, handle: Annotated[str, Form(max_length=200)] = "") -> Response:
    """The person with exactly this sign-in name; by POST, so that no name stands in an address or a log."""
    found = looking.find(db, page.actor(request), handle, now=page.now(request))
    return page.render(request, People((found,) if found else (), "", searched=True))


@router.get("/people/{person_id}", dependencies=[page.needs("desk.person")])
def person(request: Request, db: page.Desk, person_id: UUID, look: UUID | None = None) -> Response:
    """One person, for whoever gave a reason a moment ago; without one the page asks for it and reads nothing."""
    try:
        return page.render(request, _person(request, db, person_id, look))
    except looking.NeedsReason:
        return page.render(request, AskWhy(person_id, "", ""))


@router.post("/people/{person_id}/look", dependencies=[page.needs("desk.person"), Ours])
def look(request: Request, db: page.Desk, person_id: UUID, reason: Words = "") -> Response:
    """Write the look down; this transaction ends before the person's page reads anything."""
    begun: list[UUID] = []

    def write() -> None:
        begun.append(looking.begin(db, page.actor(request), person_id, reason=reason, now=page.now(request)))

    trouble = attempt(request, db, write)
    if trouble:
        return page.render(request, AskWhy(person_id, trouble, reason), status=422)
    return page.go(f"/desk/people/{person_id}?look={begun[0]}")


@router.post("/people/{person_id}/unmask", dependencies=[page.needs("desk.unmask"), Ours])
def unmask(
    request: Request, db: page.Desk, person_id: UUID, field: Annotated[Field, Form()], look: Annotated[UUID, Form()],
    reason: Words = "",
) -> Response:  # fmt: skip
    """One field in clear, in this one answer; the look at it is written for good before the field is read."""
    who, now = page.actor(request), page.now(request)
    looking.insist(db, who, person_id, look, now=now)
    written: list[UUID] = []

    def write() -> None:
        with request.app.state.desk().begin() as own:
            looking.open_desk(own, who)
            written.append(looking.unmask(own, who, person_id, field, reason=reason, now=now))

    trouble = attempt(request, db, write)
    values = () if trouble else looking.in_clear(db, person_id, field, written[0], now=now)
    shown = _person(request, db, person_id, look, clear=None if trouble else field, values=values, trouble=trouble)
    return page.render(request, shown, status=422 if trouble else 200)


def _person(
    request: Request, db: Session, person_id: UUID, look_id: UUID | None, *, clear: Field | None = None,
    values: tuple[str, ...] = (), trouble: str = "",
) -> Person:  # fmt: skip
    who, now = page.actor(request), page.now(request)
    row = looking.insist(db, who, person_id, look_id, now=now)
    seen = looking.seen(db, who, person_id, now=now)
    fields = tuple(Field) if who.may("desk.unmask") else ()
    return Person(seen, row.reason, row.ends_at, row.id, fields, clear, values, trouble)


@router.get("/sessions", dependencies=[page.needs("desk.sessions")])
def sessions(request: Request, db: page.Desk, after: str = "") -> Response:
    """Standing sessions of everybody, the newest first."""
    who, now = page.actor(request), page.now(request)
    found = store_access.sessions(db, now=now, before=place_of(after), at_most=ROWS + 1)
    rows, following = cut(found, lambda one: (one.made_at, one.id))
    return page.render(request, Sessions(tuple(looking.session_seen(who, one) for one in rows), following))


@router.post("/sessions/{session_id}/end", dependencies=[page.needs("desk.sessions"), Ours])
def end_session(request: Request, db: page.Desk, session_id: UUID) -> Response:
    """End somebody's session, now."""
    who, now = page.actor(request), page.now(request)
    whose = store_access.end_session(db, session_id, at=now, why=Ended.DESK)
    if whose is None:
        raise page.NotFound("没有这个会话，或者它已经结束。")
    audit.write(db, who, "session.ended_at_desk", f"person:{whose}", {"ended_session": session_id}, now=now)
    return page.go("/desk/sessions", request=request, note=said(request, "会话已结束。", "The session was ended."))


@router.get("/audit", dependencies=[page.needs("desk.audit")])
def audit_log(
    request: Request, db: page.Desk, act: str = "", subject: str = "", actor: str = "", before: int | None = None
) -> Response:
    """Records by act, subject and actor, the newest first; reading the log is written into it."""
    asked = Asked(act, subject, actor)
    rows, following = audit_pages.read(db, page.actor(request), asked, before=before, now=page.now(request))
    return page.render(request, Log(asked, rows, following, tuple(sorted(audit.ACTS)), audit_pages.roots(db)))


@router.get("/audit/pack", dependencies=[page.needs("desk.audit")])
def audit_pack(
    request: Request, db: page.Desk, first: Annotated[date, Query()], last: Annotated[date, Query()]
) -> Response:
    """The auditor's pack of some days, as a file that can be checked without us."""
    return audit_pages.pack(db, page.actor(request), first, last, now=page.now(request))


@router.get("/health", dependencies=[page.needs("desk.health")])
def health(request: Request, db: page.Desk) -> Response:
    """Whether the house is well."""
    return page.render(request, audit_pages.health_of(db, now=page.now(request), make=Health))
