"""The shape of a request, judged before anything is read: what no browser of ours sends has no business here.

Each rule answers with a status, or None where it finds nothing wrong. A request that two servers could read in two ways
is refused, whatever either reading would have done.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final
from urllib.parse import unquote_to_bytes

METHODS: Final = frozenset(("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"))
MAX_TARGET: Final = 8 << 10  # bytes of path and query (RFC 9110 advises servers to bear 8000)
MAX_FIELD: Final = 8 << 10  # bytes of one head line
MAX_HEAD: Final = 32 << 10  # bytes of all head lines
MAX_FIELDS: Final = 100

_HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)(:[0-9]{1,5})?", re.IGNORECASE)
_PATH: Final = re.compile(rb"/[!-\[\]-~]*")  # printable ASCII without the backslash
_SPOILED: Final = re.compile(
    rb"%(?:2f|5c|25|[01][0-9a-f]|7f)", re.IGNORECASE
)  # a slash, a backslash, a percent, controls
_QUERY: Final = re.compile(rb"[!-~]*")
_SINGLE: Final = (b"host", b"content-length", b"transfer-encoding", b"authorization", b"content-type", b"origin")

Fields = Sequence[tuple[bytes, bytes]]


def complaint(method: str, path: bytes, query: bytes, fields: Fields) -> int | None:
    """The status of the first thing that is wrong with a request's head, None for a well-formed one."""
    if method not in METHODS:
        return 405
    if len(path) + len(query) > MAX_TARGET:
        return 414
    return _of_path(path, query) or _of_fields(fields)


def _of_path(path: bytes, query: bytes) -> int | None:
    """Only a plain path from the root: no other form of target, nothing that decodes into another path."""
    if not _PATH.fullmatch(path) or _SPOILED.search(path) or not _QUERY.fullmatch(query):
        return 400
    plain = unquote_to_bytes(path)
    if b"\\" in plain or plain.startswith(b"//") or {b".", b".."} & set(plain.split(b"/")):
        return 400
    try:
        plain.decode("utf-8")
    except UnicodeDecodeError:
        return 400
    return 400 if b"%00" in query else None


def _of_fields(fields: Fields) -> int | None:
    """Few and short head lines, none twice that may stand once, and one way alone to tell where the body ends."""
    if len(fields) > MAX_FIELDS or sum(len(name) + len(value) for name, value in fields) > MAX_HEAD:
        return 431
    if any(len(name) + len(value) > MAX_FIELD for name, value in fields):
        return 431
    count = Counter(name for name, _ in fields)
    if any(count[name] > 1 for name in _SINGLE) or (count[b"content-length"] and count[b"transfer-encoding"]):
        return 400
    for name, value in fields:
        if name == b"content-length" and not re.fullmatch(rb"[0-9]{1,18}", value):
            return 400
        if name == b"transfer-encoding" and value.lower() != b"chunked":
            return 400
        if any((byte < 0x20 and byte != 0x09) or byte == 0x7F for byte in value):
            return 400
    hosts = [value for name, value in fields if name == b"host"]
    return None if len(hosts) == 1 and (not hosts[0] or _HOST.fullmatch(hosts[0].decode("latin-1"))) else 400
