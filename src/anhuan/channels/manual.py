"""By hand (手工还款): we prepare amount, day and steps, the user pays in the bank's own app, evidence tells the rest.

Nothing is sent to anybody, so nobody's licence is needed and nobody can be asked. "Paid" is the user's word; the card's
next statement, a bank's notice or a checked receipt proves it (`evidence`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from anhuan.channels import capabilities
from anhuan.channels.model import (
    Answer,
    Capabilities,
    DayFile,
    FileNotReady,
    Forged,
    Health,
    HealthState,
    Hint,
    Instruction,
    Unknown,
    Why,
    Witness,
)


@dataclass(frozen=True, slots=True)
class Steps:
    """What to do by hand, in both languages: where, how much, until when."""

    channel_zh: str
    channel_en: str
    way_zh: str
    way_en: str
    amount: int  # fen
    card_ref: str
    pay_by: datetime


def steps(instruction: Instruction, *, on: date) -> Steps:
    """The steps of one payment by hand: the channel's own way, with the bank of the card in it."""
    way = capabilities.way(instruction.channel, on=on)
    zh, en = capabilities.banks(on=on).get(instruction.bank, (instruction.bank, instruction.bank))
    return Steps(
        way.zh, way.en, way.by_hand_zh.replace("{bank}", zh), way.by_hand_en.replace("{bank}", en),
        instruction.amount, instruction.card_ref, instruction.expires_at,
    )  # fmt: skip


class ByHand:
    """The connector of everything that a person does; it opens no connection."""

    name = "manual"

    def capabilities(self, on: date) -> Sequence[Capabilities]:
        """The records of all channels that are walked by hand, for every bank that is known."""
        ways = [one for one in capabilities.ids(on=on) if capabilities.way(one, on=on).connector == self.name]
        found = (capabilities.find(way, bank, on=on) for way in ways for bank in capabilities.banks(on=on))
        return [one for one in found if one is not None]

    def pay(self, instruction: Instruction) -> Answer:
        """Nothing goes out: the steps are on the page, and the payment is on its way as soon as the user walks them."""
        return Unknown(Why.PROCESSING)

    def ask(self, key: UUID) -> Answer:
        """Nobody can be asked; only evidence tells."""
        return Unknown(Why.PROCESSING)

    def read_callback(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Hint:
        """No bank calls back about what a person did."""
        raise Forged("手工渠道没有回调。")

    def statement(self, day: date) -> Sequence[DayFile]:
        """There are no files; the card's statement comes in by room statements."""
        raise FileNotReady("手工渠道没有对账文件，请导入账单。", field="day")

    def health(self, *, now: datetime) -> Health:
        """Always open: it is a person."""
        return Health(HealthState.ANSWERED, now, 0)


def make(witness: Witness) -> ByHand:
    """The connector; it has no settings."""
    return ByHand()
