"""What the simulated bank's bytes mean: strict readers of its JSON, pure. Whatever they do not know is `Unreadable`."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Final, TypeVar
from uuid import UUID

from anhuan.channels.model import (
    Answer,
    Booked,
    Capabilities,
    Event,
    EventKind,
    HealthState,
    Hint,
    Rejected,
    Settled,
    Unknown,
    Why,
    Window,
)

FILES: Final = ("trade", "fund_flow", "alipay", "bank_csv", "camt053")
FUNDING: Final = {"debit": "own_debit", "credit": "credit_card"}
_T = TypeVar("_T")


class Unreadable(Exception):
    """Bytes that are no message of this wire; the caller turns them into `Unknown`, never into a state."""


@dataclass(frozen=True, slots=True)
class Announced:
    """One file as the list of a day announces it."""

    name: str
    kind: str
    sha256: str
    size: int
    rows: int


def read(body: bytes) -> Mapping[str, Any]:
    """The JSON object of a message."""
    try:
        found = json.loads(body.decode("utf-8"), parse_float=_no_float, parse_constant=_no_float)
    except (ValueError, RecursionError) as error:
        raise Unreadable("no JSON") from error
    if not isinstance(found, dict):
        raise Unreadable("no object")
    return found


def answer(said: Mapping[str, Any], *, key: UUID, final_codes: frozenset[str]) -> Answer:
    """What an answer about this key says; one about another key, or of a shape we do not know, is `Unreadable`."""
    if _uuid(said, "key") != key:
        raise Unreadable("an answer about another key")
    match said.get("state"):
        case "accepted":
            return Unknown(Why.ACCEPTED)
        case "processing":
            return Unknown(Why.PROCESSING)
        case "success":
            event = None if said.get("event") is None else _event(said["event"])
            fee = 0 if said.get("fee_kept") is None else _fen(said, "fee_kept")
            return Settled(_text(said, "reference"), _moment(said, "taken_at"), _fen(said, "amount"), fee, event)
        case "failed":
            code = _text(said, "code")
            if code not in final_codes:
                raise Unreadable("a no that our record does not list as final")
            missing = None if said.get("missing") is None else _fen(said, "missing")
            return Rejected(code, str(said.get("message") or ""), _moment_or_none(said, "resets_at"), missing)
    raise Unreadable("no state that we know")


def refused_item(said: Mapping[str, Any]) -> Answer:
    """One item of a batch that was not taken: busy where the bank says that nothing was taken, else unknown."""
    error = said["error"]
    code = error.get("code") if isinstance(error, dict) else error
    more = error if isinstance(error, dict) else said
    if code in ("busy", "rate_limited", "maintenance"):
        try:
            return Unknown(Why.BUSY, _moment_or_none(more, "until"))
        except Unreadable:
            return Unknown(Why.BUSY)
    return Unknown(Why.NO_ANSWER)


def items(said: Mapping[str, Any]) -> Mapping[UUID, Mapping[str, Any]]:
    """The items of an answered batch by key; the same key twice is `Unreadable`."""
    listed = _list(said, "items")
    found = {_uuid(one, "key"): one for one in listed}
    if len(found) != len(listed):
        raise Unreadable("the same key twice")
    return found


def hint(said: Mapping[str, Any]) -> Hint:
    """The key that a callback is about."""
    return Hint(_uuid(said, "key"), _text(said, "event_id"), _moment(said, "at"))


def files(said: Mapping[str, Any]) -> Sequence[Announced]:
    """The files of a day."""
    return [
        Announced(_text(one, "name"), _text(one, "kind"), _text(one, "sha256"), _fen(one, "size"), _fen(one, "rows"))
        for one in _list(said, "files")
    ]


def postings(said: Mapping[str, Any]) -> Sequence[Booked]:
    """The postings of a card, oldest first."""
    return [_posting(one) for one in _list(said, "postings")]


def bill_days(said: Mapping[str, Any]) -> Sequence[date]:
    """The days of a card's bills."""
    days = said.get("statements")
    if not isinstance(days, list):
        raise Unreadable("no list of statements")
    return [_date(one if isinstance(one, str) else _text(one, "day")) for one in days]


def holder(said: Mapping[str, Any]) -> tuple[bool, str]:
    """Whether a name is the holder's, and what kind of funding stands behind the reference."""
    match, kind = said.get("match"), said.get("kind")
    if match not in ("yes", "no") or kind not in FUNDING:
        raise Unreadable("no word about a holder")
    return match == "yes", FUNDING[kind]


def until(body: bytes) -> datetime | None:
    """The moment until which the bank takes nothing, where it tells one."""
    try:
        return _moment_or_none(read(body), "until")
    except Unreadable:
        return None


def health(body: bytes) -> HealthState:
    """What the bank says of itself."""
    try:
        state = read(body).get("state", "answered")
    except Unreadable:
        return HealthState.SILENT
    return HealthState.MAINTENANCE if state == "maintenance" else HealthState.ANSWERED


def capabilities(said: Mapping[str, Any], *, channel: str, on: date) -> Capabilities:
    """What the bank tells of itself on a day; the same for the cards of all its banks, so `bank` is empty."""
    try:
        windows = [Window(time.fromisoformat(one["starts"]), time.fromisoformat(one["ends"]))
                   for one in said["maintenance"]]  # fmt: skip
        return Capabilities(
            channel=channel, bank="", valid_from=on, valid_to=None, card_kinds=("credit",),
            funding_kinds=("own_debit",),
            per_payment_min=said["per_payment_min"], per_payment_max=said["per_payment_max"],
            per_day_max=said["per_day_max"], per_month_max=None, payments_per_month=None, fee_key="",
            cut_off=_time(said["cut_off"]), lead_days=0, workdays_only=said["workdays_only"],
            maintenance=tuple(windows), arrival_class=said["arrival"], idempotent_by_key=said["idempotent_by_key"],
            key_days=said["key_days"], not_found_final_after_minutes=said["not_found_final_after_minutes"],
            final_codes=frozenset(said["final_codes"]), callbacks=said["callbacks"], batch_max=said["batch_max"],
            calls_per_second=said["calls_per_second"] or None, files=FILES, files_from=_time(said["files_from"]),
            files_days_back=said["files_days_back"], partner="", licence="demonstration", name_match=True,
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise Unreadable("no capability record") from error


def _posting(one: Mapping[str, Any]) -> Booked:
    return Booked(
        number=_fen(one, "seq"),
        posted_on=_date(_text(one, "posted_on")),
        at=_moment(one, "at"),
        kind=_text(one, "kind"),
        amount=_whole(one, "amount"),
        key=_uuid(one, "key") if one.get("key") else None,
        reference=str(one.get("reference") or ""),
        text=str(one.get("text") or ""),
    )


def _event(said: Any) -> Event:
    if not isinstance(said, dict) or said.get("kind") not in set(EventKind):
        raise Unreadable("an event that we do not know")
    return Event(EventKind(said["kind"]), _moment(said, "at"), _fen(said, "amount"), str(said.get("reason") or ""))


_NAMED: Final = "expected {}"


def _list(said: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    found = said.get(name)
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Unreadable(_NAMED.format(f"a list of {name}"))
    return found


def _text(said: Mapping[str, Any], name: str) -> str:
    found = said.get(name)
    if not isinstance(found, str) or not found or len(found) > 500:
        raise Unreadable(_NAMED.format(name))
    return found


def _whole(said: Mapping[str, Any], name: str) -> int:
    found = said.get(name)
    if not isinstance(found, int) or isinstance(found, bool) or abs(found) >= 1 << 62:
        raise Unreadable(_NAMED.format(name))
    return found


def _fen(said: Mapping[str, Any], name: str) -> int:
    found = _whole(said, name)
    if found < 0:
        raise Unreadable(_NAMED.format(name))
    return found


def _uuid(said: Mapping[str, Any], name: str) -> UUID:
    return _parsed(UUID, _text(said, name))


def _moment(said: Mapping[str, Any], name: str) -> datetime:
    found = _parsed(datetime.fromisoformat, _text(said, name))
    if found.tzinfo is None:
        raise Unreadable("a moment without a zone")
    return found


def _moment_or_none(said: Mapping[str, Any], name: str) -> datetime | None:
    return None if said.get(name) is None else _moment(said, name)


def _date(text: str) -> date:
    return _parsed(date.fromisoformat, text)


def _parsed(parse: Callable[[str], _T], text: str) -> _T:
    try:
        return parse(text)
    except ValueError as error:
        raise Unreadable("a value of another shape") from error


def _time(text: str | None) -> time | None:
    return None if text is None else time.fromisoformat(text)


def _no_float(text: str) -> Any:
    raise ValueError(f"{text} is no whole number")
