"""民生银行: one bill for the account, the tails at the end of the rows. Templates of 2020 and 2022."""

import re
from datetime import date
from typing import Final

from anhuan.statements import rules
from anhuan.statements.bill_columns import MONTH_DAY, draft_of, row, rows_of
from anhuan.statements.bill_labels import Facts, LabelBook, facts_of
from anhuan.statements.bill_reader import Bank, Dates, Draft, account_bills, dates_of
from anhuan.statements.bill_rows import SIGNED, Heading, RowShape
from anhuan.statements.model import Bill, Level, LineKind
from anhuan.statements.text import Sheet, amount_of

# 本期账单金额 is the sum of new charges here, one part of the equation below the summary.
_LABELS: Final = LabelBook({"other": ("本期账单金额", "累计积分")})
_MONEY: Final = rf"(?:(?:RMB|CNY|USD|[\xa5$])\s*:?\s*)?{SIGNED}"
_BETWEEN: Final = r"(?:\s*本期最低还款金额\s*(?:Min\.?\s*Payment)?)?\s*[/、]?\s*"
# Due in yuan and dollars, then the minimum in yuan and dollars; until 2021 yuan alone.
_SUMMARY: Final = re.compile(
    rf"人民币/美元账户\s*(?:RMB/USD\s*Account)?\s*:?\s*(?P<one>{_MONEY}){_BETWEEN}(?P<two>{_MONEY})"
    rf"(?:{_BETWEEN}(?P<three>{_MONEY}){_BETWEEN}(?P<four>{_MONEY}))?"
)


_ALONE: Final = r"(?:(?<=[\n\t\r])|\A){}(?=[ \t\r]*(?:[A-Za-z ]+)?(?:[\n\r\t]|\Z))"
_HEADINGS: Final = {
    r"New Balance[ \t\r\n]+RMB(?![ \t\r\n]*[\d-])": Heading(currency="CNY"),
    r"New Balance[ \t\r\n]+USD(?![ \t\r\n]*[\d-])": Heading(currency="USD"),
    _ALONE.format(r"人民币(?:账户)?"): Heading(currency="CNY"),
    _ALONE.format(r"美\s?元(?:账户)?"): Heading(currency="USD"),
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
    return _bill(sheet, summary) if summary and summary["four"] else None


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
    bills = _of_summary(sheet, summary, facts, dates, cards) if summary else account_bills(facts, dates, cards)
    return draft_of(sheet, bills, lines, dates, date=MONTH_DAY) if bills else None


def _of_summary(sheet: Sheet, summary: re.Match[str], facts: Facts, dates: Dates, cards: tuple[str, ...]) -> list[Bill]:
    words = [summary[name] for name in ("one", "two", "three", "four") if summary[name]]
    ahead = len(words) // 2
    limit = facts.money("credit_limit")
    bills = []
    for total, minimum, currency in zip(words[:ahead], words[ahead:], ("CNY", "USD"), strict=False):
        due, least = amount_of(total, currency), amount_of(minimum, currency)
        if due is None or least is None:
            continue
        bills.append(
            Bill(
                currency=due.currency or currency,
                total_due=due.minor,
                minimum_due=least.minor,
                statement_on=dates.statement_on,
                due_on=dates.due_on,
                cards=cards,
                credit_limit=limit.amount.minor if limit and limit.amount and currency == "CNY" else None,
                level=Level.ACCOUNT,
                confidence=dates.confidence | {"total_due": 0.98, "minimum_due": 0.98},
                spans=dates.spans | dict.fromkeys(("total_due", "minimum_due"), sheet.printed(*summary.span())),
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
