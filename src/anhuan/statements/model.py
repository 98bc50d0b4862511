"""The words of intake: what a reader found in a file, where it stood, and how sure it is.

Signs everywhere in this room: spending, fees and interest are positive, repayments and refunds negative, in minor units
of the row's currency; on a debit account or wallet, money that goes out is positive too.
"""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from anhuan.kit.errors import Refused

# Words whose middles differ by no more points stand on one line: less than half of the smallest print of a bill.
_SAME_LINE = 2.5


class FileKind(StrEnum):
    """What a file is: a card bill, a bank's daily card mail, rows of a card, account or wallet, or not known."""

    BILL = "bill"
    DAILY = "daily"
    STATEMENT = "statement"
    UNKNOWN = "unknown"


class LineKind(StrEnum):
    """What a row is: the word decides whether it is spending, and a repayment is a transfer, never income."""

    PURCHASE = "purchase"  # 消费
    REFUND = "refund"  # 退款, 退货
    REPAYMENT = "repayment"  # 还款: a transfer between the person's own pockets
    INSTALMENT = "instalment"  # 分期: one share of an instalment plan
    CASH_ADVANCE = "cash_advance"  # 取现
    FEE = "fee"  # 年费, 手续费, 违约金
    INTEREST = "interest"  # 利息
    TRANSFER = "transfer"  # 转账, 充值, 提现: neither spending nor income
    INCOME = "income"  # 收入 on a debit account or wallet
    BALANCE = "balance"  # a printed opening or closing balance, not a movement: kept, never counted
    OTHER = "other"


class Level(StrEnum):
    """Whether the printed amount is for the account (all its cards) or for one card; never sum the two."""

    ACCOUNT = "account"
    CARD = "card"


class Source(StrEnum):
    """What kind of pocket the rows belong to."""

    CARD = "card"
    ACCOUNT = "account"
    WALLET = "wallet"


@dataclass(frozen=True, slots=True)
class Bill:
    """One bill as printed, in one currency; None means the file does not print it.

    `inferred` names the fields that a rule filled in; `confidence` is 0 to 1 by field name, `spans` tells by field name
    where in the source the value stood (a quote of it, a cell, a page and position).
    """

    currency: str
    total_due: int | None
    minimum_due: int | None = None
    statement_on: date | None = None
    due_on: date | None = None
    cards: tuple[str, ...] = ()
    credit_limit: int | None = None
    level: Level = Level.CARD
    cycle_from: date | None = None
    cycle_to: date | None = None
    inferred: tuple[str, ...] = ()
    confidence: dict[str, float] = field(default_factory=dict)
    spans: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a bill, an export or a daily mail (账单明细)."""

    posted_on: date | None
    traded_on: date | None
    description: str
    amount: int
    currency: str = "CNY"
    card: str | None = None  # last digits, None where not printed or 0000
    kind: LineKind = LineKind.OTHER
    span: str = ""  # where it stood: "row 12", "p2 y314"
    reference: str | None = None  # the bank's or wallet's own order number
    counterparty: str | None = None
    paid_with: str | None = None  # wallets: 收/付款方式, the link to the card row, e.g. 中国银行信用卡(1875)
    original: tuple[int, str] | None = None  # amount and currency of the trade, where it differs
    instalment: tuple[int, int] | None = None  # (10, 12): the tenth of twelve shares
    balance: int | None = None  # running balance after the row, where printed
    account: str | None = None  # masked, only where one file holds the rows of several accounts
    valued_on: date | None = None  # value date (起息日) of an account row, where printed


@dataclass(frozen=True, slots=True)
class Balance:
    """A balance that a statement prints beside its rows: what the bank holds for the person, so a debt is negative."""

    code: str  # opening, closing, available, interim, forward, information
    amount: int
    currency: str
    on: date | None = None
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a PDF page with its box in points, the origin at the upper left."""

    text: str
    x0: float
    x1: float
    top: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a PDF's text layer: its size in points and its words in reading order."""

    number: int
    width: float
    height: float
    words: tuple[Word, ...] = ()

    @property
    def text(self) -> str:
        """The page as lines of text: words whose middles lie on one height, from left to right."""
        return "\n".join(" ".join(word.text for word in line) for line in self.lines())

    def lines(self) -> list[list[Word]]:
        """The words by visual line, from the top, each line from left to right."""
        found: list[list[Word]] = []
        for word in sorted(self.words, key=lambda one: ((one.top + one.bottom) / 2, one.x0)):
            middle = (word.top + word.bottom) / 2
            if found and abs(middle - (found[-1][0].top + found[-1][0].bottom) / 2) <= _SAME_LINE:
                found[-1].append(word)
            else:
                found.append([word])
        return [sorted(line, key=lambda one: one.x0) for line in found]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong or open, with a stable code (`bill.due_before_statement`) and a sentence for people."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Reading:
    """All that one file says. Refused bills are not in `bills` but in `problems`."""

    kind: FileKind
    bank: str | None = None  # id of the bank or wallet: cmb, icbc, alipay, ...
    bills: tuple[Bill, ...] = ()
    lines: tuple[Line, ...] = ()
    problems: tuple[Problem, ...] = ()
    reader: str = ""  # which reader met it, e.g. "cmb"
    template: str = ""  # and which version of the bank's layout, e.g. "2026"
    source: Source = Source.CARD
    account: str | None = None  # masked account or wallet name of an export
    complete: bool = True  # False: rows are known to be missing (a daily mail, a summary-only bill)
    balances: tuple[Balance, ...] = ()


class Unreadable(Refused):
    """无法读取: the file is broken, too large, locked, or hostile; nothing of it was stored."""

    code = "file.unreadable"


class NeedsPassword(Unreadable):
    """需要密码: a PDF or ZIP is locked; the password is asked for, used and forgotten."""

    code = "file.needs_password"


class TooLarge(Unreadable):
    """文件过大: over the size, time or unpacking limit."""

    code = "file.too_large"


class NeedsMapping(Refused):
    """需要指定列: a table whose columns nobody knows yet; the user maps them once."""

    code = "file.needs_mapping"
