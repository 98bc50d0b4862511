"""One door for every file: what it is is told by its first bytes, never by its name; then its reader has it.

Hostile or broken files end here with a clear refusal and nothing stored: empty, too large, locked, nested, scanned.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from anhuan.kit.errors import Bad
from anhuan.statements import (
    archive,
    foreign_camt,
    foreign_mt940,
    foreign_ofx,
    mail,
    pdf,
    pdf_bill,
    sheets,
    tabular,
    workbook,
)
from anhuan.statements.mapping import Mapping
from anhuan.statements.model import FileKind, Line, NeedsMapping, Problem, Reading, TooLarge, Unreadable

MAX_BYTES: Final = 32 << 20
STUMBLED: Final = "读取时出错"  # a fault of ours: fuzzing fails on it
_HEAD: Final = 4096
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_WORKBOOK_PARTS: Final = (b"[Content_Types].xml", b"_rels/", b"xl/", b"docProps/", b"mimetype")
_NOT_OURS: Final = (
    (b"\x89PNG", "图片"), (b"\xff\xd8\xff", "图片"), (b"GIF8", "图片"), (b"BM", "图片"), (b"Rar!", "RAR 压缩文件"),
    (b"7z\xbc\xaf\x27\x1c", "7z 压缩文件"), (b"\x1f\x8b", "gzip 压缩文件"), (b"\x7fELF", "程序"), (b"MZ", "程序"),
    (b"SQLite format 3", "数据库"),
)  # fmt: skip
_MAIL_HEADER: Final = re.compile(
    rb"^(?:From|To|Received|Return-Path|Delivered-To|MIME-Version|Message-ID|Date|Subject|Content-Type|DKIM-Signature|"
    rb"Authentication-Results|Reply-To|Sender|X-[\w-]+|ARC-[\w-]+):[ \t\r\n]", re.IGNORECASE | re.MULTILINE
)  # fmt: skip
_HTML: Final = re.compile(rb"<(?:!doctype\s+html|html|head|body|table|meta|div|style)\b", re.IGNORECASE)
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0e-\x1f]")
Known = Callable[[Sequence[str]], Mapping | None]


def read_file(
    data: bytes,
    name: str = "",
    *,
    password: str | None = None,
    mapping: Mapping | None = None,
    known: Known | None = None,
    latest: date | None = None,
) -> Reading:
    """Read any file that a bank or wallet sends; raises Unreadable, NeedsPassword, TooLarge or NeedsMapping only.

    `mapping` is the user's word about the columns of this table, `known` looks up an earlier one by the headings, and
    `latest` is the day that no date of the file can be after: it gives dates without a year theirs.
    """
    try:
        return _read(data, name, _Ask(password, mapping, known, latest), depth=0)
    except Bad:
        raise
    except Exception as error:  # the last net: a file must never take the house down, whatever a reader trips over
        raise Unreadable(f"{STUMBLED}（{type(error).__name__}）") from error


class _Ask:
    """What the caller gave along with the file."""

    def __init__(self, password: str | None, mapping: Mapping | None, known: Known | None, latest: date | None) -> None:
        self.password, self.mapping, self.known, self.latest = password, mapping, known, latest


def _read(data: bytes, name: str, ask: _Ask, *, depth: int) -> Reading:
    if not data.strip(b"\0 \r\n\t\xef\xbb\xbf"):
        raise Unreadable("文件是空的")
    if len(data) > MAX_BYTES:
        raise TooLarge(f"文件有 {len(data):,} 字节，最多 {MAX_BYTES:,} 字节")
    head = data[:_HEAD]
    for mark, what in _NOT_OURS:
        if head.startswith(mark):
            raise Unreadable(f"这是{what}，不是账单或明细文件")
    if b"%PDF-" in head[:1024]:
        return _read_pdf(data, name, ask)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _read_zip(data, name, ask, depth)
    if head.startswith(_OLE):
        return _tabular(workbook.read(data), name, ask)
    return _read_text(data, name, ask)


def _read_text(data: bytes, name: str, ask: _Ask) -> Reading:
    """Text by what it begins with; what begins like nothing we know may be a table."""
    head = data[:_HEAD]
    if foreign_ofx.looks_like(head):
        return foreign_ofx.read(data)
    if foreign_camt.looks_like(head):
        return foreign_camt.read(data)
    if foreign_mt940.looks_like(head):
        return foreign_mt940.read(data)
    if _is_mail(head):
        return _read_mail(data, name, ask)
    if _HTML.search(head):
        return _read_html(data, name, ask)
    if head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<?xml"):
        raise Unreadable("不认识这种 XML 文件")
    wide = (
        head[:2] in (b"\xff\xfe", b"\xfe\xff")
        or head[1::2].count(0) * 4 > len(head)
        or head[::2].count(0) * 4 > len(head)
    )
    if not wide and len(_CONTROL.findall(head)) * 50 > len(head):
        raise Unreadable("不认识这种文件")
    return _tabular([sheets.read_csv(data)], name, ask)


def _is_mail(head: bytes) -> bool:
    """Two header lines before the first blank line make a mail."""
    start = head.lstrip(b"\xef\xbb\xbf\r\n")
    return len(_MAIL_HEADER.findall(re.split(rb"\r?\n\r?\n", start, maxsplit=1)[0])) >= 2


def _read_mail(data: bytes, name: str, ask: _Ask) -> Reading:
    return mail.read_mail(data, name, pages_of=pdf.pages, password=ask.password)


def _read_pdf(data: bytes, name: str, ask: _Ask) -> Reading:
    """Banks we know by their own marks first, then any bill by its labels."""
    pages = pdf.pages(data, ask.password)
    reading = mail.read_pdf_pages(pages, name)
    return reading if reading is not None else pdf_bill.read(pages)


def _read_html(data: bytes, name: str, ask: _Ask) -> Reading:
    """A saved bill; else a table that a bank calls XLS and writes as HTML."""
    reading = mail.read_html(data, name)
    if reading.kind is not FileKind.UNKNOWN:
        return reading
    try:
        return _tabular(sheets.read_html(data), name, ask)
    except (Unreadable, NeedsMapping):
        return reading


def _tabular(found: Sequence[sheets.Sheet], name: str, ask: _Ask) -> Reading:
    return tabular.read_sheets(found, name, chosen=ask.mapping, known=ask.known, latest=ask.latest)


# --- archives ---


def _read_zip(data: bytes, name: str, ask: _Ask, depth: int) -> Reading:
    if _is_workbook(data):
        return _tabular(workbook.read(data), name, ask)
    if depth:
        raise TooLarge("压缩文件里还有压缩文件，请解开后再导入")
    readings: list[tuple[str, Reading]] = []
    problems: list[Problem] = []
    asked: NeedsMapping | None = None
    for member, content in archive.members(data, password=ask.password):
        try:
            reading = _read(content, member, ask, depth=depth + 1)
        except NeedsMapping as unknown:
            asked = unknown
        except TooLarge:
            raise
        except Unreadable as refused:
            problems.append(Problem("archive.member_unread", f"{member}：{refused.message}"))
        else:
            readings.append((member, reading))
    return _one(readings, problems, asked)


def _is_workbook(data: bytes) -> bool:
    """The first member of an XLSX or ODS is one of few."""
    size = int.from_bytes(data[26:28], "little")
    return data[30 : 30 + size].startswith(_WORKBOOK_PARTS)


def _one(readings: list[tuple[str, Reading]], problems: list[Problem], asked: NeedsMapping | None) -> Reading:
    """The one reading of an archive; several are joined only when they are of one bank and kind."""
    useful = [(member, one) for member, one in readings if one.lines or one.bills]
    if not useful and asked is not None:
        raise asked
    if not useful and not readings:
        raise Unreadable("；".join(problem.message for problem in problems) or "压缩文件里没有文件")
    if not useful:
        return _with(readings[0][1], problems)
    first = useful[0][1]
    if len(useful) == 1:
        return _with(first, problems)
    if len({(one.bank, one.kind, one.source) for _, one in useful}) > 1:
        raise Unreadable("压缩文件里有几家银行或几种文件，请解开后分别导入")
    lines = tuple(_inside(line, member, one) for member, one in useful for line in one.lines)
    joined = replace(
        first, lines=lines, bills=tuple(bill for _, one in useful for bill in one.bills),
        balances=tuple(balance for _, one in useful for balance in one.balances),
        problems=tuple(problem for _, one in useful for problem in one.problems),
        account=first.account if len({one.account for _, one in useful}) == 1 else None,
        complete=all(one.complete for _, one in useful) and not problems and asked is None,
    )  # fmt: skip
    return _with(joined, problems)


def _inside(line: Line, member: str, reading: Reading) -> Line:
    return replace(line, span=f"{member} {line.span}", account=line.account or reading.account)


def _with(reading: Reading, problems: list[Problem]) -> Reading:
    return replace(reading, problems=(*reading.problems, *problems)) if problems else reading
