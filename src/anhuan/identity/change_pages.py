"""A change as a page shows it: the lines a signer reads, in words, from exactly what was hashed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.identity import changes, store_access
from anhuan.identity.change_rules import Kind, Status
from anhuan.identity.changes import Standing
from anhuan.identity.store_access import Place
from anhuan.kit.actors import Actor

ROWS: Final = 50


@dataclass(frozen=True, slots=True)
class Word:
    """One person's word on a change: as which role, what, when; whose only where the reader may know."""

    role: str
    verdict: str
    at: datetime
    mine: bool


@dataclass(frozen=True, slots=True)
class ChangeShown:
    """A change, complete: nothing of what is signed is left out."""

    id: UUID
    kind: Kind
    subject_id: UUID
    asked: tuple[tuple[str, str], ...]
    reason: str
    status: Status
    proposed_at: datetime
    ends_at: datetime
    hours_left: int
    decided_at: datetime | None
    shown: str
    words: tuple[Word, ...]
    seats: tuple[tuple[str, ...], ...]
    own: bool
    about_me: bool
    can_sign: bool


def shown(db: Session, who: Actor, one: Standing, *, now: datetime) -> ChangeShown:
    """A change as this reader sees it."""
    row = one.row
    words = tuple(Word(sign.as_role, sign.verdict, sign.signed_at, sign.signed_by == who.person_id)
                  for sign in one.signatures)  # fmt: skip
    return ChangeShown(
        id=row.id, kind=one.rule.kind, subject_id=row.subject_id, asked=lines_of(row.asked), reason=row.reason,
        status=one.status, proposed_at=row.proposed_at, ends_at=row.ends_at,
        hours_left=max(0, int((row.ends_at - now).total_seconds() // 3600)), decided_at=row.decided_at,
        shown=row.shown_hash.hex(), words=words,
        seats=tuple(tuple(sorted(role.value for role in seat)) for seat in one.rule.seats), own=one.own,
        about_me=row.subject_id == who.person_id, can_sign=one.can_sign,
    )  # fmt: skip


def worklist(
    db: Session, who: Actor, *, organisation_id: UUID | None, closed: bool, place: Place | None, now: datetime
) -> Sequence[ChangeShown]:
    """Changes that wait, soonest first, or those that are over, newest first; one more than a page."""
    ask = store_access.changes_closed if closed else store_access.changes_open
    where: dict[str, Any] = {"before" if closed else "after": place}
    rows = ask(db, organisation_id=organisation_id, now=now, at_most=ROWS + 1, **where)
    return [shown(db, who, changes.standing(db, who, row, now=now), now=now) for row in rows]


def lines_of(asked: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """What is asked for, line by line, in the order of the words."""
    return tuple((name, _plain(value)) for name, value in sorted(asked.items()) if value not in ("", None))


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return {True: "是 yes", False: "否 no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
