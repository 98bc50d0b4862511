"""The intake as pages: hand files in, see exactly what a commit would do, commit it, take it back."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Final
from uuid import UUID

from fastapi import APIRouter, Depends, File, Form, Request, Response, UploadFile
from pydantic import BaseModel

from anhuan import statements
from anhuan.identity import consent
from anhuan.identity.consent_words import Purpose
from anhuan.kit import clock, page, rates, terms
from anhuan.statements.changes import FileChange, FileEffect, ImportShown, LinesPage, Preview, Upload
from anhuan.statements.health import ReaderHealth
from anhuan.statements.mapping import WORDS
from anhuan.statements.model import Source

router = APIRouter(prefix="/import", include_in_schema=False)

ROWS_SHOWN: Final = 40  # rows of one file that a preview prints; the rest is counted
PAGE: Final = 50
READ: Final = [page.needs("bills.read")]
WRITE: Final = [page.needs("bills.import"), Depends(page.own_form)]


@dataclass(frozen=True, slots=True)
class ImportPage:
    """Where files are handed in, with what was imported before."""

    template: ClassVar[str] = "statements/import.html"
    history: tuple[ImportShown, ...]
    trouble: str


@dataclass(frozen=True, slots=True)
class FileShown:
    """One file of a preview: what becomes of it, and as many of its rows as fit."""

    change: FileChange
    linked: int
    rows_left: int


@dataclass(frozen=True, slots=True)
class PreviewPage:
    """What a commit would do, no more and no less."""

    template: ClassVar[str] = "statements/preview.html"
    preview_id: UUID
    files: tuple[FileShown, ...]
    bills: int
    rows_new: int
    rows_known: int
    ready: bool
    columns: tuple[str, ...] = WORDS
    banks: tuple[str, ...] = tuple(bank.id for bank in terms.banks_to_choose(demonstration=False))
    rows_shown: int = ROWS_SHOWN


class MappingForm(BaseModel):
    """What the user says about the columns of an unknown table, with the file to read again."""

    headings: list[str]
    files: list[UploadFile]
    posted_on: str = ""
    traded_on: str = ""
    description: str = ""
    amount: str = ""
    money_out: str = ""
    money_in: str = ""
    direction: str = ""
    currency: str = ""
    card: str = ""
    balance: str = ""
    reference: str = ""
    counterparty: str = ""
    paid_with: str = ""
    kind: str = ""
    note: str = ""
    spending: str = ""
    source: str = ""
    bank: str = ""
    tail: str = ""
    currency_code: str = ""
    csrf: str = ""


@dataclass(frozen=True, slots=True)
class HealthPage:
    """账单识别情况: every reader that met a file."""

    template: ClassVar[str] = "statements/health.html"
    readers: tuple[ReaderHealth, ...]


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """One import of the past with its lines."""

    template: ClassVar[str] = "statements/history.html"
    batch: ImportShown
    lines: LinesPage
    before: int | None
    after: int | None


@router.get("", dependencies=READ)
def show_import(request: Request, db: page.Transaction) -> Response:
    """The page where files are handed in; who has not agreed to have bills read is asked first."""
    if not consent.stands(db, page.person(request), Purpose.BILL_READING, page.now(request)):
        return page.go("/me/consents/bill_reading?back=/import", request=request)
    return page.render(request, _import_page(request, db))


@router.post("", dependencies=WRITE)
def hand_in(
    request: Request,
    db: page.Transaction,
    files: Annotated[list[UploadFile], File()],
    password: Annotated[str, Form()] = "",
) -> Response:
    """Read the files and go to the preview; nothing of them is in the books yet."""
    consent.require(db, page.person(request), Purpose.BILL_READING, page.now(request))
    uploads = _uploads(files, password)
    if not uploads:
        return page.render(request, _import_page(request, db, "no_file"), status=422)
    rates.take(str(page.person(request)), rates.limit("uploads.party"), now=clock.now())
    made = statements.preview(db, page.person(request), uploads, now=page.now(request))
    return page.go(f"/import/preview/{made.id}", request=request)


@router.post("/mapping", dependencies=WRITE)
def map_columns(
    request: Request, db: page.Transaction, choice: Annotated[MappingForm, Form(media_type="multipart/form-data")]
) -> Response:
    """Keep the user's choice of columns, then read the file again with it."""
    user, now = page.person(request), page.now(request)
    consent.require(db, user, Purpose.BILL_READING, now)
    chosen = {word: heading for word in WORDS if (heading := getattr(choice, word))}
    source = Source(choice.source) if choice.source else None
    kept = statements.Mapping(
        chosen, choice.spending, currency=choice.currency_code or None, source=source, bank=choice.bank or None,
        card=choice.tail or None,
    )  # fmt: skip
    statements.save_mapping(db, user, choice.headings, kept, now=now)
    rates.take(str(user), rates.limit("uploads.party"), now=clock.now())
    made = statements.preview(db, user, _uploads(choice.files, ""), now=now)
    return page.go(f"/import/preview/{made.id}", request=request)


@router.get("/health", dependencies=READ)
def show_health(request: Request, db: page.Transaction) -> Response:
    """Which reader met which layout of which bank, and which one stopped matching."""
    return page.render(request, HealthPage(tuple(statements.health_report(db, page.person(request)))))


@router.get("/preview/{preview_id}", dependencies=READ)
def show_preview(request: Request, db: page.Transaction, preview_id: UUID) -> Response:
    """The stored preview: exactly what its commit will do."""
    found = statements.find_preview(db, page.person(request), preview_id)
    return page.render(request, preview_page(found))


@router.post("/preview/{preview_id}/commit", dependencies=WRITE)
def commit(request: Request, db: page.Transaction, preview_id: UUID) -> Response:
    """Apply exactly this preview."""
    consent.require(db, page.person(request), Purpose.BILL_READING, page.now(request))
    done = statements.commit(db, page.person(request), preview_id, now=page.now(request))
    return page.go(f"/import/history/{done.id}?fresh=1", request=request)


@router.get("/history/{import_id}", dependencies=READ)
def show_history(request: Request, db: page.Transaction, import_id: UUID, offset: int = 0) -> Response:
    """One import and the lines it brought."""
    user = page.person(request)
    batch = next((one for one in statements.imports(db, user, at_most=500) if one.id == import_id), None)
    if batch is None:
        raise page.NotFound("没有这次导入。")
    lines = statements.lines_of_import(db, user, import_id, offset=max(0, offset), at_most=PAGE)
    last = lines.offset + len(lines.lines)
    return page.render(
        request,
        HistoryPage(
            batch=batch,
            lines=lines,
            before=max(0, lines.offset - PAGE) if lines.offset else None,
            after=last if last < lines.total else None,
        ),
    )


@router.post("/history/{import_id}/undo", dependencies=WRITE)
def undo(request: Request, db: page.Transaction, import_id: UUID) -> Response:
    """Take a whole import back."""
    statements.undo(db, page.person(request), import_id, now=page.now(request))
    return page.go(f"/import/history/{import_id}", request=request)


def preview_page(found: Preview) -> PreviewPage:
    """A preview as its page shows it."""
    stored = [change for change in found.files if change.effect is FileEffect.NEW]
    return PreviewPage(
        preview_id=found.id,
        files=tuple(
            FileShown(change, found.linked_rows(change), max(0, len(change.rows) - ROWS_SHOWN))
            for change in found.files
        ),
        bills=sum(len(change.bills) for change in stored),
        rows_new=sum(change.rows_new for change in stored),
        rows_known=sum(change.rows_known for change in stored),
        ready=not found.changes_nothing,
    )


def _uploads(files: list[UploadFile], password: str) -> list[Upload]:
    given = [(file.filename or "", file.file.read()) for file in files if file.filename]
    return [Upload(name, data, password or None) for name, data in given]


def _import_page(request: Request, db: page.Transaction, trouble: str = "") -> ImportPage:
    return ImportPage(tuple(statements.imports(db, page.person(request), at_most=20)), trouble)
