"""The operators' console, second half: changes that several people sign, roles, API clients, texts."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Annotated, Any, ClassVar, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from sqlalchemy.orm import Session

from anhuan.identity import (
    approvals,
    change_pages,
    changes,
    clients,
    confirming,
    document_changes,
    documents,
    freezing,
    grants,
    looking,
    rules,
    store_access,
    store_keys,
)
from anhuan.identity.change_pages import ChangeShown
from anhuan.identity.desk_page import attempt, cut, place_of, said
from anhuan.identity.documents import Document
from anhuan.identity.model import UnknownPerson
from anhuan.identity.rights import DESK, Role
from anhuan.identity.tables_access import ClientKeyRow
from anhuan.kit import clock, page, wall

router = APIRouter(prefix="/desk", include_in_schema=False)
Ours: Final = Depends(page.own_form)
Words = Annotated[str, Form(max_length=2000)]
Short = Annotated[str, Form(max_length=200)]


@dataclass(frozen=True, slots=True)
class Changes:
    """The worklist of changes."""

    template: ClassVar[str] = "desk/changes.html"
    changes: tuple[ChangeShown, ...]
    closed: bool
    after: str


@dataclass(frozen=True, slots=True)
class Change:
    """One change, complete, with what this operator can do about it."""

    template: ClassVar[str] = "desk/change.html"
    change: ChangeShown
    trouble: str


@dataclass(frozen=True, slots=True)
class Held:
    """A role at the desk that somebody holds, the person masked for the reader."""

    person_id: UUID
    name: str
    role: str
    since: datetime
    ends_at: datetime | None
    me: bool


@dataclass(frozen=True, slots=True)
class Roles:
    """Who holds which role, and the form that asks for a change."""

    template: ClassVar[str] = "desk/roles.html"
    held: tuple[Held, ...]
    roles: tuple[Role, ...]
    trouble: str
    typed: str
    handle: str


@dataclass(frozen=True, slots=True)
class ClientShown:
    """One client with its keys."""

    id: UUID
    name: str
    organisation: str
    scopes: tuple[str, ...]
    quota: int
    made_at: datetime
    ended_at: datetime | None
    keys: tuple[ClientKeyRow, ...]


@dataclass(frozen=True, slots=True)
class Clients:
    """The programs of partners."""

    template: ClassVar[str] = "desk/clients.html"
    clients: tuple[ClientShown, ...]
    scopes: tuple[str, ...]
    most: int
    trouble: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """A key, this once."""

    template: ClassVar[str] = "desk/drawn.html"
    key: str


@dataclass(frozen=True, slots=True)
class Documents:
    """The texts that people are asked to read: which version holds, which comes."""

    template: ClassVar[str] = "desk/documents.html"
    documents: tuple[tuple[Document, Document | None], ...]
    kind: str
    newest: Document | None
    earliest: date
    trouble: str


# Changes


@router.get("/changes", dependencies=[page.needs("desk.changes")])
def worklist(request: Request, db: page.Desk, closed: bool = False, after: str = "") -> Response:
    """Changes that wait for signatures, the one that lapses soonest first."""
    now = page.now(request)
    found = change_pages.worklist(
        db, page.actor(request), organisation_id=None, closed=closed, place=place_of(after), now=now
    )
    rows, following = cut(found, lambda one: (one.proposed_at if closed else one.ends_at, one.id))
    return page.render(request, Changes(rows, closed, following))


@router.get("/changes/{change_id}", dependencies=[page.needs("desk.changes")])
def change(request: Request, db: page.Desk, change_id: UUID) -> Response:
    """One change, complete."""
    return page.render(request, _change(request, db, change_id))


@router.post("/changes/{change_id}/{verb}", dependencies=[page.needs("desk.changes"), Ours])
def decide(request: Request, db: page.Desk, change_id: UUID, verb: str, shown: Short = "") -> Response:
    """Sign, refuse or withdraw exactly what the page showed."""
    who, now = page.actor(request), page.now(request)
    seen = _bytes(shown)
    acts: dict[str, Callable[[], Any]] = {
        "sign": lambda: changes.sign(db, who, change_id, shown=seen, now=now),
        "refuse": lambda: changes.refuse(db, who, change_id, shown=seen, now=now),
        "withdraw": lambda: changes.withdraw(db, who, change_id, now=now),
    }
    if verb not in acts:
        raise page.NotFound("没有这个操作。")
    trouble = attempt(request, db, acts[verb])
    if trouble:
        db.expire_all()
        return page.render(request, _change(request, db, change_id, trouble=trouble), status=409)
    return page.go(f"/desk/changes/{change_id}", request=request, note=said(request, "已记录。", "Recorded."))


def _change(request: Request, db: Session, change_id: UUID, *, trouble: str = "") -> Change:
    who, now = page.actor(request), page.now(request)
    found = changes.find(db, who, change_id, now=now)
    return Change(change_pages.shown(db, who, found, now=now), trouble)


# Roles


@router.get("/roles", dependencies=[page.needs("desk.roles")])
def roles(request: Request, db: page.Desk) -> Response:
    """Who holds which role at the desk."""
    return page.render(request, _roles(request, db))


@router.post("/roles", dependencies=[page.needs("desk.roles_write"), Ours])
def propose_role(
    request: Request, db: page.Desk, role: Annotated[Role, Form()], handle: Short = "", until: Short = "",
    reason: Words = "",
) -> Response:  # fmt: skip
    """Ask that the person with this sign-in name gets a role."""
    who, now = page.actor(request), page.now(request)
    found = looking.find(db, who, handle, now=now)

    def ask() -> None:
        if found is None:
            raise UnknownPerson("没有这个登录名。", field="handle")
        grants.propose(db, who, found.id, role, reason=reason, now=now, ends_at=_end_of(until))

    trouble = attempt(request, db, ask)
    if trouble:
        return page.render(request, _roles(request, db, trouble=trouble, typed=reason, handle=handle), status=422)
    return _asked(request)


@router.post("/roles/{person_id}/{role}/end", dependencies=[page.needs("desk.roles_write"), Ours])
def propose_end(request: Request, db: page.Desk, person_id: UUID, role: Role, reason: Words = "") -> Response:
    """Ask that a role is taken."""
    who, now = page.actor(request), page.now(request)
    trouble = attempt(request, db, lambda: grants.propose_end(db, who, person_id, role, reason=reason, now=now))
    if trouble:
        return page.render(request, _roles(request, db, trouble=trouble, typed=reason), status=422)
    return _asked(request)


def _roles(request: Request, db: Session, *, trouble: str = "", typed: str = "", handle: str = "") -> Roles:
    who, now = page.actor(request), page.now(request)
    rows = grants.standing(db, now=now)
    people = store_access.people_by_id(db, [row.person_id for row in rows])
    held = tuple(
        Held(
            row.person_id, looking.masked(who, looking.Field.NAME, people[row.person_id].name), row.role, row.since,
            row.ends_at, row.person_id == who.person_id,
        )
        for row in rows
    )  # fmt: skip
    return Roles(held, DESK, trouble, typed, handle)


# Freezing


@router.post("/people/{person_id}/freeze", dependencies=[page.needs("desk.freeze"), Ours])
def propose_freeze(request: Request, db: page.Desk, person_id: UUID, told: Words = "", reason: Words = "") -> Response:
    """Ask that an account is frozen; with `told` empty, that a frozen one moves again."""
    who, now = page.actor(request), page.now(request)
    if told.strip():
        freezing.propose(db, who, person_id, told=told, reason=reason, now=now)
    else:
        freezing.propose_end(db, who, person_id, reason=reason, now=now)
    return _asked(request)


# Clients


@router.get("/clients", dependencies=[page.needs("desk.clients")])
def all_clients(request: Request, db: page.Desk) -> Response:
    """The programs of partners and their keys; no secret stands anywhere."""
    return page.render(request, _clients(request, db))


@router.post("/clients", dependencies=[page.needs("desk.clients_write"), Ours])
def propose_client(
    request: Request, db: page.Desk, organisation: Short = "", name: Short = "",
    scopes: Annotated[list[str], Form()] = [],  # noqa: B006 - FastAPI reads it as the default of an absent field
    quota: Annotated[int, Form()] = 0, reason: Words = "",
) -> Response:  # fmt: skip
    """Ask that a partner gets a client."""
    who, now = page.actor(request), page.now(request)
    return _ask_about_clients(request, db, lambda: clients.propose_open(
        db, who, organisation=organisation, name=name, scopes=scopes, quota=quota, reason=reason, now=now
    ))  # fmt: skip


@router.post("/clients/{client_id}/scopes", dependencies=[page.needs("desk.clients_write"), Ours])
def propose_scopes(
    request: Request, db: page.Desk, client_id: UUID,
    scopes: Annotated[list[str], Form()] = [],  # noqa: B006 - as above
    quota: Annotated[int, Form()] = 0, reason: Words = "",
) -> Response:  # fmt: skip
    """Ask that a client may do these things."""
    who, now = page.actor(request), page.now(request)
    return _ask_about_clients(request, db, lambda: clients.propose_scopes(
        db, who, client_id, scopes=scopes, quota=quota, reason=reason, now=now
    ))  # fmt: skip


@router.post("/clients/{client_id}/key", dependencies=[page.needs("desk.clients_write"), Ours])
def propose_key(request: Request, db: page.Desk, client_id: UUID, reason: Words = "") -> Response:
    """Ask that a client gets a new key."""
    who, now = page.actor(request), page.now(request)
    return _ask_about_clients(request, db, lambda: clients.propose_key(db, who, client_id, reason=reason, now=now))


@router.post("/clients/{client_id}/end", dependencies=[page.needs("desk.clients_write"), Ours])
def end_client(request: Request, db: page.Desk, client_id: UUID) -> Response:
    """Shut a client, at once."""
    clients.end_client(db, page.actor(request), client_id, now=page.now(request))
    return page.go("/desk/clients", request=request, note=said(request, "已停用。", "It was ended."))


@router.post("/keys/{key_id}/draw", dependencies=[page.needs("desk.clients_write"), Ours])
def draw(request: Request, db: page.Desk, key_id: UUID, proof: confirming.Proof) -> Response:
    """Show an allowed key, this once, after one more proof; the proof stands behind the operator's own wall."""
    who, now = page.actor(request), page.now(request)
    wanted = approvals.client_key(db, key_id, now=now)
    with request.app.state.sessions().begin() as own:
        wall.enter(own, party=who.person_id, person=who.person_id)
        try:
            key = approvals.draw(db, own, who, key_id, proof, now=now)
        except confirming.AGAIN as refused:
            words = confirming.key_words(wanted.name, wanted.scopes, wanted.ends_at)
            action = f"/desk/keys/{key_id}/draw"
            return confirming.ask(request, own, wanted.act, words, refused, action=action, back="/desk/clients")
    return page.render(request, Drawn(key))


@router.post("/keys/{key_id}/end", dependencies=[page.needs("desk.clients_write"), Ours])
def end_key(request: Request, db: page.Desk, key_id: UUID) -> Response:
    """Make a key worthless, at once."""
    clients.end_key(db, page.actor(request), key_id, now=page.now(request))
    return page.go("/desk/clients", request=request, note=said(request, "已停用。", "It was ended."))


def _ask_about_clients(request: Request, db: Session, ask: Callable[[], Any]) -> Response:
    trouble = attempt(request, db, ask)
    if trouble:
        return page.render(request, _clients(request, db, trouble=trouble), status=422)
    return _asked(request)


def _clients(request: Request, db: Session, *, trouble: str = "") -> Clients:
    shown = []
    for row in store_keys.clients(db):
        organisation = clients.organisation_of(db, row)
        shown.append(
            ClientShown(
                row.id, row.name, (organisation.name if organisation else "") or "—", tuple(row.scopes),
                row.quota_per_minute, row.made_at, row.ended_at, tuple(store_keys.keys_of(db, row.id)),
            )
        )  # fmt: skip
    most = rules.house("client_quota_most", on=page.today(request))
    return Clients(tuple(shown), clients.partner_scopes(), most, trouble)


# Texts


@router.get("/documents", dependencies=[page.needs("desk.documents")])
def texts(request: Request, db: page.Desk, kind: str = "") -> Response:
    """Every text with the version that holds; one of them opened to write the next."""
    return page.render(request, _documents(request, db, kind))


@router.post("/documents/{kind}", dependencies=[page.needs("desk.documents_write"), Ours])
def propose_text(
    request: Request, db: page.Desk, kind: str, zh: Annotated[str, Form(max_length=200_000)] = "",
    en: Annotated[str, Form(max_length=200_000)] = "", in_force_on: Short = "", anew: Short = "", reason: Words = "",
) -> Response:  # fmt: skip
    """Ask that these words become the next version."""
    who, now, known = page.actor(request), page.now(request), documents.known(kind)

    def ask() -> None:
        try:
            day = date.fromisoformat(in_force_on)
        except ValueError:
            raise documents.NotPublishable("请选择生效日期。", field="in_force_on") from None
        document_changes.propose(
            db, who, known, zh=zh, en=en, in_force_on=day, anew=anew == "1", reason=reason, now=now
        )

    trouble = attempt(request, db, ask)
    if trouble:
        return page.render(request, _documents(request, db, kind, trouble=trouble), status=422)
    return _asked(request, "/desk/documents")


def _documents(request: Request, db: Session, kind: str, *, trouble: str = "") -> Documents:
    today = page.today(request)
    every = tuple((documents.in_force(db, one, today), documents.coming(db, one, today)) for one in documents.Kind)
    newest = documents.history(db, documents.known(kind))[0] if kind else None
    return Documents(every, kind, newest, document_changes.earliest(today), trouble)


# Shared


def _asked(request: Request, to: str = "/desk/changes") -> Response:
    if not page.actor(request).may("desk.changes"):
        to = "/desk/documents"
    note = said(request, "已提交，等待第二人复核；您不能复核自己的申请。", "Submitted; somebody else has to sign it.")
    return page.go(to, request=request, note=note)


def _end_of(day: str) -> datetime | None:
    """The end of a day of China, as a form's date says it; nothing for a role without end."""
    try:
        return datetime.combine(date.fromisoformat(day), time(23, 59, 59), clock.CHINA) if day else None
    except ValueError:
        raise grants.BadRole("期限不是一个日期。", field="until") from None


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""
