"""Taking in a day's reconciliation file: the bytes are kept first, then read; a damaged one keeps nothing but them.

The same bytes again are no news. Other bytes for the same channel, kind and day are a new version, of which only what
it changed is told (scenario 27). Runs as the worker, which alone may write files.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from anhuan.channels import file_reading, file_versions, store_house
from anhuan.channels.differences import Comparison, Ours, compare
from anhuan.channels.file_model import ChannelFile
from anhuan.channels.file_versions import Revision
from anhuan.channels.model import DayFile, FileDamaged
from anhuan.channels.tables_house import FileRow
from anhuan.kit import ids


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a file: its version, whether its bytes are new, and either what it says or why it was refused."""

    version: int
    new: bool
    file: ChannelFile | None
    damaged: FileDamaged | None = None
    revision: Revision | None = None  # what it changed against the last readable version before it


def take_file(
    db: Session, content: bytes, *, channel: str, kind: str, day: date, name: str, now: datetime, sha256: str = ""
) -> Taken:
    """Keep and read one file; `sha256` is what the channel published, empty where it publishes none."""
    found = hashlib.sha256(content).hexdigest()
    file = DayFile(channel, day, kind, name, sha256 or found, content)
    kept = str(file_reading.kind_of(file))
    store_house.lock_file(db, channel, day, kept)
    held = store_house.files(db, channel, day, kept)
    same = [row for row in held if row.sha256 == found]
    version = same[0].version if same else store_house.last_version(db, channel, day, kept) + 1
    if not same:
        db.add(
            FileRow(
                id=ids.new_id(), channel=channel, day=day, kind=kept, name=name, sha256=found, version=version,
                content=content, fetched_at=now,
            )
        )  # fmt: skip
        db.flush()
    try:
        read = file_reading.read(file)
    except FileDamaged as error:
        return Taken(version, not same, None, damaged=error)
    before = None if same else _last_readable(held)
    return Taken(version, not same, read, revision=file_versions.revise(before, read) if before else None)


def compare_day(taken: ChannelFile, ours: Iterable[Ours], *, other_days: Iterable[str] = ()) -> Comparison:
    """The lines of a file that was taken beside our payments of its channel and day."""
    return compare(taken.lines, ours, channel=taken.id.channel, day=taken.id.day, other_days=other_days)


def _last_readable(held: Iterable[FileRow]) -> ChannelFile | None:
    for row in sorted(held, key=lambda one: one.version, reverse=True):
        try:
            return file_reading.read(DayFile(row.channel, row.day, row.kind, row.name, row.sha256, row.content))
        except FileDamaged:
            continue
    return None
