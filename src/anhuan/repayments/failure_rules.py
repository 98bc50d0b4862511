"""The failure taxonomy (S3-26): for every code that may end or delay a payment whose matter it is, what to say, what to
do next, and when the same payment may be made anew. One dated file holds it (`kit/seeds/failures.toml`).

Values in, values out; whoever knows the order fills in amounts and moments.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any, Final

from anhuan.kit import clock

MORNING: Final = time(9)  # when a payment that waits for the next day is made anew
UNKNOWN: Final = "unknown"


class FailureClass(StrEnum):
    """Whose matter a failure is."""

    FUNDS = "funds"
    LIMIT = "limit"
    TIME = "time"
    CARD = "card"
    ACCOUNT = "account"
    CHANNEL = "channel"
    PAYER = "payer"


class Retry(StrEnum):
    """When the same payment may be made anew; always as a new order."""

    NEVER = "never"
    NOW = "now"
    WHEN_RESETS = "when_resets"
    NEXT_MORNING = "next_morning"
    AFTER_INCOME = "after_income"  # when there is money again
    BY_HAND = "by_hand"  # only the payer's own hand helps


class Stops(StrEnum):
    """What stops by itself because of it."""

    NONE = "none"
    CARD = "card"  # this card at this channel, by room channels
    BINDING = "binding"  # must be proved anew
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table."""

    code: str
    kind: FailureClass
    said: Mapping[str, str]
    action: str
    next_act: Mapping[str, str]  # the action's sentence by language, with its places
    retry: Retry
    effect: Stops
    counts: bool


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a payment came to nothing, or does not move, and what to do about it, in one language."""

    code: str
    kind: FailureClass
    sentence: str
    action: str
    link: str
    retry: Retry
    retry_at: datetime | None
    effect: Stops


@cache
def table() -> Mapping[str, Row]:
    """Every row by its code."""
    said = _file()
    return {
        code: Row(
            code, FailureClass(row["class"]), {"zh": row["zh"], "en": row["en"]}, row["action"],
            said["actions"][row["action"]], Retry(row["retry"]), Stops(row["effect"]), row["counts"],
        )
        for code, row in said["codes"].items()
    }  # fmt: skip


def words(part: str) -> Mapping[str, Mapping[str, str]]:
    """Sentences of a part of the file by their name, in both languages: `known`, `proofs`."""
    found: Mapping[str, Mapping[str, str]] = _file()[part]
    return found


def find(*codes: str) -> Row:
    """The row of the first of these codes that the table has; the nearest word first."""
    return next((table()[code] for code in codes if code in table()), table()[UNKNOWN])


def retry_at(row: Row, *, closed_at: datetime | None, resets_at: datetime | None) -> datetime | None:
    """The first moment at which the same payment may be made anew; None: never, or nobody can say."""
    if closed_at is None:
        return None
    tomorrow = datetime.combine(closed_at.astimezone(clock.CHINA).date() + timedelta(days=1), MORNING, clock.CHINA)
    match row.retry:
        case Retry.NOW:
            return closed_at
        case Retry.WHEN_RESETS:
            return resets_at or tomorrow
        case Retry.NEXT_MORNING:
            return tomorrow
        case Retry.NEVER | Retry.AFTER_INCOME | Retry.BY_HAND:
            return None


def in_a_row(ends: Sequence[tuple[str, bool]]) -> int:
    """How many failures stand at the newest end of a card's history: (code, arrived), the newest first.

    What the payer did, or what only a limit's day decided, neither counts nor breaks the row.
    """
    count = 0
    for code, arrived in ends:
        if arrived:
            break
        count += find(code).counts
    return count


@cache
def _file() -> Mapping[str, Any]:
    return tomllib.loads(resources.files("anhuan.kit").joinpath("seeds", "failures.toml").read_text("utf-8"))
