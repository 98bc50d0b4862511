"""Every question about batches, files, mappings and health; lines and bills have stores of their own."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import and_, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from anhuan.kit import ids
from anhuan.statements.keyed import Keyed
from anhuan.statements.tables import BookRow, FileRow, ImportRow, MappingRow, MetRow


class Meeting(NamedTuple):
    """How often a reader met a layout with one outcome, first and last."""

    reader: str
    template: str
    bank: str | None
    kind: str
    outcome: str
    problem: str | None
    met: int
    first: datetime
    last: datetime


# --- the book ---------------------------------------------------------------------------------------------------------


def book_of(db: Session, user_id: UUID, *, lock: bool = False) -> int:
    """The state number of the user's intake; `lock` makes other commits of this user wait for this transaction."""
    if lock:
        _open_book(db, user_id)
    asked = select(BookRow.state).where(BookRow.user_id == user_id)
    return db.scalar(asked.with_for_update() if lock else asked) or 0


def turn_page(db: Session, user_id: UUID) -> int:
    """Count one more change of the user's intake: every preview made before is stale from now on."""
    turned = update(BookRow).where(BookRow.user_id == user_id).values(state=BookRow.state + 1).returning(BookRow.state)
    if (state := db.execute(turned).scalar_one_or_none()) is not None:
        return state
    _open_book(db, user_id)
    return db.execute(turned).scalar_one()


def _open_book(db: Session, user_id: UUID) -> None:
    book = insert(BookRow).values(user_id=user_id, id=ids.new_id(), state=0)
    db.execute(book.on_conflict_do_nothing(index_elements=["user_id"]))


# --- imports and files ------------------------------------------------------------------------------------------------


def import_row(db: Session, user_id: UUID, import_id: UUID) -> ImportRow | None:
    """One batch, or None."""
    return db.get(ImportRow, (user_id, import_id))


def drop_previews(db: Session, user_id: UUID, *, before: datetime) -> None:
    """Forget previews that nobody committed."""
    stale = and_(ImportRow.user_id == user_id, ImportRow.state == "previewed", ImportRow.made_at < before)
    db.execute(delete(ImportRow).where(stale))


def imports(db: Session, user_id: UUID, *, at_most: int) -> Sequence[ImportRow]:
    """Committed and taken-back batches, newest first."""
    asked = select(ImportRow).where(ImportRow.user_id == user_id, ImportRow.state != "previewed")
    return db.scalars(asked.order_by(ImportRow.committed_at.desc(), ImportRow.id.desc()).limit(at_most)).all()


def last_committed(db: Session, user_id: UUID) -> ImportRow | None:
    """The newest batch that stands."""
    asked = select(ImportRow).where(ImportRow.user_id == user_id, ImportRow.state == "committed")
    return db.scalar(asked.order_by(ImportRow.committed_at.desc(), ImportRow.id.desc()).limit(1))


def files_of(db: Session, user_id: UUID, import_ids: Iterable[UUID]) -> Sequence[FileRow]:
    """The stored files of these batches, in the order in which they were given."""
    asked = select(FileRow).where(FileRow.user_id == user_id, FileRow.import_id.in_(list(import_ids)))
    return db.scalars(asked.order_by(FileRow.import_id, FileRow.position)).all()


def also_held(db: Session, user_id: UUID, import_id: UUID) -> list[tuple[FileRow, FileRow]]:
    """The standing files of a batch that other standing batches were given too, each with its row in the earliest."""
    mine, other = aliased(FileRow), aliased(FileRow)
    asked = (
        select(mine, other)
        .join(
            other,
            and_(
                other.user_id == mine.user_id,
                other.content_key == mine.content_key,
                other.import_id != mine.import_id,
            ),
        )
        .join(ImportRow, and_(ImportRow.user_id == other.user_id, ImportRow.id == other.import_id))
        .where(mine.user_id == user_id, mine.import_id == import_id, mine.standing, ImportRow.state == "committed")
        .order_by(mine.id, ImportRow.committed_at, ImportRow.id)
    )
    found: dict[UUID, tuple[FileRow, FileRow]] = {}
    for file, held in db.execute(asked):
        found.setdefault(file.id, (file, held))
    return list(found.values())


def told_balances(db: Session, user_id: UUID) -> Sequence[ImportRow]:
    """The batches, taken back or not, that told what own accounts hold; oldest first."""
    asked = select(ImportRow).where(ImportRow.user_id == user_id, ImportRow.balances.is_not(None))
    return db.scalars(asked.order_by(ImportRow.committed_at, ImportRow.id)).all()


def names_by_hash(db: Session, user_id: UUID, hashes: Iterable[str]) -> dict[str, str]:
    """For each of these file hashes that is stored and stands: the name it was stored under."""
    keyed = Keyed(user_id)
    known = {keyed.content(sha256): sha256 for sha256 in hashes}
    asked = select(FileRow.content_key, FileRow.name).where(
        FileRow.user_id == user_id, FileRow.standing, FileRow.content_key == func.any(list(known))
    )
    return {known[content]: name for content, name in db.execute(asked)}


# --- mappings and health ----------------------------------------------------------------------------------------------


def mappings(db: Session, user_id: UUID) -> dict[str, dict[str, Any]]:
    """The user's column mappings by heading fingerprint."""
    asked = select(MappingRow.fingerprint, MappingRow.mapping).where(MappingRow.user_id == user_id)
    return {fingerprint: mapping for fingerprint, mapping in db.execute(asked)}


def mapping_row(db: Session, user_id: UUID, fingerprint: str) -> MappingRow | None:
    """The user's column mapping for these headings."""
    return db.scalar(select(MappingRow).where(MappingRow.user_id == user_id, MappingRow.fingerprint == fingerprint))


def meetings(db: Session, user_id: UUID) -> list[Meeting]:
    """Parser health, one row for each reader, layout and outcome."""
    group = (MetRow.reader, MetRow.template, MetRow.bank, MetRow.kind, MetRow.outcome, MetRow.problem)
    asked = select(*group, func.count(), func.min(MetRow.met_at), func.max(MetRow.met_at))
    rows = db.execute(asked.where(MetRow.user_id == user_id).group_by(*group).order_by(*group))
    return [Meeting(*row) for row in rows]
