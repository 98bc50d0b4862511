"""The one function that opens a party's rows to anybody but the party: it asks the ledger, or names the duty of law.

Nobody else may enter the wall for a party that is not the session's own; tests/house/test_purposes.py finds who tries.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.identity import consent, store
from anhuan.identity.consent_words import DUTIES, PURPOSES, Duty, Purpose, Said, written
from anhuan.identity.model import PersonState
from anhuan.identity.rights import Role
from anhuan.kit import audit, wall
from anhuan.kit.actors import Actor, ActorKind
from anhuan.kit.errors import Refused
from anhuan.kit.page import NotAllowed

__all__ = ["DUTIES", "PURPOSES", "Duty", "Erased", "Purpose", "ground", "open_for"]

# Who may call on a duty of law. The worker finishes what the person asked for; nobody else reads on that ground.
BY_DUTY: Final = {
    Duty.OWN_REQUEST: frozenset[Role](),
    Duty.CONTRACT: frozenset({Role.SUPPORT, Role.RISK}),
    Duty.SECURITY: frozenset({Role.SUPPORT, Role.RISK}),
    Duty.AML: frozenset({Role.RISK}),
}


class Erased(Refused):
    """已删除或限制使用: what is left of this party is for the duty against money laundering alone."""

    code = "data.erased"


def open_for(
    db: Session, party: UUID, purpose: Purpose | Duty, *, actor: Actor, now: datetime, partner: str = "",
    person: UUID | None = None,
) -> None:  # fmt: skip
    """Open one party's rows to the rest of the transaction for one purpose, and write down that somebody reads them.

    A purpose needs the party's standing consent (`consent.missing`), a duty of law the role it is laid upon. After an
    erasure nothing but the duty against money laundering opens what is left, to the compliance role alone.
    """
    _may_call_on(actor, purpose)
    wall.enter(db, party=party, person=person or party)
    try:
        _not_erased(db, party, purpose)
        if isinstance(purpose, Purpose):
            consent.require(db, party, purpose, now, partner=partner)
    except Refused:
        wall.enter(db, party=None)
        raise
    if actor.kind is not ActorKind.WORKER:
        name = written(purpose, partner) if isinstance(purpose, Purpose) else purpose.value
        audit.write(db, actor, "person.read", f"person:{party}", {"purpose": name}, now=now)


def ground(purpose: Purpose | Duty) -> Said:
    """On what ground the data are read, in words."""
    return PURPOSES[purpose].name if isinstance(purpose, Purpose) else DUTIES[purpose]


def _may_call_on(actor: Actor, purpose: Purpose | Duty) -> None:
    if isinstance(purpose, Purpose) or (purpose is Duty.OWN_REQUEST and actor.kind is ActorKind.WORKER):
        return
    if not BY_DUTY[purpose] & {Role(role) for role in actor.roles}:
        raise NotAllowed("这个理由不属于您的岗位。", field="purpose")


def _not_erased(db: Session, party: UUID, purpose: Purpose | Duty) -> None:
    if purpose in (Duty.AML, Duty.OWN_REQUEST):
        return
    found = store.person(db, party)
    if found is not None and found.state == PersonState.ERASED:
        raise Erased("这个账户的数据已删除或限制使用。")
