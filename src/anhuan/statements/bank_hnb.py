"""湖南银行 (华融湘江银行 until 2023): one bill for the account. Templates of 2022 and 2026."""

from datetime import date
from typing import Final

from anhuan.statements import rules
from anhuan.statements.bill_columns import NAMED_MONEY, draft_of, row, rows_of
from anhuan.statements.bill_labels import LabelBook, facts_of
from anhuan.statements.bill_reader import Bank, Draft, account_bills, dates_of
from anhuan.statements.bill_rows import SIGNED, RowShape
from anhuan.statements.text import Sheet

# 本期还款总额 (without 应) and Mininum are how the bank writes them.
_LABELS: Final = LabelBook()
_ROWS: Final = RowShape(row("trade post desc amount tail", amount=rf"(?:{NAMED_MONEY}|{SIGNED})"))


def _bill(sheet: Sheet) -> Draft | None:
    facts = facts_of(sheet, _LABELS)
    dates = dates_of(facts, sent_on=sheet.sent_on)
    if not dates.any:
        return None
    lines = rows_of(sheet, _ROWS, dates)
    bills = account_bills(facts, dates, rules.tails_of(lines))
    return draft_of(sheet, bills, lines, dates) if bills else None


def _bill_2026(sheet: Sheet) -> Draft | None:
    """本期应还款总额."""
    return _bill(sheet) if "本期应还款总额" in sheet.labels else None


BANK: Final = Bank(
    id="hnb",
    name="湖南银行",
    senders=("@hunan-bank.com", "@hrxjbank.com.cn"),
    subjects=(r"(?:湖南|华融湘江)银行.*账单",),
    templates=(("2026", _bill_2026), ("2022", _bill)),
    marks=("湖南银行信用卡", "华融湘江银行信用卡"),
    due_rule=rules.DueRule(25, date(2026, 11, 1), "dates printed on bills of 2022 to 2026"),
)
