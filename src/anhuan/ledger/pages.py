"""The books at the operators' console: find, house accounts, one account as of any moment, and how the books stand."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.orm import Session

from anhuan.kit import audit, clock, page
from anhuan.kit.downloads import download
from anhuan.ledger import explorer, statement, statement_print, store, store_explorer
from anhuan.ledger.explorer import Account, Entry, HouseAccount, Link
from anhuan.ledger.model import AccountKind
from anhuan.ledger.pages_drawing import Curve
from anhuan.ledger.store_explorer import ChangeRow

router = APIRouter(prefix="/desk/ledger", include_in_schema=False)
ACCOUNTS: Final = 300  # house accounts in the list; a filter narrows it
ROWS: Final = 50
CHANGES: Final = 20
POSTINGS: Final = 200  # of one business row
Below = Annotated[int | None, Query(ge=0, lt=2**62)]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the list is narrowed to, as it stands in the address."""

    unit: str
    kind: str
    sub: str


@dataclass(frozen=True, slots=True)
class Accounts:
    """House accounts, each added up over its shards, and the two ways to find something."""

    template: ClassVar[str] = "ledger/accounts.html"
    accounts: tuple[HouseAccount, ...]
    wanted: Wanted
    units: tuple[str, ...]
    kinds: tuple[AccountKind, ...]
    trouble: str
    typed: str


@dataclass(frozen=True, slots=True)
class Found:
    """The postings of one business row."""

    template: ClassVar[str] = "ledger/found.html"
    ref: UUID
    postings: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class House:
    """One house account in each of its shards."""

    template: ClassVar[str] = "ledger/house.html"
    together: HouseAccount
    parts: tuple[Account, ...]


@dataclass(frozen=True, slots=True)
class AsOf:
    """What an account held at a moment that was asked for; the text as it was typed."""

    typed: str
    at: datetime | None
    balance: int | None
    trouble: bool


@dataclass(frozen=True, slots=True)
class OneAccount:
    """One account: now, over time, as of a moment, its entries and the changes of its bounds."""

    template: ClassVar[str] = "ledger/account.html"
    account: Account
    base: str
    look: str
    curve: Curve | None
    as_of: AsOf
    entries: tuple[Entry, ...]
    below: int | None
    changes: tuple[tuple[ChangeRow, Account], ...]


@router.get("", dependencies=[page.needs("desk.ledger")])
def accounts(request: Request, db: page.Desk, unit: str = "", kind: str = "", sub: str = "") -> Response:
    """House accounts with their balances, by unit and kind."""
    return page.render(request, _accounts(db, Wanted(unit, kind, sub)))


@router.get("/find", dependencies=[page.needs("desk.ledger")])
def find(request: Request, db: page.Desk, number: str = "") -> Response:
    """What a number means: a posting, or a business row with its postings."""
    wanted = _uuid(number)
    if wanted is not None and store_explorer.posting(db, wanted) is not None:
        return page.go(f"/desk/ledger/postings/{wanted}")
    if wanted is not None and (postings := explorer.of_business(db, wanted, at_most=POSTINGS)):
        return page.render(request, Found(wanted, postings))
    trouble = "number" if wanted is None else "nothing"
    return page.render(request, _accounts(db, Wanted("", "", ""), trouble=trouble, typed=number), status=404)


@router.get("/house", dependencies=[page.needs("desk.ledger")])
def house(request: Request, db: page.Desk, unit: str = "", kind: str = "", sub: str = "") -> Response:
    """One house account, shard by shard; with a single shard straight to it."""
    number = AccountKind[kind.upper()] if kind.upper() in AccountKind.__members__ else None
    rows = store_explorer.parts_of(db, unit, number, sub) if number is not None else ()
    if not rows:
        raise page.NotFound("没有这个科目。")
    parts = tuple(map(explorer.account_of, rows))
    if len(parts) == 1:
        return page.go(f"/desk/ledger/accounts/{parts[0].shard}/{parts[0].number}")
    together = explorer.together(parts)
    return page.render(request, House(together, parts))


@router.get("/accounts/{shard}/{number}", dependencies=[page.needs("desk.ledger")])
def account(request: Request, db: page.Desk, shard: int, number: int, below: Below = None, at: str = "") -> Response:
    """One house account; a person's is not found here, whoever asks."""
    found = account_at(db, shard, number, owner=None)
    base = f"/desk/ledger/accounts/{shard}/{number}"
    return page.render(request, account_page(request, db, found, base=base, look="", below=below, at=at))


@router.get("/accounts/{shard}/{number}/statement.csv", dependencies=[page.needs("desk.ledger")])
def account_statement(
    request: Request, db: page.Desk, shard: int, number: int, first: Annotated[date, Query()],
    last: Annotated[date, Query()],
) -> Response:  # fmt: skip
    """The statement of one house account over some bank days, as a table to take away."""
    return statement_file(request, db, account_at(db, shard, number, owner=None), first, last, person=None)


def statement_file(
    request: Request, db: Session, found: Account, first: date, last: date, *, person: UUID | None
) -> Response:
    """The statement of an account that its reader has been let in to; that it was taken is written down."""
    now = page.now(request)
    made = statement.of_account(db, found.shard, found.number, statement.days(first, last), now=now)
    facts: dict[str, Any] = {"entries": sum(len(part.lines) for part in made.accounts)}
    if person is not None:
        facts["person_id"] = person
    audit.write(db, page.actor(request), "export.taken", f"account:{found.shard}/{found.number}", facts, now=now)
    body = statement_print.as_csv(made, page.visitor(request).lang)
    return download(body, "text/csv; charset=utf-8", f"anhuan-{found.shard}-{found.number}-{first}-{last}.csv")


def account_page(
    request: Request, db: Session, found: Account, *, base: str, look: str, below: int | None, at: str
) -> OneAccount:
    """The page of an account that its reader has been let in to."""
    now = page.now(request)
    rows = explorer.entries(db, found, below=below, at_most=ROWS + 1)
    changes = store_explorer.changes_of(db, found.shard, found.number, at_most=CHANGES)
    return OneAccount(
        account=found, base=base, look=look, curve=explorer.drawn(db, found, now=now),
        as_of=_as_of(db, found, at), entries=tuple(rows[:ROWS]),
        below=rows[ROWS - 1].seq if len(rows) > ROWS else None,
        changes=tuple((row, explorer.with_bounds(found, row)) for row in changes),
    )  # fmt: skip


def account_at(db: Session, shard: int, number: int, *, owner: UUID | None) -> Account:
    """The account of exactly this owner at this place (the house: None); any other is not found, whoever asks."""
    possible = 0 <= shard < 2**15 and 0 <= number < 2**63
    row = store_explorer.account(db, shard, number) if possible else None
    if row is None or row.owner != owner:
        raise page.NotFound("没有这个科目。")
    return explorer.account_of(row)


def _accounts(db: Session, wanted: Wanted, *, trouble: str = "", typed: str = "") -> Accounts:
    kind = AccountKind[wanted.kind.upper()] if wanted.kind.upper() in AccountKind.__members__ else None
    rows = store_explorer.house_accounts(db, unit=wanted.unit, kind=kind, sub=wanted.sub.strip(), at_most=ACCOUNTS)
    units = tuple(store_explorer.units(db))
    kinds = tuple(map(AccountKind, store_explorer.house_kinds(db)))
    return Accounts(tuple(map(explorer.house_account_of, rows)), wanted, units, kinds, trouble, typed)


def _as_of(db: Session, found: Account, typed: str) -> AsOf:
    """The answer to a moment typed in the clock of China; nothing where nothing was asked."""
    if not typed:
        return AsOf("", None, None, trouble=False)
    try:
        at = datetime.fromisoformat(typed)
    except ValueError:
        return AsOf(typed, None, None, trouble=True)
    at = at if at.tzinfo else at.replace(tzinfo=clock.CHINA)
    held = store.as_of(db, found.shard, found.number, at) or 0
    return AsOf(typed, at, -held if found.turned else held, trouble=False)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text.strip())
    except ValueError:
        return None
