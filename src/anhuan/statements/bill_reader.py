"""A bank's reader is data plus a little code: who sends the bill, how each version looks, what the bank's rules are.

`read_bill` tries the bank's templates, newest first, fills the gaps that the bank's own rules fill, and refuses what
contradicts itself.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Final, NamedTuple

from anhuan.statements import rules
from anhuan.statements.bill_labels import Fact, Facts
from anhuan.statements.model import Bill, FileKind, Level, Line, Problem, Reading
from anhuan.statements.rules import DueRule
from anhuan.statements.text import DATE, MASKED, MONEY, PERIOD, Sheet, amount_of, date_of, due_date_of, tail_of


@dataclass
class Draft:
    """What a template found in a sheet, before it is checked; `problems` refuse the bills of their currency or all."""

    bills: list[Bill] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    refused: list[Problem] = field(default_factory=list)  # contradictions between several numbers of the mail
    notes: list[Problem] = field(default_factory=list)
    complete: bool = True
    kind: FileKind = FileKind.BILL


# 信用卡账单分期 7 折 is advertising; 电子账单--账单分期最高送… is a bill with advertising in its subject.
_ADVERT: Final = re.compile("分期|优惠|活动|抽奖|[有好]礼|立减|满减|福利|特权|兑换")
_STATEMENT: Final = re.compile("电子账单|对账单|月结单|合并账单")

Template = Callable[[Sheet], Draft | None]


@dataclass(frozen=True)
class Bank:
    """One bank: its two gates (sender and subject), the marks of its HTML, its templates newest first."""

    id: str
    name: str
    senders: tuple[str, ...]  # full addresses, or "@domain" for any address of it
    subjects: tuple[str, ...]  # patterns, searched in the subject without Fwd:
    templates: tuple[tuple[str, Template], ...]
    marks: tuple[str, ...] = ()  # words that only this bank's bill has, for mails whose sender is lost
    due_rule: DueRule | None = None
    others: tuple[tuple[str, tuple[tuple[str, Template], ...]], ...] = ()  # (subject pattern, templates) of other mail

    def sends_as(self, address: str) -> bool:
        """Whether the address is one of the bank's, or of a host below one of its domains."""
        address = address.lower()
        return any(
            address.endswith((sender, "." + sender[1:])) if sender[0] == "@" else address == sender
            for sender in self.senders
        )

    def templates_for(self, subject: str) -> tuple[tuple[str, Template], ...]:
        """The templates that a subject calls for; none for the bank's advertising."""
        for pattern, templates in self.others:
            if re.search(pattern, subject):
                return templates
        if _ADVERT.search(subject) and not _STATEMENT.search(subject):
            return ()
        return self.templates if any(re.search(pattern, subject) for pattern in self.subjects) else ()


def read_bill(bank: Bank, sheet: Sheet, templates: Sequence[tuple[str, Template]] | None = None) -> Reading | None:
    """Read a sheet by the first template that meets it; None when none does."""
    for name, template in bank.templates if templates is None else templates:
        draft = template(sheet)
        if draft is not None:
            return _finished(bank, name, draft)
    return None


def _finished(bank: Bank, template: str, draft: Draft) -> Reading:
    """Fill gaps, refuse contradictions; rows of a mail whose bills are all refused are refused with them."""
    problems = list(draft.refused)
    accepted = []
    for bill in draft.bills:
        filled = _end_of_cycle_marked(rules.fill_gaps(bill, bank.due_rule))
        wrong = rules.contradictions(filled)
        problems += wrong
        if not wrong and not draft.refused:
            accepted.append(filled)
    lost = bool(draft.bills) and not accepted
    return Reading(
        kind=draft.kind,
        bank=bank.id,
        bills=tuple(accepted),
        lines=() if lost else tuple(draft.lines),
        problems=tuple(dict.fromkeys([*problems, *draft.notes])),
        reader=bank.id,
        template=template,
        complete=draft.complete and not lost,
    )


def _end_of_cycle_marked(bill: Bill) -> Bill:
    """A statement date read where the cycle stands is not printed by itself: sure by the bank's habit, yet inferred."""
    place = bill.spans.get("statement_on")
    if place is None or place != bill.spans.get("cycle_to") or "statement_on" in bill.inferred:
        return bill
    return replace(bill, inferred=(*bill.inferred, "statement_on"))


# --- dates --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Dates:
    """The dates of a bill with their spans; a field that is not printed is missing from both."""

    statement_on: date | None = None
    due_on: date | None = None
    cycle_from: date | None = None
    cycle_to: date | None = None
    confidence: dict[str, float] = field(default_factory=dict)
    spans: dict[str, str] = field(default_factory=dict)

    @property
    def any(self) -> bool:
        """Whether the bill can be placed in time at all."""
        return self.statement_on is not None or self.due_on is not None


_ONE_DATE: Final = re.compile(DATE)


def period_of(words: str) -> tuple[date | None, date | None]:
    """First and last day of a cycle; the last may lack its year."""
    first = _ONE_DATE.match(words)
    if first is None:
        return None, None
    begin = date_of(first[0])
    rest = words[first.end() :].lstrip(" -至到~\n\r\t")
    return begin, due_date_of(rest, begin)


def dates_of(facts: Facts, *, sent_on: date | None = None) -> Dates:
    """The dates beside the labels; the statement date of a bill that prints none is the last day of its cycle."""
    confidence: dict[str, float] = {}
    spans: dict[str, str] = {}
    begin = end = None
    if cycle := facts.word("cycle"):
        begin, end = period_of(cycle.text)
        _note("cycle_from", begin, cycle, confidence, spans)
        _note("cycle_to", end, cycle, confidence, spans)
    statement = facts.word("statement_on")
    statement_on = date_of(statement.text, end or sent_on) if statement and "每月" not in statement.text else None
    _note("statement_on", statement_on, statement, confidence, spans)
    if statement_on is None and end is not None and cycle:
        statement_on = end
        _note("statement_on", end, cycle, confidence, spans, at_most=0.95)
    due = facts.word("due_on")
    due_on = due_date_of(due.text, statement_on or sent_on) if due else None
    _note("due_on", due_on, due, confidence, spans)
    return Dates(statement_on, due_on, begin, end, confidence, spans)


def _note(
    name: str,
    value: date | None,
    fact: Fact | None,
    confidence: dict[str, float],
    spans: dict[str, str],
    *,
    at_most: float = 1.0,
) -> None:
    if value is not None and fact is not None:
        confidence[name] = min(fact.confidence, at_most)
        spans[name] = fact.span


# --- summaries without labels -------------------------------------------------------------------------------------

_PIECES: Final = {
    "cycle": rf"(?P<cycle>{PERIOD})\s*(?:\([^()\n]{{1,6}}\))?",
    "statement_on": rf"(?P<statement_on>{DATE})",
    "due_on": rf"(?P<due_on>{DATE})",
    "credit_limit": rf"(?P<credit_limit>{MONEY})",
    "total_due": rf"(?P<total_due>{MONEY})",
    "minimum_due": rf"(?P<minimum_due>{MONEY})",
}


@dataclass(frozen=True)
class Run:
    """Values that stand one behind the other in a known order, with nothing but white space between."""

    fields: tuple[str, ...]
    before: str = ""  # a pattern of the words that must stand before the first value

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The run as one pattern with a group for each field."""
        return re.compile(self.before + r"\s*".join(_PIECES[name] for name in self.fields))

    def facts(self, sheet: Sheet) -> Facts | None:
        """The values of the first such run; None where the sheet has none."""
        match = self.pattern.search(sheet.text)
        if match is None:
            return None
        span = sheet.printed(*match.span())
        found = []
        for name, words in match.groupdict().items():
            amount = amount_of(words) if name in {"credit_limit", "total_due", "minimum_due"} else None
            found.append(Fact(name, words, amount, span, 0.95))
        return Facts(found)


# --- bills --------------------------------------------------------------------------------------------------------


def account_bills(
    facts: Facts, dates: Dates, cards: tuple[str, ...], *, level: Level = Level.ACCOUNT, flip: bool = False
) -> list[Bill]:
    """One bill per currency whose total due is printed, for the whole account (or for the one card of the mail)."""
    bills = []
    currencies = facts.currencies()
    if not currencies and (word := facts.word("total_due")) and re.search("无欠款|无需还款", word.text):
        currencies = ["CNY"]  # nothing is owed, and said so in words
    for currency in currencies:
        confidence, spans = dict(dates.confidence), dict(dates.spans)
        amounts: dict[str, int | None] = {}
        for name in ("total_due", "minimum_due", "credit_limit"):
            fact = facts.money(name, currency)
            amounts[name] = None
            if fact is not None and fact.amount is not None:
                turned = flip and name != "credit_limit" and fact.amount.minor != 0
                amounts[name] = -fact.amount.minor if turned else fact.amount.minor
                confidence[name], spans[name] = fact.confidence, fact.span
        if amounts["total_due"] is None:
            amounts["total_due"] = 0
            confidence["total_due"], spans["total_due"] = (
                0.9,
                (facts.word("total_due") or Fact("", "", None, "", 0)).span,
            )
        bills.append(
            Bill(
                currency=currency,
                total_due=amounts["total_due"],
                minimum_due=amounts["minimum_due"],
                statement_on=dates.statement_on,
                due_on=dates.due_on,
                cards=cards,
                credit_limit=amounts["credit_limit"],
                level=level,
                cycle_from=dates.cycle_from,
                cycle_to=dates.cycle_to,
                confidence=confidence,
                spans=spans,
            )
        )
    return bills


class CardRow(NamedTuple):
    """One row of a table of cards: what this card owes in this currency."""

    card: str | None
    currency: str
    total_due: int | None
    minimum_due: int | None
    credit_limit: int | None = None
    span: str = ""


def card_bills(rows: Iterable[CardRow], dates: Dates, *, confidence: float = 0.95) -> list[Bill]:
    """One bill per row, in the order of the table; a row that repeats card and currency counts once."""
    seen: dict[tuple[str | None, str], Bill] = {}
    for row in rows:
        amounts = {"total_due": row.total_due, "minimum_due": row.minimum_due, "credit_limit": row.credit_limit}
        printed = [name for name, amount in amounts.items() if amount is not None]
        seen.setdefault(
            (row.card, row.currency),
            Bill(
                currency=row.currency,
                total_due=row.total_due,
                minimum_due=row.minimum_due,
                statement_on=dates.statement_on,
                due_on=dates.due_on,
                cards=(row.card,) if row.card else (),
                credit_limit=row.credit_limit,
                level=Level.CARD,
                cycle_from=dates.cycle_from,
                cycle_to=dates.cycle_to,
                confidence=dates.confidence | dict.fromkeys(printed, confidence),
                spans=dates.spans | dict.fromkeys(printed, row.span),
            ),
        )
    return list(seen.values())


_MASKED: Final = re.compile(MASKED)


def first_card(sheet: Sheet, end: int | None = None) -> str | None:
    """The tail of the first masked card number of the sheet."""
    match = _MASKED.search(sheet.text, 0, len(sheet.text) if end is None else end)
    return tail_of(match[0]) if match else None


def less_sure(reading: Reading, factor: float, *problems: Problem) -> Reading:
    """The same reading with every confidence lowered, for mail whose sender is lost."""
    bills = tuple(
        replace(bill, confidence={name: round(sure * factor, 3) for name, sure in bill.confidence.items()})
        for bill in reading.bills
    )
    return replace(reading, bills=bills, problems=(*reading.problems, *problems))
