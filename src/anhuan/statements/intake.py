"""From readings to a change set: which files and rows are new, what each bill does, which links follow.

Nothing is written here but inside a savepoint that is rolled back: what a bill would do is asked of room cards by
letting it try.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan import cards
from anhuan.kit import ids
from anhuan.kit.errors import Refused
from anhuan.statements import facts, linking, store, store_bills, store_bulk, store_lines
from anhuan.statements.changes import (
    BalanceChange,
    BillChange,
    BillEffect,
    FileChange,
    FileEffect,
    FileRead,
    Preview,
    RowChange,
)
from anhuan.statements.matching import Row
from anhuan.statements.model import FileKind, Line, Problem, Reading, Source
from anhuan.statements.sameness import numbered, stream_of, tail_of

_EFFECT: Final = {
    cards.Outcome.NEW: BillEffect.NEW,
    cards.Outcome.SAME: BillEffect.SAME,
    cards.Outcome.SUPERSEDED: BillEffect.SUPERSEDES,
}
_CARD_NUMBER: Final = re.compile(r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)")


@dataclass(slots=True)
class Recorded:
    """What room cards made of the bills of a batch: the record of each bill as read, and which readings it replaced."""

    bills: dict[UUID, UUID] = field(default_factory=dict)  # reading of a bill -> bill of room cards
    effects: dict[UUID, tuple[BillEffect, tuple[UUID, ...]]] = field(default_factory=dict)
    facts: dict[UUID, cards.BillFacts] = field(default_factory=dict)
    problems: dict[UUID, Problem] = field(default_factory=dict)  # why room cards refused one


def draft(db: Session, user_id: UUID, files: Sequence[FileRead], *, now: datetime) -> Preview:
    """The change set of a batch, its bills still to be asked for (`with_bills`)."""
    book = store.book_of(db, user_id)
    known_files = store.names_by_hash(db, user_id, {each.sha256 for each in files})
    opened = [_open(each, known_files) for each in files]
    rows = _compared(db, user_id, opened)
    changes = tuple(
        change if reading is None else replace(change, rows=tuple(found), balances=_balances(reading))
        for (change, reading), found in zip(opened, rows, strict=True)
    )
    return Preview(ids.new_id(), user_id, book, now, changes)


def record_bills(db: Session, preview: Preview, *, now: datetime) -> Recorded:
    """Hand the bills of the batch to room cards, in the order of the files."""
    with cards.recording(db, preview.user_id, now=now) as recorder:
        return _told_to(recorder, db, preview)


def foreseen(db: Session, preview: Preview, *, now: datetime) -> Recorded:
    """What `record_bills` would do, without doing it."""
    if not any(file.bills for file in preview.files):
        return Recorded()
    with cards.rehearsing(db, preview.user_id, now=now) as recorder:
        return _told_to(recorder, db, preview)


def _told_to(recorder: cards.Recorder, db: Session, preview: Preview) -> Recorded:
    done = Recorded()
    readings: defaultdict[UUID, list[UUID]] = defaultdict(list)  # bill of room cards -> its readings in this batch
    for file, n, told in _facts_of(preview):
        change = file.bills[n]
        try:
            recorded = recorder.record(told)
        except Refused as no:
            done.problems[change.id] = Problem(no.code, no.message)
            done.effects[change.id] = (BillEffect.OPEN, ())
            continue
        done.facts[change.id] = told
        done.bills[change.id] = recorded.bill_id
        replaced: tuple[UUID, ...] = ()
        if recorded.superseded_id is not None:
            stored = store_bills.readings_of_bills(db, preview.user_id, [recorded.superseded_id])
            replaced = (*(row.id for row in stored), *readings[recorded.superseded_id])
        done.effects[change.id] = (_EFFECT[recorded.outcome], replaced)
        readings[recorded.bill_id].append(change.id)
    return done


def _facts_of(preview: Preview) -> Iterator[tuple[FileChange, int, cards.BillFacts]]:
    """The bills that can be recorded, each with its place in its file and what it says to room cards."""
    for file in preview.files:
        for n, change in enumerate(file.bills):
            if facts.can_be_recorded(change.bill, file.bank):
                lines = [row.line for row in file.rows if row.bill == n]
                bank = file.bank or facts.UNNAMED
                told = facts.facts_of(change.bill, lines, bank=bank, whole=file.complete, source_id=preview.id)
                yield file, n, told


def with_bills(db: Session, preview: Preview, recorded: Recorded) -> Preview:
    """The change set with what becomes of each bill, and the links that follow."""
    over = {each for _, replaced in recorded.effects.values() for each in replaced}
    totals = store_bills.totals_of(db, preview.user_id, over) if over else {}
    totals |= {bill.id: bill.bill.total_due for file in preview.files for bill in file.bills}
    told = replace(preview, files=tuple(_told(file, recorded, totals) for file in preview.files))
    arrive, leave = _moved(db, told)
    links, unlinked = linking.link_changes(db, told.user_id, arrive=arrive, leave=leave)
    return replace(told, links=links, unlinked=unlinked)


def replaced_readings(preview: Preview) -> set[UUID]:
    """The readings of bills that this batch supersedes."""
    return {each for file in preview.files for bill in file.bills for each in bill.replaces}


def resting_lines(preview: Preview) -> set[UUID]:
    """The lines of the batch that it shows only in bills which it supersedes itself; all others stand."""
    over = replaced_readings(preview)
    if not over:
        return set()
    hidden = {row.line_id for file in preview.files for row in file.rows if _is_over(file, row, over)}
    seen = {row.line_id for file in preview.files for row in file.rows if not _is_over(file, row, over)}
    return hidden - seen


def _is_over(file: FileChange, row: RowChange, over: Set[UUID]) -> bool:
    return row.bill is not None and file.bills[row.bill].id in over


def _open(read: FileRead, known_files: dict[str, str]) -> tuple[FileChange, Reading | None]:
    """A file of the batch before its rows are compared; known bytes and unreadable files have nothing to compare."""
    base = FileChange(ids.new_id(), read.name, read.sha256, read.size, read.effect, problems=read.problems)
    reading = read.reading
    if reading is None:
        return replace(base, headings=read.headings, sample=read.sample, proposal=dict(read.proposal)), None
    base = replace(
        base, kind=reading.kind, bank=reading.bank, source=reading.source, account=_masked(reading.account),
        reader=reading.reader, template=reading.template, complete=reading.complete,
        problems=(*read.problems, *reading.problems),
    )  # fmt: skip
    if read.sha256 in known_files:
        known = replace(base, effect=FileEffect.KNOWN, known_from=known_files[read.sha256])
        return replace(known, balances=_balances(reading)), None
    empty = not reading.bills and not reading.lines  # a month without a movement is a good file, unless it says why not
    if reading.kind is FileKind.UNKNOWN or (empty and reading.problems):
        return replace(base, effect=FileEffect.REFUSED), None
    known_files[read.sha256] = read.name  # for a later copy in the same batch
    reading = replace(reading, lines=tuple(_without_numbers(line) for line in reading.lines))
    bills = tuple(_bill(reading, n) for n in range(len(reading.bills)))
    return replace(base, bills=bills), reading


def _bill(reading: Reading, n: int) -> BillChange:
    bill = reading.bills[n]
    open_ = not facts.can_be_recorded(bill, reading.bank)
    return BillChange(ids.new_id(), bill, facts.shown(bill), BillEffect.OPEN if open_ else BillEffect.NEW, False)


def _compared(db: Session, user_id: UUID, opened: Sequence[tuple[FileChange, Reading | None]]) -> list[list[RowChange]]:
    """The rows of every file, each with the line it is or becomes."""
    keyed = [list(numbered(reading)) if reading else [] for _, reading in opened]
    alone = sum(map(bool, keyed)) == 1  # else a row may stand in an earlier file of the batch
    known: dict[tuple[bytes, int], UUID] = {}
    if store_lines.has_lines(db, user_id):
        known = store_lines.lines_by_key(db, user_id, {key for rows in keyed for key, _, _ in rows})
    fresh = store_bulk.id_stream()
    found: list[list[RowChange]] = []
    for (_, reading), rows in zip(opened, keyed, strict=True):
        mine: list[RowChange] = []
        for (key, occurrence, bill), line in zip(rows, reading.lines if reading else (), strict=True):
            line_id = known.get((key, occurrence))
            new = line_id is None
            if line_id is None:
                line_id = next(fresh)
                if not alone:
                    known[key, occurrence] = line_id
            mine.append(RowChange(line_id, key, occurrence, new, line, bill))
        found.append(mine)
    return found


def _told(file: FileChange, recorded: Recorded, totals: Mapping[UUID, int | None]) -> FileChange:
    bills = []
    for n, change in enumerate(file.bills):
        lines = [row.line for row in file.rows if row.bill == n]
        effect, replaced = recorded.effects.get(change.id, (change.effect, ()))
        whole = facts.explained(change.bill, lines)
        before = totals.get(replaced[0]) if replaced else None
        bills.append(replace(change, effect=effect, replaces=replaced, replaced_total=before, explained=whole))
    no = tuple(recorded.problems[change.id] for change in file.bills if change.id in recorded.problems)
    return replace(file, bills=tuple(bills), problems=(*file.problems, *no)) if bills else file


def _moved(db: Session, preview: Preview) -> tuple[list[Row], list[Row]]:
    """The rows that begin to stand with this batch, and those that cease to."""
    over, hidden = replaced_readings(preview), resting_lines(preview)
    arrive: list[Row] = []
    known: dict[UUID, tuple[FileChange, RowChange]] = {}
    for file in preview.files:
        stream = stream_of_file(file)
        for row in file.rows:
            if hidden and row.line_id in hidden:
                continue
            if row.new:
                arrive.append(linking.row_of(file, row, stream))
            elif row.line_id not in known:
                known[row.line_id] = file, row
    revived = store_lines.resting(db, preview.user_id, known) if known else set()
    arrive += [linking.row_of(*known[line], stream_of_file(known[line][0])) for line in known if line in revived]
    if not over:
        return arrive, []
    shown_before = store_lines.lines_standing_in(db, preview.user_id, over)
    leave = store_lines.lines_only_shown_by(db, preview.user_id, shown_before, over) - known.keys()
    return arrive, store_lines.rows_by_id(db, preview.user_id, leave)


def stream_of_file(file: FileChange) -> str:
    """The stream of a file of a change set, as sameness.py names it."""
    return stream_of(Reading(file.kind, file.bank, reader=file.reader, template=file.template))


def _balances(reading: Reading) -> tuple[BalanceChange, ...]:
    """The last balances that a file prints for own debit accounts, by account and currency."""
    if reading.source is not Source.ACCOUNT or reading.bank is None:
        return ()
    found: dict[tuple[str, str], BalanceChange] = {}
    for printed in reading.balances:
        tail = tail_of(printed.account or reading.account)
        if printed.code == "closing" and printed.on and tail.isdigit():
            found[tail, printed.currency] = BalanceChange(
                reading.bank, tail, printed.currency, printed.amount, printed.on
            )
    rows: defaultdict[tuple[str, str], list[Line]] = defaultdict(list)
    for line in reading.lines:
        if line.balance is not None and (line.posted_on or line.traded_on):
            rows[tail_of(line.account or reading.account), line.currency].append(line)
    for (tail, currency), lines in rows.items():
        if tail.isdigit() and (tail, currency) not in found:
            last, day = _last(lines)
            assert last.balance is not None
            found[tail, currency] = BalanceChange(reading.bank, tail, currency, last.balance, day)
    return tuple(found.values())


def _last(lines: Sequence[Line]) -> tuple[Line, date]:
    """The latest row: exports run forwards or backwards in time, and the balances tell which way."""
    first, second = lines[0], lines[min(1, len(lines) - 1)]
    assert first.balance is not None
    forwards = second.balance == first.balance - second.amount
    if (a := _day_of(lines[0])) != (b := _day_of(lines[-1])):
        forwards = a < b
    newest = max(map(_day_of, lines))
    of_day = [line for line in lines if _day_of(line) == newest]
    return (of_day[-1] if forwards else of_day[0]), newest


def _day_of(line: Line) -> date:
    return line.posted_on or line.traded_on or date.min


def _without_numbers(line: Line) -> Line:
    """The row without whole card numbers: some banks print the paying card's in repayment rows."""
    if _CARD_NUMBER.search(f"{line.description}\n{line.counterparty}\n{line.paid_with}"):
        return replace(
            line, description=_masked(line.description) or "", counterparty=_masked(line.counterparty),
            paid_with=_masked(line.paid_with),
        )  # fmt: skip
    return line


def _masked(text: str | None) -> str | None:
    """The text with each whole card number cut down to its last four digits."""
    return _CARD_NUMBER.sub(lambda found: _cut(found[0]), text) if text else text


def _cut(number: str) -> str:
    """A card number (its check digit is right) as `****1234`; any other long number, an order's say, as it was."""
    digits = re.sub(r"\D", "", number)
    doubled = (int(digit) * (1 + n % 2) for n, digit in enumerate(reversed(digits)))
    is_card = sum(part - 9 if part > 9 else part for part in doubled) % 10 == 0  # ISO/IEC 7812-1, annex B
    return f"****{digits[-4:]}" if is_card else number


def counted(effects: Iterable[BillEffect]) -> Mapping[BillEffect, int]:
    """How often each effect occurs."""
    found: defaultdict[BillEffect, int] = defaultdict(int)
    for each in effects:
        found[each] += 1
    return found
