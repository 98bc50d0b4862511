"""Who may do what: one table, the only place that decides it.

Every route and every command names one right of this table; a house test walks them all. A mark in a column gives the
right to the role. Rows of others are beyond every right but those of the desk, and there each look is written down.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from anhuan.kit.actors import PUBLIC


class Role(StrEnum):
    """A person holds roles by himself (holder), in an organisation (owner, maker, checker), or at the desk."""

    HOLDER = "holder"  # 持卡人: own cards, bills, plans
    OWNER = "owner"  # of an organisation: members and everything a maker and a checker may, never both on one act
    MAKER = "maker"
    CHECKER = "checker"
    PARTNER = "partner"  # a program of a partner
    RISK = "risk"
    FINANCE = "finance"
    OPERATIONS = "operations"
    SUPPORT = "support"
    CONTENT = "content"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


DESK: Final = (
    Role.RISK, Role.FINANCE, Role.OPERATIONS, Role.SUPPORT, Role.CONTENT, Role.AUDITOR, Role.ADMINISTRATOR,
)  # fmt: skip
# What a frozen account keeps (反电信网络诈骗法 art. 32 restricts, it does not lock out): looking, taking consent back.
LOOKS_ONLY: Final = frozenset(
    {"me.use", "cards.read", "bills.read", "plan.read", "repay.read", "members.read", "consent.write"}
)
SIGNED_IN: Final = "me.use"  # what everybody with a session may: own profile, devices, language

TABLE: Final = """
right               holder owner maker checker partner risk finance operations support content auditor administrator
me.use                 x     x     x      x       .     x      x        x         x       x       x          x
me.data                x     x     .      .       .     x      x        x         x       x       x          x
cards.read             x     x     x      x       .     .      .        .         .       .       .          .
cards.write            x     x     x      .       .     .      .        .         .       .       .          .
bills.read             x     x     x      x       .     .      .        .         .       .       .          .
bills.import           x     x     x      .       .     .      .        .         .       .       .          .
plan.read              x     x     x      x       .     .      .        .         .       .       .          .
plan.write             x     x     x      .       .     .      .        .         .       .       .          .
repay.read             x     x     x      x       .     .      .        .         .       .       .          .
repay.manual           x     x     x      .       .     .      .        .         .       .       .          .
repay.write            x     x     .      .       .     .      .        .         .       .       .          .
limits.write           x     x     .      .       .     .      .        .         .       .       .          .
consent.write          x     x     .      .       .     .      .        .         .       .       .          .
members.read           .     x     x      x       .     .      .        .         .       .       .          .
members.write          .     x     .      .       .     .      .        .         .       .       .          .
change.propose         .     x     x      .       .     x      x        x         x       x       .          x
change.decide          .     x     .      x       .     x      x        x         .       .       .          x
partner.board          .     .     .      .       x     .      .        .         .       .       .          .
desk.home              .     .     .      .       .     x      x        x         x       x       x          x
desk.people            .     .     .      .       .     x      .        x         x       .       .          x
desk.person            .     .     .      .       .     x      .        .         x       .       .          .
desk.unmask            .     .     .      .       .     x      .        .         x       .       .          .
desk.sessions          .     .     .      .       .     x      .        x         x       .       .          x
desk.freeze            .     .     .      .       .     x      .        .         .       .       .          .
desk.roles             .     .     .      .       .     .      .        .         .       .       x          x
desk.roles_write       .     .     .      .       .     .      .        .         .       .       .          x
desk.clients           .     .     .      .       .     .      .        x         .       .       x          x
desk.clients_write     .     .     .      .       .     .      .        .         .       .       .          x
desk.changes           .     .     .      .       .     x      x        x         .       .       x          x
desk.documents         .     .     .      .       .     .      .        .         x       x       x          x
desk.documents_write   .     .     .      .       .     .      .        .         .       x       .          .
desk.audit             .     .     .      .       .     .      .        .         .       .       x          .
desk.ledger            .     .     .      .       .     x      x        .         .       .       x          .
desk.ledger_person     .     .     .      .       .     x      .        .         .       .       .          .
desk.partners          .     .     .      .       .     x      x        x         .       .       x          x
desk.partners_write    .     .     .      .       .     x      .        x         .       .       .          .
desk.channels          .     .     .      .       .     x      x        x         .       .       x          x
desk.contradictions    .     .     .      .       .     x      .        x         .       .       .          .
desk.orders            .     .     .      .       .     x      x        x         x       .       x          .
desk.stops             .     .     .      .       .     x      .        x         .       .       .          .
desk.health            .     .     .      .       .     x      x        x         x       .       x          x
"""


def _read(table: str) -> dict[str, frozenset[Role]]:
    head, *rows = [line.split() for line in table.strip().splitlines()]
    columns = [Role(name) for name in head[1:]]
    assert columns == list(Role), "the table has a column for each role, in order"
    assert all(len(row) == len(head) for row in rows), "every row marks every role"
    return {name: frozenset(role for role, mark in zip(columns, marks, strict=True) if mark == "x")
            for name, *marks in rows}  # fmt: skip


WHO_MAY: Final = _read(TABLE)


def rights_of(roles: Iterable[Role]) -> frozenset[str]:
    """Every right that these roles give together, and what is open to all."""
    held = frozenset(roles)
    return frozenset(right for right, allowed in WHO_MAY.items() if allowed & held) | {PUBLIC}


def looks_only(rights: frozenset[str]) -> frozenset[str]:
    """What is left of these rights while the account is frozen."""
    return rights & (LOOKS_ONLY | {PUBLIC})


def roles_with(right: str) -> frozenset[Role]:
    """Who may do it."""
    return WHO_MAY[right]
