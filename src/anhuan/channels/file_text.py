"""The text of a channel's file: rows with their raw bytes, cells without padding, exact fen, and the bank's day.

Values of WeChat begin with a back-tick, those of Alipay end with a tab, both so that spreadsheets leave them alone; GBK
and GB2312 are read as GB18030, which contains them (channels.md, section 4).
"""

import csv
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from anhuan.channels.model import FileDamaged
from anhuan.kit.clock import CHINA

MAX_BYTES: Final = 256 * 1024 * 1024  # a day of a large merchant has about 100 MB; more is no day's file of ours
MAX_ROWS: Final = 1_000_000
MAX_CELLS: Final = 200

_PADDING: Final = "` \t\r\n\v\f\u00a0\u3000\ufeff\u200b"
_AMOUNT: Final = re.compile(r"([+-]?)(?:[0-9]{1,15}|[0-9]{1,3}(?:,[0-9]{3}){1,4})(?:\.[0-9]{1,6})?")
_COUNT: Final = re.compile(r"[0-9]{1,9}")
_DAY: Final = re.compile(r"([0-9]{4})([-/.年]?)([0-9]{1,2})([-/.月]?)([0-9]{1,2})日?")
_CLOCK: Final = re.compile(r"([0-9]{1,2}):?([0-9]{2})(?::?([0-9]{2})(?:[.,][0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?")
_COMPACT: Final = re.compile(r"([0-9]{8})([0-9]{6})")
_NO_HEADING: Final = re.compile(r"[\s_:*\"']+")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its cells without padding, its bytes as they came, and the number of its first line, 1 first."""

    number: int
    cells: tuple[str, ...]
    raw: bytes
    otherwise: tuple[str, ...] = ()  # the cells as plain CSV, where back-ticks cut the row in another way

    @property
    def empty(self) -> bool:
        """Whether nothing is printed in it."""
        return not any(self.cells)


def rows(content: bytes) -> list[Row]:
    """Split the bytes into rows; raises FileDamaged for other encodings, broken quotes and absurd sizes."""
    if len(content) > MAX_BYTES:
        raise FileDamaged(f"文件超过 {MAX_BYTES // 1024 // 1024} MB，没有读取")
    if b"\0" in content:
        raise FileDamaged("文件里有空字符，不是文本文件")
    # Neither UTF-8 nor GB18030 uses the byte of a line's end inside a character, so bytes are cut before decoding.
    cut = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    physical = [line + b"\n" for line in cut[:-1]] + ([cut[-1]] if cut[-1] else [])
    if len(physical) > MAX_ROWS:
        raise FileDamaged(f"文件超过 {MAX_ROWS} 行，没有读取")
    return list(_split(_decoded(physical), physical))


def clean(cell: str) -> str:
    """The cell without what banks and wallets put around it: back-tick, tab, blank, U+00A0."""
    return cell.strip(_PADDING)


def heading_key(cell: str) -> str:
    """A heading as it is compared: half-width, lower case, no blanks or decoration, 元 and 分 in brackets kept."""
    return _NO_HEADING.sub("", unicodedata.normalize("NFKC", clean(cell)).lower())


def yuan(text: str, *, what: str) -> int:
    """Fen of a printed yuan amount of up to six decimals; refuses what is no amount or no whole fen."""
    plain = unicodedata.normalize("NFKC", text).strip("¥￥ 元")
    if not _AMOUNT.fullmatch(plain):
        raise FileDamaged(f"{what}「{text}」不是金额")
    scaled = Decimal(plain.replace(",", "")) * 100
    if scaled != scaled.to_integral_value():
        raise FileDamaged(f"{what}「{text}」不是整数分")
    return int(scaled)


def count(text: str, *, what: str) -> int:
    """A printed count; refuses what is no whole number."""
    plain = text.replace(",", "").removesuffix("笔").strip()
    if not _COUNT.fullmatch(plain):
        raise FileDamaged(f"{what}「{text}」不是笔数")
    return int(plain)


def moment(text: str, *, what: str) -> tuple[date, datetime | None]:
    """The bank's day, and the moment where a clock time is printed; a moment with another zone is moved to UTC+8."""
    compact = _COMPACT.fullmatch(text)
    day_text, _, clock = (text.replace("T", " ", 1) if not compact else " ".join(compact.groups())).partition(" ")
    printed = _DAY.fullmatch(day_text)
    if printed is None or (printed[2] != printed[4] and printed[2] != "年"):
        raise FileDamaged(f"{what}「{text}」不是日期")
    try:
        day = date(int(printed[1]), int(printed[3]), int(printed[5]))
        at = _at(day, clock.strip())
    except ValueError as error:
        raise FileDamaged(f"{what}「{text}」不是日期") from error
    return (at.date(), at) if at else (day, None)


def _at(day: date, clock: str) -> datetime | None:
    if not clock:
        return None
    printed = _CLOCK.fullmatch(clock)
    if printed is None:
        raise ValueError(clock)
    hour, minute, second, zone = printed.groups()
    plain = f"{day}T{int(hour):02}:{minute}:{second or '00'}"
    return datetime.fromisoformat(plain + (zone or "+08:00").replace("Z", "+00:00")).astimezone(CHINA)


def _decoded(physical: list[bytes]) -> list[str]:
    for codec in ("utf-8", "gb18030"):
        try:
            return [line.decode(codec) for line in physical]
        except UnicodeDecodeError:
            continue
    raise FileDamaged("文件既不是 UTF-8 也不是 GB18030 编码，可能已损坏")


def _split(texts: list[str], physical: list[bytes]) -> Iterator[Row]:
    """Rows of WeChat are cut at comma and back-tick, since names of goods may hold commas; others are read as CSV."""
    number = 0
    while number < len(texts):
        ticked = texts[number][1:].split(",`") if texts[number].startswith("`") else None
        if ticked is None:
            cells, used = _csv(texts, number)
            other: list[str] = []
        else:
            cells, used = ticked, 1
            other = texts[number].split(",") if texts[number].count(",") >= len(ticked) else []
        if len(cells) > MAX_CELLS:
            raise FileDamaged(f"第 {number + 1} 行超过 {MAX_CELLS} 列")
        raw = b"".join(physical[number : number + used])
        yield Row(number + 1, _cleaned(cells), raw, _cleaned(other))
        number += used


def _cleaned(cells: list[str]) -> tuple[str, ...]:
    return tuple(clean(cell) for cell in cells)


def _csv(texts: list[str], number: int) -> tuple[list[str], int]:
    reader = csv.reader((texts[place] for place in range(number, len(texts))), strict=True)
    try:
        return next(reader), reader.line_num
    except (csv.Error, StopIteration) as error:
        raise FileDamaged(f"第 {number + 1} 行的引号或分隔符不完整") from error
