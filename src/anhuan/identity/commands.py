"""Whom a command acts for: the person of this command line, behind the same wall as the pages.

Whoever runs a command holds the files of this installation, so nobody is asked for a password here; but a command sees
the rows of one person alone, has that person's rights and no more, and what it changes about people is written down.
"""

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.identity import store, store_commands
from anhuan.identity.model import PersonState, UnknownPerson
from anhuan.identity.rights import Role, rights_of
from anhuan.kit import audit, clock, db, ids, page, terminal, vault, wall
from anhuan.kit.actors import Actor, ActorKind
from anhuan.kit.errors import Broken, Refused

PERSON: Final = "ANHUAN_PERSON"
# What people keep for themselves leaves its own traces in the rooms; every other command is written into the audit log.
QUIET: Final = frozenset({
    "public", "me.use", "cards.read", "cards.write", "bills.read", "bills.import", "plan.read", "plan.write",
    "members.read",
})  # fmt: skip


class WhichPerson(Refused):
    """请指明是谁: several people use this installation; ANHUAN_PERSON must name the one this command acts for."""

    code = "identity.which_person"


class NoRule(Broken):
    """A command opened a transaction without a rule beside it (kit/terminal.may)."""

    code = "identity.no_rule"


@contextmanager
def transaction() -> Iterator[tuple[Session, UUID]]:
    """One transaction of the running command, and the id of the person whose rows it sees and may change."""
    right = terminal.right_asked()
    if right is None:
        raise NoRule("this command has no rule: write @may(...) beside it")
    with db.transaction() as session:
        who = enter(session)
        page.insist(who, right)
        assert who.party_id is not None
        yield session, who.party_id
        if right not in QUIET:
            facts = {"command_right": right, "system_user": system_user()}
            audit.write(session, who, "command.run", f"person:{who.person_id}", facts, now=clock.now())


def enter(session: Session) -> Actor:
    """Open the wall for the person of this command line, and say who that is and what they may do."""
    person_id = _named(os.environ.get(PERSON)) or _only(store_commands.inhabitants(session))
    wall.enter(session, party=person_id, person=person_id)
    known = store.person(session, person_id)
    if known is not None and known.state == PersonState.ERASED:
        raise UnknownPerson(f"no person {person_id} lives here", field=PERSON)
    if known is None and os.environ.get(PERSON):
        raise UnknownPerson(f"{PERSON}: no person has this id", field=PERSON)
    roles = frozenset(store.roles(session, person_id)) if known else frozenset({Role.HOLDER.value})
    return Actor(
        kind=ActorKind.COMMAND,
        person_id=person_id,
        party_id=person_id,
        roles=roles,
        rights=rights_of(Role(role) for role in roles) | {terminal.INSTALLER},
    )


def system_user() -> str:
    """The account of the machine that runs this, as a hash that only this installation can compare."""
    return vault.keyed_hash("audit.system_user", getpass.getuser()).hex()


def _named(given: str | None) -> UUID | None:
    try:
        return UUID(given) if given else None
    except ValueError:
        raise UnknownPerson(f"{PERSON} must be the id of a person, not {given!r}", field=PERSON) from None


def _only(here: store_commands.Inhabitants) -> UUID:
    """The only person; before anybody signed up, and in a demonstration, the first one."""
    if here.mode == "demonstration" or here.people == 0:
        return ids.LOCAL_USER
    if here.only_one is None:
        raise WhichPerson(f"several people use this installation: set {PERSON} to the id of one", field=PERSON)
    return here.only_one
