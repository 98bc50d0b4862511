"""The application under /api/v1: routers of the rooms, and bad news as {code, message, field}."""

import importlib
import importlib.util
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope

from anhuan.kit import page
from anhuan.kit.actors import PUBLIC
from anhuan.kit.doors import UNSTORABLE, Faults, complaint_of, is_unstorable, reference, status_of
from anhuan.kit.errors import Bad
from anhuan.kit.routes import rules_of

log = structlog.get_logger("anhuan.api")

VERSION: Final = "1"
# How a program or a browser says who it is: one of both, never both together.
SCHEMES: Final[dict[str, Any]] = {
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": page.SESSION_COOKIE,
        "description": "The session of a person who signed in by the pages.",
    },
    "key": {"type": "http", "scheme": "bearer", "description": "The key of a partner's program."},
}
ROOMS: Final = ("identity", "channels", "cards", "statements", "planning", "repayments")


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
        openapi_url=None,
        responses={code: {"model": Trouble} for code in (401, 403, 404, 422, 429, 500, 503)},
    )
    for room in ROOMS:
        if importlib.util.find_spec(f"anhuan.{room}.api"):
            api.include_router(importlib.import_module(f"anhuan.{room}.api").router)
    api.include_router(importlib.import_module("anhuan.cards.api_partner").router)
    api.include_router(importlib.import_module("anhuan.repayments.api_mandates").router)
    api.add_api_route(
        "/openapi.json", _described, include_in_schema=False, dependencies=[page.needs(PUBLIC)], response_model=None
    )
    api.add_exception_handler(Bad, _bad)
    api.add_exception_handler(RequestValidationError, _invalid)
    api.add_exception_handler(HTTPException, _http)
    for kind in UNSTORABLE:
        api.add_exception_handler(kind, _unstorable)
    api.add_middleware(Faults, apology=_sorry)
    return api


def _described(request: Request) -> JSONResponse:
    """What every program may know: the routes, their schemas, and which right each of them needs."""
    below = request.scope.get("root_path", "")
    return JSONResponse(description(request.app) | ({"servers": [{"url": below}]} if below else {}))


def description(api: FastAPI) -> dict[str, Any]:
    """The OpenAPI description with both ways to say who asks, and the right of each operation beside it."""
    if api.openapi_schema is None:
        made = api.openapi()
        made.setdefault("components", {})["securitySchemes"] = SCHEMES
        for rule in rules_of(api):
            operation = made["paths"].get(rule.path, {}).get(rule.method.lower())
            if operation is not None:
                open_to_all = rule.rights == (PUBLIC,)
                operation["security"] = [] if open_to_all else [{name: []} for name in SCHEMES]
                operation["x-right"] = ", ".join(rule.rights)
    return api.openapi()


def _sorry(scope: Scope, receive: Receive, reference: str) -> JSONResponse:
    return _said(500, "fault", f"出错了,编号 {reference}。 Something broke; reference {reference}.")


def _bad(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Bad)
    status = status_of(error)
    if status in (401, 403, 429):
        log.warning("refused", status=status, code=error.code, path=request.url.path)
    said = _said(status, error.code, error.message, error.field)
    if "retry_after" in error.facts:
        said.headers["Retry-After"] = str(error.facts["retry_after"])
    return said


def _invalid(request: Request, error: Exception) -> JSONResponse:
    """The first thing wrong with the request, named by its place; the rest follows once that is mended."""
    assert isinstance(error, RequestValidationError)
    sentence, place = complaint_of(error.errors())
    return _said(422, "request.invalid", sentence, place)


def _unstorable(request: Request, error: Exception) -> JSONResponse:
    if not is_unstorable(error):
        raise error
    number = reference()
    log.warning("unstorable", reference=number, kind=type(error).__name__)
    return _said(422, "request.invalid", f"Some text or number of this request cannot be kept; reference {number}.")


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return _said(error.status_code, f"http.{error.status_code}", str(error.detail))


def _said(status: int, code: str, message: str, field: str | None = None) -> JSONResponse:
    body = Trouble(code=code, message=message, field=field).model_dump(exclude_none=True)
    return JSONResponse(body, status)
