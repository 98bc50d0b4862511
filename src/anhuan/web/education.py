"""Two calculators on the house's own engine: what paying late or too little costs, and what instalments really cost."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import ClassVar, Final

from fastapi import APIRouter, Request, Response

from anhuan.cards.model import CardTerms, Charge, InterestBasis, Payment, Step
from anhuan.cards.oracle import CardStory, StoryStatement, Told, tell
from anhuan.kit import page, terms
from anhuan.kit.errors import Refused
from anhuan.kit.money import from_text
from anhuan.planning.rates import TrueRate, true_rate

router = APIRouter(prefix="/education", include_in_schema=False)

CYCLE: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class LateForm:
    """What was asked, as typed."""

    amount: str
    paid: str
    posted_on: date
    statement_on: date
    due_on: date
    paid_on: date
    basis: str


@dataclass(frozen=True, slots=True)
class LateAnswer:
    """What it costs until the next statement, in fen, step by step."""

    cost: int
    interest: int
    late_fee: int
    missed: bool
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class LatePage:
    """晚还、少还要付多少."""

    template: ClassVar[str] = "web/late.html"
    form: LateForm
    answer: LateAnswer | None
    trouble: bool
    rate: str
    source: str
    checked_on: date


@dataclass(frozen=True, slots=True)
class InstalmentPage:
    """分期的真实年利率."""

    template: ClassVar[str] = "web/instalment.html"
    amount: str
    periods: int
    fee: str
    answer: TrueRate | None
    trouble: bool


@router.get("/late", dependencies=[page.needs("public")])
def late(
    request: Request,
    amount: str = "10000",
    paid: str = "9900",
    posted_on: date | None = None,
    statement_on: date | None = None,
    due_on: date | None = None,
    paid_on: date | None = None,
    basis: str = "full",
) -> Response:
    """Work out one bill told by the visitor, by the terms that hold when nothing else is known."""
    stated = statement_on or page.today(request).replace(day=5)
    due = due_on or stated + timedelta(days=20)
    form = LateForm(amount, paid, posted_on or stated - timedelta(days=26), stated, due, paid_on or due, basis)
    try:
        answer, trouble = late_answer(form, lang=page.visitor(request).lang), False
    except (Refused, ValueError):
        answer, trouble = None, True
    rate = terms.ask("daily_rate", on=stated)
    shown = LatePage(form, answer, trouble, f"{rate.rate * 100:f}", rate.source, rate.checked_on)
    return page.render(request, shown, status=422 if trouble else 200)


def late_answer(form: LateForm, *, lang: str) -> LateAnswer:
    """The oracle's answer to one bill with one charge and one payment; refuses what contradicts itself."""
    on = form.statement_on
    asked = {key: terms.ask(key, on=on) for key in ("daily_rate", "minimum_rate", "late_fee_rate")}
    held = CardTerms(
        daily_rate=asked["daily_rate"].rate,
        interest_basis=InterestBasis(form.basis),
        minimum_rate=asked["minimum_rate"].rate,
        late_fee_rate=asked["late_fee_rate"].rate,
    )
    paid = from_text(form.paid)
    following = max(form.due_on + timedelta(days=1), on + CYCLE)
    told: Told = tell(
        CardStory(
            terms=held,
            statements=(
                StoryStatement(on, form.due_on, (Charge(form.posted_on, from_text(form.amount)),)),
                StoryStatement(following, following + (form.due_on - on)),
            ),
            payments=(Payment(form.paid_on, paid),) if paid else (),
        ),
        following,
        lang=lang,
    )
    first = told.statements[0]
    return LateAnswer(first.interest + first.late_fee, first.interest, first.late_fee, first.missed, told.steps)


@router.get("/instalment", dependencies=[page.needs("public")])
def instalment(request: Request, amount: str = "12000", periods: int = 12, fee: str = "0.6") -> Response:
    """The yearly rate behind a fee per period."""
    answer: TrueRate | None = None
    with suppress(Refused, InvalidOperation, ValueError):
        answer = true_rate(from_text(amount), periods, Fraction(Decimal(fee)) / 100)
    trouble = answer is None
    return page.render(request, InstalmentPage(amount, periods, fee, answer, trouble), status=422 if trouble else 200)
