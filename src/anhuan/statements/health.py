"""Parser health: which reader met which layout, first and last, its failures, and when a layout stopped matching."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.statements import store, store_bulk
from anhuan.statements.changes import FileEffect, FileRead
from anhuan.statements.model import FileKind

CHANGED: Final = ("reader.template_changed", "bill.template_unknown")
_COLUMNS: Final = ("user_id", "id", "reader", "template", "bank", "kind", "outcome", "problem", "met_at")


class Outcome(StrEnum):
    """How a meeting of a reader and a file ended."""

    READ = "read"
    CHANGED = "template_changed"  # sender and subject are the bank's, but no known layout fits
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class LayoutHealth:
    """One layout of one reader: how often it was met, when first and last."""

    template: str
    met: int
    first_met_at: datetime
    last_met_at: datetime


@dataclass(frozen=True, slots=True)
class ReaderHealth:
    """One reader: the layouts it met, its failures by code, and since when its layout no longer matches.

    `changed_since` is the first unknown layout after the last file that was read well; None while all is well.
    """

    reader: str
    bank: str | None
    layouts: tuple[LayoutHealth, ...]
    failures: tuple[tuple[str, int, datetime], ...]  # code, how often, last
    changed_since: datetime | None = None


def note(db: Session, user_id: UUID, files: Sequence[FileRead], *, now: datetime) -> None:
    """Write down how each file met its reader; files that ask for a password or columns have met none yet."""
    met = [each for each in files if each.effect not in (FileEffect.ASKS_PASSWORD, FileEffect.ASKS_MAPPING)]
    rows = []
    for met_id, each in zip(store_bulk.new_ids(len(met)), met, strict=True):
        reading = each.reading
        problem, outcome = _outcome(each)
        kind = reading.kind if reading else FileKind.UNKNOWN
        reader, template, bank = (reading.reader, reading.template, reading.bank) if reading else ("", "", None)
        rows.append((user_id, met_id, reader, template, bank, kind.value, outcome.value, problem, now))
    if rows:
        store_bulk.write(db, "statement_readings", _COLUMNS, rows)


def report(db: Session, user_id: UUID) -> tuple[ReaderHealth, ...]:
    """The health of every reader that met a file of this user, by name."""
    found: dict[tuple[str, str | None], list[store.Meeting]] = {}
    for row in store.meetings(db, user_id):
        found.setdefault((row.reader, row.bank), []).append(row)
    return tuple(
        _reader(reader, bank, rows) for (reader, bank), rows in sorted(found.items(), key=lambda kv: str(kv[0]))
    )


def _outcome(read: FileRead) -> tuple[str | None, Outcome]:
    problems = [*read.problems, *(read.reading.problems if read.reading else ())]
    if read.reading and read.reading.reader and any(each.code in CHANGED for each in problems):
        return problems[0].code, Outcome.CHANGED
    if read.reading is None or read.reading.kind is FileKind.UNKNOWN:
        return (problems[0].code if problems else "file.unknown"), Outcome.FAILED
    return None, Outcome.READ


def _reader(reader: str, bank: str | None, rows: Sequence[store.Meeting]) -> ReaderHealth:
    read = [row for row in rows if row.outcome == Outcome.READ]
    layouts = tuple(LayoutHealth(row.template, row.met, row.first, row.last) for row in read)
    failures = tuple((row.problem or "", row.met, row.last) for row in rows if row.outcome != Outcome.READ)
    last_read = max((row.last for row in read), default=None)
    changed = [row for row in rows if row.outcome == Outcome.CHANGED and (last_read is None or row.last > last_read)]
    since = min((max(row.first, last_read) if last_read else row.first for row in changed), default=None)
    return ReaderHealth(reader, bank, layouts, failures, since)
