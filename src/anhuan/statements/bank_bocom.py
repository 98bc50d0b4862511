"""交通银行: one card per mail, its number in the heading line; rows print no sign, their section gives it."""

from dataclasses import replace
from datetime import date
from typing import Final

from anhuan.statements import rules
from anhuan.statements.bill_labels import LabelBook, facts_of
from anhuan.statements.bill_reader import Bank, Draft, account_bills, dates_of, first_card
from anhuan.statements.bill_rows import ANY, MM_SLASH_DD, Heading, RowShape, lines_of, words_of
from anhuan.statements.model import Level, Line, LineKind, Problem
from anhuan.statements.text import CURRENCY, DATE, Sheet

_LABELS: Final = LabelBook({
    "total_due": ("本期应还款",),
    "minimum_due": ("最低应还款", "最低还款额"),
    "due_on": ("最后还款日", "到期还款日"),
})  # fmt: skip
_DAY: Final = rf"(?:{DATE}|{MM_SLASH_DD})"
_HEADINGS: Final = {
    r"(?:(?<=[\n\t\r])|\A)[ ]*还\s*款\s*[、/,|和及]\s*退\s*[货款]|还款\s*[、/,]\s*退货|还款/退货": Heading(sign=-1),
    r"消\s*费\s*[、/,|和及]\s*(?:取\s*现|其\s*他|预\s*借)": Heading(sign=1, kind=LineKind.PURCHASE),
    r"(?:(?<=[\n\t\r])|\A)[ ]*(?:还\s*款|退\s*货|退\s*款|费用返还)\s*(?:明\s*细)?(?=\s*[\n\r\t])": Heading(sign=-1),
    r"(?:(?<=[\n\t\r])|\A)[ ]*消\s*费\s*(?:明\s*细)?(?=\s*[\n\r\t])": Heading(sign=1, kind=LineKind.PURCHASE),
    r"卡号末四位\s*:?\s*\d{4}": Heading(card=True),
}
_ROWS: Final = RowShape(
    rf"(?P<trade>{_DAY})\s+(?P<post>{_DAY})\s+(?:(?P<tail>(?<![\d.,])\d{{4}})(?![\d.,/])\s+)?(?P<desc>{words_of(_DAY)})\s+"
    rf"(?P<orig_cur>{CURRENCY})\s*/?\s*(?P<orig>{ANY})\s+(?P<cur>{CURRENCY})\s*/?\s*(?P<amount>{ANY})",
    _HEADINGS,
    day=_DAY,
)
_CREDITS: Final = ("信用卡还款", "还款", "退货", "退款", "费用返还", "返还", "自动还款", "转账还款")


def _bill(sheet: Sheet) -> Draft | None:
    facts = facts_of(sheet, _LABELS)
    dates = dates_of(facts, sent_on=sheet.sent_on)
    if dates.statement_on is None or not (facts.currencies() or facts.word("total_due")):
        return None
    card = first_card(sheet)
    notes: list[Problem] = []
    lines = [_signed(line) for line in lines_of(sheet, _ROWS, near=dates.statement_on, notes=notes)]
    lines = [line if line.card else replace(line, card=card) for line in lines]  # one card per mail
    return Draft(account_bills(facts, dates, (card,) if card else (), level=Level.CARD), lines, notes=notes)


def _signed(line: Line) -> Line:
    """A row above every heading: the first word of its text says whether it is a credit."""
    if line.kind is LineKind.PURCHASE and line.amount > 0 and line.description.startswith(_CREDITS):
        return replace(line, amount=-line.amount, kind=rules.kind_of(line.description, -line.amount))
    return line


BANK: Final = Bank(
    id="bocom",
    name="交通银行",
    senders=("@bocomcc.com",),
    subjects=(r"交通银行.*账单",),
    templates=(("2019-2026", _bill),),
    marks=("交通银行.{0,20}卡", "bocomcc.com"),
    due_rule=rules.DueRule(25, date(2026, 11, 1), "dates printed on bills of 2022 to 2026"),
)
