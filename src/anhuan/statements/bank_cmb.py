"""招商银行: one bill for the account, the tails stand in the rows; templates of 2017 and 2020 on, the daily mail."""

import re
from datetime import date
from typing import Final

from anhuan.statements import rules
from anhuan.statements.bill_labels import LabelBook, facts_of
from anhuan.statements.bill_reader import Bank, Draft, Run, account_bills, dates_of
from anhuan.statements.bill_rows import DIGITS, MMDD, SIGNED, TAIL, Heading, RowShape, lines_of
from anhuan.statements.model import FileKind, Line, LineKind, Problem
from anhuan.statements.text import CURRENCIES, CURRENCY, DATE, Sheet, amount_of, date_of, mask_numbers, tail_of

_LABELS: Final = LabelBook({
    "total_due": ("本期应还金额", "本期账单金额"),
    "other": ("上期账单金额", "上期还款金额", "本期账单金额合计", "预借现金额度"),
})  # fmt: skip
_SUMMARY: Final = Run(("cycle", "credit_limit", "total_due", "minimum_due", "due_on"))

_ALONE: Final = r"(?:(?<=[\n\t\r])|\A){}(?=[ \t\r]*(?:[A-Za-z ]+)?(?:[\n\r\t]|\Z))"
_HEADINGS: Final = {
    _ALONE.format(r"还\s?款"): Heading(LineKind.REPAYMENT),
    _ALONE.format(r"退\s?款"): Heading(LineKind.REFUND),
    _ALONE.format(r"消\s?费"): Heading(LineKind.PURCHASE),
    _ALONE.format(r"费\s?用"): Heading(LineKind.FEE),
    _ALONE.format(r"(?:循环)?利\s?息"): Heading(LineKind.INTEREST),
    _ALONE.format(r"分\s?期(?:付款)?"): Heading(LineKind.INSTALMENT),
    _ALONE.format(r"(?:预借现金|取\s?现)"): Heading(LineKind.CASH_ADVANCE),
}
_YUAN: Final = rf"(?:-\s*)?[\xa5$]\s*(?:-\s*)?(?:{DIGITS})(?!\d)"
_DAYS: Final = rf"(?:(?P<trade>{MMDD})\s+)?(?P<post>{MMDD})\s+"
_END: Final = (
    rf"\s+(?P<tail>{TAIL})(?:\s+(?P<country>[A-Z]{{2,3}})(?![A-Za-z]))?"
    rf"(?:\s+(?P<orig>{SIGNED})(?:\([A-Z]{{2,3}}\))?)?"
)
_ROWS: Final = RowShape(
    rf"{_DAYS}(?P<desc>[^\s\xa5$][^\xa5$]{{0,160}}?)\s*(?P<amount>{_YUAN}){_END}",
    _HEADINGS,
    day=MMDD,
)
_BARE_ROWS: Final = RowShape(rf"{_DAYS}(?P<desc>[^\s].{{0,100}}?)\s+(?P<amount>{SIGNED}){_END}", _HEADINGS)
_OLD_ROWS: Final = RowShape(
    rf"(?P<tail>{TAIL})\s+(?P<trade>20\d{{6}})\s+\d\d:\d\d:\d\d\s+(?:(?P<cur>{CURRENCY})\s+)?"
    rf"(?P<desc>\S.{{0,100}}?)\s+(?P<amount>(?:[\xa5$]\s*)?{SIGNED})",
    _HEADINGS,
)


def _bill_2020(sheet: Sheet) -> Draft | None:
    """2020 to 2026: cycle, limit, total, minimum, due date in this order, on one line or on five."""
    facts = _SUMMARY.facts(sheet)
    if facts is None:
        facts = facts_of(sheet, _LABELS)
        if facts.word("cycle") is None or not facts.currencies():
            return None
    dates = dates_of(facts, sent_on=sheet.sent_on)
    if not dates.any:
        return None
    notes: list[Problem] = []
    lines = lines_of(sheet, _ROWS, near=dates.statement_on, notes=notes)
    if not lines:
        notes.clear()
        lines = lines_of(sheet, _BARE_ROWS, near=dates.statement_on)
    lines = lines or lines_of(sheet, _OLD_ROWS, near=dates.statement_on)
    return Draft(account_bills(facts, dates, rules.tails_of(lines)), lines, notes=notes)


_BILL_MONTH: Final = re.compile(r"(20\d\d)\s*年\s*(\d{1,2})\s*月")


def _bill_2017(sheet: Sheet) -> Draft | None:
    """2016 to 2017: a due date without a year (MM/DD or MM 月 DD 日) and 本期应还金额NewBalance."""
    facts = facts_of(sheet, _LABELS)
    if not facts.currencies():
        return None
    dates = dates_of(facts, sent_on=_month_of(sheet) or sheet.sent_on)
    if not dates.any:
        return None
    near = dates.statement_on or dates.due_on
    lines = lines_of(sheet, _OLD_ROWS, near=near) or lines_of(sheet, _ROWS, near=near)
    return Draft(account_bills(facts, dates, rules.tails_of(lines)), lines)


def _month_of(sheet: Sheet) -> date | None:
    """The first day of the bill's month where the greeting names it: 您 2016 年 06 月信用卡账单已出."""
    named = _BILL_MONTH.search(sheet.text)
    return date_of(f"{named[1]}-{named[2]}-1") if named else None


_DAILY_ROW: Final = re.compile(
    rf"\d\d:\d\d:\d\d\s+(?P<cur>[A-Z]{{3}})\s*(?P<amount>{SIGNED})\s+(?:尾号\s*(?P<tail>\d{{4}})\s*)?"
    r"(?P<desc>(?:(?:消费|退货|退款|还款|邮购|取现|预借现金)[\s]+)?[^\n]+)"
)
_DAILY_DAY: Final = re.compile(rf"(?P<day>{DATE})")


def _daily(sheet: Sheet) -> Draft | None:
    """每日信用管家: yesterday's rows with their times; no bill."""
    matches = list(_DAILY_ROW.finditer(sheet.text))
    days = [(day.start(), date_of(day[0])) for day in _DAILY_DAY.finditer(sheet.text)]
    if not matches and not days:
        return None
    lines: list[Line] = []
    for match in matches:
        day = next((day for place, day in reversed(days) if place < match.start()), None)
        currency = CURRENCIES.get(match["cur"], match["cur"])
        amount = amount_of(match["amount"], currency)
        if amount is None:
            continue
        description = mask_numbers(sheet.printed(*match.span("desc")))
        lines.append(
            Line(
                posted_on=None,
                traded_on=day,
                description=description,
                amount=amount.minor,
                currency=currency,
                card=tail_of(match["tail"]) if match["tail"] else None,
                kind=rules.kind_of(description, amount.minor),
                span=f"row {len(lines) + 1}: {sheet.printed(*match.span())[:80]}",
            )
        )
    return Draft(lines=lines, complete=False, kind=FileKind.DAILY)


BANK: Final = Bank(
    id="cmb",
    name="招商银行",
    senders=("@message.cmbchina.com", "@ccb.cmbchina.com"),
    subjects=(r"^招商银行.*信用卡.*账单", r"招商银行信用卡电子账单"),
    templates=(("2020-2026", _bill_2020), ("2017", _bill_2017)),
    marks=("招商银行信用卡", "cmbchina.com"),
    due_rule=rules.DueRule(18, date(2026, 11, 1), "dates printed on bills of 2020 to 2026"),
    others=((r"^(?:招商银行)?每日信用管家$", (("daily", _daily),)),),
)
