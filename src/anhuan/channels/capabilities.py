"""The capability record: what one channel can do for the cards of one bank on one day (channels.md, section 3).

Rows stand in `terms` under `capability:<channel>` and `capability:<channel>@<bank>`, the nearer over the general one;
limits and days that the planner knows of a channel (`channel:<id>`) are read from there and stand nowhere twice. A
channel that has no row says itself what it can do (`Connector.capabilities`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, time
from typing import Any, Final

from anhuan.channels import registry
from anhuan.channels.model import Capabilities, Licence, UnknownChannel, Window
from anhuan.kit import terms

SCOPE: Final = "capability"
_SHARED: Final = (
    *("per_payment_min", "per_payment_max", "per_day_max", "payments_per_month"),
    *("cut_off", "lead_days", "workdays_only"),
)
_COMPARED: Final = (
    *("per_payment_min", "per_payment_max", "per_day_max", "per_month_max", "payments_per_month", "cut_off"),
    *("workdays_only", "maintenance", "idempotent_by_key", "key_days", "not_found_final_after_minutes"),
    *("final_codes", "callbacks", "batch_max", "files_from", "files_days_back"),
)


@dataclass(frozen=True, slots=True)
class Way:
    """How people know a channel: its name, what to do by hand, and which connector carries it."""

    channel: str
    zh: str
    en: str
    by_hand_zh: str
    by_hand_en: str
    connector: str
    confidence: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One field in which the channel tells something else than our record of it."""

    bank: str
    field: str
    ours: Any
    theirs: Any


def record(channel: str, bank: str, *, on: date, held: terms.Terms | None = None) -> Capabilities:
    """The record of a channel for one bank's cards on a day; refuses where nobody has one."""
    found = find(channel, bank, on=on, held=held)
    if found is None:
        raise UnknownChannel(f"渠道 {channel} 在 {on} 没有 {bank} 的能力记录。", field="channel")
    return found


def find(channel: str, bank: str, *, on: date, held: terms.Terms | None = None) -> Capabilities | None:
    """The same, or None; a channel without a row of ours is asked what it can do."""
    rows = held or terms.seeds()
    merged = _merged(channel, bank, on, rows)
    if merged is not None:
        reaches = merged["banks"] == "all" or bank in merged["banks"]
        return _capabilities(channel, bank, merged, on, rows) if reaches else None
    if channel not in registry.names() or any(row.scope == f"{SCOPE}:{channel}" for row in rows.rows()):
        return None
    told = [one for one in registry.find(channel).capabilities(on) if one.channel == channel]
    found = next((one for one in told if one.bank in (bank, "")), None)
    # Only our own rows may say that nobody's licence is needed.
    return found and replace(found, licence=Licence.NEEDED, partner=found.partner or channel)


def reaches(channel: str, bank: str, *, on: date, held: terms.Terms | None = None) -> bool:
    """Whether a channel carries payments to a bank's cards on a day; one that nobody ever described is let through."""
    rows = held or terms.seeds()
    merged = _merged(channel, bank, on, rows)
    if merged is None:
        return not any(row.scope == f"{SCOPE}:{channel}" for row in rows.rows())
    return merged["banks"] == "all" or bank in merged["banks"]


def licence_of(channel: str, *, on: date, held: terms.Terms | None = None) -> Licence | None:
    """Whose licence a channel needs on a day, or else ever needed; None for one that nobody described."""
    rows, scope = held or terms.seeds(), f"{SCOPE}:{channel}"
    row = rows.find("record", on=on, scopes=(scope,)) or next((one for one in rows.rows() if one.scope == scope), None)
    return None if row is None else Licence(row.value["licence"])


def ids(*, on: date, held: terms.Terms | None = None) -> tuple[str, ...]:
    """Every channel that has a record on the day, in the order of the seeds; then those that only tell themselves."""
    rows = (held or terms.seeds()).rows()
    scopes = (row.scope.partition(":")[2] for row in rows if row.layer == SCOPE and _holds(row, on))
    known = dict.fromkeys(scope for scope in scopes if "@" not in scope)
    carried = {way(channel, on=on, held=held).connector for channel in known}
    return (*known, *(name for name in registry.names() if name not in known and name not in carried))


def banks(*, on: date, held: terms.Terms | None = None) -> dict[str, tuple[str, str]]:
    """Every bank that a record can be asked for, with its name in Chinese and English; the simulated ones last."""
    named = {bank.id: (bank.zh, bank.en) for bank in terms.banks().values() if bank.id != "other"}
    for row in (held or terms.seeds()).rows():
        bank = row.scope.partition("@")[2]
        if row.layer == SCOPE and bank and _holds(row, on):
            said = row.value.get("bank_name", {"zh": bank, "en": bank})
            named.setdefault(bank, (said["zh"], said["en"]))
    return named


def way(channel: str, *, on: date, held: terms.Terms | None = None) -> Way:
    """What a channel is called and who carries it; one that nobody described is called by its id."""
    rows = held or terms.seeds()
    found = rows.find("record", on=on, scopes=(f"{SCOPE}:{channel}",))
    value: Mapping[str, Any] = found.value if found else {}
    named = rows.find("name", on=on, scopes=(f"channel:{channel}",))
    title = value.get("title") or (named.value if named else {"zh": channel, "en": channel})
    hand = value.get("way") or {"zh": "", "en": ""}
    return Way(
        channel, title["zh"], title["en"], hand["zh"], hand["en"], value.get("connector", channel),
        found.confidence if found else "L",
    )  # fmt: skip


def differences(ours: Capabilities, theirs: Capabilities) -> list[Difference]:
    """What a channel tells otherwise than our record: each is reported, and ours holds until somebody decides."""
    return [
        Difference(ours.bank, name, getattr(ours, name), getattr(theirs, name))
        for name in _COMPARED
        if getattr(ours, name) != getattr(theirs, name)
    ]


def number(key: str, *, on: date, channel: str = "") -> Any:
    """One of the dated numbers by which this room works; a channel may have its own."""
    scopes = (f"{SCOPE}:{channel}", "platform") if channel else ("platform",)
    return terms.ask(key, on=on, scopes=scopes).value


def _merged(channel: str, bank: str, on: date, rows: terms.Terms) -> dict[str, Any] | None:
    general = rows.find("record", on=on, scopes=(f"{SCOPE}:{channel}",))
    if general is None:
        return None
    near = rows.find("record", on=on, scopes=(f"{SCOPE}:{channel}@{bank}",))
    held = [row for row in (general, near) if row is not None]
    starts = max(row.valid_from for row in held)
    ends = [row.valid_to for row in held if row.valid_to is not None]
    merged = {**general.value, **(near.value if near else {})}
    return merged | {"valid_from": starts, "valid_to": min(ends, default=None)}


def _capabilities(channel: str, bank: str, said: Mapping[str, Any], on: date, rows: terms.Terms) -> Capabilities:
    shared = {key: rows.find(key, on=on, scopes=(f"channel:{channel}",)) for key in _SHARED}

    def value(key: str, otherwise: Any = None) -> Any:
        if key in said:
            return said[key]
        row = shared.get(key)
        return otherwise if row is None else row.value

    licence = Licence(said["licence"])
    return Capabilities(
        channel=channel,
        bank=bank,
        valid_from=said["valid_from"],
        valid_to=said["valid_to"],
        card_kinds=tuple(said["card_kinds"]),
        funding_kinds=tuple(said["funding_kinds"]),
        per_payment_min=value("per_payment_min"),
        per_payment_max=value("per_payment_max"),
        per_day_max=value("per_day_max"),
        per_month_max=value("per_month_max"),
        payments_per_month=value("payments_per_month"),
        fee_key=said["fee_key"],
        cut_off=_time(value("cut_off")),
        lead_days=value("lead_days", 0),
        workdays_only=bool(value("workdays_only", False)),
        maintenance=tuple(Window(*map(time.fromisoformat, pair)) for pair in said.get("maintenance", ())),
        arrival_class=said["arrival_class"],
        idempotent_by_key=said["idempotent_by_key"],
        key_days=said["key_days"],
        not_found_final_after_minutes=said.get("not_found_final_after_minutes"),
        final_codes=frozenset(said["final_codes"]),
        callbacks=said["callbacks"],
        batch_max=said["batch_max"],
        calls_per_second=said.get("calls_per_second"),
        files=tuple(said["files"]),
        files_from=_time(said.get("files_from")),
        files_days_back=said["files_days_back"],
        partner=said.get("partner", channel) if licence is Licence.NEEDED else "",
        licence=licence,
        asks=said["asks"],
        name_match=said["name_match"],
        tiers=tuple((name, fen) for name, fen in said.get("tiers", ())),
        not_before_answer_seconds=said.get("not_before_answer_seconds"),
        statement_evidence=said["statement_evidence"],
    )


def as_rows(one: Capabilities) -> Sequence[tuple[str, Any]]:
    """Every field of a record with its value, in the order of channels.md; for pages."""
    return [(field.name, getattr(one, field.name)) for field in fields(one)]


def _holds(row: terms.Term, on: date) -> bool:
    return row.valid_from <= on and (row.valid_to is None or on < row.valid_to)


def _time(text: str | None) -> time | None:
    return None if text is None else time.fromisoformat(text)
