"""What partners may ask over `/v1`: every request signed and heard once, every answer signed.

The signature covers the path with its query, as it was sent. Money is fen, moments are ISO 8601.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from anhuan.kit import signing
from anhuan.kit.clock import CHINA
from anhuan.kit.errors import Bad, Refused
from anhuan.simbank import courses, holders, meetings, payments, store, store_agenda, wire_bills
from anhuan.simbank.house import Act, Bank, bank_calendar
from anhuan.simbank.model import Ask, No, Payment
from anhuan.simbank.payments import moment
from anhuan.simbank.replies import Reply, no, out, wait, whole_body

MAX_BODY: Final = 1 << 20
MAX_WORD: Final = 64  # characters
MAX_AMOUNT: Final = 1 << 62  # fen; what a column holds


class PayBody(msgspec.Struct, forbid_unknown_fields=True):
    """The body of one payment."""

    key: str
    amount: int
    currency: str
    funding: str
    card: str
    name: str
    expires_at: datetime
    service_fee: int = 0


class BatchBody(msgspec.Struct):
    """The body of a batch."""

    items: list[Any]


class Replayed(Refused):
    """签名重放: this nonce was heard before."""

    code = "simbank.replayed"


Handler = Callable[[Act, Request, bytes, str], Reply]


def routes(bank: Bank) -> list[Route]:
    """The routes of the wire."""
    table: list[tuple[str, str, Handler]] = [
        ("POST", "/v1/payments", pay),
        ("POST", "/v1/payments/batch", pay_batch),
        ("GET", "/v1/payments/{key}", ask_about),
        ("POST", "/v1/holders/check", holders.check),
        ("GET", "/v1/capabilities", capabilities),
        ("GET", "/v1/health", health),
        ("GET", "/v1/files", files),
        ("GET", "/v1/files/{day}/{name}", file),
        ("GET", "/v1/cards/{card}/postings", postings),
        ("GET", "/v1/cards/{card}/statements", wire_bills.listed),
        ("GET", "/v1/cards/{card}/statements/{file}", wire_bills.bill),
    ]
    return [Route(path, _door(bank, handler), methods=[method]) for method, path, handler in table]


def _door(bank: Bank, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        body = await whole_body(request, MAX_BODY)
        if body is None:
            reply = no(413, "too_long")
        else:
            reply = await run_in_threadpool(_answer, bank, handler, request, body)
        bank.kick.set()
        return await out(reply, bank, request.headers.get(signing.NONCE, ""))

    return endpoint


def _answer(bank: Bank, handler: Handler, request: Request, body: bytes) -> Reply:
    """Verify, hear once, act; one transaction for the act, a short one before it for the nonce."""
    try:
        partner = _verify(bank, request, body)
    except Bad as bad:
        return no(401, bad.code.rpartition(".")[2], bad.message)
    with bank.act() as act:
        busy = _closed(act)
        if busy and handler is not health:
            return busy
        try:
            return handler(act, request, body, partner)
        except Bad as bad:
            return no(400, "bad_request", bad.message)


def _verify(bank: Bank, request: Request, body: bytes) -> str:
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    now = bank.wire_now()
    with bank.act() as act:
        keys = {name: Ed25519PublicKey.from_public_bytes(raw) for name, raw in store.partners(act.db).items()}
        who = signing.verify(keys, dict(request.headers), request.method, path, body, now=now)
        forget = now - 2 * signing.SPREAD
        if not store.hear_nonce(act.db, who.key_id, who.nonce, now, forget_before=forget):
            raise Replayed("this message was heard before", field=signing.NONCE)
    return who.key_id


def _closed(act: Act) -> Reply | None:
    """The maintenance window or the rate limit of the profile, where one holds now."""
    local = act.now.astimezone(CHINA)
    for starts, ends in act.profile.maintenance:
        if starts <= local.time() < ends:
            until = local.replace(hour=ends.hour, minute=ends.minute, second=0, microsecond=0)
            return wait(503, "maintenance", int((until - local).total_seconds()), moment(until))
    limit = act.profile.calls_per_second
    if limit and store.calls_since(act.db, act.now) > limit:
        return wait(429, "rate_limited", 1, moment(act.now + timedelta(seconds=1)))
    return None


# --- payments ---


def pay(act: Act, request: Request, body: bytes, partner: str) -> Reply:
    """Take one payment, or say again what became of it."""
    return _pay(act, _json(body), partner)


def pay_batch(act: Act, request: Request, body: bytes, partner: str) -> Reply:
    """Take many; each item has a state or an error of its own."""
    items = _decoded(body, BatchBody).items
    if not 0 < len(items) <= act.profile.batch_max:
        return no(400, "bad_request", f"a batch has 1 to {act.profile.batch_max} items")
    said, slow = [], Reply(200, {})
    for place, item in enumerate(items, 1):
        reply = _pay(act, item, partner, place)
        if reply.answer != "whole":
            slow = reply
        found = dict(reply.said) if isinstance(reply.said, Mapping) else {}
        if reply.status != 200:
            found = {"key": item.get("key") if isinstance(item, dict) else None, "error": found}
        said.append(found)
    return Reply(200, {"items": said}, answer=slow.answer, seconds=slow.seconds)


def _pay(act: Act, item: Any, partner: str, place: int | None = None) -> Reply:
    try:
        ask = _ask(item)
    except Bad as bad:
        return no(400, "bad_request", bad.message)
    known = store.payment(act.db, ask.key, lock=True)
    if known is not None:
        if known.partner != partner or known.body_sha256 != ask.body_sha256:
            return no(409, "other_body", "同一键已用于另一份指令")
        return _forgotten(act, known) or _told(act, known)
    met = meetings.meet(act, ask.key, ask.card)
    waited = int((act.now - met.first_at).total_seconds())
    busy = courses.busy(met.scenarios, met.params, heard=met.heard, waited=waited, place=place)
    if busy is not None:
        until = moment(act.now + timedelta(seconds=busy.seconds))
        return wait(429 if busy.code == "rate_limited" else 503, busy.code, busy.seconds, until)
    course = courses.course_of(met.scenarios, met.params, act.dice, ask.key)
    # What was lost once is taken when it comes again: the line was bad, not the instruction.
    lost = not course.taken and met.heard == 0
    if lost:
        return Reply(200, {"key": ask.key}, answer=course.answer, seconds=course.seconds)
    payment = payments.take(act, ask, partner, met.scenarios, course)
    said = payments.told(payment, max(act.now, payment.visible_from)) or {}
    if not course.taken:
        return Reply(200, said)
    return Reply(200, said, answer=course.answer, seconds=course.seconds)


def ask_about(act: Act, request: Request, body: bytes, partner: str) -> Reply:
    """What became of a key; never moves money."""
    known = store.payment(act.db, request.path_params["key"])
    if known is None or known.partner != partner:
        return no(404, "not_found")
    return _forgotten(act, known) or _told(act, known)


def _told(act: Act, payment: Payment) -> Reply:
    said = payments.told(payment, act.now)
    return no(404, "not_found") if said is None else Reply(200, said)


def _forgotten(act: Act, payment: Payment) -> Reply | None:
    """Past the lifetime of its key a payment is never told again and never made again: that would pay twice."""
    if act.now - payment.taken_at <= timedelta(days=act.profile.key_days):
        return None
    return no(410, "key_expired", f"键的有效期为 {act.profile.key_days} 天")


def _ask(item: Any) -> Ask:
    try:
        said = msgspec.convert(item, PayBody)
    except msgspec.ValidationError as why:
        raise Refused(str(why)) from why
    words = (said.key, said.currency, said.funding, said.card, said.name)
    if not said.key or max(map(len, words)) > MAX_WORD or not all(word.isprintable() for word in words):
        raise Refused(f"key, currency, funding, card, name: printable, {MAX_WORD} characters at most, and a key")
    if not 0 < said.amount < MAX_AMOUNT:
        raise Refused("amount: fen above zero")
    if not 0 <= said.service_fee < MAX_AMOUNT:
        raise Refused("service_fee: fen, zero or more")
    if said.expires_at.tzinfo is None:
        raise Refused("expires_at has no zone")
    canonical = json.dumps(item, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return Ask(
        said.key, said.amount, said.currency, said.funding, said.card, said.name, said.expires_at,
        hashlib.sha256(canonical).hexdigest(), said.service_fee,
    )  # fmt: skip


def _json(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError as why:
        raise Refused(f"this is no JSON: {why}") from why


def _decoded(body: bytes, kind: type[BatchBody]) -> BatchBody:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, msgspec.ValidationError) as why:
        raise Refused(f"this is no batch: {why}") from why


# --- what the bank says about itself ---


def capabilities(act: Act, request: Request, body: bytes, partner: str) -> Reply:
    """The record of this channel on a day (`on`, else today), as far as the bank knows itself."""
    on = _day(request.query_params.get("on") or act.today.isoformat())
    one, minute = act.profile, "%H:%M"
    known = bank_calendar(one)
    day = known.day(on)
    said = {
        "on": on.isoformat(),
        "per_payment_min": one.per_payment_min,
        "per_payment_max": one.per_payment_max,
        "per_day_max": one.per_day_max,
        "cut_off": one.cut_off.strftime(minute) if one.workdays_only else None,
        "workdays_only": one.workdays_only,
        "arrival": one.arrival,
        "maintenance": [{"starts": a.strftime(minute), "ends": b.strftime(minute)} for a, b in one.maintenance],
        "idempotent_by_key": True,
        "key_days": one.key_days,
        "not_found_final_after_minutes": one.not_found_final_after_minutes,
        "final_codes": sorted(code.value for code in No),
        "callbacks": act.callback_url is not None,
        "batch_max": one.batch_max,
        "calls_per_second": one.calls_per_second,
        "files_from": one.files_from.strftime(minute),
        "files_days_back": one.files_days_back,
        "zone": "+08:00",
        "open": day.open,
        "calendar_known": day.known,
    }
    return Reply(200, said)


def health(act: Act, request: Request, body: bytes, partner: str) -> Reply:
    """Whether the bank is open for calls, and its clock."""
    busy = _closed(act)
    said = dict(busy.said) if busy and isinstance(busy.said, Mapping) else {}
    state = "maintenance" if said.get("code") == "maintenance" else "ok"
    return Reply(200, {"state": state, "now": moment(act.now), "until": said.get("until") if state != "ok" else None})


# --- files and postings: bank data ---


def files(act: Act, request: Request, body: bytes, partner: str) -> Reply:
    """The files of a day, where they are out."""
    day = _day(request.query_params.get("day", ""))
    found = store_agenda.files_of(act.db, day, act.now)
    if not found:
        usual = datetime.combine(day + timedelta(days=1), act.profile.files_from, CHINA)
        return no(404, "not_ready", **{"from": moment(store_agenda.next_file_at(act.db, day) or usual)})
    said = [
        {"name": one["name"], "kind": one["kind"], "edition": one["edition"], "sha256": one["sha256"],
         "rows": one["rows"], "size": len(one["content"])}
        for one in found
    ]  # fmt: skip
    return Reply(200, {"files": said})


def file(act: Act, request: Request, body: bytes, partner: str) -> Reply:
    """One file's bytes, in its newest edition."""
    day = _day(request.path_params["day"])
    for one in store_agenda.files_of(act.db, day, act.now):
        if one["name"] == request.path_params["name"]:
            return Reply(200, bytes(one["content"]), media="application/octet-stream")
    return no(404, "not_found")


def postings(act: Act, request: Request, body: bytes, partner: str) -> Reply:
    """What stands on a card from a day on: the proof of arrival."""
    if store.card(act.db, request.path_params["card"]) is None:
        return no(404, "not_found")
    since = _day(request.query_params.get("since") or date.min.isoformat())
    found = store.postings(act.db, request.path_params["card"], first=since, last=act.today)
    said = [
        {"seq": one.seq, "posted_on": one.posted_on.isoformat(), "at": moment(one.at), "kind": one.kind,
         "amount": one.amount, "text": one.text, "key": one.key, "reference": one.reference}
        for one in found
    ]  # fmt: skip
    return Reply(200, {"card": request.path_params["card"], "postings": said})


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as why:
        raise Refused(f"{text!r} is no day") from why
