"""A whole plan on one page, confirmed once; and what to change in it when something happened.

The form carries an intent and the digest of what it shows: two taps are one, and a plan that changed is shown anew.
"""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from sqlalchemy.orm import Session

from anhuan import cards
from anhuan.channels import capabilities
from anhuan.identity import confirming
from anhuan.identity.confirming import ActWords, PayWords
from anhuan.identity.desk_page import said
from anhuan.kit import ids, news, page
from anhuan.kit.errors import Refused
from anhuan.planning.service import BillLeft
from anhuan.repayments import plans, replanning, screen_orders, service, store_plans
from anhuan.repayments.plans import PlanItem, PlanWish
from anhuan.repayments.replanning import LegTold
from anhuan.repayments.screen_orders import OrderShown

router = APIRouter(prefix="/plan", include_in_schema=False)
READS: Final = [page.needs("repay.read")]
WRITES: Final = [page.needs("repay.write"), Depends(page.own_form)]
CHANGED: Final = (
    "方案有变,请再看一遍,然后确认。没有扣款。",
    "The plan changed: please look again, then confirm. Nothing was taken.",
)
UNREAD: Final = (
    "请先勾选已看到没还清的部分和它的费用。没有扣款。",
    "Please tick first that you have seen what stays open and what it costs. Nothing was taken.",
)


@dataclass(frozen=True, slots=True)
class WholePlan:
    """A whole plan before it is confirmed: every payment, every fee, what stays open; amounts in fen."""

    items: tuple[PlanItem, ...]
    blocked: tuple[PlanItem, ...]
    replaced: tuple[OrderShown, ...]
    left: tuple[BillLeft, ...]
    amount: int
    fee: int
    key: UUID
    seen: str
    trouble: str

    @property
    def debit(self) -> int:
        """What leaves the own accounts."""
        return self.amount + self.fee

    @property
    def interest(self) -> int:
        """What the bills that stay open cost."""
        return sum(one.interest for one in self.left)

    @property
    def by_hand(self) -> int:
        """Payments that the payer makes in person."""
        return sum(one.quote.by_hand for one in self.items)


@dataclass(frozen=True, slots=True)
class ConfirmPlanPage:
    """确认方案: the whole plan on one page."""

    template: ClassVar[str] = "repayments/plan_confirm.html"
    plan: WholePlan


@dataclass(frozen=True, slots=True)
class LegShown:
    """One payment of a proposed change, with names."""

    account: cards.AccountFace | None
    channel: str
    leg: LegTold


@dataclass(frozen=True, slots=True)
class ChangedPlanPage:
    """方案变更: what would change and why; nothing has moved."""

    template: ClassVar[str] = "repayments/plan_changed.html"
    why: str
    gone: tuple[LegShown, ...]
    new: tuple[LegShown, ...]
    kept: int
    before: int | None
    after: int


@router.get("/confirm", dependencies=READS)
def whole(request: Request, db: page.Transaction) -> Response:
    """The plan as it would be made now."""
    return _render(request, _shown(request, db, _wish(request, db), ids.new_id()))


@router.post("/confirm", dependencies=WRITES)
def confirm(
    request: Request, db: page.Transaction, proof: confirming.Proof, key: Annotated[UUID, Form()],
    seen: Annotated[str, Form(max_length=64)] = "", read: Annotated[str, Form(max_length=8)] = "",
) -> Response:  # fmt: skip
    """Ask for the proof, or place the whole plan; the same key is the same plan."""
    party = page.person(request)
    if (known := store_plans.plan(db, party, key)) is not None:
        return page.go(f"/repay/group/{known.group_id}", request=request)
    wish = _wish(request, db)
    shown = _shown(request, db, wish, key)
    if seen != shown.seen:
        return _again(request, replace(shown, key=ids.new_id()), said(request, *CHANGED))
    if shown.left and not read:
        return _again(request, shown, said(request, *UNREAD))
    try:
        with db.begin_nested():
            orders = plans.confirm(db, page.actor(request), wish, intent=key, answer=proof, now=page.now(request))
    except confirming.AGAIN as refused:
        act = service.act_of(party, wish.key(key), wish.quotes)
        words = ActWords("payment", payments=_words(wish, page.visitor(request).lang))
        fields = (("key", str(key)), ("seen", seen), ("read", read))
        return confirming.ask(
            request, db, act, words, refused, action="/plan/confirm", back="/plan/confirm", fields=fields
        )  # fmt: skip
    except Refused as refused:
        told = news.told(refused.code, refused.message, page.visitor(request).lang)
        return _again(request, _shown(request, db, _wish(request, db), ids.new_id()), told, status=409)
    return confirming.done(request, db, page.go(f"/repay/group/{orders[0].group_id}", request=request), proof)


@router.get("/changed", dependencies=READS)
def changed(request: Request, db: page.Transaction) -> Response:
    """What would change; where nothing waits, back to the plan."""
    party, lang = page.person(request), page.visitor(request).lang
    found = replanning.proposal(db, party)
    if found is None:
        return page.go("/plan", request=request)
    faces = {one.account_id: one for one in cards.accounts(db, party)}
    today = page.today(request)

    def leg(one: LegTold) -> LegShown:
        named = capabilities.way(one.channel, on=today)
        return LegShown(faces.get(one.account_id), named.en if lang == "en" else named.zh, one)

    why = replanning.SAID[found.why][1 if lang == "en" else 0]
    return page.render(
        request,
        ChangedPlanPage(
            why, tuple(map(leg, found.gone)), tuple(map(leg, found.new)), found.kept, found.before, found.after
        ),
    )


@router.post("/changed/keep", dependencies=WRITES)
def keep(request: Request, db: page.Transaction) -> Response:
    """Keep the plan that stands."""
    kept = replanning.dismiss(db, page.actor(request), now=page.now(request))
    told = said(request, "保持原来的安排。", "The arranged payments stay as they are.") if kept else ""
    return page.go("/plan", request=request, note=told) if told else page.go("/plan", request=request)


def _wish(request: Request, db: Session) -> PlanWish:
    return plans.wish_of(db, page.person(request), now=page.now(request), lang=page.visitor(request).lang)


def _shown(request: Request, db: Session, wish: PlanWish, key: UUID) -> WholePlan:
    replaced = {one.order_id for one in wish.replaced}
    groups = {one.group_id for one in wish.replaced}
    orders = tuple(
        one
        for group in groups
        for one in screen_orders.of_group(db, page.person(request), group, today=page.today(request))
        if one.order.order_id in replaced
    )
    return WholePlan(
        wish.items, wish.blocked, orders, wish.left, wish.amount, wish.fee, key, wish.digest() if wish.items else "", ""
    )  # fmt: skip


def _words(wish: PlanWish, lang: str) -> tuple[PayWords, ...]:
    """Every payment as the sentence says that a person confirms."""
    return tuple(
        PayWords(
            card=one.card_name, source=one.source_name, channel=one.channel_en if lang == "en" else one.channel_zh,
            amount=part.amount, fee=part.fee, start_on=part.start_on,
            arrives_at=None if part.start_on else one.expected_at, by_hand=one.by_hand,
        )
        for one in wish.quotes
        for part in one.parts
    )  # fmt: skip


def _render(request: Request, shown: WholePlan, *, status: int = 200) -> Response:
    return page.render(request, ConfirmPlanPage(shown), status=status)


def _again(request: Request, shown: WholePlan, trouble: str, *, status: int = 422) -> Response:
    return _render(request, replace(shown, trouble=trouble), status=status)
