"""Paying by hand (手工还款), for people with cards: what to pay where until when, "paid" as a word, the bill as proof.

Nothing here moves money. What the person says is kept as evidence; only bank data or a checked receipt proves arrival.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response, UploadFile
from sqlalchemy.orm import Session

from anhuan.channels import capabilities, evidence, instructions, manual, stops, store_by_hand
from anhuan.channels.evidence_rules import Arrival, Kind
from anhuan.channels.manual import Steps
from anhuan.channels.model import State
from anhuan.channels.tables import InstructionRow
from anhuan.identity.desk_page import attempt, said
from anhuan.kit import page

router = APIRouter(prefix="/repay/by-hand", include_in_schema=False)
Ours: Final = Depends(page.own_form)
MOST: Final = 50


class Stand(StrEnum):
    """Where a payment by hand stands, for the person."""

    TO_PAY = "to_pay"  # 待付款
    LATE = "late"  # 待付款, and the moment until which it was meant has passed
    MARKED = "marked"  # 已标记付款,等下一张账单确认
    IN_DOUBT = "in_doubt"  # 存疑
    ARRIVED = "arrived"  # 已到账
    NOT_PAID = "not_paid"  # 未付,已结束


@dataclass(frozen=True, slots=True)
class ByHand:
    """One payment by hand as its page shows it; amounts in fen."""

    id: UUID
    steps: Steps
    stand: Stand
    arrived_on: date | None
    marked_at: datetime | None
    receipt: str


@dataclass(frozen=True, slots=True)
class Payments:
    """The payments by hand of a party, the newest first."""

    template: ClassVar[str] = "channels/by_hand_list.html"
    payments: tuple[ByHand, ...]


@dataclass(frozen=True, slots=True)
class OnePayment:
    """One payment by hand: what to do, or what is known; `disturbed`: an operator lets nothing go to this bank now."""

    template: ClassVar[str] = "channels/by_hand.html"
    payment: ByHand
    disturbed: bool
    trouble: str
    note: str


@router.get("", dependencies=[page.needs("repay.read")])
def payments(request: Request, db: page.Transaction) -> Response:
    """What is to be paid by hand, and what became of it."""
    on = page.today(request)
    ways = [one for one in capabilities.ids(on=on) if capabilities.way(one, on=on).connector == manual.ByHand.name]
    rows = store_by_hand.by_hand(db, page.person(request), ways, at_most=MOST)
    return page.render(request, Payments(tuple(_shown(request, db, row) for row in rows)))


@router.get("/{instruction_id}", dependencies=[page.needs("repay.read")])
def payment(request: Request, db: page.Transaction, instruction_id: UUID) -> Response:
    """One payment by hand."""
    return page.render(request, _one(request, db, instruction_id, "", ""))


@router.post("/{instruction_id}/paid", dependencies=[page.needs("repay.manual"), Ours])
def paid(
    request: Request, db: page.Transaction, instruction_id: UUID,
    note: Annotated[str, Form(max_length=500)] = "", receipt: UploadFile | None = None,
) -> Response:  # fmt: skip
    """The person says it was paid; of a receipt its hash alone is kept, so that it can be compared later."""
    digest = _digest(receipt)

    def mark() -> None:
        evidence.mark_paid(db, page.actor(request), page.person(request), instruction_id, now=page.now(request),
                           note=note, receipt=digest)  # fmt: skip

    told = said(request, "已记下，等下一张账单确认到账。", "Noted; the next bill will confirm it.")
    return _marked(request, db, instruction_id, mark, told, note)


@router.post("/{instruction_id}/unpaid", dependencies=[page.needs("repay.manual"), Ours])
def unpaid(request: Request, db: page.Transaction, instruction_id: UUID) -> Response:
    """The person says nothing was paid; it ends here, unless something proves the contrary."""

    def mark() -> None:
        evidence.mark_unpaid(db, page.actor(request), page.person(request), instruction_id, now=page.now(request))

    told = said(request, "已记下：没有付款。", "Noted: nothing was paid.")
    return _marked(request, db, instruction_id, mark, told, "")


def _marked(
    request: Request, db: Session, instruction_id: UUID, mark: Callable[[], None], told: str, note: str
) -> Response:
    _found(request, db, instruction_id)  # what is nobody's, or somebody else's, is not there: 404 before anything else
    if trouble := attempt(request, db, mark):
        return page.render(request, _one(request, db, instruction_id, trouble, note), status=409)
    return page.go(f"/repay/by-hand/{instruction_id}", request=request, note=told)


def _one(request: Request, db: Session, instruction_id: UUID, trouble: str, note: str) -> OnePayment:
    row = _found(request, db, instruction_id)
    disturbed = stops.standing(db, row.channel, row.bank, page.now(request)) is not None
    return OnePayment(_shown(request, db, row), disturbed, trouble, note)


def _found(request: Request, db: Session, instruction_id: UUID) -> InstructionRow:
    row = store_by_hand.one(db, page.person(request), instruction_id)
    if row is None or capabilities.way(row.channel, on=page.today(request)).connector != manual.ByHand.name:
        raise page.NotFound("没有这笔手工还款。")
    return row


def _shown(request: Request, db: Session, row: InstructionRow) -> ByHand:
    seen = evidence.of(db, row.user_id, row.key)
    marked = [one for one in seen.rows if one.kind == Kind.MARKED]
    return ByHand(
        id=row.key, steps=manual.steps(instructions.as_instruction(row), on=page.today(request)),
        stand=_stand(row, seen.arrival, now=page.now(request)), arrived_on=seen.on,
        marked_at=marked[-1].given_at if marked else None, receipt=marked[-1].receipt_sha256 or "" if marked else "",
    )  # fmt: skip


def _stand(row: InstructionRow, arrival: Arrival, *, now: datetime) -> Stand:
    match arrival:
        case Arrival.ARRIVED:
            return Stand.ARRIVED
        case Arrival.IN_DOUBT:
            return Stand.IN_DOUBT
        case Arrival.UNPAID:
            return Stand.NOT_PAID
        case Arrival.MARKED:
            return Stand.MARKED
        case Arrival.NOTHING:
            if row.state == State.FAILED:
                return Stand.NOT_PAID
            return Stand.LATE if now >= row.expires_at else Stand.TO_PAY


def _digest(receipt: UploadFile | None) -> str | None:
    if receipt is None or not receipt.filename:
        return None
    return hashlib.sha256(receipt.file.read()).hexdigest()
