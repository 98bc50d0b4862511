"""Taking in what a bank answered to a file: an act in the caller's transaction, for one party.

Each word is kept beside its instruction before it counts, and counts through the same table of states as any other
answer. The same file brought twice changes nothing the second time.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.channels import answers_reading, delivery, export_acts, instructions, store, store_export
from anhuan.channels.answers_model import AnswerFile, Sent, Told, Unmatched
from anhuan.channels.export_acts import AT_MOST
from anhuan.channels.file_export import NAME
from anhuan.channels.file_model import reference_of
from anhuan.channels.model import Answer, Event, Settled, UnknownInstruction

_MARK: Final = b"file "


@dataclass(frozen=True, slots=True)
class Taken:
    """What a file of answers brought: how many words were new, what is known now, and what was laid to nothing."""

    file: AnswerFile
    new: int
    known: dict[UUID, Answer]
    unmatched: tuple[Unmatched, ...]


def take_answers(db: Session, party: UUID, content: bytes, *, now: datetime, channel: str = NAME) -> Taken:
    """Record what a pain.002 or camt file says of the party's exported payments; raises FileDamaged."""
    asked = {reference_of(one.key): one for one in sent(db, party, channel=channel)}
    file = answers_reading.read(content, asked)
    heard = {(row.key, message.content) for row, message in store_export.filed(db, party, channel, at_most=AT_MOST)}
    known: dict[UUID, Answer] = {}
    new = 0
    for told in file.told:
        kept = _MARK + file.kind.encode() + b" " + told.raw
        if (told.key, kept) in heard:
            known[told.key] = _known(db, party, told.key)
            continue
        known[told.key] = delivery.tell(
            db, party, told.key, _answer(db, party, told), content=kept, verb="file", now=now
        )
        new += 1
    return Taken(file, new, known, file.unmatched)


def sent(db: Session, party: UUID, *, channel: str = NAME) -> list[Sent]:
    """Every payment of the party that left in a file, with the file it left in."""
    amounts = {row.key: row.amount_minor for row, _ in store_export.filed(db, party, channel, at_most=AT_MOST)}
    return [
        Sent(key, amounts[key], left.message_id)
        for left in export_acts.exports(db, party, channel=channel)
        for key in left.keys
    ]


def _known(db: Session, party: UUID, key: UUID) -> Answer:
    row = store.instruction(db, party, key)
    if row is None:
        raise UnknownInstruction("没有这笔付款指令。", field="key")
    return instructions.known_of(db, row)


def _answer(db: Session, party: UUID, told: Told) -> Answer:
    """What was told as an answer; money that came back was paid before, even if nobody had told us."""
    if not isinstance(told.said, Event):
        return told.said
    known = _known(db, party, told.key)
    paid = known if isinstance(known, Settled) else None
    if paid is None:
        amount = instructions.find(db, party, told.key).amount
        paid = Settled("", told.said.at, amount)
    return replace(paid, event=told.said)
