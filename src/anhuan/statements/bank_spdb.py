"""浦发银行: a summary for the account behind a link, no card and no rows. Templates of 2021 and 2025."""

import re
from datetime import date
from typing import Final

from anhuan.statements import rules
from anhuan.statements.bill_dates import dated
from anhuan.statements.bill_labels import LabelBook, facts_of
from anhuan.statements.bill_reader import Bank, Draft, account_bills, dates_of
from anhuan.statements.text import Sheet, date_of

_LABELS: Final = LabelBook()
# The first line since 2025: statement date, customer number, number of the bill.
_FIRST_LINE: Final = re.compile(r"(?<![\d/.-])(?P<day>20\d{6})\s+\d{4,16}\s+\w[\w-]{2,24}")


def _bill_2025(sheet: Sheet) -> Draft | None:
    """The first line carries the statement date."""
    return _summary(sheet, dated_first_line=True)


def _bill_2021(sheet: Sheet) -> Draft | None:
    """No statement date is printed: the bank's rule gives it."""
    return _summary(sheet, dated_first_line=False)


def _summary(sheet: Sheet, *, dated_first_line: bool) -> Draft | None:
    first = _FIRST_LINE.search(sheet.text)
    if dated_first_line and first is None:
        return None
    facts = facts_of(sheet, _LABELS)
    dates = dates_of(facts, sent_on=sheet.sent_on)
    if first is not None:
        dates = dated(dates, "statement_on", date_of(first["day"]), sheet.printed(*first.span()))
    bills = account_bills(facts, dates, ())
    return Draft(bills, complete=False) if bills and dates.any else None


BANK: Final = Bank(
    id="spdb",
    name="浦发银行",
    senders=("@eb.spdb.com.cn", "@eb.spdbccc.com.cn"),
    subjects=(r"浦发.*信用卡.*(?:账单|对账单)",),
    templates=(("2025", _bill_2025), ("2021", _bill_2021)),
    marks=("浦发银行信用卡", r"spdbccc\.com"),
    due_rule=rules.DueRule(20, date(2026, 11, 1), "dates printed on bills of 2025 and 2026"),
)
