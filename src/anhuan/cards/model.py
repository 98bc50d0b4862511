"""The words of what people hold: cards, shared credit lines, bills, terms, own accounts."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from uuid import UUID

from anhuan.kit import terms
from anhuan.kit.errors import Refused


class InterestBasis(StrEnum):
    """全额计息 or 未偿还部分计息 (domain.md, section 2)."""

    FULL = "full"
    UNPAID = "unpaid"


class Level(StrEnum):
    """What one bill is for: every card of the account, or one card (some banks do the one, some the other)."""

    ACCOUNT = "account"
    CARD = "card"


class Outcome(StrEnum):
    """What recording a bill did: it was new, known already, or it took the place of an earlier version."""

    NEW = "new"
    SAME = "same"
    SUPERSEDED = "superseded"


class Urgency(StrEnum):
    """Where a bill stands on the due board, in the order of the board.

    OVERDUE: the due day is past and the minimum is not met. ROLLING: the minimum was met, the rest bears interest.
    """

    OVERDUE = "overdue"
    TODAY = "today"
    WEEK = "week"
    LATER = "later"
    ROLLING = "rolling"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class Charge:
    """One charge of a bill: the bank's posting day (记账日) and fen; a share of an instalment plan is marked."""

    posted_on: date
    amount: int
    instalment: bool = False


@dataclass(frozen=True, slots=True)
class Payment:
    """Money credited to the card on a day, in fen, positive."""

    credited_on: date
    amount: int


@dataclass(frozen=True, slots=True)
class CardTerms:
    """The dated terms of one card on one day, with the layer each value came from (domain.md, section 1)."""

    daily_rate: Decimal
    interest_basis: InterestBasis
    minimum_rate: Decimal
    late_fee_rate: Decimal
    late_fee_minimum: int = 0
    grace_days: int = 0
    grace_amount: int = 0
    late_tolerance: int = 0
    layers: dict[str, str] = field(default_factory=dict)  # key -> scope it came from; "typical" shows as assumed


@dataclass(frozen=True, slots=True)
class BillFacts:
    """A bill to be recorded, in minor units of its currency, as intake hands it over."""

    bank: str
    currency: str
    total_due: int
    minimum_due: int | None
    statement_on: date
    due_on: date | None
    cards: tuple[str, ...]
    credit_limit: int | None = None
    level: str = "card"
    cycle_from: date | None = None
    cycle_to: date | None = None
    inferred: tuple[str, ...] = ()
    confidence: dict[str, float] = field(default_factory=dict)
    spans: dict[str, str] = field(default_factory=dict)
    charges: tuple[Charge, ...] = ()
    payments: tuple[Payment, ...] = ()  # repayments credited since the statement date that are known already
    source_id: UUID | None = None  # the import that brought it; `take_back` undoes all that carries it
    known_complete: bool = False  # whether the charges explain the total due


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a worked sum: what, how, and the exact amount in fen (rounded only where the rule says so)."""

    label: str
    working: str
    amount: Fraction


@dataclass(frozen=True, slots=True)
class PrintedDays:
    """The days of one bill, from which a cycle is learned; `inferred` names those that were not printed."""

    statement_on: date
    due_on: date | None
    inferred: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordedBill:
    """What became of a bill: its id, its account, and which version it replaced if it did."""

    bill_id: UUID
    account_id: UUID
    outcome: Outcome
    superseded_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class CardFace:
    """A card as people recognise it: bank, last digits, own name for it, groups; never a whole number."""

    card_id: UUID
    account_id: UUID
    bank: str
    last_digits: str
    label: str = ""
    groups: tuple[str, ...] = ()
    supplementary: bool = False


@dataclass(frozen=True, slots=True)
class AccountFace:
    """The unit that is billed and repaid: one for all cards at some banks, one per card at others."""

    account_id: UUID
    bank: str
    level: Level
    cards: tuple[CardFace, ...]
    label: str = ""
    credit_line_id: UUID | None = None

    def name(self, lang: str = "zh") -> str:
        """The user's own name for it, or bank and last digits."""
        return self.label or terms.card_name(self.bank, [card.last_digits for card in self.cards], lang)


@dataclass(frozen=True, slots=True)
class BillView:
    """One recorded bill with what has been paid of it, in minor units of its currency."""

    bill_id: UUID
    account_id: UUID
    bank: str
    currency: str
    statement_on: date
    due_on: date | None
    total_due: int
    minimum_due: int | None
    paid: int  # repayments credited from the statement day until the next one; refunds never count here
    level: Level
    version: int
    known_at: datetime
    credit_limit: int | None = None
    cycle_from: date | None = None
    cycle_to: date | None = None
    inferred: tuple[str, ...] = ()
    confidence: dict[str, float] = field(default_factory=dict)
    spans: dict[str, str] = field(default_factory=dict)
    source_id: UUID | None = None
    superseded_by: UUID | None = None
    known_complete: bool = False
    charges: tuple[Charge, ...] = ()
    payments: tuple[Payment, ...] = ()

    @property
    def open(self) -> int:
        """What is still to be paid of the bill, never below 0."""
        return max(0, self.total_due - self.paid)

    @property
    def minimum_open(self) -> int:
        """What is still missing of the minimum, never below 0 nor above what is open."""
        return min(self.open, max(0, (self.minimum_due or 0) - self.paid))


@dataclass(frozen=True, slots=True)
class OpenBill:
    """The newest standing bill of an account and what is still to be paid of it, in minor units."""

    bill_id: UUID
    statement_on: date
    due_on: date | None
    total: int
    paid: int
    minimum: int

    @property
    def open(self) -> int:
        """What is still to be paid, never below 0."""
        return max(0, self.total - self.paid)

    @property
    def minimum_open(self) -> int:
        """What is still missing of the minimum, never below 0 nor above what is open."""
        return min(self.open, max(0, self.minimum - self.paid))


@dataclass(frozen=True, slots=True)
class BoardEntry:
    """One line of the due board: one bill of one account in one currency."""

    bill: BillView
    account: AccountFace
    urgency: Urgency
    days_left: int | None  # to the due day; negative when it is past, None when no due day is known
    safe_pay_by: datetime | None  # the latest moment to start paying by hand (channels.md, section 8)
    provisional: bool = False  # the safe moment rests on days whose calendar is not published yet

    @property
    def open(self) -> int:
        """What is still to be paid, in minor units of the bill's currency."""
        return self.bill.open


@dataclass(frozen=True, slots=True)
class CurrencyTotal:
    """Sums of the board in one currency, in minor units: never added across currencies."""

    currency: str
    open: int
    minimum_open: int
    overdue: int
    next_30_days: int


@dataclass(frozen=True, slots=True)
class LineFace:
    """A shared limit, counted once, with what its accounts owe on their latest bills in its currency."""

    line_id: UUID | None  # None: the limit of a single account that shares with nobody
    label: str
    currency: str
    limit: int
    owed: int
    account_ids: tuple[UUID, ...]

    @property
    def available(self) -> int:
        """Limit less what is owed by the bills known; spending since the statement is not in it."""
        return max(0, self.limit - self.owed)


@dataclass(frozen=True, slots=True)
class ExpectedBill:
    """A statement to come, by the account's cycle; `sure` is 0 to 1 and `why` says what it rests on."""

    account_id: UUID
    statement_on: date
    due_on: date
    sure: float
    why: str


@dataclass(frozen=True, slots=True)
class DueBoard:
    """All that is due, nearest first: groups in the order of Urgency, totals per currency, limits counted once."""

    on: date
    groups: tuple[tuple[Urgency, tuple[BoardEntry, ...]], ...]
    totals: tuple[CurrencyTotal, ...]
    lines: tuple[LineFace, ...]
    waiting: tuple[AccountFace, ...] = ()  # accounts without any bill yet

    @property
    def entries(self) -> tuple[BoardEntry, ...]:
        """All lines of the board in its order."""
        return tuple(entry for _, group in self.groups for entry in group)


@dataclass(frozen=True, slots=True)
class OwnAccount:
    """A debit account of the user: what it holds, since when that is known, what is never to be spent; minor units."""

    account_id: UUID
    bank: str
    last_digits: str
    label: str
    balance: int
    balance_on: date | None
    reserve: int = 0
    currency: str = "CNY"

    def name(self, lang: str = "zh") -> str:
        """The user's own name for it, or bank and last digits."""
        return self.label or terms.card_name(self.bank, [self.last_digits], lang)


@dataclass(frozen=True, slots=True)
class AccountPage:
    """Everything one page shows about one account."""

    account: AccountFace
    bills: tuple[BillView, ...]  # newest first, current versions only
    terms: CardTerms
    upcoming: tuple[ExpectedBill, ...]


class NoSuchCard(Refused):
    """没有这张卡: the user has no such card, account, bill or line."""

    code = "cards.not_found"


class NotABill(Refused):
    """账单不成立: the facts contradict each other (due before statement, minimum above total)."""

    code = "cards.bill_contradicts"


class NotACard(Refused):
    """卡号有误: the digits are no card number (length, check digit) or not its last digits."""

    code = "cards.bad_number"


class TermUnreadable(Refused):
    """条款值有误: the value does not fit the key."""

    code = "cards.bad_term"
