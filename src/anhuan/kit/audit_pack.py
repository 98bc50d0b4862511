"""The auditor's pack: records, links, signed roots and public keys in one ZIP that a person can check without us."""

import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as daytime
from importlib import resources
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from sqlalchemy.orm import Session

from anhuan.kit import audit_bytes, audit_key, store_audit
from anhuan.kit.audit_bytes import Root
from anhuan.kit.clock import CHINA
from anhuan.kit.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

BATCH: Final = 20_000  # records at a time
_MOMENT: Final = (1980, 1, 1, 0, 0, 0)  # of every file in the archive: the same pack has the same bytes


class BadDays(Refused):
    """The first day lies after the last, or the file is there already."""

    code = "audit.bad_pack"


@dataclass(frozen=True, slots=True)
class Packed:
    """What went into a pack."""

    first: int
    last: int
    roots: int


def pack(
    db: Session,
    out: Path,
    *,
    first_day: date,
    last_day: date,
    keys: "Mapping[str, Ed25519PublicKey]",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Packed:
    """Write the bank days from first to last into a new ZIP, widened to the signed roots around them.

    `db` is a transaction of the auditor's login that has asked nothing yet.
    """
    if first_day > last_day:
        raise BadDays("the first day lies after the last", field="from")
    if out.exists():
        raise BadDays(f"{out} is there already", field="out")
    store_audit.freeze(db)
    first, last, roots = _bounds(db, first_day, last_day)
    with _fresh(out) as archive:
        with archive.open(_entry("rows.jsonl"), "w", force_zip64=True) as rows:
            _rows(db, rows, first=first, last=last, progress=progress)
        _put(archive, "roots.jsonl", "".join(root.json + "\n" for root in roots))
        for root in roots:
            _put(archive, f"roots/{root.number}.txt", root.line)
            _put(archive, f"roots/{root.number}.sig", bytes.fromhex(root.signature))
        for name in sorted({root.key_id for root in roots} & set(keys)):
            _put(archive, f"keys/{name}.pem", audit_key.public_pem(keys[name]))
        seeds = resources.files("anhuan.kit") / "seeds"
        _put(archive, "check.py", (seeds / "audit_check.txt").read_bytes())
        said = {"first_day": first_day, "last_day": last_day, "first": first, "last": last, "roots": len(roots)}
        _put(archive, "README.md", (seeds / "audit_pack.md").read_text(encoding="utf-8").format(**said))
    return Packed(first, last, len(roots))


def _bounds(db: Session, first_day: date, last_day: date) -> tuple[int, int, Sequence[Root]]:
    """First and last place: from behind the last root before the days to the first root after them, else to the end."""
    begin = datetime.combine(first_day, daytime(), CHINA)
    end = datetime.combine(last_day, daytime(), CHINA) + timedelta(days=1)
    roots = store_audit.roots(db)
    ahead = [root for root in roots if datetime.fromisoformat(root.through_at) <= begin]
    behind = [root for root in roots if datetime.fromisoformat(root.through_at) >= end]
    since = ahead[-1].number if ahead else 0
    until = behind[0].number if behind else (roots[-1].number if roots else 0)
    chosen = [root for root in roots if since <= root.number <= until]
    first = ahead[-1].place + 1 if ahead else 1
    return first, behind[0].place if behind else store_audit.last_place(db), chosen


def _rows(db: Session, out: IO[bytes], *, first: int, last: int, progress: Callable[[int, int], None]) -> None:
    before = store_audit.link_at(db, first - 1) or audit_bytes.GENESIS.hex()
    for links, rows in store_audit.linked_records(db, after=first - 1, through=last, at_a_time=BATCH):
        for place, linked_at, number, row_hash, link in links:
            moment = audit_bytes.printed(linked_at)
            line = audit_bytes.link_line(place, moment, number, row_hash.hex(), before)
            row = rows.get(number)  # None where the log has lost it
            said = {"row": row and row[1].decode(), "link_line": line, "link": link.hex()}
            out.write(json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
            before = link.hex()
        if links:
            progress(links[-1][0] - first + 1, last - first + 1)


@contextmanager
def _fresh(out: Path) -> Iterator[zipfile.ZipFile]:
    """Written beside its place and moved there whole."""
    fresh = out.with_name(out.name + ".new")
    fresh.touch(mode=0o600)
    try:
        with zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED) as archive:
            yield archive
        fresh.rename(out)
    finally:
        fresh.unlink(missing_ok=True)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _MOMENT)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry


def _put(archive: zipfile.ZipFile, name: str, data: str | bytes) -> None:
    archive.writestr(_entry(name), data)
