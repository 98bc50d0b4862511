"""The application under /api/v1: routers of the rooms, and bad news as {code, message, field}."""

import importlib
import importlib.util
import secrets
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.orm import Session, sessionmaker
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from anhuan.kit.errors import Bad, Broken, Refused, Unavailable

log = structlog.get_logger(__name__)

VERSION: Final = "1"
ROOMS: Final = ("cards", "statements", "planning")
MISSING: Final = ("not_found", "unknown", "no_such")  # last part of a code that means: you have no such thing


class Trouble(BaseModel):
    """Bad news: a stable code, one sentence for people, and the field it is about."""

    code: str
    message: str
    field: str | None = None


def create(sessions: sessionmaker[Session]) -> FastAPI:
    """The JSON application, to be mounted at /api/v1; each request runs in one transaction of `sessions`."""
    api = FastAPI(
        title="Anhuan",
        version=VERSION,
        description="Bills in, plan out. Money is decimal text in its currency, days are ISO 8601 in China's time.",
        docs_url=None,
        redoc_url=None,
        responses={code: {"model": Trouble} for code in (404, 422, 500, 503)},
    )
    api.state.sessions = sessions
    for room in ROOMS:
        if importlib.util.find_spec(f"anhuan.{room}.api"):
            api.include_router(importlib.import_module(f"anhuan.{room}.api").router)
    api.add_exception_handler(Bad, _bad)
    api.add_exception_handler(RequestValidationError, _invalid)
    api.add_exception_handler(HTTPException, _http)
    api.add_middleware(Faults)
    return api


def status_of(bad: Bad) -> int:
    """The HTTP status of bad news: 404 or 422 for a no, 503 for a silent world, 500 for a broken law."""
    match bad:
        case Unavailable():
            return 503
        case Broken():
            return 500
        case Refused() if bad.code.rpartition(".")[2] in MISSING:
            return 404
        case _:
            return 422


class Faults:
    """An unforeseen fault becomes JSON with a number to quote; the trace goes to the log and nowhere else."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; answer for what nobody answered."""
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception:
            if scope["type"] != "http" or started:
                raise
            reference = secrets.token_hex(4).upper()
            log.exception("fault", path=scope["path"], reference=reference)
            await _said(500, "fault", f"出错了,编号 {reference}。 Something broke; reference {reference}.")(
                scope, receive, send
            )


def _bad(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Bad)
    return _said(status_of(error), error.code, error.message, error.field)


def _invalid(request: Request, error: Exception) -> JSONResponse:
    """The first thing wrong with the request, named by its place; the rest follows once that is mended."""
    assert isinstance(error, RequestValidationError)
    first: dict[str, Any] = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path"))
    return _said(422, "request.invalid", str(first["msg"]), place or None)


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return _said(error.status_code, f"http.{error.status_code}", str(error.detail))


def _said(status: int, code: str, message: str, field: str | None = None) -> JSONResponse:
    body = Trouble(code=code, message=message, field=field).model_dump(exclude_none=True)
    return JSONResponse(body, status)
