"""Our side in memory, for the conformance kit: instructions under the same rules as the room's own, without a database.

`Recorder` stands before the connector and keeps the order of its verbs; it can also die between `sent_at` and the
answer, as a killed process does: the bytes are out, and nobody here knows what became of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from uuid import UUID

from anhuan.channels import capabilities, rules, wire
from anhuan.channels.conformance_model import Call, Order, Unreached, View
from anhuan.channels.model import (
    EXPIRED,
    WITHDRAWN,
    Answer,
    Capabilities,
    Connector,
    DayFile,
    Event,
    Health,
    Hint,
    Instruction,
    OtherBody,
    Rejected,
    State,
    StillOpen,
    Unfit,
    Unknown,
    UnknownChannel,
    Why,
)
from anhuan.kit import clock, ids


class Killed(BaseException):
    """The process died here; nothing may catch it but whoever starts it again."""


class Recorder:
    """A connector that notes every call, and dies after sending where it is told to."""

    def __init__(self, inner: Connector) -> None:
        self.inner, self.name = inner, inner.name
        self.verbs: list[tuple[str, UUID]] = []
        self.die = False

    def capabilities(self, on: date) -> Sequence[Capabilities]:
        """As the inner one."""
        return self.inner.capabilities(on)

    def pay(self, instruction: Instruction) -> Answer:
        """Note it and pass it on; `die` loses the answer and the process with it."""
        self.verbs.append(("pay", instruction.key))
        answer = self.inner.pay(instruction)
        if self.die:
            self.die = False
            raise Killed
        return answer

    def pay_many(self, instructions: Sequence[Instruction]) -> Mapping[UUID, Answer]:
        """Note each and pass them on; raises `Unreached` where the inner one knows no batches."""
        inner = getattr(self.inner, "pay_many", None)
        if inner is None:
            raise Unreached("the connector knows no batches")
        self.verbs += [("pay", one.key) for one in instructions]
        answers: Mapping[UUID, Answer] = inner(instructions)
        return answers

    def ask(self, key: UUID) -> Answer:
        """Note it and pass it on."""
        self.verbs.append(("ask", key))
        return self.inner.ask(key)

    def read_callback(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Hint:
        """As the inner one."""
        return self.inner.read_callback(headers, body, now=now)

    def statement(self, day: date) -> Sequence[DayFile]:
        """As the inner one."""
        return self.inner.statement(day)

    def health(self, *, now: datetime) -> Health:
        """As the inner one."""
        return self.inner.health(now=now)

    def of(self, key: UUID) -> list[str]:
        """The verbs about one key, in order."""
        return [verb for verb, about in self.verbs if about == key]


@dataclass
class _Held:
    """One instruction as it stands."""

    instruction: Instruction
    record: Capabilities
    state: State = State.CREATED
    code: str = ""
    sends: int = 0
    changes: int = 0
    last_sent_at: datetime | None = None
    untaken: bool = False
    stopped: bool = False
    resets_at: datetime | None = None
    events: list[Event] = field(default_factory=list)


class Memory:
    """The desk of the kit."""

    def __init__(self, connector: Connector, now: Callable[[], datetime]) -> None:
        self._connector, self._now = connector, now
        self._held: dict[UUID, _Held] = {}
        self._orders: dict[Order, UUID] = {}

    def record(self, order: Order) -> Capabilities:
        """Our dated record of this channel; what the channel tells of itself, where nobody wrote one."""
        on = self._now().astimezone(clock.CHINA).date()
        try:
            found = capabilities.find(self._connector.name, order.bank, on=on)
        except UnknownChannel:
            found = None
        told = (one for one in self._connector.capabilities(on) if one.bank in (order.bank, ""))
        found = found or next(told, None)
        if found is None:
            raise UnknownChannel(f"{self._connector.name} 没有 {order.bank} 的能力记录。", field="channel")
        return found

    def prepare(self, order: Order, *, again: bool = False) -> UUID:
        """Compute the bytes once, under a new key."""
        order_id = self._orders.setdefault(order, ids.new_id())
        earlier = [one for one in self._held.values() if one.instruction.order_id == order_id]
        if any(one.state is not State.FAILED and not _came_back(one) for one in earlier):
            raise StillOpen("上一次付款没有最终结果，或已经成功。", field="attempt")
        record, now, attempt = self.record(order), self._now(), len(earlier) + 1
        if not rules.fits(order.amount, record):
            raise Unfit("金额不在这个渠道的单笔范围内，请拆成几笔。", field="amount")
        plain = Instruction(
            ids.new_id(), order_id, 1, attempt, self._connector.name, order.funding_ref, order.card_ref,
            order.amount, "CNY", now + order.expires_in, b"", None, order.bank,
        )  # fmt: skip
        connector = self._connector.inner if isinstance(self._connector, Recorder) else self._connector
        written = connector.write(plain, order.name) if isinstance(connector, wire.Writes) else None
        body = written if written is not None else wire.body_of(plain, order.name)
        self._held[plain.key] = _Held(replace(plain, body=body), record)
        return plain.key

    def withdraw(self, key: UUID) -> None:
        """End what was never sent; anything else goes on."""
        held = self._held[key]
        if held.sends == 0 and held.state is State.CREATED:
            held.state, held.code = State.FAILED, WITHDRAWN

    def batch(self, keys: Sequence[UUID]) -> Mapping[UUID, Answer]:
        """Send several in one call, each with its own answer."""
        pay_many = getattr(self._connector, "pay_many", None)
        if pay_many is None:
            raise Unreached("the connector knows no batches")
        now = self._now()
        for held in (self._held[key] for key in keys):
            held.sends, held.last_sent_at, held.untaken = held.sends + 1, now, False
            held.instruction = replace(held.instruction, sent_at=now)
        answers: Mapping[UUID, Answer] = pay_many([self._held[key].instruction for key in keys])
        return {key: self._take(self._held[key], answers[key], asked=False) for key in keys}

    def instruction(self, key: UUID) -> Instruction:
        """The instruction as a value."""
        return self._held[key].instruction

    def step(self, key: UUID) -> Answer:
        """Send what was never sent, else ask; send the same bytes again only where the rules allow it."""
        held, now = self._held[key], self._now()
        if held.sends == 0 and held.state is State.CREATED:
            if now >= held.instruction.expires_at:
                held.state, held.code = State.FAILED, EXPIRED
                return Rejected(EXPIRED)
            return self._send(held)
        answer = self._connector.ask(key)
        unheard = isinstance(answer, Unknown) and answer.why is Why.NOT_FOUND
        return self._send(held) if unheard and self._may_send_again(held) else self._take(held, answer, asked=True)

    def hear(self, call: Call) -> UUID:
        """A hint makes us ask; what state it claims is not looked at."""
        hint = self._connector.read_callback(call.headers, call.body, now=self._now())
        if hint.key in self._held and self._held[hint.key].sends:
            self._take(self._held[hint.key], self._connector.ask(hint.key), asked=True)
        return hint.key

    def view(self, key: UUID) -> View:
        """Where it stands."""
        one = self._held[key]
        kinds = tuple(event.kind for event in one.events)
        return View(one.state, one.code, one.sends, kinds, one.changes, one.stopped, one.resets_at)

    def _send(self, held: _Held) -> Answer:
        now = self._now()
        held.sends, held.last_sent_at, held.untaken = held.sends + 1, now, False
        held.instruction = replace(held.instruction, sent_at=held.instruction.sent_at or now)
        try:
            answer = self._connector.pay(held.instruction)
        except OtherBody:
            held.stopped = True
            raise
        return self._take(held, answer, asked=False)

    def _may_send_again(self, held: _Held) -> bool:
        now = self._now()
        if held.stopped or held.state not in (State.CREATED, State.UNKNOWN) or now >= held.instruction.expires_at:
            return False
        final = rules.not_found_is_final(held.record, sent_at=held.last_sent_at, now=now) and not held.untaken
        return not final and rules.may_send_again(held.record, untaken=held.untaken)

    def _take(self, held: _Held, answer: Answer, *, asked: bool) -> Answer:
        before = rules.Standing(held.state, held.instruction.amount, held.last_sent_at)
        change = rules.change(before, answer, record=held.record, now=self._now())
        held.untaken = held.untaken or (isinstance(answer, Unknown) and answer.why is Why.BUSY and not asked)
        if change.event is not None and change.event not in held.events:
            held.events.append(change.event)
        if change.state is not None and change.state is not held.state:
            held.state, held.changes = change.state, held.changes + 1
            if change.state is State.FAILED:
                held.code = change.final_code
                held.resets_at = answer.resets_at if isinstance(answer, Rejected) else None
                return answer if isinstance(answer, Rejected) else Rejected(change.final_code)
        return answer


def _came_back(held: _Held) -> bool:
    return sum(event.amount for event in held.events) >= held.instruction.amount
