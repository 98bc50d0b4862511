"""中信银行: one row per card and currency, its last two amounts are owed and minimum; Amex heads show 3 digits."""

import re
from datetime import date
from functools import cache
from typing import Final

from anhuan.statements import rules
from anhuan.statements.bill_labels import Fact, Facts, LabelBook, facts_of
from anhuan.statements.bill_reader import Bank, CardRow, Dates, Draft, card_bills, dates_of
from anhuan.statements.bill_rows import ANY, SIGNED, RowShape, lines_of, words_of
from anhuan.statements.model import Line, Problem
from anhuan.statements.text import CURRENCIES, CURRENCY, MASKED, PERIOD, Sheet, amount_of, tail_of

_LABELS: Final = LabelBook({"other": ("取现额度", "预借现金额度")})
_DAY: Final = r"(?<![\d*./-])20\d{6}(?![\d*])"
_ROWS: Final = RowShape(
    rf"(?P<trade>{_DAY})\s+(?:(?P<post>{_DAY})\s+)?(?:(?P<tail>(?<![\d.,])\d{{4}})(?![\d.,])\s+)?"
    rf"(?P<desc>{words_of(_DAY)})\s+"
    rf"(?P<orig_cur>{CURRENCY})\s*(?P<orig>{ANY})\s+(?P<cur>{CURRENCY})\s*(?P<amount>{SIGNED})",
    day=_DAY,
)


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """The block of a card with all its amounts; a piece of it; the printed total of all cards."""
    amounts = rf"{CURRENCY}(?:\s+(?:{CURRENCY}\s*)?{SIGNED}){{2,24}}"
    return (
        re.compile(rf"(?P<card>{MASKED})\s+(?P<amounts>{amounts})"),
        re.compile(rf"(?P<cur>{CURRENCY})|(?P<sum>{SIGNED})"),
        re.compile(rf"应还款?总额[^\d\n]{{0,40}}?(?P<total>{CURRENCY}\s*{SIGNED})"),
    )


def _bill(sheet: Sheet) -> Draft | None:
    dates = _dates(sheet, facts_of(sheet, _LABELS))
    if not dates.any:
        return None
    notes: list[Problem] = []
    lines = lines_of(sheet, _ROWS, near=dates.statement_on, notes=notes)
    rows = _card_rows(sheet, lines)
    if not rows:
        return None
    refused: list[Problem] = []
    total = _patterns()[2].search(sheet.labels)
    printed = amount_of(total["total"]) if total else None
    if printed is not None:
        currency = printed.currency or "CNY"
        parts = [row.total_due for row in rows if row.currency == currency]
        refused += rules.totals_disagree(parts, printed.minor, "本期应还款总额", currency)
    return Draft(card_bills(rows, dates), lines, refused, notes)


def _dates(sheet: Sheet, facts: Facts) -> Dates:
    """Until 2023 the bill has no statement date, but says: 记录了您…至…账户变动信息."""
    found = dates_of(facts, sent_on=sheet.sent_on)
    told = re.search(rf"记录了您\s*(?P<cycle>{PERIOD})", sheet.text)
    if told is None:
        return found
    words = [Fact("cycle", told["cycle"], None, sheet.printed(*told.span()), 0.97)]
    words += [fact for name in ("statement_on", "due_on") if (fact := facts.word(name))]
    return dates_of(Facts(words), sent_on=sheet.sent_on)


def _card_rows(sheet: Sheet, lines: list[Line]) -> list[CardRow]:
    block, piece, _ = _patterns()
    tails = rules.tails_of(lines)
    rows = []
    for met in block.finditer(sheet.text):
        card = tail_of(met["card"])
        if card is not None and len(card) == 3:  # Amex: the rows print four digits
            card = next((tail for tail in tails if tail.endswith(card)), card)
        for currency, sums in _by_currency(met["amounts"], piece):
            due, least = amount_of(sums[-2], currency), amount_of(sums[-1], currency)
            if due is not None and least is not None:
                rows.append(CardRow(card, currency, due.minor, least.minor, None, sheet.printed(*met.span())))
    return rows


def _by_currency(amounts: str, piece: re.Pattern[str]) -> list[tuple[str, list[str]]]:
    """`RMB 946.00 RMB 94.60` is one currency printed twice; `CNY … USD …` are two."""
    found: dict[str, list[str]] = {}
    for met in piece.finditer(amounts):
        if met["cur"]:
            current = found.setdefault(CURRENCIES[met["cur"]], [])
        else:
            current.append(met["sum"])
    return [(currency, sums) for currency, sums in found.items() if len(sums) >= 2]


BANK: Final = Bank(
    id="citic",
    name="中信银行",
    senders=("@bill.citiccard.com", "@citiccard.com"),
    subjects=(r"中信银行.*账单",),
    templates=(("2020-2026", _bill),),
    marks=("中信银行信用卡", "citiccard.com", "中信信用卡"),
    due_rule=rules.DueRule(19, date(2026, 11, 1), "dates printed on bills of 2020 to 2026"),
)
