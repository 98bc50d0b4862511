"""What the JSON door and the pages share: the status of bad news, and what becomes of a fault nobody foresaw."""

import secrets
from collections.abc import Callable
from typing import Final

import structlog
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from anhuan.kit.errors import Bad, Broken, Refused, Unavailable

log = structlog.get_logger(__name__)

MISSING: Final = ("not_found", "unknown", "no_such")  # last part of a code that means: you have no such thing

ACCESS: Final = {"access.not_signed_in": 401, "access.not_allowed": 403, "access.too_many": 429}

Apology = Callable[[Scope, Receive, str], Response]


def status_of(bad: Bad) -> int:
    """The HTTP status of bad news: 4xx for a no, 503 for a silent world, 500 for a broken law."""
    match bad:
        case Refused() if bad.code in ACCESS:
            return ACCESS[bad.code]
        case Unavailable():
            return 503
        case Broken():
            return 500
        case Refused() if bad.code.rpartition(".")[2] in MISSING:
            return 404
        case _:
            return 422


def reference() -> str:
    """A number that a person can quote, and that stands in the log beside what happened."""
    return secrets.token_hex(4).upper()


class Faults:
    """Middleware: an unforeseen fault becomes an apology with a number; the trace goes to the log and nowhere else."""

    def __init__(self, app: ASGIApp, apology: Apology) -> None:
        self.app = app
        self.apology = apology

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
            number = reference()
            log.exception("fault", path=scope["path"], reference=number)
            await self.apology(scope, receive, number)(scope, receive, send)
