"""Bill mails in many shapes: one document of paragraphs, label-value pairs and tables, written as a bank could.

A document says what a bill prints; a shape says how the HTML around it looks. All data are invented.
"""

import html
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.header import Header
from itertools import chain
from quopri import encodestring
from types import MappingProxyType
from typing import Final

_LINK: Final = re.compile(r"\[(https?://[^\]\s]+)\]")


@dataclass(frozen=True, slots=True)
class Para:
    """A paragraph or heading."""

    text: str


@dataclass(frozen=True, slots=True)
class Pairs:
    """Labels with their values: side by side, or a row of labels above a row of values, as the shape has it."""

    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """A table of cells."""

    rows: tuple[tuple[str, ...], ...]


Block = Para | Pairs | Rows


@dataclass(frozen=True, slots=True)
class Letter:
    """What a bank sends: from whom, under which subject, and what it says."""

    sender: str
    subject: str
    blocks: tuple[Block, ...]
    date: str = "Thu, 20 Aug 2026 09:00:00 +0800"
    pdf: tuple[str, bytes] | None = field(default=None)


def pairs(*items: tuple[str, str]) -> Pairs:
    """Labels with their values."""
    return Pairs(items)


def rows(*cells: tuple[str, ...]) -> Rows:
    """Rows of a table."""
    return Rows(cells)


def nested(letter: Letter) -> str:
    """Tables inside layout tables, label beside value: what mail designers do."""
    inner = "".join(f'<tr><td align="left">{_table_of(block)}</td></tr>' for block in letter.blocks)
    return _page(f'<table width="650" cellpadding="0"><tbody><tr><td><table>{inner}</table></td></tr></tbody></table>')


def apart(letter: Letter) -> str:
    """Like nested, with the labels in one row and the values in the next."""
    inner = "".join(f"<tr><td>{_table_of(block, apart=True)}</td></tr>" for block in letter.blocks)
    return _page(f"<table>{inner}</table>")


def divs(letter: Letter) -> str:
    """Each cell a div of its own, no table at all."""
    cells = chain.from_iterable(_cells(block) for block in letter.blocks)
    return _page("\n".join(f'<div class="c"><span style="color:#333">{_rich(cell)}</span></div>' for cell in cells))


def breaks(letter: Letter) -> str:
    """Flat text with line breaks, cells of a row separated by hard blanks."""
    lines = chain.from_iterable(_lines(block) for block in letter.blocks)
    return _page("<br>".join("&nbsp;&nbsp;".join(_rich(cell) for cell in line) for line in lines))


def labels_first(letter: Letter) -> str:
    """All labels of a group as one block of paragraphs, then all its values."""
    parts: list[str] = []
    for block in letter.blocks:
        if isinstance(block, Pairs):
            parts += [label for label, _ in block.items]
            parts += [value for _, value in block.items]
        else:
            parts += _cells(block)
    return _page("".join(f"<p>{_rich(part)}</p>\r\n" for part in parts))


SHAPES: Final[Mapping[str, Callable[[Letter], str]]] = MappingProxyType(
    {"nested": nested, "apart": apart, "divs": divs, "breaks": breaks, "labels_first": labels_first}
)


def plain(letter: Letter) -> str:
    """The text a mail program makes of it: links in square brackets, one row a line."""
    lines = chain.from_iterable(_lines(block) for block in letter.blocks)
    return "\r\n".join(" ".join(line) for line in lines)


def mail(letter: Letter, shape: str = "nested", *, charset: str = "utf-8", encoding: str = "base64") -> bytes:
    """The whole message as bytes; shape `plain` has no HTML part."""
    body, kind = (plain(letter), "plain") if shape == "plain" else (SHAPES[shape](letter), "html")
    return wrap(letter, body, kind=kind, charset=charset, encoding=encoding)


def wrap(
    letter: Letter, body: str, *, kind: str = "html", charset: str = "utf-8", encoding: str = "base64", says: str = "*"
) -> bytes:
    """Put a body into a message; `says` is the charset the header claims, where it is not the true one."""
    codec = "gb18030" if charset.lower() in {"gbk", "gb2312"} else charset
    raw = body.encode(codec)
    head = [f'Content-Type: text/{kind}; charset="{charset if says == "*" else says}"']
    text, head = _transfer(raw, head, encoding)
    part = "\r\n".join(head).encode() + b"\r\n\r\n" + text
    if letter.pdf:
        return _heading(letter) + _mixed(part, letter.pdf)
    return _heading(letter) + part


def _transfer(raw: bytes, head: list[str], encoding: str) -> tuple[bytes, list[str]]:
    if encoding == "base64":
        folded = re.sub(rb"(.{76})", rb"\1\r\n", b64encode(raw))
        return folded, [*head, "Content-Transfer-Encoding: base64"]
    if encoding == "quoted-printable":
        return encodestring(raw), [*head, "Content-Transfer-Encoding: quoted-printable"]
    return raw, [*head, "Content-Transfer-Encoding: 8bit"]


def _heading(letter: Letter) -> bytes:
    lines = (
        f"From: =?utf-8?B?{b64encode('信用卡中心'.encode()).decode()}?= <{letter.sender}>",
        "To: zhangsan@example.com",
        f"Subject: {Header(letter.subject, 'utf-8').encode()}",
        f"Date: {letter.date}",
        "MIME-Version: 1.0",
    )
    return "\r\n".join(lines).encode() + b"\r\n"


def _mixed(part: bytes, pdf: tuple[str, bytes]) -> bytes:
    name = f"=?utf-8?B?{b64encode(pdf[0].encode()).decode()}?="
    head = f'Content-Type: application/pdf; name="{name}"\r\nContent-Transfer-Encoding: base64\r\n'
    attached = f'{head}Content-Disposition: attachment; filename="{name}"\r\n\r\n'.encode() + b64encode(pdf[1])
    start = b'Content-Type: multipart/mixed; boundary="edge"\r\n\r\n'
    return start + b"--edge\r\n" + part + b"\r\n--edge\r\n" + attached + b"\r\n--edge--\r\n"


def _page(body: str) -> str:
    head = "<head><title>账单</title><style>td{font-size:12px}</style></head>"
    return f"<!DOCTYPE html><html>{head}<body>{body}</body></html>"


def _rich(text: str) -> str:
    """Escape, and turn an address in square brackets into a link with a picture, as banks do."""
    return _LINK.sub(r'<a href="\1"><img src="cid:1" alt=""></a>', html.escape(text, quote=False))


def _cells(block: Block) -> list[str]:
    if isinstance(block, Para):
        return [block.text]
    table = block.items if isinstance(block, Pairs) else block.rows
    return [cell for row in table for cell in row]


def _lines(block: Block) -> list[tuple[str, ...]]:
    if isinstance(block, Para):
        return [(block.text,)]
    return list(block.items if isinstance(block, Pairs) else block.rows)


def _table_of(block: Block, *, apart: bool = False) -> str:
    if isinstance(block, Para):
        return _rich(block.text)
    table: list[tuple[str, ...]] = list(_lines(block))
    if apart and isinstance(block, Pairs):
        table = [tuple(label for label, _ in block.items), tuple(value for _, value in block.items)]
    body = "".join("<tr>" + "".join(f"<td>\n  {_rich(cell)}\n</td>" for cell in row) + "</tr>\n" for row in table)
    return f'<table border="0">{body}</table>'
