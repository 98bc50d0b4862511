"""光大银行: one row per card and currency. Templates of 2016, 2017 (PDF) and 2019."""

import re
from dataclasses import replace
from datetime import date
from typing import Final

from anhuan.statements import rules
from anhuan.statements.bill_columns import MONTH_DAY, YEAR_DAY, draft_of, part, row, rows_of, up_to
from anhuan.statements.bill_dates import by_sentence
from anhuan.statements.bill_labels import Facts, LabelBook, facts_of
from anhuan.statements.bill_reader import Bank, CardRow, Dates, Draft, account_bills, card_bills, dates_of
from anhuan.statements.bill_rows import SIGNED, Heading, RowShape
from anhuan.statements.model import Bill, Level, Line, LineKind, Problem
from anhuan.statements.text import Sheet, amount_of, tail_of

_LABELS: Final = LabelBook({
    "total_due@CNY": ("人民币本期账单金额", "人民币本期应还款额", "RMB Statement Balance", "RMB Current Amount Due"),
    "total_due@USD": ("美元本期账单金额", "美元本期应还款额", "USD Statement Balance", "USD Current Amount Due"),
    "minimum_due@CNY": (
        "人民币最低还款额", "人民币本期最低还款额", "RMB Minimum Payment Due", "RMB Minimum Amount Due",
    ),
    "minimum_due@USD": ("美元最低还款额", "美元本期最低还款额", "USD Minimum Payment Due", "USD Minimum Amount Due"),
    "credit_limit": ("信用额度(人民币)", "Credit Limit(RMB)"),
})  # fmt: skip
_GREETING_END: Final = re.compile(r"请勿错过您的到期还款日")
_ACCOUNT: Final = re.compile(
    r"(?:人民币|美元)账户|账号[ \t\r]*Account|账户[ \t\r]*Account|Account Number|\d{4,12}\*{2,12}\d{3,7}"
)

_BALANCE: Final = rf"(?:\((?:存款|存入)\)\s*)?(?:[\xa5$]\s*)?{SIGNED}"
_CARD_ROW: Final = re.compile(
    rf"(?P<card>\d{{4,12}}\*{{2,12}}\d{{3,7}})\s*(?P<name>(?:(?!\d{{4,12}}\*|\n\n)[^\xa5$]){{0,40}}?)\s*"
    rf"(?P<balance>{_BALANCE})\s+(?P<total>{_BALANCE})\s+(?P<minimum>{_BALANCE})(?![\d*])"
)
_SUM_ROW: Final = re.compile(
    rf"(?:合计|总计)\s*:?\s*(?P<balance>{_BALANCE})\s+(?P<total>{_BALANCE})\s+(?P<minimum>{_BALANCE})"
)
_SECTION: Final = re.compile(r"(?P<cny>人民币)账户|美元账户")

_HEADINGS: Final = {r"人民币账户": Heading(currency="CNY"), r"美元账户": Heading(currency="USD")}
_AMOUNT: Final = rf"(?:\((?:存入|存款)\)\s*)?(?:[\xa5$]\s*)?{SIGNED}"
# An empty amount leaves the remark "账单分期 (分期) 2,246.02" as the last cell: that is no amount of the row.
_ROWS: Final = RowShape(
    row("trade post tail? desc amount", date=YEAR_DAY, amount=_AMOUNT).replace(
        r"\s+(?P<amount>", r"(?<!\(分期\))\s+(?P<amount>", 1
    ),
    _HEADINGS,
)
_SHORT_ROWS: Final = RowShape(_ROWS.rows.replace(YEAR_DAY, MONTH_DAY), _HEADINGS)
_REMARK: Final = re.compile(
    rf"(?:{YEAR_DAY}|{MONTH_DAY})\s+(?:{YEAR_DAY}|{MONTH_DAY})\s+(?:\d{{4}}\s+)?(?:[^\n]{{0,40}}本期应还款[\d.,]+[^\n]{{0,4}}余额[\d.,]+|账单分期\s*\(分期\)\s*[\d.,]+)"
)


def _bill_2019(sheet: Sheet) -> Draft | None:
    """2019 to 2026: the dates stand beside labels; since mid-2026 dollars took the minimum's place there."""
    greeting = _GREETING_END.search(sheet.text)
    top = up_to(sheet, _ACCOUNT, greeting.end() if greeting else 0)
    facts = facts_of(top, _LABELS)
    dates = dates_of(facts, sent_on=sheet.sent_on)
    if dates.statement_on is None:
        return None
    return _of_cards(sheet, facts, by_sentence(sheet, dates))


def _bill_2016(sheet: Sheet) -> Draft | None:
    """2016 to 2018: the dates stand in the greeting alone, card numbers have 19 digits."""
    dates = by_sentence(sheet, Dates())
    return _of_cards(sheet, Facts([]), dates) if dates.statement_on else None


def _of_cards(sheet: Sheet, facts: Facts, dates: Dates) -> Draft | None:
    """The table of cards, checked against its own sum and the top line; without a table, the top line."""
    limit = facts.money("credit_limit")
    limit_minor = limit.amount.minor if limit and limit.amount else None
    lines = [_received(line) for line in rows_of(sheet, _ROWS, dates) or rows_of(sheet, _SHORT_ROWS, dates)]
    bills: list[Bill] = []
    refused: list[Problem] = []
    for section, currency in _sections(sheet):
        cards = _cards(section, currency, limit_minor if currency == "CNY" else None)
        bills += card_bills(cards, dates)
        refused += _sums_disagree(section, cards, facts, currency)
    if not bills and not _NUMBER.search(sheet.text):
        bills = account_bills(facts, dates, rules.tails_of(lines))
    if not bills:
        return None
    draft = draft_of(sheet, bills, lines, dates, notes=len(_REMARK.findall(sheet.text)))
    draft.refused = refused
    return draft


def _received(line: Line) -> Line:
    """已收妥您的款项 is a repayment, with or without the mark (存入)."""
    if "已收妥" not in line.description or not line.amount:
        return line
    return replace(line, amount=-abs(line.amount), kind=LineKind.REPAYMENT)


def _sections(sheet: Sheet) -> list[tuple[Sheet, str]]:
    """The pieces of the sheet between the headings of the accounts; without a heading all is yuan."""
    found = list(_SECTION.finditer(sheet.text))
    if not found:
        return [(sheet, "CNY")]
    ends = [met.start() for met in found[1:]] + [len(sheet.text)]
    head = [(part(sheet, 0, found[0].start()), "CNY")]
    return head + [
        (part(sheet, met.start(), end), "CNY" if met["cny"] else "USD") for met, end in zip(found, ends, strict=True)
    ]


def _cards(section: Sheet, currency: str, limit: int | None) -> list[CardRow]:
    return [
        CardRow(
            tail_of(met["card"]),
            currency,
            _minor(met["total"], currency),
            _minor(met["minimum"], currency),
            limit,
            section.printed(*met.span()),
        )
        for met in _CARD_ROW.finditer(section.text)
    ]


def _minor(words: str, currency: str) -> int | None:
    amount = amount_of(words, currency)
    return amount.minor if amount else None


def _sums_disagree(section: Sheet, cards: list[CardRow], facts: Facts, currency: str) -> list[Problem]:
    if not cards:
        return []
    totals, minimums = [card.total_due for card in cards], [card.minimum_due for card in cards]
    found: list[Problem] = []
    if printed := _SUM_ROW.search(section.text):
        found += rules.totals_disagree(totals, _minor(printed["total"], currency), "本期应还款额", currency)
        found += rules.totals_disagree(minimums, _minor(printed["minimum"], currency), "最低还款额", currency)
    top = facts.money("total_due", currency)
    if top and top.amount:
        found += rules.totals_disagree(totals, top.amount.minor, "账单金额", currency)
    return found


_NUMBER: Final = re.compile(r"Account Number\s*:?\s*(?P<card>\d{4,12}\*{2,12}\d{3,7})")
_MINIMUM: Final = re.compile(rf"Minimum Payment Due\s*:?\s*[\xa5$]?\s*(?P<minimum>{SIGNED})")


def _bill_2017(sheet: Sheet) -> Draft | None:
    """2017, PDF: a heading "Account Number : …" per account, the minimum at the end of its rows."""
    if not _NUMBER.search(sheet.text):
        return None
    facts = facts_of(up_to(sheet, _NUMBER), _LABELS)
    dates = by_sentence(sheet, dates_of(facts, sent_on=sheet.sent_on))
    if not dates.any or not facts.currencies():
        return None
    lines = [_received(line) for line in rows_of(sheet, _ROWS, dates)]
    numbers = {
        currency: [tail_of(met["card"]) for met in _NUMBER.finditer(section.text)]
        for section, currency in _accounts(sheet)
    }
    minimums = {currency: _MINIMUM.search(section.text) for section, currency in _accounts(sheet)}
    everyone = tuple(dict.fromkeys(tail for tails in numbers.values() for tail in tails if tail))
    bills = []
    for bill in account_bills(facts, dates, everyone):
        tails = tuple(dict.fromkeys(tail for tail in numbers.get(bill.currency, []) if tail)) or everyone
        one = len(tails) == 1
        met = minimums.get(bill.currency)
        if bill.minimum_due is None and met and one:
            bill = replace(
                bill,
                minimum_due=_minor(met["minimum"], bill.currency),
                confidence=bill.confidence | {"minimum_due": 0.95},
                spans=bill.spans | {"minimum_due": met[0]},
            )
        bills.append(replace(bill, cards=tails, level=Level.CARD if one else Level.ACCOUNT))
    return draft_of(sheet, bills, lines, dates)


def _accounts(sheet: Sheet) -> list[tuple[Sheet, str]]:
    """The yuan part and the dollar part, each with its heading "Account Number", which may stand before 人民币账户."""
    dollars = re.search(r"美元账户", sheet.text)
    yuan = (part(sheet, 0, dollars.start() if dollars else None), "CNY")
    return [yuan, (part(sheet, dollars.start()), "USD")] if dollars else [yuan]


BANK: Final = Bank(
    id="ceb",
    name="光大银行",
    senders=("@cardcenter.cebbank.com", "@cardservice.cebbank.com"),
    subjects=(r"光大.*(?:电子账单|电子对账单|信用卡.*账单)",),
    templates=(("2019", _bill_2019), ("2016", _bill_2016), ("2017", _bill_2017)),
    marks=("光大银行信用卡", r"cebbank\.com", "RMB Statement Balance"),
    due_rule=rules.DueRule(19, date(2026, 11, 1), "dates printed on bills of 2016 to 2026"),
)
