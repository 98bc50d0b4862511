"""Exporting a batch, and exporting the same one again: acts in the caller's transaction, for one party.

An instruction is in the transaction of its file or in none: what the file says of it is kept beside it, and from then
on no later file takes it. Asked for again, a file is the bytes that left, whatever changed since in layouts or banks.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.channels import export_csv, export_pain, instructions, kept_messages, service, store_export, wire
from anhuan.channels.export_words import BadExport, BankCodes, Batch, Exported, NotExportable, batches, item_of
from anhuan.channels.file_export import NAME
from anhuan.channels.model import Rejected, Unknown, Why
from anhuan.channels.service import Step
from anhuan.channels.tables import InstructionRow, MessageRow
from anhuan.kit import clock, terms

AT_MOST: Final = 10_000
NOT_PAID: Final = "not_paid"  # the channel's final code for what never left


@dataclass(frozen=True, slots=True)
class Left:
    """One file that left, as it was kept beside its instructions: the facts beside each, the bytes beside the first."""

    message_id: str
    made_at: datetime
    day: date
    form: str
    name: str
    kind: str
    sha256: str
    keys: tuple[UUID, ...]
    amount: int  # fen
    content: bytes = field(repr=False)


def export_batch(
    db: Session, party: UUID, *, form: str = export_pain.USUAL, initiator: str, now: datetime, day: date | None = None,
    own_bank: str = "", channel: str = NAME,
) -> tuple[Exported, ...]:  # fmt: skip
    """Put every instruction that waits into files of one form, one for each account that pays; empty if none waits.

    `form` is a version of pain.001 or the bank of a CSV layout, `own_bank` the bank that pays, by our id. Raises
    NotExportable, and then nothing has left.
    """
    rows = [row for row in store_export.waiting(db, party, channel, at_most=AT_MOST) if _may_leave(db, row, now)]
    on = day or now.astimezone(clock.CHINA).date()
    made = []
    for batch in _batches(rows, channel=channel, made_at=now, day=on, initiator=initiator, own_bank=own_bank):
        exported = _write(batch, form)
        _keep(db, party, exported, batch, form=form, now=now)
        made.append(exported)
    return tuple(made)


def export_again(db: Session, party: UUID, message_id: str, *, channel: str = NAME) -> Exported:
    """The file that left, byte for byte as it was kept; raises NotExportable for an unknown one."""
    for left in exports(db, party, channel=channel):
        if left.message_id == message_id:
            if hashlib.sha256(left.content).hexdigest() != left.sha256:
                raise BadExport("留存的导出文件与导出时的摘要不符，没有给出", message_id=message_id)
            return Exported(left.name, left.kind, left.content, message_id, len(left.keys), left.amount, left.keys)
    raise NotExportable("没有导出过这个批次", field="message_id")


def exports(db: Session, party: UUID, *, channel: str = NAME) -> list[Left]:
    """The files that left, newest first."""
    by_id: dict[str, list[tuple[InstructionRow, Mapping[str, Any]]]] = {}
    for row, message in store_export.filed(db, party, channel, at_most=AT_MOST):
        if said := _kept(message):
            by_id.setdefault(said["batch"], []).append((row, said))
    return [_left(message_id, held) for message_id, held in by_id.items()]


def _may_leave(db: Session, row: InstructionRow, now: datetime) -> bool:
    """Whether an instruction may still leave: licence, window and breaker as for any other; one too late ends here."""
    if row.sent_at is not None:
        if now < row.expires_at:
            return True
        service.note(db, row.user_id, row.key, Rejected(NOT_PAID, "过期，没有导出"), now=now, asked=False)
        return False
    return service.take_up(db, row.user_id, row.key, now=now).step is Step.SEND


def _batches(
    rows: Iterable[InstructionRow], *, channel: str, made_at: datetime, day: date, initiator: str, own_bank: str
) -> tuple[Batch, ...]:
    known = {bank.id: (export_csv.bank_codes().get(bank.id, ""), bank.zh) for bank in terms.banks().values()}
    codes = BankCodes(known.get(own_bank, ("", "")), known)
    items = [item_of(instructions.as_instruction(row), codes) for row in rows]
    return batches(items, channel=channel, made_at=made_at, day=day, initiator=initiator)


def _write(batch: Batch, form: str) -> Exported:
    if form.startswith("pain."):
        return export_pain.export(batch, version=form)
    return export_csv.export(batch, export_csv.layout_of(form, on=batch.day))


def _keep(db: Session, party: UUID, exported: Exported, batch: Batch, *, form: str, now: datetime) -> None:
    """What left, beside each of its instructions, before the instruction moves on."""
    said = {
        "batch": exported.message_id, "made_at": batch.made_at.isoformat(), "day": batch.day.isoformat(), "form": form,
        "name": exported.name, "kind": exported.kind, "sha256": exported.sha256, "count": exported.count,
        "sum": exported.control_sum,
    }  # fmt: skip
    whole = {"bytes": base64.b64encode(exported.content).decode()}
    for place, key in enumerate(exported.keys):
        content = wire.canonical(said if place else said | whole)
        kept_messages.keep(db, party, key, channel=batch.channel, verb="file", status=0, content=content, now=now)
        service.note(db, party, key, Unknown(Why.PROCESSING), now=now, asked=False)


def _kept(message: MessageRow) -> Mapping[str, Any] | None:
    """What was kept of an export; None for a message that is the bank's."""
    if not message.content.startswith(b'{"batch":'):
        return None
    said: Mapping[str, Any] = json.loads(message.content)
    return said


def _left(message_id: str, held: Sequence[tuple[InstructionRow, Mapping[str, Any]]]) -> Left:
    said = held[0][1]
    content = next((one["bytes"] for _, one in held if "bytes" in one), "")
    if len(held) != said["count"] or sum(row.amount_minor for row, _ in held) != said["sum"]:
        raise BadExport("批次里的指令与导出时不符", message_id=message_id)
    return Left(
        message_id, datetime.fromisoformat(said["made_at"]), date.fromisoformat(said["day"]), said["form"],
        said["name"], said["kind"], said["sha256"], tuple(sorted(row.key for row, _ in held)), said["sum"],
        base64.b64decode(content),
    )  # fmt: skip
