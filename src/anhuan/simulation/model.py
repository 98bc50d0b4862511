"""The words of a simulated town: what is asked for, who lives there, what the townspeople did, what was found broken.

Amounts are fen, moments are aware, days are China's bank days. Everybody and everything here is invented.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from anhuan.kit.errors import Refused, Unavailable

BANKS: Final = ("sim_a", "sim_b", "sim_c", "sim_d")
# Statement days that the fictitious banks know (simbank.toml), early ones first.
STATEMENT_DAYS: Final[Mapping[str, tuple[int, ...]]] = {
    "sim_a": (3, 8, 12, 17, 22, 27), "sim_b": (1, 3, 5, 7), "sim_c": (2, 5, 10, 15, 20, 28), "sim_d": (31,),
}  # fmt: skip
SCENARIOS: Final = range(1, 36)
OF_BILLS: Final = (31, 35)  # these meet bills, not payments


class Way(StrEnum):
    """How a household pays its bills."""

    FULL = "full"  # taps the whole bill, days before it is due
    DOUBLE = "double"  # the same, with nervous fingers: twice at once, and again when no answer comes
    MINIMUM = "minimum"  # taps the minimum
    IN_PARTS = "in_parts"  # taps a part early and the rest later
    AUTO_FULL = "auto_full"  # a mandate over the whole bill
    AUTO_MINIMUM = "auto_minimum"
    AUTO_FIXED = "auto_fixed"
    PLANNER = "planner"  # confirms a plan over all bills
    BY_HAND = "by_hand"  # pays in the bank's app and says so
    FORGETFUL = "forgetful"  # pays late or not at all
    OVERDRAWN = "overdrawn"  # taps more than there is


class Kind(StrEnum):
    """What can be killed."""

    WEB = "web"
    WORKER = "worker"
    BANK = "bank"
    DATABASE = "database"


@dataclass(frozen=True, slots=True)
class Ask:
    """What town is wanted."""

    households: int
    days: int
    seed: int
    faults: tuple[int, ...] = ()
    kills: int = 0
    keep: Path | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """One credit card of a household, as the town gave it out."""

    number: str
    bank: str
    statement_day: int
    charges: tuple[tuple[int, int], ...]  # (days from the beginning, fen)
    marks: tuple[int, ...] = ()  # scenarios that meet every payment to it

    @property
    def last_digits(self) -> str:
        """What stands on its bills."""
        return self.number[-4:]


@dataclass(slots=True)
class Household:
    """One household: how it pays, what it earns, its cards; ids and balance as they become known."""

    number: int
    name: str
    way: Way
    income: int  # fen, on the day of salary
    payday: int
    opening: int  # fen on the paying account at the beginning
    cards: tuple[Card, ...]
    lead_days: int  # so many days before a bill is due it is paid
    hour: int
    party: UUID | None = None
    source: UUID | None = None
    accounts: dict[str, UUID] = field(default_factory=dict)  # billed account by card number
    mandates: set[str] = field(default_factory=set)  # card numbers with one
    stops: list[str] = field(default_factory=list)  # what it did to its own payments: paused, cancelled, revoked

    @property
    def funding(self) -> str:
        """The paying account at the bank."""
        return f"own-{self.number:05d}"

    @property
    def address(self) -> str:
        """Where its requests come from: each household has a line of its own."""
        return f"127.{1 + self.number // 60000}.{self.number // 250 % 240}.{self.number % 250 + 1}"


class Fate(StrEnum):
    """What became of a tap as the townspeople saw it."""

    TAKEN = "taken"  # the answer was a yes
    REFUSED = "refused"
    UNKNOWN = "unknown"  # no answer came: it is repeated with the same key


@dataclass(slots=True)
class Tap:
    """One intent to pay: however often it is sent, it carries one request key."""

    key: UUID
    party: UUID
    account: UUID
    amount: int | None  # fen, as the sheet showed it
    at: datetime
    sent: int = 0
    fate: Fate = Fate.UNKNOWN
    why: str = ""
    groups: set[str] = field(default_factory=set)  # what answers named, one in the end
    form: Any = None  # what the sheet would send, as it stood (forms.Form)


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken law with its evidence."""

    law: str
    about: str
    evidence: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """As the report tells it."""
        return {"law": self.law, "about": self.about, "evidence": dict(self.evidence)}


@dataclass(slots=True)
class Asked:
    """The files of one day as the operator asks for them: when next, and how often still."""

    next_on: date
    looks: int


@dataclass(slots=True)
class Diary:
    """What the town did and what was done to it, beside the rows of both houses."""

    taps: list[Tap] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)
    jumps: Counter[str] = field(default_factory=Counter)  # of the clock
    lost: int = 0  # answers that never came
    doubled: int = 0  # requests that were sent twice at once
    sent_again: Counter[int] = field(default_factory=Counter)  # scenarios that the town itself plays (14, 15, 30, ...)
    skipped: Counter[str] = field(default_factory=Counter)  # what people wanted and were told not to do, by code
    stops: dict[int, list[tuple[date, str]]] = field(default_factory=dict)  # by household: day and what
    files: dict[date, Asked] = field(default_factory=dict)  # days whose reconciliation files are fetched
    fetched: Counter[str] = field(default_factory=Counter)  # what became of them
    unread: dict[str, str] = field(default_factory=dict)  # files that came whole and could not be read, and why


class FolderTaken(Refused):
    """--keep 的文件夹不空: a demonstration town needs a folder of its own."""

    code = "simulation.folder_taken"


class BadPlan(Refused):
    """小镇搭不起来: no town can be made of these numbers."""

    code = "simulation.bad_plan"


class Stuck(Unavailable):
    """模拟停住了: a process does not come up, or work never ends."""

    code = "simulation.stuck"
