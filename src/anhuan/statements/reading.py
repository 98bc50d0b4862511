"""From a file handed in to what it says, whatever it is: a bad file is an answer here, never an error."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath

from anhuan.kit.errors import Bad
from anhuan.statements.changes import FileEffect, FileRead, Upload, hash_of
from anhuan.statements.mapping import Mapping as Columns
from anhuan.statements.mapping import fingerprint
from anhuan.statements.model import NeedsMapping, NeedsPassword, Problem


def read_all(
    files: Sequence[Upload], mappings: Mapping[str, Columns], *, progress: Callable[[], None] | None = None
) -> list[FileRead]:
    """Every file in the order given; `mappings` are the user's columns by heading fingerprint."""
    found = []
    for each in files:
        found.append(read_one(each, mappings))
        if progress is not None:
            progress()
    return found


def read_one(upload: Upload, mappings: Mapping[str, Columns]) -> FileRead:
    """One file: its reading, or why there is none (the problem's code is that of the refusal)."""
    from anhuan.statements import files  # here: the readers of PDF and sheets are slow to import, history needs none

    def known(headings: Sequence[str]) -> Columns | None:
        return mappings.get(fingerprint(headings))

    name, sha256, size = PurePath(upload.name).name, hash_of(upload.data), len(upload.data)
    try:
        reading = files.read_file(upload.data, upload.name, password=upload.password, known=known if mappings else None)
    except NeedsPassword as no:
        return FileRead(name, sha256, size, None, FileEffect.ASKS_PASSWORD, (_problem(no),))
    except NeedsMapping as no:
        return FileRead(
            name, sha256, size, None, FileEffect.ASKS_MAPPING, (_problem(no),),
            headings=tuple(no.facts.get("headings", ())),
            sample=tuple(tuple(row) for row in no.facts.get("sample", ())), proposal=no.facts.get("proposal", {}),
        )  # fmt: skip
    except Bad as no:
        return FileRead(name, sha256, size, None, FileEffect.REFUSED, (_problem(no),))
    return FileRead(name, sha256, size, reading)


def _problem(no: Bad) -> Problem:
    return Problem(no.code, no.message)
