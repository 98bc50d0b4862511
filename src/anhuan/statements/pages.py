"""The intake as pages: hand files in, see exactly what a commit would do, commit it, take it back."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Final
from uuid import UUID

from fastapi import APIRouter, Depends, File, Form, Request, Response, UploadFile

from anhuan import statements
from anhuan.kit import page
from anhuan.statements.changes import FileChange, FileEffect, ImportShown, LinesPage, Preview, Upload

router = APIRouter(prefix="/import", include_in_schema=False)

ROWS_SHOWN: Final = 40  # rows of one file that a preview prints; the rest is counted
PAGE: Final = 50
# Our words for the columns of an unknown table, the ones that every table has first.
COLUMNS: Final = (
    "traded_on", "posted_on", "description", "amount", "money_out", "money_in", "currency", "card", "balance",
    "counterparty", "reference", "paid_with",
)  # fmt: skip


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
    columns: tuple[str, ...] = COLUMNS
    rows_shown: int = ROWS_SHOWN


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """One import of the past with its lines."""

    template: ClassVar[str] = "statements/history.html"
    batch: ImportShown
    lines: LinesPage
    before: int | None
    after: int | None


@router.get("")
def show_import(request: Request, db: page.Transaction) -> Response:
    """The page where files are handed in."""
    return page.render(request, _import_page(request, db))


@router.post("", dependencies=[Depends(page.own_form)])
def hand_in(
    request: Request,
    db: page.Transaction,
    files: Annotated[list[UploadFile], File()],
    password: Annotated[str, Form()] = "",
) -> Response:
    """Read the files and go to the preview; nothing of them is in the books yet."""
    uploads = _uploads(files, password)
    if not uploads:
        return page.render(request, _import_page(request, db, "no_file"), status=422)
    made = statements.preview(db, page.person(request), uploads, now=page.now(request))
    return page.go(f"/import/preview/{made.id}", request=request)


@router.post("/mapping", dependencies=[Depends(page.own_form)])
async def map_columns(request: Request) -> Response:
    """Keep the user's choice of columns, then read the file again with it."""
    raise NotImplementedError


@router.get("/preview/{preview_id}")
def show_preview(request: Request, db: page.Transaction, preview_id: UUID) -> Response:
    """The stored preview: exactly what its commit will do."""
    found = statements.find_preview(db, page.person(request), preview_id)
    return page.render(request, preview_page(found))


@router.post("/preview/{preview_id}/commit", dependencies=[Depends(page.own_form)])
def commit(request: Request, db: page.Transaction, preview_id: UUID) -> Response:
    """Apply exactly this preview."""
    done = statements.commit(db, page.person(request), preview_id, now=page.now(request))
    return page.go(f"/import/history/{done.id}?fresh=1", request=request)


@router.get("/history/{import_id}")
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


@router.post("/history/{import_id}/undo", dependencies=[Depends(page.own_form)])
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
