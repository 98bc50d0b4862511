"""Versions of one file 重出的对账文件: the same hash again is nothing new, another hash is a new version of which only
the differences count (scenario 27).
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from anhuan.channels.file_model import ChannelFile, FileId, FileLine, LineKind
from anhuan.kit.errors import Broken


class OtherFile(Broken):
    """两份文件不是同一渠道、同一种、同一天: a version was compared with a stranger."""

    code = "channels.other_file"


@dataclass(frozen=True, slots=True)
class Changed:
    """One reference whose rows are not what they were: the rows that went and those that came, in the file's order."""

    reference: str
    kind: LineKind
    before: tuple[FileLine, ...]
    after: tuple[FileLine, ...]


@dataclass(frozen=True, slots=True)
class Revision:
    """A new version beside the one before; without `changes` it says the same in other bytes."""

    before: FileId
    after: FileId
    changes: tuple[Changed, ...]

    @property
    def added(self) -> tuple[FileLine, ...]:
        """Rows of references that the version before did not have."""
        return tuple(line for one in self.changes if not one.before for line in one.after)

    @property
    def removed(self) -> tuple[FileLine, ...]:
        """Rows of references that are gone."""
        return tuple(line for one in self.changes if not one.after for line in one.before)

    @property
    def altered(self) -> tuple[Changed, ...]:
        """References that both versions have, with other rows."""
        return tuple(one for one in self.changes if one.before and one.after)


def same_file(one: FileId, other: FileId) -> bool:
    """Whether both are versions of one file: the same channel, kind and day."""
    return (one.channel, one.kind, one.day) == (other.channel, other.kind, other.day)


def revise(before: ChannelFile, after: ChannelFile) -> Revision | None:
    """What a later version changed; None for the same bytes again. Raises OtherFile for files of two days or kinds."""
    if not same_file(before.id, after.id):
        raise OtherFile("不是同一份对账文件的两个版本", before=str(before.id.day), after=str(after.id.day))
    if before.id.sha256 == after.id.sha256:
        return None
    old, new = _by_reference(before.lines), _by_reference(after.lines)
    changes = []
    for key in sorted(old.keys() | new.keys()):
        went, came = _without(old.get(key, []), new.get(key, [])), _without(new.get(key, []), old.get(key, []))
        if went or came:
            changes.append(Changed(key[0], key[1], went, came))
    return Revision(before.id, after.id, tuple(changes))


def _by_reference(lines: Iterable[FileLine]) -> dict[tuple[str, LineKind], list[FileLine]]:
    found: dict[tuple[str, LineKind], list[FileLine]] = {}
    for line in lines:
        found.setdefault((line.reference, line.kind), []).append(line)
    return found


def _without(lines: list[FileLine], others: list[FileLine]) -> tuple[FileLine, ...]:
    """Lines that the others do not say as well, each counted: a second identical row is a row."""
    said = Counter(_meaning(line) for line in others)
    left = []
    for line in lines:
        if said[_meaning(line)]:
            said[_meaning(line)] -= 1
        else:
            left.append(line)
    return tuple(left)


def _meaning(line: FileLine) -> tuple[object, ...]:
    """What a row says, wherever it stands and however its columns are ordered."""
    return (
        line.channel_reference,
        line.business_day,
        line.moment_text,
        line.state,
        line.amount,
        line.fee,
        line.currency,
    )
