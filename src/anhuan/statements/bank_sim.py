"""The five fictitious banks of the simulated bank (甲 to 戊): one bill per card and currency, as HTML or as PDF.

Their bills say everything twice, so they are read strictly: every label must be there, and what was brought forward
and the rows must make the total, or nothing is taken. A changed layout is thus seen, never guessed at.
"""

from dataclasses import replace
from typing import Final

from anhuan.kit import money
from anhuan.statements.bill_columns import NAMED_MONEY, YEAR_DAY, draft_of, row, rows_of
from anhuan.statements.bill_labels import LabelBook, facts_of
from anhuan.statements.bill_reader import Bank, Draft, account_bills, dates_of, first_card
from anhuan.statements.bill_rows import SIGNED, RowShape
from anhuan.statements.model import Level, Line, LineKind, Problem
from anhuan.statements.text import Sheet

_LABELS: Final = LabelBook()
_NEEDED: Final = ("账单日", "到期还款日", "本期应还款总额", "本期最低还款额", "卡号")
# What a row of these banks is where its words alone would mislead; an instalment's principal counts as a payment.
_KINDS: Final = {
    "上期账单余额": LineKind.BALANCE, "分期付款 第": LineKind.INSTALMENT, "账单分期转出": LineKind.REPAYMENT,
    "还款退回": LineKind.REPAYMENT,
}  # fmt: skip
_ROWS: Final = RowShape(row("trade post desc amount tail", amount=rf"(?:{NAMED_MONEY}|{SIGNED})"))


def _bill(sheet: Sheet) -> Draft | None:
    """Labels in pairs, above their values or each on a line of its own; rows of five columns."""
    if not all(label in sheet.labels for label in _NEEDED):
        return None
    facts = facts_of(sheet, _LABELS)
    dates = dates_of(facts, sent_on=sheet.sent_on)
    card = first_card(sheet)
    if dates.statement_on is None or dates.due_on is None or card is None or not facts.currencies():
        return None
    lines = [_named(line) for line in rows_of(sheet, _ROWS, dates)]
    bills = account_bills(facts, dates, (card,), level=Level.CARD)
    draft = draft_of(sheet, bills, lines, dates, date=YEAR_DAY)
    for bill in bills:
        counted = sum(line.amount for line in lines if line.currency == bill.currency)
        if counted != bill.total_due:
            said = f"上期余额加明细为 {money.to_text(counted, bill.currency)}，与本期应还款总额不符"
            draft.refused.append(Problem("bill.totals_disagree", said))
    return draft


def _named(line: Line) -> Line:
    kind = next((kind for words, kind in _KINDS.items() if line.description.startswith(words)), line.kind)
    return replace(line, kind=kind)


def _bank(letter: str, name: str, place: str) -> Bank:
    return Bank(
        id=f"sim_{letter}",
        name=name,
        senders=(f"@creditcard.{place}.example",),
        subjects=(rf"{name}信用卡.*账单",),
        templates=(("2026", _bill),),
        marks=(f"{name}信用卡电子账单",),
    )


BANKS: Final = (
    _bank("a", "甲银行", "jia"), _bank("b", "乙银行", "yi"), _bank("c", "丙银行", "bing"), _bank("d", "丁银行", "ding"),
    _bank("e", "戊银行", "wu"),
)  # fmt: skip
