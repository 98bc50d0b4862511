"""One posting at the operators' console: both legs, the chain it stands in, and what proves it."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from anhuan.kit import page
from anhuan.ledger import explorer, store_explorer
from anhuan.ledger.explorer import Posting
from anhuan.ledger.store_explorer import PostingRow

router = APIRouter(prefix="/desk/ledger/postings", include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Proof:
    """What proves a posting: its batch hashed again just now, the seal, and the signed root over it (None: not yet)."""

    verified: bool
    seal: str
    root_no: int | None
    root_at: datetime | None
    root_hash: str


@dataclass(frozen=True, slots=True)
class OnePosting:
    """One posting, complete."""

    template: ClassVar[str] = "ledger/posting.html"
    posting: Posting
    proof: Proof


@router.get("/{posting_id}", dependencies=[page.needs("desk.ledger")])
def posting(request: Request, db: page.Desk, posting_id: UUID) -> Response:
    """One posting; the leg on a person's account shows that it is one and no more."""
    row = _posting(db, posting_id)
    return page.render(request, OnePosting(explorer.posting_of(db, row), _proof(db, row)))


def _posting(db: Session, posting_id: UUID) -> PostingRow:
    row = store_explorer.posting(db, posting_id)
    if row is None:
        raise page.NotFound("没有这笔凭证。")
    return row


def _proof(db: Session, row: PostingRow) -> Proof:
    sealed = store_explorer.sealed(db, row)
    return Proof(
        verified=sealed is not None and sealed.whole, seal=bytes(sealed.hash).hex() if sealed else "",
        root_no=None, root_at=None, root_hash="",
    )  # fmt: skip
