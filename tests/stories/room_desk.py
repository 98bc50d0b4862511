"""Our side as it really is: instructions, messages, evidence and postings in PostgreSQL.

It stands where the conformance kit's desk in memory stands, so the same plays judge the room. Beside the channels it
keeps the tracked ledger by the table of ledger.md, section 9: held at placement, captured when taken, arrived when bank
data prove it, given back on a return, void on a final no.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan import channels, ledger
from anhuan.channels import delivery, evidence, instructions, service, store
from anhuan.channels.conformance import Call, Order, Recorder, Unreached, View
from anhuan.channels.conformance_desk import Killed
from anhuan.channels.evidence_rules import Arrival, Kind
from anhuan.channels.hearing import Verdict, hear
from anhuan.channels.model import Answer, Capabilities, EventKind, Forged, Instruction, Seen, Stale, State
from anhuan.channels.simbank_sandbox import SimbankSandbox
from anhuan.kit import db as database
from anhuan.kit import ids, wall
from anhuan.kit.clock import CHINA
from anhuan.ledger import AccountKind, AccountName, Code

CHANNEL: Final = "simbank"
UNIT: Final = "CNY/tracked"
TRANSIT: Final = AccountName(UNIT, AccountKind.TRANSIT, None, CHANNEL)


@dataclass
class RoomDesk:
    """One person's side of one play. `die`: the process is killed once, after the first bytes went out."""

    sandbox: SimbankSandbox
    recorder: Recorder
    seen: list[Seen]  # what the connector saw, filled by the witness of the whole test
    party: UUID = field(default_factory=ids.new_id)
    die: bool = False
    deaths: int = 0
    changed: dict[UUID, int] = field(default_factory=dict)
    heard: dict[UUID, list[Seen]] = field(default_factory=dict)
    orders: dict[Order, UUID] = field(default_factory=dict)
    order_of: dict[UUID, Order] = field(default_factory=dict)
    sent_keys: dict[UUID, None] = field(default_factory=dict)

    # --- what the plays ask for ---

    def prepare(self, order: Order, *, again: bool = False) -> UUID:
        """An instruction of the room, and its amount set aside in the ledger."""
        number, now = self.orders.setdefault(order, ids.new_id()), self.sandbox.now()
        with self._rows() as db:
            attempt = len(store.attempts(db, self.party, number, 1)) + 1
            asked = channels.Ask(
                number, 1, attempt, CHANNEL, order.bank, order.funding_ref, order.card_ref, order.amount, order.name,
                expires_at=now + order.expires_in,
            )  # fmt: skip
            made = channels.prepare(db, self.party, asked, now=now)
            ledger.hold(
                db, id=_step(made.key, "hold"), src=self._mine(AccountKind.BANK), dst=TRANSIT, amount=order.amount,
                code=Code.REPAY_TAKEN, ref=made.key,
            )  # fmt: skip
        self.order_of[made.key] = order
        return made.key

    def step(self, key: UUID) -> Answer:
        """What the room's worker does: hand it over, or ask; then the postings that follow from what is known."""
        self.recorder.die, self.die = self.die, False
        before = self._state(key)
        verb = delivery.ask if before in (State.SUCCESS, State.FAILED) else delivery.deliver
        with self._noted(key):
            try:
                answer = verb(self.party, key, now=self.sandbox.now)
            except Killed:
                self.deaths += 1
                return self.step(key)  # another worker takes it up
        self._after(key, before)
        return answer

    def hear(self, call: Call) -> UUID:
        """A receipt, and where it is a hint, one question."""
        with database.transaction() as db:
            found = hear(db, CHANNEL, call.headers, call.body, now=self.sandbox.now())
        if found.verdict is Verdict.FORGED:
            raise Forged("a forged callback")
        if found.verdict is Verdict.STALE:
            raise Stale("a stale callback")
        assert found.key is not None
        if found.verdict is Verdict.HINT and found.key in self.order_of:
            before = self._state(found.key)
            with self._noted(found.key):
                delivery.ask(self.party, found.key, now=self.sandbox.now)
            self._after(found.key, before)
        return found.key

    def withdraw(self, key: UUID) -> None:
        """The person takes it back."""
        with self._rows() as db:
            channels.withdraw(db, self.party, key, now=self.sandbox.now())

    def batch(self, keys: Sequence[UUID]) -> Mapping[UUID, Answer]:
        """A batch through the room's own acts: each taken up, sent together, each recorded by itself."""
        taken = []
        for key in keys:
            with self._worker() as db:
                found = service.take_up(db, self.party, key, now=self.sandbox.now())
            taken.append(found.instruction)
        answers = self.recorder.pay_many(taken)
        known = {}
        for key in keys:
            before = self._state(key)
            with self._worker() as db:
                known[key] = service.note(db, self.party, key, answers[key], now=self.sandbox.now(), asked=False)
            self._after(key, before)
        return known

    def view(self, key: UUID) -> View:
        """Where the room says it stands."""
        with self._rows() as db:
            row = store.instruction(db, self.party, key)
            assert row is not None
            events = tuple(EventKind(one.kind) for one in store.events(db, self.party, key))
            return View(
                State(row.state), row.final_code or "", row.sends, events, self.changed.get(key, 0),
                row.stopped_at is not None, row.resets_at,
            )  # fmt: skip

    def instruction(self, key: UUID) -> Instruction:
        """The instruction, with its bytes."""
        with self._rows() as db:
            return channels.find(db, self.party, key)

    def record(self, order: Order) -> Capabilities:
        """Our dated record."""
        found = channels.capabilities.find(CHANNEL, order.bank, on=self._today())
        if found is None:
            raise Unreached("no record of this channel")
        return found

    # --- what a test looks at afterwards ---

    @property
    def keys(self) -> list[UUID]:
        """Every instruction that was prepared, in order."""
        return list(self.order_of)

    def arrival(self, key: UUID) -> tuple[Arrival, date | None]:
        """What the evidence tells about the arrival."""
        with self._rows() as db:
            found = evidence.of(db, self.party, key)
            return found.arrival, found.on

    def unkept(self) -> list[str]:
        """Messages that the connector saw during this desk's acts and that are not stored with their hash."""
        missing = []
        for key, seen in self.heard.items():
            with self._rows() as db:
                kept = [(row.status, row.content, row.sha256) for row in store.messages(db, self.party, key)]
            wrong = [row for row in kept if hashlib.sha256(row[1]).hexdigest() != row[2]]
            missing += [f"{key}: a kept message with another hash" for _ in wrong]
            have = [(status, content) for status, content, _ in kept]
            missing += [
                f"{key}: {one.verb} {one.status} is not kept" for one in seen if (one.status, one.body) not in have
            ]
        return missing

    def balances(self) -> dict[str, int]:
        """Fen on this person's accounts and in transit."""
        with self._rows() as db:
            names = {kind.name.lower(): self._mine(kind) for kind in (AccountKind.BANK, AccountKind.CARD)}
            names["outside_fee"] = self._mine(AccountKind.OUTSIDE_FEE)
            lane = ledger.lane_of(db, self.party)
            found = {word: ledger.balance(db, name) for word, name in names.items()}
            transit = ledger.balance(db, TRANSIT, shard=lane)
            held = found["bank"]
            return {
                **{word: one.posted if one else 0 for word, one in found.items()},
                "transit": transit.posted if transit else 0,
                "held": held.held if held else 0,
            }

    # --- inside ---

    def _after(self, key: UUID, before: State) -> None:
        """Count a change, take in bank data, and post what follows; every posting's id is derived, so twice is once."""
        view = self.view(key)
        if view.state is not before:
            self.changed[key] = self.changed.get(key, 0) + 1
        with self._rows() as db:
            if view.state is State.FAILED:
                ledger.void(db, _step(key, "hold"))
            elif view.state is State.SUCCESS:
                ledger.capture(db, _step(key, "hold"))
        if view.state is State.SUCCESS:
            self._arrived(key)
        if view.events:
            self._came_back(key)

    def _arrived(self, key: UUID) -> None:
        """Bank data are evidence; what they prove is posted, and what they take back is in doubt."""
        order, now = self.order_of[key], self.sandbox.now()
        for place, proof in enumerate(self.sandbox.proofs(order, key)):
            source = f"card {order.card_ref} line {place}"
            if proof.kind in ("payment", "corrected"):
                told = evidence.Proof(Kind.STATEMENT, source, proof.posted_on, amount=proof.amount)
                with self._worker() as db:
                    evidence.give(db, service.WORKER, self.party, key, told, now=now)
            elif proof.kind == "withdrawn":
                with self._worker() as db:
                    about = next(row.id for row in evidence.of(db, self.party, key).rows if row.kind == Kind.STATEMENT)
                    evidence.doubt(db, service.WORKER, self.party, key, about, reason="入账被银行更正", now=now)
            if proof.kind == "payment":
                self._post(key, "arrived", AccountKind.CARD, Code.REPAY_ARRIVED, proof.amount)
                if proof.amount < order.amount:
                    rest = order.amount - proof.amount
                    self._post(key, "fee", AccountKind.OUTSIDE_FEE, Code.REPAY_FEE_OUTSIDE, rest)
        with self._worker() as db:
            evidence.weigh(db, self.party, key, now=now)

    def _came_back(self, key: UUID) -> None:
        self._post(key, "given back", AccountKind.BANK, Code.REPAY_GIVEN_BACK, self.order_of[key].amount)

    def _post(self, key: UUID, step: str, to: AccountKind, code: Code, amount: int) -> None:
        with self._rows() as db:
            ledger.transfer(db, id=_step(key, step), src=TRANSIT, dst=self._mine(to), amount=amount, code=code, ref=key)

    def _mine(self, kind: AccountKind) -> AccountName:
        return AccountName(UNIT, kind, self.party)

    def _state(self, key: UUID) -> State:
        with self._rows() as db:
            return instructions.state_of(db, self.party, key)

    def _today(self) -> date:
        return self.sandbox.now().astimezone(CHINA).date()

    @contextmanager
    def _noted(self, key: UUID) -> Iterator[None]:
        """What the connector sees about this key meanwhile must be kept."""
        start = len(self.seen)
        try:
            yield
        finally:
            self.heard.setdefault(key, []).extend(one for one in self.seen[start:] if one.key == key)

    @contextmanager
    def _rows(self) -> Iterator[Session]:
        """The person's rows, by the web's login."""
        with database.transaction() as db:
            wall.enter(db, party=self.party, person=self.party)
            yield db

    @contextmanager
    def _worker(self) -> Iterator[Session]:
        """The person's rows, by the worker's login."""
        with delivery._transaction(self.party, self.sandbox.now()) as db:
            yield db


def _step(key: UUID, step: str) -> UUID:
    """The id of the posting that a step of an instruction makes."""
    return ids.derive(key, step)
