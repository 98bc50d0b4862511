"""The receipt of one repayment as a page to print and as a file to keep."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from fastapi import APIRouter, Request, Response

from anhuan.kit import page
from anhuan.kit.downloads import download
from anhuan.repayments import receipts, screen_orders, views
from anhuan.repayments.receipts import Receipt
from anhuan.repayments.screen_orders import Progress

router = APIRouter(prefix="/repay/orders/{order_id}", include_in_schema=False)


@dataclass(frozen=True, slots=True)
class ReceiptPage:
    """回单 or 还款进度单."""

    template: ClassVar[str] = "repayments/receipt.html"
    order_id: UUID
    receipt: Receipt


@router.get("/receipt", dependencies=[page.needs("repay.read")])
def receipt(request: Request, db: page.Transaction, order_id: UUID) -> Response:
    """The receipt as a page."""
    progress = _progress(request, db, order_id)
    lang = page.visitor(request).lang
    made = receipts.receipt_of(db, page.person(request), progress, lang=lang)
    return page.render(request, ReceiptPage(order_id, made))


@router.get("/receipt.pdf", dependencies=[page.needs("repay.read")])
def receipt_file(request: Request, db: page.Transaction, order_id: UUID) -> Response:
    """The receipt as PDF."""
    progress = _progress(request, db, order_id)
    made = receipts.receipt_of(db, page.person(request), progress, lang=page.visitor(request).lang)
    body = receipts.pdf(made, at=receipts.last_of(progress))
    return download(body, "application/pdf", f"anhuan-repayment-{order_id}.pdf")


def _progress(request: Request, db: page.Transaction, order_id: UUID) -> Progress:
    party = page.person(request)
    return screen_orders.progress_of(db, party, views.find(db, party, order_id), today=page.today(request))
