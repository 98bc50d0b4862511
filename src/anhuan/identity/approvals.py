"""Acts on one's own data and keys that want one more proof: what each is bound to, and the only way to do it.

Pages and JSON doors call these and not the acts beneath (a test in tests/identity/test_approvals.py looks).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.identity import clients, erasure, export, stepup, store_consent
from anhuan.identity.stepup import Act, ActKind, Answer
from anhuan.identity.tables_consent import DataRequestRow
from anhuan.kit.actors import Actor

# Rows that signing in and confirming add by themselves: counted, they would void every confirmation.
OWN_TRACE: Final = frozenset({"step_ups", "sessions", "known_devices"})


@dataclass(frozen=True, slots=True)
class Archive:
    """A finished copy as the confirmation names it."""

    row: DataRequestRow
    act: Act
    rows: int


@dataclass(frozen=True, slots=True)
class Erasure:
    """An erasure as the confirmation names it."""

    act: Act
    goes: int
    stays: int
    acts_at: datetime


@dataclass(frozen=True, slots=True)
class Key:
    """A key as the confirmation names it."""

    act: Act
    name: str
    scopes: tuple[str, ...]
    ends_at: datetime


def archive(db: Session, who: Actor, request_id: UUID, *, now: datetime) -> Archive:
    """The archive of a request with SHA-256 of its sealed file; raises NoSuchRequest."""
    assert who.party_id is not None
    row, digest = export.ready(db, who.party_id, request_id, actor=who, now=now)
    facts = {"party": str(who.party_id), "request": str(request_id), "sha256": digest}
    return Archive(row, Act(ActKind.EXPORT_FETCHED, facts), sum(row.report.get("rows", {}).values()))


def fetch(db: Session, who: Actor, request_id: UUID, answer: Answer | None, *, now: datetime) -> bytes:
    """Hand the archive over with a proof for this very file; raises NoSuchRequest, StepUpNeeded."""
    assert who.party_id is not None
    stepup.insist(db, who, archive(db, who, request_id, now=now).act, answer, now=now)
    return export.fetch(db, who.party_id, request_id, actor=who, now=now)


def erasing(db: Session, who: Actor, *, now: datetime) -> Erasure:
    """What an erasure would take and leave, counted table by table."""
    assert who.party_id is not None
    told = erasure.forecast(db, who.party_id, now)
    facts: dict[str, str | int] = {"party": str(who.party_id)}
    for what, portions in (("goes", told.goes), ("stays", told.stays)):
        facts |= {f"{what}.{one.table}": one.rows for one in portions if one.table not in OWN_TRACE}
    return Erasure(Act(ActKind.ERASURE, facts), told.rows, sum(one.rows for one in told.stays), told.acts_at)


def erase(db: Session, who: Actor, answer: Answer | None, *, lang: str, now: datetime) -> DataRequestRow:
    """Ask for the erasure with a proof for these counts; an open request is given again without one."""
    assert who.party_id is not None
    erasure.insist_oneself(who.party_id, who)
    if store_consent.open_request(db, who.party_id, "erasure") is None:
        stepup.insist(db, who, erasing(db, who, now=now).act, answer, now=now)
    return erasure.ask(db, who.party_id, actor=who, now=now, lang=lang)


def own_key(db: Session, who: Actor, *, label: str, scopes: Sequence[str], now: datetime) -> Key:
    """The key for an own program that is asked for; raises BadClient for one that cannot be."""
    wish = clients.wish(db, who, label=label, scopes=scopes, now=now)
    facts = _facts(str(who.person_id), wish.label, wish.scopes, wish.ends_at)
    return Key(Act(ActKind.CLIENT_KEY, facts), wish.label, tuple(wish.scopes), wish.ends_at)


def make_key(
    db: Session, who: Actor, answer: Answer | None, *, label: str, scopes: Sequence[str], now: datetime
) -> str:
    """Make a key for an own program with a proof for its name, scopes and end; returns it this once."""
    stepup.insist(db, who, own_key(db, who, label=label, scopes=scopes, now=now).act, answer, now=now)
    return clients.make_personal(db, who, label=label, scopes=scopes, now=now)


def client_key(db: Session, key_id: UUID, *, now: datetime) -> Key:
    """An allowed key of a partner's client that waits to be drawn, as the desk reads it; raises KeyGone."""
    client, row = clients.waiting_key(db, key_id, now=now)
    act = Act(ActKind.CLIENT_KEY, _facts(str(key_id), client.name, client.scopes, row.ends_at))
    return Key(act, client.name, tuple(client.scopes), row.ends_at)


def draw(desk: Session, own: Session, who: Actor, key_id: UUID, answer: Answer | None, *, now: datetime) -> str:
    """Show a client's key, this once, with a proof for it.

    The proof is taken in `own`, a transaction of the operator's person on the web's login: the desk's login reads no
    passkeys. It is spent even when the drawing fails.
    """
    stepup.insist(own, who, client_key(desk, key_id, now=now).act, answer, now=now)
    return clients.draw(desk, who, key_id, now=now)


def _facts(subject: str, name: str, scopes: Sequence[str], ends_at: datetime) -> dict[str, str | int]:
    """A key's facts; its end by the day, since it is counted from the moment that makes it."""
    return {"for": subject, "name": name, "scopes": " ".join(scopes), "ends_on": ends_at.date().isoformat()}
