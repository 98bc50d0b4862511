"""What a bill's labels say on a page: the value stands behind the label, or below it in the same columns."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from anhuan.kit import money
from anhuan.statements import cells
from anhuan.statements.model import Page, Word

# Field -> labels in lower case without blanks; `other` takes what must not be read as one of the fields.
LABELS: Final[Mapping[str, tuple[str, ...]]] = {
    "statement_on": (
        "statementdate", "statementclosingdate", "closingdate", "billingdate", "billdate", "本期账单日", "账单日期",
        "账单日", "对账单生成日", "账单生成日", "结单日", "結單日期", "結單日", "月結單日期",
    ),
    "due_on": (
        "paymentduedate", "duedate", "paymentdue", "pleasepayby", "payby", "本期到期还款日", "到期还款日",
        "最后还款日", "本期还款日", "最迟还款日", "最晚还款日", "还款到期日", "还款日", "到期缴款日", "到期繳款日",
        "到期還款日", "最後還款日", "繳款截止日",
    ),
    "minimum_due": (
        "totalminimumdue", "minimumpaymentdue", "minimumamountdue", "minimumpayment", "minimumdue",
        "minpaymentdue", "minimumsum", "本期最低还款额", "最低应还款额", "最低应还款", "最低还款额",
        "本期最低应还金额", "本期最低还款金额", "最低付款额", "最低付款額", "最低還款額",
        "最低應繳金額", "最低應付金額",
    ),
    "total_due": (
        "totalamountdue", "totalpaymentdue", "statementbalance", "newbalance", "totalbalancedue", "amountdue",
        "totalstatementbalance", "outstandingbalance", "currentbalance", "totaloutstanding", "balancedue",
        "本期应还款总额", "本期应还款额", "本期应还金额", "本期应还款", "应还款总额", "应还总额", "应还款额",
        "本期账单金额", "本期应还总额", "结单结余", "結單結餘", "月結單結餘", "本期應付總額", "本期應繳總額",
    ),
    "credit_limit": ("totalcreditlimit", "creditlimit", "信用额度", "综合信用额度", "信用限額", "信用額度"),
    "other": (
        "totalavailablecreditlimit", "availablecreditlimit", "availablecredit", "cashadvancelimit",
        "availablecashlimit", "previousbalance", "lastpaymentdue", "lastmonth'sbalance", "预借现金额度",
        "取现额度", "可用额度", "上期账单金额", "上期应还款额",
    ),
}  # fmt: skip
_FIELDS: Final = {label: field for field, labels in LABELS.items() for label in labels}
_LABEL: Final = re.compile("|".join(re.escape(label) for label in sorted(_FIELDS, key=len, reverse=True)))
_BELOW: Final = 3  # lines below a label in which its value may stand
_FAR_BELOW: Final = 45.0  # points
_SLACK: Final = 12.0  # points that a value may stand beside its label's columns
_FILLER: Final = frozenset((":", "：", "-", "s$", "$", "¥", "￥", "rmb", "cny", "sgd", "hkd", "usd", "hk$", "us$"))


@dataclass(frozen=True, slots=True)
class Found:
    """One value: its field, the value, where it stood and how sure the place makes it."""

    field: str
    day: date | None
    minor: int
    currency: str | None
    span: str
    confidence: float


@dataclass(frozen=True, slots=True)
class _Label:
    field: str
    first: int
    last: int


def facts(pages: Sequence[Page]) -> list[Found]:
    """All values that stand at labels, page by page from the top."""
    found: list[Found] = []
    order = order_of(pages)
    for page in pages:
        lines = [_apart(line) for line in page.lines()]
        for number, line in enumerate(lines):
            labels = _labels(line)
            for place, label in enumerate(labels):
                stop = labels[place + 1].first if place + 1 < len(labels) else len(line)
                value = _value(_Place(page, lines, number, order), label, stop)
                if value is not None:
                    found.append(value)
    return found


def segments(line: Sequence[Word]) -> list[list[Word]]:
    """The words of a line in groups that stand close together: a cell, a date of three words."""
    groups: list[list[Word]] = []
    for word in line:
        if groups and word.x0 - groups[-1][-1].x1 < 0.9 * (word.bottom - word.top):
            groups[-1].append(word)
        else:
            groups.append([word])
    return groups


def order_of(pages: Sequence[Page]) -> str:
    """Whether the file writes 08/25/2026 ("md") or 25/08/2026 ("dm"); empty where no date, or both, tell."""
    raws = [raw for page in pages for word in page.words if (raw := cells.raw_date(word.text)) and raw.year]
    told = {"dm" if raw.first > 12 else "md" for raw in raws if not raw.order and max(raw.first, raw.second) > 12}
    return told.pop() if len(told) == 1 else ""


def day_of(text: str, usual: str = "") -> date | None:
    """A whole date; `usual` is the order of day and month where the date itself does not tell, else day first."""
    raw = cells.raw_date(text)
    if raw is None or raw.year is None:
        return None
    order = raw.order or ("dm" if raw.first > 12 else "md" if raw.second > 12 else "")
    return cells.read_dates([text], order=order or usual or "dm").dates[text]


def amount_of(text: str) -> cells.Amount | None:
    """Money as bills print it; a bare whole number without a currency is none."""
    try:
        found = cells.amount_of(text)
    except money.NotMoney:
        return None
    plain = found is not None and found.currency is None and not re.search(r"[.,]\d{2}(?!\d)", text)
    return None if plain else found


def _labels(line: Sequence[Word]) -> list[_Label]:
    """The labels of a line by the numbers of their first and last word."""
    joined, owner = "", []
    for number, word in enumerate(line):
        key = cells.key_of(word.text)
        joined += key
        owner += [number] * len(key)
    return [
        _Label(_FIELDS[match[0]], owner[match.start()], owner[match.end() - 1]) for match in _LABEL.finditer(joined)
    ]


@dataclass(frozen=True, slots=True)
class _Place:
    """The line of a page that a label stands in, and how the file orders day and month."""

    page: Page
    lines: Sequence[Sequence[Word]]
    number: int
    order: str

    def read(self, words: Sequence[Word], field: str) -> Found | None:
        """What the words say for the field: a date or an amount."""
        text = _text(words)
        if field.endswith("_on"):
            return _day(text, self.page, words[0], field, self.order)
        return _money(text, self.page, words[0], field)


def _value(place: _Place, label: _Label, stop: int) -> Found | None:
    if label.field == "other":
        return None
    line = place.lines[place.number]
    behind = [word for word in line[label.last + 1 : stop] if cells.key_of(word.text)]
    for count in range(min(4, len(behind)), 0, -1):  # the value that begins right behind the label
        if found := place.read(behind[:count], label.field):
            return found
    left, right = line[label.first].x0, line[label.last].x1
    for below in place.lines[place.number + 1 : place.number + 1 + _BELOW]:
        if below[0].top - line[label.first].top > _FAR_BELOW:
            break
        under = [group for group in segments(below) if _shared(group, left, right) >= -_SLACK]
        for group in sorted(under, key=lambda group: -_shared(group, left, right)):
            if found := place.read(group, label.field):
                return found
    return None


def _shared(group: Sequence[Word], left: float, right: float) -> float:
    """How many points a group stands under a label's columns; negative is the gap between them."""
    return min(group[-1].x1, right) - max(group[0].x0, left)


def _apart(line: Sequence[Word]) -> list[Word]:
    """The line with label and value of one word set apart: 账单日：2026/08/05, since Chinese has no blanks."""
    found: list[Word] = []
    for word in line:
        head, colon, tail = word.text.partition("：" if "：" in word.text else ":")
        if not colon or not tail or cells.key_of(head) not in _FIELDS:
            found.append(word)
            continue
        cut = word.x0 + (word.x1 - word.x0) * (len(head) + 1) / len(word.text)
        found.append(Word(head + colon, word.x0, cut, word.top, word.bottom))
        found.append(Word(tail, cut, word.x1, word.top, word.bottom))
    return found


def _text(words: Sequence[Word]) -> str:
    return " ".join(word.text for word in words).lstrip(" :：").rstrip()


def _day(text: str, page: Page, word: Word, field: str, order: str) -> Found | None:
    day = day_of(text, order)
    return Found(field, day, 0, None, _span(page, word, text), 0.95) if day else None


def _money(text: str, page: Page, word: Word, field: str) -> Found | None:
    found = amount_of(text)
    if found is None:
        return None
    minor = -abs(found.minor) if found.credit else found.minor
    return Found(field, None, minor, found.currency, _span(page, word, text), 0.95)


def _span(page: Page, word: Word, text: str) -> str:
    return f"p{page.number} x{word.x0:.0f} y{word.top:.0f}: {text}"


def by_field(found: Sequence[Found]) -> Iterator[tuple[str, list[Found]]]:
    """The values of each field, in the order of the pages."""
    for field in LABELS:
        mine = [one for one in found if one.field == field]
        if mine:
            yield field, mine
