"""Repaying on a phone: the sheet with everything that follows before it is confirmed, the confirmation, what was taken.

The form of the sheet carries a request key and the fingerprint of what it shows: two taps are one, and figures that
changed meanwhile are shown anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Final, TypeVar
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from sqlalchemy.orm import Session

from anhuan.identity import confirming, stepup
from anhuan.identity.confirming import ActWords
from anhuan.identity.desk_page import said
from anhuan.kit import ids, news, page
from anhuan.kit.errors import Refused
from anhuan.repayments import screen, screen_orders, service, store
from anhuan.repayments.model import OPEN, AmountRule, OrderStatus
from anhuan.repayments.screen import Sheet, Typed
from anhuan.repayments.screen_orders import OrderShown

router = APIRouter(prefix="/repay", include_in_schema=False)
READS: Final = [page.needs("repay.read")]
WRITES: Final = [page.needs("repay.write"), Depends(page.own_form)]
MOST: Final = 20  # cards on one sheet
T = TypeVar("T")
CHANGED: Final = (
    "内容有变,请再看一遍,然后确认。没有扣款。",
    "Something changed: please look again, then confirm. Nothing was taken.",
)
BLOCKED: Final = (
    "现在还不能确认,请看下面的提示。没有扣款。",
    "This cannot be confirmed yet: please see below. Nothing was taken.",
)
UNREAD: Final = (
    "请先勾选已看到这笔费用。没有扣款。",
    "Please tick first that you have seen what this costs. Nothing was taken.",
)


@dataclass(frozen=True, slots=True)
class SheetPage:
    """The sheet as a page of its own."""

    template: ClassVar[str] = "repayments/sheet.html"
    sheet: Sheet


@dataclass(frozen=True, slots=True)
class SheetPart:
    """The sheet for htmx: inside the dialog, or again after a choice."""

    template: ClassVar[str] = "repayments/_sheet.html"
    sheet: Sheet


@dataclass(frozen=True, slots=True)
class DonePage:
    """What was accepted: where the money is and until when it is expected."""

    template: ClassVar[str] = "repayments/done.html"
    group: UUID
    orders: tuple[OrderShown, ...]
    pause: int  # seconds until the page asks again; 0: nothing moves by itself
    next_pause: int


@dataclass(frozen=True, slots=True)
class Posted:
    """The form of a sheet as it came in."""

    payments: tuple[Typed, ...]
    key: UUID
    seen: str
    read: str
    retry_of: UUID | None
    wants_to_pay: bool


def form_of(
    key: Annotated[UUID, Form()],
    account: Annotated[list[UUID], Form()],
    source: Annotated[list[str] | None, Form()] = None,
    rule: Annotated[list[AmountRule] | None, Form()] = None,
    amount: Annotated[list[str] | None, Form()] = None,
    channel: Annotated[list[str] | None, Form()] = None,
    day: Annotated[list[str] | None, Form()] = None,
    seen: Annotated[str, Form(max_length=64)] = "",
    read: Annotated[str, Form(max_length=4000)] = "",
    retry_of: Annotated[UUID | None, Form()] = None,
    act: Annotated[str, Form(max_length=8)] = "",
) -> Posted:
    """The fields of the sheet, one of each for one card; a dependency of the route."""
    payments = tuple(
        Typed(
            account_id=one,
            source_id=_id(_at(source, number, "")),
            rule=_at(rule, number, AmountRule.FULL),
            amount=_at(amount, number, "")[:20],
            channel=_at(channel, number, "")[:40],
            day=_at(day, number, "")[:10],
        )
        for number, one in enumerate(account[:MOST])
    )
    return Posted(payments, key, seen, read, retry_of, act == "pay")


@router.get("", dependencies=READS)
def several(
    request: Request, db: page.Transaction, accounts: Annotated[list[str] | None, Query()] = None
) -> Response:  # fmt: skip
    """One sheet for several cards (`accounts=a,b`); without any, the bills to choose from."""
    wanted = [_id(text) for one in accounts or () for text in one.split(",")]
    typed = [Typed(one) for one in dict.fromkeys(wanted) if one is not None][:MOST]
    party, today = page.person(request), page.today(request)
    if not typed:
        return _render(request, screen.to_choose(db, party, key=ids.new_id(), today=today))
    return _render(request, _sheet(request, db, typed))


@router.get("/{account_id:uuid}", dependencies=READS)
def sheet(
    request: Request, db: page.Transaction, account_id: UUID, rule: AmountRule = AmountRule.FULL, amount: str = "",
    source: str = "", channel: str = "", day: str = "", retry_of: UUID | None = None,
) -> Response:  # fmt: skip
    """The sheet for one card, filled in as the address says."""
    typed = Typed(account_id, _id(source), rule, amount[:20], channel[:40], day[:10])
    return _render(request, _sheet(request, db, [typed], retry_of=retry_of))


@router.post("", dependencies=WRITES)
def pay(
    request: Request, db: page.Transaction, proof: confirming.Proof, form: Annotated[Posted, Depends(form_of)]
) -> Response:  # fmt: skip
    """Show a choice that changed, ask for the proof, or take the payments; the same key is the same payments."""
    if proof is None:
        return _shown(request, db, form)
    now = page.now(request)
    try:
        with db.begin_nested():
            orders = service.pay(
                db, page.actor(request), screen.asks_of(form.payments), key=form.key, answer=proof,
                now=now, lang=page.visitor(request).lang, retry_of=form.retry_of,
            )  # fmt: skip
    except confirming.AGAIN as refused:
        shown = _sheet(request, db, form.payments, key=form.key, read=form.read, retry_of=form.retry_of)
        return _prove(request, db, shown, refused)
    except Refused as refused:
        shown = _sheet(request, db, form.payments, key=ids.new_id(), read=form.read)
        trouble = news.told(refused.code, refused.message, page.visitor(request).lang)
        return _again(request, shown, trouble, status=409)
    weighed = proof if orders[0].placed_at == now else None  # a repeated tap proves nothing anew
    return confirming.done(request, db, page.go(f"/repay/group/{orders[0].group_id}", request=request), weighed)


@router.get("/group/{group_id}", dependencies=READS)
def done(
    request: Request, db: page.Transaction, group_id: UUID, pause: int = screen_orders.FIRST_PAUSE
) -> Response:  # fmt: skip
    """What one confirmation made, and where its money is."""
    found = screen_orders.just_made(db, page.person(request), group_id, now=page.now(request))
    if not found:
        raise page.NotFound("没有这次还款。")
    still = any(one.order.status in OPEN - {OrderStatus.SCHEDULED} and not one.walks for one in found)
    return page.render(request, DonePage(group_id, found, *(screen_orders.pauses(pause) if still else (0, 0))))


def _shown(request: Request, db: Session, form: Posted) -> Response:
    """The sheet as the form says, or the proof of what it shows where all of it can be paid and was read."""
    if earlier := store.group_for(db, page.person(request), form.key):
        return page.go(f"/repay/group/{earlier.id}", request=request)
    shown = _sheet(request, db, form.payments, key=form.key, read=form.read, retry_of=form.retry_of)
    if not form.wants_to_pay:
        return _render(request, shown)
    if form.seen != shown.seen:
        return _again(request, shown, said(request, *CHANGED))
    if not shown.may_pay:
        return _again(request, shown, said(request, *BLOCKED))
    if not shown.is_read:
        return _again(request, shown, said(request, *UNREAD))
    return _prove(request, db, shown, stepup.StepUpNeeded(""))


def _prove(request: Request, db: Session, shown: Sheet, refused: Refused) -> Response:
    """Ask for the proof of what the sheet shows, with every payment in words."""
    act = service.act_of(page.person(request), shown.key, shown.quotes)
    words = ActWords("payment", payments=screen.words_of(shown, page.visitor(request).lang))
    back = f"/repay?accounts={','.join(str(one.typed.account_id) for one in shown.payments)}"
    return confirming.ask(request, db, act, words, refused, action="/repay", back=back, fields=_fields(shown))


def _sheet(
    request: Request, db: Session, typed: Sequence[Typed], *, key: UUID | None = None, read: str = "",
    retry_of: UUID | None = None,
) -> Sheet:  # fmt: skip
    return screen.sheet_of(
        db, page.person(request), typed, key=key or ids.new_id(), now=page.now(request),
        lang=page.visitor(request).lang, read=read, retry_of=retry_of,
    )  # fmt: skip


def _render(request: Request, shown: Sheet, *, status: int = 200) -> Response:
    value = SheetPart(shown) if page.is_partial(request) else SheetPage(shown)
    return page.render(request, value, status=status)


def _again(request: Request, shown: Sheet, trouble: str, *, status: int = 422) -> Response:
    return _render(request, replace(shown, trouble=trouble), status=status)


def _fields(shown: Sheet) -> confirming.Fields:
    """The sheet's form as hidden fields of the page that asks for the proof."""
    found = [("key", str(shown.key)), ("read", shown.read)]
    if shown.retry_of:
        found.append(("retry_of", str(shown.retry_of)))
    for one, quote in zip(shown.typed, shown.quotes, strict=True):  # the channel is the one that is shown
        found += [("account", str(one.account_id)), ("source", str(one.source_id)), ("rule", one.rule.value),
                  ("amount", one.amount), ("channel", quote.channel), ("day", one.day)]  # fmt: skip
    return tuple(found)


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _at(values: Sequence[T] | None, number: int, otherwise: T) -> T:
    """The field of one card; one that all cards share stands once."""
    if not values:
        return otherwise
    return values[number] if number < len(values) else values[0] if len(values) == 1 else otherwise
