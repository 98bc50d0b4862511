"""Erasure (PIPL article 47): told in numbers beforehand, called off while it cools, done by a job, receipted by link.

Two duties pull apart: to delete, and to keep (反洗钱法 article 34: ten years). What no duty holds is deleted, room by
room; what law keeps stays behind the compliance role until a day that the receipt names, and goes then.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.identity import consent, holdings, purposes, rules, store, store_consent
from anhuan.identity.consent_words import Duty
from anhuan.identity.export import WORKER, NoSuchRequest
from anhuan.identity.export import forget as delete_file
from anhuan.identity.model import PersonState
from anhuan.identity.tables_consent import DataRequestRow
from anhuan.kit import audit, clock, ids, jobs, vault, wall
from anhuan.kit import holdings as kit_holdings
from anhuan.kit.actors import Actor
from anhuan.kit.errors import Refused
from anhuan.kit.page import NotAllowed

ERASE: Final = "identity.erase"
LATER: Final = -10  # below what a tap promises: a job that waits for next week must not hold that back


class TooLate(Refused):
    """已经开始: the cooling time is over."""

    code = "data.too_late"


@dataclass(frozen=True, slots=True)
class Portion:
    """Rows of one table that go, or that stay for a duty until a day."""

    table: str
    rows: int
    duty: str | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What an erasure would do, table by table."""

    goes: tuple[Portion, ...]
    stays: tuple[Portion, ...]
    acts_at: datetime

    @property
    def rows(self) -> int:
        """Rows that go."""
        return sum(one.rows for one in self.goes)


def forecast(db: Session, party: UUID, now: datetime) -> Forecast:
    """Count what would go and what would stay, why, and until when."""
    counts: dict[str, int] = {}
    for room in holdings.all_rooms().values():
        counts.update(room.held(db, party))
    kept, acts_at = holdings.duties(), now + _cooling(now)
    day = _day(acts_at)
    return Forecast(
        goes=tuple(Portion(table, count) for table, count in counts.items() if table not in kept),
        stays=tuple(
            Portion(table, count, kept[table], holdings.kept_until(kept[table], day))
            for table, count in counts.items()
            if table in kept
        ),
        acts_at=acts_at,
    )


def ask(db: Session, party: UUID, *, actor: Actor, now: datetime, lang: str) -> DataRequestRow:
    """Ask to be erased; nothing happens before the cooling time is over. An open request is given again."""
    insist_oneself(party, actor)
    store_consent.lock(db, f"erasure {party}")
    if earlier := store_consent.open_request(db, party, "erasure"):
        return earlier
    acts_at, number = now + _cooling(now), ids.new_id()
    row = DataRequestRow(
        user_id=party, id=number, person_id=party, kind="erasure", state="cooling", percent=0, doing="", lang=lang,
        asked_at=now, acts_at=acts_at, receipt_hash=hash_of(receipt_token(number)), report={},
    )  # fmt: skip
    db.add(row)
    db.flush()
    audit.write(db, actor, "erasure.asked", f"person:{party}", {"request": number, "acts_at": acts_at}, now=now)
    jobs.defer(db, ERASE, lock=f"data:{party}", priority=LATER, at=acts_at, party=party, request=number)
    return row


def insist_oneself(party: UUID, actor: Actor) -> None:
    """Refuse whoever asks for another's erasure, an organisation's too."""
    if actor.person_id != party:
        raise NotAllowed("只有本人可以申请删除自己的数据。")


def cancel(db: Session, party: UUID, request_id: UUID, *, actor: Actor, now: datetime) -> DataRequestRow:
    """Call an erasure off while it cools; twice is once."""
    row = store_consent.request(db, party, request_id, locked=True)
    if row is None or row.kind != "erasure":
        raise NoSuchRequest("没有这项申请。")
    if row.state == "cancelled":
        return row
    if row.state != "cooling":
        raise TooLate("已经开始，不能再取消。")
    row.state, row.done_at = "cancelled", now
    audit.write(db, actor, "erasure.cancelled", f"person:{party}", {"request": request_id}, now=now)
    return row


def act(party: UUID, request_id: UUID) -> None:
    """Erase, as the worker: close the account, then room by room; safe to run twice, at any moment, on any worker."""
    if not _close_account(party, request_id):
        return
    rooms = holdings.all_rooms()
    for number, (name, room) in enumerate(rooms.items()):
        now = clock.now()
        with jobs.transaction() as db:
            purposes.open_for(db, party, Duty.OWN_REQUEST, actor=WORKER, now=now)
            row = store_consent.request(db, party, request_id, locked=True)
            if row is None or row.state != "running":
                return
            row.percent, row.doing = 10 + 85 * number // len(rooms), name
            row.report = _added(row.report, room.erase(db, party))
    _finish(party, request_id)


def forget(db: Session, party: UUID, day: date) -> int:
    """Delete rows of an erased party whose duty has ended before the day, and note it on the receipt; tells how many.

    The request itself is the receipt and stays, and with it the emptied row of the person that others point to.
    """
    row = store_consent.done_erasure(db, party)
    if row is None:
        return 0
    stays = {table: dict(one) for table, one in row.report.get("stays", {}).items()}
    ended = {table for table, one in stays.items() if date.fromisoformat(one["until"]) < day and "gone_on" not in one}
    gone = 0
    for room in holdings.all_rooms().values():
        listed = [one for one in getattr(room, "HOLDINGS", ()) if one.table in ended - holdings.STAYING]
        gone += sum(kit_holdings.erase(db, [replace(one, kept=None) for one in listed], party).values())
    for table in ended:
        stays[table]["gone_on"] = day.isoformat()
    row.report = {**row.report, "stays": stays}
    return gone


def receipt(db: Session, token: str) -> DataRequestRow:
    """The receipt that a link opens, for whoever holds the link; it tells numbers, never data."""
    wall.present(db, "receipt", hash_of(token))
    row = store_consent.by_receipt(db, hash_of(token))
    if row is None:
        raise NoSuchRequest("没有这张回执。")
    return row


def receipt_token(request_id: UUID) -> str:
    """The secret of a receipt's link; the person's page can show it again, the database keeps its hash alone."""
    return vault.keyed_hash("data.receipt", request_id.bytes).hex()


def hash_of(token: str) -> bytes:
    """What the database keeps of a receipt's secret."""
    return hashlib.sha256(token.encode()).digest()


def _close_account(party: UUID, request_id: UUID) -> bool:
    """Begin: nobody signs in any more, the name by which the person was found is gone, every consent is withdrawn."""
    now = clock.now()
    with jobs.transaction() as db:
        purposes.open_for(db, party, Duty.OWN_REQUEST, actor=WORKER, now=now)
        row = store_consent.request(db, party, request_id, locked=True)
        if row is None or row.state not in ("cooling", "running") or row.acts_at > now:
            return False
        if row.state == "cooling":
            row.state, row.percent, row.doing = "running", 5, "identity"
            person = store.person(db, party)
            if person is not None:
                person.state = PersonState.ERASED
                person.handle = person.handle_hash = person.name = person.lang = None
            withdrawn = consent.withdraw_all(db, party, actor=WORKER, now=now)
            row.report = {"went": {}, "consents_withdrawn": withdrawn}
            for export in store_consent.requests(db, party):
                if export.kind == "export" and export.state != "gone":
                    delete_file(db, export)
        return True


def _finish(party: UUID, request_id: UUID) -> None:
    """Write the receipt: what went, what stays, for which duty, until which day."""
    now = clock.now()
    with jobs.transaction() as db:
        purposes.open_for(db, party, Duty.OWN_REQUEST, actor=WORKER, now=now)
        row = store_consent.request(db, party, request_id, locked=True)
        if row is None or row.state != "running":
            return
        left: dict[str, int] = {}
        for room in holdings.all_rooms().values():
            left.update(room.held(db, party))
        duties = holdings.duties()
        stays = {
            table: {
                "rows": count,
                "duty": duties[table],
                "until": holdings.kept_until(duties[table], _day(now)).isoformat(),
            }
            for table, count in left.items()
        }
        row.state, row.percent, row.doing, row.done_at = "done", 100, "", now
        row.report = {**row.report, "stays": stays}
        facts = {"request": request_id, "rows": sum(row.report["went"].values()), "kept": sum(left.values())}
        audit.write(db, WORKER, "erasure.done", f"person:{party}", facts, now=now)


def _added(report: Mapping[str, Any], gone: Mapping[str, int]) -> dict[str, Any]:
    went = dict(report.get("went", {}))
    for table, count in gone.items():
        went[table] = went.get(table, 0) + count
    return {**report, "went": went}


def _cooling(now: datetime) -> timedelta:
    return timedelta(days=rules.house("erasure_cooling_days", on=_day(now)))


def _day(now: datetime) -> date:
    return now.astimezone(clock.CHINA).date()
