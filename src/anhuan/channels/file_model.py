"""The words of reconciliation files 对账文件: one line of a channel's file, the printed totals, and the file as read.

A file is identified by (channel, kind, day, hash). A line is matched on (channel, business day, reference): references
come back in later years (channels.md, section 4).
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID


class FileKind(StrEnum):
    """What a channel's file holds, as `DayFile.kind` names it."""

    TRADE = "trade"  # 微信交易账单
    FUND_FLOW = "fund_flow"  # 微信资金账单
    ALIPAY = "alipay"  # 支付宝业务明细, a ZIP or its CSV
    BANK_CSV = "bank_csv"  # 银行流水
    CAMT053 = "camt053"  # ISO 20022 camt.053, .052 or .054


class LineKind(StrEnum):
    """What a line of a file says happened."""

    PAYMENT = "payment"  # 付款
    GIVEN = "given"  # 入账: reached the card, on a row of its own
    BOUNCED = "bounced"  # 退票: the card's bank gave it back to the channel, on a row of its own
    RETURN = "return"  # 退款, 退汇, 冲正: money that came back
    RECEIVED = "received"  # 来账: money that came, and is not marked as coming back
    FEE = "fee"  # 手续费 booked as a line of its own


class LineState(StrEnum):
    """How far the channel says the line got."""

    DONE = "done"
    PENDING = "pending"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class FileId:
    """Which file this is: the same hash again is nothing new, another hash is a new version of the same file."""

    channel: str
    kind: str
    day: date
    sha256: str


@dataclass(frozen=True, slots=True)
class FileLine:
    """One line: what it says in our words, and what was printed. Money in fen, never negative; `kind` has the way."""

    place: int  # the row among the detail rows, 1 first
    copy: int  # which of several identical rows this is, 1 first: they are numbered, never merged
    kind: LineKind
    state: LineState
    reference: str  # our own reference, as `reference_of` writes it
    channel_reference: str  # the channel's own number
    business_day: date  # the bank's day, UTC+8
    moment: datetime | None  # None where only the day is printed
    moment_text: str
    amount: int
    fee: int  # kept by the channel; negative where a fee was given back
    currency: str
    cells: tuple[tuple[str, str], ...]  # heading and cell as printed, without padding
    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Total:
    """One figure of the file's own summary, and what was counted: they agree, or the file was refused."""

    name: str
    printed: str
    counted: str


@dataclass(frozen=True, slots=True)
class ChannelFile:
    """A file that was read whole: every printed figure agreed. `strange_headings` nobody has told us about yet."""

    id: FileId
    lines: tuple[FileLine, ...]
    totals: tuple[Total, ...]
    strange_headings: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()  # figures that could not be compared, each with its reason

    @property
    def amount(self) -> int:
        """The sum of all lines' amounts in fen, payments and returns alike."""
        return sum(line.amount for line in self.lines)

    @property
    def proved(self) -> bool:
        """Whether a figure of the file itself spoke for it, beyond its hash."""
        return bool(self.totals)


def reference_of(key: UUID) -> str:
    """How a key is written where a bank gives 32 to 35 characters: 32 hex digits in lower case, no hyphens."""
    return key.hex


def same_reference(text: str) -> str:
    """A printed reference as it is compared: a UUID in any spelling becomes its 32 hex digits, others stay."""
    key = key_of(text)
    return reference_of(key) if key else text


def key_of(reference: str) -> UUID | None:
    """The instruction's key in a printed reference, None where it is somebody else's."""
    plain = reference.replace("-", "")
    if len(plain) != 32 or not plain.isascii() or not plain.isalnum():
        return None
    try:
        return UUID(plain)
    except ValueError:
        return None
