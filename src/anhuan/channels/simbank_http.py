"""The connector to the simulated bank, over HTTP; also the example of docs/WRITING_A_CONNECTOR.md.

Every request is signed and every answer is verified before it counts. What is unsigned, late, cut short, of another key
or simply rubbish is `Unknown(NO_ANSWER)`: never a state, never a reason to send again. Only a signed answer can say
that nothing was taken, and only a code that our own dated record lists as final ends an instruction with a no.
"""

import base64
import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from anhuan.channels import capabilities as records
from anhuan.channels import simbank_wire as wire
from anhuan.channels.holders import Holder
from anhuan.channels.model import (
    CALLBACK_PATH,
    Answer,
    Booked,
    Capabilities,
    DayFile,
    FileDamaged,
    FileNotReady,
    Forged,
    Health,
    HealthState,
    Hint,
    Instruction,
    OtherBody,
    Seen,
    Stale,
    Unknown,
    Why,
    Witness,
)
from anhuan.channels.wire import canonical
from anhuan.kit import clock, fetch, settings, signing
from anhuan.kit.settings import BadSetting

NAME: Final = "simbank"
PURPOSE: Final = "simulated_bank"  # in reach.toml, where the bank runs on another machine
JSON: Final = {"content-type": "application/json"}
MOST_JSON: Final = 1 << 20
MOST_FILE: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class Keys:
    """What the two houses know each other by: our private key and its id, and the bank's public keys."""

    own_id: str
    own: Ed25519PrivateKey
    bank: Mapping[str, Ed25519PublicKey]


@dataclass(frozen=True, slots=True)
class _Heard:
    """A signed answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def read(self) -> Mapping[str, Any]:
        """The object in it; raises `wire.Unreadable`."""
        return wire.read(self.body)


class SimulatedBank:
    """模拟银行: one connector object serves every thread; it holds no connection and no state between calls."""

    name: str = NAME

    def __init__(
        self,
        url: str,
        keys: Keys,
        *,
        witness: Witness,
        callback_path: str,
        seconds: Callable[[date], float],
        slow_ms: Callable[[date], int],
        final_codes: Callable[[date], frozenset[str]],
        now: Callable[[], datetime] = clock.now,
        reach: Callable[[], fetch.Reach] | None = None,
    ) -> None:
        self._url, self._keys, self._witness, self._callback_path = url.rstrip("/"), keys, witness, callback_path
        self._seconds, self._slow_ms, self._final_codes, self._now = seconds, slow_ms, final_codes, now
        self._reach = reach or (lambda: fetch.reach_of(settings.read().home))

    # --- the six verbs ---

    def capabilities(self, on: date) -> Sequence[Capabilities]:
        """What the bank tells of itself for the day, for all its banks at once; empty where it does not answer."""
        heard = self._call("GET", f"/v1/capabilities?on={on.isoformat()}", verb="capabilities")
        if heard is None or heard.status != HTTPStatus.OK:
            return []
        try:
            return [wire.capabilities(heard.read(), channel=self.name, on=on)]
        except wire.Unreadable:
            return []

    def pay(self, instruction: Instruction) -> Answer:
        """Send the frozen bytes once; raises `OtherBody` where the bank knows the key with other bytes."""
        heard = self._call("POST", "/v1/payments", body=instruction.body, verb="pay", key=instruction.key)
        return self._answer(heard, instruction.key)

    def ask(self, key: UUID) -> Answer:
        """What became of this key; never moves money."""
        return self._answer(self._call("GET", f"/v1/payments/{key}", verb="ask", key=key), key)

    def read_callback(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Hint:
        """The key that a callback is about; raises `Forged` or `Stale`. What state it claims is not even read."""
        small = {name.lower(): value for name, value in headers.items()}
        try:
            signing.verify(self._keys.bank, small, "POST", self._callback_path, body, now=now)
        except signing.BadSignature as error:
            raise Forged("回调的签名与内容不符，或不是这家银行的密钥。", field=error.field) from error
        except signing.OldSignature as error:
            raise Stale("回调的时间与现在相差太远。", field=error.field) from error
        try:
            return wire.hint(wire.read(body))
        except wire.Unreadable as error:
            raise Forged("回调的内容无法识别。") from error

    def statement(self, day: date) -> Sequence[DayFile]:
        """The day's files; bytes, size and checksum agree with what the bank announced, or none is given."""
        heard = self._call("GET", f"/v1/files?day={day.isoformat()}", verb="file")
        if heard is None or heard.status != HTTPStatus.OK:
            raise FileNotReady(f"{day} 的对账文件还没有生成，或银行没有回应。", field="day")
        try:
            announced = wire.files(heard.read())
        except wire.Unreadable as error:
            raise FileDamaged(f"{day} 的对账文件清单无法识别。") from error
        return [self._file(day, one) for one in announced]

    def health(self, *, now: datetime) -> Health:
        """How the bank looks from here; silence, a refused signature and rubbish all count as silent."""
        began = time.perf_counter()
        heard = self._call("GET", "/v1/health", verb="health")
        took = int((time.perf_counter() - began) * 1000)
        if heard is None:
            return Health(HealthState.SILENT, now, took)
        if heard.status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
            return Health(HealthState.MAINTENANCE, now, took, until=self._until(heard))
        if heard.status != HTTPStatus.OK:
            return Health(HealthState.SILENT, now, took, detail=f"HTTP {heard.status}")
        state = wire.health(heard.body)
        slow = took >= self._slow_ms(_day(now))
        if state is HealthState.ANSWERED and slow:
            state = HealthState.SLOW
        return Health(state, now, took, until=wire.until(heard.body) if state is HealthState.MAINTENANCE else None)

    # --- beside the verbs: batches, and bank data that prove arrival ---

    def pay_many(self, instructions: Sequence[Instruction]) -> Mapping[UUID, Answer]:
        """Send several instructions in one call: each has its own answer, and one left out of it is unknown."""
        body = b'{"items":[' + b",".join(one.body for one in instructions) + b"]}"
        unknown: dict[UUID, Answer] = {one.key: Unknown(Why.NO_ANSWER) for one in instructions}
        heard = self._call("POST", "/v1/payments/batch", body=body, verb="pay")
        if heard is None:
            return unknown
        if heard.status != HTTPStatus.OK:
            return {one.key: self._answer(heard, one.key) for one in instructions}
        try:
            items = wire.items(heard.read())
        except wire.Unreadable:
            return unknown
        return unknown | {key: self._item(item, key) for key, item in items.items() if key in unknown}

    def postings(self, card: str, *, since: date) -> Sequence[Booked]:
        """What the bank booked on a card since the day, oldest first; raises `NoAnswer`."""
        heard = self._call("GET", f"/v1/cards/{quote(card)}/postings?since={since.isoformat()}", verb="postings")
        return wire.postings(self._whole(heard).read())

    def bill_days(self, card: str) -> Sequence[date]:
        """The statement days of a card for which the bank has a bill; raises `NoAnswer`."""
        return wire.bill_days(
            self._whole(self._call("GET", f"/v1/cards/{quote(card)}/statements", verb="bills")).read()
        )

    def bill(self, card: str, on: date, form: str) -> bytes:
        """One bill as the bank printed it (`json`, `html`, `csv`, `pdf`); raises `NoAnswer`."""
        path = f"/v1/cards/{quote(card)}/statements/{on.isoformat()}.{form}"
        return self._whole(self._call("GET", path, verb="bill", at_most=MOST_FILE)).body

    def check_holder(self, kind: str, ref: str, name: str) -> Holder:
        """Whether this account or card is somebody's of this name (`holders.ChecksHolder`); silence is unknown."""
        body = canonical({"kind": kind, "ref": ref, "name": name})
        heard = self._call("POST", "/v1/holders/check", body=body, verb="holder")
        if heard is None:
            return Holder(None)
        digest = hashlib.sha256(heard.body).hexdigest()
        if heard.status == HTTPStatus.NOT_FOUND:
            return Holder(match=False, answer_sha256=digest)
        try:
            match, funding = wire.holder(heard.read()) if heard.status == HTTPStatus.OK else (None, "")
        except wire.Unreadable:
            return Holder(None, answer_sha256=digest)
        return Holder(match, funding, digest)

    # --- how a call goes ---

    def _call(
        self, method: str, target: str, *, verb: str, body: bytes = b"", key: UUID | None = None,
        at_most: int = MOST_JSON,
    ) -> _Heard | None:  # fmt: skip
        """One signed request; the answer is stored as it came, then verified. None: there was no signed answer."""
        sent = self._now()
        signed = signing.sign(self._keys.own, self._keys.own_id, method, target, body, now=sent)
        try:
            got = self._fetch(method, target, body, {**JSON, **signed} if body else signed, at_most)
        except fetch.NoAnswer:
            return None
        self._witness(Seen(self.name, verb, key, got.status, got.body))
        try:
            answer = signing.verify(self._keys.bank, got.headers, "ANSWER", str(got.status), got.body, now=self._now())
        except (signing.BadSignature, signing.OldSignature):
            return None
        if answer.nonce != signed[signing.NONCE]:  # a true answer, but to another question
            return None
        return _Heard(got.status, got.headers, got.body)

    def _fetch(self, method: str, target: str, body: bytes, headers: Mapping[str, str], at_most: int) -> fetch.Answer:
        url, today = self._url + target, _day(self._now())
        sent, seconds = body or None, self._seconds(today)
        if fetch.is_here(url):
            return fetch.fetch_here(url, method=method, body=sent, headers=headers, at_most=at_most, seconds=seconds)
        return fetch.fetch(url, purpose=PURPOSE, on=today, reach=self._reach(), method=method, body=sent,
                           headers=headers, at_most=at_most, seconds=seconds)  # fmt: skip

    def _answer(self, heard: _Heard | None, key: UUID) -> Answer:
        """What a signed answer about one key says; everything else is unknown."""
        if heard is None:
            return Unknown(Why.NO_ANSWER)
        try:
            said = heard.read()
        except wire.Unreadable:
            return Unknown(Why.NO_ANSWER)
        if heard.status == HTTPStatus.CONFLICT and said.get("code") == "other_body":
            raise OtherBody(f"银行已经知道编号 {key}，但内容不同。", field="key", key=str(key))
        if heard.status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
            return Unknown(Why.BUSY, self._until(heard))
        if heard.status == HTTPStatus.NOT_FOUND and said.get("code") == "not_found":
            return Unknown(Why.NOT_FOUND)
        return self._item(said, key) if heard.status == HTTPStatus.OK else Unknown(Why.NO_ANSWER)

    def _item(self, said: Mapping[str, Any], key: UUID) -> Answer:
        if "error" in said:
            return wire.refused_item(said)
        try:
            return wire.answer(said, key=key, final_codes=self._final_codes(_day(self._now())))
        except wire.Unreadable:
            return Unknown(Why.NO_ANSWER)

    def _until(self, heard: _Heard) -> datetime | None:
        """When the bank wants to be asked again: its own moment, else so many seconds from now."""
        later = heard.headers.get("retry-after", "")
        told = wire.until(heard.body)
        if told is None and later.isascii() and later.isdecimal() and len(later) < 8:
            return self._now() + timedelta(seconds=int(later))
        return told

    def _file(self, day: date, one: wire.Announced) -> DayFile:
        heard = self._call("GET", f"/v1/files/{day.isoformat()}/{quote(one.name)}", verb="file", at_most=MOST_FILE)
        if heard is None or heard.status != HTTPStatus.OK:
            raise FileNotReady(f"{one.name} 暂时取不到。", field="name")
        found = hashlib.sha256(heard.body).hexdigest()
        if (found, len(heard.body)) != (one.sha256, one.size):
            raise FileDamaged(f"{one.name} 的长度或校验值不符，整份文件不采用。", field="sha256", sha256=found)
        return DayFile(self.name, day, one.kind, one.name, found, heard.body)

    @staticmethod
    def _whole(heard: _Heard | None) -> _Heard:
        if heard is None or heard.status != HTTPStatus.OK:
            raise fetch.NoAnswer("the bank did not tell")
        return heard


def make(witness: Witness) -> SimulatedBank:
    """The connector of this installation, from ANHUAN_SIMBANK_URL and the file of keys; raises `BadSetting`."""
    held = settings.read()
    if held.simbank_url is None:
        raise BadSetting("ANHUAN_SIMBANK_URL names no simulated bank", field="ANHUAN_SIMBANK_URL")
    return SimulatedBank(
        held.simbank_url,
        read_keys(held.simbank_keys),
        witness=witness,
        callback_path=callback_path(NAME),
        seconds=lambda on: float(records.number("call_seconds", on=on, channel=NAME)),
        slow_ms=lambda on: int(records.number("slow_call_ms", on=on, channel=NAME)),
        final_codes=usual_final_codes,
    )


def callback_path(channel: str) -> str:
    """Where the callbacks of a channel come in; the path is part of what they are signed over."""
    return CALLBACK_PATH.format(channel=channel)


def read_keys(place: Path) -> Keys:
    """The file of keys, closed to others: {"key_id", "private_key", "bank_keys": {id: key}}, keys raw in base64."""
    try:
        if place.stat().st_mode & 0o077:
            raise BadSetting(f"others may read the keys {place}: chmod 600", field="ANHUAN_SIMBANK_KEYS")
        said = json.loads(place.read_text("utf-8"))
        own = Ed25519PrivateKey.from_private_bytes(base64.b64decode(said["private_key"], validate=True))
        bank = {
            str(key_id): Ed25519PublicKey.from_public_bytes(base64.b64decode(raw, validate=True))
            for key_id, raw in said["bank_keys"].items()
        }
        return Keys(str(said["key_id"]), own, bank)
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        sentence = f"{place} holds no keys for the simulated bank ({type(error).__name__})"
        raise BadSetting(sentence, field="ANHUAN_SIMBANK_KEYS") from error


def usual_final_codes(on: date) -> frozenset[str]:
    """Codes that are final at every bank this channel reaches: an answer does not say which bank's it is."""
    found = [records.find(NAME, bank, on=on) for bank in records.banks(on=on)]
    codes = [one.final_codes for one in found if one is not None]
    return frozenset.intersection(*codes) if codes else frozenset()


def _day(now: datetime) -> date:
    """The bank day of a moment, UTC+8."""
    return now.astimezone(clock.CHINA).date()
