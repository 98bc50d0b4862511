"""Guided column mapping: what the user says once about the columns of a table that no reader knows."""

import hashlib
from collections.abc import Mapping as Dictionary
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from anhuan.kit.errors import Refused
from anhuan.statements import cells
from anhuan.statements.model import Source

# The words a column can be mapped to, in the order in which a form asks for them.
WORDS: Final = (
    "posted_on", "traded_on", "description", "amount", "money_out", "money_in", "direction", "currency", "card",
    "balance", "reference", "counterparty", "paid_with", "kind", "note",
)  # fmt: skip


class BadMapping(Refused):
    """列设置无效: the mapping names a column that the table does not have, or lacks a date or an amount."""

    code = "mapping.invalid"


@dataclass(frozen=True, slots=True)
class Mapping:
    """The user's answer: which heading holds which of our words, and what no heading says.

    `columns` goes from our word to the heading (or `#3` for the third column of a table without headings).
    """

    columns: Dictionary[str, str] = field(default_factory=dict)
    spending: str = ""  # "positive", "negative", or "" to let the signs of the column decide
    date_order: str = ""  # "md", "dm" or "" to let the dates decide
    currency: str | None = None
    source: Source | None = None
    bank: str | None = None
    card: str | None = None
    latest: date | None = None  # dates without a year are of this day or before it

    def as_json(self) -> dict[str, Any]:
        """A plain dictionary to store or send; `from_json` reads it back."""
        return {
            "columns": dict(self.columns), "spending": self.spending, "date_order": self.date_order,
            "currency": self.currency, "source": self.source.value if self.source else None, "bank": self.bank,
            "card": self.card, "latest": self.latest.isoformat() if self.latest else None,
        }  # fmt: skip


def from_json(stored: Dictionary[str, Any]) -> Mapping:
    """The mapping that `as_json` wrote; unknown words are refused."""
    columns = {str(word): str(heading) for word, heading in dict(stored.get("columns", {})).items()}
    if unknown := set(columns) - set(WORDS):
        raise BadMapping(f"no such column word: {', '.join(sorted(unknown))}", field="columns")
    source, latest = stored.get("source"), stored.get("latest")
    return Mapping(
        columns, str(stored.get("spending") or ""), str(stored.get("date_order") or ""), stored.get("currency"),
        Source(source) if source else None, stored.get("bank"), stored.get("card"),
        date.fromisoformat(latest) if latest else None,
    )  # fmt: skip


def fingerprint(headings: Sequence[str]) -> str:
    """A name for tables with these headings, whatever their padding, case and width: 16 hexadecimal digits."""
    keys = "\x1f".join(cells.key_of(heading) for heading in trimmed(headings))
    return hashlib.sha256(keys.encode()).hexdigest()[:16]


def trimmed(headings: Sequence[str]) -> tuple[str, ...]:
    """The headings without padding and without the empty ones at the end, which spreadsheets add at will."""
    shown = [cells.clean(heading) for heading in headings]
    while shown and not shown[-1]:
        shown.pop()
    return tuple(shown)


def places(mapping: Mapping, headings: Sequence[str]) -> dict[str, int]:
    """The column number of each mapped word, from 0; refuses a mapping that does not fit the headings."""
    by_key = {cells.key_of(heading): place for place, heading in reversed(list(enumerate(headings)))}
    found: dict[str, int] = {}
    for word, heading in mapping.columns.items():
        place = int(heading[1:]) - 1 if _is_number(heading) else by_key.get(cells.key_of(heading))
        if word not in WORDS or place is None or not 0 <= place < len(headings):
            raise BadMapping(f"the table has no column {heading!r} for {word}", field=word)
        found[word] = place
    if not found.keys() & {"posted_on", "traded_on"}:
        raise BadMapping("say which column holds the date", field="posted_on")
    if not found.keys() & {"amount", "money_in", "money_out"}:
        raise BadMapping("say which column holds the amount", field="amount")
    return found


def _is_number(heading: str) -> bool:
    return heading.startswith("#") and heading[1:].isdigit() and len(heading) < 5
