"""Mandates as JSON: read them with their runs, revoke them. Giving one needs a person with a proof, in the browser.

Amounts are decimal text in yuan, moments ISO 8601, days China's bank days.
"""

from datetime import date, datetime
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel

from anhuan.kit import page
from anhuan.kit.money import to_text
from anhuan.repayments import mandates
from anhuan.repayments.mandate_model import AboveCap, Holiday, Mandate, NeedsPerson, RetryWhen, Run, Stage, Timing
from anhuan.repayments.model import AmountRule

router = APIRouter(tags=["mandates"])


class MandateOut(BaseModel):
    """What a payer allowed, as it holds now; `document` is the text that was confirmed."""

    id: UUID
    account_id: UUID
    source_id: UUID
    channel: str | None
    rule: AmountRule
    amount: str | None
    cap: str
    above_cap: AboveCap
    timing: Timing
    days_before: int | None
    day_of_month: int | None
    on_date: date | None
    holiday: Holiday
    notice_hours: int
    retries: int
    retry_when: RetryWhen
    valid_from: date | None
    valid_to: date | None
    given_at: datetime
    narrowed_at: datetime | None
    off_at: datetime | None
    revoked_at: datetime | None
    document: list[str]
    document_en: list[str]
    document_sha256: str


class RunOut(BaseModel):
    """One debit of a mandate: when it is told and made, and what became of it."""

    id: UUID
    statement_on: date | None
    occurrence_on: date | None
    stage: Stage
    why: str
    amount: str | None
    notice_at: datetime
    pay_at: datetime
    safe_by_at: datetime | None
    shortened: bool
    late: bool
    provisional: bool
    tries: int
    order_id: UUID | None
    closed_at: datetime | None


class MandatePageOut(BaseModel):
    """One mandate with its runs, the latest first."""

    mandate: MandateOut
    runs: list[RunOut]


class RevokedOut(BaseModel):
    """What a revocation stopped, and the orders that had been sent: those are followed to their end."""

    stopped: int
    followed: list[UUID]


@router.get("/mandates", dependencies=[page.needs("repay.read")])
def list_mandates(request: Request, db: page.Transaction, ended: bool = False) -> list[MandateOut]:
    """Every mandate that stands; those that were revoked only where asked."""
    return [_mandate(one) for one in mandates.of(db, page.person(request), ended=ended)]


@router.get("/mandates/{mandate_id}", dependencies=[page.needs("repay.read")])
def show_mandate(request: Request, db: page.Transaction, mandate_id: UUID) -> MandatePageOut:
    """One mandate with its debits, past and to come."""
    party = page.person(request)
    held = mandates.find(db, party, mandate_id)
    return MandatePageOut(mandate=_mandate(held), runs=[_run(one) for one in mandates.runs_of(db, party, held.id)])


@router.post("/mandates", status_code=422, dependencies=[page.needs("repay.write")])
def give_mandate() -> None:
    """Always refused here: a mandate is given in the browser, by a person with a proof bound to every field."""
    raise NeedsPerson("授权要由本人在网页上验证身份后给出：/autopay/new。")


@router.post("/mandates/{mandate_id}/revoke", dependencies=[page.needs("consent.write")])
def revoke_mandate(request: Request, db: page.Transaction, mandate_id: UUID) -> RevokedOut:
    """Take a mandate back at once; a second time changes nothing."""
    done = mandates.revoke(db, page.actor(request), mandate_id, now=page.now(request))
    return RevokedOut(stopped=done.stopped, followed=list(done.followed))


def _mandate(one: Mandate) -> MandateOut:
    wish = one.wish
    return MandateOut(
        id=one.id, account_id=wish.account_id, source_id=wish.source_id, channel=wish.channel, rule=wish.rule,
        amount=_yuan(wish.amount), cap=to_text(wish.cap), above_cap=wish.above_cap, timing=wish.timing,
        days_before=wish.days_before, day_of_month=wish.day_of_month, on_date=wish.on_date, holiday=wish.holiday,
        notice_hours=wish.notice_hours, retries=wish.retries, retry_when=wish.retry_when,
        valid_from=wish.valid_from, valid_to=wish.valid_to, given_at=one.given_at, narrowed_at=one.narrowed_at,
        off_at=one.off_at, revoked_at=one.revoked_at, document=list(one.document.zh),
        document_en=list(one.document.en), document_sha256=one.document.sha256.hex(),
    )  # fmt: skip


def _run(one: Run) -> RunOut:
    return RunOut(
        id=one.id, statement_on=one.statement_on, occurrence_on=one.occurrence_on, stage=one.stage, why=one.why,
        amount=_yuan(one.amount), notice_at=one.notice_at, pay_at=one.pay_at, safe_by_at=one.safe_by_at,
        shortened=one.shortened, late=one.late, provisional=one.provisional, tries=one.tries, order_id=one.order_id,
        closed_at=one.closed_at,
    )  # fmt: skip


def _yuan(fen: int | None) -> str | None:
    return None if fen is None else to_text(fen)
