"""Clearing a contradiction (核实矛盾): one person asks and says why, another confirms exactly what was shown.

A contradiction bars every further attempt at its part, so lifting it lets money go out again: two people do it. Every
word is kept, and nothing of the contradiction is changed but that, when and by whom it was cleared.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.channels import rules, store
from anhuan.channels.evidence import WEIGH
from anhuan.channels.tables import ClearingRow, ContradictionRow, InstructionRow
from anhuan.identity import changes
from anhuan.kit import audit, ids, jobs
from anhuan.kit.actors import Actor
from anhuan.kit.errors import Refused


class NoContradiction(Refused):
    """没有这条矛盾: there is no such contradiction, or somebody has cleared it."""

    code = "channels.no_contradiction"


class OwnClearing(Refused):
    """不能自己确认: whoever asked to clear a contradiction does not confirm it."""

    code = "channels.own_clearing"


class ClearingWaits(Refused):
    """等待第二人: somebody has asked to clear it already, and that has no answer yet."""

    code = "channels.clearing_waits"


class NoClearing(Refused):
    """没有待确认的核实: nobody has asked to clear it, or what was asked is decided."""

    code = "channels.no_clearing"


class VerdictNeeded(Refused):
    """请写明款项结果: nobody else can tell any more whether it was paid, so whoever asks says what was found out."""

    code = "channels.verdict_needed"


class Verdict(StrEnum):
    """What became of the money, as two people found out."""

    PAID = "paid"
    NOT_PAID = "not_paid"


# After these nobody asks the channel on, or what it says has no end: without a word the payment would never end.
NEEDS_VERDICT: Final = frozenset({"other_body", rules.NO_AFTER_PAID})


@dataclass(frozen=True, slots=True)
class Case:
    """A contradiction with the instruction it is about, everybody's words, and what waits for a second person."""

    row: ContradictionRow
    instruction: InstructionRow
    words: tuple[ClearingRow, ...]
    waiting: ClearingRow | None

    @property
    def needs_verdict(self) -> bool:
        """Whether clearing it must say what became of the money."""
        return self.row.kind in NEEDS_VERDICT


def find(db: Session, user_id: UUID, contradiction: UUID) -> Case:
    """One contradiction of a party as it stands, cleared or not."""
    return _case(db, user_id, store.contradiction(db, user_id, contradiction, lock=False))


def ask(
    db: Session, who: Actor, user_id: UUID, contradiction: UUID, *, reason: str, verdict: Verdict | None = None,
    now: datetime,
) -> UUID:  # fmt: skip
    """Ask to clear a contradiction after looking into it, and say why; it bars until somebody else has confirmed.

    Where no channel can tell any more, `verdict` says what became of the money, and ends the instruction.
    """
    case = _open(db, user_id, contradiction)
    if case.waiting is not None:
        raise ClearingWaits("已有人提出核实，先由另一人确认或驳回。")
    if case.needs_verdict and verdict is None:
        raise VerdictNeeded("请写明查到的结果：已付款，还是没有付款。", field="verdict")
    said = verdict if case.needs_verdict else None
    number, person, why = ids.new_id(), changes.person_of(who), changes.reason_of(reason, now=now)
    made = ClearingRow(
        user_id=user_id, id=number, contradiction_id=contradiction, kind="asked", asked_by=person, said_by=person,
        shown_hash=shown_hash(case, number, why, said), reason=why, verdict=said, said_at=now,
    )  # fmt: skip
    _say(db, who, case, made, "channel.clearing_asked")
    return number


def confirm(db: Session, who: Actor, user_id: UUID, contradiction: UUID, *, shown: str, now: datetime) -> None:
    """Confirm exactly what was shown, as the second person: the contradiction bars no more, the worker concludes."""
    case, asked = _asked(db, who, user_id, contradiction, shown, own=False)
    _say(db, who, case, _answer(who, asked, "confirmed", asked.reason, now), "channel.cleared")
    case.row.cleared_at, case.row.cleared_by, case.row.cleared_why = now, changes.person_of(who), asked.reason
    db.flush()
    jobs.defer(db, WEIGH, lock=f"channel {case.row.key}", party=user_id, key=case.row.key)


def refuse(
    db: Session, who: Actor, user_id: UUID, contradiction: UUID, *, shown: str, reason: str, now: datetime
) -> None:
    """Say no to what was asked, or take the own word back; the contradiction stays, and may be asked about again."""
    case, asked = _asked(db, who, user_id, contradiction, shown, own=True)
    why = changes.reason_of(reason, now=now)
    _say(db, who, case, _answer(who, asked, "refused", why, now), "channel.clearing_refused")


def shown_hash(case: Case, asked: UUID, reason: str, verdict: str | None = None) -> bytes:
    """What stands for everything that whoever confirms is shown: SHA-256 over its one form as JSON."""
    row, made = case.row, case.instruction
    said = {
        "asked": asked, "party": row.user_id, "contradiction": row.id, "key": row.key, "kind": row.kind,
        "state": row.state, "said": row.said, "seen_at": row.seen_at.timestamp(), "channel": made.channel,
        "amount": made.amount_minor, "reason": reason,
    }  # fmt: skip
    said |= {"verdict": verdict} if verdict else {}
    line = json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(line.encode()).digest()


def _open(db: Session, user_id: UUID, contradiction: UUID) -> Case:
    """The case, held for this transaction: a second hand waits here and then finds it decided."""
    row = store.contradiction(db, user_id, contradiction)
    if row is None or row.cleared_at is not None:
        raise NoContradiction("没有这条矛盾，或它已经核实。", field="contradiction")
    return _case(db, user_id, row)


def _case(db: Session, user_id: UUID, row: ContradictionRow | None) -> Case:
    made = None if row is None else store.instruction(db, user_id, row.key)
    if row is None or made is None:
        raise NoContradiction("没有这条矛盾，或它已经核实。", field="contradiction")
    words = tuple(store.clearings(db, user_id, row.id))
    return Case(row, made, words, _waiting(words))


def _waiting(words: Sequence[ClearingRow]) -> ClearingRow | None:
    answered = {one.answers for one in words}
    return next((one for one in words if one.kind == "asked" and one.id not in answered), None)


def _asked(
    db: Session, who: Actor, user_id: UUID, contradiction: UUID, shown: str, *, own: bool
) -> tuple[Case, ClearingRow]:
    """The case and what waits in it, shown as it was asked; `own`: whoever asked may answer too."""
    case = _open(db, user_id, contradiction)
    asked = case.waiting
    if asked is None:
        raise NoClearing("还没有人提出核实，或已有结论。")
    if changes.person_of(who) == asked.asked_by and not own:
        raise OwnClearing("提出核实的人不能自己确认。")
    told = shown_hash(case, asked.id, asked.reason, asked.verdict)
    if told != asked.shown_hash:
        raise changes.Altered(f"clearing {asked.id} is not what was asked")
    if shown != told.hex():
        raise changes.NotAsShown("页面上的内容与提出的不符，请刷新后重新核对。")
    return case, asked


def _answer(who: Actor, asked: ClearingRow, kind: str, reason: str, now: datetime) -> ClearingRow:
    return ClearingRow(
        user_id=asked.user_id, id=ids.new_id(), contradiction_id=asked.contradiction_id, kind=kind, answers=asked.id,
        asked_by=asked.asked_by, said_by=changes.person_of(who), shown_hash=asked.shown_hash, reason=reason,
        verdict=asked.verdict if kind == "confirmed" else None, said_at=now,
    )  # fmt: skip


def _say(db: Session, who: Actor, case: Case, word: ClearingRow, act: str) -> None:
    db.add(word)
    db.flush()
    facts: dict[str, Any] = {
        "contradiction": case.row.id, "kind": case.row.kind, "person_id": case.row.user_id, "shown": word.shown_hash,
    }  # fmt: skip
    audit.write(db, who, act, f"instruction:{case.row.key}", facts, now=word.said_at)
