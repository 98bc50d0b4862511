"""工商银行: one row per card and currency, amounts written as 8,411.90/RMB; the bill may be an HTML attachment.

Directions are words in the last column, 88.00/CNY(支出) or (存入); the posting currency decides the bill.
"""

import re
from datetime import date
from functools import cache
from typing import Final

from anhuan.statements import rules
from anhuan.statements.bill_labels import LabelBook, facts_of
from anhuan.statements.bill_reader import Bank, CardRow, Draft, card_bills, dates_of
from anhuan.statements.bill_rows import ANY, DIGITS, RowShape, lines_of, words_of
from anhuan.statements.model import Problem
from anhuan.statements.text import CURRENCIES, CURRENCY, DATE, Amount, Sheet, amount_of, tail_of

_LABELS: Final = LabelBook({"due_on": ("贷记卡到期还款日",), "statement_on": ("对账单生成日",)})
_SUM: Final = rf"(?<![\d.,])(?:-\s*)?(?:{DIGITS})\s*/\s*{CURRENCY}(?!\s*\()"
_CARD: Final = r"(?P<card>(?<![\d.,/-])(?:\d[\d ]{3,7}\*[\d *]*)?\d{4})\s*(?P<name>\([^()\n]{1,20}\))?\s*"
_WORD: Final = rf"(?:(?<!/)(?P<cur>{CURRENCY}))?\s*(?:\([^()\d\n]{{1,8}}\))?\s*"
_ROWS: Final = RowShape(
    rf"(?<![\d.,*])(?P<tail>\d{{4}})\s+(?P<trade>{DATE})\s+(?:(?P<post>{DATE})\s+)?(?:(?P<kind>[^\s\d]{{1,12}})\s+)?"
    rf"(?P<desc>{words_of(DATE)})\s+(?P<orig>{ANY})\s*/\s*(?P<orig_cur>{CURRENCY})\s+"
    rf"(?P<amount>(?:-\s*)?(?:{DIGITS})\s*/\s*{CURRENCY}\s*\((?:支出|存入)\))",
    day=DATE,
)


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """A row of 需还款明细, its 合计 row, and a row of 本期交易汇总 (opening, income, outgo, closing)."""
    return (
        re.compile(rf"(?:{_CARD})?{_WORD}(?P<due>{_SUM})\s+(?P<least>{_SUM})(?:\s+(?P<limit>{_SUM}))?(?!\s*{_SUM})"),
        re.compile(rf"合\s*计\s*:?\s*{_WORD}(?P<due>{_SUM})(?:\s+(?P<least>{_SUM}))?"),
        re.compile(
            rf"{_CARD}{_WORD}(?P<opening>{_SUM})\s+(?P<income>{_SUM})\s+(?P<outgo>{_SUM})\s+(?P<closing>{_SUM})(?!\s*{_SUM})"
        ),
    )


def _bill(sheet: Sheet) -> Draft | None:
    facts = facts_of(sheet, _LABELS)
    dates = dates_of(facts, sent_on=sheet.sent_on)
    if not dates.any:
        return None
    refused: list[Problem] = []
    rows = _due_rows(sheet, refused) or _closing_rows(sheet, refused)
    if not rows:
        return None
    notes: list[Problem] = []
    lines = lines_of(sheet, _ROWS, near=dates.statement_on, notes=notes)
    return Draft(card_bills(rows, dates), lines, refused, notes)


def _due_rows(sheet: Sheet, refused: list[Problem]) -> list[CardRow]:
    """需还款明细; a row without a card number belongs to the card above it."""
    row_pattern, total_pattern, _ = _patterns()
    totals = list(total_pattern.finditer(sheet.text))
    rows: list[CardRow] = []
    card: str | None = None
    for met in row_pattern.finditer(sheet.text):
        if any(total.start() < met.end() and met.start() < total.end() for total in totals):
            continue
        due, least = _amount(met["due"]), _amount(met["least"])
        if not (met["name"] or met["cur"]) or due is None or least is None:
            continue
        card = tail_of(met["card"]) if met["card"] else card
        limit = _amount(met["limit"]) if met["limit"] else None
        currency = due.currency or CURRENCIES.get(met["cur"] or "", "CNY")
        span = sheet.printed(*met.span())
        rows.append(CardRow(card, currency, due.minor, least.minor, limit.minor if limit else None, span))
    for total in totals:
        printed = _amount(total["due"])
        if printed is not None:
            currency = printed.currency or "CNY"
            parts = [row.total_due for row in rows if row.currency == currency]
            refused += rules.totals_disagree(parts, printed.minor, "需还款明细", currency)
    return rows


def _closing_rows(sheet: Sheet, refused: list[Problem]) -> list[CardRow]:
    """A zero bill prints no amount due, only the movements of each card; a debt is a negative balance there."""
    rows = []
    for met in _patterns()[2].finditer(sheet.text):
        amounts = [_amount(met[name]) for name in ("opening", "income", "outgo", "closing")]
        opening, income, outgo, closing = (one.minor if one else 0 for one in amounts)
        currency = (amounts[3].currency if amounts[3] else None) or "CNY"
        if opening + income - abs(outgo) != closing:
            words = sheet.printed(*met.span())
            refused.append(Problem("bill.totals_disagree", f"本期交易汇总：收支与余额不符 {words}"))
        rows.append(CardRow(tail_of(met["card"]), currency, -closing, None, None, sheet.printed(*met.span())))
    return rows


def _amount(words: str) -> Amount | None:
    return amount_of(words)


BANK: Final = Bank(
    id="icbc",
    name="工商银行",
    senders=("@icbc.com.cn",),
    subjects=(r"工商银行.*对账单", r"ICBC.*Statement"),
    templates=(("2026", _bill),),
    marks=("贷记卡到期还款日", "对账单生成日", "牡丹.{0,6}卡", "中国工商银行客户对账单"),
    due_rule=rules.DueRule(25, date(2026, 11, 1), "dates printed on a bill of 2026"),
)
