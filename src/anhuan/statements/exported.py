"""Reading a table of rows whose headings are understood: one engine for wallets, banks and mapped columns.

Two passes: the first reads cells into drafts, the second settles what only the whole column can tell (whether spending
is written with a minus, who is day and who is month) and turns each draft into a line. Nothing that looks like a row
is dropped: what cannot be read is named in a problem with its row number.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache
from typing import Final

from anhuan.kit import money
from anhuan.statements import cells, kinds, signs
from anhuan.statements.draft import Draft, Hints, Layout, Table
from anhuan.statements.headings import Heading
from anhuan.statements.model import FileKind, Line, LineKind, Problem, Reading, Source

NO_CURRENCY: Final = "XXX"  # ISO 4217 for "no currency"
_SHOWN: Final = 8  # rows named in one problem


def read_table(rows: Sequence[Sequence[str]], heading: Heading, layout: Layout | None, hints: Hints) -> Reading:
    """Read the rows under a heading; the layout is None for a table known by its headings alone."""
    table = _drafts(rows, heading, layout)
    source = hints.source or (layout.source if layout else _source(table))
    currency, assumed = _currency(table, layout, hints)
    table.problems += assumed
    if layout and layout.adjust:
        for draft in table.drafts:
            layout.adjust(draft)
    spending = hints.spending or (layout.spending if layout else "")
    unsigned = bool(layout and layout.unsigned)
    table.problems += signs.settle(table.drafts, heading.cells, source, spending, unsigned=unsigned)
    dates, date_problems = _dates(table, hints, layout.date_order if layout else "")
    table.problems += date_problems
    lines = [_line(draft, dates, currency, source, table.card) for draft in table.drafts]
    if source is Source.CARD:
        lines = _repaid(lines)
    table.problems += _totals(table, lines)
    if layout and layout.check:
        table.problems += layout.check(table)
    return Reading(
        FileKind.STATEMENT, hints.bank or (layout.bank if layout else None), lines=tuple(lines),
        problems=tuple(table.problems), reader=layout.reader if layout else "headings",
        template=layout.template if layout else "general", source=source, account=_account(table, layout),
        complete=not any(problem.code in _INCOMPLETE for problem in table.problems),
    )  # fmt: skip


_DATE_COLUMNS: Final = (("posted", "posted_on"), ("traded", "traded_on"))
_TEXT_COLUMNS: Final = (
    ("description", "description"), ("counterparty", "counterparty"), ("word", "kind"), ("direction", "direction"),
    ("status", "status"), ("note", "note"), ("paid_with", "paid_with")
)  # fmt: skip
_REMEMBERED: Final = 50_000
_INCOMPLETE: Final = frozenset(("file.totals_disagree", "row.unreadable"))


# --- first pass: cells into drafts ---


def _drafts(rows: Sequence[Sequence[str]], heading: Heading, layout: Layout | None) -> Table:
    preface = "\n".join(" ".join(cell for cell in map(cells.clean, row) if cell) for row in rows[: max(heading.row, 0)])
    table = Table(heading, preface, [], [])
    table.card = _preface_card(preface)
    read = _Reader(heading, table)
    for number in range(heading.row + 1, len(rows)):
        read.row(number + 1, rows[number])
    read.finish()
    if read.bad:
        shown = "、".join(str(number) for number in read.bad[:_SHOWN])
        more = f" 等 {len(read.bad)} 行" if len(read.bad) > _SHOWN else ""
        table.problems.append(Problem("row.unreadable", f"第 {shown} 行{more}无法读取，没有计入"))
    return table


class _Reader:
    """Reads one row after the other; the places of the columns are looked up once, repeated cells are read once."""

    def __init__(self, heading: Heading, table: Table) -> None:
        self.place = heading.places
        self.heading, self.table = heading, table
        self.bad: list[int] = []
        self.dates = [(name, self.place[word]) for name, word in _DATE_COLUMNS if word in self.place]
        self.texts = [(name, self.place[word]) for name, word in _TEXT_COLUMNS if word in self.place]
        self.width = max(self.place.values()) + 1
        self.days: dict[str, bool] = {}
        self.signs: dict[str, tuple[list[Draft], list[Draft]]] = {}  # of in and out columns: rows with plus, with minus
        self.seen: dict[str, str] = {}

    def row(self, number: int, row: Sequence[str]) -> None:
        """Take one row: a row of money, a total, a repeated heading, or words around the table."""
        if len(row) < self.width:
            row = [*row, *[""] * (self.width - len(row))]
        draft = Draft(number)
        dated = False
        for name, place in self.dates:
            day = _day(row[place])
            setattr(draft, name, day)
            dated = self._is_day(day) or dated
        if dated:
            self._fill(draft, row)
        elif kinds.TOTAL_WORDS.search(first := _first(row)):
            self.table.totals.append(row)
        elif first and not self._is_heading(row) and self._has_money(row):
            self.bad.append(number)

    def _is_day(self, text: str) -> bool:
        known = self.days.get(text)
        if known is None:
            known = self.days[text] = cells.raw_date(text) is not None
        return known

    def _fill(self, draft: Draft, row: Sequence[str]) -> None:
        place = self.place
        for name, column in self.texts:
            if (cell := row[column]) and cell != "/":
                setattr(draft, name, self._clean(cell))
        if "reference" in place and not cells.is_blank(number := row[place["reference"]].strip()):
            draft.reference = number
        if "currency" in place:
            draft.currency = cells.currency_of(row[place["currency"]]) or ""
        if "card" in place:
            draft.card = cells.card_tail(row[place["card"]])
        if self._money(draft, row):
            self.table.drafts.append(draft)
        else:
            self.bad.append(draft.row)

    def _clean(self, cell: str) -> str:
        known = self.seen.get(cell)
        if known is None:
            known = cells.clean(cell)
            known = "" if cells.is_blank(known) or not known.strip("*") else known
            if len(self.seen) < _REMEMBERED:
                self.seen[cell] = known
        return known

    def _money(self, draft: Draft, row: Sequence[str]) -> bool:
        """Read the amount of the row, from one column or from two; False where none can be read."""
        try:
            if not self._posted(draft, row):
                return False
            self._trade(draft, row)
            if "balance" in self.place and (rest := _amount(row[self.place["balance"]], draft.currency)):
                draft.balance = rest.minor
        except money.NotMoney:
            return False
        return True

    def _posted(self, draft: Draft, row: Sequence[str]) -> bool:
        place = self.place
        if "amount" in place and (found := _amount(row[place["amount"]], draft.currency)):
            draft.amount, draft.refunded = found.minor, found.refunded
            draft.currency = draft.currency or found.currency or ""
            if found.credit:
                draft.amount, draft.settled = -abs(found.minor), True
            return True
        return self._two_columns(draft, row, "money_out", "money_in") or self._two_columns(
            draft, row, "trade_out", "trade_in"
        )

    def _two_columns(self, draft: Draft, row: Sequence[str], out: str, into: str) -> bool:
        spent = _amount(row[self.place[out]], draft.currency) if out in self.place else None
        came = _amount(row[self.place[into]], draft.currency) if into in self.place else None
        if spent is None and came is None:
            return False
        draft.amount = (spent.minor if spent else 0) - (came.minor if came else 0)
        for column, found in ((out, spent), (into, came)):
            if found is not None and found.minor:
                self.signs.setdefault(column, ([], []))[found.minor < 0].append(draft)
        draft.currency = draft.currency or (spent and spent.currency) or (came and came.currency) or ""
        draft.settled = True
        return True

    def _trade(self, draft: Draft, row: Sequence[str]) -> None:
        if "trade_amount" not in self.place or "amount" not in self.place:
            return
        currency = ""
        if "trade_currency" in self.place:
            currency = cells.currency_of(row[self.place["trade_currency"]]) or ""
        found = _amount(row[self.place["trade_amount"]], currency)
        printed = currency or (found.currency if found else None)
        if found and printed and printed != (draft.currency or "CNY"):
            draft.original = (abs(found.minor), printed)

    def finish(self) -> None:
        """A column of its own for what goes out needs no minus; where most have one, it is decoration."""
        for plus, minus in self.signs.values():
            if len(minus) > len(plus):
                for draft in (*plus, *minus):
                    draft.amount = -draft.amount

    def _is_heading(self, row: Sequence[str]) -> bool:
        return sum(1 for cell in row if cells.key_of(cell) in self.heading.keys and cell.strip()) >= 2

    def _has_money(self, row: Sequence[str]) -> bool:
        """True for a row without a date that still has an amount in an amount column and words beside it."""
        columns = [self.place[word] for word in ("amount", "money_out", "money_in") if word in self.place]
        filled = sum(1 for cell in row if cell.strip())
        return filled >= 3 and any(_is_amount(row[column]) for column in columns)


def _amount(cell: str, currency: str) -> cells.Amount | None:
    text = cell.strip()
    return None if not text or text in "-/" else cells.amount_of(text, currency or "CNY")


def _is_amount(cell: str) -> bool:
    try:
        return _amount(cell, "") is not None
    except money.NotMoney:
        return True


_MONTH_DAY: Final = re.compile(r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")


def _day(cell: str) -> str:
    """The date part of a timestamp that begins with the year, one form for all rows of a day; 0703 as 07月03日."""
    text = cell.strip()
    if len(text) == 4 and _MONTH_DAY.fullmatch(text):
        return f"{text[:2]}月{text[2:]}日"
    return text[:10] if len(text) > 10 and text[4] in "-/" and text[10] in " T" else text


def _first(row: Sequence[str]) -> str:
    return next((text for cell in row if (text := cells.clean(cell))), "")


# --- what the whole table tells ---


def _dates(table: Table, hints: Hints, order: str) -> tuple[dict[str, date | None], list[Problem]]:
    """All dates of the table by what was written; a year that is not printed comes from the title or from the hints."""
    latest, guessed = _title_month(table.preface) or hints.latest, False
    if latest == hints.latest:
        guessed = hints.latest_is_guess
    written = {text for draft in table.drafts for text in (draft.posted, draft.traded) if text}
    column = cells.read_dates(written, latest=latest, order=hints.date_order or order)
    problems = []
    if column.year_missing:
        problems.append(Problem("date.year_unknown", "文件没有写明年份，请补充账单年份；在此之前日期留空"))
    elif guessed and any((raw := cells.raw_date(text)) and raw.year is None for text in written):
        problems.append(Problem("date.year_from_name", f"年份取自文件名：{latest and latest.year}"))
    if column.order_open:
        problems.append(Problem("date.order_unknown", "日期的日和月无法区分，请说明次序；在此之前日期留空"))
    elif column.order_assumed:
        problems.append(Problem("date.order_assumed", "日期的日和月可以互换，已取各行相距更近的读法，请确认"))
    if column.impossible:
        problems.append(Problem("date.impossible", f"日历上没有这样的日期：{'、'.join(column.impossible[:_SHOWN])}"))
    return column.dates, problems


def _title_month(preface: str) -> date | None:
    """The month that a title names, as the last day on which its rows can stand."""
    found = re.search(r"((?:19|20)\d\d)\s*年\s*(\d{1,2})\s*月", preface)
    return cells.month_end(int(found[1]), int(found[2])) if found and 1 <= int(found[2]) <= 12 else None


_COUNTRY: Final = re.compile(r"\s([A-Z]{2})$")
_MONEY_OF: Final = {"SG": "SGD", "HK": "HKD", "MY": "MYR", "US": "USD", "GB": "GBP", "CA": "CAD", "AU": "AUD",
                    "NZ": "NZD", "JP": "JPY", "TW": "TWD", "TH": "THB", "CH": "CHF", "CN": "CNY"}  # fmt: skip


def _currency(table: Table, layout: Layout | None, hints: Hints) -> tuple[str, list[Problem]]:
    """The currency of rows that print none, and a problem where it is only likely or not known at all."""
    named = (
        cells.currency_of(found[1]) if (found := re.search(r"币[种别]\s*[:：]?\s*(\S{1,8})", table.preface)) else None
    )
    known = hints.currency or (layout.currency if layout else None) or table.heading.currency or named
    if known or all(draft.currency for draft in table.drafts):
        return known or NO_CURRENCY, []
    if re.search(r"[\u4e00-\u9fff]", "".join(table.heading.cells)):
        return "CNY", []
    countries = [found[1] for draft in table.drafts if (found := _COUNTRY.search(draft.description))]
    likely = max(set(countries), key=countries.count, default="")
    if likely in _MONEY_OF and countries.count(likely) * 2 >= len(table.drafts):
        code = _MONEY_OF[likely]
        return code, [Problem("currency.assumed", f"文件没有写明币种，按多数商户所在地记为 {code}，请确认")]
    return NO_CURRENCY, [Problem("currency.unknown", "文件没有写明币种，请补充")]


def _source(table: Table) -> Source:
    """A running balance or salaries speak for an account, a card column or a debt brought forward for a card."""
    said = table.preface + "".join(table.heading.cells)
    if "信用卡" in said or "贷记卡" in said or "credit card" in said.lower():
        return Source.CARD
    if "balance" in table.heading.places or "储蓄" in said or "借记" in said or "活期" in said:
        return Source.ACCOUNT
    if any(kinds.is_account_word(draft.words) for draft in table.drafts):
        return Source.ACCOUNT
    return Source.CARD


_NUMBER: Final = r"\s*[:：]?\s*[\[【]?\s*([\d*xX][\d*xX \-]{5,40})"
_CARD_IN_PREFACE: Final = re.compile(rf"(?:卡\s?号|card\s*(?:no|number)?\.?){_NUMBER}", re.IGNORECASE)
_ACCOUNT_IN_PREFACE: Final = re.compile(
    rf"(?:账\s?号|帐\s?号|账\s?户|account\s*(?:no|number)?\.?){_NUMBER}", re.IGNORECASE
)


def _preface_card(preface: str) -> str | None:
    found = _CARD_IN_PREFACE.search(preface)
    return cells.card_tail(found[1]) if found else None


def _account(table: Table, layout: Layout | None) -> str | None:
    """The account's name or number from the preface, masked."""
    if layout and layout.wallet and (found := re.search(layout.wallet, table.preface)):
        return cells.masked_name(found[1].strip("[]【】 "))
    found = _CARD_IN_PREFACE.search(table.preface) or _ACCOUNT_IN_PREFACE.search(table.preface)
    tail = cells.card_tail(found[1]) if found else None
    return f"****{tail}" if tail else None


def _totals(table: Table, lines: Sequence[Line]) -> list[Problem]:
    """Compare the totals that the file prints under its columns with the sums of the rows."""
    place, problems = table.heading.places, []
    out = sum(line.amount for line in lines if line.amount > 0 and line.kind is not LineKind.BALANCE)
    came = -sum(line.amount for line in lines if line.amount < 0 and line.kind is not LineKind.BALANCE)
    if len({line.currency for line in lines}) > 1:
        return []
    for row in table.totals:
        for word, counted in (("money_out", out), ("money_in", came)):
            column = place.get(word, len(row))
            printed = _amount(row[column], "") if column < len(row) and _is_amount(row[column]) else None
            if printed and printed.minor != counted:
                said = f"{money.to_text(printed.minor)}，各行相加为 {money.to_text(counted)}"
                name = "支出" if word == "money_out" else "收入"
                problems.append(Problem("file.totals_disagree", f"文件所列{name}合计 {said}，可能缺少部分明细"))
    return problems


# --- second pass: drafts into lines ---


def _line(draft: Draft, dates: Mapping[str, date | None], currency: str, source: Source, card: str | None) -> Line:
    posted, traded = dates.get(draft.posted), dates.get(draft.traded)
    if source is not Source.CARD:  # a wallet or account books at once: the one date is both
        posted, traded = posted or traded, traded or posted
    kind = draft.kind or kinds.kind_of(draft.words, spent=draft.amount >= 0, source=source)
    code = draft.currency or currency
    unread = "" if posted or traded else f" {draft.posted or draft.traded}"
    return Line(
        posted, traded, cells.masked(_description(draft, source)), draft.amount, code, draft.card or card, kind,
        f"row {draft.row}{unread}", draft.reference or None, cells.masked(draft.counterparty) or None,
        draft.paid_with or None, draft.original, kinds.share_of(draft.words), draft.balance,
    )  # fmt: skip


def _description(draft: Draft, source: Source) -> str:
    """What a person recognises the row by: the bank's word unless it only says 消费, a wallet's party, the text."""
    if source is not Source.WALLET and not draft.word and draft.description:
        return draft.description
    return _put_together(draft.description, draft.word, draft.counterparty, draft.note, source is Source.WALLET)


@lru_cache(maxsize=_REMEMBERED)
def _put_together(text: str, word: str, counterparty: str, note: str, in_wallet: bool) -> str:
    parts = [text]
    if in_wallet:
        parts = [counterparty, *parts] if text else [word, counterparty]
        parts.append(f"({note})" if note else "")
    elif word != "消费":
        parts = [word, *parts]
    shown = [part for number, part in enumerate(parts) if part and not any(part in other for other in parts[:number])]
    return " ".join(shown) or counterparty or word or note


def _repaid(lines: list[Line]) -> list[Line]:
    """A credit of exactly the debt brought forward is its repayment, whatever the bank calls it."""
    owed = {(line.amount, line.currency) for line in lines if line.kind is LineKind.BALANCE and line.amount > 0}
    if not owed:
        return lines
    return [
        replace(line, kind=LineKind.REPAYMENT)
        if line.kind is LineKind.REFUND and (-line.amount, line.currency) in owed
        else line
        for line in lines
    ]
