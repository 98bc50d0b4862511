"""The rows of a bill's tables on placed words: a date at the left, words, an amount at the right."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from anhuan.statements import cells, headings, kinds
from anhuan.statements.draft import Draft
from anhuan.statements.model import Page, Word
from anhuan.statements.pdf_labels import amount_of, segments

_CARD: Final = re.compile(
    r"(?<![\d*])(?:[\dxX*]{4}[- ]?[\dxX*]{4}[- ]?[\dxX*]{4}[- ]?|\d{4,8}[xX*]{2,8}|\d{4}[- ]\d{6}[- ]\d)(\d{4})(?!\d)"
)
_CREDIT: Final = re.compile(r"^(CR|C|\(?存入\)?|-)$", re.IGNORECASE)
_DEBIT: Final = re.compile(r"^(DR|D|\(?支出\)?|\+)$", re.IGNORECASE)
_MONEY_WORDS: Final = ("amount", "trade_amount", "money_out", "money_in", "balance")
_NEXT_LINE: Final = 1.9  # of a line's height: a continuation stands right below
_SAME_COLUMN: Final = 4.0  # points
_UNDER: Final = 40.0  # points that an amount may end beside its heading


@dataclass(slots=True)
class Rows:
    """What the tables of a file hold: rows as drafts, printed totals, cards in order, currencies of headings."""

    drafts: list[Draft] = field(default_factory=list)
    spans: list[str] = field(default_factory=list)
    cards: list[str] = field(default_factory=list)
    currency: str | None = None
    marked: bool = False  # some amount carries CR, a minus or brackets


@dataclass(slots=True)
class _State:
    """Where the reading stands: the money columns of the last heading, the card above the rows, the last row."""

    columns: list[tuple[float, float, str]] = field(default_factory=list)
    dates: tuple[str, ...] = ("traded", "posted")  # what the dates of a row are, from the left
    card: str | None = None
    last: tuple[Draft, Word, float] | None = None  # the row, the last word's line and where its text begins


def read(pages: Sequence[Page]) -> Rows:
    """All rows of all pages, in order."""
    rows, state = Rows(), _State()
    for page in pages:
        state.last = None
        for line in page.lines():
            _take(rows, state, page, line)
    return rows


def _take(rows: Rows, state: _State, page: Page, line: Sequence[Word]) -> None:
    """One line: a heading, a card, a row, the rest of a row, or words that are none of these."""
    text = " ".join(word.text for word in line)
    if _heading(rows, state, line):
        state.last = None
        return
    if card := _CARD.search(text):
        state.card = card[1]
        if card[1] not in rows.cards:
            rows.cards.append(card[1])
    dated, amounts, first = _parts(line)
    middle = line[dated : len(line) - amounts] if amounts else line[dated:]
    words = cells.clean(" ".join(word.text for word in middle))
    is_row = amounts and re.search(r"[^\W\d_]", words) and not kinds.TOTAL_WORDS.search(words)
    if is_row and (dated or kinds.BALANCE_WORDS.search(words)):
        draft = _draft(rows, state, line, first, dated, amounts, words)
        rows.drafts.append(draft)
        rows.spans.append(f"p{page.number} y{line[0].top:.0f}")
        state.last = (draft, line[0], middle[0].x0)
    elif kinds.TOTAL_WORDS.search(text) or not _continues(state, line, text, amounts):
        state.last = None


def _draft(rows: Rows, state: _State, line: Sequence[Word], first: str, dated: int, amounts: int, words: str) -> Draft:
    draft = Draft(len(rows.drafts) + 1, description=words, card=state.card)
    second = " ".join(word.text for word in line[_date_length(line) : dated])
    for name, written in zip(state.dates, (first, second), strict=False):
        setattr(draft, name, written)
    _money(rows, draft, state, line[len(line) - amounts :])
    return draft


def _parts(line: Sequence[Word]) -> tuple[int, int, str]:
    """How many words at the left are dates, how many at the right money, and the first date's text."""
    length = _date_length(line)
    first = " ".join(word.text for word in line[:length])
    dated = length + _date_length(line[length:]) if length else 0
    amounts = 0
    while amounts < len(line) - dated and _is_money_word(line[len(line) - 1 - amounts].text):
        amounts += 1
    return dated, amounts, first


def _date_length(words: Sequence[Word]) -> int:
    """The number of leading words that make one date: 02/07, 17 OCT, 01 AUG 23, OCT 17."""
    for count in (3, 2, 1):
        if count == 3 and len(words) > 3 and words[2].text.isdigit() and words[3].text.lower() in cells.MONTHS:
            continue  # 03 Jul 04 Jul: two days, and no year 2004
        text = " ".join(word.text for word in words[:count])
        if len(words) >= count and any(letter.isdigit() for letter in text) and cells.raw_date(text):
            return count
    return 0


def _is_money_word(text: str) -> bool:
    return bool(_CREDIT.match(text) or _DEBIT.match(text)) or text.upper() in _UNITS or amount_of(text) is not None


_UNITS: Final = frozenset(("S$", "HK$", "US$", "$", "¥", "￥", "RMB", "CNY", "SGD", "HKD", "USD"))


def _money(rows: Rows, draft: Draft, state: _State, words: Sequence[Word]) -> None:
    """The row's amount by the columns of the heading; a mark behind a number belongs to it."""
    values: list[tuple[Word, cells.Amount, int]] = []
    for word in words:
        found = amount_of(word.text)
        if found is not None:
            values.append((word, found, -1 if found.credit else 0))
        elif values and (_CREDIT.match(word.text) or _DEBIT.match(word.text)):
            values[-1] = (*values[-1][:2], -1 if _CREDIT.match(word.text) else 1)
        elif word.text.upper() in _UNITS:
            draft.currency = cells.currency_of(word.text) or draft.currency
    for word, found, way in values if len(values) > 1 else []:
        role = _role(state, word)
        if role == "balance":
            draft.balance = found.minor
        elif role in ("money_out", "money_in"):
            draft.amount, draft.settled = (1 if role == "money_out" else -1) * abs(found.minor), True
        elif not draft.settled:
            _set(rows, draft, found, way)
    if len(values) == 1:
        word, found, way = values[0]
        role = _role(state, word)
        _set(rows, draft, found, {"money_out": 1, "money_in": -1}.get(role, way))


def _set(rows: Rows, draft: Draft, found: cells.Amount, way: int) -> None:
    draft.amount = way * abs(found.minor) if way else found.minor
    draft.settled = way != 0
    draft.currency = draft.currency or found.currency or ""
    rows.marked = rows.marked or way < 0 or found.minor < 0


def _role(state: _State, word: Word) -> str:
    """The heading whose columns the amount stands under: amounts are set flush right, headings anyhow."""
    near = _near(state, word)
    return min(near)[1] if near else "amount"


def _near(state: _State, word: Word) -> list[tuple[float, str]]:
    return [
        (abs(word.x1 - right), role)
        for left, right, role in state.columns
        if left - _UNDER <= word.x1 <= right + _UNDER
    ]


def _heading(rows: Rows, state: _State, line: Sequence[Word]) -> bool:
    """Learn from a heading line, where it is one: it names a date or a text, and money, and has no amount."""
    groups = segments(line)
    texts = [" ".join(word.text for word in group) for group in groups]
    if any(amount_of(text) is not None for text in texts):
        return False
    found = headings.understand(0, [re.sub(r"[I|]$", "", text) for text in texts])
    money = [(role, place) for role, place in found.places.items() if role in _MONEY_WORDS]
    if not money or not {"posted_on", "traded_on", "description"} & found.places.keys():
        return False
    rows.currency = rows.currency or found.currency
    state.columns = [(groups[place][0].x0, groups[place][-1].x1, role) for role, place in money]
    dated = sorted((place, word[:-3]) for word, place in found.places.items() if word in ("posted_on", "traded_on"))
    state.dates = tuple(name for _, name in dated) or ("traded", "posted")
    return True


def _continues(state: _State, line: Sequence[Word], text: str, amounts: int) -> bool:
    """Take words right below a row, in the column of its text and none under the money, as more of its description."""
    if state.last is None or (amounts and _near(state, line[-1])):
        return False
    draft, above, begins = state.last
    height = above.bottom - above.top
    if abs(line[0].x0 - begins) > _SAME_COLUMN or not 0 < line[0].top - above.top < _NEXT_LINE * height:
        return False
    draft.description = cells.clean(f"{draft.description} {text}")
    state.last = (draft, line[0], begins)
    return True
