"""北京银行: one bill for the account, amounts as RMB:9.50. Templates of 2021 and 2025."""

from datetime import date
from typing import Final

from anhuan.statements import rules
from anhuan.statements.bill_columns import NAMED_MONEY, draft_of, first_rows_of, row
from anhuan.statements.bill_labels import LabelBook, facts_of
from anhuan.statements.bill_reader import Bank, Draft, account_bills, dates_of
from anhuan.statements.bill_rows import SIGNED, RowShape
from anhuan.statements.text import Sheet

_LABELS: Final = LabelBook()
_AMOUNT: Final = rf"(?:{NAMED_MONEY}|{SIGNED})"
_ROWS: Final = (
    RowShape(row("trade post desc amount tail", amount=_AMOUNT)),
    RowShape(row("trade post desc amount", amount=_AMOUNT)),
)


def _bill_2025(sheet: Sheet) -> Draft | None:
    """Dates in characters and the rows in the mail."""
    return _bill(sheet, complete=True)


def _bill_2021(sheet: Sheet) -> Draft | None:
    """A short mail with spaced labels; the rows wait behind a link."""
    return _bill(sheet, complete=False)


def _bill(sheet: Sheet, *, complete: bool) -> Draft | None:
    facts = facts_of(sheet, _LABELS)
    dates = dates_of(facts, sent_on=sheet.sent_on)
    lines = first_rows_of(sheet, _ROWS, dates)
    if not dates.any or (complete and "最后还款日" in sheet.labels and not lines):
        return None
    bills = account_bills(facts, dates, rules.tails_of(lines))
    if not bills:
        return None
    draft = draft_of(sheet, bills, lines, dates)
    draft.complete = draft.complete and complete
    return draft


BANK: Final = Bank(
    id="bob",
    name="北京银行",
    senders=("@ebill.bankofbeijing.com.cn",),
    subjects=(r"北京银行.*账单",),
    templates=(("2025", _bill_2025), ("2021", _bill_2021)),
    marks=("北京银行信用卡", r"bankofbeijing\.com"),
    due_rule=rules.DueRule(20, date(2026, 11, 1), "dates printed on bills of 2021 to 2026"),
)
