"""Who acts: the person, program or command behind a request, as every room may know it."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from uuid import UUID


class ActorKind(StrEnum):
    """What stands behind an act."""

    NOBODY = "nobody"  # not signed in
    PERSON = "person"  # a person with a session; operators are persons with an operator's role
    CLIENT = "client"  # a partner's program with a key of its own
    COMMAND = "command"  # whoever holds the installation's machine, on its command line
    WORKER = "worker"  # the background worker, which finishes what somebody ordered


class Strength(StrEnum):
    """How somebody proved who they are, weakest first."""

    NONE = "none"
    DEMO = "demo"  # one tap, in a demonstration alone
    RECOVERY = "recovery"  # by recovery, in its cooling time: looks, but moves nothing
    PASSWORD = "password"  # with a one-time code; a password alone opens nothing
    PASSKEY = "passkey"


@dataclass(frozen=True, slots=True)
class Actor:
    """One actor in one request: whose rows are open to it (`party_id`) and what it may do (`rights`)."""

    kind: ActorKind
    person_id: UUID | None = None
    party_id: UUID | None = None  # the person, or the organisation the person acts for
    roles: frozenset[str] = field(default_factory=frozenset)
    rights: frozenset[str] = field(default_factory=frozenset)
    session_id: UUID | None = None
    client_id: UUID | None = None
    strength: Strength = Strength.NONE
    demo: bool = False
    frozen: bool = False  # the account is frozen: it looks, but nothing moves
    lang: str | None = None  # what the person asked for; None: not known
    news: bool = False  # something about the account waits to be read
    unread: bool = False  # the party has messages that nobody acknowledged

    def may(self, right: str) -> bool:
        """Whether the table of rights lets this actor do it."""
        return right in self.rights


PUBLIC: Final = "public"  # the right of everybody, signed in or not
NOBODY: Final = Actor(ActorKind.NOBODY, rights=frozenset({PUBLIC}))
