"""A little bank to test against: an HTTP server of its own with a memory of its own, which never joins our rows.

It answers what it is told to answer, also by hanging, hanging up or talking rubbish; its connector speaks plain HTTP.
Signatures are the business of real connectors and are tested with the simulated bank.
"""

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from uuid import UUID

from anhuan.channels.model import (
    Answer,
    Capabilities,
    DayFile,
    Event,
    EventKind,
    FileNotReady,
    Forged,
    Health,
    HealthState,
    Hint,
    Instruction,
    OtherBody,
    Rejected,
    Seen,
    Settled,
    Stale,
    Unknown,
    Why,
    Witness,
)

NAME = "little_bank"
RECORD = Capabilities(
    channel=NAME, bank="cmb", valid_from=date(2026, 1, 1), valid_to=None, card_kinds=("credit",),
    funding_kinds=("own_debit",), per_payment_min=100, per_payment_max=300_000, per_day_max=900_000,
    per_month_max=None, payments_per_month=None, fee_key="channel:bank_transfer", cut_off=None, lead_days=0,
    workdays_only=False, maintenance=(), arrival_class="instant", idempotent_by_key=True, key_days=30,
    not_found_final_after_minutes=30, final_codes=frozenset({"insufficient_funds", "card_frozen", "over_single_limit"}),
    callbacks=True, batch_max=1, calls_per_second=None, files=(), files_from=None, files_days_back=0, partner=NAME,
)  # fmt: skip


# A payment that never came in: told busy, dropped on the way, or a fault of the bank.
NOT_TAKEN: Final[Mapping[str, tuple[int, dict[str, Any]] | None]] = {
    "busy": (429, {"code": "rate_limited"}),
    "lost": None,
    "error": (500, {}),
}


@dataclass
class Bank:
    """What the bank remembers, and how it answers next; `before` runs in the server while a payment waits."""

    port: int = 0
    debits: Counter[str] = field(default_factory=Counter)  # how often each key took money
    bodies: dict[str, bytes] = field(default_factory=dict)
    states: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    next: list[str] = field(default_factory=list)  # how the next payments go; then "success"
    answers: list[str] = field(default_factory=list)  # how the next questions go; then the truth
    idempotent: bool = True
    before: Callable[[], None] | None = None
    taken_at: datetime = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)

    def pay(self, key: str, body: bytes) -> tuple[int, dict[str, Any]] | None:
        """One request to pay; None: the connection is dropped without a word."""
        self.sent[key] += 1
        if self.idempotent and key in self.bodies:
            if self.bodies[key] != body:
                return 409, {"code": "other_body"}
            return 200, self.states[key]
        how = self.next.pop(0) if self.next else "success"
        if self.before is not None:
            self.before()
        if how in NOT_TAKEN:
            return NOT_TAKEN[how]
        self.bodies[key] = body
        if how.startswith("no:"):
            self.states[key] = {"state": "failed", "code": how.removeprefix("no:")}
            return 200, self.states[key]
        self.debits[key] += 1
        self.states[key] = {"state": "success", "amount": json.loads(body)["amount"]}
        if how == "hang":
            time.sleep(1.5)
        if how in ("hang", "hang up"):  # done, but nobody hears of it
            return None
        return 200, {"state": how} if how in ("accepted", "processing") else self.states[key]

    def ask(self, key: str) -> tuple[int, dict[str, Any]] | None:
        """One question."""
        self.asked[key] += 1
        how = self.answers.pop(0) if self.answers else "truth"
        if how == "not found" or (how == "truth" and key not in self.states):
            return 404, {"code": "not_found"}
        if how == "silent":
            return None
        if how == "busy":
            return 503, {"code": "maintenance"}
        return 200, self.states[key] if how == "truth" else {"state": how}


class Connector:
    """The connector to it."""

    name = NAME

    def __init__(self, bank: Bank, witness: Witness, record: Capabilities = RECORD) -> None:
        self._bank, self._witness, self.record = bank, witness, record
        self.seconds = 60.0  # no stall of a busy machine is taken for a bank's silence

    def capabilities(self, on: date) -> Sequence[Capabilities]:
        return [self.record, replace(self.record, bank="icbc")]

    def pay(self, instruction: Instruction) -> Answer:
        return self._call("POST", instruction.key, "pay", instruction.body)

    def ask(self, key: UUID) -> Answer:
        return self._call("GET", key, "ask", None)

    def read_callback(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Hint:
        if headers.get("x-sign-signature") != "good":
            raise Forged("bad signature")
        said = json.loads(body)
        at = datetime.fromisoformat(said["at"])
        if abs((now - at).total_seconds()) > 300:
            raise Stale("old")
        return Hint(UUID(said["key"]), said["event_id"], at)

    def statement(self, day: date) -> Sequence[DayFile]:
        raise FileNotReady("none")

    def health(self, *, now: datetime) -> Health:
        return Health(HealthState.ANSWERED, now, 3)

    def _call(self, method: str, key: UUID, verb: str, body: bytes | None) -> Answer:
        line = http.client.HTTPConnection("127.0.0.1", self._bank.port, timeout=self.seconds)
        try:
            line.request(method, f"/{key}", body=body)
            got = line.getresponse()
            content = got.read()
        except (OSError, http.client.HTTPException):
            return Unknown(Why.NO_ANSWER)
        finally:
            line.close()
        self._witness(Seen(self.name, verb, key, got.status, content))
        return self._read(got.status, content, key)

    def _read(self, status: int, content: bytes, key: UUID) -> Answer:
        said = json.loads(content)
        if status == 409:
            raise OtherBody("other body")
        if status == 404:
            return Unknown(Why.NOT_FOUND)
        if status in (429, 503):
            return Unknown(Why.BUSY)
        if status != 200:
            return Unknown(Why.NO_ANSWER)
        match said["state"]:
            case "success":
                event = said.get("event")
                happened = event and Event(
                    EventKind(event["kind"]), datetime.fromisoformat(event["at"]), event["amount"], "wrong card"
                )
                return Settled(f"R{key.hex[:8]}", self._bank.taken_at, said["amount"], 0, happened)
            case "failed":
                return Rejected(said["code"])
            case why:
                return Unknown(Why(why))


@contextmanager
def running(bank: Bank) -> Iterator[Bank]:
    """The bank behind a port of its own."""

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            self._tell(bank.pay(self.path[1:], body))

        def do_GET(self) -> None:
            self._tell(bank.ask(self.path[1:]))

        def _tell(self, answer: tuple[int, dict[str, Any]] | None) -> None:
            if answer is None:
                self.close_connection = True
                return
            status, said = answer
            content = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    bank.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield bank
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
