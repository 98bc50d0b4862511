"""The bytes of an instruction, and an answer as kept beside them: one form each, written once."""

import json
from typing import Any, Protocol, runtime_checkable

from anhuan.channels.model import Answer, Ask, Instruction, Rejected, Settled, Unknown


@runtime_checkable
class Writes(Protocol):
    """A connector whose channel wants another form than ours; `write` is called once, when the instruction is made."""

    def write(self, instruction: Instruction, name: str) -> bytes:
        """The bytes that go out for this instruction; `name` is the card holder's."""


def body_of(instruction: Instruction, name: str) -> bytes:
    """The usual form: canonical JSON with the fields of the simulated bank's wire."""
    said: dict[str, Any] = {
        "key": str(instruction.key),
        "amount": instruction.amount,
        "currency": instruction.currency,
        "funding": instruction.funding_ref,
        "card": instruction.card_ref,
        "name": name,
        "expires_at": instruction.expires_at.isoformat(),
    }
    if instruction.service_fee:
        said["service_fee"] = instruction.service_fee
    return canonical(said)


def service_fee_of(body: bytes) -> int | None:
    """What the usual form says is collected for the house, fen; None for bytes of another form."""
    try:
        said = json.loads(body)
    except ValueError:
        return None
    return said.get("service_fee", 0) if isinstance(said, dict) and "amount" in said else None


def canonical(said: Any) -> bytes:
    """One value's one form as JSON: sorted, without blanks, UTF-8."""
    return json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def said(answer: Answer) -> bytes:
    """An answer as it is kept where a connector showed no bytes of its own."""
    match answer:
        case Settled():
            event = answer.event and [answer.event.kind, answer.event.at.isoformat(), answer.event.amount]
            told: list[Any] = ["settled", answer.reference, answer.taken_at.isoformat(), answer.amount, event]
        case Rejected():
            told = ["rejected", answer.final_code, answer.message]
        case Unknown():
            told = ["unknown", answer.why]
    return canonical(told)


def same(ask: Ask, instruction: Instruction) -> bool:
    """Whether an instruction that stands is what is asked for once more."""
    if service_fee_of(instruction.body) not in (None, ask.service_fee):
        return False
    return (ask.channel, ask.bank, ask.funding_ref, ask.card_ref, ask.amount, ask.currency) == (
        instruction.channel, instruction.bank, instruction.funding_ref, instruction.card_ref, instruction.amount,
        instruction.currency,
    )  # fmt: skip
