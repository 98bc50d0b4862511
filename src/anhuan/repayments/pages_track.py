"""Following repayments on a phone: the list, one order with its timeline, taking it back, paying another way."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from sqlalchemy.orm import Session

from anhuan.identity.desk_page import attempt, said
from anhuan.kit import page
from anhuan.repayments import screen_orders, service, views
from anhuan.repayments.model import OPEN, OrderStatus, OrderView
from anhuan.repayments.screen_orders import OrderShown, Progress

router = APIRouter(prefix="/repay/orders", include_in_schema=False)
READS: Final = [page.needs("repay.read")]
WRITES: Final = [page.needs("repay.write"), Depends(page.own_form)]
ROWS: Final = 30
FILTERS: Final = {
    "all": None,
    "open": OPEN,
    "arrived": frozenset({OrderStatus.ARRIVED}),
    "trouble": frozenset({OrderStatus.IN_DOUBT, OrderStatus.FAILED, OrderStatus.GIVEN_BACK}),
}


@dataclass(frozen=True, slots=True)
class OrdersPage:
    """Repayments: what is under way first, then the newest."""

    template: ClassVar[str] = "repayments/orders.html"
    under_way: tuple[OrderShown, ...]
    closed: tuple[OrderShown, ...]
    only: str
    any_at_all: bool
    older: str


@dataclass(frozen=True, slots=True)
class OrderPage:
    """One repayment."""

    template: ClassVar[str] = "repayments/order.html"
    progress: Progress
    trouble: str


@dataclass(frozen=True, slots=True)
class OrderPart:
    """What of it changes while it is under way, for htmx."""

    template: ClassVar[str] = "repayments/_order.html"
    progress: Progress
    trouble: str


@router.get("", dependencies=READS)
def orders(request: Request, db: page.Transaction, only: str = "all", before: str = "") -> Response:
    """The list, narrowed by `only`; older ones by the moment of the last."""
    party, today = page.person(request), page.today(request)
    wanted = FILTERS.get(only)
    at = _moment(before)
    found: list[OrderView] = []
    more = True
    while len(found) <= ROWS and more:  # a filter may leave out most of a stretch
        stretch = views.orders(db, party, at_most=ROWS * 2, before=at)
        found += [one for one in stretch if wanted is None or one.status in wanted]
        more = len(stretch) == ROWS * 2
        at = stretch[-1].placed_at if stretch else at
    older = found[ROWS - 1].placed_at.isoformat() if len(found) > ROWS else ""
    shown = screen_orders.shown(db, party, found[:ROWS], today=today)
    value = OrdersPage(
        under_way=tuple(one for one in shown if one.order.status in OPEN),
        closed=tuple(one for one in shown if one.order.status not in OPEN),
        only=only if only in FILTERS else "all",
        any_at_all=bool(shown) or bool(views.orders(db, party, at_most=1)),
        older=older,
    )
    return page.render(request, value)


@router.get("/{order_id}", dependencies=READS)
def order(request: Request, db: page.Transaction, order_id: UUID, pause: int = screen_orders.FIRST_PAUSE) -> Response:
    """One order; asked for by htmx, the part that changes."""
    return _render(request, db, order_id, pause=pause)


@router.post("/{order_id}/cancel", dependencies=WRITES)
def cancel(
    request: Request, db: page.Transaction, order_id: UUID, then: Annotated[str, Form(max_length=8)] = ""
) -> Response:  # fmt: skip
    """Take it back before anything goes out; `then=again` leads to the sheet for another way."""
    party, who = page.person(request), page.actor(request)
    account = views.find(db, party, order_id).account_id
    if trouble := attempt(request, db, lambda: service.cancel(db, who, party, order_id, now=page.now(request))):
        return _render(request, db, order_id, trouble=trouble, status=409)
    told = said(request, "已取消,没有付出任何款项。", "Cancelled; nothing was paid.")
    to = f"/repay/{account}" if then == "again" else f"/repay/orders/{order_id}"
    return page.go(to, request=request, note=told)


def _render(
    request: Request, db: Session, order_id: UUID, *, pause: int = screen_orders.FIRST_PAUSE, trouble: str = "",
    status: int = 200,
) -> Response:  # fmt: skip
    party = page.person(request)
    found = screen_orders.at_once(db, views.find(db, party, order_id), now=page.now(request))
    lang = page.visitor(request).lang
    progress = screen_orders.progress_of(db, party, found, today=page.today(request), lang=lang, pause=pause)
    value = OrderPart(progress, trouble) if page.is_partial(request) else OrderPage(progress, trouble)
    return page.render(request, value, status=status)


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None
