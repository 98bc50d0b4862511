"""All that is known of one instruction, for the room above: the answer, the proofs, and what contradicts itself."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.channels import evidence, service, store
from anhuan.channels.evidence import Seen
from anhuan.channels.evidence_rules import Arrival
from anhuan.channels.model import Answer, State, UnknownInstruction
from anhuan.channels.tables import InstructionRow

NOTHING = Seen(Arrival.NOTHING, None, ())


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an instruction stands at this moment, inside the transaction that asks."""

    known: Answer
    sent_at: datetime | None
    seen: Seen
    contradicted: tuple[str, ...]


def of(db: Session, party: UUID, key: UUID) -> Standing:
    """What is known of a party's instruction without asking anybody; refuses one that is nobody's."""
    row = db.get(InstructionRow, (party, key))
    if row is None:
        raise UnknownInstruction("没有这笔付款指令。", field="key")
    if row.state == State.CREATED and row.sends <= 1 and row.asks == 0 and row.stopped_at is None:
        return Standing(service.known_of(db, row), row.sent_at, NOTHING, ())  # nobody has said a word about it yet
    kinds = tuple(one.kind for one in store.contradictions(db, party, [key]))
    return Standing(service.known_of(db, row), row.sent_at, evidence.of(db, party, key), kinds)
