"""What proves that money reached the card (channels.md, section 5): bank data, or a receipt with a name to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final
from uuid import UUID


class Kind(StrEnum):
    """Where a proof comes from; words and doubts prove nothing."""

    MARKED = "marked"  # 标记已付: the user's own word
    UNPAID = "unpaid"  # 标记未付: the user's own word that nothing was paid
    STATEMENT = "statement"  # 账单: the posting on the card's own statement
    BANK_FILE = "bank_file"  # 银行文件: an entry of a camt or bank file
    BANK_NOTICE = "bank_notice"  # 银行通知, checked by somebody
    RECEIPT = "receipt"  # 回单, checked by somebody
    DOUBT = "doubt"  # 存疑: the proof it names holds no more


BANK_DATA: Final = frozenset({Kind.STATEMENT, Kind.BANK_FILE})
PROOFS: Final = BANK_DATA | {Kind.BANK_NOTICE, Kind.RECEIPT}


class Arrival(StrEnum):
    """What is known about the arrival of a payment."""

    NOTHING = "nothing"  # 未知
    MARKED = "marked"  # 本人说已付
    UNPAID = "unpaid"  # 本人说未付
    ARRIVED = "arrived"  # 已到账
    IN_DOUBT = "in_doubt"  # 存疑: it was proved, and the proof was withdrawn


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of evidence, in the order in which it was given."""

    id: UUID
    kind: Kind
    posted_on: date | None = None
    about: UUID | None = None


def standing(pieces: Sequence[Piece]) -> Arrival:
    """What these pieces tell together: a proof holds until a doubt names it, and a later proof clears the doubt."""
    doubted = {piece.about for piece in pieces if piece.kind is Kind.DOUBT}
    proofs = [piece for piece in pieces if piece.kind in PROOFS]
    if any(piece.id not in doubted for piece in proofs):
        return Arrival.ARRIVED
    if proofs:
        return Arrival.IN_DOUBT
    spoken = [piece.kind for piece in pieces if piece.kind in (Kind.MARKED, Kind.UNPAID)]
    if not spoken:
        return Arrival.NOTHING
    return Arrival.MARKED if spoken[-1] is Kind.MARKED else Arrival.UNPAID


def arrived_on(pieces: Sequence[Piece]) -> date | None:
    """The first day on which a proof that holds shows the money on the card."""
    doubted = {piece.about for piece in pieces if piece.kind is Kind.DOUBT}
    days = [piece.posted_on for piece in pieces if piece.kind in PROOFS and piece.id not in doubted and piece.posted_on]
    return min(days, default=None)
