"""How the books stand: the chain, its signed roots, what is held or on its way and since when, what should be zero."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import ClassVar, Final

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from anhuan.identity.desk_page import Notice
from anhuan.kit import audit, page
from anhuan.kit.actors import Actor
from anhuan.ledger import store, store_explorer
from anhuan.ledger.explorer import Unit
from anhuan.ledger.model import AccountKind
from anhuan.ledger.store import Head
from anhuan.ledger.store_explorer import HoldRow, RootRow

router = APIRouter(prefix="/desk/ledger", include_in_schema=False)
ROWS: Final = 20
ROOTS: Final = 5
LATE: Final = timedelta(hours=26)  # the books are checked every night


@dataclass(frozen=True, slots=True)
class Held:
    """One open hold and how long it has been open."""

    row: HoldRow
    unit: Unit
    days: int


@dataclass(frozen=True, slots=True)
class Waits:
    """Money on an account that should empty itself, and since when at the earliest."""

    shard: int
    number: int
    kind: AccountKind
    sub: str
    unit: Unit
    posted: int
    since: datetime | None
    days: int | None


@dataclass(frozen=True, slots=True)
class Check:
    """The last time the books were checked as a whole."""

    at: datetime
    postings: int
    seconds: str
    findings: int
    late: bool


@dataclass(frozen=True, slots=True)
class Books:
    """How the books stand."""

    template: ClassVar[str] = "ledger/health.html"
    check: Check | None
    roots: tuple[RootRow, ...]
    heads: tuple[Head, ...]
    holds: tuple[Held, ...]
    holds_open: int
    transit: tuple[Waits, ...]
    suspense: tuple[Waits, ...]


@router.get("/health", dependencies=[page.needs("desk.ledger")])
def health(request: Request, db: page.Desk) -> Response:
    """Chain, roots, open holds and money on its way by age, suspense."""
    now = page.now(request)

    def waits(kind: AccountKind) -> tuple[Waits, ...]:
        rows = store_explorer.waiting(db, kind, at_most=ROWS)
        return tuple(
            Waits(row.shard, row.number, kind, row.sub, Unit(row.unit, row.scale), row.posted, row.since,
                  None if row.since is None else _days(row.since, now))
            for row in rows
        )  # fmt: skip

    holds = tuple(
        Held(row, Unit(row.unit, row.scale), _days(row.since, now))
        for row in store_explorer.open_holds(db, at_most=ROWS)
    )
    heads = tuple(one for one in store.heads(db) if one.batch_no)
    shown = Books(
        check=_last_check(db, now), roots=tuple(store_explorer.roots(db, at_most=ROOTS)), heads=heads, holds=holds,
        holds_open=store_explorer.count_holds(db),
        transit=waits(AccountKind.TRANSIT), suspense=waits(AccountKind.SUSPENSE),
    )  # fmt: skip
    return page.render(request, shown)


def _last_check(db: Session, now: datetime) -> Check | None:
    """What the audit log says of the last check of the books, which the command writes down."""
    found = audit.page_of(db, act="ledger.verified", at_most=1)
    if not found:
        return None
    facts, at = found[0].facts, found[0].written_at
    seconds = f"{int(facts['milliseconds']) / 1000:.1f}"
    return Check(at, int(facts["postings"]), seconds, int(facts["findings"]), now - at > LATE)


def notices(db: Session, who: Actor, now: datetime, on: date) -> list[Notice]:
    """What the books have to say on the desk's first page: a check that found something, and money in suspense."""
    if not who.may("desk.ledger"):
        return []
    check, suspense = _last_check(db, now), store_explorer.waiting(db, AccountKind.SUSPENSE, at_most=ROWS)
    found = []
    if check is not None and check.findings:
        words = f"账本核验有 {check.findings} 处不符", f"the books were checked: {check.findings} findings"
        found.append(Notice("late", *words, "/desk/ledger/health"))
    if suspense:
        words = f"{len(suspense)} 个待查挂账科目不为零", f"{len(suspense)} suspense accounts are not zero"
        found.append(Notice("soon", *words, "/desk/ledger/health"))
    return found


def _days(since: datetime, now: datetime) -> int:
    return max(0, (now - since).days)
