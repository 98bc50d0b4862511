"""A bank's own batch CSV 批量付款文件: columns, encoding and line ends by its dated layout in bank_files.toml.

Text stays text: a cell that a spreadsheet would read as a formula is disarmed (kit.cells), and where the layout says so
digits carry a tab, so that nobody's account number turns into 6.2E+18 on the way through a spreadsheet.
"""

import csv
import io
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Any, Final

from anhuan.channels.export_words import BadExport, Batch, Exported, Item, NotExportable
from anhuan.kit import settings
from anhuan.kit.cells import safe, to_lines
from anhuan.kit.money import to_text

_LINE_ENDS: Final = {"crlf": "\r\n", "lf": "\n"}
_ENCODINGS: Final = frozenset(("utf-8", "utf-8-sig", "gb18030"))
_MARKS: Final = {"": "", "tab": "\t"}
# A reference counts as well: 32 hexadecimal digits with one e among them are a number to a spreadsheet.
_DIGITS: Final = frozenset(
    ("reference", "debtor_account", "creditor_account", "creditor_bank_code", "debtor_bank_code")
)


@dataclass(frozen=True, slots=True)
class CsvLayout:
    """What one bank wants in a batch file, from a day on: pairs of heading and field, and how it is written."""

    bank: str
    name: str
    valid_from: date
    source: str
    encoding: str
    line_end: str
    text_mark: str
    columns: tuple[tuple[str, str], ...]
    summary: tuple[tuple[str, str], ...]


_FIELDS: Final[Mapping[str, Callable[[Batch, int, Item], str]]] = {
    "place": lambda batch, place, item: str(place),
    "reference": lambda batch, place, item: item.reference,
    "debtor_account": lambda batch, place, item: item.debtor.account,
    "debtor_name": lambda batch, place, item: item.debtor.name,
    "debtor_bank_code": lambda batch, place, item: item.debtor.bank_code,
    "creditor_account": lambda batch, place, item: item.creditor.account,
    "creditor_name": lambda batch, place, item: item.creditor.name,
    "creditor_bank_code": lambda batch, place, item: item.creditor.bank_code,
    "creditor_bank_name": lambda batch, place, item: item.creditor.bank_name,
    "amount": lambda batch, place, item: to_text(item.amount),
    "amount_fen": lambda batch, place, item: str(item.amount),
    "currency": lambda batch, place, item: item.currency,
    "day_dashed": lambda batch, place, item: batch.day.isoformat(),
    "day_plain": lambda batch, place, item: f"{batch.day:%Y%m%d}",
    "purpose": lambda batch, place, item: item.purpose,
}
_SUMS: Final[Mapping[str, Callable[[Batch], str]]] = {
    "count": lambda batch: str(len(batch.items)),
    "sum": lambda batch: to_text(batch.control_sum),
    "message_id": lambda batch: batch.message_id,
}


def layout_of(bank: str, *, on: date) -> CsvLayout:
    """The layout of a bank that holds on the day, the latest one begun; raises NotExportable where there is none.

    An operator's own layouts stand in `bank_files.toml` of the home, written as those of the package, and come first.
    """
    held = [one for one in (*own_layouts(), *layouts()) if one.bank == bank and one.valid_from <= on]
    if not held:
        raise NotExportable(f"没有 {bank} 在 {on} 的批量文件格式")
    return max(held, key=lambda one: one.valid_from)


@cache
def bank_codes() -> Mapping[str, str]:
    """The 12 digits of CNAPS of each head office that is known, by our id of the bank."""
    return dict(_seeds()["codes"]["banks"])


@cache
def layouts() -> tuple[CsvLayout, ...]:
    """Every layout of the package."""
    return tuple(read_layout(one) for one in _seeds()["write"])


def read_layout(said: Mapping[str, Any]) -> CsvLayout:
    """One layout as it is written in TOML; raises NotExportable for words that nobody knows."""
    columns = tuple((str(heading), str(word)) for heading, word in said["columns"])
    summary = tuple((str(heading), str(word)) for heading, word in said.get("summary", ()))
    strange = [word for _, word in columns if word not in _FIELDS] + [word for _, word in summary if word not in _SUMS]
    fields = {word for _, word in columns}
    if strange or not {"reference", "creditor_account"} <= fields or not fields & {"amount", "amount_fen"}:
        raise NotExportable(f"批量文件格式 {said['bank']} 缺少参考号、收款账号、金额之一，或有不认识的字段：{strange}")
    written = (str(said["encoding"]), str(said["line_end"]), str(said.get("text_mark", "")))
    if written[0] not in _ENCODINGS or written[1] not in _LINE_ENDS or written[2] not in _MARKS:
        raise NotExportable(f"批量文件格式 {said['bank']} 的编码或行尾不认识")
    return CsvLayout(
        str(said["bank"]), str(said["name"]), said["from"], str(said["source"]), *written, columns, summary
    )


def export(batch: Batch, layout: CsvLayout) -> Exported:
    """The batch as the bank's CSV; raises NotExportable for text that its encoding cannot hold."""
    rows = [[heading for heading, _ in layout.columns]]
    for place, item in enumerate(batch.items, start=1):
        rows.append([_cell(layout, word, _FIELDS[word](batch, place, item)) for _, word in layout.columns])
    if layout.summary:
        rows.append([heading for heading, _ in layout.summary])
        rows.append([_SUMS[word](batch) for _, word in layout.summary])
    try:
        content = to_lines(rows, line_end=_LINE_ENDS[layout.line_end]).encode(layout.encoding)
    except UnicodeEncodeError as error:
        raise NotExportable(f"户名或附言有 {layout.encoding} 写不出的字") from error
    _read_back(content, batch, layout)
    keys = tuple(item.key for item in batch.items)
    name = f"{batch.message_id}.csv"
    return Exported(name, "bank_batch", content, batch.message_id, len(keys), batch.control_sum, keys)


def _seeds() -> Mapping[str, Any]:
    return tomllib.loads((resources.files("anhuan.kit") / "seeds" / "bank_files.toml").read_text("utf-8"))


def own_layouts() -> tuple[CsvLayout, ...]:
    """The layouts of this installation; raises NotExportable for a file that cannot be understood."""
    place = settings.read().home / "bank_files.toml"
    try:
        said = tomllib.loads(place.read_text("utf-8"))
        return tuple(read_layout(one) for one in said.get("write", ()))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NotExportable(f"{place} 里的批量文件格式无法识别（{type(error).__name__}）") from error


def _cell(layout: CsvLayout, word: str, said: str) -> str:
    """One line of text that begins no formula; digits keep their zeros where the layout marks them as text."""
    plain = " ".join("".join(sign if sign.isprintable() else " " for sign in said).split())
    mark = _MARKS[layout.text_mark] if word in _DIGITS and plain else ""
    return safe(plain) + mark


def _read_back(content: bytes, batch: Batch, layout: CsvLayout) -> None:
    """Rows, references and amounts of the bytes are those of the batch; raises BadExport."""
    rows = list(csv.reader(io.StringIO(content.decode(layout.encoding), newline="")))[1 : len(batch.items) + 1]
    words = [word for _, word in layout.columns]
    told = [(row[words.index("reference")].rstrip("\t"), _fen(row, words)) for row in rows if len(row) == len(words)]
    if told != [(item.reference, item.amount) for item in batch.items]:
        raise BadExport("生成的 CSV 与批次不符，没有导出", message_id=batch.message_id)


def _fen(row: Sequence[str], words: Sequence[str]) -> int:
    if "amount_fen" in words:
        return int(row[words.index("amount_fen")])
    return int(row[words.index("amount")].replace(".", ""))
