"""What the JSON door and the pages share: the status of bad news, and what becomes of a fault nobody foresaw."""

import re
import secrets
from collections.abc import Callable, Sequence
from typing import Any, Final
from urllib.parse import unquote

import structlog
from sqlalchemy.exc import DataError, StatementError
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from anhuan.kit.errors import Bad, Broken, Refused, Unavailable

log = structlog.get_logger(__name__)

MISSING: Final = ("not_found", "unknown", "no_such")  # last part of a code that means: you have no such thing

ACCESS: Final = {"access.not_signed_in": 401, "access.not_allowed": 403, "access.too_many": 429, "consent.missing": 403}

_OWN: Final = re.compile(r"/[!#-;=?-\[\]_a-z~%-]{0,1000}")  # ASCII that an address holds as it is; no backslash
_PLACE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,60}|[0-9]{1,4}")

# Text that no row can hold (a NUL, half a character, a number of a hundred digits): the asker's mistake, not ours.
UNSTORABLE: Final = (StatementError, UnicodeEncodeError)

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


def own_path(back: object) -> str:
    """A path of this site to return to; anything else becomes home, so that no form can send people elsewhere.

    What browsers read as the beginning of another address is refused in every spelling: `//`, `/\\`, a slash in
    percent signs once or twice, dots that walk, control characters that are skipped.
    """
    if not isinstance(back, str) or not _OWN.fullmatch(back):
        return "/"
    path = re.split(r"[?#]", back, maxsplit=1)[0]
    for _ in range(3):
        if "//" in path or "\\" in path or {".", ".."} & set(path.split("/")) or not path.isprintable():
            return "/"
        path = unquote(path)
    return back


def complaint_of(errors: Sequence[Any]) -> tuple[str, str | None]:
    """One sentence and the place of the first thing that is wrong with a request, without a byte of what it said.

    The framework quotes the request in the sentences that end with a reason, so only the kind of those is told.
    """
    first = errors[0]
    kind, said = str(first["type"]), str(first["msg"])
    quoted = "error" in (first.get("ctx") or {}) or kind in ("value_error", "assertion_error", "extra_forbidden")
    places = [str(part) for part in first["loc"] if part not in ("body", "query", "path", "header", "cookie")]
    if kind == "extra_forbidden":
        places = places[:-1]  # the name of a field that we do not have is the asker's own word
    place = ".".join(part for part in places if _PLACE.fullmatch(part))
    return (f"This value cannot be read ({kind})." if quoted else said), place or None


def is_unstorable(error: Exception) -> bool:
    """Whether one of `UNSTORABLE` is about the asker's text or number: other faults of a statement are ours."""
    return isinstance(error, (DataError, UnicodeEncodeError)) or (
        isinstance(error, StatementError) and isinstance(error.orig, (UnicodeEncodeError, OverflowError))
    )


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
