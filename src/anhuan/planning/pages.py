"""The plan as pages: what to pay when, what it costs, what happens if; expected money, channels, files to take away."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Annotated, ClassVar, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from sqlalchemy.orm import Session

from anhuan import cards
from anhuan.cards.model import AccountFace, OwnAccount
from anhuan.kit import page
from anhuan.kit.downloads import download
from anhuan.kit.money import from_text
from anhuan.planning import above, papers, service, sheet
from anhuan.planning.drawing import Timeline, timeline
from anhuan.planning.explained import HabitCost
from anhuan.planning.model import Status
from anhuan.planning.service import BillLeft, ChannelChoice, ExpectedFlow, ExplainedPlan, MinimumMissed, PlanSettings
from anhuan.planning.what_if import WhatIf

router = APIRouter(include_in_schema=False)

READ: Final = [page.needs("plan.read")]
WRITE: Final = [page.needs("plan.write"), Depends(page.own_form)]
PERCENT: Final = (-100, 100)  # how far the income slider goes


@dataclass(frozen=True, slots=True)
class CostLine:
    """One kind of cost, in fen."""

    kind: str
    amount: int


@dataclass(frozen=True, slots=True)
class LegShown:
    """One payment with its reason as a sentence."""

    card: AccountFace
    account: OwnAccount
    channel: str
    amount: int
    fee: int
    saves: int
    credited: date
    reason: str


@dataclass(frozen=True, slots=True)
class PlanDay:
    """The payments of one day."""

    on: date
    legs: tuple[LegShown, ...]


@dataclass(frozen=True, slots=True)
class LeftBill:
    """One bill that stays open, and why, as a sentence."""

    on: date
    open: int
    why: str


@dataclass(frozen=True, slots=True)
class LeftShown:
    """A card that is not paid in full: its bill of now first, then those to come."""

    card: AccountFace
    bills: tuple[LeftBill, ...]


@dataclass(frozen=True, slots=True)
class Choices:
    """Where the what-if sliders stand and how far they go: fen, percent, and the cards that could be skipped."""

    money: int
    money_low: int
    money_high: int
    income: int
    income_low: int
    income_high: int
    skip: str
    skips: tuple[AccountFace, ...]
    dearer: int | None


@dataclass(frozen=True, slots=True)
class ToConfirm:
    """What of a plan can be confirmed now: payments for bills that are there, in fen; `standing` of an earlier one."""

    payments: int
    total: int
    fees: int
    standing: str


@dataclass(frozen=True, slots=True)
class PlanAnswer:
    """What the plan says, and nothing around it."""

    cost: int
    lower_bound: int
    spare: int
    saving: int
    dearer: int | None
    costs: tuple[CostLine, ...]
    missed: tuple[MinimumMissed, ...]
    timeline: Timeline
    payments: int
    total: int
    days: tuple[PlanDay, ...]
    left: tuple[LeftShown, ...]
    habits: tuple[HabitCost, ...]
    hundred: int | None
    warnings: tuple[str, ...]
    assumptions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlanSwap:
    """The parts of the page that a slider replaces, for htmx."""

    template: ClassVar[str] = "planning/_swap.html"
    answer: PlanAnswer


@dataclass(frozen=True, slots=True)
class PlanPage:
    """The plan with its sliders; without bills or money it says what is missing."""

    template: ClassVar[str] = "planning/plan.html"
    state: str
    answer: PlanAnswer | None
    what_if: Choices | None
    to_confirm: ToConfirm | None


@dataclass(frozen=True, slots=True)
class IncomePage:
    """收入和渠道: expected money, ways to pay, and how far to plan."""

    template: ClassVar[str] = "planning/income.html"
    flows: tuple[ExpectedFlow, ...]
    accounts: tuple[OwnAccount, ...]
    channels: tuple[ChannelChoice, ...]
    settings: PlanSettings


@router.get("/plan", dependencies=READ)
def show_plan(request: Request, db: page.Transaction, money: int = 0, income: int = 0, skip: str = "") -> Response:
    """The plan for the household; `money` in yuan, `income` in percent, `skip` a card: what if."""
    user, today, lang = page.person(request), page.today(request), page.visitor(request).lang
    accounts = [one for one in cards.own_accounts(db, user) if one.currency == "CNY"]
    asked = what_if_of(money, income, skip)
    made = service.plan_mine(db, user, as_of=today, what_if=asked)
    if not made.request.cards or not accounts:
        return page.render(request, PlanPage("no_money" if made.request.cards else "no_bills", None, None, None))
    answer = answer_of(made, lang)
    if page.is_partial(request):
        return page.render(request, PlanSwap(answer))
    confirm = to_confirm(db, user, made) if asked.changes_nothing else None
    return page.render(request, PlanPage("plan", answer, choices_of(db, user, made, accounts, today), confirm))


@router.get("/plan.ics", dependencies=READ)
def plan_calendar(request: Request, db: page.Transaction, amounts: bool = False) -> Response:
    """The plan for a calendar; amounts only where they are asked for."""
    made = service.plan_mine(db, page.person(request), as_of=page.today(request))
    lang, now = page.visitor(request).lang, page.now(request)
    dates = sheet.dates_of(made, safe_moments(db, request), lang=lang, amounts=amounts)
    body = papers.calendar(dates, name=sheet.word("calendar", lang), now=now)
    return download(body, "text/calendar; charset=utf-8", f"anhuan-{page.today(request)}.ics")


@router.get("/plan.pdf", dependencies=READ)
def plan_paper(request: Request, db: page.Transaction) -> Response:
    """The plan on paper."""
    made = service.plan_mine(db, page.person(request), as_of=page.today(request))
    lang, now = page.visitor(request).lang, page.now(request)
    body = papers.pdf(sheet.paper_of(made, lang=lang, now=now), made_at=now)
    return download(body, "application/pdf", f"anhuan-{page.today(request)}.pdf")


def what_if_of(money: int, income: int, skip: str) -> WhatIf:
    """The sliders as a what-if: yuan more or less now, percent of income, one card not paid."""
    return WhatIf(
        money=money * 100, income_percent=max(PERCENT[0], min(PERCENT[1], income)), skip=(skip,) if skip else ()
    )


def answer_of(made: ExplainedPlan, lang: str) -> PlanAnswer:
    """A plan as its page prints it."""
    habits = made.explanation.habits
    minimum = next((habit for habit in habits if habit.kind == "minimum_only"), None)
    return PlanAnswer(
        cost=made.cost,
        lower_bound=made.plan.lower_bound,
        spare=made.cost - made.plan.lower_bound if made.plan.status is Status.FEASIBLE else 0,
        saving=minimum.saves if minimum else 0,
        dearer=None if made.what_if.changes_nothing else made.dearer,
        costs=tuple(CostLine(kind, amount) for kind, amount in asdict(made.plan.breakdown).items() if amount),
        missed=made.missed,
        timeline=timeline(made.request, made.plan),
        payments=len(made.legs),
        total=sum(leg.amount for leg in made.legs),
        days=days_of(made, lang),
        left=left_of(made, lang),
        habits=habits,
        hundred=made.explanation.hundred,
        warnings=sheet.said(made.warnings, lang),
        assumptions=sheet.said((one.words for one in made.assumptions), lang),
    )


def to_confirm(db: Session, user_id: UUID, made: ExplainedPlan) -> ToConfirm:
    """What could be confirmed, and what was."""
    legs = service.of_known_bills(made)
    return ToConfirm(
        len(legs), sum(amount for _, amount in legs), sum(leg.fee for leg, _ in legs),
        above.standing(db, user_id, made.request).value,
    )  # fmt: skip


def days_of(made: ExplainedPlan, lang: str) -> tuple[PlanDay, ...]:
    """The payments day by day."""
    legs = sorted(made.legs, key=lambda leg: leg.on)
    return tuple(
        PlanDay(
            on,
            tuple(
                LegShown(leg.card, leg.account, leg.channel.name(lang), leg.amount, leg.fee, leg.saves,
                         leg.credited_on, "".join(sheet.said(leg.reasons, lang)))
                for leg in found
            ),
        )
        for on, found in groupby(legs, key=lambda leg: leg.on)
    )  # fmt: skip


def left_of(made: ExplainedPlan, lang: str) -> tuple[LeftShown, ...]:
    """The cards that stay open, each with its bills by day."""
    found: dict[UUID, list[BillLeft]] = {}
    for one in sorted(made.left, key=lambda one: one.statement_on):
        found.setdefault(one.card.account_id, []).append(one)
    return tuple(
        LeftShown(
            ones[0].card, tuple(LeftBill(one.due_on, one.open, "".join(sheet.said([one.why], lang))) for one in ones)
        )
        for ones in found.values()
    )


def choices_of(db: Session, user_id: UUID, made: ExplainedPlan, accounts: Sequence[OwnAccount], today: date) -> Choices:
    """The sliders: from nothing left on the account to twice what is due."""
    board = cards.due_board(db, user_id, on=today)
    held = sum(account.balance for account in accounts)
    due = sum(entry.open for entry in board.entries if entry.bill.currency == "CNY")
    high = max(due, held, 1_000_00)
    seen: dict[UUID, AccountFace] = {entry.account.account_id: entry.account for entry in board.entries if entry.open}
    return Choices(
        money=made.what_if.money,
        money_low=-(accounts[0].balance // 100_00) * 100_00,
        money_high=-(-high // 100_00) * 100_00,
        income=made.what_if.income_percent,
        income_low=PERCENT[0],
        income_high=PERCENT[1],
        skip=made.what_if.skip[0] if made.what_if.skip else "",
        skips=tuple(seen.values()),
        dearer=None if made.what_if.changes_nothing else made.dearer,
    )


def safe_moments(db: Session, request: Request) -> dict[UUID, datetime]:
    """The last safe moment of each account's open bill."""
    board = cards.due_board(db, page.person(request), on=page.today(request))
    return {entry.account.account_id: entry.safe_pay_by for entry in board.entries if entry.safe_pay_by and entry.open}


@router.get("/me/income", dependencies=READ)
def show_income(request: Request, db: page.Transaction) -> Response:
    """Expected money and ways to pay."""
    user, today = page.person(request), page.today(request)
    value = IncomePage(
        flows=service.flows(db, user),
        accounts=cards.own_accounts(db, user),
        channels=service.channels(db, user, on=today),
        settings=service.settings(db, user),
    )
    return page.render(request, value)


@router.post("/me/income", dependencies=WRITE)
def add_flow(
    request: Request,
    db: page.Transaction,
    account_id: Annotated[UUID, Form()],
    amount: Annotated[str, Form()],
    label: Annotated[str, Form()] = "",
    kind: Annotated[str, Form()] = "in",
    day_of_month: Annotated[int | None, Form()] = None,
    on_date: Annotated[date | None, Form()] = None,
) -> Response:
    """Keep an expected income or fixed spending, monthly or once."""
    minor = abs(from_text(amount)) * (-1 if kind == "out" else 1)
    service.set_flow(
        db, page.person(request), account_id, minor, label=label.strip()[:40],
        day_of_month=None if on_date else day_of_month, on_date=on_date,
    )  # fmt: skip
    return page.go("/me/income", request=request)


@router.post("/me/income/{flow_id}/remove", dependencies=WRITE)
def remove_flow(request: Request, db: page.Transaction, flow_id: UUID) -> Response:
    """Forget an expected flow."""
    service.remove_flow(db, page.person(request), flow_id)
    return page.go("/me/income", request=request)


@router.post("/me/channels", dependencies=WRITE)
def choose_channels(
    request: Request, db: page.Transaction, chosen: Annotated[list[str] | None, Form()] = None
) -> Response:
    """Keep through which channels the user pays."""
    user = page.person(request)
    for choice in service.channels(db, user, on=page.today(request)):
        service.set_channel(
            db, user, choice.channel_id, chosen=choice.channel_id in (chosen or ()), account_ids=choice.account_ids
        )
    return page.go("/me/income", request=request)


@router.post("/me/planning", dependencies=WRITE)
def choose_settings(
    request: Request,
    db: page.Transaction,
    horizon_days: Annotated[int, Form()],
    rely_on_grace: Annotated[bool, Form()] = False,
) -> Response:
    """Keep how far to plan and whether the banks' courtesies may be relied on."""
    service.set_settings(db, page.person(request), PlanSettings(horizon_days, rely_on_grace))
    return page.go("/me/income", request=request)
