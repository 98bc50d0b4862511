"""What room identity asks of the database about consents, acceptances, texts and requests about one's own data."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.orm import Session

from anhuan.identity.tables_consent import AcceptanceRow, ConsentRow, DataRequestRow, DocumentRow

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
_FORGET = text("SELECT anhuan_forget(:day)")
_PARTNER = text("SELECT anhuan_partner(:client)")
_OVER = text(
    "SELECT r.user_id FROM data_requests r, jsonb_each(r.report -> 'stays') AS kept"
    " WHERE r.kind = 'erasure' AND r.state = 'done' AND (kept.value ->> 'until')::date < :day"
    " AND NOT (kept.value ? 'gone_on') GROUP BY r.user_id ORDER BY r.user_id LIMIT :at_most"
)
OPEN = ("waiting", "cooling", "running")


def lock(db: Session, name: str) -> None:
    """Let one transaction at a time go on under this name; freed at its end."""
    db.execute(_LOCK, {"name": name})


def newest(db: Session, party: UUID, purpose: str, partner: str) -> ConsentRow | None:
    """The last word about one purpose."""
    mine = (ConsentRow.user_id == party, ConsentRow.purpose == purpose, ConsentRow.partner == partner)
    return db.scalars(select(ConsentRow).where(*mine).order_by(ConsentRow.step.desc()).limit(1)).one_or_none()


def last_words(db: Session, party: UUID, *, at_most: int = 200) -> Sequence[ConsentRow]:
    """The last word about every purpose and partner."""
    asked = (
        select(ConsentRow)
        .where(ConsentRow.user_id == party)
        .ext(distinct_on(ConsentRow.purpose, ConsentRow.partner))
        .order_by(ConsentRow.purpose, ConsentRow.partner, ConsentRow.step.desc())
    )
    return db.scalars(asked.limit(at_most)).all()


def events(db: Session, party: UUID, *, at_most: int) -> Sequence[ConsentRow]:
    """Every yes and no of a party, newest first."""
    asked = select(ConsentRow).where(ConsentRow.user_id == party)
    return db.scalars(asked.order_by(ConsentRow.at.desc(), ConsentRow.step.desc()).limit(at_most)).all()


def partner_name(db: Session, client: str) -> str | None:
    """What a partner's standing program is called, or None."""
    found: str | None = db.scalar(_PARTNER, {"client": client})
    return found


def documents(db: Session, kind: str) -> Sequence[DocumentRow]:
    """The versions of a text that were published at the desk, oldest first."""
    return db.scalars(select(DocumentRow).where(DocumentRow.kind == kind).order_by(DocumentRow.version)).all()


def accepted(db: Session, party: UUID) -> Mapping[str, int]:
    """The newest accepted version of every agreement."""
    asked = select(AcceptanceRow.kind, func.max(AcceptanceRow.version)).where(AcceptanceRow.user_id == party)
    return {kind: version for kind, version in db.execute(asked.group_by(AcceptanceRow.kind))}


def acceptances(db: Session, party: UUID, *, at_most: int = 200) -> Sequence[AcceptanceRow]:
    """What a party accepted, newest first."""
    asked = select(AcceptanceRow).where(AcceptanceRow.user_id == party)
    return db.scalars(asked.order_by(AcceptanceRow.at.desc(), AcceptanceRow.id.desc()).limit(at_most)).all()


def add_acceptance(db: Session, row: AcceptanceRow) -> bool:
    """Store an acceptance unless this version was accepted before; tells whether it was new."""
    values = {column.key: getattr(row, column.key) for column in AcceptanceRow.__table__.columns}
    made = insert(AcceptanceRow).values(values).on_conflict_do_nothing().returning(AcceptanceRow.id)
    return db.execute(made).one_or_none() is not None


def request(db: Session, party: UUID, request_id: UUID, *, locked: bool = False) -> DataRequestRow | None:
    """One request about one's own data; locked: nobody else may change it until this transaction ends."""
    mine = (DataRequestRow.user_id == party, DataRequestRow.id == request_id)
    asked = select(DataRequestRow).where(*mine).execution_options(populate_existing=True)
    return db.scalars(asked.with_for_update() if locked else asked).one_or_none()


def open_request(db: Session, party: UUID, kind: str) -> DataRequestRow | None:
    """The request of a kind that is not at its end yet."""
    mine = (DataRequestRow.user_id == party, DataRequestRow.kind == kind, DataRequestRow.state.in_(OPEN))
    return db.scalars(select(DataRequestRow).where(*mine)).one_or_none()


def requests(db: Session, party: UUID, *, at_most: int = 50) -> Sequence[DataRequestRow]:
    """A party's requests, newest first."""
    asked = select(DataRequestRow).where(DataRequestRow.user_id == party)
    return db.scalars(asked.order_by(DataRequestRow.asked_at.desc(), DataRequestRow.id.desc()).limit(at_most)).all()


def by_receipt(db: Session, receipt_hash: bytes) -> DataRequestRow | None:
    """The request that a receipt's secret opens; the wall must have been shown the secret."""
    return db.scalars(select(DataRequestRow).where(DataRequestRow.receipt_hash == receipt_hash)).one_or_none()


def report(db: Session, party: UUID, request_id: UUID, *, percent: int, doing: str) -> None:
    """Say how far a request is."""
    mine = (DataRequestRow.user_id == party, DataRequestRow.id == request_id, DataRequestRow.state == "running")
    db.execute(
        update(DataRequestRow).where(*mine).values(percent=percent, doing=doing),
        execution_options={"synchronize_session": False},
    )


def undone(db: Session, now: datetime, *, at_most: int) -> Sequence[tuple[UUID, UUID, str]]:
    """Requests of all parties that should be at work or done by now, oldest first; for the worker alone."""
    asked = select(DataRequestRow.user_id, DataRequestRow.id, DataRequestRow.kind).where(
        DataRequestRow.state.in_(OPEN), DataRequestRow.acts_at <= now
    )
    found = db.execute(asked.order_by(DataRequestRow.acts_at).limit(at_most))
    return [(party, request_id, kind) for party, request_id, kind in found]


def outlived(db: Session, now: datetime, *, at_most: int) -> Sequence[DataRequestRow]:
    """Exports of all parties whose file should be gone by now; for the worker alone."""
    asked = select(DataRequestRow).where(DataRequestRow.state == "done", DataRequestRow.expires_at <= now)
    return db.scalars(asked.order_by(DataRequestRow.expires_at).limit(at_most)).all()


def over(db: Session, day: date, *, at_most: int) -> Sequence[UUID]:
    """Erased people of whom some duty kept rows until before this day; for the worker alone."""
    return db.scalars(_OVER, {"day": day, "at_most": at_most}).all()


def done_erasure(db: Session, party: UUID) -> DataRequestRow | None:
    """The erasure of a party that is done, locked for a change of its receipt."""
    mine = (DataRequestRow.user_id == party, DataRequestRow.kind == "erasure", DataRequestRow.state == "done")
    asked = select(DataRequestRow).where(*mine).order_by(DataRequestRow.done_at.desc()).limit(1)
    return db.scalars(asked.with_for_update()).one_or_none()


def forget_kept(db: Session, day: date) -> int:
    """Delete proof of consents that was kept until before this day, through the owner's function; tells of how many."""
    return db.scalar(_FORGET, {"day": day}) or 0
