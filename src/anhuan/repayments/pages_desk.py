"""Orders at the operators' console: what may come too late first, then what waits and why; one order for a reason.

Lists show neither names nor amounts. Nothing here moves money: the one act lets a channel be asked at once.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, ClassVar, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from sqlalchemy.orm import Session

from anhuan import channels, notify
from anhuan.channels import capabilities, traces
from anhuan.channels.capabilities import Way
from anhuan.channels.traces import Trace
from anhuan.identity import looking
from anhuan.identity.desk_page import ROWS, Notice, attempt, cut, place_of, said
from anhuan.kit import audit, clock, page, terms
from anhuan.kit.actors import Actor
from anhuan.ledger import explorer
from anhuan.ledger.explorer import Link
from anhuan.notify import Message
from anhuan.repayments import store_desk, views
from anhuan.repayments.model import OrderStatus, OrderView, Stamp, UnknownOrder
from anhuan.repayments.store_desk import Moments, Place, Seen, Work

router = APIRouter(prefix="/desk/orders", include_in_schema=False)
RIGHT: Final = "desk.orders"
Ours: Final = Depends(page.own_form)
NEAR: Final = timedelta(hours=24)  # before the last safe moment, an order that has not arrived is at risk
POSTINGS: Final = 50
ASKABLE: Final = (OrderStatus.SENT, OrderStatus.PROMISED, OrderStatus.IN_DOUBT)


@dataclass(frozen=True, slots=True)
class Tab:
    """One list with how many stand in it."""

    work: Work
    count: int


@dataclass(frozen=True, slots=True)
class Row:
    """One order in a list; `late`: its last safe moment is past."""

    seen: Seen
    way: Way
    late: bool


@dataclass(frozen=True, slots=True)
class Named:
    """A channel or bank that a list can be narrowed to."""

    id: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Orders:
    """One list of orders; the line above says how many may come too late, whichever list is shown."""

    template: ClassVar[str] = "repayments/desk_orders.html"
    work: Work
    tabs: tuple[Tab, ...]
    risk: int
    earliest: datetime | None
    counted: tuple[tuple[str, int], ...]
    rows: tuple[Row, ...]
    base: str  # the address of this list with its filters
    after: str
    channel: str
    bank: str
    ways: tuple[Way, ...]
    banks: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class AskWhy:
    """Before one person's order opens: why."""

    template: ClassVar[str] = "repayments/desk_why.html"
    party: UUID
    number: UUID
    trouble: str
    typed: str


@dataclass(frozen=True, slots=True)
class OneOrder:
    """One order, complete: its timeline, instruction, messages, proofs, postings, and what its payer was told."""

    template: ClassVar[str] = "repayments/desk_order.html"
    order: OrderView
    way: Way
    timeline: tuple[Stamp, ...]
    trace: Trace | None
    postings: tuple[Link, ...]
    told: tuple[Message, ...]
    successor: UUID | None
    may_ask: bool
    look: UUID
    reason: str
    ends_at: datetime
    trouble: str


@router.get("", dependencies=[page.needs(RIGHT)])
def orders(
    request: Request, db: page.Desk, work: Work = Work.RISK, channel: str = "", bank: str = "", after: str = ""
) -> Response:  # fmt: skip
    """One list of orders, the most urgent first."""
    on, now = page.today(request), page.now(request)
    at, place = _moments(now, on), place_of(after)
    found = store_desk.seen(
        db, work, at, channel=channel, bank=bank, after=Place(*place) if place else None, at_most=ROWS + 1
    )
    shown, following = cut(found, lambda one: (one.at, one.order_id))
    counts = store_desk.counts(db, at)
    value = Orders(
        work=work,
        tabs=tuple(Tab(one, counts[one][0]) for one in Work),
        risk=counts[Work.RISK][0],
        earliest=counts[Work.RISK][1],
        counted=_counted(db, at),
        rows=tuple(
            Row(one, capabilities.way(one.channel, on=on), one.latest_at is not None and one.latest_at <= now)
            for one in shown
        ),
        base=f"/desk/orders?work={work}&channel={channel}&bank={bank}",
        after=following,
        channel=channel,
        bank=bank,
        ways=tuple(capabilities.way(one, on=on) for one in capabilities.ids(on=on)),
        banks=tuple(Named(one, zh, en) for one, (zh, en) in capabilities.banks(on=on).items()),
    )
    return page.render(request, value)


@router.get("/{party}/{number}", dependencies=[page.needs(RIGHT)])
def order(request: Request, db: page.Desk, party: UUID, number: UUID, look: UUID | None = None) -> Response:
    """One order; without a look that was written down it asks why and reads nothing."""
    try:
        row = looking.open_person(db, page.actor(request), party, look, now=page.now(request))
    except looking.NeedsReason:
        return page.render(request, AskWhy(party, number, "", ""))
    return page.render(request, _one(request, db, party, number, (row.id, row.reason, row.ends_at)))


@router.post("/{party}/{number}/look", dependencies=[page.needs(RIGHT), Ours])
def look(
    request: Request, db: page.Desk, party: UUID, number: UUID, reason: Annotated[str, Form(max_length=2000)] = ""
) -> Response:
    """Write the look down; this transaction ends before anything of the person is read."""
    begun: list[UUID] = []

    def write() -> None:
        who, now = page.actor(request), page.now(request)
        begun.append(looking.begin(db, who, party, reason=reason, now=now, right=RIGHT))

    trouble = attempt(request, db, write)
    if trouble:
        return page.render(request, AskWhy(party, number, trouble, reason), status=422)
    return page.go(f"/desk/orders/{party}/{number}?look={begun[0]}")


@router.post("/{party}/{number}/ask", dependencies=[page.needs(RIGHT), Ours])
def ask(request: Request, db: page.Desk, party: UUID, number: UUID, look: Annotated[UUID, Form()]) -> Response:
    """Let the channel be asked at once what became of a payment that went out; nothing is sent."""
    who, now = page.actor(request), page.now(request)
    try:
        row = looking.open_person(db, who, party, look, now=now)
    except looking.NeedsReason:
        return page.render(request, AskWhy(party, number, "", ""), status=409)
    found = _found(db, party, number)
    if not _may_ask(found):
        trouble = said(
            request,
            "这一笔没有发出,或已有结果,没有可查询的。",
            "It has not gone out, or is at its end: nothing to ask.",
        )
        opened = (row.id, row.reason, row.ends_at)
        return page.render(request, _one(request, db, party, number, opened, trouble), status=409)
    assert found.key is not None
    channels.send(db, party, found.key, found.channel)
    facts = {"order": number, "channel": found.channel, "person_id": party}
    audit.write(db, who, "channel.asked", f"instruction:{found.key}", facts, now=now)
    note = said(request, "已安排查询,稍后刷新看结果。", "The channel will be asked at once; load again in a moment.")
    return page.go(f"/desk/orders/{party}/{number}?look={row.id}", request=request, note=note)


def notices(db: Session, who: Actor, now: datetime, on: date) -> list[Notice]:
    """What of the orders needs somebody today, on the desk's first page."""
    if not who.may(RIGHT):
        return []
    counts = store_desk.counts(db, _moments(now, on))
    risk, doubt, unknown = (counts[one][0] for one in (Work.RISK, Work.DOUBT, Work.UNKNOWN))
    told = (
        ("late", risk, Work.RISK, f"{risk} 笔可能晚于最晚安全时间", f"payments that may come too late: {risk}"),
        ("soon", doubt, Work.DOUBT, f"{doubt} 笔到账待核实", f"payments whose arrival is in doubt: {doubt}"),
        (
            "soon",
            unknown,
            Work.UNKNOWN,
            f"{unknown} 笔长时间没有结果",
            f"payments without an answer for long: {unknown}",
        ),
    )
    return [Notice(tone, zh, en, f"/desk/orders?work={work}") for tone, count, work, zh, en in told if count]


def _one(
    request: Request, db: Session, party: UUID, number: UUID, opened: tuple[UUID, str, datetime], trouble: str = ""
) -> OneOrder:
    now, lang = page.now(request), page.visitor(request).lang
    found = _found(db, party, number)
    after = views.successor_of(db, party, number)
    told = notify.messages(db, party, lang=lang, now=now)
    look, reason, ends_at = opened
    return OneOrder(
        order=found, way=capabilities.way(found.channel, on=page.today(request)),
        timeline=tuple(views.timeline(db, party, number)),
        trace=None if found.key is None else traces.of(db, party, found.key),
        postings=explorer.of_business(db, number, at_most=POSTINGS),
        told=tuple(one for one in told if one.link.endswith(str(number))),
        successor=after.order_id if after else None, may_ask=_may_ask(found), look=look, reason=reason,
        ends_at=ends_at, trouble=trouble,
    )  # fmt: skip


def _found(db: Session, party: UUID, number: UUID) -> OrderView:
    try:
        return views.find(db, party, number)
    except UnknownOrder as none:
        raise page.NotFound(none.message) from None


def _may_ask(order: OrderView) -> bool:
    return order.key is not None and order.sent_at is not None and order.status in ASKABLE


def _counted(db: Session, at: Moments) -> tuple[tuple[str, int], ...]:
    """How many stand where, in the order of their way."""
    held = dict(store_desk.by_status(db, at))
    return tuple((status.value, held[status.value]) for status in OrderStatus if held.get(status.value))


def _moments(now: datetime, on: date) -> Moments:
    minutes: int = terms.ask("unknown_minutes", on=on, scopes=("platform",)).value
    return Moments(now + NEAR, now - timedelta(minutes=minutes), datetime.combine(on, time(0), clock.CHINA))
