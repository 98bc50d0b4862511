"""The plays about reconciliation files: fetched with their checksums, read whole, compared without tolerance; and the
law that files are read by heading, whatever is added, removed or moved.
"""

import csv
import hashlib
import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from anhuan.channels import file_reading
from anhuan.channels.conformance_model import Sandbox, Unreached
from anhuan.channels.differences import Ours, compare
from anhuan.channels.file_model import ChannelFile, FileKind, FileLine, key_of, reference_of
from anhuan.channels.file_versions import revise
from anhuan.channels.model import Answer, DayFile, FileDamaged, FileNotReady
from anhuan.kit.clock import CHINA

if TYPE_CHECKING:
    from anhuan.channels.conformance_plays import Stage

_NOON: Final = time(12)
_NEXT: Final = timedelta(days=1)


def on_day(stage: "Stage", paid: Sequence[tuple[UUID, int]], day: date) -> set[str]:
    """The kinds of difference between the day's files and these payments of ours (key, fen); every file alike."""
    files = read_day(stage.sandbox, day)
    found: set[str] = set()
    for one in files:
        result = compare(one.lines, _ours(stage, paid, day), channel=one.id.channel, day=day)
        found |= {difference.kind.value for difference in result.differences}
    return found


def read_day(sandbox: Sandbox, day: date) -> list[ChannelFile]:
    """The files of a day once they are out; raises `Unreached` where the channel has none."""
    morning = datetime.combine(day + _NEXT, _NOON, CHINA)
    if sandbox.now() < morning:
        sandbox.move(morning)
    try:
        files = sandbox.connector.statement(day)
    except FileNotReady as error:
        raise Unreached(f"the channel offers no files of {day}") from error
    if not files:
        raise Unreached("the channel offers no files")
    return [file_reading.read(one) for one in files]


def whole_file(stage: "Stage") -> None:
    """27: late is waited for, re-issued gives differences alone, damaged is refused whole, GBK is read."""
    from anhuan.channels.conformance_plays import begin, finish

    order, key, answer = begin(stage)
    day = stage.today()
    answer = _held_back(stage, day) or answer
    found = _offered(stage.sandbox, day)
    if stage.how in ("truncated", "wrong_checksum"):
        stage.expect(found is None, "a damaged file was handed on")
    elif stage.how == "reissued":
        _reissued(stage, day, found)
    if stage.how in ("late", "gbk", "reissued"):
        differing = on_day(stage, [(key, order.amount)], day)
        stage.expect(differing == set(), f"differences {sorted(differing)}")
    finish(stage, order, key, answer)
    stage.done.append(f"fetched the files of {day}")


def _held_back(stage: "Stage", day: date) -> Answer | None:
    """Where files are late, asking for them at the usual hour says so; then the time comes to have them."""
    usual = datetime.combine(day + _NEXT, time(9, 30), CHINA)
    stage.sandbox.move(usual)
    stage.listen()
    if stage.how == "late":
        try:
            stage.sandbox.connector.statement(day)
            stage.expect(False, "a late file was there in time")
        except FileNotReady:
            stage.done.append("not there at the usual hour")
        stage.sandbox.move(usual + timedelta(hours=12))
    return None


def _offered(sandbox: Sandbox, day: date) -> Sequence[DayFile] | None:
    """The files as the connector hands them on; None where it refused them."""
    try:
        return sandbox.connector.statement(day)
    except FileDamaged:
        return None


def _reissued(stage: "Stage", day: date, first: Sequence[DayFile] | None) -> None:
    before = {one.name: file_reading.read(one) for one in first or ()}
    stage.sandbox.move(stage.sandbox.now() + timedelta(hours=12))
    after = {one.name: file_reading.read(one) for one in _offered(stage.sandbox, day) or ()}
    changed = [revise(before[name], one) for name, one in after.items() if name in before]
    stage.expect(any(one is not None and one.changes for one in changed), "the second issue changed nothing")


def _ours(stage: "Stage", paid: Iterable[tuple[UUID, int]], day: date) -> list[Ours]:
    channel = stage.sandbox.connector.name
    return [Ours(key, channel, day, reference_of(key), amount) for key, amount in paid]


# --- by heading ---

Table = list[list[str]]
Change = Callable[[Table], Table]


def by_heading(file: DayFile) -> list[str]:
    """What does not hold when columns of this file are added, moved and removed; nothing for one without columns."""
    if file.kind == FileKind.CAMT053:
        return []
    right, faults = file_reading.read(file).lines, list[str]()
    for name, change in (("added at the end", _added(None)), ("added in front", _added(0)), ("moved", _moved)):
        try:
            if _meaning(file_reading.read(_changed(file, change)).lines) != _meaning(right):
                faults.append(f"{file.kind}: a column {name} changed what was read")
        except FileDamaged as error:
            faults.append(f"{file.kind}: a column {name} refused the file ({error.message})")
    return faults + _removed(file, right)


def _removed(file: DayFile, right: Sequence[FileLine]) -> list[str]:
    """Without one of its columns a file is refused, or says the same of money; at least one column is needed."""
    faults, refused, width = list[str](), 0, len(_heading(_table(_text(file))))
    for place in range(width):
        try:
            lines = file_reading.read(_changed(file, _without(place))).lines
        except FileDamaged:
            refused += 1
            continue
        if _figures(lines) != _figures(right):
            faults.append(f"{file.kind}: without column {place + 1} other amounts were read")
        elif any(
            key_of(new.reference) not in (None, key_of(old.reference)) for new, old in zip(lines, right, strict=True)
        ):
            faults.append(f"{file.kind}: without column {place + 1} another payment of ours was named")
    return faults if refused else [*faults, f"{file.kind}: no column is needed"]


def _meaning(lines: Iterable[FileLine]) -> list[tuple[object, ...]]:
    return [(line.kind, line.reference, line.amount, line.business_day, line.fee, line.state) for line in lines]


def _same_or_nobody(found: FileLine, right: FileLine) -> bool:
    """Whether a row names the payment that it is about, or none of ours; never another one."""
    return key_of(found.reference) in (None, key_of(right.reference))


def _figures(lines: Iterable[FileLine]) -> list[tuple[object, ...]]:
    return [(line.kind, line.amount, line.business_day) for line in lines]


def _changed(file: DayFile, change: Change) -> DayFile:
    text = _text(file)
    content = _packed(file, _printed(change(_table(text)), text))
    return replace(file, content=content, sha256=hashlib.sha256(content).hexdigest())


def _added(place: int | None) -> Change:
    def change(rows: Table) -> Table:
        return _on_details(rows, lambda cells, first: _put(cells, "新增一列" if first else "x", place))

    return change


def _moved(rows: Table) -> Table:
    return _on_details(rows, lambda cells, first: [*cells[1:], cells[0]])


def _without(place: int) -> Change:
    return lambda rows: _on_details(rows, lambda cells, first: [*cells[:place], *cells[place + 1 :]])


def _put(cells: list[str], value: str, place: int | None) -> list[str]:
    return [*cells, value] if place is None else [*cells[:place], value, *cells[place:]]


def _on_details(rows: Table, change: Callable[[list[str], bool], list[str]]) -> Table:
    """Heading and detail rows changed; what stands before and after them stays."""
    start = rows.index(_heading(rows))
    end = next((place for place in range(start, len(rows)) if len(rows[place]) != len(rows[start])), len(rows))
    return [change(row, place == start) if start <= place < end else row for place, row in enumerate(rows)]


def _heading(rows: Table) -> list[str]:
    """The first row with as many cells as the row after it, and more than a preface has."""
    return next(row for row in rows if len(row) > 5)


def _table(text: str) -> Table:
    return [row for row in csv.reader(io.StringIO(text)) if row]


def _printed(rows: Table, like: str) -> str:
    mark = "\ufeff" if like.startswith("\ufeff") else ""
    return mark + "".join(f"{','.join(row)}\r\n" for row in rows).removeprefix("\ufeff")


def _text(file: DayFile) -> str:
    if not _is_zip(file.content):
        return file.content.decode("utf-8")
    return next(_members(file.content))[1].decode("gb18030")


def _packed(file: DayFile, text: str) -> bytes:
    """The same packing around another text; only the first member of a ZIP changes."""
    if not _is_zip(file.content):
        return text.encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for place, (name, content) in enumerate(_members(file.content)):
            archive.writestr(name, text.encode("gb18030") if place == 0 else content)
    return out.getvalue()


def _members(content: bytes) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(content), metadata_encoding="gbk") as archive:
        for name in archive.namelist():
            yield name, archive.read(name)


def _is_zip(content: bytes) -> bool:
    return content[:4] == b"PK\x03\x04"
