"""What a partner's program may ask, with the person's consent alone: the due board in amounts."""

from datetime import date
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel

from anhuan import identity
from anhuan.cards import views
from anhuan.kit import page
from anhuan.kit.money import to_text

router = APIRouter(prefix="/partner", tags=["partner"])


class SharedTotal(BaseModel):
    """What is open in one currency, as decimal text: in all, overdue, and within 30 days."""

    currency: str
    open: str
    overdue: str
    next_30_days: str


class SharedBoard(BaseModel):
    """The due board as it is shared: amounts alone, no bank, no card, no name."""

    as_of: date
    totals: list[SharedTotal]


@router.get("/people/{party_id}/board", dependencies=[page.needs("partner.board")])
def board(request: Request, db: page.Transaction, party_id: UUID) -> SharedBoard:
    """What this person owes soon, if they agreed to share it with the asking client; else 404 as for nobody."""
    identity.open_shared(db, page.actor(request), party_id, now=page.now(request))
    today = page.today(request)
    seen = views.due_board(db, party_id, on=today)
    return SharedBoard(
        as_of=today,
        totals=[
            SharedTotal(
                currency=one.currency,
                open=to_text(one.open, one.currency),
                overdue=to_text(one.overdue, one.currency),
                next_30_days=to_text(one.next_30_days, one.currency),
            )
            for one in seen.totals
        ],
    )
