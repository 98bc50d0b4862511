"""华夏银行: one bill for the account, the statement day as a rule of the month. Templates of 2020, 2022 and 2026."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Final

from anhuan.statements import rules
from anhuan.statements.bill_columns import ANY_DAY, SIGN_MONEY, draft_of, first_rows_of, row
from anhuan.statements.bill_dates import by_month_rule, by_rule_marked
from anhuan.statements.bill_labels import COMMON, LabelBook, facts_of
from anhuan.statements.bill_reader import Bank, Draft, account_bills, dates_of
from anhuan.statements.bill_rows import SIGNED, Heading, RowShape
from anhuan.statements.text import Sheet

# "Amount Payable" stands between the two currencies since 2022 and is no label of its own there.
_LABELS: Final = LabelBook(
    {name: [label for label in labels if label != "amount payable"] for name, labels in COMMON.items()}, common=False
)
_HEADINGS: Final = {
    r"人民币账务信息|RMB ACCOUNT": Heading(currency="CNY"),
    r"美元账务信息|USD ACCOUNT": Heading(currency="USD"),
}
_AMOUNT: Final = rf"(?:{SIGN_MONEY}|{SIGNED})"
# The number of the paying debit card may stand before the tail; masked, it stays in the description.
_ROWS: Final = tuple(
    RowShape(row(columns, date=ANY_DAY, amount=_AMOUNT), _HEADINGS)
    for columns in ("trade post desc tail amount", "trade post desc amount tail", "trade post desc amount")
)


def _bill_2022(sheet: Sheet) -> Draft | None:
    """2022 to 2026: 本期应还款, either currency first, tails before the amounts, days without year."""
    return None if re.search(r"月份\s*\)", sheet.text) else _bill(sheet, _ROWS)


def _bill_2020(sheet: Sheet) -> Draft | None:
    """2020 to 2022: 本期应还金额 RMB: … USD: …, tails behind the amounts, days with their year."""
    return _bill(sheet, (_ROWS[1], _ROWS[0], _ROWS[2]))


def _bill(sheet: Sheet, rows: Sequence[RowShape]) -> Draft | None:
    facts = facts_of(sheet, _LABELS)
    dates = by_month_rule(sheet, dates_of(facts, sent_on=sheet.sent_on))
    if not dates.any:
        return None
    lines = first_rows_of(sheet, rows, dates)
    bills = by_rule_marked(account_bills(facts, dates, rules.tails_of(lines)))
    return draft_of(sheet, bills, lines, dates) if bills else None


BANK: Final = Bank(
    id="hxb",
    name="华夏银行",
    senders=("@creditcardmail.hxb.com.cn",),
    subjects=(r"华夏.*信用卡.*账单", r"华夏.*电子账单"),
    templates=(("2022", _bill_2022), ("2020", _bill_2020)),
    marks=("华夏信用卡", "华夏银行信用卡"),
    due_rule=rules.DueRule(20, date(2026, 11, 1), "dates printed on bills of 2020 to 2026"),
)
