"""Proof that money reached the card, and people's words about payments by hand: added to, doubted, never deleted.

`give` and the words are written by whoever has the party's rows open; `weigh` draws the conclusion, as the worker.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.channels import above, evidence_rules, instructions, rules, service, store
from anhuan.channels.evidence_rules import BANK_DATA, PROOFS, Arrival, Kind, Piece
from anhuan.channels.model import (
    NOT_PAID,
    Answer,
    NoEvidence,
    NotByHand,
    Rejected,
    Settled,
    State,
    UnknownInstruction,
)
from anhuan.channels.tables import EvidenceRow, InstructionRow
from anhuan.kit import audit, clock, ids, jobs, vault
from anhuan.kit.actors import Actor

WEIGH: Final = "channels.weigh"
OTHER_ARRIVED: Final = "other_amount_arrived"  # the card was credited with another amount than was sent


@dataclass(frozen=True, slots=True)
class Proof:
    """What is given as proof: where it stands, the day and amount it shows, and for a receipt its hash."""

    kind: Kind
    source: str  # which line of which statement or file; "hand" for a word
    posted_on: date | None = None
    posted_at: datetime | None = None
    amount: int | None = None  # fen that reached the card, where the proof shows them
    receipt_sha256: str | None = None
    note: str = ""


Given = EvidenceRow  # one piece of evidence, as other rooms read it


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known about the arrival of one payment, with everything it rests on."""

    arrival: Arrival
    on: date | None
    rows: tuple[EvidenceRow, ...]


def give(
    db: Session, who: Actor, user_id: UUID, key: UUID, proof: Proof, *, now: datetime, confirmed_by: UUID | None = None
) -> UUID:
    """Add one proof or word about an instruction and return its number; the same source twice is once.

    A receipt or notice needs the name of whoever checked it; anything that proves needs the day it shows.
    """
    row = _held(db, user_id, key)
    _check(proof, confirmed_by)
    source_key = vault.keyed_hash("channels.source", f"{proof.kind} {proof.source}", party=user_id)
    if earlier := store.evidence_for(db, user_id, key, proof.kind, source_key):
        return earlier.id
    return _add(db, who, row, proof, source_key, confirmed_by=confirmed_by, about=None, now=now)


def mark_paid(
    db: Session, who: Actor, user_id: UUID, key: UUID, *, now: datetime, note: str = "", receipt: str | None = None
) -> UUID:
    """The user says that a payment by hand was made: a word, not a proof; the next statement proves it."""
    return _word(db, who, user_id, key, Kind.MARKED, note, receipt, now)


def mark_unpaid(db: Session, who: Actor, user_id: UUID, key: UUID, *, now: datetime, note: str = "") -> UUID:
    """The user says that nothing was paid; it ends the instruction, unless something proves the contrary."""
    return _word(db, who, user_id, key, Kind.UNPAID, note, None, now)


def doubt(
    db: Session, who: Actor, user_id: UUID, key: UUID, about: UUID, *, reason: str, now: datetime
) -> UUID:  # fmt: skip
    """Say that a proof holds no more (存疑): what it proved is in doubt until another proof is given."""
    row = _held(db, user_id, key)
    if not any(one.id == about and one.kind in PROOFS for one in store.evidence(db, user_id, key)):
        raise NoEvidence("没有这份凭证，或它不是到账凭证。", field="about")
    if not reason.strip():
        raise NoEvidence("请写明疑问的理由。", field="reason")
    proof = Proof(Kind.DOUBT, str(about), note=reason.strip())
    source_key = vault.keyed_hash("channels.source", f"doubt {about}", party=user_id)
    if earlier := store.evidence_for(db, user_id, key, Kind.DOUBT, source_key):
        return earlier.id
    return _add(db, who, row, proof, source_key, confirmed_by=None, about=about, now=now)


def weigh(db: Session, user_id: UUID, key: UUID, *, now: datetime) -> Answer:
    """Draw the conclusion from the evidence: proof settles what had no final answer, and contradicts a final no."""
    answer = _weighed(db, user_id, key, now=now)
    above.tell(db, user_id, key, now)
    return answer


def _weighed(db: Session, user_id: UUID, key: UUID, *, now: datetime) -> Answer:
    row = _held(db, user_id, key, lock=True)
    rows = store.evidence(db, user_id, key)
    found = evidence_rules.standing(_pieces(rows))
    state = State(row.state)
    if found is Arrival.ARRIVED:
        proved = [one for one in rows if one.kind in PROOFS]
        explained = (None, row.amount_minor, row.amount_minor - (row.fee_kept_minor or 0))
        if any(one.amount_minor not in explained for one in proved):
            service.contradict(db, row, OTHER_ARRIVED, "the card was credited with another amount", now=now)
        if row.sent_at is not None and not rules.is_final(state):
            return service.note(db, user_id, key, _settled(row, proved), now=now, asked=False)
        if state is State.FAILED:
            service.contradict(db, row, rules.PAID_AFTER_NO, "evidence of arrival", now=now)
    if found is Arrival.UNPAID and not rules.is_final(state) and not instructions.record_of(row).asks:
        return service.note(db, user_id, key, Rejected(NOT_PAID), now=now, asked=False)
    if found is not Arrival.ARRIVED and (word := store.verdict(db, user_id, key)) is not None:
        service.conclude(db, row, paid=word == "paid", now=now)
    return instructions.known_of(db, row)


def of(db: Session, user_id: UUID, key: UUID) -> Seen:
    """What is known about the arrival of one payment."""
    return seen(store.evidence(db, user_id, key))


def seen(rows: Sequence[EvidenceRow]) -> Seen:
    """What these proofs, words and doubts about one payment say together."""
    pieces = _pieces(rows)
    return Seen(evidence_rules.standing(pieces), evidence_rules.arrived_on(pieces), tuple(rows))


def of_many(db: Session, user_id: UUID, keys: Sequence[UUID]) -> Mapping[UUID, Sequence[EvidenceRow]]:
    """Every proof, word and doubt about several payments, by instruction, first to last."""
    return {key: rows for (_, key), rows in store.evidence_of(db, [(user_id, key) for key in keys]).items()}


def said_paid(db: Session, keys: Sequence[tuple[UUID, UUID]]) -> Mapping[tuple[UUID, UUID], datetime]:
    """When the payer last said that a payment by hand was made, by (party, key), where that word is all there is."""
    return {
        key: max(row.given_at for row in rows if row.kind == Kind.MARKED)
        for key, rows in store.evidence_of(db, keys).items()
        if seen(rows).arrival is Arrival.MARKED
    }


def standing_proofs(rows: Sequence[EvidenceRow]) -> list[EvidenceRow]:
    """The proofs among these that no doubt names."""
    doubted = {row.about_id for row in rows if row.kind == Kind.DOUBT}
    return [row for row in rows if row.kind in PROOFS and row.id not in doubted]


def hold(db: Session, user_id: UUID, keys: Sequence[UUID]) -> None:
    """Hold several instructions in their order, for whoever will weigh all of them in one transaction."""
    for key in sorted(keys):
        _held(db, user_id, key, lock=True)


def _word(
    db: Session, who: Actor, user_id: UUID, key: UUID, kind: Kind, note: str, receipt: str | None, now: datetime
) -> UUID:
    row = _held(db, user_id, key)
    if instructions.record_of(row).asks:
        raise NotByHand("这笔付款由渠道办理，不能手工标记。", field="key")
    if receipt is not None and not _is_hash(receipt):
        raise NoEvidence("回单的摘要要是 64 位十六进制。", field="receipt")
    number = ids.new_id()
    proof = Proof(kind, str(number), note=note.strip()[:500], receipt_sha256=receipt)
    source_key = vault.keyed_hash("channels.source", f"{kind} {number}", party=user_id)
    return _add(db, who, row, proof, source_key, confirmed_by=None, about=None, now=now)


def _check(proof: Proof, confirmed_by: UUID | None) -> None:
    if proof.kind not in PROOFS:
        raise NoEvidence("这不是到账凭证。", field="kind")
    if proof.posted_on is None:
        raise NoEvidence("凭证要有入账日。", field="posted_on")
    if proof.kind not in BANK_DATA and confirmed_by is None:
        raise NoEvidence("凭证要写明由谁核对。", field="confirmed_by")
    if proof.kind is Kind.RECEIPT and not _is_hash(proof.receipt_sha256 or ""):
        raise NoEvidence("回单要有文件的 SHA-256 摘要。", field="receipt")
    if not proof.source.strip():
        raise NoEvidence("凭证要写明出处。", field="source")


def _add(
    db: Session, who: Actor, row: InstructionRow, proof: Proof, source_key: bytes, *, confirmed_by: UUID | None,
    about: UUID | None, now: datetime,
) -> UUID:  # fmt: skip
    number = ids.new_id()
    db.add(
        EvidenceRow(
            user_id=row.user_id, id=number, key=row.key, kind=proof.kind, posted_on=proof.posted_on,
            posted_at=proof.posted_at, amount_minor=proof.amount, source=proof.source, source_key=source_key,
            receipt_sha256=proof.receipt_sha256, note=proof.note, about_id=about, given_by=who.person_id,
            confirmed_by=confirmed_by, given_at=now,
        )
    )  # fmt: skip
    db.flush()
    act = "evidence.doubted" if proof.kind is Kind.DOUBT else "evidence.given"
    facts = {"kind": proof.kind.value, "evidence": number, "person_id": row.user_id}
    audit.write(db, who, act, f"instruction:{row.key}", facts, now=now)
    jobs.defer(db, WEIGH, lock=f"channel {row.key}", party=row.user_id, key=row.key)
    return number


def _settled(row: InstructionRow, proved: Sequence[EvidenceRow]) -> Settled:
    first = min(proved, key=lambda one: (one.posted_on or date.max, one.given_at))
    assert first.posted_on is not None, "a proof has its day"
    # Where only the day is known it counts to its end, but never beyond what we know: now.
    end = datetime.combine(first.posted_on + timedelta(days=1), time(0), clock.CHINA).astimezone(UTC)
    return Settled(first.source, first.posted_at or min(end, first.given_at), row.amount_minor)


def _held(db: Session, user_id: UUID, key: UUID, *, lock: bool = False) -> InstructionRow:
    row = store.instruction(db, user_id, key, lock=lock)
    if row is None:
        raise UnknownInstruction("没有这笔付款指令。", field="key")
    return row


def _pieces(rows: Sequence[EvidenceRow]) -> list[Piece]:
    return [Piece(row.id, Kind(row.kind), row.posted_on, row.about_id) for row in rows]


def _is_hash(text: str) -> bool:
    return len(text) == 64 and set(text) <= set("0123456789abcdef")
