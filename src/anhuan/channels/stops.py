"""Stops (人工停用): an operator closes a channel, a bank or everything with one tap and a reason; two people open it.

A stop keeps every worker from sending from its moment on; asking goes on, and nothing is lost: what waits goes out by
itself when the stop ends. What payers walk themselves (own hand, own file) goes on behind a stop of a bank or of
everything: the house sends nothing then, and a bill that falls due must not wait for our console; they are told of it.

A stop ends at the moment that was given with it, or when one person has asked to lift it and another has confirmed
exactly what was shown. What opened by itself (the breakers) one person may close, with a reason.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.channels import capabilities, store_house, store_stops
from anhuan.channels.tables_stops import ClosingRow, StopRow, StopWordRow
from anhuan.identity import changes
from anhuan.kit import audit, clock, ids
from anhuan.kit.actors import Actor
from anhuan.kit.errors import Refused


class Scope(StrEnum):
    """What a stop closes."""

    CHANNEL = "channel"  # 渠道
    BANK = "bank"  # 发卡行: every channel, for the cards of this bank
    EVERYTHING = "everything"  # 全部


class BadStop(Refused):
    """停用填写有误: a channel or bank that we know, a reason, and an end that is still to come."""

    code = "channels.bad_stop"


class NoStop(Refused):
    """没有这项停用: there is no such stop, or it has ended."""

    code = "channels.no_stop"


class OwnLift(Refused):
    """不能自己确认: whoever asked to lift a stop does not confirm it."""

    code = "channels.own_lift"


class LiftWaits(Refused):
    """等待第二人: somebody has asked to lift it already, and that has no answer yet."""

    code = "channels.lift_waits"


class NoLift(Refused):
    """没有待确认的解除: nobody has asked to lift it, or what was asked is decided."""

    code = "channels.no_lift"


class NothingOpen(Refused):
    """没有熔断: this breaker is closed already."""

    code = "channels.nothing_open"


@dataclass(frozen=True, slots=True)
class Stop:
    """One stop as others read it."""

    id: UUID
    scope: Scope
    name: str  # of the channel or bank; "" for everything
    reason: str
    since: datetime
    until: datetime | None  # None: until two people lift it
    stopped_by: UUID
    lifted_at: datetime | None

    def closes(self, channel: str, bank: str) -> bool:
        """Whether a payment by this channel to a card of this bank is meant."""
        return self.scope is Scope.EVERYTHING or self.name == (channel if self.scope is Scope.CHANNEL else bank)


@dataclass(frozen=True, slots=True)
class Case:
    """A stop with everybody's words on lifting it, and the one that waits for a second person."""

    stop: Stop
    words: tuple[StopWordRow, ...]
    waiting: StopWordRow | None


def standing(db: Session, channel: str, bank: str, now: datetime, *, own_hand: bool = False) -> Stop | None:
    """The stop that means a payment by this channel to a card of this bank, or None; where the payer walks
    (`own_hand`), only one that names the way itself, whose steps are ours."""
    row = store_stops.longest(db, channel, bank, now, own_hand=own_hand)
    return None if row is None else _stop(row)


def not_before(db: Session, channel: str, bank: str, now: datetime, *, own_hand: bool) -> datetime | None:
    """When to look again whether a stopped payment may go: at the stop's end, and at the dated interval before it."""
    stop = standing(db, channel, bank, now, own_hand=own_hand)
    if stop is None:
        return None
    soon = now + timedelta(seconds=capabilities.number("stop_look_seconds", on=_day(now), channel=channel))
    return soon if stop.until is None else min(soon, stop.until)


def stop(
    db: Session, who: Actor, scope: Scope, name: str, *, reason: str, until: datetime | None, now: datetime
) -> UUID:  # fmt: skip
    """Stop a channel, a bank or everything from this moment on, and say why; one person is enough to close."""
    person, why = changes.person_of(who), changes.reason_of(reason, now=now)
    _check(scope, name, until, now)
    row = StopRow(
        id=ids.new_id(), scope=scope, name=name, reason=why, stopped_by=person, from_at=now, until_at=until
    )  # fmt: skip
    db.add(row)
    db.flush()
    _write(db, who, "stop.made", row, {"until": until.isoformat() if until else ""}, now)
    return row.id


def find(db: Session, stop_id: UUID) -> Case:
    """One stop as it stands, lifted or not."""
    return _case(db, store_stops.stop(db, stop_id))


def all_standing(db: Session, now: datetime) -> list[Case]:
    """Every stop that holds, oldest first, with the words on it."""
    return _cases(db, store_stops.standing(db, now))


def over(db: Session, now: datetime, *, at_most: int) -> list[Stop]:
    """Stops that have ended, the newest first."""
    return [_stop(row) for row in store_stops.over(db, now, at_most=at_most)]


def ask_lift(db: Session, who: Actor, stop_id: UUID, *, reason: str, now: datetime) -> UUID:
    """Ask to lift a stop and say why; it goes on to hold until somebody else has confirmed."""
    case, row = _open(db, stop_id, now)
    if case.waiting is not None:
        raise LiftWaits("已有人提出解除，先由另一人确认或驳回。")
    number, person, why = ids.new_id(), changes.person_of(who), changes.reason_of(reason, now=now)
    word = StopWordRow(
        id=number, stop_id=stop_id, kind="asked", asked_by=person, said_by=person,
        shown_hash=shown_hash(case.stop, number, why), reason=why, said_at=now,
    )  # fmt: skip
    _say(db, who, row, word, "stop.lift_asked")
    return number


def confirm_lift(db: Session, who: Actor, stop_id: UUID, *, shown: str, now: datetime) -> None:
    """Confirm exactly what was shown, as the second person: what waited goes out by itself."""
    row, asked = _asked(db, who, stop_id, shown, own=False, now=now)
    _say(db, who, row, _answer(who, asked, "confirmed", asked.reason, now), "stop.lifted")
    row.lifted_at, row.lifted_by = now, changes.person_of(who)
    db.flush()


def refuse_lift(db: Session, who: Actor, stop_id: UUID, *, shown: str, reason: str, now: datetime) -> None:
    """Say no to what was asked, or take the own word back; the stop goes on to hold."""
    row, asked = _asked(db, who, stop_id, shown, own=True, now=now)
    _say(db, who, row, _answer(who, asked, "refused", changes.reason_of(reason, now=now), now), "stop.lift_refused")


def close_breaker(db: Session, who: Actor, channel: str, *, reason: str, now: datetime) -> None:
    """Close a channel's own breaker before its time; what waits goes out, and the next failures open it again."""
    why = changes.reason_of(reason, now=now)
    row = store_house.breaker(db, channel, lock=True)
    if row is None or row.open_until_at is None or row.open_until_at <= now:
        raise NothingOpen("这个渠道没有熔断，或熔断已经结束。", field="channel")
    closing = ClosingRow(
        id=ids.new_id(), channel=channel, was_open_until_at=row.open_until_at, failures=row.failures, reason=why,
        closed_by=changes.person_of(who), closed_at=now,
    )  # fmt: skip
    db.add(closing)
    row.failures, row.first_failed_at, row.trips, row.open_until_at, row.why = 0, None, 0, None, ""
    db.flush()
    facts = {"closing": closing.id, "failures": closing.failures}
    audit.write(db, who, "breaker.closed", f"channel:{channel}", facts, now=now)


def release_card(db: Session, who: Actor, party: UUID, channel: str, card_key: bytes, *, now: datetime) -> None:
    """End the stop of one card before its time; for a transaction in which a look has opened its party's rows."""
    changes.person_of(who)
    if not store_stops.end_card(db, party, channel, card_key, now):
        raise NothingOpen("这张卡没有暂停，或暂停已经结束。", field="card")
    audit.write(db, who, "card_stop.ended", f"channel:{channel}", {"person_id": party}, now=now)


def shown_hash(stop: Stop, asked: UUID, reason: str) -> bytes:
    """What stands for everything that whoever confirms is shown: SHA-256 over its one form as JSON."""
    said = {
        "asked": asked, "stop": stop.id, "scope": stop.scope.value, "name": stop.name, "why": stop.reason,
        "since": stop.since.timestamp(), "until": stop.until.timestamp() if stop.until else None, "reason": reason,
    }  # fmt: skip
    line = json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(line.encode()).digest()


def _check(scope: Scope, name: str, until: datetime | None, now: datetime) -> None:
    on = _day(now)
    known = {
        Scope.CHANNEL: set(capabilities.ids(on=on)), Scope.BANK: set(capabilities.banks(on=on)), Scope.EVERYTHING: {""},
    }  # fmt: skip
    if name not in known[scope]:
        raise BadStop("请选择要停用的渠道或银行。", field="name")
    if until is not None and until <= now:
        raise BadStop("结束时间要晚于现在。", field="until")


def _cases(db: Session, rows: Sequence[StopRow]) -> list[Case]:
    said: dict[UUID, list[StopWordRow]] = {}
    for word in store_stops.words(db, [row.id for row in rows]):
        said.setdefault(word.stop_id, []).append(word)
    return [Case(_stop(row), tuple(said.get(row.id, ())), _waiting(said.get(row.id, ()))) for row in rows]


def _case(db: Session, row: StopRow | None) -> Case:
    if row is None:
        raise NoStop("没有这项停用。", field="stop")
    return _cases(db, [row])[0]


def _open(db: Session, stop_id: UUID, now: datetime) -> tuple[Case, StopRow]:
    """The case, held for this transaction: a second hand waits here and then finds it decided."""
    row = store_stops.stop(db, stop_id, lock=True)
    if row is None or row.lifted_at is not None or (row.until_at is not None and row.until_at <= now):
        raise NoStop("没有这项停用，或它已经结束。", field="stop")
    return _case(db, row), row


def _waiting(words: Sequence[StopWordRow]) -> StopWordRow | None:
    answered = {one.answers for one in words}
    return next((one for one in words if one.kind == "asked" and one.id not in answered), None)


def _asked(
    db: Session, who: Actor, stop_id: UUID, shown: str, *, own: bool, now: datetime
) -> tuple[StopRow, StopWordRow]:
    """The stop and what waits on it, shown as it was asked; `own`: whoever asked may answer too."""
    case, row = _open(db, stop_id, now)
    asked = case.waiting
    if asked is None:
        raise NoLift("还没有人提出解除，或已有结论。")
    if changes.person_of(who) == asked.asked_by and not own:
        raise OwnLift("提出解除的人不能自己确认。")
    told = shown_hash(case.stop, asked.id, asked.reason)
    if told != asked.shown_hash:
        raise changes.Altered(f"the lifting {asked.id} is not what was asked")
    if shown != told.hex():
        raise changes.NotAsShown("页面上的内容与提出的不符，请刷新后重新核对。")
    return row, asked


def _answer(who: Actor, asked: StopWordRow, kind: str, reason: str, now: datetime) -> StopWordRow:
    return StopWordRow(
        id=ids.new_id(), stop_id=asked.stop_id, kind=kind, answers=asked.id, asked_by=asked.asked_by,
        said_by=changes.person_of(who), shown_hash=asked.shown_hash, reason=reason, said_at=now,
    )  # fmt: skip


def _say(db: Session, who: Actor, row: StopRow, word: StopWordRow, act: str) -> None:
    db.add(word)
    db.flush()
    _write(db, who, act, row, {"shown": word.shown_hash}, word.said_at)


def _write(db: Session, who: Actor, act: str, row: StopRow, facts: dict[str, Any], now: datetime) -> None:
    said = {"scope": row.scope, "name": row.name, **facts}
    audit.write(db, who, act, f"stop:{row.id}", said, now=now)


def _stop(row: StopRow) -> Stop:
    return Stop(
        row.id, Scope(row.scope), row.name, row.reason, row.from_at, row.until_at, row.stopped_by, row.lifted_at
    )


def _day(now: datetime) -> date:
    return now.astimezone(clock.CHINA).date()
