"""邮储银行: one card per mail, its tail in the greeting. Templates of 2022 and 2025."""

import re
from datetime import date
from typing import Final

from anhuan.statements import rules
from anhuan.statements.bill_columns import SIGN_MONEY, draft_of, row, rows_of
from anhuan.statements.bill_dates import by_month_rule, by_rule_marked, dated
from anhuan.statements.bill_labels import COMMON, LabelBook, facts_of
from anhuan.statements.bill_reader import Bank, Dates, Draft, account_bills, dates_of
from anhuan.statements.bill_rows import RowShape
from anhuan.statements.model import Level
from anhuan.statements.text import DATE, Sheet, date_of, tail_of

# 账单日 is followed by a mere day of the month here (账单日 27), which must not take its neighbour's date.
_LABELS: Final = LabelBook(
    {name: [label for label in labels if label not in {"账单日", "本期账单日"}] for name, labels in COMMON.items()},
    common=False,
)
_STATEMENT: Final = re.compile(rf"账单日期?\s*(?:Statement Date)?\s*:?\s*(?P<day>{DATE})")
_TAIL: Final = re.compile(r"(?:尾号|末四位)\s*[为:]?\s*(\d{4})(?!\d)")
_ROWS: Final = RowShape(row("trade post desc amount tail", amount=SIGN_MONEY))
_ROWS_WITHOUT_TAIL: Final = RowShape(row("trade post desc amount", amount=SIGN_MONEY))


def _bill_2025(sheet: Sheet) -> Draft | None:
    """The cycle stands in the greeting: 账单周期为【…】; or the statement date is printed in full."""
    facts = facts_of(sheet, _LABELS)
    dates = dates_of(facts, sent_on=sheet.sent_on)
    if printed := _STATEMENT.search(sheet.labels):
        dates = dated(dates, "statement_on", date_of(printed["day"]), printed[0])
    return _bill(sheet, dates) if dates.statement_on else None


def _bill_2022(sheet: Sheet) -> Draft | None:
    """The month in the title and the day on its own: (2022年02月), 账单日 27."""
    facts = facts_of(sheet, _LABELS)
    return _bill(sheet, by_month_rule(sheet, dates_of(facts, sent_on=sheet.sent_on)))


def _bill(sheet: Sheet, dates: Dates) -> Draft | None:
    if not dates.any:
        return None
    lines = rows_of(sheet, _ROWS, dates) or rows_of(sheet, _ROWS_WITHOUT_TAIL, dates)
    named = _TAIL.search(sheet.labels)
    cards = (tail_of(named[1]) if named else None, *rules.tails_of(lines))
    tails = tuple(dict.fromkeys(tail for tail in cards if tail))
    bills = by_rule_marked(account_bills(facts_of(sheet, _LABELS), dates, tails, level=Level.CARD))
    return draft_of(sheet, bills, lines, dates) if bills else None


BANK: Final = Bank(
    id="psbc",
    name="邮储银行",
    senders=("@cardmail.psbcltd.cn", "@cardmail.psbc.com"),
    subjects=(r"(?:邮储|邮政储蓄).*(?:电子账单|对账单|信用卡.*账单)",),
    templates=(("2025", _bill_2025), ("2022", _bill_2022)),
    marks=("邮储银行信用卡", "中国邮政储蓄银行信用卡"),
    due_rule=rules.DueRule(20, date(2026, 11, 1), "dates printed on bills of 2022 to 2026"),
)
