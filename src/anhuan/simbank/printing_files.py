"""Bills as files: PDF, and the rows as CSV and XLSX for those who download them."""

import io
import json
import zipfile
from datetime import UTC, datetime, time
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from anhuan.kit.cells import to_csv
from anhuan.kit.errors import Unavailable
from anhuan.simbank.printed import COLUMNS, Arrangement, Face, Printed, in_words

_TEMPLATE: Final = Path(__file__).with_name("statement.typ")
_FONT: Final = "Noto Sans SC"
_FONT_PACKAGE: Final = "pylopdf_fonts_zh_cn"
_NEW_COLUMNS: Final = ("金 额", "内 容", "时 点")  # scenario 35
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_OLDEST: Final = (1980, 1, 1, 0, 0, 0)  # the first moment a ZIP can name: the same bill gives the same bytes


class NoFont(Unavailable):
    """没有中文字体: the package of the font is missing."""

    code = "simbank.no_font"


def pdf(bill: Printed, face: Face, *, changed: bool = False) -> bytes:
    """The bill as PDF with text that can be selected."""
    import typst  # here, because a bank that prints nothing should not load a typesetter

    found = find_spec(_FONT_PACKAGE)
    if found is None or found.origin is None:
        raise NoFont("the font for PDF files is missing: make setup brings it")
    data = {
        "font": _FONT,
        "title": bill.title,
        "holder": bill.holder,
        "card": bill.card,
        "arrangement": face.arrangement.value,
        "head": [] if changed else bill.head(face),
        "sentence": f"请在{in_words(bill.due_on)}之前存入 {bill.total_due}，至少 {bill.minimum_due}。"
        if changed
        else "",
        "columns": _NEW_COLUMNS if changed else COLUMNS,
        "rows": _cells(bill, face.day, changed=changed),
    }
    made = typst.compile(
        _TEMPLATE,
        root=_TEMPLATE.parent,
        font_paths=[Path(found.origin).parent],
        ignore_system_fonts=True,
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
        timestamp=int(datetime.combine(bill.statement_on, time(), UTC).timestamp()),
    )
    assert isinstance(made, bytes)
    return made


def csv_table(bill: Printed, *, changed: bool = False) -> bytes:
    """The rows as CSV in UTF-8 with the mark that spreadsheets want; what the bill says stands above them."""
    return to_csv(_table(bill, changed=changed))


def xlsx(bill: Printed, *, changed: bool = False) -> bytes:
    """The same table as a workbook of one sheet (ECMA-376, the least that is one)."""
    rows = "".join(
        f'<row r="{number}">{"".join(_cell(column, number, words) for column, words in enumerate(cells))}</row>'
        for number, cells in enumerate(_table(bill, changed=changed), start=1)
    )
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><sheets>'
        '<sheet name="账单明细" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{_RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{_MAIN}"><sheetData>{rows}</sheetData></worksheet>',
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in parts.items():
            told = f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n{text}'
            packed.writestr(zipfile.ZipInfo(name, _OLDEST), told.encode(), zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _cell(column: int, row: int, words: str) -> str:
    place = f"{chr(ord('A') + column)}{row}"
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(words)}</t></is></c>'


def _table(bill: Printed, *, changed: bool) -> list[list[str]]:
    """Title, what the bill says, headings, rows."""
    head = [] if changed else [[bill.title], ["卡号", bill.card], *map(list, bill.head(_PLAIN))]
    columns = [*_NEW_COLUMNS] if changed else [*COLUMNS, "币种"]
    more = [] if changed else [bill.currency]
    return [*head, columns, *([*cells, *more] for cells in _cells(bill, _PLAIN.day, changed=changed, bare=True))]


def _cells(bill: Printed, day: str, *, changed: bool, bare: bool = False) -> list[list[str]]:
    """The rows as text; `bare` leaves the currency before an amount out, a column of its own says it."""
    found = []
    for traded, posted, words, amount, tail in bill.rows:
        told = amount.removeprefix(bill.currency).replace(",", "").strip() if bare else amount
        if changed:
            found.append([told, words, in_words(posted)])
        else:
            found.append([traded.strftime(day), posted.strftime(day), words, told, tail])
    return found


_PLAIN: Final = Face(Arrangement.PAIRS, "%Y-%m-%d")  # how tables to download look
