"""Bad news on a page: what happened, what became of your data, what to do now, and a number to quote."""

from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import quote

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope

from anhuan.kit import news, page
from anhuan.kit.doors import UNSTORABLE, Faults, is_unstorable, reference, status_of
from anhuan.kit.errors import Bad

log = structlog.get_logger("anhuan.web")


@dataclass(frozen=True, slots=True)
class Trouble:
    """One error page: its heading, one sentence, its code and the number to quote."""

    template: ClassVar[str] = "web/trouble.html"
    status: int
    sentence: str
    code: str
    reference: str


@dataclass(frozen=True, slots=True)
class TroubleAtDesk:
    """The same inside the operators' console."""

    template: ClassVar[str] = "desk/trouble.html"
    status: int
    sentence: str
    code: str
    reference: str


@dataclass(frozen=True, slots=True)
class TroubleNote:
    """The same inside a page that stays: the fragment htmx puts where the answer would have stood."""

    template: ClassVar[str] = "web/_trouble.html"
    status: int
    sentence: str
    code: str
    reference: str


def install(app: FastAPI) -> None:
    """Answer every kind of bad news as a page, or as a fragment for htmx; the JSON door speaks for itself."""
    app.add_exception_handler(Bad, _bad)
    app.add_exception_handler(HTTPException, _http)
    for kind in (RequestValidationError, *UNSTORABLE):
        app.add_exception_handler(kind, _invalid)

    def sorry(scope: Scope, receive: Receive, number: str) -> Response:
        return _answer(Request({**scope, "app": app}, receive), 500, "", "web.fault", number)

    app.add_middleware(Faults, apology=sorry)


def answer(request: Request, status: int, sentence: str, code: str) -> Response:
    """Bad news in the form the asker can use, never with a trace."""
    number = reference()
    log.warning("refused" if status < 500 else "failed", status=status, code=code, reference=number,
                path=request.url.path)  # fmt: skip
    return _answer(request, status, sentence, code, number)


def _answer(request: Request, status: int, sentence: str, code: str, number: str) -> Response:
    at_desk = request.url.path.startswith("/desk") and page.actor(request).may("desk.home")
    kind = TroubleNote if page.is_partial(request) else TroubleAtDesk if at_desk else Trouble
    return page.render(request, kind(status, sentence, code, number), status=status)


def bad_news(request: Request, bad: Bad) -> Response:
    """A room's bad news as a page in the visitor's language; where it says how long to wait, so does the answer."""
    sentence = news.told(bad.code, bad.message, page.visitor(request).lang)
    said = answer(request, status_of(bad), sentence, bad.code)
    if "retry_after" in bad.facts:
        said.headers["Retry-After"] = str(bad.facts["retry_after"])
    return said


def to_sign_in(request: Request) -> Response:
    """Lead somebody unknown to sign-in, and from there back to the page that was wanted; a form is not sent again."""
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    back = quote(wanted, safe="/") if request.method in ("GET", "HEAD") else "/"
    return page.go(f"/sign-in?back={back}", request=request)


def _bad(request: Request, error: Exception) -> Response:
    assert isinstance(error, Bad)
    if isinstance(error, page.NotSignedIn):
        return to_sign_in(request)
    return bad_news(request, error)


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return answer(request, error.status_code, "", f"http.{error.status_code}")


def _invalid(request: Request, error: Exception) -> Response:
    if not (isinstance(error, RequestValidationError) or is_unstorable(error)):
        raise error
    return answer(request, 422, "", "request.invalid")
