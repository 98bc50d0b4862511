"""Pages of one's own data: a copy of everything, erasure with its numbers beforehand, the receipt behind its link."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, ClassVar, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from anhuan.identity import approvals, confirming, erasure, export, holdings, journey, store_consent
from anhuan.identity.consent_words import Said
from anhuan.identity.erasure import Portion
from anhuan.identity.tables_consent import DataRequestRow
from anhuan.kit import page

router = APIRouter(include_in_schema=False)

READ: Final = [page.needs("me.data")]
WRITE: Final = [page.needs("me.data"), Depends(page.own_form)]
HERE: Final = "/me/data"
LONGEST: Final = 30  # seconds between two looks at a job
ROOMS: Final = {
    "identity": Said("账户与授权", "account and consents"),
    "cards": Said("卡片与账单", "cards and bills"),
    "statements": Said("导入的明细", "imported lines"),
    "planning": Said("方案", "plans"),
    "ledger": Said("账本", "the books"),
    "sealing": Said("加密保存", "sealing the file"),
}
assert journey, "its import names the jobs that are promised here"


@dataclass(frozen=True, slots=True)
class Line:
    """Rows of one table in a person's words: how many, why they stay, until when."""

    title: str
    rows: int
    why: str = ""
    until: date | None = None


@dataclass(frozen=True, slots=True)
class RequestShown:
    """One request as a page shows it."""

    id: UUID
    kind: str
    state: str
    percent: int
    doing: str
    asked_at: datetime
    acts_at: datetime
    done_at: datetime | None
    expires_at: datetime | None
    fetched_at: datetime | None
    size: str
    rows: int
    receipt: str
    again: int  # seconds until the page looks again; 0: nothing is going on


@dataclass(frozen=True, slots=True)
class DataPage:
    """我的数据: the copy, the erasure, and what was asked before."""

    template: ClassVar[str] = "identity/data.html"
    copy: RequestShown | None
    erasing: RequestShown | None
    earlier: tuple[RequestShown, ...]


@dataclass(frozen=True, slots=True)
class RequestPart:
    """The state of one request, which asks again by itself while something is going on."""

    template: ClassVar[str] = "identity/_request.html"
    one: RequestShown


@dataclass(frozen=True, slots=True)
class ErasePage:
    """What an erasure would do, before anybody asks for it."""

    template: ClassVar[str] = "identity/erase.html"
    goes: tuple[Line, ...]
    stays: tuple[Line, ...]
    rows: int
    acts_at: datetime


@dataclass(frozen=True, slots=True)
class ReceiptPage:
    """The receipt of an erasure, which stays readable by its link."""

    template: ClassVar[str] = "identity/receipt.html"
    state: str
    asked_at: datetime
    acts_at: datetime
    done_at: datetime | None
    went: tuple[Line, ...]
    stays: tuple[Line, ...]
    rows: int


@router.get(HERE, dependencies=READ)
def show_data(request: Request, db: page.Transaction) -> Response:
    """The copy and the erasure of this party, as far as they are."""
    found = [_shown(request, row) for row in store_consent.requests(db, page.person(request), at_most=20)]
    copy = next((one for one in found if one.kind == "export"), None)
    erasing = next((one for one in found if one.kind == "erasure"), None)
    earlier = tuple(one for one in found if one not in (copy, erasing))
    return page.render(request, DataPage(copy, erasing, earlier))


@router.post(HERE + "/export", dependencies=WRITE)
def ask_export(request: Request, db: page.Transaction) -> Response:
    """Ask for a copy of everything."""
    lang = page.visitor(request).lang
    export.ask(db, page.person(request), actor=page.actor(request), now=page.now(request), lang=lang)
    return page.go(HERE, request=request)


@router.get(HERE + "/{request_id}/state", dependencies=READ)
def show_state(
    request: Request, db: page.Transaction, request_id: UUID, after: Annotated[int, Query(ge=1, le=LONGEST)] = 2
) -> Response:
    """How far a request is; each look waits longer for the next."""
    row = store_consent.request(db, page.person(request), request_id)
    if row is None:
        raise export.NoSuchRequest("没有这项申请。")
    return page.render(request, RequestPart(_shown(request, row, again=min(LONGEST, after + after // 2 + 1))))


@router.post(HERE + "/{request_id}/file", dependencies=WRITE)
def fetch(request: Request, db: page.Transaction, request_id: UUID, proof: confirming.Proof) -> Response:
    """The archive, for the person who asked for it, after one more proof."""
    who, now = page.actor(request), page.now(request)
    try:
        data = approvals.fetch(db, who, request_id, proof, now=now)
    except confirming.AGAIN as refused:
        found = approvals.archive(db, who, request_id, now=now)
        words = confirming.ActWords("export_fetched", from_at=found.row.done_at, goes=found.rows)
        action = f"{HERE}/{request_id}/file"
        return confirming.ask(request, db, found.act, words, refused, action=action, back=HERE)
    name = f"anhuan-{page.today(request).isoformat()}.zip"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'", "Cache-Control": "no-store",
    }  # fmt: skip
    return confirming.done(request, db, Response(data, media_type="application/zip", headers=headers), proof)


@router.get(HERE + "/erase", dependencies=READ)
def show_erase(request: Request, db: page.Transaction) -> Response:
    """What would go, what would stay, why, until when."""
    told = erasure.forecast(db, page.person(request), page.now(request))
    lang = page.visitor(request).lang
    value = ErasePage(_lines(told.goes, lang), _lines(told.stays, lang), told.rows, told.acts_at)
    return page.render(request, value)


@router.post(HERE + "/erase", dependencies=WRITE)
def ask_erase(request: Request, db: page.Transaction, proof: confirming.Proof) -> Response:
    """Ask to be erased, after one more proof; the cooling time begins."""
    who, now, lang = page.actor(request), page.now(request), page.visitor(request).lang
    try:
        approvals.erase(db, who, proof, lang=lang, now=now)
    except confirming.AGAIN as refused:
        told = approvals.erasing(db, who, now=now)
        words = confirming.ActWords("erasure", from_at=told.acts_at, goes=told.goes, stays=told.stays)
        return confirming.ask(request, db, told.act, words, refused, action=f"{HERE}/erase", back=f"{HERE}/erase")
    return confirming.done(request, db, page.go(HERE, request=request), proof)


@router.post(HERE + "/{request_id}/cancel", dependencies=WRITE)
def cancel(request: Request, db: page.Transaction, request_id: UUID) -> Response:
    """Call an erasure off."""
    lang = page.visitor(request).lang
    erasure.cancel(db, page.person(request), request_id, actor=page.actor(request), now=page.now(request))
    note = "Called off; nothing was erased." if lang == "en" else "已取消,没有删除任何内容。"
    return page.go(HERE, request=request, note=note)


@router.get("/receipts/{token}", dependencies=[page.needs("public")])
def show_receipt(request: Request, db: page.Transaction, token: str) -> Response:
    """The receipt of an erasure, for whoever holds its link."""
    row, lang = erasure.receipt(db, token), page.visitor(request).lang
    went = tuple(Portion(table, count) for table, count in row.report.get("went", {}).items())
    stays = tuple(
        Portion(table, one["rows"], one["duty"], date.fromisoformat(one["until"]))
        for table, one in row.report.get("stays", {}).items()
    )
    value = ReceiptPage(
        state=row.state, asked_at=row.asked_at, acts_at=row.acts_at, done_at=row.done_at, went=_lines(went, lang),
        stays=_lines(stays, lang), rows=sum(one.rows for one in went),
    )  # fmt: skip
    answer = page.render(request, value)
    answer.headers["Referrer-Policy"] = "no-referrer"  # the address is the key
    return answer


def _shown(request: Request, row: DataRequestRow, *, again: int = 2) -> RequestShown:
    now, lang = page.now(request), page.visitor(request).lang
    state = "gone" if row.state == "done" and row.expires_at is not None and row.expires_at <= now else row.state
    kinds = row.report.get("rows") if row.kind == "export" else row.report.get("went")
    return RequestShown(
        id=row.id, kind=row.kind, state=state, percent=row.percent,
        doing=ROOMS[row.doing].in_(lang) if row.doing in ROOMS else "", asked_at=row.asked_at, acts_at=row.acts_at,
        done_at=row.done_at, expires_at=row.expires_at, fetched_at=row.fetched_at,
        size=_size(row.file_bytes), rows=sum((kinds or {}).values()),
        receipt=erasure.receipt_token(row.id) if row.kind == "erasure" else "",
        again=again if state in ("waiting", "running") else 0,
    )  # fmt: skip


def _lines(portions: tuple[Portion, ...], lang: str) -> tuple[Line, ...]:
    names = holdings.names()
    return tuple(
        Line(
            names[one.table].in_(lang) if one.table in names else one.table,
            one.rows,
            holdings.KEEPING[one.duty].in_(lang) if one.duty else "",
            one.until,
        )
        for one in portions
    )


def _size(count: int | None) -> str:
    if count is None:
        return ""
    return f"{count / 1024:.0f} KB" if count < 1024 * 1024 else f"{count / 1024 / 1024:.1f} MB"
