"""Signed roots of the ledger: once a minute, if the end of any chain moved, kept in the database and outside it.

`seal_due` signs with the house's audit key, appends to `ANHUAN_HOME/ledger/roots.jsonl` and hands each root to the
command of ANHUAN_AUDIT_SINK. It may run at any moment, twice or at once: the database keeps one root for each number,
the file takes what it lacks, the sink gets what it did not take.
"""

import fcntl
import os
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import structlog

from anhuan.kit import audit_bytes, audit_key, db, settings
from anhuan.kit.errors import Broken, Unavailable
from anhuan.ledger import root_bytes, store_proof
from anhuan.ledger.root_bytes import Root

SINK_SECONDS: Final = 60
AHEAD: Final = timedelta(minutes=5)  # of the database's clock, at most: `ledger.root_keep` refuses what is later
TAIL_BYTES: Final = 1 << 16  # read of the file's end to know what it has: some sixteen roots of 16 shards

log = structlog.get_logger(__name__)


class RootsDisagree(Broken):
    """根文件与根表不一致: file and table of roots tell different stories; nothing is added until somebody looked."""

    code = "ledger.roots_disagree"


class SinkFailed(Unavailable):
    """外送未成: the command of ANHUAN_AUDIT_SINK failed; the root stands, and is handed over again next time."""

    code = "ledger.sink_failed"


def seal_due(*, now: datetime, home: Path | None = None) -> Root | None:
    """Sign a root if the end of a chain moved since the last, and publish what waits; returns the new one.

    Raises `SinkFailed` after everything else is done.
    """
    home = home or settings.read().home
    with _alone(home):
        made = _sign(home, now)
        _publish(home)
    return made


def roots_file(home: Path) -> Path:
    """Where this installation appends its roots."""
    return home / "ledger" / "roots.jsonl"


def unsigned_since() -> tuple[datetime | None, Root | None]:
    """When the oldest batch was written that no root covers (None: all are covered), and the newest root."""
    with db.sessions("work").begin() as session:
        last = store_proof.last_root(session)
        signed = {end.shard: end.batch_no for end in last.heads} if last else {}
        return store_proof.oldest_behind(session, signed), last


def in_file(place: Path) -> list[Root]:
    """Every root in a file; a line that a crash tore is passed over when the next one repeats it whole."""
    return _parsed(place, place.read_text() if place.exists() else "")


def _sign(home: Path, now: datetime) -> Root | None:
    """One root in one transaction; None when it would say nothing new, or not yet: a clock that was set back has to
    catch up with the root before, for the database takes none from the future."""
    with db.sessions("work").begin() as session:
        last, ends = store_proof.last_root(session), store_proof.ends(session)
        before = {end.shard: end.batch_no for end in last.heads} if last else {}
        if all(end.batch_no == before.get(end.shard, 0) for end in ends):
            return None
        at = now if last is None else max(now, datetime.fromisoformat(last.at) + datetime.resolution)
        if at > store_proof.time_of(session) + AHEAD:
            log.warning("a clock was set back: no root until time has caught up", until=at.isoformat())
            return None
        place, link = store_proof.audit_end(session)
        signer = audit_key.signer(home, may_make=last is None)
        root = Root(
            no=1 if last is None else last.no + 1,
            at=audit_bytes.moment(at),
            heads=ends,
            prev=root_bytes.FIRST if last is None else last.hash,
            audit_place=place,
            audit_link=link,
            key_id=signer.key_id,
        )
        root = replace(root, signature=signer.sign(root.line).hex())
        store_proof.keep_root(session, root)
    return root


def _publish(home: Path) -> None:
    """Bring file and sink up to the table, but never a root that our keys did not sign."""
    place = roots_file(home)
    have = _end_of_file(place)
    with db.sessions("work").begin() as session:
        known = store_proof.roots_after(session, have[-1].no - len(have) if have else 0)
    if known[: len(have)] != have:
        raise RootsDisagree(f"{place} and the table ledger.root differ: run `anhuan ledger verify`")
    keys = audit_key.known_keys(home)
    for root in known[len(have) :]:
        key = keys.get(root.key_id)
        if key is None or not audit_key.holds(key, root.line, bytes.fromhex(root.signature)):
            raise RootsDisagree(f"root {root.no} in the table is not signed by a key of this installation")
        _append(place, root.json)
    _send(home)


def _end_of_file(place: Path) -> list[Root]:
    """The last roots of the file: what was written before was compared when it was written."""
    if not place.exists():
        return []
    with place.open("rb") as given:
        size = given.seek(0, os.SEEK_END)
        given.seek(max(0, size - TAIL_BYTES))
        text = given.read().decode()
    if size > TAIL_BYTES:
        text = text.partition("\n")[2]
    return _parsed(place, text)


def _parsed(place: Path, text: str) -> list[Root]:
    lines = text.split("\n")
    found: list[Root] = []
    for entry, following in zip(lines, [*lines[1:], None], strict=True):
        try:
            if entry:
                found.append(root_bytes.read(entry))
        except ValueError:
            if following is None or following.startswith(entry):
                continue  # torn by a crash: the last of all, or written again below
            after = found[-1].no if found else 0
            raise RootsDisagree(f"{place}: after root {after} stands a line that is no root") from None
    return found


def _append(place: Path, entry: str) -> None:
    """Append one line and wait until the disk has it."""
    torn = not _ends_whole(place)
    handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(handle, (("\n" if torn else "") + entry + "\n").encode())
        os.fsync(handle)
    finally:
        os.close(handle)


def _ends_whole(place: Path) -> bool:
    """Whether the file ends with a whole line, or is not there yet."""
    if not place.exists() or place.stat().st_size == 0:
        return True
    with place.open("rb") as given:
        given.seek(-1, os.SEEK_END)
        return given.read() == b"\n"


def _send(home: Path) -> None:
    """Give the sink every root it has not taken, oldest first; what it took is remembered beside the file."""
    command = settings.read().audit_sink
    if command is None:
        return
    mark = home / "ledger" / "sent"
    sent = int(mark.read_text()) if mark.exists() else 0
    with db.sessions("work").begin() as session:
        waiting: Sequence[Root] = store_proof.roots_after(session, sent)
    for root in waiting:
        try:
            subprocess.run(
                shlex.split(command), input=root.json + "\n", text=True, check=True, timeout=SINK_SECONDS,
                stdout=subprocess.DEVNULL,
            )  # fmt: skip
        except (OSError, subprocess.SubprocessError) as error:
            sentence = f"root {root.no} stands, but {command!r} did not take it: {error}"
            raise SinkFailed(sentence, field="ANHUAN_AUDIT_SINK") from error
        mark.write_text(str(root.no))


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One process of this installation at a time signs and publishes."""
    folder = home / "ledger"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
