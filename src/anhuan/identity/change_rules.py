"""Which changes need more than one person: one table, and the decisions around it. Values in, values out."""

import hashlib
import itertools
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from anhuan.identity.rights import Role


class Kind(StrEnum):
    """What can be asked for; each has one line in the table."""

    ROLE_GRANT = "role.grant"
    ROLE_GRANT_GUARD = "role.grant_guard"  # risk and auditor watch the others, so risk has a word in who they are
    ROLE_REVOKE = "role.revoke"
    FREEZE = "person.freeze"
    UNFREEZE = "person.unfreeze"
    CLIENT_OPEN = "client.open"
    CLIENT_SCOPES = "client.scopes"
    CLIENT_KEY = "client.key"
    DOCUMENT = "document.publish"
    MEMBER = "organisation.member"
    DETAILS = "organisation.details"


class Status(StrEnum):
    """Where a change stands."""

    OPEN = "open"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"


NEXT: Final[Mapping[Status, frozenset[Status]]] = {
    Status.OPEN: frozenset({Status.APPROVED, Status.REFUSED, Status.WITHDRAWN, Status.LAPSED}),
}

# `+` joins words of different people, `|` roles of which one will do. The proposer signs nothing, nor does the person
# that the change is about. `lapses` names the dated number of hours, `does` what happens when all have signed.
TABLE: Final = """
kind                  proposes        signs                  lapses                     does
role.grant            administrator   administrator          change_hours_roles         grants.give
role.grant_guard      administrator   administrator+risk     change_hours_roles         grants.give
role.revoke           administrator   administrator          change_hours_roles         grants.take
person.freeze         risk            risk|operations        change_hours_freeze        freezing.freeze
person.unfreeze       risk            risk|operations        change_hours_freeze        freezing.unfreeze
client.open           administrator   administrator+risk     change_hours_clients       clients.open_client
client.scopes         administrator   administrator+risk     change_hours_clients       clients.change_scopes
client.key            administrator   administrator|operations change_hours_clients     clients.allow_key
document.publish      content         operations             change_hours_documents     document_changes.publish
organisation.member   owner|maker     owner|checker          change_hours_organisation  organisations.set_role
organisation.details  owner|maker     owner|checker          change_hours_organisation  organisations.set_details
"""


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table: who proposes, whose words it needs (one person each), when it lapses, what it does."""

    kind: Kind
    proposers: frozenset[Role]
    seats: tuple[frozenset[Role], ...]
    lapses: str
    does: str

    @property
    def of_an_organisation(self) -> bool:
        """Whether an organisation decides it by itself, without the desk."""
        return self.kind.startswith("organisation.")


def _read(table: str) -> dict[Kind, Rule]:
    rows = [line.split() for line in table.strip().splitlines()[1:]]
    return {
        Kind(kind): Rule(Kind(kind), _roles(who), tuple(map(_roles, signs.split("+"))), lapses, does)
        for kind, who, signs, lapses, does in rows
    }


def _roles(text: str) -> frozenset[Role]:
    return frozenset(map(Role, text.split("|")))


RULES: Final = _read(TABLE)


def shown_hash(
    change_id: UUID, kind: str, *, subject_id: UUID, organisation_id: UUID | None, asked: Mapping[str, Any], reason: str
) -> bytes:
    """What stands for everything a signer is shown: SHA-256 over its one form as JSON."""
    said = {
        "id": str(change_id),
        "kind": kind,
        "subject": str(subject_id),
        "organisation": str(organisation_id or ""),
        "asked": asked,
        "reason": reason,
    }
    line = json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(line.encode()).digest()


def status_at(status: str, *, ends_at: datetime, now: datetime) -> Status:
    """Where a change stands at a moment: an open one that nobody decided in time has lapsed, noted or not."""
    stands = Status(status)
    return Status.LAPSED if stands is Status.OPEN and now >= ends_at else stands


def may_become(status: Status, wanted: Status) -> bool:
    """Whether a change may go from one status to another."""
    return wanted in NEXT.get(status, frozenset())


def seat_for(rule: Rule, signed: Sequence[str], roles: Collection[str]) -> Role | None:
    """As which role somebody can sign beside those who have: the one that brings the change nearer, or None."""
    for role in sorted(set(roles) & set().union(*rule.seats)):
        if filled(rule, [*signed, role]) > filled(rule, signed):
            return Role(role)
    return None


def is_complete(rule: Rule, signed: Iterable[str]) -> bool:
    """Whether every seat has a person of its own."""
    return filled(rule, list(signed)) == len(rule.seats)


def filled(rule: Rule, signed: Sequence[str]) -> int:
    """How many seats these words fill at best, one each; there are never more than a few of either."""
    seats = rule.seats
    words = list(signed)[: len(seats) + 2]
    best = 0
    for chosen in itertools.permutations(range(len(words)), min(len(words), len(seats))):
        for placed in itertools.combinations(range(len(seats)), len(chosen)):
            fit = sum(words[word] in seats[seat] for word, seat in zip(chosen, placed, strict=True))
            best = max(best, fit)
    return best
