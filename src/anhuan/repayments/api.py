"""Repayments as JSON: what a payment would be, placing it with a person's proof, following it to its proof of arrival.

Reading and quoting are open to a person's own programs. Placing takes a proof of the person, bound to exactly these
payments and this key, which no program can give: a key never holds `repay.write`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request
from sqlalchemy.orm import Session

from anhuan.identity import stepup
from anhuan.identity.api_limits import StepUpOut
from anhuan.identity.stepup import StepUpFailed, StepUpNeeded, StepUpVoid
from anhuan.kit import page
from anhuan.kit.errors import Bad
from anhuan.repayments import quoting, screen_orders, service, views, wire
from anhuan.repayments.model import (
    AlreadyOnItsWay,
    BadAsk,
    BindingInDoubt,
    Changed,
    KeyReused,
    NoChannel,
    NoSource,
    NothingToPay,
    OrderView,
    OverDayLimit,
    Quote,
    TooLateToCancel,
    TooLittleMoney,
    UnknownOrder,
)
from anhuan.repayments.wire import (
    GroupOut,
    NewProof,
    NewRepayment,
    NewTogether,
    NewWish,
    OrdersOut,
    QuoteOut,
    StoryOut,
    TogetherOut,
)

router = APIRouter(prefix="/repayments", tags=["repayments"])
READS: Final = [page.needs("repay.read")]
WRITES: Final = [page.needs("repay.write")]
TOGETHER: Final = 100  # orders of one confirmation have one moment and stay on one page
TROUBLES: Final[tuple[type[Bad], ...]] = (
    NothingToPay, AlreadyOnItsWay, NoSource, NoChannel, BindingInDoubt, OverDayLimit, TooLittleMoney,
)  # fmt: skip
Lang = Annotated[str, Query(pattern="^(zh|en)$")]
Key = Annotated[UUID | None, Header(alias="Idempotency-Key", description="the request key, where the body has none")]


def codes(said: str, *bad: type[Bad]) -> str:
    """The description of an operation with every code of bad news that belongs to it."""
    lines = "\n".join(f"- `{one.code}`: {(one.__doc__ or '').partition(':')[0]}" for one in bad)
    return f"{said}\n\nCodes:\n{lines}"


@router.post(
    "/quotes", dependencies=READS, description=codes("What a payment would be; nothing moves.", BadAsk, *TROUBLES)
)
def quote(request: Request, db: page.Transaction, wish: NewWish, lang: Lang = "zh") -> QuoteOut:
    """Everything that is shown before confirming: amount, fees, channel, moments, effect, and what blocks it."""
    made = quoting.quote(db, page.person(request), wish.ask(), now=page.now(request), lang=lang)
    return wire.quote_out(made, lang)


@router.post(
    "/quotes/together", dependencies=READS,
    description=codes("What several payments at once would be; nothing moves.", BadAsk, *TROUBLES),
)  # fmt: skip
def quote_together(request: Request, db: page.Transaction, new: NewTogether, lang: Lang = "zh") -> TogetherOut:
    """Each payment as it is quoted alone, what all come to, and what the own accounts lack for them together."""
    party, now = page.person(request), page.now(request)
    made = quoting.quotes(db, party, [one.ask() for one in new.wishes], now=now, lang=lang)
    return wire.together_out(made, lang)


@router.post(
    "/step-ups", status_code=201, dependencies=WRITES,
    description=codes("Ask the person of this session for a proof bound to these payments and this key.", BadAsk,
                      *TROUBLES),
)  # fmt: skip
def begin_step_up(request: Request, db: page.Transaction, new: NewProof) -> StepUpOut:
    """A proof for exactly these payments, good once; a passkey's answer or a code goes along with the placing."""
    who, now, party = page.actor(request), page.now(request), page.person(request)
    quotes = _quotes(db, party, new.wishes, now)
    for one in quotes:
        for trouble in one.troubles:
            raise trouble.kind(trouble.message, field=trouble.field)
    service.insist_affordable(quotes)
    act = service.act_of(party, new.key, quotes)
    asked = stepup.begin(db, who, act, shown=repr(sorted(act.facts.items())), now=now)
    options = dict(asked.options) if asked.options else None
    return StepUpOut(id=asked.id, ends_at=asked.ends_at, options=options, by_code=asked.by_code)


@router.post(
    "", status_code=201, dependencies=WRITES,
    description=codes(
        "Place what a person confirmed; the same key gives back the same orders. A session without a proof hears"
        " `stepup.needed`; a program's key has no right to pay and hears `access.not_allowed` (403).",
        BadAsk, StepUpNeeded, StepUpVoid, StepUpFailed, Changed, KeyReused, *TROUBLES,
    ),
)  # fmt: skip
def place(request: Request, db: page.Transaction, new: NewRepayment, idempotency_key: Key = None) -> GroupOut:
    """Take the payments, all or none: the money is set aside, the instructions made and their sending promised."""
    now, key = page.now(request), _key(new.key, idempotency_key)
    asks = [one.ask() for one in new.wishes]
    orders = service.pay(
        db, page.actor(request), asks, key=key, answer=new.proof.answer() if new.proof else None, now=now
    )
    return wire.group_out(orders)


@router.get("", dependencies=READS)
def list_orders(
    request: Request, db: page.Transaction, account_id: UUID | None = None, open_only: bool = False,
    before: Annotated[datetime | None, Query(description="`next` of the page before")] = None,
    at_most: Annotated[int, Query(ge=1, le=100)] = 50,
) -> OrdersOut:  # fmt: skip
    """Payments of this party, the newest first."""
    if before is not None and before.tzinfo is None:
        raise BadAsk("时间要带时区。", field="before")
    found = views.orders(
        db, page.person(request), account_id=account_id, open_only=open_only, at_most=at_most + TOGETHER, before=before
    )
    shown = _whole_moments(found, at_most)
    following = shown[-1].placed_at if len(shown) < len(found) else None
    return OrdersOut(orders=[wire.order_out(one) for one in shown], next=following)


@router.get("/groups/{group_id}", dependencies=READS, description=codes("One confirmation.", UnknownOrder))
def show_group(request: Request, db: page.Transaction, group_id: UUID) -> GroupOut:
    """The payments of one confirmation, in order."""
    found = views.of_group(db, page.person(request), group_id)
    if not found:
        raise UnknownOrder("没有这次还款。", field="group_id")
    return wire.group_out(found)


@router.get("/{order_id}", dependencies=READS, description=codes("One payment and its story.", UnknownOrder))
def show(request: Request, db: page.Transaction, order_id: UUID) -> StoryOut:
    """One payment with everything that happened to it."""
    party = page.person(request)
    return _story(db, party, screen_orders.at_once(db, views.find(db, party, order_id), now=page.now(request)))


@router.post(
    "/{order_id}/cancel", dependencies=WRITES,
    description=codes("Take a payment back before anything goes out.", UnknownOrder, TooLateToCancel),
)  # fmt: skip
def cancel(request: Request, db: page.Transaction, order_id: UUID) -> StoryOut:
    """Take it back; what went out already is followed to its end and told."""
    party = page.person(request)
    return _story(db, party, service.cancel(db, page.actor(request), party, order_id, now=page.now(request)))


def _story(db: Session, party: UUID, order: OrderView) -> StoryOut:
    after = views.successor_of(db, party, order.order_id)
    return wire.story_out(order, views.timeline(db, party, order.order_id), after.order_id if after else None)


def _quotes(db: Session, party: UUID, wishes: list[NewWish], now: datetime) -> list[Quote]:
    return quoting.quotes(db, party, [one.ask() for one in wishes], now=now)


def _key(said: UUID | None, header: UUID | None) -> UUID:
    if said is not None and header is not None and said != header:
        raise BadAsk("请求号说了两个不同的值。", field="key")
    key = said or header
    if key is None:
        raise BadAsk("请带上请求号：正文的 key，或 Idempotency-Key 头。", field="key")
    return key


def _whole_moments(found: Sequence[OrderView], at_most: int) -> Sequence[OrderView]:
    """The first so many, and whatever was placed at the moment of the last one: a page is cut between moments."""
    if len(found) <= at_most:
        return found
    last = found[at_most - 1].placed_at
    return [one for place, one in enumerate(found) if place < at_most or one.placed_at == last]
