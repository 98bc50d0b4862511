"""The words of a bank's answers to a file 回执: what is said of each payment, and what could not be laid to any."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from uuid import UUID

from anhuan.channels.model import Event, Rejected, Settled, Unknown

REJECTED: Final = "rejected_by_file"  # the final code of every no that a file brings; its own code is in the message

Said = Settled | Rejected | Unknown | Event


class Why(StrEnum):
    """Why a line of an answer was laid to no payment of ours."""

    NO_REFERENCE = "no_reference"  # it names no end-to-end id
    NOT_OURS = "not_ours"  # it names one that is not among the payments asked about
    OTHER_MESSAGE = "other_message"  # it speaks of a file in which this payment was not
    OTHER_COUNT = "other_count"  # it counts or sums that file otherwise than we do
    CONTRADICTS = "contradicts"  # the same file says yes and no of one payment
    UNKNOWN_STATUS = "unknown_status"  # a status that the standard does not have
    UNMARKED_CREDIT = "unmarked_credit"  # money that came, under our id, without a word that it came back


@dataclass(frozen=True, slots=True)
class Sent:
    """A payment of ours that went out in a file. Fen."""

    key: UUID
    amount: int
    message_id: str  # of the file; empty where nobody knows


@dataclass(frozen=True, slots=True)
class Told:
    """What the file says of one payment: `code` is its own word (ACSC, RJCT AC04, BOOK)."""

    key: UUID
    said: Said
    code: str
    where: str
    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A line that was laid to no payment: reported, never guessed at."""

    why: Why
    reference: str
    code: str
    where: str
    amount: int | None = None


@dataclass(frozen=True, slots=True)
class AnswerFile:
    """One answer file as read."""

    kind: str  # pain002, camt052, camt053, camt054
    message_id: str
    original_message_id: str
    sha256: str
    told: tuple[Told, ...]
    unmatched: tuple[Unmatched, ...]


Asked = Mapping[str, Sent]  # by reference, as `file_model.reference_of` writes it
