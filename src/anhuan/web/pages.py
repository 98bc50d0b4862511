"""Pages that show several rooms at once: the due board as home, the calendar, and what belongs to the person."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, ClassVar, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from sqlalchemy.orm import Session

from anhuan import cards, notify, repayments, statements
from anhuan.cards.model import AccountFace, BoardEntry, CurrencyTotal, DueBoard, LineFace, OwnAccount, Urgency
from anhuan.identity import agreeing
from anhuan.identity.agreeing import Waiting
from anhuan.kit import doors, page
from anhuan.planning.planner import plan
from anhuan.planning.service import request_of
from anhuan.repayments import screen_orders
from anhuan.repayments.screen_orders import OnWay, OrderShown
from anhuan.web import monthly

router = APIRouter(include_in_schema=False)

FEW: Final = 8  # so many bills stand in one list; more are grouped
MANY: Final = 15  # above so many a search field helps
NEAR_DAYS: Final = 30
QUICK: Final = 0.5  # seconds the home page lets the planner search; the plan page takes longer
MOST_ORDERS: Final = 500  # open at once
A_YEAR: Final = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Headline:
    """The one big number: what is due within 30 days in one currency."""

    currency: str
    open: int
    paid: int
    bills: int
    nearest: BoardEntry | None
    way: int = 0  # arranged or on its way, beside `open`

    @property
    def paid_share(self) -> int:
        """Hundredths of these bills that are paid already."""
        return 100 * self.paid // max(1, self.paid + self.way + self.open)

    @property
    def way_share(self) -> int:
        """Hundredths of these bills that are on their way."""
        return 100 * self.way // max(1, self.paid + self.way + self.open)


@dataclass(frozen=True, slots=True)
class Group:
    """Bills of one stretch of time, nearest first."""

    name: str
    entries: tuple[BoardEntry, ...]


@dataclass(frozen=True, slots=True)
class Advice:
    """What the plan says in one sentence: what it costs, or how much is short by when; amounts in fen."""

    interest: int
    fees: int
    shortfall: bool
    short: int = 0
    short_by: date | None = None


@dataclass(frozen=True, slots=True)
class Home:
    """The due board as home."""

    template: ClassVar[str] = "web/home.html"
    headline: Headline | None
    others: tuple[CurrencyTotal, ...]
    advice: Advice | None
    groups: tuple[Group, ...]
    waiting: tuple[AccountFace, ...]
    lines: tuple[LineFace, ...]
    search: bool
    ways: Mapping[UUID, OnWay]  # by bill
    pay: UUID | None  # the account to repay first
    arrival: datetime | None
    walk: UUID | None  # the instruction that waits for the person to pay it at the bank
    stuck: tuple[OrderShown, ...]
    urgent: tuple[notify.Message, ...]  # stays in sight until somebody acknowledges it


@dataclass(frozen=True, slots=True)
class Calendar:
    """One month of statement days, due days and the last safe days, as a grid and as a list."""

    template: ClassVar[str] = "web/calendar.html"
    month: monthly.Month
    earlier: str
    later: str


@dataclass(frozen=True, slots=True)
class Me:
    """What belongs to the person: language, own money, imports, help."""

    template: ClassVar[str] = "web/me.html"
    accounts: tuple[OwnAccount, ...]
    imports: int
    waiting: tuple[Waiting, ...] = ()  # agreements that changed and were not accepted yet


@router.get("/", dependencies=[page.needs("cards.read")])
def home(request: Request, db: page.Transaction) -> Response:
    """The due board."""
    user, today = page.person(request), page.today(request)
    board = cards.due_board(db, user, on=today)
    total = next((one for one in board.totals if one.currency == "CNY"), next(iter(board.totals), None))
    under_way = screen_orders.shown(
        db, user, repayments.orders(db, user, open_only=True, at_most=MOST_ORDERS), today=today
    )
    ways = screen_orders.ways_of(board.entries, under_way)
    value = Home(
        headline=headline_of(board, total.currency, ways) if total else None,
        others=tuple(one for one in board.totals if total and one.currency != total.currency and one.next_30_days),
        advice=advice_of(db, user, today) if board.entries else None,
        groups=groups_of(board),
        waiting=board.waiting,
        lines=tuple(line for line in board.lines if len(line.account_ids) > 1),
        search=len(board.entries) + len(board.waiting) > MANY,
        ways=ways,
        pay=first_to_pay(board, ways),
        arrival=min((one.expected_at for one in ways.values() if one.expected_at), default=None),
        walk=next((one.order.key for one in under_way if one.walks), None),
        stuck=screen_orders.stuck(db, user, now=page.now(request), today=today),
        urgent=notify.urgent(db, user, lang=page.visitor(request).lang, now=page.now(request)),
    )
    return page.render(request, value)


def first_to_pay(board: DueBoard, ways: Mapping[UUID, OnWay]) -> UUID | None:
    """The account whose bill in yuan is to be repaid first: something of it is open and not on its way."""
    for entry in board.entries:
        way = ways.get(entry.bill.bill_id)
        near = entry.days_left is None or entry.days_left <= NEAR_DAYS
        if near and entry.bill.currency == "CNY" and entry.open and (way is None or way.rest):
            return entry.account.account_id
    return None


def headline_of(board: DueBoard, currency: str, ways: Mapping[UUID, OnWay]) -> Headline:
    """What one currency's bills want within 30 days, overdue ones included."""
    near = [
        entry
        for entry in board.entries
        if entry.bill.currency == currency and (entry.days_left is None or entry.days_left <= NEAR_DAYS)
    ]
    still = [entry for entry in near if entry.open]
    ways = {bill_id: way for bill_id, way in ways.items() if not way.walks}
    way = sum(ways[entry.bill.bill_id].amount for entry in still if entry.bill.bill_id in ways)
    still = [entry for entry in still if entry.bill.bill_id not in ways or ways[entry.bill.bill_id].rest]
    return Headline(
        currency=currency,
        open=sum(ways[one.bill.bill_id].rest if one.bill.bill_id in ways else one.open for one in still),
        way=way,
        paid=sum(min(entry.bill.paid, entry.bill.total_due) for entry in near),
        bills=len(still),
        nearest=next((entry for entry in still if entry.bill.due_on is not None), None),
    )


def groups_of(board: DueBoard) -> tuple[Group, ...]:
    """The board's groups; a short board stands in one list, a long one parts the month from what comes later."""
    if len(board.entries) <= FEW:
        open_ones = tuple(entry for entry in board.entries if entry.urgency is not Urgency.SETTLED)
        settled = tuple(entry for entry in board.entries if entry.urgency is Urgency.SETTLED)
        found = [Group("open", open_ones), Group("settled", settled)]
    else:
        found = []
        for urgency, entries in board.groups:
            if urgency is not Urgency.LATER:
                found.append(Group(urgency.value, entries))
                continue
            month = tuple(one for one in entries if one.days_left is not None and one.days_left <= NEAR_DAYS)
            found.append(Group("month", month))
            found.append(Group("later", tuple(one for one in entries if one not in month)))
    return tuple(group for group in found if group.entries)


@router.get("/calendar", dependencies=[page.needs("cards.read")])
def calendar(request: Request, db: page.Transaction, month: str = "") -> Response:
    """Statement days, due days and last safe days of all cards, month by month."""
    today = page.today(request)
    first = monthly.first_of(month, today)
    events = monthly.events_of(db, page.person(request), first, today=today)
    shown = Calendar(
        month=monthly.month_of(first, today, events),
        earlier=f"{first - timedelta(days=1):%Y-%m}",
        later=f"{first + timedelta(days=31):%Y-%m}",
    )
    return page.render(request, shown)


@router.post("/me/language", dependencies=[page.needs("public"), Depends(page.own_form)])
def set_language(lang: Annotated[str, Form()], back: Annotated[str, Form()] = "/") -> Response:
    """Keep the language on this device."""
    answer = page.go(doors.own_path(back))
    answer.set_cookie("lang", "en" if lang == "en" else "zh", max_age=A_YEAR, httponly=True, samesite="lax")
    return answer


@router.post("/me/hide", dependencies=[page.needs("public"), Depends(page.own_form)])
def set_hidden(hide: Annotated[str, Form()], back: Annotated[str, Form()] = "/") -> Response:
    """Hide or show amounts on this device."""
    answer = page.go(doors.own_path(back))
    answer.set_cookie("hide", "1" if hide == "1" else "0", max_age=A_YEAR, httponly=True, samesite="lax")
    return answer


@router.get("/me", dependencies=[page.needs("me.use")])
def me(request: Request, db: page.Transaction) -> Response:
    """What belongs to the person."""
    user = page.person(request)
    done = [one for one in statements.imports(db, user, at_most=500) if one.committed_at]
    waiting = agreeing.waiting(db, user, page.today(request))
    return page.render(request, Me(cards.own_accounts(db, user), len(done), waiting))


def advice_of(db: Session, user_id: UUID, today: date) -> Advice | None:
    """The plan in one sentence; nothing while no own account is known."""
    if not cards.own_accounts(db, user_id):
        return None
    made = plan(request_of(db, user_id, as_of=today), seconds=QUICK)
    first = min((one for one in made.missed if one.more and one.by), key=lambda one: one.by or 0, default=None)
    costs = made.breakdown
    return Advice(
        interest=costs.interest + costs.late_fees,
        fees=costs.channel_fees + costs.instalment_fees,
        shortfall=bool(made.missed),
        short=first.more or 0 if first else 0,
        short_by=date.fromordinal(first.by) if first and first.by else None,
    )
