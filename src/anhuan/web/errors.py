"""Bad news on a page: what happened, what became of your data, what to do now, and a number to quote."""

import secrets
import traceback
from dataclasses import dataclass
from typing import ClassVar, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from anhuan.kit import page
from anhuan.kit.errors import Bad, Broken, Refused, Unavailable
from anhuan.web import language

log = structlog.get_logger("anhuan.web")

GONE: Final = ("not_found", "unknown", "no_such")  # last part of a code that means: there is no such thing of yours


@dataclass(frozen=True, slots=True)
class Trouble:
    """One error page: its heading, one sentence, and the number to quote."""

    template: ClassVar[str] = "web/trouble.html"
    status: int
    sentence: str
    reference: str


@dataclass(frozen=True, slots=True)
class TroubleNote:
    """The same inside a page that stays: the fragment htmx puts where the answer would have stood."""

    template: ClassVar[str] = "web/_trouble.html"
    status: int
    sentence: str
    reference: str


def install(app: FastAPI) -> None:
    """Answer every kind of bad news as a page, or as a fragment for htmx; the JSON door speaks for itself."""
    app.add_exception_handler(Bad, _bad)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_middleware(Faults, app=app)


def answer(request: Request, status: int, sentence: str, code: str) -> Response:
    """Bad news in the form the asker can use, never with a trace."""
    reference = secrets.token_hex(4).upper()
    log.warning("refused" if status < 500 else "failed", status=status, code=code, reference=reference,
                path=request.url.path)  # fmt: skip
    said = language.translations(page.visitor(request).lang).gettext(sentence) if sentence else ""
    kind = TroubleNote if page.is_partial(request) else Trouble
    return page.render(request, kind(status, said, reference), status=status)


def status_of(bad: Bad) -> int:
    """The HTTP status of bad news: 404, 422, 503 or 500."""
    match bad:
        case Unavailable():
            return 503
        case Broken():
            return 500
        case Refused() if bad.code.rpartition(".")[2] in GONE:
            return 404
        case _:
            return 422


def sentence_of(bad: Bad, lang: str) -> str:
    """What to tell the visitor: the message where it is in their language, else the Chinese name of the refusal."""
    if lang == "en" or not bad.message.isascii():
        return bad.message
    name = (type(bad).__doc__ or "").partition(":")[0]
    return f"{name}。" if name and not name.isascii() else ""


class Faults:
    """Innermost middleware: an unforeseen fault becomes a calm page with a reference; the trace goes to the log."""

    def __init__(self, inner: ASGIApp, app: FastAPI) -> None:
        self.inner = inner
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watching(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.inner(scope, receive, watching)
        except Exception:
            if scope["type"] != "http" or started:
                raise
            # The plain trace: a pretty one prints the values of variables, and those are people's money.
            log.error("fault", path=scope["path"], trace=traceback.format_exc())
            request = Request({**scope, "app": self.app}, receive)
            await answer(request, 500, "", "web.fault")(scope, receive, send)


def _bad(request: Request, error: Exception) -> Response:
    assert isinstance(error, Bad)
    return answer(request, status_of(error), sentence_of(error, page.visitor(request).lang), error.code)


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return answer(request, error.status_code, "", f"http.{error.status_code}")


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return answer(request, 422, "", "request.invalid")
