"""XLS, XLSX and ODS workbooks as rows of text, opened in the sandbox; a zipped one is checked as an archive first."""

import datetime
import io
from typing import Any

from python_calamine import CalamineWorkbook, PasswordError

from anhuan.statements import archive, sandbox
from anhuan.statements.model import TooLarge, Unreadable
from anhuan.statements.sheets import MAX_COLUMNS, MAX_ROWS, Sheet


def read(data: bytes) -> list[Sheet]:
    """The sheets of a workbook, cells as text; raises Unreadable, NeedsPassword or TooLarge."""
    return [Sheet(rows, str(name)) for name, rows in sandbox.run("sheets", data)]


def extract(data: bytes) -> list[tuple[str, list[list[str]]]]:
    """Names and rows of all sheets. Only for the worker."""
    if data.startswith(b"PK"):
        _check_parts(data)
    elif b"E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0" in data:
        raise Unreadable("工作簿有密码保护，请在表格软件里去掉密码后再导入")
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        return [
            (name, _rows(book.get_sheet_by_name(name).to_python(skip_empty_area=False))) for name in book.sheet_names
        ]
    except PasswordError as error:
        raise Unreadable("工作簿有密码保护，请在表格软件里去掉密码后再导入") from error


def _check_parts(data: bytes) -> None:
    """Count the real bytes of every part, and refuse any that declares entities."""
    opened = archive.check(data)
    left = archive.MAX_BYTES
    for info in opened.infolist():
        if info.flag_bits & 1:
            raise Unreadable("工作簿有密码保护，请在表格软件里去掉密码后再导入")
        size, seen = 0, b""
        with opened.open(info) as part:
            while chunk := part.read(1 << 16):
                size += len(chunk)
                seen = seen[-16:] + chunk  # a declaration may stand across two chunks
                if b"<!ENTITY" in seen or b"<!DOCTYPE" in seen:
                    raise Unreadable("工作簿含有不允许的 XML 声明")
                if size > left:
                    raise TooLarge("工作簿展开后的实际大小超过限制")
        left -= size


def _rows(cells: list[list[Any]]) -> list[list[str]]:
    if len(cells) > MAX_ROWS or (cells and len(cells[0]) > MAX_COLUMNS):
        raise TooLarge(f"工作表超过 {MAX_ROWS} 行或 {MAX_COLUMNS} 列")
    return [[_text(cell) for cell in row] for row in cells]


def _text(cell: Any) -> str:
    """A cell as a person would type it: numbers without a needless .0, moments without a midnight."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(round(cell, 6))
    if isinstance(cell, datetime.datetime):
        return cell.isoformat(" ", "seconds").removesuffix(" 00:00:00")
    if isinstance(cell, datetime.date | datetime.time):
        return cell.isoformat()
    return str(cell)
