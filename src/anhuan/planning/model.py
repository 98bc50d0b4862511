"""The words of planning: what is asked, what is answered, and the refusals. Money is fen, rates are exact fractions.

Days are ordinals (`date.toordinal`): the arithmetic of planning is whole days and whole fen, nothing else.
"""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from fractions import Fraction

from anhuan.kit.errors import Refused


class BadRequest(Refused):
    """请求有误: the request cannot be planned; the message says why and `field` says where."""

    code = "plan.bad_request"


class BadPlan(Refused):
    """方案不可行: a plan breaks a rule of the request (money, limits, dates)."""

    code = "plan.not_allowed"


class Basis(StrEnum):
    """On what interest is charged when a bill is not paid in full (planning.md, rule 3)."""

    FULL = "full"
    UNPAID = "unpaid"


class Status(StrEnum):
    """Whether the plan is proved cheapest, only the best found in time, or short of a minimum that no plan can keep."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    SHORTFALL = "shortfall"


@dataclass(frozen=True, slots=True)
class Account:
    """The user's own money: what it holds on the first day and what should stay on it."""

    id: str
    balance: int
    reserve: int = 0


@dataclass(frozen=True, slots=True)
class Flow:
    """Income (positive) or other spending (negative) that an account expects."""

    account: str
    day: int
    amount: int


@dataclass(frozen=True, slots=True)
class Channel:
    """A way for money to reach cards: delay, fee above a monthly free quota, limits (0 means none)."""

    id: str
    accounts: tuple[str, ...]
    cards: tuple[str, ...]
    lead_days: int = 0
    workdays_only: bool = False
    fee_rate: Fraction = Fraction(0)
    free_quota: int = 0
    fee_minimum: int = 0
    per_payment_min: int = 0
    per_payment_max: int = 0
    per_day_max: int = 0
    payments_per_month: int = 0


@dataclass(frozen=True, slots=True)
class Charge:
    """A purchase or an instalment share, from its posting day on."""

    posted: int
    amount: int
    instalment: bool = False


@dataclass(frozen=True, slots=True)
class Credit:
    """Money credited to a card on a day."""

    day: int
    amount: int


@dataclass(frozen=True, slots=True)
class Statement:
    """One bill: the first of a card is issued and printed, the later ones are expected."""

    day: int
    due: int
    charges: tuple[Charge, ...] = ()
    carried: int = 0
    fees: int = 0
    minimum: int = 0
    paid: tuple[Credit, ...] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """A bank's offer to pay a part of one bill in instalments (账单分期)."""

    id: str
    statement: int
    periods: int
    fee_rate: Fraction
    minimum: int
    maximum: int


@dataclass(frozen=True, slots=True)
class Card:
    """A billed account with its terms, its statements in order, and the offers the bank made."""

    id: str
    statements: tuple[Statement, ...]
    daily_rate: Fraction
    basis: Basis = Basis.FULL
    grace_days: int = 0
    tolerance: int = 0
    late_tolerance: int = 0
    minimum_rate: Fraction = Fraction(0)
    late_fee_rate: Fraction = Fraction(0)
    late_fee_minimum: int = 0
    offers: tuple[Offer, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """A credit line the user has been offered by a lender: never a card's own limit."""

    id: str
    account: str
    available: int
    daily_rate: Fraction


@dataclass(frozen=True, slots=True)
class Request:
    """Everything one plan rests on; day 0 is `as_of`, the last day is `last`."""

    as_of: int
    last: int
    terminal_days: int
    missed_minimum_cost: int
    accounts: tuple[Account, ...]
    cards: tuple[Card, ...]
    flows: tuple[Flow, ...] = ()
    channels: tuple[Channel, ...] = ()
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment from an own account to an own card; `fee` leaves the account beside the amount."""

    day: int
    account: str
    channel: str
    card: str
    amount: int
    fee: int = 0
    credited: int = 0


@dataclass(frozen=True, slots=True)
class Taken:
    """An instalment offer taken for a principal."""

    offer: str
    principal: int


@dataclass(frozen=True, slots=True)
class Move:
    """A draw on a line, or a repayment of it."""

    line: str
    day: int
    amount: int


@dataclass(frozen=True, slots=True)
class Legs:
    """All that a plan does: there is no leg that charges a card."""

    payments: tuple[Payment, ...] = ()
    instalments: tuple[Taken, ...] = ()
    draws: tuple[Move, ...] = ()
    line_repayments: tuple[Move, ...] = ()


@dataclass(frozen=True, slots=True)
class Breakdown:
    """What a plan costs, by kind, in fen."""

    interest: int = 0
    late_fees: int = 0
    instalment_fees: int = 0
    channel_fees: int = 0
    line_interest: int = 0
    missed_minimums: int = 0
    terminal: int = 0

    @property
    def total(self) -> int:
        """The cost of the plan."""
        return (
            self.interest
            + self.late_fees
            + self.instalment_fees
            + self.channel_fees
            + self.line_interest
            + self.missed_minimums
            + self.terminal
        )


@dataclass(frozen=True, slots=True)
class Missed:
    """A minimum the plan does not keep: `more` fen on the account by `by` would save it (None: no money can)."""

    card: str
    statement: int
    due: int
    minimum: int
    paid: int
    more: int | None
    by: int | None


@dataclass(frozen=True, slots=True)
class Plan:
    """The answer: legs, cost to the fen, the proved lower bound, and what could not be kept."""

    status: Status
    legs: Legs
    breakdown: Breakdown
    lower_bound: int
    missed: tuple[Missed, ...] = ()
    warnings: tuple[str, ...] = ()
    method: str = "program"

    @property
    def cost(self) -> int:
        """The cost of the plan in fen, as the simulator of the rules adds it."""
        return self.breakdown.total


@dataclass(frozen=True, slots=True)
class Issued:
    """How one statement came out in the simulation."""

    index: int
    day: int
    last_grace_day: int
    balance: int
    minimum: int
    carried: int
    fees: int
    charges: int
    paid_by_grace: int
    paid: int
    full: bool
    missed: bool
    late_fee: int
    interest: int
    fen_days: int = 0  # the exact fen-days behind `interest`


@dataclass(frozen=True, slots=True)
class CardOutcome:
    """What a card costs over the horizon, and how each of its statements came out."""

    interest: int
    late_fees: int
    missed: int
    bearing: int
    statements: list[Issued] = field(default_factory=list)


def iso(day: int) -> str:
    """The ISO date of an ordinal day."""
    return date.fromordinal(day).isoformat()
