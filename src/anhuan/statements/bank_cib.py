"""兴业银行: one card per mail. Templates of 2017, 2021 and 2026."""

import re
from dataclasses import replace
from datetime import date
from typing import Final

from anhuan.statements import rules
from anhuan.statements.bill_columns import NAMED_MONEY, YEAR_DAY, draft_of, row, rows_of, up_to
from anhuan.statements.bill_labels import LabelBook, facts_of
from anhuan.statements.bill_reader import Bank, Draft, account_bills, dates_of
from anhuan.statements.bill_rows import SIGNED, Heading, RowShape
from anhuan.statements.model import Level
from anhuan.statements.text import Sheet, tail_of

_LABELS: Final = LabelBook({
    "credit_limit": ("信用额度(人民币)", "Credit Limit(RMB)"),
    "total_due": ("本期应缴余额",),
    "other": ("预借现金额度(人民币)", "Cash Advance Limit(RMB)"),
})  # fmt: skip
_TAIL: Final = re.compile(r"(?:卡号末四位|末四位|尾号)\s*[:为]?\s*(\d{4})(?!\d)")
_AMOUNT: Final = rf"(?:{NAMED_MONEY}|{SIGNED})"
_ROWS: Final = RowShape(
    row("trade post desc orig? amount", amount=_AMOUNT),
    {
        r"(?:主卡|附属卡|附卡|本卡)[^\n\t]{0,12}卡号末四位\s*:?\s*\d{4}": Heading(card=True),
        r"人民币账户": Heading(currency="CNY"),
        r"美元账户": Heading(currency="USD"),
    },
)
_ROWS_BEGIN: Final = re.compile(
    rf"(?:主卡|附属卡|附卡|本卡)(?:交易|明细)|{YEAR_DAY}\s+{YEAR_DAY}\s+(?!{_AMOUNT})[^\d\s]"
)


def _bill_2026(sheet: Sheet) -> Draft | None:
    """The statement date is printed."""
    return None if "账单周期" in sheet.labels else _bill(sheet)


def _bill_2017(sheet: Sheet) -> Draft | None:
    """2017 to 2025: a cycle, whose end is the statement date."""
    return _bill(sheet)


def _bill(sheet: Sheet) -> Draft | None:
    top = up_to(sheet, _ROWS_BEGIN)
    facts = facts_of(top, _LABELS)
    dates = dates_of(facts, sent_on=sheet.sent_on)
    if not dates.any:
        return None
    named = _TAIL.search(sheet.labels)
    card = tail_of(named[1]) if named else None
    lines = [line if line.card else replace(line, card=card) for line in rows_of(sheet, _ROWS, dates)]
    cards = tuple(dict.fromkeys(tail for tail in (card, *rules.tails_of(lines)) if tail))
    bills = account_bills(facts, dates, cards, level=Level.CARD)
    return draft_of(sheet, bills, lines, dates) if bills else None


BANK: Final = Bank(
    id="cib",
    name="兴业银行",
    senders=("@message.cib.com.cn",),
    subjects=(r"兴业.*信用卡.*账单",),
    templates=(("2026", _bill_2026), ("2017", _bill_2017)),
    marks=("兴业银行信用卡", r"cib\.com\.cn"),
    due_rule=rules.DueRule(20, date(2026, 11, 1), "dates printed on bills of 2017 to 2026"),
)
