"""The words of a printed bill, finished text as every layout takes it."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Arrangement(StrEnum):
    """Where the labels of a bill stand."""

    PAIRS = "pairs"  # a label and its value side by side
    COLUMNS = "columns"  # a row of labels above a row of values
    BLOCK = "block"  # each on a line of its own


@dataclass(frozen=True, slots=True)
class Face:
    """How one bank's bills look."""

    arrangement: Arrangement
    day: str  # how days are written
    pdf_in_mail: bool = False  # the mail carries the bill as a PDF


@dataclass(frozen=True, slots=True)
class Printed:
    """One bill in words; amounts are text, debts positive."""

    bank_zh: str
    domain: str
    holder: str
    mailbox: str
    card: str
    number: int
    statement_on: date
    due_on: date
    since: date | None
    currency: str
    total_due: str
    minimum_due: str
    credit_limit: str
    rows: tuple[tuple[date, date, str, str, str], ...]  # traded, posted, words, amount, last four digits

    @property
    def title(self) -> str:
        """信用卡电子账单 of the month."""
        return f"{self.bank_zh}信用卡电子账单（{self.statement_on:%Y年%m月}）"

    def head(self, face: Face) -> list[tuple[str, str]]:
        """Labels and values of the head."""
        shown = [
            ("账单日", self.statement_on.strftime(face.day)),
            ("到期还款日", self.due_on.strftime(face.day)),
            ("本期应还款总额", self.total_due),
            ("本期最低还款额", self.minimum_due),
        ]
        return [*shown, ("信用额度", self.credit_limit)] if self.credit_limit else shown


def in_words(day: date) -> str:
    """A day as the changed layout writes it: 五月六日, no digits and no year (scenario 35)."""
    return f"{_numeral(day.month)}月{_numeral(day.day)}日"


def _numeral(number: int) -> str:
    tens, ones = divmod(number, 10)
    return f"{_DIGITS[tens] if tens > 1 else ''}{'十' if tens else ''}{_DIGITS[ones] if ones else ''}"


_DIGITS = "零一二三四五六七八九"
COLUMNS = ("交易日", "记账日", "交易摘要", "入账金额", "卡号末四位")
