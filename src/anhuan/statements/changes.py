"""The words of the intake: what is handed in, and the change that a preview shows and a commit applies, row by row.

A `Preview` is the change set itself and not a picture of it: the commit applies these very rows, or refuses because
the books have moved on since.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from anhuan.kit.errors import Refused
from anhuan.statements.model import Bill, FileKind, Line, LineKind, Problem, Reading, Source


class FileEffect(StrEnum):
    """What a commit does with one file of the batch."""

    NEW = "new"  # it is stored; its rows may still all be known from other files
    KNOWN = "known"  # the very same bytes are stored already: nothing changes
    REFUSED = "refused"  # it cannot be read, or says nothing that could be stored: nothing of it is kept
    ASKS_PASSWORD = "asks_password"
    ASKS_MAPPING = "asks_mapping"


class BillEffect(StrEnum):
    """What a commit does with one bill of a file."""

    NEW = "new"
    SAME = "same"  # recorded already with these very figures
    SUPERSEDES = "supersedes"  # recorded with other figures, which stay in its history
    OPEN = "open"  # the file prints no total or no statement date: kept with its rows, not put on the due board


class LinkKind(StrEnum):
    """Why two rows belong together; no row is ever removed for it."""

    SAME = "same"  # one purchase told twice (wallet and card, bill and export): only the first row counts
    REFUND = "refund"  # the first row was paid, the second gave it back
    REPAYMENT = "repayment"  # money left the first row's account and arrived on the second row's card


class ImportState(StrEnum):
    """Where a batch stands."""

    PREVIEWED = "previewed"
    COMMITTED = "committed"
    TAKEN_BACK = "taken_back"


class PreviewStale(Refused):
    """预览已过期: something was imported or taken back since this preview; make a new one."""

    code = "import.preview_stale"


class NoSuchImport(Refused):
    """没有这次导入: no preview or import of this user has that id."""

    code = "import.unknown"


class NotCommitted(Refused):
    """尚未导入或已撤销: only a committed import can be taken back, and only once."""

    code = "import.not_committed"


@dataclass(frozen=True, slots=True)
class Upload:
    """One file as handed in; the password is used for reading and never kept."""

    name: str
    data: bytes = field(repr=False)
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class FileRead:
    """One file after reading: its reading, or why there is none."""

    name: str
    sha256: str
    size: int
    reading: Reading | None
    effect: FileEffect = FileEffect.NEW  # where there is no reading: REFUSED, ASKS_PASSWORD or ASKS_MAPPING
    problems: tuple[Problem, ...] = ()
    headings: tuple[str, ...] = ()  # of a table whose columns the user has to name, with sample rows and our guess
    sample: tuple[tuple[str, ...], ...] = ()
    proposal: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FieldShown:
    """One field of a bill for a preview: plain text, how sure (0 to 1), where it stood, whether a rule made it."""

    name: str
    value: str | None
    confidence: float | None = None
    span: str | None = None
    inferred: bool = False


@dataclass(slots=True)
class RowChange:
    """One row of a file: the stored line it is or becomes.

    `occurrence` counts identical rows from 0; `new` says whether this commit adds the line. `bill` is the index of the
    row's bill within its file.
    """

    line_id: UUID
    key: bytes  # 16 bytes of the row as printed
    occurrence: int
    new: bool
    line: Line
    bill: int | None = None


@dataclass(frozen=True, slots=True)
class BillChange:
    """One bill of a file and what becomes of it; `replaces` names the readings that a corrected bill supersedes."""

    id: UUID
    bill: Bill
    fields: tuple[FieldShown, ...]
    effect: BillEffect
    explained: bool  # whether its rows add up to its total
    replaces: tuple[UUID, ...] = ()
    replaced_total: int | None = None


@dataclass(frozen=True, slots=True)
class BalanceChange:
    """A running balance that the file prints last for an own debit account, in minor units."""

    bank: str
    account: str
    currency: str
    amount: int
    on: date


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file of a batch: what it is, what a commit does with it, and all its rows."""

    id: UUID
    name: str
    sha256: str
    size: int
    effect: FileEffect
    kind: FileKind = FileKind.UNKNOWN
    bank: str | None = None
    source: Source = Source.CARD
    account: str | None = None
    reader: str = ""
    template: str = ""
    complete: bool = True
    bills: tuple[BillChange, ...] = ()
    rows: tuple[RowChange, ...] = ()
    balances: tuple[BalanceChange, ...] = ()
    problems: tuple[Problem, ...] = ()
    known_from: str | None = None  # KNOWN: under which name the same bytes were stored
    headings: tuple[str, ...] = ()  # ASKS_MAPPING: the headings to choose from,
    sample: tuple[tuple[str, ...], ...] = ()  # some rows under them,
    proposal: dict[str, str] = field(default_factory=dict)  # and our best guess: our word -> heading

    @property
    def rows_new(self) -> int:
        """How many lines this file adds."""
        return sum(row.new for row in self.rows)

    @property
    def rows_known(self) -> int:
        """How many of its rows are stored already or stand in an earlier file of the batch."""
        return len(self.rows) - self.rows_new


@dataclass(frozen=True, slots=True)
class LinkChange:
    """Two lines that belong together: how sure (0 to 1) and why, in stable words (`tail`, `date`, `words`)."""

    id: UUID
    kind: LinkKind
    first_id: UUID
    second_id: UUID
    score: float
    reason: str


@dataclass(frozen=True, slots=True)
class Preview:
    """The change set of one batch: what every file says and what a commit will do, no more and no less.

    `book` is the state of the user's intake that it rests on; a commit on any other state is refused.
    """

    id: UUID
    user_id: UUID
    book: int
    made_at: datetime
    files: tuple[FileChange, ...]
    links: tuple[LinkChange, ...] = ()
    unlinked: tuple[UUID, ...] = ()  # links that a better pair replaces

    @property
    def changes_nothing(self) -> bool:
        """Whether a commit would leave everything as it is."""
        return not any(each.effect is FileEffect.NEW for each in self.files)

    def linked_rows(self, change: FileChange) -> int:
        """How many rows of the file are linked to rows of other files by this commit."""
        ends = {link.first_id for link in self.links} | {link.second_id for link in self.links}
        return sum(row.line_id in ends for row in change.rows)


@dataclass(frozen=True, slots=True)
class Commit:
    """What a commit did, counted; `id` is what `undo` takes."""

    id: UUID
    committed_at: datetime
    files: int
    lines: int
    bills_new: int
    bills_superseded: int
    bills_same: int
    links: int


@dataclass(frozen=True, slots=True)
class ImportShown:
    """One batch in the history: when, which files, how much it brought, where it stands."""

    id: UUID
    state: ImportState
    made_at: datetime
    committed_at: datetime | None
    taken_back_at: datetime | None
    files: tuple[str, ...]
    lines: int
    bills: int


@dataclass(frozen=True, slots=True)
class LineShown:
    """One stored line as a page shows it, amounts in minor units of `currency`, spending positive.

    `counts` is false where another line tells the same movement (see `links`), so that sums count it once.
    """

    id: UUID
    posted_on: date | None
    traded_on: date | None
    description: str
    amount: int
    currency: str
    card: str | None
    kind: LineKind
    source: Source
    bank: str | None
    account: str | None
    counts: bool
    links: tuple[tuple[LinkKind, UUID], ...] = ()


@dataclass(frozen=True, slots=True)
class LinesPage:
    """One page of lines, newest first, and how many there are in all."""

    lines: tuple[LineShown, ...]
    total: int
    offset: int


def hash_of(data: bytes) -> str:
    """What tells two files apart, and the same file twice."""
    return sha256(data).hexdigest()
