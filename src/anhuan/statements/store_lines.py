"""Every question about lines, which file shows them, and their links; and how they are written in masses."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Select,
    Uuid,
    and_,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session, aliased

from anhuan.kit import vault
from anhuan.statements import store_bulk
from anhuan.statements.changes import LinkKind
from anhuan.statements.keyed import Keyed, number
from anhuan.statements.matching import Row, root_of
from anhuan.statements.model import FileKind, LineKind, Source
from anhuan.statements.store_bulk import (
    BIGINTS,
    BYTES,
    DAYS,
    INTEGERS,
    NULL,
    TEXTS,
    TRUTHS,
    UUIDS,
    array,
    array_of,
    sized,
)
from anhuan.statements.tables import FileRow, LineRow, LinkRow, ReadBillRow, SightingRow, pack_said

_MATCHED: Final = (
    LineRow.id, LineRow.occurrence, LineRow.stream, LineRow.file_kind, LineRow.source, LineRow.bank, LineRow.card,
    LineRow.posted_on, LineRow.traded_on, LineRow.currency, LineRow.kind, LineRow.said,
)  # fmt: skip
_SAID: Final = "statement_lines.said"
_EIGHT: Final = b"\0\0\0\x08"  # the lengths of keyed hashes, as the wire has them
_SIXTEEN: Final = b"\0\0\0\x10"


# --- lines ------------------------------------------------------------------------------------------------------------


def lines_by_key(db: Session, user_id: UUID, keys: Iterable[bytes]) -> dict[tuple[bytes, int], UUID]:
    """The stored lines with these keys (`sameness.numbered`): (key, occurrence) to id."""
    keyed = Keyed(user_id)
    known = {keyed.row(key): key for key in keys}
    asked = select(LineRow.row_key, LineRow.occurrence, LineRow.id).where(
        LineRow.user_id == user_id, LineRow.row_key.in_(_each(UUID(bytes=key) for key in known))
    )
    return {(known[key.bytes], occurrence): line for key, occurrence, line in db.execute(asked)}


def has_lines(db: Session, user_id: UUID) -> bool:
    """Whether anything of the user is stored, so that a first import need not be compared with anything."""
    return db.scalar(select(LineRow.id).where(LineRow.user_id == user_id).limit(1)) is not None


def _each(ids_: Iterable[UUID]) -> Select[tuple[UUID]]:
    """Many ids as rows to join with: a prepared plan would walk through a list of 100,000 once for every row."""
    return select(func.unnest(literal(list(ids_), ARRAY(Uuid))))


def _numbers(keys: Iterable[bytes]) -> Select[tuple[int]]:
    """The same for keyed numbers."""
    return select(func.unnest(literal(list(map(number, keys)), ARRAY(BigInteger))))


def rows_by_amount(db: Session, user_id: UUID, buckets: Iterable[tuple[str, int]]) -> list[Row]:
    """All standing lines whose currency and size of amount are among the buckets; of nothing (0.00) there are none."""
    wanted, keyed = set(buckets), Keyed(user_id)
    found = LineRow.amount_key.in_(_numbers(keyed.amount(currency, size) for currency, size in wanted))
    asked = select(*_MATCHED).where(LineRow.user_id == user_id, LineRow.standing, found)
    return [row for each in db.execute(asked) if ((row := _row(each)).currency, abs(row.amount)) in wanted]


def rows_by_order(db: Session, user_id: UUID, roots: Iterable[str]) -> list[Row]:
    """All standing lines whose order number is built on one of these."""
    wanted, keyed = set(roots), Keyed(user_id)
    found = LineRow.order_key.in_(_numbers(map(keyed.order, wanted)))
    asked = select(*_MATCHED).where(LineRow.user_id == user_id, LineRow.standing, found)
    return [row for each in db.execute(asked) if root_of((row := _row(each)).reference) in wanted]


def rows_by_id(db: Session, user_id: UUID, line_ids: Iterable[UUID]) -> list[Row]:
    """These lines as matching sees them, standing or not."""
    asked = select(*_MATCHED).where(LineRow.user_id == user_id, LineRow.id.in_(_each(line_ids)))
    return [_row(each) for each in db.execute(asked)]


def _row(each: Any) -> Row:
    line, occurrence, stream, file_kind, source, bank, card, posted_on, traded_on, currency, kind, said = each
    return Row(
        line, said.key, occurrence, stream, FileKind(file_kind), Source(source), bank, card or said.account, posted_on,
        traded_on, said.amount, currency, LineKind(kind), said.description, said.counterparty, said.paid_with,
        said.reference,
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


def lines_standing_in(db: Session, user_id: UUID, read_bill_ids: Iterable[UUID]) -> set[UUID]:
    """The lines that stand in these bills as read."""
    asked = select(SightingRow.line_id).where(
        SightingRow.user_id == user_id, SightingRow.standing, SightingRow.read_bill_id == func.any(list(read_bill_ids))
    )
    return set(db.scalars(asked))


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
    return and_(same_bank, or_(LineRow.card == card, LineRow.account_tail == card))


def repayments(
    db: Session, user_id: UUID, banks: Sequence[str]
) -> Iterator[tuple[str | None, str | None, str, date, int, UUID]]:
    """Repayments on cards of these banks that exports and daily mails show, each movement once, in order of the lines.

    One row each: (bank, card, currency, day, amount, import). Bills tell theirs by themselves.
    """
    day = func.coalesce(LineRow.posted_on, LineRow.traded_on)
    asked = (
        select(LineRow.bank, LineRow.card, LineRow.currency, day, FileRow.import_id, LineRow.said)
        .ext(distinct_on(LineRow.id, FileRow.import_id))
        .join(SightingRow, and_(SightingRow.user_id == user_id, SightingRow.line_id == LineRow.id))
        .join(FileRow, and_(FileRow.user_id == user_id, FileRow.id == SightingRow.file_id))
        .where(LineRow.user_id == user_id, LineRow.standing, LineRow.source == Source.CARD,
               LineRow.kind == LineKind.REPAYMENT, LineRow.file_kind != FileKind.BILL, day.is_not(None),
               LineRow.bank == func.any(list(banks)), ~told_elsewhere(user_id))
        .order_by(LineRow.id, FileRow.import_id)
    )  # fmt: skip
    for bank, card, currency, on, import_id, said in db.execute(asked):
        if said.amount < 0:
            yield bank, card or said.account, currency, on, said.amount, import_id


def of_costs() -> ColumnElement[bool]:
    """Fees and interest on cards, what was refunded of them, and free rows that only tell of a fee (年费减免)."""
    return LineRow.tells_cost.is_(True)


def of_repayments() -> ColumnElement[bool]:
    """What was paid back."""
    return LineRow.kind == LineKind.REPAYMENT


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


# --- which bills stand ------------------------------------------------------------------------------------------------


def set_sightings(db: Session, user_id: UUID, read_bill_ids: Iterable[UUID], *, standing: bool) -> list[UUID]:
    """Let the rows of these bills stand or not; gives the lines they show."""
    mine = and_(SightingRow.user_id == user_id, SightingRow.read_bill_id == func.any(list(read_bill_ids)))
    turned = update(SightingRow).where(mine).values(standing=standing).returning(SightingRow.line_id)
    return list(db.execute(turned, execution_options={"synchronize_session": False}).scalars())


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


# --- writing ----------------------------------------------------------------------------------------------------------


class Shared(NamedTuple):
    """What many lines of a file have in common, so that it is sent once."""

    stream: str
    file_kind: str
    source: str
    bank: str | None
    card: str | None
    account_tail: str | None
    currency: str
    kind: str
    tells_cost: bool
    standing: bool


class NewLine(NamedTuple):
    """One line to be written; `said` holds the fields of `tables.Said` in their order."""

    shared: Shared
    id: UUID
    occurrence: int
    posted_on: date | None
    traded_on: date | None
    said: tuple[Any, ...]


class NewSighting(NamedTuple):
    """A place in a file that shows a line."""

    shared: tuple[UUID, UUID | None, bool]  # file, bill as read, whether it stands
    line_id: UUID
    position: int
    place: str
    quote: str | None


_INSERT_LINES: Final = """
    INSERT INTO statement_lines (
        user_id, id, row_key, occurrence, amount_key, order_key, day, posted_on, traded_on, said, stream, file_kind,
        source, bank, card, account_tail, currency, kind, tells_cost, standing)
    SELECT %b::uuid, l.id, l.row_key, l.occurrence, l.amount_key, l.order_key, coalesce(l.traded_on, l.posted_on),
        l.posted_on, l.traded_on, l.said, s.stream, s.file_kind, s.source, s.bank, s.card, s.account_tail, s.currency,
        s.kind, s.tells_cost, s.standing
    FROM unnest(%b::integer[], %b::uuid[], %b::uuid[], %b::integer[], %b::bigint[], %b::bigint[], %b::date[],
            %b::date[], %b::bytea[])
        AS l (shared, id, row_key, occurrence, amount_key, order_key, posted_on, traded_on, said)
    JOIN unnest(%b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[],
            %b::boolean[], %b::boolean[]) WITH ORDINALITY
        AS s (stream, file_kind, source, bank, card, account_tail, currency, kind, tells_cost, standing, at)
        ON s.at = l.shared"""
_SHARED_KINDS: Final = (TEXTS, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS, TRUTHS, TRUTHS)


def write_lines(db: Session, user_id: UUID, lines: Iterable[NewLine]) -> None:
    """Write many lines: what they say is sealed, and keyed hashes are put beside it by which they are found again."""
    store_bulk.send(db, _INSERT_LINES, _line_arrays(user_id, lines))


def _line_arrays(user_id: UUID, lines: Iterable[NewLine]) -> Iterator[list[bytes]]:
    keyed, seal = Keyed(user_id), vault.seal_raw
    for part in store_bulk.parts(lines):
        numbers: dict[Shared, int] = {}
        columns = (
            array(INTEGERS, [numbers.setdefault(line.shared, len(numbers) + 1) for line in part]),
            array(UUIDS, [line.id for line in part]),
            array_of(UUIDS, [_SIXTEEN + keyed.row(line.said[0]) for line in part]),
            array(INTEGERS, [line.occurrence for line in part]),
            array_of(BIGINTS, [_amount_key(keyed, line) for line in part]),
            array_of(BIGINTS, [_order_key(keyed, line.said[3]) for line in part]),
            array(DAYS, [line.posted_on for line in part]),
            array(DAYS, [line.traded_on for line in part]),
            array_of(BYTES, [sized(seal(_SAID, pack_said(line.said))) for line in part]),
        )
        shared = zip(_SHARED_KINDS, zip(*numbers, strict=True), strict=True)
        yield [user_id.bytes, *columns, *(array(kind, each) for kind, each in shared)]


def _amount_key(keyed: Keyed, line: NewLine) -> bytes:
    amount: int = line.said[1]
    return _EIGHT + keyed.amount(line.shared.currency, abs(amount)) if amount else NULL


def _order_key(keyed: Keyed, reference: str | None) -> bytes:
    root = root_of(reference)
    return NULL if root is None else _EIGHT + keyed.order(root)


_INSERT_SIGHTINGS: Final = """
    INSERT INTO statement_sightings (user_id, file_id, line_id, read_bill_id, position, place, quote, standing)
    SELECT %b::uuid, s.file_id, l.line_id, s.read_bill_id, l.position, l.place, l.quote, s.standing
    FROM unnest(%b::integer[], %b::uuid[], %b::integer[], %b::text[], %b::bytea[])
        AS l (shared, line_id, position, place, quote)
    JOIN unnest(%b::uuid[], %b::uuid[], %b::boolean[]) WITH ORDINALITY AS s (file_id, read_bill_id, standing, at)
        ON s.at = l.shared"""
_QUOTE: Final = "statement_sightings.quote"


def write_sightings(db: Session, user_id: UUID, sightings: Iterable[NewSighting]) -> None:
    """Write down which file shows which line where; a quote is sealed, a place is not."""
    store_bulk.send(db, _INSERT_SIGHTINGS, _sighting_arrays(user_id, sightings))


def _sighting_arrays(user_id: UUID, sightings: Iterable[NewSighting]) -> Iterator[list[bytes]]:
    for part in store_bulk.parts(sightings):
        numbers: dict[tuple[UUID, UUID | None, bool], int] = {}
        columns = (
            array(INTEGERS, [numbers.setdefault(each.shared, len(numbers) + 1) for each in part]),
            array(UUIDS, [each.line_id for each in part]),
            array(INTEGERS, [each.position for each in part]),
            array(TEXTS, [each.place for each in part]),
            array(BYTES, [each.quote and vault.seal(_QUOTE, each.quote) for each in part]),
        )
        shared = zip((UUIDS, UUIDS, TRUTHS), zip(*numbers, strict=True), strict=True)
        yield [user_id.bytes, *columns, *(array(kind, each) for kind, each in shared)]
