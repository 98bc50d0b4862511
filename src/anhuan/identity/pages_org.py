"""Pages of organisations: one's own list, acting for one, its members and what they propose to each other, joining."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from sqlalchemy.orm import Session

from anhuan.identity import change_pages, changes, doors, organisations, store_access
from anhuan.identity.change_pages import ChangeShown
from anhuan.identity.desk_page import attempt, said
from anhuan.identity.looking import part_of_handle
from anhuan.identity.organisations import INVITED, ROLES, Invited, OrganisationKind
from anhuan.identity.rights import Role
from anhuan.identity.tables_access import InvitationRow, OrganisationDetailsRow
from anhuan.kit import page, settings

router = APIRouter(include_in_schema=False)
Ours: Final = Depends(page.own_form)
Words = Annotated[str, Form(max_length=500)]
Mine: Final = page.needs("me.use")


@dataclass(frozen=True, slots=True)
class OneOfMine:
    """An organisation that this person may act for."""

    id: UUID
    name: str
    kind: str
    role: str


@dataclass(frozen=True, slots=True)
class Mines:
    """The organisations that this person may act for, and the form for a new one."""

    template: ClassVar[str] = "org/list.html"
    memberships: tuple[OneOfMine, ...]
    acting: UUID | None
    trouble: str
    typed: str


@dataclass(frozen=True, slots=True)
class Colleague:
    """One member as the others see them."""

    person_id: UUID
    name: str
    role: str
    since: datetime
    me: bool


@dataclass(frozen=True, slots=True)
class Organisation:
    """The organisation acted for: members, invitations, what waits for a second person, details."""

    template: ClassVar[str] = "org/organisation.html"
    name: str
    colleagues: tuple[Colleague, ...]
    invitations: tuple[InvitationRow, ...]
    waiting: tuple[ChangeShown, ...]
    details: OrganisationDetailsRow | None
    roles: tuple[Role, ...]
    invited_roles: tuple[Role, ...]
    link: str
    trouble: str


@dataclass(frozen=True, slots=True)
class Join:
    """An invitation, before it is accepted."""

    template: ClassVar[str] = "org/join.html"
    invited: Invited
    token: str


@router.get("/organisations", dependencies=[Mine])
def mine(request: Request, db: page.Transaction) -> Response:
    """The organisations of this person."""
    return page.render(request, _mine(request, db))


@router.post("/organisations", dependencies=[Mine, Ours])
def make(
    request: Request, db: page.Transaction, kind: Annotated[OrganisationKind, Form()], name: Words = ""
) -> Response:
    """Enter an organisation and act for it."""
    who, now = page.actor(request), page.now(request)
    tokens: list[str] = []

    def do() -> None:
        made = organisations.make(db, who, kind=kind, name=name, now=now)
        tokens.append(organisations.act_for(db, who, made, now=now))

    trouble = attempt(request, db, do)
    if trouble:
        return page.render(request, _mine(request, db, trouble=trouble, typed=name), status=422)
    return _switched(request, tokens[0], "/organisation")


@router.post("/organisations/act", dependencies=[Mine, Ours])
def act(request: Request, db: page.Transaction, party: Annotated[UUID | None, Form()] = None) -> Response:
    """Act for an organisation from now on, or for oneself again."""
    who = page.actor(request)
    to = party or changes.person_of(who)
    token = organisations.act_for(db, who, to, now=page.now(request))
    return _switched(request, token, "/organisation" if party and party != who.person_id else "/")


@router.get("/organisation", dependencies=[page.needs("members.read")])
def organisation(request: Request, db: page.Transaction) -> Response:
    """The organisation acted for."""
    return page.render(request, _organisation(request, db))


@router.post("/organisation/invitations", dependencies=[page.needs("members.write"), Ours])
def invite(request: Request, db: page.Transaction, role: Annotated[Role, Form()]) -> Response:
    """Make a link into the organisation; the page shows it this once."""
    token = organisations.invite(db, page.actor(request), role, now=page.now(request))
    link = f"{settings.read().origin}/join/{token}"
    return page.render(request, _organisation(request, db, link=link))


@router.post("/organisation/invitations/{invitation_id}/end", dependencies=[page.needs("members.write"), Ours])
def take_back(request: Request, db: page.Transaction, invitation_id: UUID) -> Response:
    """Make an invitation worthless."""
    organisations.take_back(db, page.actor(request), invitation_id, now=page.now(request))
    return _done(request, "邀请已作废。", "The invitation was taken back.")


@router.post("/organisation/members/{person_id}/role", dependencies=[page.needs("change.propose"), Ours])
def propose_role(
    request: Request, db: page.Transaction, person_id: UUID, role: Annotated[Role, Form()], reason: Words = ""
) -> Response:
    """Ask that a member gets another role."""
    who, now = page.actor(request), page.now(request)
    trouble = attempt(request, db, lambda: organisations.propose_role(db, who, person_id, role, reason=reason, now=now))
    return _asked(request, db, trouble)


@router.post("/organisation/members/{person_id}/remove", dependencies=[page.needs("members.write"), Ours])
def remove(request: Request, db: page.Transaction, person_id: UUID) -> Response:
    """Remove a member, at once."""
    who, now = page.actor(request), page.now(request)
    trouble = attempt(request, db, lambda: organisations.remove(db, who, person_id, now=now))
    if trouble:
        return page.render(request, _organisation(request, db, trouble=trouble), status=422)
    return _done(request, "成员已移除。", "The member was removed.")


@router.post("/organisation/leave", dependencies=[page.needs("members.read"), Ours])
def leave(request: Request, db: page.Transaction) -> Response:
    """Leave the organisation."""
    tokens: list[str] = []
    who, now = page.actor(request), page.now(request)
    trouble = attempt(request, db, lambda: tokens.append(organisations.leave(db, who, now=now)))
    if trouble:
        return page.render(request, _organisation(request, db, trouble=trouble), status=422)
    return _switched(request, tokens[0], "/organisations")


@router.post("/organisation/details", dependencies=[page.needs("change.propose"), Ours])
def propose_details(
    request: Request, db: page.Transaction, registration: Words = "", account_bank: Words = "",
    account_number: Words = "", reason: Words = "",
) -> Response:  # fmt: skip
    """Ask that the organisation's number and company account are these."""
    who, now = page.actor(request), page.now(request)
    trouble = attempt(request, db, lambda: organisations.propose_details(
        db, who, registration=registration, account_bank=account_bank, account_number=account_number, reason=reason,
        now=now,
    ))  # fmt: skip
    return _asked(request, db, trouble)


@router.post("/organisation/changes/{change_id}/withdraw", dependencies=[page.needs("change.propose"), Ours])
def withdraw(request: Request, db: page.Transaction, change_id: UUID) -> Response:
    """Take one's own proposal back."""
    changes.withdraw(db, page.actor(request), change_id, now=page.now(request))
    return _done(request, "申请已撤回。", "The proposal was taken back.")


@router.post("/organisation/changes/{change_id}/{verb}", dependencies=[page.needs("change.decide"), Ours])
def decide(request: Request, db: page.Transaction, change_id: UUID, verb: str, shown: Words = "") -> Response:
    """Approve or refuse exactly what the page showed."""
    who, now = page.actor(request), page.now(request)
    seen = bytes.fromhex(shown) if len(shown) == 64 and shown.isalnum() and shown.isascii() else b""
    if verb not in ("sign", "refuse"):
        raise page.NotFound("没有这个操作。")
    act = changes.sign if verb == "sign" else changes.refuse
    trouble = attempt(request, db, lambda: act(db, who, change_id, shown=seen, now=now))
    if trouble:
        db.expire_all()
        return page.render(request, _organisation(request, db, trouble=trouble), status=409)
    return _done(request, "已记录。", "Recorded.")


@router.get("/join/{token}", dependencies=[Mine])
def invitation(request: Request, db: page.Transaction, token: str) -> Response:
    """What an invitation offers."""
    return page.render(
        request, Join(organisations.invited(db, page.actor(request), token, now=page.now(request)), token)
    )


@router.post("/join/{token}", dependencies=[Mine, Ours])
def join(request: Request, db: page.Transaction, token: str) -> Response:
    """Accept an invitation and act for the organisation."""
    who, now = page.actor(request), page.now(request)
    joined = organisations.join(db, who, token, now=now)
    return _switched(request, organisations.act_for(db, who, joined, now=now), "/organisation")


def _mine(request: Request, db: Session, *, trouble: str = "", typed: str = "") -> Mines:
    who = page.actor(request)
    acting = who.party_id if who.party_id != who.person_id else None
    found = organisations.of(db, changes.person_of(who))
    rows = tuple(OneOfMine(of.id, of.name or "—", of.kind, role) for of, role in found)
    return Mines(rows, acting, trouble, typed)


def _organisation(request: Request, db: Session, *, link: str = "", trouble: str = "") -> Organisation:
    who, now, party = page.actor(request), page.now(request), page.person(request)
    colleagues = tuple(
        Colleague(
            person.id, person.name or part_of_handle(person.handle or "—"), member.role, member.since,
            person.id == who.person_id,
        )
        for member, person in store_access.members(db, party)
    )  # fmt: skip
    waiting = change_pages.worklist(db, who, organisation_id=party, closed=False, place=None, now=now)
    invitations = tuple(store_access.open_invitations(db, party, at=now)) if who.may("members.write") else ()
    return Organisation(
        organisations.name_of(db, party), colleagues, invitations, tuple(waiting), organisations.details(db, party),
        ROLES, INVITED, link, trouble,
    )  # fmt: skip


def _switched(request: Request, token: str, to: str) -> Response:
    answer = page.go(to, request=request)
    doors.keep_session(answer, token)
    return answer


def _asked(request: Request, db: Session, trouble: str) -> Response:
    if trouble:
        return page.render(request, _organisation(request, db, trouble=trouble), status=422)
    return _done(request, "已提交，等待另一位成员复核。", "Submitted; another member has to approve it.")


def _done(request: Request, zh: str, en: str) -> Response:
    return page.go("/organisation", request=request, note=said(request, zh, en))
