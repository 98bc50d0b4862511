"""Files that people take away: always handed over, never shown by the browser in our own name."""

import re
import unicodedata
from typing import Final
from urllib.parse import quote

from starlette.responses import Response

SANDBOX: Final = "sandbox; default-src 'none'; frame-ancestors 'none'"  # should a browser show it all the same
_PLAIN: Final = re.compile(r"[^A-Za-z0-9._-]+")


def download(body: bytes, kind: str, name: str) -> Response:
    """The bytes as a file of this media type to keep; its name may be in any script and in any shape."""
    return Response(body, media_type=kind, headers={
        "Content-Disposition": disposition(name),
        "Content-Security-Policy": SANDBOX,
        "X-Content-Type-Options": "nosniff",
    })  # fmt: skip


def disposition(name: str) -> str:
    """The head line for a file's name: plain letters for old browsers, UTF-8 for the others (RFC 6266)."""
    clean = "".join(each for each in name if unicodedata.category(each)[0] != "C")  # controls, marks that turn text
    clean = clean.replace("/", "_").replace("\\", "_").strip(". ")[:120] or "file"
    plain = _PLAIN.sub("_", clean)
    said = f'attachment; filename="{plain}"'
    return said if plain == clean else f"{said}; filename*=UTF-8''{quote(clean, safe='')}"
