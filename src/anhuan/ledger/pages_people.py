"""A person's accounts at the operators' console: for a reason, for a while, written down before anything is read."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, ClassVar, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from sqlalchemy.orm import Session

from anhuan.identity import looking
from anhuan.identity.desk_page import attempt
from anhuan.kit import page
from anhuan.ledger import explorer, pages, store_explorer
from anhuan.ledger.explorer import Account

router = APIRouter(prefix="/desk/ledger/people/{person_id}", include_in_schema=False)
Ours: Final = Depends(page.own_form)


@dataclass(frozen=True, slots=True)
class AskWhy:
    """Before a person's accounts open: why."""

    template: ClassVar[str] = "ledger/why.html"
    person_id: UUID
    trouble: str
    typed: str


@dataclass(frozen=True, slots=True)
class PersonAccounts:
    """The accounts of one person, for whoever gave a reason."""

    template: ClassVar[str] = "ledger/person.html"
    person_id: UUID
    accounts: tuple[Account, ...]
    reason: str
    ends_at: datetime
    look: UUID


@router.get("", dependencies=[page.needs("desk.ledger_person")])
def person(request: Request, db: page.Desk, person_id: UUID, look: UUID | None = None) -> Response:
    """The accounts of a person; without a look that was written down the page asks for the reason and reads nothing."""
    try:
        row = looking.open_person(db, page.actor(request), person_id, look, now=page.now(request))
    except looking.NeedsReason:
        return page.render(request, AskWhy(person_id, "", ""))
    accounts = tuple(map(explorer.account_of, store_explorer.accounts_of(db, person_id)))
    return page.render(request, PersonAccounts(person_id, accounts, row.reason, row.ends_at, row.id))


@router.post("/look", dependencies=[page.needs("desk.ledger_person"), Ours])
def look(
    request: Request, db: page.Desk, person_id: UUID, reason: Annotated[str, Form(max_length=2000)] = ""
) -> Response:
    """Write the look down; this transaction ends before anything of the person is read."""
    begun: list[UUID] = []

    def write() -> None:
        begun.append(looking.begin(db, page.actor(request), person_id, reason=reason, now=page.now(request)))

    trouble = attempt(request, db, write)
    if trouble:
        return page.render(request, AskWhy(person_id, trouble, reason), status=422)
    return page.go(f"/desk/ledger/people/{person_id}?look={begun[0]}")


@router.get("/accounts/{shard}/{number}", dependencies=[page.needs("desk.ledger_person")])
def account(
    request: Request, db: page.Desk, person_id: UUID, shard: int, number: int, look: UUID | None = None,
    below: pages.Below = None, at: str = "",
) -> Response:  # fmt: skip
    """One account of a person, while the look lasts."""
    try:
        found, written = opened(request, db, person_id, shard, number, look)
    except looking.NeedsReason:
        return page.render(request, AskWhy(person_id, "", ""))
    base = f"/desk/ledger/people/{person_id}/accounts/{shard}/{number}"
    shown = pages.account_page(request, db, found, base=base, look=str(written), below=below, at=at)
    return page.render(request, shown)


@router.get("/accounts/{shard}/{number}/statement.csv", dependencies=[page.needs("desk.ledger_person")])
def account_statement(
    request: Request, db: page.Desk, person_id: UUID, shard: int, number: int, first: Annotated[date, Query()],
    last: Annotated[date, Query()], look: UUID | None = None,
) -> Response:  # fmt: skip
    """The statement of one account of a person, while the look lasts; the person can read that it was taken."""
    try:
        found, _ = opened(request, db, person_id, shard, number, look)
    except looking.NeedsReason:
        return page.render(request, AskWhy(person_id, "", ""))
    return pages.statement_file(request, db, found, first, last, person=person_id)


def opened(
    request: Request, db: Session, person_id: UUID, shard: int, number: int, look: UUID | None
) -> tuple[Account, UUID]:
    """An account of exactly this person and the look that opened it; raises `NeedsReason`, or `NotFound`."""
    row = looking.open_person(db, page.actor(request), person_id, look, now=page.now(request))
    return pages.account_at(db, shard, number, owner=person_id), row.id
