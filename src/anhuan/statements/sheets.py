"""From bytes to rows of cells: character set, delimiter and quotes of a CSV are found out, never asked."""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from anhuan.statements import sandbox
from anhuan.statements.model import Problem, TooLarge, Unreadable

MAX_ROWS: Final = 1_000_000
MAX_COLUMNS: Final = 400
_MAX_TABLES: Final = 200
_MAX_NESTING: Final = 500  # a real mail has some 30 tables in tables; looking for tables costs its square
_NESTING: Final = re.compile(
    rb"<(/?)(?:table|div|span|font|center|section|ul|ol|blockquote|form|a|b|i|u|em|strong)\b", re.I
)
_MAX_CELLS: Final = 5 * 10**6  # of all tables of one HTML file
_MAX_CELL: Final = 100_000
_DELIMITERS: Final = (",", "\t", ";", "|")
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_ROW_INSIDE: Final = re.compile(r"\n\"?\s*(\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}|\d{8}|\d{1,2}[-/]\d{1,2}[-/]\d{2,4})\b")


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table: rows of text cells as they stand in the file, and what was odd about it."""

    rows: Sequence[Sequence[str]]
    name: str = ""
    problems: tuple[Problem, ...] = field(default=())


def text_of(data: bytes) -> tuple[str, tuple[Problem, ...]]:
    """The text of a file in UTF-8, UTF-16, UTF-32, GB18030 or Windows-1252, with or without a byte order mark."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decoded(data, encoding)
    if encoding := _wide(data):
        return _decoded(data, encoding)
    for encoding in ("utf-8", "gb18030" if _looks_chinese(data) else "cp1252"):
        try:
            return data.decode(encoding), ()
        except UnicodeDecodeError as error:
            if error.end >= len(data) and encoding != "cp1252":  # cut in the middle of the last character
                return data[: error.start].decode(encoding), (_BAD_CHARACTERS,)
    return _decoded(data, "utf-8" if _mostly_utf8(data) else "gb18030")


def read_csv(data: bytes) -> Sheet:
    """The rows of a delimited text file; a quote that is never closed does not swallow the rows after it."""
    text, problems = text_of(data)
    delimiter = _delimiter(text)
    rows = _rows(text, delimiter)
    many_lines = text.count("\n") > len(rows) and '"' in text
    if many_lines and any(_ROW_INSIDE.search(cell) for row in rows for cell in row if "\n" in cell):
        rows = [[_unquoted(cell) for cell in row] for row in _rows(text, delimiter, quoted=False)]
        broken = Problem("file.quotes_broken", "有一处引号没有闭合，已逐行读取")
        problems = (*problems, broken)
    return Sheet(rows, problems=problems)


def read_html(data: bytes) -> list[Sheet]:
    """The innermost tables of an HTML file, which some banks call XLS."""
    text, problems = text_of(data)
    return [Sheet(rows, problems=problems) for rows in sandbox.run("tables", text.encode("utf-8", "replace"))]


def extract_tables(data: bytes) -> list[list[list[str]]]:
    """The rows of each innermost table. Only for the worker."""
    from selectolax.lexbor import LexborHTMLParser

    if _nesting(data) > _MAX_NESTING:
        raise TooLarge("网页的层次太深")
    found: list[list[list[str]]] = []
    cells = 0
    for table in LexborHTMLParser(data.decode("utf-8")).css("table"):
        if len(table.css("table")) > 1 or len(found) >= _MAX_TABLES:  # a node finds itself too
            continue
        rows = [[cell.text(separator=" ", strip=True) for cell in row.css("td, th")] for row in table.css("tr")]
        cells += sum(map(len, rows))
        if cells > _MAX_CELLS or len(rows) > MAX_ROWS:
            raise TooLarge(f"表格超过 {_MAX_CELLS} 格")
        found.append(rows)
    return found


def _nesting(data: bytes) -> int:
    """How deep the elements that must be closed stand in each other, by their tags alone: no tree is built for it."""
    deepest = depth = 0
    for tag in _NESTING.finditer(data):
        depth += -1 if tag[1] else 1
        deepest, depth = max(deepest, depth), max(depth, 0)
    return deepest


_BAD_CHARACTERS: Final = Problem("file.bad_characters", "文件中有无法识别的字符")


class _Bare(csv.excel):
    """Quotes are letters like all others."""

    quoting = csv.QUOTE_NONE


def _rows(text: str, delimiter: str, *, quoted: bool = True) -> list[list[str]]:
    source = io.StringIO(text, newline="")
    dialect = csv.excel if quoted else _Bare
    reader = csv.reader(source, dialect, delimiter=delimiter)
    csv.field_size_limit(_MAX_CELL)
    rows: list[list[str]] = []
    try:
        for row in reader:
            rows.append(row)
            if len(row) > MAX_COLUMNS or len(rows) > MAX_ROWS:
                raise TooLarge(f"表格超过 {MAX_ROWS} 行或 {MAX_COLUMNS} 列")
    except csv.Error as error:
        if quoted:
            return _rows(text, delimiter, quoted=False)
        raise Unreadable(f"表格无法读取：{error}") from error
    return rows


def _delimiter(text: str) -> str:
    """The delimiter by which most of the first lines have the same number of cells, at least two."""
    lines = [line for line in text[:200_000].splitlines()[:200] if line.strip()]
    best, best_score = ",", 0
    for delimiter in _DELIMITERS:
        try:
            counts = Counter(len(row) for row in csv.reader(lines, delimiter=delimiter))
        except csv.Error:  # one endless cell: whoever reads the rows refuses it
            continue
        score = max((count * min(width, 12) for width, count in counts.items() if width > 1), default=0)
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _unquoted(cell: str) -> str:
    return cell.strip().removeprefix('"').removesuffix('"')


def _decoded(data: bytes, encoding: str) -> tuple[str, tuple[Problem, ...]]:
    try:
        return data.decode(encoding), ()
    except UnicodeDecodeError:
        return data.decode(encoding, errors="replace"), (_BAD_CHARACTERS,)


def _wide(data: bytes) -> str:
    """UTF-16 without a mark: every other byte of Latin text and digits is zero."""
    head = data[:4000]
    if len(head) < 8 or b"\0" not in head:
        return ""
    odd, even = head[1::2].count(0), head[0::2].count(0)
    if max(odd, even) * 8 < len(head):
        return ""
    return "utf-16-le" if odd > even else "utf-16-be"


def _looks_chinese(data: bytes) -> bool:
    """GB18030 writes Chinese in pairs of bytes, both mostly high; Windows-1252 has lone accented letters."""
    runs = re.findall(rb"[\x80-\xff]+", data[:200_000])
    return sum(len(run) for run in runs if len(run) > 1) > sum(1 for run in runs if len(run) == 1)


def _mostly_utf8(data: bytes) -> bool:
    return data.decode("utf-8", errors="replace").count("\ufffd") * 50 < len(data)
