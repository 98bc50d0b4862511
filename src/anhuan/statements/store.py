"""Every question that the intake asks of the database, and its bulk writes."""

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from functools import lru_cache
from itertools import islice
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    ColumnElement,
    Dialect,
    LargeBinary,
    Select,
    String,
    Text,
    TextClause,
    Uuid,
    and_,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import dialect, insert
from sqlalchemy.orm import Session, aliased
from sqlalchemy.types import TypeEngine

from anhuan.kit import clock, ids
from anhuan.kit.db import Base
from anhuan.statements.changes import LinkKind
from anhuan.statements.matching import Row
from anhuan.statements.model import FileKind, LineKind, Source
from anhuan.statements.tables import (
    BookRow,
    FieldRow,
    FileRow,
    ImportRow,
    LineRow,
    LinkRow,
    MappingRow,
    MetRow,
    ReadBillRow,
    SightingRow,
)

_UUID_MARK: Final = 0x7 << 76 | 0b10 << 62
_VARIANT: Final = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}  # RFC 9562, 4.1
_FEE_WORDS: Final = "年费|手续费|违约金|滞纳金|会员费|工本费|利息|[Ff]ee|FEE|[Ii]nterest|INTEREST"
_COPY_ROWS: Final = 2000
_MATCHED: Final = (
    LineRow.id, LineRow.row_key, LineRow.occurrence, LineRow.stream, LineRow.file_kind, LineRow.source, LineRow.bank,
    LineRow.card, LineRow.account, LineRow.posted_on, LineRow.traded_on, LineRow.amount_minor, LineRow.currency,
    LineRow.kind, LineRow.description, LineRow.counterparty, LineRow.paid_with, LineRow.reference,
)  # fmt: skip


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


def new_ids(count: int) -> list[UUID]:
    """Many ids of this moment at once, like `kit.ids.new_id` and in its form, for rows that come by the thousand."""
    stamp = int(clock.now().timestamp() * 1000) & (1 << 48) - 1
    chance, head = os.urandom(10 * count), stamp << 80 | _UUID_MARK
    made = []
    for at in range(0, 10 * count, 10):
        bits = int.from_bytes(chance[at : at + 10], "big")
        made.append(head | (bits >> 68) << 64 | bits & (1 << 62) - 1)
    made.sort()  # in the order of an index, which then grows at its end alone
    return [UUID(int=each) for each in made]


def id_stream() -> Iterator[UUID]:
    """Fresh ids without end."""
    for count in _batches():
        yield from new_ids(count)


def id_texts() -> Iterator[str]:
    """The same as 32 hexadecimal digits each, for rows that are only written and never looked at."""
    for count in _batches():
        stamp = int(clock.now().timestamp() * 1000) & (1 << 48) - 1
        head, chance = f"{stamp:012x}7", os.urandom(10 * count).hex()
        yield from sorted(
            f"{head}{chance[at : at + 3]}{_VARIANT[chance[at + 3]]}{chance[at + 4 : at + 19]}"
            for at in range(0, 20 * count, 20)
        )


def _batches() -> Iterator[int]:
    """How many ids to make at once: few for a mail, many for a long export."""
    count = 32
    while True:
        yield count
        count = min(4 * count, _COPY_ROWS)


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
            other, and_(other.user_id == mine.user_id, other.sha256 == mine.sha256, other.import_id != mine.import_id)
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
    asked = select(ImportRow).where(ImportRow.user_id == user_id, ImportRow.counts.has_key("balances"))
    return db.scalars(asked.order_by(ImportRow.committed_at, ImportRow.id)).all()


def names_by_hash(db: Session, user_id: UUID, hashes: Iterable[str]) -> dict[str, str]:
    """For each of these file hashes that is stored and stands: the name it was stored under."""
    asked = select(FileRow.sha256, FileRow.name).where(
        FileRow.user_id == user_id, FileRow.standing, FileRow.sha256 == func.any(list(hashes))
    )
    return {sha256: name for sha256, name in db.execute(asked)}


# --- lines ------------------------------------------------------------------------------------------------------------


def lines_by_key(db: Session, user_id: UUID, keys: Iterable[bytes]) -> dict[tuple[bytes, int], UUID]:
    """The stored lines with these keys: (key, occurrence) to id."""
    asked = select(LineRow.row_key, LineRow.occurrence, LineRow.id).where(
        LineRow.user_id == user_id, LineRow.row_key.in_(_each(UUID(bytes=key) for key in keys))
    )
    return {(key.bytes, occurrence): line for key, occurrence, line in db.execute(asked)}


def has_lines(db: Session, user_id: UUID) -> bool:
    """Whether anything of the user is stored, so that a first import need not be compared with anything."""
    return db.scalar(select(LineRow.id).where(LineRow.user_id == user_id).limit(1)) is not None


def _each(ids_: Iterable[UUID]) -> Select[tuple[UUID]]:
    """Many ids as rows to join with: a prepared plan would walk through a list of 100,000 once for every row."""
    return select(func.unnest(literal(list(ids_), ARRAY(Uuid))))


def rows_by_amount(db: Session, user_id: UUID, buckets: Iterable[tuple[str, int]]) -> list[Row]:
    """All standing lines whose currency and size of amount are among the buckets."""
    pairs = list(buckets)
    currencies = literal([currency for currency, _ in pairs], ARRAY(Text))
    sizes = literal([size for _, size in pairs], ARRAY(BigInteger))
    wanted = func.unnest(currencies, sizes).table_valued("currency", "size").render_derived()
    asked = select(*_MATCHED).join_from(
        LineRow, wanted, and_(LineRow.currency == wanted.c.currency, func.abs(LineRow.amount_minor) == wanted.c.size)
    )
    return [_row(each) for each in db.execute(asked.where(LineRow.user_id == user_id, LineRow.standing))]


def rows_by_order(db: Session, user_id: UUID, roots: Iterable[str]) -> list[Row]:
    """All standing lines whose order number is built on one of these."""
    asked = select(*_MATCHED).where(
        LineRow.user_id == user_id, LineRow.standing, LineRow.order_root == func.any(list(roots))
    )
    return [_row(each) for each in db.execute(asked)]


def rows_by_id(db: Session, user_id: UUID, line_ids: Iterable[UUID]) -> list[Row]:
    """These lines as matching sees them, standing or not."""
    asked = select(*_MATCHED).where(LineRow.user_id == user_id, LineRow.id.in_(_each(line_ids)))
    return [_row(each) for each in db.execute(asked)]


def _row(each: Any) -> Row:
    (line, key, occurrence, stream, file_kind, source, bank, card, account, *rest) = each
    posted_on, traded_on, amount, currency, kind, description, counterparty, paid_with, reference = rest
    return Row(
        line, key.bytes, occurrence, stream, FileKind(file_kind), Source(source), bank, card or account, posted_on,
        traded_on, amount, currency, LineKind(kind), description, counterparty, paid_with, reference,
    )  # fmt: skip


def lines_only_in(db: Session, user_id: UUID, file_ids: Iterable[UUID]) -> list[UUID]:
    """The lines that these files show and no other file does."""
    mine, other = list(file_ids), aliased(SightingRow)
    elsewhere = exists().where(
        other.user_id == user_id, other.line_id == SightingRow.line_id, other.file_id != func.all(mine)
    )
    asked = select(SightingRow.line_id).distinct()
    here = (SightingRow.user_id == user_id, SightingRow.file_id == func.any(mine))
    return list(db.scalars(asked.where(*here, ~elsewhere)))


def lines_in(db: Session, user_id: UUID, file_ids: Iterable[UUID]) -> set[UUID]:
    """The lines that these files show."""
    asked = select(SightingRow.line_id).where(
        SightingRow.user_id == user_id, SightingRow.file_id == func.any(list(file_ids))
    )
    return set(db.scalars(asked))


def standing_sightings(db: Session, user_id: UUID, read_bill_ids: Iterable[UUID]) -> list[tuple[UUID, UUID]]:
    """(line, sighting) of the standing sightings within these bills as read."""
    asked = select(SightingRow.line_id, SightingRow.id).where(
        SightingRow.user_id == user_id, SightingRow.standing, SightingRow.read_bill_id == func.any(list(read_bill_ids))
    )
    return [(line, sighting) for line, sighting in db.execute(asked)]


def lines_only_shown_by(
    db: Session, user_id: UUID, line_ids: Iterable[UUID], read_bill_ids: Iterable[UUID]
) -> set[UUID]:
    """Those of the lines that no standing sighting outside these bills as read shows."""
    mine, bills = set(line_ids), list(read_bill_ids)
    asked = select(SightingRow.line_id).where(
        SightingRow.user_id == user_id,
        SightingRow.line_id == func.any(list(mine)),
        SightingRow.standing,
        or_(SightingRow.read_bill_id.is_(None), SightingRow.read_bill_id != func.all(bills)),
    )
    return mine - set(db.scalars(asked))


def resting(db: Session, user_id: UUID, line_ids: Iterable[UUID]) -> set[UUID]:
    """Those of the lines that do not stand now."""
    asked = select(LineRow.id).where(LineRow.user_id == user_id, LineRow.id.in_(_each(line_ids)), ~LineRow.standing)
    return set(db.scalars(asked))


def sum_up_standing(db: Session, user_id: UUID, line_ids: Iterable[UUID]) -> None:
    """Let each of these lines stand if, and only if, a standing sighting shows it."""
    shown = exists().where(
        SightingRow.user_id == user_id, SightingRow.line_id == LineRow.id, SightingRow.standing
    ).correlate(LineRow)  # fmt: skip
    mine = and_(LineRow.user_id == user_id, LineRow.id.in_(_each(line_ids)))
    db.execute(update(LineRow).where(mine).values(standing=shown), execution_options={"synchronize_session": False})


def page_of_lines(
    db: Session, user_id: UUID, *, where: Sequence[ColumnElement[bool]], offset: int, at_most: int
) -> tuple[Sequence[LineRow], int]:
    """One page of standing lines, newest first, and how many there are."""
    mine = [LineRow.user_id == user_id, LineRow.standing, *where]
    total = db.scalar(select(func.count()).select_from(LineRow).where(*mine)) or 0
    order = (LineRow.day.desc().nulls_last(), LineRow.row_key, LineRow.occurrence)
    return db.scalars(select(LineRow).where(*mine).order_by(*order).offset(offset).limit(at_most)).all(), total


def in_import(user_id: UUID, import_id: UUID) -> ColumnElement[bool]:
    """Lines that a file of this batch shows."""
    files = select(FileRow.id).where(FileRow.user_id == user_id, FileRow.import_id == import_id)
    return exists().where(
        SightingRow.user_id == user_id, SightingRow.line_id == LineRow.id, SightingRow.file_id.in_(files)
    ).correlate(LineRow)  # fmt: skip


def in_bill(user_id: UUID, bill_id: UUID) -> ColumnElement[bool]:
    """Lines that stand in a bill of room cards."""
    bills = select(ReadBillRow.id).where(ReadBillRow.user_id == user_id, ReadBillRow.bill_id == bill_id)
    return exists().where(
        SightingRow.user_id == user_id, SightingRow.line_id == LineRow.id, SightingRow.read_bill_id.in_(bills)
    ).correlate(LineRow)  # fmt: skip


def told_elsewhere(user_id: UUID) -> ColumnElement[bool]:
    """Lines whose movement another line tells, which is the one that counts."""
    return exists().where(
        LinkRow.user_id == user_id, LinkRow.kind == LinkKind.SAME, LinkRow.second_id == LineRow.id
    ).correlate(LineRow)  # fmt: skip


def of_card(bank: str | None, card: str | None) -> ColumnElement[bool]:
    """Rows of a bank's cards, or of one of them by its last digits (an Amex may show three of four)."""
    same_bank = and_(LineRow.source == Source.CARD, LineRow.bank == bank)
    if card is None:
        return same_bank
    return and_(same_bank, or_(LineRow.card == card, and_(LineRow.card.is_(None), LineRow.account == card)))


def repayments(db: Session, user_id: UUID, banks: Sequence[str]) -> Sequence[Any]:
    """Repayments on cards of these banks that exports and daily mails show, each movement once.

    One row each: (bank, card, currency, day, amount, import, line). Bills tell theirs by themselves.
    """
    day = func.coalesce(LineRow.posted_on, LineRow.traded_on)
    asked = (
        select(LineRow.bank, func.coalesce(LineRow.card, LineRow.account), LineRow.currency, day,
               LineRow.amount_minor, FileRow.import_id, LineRow.id)
        .distinct()
        .join(SightingRow, and_(SightingRow.user_id == user_id, SightingRow.line_id == LineRow.id))
        .join(FileRow, and_(FileRow.user_id == user_id, FileRow.id == SightingRow.file_id))
        .where(LineRow.user_id == user_id, LineRow.standing, LineRow.source == Source.CARD, LineRow.amount_minor < 0,
               LineRow.kind == LineKind.REPAYMENT, LineRow.file_kind != FileKind.BILL, day.is_not(None),
               LineRow.bank == func.any(list(banks)), ~told_elsewhere(user_id))
        .order_by(LineRow.id, FileRow.import_id)
    )  # fmt: skip
    return db.execute(asked).all()


def is_cost(user_id: UUID) -> ColumnElement[bool]:
    """Fees and interest on cards, what was refunded of them, and free rows that only tell of a fee (年费减免)."""
    named = LineRow.description.regexp_match(_FEE_WORDS)
    refunded = and_(LineRow.kind == LineKind.REFUND, named)
    told = and_(LineRow.amount_minor == 0, named)
    costs = LineRow.kind.in_([LineKind.FEE, LineKind.INTEREST])
    return and_(LineRow.source == Source.CARD, or_(costs, refunded, told))


def between(since: date | None, until: date | None) -> list[ColumnElement[bool]]:
    """Lines of these days, both included."""
    found: list[ColumnElement[bool]] = []
    if since is not None:
        found.append(LineRow.day >= since)
    if until is not None:
        found.append(LineRow.day <= until)
    return found


def counted_lines(
    db: Session, user_id: UUID, *, where: Sequence[ColumnElement[bool]], at_most: int
) -> Sequence[LineRow]:
    """Standing lines that count (no other line tells their movement), oldest first."""
    mine = [LineRow.user_id == user_id, LineRow.standing, ~told_elsewhere(user_id), *where]
    order = (LineRow.day.nulls_first(), LineRow.row_key, LineRow.occurrence)
    return db.scalars(select(LineRow).where(*mine).order_by(*order).limit(at_most)).all()


# --- links ------------------------------------------------------------------------------------------------------------


def links_of(db: Session, user_id: UUID, line_ids: Iterable[UUID]) -> Sequence[LinkRow]:
    """The links that begin or end at one of these lines."""
    mine = list(line_ids)
    first = select(LinkRow).where(LinkRow.user_id == user_id, LinkRow.first_id == func.any(mine))
    second = select(LinkRow).where(LinkRow.user_id == user_id, LinkRow.second_id == func.any(mine))
    return db.scalars(select(LinkRow).from_statement(first.union(second))).all()


def has_links(db: Session, user_id: UUID) -> bool:
    """Whether the user has any link."""
    return db.scalar(select(LinkRow.id).where(LinkRow.user_id == user_id).limit(1)) is not None


def said(links: Iterable[LinkRow]) -> dict[tuple[str, UUID, UUID], LinkRow]:
    """Links by what they say: kind, first line, second line."""
    return {(link.kind, link.first_id, link.second_id): link for link in links}


def drop_links(db: Session, user_id: UUID, link_ids: Iterable[UUID]) -> None:
    """Forget these links; the lines stay."""
    db.execute(delete(LinkRow).where(LinkRow.user_id == user_id, LinkRow.id == func.any(list(link_ids))))


# --- bills as read ----------------------------------------------------------------------------------------------------


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


def set_sightings(db: Session, user_id: UUID, read_bill_ids: Iterable[UUID], *, standing: bool) -> list[UUID]:
    """Let the rows of these bills stand or not; gives the lines they show."""
    mine = and_(SightingRow.user_id == user_id, SightingRow.read_bill_id == func.any(list(read_bill_ids)))
    turned = update(SightingRow).where(mine).values(standing=standing).returning(SightingRow.line_id)
    return list(db.execute(turned, execution_options={"synchronize_session": False}).scalars())


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


# --- bulk writes ------------------------------------------------------------------------------------------------------


def copy_in(db: Session, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write many rows at once, in the order of `columns`.

    Values are text, numbers, truth values, days, moments, ids, bytes of keys (uuid), lists of text, and None.
    """
    copy_text(db, table, columns, ("\t".join(map(_copied, row)) for row in rows))


def copy_text(db: Session, table: str, columns: Sequence[str], rows: Iterable[str]) -> None:
    """The same for rows in one line of text each (`copied_text`, `copied_day`), for those that come by the 100,000.

    PostgreSQL's COPY is much like it but does not pass the wall of rows; this is one INSERT for thousands of rows.
    """
    db.flush()
    command = _bulk(table, tuple(columns))
    waiting = iter(rows)
    while part := list(islice(waiting, _COPY_ROWS)):
        db.execute(command, {"rows": "\n".join(part)})


@lru_cache(maxsize=64)
def _bulk(table: str, columns: tuple[str, ...]) -> TextClause:
    known = Base.metadata.tables[table].columns
    values = ", ".join(_read_back(known[name].type, at) for at, name in enumerate(columns, 1))
    return text(
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM"
        r" (SELECT string_to_array(line, E'\t', '\N') AS cell FROM string_to_table(:rows, E'\n') AS line) AS lines"
    )


def _read_back(kind: TypeEngine[Any], at: int) -> str:
    """One cell of a line as a value of its column: what `copied_text` escaped is turned back, the last one last."""
    cell = f"cell[{at}]"
    if isinstance(kind, Text | String | ARRAY | JSON):
        plain = f"replace(replace(replace(replace({cell}, {_PAIRS}"
        cell = rf"CASE WHEN strpos({cell}, '\') = 0 THEN {cell} ELSE {plain} END"
    elif isinstance(kind, LargeBinary):
        return rf"decode(ltrim({cell}, '\sx'), 'hex')"
    return f"CAST({cell} AS {kind.compile(dialect=_DIALECT)})"


def copied_text(value: str | None) -> str:
    """Text or NULL in one line: no tab, no line end, no backslash but as a pair that `_read_back` knows."""
    if value is None:
        return r"\N"
    return _SPECIAL.sub(_escaped, value) if _SPECIAL.search(value) else value


@lru_cache(maxsize=16384)
def copied_word(value: str | None) -> str:
    """The same for text that comes again and again: a shop, a card, a way to pay."""
    return copied_text(value)


@lru_cache(maxsize=8192)
def copied_day(day: date | None) -> str:
    """A day or NULL in the same form."""
    return r"\N" if day is None else day.isoformat()


def copied_number(value: int | None) -> str:
    """A whole number or NULL in the same form."""
    return r"\N" if value is None else str(value)


def _copied(value: Any) -> str:
    """One value in the text form that its column reads."""
    write = _WRITERS.get(type(value))
    return write(value) if write is not None else copied_text(str(value))


def _escaped(found: re.Match[str]) -> str:
    return _ESCAPES[found[0]]


def _list(value: Sequence[str]) -> str:
    quoted = ('"' + item.replace("\\", "\\\\").replace('"', '\\"') + '"' for item in value)
    return copied_text("{" + ",".join(quoted) + "}")


_PAIRS: Final = r"'\t', E'\t'), '\n', E'\n'), '\r', E'\r'), '\s', '\')"
_DIALECT: Final[Dialect] = dialect()  # type: ignore[no-untyped-call]
_SPECIAL: Final = re.compile("[\\\\\t\n\r\0]")
_ESCAPES: Final = {"\\": "\\s", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": ""}  # a text column takes no zero byte
_WRITERS: Final[dict[type, Callable[[Any], str]]] = {
    type(None): lambda _: r"\N",
    str: copied_text,
    int: str,
    bool: lambda value: "t" if value else "f",
    UUID: lambda value: value.hex,
    bytes: bytes.hex,
    date: date.isoformat,
    datetime: datetime.isoformat,
    float: repr,
    list: _list,
    dict: lambda value: copied_text(json.dumps(value, ensure_ascii=False)),
}
