"""广发银行: one row per card and currency; the kind of a row stands in brackets. One template, as mail or as PDF."""

import re
from dataclasses import replace
from datetime import date
from typing import Final

from anhuan.statements import rules
from anhuan.statements.bill_columns import YEAR_DAY, draft_of, rows_of, up_to
from anhuan.statements.bill_dates import dated
from anhuan.statements.bill_labels import Fact, Facts, LabelBook, facts_of
from anhuan.statements.bill_reader import Bank, Dates, Draft, account_bills, dates_of
from anhuan.statements.bill_rows import SIGNED, Heading, RowShape
from anhuan.statements.model import Bill, Level, Line, LineKind
from anhuan.statements.text import CURRENCIES, CURRENCY, DATE, Sheet, amount_of, date_of, tail_of

_LABELS: Final = LabelBook({"other": ("卡片消费额度", "存款")})
_NUMBER: Final = r"(?:-\s*)?\d[\d,]*(?:\.\d{1,2})?"
_LIMIT: Final = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d\d)?|\d+\.\d\d|\d{5,8})"  # four digits may be the card of the next row
_PLAIN: Final = rf"(?:[\xa5$]\s*)?{SIGNED}"
_TAILS: Final = r"(?P<card>\d{4})(?: ?附 ?\)?)?(?P<more>(?:[\s(/]{1,4}\d{4}(?![\d.,/-])(?: ?附)?(?: ?\))?){0,8})"
# 1119（6736附）/: the card, and the supplementary cards whose rows it pays. 无欠款 stands in place of the amounts.
_CARD_ROW: Final = re.compile(
    rf"(?<![\d*./-]){_TAILS}\s*/?\s+(?:(?P<total>{_PLAIN})\s+(?P<minimum>{_PLAIN}|无欠款)|无欠款(?:\s+无欠款){{0,2}})\s+"
    rf"(?:(?P<due>{DATE})\s+|(?:-+|无)\s+)?(?P<cur>{CURRENCY})"
    rf"(?:\s+(?P<deposit>{SIGNED})(?:\s+(?P<limit>{_LIMIT})(?![\d/-]))?)?"
)
_TAIL: Final = re.compile(r"(?:卡号末四位|末四位|尾号)\s*:?\s*(\d{4})(?!\d)")

_PAIR: Final = rf"{YEAR_DAY}\s+{YEAR_DAY}"
_DETAILS: Final = r"卡号\s*:\s*\d{4}[\d* ]*\*\s*\d{4}"
_ROWS: Final = RowShape(
    rf"(?P<trade>{YEAR_DAY})\s+(?P<post>{YEAR_DAY})\s+(?P<desc>\S(?:(?!\s{_PAIR}).){{0,160}}?)"
    rf"\s+(?:(?P<orig>{_NUMBER})\s*(?P<orig_cur>{CURRENCY})\s+)?(?P<amount>{SIGNED})(?!\s+{SIGNED})"
    rf"(?:\s+(?P<cur>{CURRENCY}))?",
    {_DETAILS: Heading(card=True)},
)
_DETAILS_BEGIN: Final = re.compile(_DETAILS)
_BRACKET: Final = re.compile(r"^[(（]\s*(?P<kind>[\u4e00-\u9fff]{2,6})\s*[)）]")
_KINDS: Final = {
    "消费": LineKind.PURCHASE, "退款": LineKind.REFUND, "退货": LineKind.REFUND, "赠送": LineKind.REFUND,
    "还款": LineKind.REPAYMENT, "分期": LineKind.INSTALMENT, "费用": LineKind.FEE, "利息": LineKind.INTEREST,
    "取现": LineKind.CASH_ADVANCE,
}  # fmt: skip
_CREDITS: Final = frozenset({LineKind.REFUND, LineKind.REPAYMENT})


def _bill_2023(sheet: Sheet) -> Draft | None:
    """2023 to 2026, as mail or as PDF: 账单周期 in three ways of writing, a row per card and currency."""
    facts = facts_of(sheet, _LABELS)
    dates = dates_of(facts, sent_on=sheet.sent_on)
    if dates.statement_on is None:
        return None
    lines = [_by_bracket(line) for line in rows_of(sheet, _ROWS, dates)]
    bills = _of_cards(sheet, dates) or _of_labels(sheet, facts, dates)
    everyone = {card for bill in bills for card in bill.cards}
    if len(everyone) == 1:  # without headings the rows are those of the only card there is
        lines = [line if line.card else replace(line, card=min(everyone)) for line in lines]
    return draft_of(sheet, bills, lines, dates) if bills else None


def _of_cards(sheet: Sheet, dates: Dates) -> list[Bill]:
    seen: dict[tuple[tuple[str, ...], str], Bill] = {}
    for met in _CARD_ROW.finditer(up_to(sheet, _DETAILS_BEGIN).text):
        currency = CURRENCIES[met["cur"]]
        tails = [tail_of(digits) for digits in (met["card"], *re.findall(r"\d{4}", met["more"]))]
        cards = tuple(dict.fromkeys(tail for tail in tails if tail))
        span = sheet.printed(*met.span())
        own = dated(replace(dates, due_on=None), "due_on", date_of(met["due"] or ""), span)
        amounts = {name: _owed(met[name], currency) for name in ("total", "minimum")}
        limit = amount_of(met["limit"] or "", currency) if currency == "CNY" else None
        bill = Bill(
            currency=currency,
            total_due=amounts["total"],
            minimum_due=amounts["minimum"],
            statement_on=own.statement_on,
            due_on=own.due_on,
            cards=cards,
            credit_limit=limit.minor if limit else None,
            level=Level.CARD,
            cycle_from=own.cycle_from,
            cycle_to=own.cycle_to,
            confidence=own.confidence | {"total_due": 0.95, "minimum_due": 0.95},
            spans=own.spans | {"total_due": span, "minimum_due": span},
        )
        seen.setdefault((cards, currency), bill)
    return list(seen.values())


def _owed(words: str | None, currency: str) -> int:
    """无欠款 says that nothing is owed."""
    amount = amount_of(words or "", currency)
    return amount.minor if amount else 0


def _of_labels(sheet: Sheet, facts: Facts, dates: Dates) -> list[Bill]:
    """A bill that puts the values of its one card beside their labels."""
    tail = _TAIL.search(sheet.labels)
    cards = tuple(one for one in [tail_of(tail[1]) if tail else None] if one)
    if not facts.currencies() and (nothing := re.search(r"[^\s,。]{0,10}无欠款", sheet.text)):
        facts = Facts([Fact("total_due", "无欠款", None, nothing[0], 0.8)])
    return account_bills(facts, dates, cards, level=Level.CARD if cards else Level.ACCOUNT)


def _by_bracket(line: Line) -> Line:
    """The bracket at the head of the description decides what the row is: （还款）手机银行还款."""
    met = _BRACKET.match(line.description)
    kind = _KINDS.get(met["kind"]) if met else None
    if kind is None or not line.amount:
        return line
    if kind in _CREDITS:
        return replace(line, kind=kind, amount=-abs(line.amount))
    # 消费 below nothing is a purchase taken back; what the words say of a charge is finer than the bracket.
    if line.amount < 0 or (kind in {LineKind.PURCHASE, LineKind.FEE} and line.kind is LineKind.INTEREST):
        return line
    return replace(line, kind=kind)


BANK: Final = Bank(
    id="cgb",
    name="广发银行",
    senders=("@cgbchina.com.cn",),
    subjects=(r"广发.*(?:信用卡|卡).*账单", r"广发.*电子账单"),
    templates=(("2023", _bill_2023),),
    marks=("广发(?:银行)?信用卡", r"cgbchina\.com"),
    due_rule=rules.DueRule(20, date(2026, 11, 1), "dates printed on bills of 2023 to 2026"),
)
