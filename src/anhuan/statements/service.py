"""The acts of the intake: preview a batch of files, commit it, take it back, and ask for what was stored.

Each act runs inside the caller's transaction and never commits. The words are in changes.py.
"""

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from anhuan import cards
from anhuan.kit import ids
from anhuan.statements import (
    above,
    facts,
    health,
    intake,
    linking,
    mapping,
    packing,
    reading,
    store,
    store_bills,
    store_lines,
    writing,
)
from anhuan.statements.changes import (
    BillEffect,
    Commit,
    FileEffect,
    FileRead,
    ImportShown,
    ImportState,
    LineShown,
    LinesPage,
    LinkKind,
    NoSuchImport,
    NotCommitted,
    Preview,
    PreviewStale,
    Upload,
)
from anhuan.statements.mapping import Mapping
from anhuan.statements.model import LineKind, Source
from anhuan.statements.tables import ImportRow, LineRow, MappingRow, ReadBillRow

_KEPT_FOR: Final = timedelta(days=1)  # a preview that nobody committed


def preview(
    db: Session,
    user_id: UUID,
    files: Sequence[Upload],
    *,
    now: datetime,
    progress: Callable[[], None] | None = None,
) -> Preview:
    """Read the files and work out what a commit would do; stores the change set (for a day) and nothing else.

    A file that cannot be read is a `FileChange` with effect REFUSED (or ASKS_PASSWORD, ASKS_MAPPING) and its problems;
    hand it in again with a password, or after `save_mapping`, to get another preview. Never raises for a bad file.
    `progress` is called once for each file that was read.
    """
    with _calm():
        read = reading.read_all(files, saved_mappings(db, user_id), progress=progress)
        return preview_of(db, user_id, read, now=now)


def preview_of(db: Session, user_id: UUID, files: Sequence[FileRead], *, now: datetime) -> Preview:
    """The same for files that were read already."""
    health.note(db, user_id, files, now=now)
    made = intake.draft(db, user_id, files, now=now)
    made = intake.with_bills(db, made, intake.foreseen(db, made, now=now))
    store.drop_previews(db, user_id, before=now - _KEPT_FOR)
    db.add(_import_row(made, ImportState.PREVIEWED, change_set=packing.pack(made)))
    db.flush()
    return made


def find_preview(db: Session, user_id: UUID, preview_id: UUID) -> Preview:
    """The stored preview again, for a page that is loaded anew; refuses with `NoSuchImport`."""
    row = store.import_row(db, user_id, preview_id)
    if row is None or row.change_set is None:
        raise NoSuchImport("没有这个预览，可能已经导入或过期。", field="preview_id")
    return packing.unpack(row.change_set)


def commit(db: Session, user_id: UUID, preview_id: UUID, *, now: datetime) -> Commit:
    """Apply exactly this preview, all files or none; refuses with `PreviewStale` when the books moved on since.

    Committing the same preview twice gives back the first commit.
    """
    book = store.book_of(db, user_id, lock=True)
    row = store.import_row(db, user_id, preview_id)
    if row is not None and row.state == ImportState.COMMITTED:
        return _commit_of(row)
    made = find_preview(db, user_id, preview_id)
    if made.book != book:
        raise PreviewStale("预览之后又有别的导入或撤销，请重新预览。", field="preview_id")
    assert row is not None
    with db.begin_nested():  # a refusal half way leaves nothing, even where the caller goes on
        recorded = intake.record_bills(db, made, now=now)
        if recorded.effects != _effects_of(made):
            raise PreviewStale("预览之后账单有了变化，请重新预览。", field="preview_id")
        return _apply(db, made, recorded, row, now=now)


def take_in(
    db: Session,
    user_id: UUID,
    files: Sequence[Upload],
    *,
    now: datetime,
    progress: Callable[[], None] | None = None,
) -> tuple[Preview, Commit]:
    """Read and store a batch in one go, for callers that need no look before: the same change set, applied at once."""
    with _calm():
        read = reading.read_all(files, saved_mappings(db, user_id), progress=progress)
        return take_in_read(db, user_id, read, now=now)


def take_in_read(db: Session, user_id: UUID, files: Sequence[FileRead], *, now: datetime) -> tuple[Preview, Commit]:
    """The same for files that were read already."""
    store.book_of(db, user_id, lock=True)
    health.note(db, user_id, files, now=now)
    made = intake.draft(db, user_id, files, now=now)
    recorded = intake.record_bills(db, made, now=now)
    made = intake.with_bills(db, made, recorded)
    row = _import_row(made, ImportState.PREVIEWED, change_set=None)
    db.add(row)
    db.flush()
    return made, _apply(db, made, recorded, row, now=now)


def undo(db: Session, user_id: UUID, commit_id: UUID, *, now: datetime) -> ImportShown:
    """Take a whole commit back: rows that no other import shows go, superseded bills stand again.

    Imports may be taken back in any order: what another import shows or vouches for stays. Refuses with `NotCommitted`
    or `NoSuchImport`.
    """
    store.book_of(db, user_id, lock=True)
    row = store.import_row(db, user_id, commit_id)
    if row is None or row.state == ImportState.PREVIEWED:
        raise NoSuchImport("没有这次导入。", field="commit_id")
    if row.state != ImportState.COMMITTED:
        raise NotCommitted("这次导入已经撤销过了。", field="commit_id")
    writing.hand_files_over(db, row, now=now)
    files = store.files_of(db, user_id, [row.id])
    file_ids = [each.id for each in files]
    gone = store_lines.lines_only_in(db, user_id, file_ids)
    kept = store_lines.lines_in(db, user_id, file_ids) - set(gone)
    kept |= _take_bills_back(db, row, file_ids, now=now)
    writing.give_back_balances(db, row)
    leaving = store_lines.rows_by_id(db, user_id, gone)
    store_bills.forget_files(db, user_id, file_ids, gone)
    store_lines.sum_up_standing(db, user_id, kept)
    resting, moved = store_lines.resting(db, user_id, kept), store_lines.rows_by_id(db, user_id, kept)
    arrive = [each for each in moved if each.id not in resting]
    leave = [*leaving, *(each for each in moved if each.id in resting)]
    writing.write_links(db, user_id, *linking.link_changes(db, user_id, arrive=arrive, leave=leave))
    writing.credit_repayments(db, user_id, {each.bank for each in files if each.source == Source.CARD}, now=now)
    for each in files:
        each.standing = False
    row.state, row.taken_back_at = ImportState.TAKEN_BACK, now
    store.turn_page(db, user_id)
    db.flush()
    db.expire_all()
    above.tell(db, user_id)
    return _shown(row, [each.name for each in files])


def imports(db: Session, user_id: UUID, *, at_most: int = 50) -> Sequence[ImportShown]:
    """The committed and taken-back batches, newest first."""
    rows = store.imports(db, user_id, at_most=at_most)
    names: dict[UUID, list[str]] = {row.id: [] for row in rows}
    for file in store.files_of(db, user_id, names):
        names[file.import_id].append(file.name)
    return [_shown(row, names[row.id]) for row in rows]


def last_import(db: Session, user_id: UUID) -> UUID:
    """The newest batch that stands, which is what people mean by "take that back"; refuses with `NoSuchImport`."""
    row = store.last_committed(db, user_id)
    if row is None:
        raise NoSuchImport("没有可以撤销的导入。")
    return row.id


def lines_of_card(
    db: Session,
    user_id: UUID,
    *,
    bank: str,
    card: str | None = None,
    since: date | None = None,
    until: date | None = None,
    offset: int = 0,
    at_most: int = 50,
) -> LinesPage:
    """The lines of one bank's card (by last digits; None: all its cards), newest first, days inclusive."""
    where = [store_lines.of_card(bank, card), *store_lines.between(since, until)]
    return _page(db, user_id, where, offset=offset, at_most=at_most)


def lines_of_bill(db: Session, user_id: UUID, bill_id: UUID, *, offset: int = 0, at_most: int = 200) -> LinesPage:
    """The lines that stand in a bill (id of room cards), newest first."""
    return _page(db, user_id, [store_lines.in_bill(user_id, bill_id)], offset=offset, at_most=at_most)


def lines_of_import(db: Session, user_id: UUID, import_id: UUID, *, offset: int = 0, at_most: int = 50) -> LinesPage:
    """The lines that a committed batch shows, known ones too, newest first; refuses with `NoSuchImport`."""
    if store.import_row(db, user_id, import_id) is None:
        raise NoSuchImport("没有这次导入。", field="import_id")
    return _page(db, user_id, [store_lines.in_import(user_id, import_id)], offset=offset, at_most=at_most)


def lines(
    db: Session,
    user_id: UUID,
    *,
    since: date | None = None,
    until: date | None = None,
    offset: int = 0,
    at_most: int = 50,
) -> LinesPage:
    """All lines of the user that stand, newest first, days inclusive."""
    return _page(db, user_id, store_lines.between(since, until), offset=offset, at_most=at_most)


def save_mapping(db: Session, user_id: UUID, headings: Sequence[str], columns: Mapping, *, now: datetime) -> None:
    """Keep the user's choice of columns for tables with these headings; the next such file is read without asking.

    Refuses with `mapping.BadMapping` what does not fit the headings.
    """
    mapping.places(columns, headings)
    name = mapping.fingerprint(headings)
    row = store.mapping_row(db, user_id, name)
    if row is None:
        row = MappingRow(user_id=user_id, id=ids.new_id(), fingerprint=name)
        db.add(row)
    row.headings, row.mapping, row.saved_at = list(mapping.trimmed(headings)), columns.as_json(), now
    db.flush()


def saved_mappings(db: Session, user_id: UUID) -> dict[str, Mapping]:
    """The user's column mappings by heading fingerprint, as readers want them."""
    return {name: mapping.from_json(stored) for name, stored in store.mappings(db, user_id).items()}


def shown_lines(db: Session, user_id: UUID, rows: Sequence[LineRow]) -> tuple[LineShown, ...]:
    """Stored lines as pages show them, with their links."""
    line_ids = [row.id for row in rows]
    linked: dict[UUID, list[tuple[LinkKind, UUID]]] = {line_id: [] for line_id in line_ids}
    told = set()
    for link in store_lines.links_of(db, user_id, line_ids) if line_ids else ():
        kind = LinkKind(link.kind)
        for one, other in ((link.first_id, link.second_id), (link.second_id, link.first_id)):
            if one in linked:
                linked[one].append((kind, other))
        if kind is LinkKind.SAME:
            told.add(link.second_id)
    return tuple(_line_shown(row, row.id not in told, tuple(linked[row.id])) for row in rows)


@contextmanager
def _calm() -> Iterator[None]:
    """Let the search for cyclic garbage rest: a long export makes a million small values, none of them in a cycle."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _apply(db: Session, made: Preview, recorded: intake.Recorded, row: ImportRow, *, now: datetime) -> Commit:
    """Write the change set and turn the page of the book."""
    counts: dict[str, Any] = dict(writing.write(db, made, recorded, now=now))
    balances = writing.record_balances(db, made)
    banks = {file.bank for file in made.files if file.effect is FileEffect.NEW and file.source is Source.CARD}
    writing.credit_repayments(db, made.user_id, banks, now=now)
    row.state, row.committed_at, row.change_set, row.counts = ImportState.COMMITTED, now, None, counts
    row.balances = balances or None
    store.turn_page(db, made.user_id)
    db.flush()
    above.tell(db, made.user_id)
    return _commit_of(row)


def _take_bills_back(db: Session, row: ImportRow, files: Sequence[UUID], *, now: datetime) -> set[UUID]:
    """Withdraw what the batch told room cards; gives the lines of bills that stand again.

    A bill that another import tells too is told again in that import's name.
    """
    user_id, again = row.user_id, set[UUID]()
    mine = store_bills.read_bills_of(db, user_id, files)
    own = {each.id for each in mine}
    told = {each.bill_id for each in mine if each.bill_id is not None}
    shared = [each for each in store_bills.readings_of_bills(db, user_id, told) if each.id not in own]
    restored: list[ReadBillRow] = []
    for each in mine:
        older = [other for other in store_bills.replaced_by(db, user_id, each.id) if other.id not in own]
        if older:
            store_bills.supersede(db, user_id, [other.id for other in older], by=each.superseded_by)
            restored += older if each.superseded_by is None else []
    cards.take_back(db, user_id, row.id, now=now)
    again_told = sorted([*(one for one in shared if one.superseded_by is None), *restored], key=lambda one: one.id)
    with cards.recording(db, user_id, now=now) as recorder:
        for each in again_told:
            if each.facts is not None:
                each.bill_id = recorder.record(packing.unpack_facts(each.facts)).bill_id
    if restored:
        again.update(store_lines.set_sightings(db, user_id, [each.id for each in restored], standing=True))
    db.flush()
    return again


def _effects_of(made: Preview) -> dict[UUID, tuple[BillEffect, tuple[UUID, ...]]]:
    return {
        bill.id: (bill.effect, bill.replaces)
        for file in made.files
        for bill in file.bills
        if facts.can_be_recorded(bill.bill, file.bank)
    }


def _import_row(made: Preview, state: ImportState, *, change_set: bytes | None) -> ImportRow:
    return ImportRow(
        user_id=made.user_id, id=made.id, state=state, book=made.book, made_at=made.made_at, change_set=change_set,
        counts={},
    )  # fmt: skip


def _commit_of(row: ImportRow) -> Commit:
    assert row.committed_at is not None
    told = row.counts
    return Commit(
        row.id, row.committed_at, told["files"], told["lines"], told["bills_new"], told["bills_superseded"],
        told["bills_same"], told["links"],
    )  # fmt: skip


def _shown(row: ImportRow, names: Iterable[str]) -> ImportShown:
    return ImportShown(
        row.id, ImportState(row.state), row.made_at, row.committed_at, row.taken_back_at, tuple(names),
        row.counts.get("lines", 0), row.counts.get("bills", 0),
    )  # fmt: skip


def _page(db: Session, user_id: UUID, where: Sequence[ColumnElement[bool]], *, offset: int, at_most: int) -> LinesPage:
    rows, total = store_lines.page_of_lines(db, user_id, where=where, offset=offset, at_most=at_most)
    return LinesPage(shown_lines(db, user_id, rows), total, offset)


def _line_shown(row: LineRow, counts: bool, links: tuple[tuple[LinkKind, UUID], ...]) -> LineShown:
    return LineShown(
        row.id, row.posted_on, row.traded_on, row.said.description, row.said.amount, row.currency, row.card,
        LineKind(row.kind), Source(row.source), row.bank, row.said.account, counts, links,
    )  # fmt: skip
