"""Takes a mail apart: headers, parts, transfer encodings, character sets, mails inside mails.

Written out and not left to the `email` package, which keeps a tree of objects and costs ten times the time on a mail of
100 KB; and bank mails break its rules (empty charset, a message inside a base64 part) more than they keep them.
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from email.utils import parsedate_to_datetime
from typing import Final

from anhuan.kit import clock
from anhuan.statements.model import TooLarge, Unreadable

MAX_BYTES: Final = 40_000_000
MAX_DEPTH: Final = 10
MAX_PARTS: Final = 300
MAX_HEADERS: Final = 200_000  # bytes of one header block

_HEADER_END: Final = re.compile(rb"\r?\n[ \t]*\r?\n|\r\r")
_HEADER: Final = re.compile(rb"^([!-9;-~]{1,80})[ \t]*:[ \t]*(.*?)\r?$", re.M)
_FOLD: Final = re.compile(rb"\r?\n[ \t]+")
_PARAMETER: Final = re.compile(r";\s*([\w*-]+)\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^;\s]*))")
_MESSAGE_START: Final = re.compile(
    rb"\s*(?:[A-Za-z][A-Za-z0-9-]{1,60}:[^\n]*\n(?:[ \t]+[^\n]*\n)*){0,60}?"
    rb"(?:content-type|content-transfer-encoding|mime-version)[ \t]*:[^\n]*\n",
    re.I,
)


@dataclass(frozen=True)
class Envelope:
    """Who sent a message, about what, on which day, and what the reader's mail host found out about the sender."""

    sender: str  # the bare address in small letters, empty where there is none
    subject: str
    sent_on: date | None
    checks: str  # Authentication-Results and Received-SPF


@dataclass(frozen=True)
class Leaf:
    """One part that is no container: its kind, its name, its bytes as they travelled, and the message it belongs to."""

    kind: str
    name: str
    charset: str
    encoding: str
    payload: bytes
    envelope: Envelope

    def bytes(self) -> bytes:
        """The content without its transfer encoding; Unreadable where that is broken."""
        return _decoded(self.payload, self.encoding)

    def text(self) -> str:
        """The content as text, by what the bytes are rather than by what the mail says they are."""
        return text_of(self.bytes(), self.charset)


@dataclass
class Mail:
    """A mail taken apart: the outer envelope, all leaves in order, and whether its end is missing."""

    envelope: Envelope
    leaves: list[Leaf] = field(default_factory=list)
    truncated: bool = False
    parts: int = 0


def mail_of(data: bytes) -> Mail:
    """Take a mail apart; Unreadable when it is none, TooLarge over the limits of size, depth and number of parts."""
    if len(data) > MAX_BYTES:
        raise TooLarge(f"邮件超过 {MAX_BYTES // 1_000_000} MB")
    start = data.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith((b"From ", b">From ")):  # the line a mailbox file puts before each mail
        start = start.partition(b"\n")[2]
    headers, body = _split(start)
    if not headers:
        raise Unreadable("这不是电子邮件：开头没有邮件头")
    mail = Mail(_envelope(headers))
    _take(mail, headers, body, mail.envelope, 0)
    return mail


def _split(data: bytes) -> tuple[dict[str, str], bytes]:
    """Headers by small name (the first of each counts, but for the checks of the host), and the body."""
    end = _HEADER_END.search(data, 0, MAX_HEADERS)
    block, body = (data[: end.start()], data[end.end() :]) if end else (data[:MAX_HEADERS], b"")
    headers: dict[str, str] = {}
    for name, value in _HEADER.findall(_FOLD.sub(b" ", block)):
        key = name.decode("ascii", "replace").lower()
        text = _raw_text(value)
        if key in headers and key in {"authentication-results", "received-spf"}:
            headers[key] += " ; " + text
        headers.setdefault(key, text)
    return headers, body


def _raw_text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("gb18030", "replace")


def _envelope(headers: dict[str, str]) -> Envelope:
    sender = headers.get("from", "")[-1000:]
    angled = re.findall(r"<([^<>\s]+@[^<>\s]+)>", sender)
    plain = re.findall(r"[^\s<>\"',;()]+@[^\s<>\"',;()]+", sender)
    address = (angled or plain or [""])[-1]
    checks = " ; ".join(headers.get(name, "") for name in ("authentication-results", "received-spf"))
    return Envelope(address.lower(), words_of(headers.get("subject", "")), _sent_on(headers.get("date", "")), checks)


def _sent_on(words: str) -> date | None:
    if not words:
        return None
    try:
        moment = parsedate_to_datetime(words)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    try:
        return moment.astimezone(clock.CHINA).date() if moment.tzinfo else moment.date()
    except (ValueError, OverflowError):
        return None


def _take(mail: Mail, headers: dict[str, str], body: bytes, envelope: Envelope, depth: int) -> None:
    """Add the leaves of one part, going into containers and into mails that hide inside parts."""
    mail.parts += 1
    if depth > MAX_DEPTH:
        raise TooLarge(f"邮件嵌套超过 {MAX_DEPTH} 层")
    if mail.parts > MAX_PARTS:
        raise TooLarge(f"邮件超过 {MAX_PARTS} 个部分")
    kind, parameters = _typed(headers.get("content-type", "text/plain"))
    if kind.startswith("multipart/"):
        for part in _parts(mail, body, parameters.get("boundary", "")):
            inner, content = _split_part(part)
            _take(mail, inner, content, envelope, depth + 1)
        return
    encoding = headers.get("content-transfer-encoding", "").strip().lower()
    _, placed = _typed("x/y;" + headers.get("content-disposition", "").partition(";")[2])
    name = words_of(placed.get("filename") or parameters.get("name") or "")
    leaf = Leaf(kind, name, parameters.get("charset", ""), encoding, body, envelope)
    if kind == "message/rfc822" or name.lower().endswith(".eml"):
        headers, content = _split(leaf.bytes().lstrip(b"\r\n"))
        _take(mail, headers, content, _envelope(headers), depth + 1)
    elif kind.startswith("text/") and (hidden := _hidden_message(leaf)):
        headers, content = _split(hidden)
        _take(mail, headers, content, _envelope(headers) if "from" in headers else envelope, depth + 1)
    else:
        mail.leaves.append(leaf)


def _split_part(part: bytes) -> tuple[dict[str, str], bytes]:
    """A part that begins with an empty line has no headers, unless that line is one too many before them."""
    if part[:1] not in (b"\r", b"\n"):
        return _split(part)
    if _MESSAGE_START.match(part):
        return _split(part.lstrip(b"\r\n"))
    return {}, part.removeprefix(b"\r").removeprefix(b"\n")


def _hidden_message(leaf: Leaf) -> bytes | None:
    """The bytes of a message that a text part turns out to be (CMBC wraps its HTML so)."""
    if leaf.encoding == "base64":
        try:
            start = binascii.a2b_base64(re.sub(rb"\s+", b"", leaf.payload[:800])[:400])
        except binascii.Error:
            return None
    else:
        start = leaf.payload[:600]
    return leaf.bytes().lstrip() if _MESSAGE_START.match(start) else None


def _parts(mail: Mail, body: bytes, boundary: str) -> Iterator[bytes]:
    """The pieces of a multipart body; a missing last boundary marks the mail as truncated."""
    if not boundary:
        first = re.search(rb"^--([^\s-][^\r\n]{0,200}?)[ \t]*\r?$", body[:10_000], re.M)
        if first is None:
            raise Unreadable("邮件结构损坏：缺少分隔标记")
        mark = first[1]
    else:
        mark = boundary.encode("utf-8", "replace")
    line = re.compile(rb"(?:\A|\r?\n)--" + re.escape(mark) + rb"(--)?[ \t]*(?=\r?\n|\Z)")
    start = None
    for met in line.finditer(body):
        if start is not None:
            yield body[start : met.start()]
        if met[1]:
            return
        start = met.end() + (2 if body.startswith(b"\r\n", met.end()) else 1)
    if start is None:
        raise Unreadable("邮件结构损坏：找不到正文部分")
    mail.truncated = True
    yield body[start:]


def _typed(value: str) -> tuple[str, dict[str, str]]:
    """The kind of a part and its parameters; RFC 2231 forms (`filename*`, `filename*0`) are put together."""
    kind = value.partition(";")[0].strip().lower() or "text/plain"
    parameters: dict[str, str] = {}
    for name, quoted, plain in _PARAMETER.findall(value[:4000]):
        key, star, rest = name.lower().partition("*")
        text = re.sub(r"\\(.)", r"\1", quoted) if quoted else plain
        if star and (rest.endswith("*") or not rest):
            charset, _, encoded = text.rpartition("''") if "''" in text else ("", "", text)
            text = text_of(_percent(encoded), charset)
        parameters[key] = parameters.get(key, "") + text if star and rest and rest[0].isdigit() else text
    return kind, parameters


def _percent(text: str) -> bytes:
    return re.sub(rb"%([0-9A-Fa-f]{2})", lambda code: bytes([int(code[1], 16)]), text.encode("utf-8", "replace"))


def _decoded(payload: bytes, encoding: str) -> bytes:
    if encoding == "base64":
        clean = payload.translate(None, b" \t\r\n\0")
        end = clean.find(b"=")
        if end >= 0:
            clean = clean[:end]
        if not re.fullmatch(rb"[A-Za-z0-9+/]*", clean) or len(clean) % 4 == 1:
            raise Unreadable("邮件内容损坏：base64 编码不完整")
        return binascii.a2b_base64(clean + b"=" * (-len(clean) % 4))
    if encoding == "quoted-printable":
        return binascii.a2b_qp(payload)
    return payload


# --- text ---------------------------------------------------------------------------------------------------------

_META: Final = re.compile(rb"charset\s*=\s*[\"']?\s*([\w-]+)", re.I)
_NAMES: Final = {"gb2312": "gb18030", "gbk": "gb18030", "gb_2312-80": "gb18030", "cp936": "gb18030", "x-gbk": "gb18030"}


def text_of(data: bytes, declared: str = "") -> str:
    """Bytes as text: valid UTF-8 is UTF-8 whatever is declared; then the charset outside, inside, GB 18030."""
    for mark, charset in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return data.decode(charset, "replace")
    meta = _META.search(data[:4096])
    tried = ["utf-8"]
    for name in (declared, meta[1].decode("ascii", "replace") if meta else ""):
        charset = _NAMES.get(name.strip().strip("\"'").lower(), name.strip().strip("\"'").lower())
        if charset and not charset.startswith(("iso-8859", "us-ascii", "ascii", "windows-125", "latin")):
            tried.append(charset)
    for charset in [*tried, "gb18030"]:
        try:
            return data.decode(charset)
        except (UnicodeDecodeError, LookupError, ValueError):
            continue
    # A few broken bytes: take whichever reading loses less.
    readings = [data.decode(charset, "replace") for charset in ("utf-8", "gb18030")]
    return min(readings, key=lambda text: text.count("\ufffd"))


_ENCODED: Final = re.compile(r"=\?([\w.+-]+)(?:\*[\w-]*)?\?([bBqQ])\?([^?]*)\?=")
_BETWEEN: Final = re.compile(r"(\?=)[ \t\r\n]+(=\?)")


def words_of(header: str) -> str:
    """A header with its encoded words resolved; a character cut in two by neighbouring words is put together again."""
    header = header[:4000]
    if "=?" not in header:
        return " ".join(header.split())
    header = _BETWEEN.sub(r"\1\2", header)
    pieces: list[tuple[str, bytes | str]] = []
    reached = 0
    for word in _ENCODED.finditer(header):
        if word.start() > reached:
            pieces.append(("", header[reached : word.start()]))
        content = _word_bytes(word[2], word[3])
        if pieces and pieces[-1][0] == word[1].lower() and reached == word.start() and isinstance(pieces[-1][1], bytes):
            pieces[-1] = (pieces[-1][0], pieces[-1][1] + content)
        else:
            pieces.append((word[1].lower(), content))
        reached = word.end()
    pieces.append(("", header[reached:]))
    return " ".join(
        "".join(text_of(one, charset) if isinstance(one, bytes) else one for charset, one in pieces).split()
    )


def _word_bytes(method: str, content: str) -> bytes:
    raw = content.encode("utf-8", "replace")
    if method in "qQ":
        return binascii.a2b_qp(raw.replace(b"_", b" "))
    clean = re.sub(rb"[^A-Za-z0-9+/]", b"", raw)
    clean = clean[: len(clean) - 1] if len(clean) % 4 == 1 else clean
    return binascii.a2b_base64(clean + b"=" * (-len(clean) % 4))
