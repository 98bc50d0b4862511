"""建设银行: one row per card and currency; dates in several shapes in one mail; limits as CNY50000."""

import re
from datetime import date
from functools import cache
from typing import Final

from anhuan.statements import rules
from anhuan.statements.bill_labels import Facts, LabelBook, facts_of
from anhuan.statements.bill_reader import Bank, CardRow, Draft, card_bills, dates_of
from anhuan.statements.bill_rows import ANY, SIGNED, RowShape, lines_of, words_of
from anhuan.statements.model import Problem
from anhuan.statements.text import CURRENCIES, CURRENCY, DATE, MASKED, Sheet, amount_of, tail_of

_LABELS: Final = LabelBook({"statement_on": ("本期账单日",), "due_on": ("本期到期还款日",)})
_ROWS: Final = RowShape(
    rf"(?P<trade>{DATE})\s+(?P<post>{DATE})\s+(?:(?P<tail>(?<![\d.,])\d{{4}})(?:\s*/\s*\S{{1,8}})?\s+)?(?P<desc>{words_of(DATE)})\s+"
    rf"(?P<orig_cur>{CURRENCY})\s*(?P<orig>{ANY})\s+(?P<cur>{CURRENCY})\s*(?P<amount>{SIGNED})",
    day=DATE,
)


@cache
def _card_row() -> re.Pattern[str]:
    code = r"\(\s*(?P<{}>[A-Z]{{3}})\s*\)"
    named = rf"(?:(?P<cur>{CURRENCY})\s*(?:{code.format('code')})?|[^\s(]{{1,8}}\s*{code.format('other')})"
    return re.compile(rf"(?P<card>{MASKED})\s*{named}\s*(?P<due>{SIGNED})\s+(?P<least>{SIGNED})")


def _bill(sheet: Sheet) -> Draft | None:
    facts = facts_of(sheet, _LABELS)
    dates = dates_of(facts, sent_on=sheet.sent_on)
    rows = _due_rows(sheet, facts)
    if not dates.any or not rows:
        return None
    notes: list[Problem] = []
    lines = lines_of(sheet, _ROWS, near=dates.statement_on, notes=notes)
    return Draft(card_bills(rows, dates), lines, notes=notes)


def _due_rows(sheet: Sheet, facts: Facts) -> list[CardRow]:
    """应还款明细: what each card owes in each currency; overpaid amounts are negative."""
    rows = []
    for met in _card_row().finditer(sheet.text):
        currency = met["code"] or met["other"] or CURRENCIES[met["cur"]]
        due, least = amount_of(met["due"], currency), amount_of(met["least"], currency)
        if due is None or least is None:
            continue
        limit = facts.money("credit_limit", currency)
        shown = limit.amount.minor if limit and limit.amount else None
        rows.append(CardRow(tail_of(met["card"]), currency, due.minor, least.minor, shown, sheet.printed(*met.span())))
    return rows


BANK: Final = Bank(
    id="ccb",
    name="建设银行",
    senders=("@vip.ccb.com",),
    subjects=(r"建设银行.*账单",),
    templates=(("2017-2026", _bill),),
    marks=("中国建设银行信用卡", "建设银行.{0,12}信用卡", "龙卡信用卡", "vip.ccb.com"),
    due_rule=rules.DueRule(20, date(2026, 11, 1), "dates printed on a bill of 2026"),
)
