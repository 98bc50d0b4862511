"""Taking in a day's reconciliation file: the bytes are kept first, then read; a damaged one keeps nothing but them.

The same bytes again are no news. Other bytes for the same channel, kind and day are a new version, of which only what
it changed is told (scenario 27). Runs as the worker, which alone may write files.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from anhuan.channels import file_reading, file_versions, kept_files
from anhuan.channels.differences import Comparison, Ours, compare
from anhuan.channels.file_model import ChannelFile
from anhuan.channels.file_versions import Revision
from anhuan.channels.model import DayFile, FileDamaged


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a file: its version, whether its bytes are new, and either what it says or why it was refused.

    Version 0: bytes that are not those the channel published are nobody's version of anything.
    """

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
    kind = str(file_reading.kind_of(DayFile(channel, day, kind, name, found, content)))
    if sha256 and sha256.lower() != found:
        said = f"校验值不符：渠道公布 {sha256[:12]}…，收到 {found[:12]}…"
        return Taken(0, False, None, damaged=FileDamaged(said, figure="sha256"))
    before = kept_files.of_day(db, channel, day)
    kept = kept_files.keep(db, DayFile(channel, day, kind, name, found, content), now=now)
    try:
        read = file_reading.read(kept.file)
    except FileDamaged as error:
        return Taken(kept.version, kept.new, None, damaged=error)
    last = _last_readable(one for one in before if one.kind == kind) if kept.new else None
    return Taken(kept.version, kept.new, read, revision=file_versions.revise(last, read) if last else None)


def take(db: Session, file: DayFile, *, now: datetime) -> Taken:
    """Keep and read one file as its channel gave it."""
    return take_file(
        db, file.content, channel=file.channel, kind=file.kind, day=file.day, name=file.name, now=now,
        sha256=file.sha256,
    )  # fmt: skip


def compare_day(taken: ChannelFile, ours: Iterable[Ours], *, other_days: Iterable[str] = ()) -> Comparison:
    """The lines of a file that was taken beside our payments of its channel and day."""
    return compare(taken.lines, ours, channel=taken.id.channel, day=taken.id.day, other_days=other_days)


def _last_readable(versions: Iterable[DayFile]) -> ChannelFile | None:
    for one in reversed(list(versions)):
        try:
            return file_reading.read(one)
        except FileDamaged:
            continue
    return None
