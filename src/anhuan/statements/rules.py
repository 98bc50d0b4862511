"""Decisions of the intake: what a row is, which bills contradict themselves, what a bank's own rule may fill in."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from anhuan.kit import money
from anhuan.statements.model import Bill, Line, LineKind, Problem

MAX_DUE_DAYS: Final = 60  # 免息还款期最长 60 天 (银行卡业务管理办法, article 46, 1999): no bill is due later than that


@dataclass(frozen=True, slots=True)
class DueRule:
    """A bank's days from statement date to due date, with the day it was looked up and its source."""

    days: int
    as_of: date
    source: str


# The first word found decides; the words are what the banks print in 交易摘要.
_WORDS: Final[Sequence[tuple[re.Pattern[str], LineKind]]] = (
    (re.compile("退款|退货|撤销|冲正|返还|返现|退回|现金奖励|冲销|减免|refund", re.I), LineKind.REFUND),
    (
        re.compile("还款|还欠|溢缴款转入|转账|汇入|存款|存现|缴款|代扣|扣款|购汇|payment", re.I),
        LineKind.REPAYMENT,
    ),
    (re.compile("溢缴款转出|溢缴款领回"), LineKind.TRANSFER),
    (re.compile("利息|透支息"), LineKind.INTEREST),
    (
        re.compile(
            "年费|手续费|违约金|滞纳金|会员费|服务费|使用费|工本费|超限费|挂失费|费用|短信费|(?<![a-z])fees?(?![a-z])",
            re.I,
        ),
        LineKind.FEE,
    ),
    (re.compile("取现|预借现金|现金支取|cash advance", re.I), LineKind.CASH_ADVANCE),
    (re.compile(r"分期|\d{1,2}\s*/\s*\d{1,2}\s*期|第\s*\d{1,2}\s*期|instal+ment", re.I), LineKind.INSTALMENT),
)
_ANY_WORD: Final = re.compile("|".join(words.pattern for words, _ in _WORDS), re.I)
_SHARE: Final = (
    re.compile(r"(?<!\d)(\d{1,2})\s*/\s*(\d{1,2})\s*期"),
    re.compile(r"第\s*(\d{1,2})\s*期?\s*[/,，、(（ ]*\s*共\s*(\d{1,2})\s*期"),
    re.compile(r"第\s*(\d{1,2})\s*/\s*(\d{1,2})"),
    re.compile(r"分期.{0,12}?[(（]?(?<!\d)(\d{1,2})\s*/\s*(\d{1,2})(?![\d/])"),
)
_TOTAL_FIRST: Final = re.compile(r"(?:共\s*)?(\d{1,2})\s*期\s*(?:之|[-,，(（ ])*\s*第\s*(\d{1,2})\s*期")


def kind_of(description: str, amount: int, section: LineKind | None = None) -> LineKind:
    """What a row is, by its section of the bill where it has one, its words and its sign."""
    if amount == 0:
        return LineKind.OTHER  # 消费6次免年费: proves a date and moves nothing
    if section is None and not _ANY_WORD.search(description):  # most rows are plain spending
        return LineKind.PURCHASE if amount > 0 else LineKind.REFUND
    if amount < 0:
        if section is LineKind.REPAYMENT and not _WORDS[0][0].search(description):
            return LineKind.REPAYMENT
        named = next((kind for words, kind in _WORDS if words.search(description)), None)
        return LineKind.REPAYMENT if named is LineKind.REPAYMENT else LineKind.REFUND
    if section in {LineKind.FEE, LineKind.INTEREST, LineKind.CASH_ADVANCE}:
        return section
    for words, kind in _WORDS[2:]:  # a positive row is never a repayment, whatever shop's name it bears
        if words.search(description):
            return kind
    return section if section in {LineKind.INSTALMENT, LineKind.PURCHASE} else LineKind.PURCHASE


def instalment_of(description: str) -> tuple[int, int] | None:
    """(10, 12) from 银联分期…/10/12期: the tenth of twelve shares; None where the words name no share."""
    if "期" not in description and "instal" not in description.lower():
        return None
    for shape in _SHARE:
        if share := shape.search(description):
            return _share(share[1], share[2])
    turned = _TOTAL_FIRST.search(description)
    return _share(turned[2], turned[1]) if turned else None


def _share(number: str, of: str) -> tuple[int, int] | None:
    return (int(number), int(of)) if 0 < int(number) <= int(of) and int(of) > 1 else None


def tails_of(lines: Iterable[Line]) -> tuple[str, ...]:
    """The card tails of the rows, each once, in the order of the bill."""
    return tuple(dict.fromkeys(line.card for line in lines if line.card))


def fill_gaps(bill: Bill, rule: DueRule | None) -> Bill:
    """Fill a date that the bill does not print by the bank's own rule, and say so in `inferred`.

    A bill that asks for nothing keeps an empty due date: nothing is due.
    """
    if rule is None:
        return bill
    if bill.due_on is None and bill.statement_on is not None and (bill.total_due or 0) > 0:
        due_on = bill.statement_on + timedelta(days=rule.days)
        return _inferred(replace(bill, due_on=due_on), "due_on", f"{rule.days} days: {rule.source}")
    if bill.statement_on is None and bill.due_on is not None:
        statement_on = bill.due_on - timedelta(days=rule.days)
        return _inferred(replace(bill, statement_on=statement_on), "statement_on", f"{rule.days} days: {rule.source}")
    return bill


def _inferred(bill: Bill, field: str, reason: str) -> Bill:
    return replace(
        bill,
        inferred=(*bill.inferred, field),
        confidence=bill.confidence | {field: 0.6},
        spans=bill.spans | {field: reason},
    )


def contradictions(bill: Bill) -> list[Problem]:
    """Why a bill cannot be true; empty for a bill that may be."""
    found = []
    if bill.statement_on and bill.due_on and bill.due_on < bill.statement_on:
        found.append(Problem("bill.due_before_statement", f"到期还款日 {bill.due_on} 早于账单日 {bill.statement_on}"))
    if bill.statement_on and bill.due_on and bill.due_on > bill.statement_on + timedelta(days=MAX_DUE_DAYS):
        found.append(Problem("bill.due_too_late", f"到期还款日 {bill.due_on} 距账单日超过 {MAX_DUE_DAYS} 天"))
    if bill.cycle_from and bill.cycle_to and bill.cycle_to < bill.cycle_from:
        found.append(Problem("bill.cycle_reversed", f"账单周期 {bill.cycle_from} 至 {bill.cycle_to} 首尾颠倒"))
    if bill.total_due is not None and bill.minimum_due is not None and bill.minimum_due > max(bill.total_due, 0):
        texts = (money.to_text(amount, bill.currency) for amount in (bill.minimum_due, bill.total_due))
        found.append(Problem("bill.minimum_over_total", "最低还款额 {} 大于应还总额 {}".format(*texts)))
    return found


def totals_disagree(
    parts: Iterable[int | None], printed: int | None, what: str, currency: str = "CNY"
) -> list[Problem]:
    """A printed total against the rows it sums; overpaid rows may count as nothing or be set off."""
    known = [part for part in parts if part is not None]
    if printed is None or not known or printed in {sum(known), sum(part for part in known if part > 0)}:
        return []
    texts = money.to_text(sum(known), currency), money.to_text(printed, currency)
    return [Problem("bill.totals_disagree", "{}：各行之和 {} 与合计 {} 不符".format(what, *texts))]
