"""Every question about bills as files printed them, and how a file is forgotten with all that it said."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from anhuan.statements.tables import FieldRow, LineRow, LinkRow, ReadBillRow, SightingRow


def read_bills_of(db: Session, user_id: UUID, file_ids: Iterable[UUID]) -> Sequence[ReadBillRow]:
    """The bills that these files printed, in order."""
    asked = select(ReadBillRow).where(ReadBillRow.user_id == user_id, ReadBillRow.file_id == func.any(list(file_ids)))
    return db.scalars(asked.order_by(ReadBillRow.id)).all()


def readings_of_bills(db: Session, user_id: UUID, bill_ids: Iterable[UUID]) -> Sequence[ReadBillRow]:
    """Every reading of these bills of room cards."""
    asked = select(ReadBillRow).where(ReadBillRow.user_id == user_id, ReadBillRow.bill_id == func.any(list(bill_ids)))
    return db.scalars(asked.order_by(ReadBillRow.id)).all()


def replaced_by(db: Session, user_id: UUID, read_bill_id: UUID) -> Sequence[ReadBillRow]:
    """The readings that this one superseded."""
    asked = select(ReadBillRow).where(ReadBillRow.user_id == user_id, ReadBillRow.superseded_by == read_bill_id)
    return db.scalars(asked).all()


def supersede(db: Session, user_id: UUID, read_bill_ids: Iterable[UUID], *, by: UUID | None) -> None:
    """Note which later reading took the place of these; None: they stand again."""
    mine = and_(ReadBillRow.user_id == user_id, ReadBillRow.id == func.any(list(read_bill_ids)))
    db.execute(
        update(ReadBillRow).where(mine).values(superseded_by=by), execution_options={"synchronize_session": False}
    )


def totals_of(db: Session, user_id: UUID, read_bill_ids: Iterable[UUID]) -> dict[UUID, int | None]:
    """What these bills as read said was due, in minor units."""
    asked = select(ReadBillRow.id, ReadBillRow.total_minor).where(
        ReadBillRow.user_id == user_id, ReadBillRow.id == func.any(list(read_bill_ids))
    )
    return {read_bill: total for read_bill, total in db.execute(asked)}


def fields_of(db: Session, user_id: UUID, read_bill_ids: Iterable[UUID]) -> Sequence[FieldRow]:
    """The fields of these bills as read."""
    asked = select(FieldRow).where(FieldRow.user_id == user_id, FieldRow.read_bill_id == func.any(list(read_bill_ids)))
    return db.scalars(asked).all()


def forget_files(db: Session, user_id: UUID, file_ids: Sequence[UUID], line_ids: Sequence[UUID]) -> None:
    """Delete what only these files said: these lines, their links, all sightings and bills of the files."""
    no_sync = {"synchronize_session": False}
    read_bills = select(ReadBillRow.id).where(ReadBillRow.user_id == user_id, ReadBillRow.file_id == func.any(file_ids))
    gone = list(line_ids)
    ends = or_(LinkRow.first_id == func.any(gone), LinkRow.second_id == func.any(gone))
    for each in (
        delete(FieldRow).where(FieldRow.user_id == user_id, FieldRow.read_bill_id.in_(read_bills)),
        delete(ReadBillRow).where(ReadBillRow.user_id == user_id, ReadBillRow.file_id == func.any(file_ids)),
        delete(SightingRow).where(SightingRow.user_id == user_id, SightingRow.file_id == func.any(file_ids)),
        delete(LinkRow).where(LinkRow.user_id == user_id, ends),
        delete(LineRow).where(LineRow.user_id == user_id, LineRow.id == func.any(gone)),
    ):
        db.execute(each, execution_options=no_sync)
