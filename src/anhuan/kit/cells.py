"""Tables to take away as CSV: what people and banks wrote stays text, and no cell begins a formula."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

# What Excel, LibreOffice and WPS read as the beginning of a formula, also in full width and behind a tab or a blank
# that they drop when they open a file (OWASP, CSV injection).
_FORMULA: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "|", "%")
_DROPPED: Final = " \t\r\n\v\f\0\u00a0\u3000\ufeff\u200b"
_MARK: Final = "'"
_NUMBER: Final = frozenset("0123456789.")


def to_csv(rows: Iterable[Sequence[str]]) -> bytes:
    """Rows of text as CSV in UTF-8 with the mark that tells spreadsheets so; every cell is made safe."""
    lines = to_lines([safe(cell) for cell in row] for row in rows)
    return b"\xef\xbb\xbf" + lines.encode("utf-8", "replace")


def to_lines(rows: Iterable[Sequence[str]], *, line_end: str = "\r\n") -> str:
    """Rows of cells that are safe already, as the lines of a CSV file."""
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_MINIMAL, lineterminator=line_end).writerows(rows)
    return out.getvalue()


def safe(cell: str) -> str:
    """A cell that a spreadsheet shows as it stands: one that would begin a formula gets a quote before it.

    A plain negative or positive amount stays a number; a NUL, which cuts a row short in some programs, is left out.
    """
    text = cell.replace("\0", "")
    start = text.lstrip(_DROPPED)
    if not start.startswith(_FORMULA) and text[:1] not in ("\t", "\r", "\n"):
        return text
    return text if _is_amount(text) else _MARK + text


def _is_amount(text: str) -> bool:
    return text[:1] in ("-", "+") and text[1:2].isdigit() and set(text[1:]) <= _NUMBER and text.count(".") <= 1
