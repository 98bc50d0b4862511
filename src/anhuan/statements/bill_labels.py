"""Finds what a bill prints beside its labels (到期还款日 Payment Due Date), whatever the shape of the mail.

Labels and values are read as one sequence: a run of labels, then the run of values that belongs to it. That is one
label and its value in one cell, in two cells or on two lines; a row of labels above a row of values; a block of labels
with the block of values behind it. Where labels and values stand in two rows of one table, the columns decide.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Final, NamedTuple

from anhuan.statements.text import (
    CURRENCIES,
    DATE,
    MONEY,
    MONTH_DAY,
    PERIOD,
    Amount,
    Sheet,
    amount_of,
    date_of,
)

_REACH: Final = 90  # characters between a label and its value: the English half, a link, a word of courtesy
_MOST_LABELS: Final = 40  # of one run; a bill has up to ten, English halves counted
_WINDOW: Final = 400  # characters behind a label in which its values are looked for: a row of ten values

# Labels that several banks use. A field is `statement_on`, `due_on`, `cycle`, `total_due`, `minimum_due`,
# `credit_limit`; `total_due@USD` says that the label itself names the currency; `other` takes an amount that is none of
# these, so that it is not given to a neighbour.
COMMON: Final[Mapping[str, Sequence[str]]] = {
    "statement_on": (
        "本期账单日", "账单日期", "账单日", "账单生成日", "对账单生成日", "statement date", "statement closing date",
        "closing date",
    ),
    "due_on": (
        "本期到期还款日", "本期最后还款日", "到期还款日", "最后还款日", "本期还款日", "最迟还款日", "贷记卡到期还款日",
        "还款到期日", "payment due date", "due date",
    ),
    "cycle": ("当期账单周期", "账单周期", "statement cycle", "statement period", "billing cycle"),
    "total_due": (
        "本期应还款总额", "本期应还款金额", "本期应还金额", "本期应还款额", "本期应还总额", "本期应还款",
        "本期欠款总额", "应还款额", "本期账单金额", "本期还款总额", "new balance", "statement balance",
        "current balance", "amount payable",
    ),
    "minimum_due": (
        "本期最低还款总额", "本期最低还款金额", "本期最低还款额度", "本期最低还款额", "本期最低应还金额",
        "本期最低应还款额", "本期最低应还款", "最低应还款额",
        "最低还款金额", "最低应还款", "最低还款额", "最低还款",
        "minimum payment due", "minimum payment", "mininum payment", "min. payment", "min.payment", "min payment",
        "minimum amount due",
    ),
    "credit_limit": ("综合信用额度", "信用额度", "信用卡额度", "credit limit"),
    "other": (
        "预借现金额度", "取现额度", "可用额度", "可用信用额度", "cash advance limit", "available credit limit",
        "available credit", "上期账单金额", "上期应还款额", "上期应还金额", "上期还款金额", "上期还款额", "上期余额",
        "已还款金额", "本期已还金额", "本期已还款额", "本期消费金额", "本期新增金额", "争议款/笔数", "争议款",
        "dispute amt/nbr", "溢缴款", "积分余额",
        "rewards points balance", "可用积分",
        "previous balance", "last balance", "分期可用额度", "本期调整金额", "循环利息",
    ),
}  # fmt: skip

_VALUE: Final = re.compile(
    rf"(?P<period>{PERIOD})|(?P<date>{DATE})|(?P<money>{MONEY})|(?P<day>{MONTH_DAY})|(?P<every>每月\s*\d{{1,2}}\s*[日号])"
    rf"|(?P<none>[\xa5$]?\s*-{{2,}}(?!\d)|无欠款|无需还款)|(?<![\d*./,-])(?P<bare>\d{{3,8}})(?![\d*./年月-])"
)
_ROWS_BEGIN: Final = re.compile(r"明\s*细|交\s*易|transaction|detail", re.I)  # behind the values come the rows
# 最低还款额=信用额度内消费款的10%…, 最低还款额是指…: a sentence explains the word, and its numbers are nobody's.
_DEFINED: Final = re.compile(
    r"[\"'”’」)]?\s?(?:=\s?[\u4e00-\u9fff]|[是系]?指|计算公式|的?计算方[法式])[^\t\n\r。;]{0,200}"
)
_VALUE_BEFORE: Final = re.compile(r"[\d日号元-][ (/]{0,3}\Z")
_KINDS: Final = {
    "statement_on": "date", "due_on": "date", "cycle": "period",
    "total_due": "money", "minimum_due": "money", "credit_limit": "money", "other": "money",
}  # fmt: skip


class Fact(NamedTuple):
    """One value found beside a label: money has minor units and a currency, dates their words; and how it was found."""

    field: str
    text: str
    amount: Amount | None
    span: str
    confidence: float


class _Label(NamedTuple):
    field: str
    currency: str | None
    start: int
    end: int


class _Value(NamedTuple):
    kind: str
    text: str
    start: int
    end: int
    currency: str | None = None  # of the table row, where the amount prints none


class Facts:
    """What the labels of one bill gave; the first place that gives a field counts, also where it gives ￥---."""

    def __init__(self, found: Sequence[Fact]) -> None:
        self._money: dict[tuple[str, str], Fact] = {}
        self._words: dict[str, Fact] = {}
        dashed: set[tuple[str, str | None]] = set()
        for fact in found:
            if fact.amount is None:
                self._words.setdefault(fact.field, fact)
                dashed.add((fact.field, _currency(fact.text)))
            elif (fact.field, fact.amount.currency or "CNY") not in dashed:
                self._money.setdefault((fact.field, fact.amount.currency or "CNY"), fact)

    def money(self, field: str, currency: str = "CNY") -> Fact | None:
        """The amount beside the field's label in one currency."""
        return self._money.get((field, currency))

    def word(self, field: str) -> Fact | None:
        """The words beside the label of a date, a period, or of money that says `---` or 无欠款."""
        return self._words.get(field)

    def date(self, field: str, near: date | None = None) -> date | None:
        """The date beside the field's label."""
        fact = self._words.get(field)
        return date_of(fact.text, near) if fact else None

    def currencies(self, field: str = "total_due") -> list[str]:
        """The currencies in which the field was found, in the order of the mail."""
        return [currency for name, currency in self._money if name == field]


@dataclass(frozen=True)
class LabelBook:
    """The common labels with a bank's own, compiled when first used; a bank's meaning of a label wins."""

    own: Mapping[str, Sequence[str]] = field(default_factory=dict)
    common: bool = True

    @cached_property
    def fields(self) -> dict[str, tuple[str, str | None]]:
        """What each label means: field, and the currency it names."""
        fields: dict[str, tuple[str, str | None]] = {}
        for book in (COMMON if self.common else {}), self.own:
            for name, labels in book.items():
                meaning, _, currency = name.partition("@")
                fields |= {_key(label): (meaning, currency or None) for label in labels}
        return fields

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """All labels as one pattern, the longest first."""
        books = COMMON if self.common else {}, self.own
        words = {label for book in books for labels in book.values() for label in labels}
        return re.compile("|".join(_loose(label) for label in sorted(words, key=len, reverse=True)))


def _key(label: str) -> str:
    return "".join(label.lower().split())


def _loose(label: str) -> str:
    """The label with any white space, or none, where it has a blank; English labels are kept in lower case."""
    return r"\s*".join(re.escape(word) for word in label.lower().split())


def facts_of(sheet: Sheet, book: LabelBook, *, start: int = 0, end: int | None = None) -> Facts:
    """Read every label of the book between two places of `sheet.labels`."""
    text = sheet.labels
    lower = text.lower()
    if len(lower) != len(text):  # a letter whose small form is longer, such as İ: no bank prints one
        lower = text
    labels = []
    explained = start
    for match in book.pattern.finditer(lower, start, len(text) if end is None else end):
        if match.start() < explained:
            continue
        if sentence := _DEFINED.match(text, match.end()):
            explained = sentence.end()
            continue
        field, currency = book.fields[_key(match[0])]
        labels.append(_Label(field, currency, match.start(), match.end()))
    return Facts([fact for group, values in _runs(text, labels) for fact in _settle(text, group, values)])


def _runs(text: str, labels: Sequence[_Label]) -> list[tuple[list[_Label], list[_Value]]]:
    """Runs of labels with the run of values behind each."""
    runs: list[tuple[list[_Label], list[_Value]]] = []
    group: list[_Label] = []
    position = 0
    while position < len(labels):
        label = labels[position]
        if group and (label.start - group[-1].end > _REACH or len(group) > _MOST_LABELS):
            group = []
        follower = position + 1
        while follower < len(labels) and _is_other_half(text, labels[follower], [*group, label], beside=True):
            follower += 1
        stop = labels[follower].start if follower < len(labels) else len(text)
        values = _values(text, label.end, min(stop, label.end + _WINDOW))
        position = follower
        if not group and runs and not values and _is_other_half(text, label, runs[-1][0]):
            continue
        group.append(label)
        if values:
            runs.append((_distinct(group), values))
            group = []
    return runs


def _is_other_half(text: str, label: _Label, before: Sequence[_Label], *, beside: bool = False) -> bool:
    """The English half of a label may stand behind its value: 账单日 2026年08月13日 Statement Date.

    `beside` asks for a value right before it in the same cell.
    """
    if not text[label.start].isascii() or not any(one.field == label.field for one in before):
        return False
    return not beside or _VALUE_BEFORE.search(text, max(0, label.start - 12), label.start) is not None


def _distinct(group: Sequence[_Label]) -> list[_Label]:
    seen: dict[tuple[str, str | None], _Label] = {}
    kept: list[_Label] = []
    for label in group:
        if label.field == "other":
            # 取现额度 and Cash Advance Limit are one label when they touch; two "other" labels apart are two.
            if kept and kept[-1].field == "other" and label.start - kept[-1].end <= 2:
                continue
            kept.append(label)
        elif (label.field, label.currency) not in seen:
            seen[label.field, label.currency] = label
            kept.append(label)
    return kept


def _values(text: str, start: int, stop: int) -> list[_Value]:
    """The values from `start` on, as long as no more than _REACH characters of other words lie between."""
    values: list[_Value] = []
    reached = start
    for match in _VALUE.finditer(text, start, stop):
        if match.start() - reached > _REACH or (values and _ROWS_BEGIN.search(text, reached, match.start())):
            break
        values.append(_Value(match.lastgroup or "", match[0], match.start(), match.end()))
        reached = match.end()
    return values


def _settle(text: str, labels: list[_Label], values: list[_Value]) -> list[Fact]:
    """Give the values of a run to its labels."""
    if len(labels) > 1:
        by_column = _columns(text, labels, values)
        if by_column:
            return [_fact(text, label, value, 0.97) for label, value in by_column]
    found: list[Fact] = []
    sure = 0.98 if len(labels) == 1 else 0.93
    dates = [value for value in values if value.kind in {"date", "day", "every"}]
    asked = [label for label in labels if _KINDS[label.field] == "date"]
    if len(dates) < len(asked):
        # A zero bill drops the due date or prints --- for it, never the statement date.
        asked.sort(key=lambda label: label.field != "statement_on")
        dashes = [value for value in values if value.kind == "none" and _currency(value.text) is None]
        empty = dashes[: len(asked) - len(dates)]
        values = [value for value in values if value not in empty]
    found += [_fact(text, label, value, sure) for label, value in zip(asked, dates, strict=False)]
    periods = [value for value in values if value.kind == "period"]
    cycles = [label for label in labels if label.field == "cycle"]
    found += [_fact(text, label, value, sure) for label, value in zip(cycles, periods, strict=False)]
    return found + _settle_money(text, labels, values, sure)


def _settle_money(text: str, labels: list[_Label], values: list[_Value], sure: float) -> list[Fact]:
    asked = [label for label in labels if _KINDS[label.field] == "money"]
    moneys = [value for value in values if value.kind in {"money", "none"}]
    with_limit = any(label.field == "credit_limit" for label in asked)
    if with_limit and len(moneys) < len(asked):  # a limit may be printed without decimals and sign
        moneys = [value for value in values if value.kind in {"money", "none", "bare"}]
    if len(asked) == 1:
        firsts: dict[str | None, _Value] = {}
        for value in moneys:
            firsts.setdefault(_currency(value.text), value)
        # One label with RMB and USD behind it; amounts without a currency after the first are somebody else's.
        kept = [value for mark, value in firsts.items() if mark or value is moneys[0]]
        return [_fact(text, asked[0], value, sure) for value in kept]
    if asked and len(moneys) >= 2 * len(asked):
        paired = _pairs(moneys[: 2 * len(asked)])
        if paired:
            return [
                _fact(text, label, value, sure) for label, pair in zip(asked, paired, strict=True) for value in pair
            ]
    if len(moneys) != len(asked):
        sure -= 0.2
        clusters = _clusters(moneys)
        if len(asked) <= len(clusters) < len(moneys) and not any(label.currency for label in asked):
            return [
                _fact(text, label, value, sure)
                for label, cluster in zip(asked, clusters, strict=False)
                for value in cluster
            ]
    return [_fact(text, label, value, sure) for label, value in zip(asked, moneys, strict=False)]


def _pairs(moneys: list[_Value]) -> list[tuple[_Value, _Value]] | None:
    """Two currencies for each label: RMB USD RMB USD, or all RMB and then all USD, named at least once each."""
    half = len(moneys) // 2
    marks = [_currency(value.text) for value in moneys]
    if None not in marks and len(set(marks[0::2])) == len(set(marks[1::2])) == 1 and marks[0] != marks[1]:
        return list(zip(moneys[0::2], moneys[1::2], strict=True))
    first, second = marks[0], marks[half]
    if first and second and first != second and {*marks[:half]} <= {first, None} and {*marks[half:]} <= {second, None}:
        named = [value._replace(currency=first if place < half else second) for place, value in enumerate(moneys)]
        return list(zip(named[:half], named[half:], strict=True))
    return None


def _clusters(moneys: list[_Value]) -> list[list[_Value]]:
    """RMB USD, RMB USD, RMB: the amounts of one label, which ends where a currency comes again."""
    clusters: list[list[_Value]] = []
    marks: set[str | None] = set()
    for value in moneys:
        mark = _currency(value.text)
        if not clusters or mark is None or mark in marks or None in marks:
            clusters.append([])
            marks = set()
        clusters[-1].append(value)
        marks.add(mark)
    return clusters


def _columns(text: str, labels: list[_Label], values: list[_Value]) -> list[tuple[_Label, _Value]]:
    """Labels and values that stand in two rows of one table with as many cells: by column; else nothing."""
    label_row, value_row = text.rfind("\n", 0, labels[0].start) + 1, text.rfind("\n", 0, values[0].start) + 1
    if label_row == value_row or label_row != text.rfind("\n", 0, labels[-1].start) + 1:
        return []
    cells = text.count("\t", label_row, _line_end(text, label_row))
    found: list[tuple[_Label, list[_Value]]] = [(label, []) for label in labels]
    row: int | None = None
    for value in values:
        start = text.rfind("\n", 0, value.end - 1) + 1
        if start != row:
            row, end = start, _line_end(text, start)
            currency = _currency(text[row:end])
            if not cells or abs(cells - text.count("\t", row, end)) > 1 or (row != value_row and not currency):
                break
        # The column of the last digit: 人民币(CNY) may be a cell of its own before the amount.
        column = text.count("\t", row, value.end - 1)
        for label, inside in found:
            if text.count("\t", label_row, label.start) == column:
                inside.append(value._replace(currency=currency))
    # A total without a value: the columns are set apart by the signs of an equation (New Balance = Previous - …).
    if any(label.field == "total_due" if not inside else not _fits(label, inside[0]) for label, inside in found):
        return []
    return [(label, value) for label, inside in found for value in inside if _fits(label, value)]


def _line_end(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end


def _fits(label: _Label, value: _Value) -> bool:
    kind = _KINDS[label.field]
    accepted = {
        "date": {"date", "day", "every", "none"}, "period": {"period", "none"}, "money": {"money", "none", "bare"},
    }  # fmt: skip
    return value.kind in accepted[kind]


def _currency(words: str) -> str | None:
    return next((code for mark, code in CURRENCIES.items() if mark in words), None)


def _fact(text: str, label: _Label, value: _Value, confidence: float) -> Fact:
    span = " ".join(f"{text[label.start : label.end]} {value.text}".split())
    if value.kind in {"money", "bare"}:
        amount = amount_of(value.text, label.currency or "CNY")
        if amount is not None:
            if amount.currency is None:
                amount = Amount(amount.minor, label.currency or value.currency)
            return Fact(label.field, value.text, amount, span, confidence)
    return Fact(label.field, value.text, None, span, confidence)
