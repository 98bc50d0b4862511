"""The audit log: who did what to whom, when; appended only, chained by hashes, corrected by one more record.

`write` is called inside the transaction of the act it tells of, so there is no act without its record and no record
without its act. The database gives the record its number, its moment and the login's name; nobody may choose them.
Seconds later the record is linked into one chain (`link`), whose head is signed every day: see docs/AUDIT.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.kit import audit_bytes, store_audit
from anhuan.kit.actors import Actor
from anhuan.kit.audit_acts import ACTS, Act
from anhuan.kit.audit_bytes import NotForTheLog
from anhuan.kit.errors import Broken

__all__ = ["ACTS", "Act", "NotForTheLog", "Record", "UnknownAct", "correct", "page_of", "write", "write_many"]

PERSON: Final = "person:"  # a subject that is a person


class UnknownAct(Broken):
    """An act that has no line in the table of acts."""

    code = "audit.unknown_act"


@dataclass(frozen=True, slots=True)
class Record:
    """One record as pages show it: everything comes from the hashed payload, nothing from a column beside it."""

    number: int
    at: str  # the moment the program claims, UTC, as the log writes it
    written_at: datetime  # the moment of the database's clock
    login: str  # the database role that wrote it
    act: str
    subject: str
    actor: Mapping[str, Any]
    facts: Mapping[str, Any]
    linked: bool  # whether the chain holds it yet

    def sentence(self, lang: str) -> str:
        """What was done, in a person's words."""
        known = ACTS.get(self.act)
        if known is None:
            return self.act
        return known.en if lang == "en" else known.zh


def write(
    db: Session, actor: Actor, act: str, subject: str, facts: Mapping[str, Any] | None = None, *, now: datetime
) -> int:
    """Append one record in the caller's transaction and return its number.

    `facts` hold ids, codes, counts and hashes alone, never what somebody is called, owns or knows. A record about a
    person (subject "person:<id>", or the fact `person_id`) may be read by that person, unless its act is hidden.
    """
    return store_audit.append(db, payload_of(actor, act, subject, facts or {}, now=now))


def write_many(
    db: Session, actor: Actor, act: str, told: Sequence[tuple[str, Mapping[str, Any]]], *, now: datetime
) -> None:  # fmt: skip
    """The same for one act on several subjects, each as (subject, facts)."""
    store_audit.append_many(db, [payload_of(actor, act, subject, facts, now=now) for subject, facts in told])


def correct(
    db: Session, actor: Actor, number: int, reason: str, facts: Mapping[str, Any] | None = None, *, now: datetime
) -> int:
    """Say that an earlier record is wrong and what holds instead, by one more record; `reason` is a code."""
    return write(db, actor, "audit.corrected", f"audit:{number}", {**(facts or {}), "reason": reason}, now=now)


def page_of(
    db: Session,
    *,
    subject: str | None = None,
    actor_id: UUID | None = None,
    act: str | None = None,
    before: int | None = None,
    at_most: int = 50,
) -> Sequence[Record]:
    """Records newest first, below the number `before`; an operator sees all, a person those about themselves."""
    found = store_audit.page(db, subject=subject, actor_id=actor_id, act=act, before=before, at_most=at_most)
    return [_record(*row) for row in found]


def payload_of(actor: Actor, act: str, subject: str, facts: Mapping[str, Any], *, now: datetime) -> str:
    """The canonical JSON of a record, or a fault when something does not belong into the log."""
    if act not in ACTS:
        raise UnknownAct(f"{act!r} has no line in kit/audit_acts.py", field="act")
    if not subject:
        raise NotForTheLog("a record needs a subject, as kind:id", field="subject")
    said: dict[str, Any] = {
        "act": act,
        "actor": _told(actor),
        "at": now,
        "facts": facts,
        "subject": subject,
    }
    if ACTS[act].shown and (person := _person(actor, subject, facts)) is not None:
        said["person"] = person
    return audit_bytes.canonical(said)


def _told(actor: Actor) -> dict[str, Any]:
    """The actor without what is empty; rights follow from the roles."""
    told: dict[str, Any] = {
        "kind": actor.kind.value,
        "person": actor.person_id,
        "party": actor.party_id,
        "session": actor.session_id,
        "client": actor.client_id,
        "strength": actor.strength.value,
        "roles": sorted(actor.roles),
        "demo": actor.demo,
    }
    return {name: value for name, value in told.items() if value not in (None, False, [])}


def _person(actor: Actor, subject: str, facts: Mapping[str, Any]) -> str | None:
    """Whom the record is about: the person named in it, else the person who acts."""
    named = facts.get("person_id") or (subject.removeprefix(PERSON) if subject.startswith(PERSON) else None)
    if named is None:
        return None if actor.person_id is None else str(actor.person_id)
    try:
        return str(UUID(str(named)))
    except ValueError:
        raise NotForTheLog("a person stands in the log by id", field="subject") from None


def _record(number: int, written_at: datetime, login: str, payload: Mapping[str, Any], linked: bool) -> Record:
    return Record(
        number=number,
        at=payload["at"],
        written_at=written_at,
        login=login,
        act=payload["act"],
        subject=payload["subject"],
        actor=payload["actor"],
        facts=payload["facts"],
        linked=linked,
    )
