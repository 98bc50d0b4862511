"""One posting at the operators' console: both legs, the chain it stands in, and what proves it."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from anhuan.kit import audit, page
from anhuan.kit.downloads import download
from anhuan.ledger import explorer, proof, store_explorer
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
    rows: int


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


@router.get("/{posting_id}/proof.json", dependencies=[page.needs("desk.ledger")])
def proof_of(request: Request, db: page.Desk, posting_id: UUID) -> Response:
    """The proof of a posting as a file that can be checked without us; refused until a signed root covers it."""
    row = _posting(db, posting_id)
    body = proof.prove(db, row.id)
    audit.write(db, page.actor(request), "export.taken", f"posting:{row.id}", {"proof": True}, now=page.now(request))
    return download(body.encode(), "application/json", f"anhuan-proof-{row.id}.json")


def _posting(db: Session, posting_id: UUID) -> PostingRow:
    row = store_explorer.posting(db, posting_id)
    if row is None:
        raise page.NotFound("没有这笔凭证。")
    return row


def _proof(db: Session, row: PostingRow) -> Proof:
    sealed, root = store_explorer.sealed(db, row), proof.place_of(db, row.id).root
    return Proof(
        verified=sealed is not None and sealed.whole, seal=bytes(sealed.hash).hex() if sealed else "",
        root_no=root.no if root else None, root_at=datetime.fromisoformat(root.at) if root else None,
        root_hash=root.hash if root else "", rows=sealed.n if sealed else 0,
    )  # fmt: skip
