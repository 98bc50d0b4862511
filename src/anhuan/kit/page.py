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

from anhuan.kit import actors, clock
from anhuan.kit.actors import Actor
from anhuan.kit.errors import Refused

SESSION_COOKIE: Final = "__Host-anhuan"  # Secure, no domain, path /: no neighbour site can set or read it
CSRF_COOKIE: Final = "__Host-anhuan-form"
NOTE_COOKIE: Final = "anhuan_note"
DESK_RIGHTS: Final = "desk."  # rights of operators begin so; their routes work as anhuan_desk


@runtime_checkable
class Page(Protocol):
    """A frozen dataclass whose fields are the names its template may use."""

    template: ClassVar[str]


Renderer = Callable[[Request, Page], str]


@dataclass(frozen=True, slots=True)
class Visitor:
    """In which language somebody looks, and whether amounts are hidden on this device."""

    lang: str
    hide_amounts: bool


class NotFound(Refused):
    """页面不存在: there is no such thing, or it belongs to somebody else; the answer is the same."""

    code = "page.not_found"


class ForeignForm(Refused):
    """表单已失效: the form did not come from our own page."""

    code = "page.foreign_form"


class NotSignedIn(Refused):
    """请先登录: this needs somebody known; a page leads to sign-in, the JSON door answers 401."""

    code = "access.not_signed_in"


class NotAllowed(Refused):
    """没有权限: the table of rights does not give this to the one who asks (403)."""

    code = "access.not_allowed"


Admit = Callable[[Request, Session], Actor]


def visitor(request: Request) -> Visitor:
    """The choices kept on this device; a language that was never chosen here is the person's own."""
    wish = request.cookies.get("lang") or actor(request).lang or ""
    hidden = request.cookies.get("hide") == "1"
    return Visitor(wish if wish in ("zh", "en") else "zh", hidden)


def actor(request: Request) -> Actor:
    """Who asks; nobody before the transaction of this request has admitted somebody."""
    return getattr(request.state, "actor", actors.NOBODY)


def person(request: Request) -> UUID:
    """The party whose rows this request may touch: the person, or the organisation the person acts for."""
    party = actor(request).party_id
    if party is None:
        raise NotSignedIn("请先登录。")
    return party


def now(request: Request) -> datetime:
    """This moment by the clock of the application, which a test may hold in its hand."""
    ask: Callable[[], datetime] = getattr(request.app.state, "clock", clock.now)
    return ask()


def today(request: Request) -> date:
    """The bank day in China at this moment of the application's clock."""
    return now(request).astimezone(clock.CHINA).date()


def _transaction(request: Request) -> Iterator[Session]:
    yield from _admitted(request, request.app.state.sessions)


def _desk(request: Request) -> Iterator[Session]:
    yield from _admitted(request, request.app.state.desk)


def _admitted(request: Request, sessions: Callable[[], sessionmaker[Session]]) -> Iterator[Session]:
    admit: Admit = request.app.state.admit
    with sessions().begin() as db:
        request.state.actor = admit(request, db)
        yield db


# One transaction for one request, closed before the answer leaves, so that the next page already sees it. It knows who
# asks and sees the rows of that party alone; operators' routes have one of their own, which reads one party at a time.
Transaction = Annotated[Session, Depends(_transaction, scope="function")]
Desk = Annotated[Session, Depends(_desk, scope="function")]


def needs(right: str) -> Any:
    """The rule of a route, exactly one on each: who lacks this right in the table of rights is not let in."""

    def at_the_desk(request: Request, db: Desk) -> None:
        insist(actor(request), right)

    def for_people(request: Request, db: Transaction) -> None:
        insist(actor(request), right)

    def for_everybody() -> None:
        """Open to all: files and calculators wait for no database; a page that greets takes `Transaction` itself."""

    check: Any = at_the_desk if right.startswith(DESK_RIGHTS) else for_people
    if right == actors.PUBLIC:
        check = for_everybody
    check.right = right
    return Depends(check)


def insist(who: Actor, right: str) -> None:
    """Refuse whoever lacks the right: unknown people are asked to sign in, known ones are told no."""
    if who.may(right):
        return
    if who.kind is actors.ActorKind.NOBODY:
        raise NotSignedIn("请先登录。")
    raise NotAllowed("您没有做这件事的权限。")


def render(request: Request, page: Page, *, status: int = 200) -> HTMLResponse:
    """The page value as HTML, in the visitor's language."""
    renderer: Renderer = request.app.state.pages
    answer = HTMLResponse(renderer(request, page), status_code=status)
    secret = form_secret(request).hex()
    if SESSION_COOKIE not in request.cookies and request.cookies.get(CSRF_COOKIE) != secret:
        answer.set_cookie(CSRF_COOKIE, secret, secure=True, httponly=True, samesite="strict")
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
    """The secret of this visitor's forms: drawn from the session, so that it ends with it; at first a cookie's."""
    known: bytes | None = getattr(request.state, "form_secret", None)
    if known is None:
        known = _secret_kept(request) or os.urandom(32)
        request.state.form_secret = known
    return known


def _secret_kept(request: Request) -> bytes | None:
    session = request.cookies.get(SESSION_COOKIE)
    if session is not None:
        return hmac.digest(session.encode(), b"anhuan forms", "sha256")
    try:
        secret = bytes.fromhex(request.cookies.get(CSRF_COOKIE, ""))
    except ValueError:
        return None
    return secret if len(secret) == 32 else None


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
    secret = _secret_kept(request)
    if len(raw) != 64 or secret is None or not hmac.compare_digest(_mix(raw[:32], raw[32:]), secret):
        raise ForeignForm("这个表单已失效,请返回上一页刷新后再试。没有保存任何内容。")


def values_of(page: Page) -> dict[str, Any]:
    """The names a template may use, straight from the fields of the page value."""
    return {name: getattr(page, name) for name in getattr(page, "__dataclass_fields__", {})}


def _mix(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))
