"""The words of the channels: an instruction, the three answers of the outside world, what a channel can do, and the
one narrow protocol that every connector speaks (channels.md, sections 1, 3 and 5)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any, Final, Protocol, runtime_checkable
from uuid import UUID

from anhuan.kit.errors import Broken, Refused, Unavailable

CALLBACK_PATH: Final = "/api/v1/callbacks/{channel}"  # where a channel's callbacks come in; part of what is signed


@dataclass(frozen=True, slots=True)
class Instruction:
    """指令: one payment handed to a channel, computed once. `body` are the bytes that go out and go out again."""

    key: UUID  # the same at every repetition; the channel knows it
    order_id: UUID
    part: int
    attempt: int
    channel: str
    funding_ref: str  # the user's own account, as the channel names it
    card_ref: str  # the user's own card, as the channel names it
    amount: int  # fen
    currency: str
    expires_at: datetime
    body: bytes
    sent_at: datetime | None = None  # written in the transaction before the first call
    bank: str = ""  # of the card
    funding_kind: str = "own_debit"
    service_fee: int = 0  # fen on top of the amount, collected for the house


class Why(StrEnum):
    """Why an answer is not final."""

    ACCEPTED = "accepted"  # 受理: the channel has it
    PROCESSING = "processing"  # 处理中: on its way
    NO_ANSWER = "no_answer"  # timeout, 5xx, broken answer
    NOT_FOUND = "not_found"  # the channel does not know the key, and may still learn it
    BUSY = "busy"  # rate limit or maintenance: nothing was taken, ask after `again_at`


@dataclass(frozen=True, slots=True)
class Settled:
    """成功: the channel says it paid. A promise, not yet arrival."""

    reference: str  # the channel's own number
    taken_at: datetime
    amount: int  # fen that left the funding account
    fee_kept: int = 0  # fen that the channel kept on the way
    event: "Event | None" = None  # a return or reversal that followed


@dataclass(frozen=True, slots=True)
class Rejected:
    """失败: the channel says finally no; `final_code` is one that its record lists as final."""

    final_code: str
    message: str = ""
    resets_at: datetime | None = None  # when a limit opens again
    missing: int | None = None  # fen that the funding account lacked, where the channel tells


@dataclass(frozen=True, slots=True)
class Unknown:
    """未知: ask again, never send again."""

    why: Why
    again_at: datetime | None = None


Answer = Settled | Rejected | Unknown


def is_silent(answer: Answer) -> bool:
    """Whether nobody answered at all."""
    return isinstance(answer, Unknown) and answer.why is Why.NO_ANSWER


class State(StrEnum):
    """Where an instruction stands (channels.md, section 5); success and failed never change again."""

    CREATED = "created"  # our row only; what was sent may be under way
    ACCEPTED = "accepted"  # 受理
    PROCESSING = "processing"  # 处理中
    SUCCESS = "success"  # 成功
    FAILED = "failed"  # 失败
    UNKNOWN = "unknown"  # 未知


FINAL: Final = frozenset({State.SUCCESS, State.FAILED})
NOT_FOUND: Final = "not_found"  # our code where the channel finally knows nothing of a key
EXPIRED: Final = "expired"  # ours, where an instruction ended before anything was sent
WITHDRAWN: Final = "withdrawn"  # ours, where it was taken back before anything was sent
NOT_PAID: Final = "not_paid"  # what a person says who was to pay by hand


class EventKind(StrEnum):
    """What may follow a success, as a row of its own."""

    RETURNED = "returned"  # 退汇, days later
    REVERSED = "reversed"  # 冲正, the same day


@dataclass(frozen=True, slots=True)
class Event:
    """退汇 or 冲正: money that came back after a success; the success stays as it was."""

    kind: EventKind
    at: datetime
    amount: int
    reason: str


@dataclass(frozen=True, slots=True)
class Hint:
    """What a callback is worth: a key to ask about, never a state."""

    key: UUID
    event_id: str
    said_at: datetime


@dataclass(frozen=True, slots=True)
class DayFile:
    """对账文件: one file of one day, as it came: bytes first, parsed later."""

    channel: str
    day: date
    kind: str  # trade, fund_flow, bank_csv, camt053, statement
    name: str
    sha256: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Window:
    """Hours of a day (UTC+8) in which a channel takes nothing."""

    starts: time
    ends: time


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The dated record of one (bank, channel): reach, limits, price, time, behaviour, proof (channels.md, 3)."""

    channel: str
    bank: str
    valid_from: date
    valid_to: date | None
    card_kinds: tuple[str, ...]
    funding_kinds: tuple[str, ...]  # own_debit, own_wallet; never a credit card
    per_payment_min: int | None
    per_payment_max: int | None
    per_day_max: int | None
    per_month_max: int | None
    payments_per_month: int | None
    fee_key: str  # the fee schedule in terms
    cut_off: time | None
    lead_days: int
    workdays_only: bool
    maintenance: tuple[Window, ...]
    arrival_class: str  # instant, same_day, next_day
    idempotent_by_key: bool
    key_days: int  # how long the channel remembers a key
    not_found_final_after_minutes: int | None  # None: "not found" is never final
    final_codes: frozenset[str]
    callbacks: bool
    batch_max: int  # 1: no batches
    calls_per_second: int | None
    files: tuple[str, ...]
    files_from: time | None
    files_days_back: int
    partner: str  # the entry of the partner register that permits it; "" only where nobody's licence is needed
    licence: str = (
        "needed"  # needed, own_hand, own_file, demonstration: the last three need nobody's, each for a reason
    )
    asks: bool = True  # whether `ask` can learn anything; where not, evidence or a file answers
    name_match: bool = False
    tiers: tuple[tuple[str, int], ...] = ()  # 限额档: kind of account and its fen a day
    not_before_answer_seconds: int | None = None  # what the channel promises to answer within
    statement_evidence: bool = True  # whether a statement can prove arrival


class Licence(StrEnum):
    """Whose licence a channel needs; `needed` is an entry of the partner register, the others say why none is."""

    NEEDED = "needed"
    OWN_HAND = "own_hand"  # the user pays in the bank's own app
    OWN_FILE = "own_file"  # the user hands a file to the own bank
    DEMONSTRATION = "demonstration"  # invented money of invented banks, never in a real installation


class HealthState(StrEnum):
    """What a channel looks like from here."""

    ANSWERED = "answered"
    SLOW = "slow"
    MAINTENANCE = "maintenance"
    SILENT = "silent"
    OPEN = "open"  # 熔断: our own breaker is open, nothing is sent
    CLOSED = "closed"  # taken down: no valid entry in the partner register


@dataclass(frozen=True, slots=True)
class Health:
    """One look at a channel."""

    state: HealthState
    checked_at: datetime
    took_ms: int | None = None
    until: datetime | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """What a payment is to be: whose, for which part of which order, by which channel, from where to which card."""

    order_id: UUID
    part: int
    attempt: int  # 1, and one more only after a final no or a return
    channel: str
    bank: str  # of the card
    funding_ref: str
    card_ref: str
    amount: int  # fen
    name: str = ""  # of the card's holder, where the channel compares it
    currency: str = "CNY"
    funding_kind: str = "own_debit"
    expires_at: datetime | None = None  # nothing is sent from here on; None: the dated usual hours
    service_fee: int = 0  # fen that the channel takes on top of the amount and owes to the house


@dataclass(frozen=True, slots=True)
class Seen:
    """One message of the outside world as it came, before anybody has read it."""

    channel: str
    verb: str  # pay, ask, file, capabilities, health
    key: UUID | None
    status: int  # of HTTP, or 0
    body: bytes


# Stores a message with its hash in a transaction of its own. A connector calls it before it interprets an answer.
Witness = Callable[[Seen], None]


class Connector(Protocol):
    """One way to move money. A house test refuses any verb that charges a card."""

    name: str

    def capabilities(self, on: date) -> Sequence[Capabilities]:
        """The dated records of this channel that hold on the day."""

    def pay(self, instruction: Instruction) -> Answer:
        """Send these bytes under this key, once. `channels.deliver` alone calls it, after asking where it must."""

    def ask(self, key: UUID) -> Answer:
        """What became of this key; never moves money."""

    def read_callback(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Hint:
        """Verify a callback; raises `Forged` or `Stale`. A hint makes us ask and says nothing by itself."""

    def statement(self, day: date) -> Sequence[DayFile]:
        """The reconciliation files of a day, checksums verified; raises `FileNotReady` or `FileDamaged`."""

    def health(self, *, now: datetime) -> Health:
        """Whether it answers, how fast, and whether it is in maintenance."""


@dataclass(frozen=True, slots=True)
class Booked:
    """入账: one line that a bank shows on a card: the proof of an arrival, or that a proof was withdrawn."""

    number: int  # of the bank, growing
    posted_on: date
    at: datetime
    kind: str  # payment, withdrawn, corrected; anything else is no repayment
    amount: int  # fen; positive: owed less
    key: UUID | None  # of the instruction
    reference: str  # of the channel
    text: str


@runtime_checkable
class ShowsPostings(Protocol):
    """What a connector may do beside its verbs: show what is booked on a card."""

    def postings(self, card: str, *, since: date) -> Sequence[Booked]:
        """What the bank booked on a card since the day, oldest first."""


class Forged(Refused):
    """签名不符: a callback whose signature, key or body does not hold; kept as a security event."""

    code = "channels.forged"


class Stale(Refused):
    """回调过期或重放: a callback with an old moment, or one that was heard before."""

    code = "channels.stale"


class NotLive(Refused):
    """渠道未开通: the partner register has no valid entry for this channel today."""

    code = "channels.not_live"


class UnknownChannel(Refused):
    """没有这个渠道: nobody has registered a connector of this name, or it has no record for this bank and day."""

    code = "channels.unknown"


class Unfit(Refused):
    """渠道不适用: the amount, the currency or the funding is outside what the channel's record allows."""

    code = "channels.unfit"


class StillOpen(Refused):
    """上一笔未有结果: an instruction of this part has no final no and no return, so there is no new attempt."""

    code = "channels.still_open"


class Barred(Refused):
    """结果有矛盾: what the bank says contradicts what it said; no new attempt until somebody has cleared it."""

    code = "channels.barred"


class UnknownInstruction(Refused):
    """没有这笔指令: there is no such instruction, or it is not the asker's."""

    code = "channels.unknown_instruction"


class NotByHand(Refused):
    """不是手工渠道: only what a person pays by hand is told by a person."""

    code = "channels.not_by_hand"


class NoEvidence(Refused):
    """证据不足: this is no proof of that kind, or it lacks who confirmed it."""

    code = "channels.no_evidence"


class CardStopped(Refused):
    """卡片暂停收款: the card's bank said that it takes no money; only this card at this channel is stopped."""

    code = "channels.card_stopped"


class UnknownEntry(Refused):
    """没有这条持牌登记: there is no such entry, or it is not open for this."""

    code = "channels.unknown_entry"


class OwnEntry(Refused):
    """不能自己批准: an entry is approved by somebody else than who entered it."""

    code = "channels.own_entry"


class BadEntry(Refused):
    """登记内容有误: a licence needs kind, number, holder, scope, days in order, and its document's hash."""

    code = "channels.bad_entry"


class BreakerOpen(Unavailable):
    """渠道熔断: too many calls failed; nothing is sent until it recovers."""

    code = "channels.breaker_open"


class FileNotReady(Unavailable):
    """对账文件未出: the channel has not made the file of this day yet."""

    code = "channels.file_not_ready"


class FileDamaged(Refused):
    """对账文件有误: checksum, row count or a summary figure does not agree; nothing of it is kept but its bytes."""

    code = "channels.file_damaged"


class OtherBody(Broken):
    """The channel knows this key with another body: stop, keep the evidence, wake somebody."""

    code = "channels.other_body"


class BadAnswer(Broken):
    """A connector answered with something that is no answer, or a change that the table of states does not know."""

    code = "channels.bad_answer"


Facts = Mapping[str, Any]
