"""The bytes of channels' files, kept before anybody parses them: the same bytes once, others as a new version."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.channels import limits, registry, store_house
from anhuan.channels.model import DayFile, FileDamaged
from anhuan.channels.tables_house import FileRow
from anhuan.kit import ids


@dataclass(frozen=True, slots=True)
class Kept:
    """One file as it is kept; `new` where it was not there before."""

    id: UUID
    version: int
    new: bool
    file: DayFile


def keep(db: Session, file: DayFile, *, now: datetime) -> Kept:
    """Keep one file; refuses one whose bytes do not have the hash it came with. For the worker."""
    if limits.sha256(file.content) != file.sha256:
        raise FileDamaged(f"{file.name} 的内容与校验和不符。", field="sha256")
    store_house.lock_file(db, file.channel, file.day, file.kind)
    for row in store_house.files(db, file.channel, file.day, file.kind):
        if row.sha256 == file.sha256:
            return Kept(row.id, row.version, False, file)
    version = store_house.last_version(db, file.channel, file.day, file.kind) + 1
    row = FileRow(
        id=ids.new_id(), channel=file.channel, day=file.day, kind=file.kind, name=file.name, sha256=file.sha256,
        version=version, content=file.content, fetched_at=now,
    )  # fmt: skip
    db.add(row)
    db.flush()
    return Kept(row.id, version, True, file)


def fetch(channel: str, day: date) -> Sequence[DayFile]:
    """The files of a day from the channel itself; raises `FileNotReady` or `FileDamaged`. Opens no transaction."""
    return registry.find(channel).statement(day)


def of_day(db: Session, channel: str, day: date) -> list[DayFile]:
    """Every kept file of a day, each kind's newest version last."""
    return [
        DayFile(row.channel, row.day, row.kind, row.name, row.sha256, row.content)
        for row in store_house.files(db, channel, day)
    ]
