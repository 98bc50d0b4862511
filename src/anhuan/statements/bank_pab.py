"""平安银行: one bill for the account, rows in blocks of cards. Templates of 2019 and 2021."""

import re
from dataclasses import replace
from datetime import date
from typing import Final
from unicodedata import normalize

from anhuan.statements import rules
from anhuan.statements.bill_columns import SIGN_MONEY, draft_of, row, rows_of
from anhuan.statements.bill_labels import LabelBook, facts_of
from anhuan.statements.bill_reader import Bank, Draft, account_bills, dates_of
from anhuan.statements.bill_rows import Heading, RowShape
from anhuan.statements.model import Line, LineKind
from anhuan.statements.text import Sheet, tail_of

# 本期账单金额 is the sum of new charges here, one part of the equation New Balance = Pre Statement - Pre Payment + …
_LABELS: Final = LabelBook({"other": ("本期账单金额",)})
# The last pair of brackets: names may hold brackets too. Not every card is named after the bank.
_BRACKETED: Final = (
    r"(?:平安[^\n\t\r\xa5]{0,60}|[\u4e00-\u9fffA-Za-z][^\n\t\r\xa5\d]{0,40}卡[^\n\t\r\xa5\d]{0,20})\(\d{4}\)"
)
_STARRED: Final = r"平安[^\n\t\r\xa5*]{0,60}\*{2,}[ \t]*\d{4}"
_CARD: Final = re.compile(rf"{_BRACKETED}|{_STARRED}")
_HEADINGS: Final = {
    _BRACKETED: Heading(LineKind.PURCHASE, card=True),
    _STARRED: Heading(LineKind.PURCHASE, card=True),
    r"分期[ \t\r]*Instal+ment": Heading(LineKind.INSTALMENT, card=False),
    r"其[他它][ \t\r]*Others?": Heading(LineKind.PURCHASE, card=False),
    r"人民币账户交易明细": Heading(currency="CNY", card=False),
    r"(?:美元|外币)账户交易明细": Heading(currency="USD", card=False),
}
_ROWS: Final = RowShape(row("trade post desc amount", amount=SIGN_MONEY), _HEADINGS)
_SHARE: Final = re.compile(r"(?<!\d)(?P<of>\d{2})-(?P<share>\d{2})期")  # 本金03-02期: the second of three


def _bill_2021(sheet: Sheet) -> Draft | None:
    """Cards in brackets: 平安银行好车主信用卡（1765）."""
    return _bill(sheet) if not re.search(_STARRED, sheet.text) else None


def _bill_2019(sheet: Sheet) -> Draft | None:
    """Cards behind stars: ********4856 合计金额; both labels before both amounts."""
    return _bill(sheet)


def _bill(sheet: Sheet) -> Draft | None:
    facts = facts_of(sheet, _LABELS)
    dates = dates_of(facts, sent_on=sheet.sent_on)
    if not dates.any:
        return None
    lines = [_with_share(line) for line in rows_of(sheet, _ROWS, dates)]
    named = (tail_of(met[0].rstrip(")")) for met in _CARD.finditer(sheet.text))
    cards = tuple(dict.fromkeys(tail for tail in (*named, *rules.tails_of(lines)) if tail))
    bills = account_bills(facts, dates, cards)
    return draft_of(sheet, bills, lines, dates) if bills else None


def _with_share(line: Line) -> Line:
    share = _SHARE.search(normalize("NFKC", line.description))
    if share is None or not 0 < int(share["share"]) <= int(share["of"]):
        return line
    return replace(line, instalment=(int(share["share"]), int(share["of"])))


BANK: Final = Bank(
    id="pab",
    name="平安银行",
    senders=("creditcard@service.pingan.com",),
    subjects=(r"平安.*信用卡.*账单", r"平安.*电子账单"),
    templates=(("2021", _bill_2021), ("2019", _bill_2019)),
    marks=("平安(?:银行)?[^\n]{0,12}信用卡",),
    due_rule=rules.DueRule(19, date(2026, 11, 1), "dates printed on bills of 2019 to 2026; one of 2021 has 16"),
)
