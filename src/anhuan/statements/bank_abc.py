"""农业银行: one card per mail, and signs the other way round: 本期应还款额(欠款为-) -1,399.80 is money owed."""

import re
from dataclasses import replace
from datetime import date
from functools import cache
from typing import Final

from anhuan.statements import rules
from anhuan.statements.bill_labels import LabelBook, facts_of
from anhuan.statements.bill_reader import Bank, Draft, account_bills, dates_of, first_card
from anhuan.statements.bill_rows import ANY, DIGITS, YYMMDD, RowShape, lines_of, words_of
from anhuan.statements.model import Bill, Level, Problem
from anhuan.statements.text import CURRENCY, DATE, Sheet, amount_of

_LABELS: Final = LabelBook({"other": ("上期应还款额", "本期新增", "cash advance limit")})
_OWED_IS_NEGATIVE: Final = re.compile(r"欠款为\s*(?:-|负)")
_DAY: Final = rf"(?:{DATE}|{YYMMDD})"
_ROWS: Final = RowShape(
    rf"(?P<trade>{_DAY})\s+(?P<post>{_DAY})\s+(?:(?P<tail>(?<![\d.,])\d{{4}})\s+)?(?P<desc>{words_of(_DAY)})\s+"
    rf"(?P<orig>{ANY})\s*/\s*(?P<orig_cur>{CURRENCY})\s+(?P<amount>(?:-\s*)?(?:{DIGITS})\s*/\s*{CURRENCY})",
    flip=True,
    day=_DAY,
)


@cache
def _block() -> re.Pattern[str]:
    """The amounts of the old block of values: total, minimum, limit; nothing but the currency between them."""
    signed, word = rf"(?:-\s*)?(?:{DIGITS})(?![\d/])", rf"(?:{CURRENCY}(?:\([A-Z]{{3}}\))?\s*)?"
    return re.compile(rf"(?P<total>{signed})\s+{word}(?P<least>{signed})\s+{word}(?P<limit>{signed})")


def _bill(sheet: Sheet) -> Draft | None:
    facts = facts_of(sheet, _LABELS)
    dates = dates_of(facts, sent_on=sheet.sent_on)
    card = first_card(sheet)
    if not facts.currencies() or not dates.any:
        return None
    bills = account_bills(facts, dates, (card,) if card else (), level=Level.CARD)
    signed = _OWED_IS_NEGATIVE.search(sheet.labels) is not None
    bills = [_turned(_completed(sheet, bill), signed) for bill in bills]
    notes: list[Problem] = []
    lines = lines_of(sheet, _ROWS, near=dates.statement_on, notes=notes)
    return Draft(bills, lines, notes=notes)


def _completed(sheet: Sheet, bill: Bill) -> Bill:
    """Until 2021 the labels of minimum and limit may be pictures: they stand behind the total."""
    met = _block().search(sheet.text) if bill.minimum_due is None else None
    total = amount_of(met["total"], bill.currency) if met else None
    least = amount_of(met["least"], bill.currency) if met else None
    limit = amount_of(met["limit"], bill.currency) if met else None
    if met is None or total is None or least is None or limit is None or total.minor != bill.total_due:
        return bill
    span = sheet.printed(*met.span())
    return replace(
        bill,
        minimum_due=least.minor,
        credit_limit=limit.minor,
        confidence=bill.confidence | {"minimum_due": 0.85, "credit_limit": 0.85},
        spans=bill.spans | {"minimum_due": span, "credit_limit": span},
    )


def _turned(bill: Bill, signed: bool) -> Bill:
    """To our sign: a negative total is owed with or without the heading, a positive one with a minimum was unsigned."""
    total, least = bill.total_due or 0, bill.minimum_due or 0
    if (not signed and total >= 0) or (total > 0 and least > 0):
        return bill
    # Some print the minimum with the sign of the total and some without: it is never money of the holder's.
    return replace(bill, total_due=-total, minimum_due=None if bill.minimum_due is None else abs(least))


BANK: Final = Bank(
    id="abc",
    name="农业银行",
    senders=("@creditcard.abchina.com.cn", "@creditcard.abchina.com", "@abchina.com", "@abchina.com.cn"),
    subjects=(r"农业银行.*账单", r"农业银行.*对账单", r"金穗信用卡.*账单"),
    templates=(("2017-2026", _bill),),
    marks=("金穗信用卡", "中国农业银行.{0,10}对账单", "欠款为-"),
    due_rule=rules.DueRule(25, date(2026, 11, 1), "dates printed on bills of 2021 and 2026"),
)
