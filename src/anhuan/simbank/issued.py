"""The words of the card issuers: what happens on a card account, its books between two days, and the bills it sends.

Everything is plain data that goes to JSON and back (`to_json`, `from_json`), so the bank's database keeps it as it is.
Money is in fen (cents for an account in US dollars); days are the bank's own, UTC+8.
"""

from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import TypeVar

import msgspec

from anhuan.kit.errors import Refused

T = TypeVar("T")


class BadEvent(Refused):
    """记账被拒: the bank does not book this on the card account."""

    code = "simbank.bad_event"


class What(StrEnum):
    """What may happen on a card account."""

    CHARGE = "charge"  # 消费
    REFUND = "refund"  # 退货: lowers the bill not yet issued, never the one that is due
    CASH = "cash"  # 取现
    PAYMENT = "payment"  # 还款
    INSTALMENT = "instalment"  # 账单分期: counts as a payment of its principal
    RETURNED = "returned"  # 还款退回 or a booking on the wrong card taken back; `corrects` names the payment


@dataclass(frozen=True, slots=True)
class Event:
    """One booking: its day at the bank, the amount in fen, and what people read beside it."""

    day: date
    what: What
    amount: int
    ref: str = ""
    text: str = ""
    traded: date | None = None  # when the holder bought; the posting day counts for everything
    offer: str = ""  # of an instalment: the offer's id
    corrects: str = ""  # of a return: the payment taken back; of a payment: the booking it puts right (scenario 32)
    should_be: date | None = None  # of a payment that puts another right: the day it ought to have counted


class Kind(StrEnum):
    """What a row of a bill is."""

    CHARGE = "charge"
    SHARE = "share"  # 分期本金及手续费
    LEFT_OPEN = "left_open"  # 容差内未还: what the tolerance left open of the bill before
    CASH = "cash"
    CASH_FEE = "cash_fee"
    REFUND = "refund"
    PAYMENT = "payment"
    INSTALMENT = "instalment"  # the principal that leaves the bill
    RETURNED = "returned"
    INTEREST = "interest"
    LATE_FEE = "late_fee"


@dataclass(frozen=True, slots=True)
class Row:
    """One printed row: a debt is positive, what lowers it negative; fen."""

    posted: date
    kind: Kind
    amount: int
    text: str = ""
    ref: str = ""
    traded: date | None = None
    fee: int = 0  # of a share: how much of it is the fee


@dataclass(slots=True)
class Item:
    """A charge on its way from posting to being settled; `weight` counts fen times days that its open part stood."""

    posted: date
    amount: int
    open: int
    kind: Kind
    weight: int = 0
    days: int = 0


@dataclass(slots=True)
class Taken:
    """An instalment that runs: the shares still to be billed follow from `billed`."""

    principal: int
    periods: int
    fee: int  # fen with each share
    billed: int = 0


@dataclass(slots=True)
class Part:
    """One payment of the cycle and where its money went, for taking it back."""

    ref: str
    amount: int
    fees: int = 0
    interest: int = 0
    principal: int = 0
    cash: int = 0
    items: list[tuple[int, int]] = field(default_factory=list)  # (index of the billed charge, fen)
    beyond: int = 0  # what was more than the bill


@dataclass(slots=True)
class Cycle:
    """The bill now in force and what has come in for it."""

    statement_on: date
    due_on: date
    last_grace_day: date
    balance: int
    minimum: int
    tolerance: int
    credit: int = 0  # to the holder's credit when it was sent
    paid: int = 0
    judged: bool = False
    in_full: bool = False
    missed: bool = False
    late_fee: int = 0
    instalment_taken: bool = False
    parts: list[Part] = field(default_factory=list)


@dataclass(slots=True)
class Account:
    """A card account as the bank keeps it at the end of `through`; one currency, one statement day."""

    bank: str
    card: str
    statement_day: int
    opened_on: date
    through: date  # the last day that is closed
    currency: str = "CNY"
    number: int = 0  # bills issued so far
    fees: int = 0  # billed fees still open; they bear no interest
    interest: int = 0  # the carried balance, in three parts: interest once billed,
    principal: int = 0  # charges of earlier bills,
    cash: int = 0  # and cash advances billed
    billed: list[Item] = field(default_factory=list)  # charges of the bill in force, in order of posting
    unbilled: list[Item] = field(default_factory=list)
    unbilled_cash: int = 0
    unbilled_fees: int = 0
    credit: int = 0  # 溢缴款
    weight: int = 0  # fen times days that bear interest since the last bill
    cycle: Cycle | None = None
    taken: list[Taken] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)  # booked since the last bill
    missed_in_a_row: int = 0
    overdue_since: date | None = None

    @property
    def carried(self) -> int:
        """循环余额: what came over unpaid and bears interest every day, fen."""
        return self.interest + self.principal + self.cash

    @property
    def open_now(self) -> int:
        """What is still open of the bill in force, fen."""
        return self.fees + self.carried + sum(item.open for item in self.billed)

    def apart(self) -> "Account":
        """A copy that lives on by itself."""
        cycle = self.cycle
        if cycle:
            cycle = replace(cycle, parts=[replace(part, items=list(part.items)) for part in cycle.parts])
        return replace(
            self, cycle=cycle, billed=[replace(item) for item in self.billed], rows=list(self.rows),
            unbilled=[replace(item) for item in self.unbilled], taken=[replace(plan) for plan in self.taken],
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Charge:
    """A charge as a bill carries it: what is open of it on the statement day, fen."""

    posted: date
    amount: int
    instalment: bool


@dataclass(frozen=True, slots=True)
class Statement:
    """账单: what the bank prints. `balance` is 本期应还总额, `minimum` 最低还款额, both in fen of `currency`."""

    bank: str
    card: str
    currency: str
    number: int
    statement_on: date
    due_on: date
    last_grace_day: date
    since: date | None  # the statement day before
    previous: int  # the balance of the bill before less what was to the holder's credit then
    balance: int
    minimum: int
    carried: int
    fees: int
    interest: int  # of the cycle that ends, in `carried`
    late_fee: int  # of the cycle that ends, in `fees`
    missing: int  # still missing of the minimum before, in `minimum`
    credit: int  # to the holder's credit
    charges: tuple[Charge, ...]
    rows: tuple[Row, ...]
    last_paid: int = 0  # what counted for the bill before
    last_missed: bool = False


@dataclass(frozen=True, slots=True)
class Ran:
    """How an account stands after some days, and the bills it sent in them."""

    account: Account
    statements: tuple[Statement, ...]


def to_json(value: Account | Statement | Event) -> bytes:
    """The value as JSON, for the bank's database and wire."""
    return msgspec.json.encode(value)


def from_json(text: bytes | str, kind: type[T]) -> T:
    """The value that `to_json` wrote."""
    return msgspec.json.decode(text, type=kind)
