"""The words of mandates (代扣授权) and of their runs: what a payer allowed, and what became of each debit.

A mandate is given once, for an own debit account, with a proof bound to every field. It may be narrowed and revoked at
any time without one; whoever wants more gives a new one. Amounts are fen, days are China's bank days.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from anhuan.kit.errors import Broken, Refused
from anhuan.repayments.model import AmountRule


class Timing(StrEnum):
    """When a mandate debits."""

    BEFORE_DUE = "before_due"  # so many days before each bill's due day, always before the last safe moment
    MONTHLY = "monthly"  # 每月固定日; a day that a month lacks is its last
    ONCE = "once"  # once, on a date
    PLANNED = "planned"  # 按方案: on the days of the plan, its amounts


class Holiday(StrEnum):
    """What becomes of a debit whose day is no workday."""

    EARLIER = "earlier"  # the workday before
    LATER = "later"  # the workday after, never after the last safe moment
    SAME = "same"  # the day itself


class AboveCap(StrEnum):
    """What the payer wants where a bill asks for more than the cap."""

    SKIP = "skip"  # pay nothing, tell
    UP_TO_CAP = "up_to_cap"  # pay the cap, tell


class RetryWhen(StrEnum):
    """When a debit that was finally refused is tried again."""

    NEXT_DAY = "next_day"
    LIMIT_RESET = "limit_reset"  # when the bank's limit begins anew, where the bank said when
    INCOME = "income"  # the morning after the next expected income on the paying account


class Stage(StrEnum):
    """Where a run stands."""

    PLANNED = "planned"  # its moments are known; nobody was told yet
    NOTICED = "noticed"  # the payer was told; the debit waits for its moment
    ORDERED = "ordered"  # an order stands for it
    DONE = "done"  # bank data show it on the card
    SKIPPED = "skipped"  # nothing was debited, and why
    FAILED = "failed"  # it came to nothing; the payer was told to pay by hand


class Why(StrEnum):
    """Why a run was skipped or failed."""

    ALREADY_PAID = "already_paid"  # paid, or on its way, by another hand
    NOTHING_DUE = "nothing_due"
    ABOVE_CAP = "above_cap"
    BY_PAYER = "by_payer"  # 这次跳过
    REVOKED = "revoked"
    SWITCHED_OFF = "switched_off"
    ENDED = "ended"  # the mandate's last day had passed
    REPLACED = "replaced"  # another mandate of this card took over
    PLAN_CHANGED = "plan_changed"
    CANCELLED = "cancelled"  # the order was taken back before it went out
    REFUSED = "refused"  # the bank's final no, no retry left
    BLOCKED = "blocked"  # something forbade it until it was too late
    GIVEN_BACK = "given_back"


NEXT: Final[Mapping[Stage, frozenset[Stage]]] = {
    Stage.PLANNED: frozenset({Stage.NOTICED, Stage.ORDERED, Stage.SKIPPED, Stage.FAILED}),
    Stage.NOTICED: frozenset({Stage.ORDERED, Stage.SKIPPED, Stage.FAILED, Stage.PLANNED}),
    Stage.ORDERED: frozenset({Stage.DONE, Stage.SKIPPED, Stage.FAILED, Stage.NOTICED}),  # noticed: waits for a retry
    Stage.DONE: frozenset({Stage.ORDERED, Stage.FAILED}),  # a proof was taken back; the money came back
    Stage.SKIPPED: frozenset({Stage.PLANNED, Stage.ORDERED}),  # a plan's leg came back; a tap came too late
    Stage.FAILED: frozenset({Stage.ORDERED}),  # 先失败后成功: the bank contradicts its own no
}
WAITING: Final = frozenset({Stage.PLANNED, Stage.NOTICED})
OVER: Final = frozenset({Stage.DONE, Stage.SKIPPED, Stage.FAILED})
BY_BILL: Final = frozenset({Timing.BEFORE_DUE, Timing.PLANNED})  # one such mandate for one card


@dataclass(frozen=True, slots=True)
class Wish:
    """What a payer allows: everything that the proof is bound to."""

    account_id: UUID
    source_id: UUID
    cap: int  # fen per debit
    rule: AmountRule = AmountRule.FULL
    amount: int | None = None  # fen, of a fixed amount
    channel: str | None = None  # None: the cheapest in time
    above_cap: AboveCap = AboveCap.UP_TO_CAP
    timing: Timing = Timing.BEFORE_DUE
    days_before: int | None = None  # None: the house's own number
    day_of_month: int | None = None
    on_date: date | None = None
    holiday: Holiday = Holiday.EARLIER
    notice_hours: int = 24
    retries: int = 1
    retry_when: RetryWhen = RetryWhen.NEXT_DAY
    valid_from: date | None = None  # None: at once
    valid_to: date | None = None  # its last day; None: until it is revoked


@dataclass(frozen=True, slots=True)
class Document:
    """What was shown and confirmed, in both languages."""

    zh: tuple[str, ...]
    en: tuple[str, ...]
    sha256: bytes

    def lines(self, lang: str) -> tuple[str, ...]:
        """The lines in the language."""
        return self.en if lang == "en" else self.zh


@dataclass(frozen=True, slots=True)
class Mandate:
    """代扣授权 as pages, programs and commands read it."""

    id: UUID
    wish: Wish  # as it holds now: narrowing has lowered the cap or brought the end nearer
    document: Document
    given_at: datetime
    narrowed_at: datetime | None
    off_at: datetime | None  # switched off by the payer
    revoked_at: datetime | None
    replaces: UUID | None

    @property
    def stands(self) -> bool:
        """Whether it was not revoked."""
        return self.revoked_at is None

    @property
    def on(self) -> bool:
        """Whether it debits: stands, and is not switched off."""
        return self.stands and self.off_at is None


@dataclass(frozen=True, slots=True)
class Run:
    """One debit of a mandate as its history shows it; amounts in fen."""

    id: UUID
    mandate_id: UUID
    account_id: UUID
    statement_on: date | None  # of the bill it is for
    occurrence_on: date | None  # the day of a custom schedule
    stage: Stage
    why: str
    amount: int | None  # as it was told or ordered
    notice_at: datetime
    pay_at: datetime
    safe_by_at: datetime | None
    shortened: bool  # the notice is shorter than agreed, because the bill came late
    late: bool  # the last safe moment had passed already
    provisional: bool  # it rests on days whose calendar nobody has published
    order_id: UUID | None
    group_id: UUID | None
    tries: int
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Moments:
    """When a debit is told and made, and what has to be said about it."""

    notice_at: datetime
    pay_at: datetime
    safe_by_at: datetime | None
    shortened: bool = False
    late: bool = False
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class Debit:
    """How much a debit takes, fen; `asked` is what the rule asks for before the cap."""

    amount: int
    asked: int
    why: Why | None = None

    @property
    def above(self) -> bool:
        """Whether the cap took something away."""
        return self.asked > self.amount


@dataclass(frozen=True, slots=True)
class Preview:
    """A debit to come, as the form and the list show it; `amount` None: the bill is not known yet."""

    moments: Moments
    amount: int | None
    statement_on: date | None
    due_on: date | None
    above: bool = False
    after_safe: bool = False  # the chosen day lies after the last safe moment of the bill
    missing: int = 0  # fen that the minimum lacks after it


@dataclass(frozen=True, slots=True)
class Revoked:
    """What a revocation did, honestly: what will not go out any more, and what is on its way and is followed."""

    stopped: int
    followed: tuple[UUID, ...]  # orders


class BadMandate(Refused):
    """授权内容有误: a field is missing, or two contradict each other."""

    code = "mandate.bad"


class UnknownMandate(Refused):
    """没有这份授权: there is no such mandate, or it is not the asker's."""

    code = "mandate.not_found"


class MandateOver(Refused):
    """授权已结束: it was revoked; a new one is given instead."""

    code = "mandate.over"


class NeedsNewMandate(Refused):
    """放宽要重新授权: a mandate is only narrowed; more is allowed by a new one with a new proof."""

    code = "mandate.needs_new"


class NoOwnAccount(Refused):
    """没有本人储蓄账户: debits come from an own debit account in yuan, never from a card or somebody else's."""

    code = "mandate.no_own_account"


class NeedsPerson(Refused):
    """要本人在网页上授权: a mandate is given by a person with a proof, not by a program."""

    code = "mandate.needs_person"


class UnknownRun(Refused):
    """没有这次扣款: there is no such run, or it is past skipping."""

    code = "mandate.no_run"


class BadStage(Broken):
    """A run was to change in a way that the table does not know."""

    code = "mandate.bad_stage"
