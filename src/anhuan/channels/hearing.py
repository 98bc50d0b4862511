"""Callbacks (回调): verified by the connector, kept with their hash whether believed or not, and worth one question.

Their order, number and truth do not matter then: a replay is kept and changes nothing, a forged one is kept and written
into the audit log as an event of security, and what a good one claims is not believed but asked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.channels import limits, registry, store_house
from anhuan.channels.model import Connector, Forged, Hint, Stale, UnknownChannel
from anhuan.channels.tables_house import CallbackRow
from anhuan.kit import actors, audit, ids, jobs
from anhuan.kit.settings import BadSetting

HEARD: Final = "channels.heard"
KEPT: Final = ("x-sign-key", "x-sign-time", "x-sign-nonce", "x-sign-signature", "content-type", "content-length")
MOST_EVENT: Final = 200  # characters of an event's name
KEPT_BYTES: Final = 4096  # of what is not believed: strangers fill no disk; its hash is of the whole
NEVER: Final = frozenset({"manual", "file_export"})  # nobody calls back about what a person does


class Verdict(StrEnum):
    """What a callback was worth."""

    HINT = "hint"  # a key to ask about
    REPLAY = "replay"  # heard before
    FORGED = "forged"  # 签名不符
    STALE = "stale"  # 过期


@dataclass(frozen=True, slots=True)
class Heard:
    """One receipt."""

    id: UUID
    verdict: Verdict
    key: UUID | None


def hear(db: Session, channel: str, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Heard:
    """Keep one callback and, where it is believed for the first time, promise a question about its key.

    Refuses nothing but a channel that does not exist: what is forged must be kept, so the caller's transaction stands.
    """
    connector = _listening(channel)
    small = {name.lower(): value for name, value in headers.items()}
    hint, verdict = _read(connector, small, body, now)
    if hint is not None and store_house.heard_before(db, channel, hint.event_id):
        verdict = Verdict.REPLAY
    row = _row(channel, verdict, hint, small, body, now)
    if not store_house.keep_callback(db, row):  # two of one event at the same moment: the second is a replay
        verdict = Verdict.REPLAY
        row = _row(channel, verdict, hint, small, body, now)
        store_house.keep_callback(db, row)
    if verdict is Verdict.HINT:
        jobs.defer(db, HEARD, callback=row.id)
    elif verdict in (Verdict.FORGED, Verdict.STALE):
        facts = {"channel": channel, "verdict": verdict.value, "sha256": limits.sha256(body)}
        audit.write(db, actors.NOBODY, "channel.forged", f"callback:{row.id}", facts, now=now)
    return Heard(row.id, verdict, hint.key if hint else None)


def _listening(channel: str) -> Connector:
    """The connector that callbacks of this channel go to; one that nobody has set up is told like one that is none."""
    if channel in NEVER:
        raise UnknownChannel("没有这个渠道的回调。", field="channel")
    try:
        return registry.find(channel)
    except BadSetting as error:
        raise UnknownChannel("没有这个渠道的回调。", field="channel") from error


def _read(connector: Connector, headers: Mapping[str, str], body: bytes, now: datetime) -> tuple[Hint | None, Verdict]:
    try:
        hint = connector.read_callback(headers, body, now=now)
    except Forged:
        return None, Verdict.FORGED
    except Stale:
        return None, Verdict.STALE
    if not 0 < len(hint.event_id) <= MOST_EVENT:
        return None, Verdict.FORGED
    return hint, Verdict.HINT


def _row(
    channel: str, verdict: Verdict, hint: Hint | None, headers: Mapping[str, str], body: bytes, now: datetime
) -> CallbackRow:
    return CallbackRow(
        id=ids.new_id(), channel=channel, verdict=verdict, event_id=hint and hint.event_id, key=hint and hint.key,
        headers={name: headers[name][:500] for name in KEPT if name in headers},
        content=body if hint else body[:KEPT_BYTES],
        sha256=limits.sha256(body), heard_at=now,
    )  # fmt: skip
