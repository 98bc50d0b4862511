"""The words of the conformance kit: what a sandbox can do, what a right end is, and the verdicts of the report."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from anhuan.channels.model import Answer, Capabilities, Connector, EventKind, Instruction, State
from anhuan.kit.errors import Refused


class Verdict(StrEnum):
    """How one line of the report ends."""

    HELD = "held"  # 通过
    BROKEN = "broken"  # 未通过
    UNREACHED = "unreached"  # 无法检验, for the reason beside it


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the report: a scenario by number, or a law by name."""

    what: str
    title: str
    done: str  # what was done
    right_end: str
    verdict: Verdict
    why: str = ""  # what went wrong, or why it could not be reached


@dataclass(frozen=True, slots=True)
class Report:
    """What a connector showed."""

    connector: str
    members: tuple[str, ...]  # every public name of it beyond the protocol
    lines: tuple[Line, ...]

    @property
    def held(self) -> bool:
        """Whether nothing is broken; what could not be reached breaks nothing and proves nothing."""
        return all(line.verdict is not Verdict.BROKEN for line in self.lines)

    def as_json(self) -> str:
        """The report for machines."""
        counted = {one.value: sum(line.verdict is one for line in self.lines) for one in Verdict}
        return json.dumps({**asdict(self), "held": self.held, "counts": counted}, ensure_ascii=False, indent=1)

    def as_table(self) -> str:
        """The report for people: one line each, in Markdown."""
        rows = [("#", "scenario", "what was done", "right end", "verdict"), ("---",) * 5]
        for line in self.lines:
            verdict = f"{line.verdict}: {line.why}" if line.why else line.verdict.value
            rows.append((line.what, line.title, line.done, line.right_end, verdict))
        return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows)


class Unreached(Refused):
    """沙箱做不到: this sandbox cannot bring that about; the sentence says why."""

    code = "channels.conformance_unreached"


@dataclass(frozen=True, slots=True)
class Order:
    """What the sandbox wants paid so that a scenario happens."""

    bank: str
    funding_ref: str
    card_ref: str
    name: str
    amount: int  # fen
    expires_in: timedelta = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Truth:
    """What the other side's own books say of a key in the end; none of it is known to the connector."""

    debits: int
    credits: int
    given_back: int
    booked_on: date | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One callback as it came in."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Proof:
    """One line of bank data on a card about a key: `payment`, `withdrawn`, `corrected`; fen, positive: owed less."""

    kind: str
    posted_on: date
    amount: int


class Sandbox(Protocol):
    """What the author of a connector brings: the connector, and hands on the other side of it.

    Everything may raise `Unreached` with the reason; the kit then lists the scenario and goes on.
    """

    @property
    def connector(self) -> Connector:
        """The connector under test."""

    def arrange(self, number: int, how: str = "") -> Order:
        """A fresh payer and card, so that the next payment between them meets this scenario in this of its ways."""

    def now(self) -> datetime:
        """The other side's clock."""

    def move(self, until: datetime) -> None:
        """Let time pass there until this moment; callbacks that fall due come in on the way."""

    def truth(self, key: UUID) -> Truth:
        """What the books over there say."""

    def spent(self, order: Order) -> int:
        """Fen that left this payer's account, under whatever key, and did not come back."""

    def calls(self) -> Sequence[Call]:
        """Callbacks that came in since this was last asked, in order."""

    def proofs(self, order: Order, key: UUID) -> Sequence[Proof]:
        """Bank data on the card about this key, oldest first."""


@dataclass(frozen=True, slots=True)
class View:
    """Where an instruction stands on our side."""

    state: State
    final_code: str
    sends: int  # how often the bytes went out
    events: tuple[EventKind, ...]
    changes: int  # how often the state changed
    stopped: bool  # another body under its key: nobody goes on
    resets_at: datetime | None = None


class Desk(Protocol):
    """Our side: whoever prepares, delivers and listens. The kit has one in memory; the room itself is another."""

    def prepare(self, order: Order, *, again: bool = False) -> UUID:
        """Make an instruction; `again`: one more attempt of the same part, which `StillOpen` may refuse."""

    def step(self, key: UUID) -> Answer:
        """One turn: send it, or ask what became of it; raises `OtherBody`."""

    def hear(self, call: Call) -> UUID:
        """Take in a callback and ask about its key; raises `Forged` or `Stale`."""

    def withdraw(self, key: UUID) -> None:
        """The person takes the order back: nothing more is sent, and what was sent is followed to its end."""

    def batch(self, keys: Sequence[UUID]) -> Mapping[UUID, Answer]:
        """Send several in one call; raises `Unreached` where the connector knows no batches."""

    def view(self, key: UUID) -> View:
        """Where it stands."""

    def instruction(self, key: UUID) -> Instruction:
        """The instruction, with the bytes that go out."""

    def record(self, order: Order) -> Capabilities:
        """The record that holds for this order."""


@dataclass(frozen=True, slots=True)
class RightEnd:
    """The right end of one scenario, so that a machine can compare it."""

    number: int
    zh: str
    en: str
    says: str  # the right end, in words
    first: str = "settled"  # settled, rejected, unknown: our first answer; empty: whatever it is
    state: State = State.SUCCESS
    code: str = ""
    debits: int = 1
    credits: int = 1
    given_back: int = 0
    events: tuple[EventKind, ...] = ()
    difference: str = ""  # what comparing the day's file with ours must find
    hows: tuple[str, ...] = field(default=("",))  # the ways in which it happens, each tried
