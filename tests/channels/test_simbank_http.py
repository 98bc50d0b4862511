"""The connector against a bank that lies, stammers and hangs: only what it signed, about our key, in words that we
know, is ever more than "unknown"."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from anhuan.channels import simbank_http
from anhuan.channels.model import (
    Answer,
    Event,
    EventKind,
    FileDamaged,
    FileNotReady,
    Forged,
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
)
from anhuan.channels.simbank_http import Keys, SimulatedBank
from anhuan.kit import fetch, signing
from anhuan.kit.settings import BadSetting

NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)
DAY = date(2026, 11, 20)
KEY = UUID("01900000-0000-7000-8000-00000000000a")
OTHER = UUID("01900000-0000-7000-8000-00000000000b")
BANK, STRANGER, OURS = (Ed25519PrivateKey.generate() for _ in range(3))
NO_ANSWER: Answer = Unknown(Why.NO_ANSWER)
PATIENT = 60  # seconds: no stall of a busy machine is taken for a bank's silence
PAID = {
    "key": str(KEY),
    "state": "success",
    "reference": "S1",
    "taken_at": "2026-11-20T11:00:00+08:00",
    "amount": 50000,
}


@dataclass
class Script:
    """What the bank answers next, and what it was asked."""

    status: int = 200
    body: bytes = b"{}"
    signer: Ed25519PrivateKey | None = BANK
    signed_at: datetime = NOW
    signed_body: bytes | None = None  # what the signature is over, where it is not the body
    nonce: str | None = None  # of another question, where it is not this one's
    headers: Mapping[str, str] = field(default_factory=dict)
    sleep: float = 0
    drop: bool = False
    by_path: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str, bytes, bool]] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    script: Script

    def do_GET(self) -> None:
        script = self.script
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        heads = {name.lower(): value for name, value in self.headers.items()}
        try:
            signing.verify({"ours": OURS.public_key()}, heads, self.command, self.path, body, now=NOW)
            signed = True
        except signing.BadSignature:
            signed = False
        script.asked.append((self.command, self.path, body, signed))
        time.sleep(script.sleep)
        if script.drop:
            self.close_connection = True
            return
        answer = script.by_path.get(self.path, script.body)
        said = dict(script.headers)
        if script.signer is not None:
            over = answer if script.signed_body is None else script.signed_body
            said |= signing.sign(
                script.signer, "bank-1", "ANSWER", str(script.status), over, now=script.signed_at,
                nonce=script.nonce or heads[signing.NONCE],
            )  # fmt: skip
        self.send_response(script.status)
        self.send_header("Content-Length", str(len(answer)))
        for name, value in said.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_GET  # noqa: N815 - the library's name

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture(scope="module")
def server() -> Iterator[ThreadingHTTPServer]:
    made = ThreadingHTTPServer(("127.0.0.1", 0), type("Bank", (Handler,), {}))
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def script(server: ThreadingHTTPServer) -> Script:
    made = Script()
    server.RequestHandlerClass.script = made  # type: ignore[attr-defined]
    return made


@pytest.fixture
def seen() -> list[Seen]:
    return []


@pytest.fixture
def bank(server: ThreadingHTTPServer, script: Script, seen: list[Seen]) -> SimulatedBank:
    return SimulatedBank(
        f"http://127.0.0.1:{server.server_port}",
        Keys("ours", OURS, {"bank-1": BANK.public_key()}),
        witness=seen.append, callback_path="/channels/simbank/callback", seconds=lambda on: PATIENT,
        slow_ms=lambda on: PATIENT * 1000, final_codes=lambda on: frozenset({"insufficient_funds", "daily_limit"}),
        now=lambda: NOW,
    )  # fmt: skip


def instruction(key: UUID = KEY) -> Instruction:
    body = json.dumps({"key": str(key), "amount": 50000}).encode()
    return Instruction(key, key, 1, 1, "simbank", "debit-1", "card-1", 50000, "CNY", NOW + timedelta(hours=1), body)


def said(**facts: Any) -> bytes:
    return json.dumps(facts).encode()


# --- answers ---


@pytest.mark.parametrize(("status", "body", "answer"), [
    (200, said(**PAID), Settled("S1", NOW, 50000)),
    (200, said(**PAID, fee_kept=200), Settled("S1", NOW, 50000, 200)),
    (200, said(**PAID, event={"kind": "returned", "at": "2026-11-21T11:00:00+08:00", "amount": 50000,
                           "reason": "户名"}),
     Settled("S1", NOW, 50000, 0, Event(EventKind.RETURNED, NOW + timedelta(days=1), 50000, "户名"))),
    (200, said(key=str(KEY), state="accepted", reference="S1"), Unknown(Why.ACCEPTED)),
    (200, said(key=str(KEY), state="processing", reference="S1"), Unknown(Why.PROCESSING)),
    (200, said(key=str(KEY), state="failed", code="insufficient_funds", message="余额不足", reference="S1"),
     Rejected("insufficient_funds", "余额不足")),
    (200, said(key=str(KEY), state="failed", code="daily_limit", resets_at="2026-11-21T00:00:00+08:00"),
     Rejected("daily_limit", "", datetime(2026, 11, 20, 16, tzinfo=UTC))),
    (404, said(code="not_found"), Unknown(Why.NOT_FOUND)),
    (429, said(code="rate_limited", until="2026-11-20T11:00:07+08:00"), Unknown(Why.BUSY, NOW + timedelta(seconds=7))),
    (503, said(code="maintenance"), Unknown(Why.BUSY)),
    # what follows is no answer, whatever it looks like
    (200, said(key=str(KEY), state="failed", code="try_later", reference="S1"), NO_ANSWER),  # not final in our record
    (200, said(**{**PAID, "key": str(OTHER)}), NO_ANSWER),  # about another payment
    (200, said(**{**PAID, "amount": "50000"}), NO_ANSWER),
    (200, said(**{**PAID, "amount": -1}), NO_ANSWER),
    (200, said(**{**PAID, "amount": True}), NO_ANSWER),
    (200, json.dumps({**PAID, "amount": 500.0}).encode(), NO_ANSWER),
    (200, said(**{**PAID, "taken_at": "2026-11-20T11:00:00"}), NO_ANSWER),  # a moment without a zone
    (200, said(**{**PAID, "state": "SUCCESS"}), NO_ANSWER),
    (200, said(**PAID, event={"kind": "vanished"}), NO_ANSWER),
    (200, b"", NO_ANSWER),
    (200, b"\xff\xfe<html>", NO_ANSWER),
    (200, b"[]", NO_ANSWER),
    (200, b"[" * 100_000, NO_ANSWER),
    (201, said(**PAID), NO_ANSWER),
    (302, said(**PAID), NO_ANSWER),
    (401, said(code="bad_signature"), NO_ANSWER),
    (404, said(code="no_such_path"), NO_ANSWER),  # not the bank's word that it does not know the key
    (409, said(code="something_else"), NO_ANSWER),
    (500, said(key=str(KEY), state="failed", code="insufficient_funds"), NO_ANSWER),
])  # fmt: skip
def test_an_answer_says_what_it_says_and_the_rest_is_unknown(
    bank: SimulatedBank, script: Script, status: int, body: bytes, answer: Answer
) -> None:
    script.status, script.body = status, body
    assert bank.pay(instruction()) == answer
    assert bank.ask(KEY) == answer


Fault = Callable[[Script], Script]
FAULTS: Mapping[str, Fault] = {
    "unsigned": lambda script: replace(script, signer=None),
    "a key that the bank does not have": lambda script: replace(script, signer=STRANGER),
    "signed for another body": lambda script: replace(script, signed_body=said(**{**PAID, "amount": 1})),
    "signed yesterday": lambda script: replace(script, signed_at=NOW - timedelta(days=1)),
    "signed tomorrow": lambda script: replace(script, signed_at=NOW + timedelta(days=1)),
    "an answer to another question": lambda script: replace(script, nonce="yesterday's"),
    "too late": lambda script: replace(script, sleep=1),
    "a dropped connection": lambda script: replace(script, drop=True),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("status", "body"), [
    (200, said(**PAID)), (200, said(key=str(KEY), state="failed", code="insufficient_funds")),
    (404, said(code="not_found")), (429, said(code="rate_limited")), (409, said(code="other_body")),
])  # fmt: skip
def test_nothing_that_the_bank_did_not_sign_in_time_is_believed(
    bank: SimulatedBank, script: Script, server: ThreadingHTTPServer, fault: str, status: int, body: bytes
) -> None:
    server.RequestHandlerClass.script = FAULTS[fault](replace(script, status=status, body=body))  # type: ignore[attr-defined]
    if fault == "too late":
        bank._seconds = lambda on: 0.4
    assert bank.pay(instruction()) == NO_ANSWER


def test_another_body_under_the_same_key_is_a_broken_law(bank: SimulatedBank, script: Script) -> None:
    script.status, script.body = 409, said(code="other_body")
    with pytest.raises(OtherBody) as found:
        bank.pay(instruction())
    assert found.value.facts == {"key": str(KEY)}


def test_retry_after_counts_from_now_where_no_moment_is_told(bank: SimulatedBank, script: Script) -> None:
    script.status, script.body, script.headers = 503, said(code="maintenance"), {"Retry-After": "60"}
    assert bank.ask(KEY) == Unknown(Why.BUSY, NOW + timedelta(minutes=1))


def test_a_bank_that_is_not_there_is_no_answer(bank: SimulatedBank) -> None:
    gone = SimulatedBank(
        "http://127.0.0.1:9", bank._keys, witness=lambda seen: None, callback_path="/", seconds=lambda on: PATIENT,
        slow_ms=lambda on: 1, final_codes=lambda on: frozenset(), now=lambda: NOW,
    )  # fmt: skip
    assert gone.pay(instruction()) == NO_ANSWER
    assert gone.health(now=NOW).state is HealthState.SILENT
    with pytest.raises(FileNotReady):
        gone.statement(DAY)


# --- what goes out ---


def test_the_very_bytes_go_out_signed_and_asking_moves_nothing(bank: SimulatedBank, script: Script) -> None:
    order = instruction()
    bank.pay(order)
    bank.ask(KEY)
    bank.pay(order)
    assert script.asked == [
        ("POST", "/v1/payments", order.body, True),
        ("GET", f"/v1/payments/{KEY}", b"", True),
        ("POST", "/v1/payments", order.body, True),
    ]


def test_every_answer_is_shown_to_the_witness_as_it_came_even_an_unsigned_one(
    bank: SimulatedBank, script: Script, seen: list[Seen]
) -> None:
    script.status, script.body, script.signer = 500, b"\x00rubbish", None
    bank.pay(instruction())
    assert seen == [Seen("simbank", "pay", KEY, 500, b"\x00rubbish")]


def test_an_answer_that_could_not_be_stored_is_not_acted_on(bank: SimulatedBank, script: Script) -> None:
    def fails(one: Seen) -> None:
        raise OSError("the disk is full")

    script.body = said(**PAID)
    bank._witness = fails
    with pytest.raises(OSError, match="disk"):
        bank.pay(instruction())


# --- batches ---


def test_each_item_of_a_batch_has_its_own_answer_and_a_missing_one_is_unknown(
    bank: SimulatedBank, script: Script
) -> None:
    third = UUID(int=3)
    script.body = said(items=[PAID, {"key": str(OTHER), "error": {"code": "busy"}}, {"key": str(UUID(int=9))}])
    answers = bank.pay_many([instruction(), instruction(OTHER), instruction(third)])
    assert answers == {KEY: Settled("S1", NOW, 50000), OTHER: Unknown(Why.BUSY), third: NO_ANSWER}
    sent = json.loads(script.asked[0][2])
    assert [item["key"] for item in sent["items"]] == [str(KEY), str(OTHER), str(third)]


def test_a_batch_that_names_a_key_twice_is_believed_for_none(bank: SimulatedBank, script: Script) -> None:
    script.body = said(items=[PAID, {**PAID, "state": "processing"}])
    assert bank.pay_many([instruction()]) == {KEY: NO_ANSWER}


# --- callbacks ---

CALLBACK = said(event_id="e1", key=str(KEY), state="success", at="2026-11-20T11:00:00+08:00")
PATH = "/channels/simbank/callback"


def signed(
    body: bytes = CALLBACK, *, by: Ed25519PrivateKey = BANK, at: datetime = NOW, path: str = PATH
) -> dict[str, str]:
    return {name.title(): value for name, value in signing.sign(by, "bank-1", "POST", path, body, now=at).items()}


def test_a_callback_is_worth_a_key_to_ask_about(bank: SimulatedBank) -> None:
    assert bank.read_callback(signed(), CALLBACK, now=NOW) == Hint(KEY, "e1", NOW)


@pytest.mark.parametrize(("headers", "body"), [
    ({}, CALLBACK),
    (signed(by=STRANGER), CALLBACK),
    (signed(), CALLBACK + b" "),
    (signed(path="/channels/other/callback"), CALLBACK),
    (signed() | {"X-Sign-Key": "bank-2"}, CALLBACK),
    (signed() | {"X-Sign-Signature": "!"}, CALLBACK),
    (signed(b"[]"), b"[]"),
    (signed(b'{"key":1}'), b'{"key":1}'),
])  # fmt: skip
def test_a_forged_callback_is_refused(bank: SimulatedBank, headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(Forged):
        bank.read_callback(headers, body, now=NOW)


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_callback_of_another_hour_is_refused(bank: SimulatedBank, minutes: int) -> None:
    with pytest.raises(Stale):
        bank.read_callback(signed(at=NOW + timedelta(minutes=minutes)), CALLBACK, now=NOW)


# --- files ---


def listed(content: bytes, **other: Any) -> dict[str, Any]:
    one = {
        "name": "a.csv",
        "kind": "trade",
        "sha256": hashlib.sha256(content).hexdigest(),
        "rows": 1,
        "size": len(content),
    }
    return {"files": [one | other]}


def test_the_files_of_a_day_come_with_the_checksum_that_was_announced(bank: SimulatedBank, script: Script) -> None:
    script.by_path = {"/v1/files?day=2026-11-20": said(**listed(b"rows")), "/v1/files/2026-11-20/a.csv": b"rows"}
    [one] = bank.statement(DAY)
    assert (one.kind, one.name, one.content, one.day) == ("trade", "a.csv", b"rows", DAY)


@pytest.mark.parametrize("wrong", [{"sha256": "0" * 64}, {"size": 3}])
def test_a_file_of_another_length_or_checksum_is_refused_whole(
    bank: SimulatedBank, script: Script, seen: list[Seen], wrong: dict[str, Any]
) -> None:
    script.by_path = {
        "/v1/files?day=2026-11-20": said(**listed(b"rows", **wrong)),
        "/v1/files/2026-11-20/a.csv": b"rows",
    }
    with pytest.raises(FileDamaged):
        bank.statement(DAY)
    assert seen[-1].body == b"rows"  # the bytes are kept


def test_files_that_are_not_made_yet_are_waited_for(bank: SimulatedBank, script: Script) -> None:
    script.status, script.body = 404, json.dumps({"code": "not_ready", "from": "2026-11-21T09:00:00+08:00"}).encode()
    with pytest.raises(FileNotReady):
        bank.statement(DAY)


# --- health, capabilities, bank data, keys ---

TOLD = {
    "on": "2026-11-20", "per_payment_min": 1, "per_payment_max": 5000000, "per_day_max": 20000000, "cut_off": None,
    "workdays_only": False, "arrival": "instant", "maintenance": [{"starts": "00:30", "ends": "05:00"}],
    "idempotent_by_key": True, "key_days": 30, "not_found_final_after_minutes": 30, "final_codes": ["card_frozen"],
    "callbacks": True, "batch_max": 50, "calls_per_second": 0, "files_from": "09:00", "files_days_back": 90,
}  # fmt: skip


def test_what_the_bank_tells_of_itself_is_one_record_for_all_its_banks(bank: SimulatedBank, script: Script) -> None:
    script.body = said(**TOLD)
    [one] = bank.capabilities(DAY)
    assert (one.bank, one.key_days, one.final_codes) == ("", 30, frozenset({"card_frozen"}))
    assert [(window.starts.hour, window.ends.hour) for window in one.maintenance] == [(0, 5)]


@pytest.mark.parametrize("body", [b"{}", said(**TOLD | {"maintenance": 1}), said(**TOLD | {"cut_off": "noon"}), b"x"])
def test_a_record_that_cannot_be_read_is_none(bank: SimulatedBank, script: Script, body: bytes) -> None:
    script.body = body
    assert bank.capabilities(DAY) == []


@pytest.mark.parametrize(("status", "body", "slow_ms", "state"), [
    (200, b'{"state":"answered"}', PATIENT * 1000, HealthState.ANSWERED),
    (200, b'{"state":"answered"}', 0, HealthState.SLOW),
    (200, b'{"state":"maintenance","until":"2026-11-20T12:00:00+08:00"}', 1, HealthState.MAINTENANCE),
    (503, b'{"code":"maintenance"}', 1, HealthState.MAINTENANCE),
    (401, b"{}", 1, HealthState.SILENT),
    (200, b"rubbish", 1, HealthState.SILENT),
])  # fmt: skip
def test_health_is_what_is_seen_from_here(
    bank: SimulatedBank, script: Script, status: int, body: bytes, slow_ms: int, state: HealthState
) -> None:
    script.status, script.body = status, body
    bank._slow_ms = lambda on: slow_ms
    assert bank.health(now=NOW).state is state


def test_bank_data_that_did_not_come_whole_are_no_data(bank: SimulatedBank, script: Script) -> None:
    script.status = 500
    with pytest.raises(fetch.NoAnswer):
        bank.postings("card-1", since=DAY)


def test_only_this_machine_or_a_host_of_the_list_is_called(bank: SimulatedBank) -> None:
    far = SimulatedBank(
        "https://bank.example", bank._keys, witness=lambda seen: None, callback_path="/", seconds=lambda on: PATIENT,
        slow_ms=lambda on: 1, final_codes=lambda on: frozenset(), now=lambda: NOW, reach=lambda: fetch.Reach(()),
    )  # fmt: skip
    with pytest.raises(fetch.NotAllowed):
        far.ask(KEY)


def keys_file(place: Path, mode: int = 0o600, **other: Any) -> Path:
    raw = {"key_id": "ours", "private_key": base64.b64encode(OURS.private_bytes_raw()).decode(),
           "bank_keys": {"bank-1": base64.b64encode(BANK.public_key().public_bytes_raw()).decode()}}  # fmt: skip
    place.write_text(json.dumps(raw | other))
    place.chmod(mode)
    return place


def test_the_keys_are_read_from_a_file_closed_to_others(tmp_path: Path) -> None:
    keys = simbank_http.read_keys(keys_file(tmp_path / "keys.json"))
    assert keys.own.private_bytes_raw() == OURS.private_bytes_raw()
    assert list(keys.bank) == ["bank-1"]


@pytest.mark.parametrize(("mode", "other"), [
    (0o640, {}), (0o600, {"private_key": "AAAA"}), (0o600, {"bank_keys": []}), (0o600, {"bank_keys": {"x": "!"}}),
])  # fmt: skip
def test_a_file_that_others_may_read_or_that_holds_no_keys_is_refused(
    tmp_path: Path, mode: int, other: dict[str, Any]
) -> None:
    with pytest.raises(BadSetting):
        simbank_http.read_keys(keys_file(tmp_path / "keys.json", mode, **other))


def test_without_an_address_there_is_no_such_connector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANHUAN_SIMBANK_URL", raising=False)
    with pytest.raises(BadSetting):
        simbank_http.make(lambda seen: None)


def test_the_connector_is_made_from_the_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ANHUAN_SIMBANK_URL", "http://127.0.0.1:8010")
    monkeypatch.setenv("ANHUAN_SIMBANK_KEYS", str(keys_file(tmp_path / "keys.json")))
    made = simbank_http.make(lambda seen: None)
    assert made._final_codes(DAY) >= {"insufficient_funds", "daily_limit", "card_frozen"}
    assert made._seconds(DAY) < 30
