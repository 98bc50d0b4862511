"""南京银行: one bill for the account. Templates of 2023 (a poster without labels) and 2026."""

import re
from datetime import date
from typing import Final

from anhuan.statements import rules
from anhuan.statements.bill_columns import draft_of, row, rows_of
from anhuan.statements.bill_dates import dated
from anhuan.statements.bill_labels import Fact, Facts, LabelBook, facts_of
from anhuan.statements.bill_reader import Bank, Dates, Draft, account_bills, dates_of
from anhuan.statements.bill_rows import SIGNED, RowShape
from anhuan.statements.text import DATE, Sheet, amount_of, date_of

_LABELS: Final = LabelBook({
    "total_due": ("本期应还", "应还金额", "应还总额"),
    "minimum_due": ("最低应还金额", "最低应还", "本期最低应还"),
    "due_on": ("还款日期", "还款期限"),
})  # fmt: skip
_ROWS: Final = RowShape(row("trade post desc amount tail"))
# The poster: month, total, due date (broken over lines), minimum; words may stand between them, numbers may not.
_WORDS: Final = r"[^\d-]{0,60}?"
_POSTER: Final = re.compile(
    rf"信用卡账单{_WORDS}20\d\d\s*[-年/.]\s*\d{{1,2}}月?{_WORDS}(?P<total>{SIGNED}){_WORDS}(?P<due>{DATE}){_WORDS}"
    rf"(?P<minimum>{SIGNED})"
)


def _bill_2026(sheet: Sheet) -> Draft | None:
    """Labels with blanks between their characters: 账 单 日."""
    facts = facts_of(sheet, _LABELS)
    dates = dates_of(facts, sent_on=sheet.sent_on)
    if not dates.any:
        return None
    lines = rows_of(sheet, _ROWS, dates)
    bills = account_bills(facts, dates, rules.tails_of(lines))
    return draft_of(sheet, bills, lines, dates) if bills else None


def _bill_2023(sheet: Sheet) -> Draft | None:
    """A poster: its rows are in a picture, its statement date is nowhere."""
    met = _POSTER.search(sheet.text)
    if met is None:
        return None
    span = sheet.printed(*met.span())
    dates = dated(Dates(), "due_on", date_of(met["due"]), span, 0.85)
    names = {"total_due": "total", "minimum_due": "minimum"}
    facts = [Fact(field, met[name], amount_of(met[name]), span, 0.85) for field, name in names.items()]
    bills = account_bills(Facts(facts), dates, ())
    return Draft(bills, complete=False) if dates.any else None


BANK: Final = Bank(
    id="njcb",
    name="南京银行",
    senders=("@message.njcb.com.cn",),
    subjects=(r"南京银行.*账单",),
    templates=(("2026", _bill_2026), ("2023", _bill_2023)),
    marks=("南京银行", "N Card信用卡账单"),
    due_rule=rules.DueRule(25, date(2026, 11, 1), "dates printed on bills of 2023 to 2026"),
)
