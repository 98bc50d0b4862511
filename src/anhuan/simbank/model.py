"""The words of the simulated bank: what it is asked, what it keeps, and what it says when it refuses to start.

Money is fen, moments know their zone, days are the bank's own (UTC+8). Nothing here looks at a clock or at chance.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any, Final

from anhuan.kit.errors import Broken, Refused, Unavailable


class State(StrEnum):
    """What the bank says about a payment; a return or a reversal is an event beside `success`, never a state."""

    ACCEPTED = "accepted"  # 受理
    PROCESSING = "processing"  # 处理中
    SUCCESS = "success"  # 成功
    FAILED = "failed"  # 失败


FINAL: Final = frozenset({State.SUCCESS, State.FAILED})


class No(StrEnum):
    """Why a payment failed; every one of them is final."""

    INSUFFICIENT_FUNDS = "insufficient_funds"  # 余额不足
    DAILY_LIMIT = "daily_limit"  # 超过单日限额
    OVER_SINGLE_LIMIT = "over_single_limit"  # 超过单笔限额
    UNDER_SINGLE_LIMIT = "under_single_limit"  # 低于单笔下限
    CARD_FROZEN = "card_frozen"  # 卡片冻结
    EXPIRED = "expired"  # the instruction's own `expires_at` has passed
    UNKNOWN_FUNDING = "unknown_funding"  # 付款账户不存在
    OTHER_CURRENCY = "other_currency"


@dataclass(frozen=True, slots=True)
class Ask:
    """One payment as it was asked for."""

    key: str
    amount: int  # fen
    currency: str
    funding: str
    card: str
    name: str
    expires_at: datetime
    body_sha256: str  # of the bytes that came (one item of a batch: of its canonical JSON)
    service_fee: int = 0  # fen on top of the amount, collected for the partner

    @property
    def debit(self) -> int:
        """What leaves the funding account."""
        return self.amount + self.service_fee


@dataclass(frozen=True, slots=True)
class Payment:
    """付款: one payment as the bank remembers it."""

    key: str
    partner: str
    body_sha256: str
    amount: int
    currency: str
    funding: str
    card: str
    name: str
    state: State
    reference: str
    taken_at: datetime
    visible_from: datetime  # before this moment the bank says "not found" (scenario 9)
    course: Mapping[str, Any]  # what was decided when it was taken: `scenarios.Course` as JSON
    scenarios: tuple[int, ...]
    code: str | None = None
    message: str | None = None
    missing: int | None = None
    resets_at: datetime | None = None
    fee_kept: int = 0
    service_fee: int = 0
    final_at: datetime | None = None
    booked_on: date | None = None  # the day the card was credited
    event_kind: str | None = None  # returned, reversed
    event_at: datetime | None = None
    event_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """信用卡: one card of one of the fictitious banks."""

    card: str
    bank: str
    name: str  # the holder's, as the bank has it
    frozen: bool = False
    statement_day: int | None = None
    marks: tuple[int, ...] = ()  # scenarios that meet every payment to this card
    facts: Mapping[str, Any] = field(default_factory=dict)  # what the issuer needs beside this


@dataclass(frozen=True, slots=True)
class CardPosting:
    """入账: one line on a card's account. Positive: owed less (a payment, a refund); negative: owed more."""

    seq: int
    card: str
    posted_on: date
    at: datetime
    kind: str  # payment, charge, refund, withdrawn, corrected, interest, late_fee, ...
    amount: int
    text: str
    key: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Movement:
    """记账: one movement of the books, two legs: `amount` fen leave `source` and reach `target`."""

    seq: int
    day: date
    at: datetime
    code: str  # deposit, debit, book, fee, service_fee, give_back, charge, refund, withdraw, interest, late_fee, ...
    source: str
    target: str
    amount: int
    key: str | None


@dataclass(frozen=True, slots=True)
class Profile:
    """How this bank works while no scenario says otherwise; `bank.toml` has the figures and where they are from."""

    per_payment_min: int
    per_payment_max: int
    per_day_max: int
    cut_off: time
    workdays_only: bool
    arrival: str  # instant, same_day, next_day
    key_days: int
    not_found_final_after_minutes: int
    batch_max: int
    calls_per_second: int | None
    files_from: time
    files_days_back: int
    maintenance: tuple[tuple[time, time], ...]
    unknown_years: tuple[int, ...]  # years whose holidays nobody has published yet, as far as this bank goes
    callback_pauses: tuple[int, ...]  # seconds of the bank's clock between tries


class NotThisDatabase(Broken):
    """模拟银行的数据库版本不符: the tables of the simulated bank are of another version; give it a fresh database."""

    code = "simbank.other_version"


class NoBankDatabase(Refused):
    """没有模拟银行的数据库: with DATABASE_URL set, ANHUAN_SIMBANK_DATABASE must name the bank's own database."""

    code = "simbank.no_database"


class AlreadyRuns(Unavailable):
    """模拟银行已在运行: another process keeps the books of this database."""

    code = "simbank.already_runs"


class BadOrder(Refused):
    """模拟银行不明白: the control call or the request cannot be meant."""

    code = "simbank.bad_order"


class GoesBack(Refused):
    """时钟不能倒走: the clock of the simulated bank only moves forward; reset it to begin again."""

    code = "simbank.clock_goes_back"
