"""The words of the ledger: books and units, kinds of accounts, lines to post, what became of them, and refusals.

A posting takes from `src` exactly what it gives to `dst`; `posted = credits - debits`, so what the house owes is
positive and what it owns negative. Amounts are whole minor units of one unit (fen, points, coupons, fen of quota).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Final
from uuid import UUID

from anhuan.kit.errors import Broken, Refused

MOST: Final = 2**53 - 1  # the largest amount of one line: what JSON and browsers carry exactly
LIMIT: Final = 2**62  # no balance reaches this
LINES: Final = 1000  # of one call


class Book(StrEnum):
    """Whose money a unit counts; no posting joins two books."""

    TRACKED = "tracked"  # the user's own, at the user's own banks: we watch
    HOUSE = "house"  # ours
    CREDIT = "credit"  # a lender's
    BENEFIT = "benefit"  # points, coupons, the free quota
    CUSTODY = "custody"  # client money; does not exist without licence, custody bank and two approvers


class Kind(IntEnum):
    """What a posting is; money moves with POST, CAPTURE and REVERSE."""

    POST = 1
    HOLD = 2
    CAPTURE = 3
    VOID = 4
    EXPIRE = 5
    REVERSE = 6


class AccountKind(IntEnum):
    """科目: the chart of accounts (ledger.md, section 2). Numbers are stored and never reused."""

    BANK = 1
    CARD = 2
    TRANSIT = 3
    OUTSIDE_FEE = 4
    SUSPENSE = 5
    OPERATING_BANK = 10
    CHANNEL_DUE = 11
    MERCHANT_DUE = 12
    FEE_INCOME = 13
    CHANNEL_COST = 14
    PROMOTION_COST = 15
    EXCHANGE = 16
    BREAK_COST = 17
    BREAK_GAIN = 18
    OPENING = 19
    LINE_PRINCIPAL = 30
    LOAN_INTEREST = 31
    LOAN_FEE = 32
    LOAN_PENALTY = 33
    INTEREST_INCOME = 34
    LOAN_FEE_INCOME = 35
    PENALTY_INCOME = 36
    RECOVERY_INCOME = 37
    LENDER_BANK = 38
    WRITE_OFF_COST = 39
    ISSUER = 50
    POINTS = 51
    POINTS_EXCHANGE = 52
    EXPIRED = 53
    COUPON = 54
    USED = 55
    QUOTA_SOURCE = 56
    QUOTA = 57
    QUOTA_USED = 58
    CUSTODY_BANK = 70
    WALLET = 71
    CUSTODY_TRANSIT = 72
    FEE_PAYABLE = 73


class Result(IntEnum):
    """What became of one line of a batch (ledger.md, section 5)."""

    OK = 0
    EXISTS = 1
    ID_REUSED = 10
    ID_OUT_OF_WINDOW = 11
    NO_ACCOUNT = 20
    UNIT_DIFFERS = 21
    SAME_ACCOUNT = 22
    BAD_AMOUNT = 23
    FROZEN = 24
    BEHIND_THE_WALL = 25  # the account of somebody whose rows this transaction has not opened
    BELOW_FLOOR = 30
    ABOVE_CEILING = 31
    OVERFLOW = 32
    NO_HOLD = 40
    ALREADY_RESOLVED = 41
    OVER_HOLD = 42
    NOT_REVERSIBLE = 43
    NEVER_EXPIRES = 45
    LINKED = 50


@dataclass(frozen=True, slots=True)
class AccountName:
    """An account as rooms name it: unit code, kind, owner (None: the house, once per shard), and a sub-name."""

    unit: str
    kind: AccountKind
    owner: UUID | None = None
    sub: str = ""

    def __str__(self) -> str:
        return ":".join(filter(None, (self.kind.name.lower(), str(self.owner or ""), self.sub)))


@dataclass(frozen=True, slots=True)
class Line:
    """One line to post. Lines with a `parent` (capture, void, expire, reverse) name nothing but it, and a capture the
    amount; their id, accounts and unit come from the parent."""

    kind: Kind
    id: UUID | None = None
    src: AccountName | None = None
    dst: AccountName | None = None
    amount: int | None = None
    code: int | None = None  # a `rules.Code`
    parent: UUID | None = None
    group: UUID | None = None  # lines of one group are adjacent and stand or fall together
    ref: UUID | None = None  # the business row that caused it
    event_at: datetime | None = None  # when it happened outside (value date)
    expires_at: datetime | None = None  # of a hold; what a channel may have seen never expires


@dataclass(frozen=True, slots=True)
class Balance:
    """The state of one account; `available` is what may still go out above the floor-less zero."""

    posted: int
    held: int
    held_in: int
    seq: int
    floor: int | None
    ceil: int | None
    over: bool
    frozen_out: bool
    frozen_in: bool

    @property
    def available(self) -> int:
        """`posted` without what is held."""
        return self.posted - self.held


class LedgerRefused(Refused):
    """账本拒绝: a line was refused; `line` says which."""

    code = "ledger.refused"


class BelowFloor(LedgerRefused):
    """余额不足: the source would fall below its floor."""

    code = "ledger.below_floor"


class AboveCeiling(LedgerRefused):
    """超出上限: the target would rise above its ceiling."""

    code = "ledger.above_ceiling"


class FrozenAccount(LedgerRefused):
    """账户已冻结: the side is frozen, or the account closed."""

    code = "ledger.frozen"


class AlreadyResolved(LedgerRefused):
    """已处理过: the hold was captured, voided or expired before, or the posting reversed."""

    code = "ledger.already_resolved"


class NoSuchHold(LedgerRefused):
    """没有这笔冻结: no hold or posting with this id."""

    code = "ledger.no_hold"


class OverHold(LedgerRefused):
    """超过冻结金额: a capture may not take more than was held."""

    code = "ledger.over_hold"


class IdReused(Broken):
    """The same id was sent with another body: stop, keep the evidence."""

    code = "ledger.id_reused"


class BadLine(Broken):
    """A line that a caller may never send: outside the chart, across units, across shards, of no account."""

    code = "ledger.bad_line"


REFUSALS: Final[dict[Result, type[Refused] | type[Broken]]] = {
    Result.ID_REUSED: IdReused,
    Result.FROZEN: FrozenAccount,
    Result.BELOW_FLOOR: BelowFloor,
    Result.ABOVE_CEILING: AboveCeiling,
    Result.NO_HOLD: NoSuchHold,
    Result.ALREADY_RESOLVED: AlreadyResolved,
    Result.OVER_HOLD: OverHold,
}


@dataclass(frozen=True, slots=True)
class Results(Sequence[Result]):
    """One result per line of a batch, in order."""

    codes: tuple[Result, ...]

    def __getitem__(self, index: int) -> Result:  # type: ignore[override]  # no slices
        return self.codes[index]

    def __len__(self) -> int:
        return len(self.codes)

    def __iter__(self) -> Iterator[Result]:
        return iter(self.codes)

    def insist(self) -> None:
        """Raise what the first refused line deserves (not `LINKED`, which only follows another); done twice is done."""
        for place, code in enumerate(self.codes):
            if code not in (Result.OK, Result.EXISTS, Result.LINKED):
                raise REFUSALS.get(code, BadLine)(
                    f"line {place + 1}: {code.name.lower()}", line=place, result=int(code)
                )
