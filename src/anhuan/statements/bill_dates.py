"""Dates that stand elsewhere than beside a label: in a sentence, in a title, or as a rule of the month."""

import re
from calendar import monthrange
from dataclasses import replace
from datetime import date, timedelta
from typing import Final, Literal, get_args

from anhuan.statements.bill_reader import Dates
from anhuan.statements.model import Bill
from anhuan.statements.text import DATE, Sheet, date_of

Named = Literal["statement_on", "due_on", "cycle_from", "cycle_to"]
_SUBJECT: Final = re.compile(r"(?P<year>20\d\d)\s*年\s*(?P<month>\d{1,2})\s*月")
_TITLE: Final = re.compile(r"对账单\s*\(\s*(?P<year>20\d\d)\s*[年/.-]\s*(?P<month>\d{1,2})\s*(?:月份?)?\s*\)")
_EVERY: Final = re.compile(r"每月\s*(?P<day>[1-9]|[12]\d|3[01])\s*[日号]")
_DAY: Final = re.compile(r"账单日[^\d\n]{0,20}\s*(?P<day>[1-9]|[12]\d|3[01])(?![\d/.年-])\s*[日号]?")
_CYCLE: Final = re.compile(rf"(?P<begin>{DATE})\s*(?:至|到|-+)\s*(?P<end>{DATE})\s*的?\s*信用卡账户变")
_LATEST: Final = re.compile(rf"最[晚迟]\s*于\s*(?P<due>{DATE})")
# The shortest time from statement to due date on any bill known is 16 days (PAB, 2021): ten are surely within it.
_SHORTEST: Final = timedelta(days=10)
RULE: Final = "rule of the month: "


def dated(dates: Dates, field: Named, value: date | None, span: str, confidence: float = 0.95) -> Dates:
    """The same dates with one more, unless it is known already."""
    if value is None or getattr(dates, field) is not None:
        return dates
    days = {name: getattr(dates, name) for name in get_args(Named)} | {field: value}
    return Dates(**days, confidence=dates.confidence | {field: confidence}, spans=dates.spans | {field: span})


def by_sentence(sheet: Sheet, dates: Dates) -> Dates:
    """特为您呈上…至…信用卡账户变动情况。您最晚于…还款: the cycle, whose end is the statement date, and the due date."""
    if cycle := _CYCLE.search(sheet.text):
        span = sheet.printed(*cycle.span())
        dates = dated(dates, "cycle_from", date_of(cycle["begin"]), span)
        dates = dated(dates, "cycle_to", date_of(cycle["end"]), span)
        dates = dated(dates, "statement_on", date_of(cycle["end"]), span)
    if latest := _LATEST.search(sheet.text):
        dates = dated(dates, "due_on", date_of(latest["due"]), sheet.printed(*latest.span()))
    return dates


def by_month_rule(sheet: Sheet, dates: Dates) -> Dates:
    """对账单(2026/08) or the subject's month with 账单日 每月19日: the statement date from month and day.

    A day that the month does not have is its last. Where no month is named, it is the last such day before the due date
    that leaves at least the ten days which no bank undercuts.
    """
    day = _EVERY.search(sheet.labels) or _DAY.search(sheet.labels)
    if day is None:
        return dates
    title = _TITLE.search(sheet.text) or _SUBJECT.search(sheet.subject)
    if title is not None and 1 <= int(title["month"]) <= 12:
        value = _day_in(int(title["year"]), int(title["month"]), int(day["day"]))
        return dated(dates, "statement_on", value, f"{RULE}{' '.join(title[0].split())} {day[0]}", 0.9)
    if dates.due_on is None:
        return dates
    latest = dates.due_on - _SHORTEST
    months = [(latest.year, latest.month), (latest.year - (latest.month == 1), (latest.month - 2) % 12 + 1)]
    value = max(one for one in (_day_in(*month, int(day["day"])) for month in months) if one <= latest)
    return dated(dates, "statement_on", value, f"{RULE}{day[0]}", 0.7)


def _day_in(year: int, month: int, day: int) -> date:
    return date(year, month, min(day, monthrange(year, month)[1]))


def by_rule_marked(bills: list[Bill]) -> list[Bill]:
    """Bills whose statement date came from a rule of the month say so in `inferred`."""
    return [
        replace(bill, inferred=(*bill.inferred, "statement_on"))
        if bill.spans.get("statement_on", "").startswith(RULE)
        else bill
        for bill in bills
    ]
