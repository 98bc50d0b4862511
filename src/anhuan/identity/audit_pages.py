"""The audit log as auditors read it: records with hash and place in the chain, signed roots, the pack to take away."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Final, TypeVar
from uuid import UUID

from fastapi import Response
from sqlalchemy.orm import Session

from anhuan.identity import store_access
from anhuan.identity.rights import Role
from anhuan.identity.store_access import Proof
from anhuan.kit import audit, audit_key, audit_pack, settings
from anhuan.kit import db as database
from anhuan.kit.actors import Actor
from anhuan.kit.audit import Record
from anhuan.kit.audit_tables import AuditRoot
from anhuan.kit.downloads import download

ROWS: Final = 50
ROOTS: Final = 7  # signed roots shown: one a day, so a week
LATE: Final = timedelta(hours=30)  # a root covers a bank day and is signed soon after its end
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asked:
    """What an auditor filters by, as it stands in the address."""

    act: str
    subject: str
    actor: str


@dataclass(frozen=True, slots=True)
class Who:
    """Who acted: the roles that count (at the desk before holder), else the kind of actor; and the whole id, or ""."""

    roles: tuple[str, ...]
    id: str


@dataclass(frozen=True, slots=True)
class Shown:
    """One record with its proof: the hash of its line and its link of the chain, once it has one."""

    record: Record
    zh: str
    en: str
    who: Who
    facts: tuple[tuple[str, str], ...]
    proof: Proof | None


def read(db: Session, who: Actor, asked: Asked, *, before: int | None, now: datetime) -> tuple[tuple[Shown, ...], str]:
    """A page of records, newest first, and the number that the next page begins below; the reading is recorded."""
    actor_id = _uuid(asked.actor)
    found: Sequence[Record] = ()
    if actor_id is not None or not asked.actor:
        found = audit.page_of(
            db, act=asked.act or None, subject=asked.subject or None, actor_id=actor_id, before=before,
            at_most=ROWS + 1,
        )  # fmt: skip
    rows = found[:ROWS]
    proofs = store_access.proofs(db, [one.number for one in rows])
    facts = {"act": asked.act if asked.act in audit.ACTS else "", "records": len(rows)}
    audit.write(db, who, "audit.read", "audit:log", facts, now=now)
    shown = tuple(_shown(one, proofs.get(one.number)) for one in rows)
    return shown, str(rows[-1].number) if len(found) > ROWS else ""


def roots(db: Session) -> tuple[AuditRoot, ...]:
    """The newest signed roots."""
    return tuple(store_access.last_roots(db, at_most=ROOTS))


def pack(db: Session, who: Actor, first: date, last: date, *, now: datetime) -> Response:
    """Make the pack in a transaction of the auditor's own login, and hand it over."""
    keys = audit_key.known_keys(settings.read().home)
    with tempfile.TemporaryDirectory(prefix="anhuan-audit-") as folder:
        out = Path(folder) / "pack.zip"
        with database.sessions("audit").begin() as reader:
            made = audit_pack.pack(reader, out, first_day=first, last_day=last, keys=keys)
        body = out.read_bytes()
    facts = {"first": made.first, "last": made.last, "roots": made.roots}
    audit.write(db, who, "audit.exported", "audit:log", facts, now=now)
    return download(body, "application/zip", f"anhuan-audit-{first}-{last}.zip")


def health_of(db: Session, *, now: datetime, make: Callable[..., T]) -> T:
    """What the page of health shows."""
    root = store_access.last_root(db)
    held = store_access.standing_grants(db, now=now)
    return make(
        version=version("anhuan"),
        tables=database.head(),
        records_waiting=store_access.records_waiting(db),
        root=root,
        root_late=root is None or now - root.through_at > LATE,
        administrators=sum(one.role == Role.ADMINISTRATOR for one in held),
    )


def _shown(one: Record, proof: Proof | None) -> Shown:
    facts = tuple((name, _plain(value)) for name, value in sorted(one.facts.items()))
    held = tuple(one.actor.get("roles", ()))
    roles = tuple(role for role in held if role != Role.HOLDER) or held or (str(one.actor["kind"]),)
    acting = str(one.actor.get("person") or one.actor.get("client") or "")
    return Shown(one, one.sentence("zh"), one.sentence("en"), Who(roles, acting), facts, proof)


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
