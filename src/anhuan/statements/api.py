"""The intake as JSON: preview a batch of files, commit it, take it back, and read what was stored.

Money is decimal text in the row's currency, spending positive; days are ISO 8601.
"""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, File, Form, Query, Request, UploadFile
from pydantic import BaseModel

from anhuan.identity import consent
from anhuan.identity.consent_words import Purpose
from anhuan.kit import clock, money, page, rates
from anhuan.statements import health, service
from anhuan.statements.changes import (
    BillChange,
    BillEffect,
    FileChange,
    FileEffect,
    ImportShown,
    ImportState,
    LineShown,
    LinesPage,
    LinkKind,
    Preview,
    Upload,
)
from anhuan.statements.mapping import from_json
from anhuan.statements.model import FileKind, LineKind, Source

router = APIRouter(tags=["statements"])


class ProblemOut(BaseModel):
    """Something wrong or open in a file."""

    code: str
    message: str


class FieldOut(BaseModel):
    """One field of a bill: its text, how sure (0 to 1), where it stood, whether a rule filled it in."""

    name: str
    value: str | None
    confidence: float | None
    span: str | None
    inferred: bool


class BillOut(BaseModel):
    """One bill of a file and what a commit does with it."""

    currency: str
    total_due: str | None
    effect: BillEffect
    explained: bool
    replaced_total: str | None
    fields: list[FieldOut]


class FileOut(BaseModel):
    """One file of a batch and what a commit does with it."""

    name: str
    effect: FileEffect
    kind: FileKind
    bank: str | None
    reader: str
    template: str
    bills: list[BillOut]
    rows_new: int
    rows_known: int
    rows_linked: int
    problems: list[ProblemOut]
    known_from: str | None
    headings: list[str]
    sample: list[list[str]]
    proposal: dict[str, str]


class PreviewOut(BaseModel):
    """What a commit will do, no more and no less; commit it by its id."""

    id: UUID
    made_at: datetime
    changes_nothing: bool
    files: list[FileOut]


class CommitOut(BaseModel):
    """What a commit did; undo it by its id."""

    id: UUID
    committed_at: datetime
    files: int
    lines: int
    bills_new: int
    bills_superseded: int
    bills_same: int
    links: int


class ImportOut(BaseModel):
    """One batch of the history."""

    id: UUID
    state: ImportState
    made_at: datetime
    committed_at: datetime | None
    taken_back_at: datetime | None
    files: list[str]
    lines: int
    bills: int


class LinkOut(BaseModel):
    """Another line that belongs to this one."""

    kind: LinkKind
    line: UUID


class LineOut(BaseModel):
    """One stored line; `counts` is false where another line tells the same movement."""

    id: UUID
    posted_on: date | None
    traded_on: date | None
    description: str
    amount: str
    currency: str
    card: str | None
    kind: LineKind
    source: Source
    bank: str | None
    counts: bool
    links: list[LinkOut]


class LinesOut(BaseModel):
    """One page of lines, newest first."""

    total: int
    offset: int
    lines: list[LineOut]


class LayoutOut(BaseModel):
    """One layout that a reader met."""

    template: str
    met: int
    first_met_at: datetime
    last_met_at: datetime


class FailureOut(BaseModel):
    """One kind of failure of a reader."""

    code: str
    count: int
    last_at: datetime


class HealthOut(BaseModel):
    """One reader: what it met, how it failed, since when a bank's new layout is not known."""

    reader: str
    bank: str | None
    layouts: list[LayoutOut]
    failures: list[FailureOut]
    changed_since: datetime | None


class MappingIn(BaseModel):
    """The user's columns for tables with these headings: our word -> heading, and what no heading says."""

    headings: list[str]
    columns: dict[str, str]
    spending: str = ""
    date_order: str = ""
    currency: str | None = None
    source: Source | None = None
    bank: str | None = None
    card: str | None = None


@router.post("/imports/preview", status_code=201, dependencies=[page.needs("bills.import")])
def preview(
    request: Request,
    db: page.Transaction,
    files: Annotated[list[UploadFile], File()],
    password: Annotated[str | None, Form()] = None,
) -> PreviewOut:
    """Read files and say what a commit would do; nothing of them is stored but this preview, for a day."""
    consent.require(db, page.person(request), Purpose.BILL_READING, page.now(request))
    uploads = [Upload(each.filename or "file", each.file.read(), password) for each in files]
    rates.take(str(page.person(request)), rates.limit("uploads.party"), now=clock.now())
    return _preview(service.preview(db, page.person(request), uploads, now=page.now(request)))


@router.get("/imports/preview/{preview_id}", dependencies=[page.needs("bills.read")])
def find_preview(request: Request, db: page.Transaction, preview_id: UUID) -> PreviewOut:
    """The stored preview again."""
    return _preview(service.find_preview(db, page.person(request), preview_id))


@router.post("/imports/{preview_id}/commit", dependencies=[page.needs("bills.import")])
def commit(request: Request, db: page.Transaction, preview_id: UUID) -> CommitOut:
    """Store exactly what the preview showed, all files or none; twice is once."""
    consent.require(db, page.person(request), Purpose.BILL_READING, page.now(request))
    done = service.commit(db, page.person(request), preview_id, now=page.now(request))
    return CommitOut.model_validate(done, from_attributes=True)


@router.post("/imports/{import_id}/undo", dependencies=[page.needs("bills.import")])
def undo(request: Request, db: page.Transaction, import_id: UUID) -> ImportOut:
    """Take a whole commit back; superseded bills stand again."""
    return _import(service.undo(db, page.person(request), import_id, now=page.now(request)))


@router.get("/imports", dependencies=[page.needs("bills.read")])
def imports(
    request: Request, db: page.Transaction, at_most: Annotated[int, Query(ge=1, le=500)] = 50
) -> list[ImportOut]:
    """Committed and taken-back batches, newest first."""
    return [_import(each) for each in service.imports(db, page.person(request), at_most=at_most)]


@router.get("/imports/{import_id}/lines", dependencies=[page.needs("bills.read")])
def lines_of_import(
    request: Request,
    db: page.Transaction,
    import_id: UUID,
    offset: Annotated[int, Query(ge=0)] = 0,
    at_most: Annotated[int, Query(ge=1, le=500)] = 50,
) -> LinesOut:
    """The lines that a batch shows, newest first."""
    found = service.lines_of_import(db, page.person(request), import_id, offset=offset, at_most=at_most)
    return _lines(found)


@router.get("/lines", dependencies=[page.needs("bills.read")])
def lines(
    request: Request,
    db: page.Transaction,
    bank: str | None = None,
    card: str | None = None,
    since: date | None = None,
    until: date | None = None,
    offset: Annotated[int, Query(ge=0)] = 0,
    at_most: Annotated[int, Query(ge=1, le=500)] = 50,
) -> LinesOut:
    """Stored lines, newest first: all of them, or those of one bank's cards or of one card."""
    user_id = page.person(request)
    if bank is None:
        return _lines(service.lines(db, user_id, since=since, until=until, offset=offset, at_most=at_most))
    found = service.lines_of_card(
        db, user_id, bank=bank, card=card, since=since, until=until, offset=offset, at_most=at_most
    )
    return _lines(found)


@router.get("/statements/health", dependencies=[page.needs("bills.read")])
def reader_health(request: Request, db: page.Transaction) -> list[HealthOut]:
    """Which reader met which layout, when first and last, its failures, and since when a layout is unknown."""
    return [_health(each) for each in health.report(db, page.person(request))]


@router.put("/statements/mapping", status_code=204, dependencies=[page.needs("bills.import")])
def save_mapping(request: Request, db: page.Transaction, asked: MappingIn) -> None:
    """Keep the columns of tables with these headings, so that the next such file is read without asking."""
    columns = from_json(asked.model_dump(mode="json", exclude={"headings"}))
    service.save_mapping(db, page.person(request), asked.headings, columns, now=page.now(request))


def _preview(made: Preview) -> PreviewOut:
    return PreviewOut(
        id=made.id,
        made_at=made.made_at,
        changes_nothing=made.changes_nothing,
        files=[_file(made, each) for each in made.files],
    )


def _file(made: Preview, each: FileChange) -> FileOut:
    return FileOut(
        name=each.name,
        effect=each.effect,
        kind=each.kind,
        bank=each.bank,
        reader=each.reader,
        template=each.template,
        bills=[_bill(change) for change in each.bills],
        rows_new=each.rows_new,
        rows_known=each.rows_known,
        rows_linked=made.linked_rows(each),
        problems=[ProblemOut(code=problem.code, message=problem.message) for problem in each.problems],
        known_from=each.known_from,
        headings=list(each.headings),
        sample=[list(row) for row in each.sample],
        proposal=each.proposal,
    )


def _bill(change: BillChange) -> BillOut:
    currency = change.bill.currency
    return BillOut(
        currency=currency,
        total_due=_amount(change.bill.total_due, currency),
        effect=change.effect,
        explained=change.explained,
        replaced_total=_amount(change.replaced_total, currency),
        fields=[FieldOut.model_validate(each, from_attributes=True) for each in change.fields],
    )


def _amount(minor: int | None, currency: str) -> str | None:
    return None if minor is None else money.to_text(minor, currency)


def _import(shown: ImportShown) -> ImportOut:
    return ImportOut.model_validate(shown, from_attributes=True)


def _lines(found: LinesPage) -> LinesOut:
    return LinesOut(total=found.total, offset=found.offset, lines=[_line(each) for each in found.lines])


def _line(each: LineShown) -> LineOut:
    return LineOut(
        id=each.id,
        posted_on=each.posted_on,
        traded_on=each.traded_on,
        description=each.description,
        amount=money.to_text(each.amount, each.currency),
        currency=each.currency,
        card=each.card,
        kind=each.kind,
        source=each.source,
        bank=each.bank,
        counts=each.counts,
        links=[LinkOut(kind=kind, line=line) for kind, line in each.links],
    )


def _health(each: health.ReaderHealth) -> HealthOut:
    return HealthOut(
        reader=each.reader,
        bank=each.bank,
        layouts=[LayoutOut.model_validate(layout, from_attributes=True) for layout in each.layouts],
        failures=[FailureOut(code=code, count=count, last_at=last) for code, count, last in each.failures],
        changed_since=each.changed_since,
    )
