"""民生银行: one bill for the account, the tails at the end of the rows. Templates of 2020 and 2022."""

import re
from datetime import date
from typing import Final

from anhuan.statements import rules
from anhuan.statements.bill_columns import MONTH_DAY, draft_of, row, rows_of
from anhuan.statements.bill_labels import LabelBook, facts_of
from anhuan.statements.bill_reader import Bank, Dates, Draft, account_bills, dates_of
from anhuan.statements.bill_rows import SIGNED, Heading, RowShape
from anhuan.statements.model import Bill, Level, LineKind
from anhuan.statements.text import Sheet, amount_of

# 本期账单金额 is the sum of new charges here, one part of the equation below the summary.
_LABELS: Final = LabelBook({"other": ("本期账单金额", "累计积分")})
_BETWEEN: Final = r"\s*(?:本期最低还款金额\s*(?:Min\.?\s*Payment)?)?\s*"
_SUMMARY: Final = re.compile(
    rf"人民币/美元账户\s*(?:RMB/USD\s*Account)?\s*RMB\s*(?P<total_rmb>{SIGNED})(?:\s*USD\s*(?P<total_usd>{SIGNED}))?"
    rf"{_BETWEEN}RMB\s*(?P<min_rmb>{SIGNED})(?:\s*USD\s*(?P<min_usd>{SIGNED}))?"
)

_ALONE: Final = r"(?:(?<=[\n\t\r])|\A){}(?=[ \t\r]*(?:[A-Za-z ]+)?(?:[\n\r\t]|\Z))"
_HEADINGS: Final = {
    r"New Balance[ \t\r\n]+RMB(?![ \t\r\n]*[\d-])": Heading(currency="CNY"),
    r"New Balance[ \t\r\n]+USD(?![ \t\r\n]*[\d-])": Heading(currency="USD"),
    _ALONE.format(r"消\s?费"): Heading(LineKind.PURCHASE),
    _ALONE.format(r"还\s?款"): Heading(LineKind.REPAYMENT),
    _ALONE.format(r"退\s?[货款]"): Heading(LineKind.REFUND),
    _ALONE.format(r"分\s?期(?:付\s?款)?"): Heading(LineKind.INSTALMENT),
    _ALONE.format(r"取\s?现"): Heading(LineKind.CASH_ADVANCE),
    _ALONE.format(r"费\s?用"): Heading(LineKind.FEE),
    _ALONE.format(r"(?:循\s?环\s?)?利\s?息"): Heading(LineKind.INTEREST),
    _ALONE.format(r"调\s?整"): Heading(LineKind.OTHER),
}
# Foreign rows run country, amount and currency together at the end of the description: EXAMPLE US12.00USD.
_FOREIGN: Final = rf"(?:\s*(?P<orig>{SIGNED})\s*(?P<orig_cur>[A-Z]{{3}}))?"
_ROWS: Final = RowShape(
    row("trade post desc amount tail", date=MONTH_DAY).replace(r"\s+(?P<amount>", rf"{_FOREIGN}\s+(?P<amount>", 1),
    _HEADINGS,
)


def _bill_2022(sheet: Sheet) -> Draft | None:
    """Yuan and dollars side by side."""
    summary = _SUMMARY.search(sheet.text)
    return _bill(sheet, summary) if summary and summary["total_usd"] else None


def _bill_2020(sheet: Sheet) -> Draft | None:
    """No dollars yet, or a summary in another order."""
    return _bill(sheet, _SUMMARY.search(sheet.text))


def _bill(sheet: Sheet, summary: re.Match[str] | None) -> Draft | None:
    facts = facts_of(sheet, _LABELS)
    dates = dates_of(facts, sent_on=sheet.sent_on)
    if not dates.any:
        return None
    lines = rows_of(sheet, _ROWS, dates)
    cards = rules.tails_of(lines)
    bills = _of_summary(sheet, summary, dates, cards) if summary else account_bills(facts, dates, cards)
    return draft_of(sheet, bills, lines, dates, date=MONTH_DAY) if bills else None


def _of_summary(sheet: Sheet, summary: re.Match[str], dates: Dates, cards: tuple[str, ...]) -> list[Bill]:
    bills = []
    for mark, currency in (("rmb", "CNY"), ("usd", "USD")):
        total = amount_of(summary[f"total_{mark}"] or "", currency)
        minimum = amount_of(summary[f"min_{mark}"] or "", currency)
        if total is None:
            continue
        printed = ["total_due"] if minimum is None else ["total_due", "minimum_due"]
        bills.append(
            Bill(
                currency=currency,
                total_due=total.minor,
                minimum_due=minimum.minor if minimum else None,
                statement_on=dates.statement_on,
                due_on=dates.due_on,
                cards=cards,
                level=Level.ACCOUNT,
                confidence=dates.confidence | dict.fromkeys(printed, 0.98),
                spans=dates.spans | dict.fromkeys(printed, sheet.printed(*summary.span())),
            )
        )
    return bills


BANK: Final = Bank(
    id="cmbc",
    name="民生银行",
    senders=("@creditcard.cmbc.com.cn",),
    subjects=(r"民生.*信用卡.*账单",),
    templates=(("2022", _bill_2022), ("2020", _bill_2020)),
    marks=("民生信用卡", "民生银行信用卡", r"cmbc\.com\.cn"),
    due_rule=rules.DueRule(20, date(2026, 11, 1), "dates printed on bills of 2020 to 2026"),
)
