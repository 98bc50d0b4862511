"""Tables in channels' files: columns by heading name, detail rows, and the summary that must agree with them.

All or nothing: a missing needed heading, a row of another width, or one figure of the summary that disagrees refuses
the whole file with a sentence that names it. A heading that nobody knows is reported and changes nothing.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from anhuan.channels.file_model import Total
from anhuan.channels.file_text import Row, count, heading_key, yuan
from anhuan.channels.model import FileDamaged
from anhuan.kit.money import to_text

_LOOK_AT: Final = 60  # rows; the longest preface seen has 25


@dataclass(frozen=True, slots=True)
class Detail:
    """One detail row: our word of each known column to its cell, and every heading with its cell as printed."""

    row: Row
    words: Mapping[str, str]
    printed: tuple[tuple[str, str], ...]

    def get(self, word: str) -> str:
        """The cell of a column, empty where the file has no such column."""
        return self.words.get(word, "")

    def fen(self, word: str) -> int:
        """The cell as fen; an empty or missing one is 0. Raises FileDamaged."""
        text = self.get(word)
        return 0 if text in ("", "-", "--", "/") else yuan(text, what=f"第 {self.row.number} 行 {word}")


Counted = Callable[[Sequence[Detail]], int]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a summary: how it is counted from the rows, and whether it is a count or an amount in yuan.

    `onto` names another printed figure that the counted amount comes on top of: a closing balance its opening one.
    """

    counted: Counted | None  # None: nothing in the rows says it, an opening balance for instance
    is_count: bool = False
    onto: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """What a kind of file looks like: headings by our words, those it needs, and the figures of its summary."""

    name: str
    words: Mapping[str, tuple[str, ...]]  # our word to the headings that say it
    needed: tuple[tuple[str, ...], ...]  # of each group one word must be there
    figures: Mapping[str, Figure]  # summary heading to its figure
    summary_needed: bool = False
    sums: tuple[str, ...] = ()  # how a row of sums begins that stands under the columns
    others: frozenset[str] = frozenset()  # headings that are known and say nothing to us
    prepare: Callable[[Sequence[Detail]], Sequence[Detail]] = tuple  # what has to be settled over all rows first


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose summary agrees: details in their order, figures compared, and headings nobody knows."""

    details: tuple[Detail, ...]
    totals: tuple[Total, ...]
    strange: tuple[str, ...]
    after: tuple[Row, ...]  # rows after the details that begin with #, or with 合计
    columns: frozenset[str]
    sums: tuple[Detail, ...] = ()  # those of them that are as wide as the table and begin with 合计


def read(rows: Sequence[Row], layout: Layout) -> Table:
    """Read the table of a layout; raises FileDamaged with what is missing or disagrees."""
    place, columns, strange = _heading(rows, layout)
    headings = rows[place].cells
    figures = {heading_key(name): figure for name, figure in layout.figures.items()}
    body, summary, after = _parts(rows[place + 1 :], figures, ("#", *layout.sums))
    details = tuple(layout.prepare([_detail(row, headings, columns) for row in body]))
    found = frozenset(columns.values())
    totals, unknown = _compare(summary, figures, details, layout)
    sums = tuple(_detail(row, headings, columns) for row in after if row.cells and row.cells[0].startswith(layout.sums))
    return Table(details, totals, (*strange, *unknown), after, found, sums)


def agree(name: str, printed: str, counted: int, *, is_count: bool) -> Total:
    """One printed figure beside what was counted; raises FileDamaged where they differ."""
    said = count(printed, what=name) if is_count else yuan(printed, what=name)
    ours = str(counted) if is_count else to_text(counted)
    if said != counted:
        raise FileDamaged(f"{name}：文件写 {printed}，逐行合计 {ours}", figure=name)
    return Total(name, printed, ours)


def copies(rows: Sequence[bytes]) -> list[int]:
    """Which copy each row is among rows of the same bytes, 1 first; line ends do not tell rows apart."""
    seen: Counter[bytes] = Counter()
    numbered = []
    for raw in rows:
        same = raw.rstrip(b"\r\n")
        seen[same] += 1
        numbered.append(seen[same])
    return numbered


def _heading(rows: Sequence[Row], layout: Layout) -> tuple[int, dict[int, str], tuple[str, ...]]:
    """The place of the heading row, our word of each column, and the headings nobody knows."""
    meaning = {heading_key(name): word for word, names in layout.words.items() for name in (word, *names)}
    best = -1
    columns: dict[int, str] = {}
    for place, row in enumerate(rows[:_LOOK_AT]):
        found = {column: meaning[key] for column, cell in enumerate(row.cells) if (key := heading_key(cell)) in meaning}
        if len(found) > len(columns):
            best, columns = place, found
    missing = [group for group in layout.needed if not set(group) & set(columns.values())]
    if best < 0 or missing:
        named = "、".join("或".join(group) for group in missing)
        raise FileDamaged(f"不是{layout.name}，或缺少必需的列：{named}", missing=[list(group) for group in missing])
    twice = [word for word, times in Counter(columns.values()).items() if times > 1]
    if twice:
        raise FileDamaged(f"{layout.name}的列「{'、'.join(twice)}」出现两次，无法确定用哪一列")
    known = {heading_key(name) for name in layout.others}
    cells = enumerate(rows[best].cells)
    strange = tuple(cell for column, cell in cells if cell and column not in columns and heading_key(cell) not in known)
    return best, columns, strange


def _parts(
    rows: Sequence[Row], figures: Mapping[str, Figure], ends: tuple[str, ...]
) -> tuple[list[Row], list[Row], tuple[Row, ...]]:
    """The detail rows, the summary (its headings and one row of values), and the rows that stand after."""
    body: list[Row] = []
    for place, row in enumerate(rows):
        if row.cells and heading_key(row.cells[0]) in figures and _names_figures(row, figures):
            return body, [row, *_only_values(rows[place + 1 :])], ()
        if row.cells and row.cells[0].startswith(ends):
            return body, [], tuple(rows[place:])
        if not row.empty:
            body.append(row)
    return body, [], ()


def _names_figures(row: Row, figures: Mapping[str, Figure]) -> bool:
    return sum(heading_key(cell) in figures for cell in row.cells) >= 2


def _only_values(rows: Sequence[Row]) -> list[Row]:
    rest = [row for row in rows if not row.empty]
    if len(rest) != 1:
        raise FileDamaged("汇总标题之后应有且只有一行汇总数字，文件可能被截断或拼接")
    return rest


def _detail(row: Row, headings: Sequence[str], columns: Mapping[int, str]) -> Detail:
    cells = _fitted(row, len(headings))
    words = {word: cells[column] for column, word in columns.items()}
    return Detail(row, words, tuple(zip(headings, cells, strict=False)))


def _fitted(row: Row, width: int) -> tuple[str, ...]:
    """The cells of a row as wide as its headings; empty cells may follow. Raises FileDamaged."""
    for cells in (row.cells, row.otherwise):
        if len(cells) == width or (len(cells) > width and not any(cells[width:])):
            return cells[:width]
    raise FileDamaged(f"第 {row.number} 行有 {len(row.cells)} 列，标题有 {width} 列，文件可能被截断", row=row.number)


def _compare(
    summary: Sequence[Row], figures: Mapping[str, Figure], details: Sequence[Detail], layout: Layout
) -> tuple[tuple[Total, ...], tuple[str, ...]]:
    if not summary:
        if layout.summary_needed:
            raise FileDamaged(f"{layout.name}没有汇总行，文件可能被截断")
        return (), ()
    names, values = summary
    texts = _fitted(values, len(names.cells))
    printed = {heading_key(name): text for name, text in zip(names.cells, texts, strict=True)}
    totals, unknown = [], []
    for name, text in zip(names.cells, texts, strict=True):
        figure = figures.get(heading_key(name))
        if figure is None:
            unknown += [name] if name else []
        elif figure.counted is None:
            yuan(text, what=name)
        else:
            onto = printed.get(heading_key(figure.onto)) if figure.onto else None
            start = yuan(onto, what=figure.onto) if onto is not None else 0
            if not figure.onto or onto is not None:
                totals.append(agree(name, text, start + figure.counted(details), is_count=figure.is_count))
    return tuple(totals), tuple(unknown)
