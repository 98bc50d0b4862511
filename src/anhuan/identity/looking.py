"""An operator looks at one person: with a reason, written down before anything is read, masked by role.

Each look is a row that the person can read: which role looked at what, when and why; not who. What identifies the
person stays masked; one field in clear is a look of its own and is shown to that one request.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.identity import changes, freezing, rules, signin, store, store_access
from anhuan.identity.model import UnknownPerson
from anhuan.identity.rights import Role, roles_with
from anhuan.identity.store_access import Place
from anhuan.identity.tables import PersonRow, SessionRow
from anhuan.identity.tables_access import LookRow
from anhuan.kit import audit, ids, page, wall
from anhuan.kit.actors import Actor
from anhuan.kit.errors import Refused

HIDDEN: Final = "●●●"
PAGE: Final = 50
_PERSONS: Final = frozenset({"desk.person", "desk.unmask"})  # rights to people's own pages; a firm has cases alone


class Field(StrEnum):
    """What of a person can be asked for in clear, one at a time."""

    NAME = "name"
    HANDLE = "handle"
    ADDRESSES = "addresses"
    DEVICES = "devices"
    TOLD = "told"


# What each role sees of a masked field: `part` of it, enough to know whether it is the right person, or nothing.
TABLE: Final = """
field      risk finance operations support content auditor administrator
name       part hide    part       part    hide    hide    part
handle     part hide    part       part    hide    hide    part
addresses  part hide    hide       hide    hide    hide    hide
devices    part hide    part       part    hide    hide    hide
told       part hide    hide       part    hide    hide    hide
"""


class NeedsReason(Refused):
    """请先写明原因: this person's page opens for a reason, for a while, to whoever gave it."""

    code = "look.needs_reason"


@dataclass(frozen=True, slots=True)
class SessionSeen:
    """One standing session as operators see it."""

    id: UUID
    person_id: UUID
    since: datetime
    seen_at: datetime
    strength: str
    device: str
    address: str
    acts_for_organisation: bool


@dataclass(frozen=True, slots=True)
class PersonSeen:
    """A person as operators see them in a list."""

    id: UUID
    name: str
    handle: str
    state: str
    since: datetime
    lang: str | None


@dataclass(frozen=True, slots=True)
class Seen:
    """A person as their page at the desk shows them, everything that identifies masked."""

    person: PersonSeen
    roles: tuple[str, ...]
    sessions: tuple[SessionSeen, ...]
    organisations: tuple[tuple[UUID, str], ...]
    frozen_since: datetime | None
    told: str
    looks: tuple[LookRow, ...]


def _read(table: str) -> dict[Field, dict[Role, str]]:
    head, *rows = [line.split() for line in table.strip().splitlines()]
    return {Field(field): dict(zip(map(Role, head[1:]), marks, strict=True)) for field, *marks in rows}


MASKS: Final = _read(TABLE)


def begin(db: Session, who: Actor, person_id: UUID, *, reason: str, now: datetime, right: str = "desk.person") -> UUID:
    """Write down that this operator looks at this person, and why; returns what opens the page for a while.

    `right` is what lets them: whoever works on one kind of case of a person needs no right to the whole of it.
    """
    page.insist(who, right)
    return _written(db, who, person_id, None, right, "person.read", reason, now=now)


def insist(db: Session, who: Actor, person_id: UUID, look_id: UUID | None, *, now: datetime) -> LookRow:
    """The look that opens this page now; refuses one that is missing, over, somebody else's or of another session."""
    row = store_access.look(db, person_id, look_id) if look_id else None
    if row is None or row.field is not None or now >= row.ends_at:
        raise NeedsReason("请先写明查看原因。")
    if (row.operator_id, row.session_id) != (who.person_id, who.session_id):
        raise NeedsReason("请先写明查看原因。")
    return row


def open_person(db: Session, who: Actor, person_id: UUID, look_id: UUID | None, *, now: datetime) -> LookRow:
    """Open this person's rows to the rest of an operator's transaction, for as long as the look that was written lasts.

    Raises `NeedsReason` where no look stands. What other rooms show of a person comes through here.
    """
    row = insist(db, who, person_id, look_id, now=now)
    wall.enter(db, party=person_id, person=who.person_id)
    return row


def unmask(db: Session, who: Actor, person_id: UUID, field: Field, *, reason: str, now: datetime) -> UUID:
    """Write down that this operator reads one field in clear, and why."""
    page.insist(who, "desk.unmask")
    return _written(db, who, person_id, field, "desk.unmask", "secret.read", reason, now=now)


def open_desk(db: Session, who: Actor) -> None:
    """Let a transaction of its own act for this operator: what it writes stays, whatever becomes of the request."""
    wall.enter(db, party=who.party_id, person=who.person_id)


def in_clear(db: Session, person_id: UUID, field: Field, look_id: UUID, *, now: datetime) -> tuple[str, ...]:
    """The field as it is, for the request whose look was written for exactly this."""
    row = store_access.look(db, person_id, look_id)
    if row is None or row.field != field or row.looked_at != now:
        raise NeedsReason("请先写明查看原因。")
    person = _person(db, person_id)
    match field:
        case Field.NAME:
            return (person.name or "",)
        case Field.HANDLE:
            return (person.handle or "",)
        case Field.ADDRESSES:
            standing = store_access.sessions_of(db, person_id, now=now)
            return tuple(dict.fromkeys(one.address for one in standing if one.address))
        case Field.DEVICES:
            standing = store_access.sessions_of(db, person_id, now=now)
            return tuple(dict.fromkeys(one.device for one in standing if one.device))
        case Field.TOLD:
            said = freezing.told(db, person_id)
            return (said.reason,) if said else ()


def seen(db: Session, who: Actor, person_id: UUID, *, now: datetime) -> Seen:
    """What the page of a person shows this operator."""
    person, told = _person(db, person_id), freezing.told(db, person_id)
    return Seen(
        person=person_seen(who, person),
        roles=tuple(store.roles(db, person_id)),
        sessions=tuple(session_seen(who, one) for one in store_access.sessions_of(db, person_id, now=now)),
        organisations=tuple((one.organisation.id, one.role) for one in store_access.memberships(db, person_id)),
        frozen_since=told.since if told else None,
        told=masked(who, Field.TOLD, told.reason if told else None),
        looks=tuple(store_access.looks(db, person_id, before=None, at_most=10)),
    )


def people(db: Session, who: Actor, *, before: Place | None) -> Sequence[PersonSeen]:
    """People as this operator may see them in a list, the newest first, a page at a time."""
    return [person_seen(who, one) for one in store_access.people(db, before=before, at_most=PAGE + 1)]


def find(db: Session, who: Actor, handle: str, *, now: datetime) -> PersonSeen | None:
    """The person with exactly this sign-in name; that somebody searched is written down, what for is not."""
    row = store_access.person_by_handle(db, signin.handle_hash(handle)) if handle.strip() else None
    subject = f"person:{row.id}" if row else "desk:search"
    audit.write(db, who, "person.searched", subject, {"found": row is not None}, now=now)
    return person_seen(who, row) if row else None


def person_seen(who: Actor, row: PersonRow) -> PersonSeen:
    """A person, masked for this operator."""
    return PersonSeen(
        row.id,
        masked(who, Field.NAME, row.name),
        masked(who, Field.HANDLE, row.handle),
        row.state,
        row.made_at,
        row.lang,
    )


def session_seen(who: Actor, row: SessionRow) -> SessionSeen:
    """A session, masked for this operator."""
    return SessionSeen(
        row.id, row.person_id, row.made_at, row.seen_at, row.strength, masked(who, Field.DEVICES, row.device),
        masked(who, Field.ADDRESSES, row.address), row.party_id != row.person_id,
    )  # fmt: skip


def masked(who: Actor, field: Field, value: str | None) -> str:
    """A value as this operator's roles may see it: the widest of what they allow."""
    if not value:
        return "—"
    allowed = {MASKS[field].get(Role(role), "hide") for role in who.roles}
    return PARTS[field](value) if "part" in allowed else HIDDEN


def part_of_name(name: str) -> str:
    """The first character: 林**; of a name in letters, the first of each word."""
    if name.isascii():
        return " ".join(f"{word[0]}**" for word in name.split())
    return f"{name[0]}**"


def part_of_handle(handle: str) -> str:
    """The ends of a telephone number (138****0001), or the first letter and the house of a mail address (l***@a.cn)."""
    local, at, house = handle.partition("@")
    if at:
        return f"{local[:1]}***@{house}"
    return f"{handle[:3]}****{handle[-4:]}" if len(handle) >= 11 else f"{handle[:1]}***"


def part_of_address(address: str) -> str:
    """The net without the machine: 203.0.113.*, 2001:db8:*."""
    if ":" in address:
        return ":".join(address.split(":")[:2]) + ":*"
    return ".".join(address.split(".")[:3]) + ".*"


PARTS: Final[dict[Field, Callable[[str], str]]] = {
    Field.NAME: part_of_name,
    Field.HANDLE: part_of_handle,
    Field.ADDRESSES: part_of_address,
    Field.DEVICES: lambda said: f"{said.split()[0]} …",
    Field.TOLD: lambda said: f"{said[:4]}…",
}


def of_person(db: Session, person_id: UUID, *, before: Place | None = None, at_most: int = PAGE) -> Sequence[LookRow]:
    """Who looked at a person, as that person reads it: role, field, reason and moment."""
    return store_access.looks(db, person_id, before=before, at_most=at_most)


def _written(
    db: Session, who: Actor, person_id: UUID, field: Field | None, right: str, act: str, reason: str, *, now: datetime
) -> UUID:  # fmt: skip
    why, role = changes.reason_of(reason, now=now), _role(who, right)
    assert who.session_id is not None
    minutes = rules.house("look_minutes", on=now.date())
    row = LookRow(
        person_id=person_id, id=ids.new_id(), operator_id=changes.person_of(who), session_id=who.session_id,
        as_role=role, field=field, reason=why, looked_at=now, ends_at=now + timedelta(minutes=minutes),
    )  # fmt: skip
    of_a_firm = right not in _PERSONS and store_access.is_organisation(db, person_id)
    if not of_a_firm and not store_access.is_known(db, person_id):
        raise UnknownPerson("没有这个人。")
    db.add(row)
    db.flush()
    facts = {"look": row.id, "as_role": role} | ({"field": field.value} if field else {})
    audit.write(db, who, act, f"person:{person_id}", facts, now=now)
    return row.id


def _role(who: Actor, right: str) -> str:
    """The role that gives an operator this right, as the person will read it."""
    return next(role.value for role in Role if role in who.roles and role in roles_with(right))


def _person(db: Session, person_id: UUID) -> PersonRow:
    row = store.person(db, person_id)
    if row is None:
        raise UnknownPerson("没有这个人。")
    return row
