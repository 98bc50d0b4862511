"""What the pages of every room share: one page value makes one page, forms prove where they came from.

The rooms know nothing of the shell above them: it leaves a renderer in `app.state.pages` and reads pages through it.
"""

import hmac
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Final, Protocol, runtime_checkable
from uuid import UUID

from fastapi import Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.orm import Session, sessionmaker

from anhuan.kit import clock, ids
from anhuan.kit.errors import Refused

CSRF_COOKIE: Final = "anhuan_form"
NOTE_COOKIE: Final = "anhuan_note"


@runtime_checkable
class Page(Protocol):
    """A frozen dataclass whose fields are the names its template may use."""

    template: ClassVar[str]


Renderer = Callable[[Request, Page], str]


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks, in which language, and whether amounts are hidden on this device."""

    user_id: UUID
    lang: str
    hide_amounts: bool


class NotFound(Refused):
    """页面不存在: there is no such thing, or it belongs to somebody else; the answer is the same."""

    code = "page.not_found"


class ForeignForm(Refused):
    """表单已失效: the form did not come from our own page."""

    code = "page.foreign_form"


def visitor(request: Request) -> Visitor:
    """The one local person, with the choices kept on this device."""
    wish = request.cookies.get("lang") or ""
    hidden = request.cookies.get("hide") == "1"
    return Visitor(ids.LOCAL_USER, wish if wish in ("zh", "en") else "zh", hidden)


def person(request: Request) -> UUID:
    """The user whose rows this request may touch; until sign-in is built, the local person."""
    return visitor(request).user_id


def now(request: Request) -> datetime:
    """This moment by the clock of the application, which a test may hold in its hand."""
    ask: Callable[[], datetime] = getattr(request.app.state, "clock", clock.now)
    return ask()


def today(request: Request) -> date:
    """The bank day in China at this moment of the application's clock."""
    return now(request).astimezone(clock.CHINA).date()


def _transaction(request: Request) -> Iterator[Session]:
    sessions: sessionmaker[Session] = request.app.state.sessions
    with sessions.begin() as db:
        yield db


# One transaction for one request, closed before the answer leaves, so that the next page already sees it.
Transaction = Annotated[Session, Depends(_transaction, scope="function")]


def render(request: Request, page: Page, *, status: int = 200) -> HTMLResponse:
    """The page value as HTML, in the visitor's language."""
    renderer: Renderer = request.app.state.pages
    answer = HTMLResponse(renderer(request, page), status_code=status)
    secret = form_secret(request).hex()
    if request.cookies.get(CSRF_COOKIE) != secret:
        answer.set_cookie(CSRF_COOKIE, secret, httponly=True, samesite="strict")
    if NOTE_COOKIE in request.cookies and not is_partial(request):
        answer.delete_cookie(NOTE_COOKIE)
    return answer


def is_partial(request: Request) -> bool:
    """Whether htmx asks for a fragment, so that an answer may leave out the shell."""
    return request.headers.get("HX-Request-Type") == "partial"


def go(to: str, *, request: Request | None = None, note: str = "") -> Response:
    """Send the browser to another page of ours after a form (303), with one sentence to show there once.

    htmx follows a redirect inside the swap, so it is told to load the whole page instead.
    """
    answer: Response
    if request is not None and request.headers.get("HX-Request"):
        answer = Response(status_code=204, headers={"HX-Redirect": to})
    else:
        answer = RedirectResponse(to, status_code=303)
    if note:
        answer.set_cookie(NOTE_COOKIE, note.encode().hex(), max_age=60, httponly=True, samesite="strict")
    return answer


def read_note(request: Request) -> str:
    """The sentence that `go` left for this page, or nothing."""
    try:
        return bytes.fromhex(request.cookies.get(NOTE_COOKIE, "")).decode()[:300]
    except ValueError:
        return ""


def form_secret(request: Request) -> bytes:
    """The secret of this browser's forms: kept in a cookie, made once per visit where there is none."""
    known: bytes | None = getattr(request.state, "form_secret", None)
    if known is None:
        try:
            known = bytes.fromhex(request.cookies.get(CSRF_COOKIE, ""))
        except ValueError:
            known = b""
        known = known if len(known) == 32 else os.urandom(32)
        request.state.form_secret = known
    return known


def form_token(request: Request) -> str:
    """A token for one form: the secret under a fresh mask, so that compressed pages never repeat its bytes."""
    mask = os.urandom(32)
    return (mask + _mix(mask, form_secret(request))).hex()


def own_form(request: Request, csrf: Annotated[str, Form()] = "") -> None:
    """Let a form pass only when it carries the token of this browser (a dependency of each unsafe route)."""
    try:
        raw = bytes.fromhex(csrf)
    except ValueError:
        raw = b""
    secret = request.cookies.get(CSRF_COOKIE, "")
    if len(raw) != 64 or not hmac.compare_digest(_mix(raw[:32], raw[32:]).hex(), secret):
        raise ForeignForm("这个表单已失效,请返回上一页刷新后再试。没有保存任何内容。")


def values_of(page: Page) -> dict[str, Any]:
    """The names a template may use, straight from the fields of the page value."""
    return {name: getattr(page, name) for name in getattr(page, "__dataclass_fields__", {})}


def _mix(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))
