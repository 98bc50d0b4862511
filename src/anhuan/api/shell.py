"""The application under /api/v1: routers of the rooms, and bad news as {code, message, field}."""

import importlib
import importlib.util
from typing import Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope

from anhuan.kit.doors import UNSTORABLE, Faults, complaint_of, reference, status_of
from anhuan.kit.errors import Bad

log = structlog.get_logger("anhuan.api")

VERSION: Final = "1"
ROOMS: Final = ("identity", "cards", "statements", "planning")


class Trouble(BaseModel):
    """Bad news: a stable code, one sentence for people, and the field it is about."""

    code: str
    message: str
    field: str | None = None


def create() -> FastAPI:
    """The JSON application, to be mounted at /api/v1; whoever mounts it says where the rows are and who may ask."""
    api = FastAPI(
        title="Anhuan",
        version=VERSION,
        description="Bills in, plan out. Money is decimal text in its currency, days are ISO 8601 in China's time.",
        docs_url=None,
        redoc_url=None,
        responses={code: {"model": Trouble} for code in (401, 403, 404, 422, 429, 500, 503)},
    )
    for room in ROOMS:
        if importlib.util.find_spec(f"anhuan.{room}.api"):
            api.include_router(importlib.import_module(f"anhuan.{room}.api").router)
    api.add_exception_handler(Bad, _bad)
    api.add_exception_handler(RequestValidationError, _invalid)
    api.add_exception_handler(HTTPException, _http)
    for kind in UNSTORABLE:
        api.add_exception_handler(kind, _unstorable)
    api.add_middleware(Faults, apology=_sorry)
    return api


def _sorry(scope: Scope, receive: Receive, reference: str) -> JSONResponse:
    return _said(500, "fault", f"出错了,编号 {reference}。 Something broke; reference {reference}.")


def _bad(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Bad)
    said = _said(status_of(error), error.code, error.message, error.field)
    if "retry_after" in error.facts:
        said.headers["Retry-After"] = str(error.facts["retry_after"])
    return said


def _invalid(request: Request, error: Exception) -> JSONResponse:
    """The first thing wrong with the request, named by its place; the rest follows once that is mended."""
    assert isinstance(error, RequestValidationError)
    sentence, place = complaint_of(error.errors())
    return _said(422, "request.invalid", sentence, place)


def _unstorable(request: Request, error: Exception) -> JSONResponse:
    number = reference()
    log.warning("unstorable", reference=number, kind=type(error).__name__)
    return _said(422, "request.invalid", f"Some text or number of this request cannot be kept; reference {number}.")


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return _said(error.status_code, f"http.{error.status_code}", str(error.detail))


def _said(status: int, code: str, message: str, field: str | None = None) -> JSONResponse:
    body = Trouble(code=code, message=message, field=field).model_dump(exclude_none=True)
    return JSONResponse(body, status)
