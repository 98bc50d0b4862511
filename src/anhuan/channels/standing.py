"""All that is known of one instruction, for the room above: the answer, the proofs, and what contradicts itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.channels import evidence, instructions, store
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


def of_many(db: Session, keys: Sequence[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], Standing]:
    """What is known of instructions, each as (party, key), without asking anybody; refuses one that is nobody's."""
    rows = {key: db.get(InstructionRow, key) for key in keys}
    told = [key for key, row in rows.items() if row is not None and not _silent(row)]
    kinds, proofs, events = store.contradictions_of(db, told), store.evidence_of(db, told), store.events_of(db, told)
    found = {}
    for key, row in rows.items():
        if row is None:
            raise UnknownInstruction("没有这笔付款指令。", field="key")
        seen = evidence.seen(proofs[key]) if key in proofs else NOTHING
        contradicted = tuple(one.kind for one in kinds.get(key, ()))
        found[key] = Standing(instructions.known_by(row, events.get(key, ())), row.sent_at, seen, contradicted)
    return found


def _silent(row: InstructionRow) -> bool:
    """Whether nobody has said a word about it yet."""
    return row.state == State.CREATED and row.sends <= 1 and row.asks == 0 and row.stopped_at is None
