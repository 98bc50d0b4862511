"""中国银行: a bill per card; in the HTML until 2021, as PDF since 2022, whose Chinese cannot be read since 2026.

The summary is due date, statement date, RMB total, foreign total. Money in and money out are two columns: in HTML the
empty cell tells which one it is, in a PDF the place on the page, and where both are lost the deposits of the section.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from typing import Final

from anhuan.statements import rules
from anhuan.statements.bill_labels import LabelBook, facts_of
from anhuan.statements.bill_pdf import two_column_rows
from anhuan.statements.bill_reader import Bank, CardRow, Dates, Draft, Run, card_bills, dates_of, first_card
from anhuan.statements.bill_rows import MM_SLASH_DD, SIGNED, Heading, RowShape, lines_of, words_of
from anhuan.statements.model import Bill, Level, Line, LineKind, Problem
from anhuan.statements.text import CURRENCY, DATE, MASKED, MONEY, Amount, Sheet, amount_of, tail_of

_LABELS: Final = LabelBook({
    "total_due": ("本期人民币欠款总计", "本期人民币应还款总额", 
        "current rmb total balance due", "rmb total balance due"),
    "total_due@USD": ("本期外币欠款总计", "current fcy total balance due", "fcy total balance due"),
    "minimum_due": ("本期最小还款", "本期最小还款额", "本期最低还款"),
    "other": ("本期应还款额",),
})  # fmt: skip
_RUN: Final = Run(("due_on", "statement_on", "total_due"), r"Total\s+Balance\s+Due[^\d]{0,80}")
_ZERO_RUN: Final = Run(("statement_on", "total_due"), r"Total\s+Balance\s+Due[^\d]{0,80}")
_SINGLE_RUN: Final = Run(("due_on", "statement_on"))

_DAY: Final = rf"(?:{DATE}|{MM_SLASH_DD})"
_HEADINGS: Final = {
    r"/\s*RMB\b|人民币交易明细": Heading(currency="CNY"),
    r"/\s*USD\b|外币/|(?:外币|美元)\s*(?:\([^()\n]{1,8}\))?\s*(?:账户)?\s*交易明细": Heading(currency="USD"),
    r"\([^()\n]{0,12}:\s*\d{4}\)": Heading(card=True),
}
_CELLS: Final = RowShape(
    rf"(?P<trade>{_DAY})[\r\t]+(?P<post>{_DAY})\t(?P<tail>(?:\d{{4}})?)\t(?P<desc>[^\t\n]*)\t"
    rf"(?:(?P<paid_in>{SIGNED})|\t(?P<amount>{SIGNED}))(?=[\t\n]|\Z)",
    _HEADINGS,
)
_SECTION: Final = re.compile(r"/\s*(RMB|USD|EUR|GBP|JPY|HKD|AUD|CAD)\b")
_FLAT: Final = RowShape(
    rf"(?P<trade>{_DAY})\s+(?P<post>{_DAY})\s+(?:(?P<tail>(?<![\d.,])\d{{4}})(?![\d.,]))?\s*"
    rf"(?P<desc>{words_of(_DAY)})\s*(?P<amount>{SIGNED})(?=[ \t\r]*(?:[\n\t]|\Z))",
    _HEADINGS,
)


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """A row of the card table; the amounts of a single-card bill; the foreign total behind the RMB total."""
    return (
        re.compile(
            rf"(?P<card>{MASKED})\s+(?:{CURRENCY}\s*)?(?P<due>{SIGNED})\s+(?:{CURRENCY}\s*)?(?P<least>{SIGNED})"
        ),
        re.compile(rf"{DATE}\s+{DATE}\s+[^\d\n]{{0,12}}?(?P<due>{MONEY})\s+(?P<least>{MONEY})"),
        re.compile(rf"{DATE}\s+(?:{MONEY})[ \t]+(?P<foreign>(?:{CURRENCY}\s*)?{SIGNED})[ \t]*(?=\n|\Z)"),
    )


def _bill(sheet: Sheet) -> Draft | None:
    """2020, 2021 and 2026: a summary and a table of cards."""
    facts = facts_of(sheet, _LABELS)
    labelled = dates_of(facts, sent_on=sheet.sent_on)
    run = _RUN.facts(sheet) or (_ZERO_RUN.facts(sheet) if labelled.statement_on is None else None)
    dates = dates_of(run) if run is not None else labelled
    if dates.statement_on is None:
        return None
    rows = _card_rows(sheet)
    if not rows:
        return None
    total = (run or facts).money("total_due")
    if total is not None and total.amount is not None:
        rows = _by_currency(rows, total.amount.minor)
    refused: list[Problem] = []
    if total is not None and total.amount is not None:
        refused += rules.totals_disagree(_yuan(rows), total.amount.minor, "人民币欠款总计")
    notes: list[Problem] = []
    lines = _lines(sheet, dates.statement_on, notes)
    bills = card_bills(rows, dates)
    if all(row.currency == "CNY" for row in rows):
        bills += _foreign(sheet, dates, rows, lines)
    return Draft(bills, lines, refused, notes)


def _bill_2022(sheet: Sheet) -> Draft | None:
    """2022: a PDF with one card: due date, statement date, 欠款 RMB total, RMB minimum."""
    run, amounts, card = _SINGLE_RUN.facts(sheet), _patterns()[1].search(sheet.text), first_card(sheet)
    if run is None or amounts is None or card is None:
        return None
    due, least = amount_of(amounts["due"]), amount_of(amounts["least"])
    dates = dates_of(run)
    if due is None or least is None or dates.statement_on is None:
        return None
    row = CardRow(card, due.currency or "CNY", due.minor, least.minor, None, sheet.printed(*amounts.span()))
    notes: list[Problem] = []
    return Draft(card_bills([row], dates), _lines(sheet, dates.statement_on, notes), notes=notes)


def _card_rows(sheet: Sheet) -> list[CardRow]:
    rows = []
    for met in _patterns()[0].finditer(sheet.text):
        due, least = amount_of(met["due"]), amount_of(met["least"])
        if due is not None and least is not None:
            rows.append(CardRow(tail_of(met["card"]), "CNY", due.minor, least.minor, None, sheet.printed(*met.span())))
    return rows


def _by_currency(rows: list[CardRow], total: int) -> list[CardRow]:
    """A second table repeats cards for their dollars: told by the yuan rows before it, which make up the yuan total."""
    cards = [row.card for row in rows]
    repeated = next((place for place, card in enumerate(cards) if card in cards[:place]), len(rows))
    if sum(_yuan(rows[:repeated])) != total:
        return rows
    return rows[:repeated] + [row._replace(currency="USD") for row in rows[repeated:]]


def _yuan(rows: Sequence[CardRow]) -> list[int]:
    return [row.total_due or 0 for row in rows if row.currency == "CNY"]


def _foreign(sheet: Sheet, dates: Dates, rows: Sequence[CardRow], lines: Sequence[Line]) -> list[Bill]:
    """The foreign total has no row per card: one bill for the account, where something is owed or overpaid."""
    met = _patterns()[2].search(sheet.text)
    amount: Amount | None = amount_of(met["foreign"], "USD") if met else None
    if met is None or amount is None or amount.minor == 0:
        return []
    seen = [line.currency for line in lines if line.currency != "CNY"]
    currency = amount.currency or (seen[0] if seen else "USD")
    span = sheet.printed(*met.span())
    bill = Bill(
        currency=currency,
        total_due=amount.minor,
        statement_on=dates.statement_on,
        due_on=dates.due_on,
        cards=tuple(dict.fromkeys(row.card for row in rows if row.card)),
        level=Level.ACCOUNT,
        confidence=dates.confidence | {"total_due": 0.85, "currency": 1.0 if amount.currency else 0.7},
        spans=dates.spans | {"total_due": span},
    )
    return [bill]


def _lines(sheet: Sheet, near: date | None, notes: list[Problem]) -> list[Line]:
    placed = two_column_rows(sheet.pages, near=near, headings=("Deposit", "Expenditure"), currency_of=_SECTION)
    if placed:
        return placed
    cells = lines_of(sheet, _CELLS, near=near)
    return cells or _by_deposits(sheet, lines_of(sheet, _FLAT, near=near), notes)


_DEPOSITS: Final = re.compile(
    rf"(?:存入(?:金额|合计)?\D{{0,20}}?|/\s*RMB\s+(?:\S*DEBT|\S*DEPOSIT)?\s*{SIGNED}\s+{SIGNED}\s+)(?P<sum>{SIGNED})"
)


def _by_deposits(sheet: Sheet, lines: list[Line], notes: list[Problem]) -> list[Line]:
    """Flat rows lost their columns: words tell deposits, and the printed sum of deposits tells what words do not."""
    if not lines or any(line.amount < 0 for line in lines):
        return lines
    turned = [_turned(line, -line.amount) if _says_deposit(line) else line for line in lines]
    sums = [amount.minor for met in _DEPOSITS.finditer(sheet.text) if (amount := amount_of(met["sum"])) is not None]
    missing = sum(sums) + sum(line.amount for line in turned if line.amount < 0)
    if not sums or missing == 0:
        return turned
    for number, line in enumerate(turned):
        if line.amount == missing:
            turned[number] = replace(_turned(line, -line.amount), kind=LineKind.REPAYMENT)
            return turned
    notes.append(Problem("rows.direction_unknown", "明细的存入与支出列无法分辨，部分存入可能记为支出"))
    return turned


def _says_deposit(line: Line) -> bool:
    return rules.kind_of(line.description, -1) is LineKind.REPAYMENT or bool(
        re.search("退款|退货|返还", line.description)
    )


def _turned(line: Line, amount: int) -> Line:
    return replace(line, amount=amount, kind=rules.kind_of(line.description, amount))


BANK: Final = Bank(
    id="boc",
    name="中国银行",
    senders=("@bankofchina.com", "@bank-of-china.com"),
    subjects=(r"中国银行.*账单",),
    templates=(("2020-2026", _bill), ("2022", _bill_2022)),
    marks=("中国银行电子[帐账]单", "中国银行信用卡", "FCY Total Balance Due", "Current RMB Total Balance Due"),
    due_rule=rules.DueRule(20, date(2026, 11, 1), "dates printed on bills of 2020 to 2022"),
)
