"""The archive of an export: for machines a JSON and a CSV file of each table, for people one page to open offline."""

import hashlib
import html
import io
import json
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from anhuan.identity.consent_words import Said
from anhuan.kit import cells
from anhuan.kit.holdings import Sheet

SHOWN: Final = 500  # rows of one table that the page prints; the files hold all of them
STYLE: Final = (
    "body{font:16px/1.6 -apple-system,'PingFang SC','Noto Sans CJK SC',sans-serif;color:#16181d;background:#f5f6f4;"
    "max-width:1100px;margin:0 auto;padding:24px 16px}section{background:#fff;border-radius:16px;padding:16px 20px;"
    "margin:16px 0}h1{font-size:24px}h2{font-size:19px;margin:0 0 8px}.n{color:#5b616b;font-size:14px}"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;font-size:14px}td,th{padding:4px 12px 4px 0;"
    "text-align:left;vertical-align:top;border-bottom:1px solid #e6e8e4;max-width:360px;overflow-wrap:anywhere}"
)


@dataclass
class Archive:
    """A zip in memory that grows table by table; nothing of it touches a disk before it is sealed."""

    party: UUID
    made_at: datetime
    lang: str
    _files: dict[str, str] = field(default_factory=dict)
    _sections: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._bytes = io.BytesIO()
        self._zip = zipfile.ZipFile(self._bytes, "w", zipfile.ZIP_DEFLATED)

    def add(self, sheet: Sheet) -> None:
        """Put one table in, in all three forms."""
        rows = [tuple(plain(value) for value in row) for row in sheet.rows]
        if not rows:
            return
        self.rows[sheet.table] = len(rows)
        objects = [dict(zip(sheet.columns, row, strict=True)) for row in rows]
        self._put(f"data/{sheet.table}.json", json.dumps(objects, ensure_ascii=False, indent=1))
        self._put(f"data/{sheet.table}.csv", csv_of(sheet.columns, rows))
        self._sections.append(_section(sheet, rows))

    def close(self) -> bytes:
        """The whole archive, with its page and a list of its files and their hashes."""
        self._put("index.html", self._page())
        facts = {
            "party": str(self.party),
            "made_at": self.made_at.isoformat(),
            "rows": self.rows,
            "sha256": self._files,
        }
        self._zip.writestr("manifest.json", json.dumps(facts, indent=1))
        self._zip.close()
        return self._bytes.getvalue()

    def _put(self, name: str, text: str) -> None:
        data = text.encode()
        self._files[name] = hashlib.sha256(data).hexdigest()
        self._zip.writestr(name, data)

    def _page(self) -> str:
        title = Said("安还为您保存的全部数据", "Everything Anhuan holds about you")
        note = Said(
            "每一张表都在 data 文件夹里：JSON 给程序读，CSV 可以用表格软件打开。密码、密钥和验证码不在其中。",
            "Every table is in the folder data: JSON for programs, CSV for sheets. No passwords, keys or codes in it.",
        )
        first, second = ("en", "zh") if self.lang == "en" else ("zh", "en")
        moment = self.made_at.isoformat(timespec="minutes")
        return (
            f'<!doctype html><html lang="{"en" if first == "en" else "zh-CN"}"><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width"><title>{_safe(title.in_(first))}</title>'
            f"<style>{STYLE}</style><h1>{_safe(title.in_(first))}<br><small>{_safe(title.in_(second))}</small></h1>"
            f'<p class="n">{moment}</p><p>{_safe(note.in_(first))}</p><p class="n">{_safe(note.in_(second))}</p>'
            + "".join(self._sections)
        )


def csv_of(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table as CSV that a sheet program shows and never runs."""
    return cells.to_csv([columns, *([_cell(value) for value in row] for row in rows)]).decode()


def plain(value: Any) -> Any:
    """A value as JSON can hold it: text, number, true, false, nothing, lists and objects of these."""
    match value:
        case None | bool() | int() | str():
            return value
        case datetime() | date():
            return value.isoformat()
        case UUID() | Decimal():
            return str(value)
        case bytes() | memoryview():
            return bytes(value).hex()
        case dict():
            return {str(key): plain(one) for key, one in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(one) for one in value]
        case _:
            return str(value)


def _cell(value: Any) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else str(value)


def _section(sheet: Sheet, rows: Sequence[Sequence[Any]]) -> str:
    head = "".join(f"<th>{_safe(name)}</th>" for name in sheet.columns)
    body = "".join("<tr>" + "".join(f"<td>{_safe(_cell(v))}</td>" for v in row) + "</tr>" for row in rows[:SHOWN])
    more = f'<p class="n">… {len(rows) - SHOWN} → data/{sheet.table}.csv</p>' if len(rows) > SHOWN else ""
    return (
        f'<section><h2>{_safe(sheet.zh)} · {_safe(sheet.en)}</h2><p class="n">{len(rows)} · {sheet.table}</p>'
        f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>{more}</section>'
    )


def _safe(value: Any) -> str:
    return "" if value is None else html.escape(str(value))
