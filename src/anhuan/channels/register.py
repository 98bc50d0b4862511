"""The partner register (持牌登记): under whose licence a channel works, from which day to which.

An entry is made by one person and approved by another, who signs the hash of what was shown; the database keeps no
approval of the own. Whether a channel is open is answered by the day alone: an entry that has expired closes it
without any job. A suspension is one more row with its day and reason, never taken back: a new entry is made instead.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.channels import store_house
from anhuan.channels.model import BadEntry, Capabilities, Licence, NotLive, OwnEntry, UnknownEntry
from anhuan.channels.tables_house import EntryRow, WordRow
from anhuan.identity import changes, demonstration
from anhuan.kit import audit, clock, ids
from anhuan.kit.actors import Actor

VERBS: Final = ("pay", "ask", "statement")
MOST: Final = 200  # characters of one field


class Status(StrEnum):
    """How an entry stands on a day."""

    WAITING = "waiting"  # 待复核
    REFUSED = "refused"  # 已驳回
    FUTURE = "future"  # 未到生效日
    VALID = "valid"  # 有效
    EXPIRED = "expired"  # 已到期
    SUSPENDED = "suspended"  # 已暂停


@dataclass(frozen=True, slots=True)
class Entry:
    """What is entered: the licence, what it allows, its days, and the hash of the document that proves it."""

    partner: str
    licence_kind: str  # 支付业务许可证, 银行业金融机构, ...
    licence_number: str
    holder: str
    verbs: tuple[str, ...]
    channels: tuple[str, ...]
    products: tuple[str, ...]
    valid_from: date
    valid_to: date | None  # the first day on which it holds no more
    custody_bank: str
    document_sha256: str
    reason: str


@dataclass(frozen=True, slots=True)
class Standing:
    """An entry as it stands on a day, with everybody's words on it."""

    id: UUID
    entry: Entry
    status: Status
    entered_by: UUID
    entered_at: datetime
    words: tuple[tuple[str, UUID, date, str], ...]  # kind, who, from which day, why
    shown: str  # hash of what is shown, which whoever approves sends back
    days_left: int | None


def enter(db: Session, who: Actor, entry: Entry, *, now: datetime) -> UUID:
    """Enter a licence; it opens nothing until somebody else has approved it. Refuses an incomplete one."""
    person, clean = changes.person_of(who), checked(entry, now=now)
    number = ids.new_id()
    row = EntryRow(
        id=number, partner=clean.partner, licence_kind=clean.licence_kind, licence_number=clean.licence_number,
        holder=clean.holder, verbs=list(clean.verbs), channels=list(clean.channels), products=list(clean.products),
        valid_from=clean.valid_from, valid_to=clean.valid_to, custody_bank=clean.custody_bank,
        document_hash=bytes.fromhex(clean.document_sha256), reason=clean.reason, entered_by=person, entered_at=now,
        shown_hash=shown_hash(number, clean),
    )  # fmt: skip
    db.add(row)
    db.flush()
    audit.write(db, who, "partner.entered", f"partner:{number}", _facts(row), now=now)
    return number


def approve(db: Session, who: Actor, entry_id: UUID, *, shown: str, now: datetime) -> None:
    """Approve exactly what was shown; from this day on the entry opens its channels between its own days."""
    _decide(db, who, entry_id, "approved", shown=shown, reason="", now=now)


def refuse(db: Session, who: Actor, entry_id: UUID, *, shown: str, reason: str, now: datetime) -> None:
    """Say no to an entry that waits; it never opens anything."""
    _decide(db, who, entry_id, "refused", shown=shown, reason=changes.reason_of(reason, now=now), now=now)


def suspend(db: Session, who: Actor, entry_id: UUID, *, from_day: date, reason: str, now: datetime) -> None:
    """Close what an entry opened, from a day on; one person is enough, since nothing is opened by it."""
    row, said = _found(db, entry_id)
    if any(word.kind == "suspended" for word in said):
        raise UnknownEntry("这条登记已经暂停。")
    if from_day < _day(now):
        raise BadEntry("暂停日不能早于今天。", field="from_day")
    _say(db, who, row, "suspended", from_day, changes.reason_of(reason, now=now), now)


def valid(db: Session, channel: str, on: date, *, verb: str = "pay", partner: str | None = None) -> Standing | None:
    """The entry that lets this channel do this on the day, or None; the one that lasts longest where there are two."""
    rows = [row for row in store_house.entries_for(db, channel) if partner in (None, row.partner) and verb in row.verbs]
    held = [one for one in standings(db, rows, on=on) if one.status is Status.VALID]
    return max(held, key=lambda one: one.entry.valid_to or date.max, default=None)


def require_live(db: Session, record: Capabilities, on: date, *, verb: str = "pay") -> None:
    """Refuse a channel that nobody may use today: `NotLive` says whether a licence or a demonstration is missing."""
    match Licence(record.licence):
        case Licence.OWN_HAND | Licence.OWN_FILE:
            return
        case Licence.DEMONSTRATION:
            if demonstration.mode(db) != demonstration.DEMONSTRATION:
                raise NotLive(f"{record.channel} 是模拟渠道，只在演示中可用。", field="channel")
        case Licence.NEEDED:
            if valid(db, record.channel, on, verb=verb, partner=record.partner or None) is None:
                raise NotLive(f"渠道 {record.channel} 在 {on} 没有有效的持牌登记。", field="channel")


def is_live(db: Session, record: Capabilities, on: date, *, verb: str = "pay") -> bool:
    """Whether a channel may be used on the day."""
    try:
        require_live(db, record, on, verb=verb)
    except NotLive:
        return False
    return True


def all_standings(db: Session, *, on: date) -> list[Standing]:
    """Every entry of the register as it stands on a day, newest first."""
    return standings(db, store_house.entries(db), on=on)


def find(db: Session, entry_id: UUID, *, on: date) -> Standing:
    """One entry as it stands on a day."""
    row, _ = _found(db, entry_id, lock=False)
    return standings(db, [row], on=on)[0]


def standings(db: Session, rows: Sequence[EntryRow], *, on: date) -> list[Standing]:
    """These entries with the words on them."""
    said: dict[UUID, list[WordRow]] = {}
    for word in store_house.words(db, [row.id for row in rows]):
        said.setdefault(word.entry_id, []).append(word)
    return [_standing(row, said.get(row.id, []), on) for row in rows]


def status(entry: Entry, words: Mapping[str, date], *, on: date) -> Status:
    """How an entry stands on a day by the words on it (kind: from which day); values in, value out."""
    if "refused" in words:
        return Status.REFUSED
    if "approved" not in words or on < words["approved"]:
        return Status.WAITING
    if "suspended" in words and words["suspended"] <= on:
        return Status.SUSPENDED
    if entry.valid_to is not None and on >= entry.valid_to:
        return Status.EXPIRED
    return Status.VALID if on >= entry.valid_from else Status.FUTURE


def shown_hash(entry_id: UUID, entry: Entry) -> bytes:
    """What stands for everything that is shown of an entry: SHA-256 over its one form as JSON."""
    said = {"id": str(entry_id), **asdict(entry)}
    line = json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=date.isoformat)
    return hashlib.sha256(line.encode()).digest()


def checked(entry: Entry, *, now: datetime) -> Entry:
    """The entry with its texts trimmed; refuses one that lacks something."""
    texts = {name: " ".join(getattr(entry, name).split()) for name in
             ("partner", "licence_kind", "licence_number", "holder", "custody_bank")}  # fmt: skip
    for name, text in texts.items():
        if not text or len(text) > MOST:
            raise BadEntry("这一项没有填，或太长。", field=name)
    if entry.valid_to is not None and entry.valid_to <= entry.valid_from:
        raise BadEntry("到期日要晚于生效日。", field="valid_to")
    if not entry.verbs or not set(entry.verbs) <= set(VERBS):
        raise BadEntry(f"范围要写明做什么：{'、'.join(VERBS)}。", field="verbs")
    if not entry.channels or not all(entry.channels):
        raise BadEntry("范围要写明哪些渠道。", field="channels")
    digest = entry.document_sha256.strip().lower()
    if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
        raise BadEntry("要有证照文件的 SHA-256 摘要（64 位十六进制）。", field="document_sha256")
    lists = {name: tuple(sorted(set(getattr(entry, name)))) for name in ("verbs", "channels", "products")}
    return Entry(**{**asdict(entry), **texts, **lists, "document_sha256": digest,
                    "reason": changes.reason_of(entry.reason, now=now)})  # fmt: skip


def _decide(db: Session, who: Actor, entry_id: UUID, kind: str, *, shown: str, reason: str, now: datetime) -> None:
    row, said = _found(db, entry_id)
    if any(word.kind in ("approved", "refused") for word in said):
        raise UnknownEntry("这条登记已有结论。")
    if changes.person_of(who) == row.entered_by:
        raise OwnEntry("不能批准或驳回自己录入的登记。")
    told = shown_hash(row.id, _entry(row))
    if told != row.shown_hash:
        raise changes.Altered(f"partner entry {row.id} is not what was entered")
    if shown != told.hex():
        raise changes.NotAsShown("页面上的内容与登记不符，请刷新后重新核对。")
    _say(db, who, row, kind, _day(now), reason, now)


def _say(db: Session, who: Actor, row: EntryRow, kind: str, day: date, reason: str, now: datetime) -> None:
    db.add(
        WordRow(
            entry_id=row.id, kind=kind, entered_by=row.entered_by, shown_hash=row.shown_hash, from_day=day,
            reason=reason, said_by=changes.person_of(who), said_at=now,
        )
    )  # fmt: skip
    db.flush()
    audit.write(db, who, f"partner.{kind}", f"partner:{row.id}", _facts(row) | {"from_day": day.isoformat()}, now=now)


def _found(db: Session, entry_id: UUID, *, lock: bool = True) -> tuple[EntryRow, Sequence[WordRow]]:
    row = store_house.entry(db, entry_id, lock=lock)
    if row is None:
        raise UnknownEntry("没有这条登记。")
    return row, store_house.words(db, [entry_id])


def _standing(row: EntryRow, words: Sequence[WordRow], on: date) -> Standing:
    entry = _entry(row)
    left = None if entry.valid_to is None else (entry.valid_to - on).days
    return Standing(
        row.id, entry, status(entry, {word.kind: word.from_day for word in words}, on=on), row.entered_by,
        row.entered_at, tuple((word.kind, word.said_by, word.from_day, word.reason) for word in words),
        row.shown_hash.hex(), left,
    )  # fmt: skip


def _entry(row: EntryRow) -> Entry:
    return Entry(
        row.partner, row.licence_kind, row.licence_number, row.holder, tuple(row.verbs), tuple(row.channels),
        tuple(row.products), row.valid_from, row.valid_to, row.custody_bank, row.document_hash.hex(), row.reason,
    )  # fmt: skip


def _facts(row: EntryRow) -> dict[str, Any]:
    return {"shown": row.shown_hash, "document": row.document_hash}


def _day(now: datetime) -> date:
    return now.astimezone(clock.CHINA).date()
