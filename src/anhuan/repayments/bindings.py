"""Bindings (绑定): how a channel names the payer's own account or card, and how it was proved to be the payer's own."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.identity import stepup
from anhuan.identity.stepup import ActKind
from anhuan.kit import audit, ids
from anhuan.kit.actors import Actor
from anhuan.repayments import store
from anhuan.repayments.tables import BindingRow


class Kind(StrEnum):
    """What is bound."""

    SOURCE = "source"  # an own debit account
    CARD = "card"  # a billed account


class Proved(StrEnum):
    """How it was proved."""

    BY_HAND = "by_hand"  # the payer walks: nothing is handed to anybody
    HOLDER_CHECK = "holder_check"  # the channel said that the name is the holder's
    DEMONSTRATION = "demonstration"  # invented


@dataclass(frozen=True, slots=True)
class Binding:
    """One binding as others read it."""

    id: UUID
    kind: Kind
    subject_id: UUID
    channel: str
    ref: str
    name: str
    funding_kind: str
    doubtful: bool


Bound = Mapping[tuple[Kind, UUID, str], Binding]  # what is bound, at which channel


def act_of(party: UUID, kind: Kind, subject_id: UUID, channel: str, *, ref: str, name: str) -> stepup.Act:
    """What is confirmed: where money comes from or goes from now on, that of mandates and waiting orders too."""
    facts = {"party": str(party), "kind": kind.value, "subject": str(subject_id), "channel": channel, "ref": ref,
             "name": name}  # fmt: skip
    return stepup.Act(ActKind.BINDING, facts)


def confirm(
    db: Session, who: Actor, party: UUID, kind: Kind, subject_id: UUID, channel: str, *, ref: str, name: str,
    how: Proved, answer: stepup.Answer | None, now: datetime, funding_kind: str = "own_debit",
) -> Binding:  # fmt: skip
    """Bind after one more proof: an open session alone must not lead what is promised already to another card."""
    stepup.insist(db, who, act_of(party, kind, subject_id, channel, ref=ref, name=name), answer, now=now)
    return bind(db, who, party, kind, subject_id, channel, ref=ref, name=name, how=how, now=now,
                funding_kind=funding_kind)  # fmt: skip


def bind(
    db: Session, who: Actor, party: UUID, kind: Kind, subject_id: UUID, channel: str, *, ref: str, name: str,
    how: Proved, now: datetime, funding_kind: str = "own_debit",
) -> Binding:  # fmt: skip
    """Bind an own account or a card at a channel; one that stands gives way to it."""
    if (before := store.binding(db, party, kind, subject_id, channel)) is not None:
        before.state, before.removed_at = "removed", now
        db.flush()
    row = BindingRow(
        user_id=party, id=ids.new_id(), kind=kind, subject_id=subject_id, channel=channel, ref=ref, name=name,
        funding_kind=funding_kind if kind is Kind.SOURCE else None, proved_how=how, state="proved", proved_at=now,
    )  # fmt: skip
    db.add(row)
    db.flush()
    audit.write(db, who, "binding.made", f"binding:{row.id}", {"kind": kind.value, "channel": channel}, now=now)
    return _binding(row)


def find(db: Session, party: UUID, kind: Kind, subject_id: UUID, channel: str) -> Binding | None:
    """The binding that stands, or None."""
    row = store.binding(db, party, kind, subject_id, channel)
    return None if row is None else _binding(row)


def of(db: Session, party: UUID) -> tuple[Binding, ...]:
    """Every binding of a party that stands."""
    return tuple(_binding(row) for row in store.bindings(db, party))


def of_many(db: Session, parties: Collection[UUID]) -> Mapping[UUID, Bound]:
    """The same of several parties, by what is bound at which channel."""
    found: dict[UUID, dict[tuple[Kind, UUID, str], Binding]] = {party: {} for party in parties}
    for row in store.bindings_of(db, parties):
        one = _binding(row)
        found[row.user_id][one.kind, one.subject_id, one.channel] = one
    return found


def doubt(db: Session, who: Actor, party: UUID, kind: Kind, subject_id: UUID, channel: str, *, now: datetime) -> None:
    """A payment came back for a wrong card or name: the binding must be proved anew before it is used again."""
    row = store.binding(db, party, kind, subject_id, channel)
    if row is not None and row.state == "proved":
        row.state = "doubtful"
        db.flush()
        audit.write(db, who, "binding.doubted", f"binding:{row.id}", {"channel": channel}, now=now)


def remove(db: Session, who: Actor, party: UUID, binding_id: UUID, *, now: datetime) -> bool:
    """Unbind; what is on its way is followed to its end. Tells whether the party has such a binding."""
    row = db.get(BindingRow, (party, binding_id))
    if row is not None and row.removed_at is None:
        row.state, row.removed_at = "removed", now
        db.flush()
        audit.write(db, who, "binding.removed", f"binding:{row.id}", {"channel": row.channel}, now=now)
    return row is not None


def _binding(row: BindingRow) -> Binding:
    return Binding(
        row.id, Kind(row.kind), row.subject_id, row.channel, row.ref, row.name, row.funding_kind or "",
        row.state == "doubtful",
    )  # fmt: skip
