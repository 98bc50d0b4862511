"""The words of reading a table: a row being read, a known layout, a table being read, hints from outside."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from anhuan.statements.headings import Heading
from anhuan.statements.model import LineKind, Problem, Source


@dataclass(slots=True)
class Draft:
    """One row being read; `amount` is as printed until `settled` says that out is positive."""

    row: int
    posted: str = ""
    traded: str = ""
    description: str = ""
    counterparty: str = ""
    word: str = ""  # 摘要, 交易类型
    direction: str = ""
    status: str = ""
    note: str = ""
    paid_with: str = ""
    reference: str = ""
    amount: int = 0
    settled: bool = False
    currency: str = ""
    card: str | None = None
    original: tuple[int, str] | None = None
    balance: int | None = None
    refunded: int = 0
    kind: LineKind | None = None
    said: str = ""

    @property
    def words(self) -> str:
        """All that the row says in words, for the tables of kinds; put together once, when all of it is read."""
        if not self.said:
            self.said = f"{self.word} {self.description} {self.counterparty}".strip()
        return self.said


@dataclass(frozen=True, slots=True)
class Layout:
    """A known export as data: how its heading is recognised and what the general rules cannot know about it."""

    reader: str
    bank: str | None
    template: str
    source: Source
    marks: tuple[str, ...]  # headings that must all be there
    columns: Mapping[str, str] = field(default_factory=dict)  # heading -> our word, before the synonyms
    currency: str | None = None
    spending: str = ""  # "positive" or "negative"; "" lets the column decide
    date_order: str = ""  # "md" or "dm"; "" lets the column decide
    unsigned: bool = False  # amounts carry no sign: the words of the row give it
    adjust: Callable[[Draft], None] | None = None  # the bank's own rules for one row
    check: Callable[["Table"], list[Problem]] | None = None  # and for the whole table
    wallet: str = ""  # pattern of the account's name in the preface, one group


@dataclass(slots=True)
class Table:
    """A table being read: its preface, its drafts and what went wrong."""

    heading: Heading
    preface: str
    drafts: list[Draft]
    problems: list[Problem]
    totals: list[Sequence[str]] = field(default_factory=list)
    card: str | None = None


@dataclass(frozen=True, slots=True)
class Hints:
    """What is known from outside the rows: the user's mapping, the file's name, a bank named in the preface."""

    spending: str = ""
    date_order: str = ""
    currency: str | None = None
    source: Source | None = None
    bank: str | None = None
    card: str | None = None
    latest: date | None = None
    latest_is_guess: bool = False
