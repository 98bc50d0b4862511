"""A person's copy of everything (PIPL article 45): asked for on a page, made by a job, kept sealed, fetched, deleted.

The file's name is drawn before the first byte is written, so a job that is killed and run again writes the same file;
the row says how far it is. Nobody but the person who asked can fetch it.
"""

import hashlib
import os
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.identity import holdings, purposes, rules, store_consent
from anhuan.identity.archive import Archive
from anhuan.identity.consent_words import Duty
from anhuan.identity.tables_consent import DataRequestRow
from anhuan.kit import audit, clock, ids, jobs, settings, vault
from anhuan.kit.actors import Actor, ActorKind
from anhuan.kit.errors import Refused

EXPORT: Final = "identity.export"
WORKER: Final = Actor(ActorKind.WORKER)
PLACE: Final = "exports.file"  # what the sealed bytes are bound to, with the request's number


class NoSuchRequest(Refused):
    """没有这项申请: there is no such request, it is somebody else's, or its file is gone."""

    code = "data.not_found"


def ask(db: Session, party: UUID, *, actor: Actor, now: datetime, lang: str) -> DataRequestRow:
    """Ask for a copy of everything; while one is being made, asking again gives that one."""
    store_consent.lock(db, f"export {party}")
    if earlier := store_consent.open_request(db, party, "export"):
        return earlier
    row = DataRequestRow(
        user_id=party, id=ids.new_id(), person_id=actor.person_id, kind="export", state="waiting", percent=0, doing="",
        lang=lang, asked_at=now, acts_at=now, report={},
    )  # fmt: skip
    db.add(row)
    db.flush()
    audit.write(db, actor, "export.asked", f"party:{party}", {"request": row.id}, now=now)
    jobs.defer(db, EXPORT, lock=f"data:{party}", party=party, request=row.id)
    return row


def make(party: UUID, request_id: UUID) -> None:
    """Make the file of a request, as the worker; safe to run twice, at any moment, on any worker."""
    now = clock.now()
    began = _begin(party, request_id, now)
    if began is None:
        return
    name, lang = began
    archive = Archive(party, now, lang)
    rooms = holdings.all_rooms()
    for number, (room_name, room) in enumerate(rooms.items()):
        _say(party, request_id, percent=5 + 85 * number // len(rooms), doing=room_name)
        with jobs.transaction() as db:
            purposes.open_for(db, party, Duty.OWN_REQUEST, actor=WORKER, now=now)
            for sheet in room.export(db, party):
                archive.add(sheet)
    _say(party, request_id, percent=90, doing="sealing")
    sealed = vault.seal(f"{PLACE}.{request_id}", archive.close())
    _write(name, sealed)
    _done(party, request_id, archive.rows, len(sealed))


def ready(db: Session, party: UUID, request_id: UUID, *, actor: Actor, now: datetime) -> tuple[DataRequestRow, str]:
    """The request whose archive its person may fetch now, and SHA-256 (hex) of the sealed file."""
    row, sealed = _ready(db, party, request_id, actor, now)
    return row, hashlib.sha256(sealed).hexdigest()


def fetch(db: Session, party: UUID, request_id: UUID, *, actor: Actor, now: datetime) -> bytes:
    """The archive, for the person who asked for it, until it expires; every fetch is written down."""
    row, sealed = _ready(db, party, request_id, actor, now)
    row.fetched_at = now
    audit.write(db, actor, "export.taken", f"party:{party}", {"request": request_id}, now=now)
    opened: bytes = vault.open_(f"{PLACE}.{request_id}", sealed)
    return opened


def forget(db: Session, row: DataRequestRow) -> None:
    """Delete the file of an export whose time is over; the row stays as a trace."""
    if row.file_name is not None:
        (folder() / row.file_name).unlink(missing_ok=True)
    row.state, row.file_name = "gone", None


def folder() -> Path:
    """Where sealed exports wait to be fetched; nobody else on this machine may look inside."""
    place = settings.read().home / "exports"
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return place


def _ready(db: Session, party: UUID, request_id: UUID, actor: Actor, now: datetime) -> tuple[DataRequestRow, bytes]:
    row = store_consent.request(db, party, request_id, locked=True)
    if (
        row is None
        or row.kind != "export"
        or row.state != "done"
        or row.person_id != actor.person_id
        or row.file_name is None
        or row.expires_at is None
        or row.expires_at <= now
    ):
        raise NoSuchRequest("没有这项申请，或文件已过期。")
    try:
        return row, (folder() / row.file_name).read_bytes()
    except FileNotFoundError as error:
        raise NoSuchRequest("文件已不在，请重新申请。") from error


def _begin(party: UUID, request_id: UUID, now: datetime) -> tuple[str, str] | None:
    """Take up the request: the name of its file and its language, or None when nothing is left to do."""
    with jobs.transaction() as db:
        purposes.open_for(db, party, Duty.OWN_REQUEST, actor=WORKER, now=now)
        row = store_consent.request(db, party, request_id, locked=True)
        if row is None or row.state not in ("waiting", "running"):
            return None
        row.state, row.percent, row.doing = "running", max(row.percent, 1), ""
        row.file_name = row.file_name or f"{secrets.token_hex(16)}.sealed"
        return row.file_name, row.lang


def _say(party: UUID, request_id: UUID, *, percent: int, doing: str) -> None:
    with jobs.transaction() as db:
        purposes.open_for(db, party, Duty.OWN_REQUEST, actor=WORKER, now=clock.now())
        store_consent.report(db, party, request_id, percent=percent, doing=doing)


def _done(party: UUID, request_id: UUID, rows: Mapping[str, int], size: int) -> None:
    now = clock.now()
    with jobs.transaction() as db:
        purposes.open_for(db, party, Duty.OWN_REQUEST, actor=WORKER, now=now)
        row = store_consent.request(db, party, request_id, locked=True)
        if row is None or row.state != "running":
            return
        days = rules.house("export_keep_days", on=now.astimezone(clock.CHINA).date())
        row.state, row.percent, row.doing, row.done_at = "done", 100, "", now
        row.expires_at, row.file_bytes, row.report = now + timedelta(days=days), size, {"rows": dict(rows)}
        facts = {"request": request_id, "tables": len(rows), "rows": sum(rows.values())}
        audit.write(db, WORKER, "export.made", f"party:{party}", facts, now=now)


def _write(name: str, sealed: bytes) -> None:
    """The whole file or none: written beside its place, then moved there."""
    half = folder() / f"{name}.half"
    with open(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(sealed)
        out.flush()
        os.fsync(out.fileno())
    half.rename(folder() / name)
