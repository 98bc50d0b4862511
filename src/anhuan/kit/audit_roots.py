"""Signed roots: the end of the chain at the end of each bank day, kept in the database and, above all, outside it.

`seal_due` links what waits, signs a root for every day that has ended since the last one, appends each to
`ANHUAN_HOME/audit/roots.jsonl` and hands it to the command of ANHUAN_AUDIT_SINK. It may run at any moment, twice or
at once: the database keeps one root for each moment, the file takes what it lacks, the sink gets what it did not take.
"""

import fcntl
import os
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from datetime import time as daytime
from pathlib import Path
from typing import Final

from anhuan.kit import audit_bytes, audit_key, db, settings, store_audit
from anhuan.kit.audit_bytes import Root
from anhuan.kit.audit_key import Signer
from anhuan.kit.clock import CHINA
from anhuan.kit.errors import Broken, Unavailable

BATCH: Final = 1000  # links of one transaction: the chain's head is locked for about 20 milliseconds
SINK_SECONDS: Final = 60


class RootsDisagree(Broken):
    """The file of roots and the table of roots tell different stories: nothing is added until a person has looked."""

    code = "audit.roots_disagree"


class SinkFailed(Unavailable):
    """The command of ANHUAN_AUDIT_SINK failed; the root stands, and is handed over again next time."""

    code = "audit.sink_failed"


def link_waiting() -> int:
    """Link every waiting record into the chain, in small transactions; returns how many.

    Nothing is lost when the machine fails before these commits reach the disk: the records still wait.
    """
    linked = 0
    while True:
        with db.sessions("work").begin() as session:
            store_audit.relax(session)
            done = store_audit.link(session, at_most=BATCH)
        linked += done
        if done < BATCH:
            return linked


def seal_due(*, now: datetime, home: Path | None = None, today_too: bool = False) -> list[Root]:
    """Link, and sign a root for each bank day that ended since the last; with `today_too` one more for the day so far.

    Returns the new roots. Raises `SinkFailed` after everything else is done.
    """
    home = home or settings.read().home
    link_waiting()
    made = []
    with _alone(home):
        with db.sessions("work").begin() as session:
            moment = store_audit.clock(session)  # by now everything that waited is linked
            last, earliest = store_audit.last_root(session), store_audit.first_link_at(session)
        due = [*_ends_of_days(last, earliest, now=min(now, moment)), *([moment] if today_too else [])]
        for through in due:
            if (root := _sign(home, through, needed=through is not moment, now=max(now, through))) is not None:
                made.append(root)
        _publish(home)
    return made


def roots_file(home: Path) -> Path:
    """Where this installation appends its roots."""
    return home / "audit" / "roots.jsonl"


def in_file(place: Path) -> list[Root]:
    """Every root in a file; a line that a crash tore is passed over when the next one repeats it whole."""
    lines = place.read_text().split("\n") if place.exists() else [""]
    found = []
    for entry, following in zip(lines, [*lines[1:], None], strict=True):
        try:
            if entry:
                found.append(audit_bytes.read_root(entry))
        except ValueError:
            if following is None or following.startswith(entry):
                continue  # torn by a crash: the last of all, or written again below
            raise RootsDisagree(f"{place}: after root {len(found)} stands a line that is no root") from None
    return found


def _ends_of_days(last: Root | None, earliest: datetime | None, *, now: datetime) -> Iterator[datetime]:
    """The ends of bank days since the last root that have passed; the first root of all covers what was before it."""
    if last is None and earliest is None:
        return
    midnight = _start(now.astimezone(CHINA).date())
    if last is None:
        assert earliest is not None
        if earliest < midnight:
            yield midnight
    else:
        due = _start(datetime.fromisoformat(last.through_at).astimezone(CHINA).date()) + timedelta(days=1)
        while due <= midnight:
            yield due
            due += timedelta(days=1)


def _start(day: date) -> datetime:
    return datetime.combine(day, daytime(), CHINA)


def _sign(home: Path, through: datetime, *, needed: bool, now: datetime) -> Root | None:
    """One root in one transaction, during which nobody else links; None when it would say nothing new."""
    with db.sessions("work").begin() as session:
        last = store_audit.last_root(session)
        if last is not None and datetime.fromisoformat(last.through_at) >= through:
            return None  # somebody else was quicker
        due = store_audit.root_due(session, through)
        if due.links == 0 and not needed:
            return None
        signer = audit_key.signer(home, may_make=last is None)
        root = _signed(signer, due, through, last, now=now)
        store_audit.keep_root(session, root)
    return root


def _signed(signer: Signer, due: store_audit.Due, through: datetime, last: Root | None, *, now: datetime) -> Root:
    root = Root(
        number=due.number,
        through_at=audit_bytes.moment(through),
        place=due.place,
        links=due.links,
        link=due.link.hex(),
        before=audit_bytes.GENESIS.hex() if last is None else last.hash,
        signed_at=audit_bytes.moment(now),
        key_id=signer.key_id,
    )
    return replace(root, signature=signer.sign(root.line).hex())


def _publish(home: Path) -> None:
    """Bring file and sink up to the table, but never a root that our keys did not sign."""
    with db.sessions("work").begin() as session:
        known = store_audit.roots(session)
    place = roots_file(home)
    have = in_file(place)
    if have != known[: len(have)]:
        raise RootsDisagree(f"{place} and the table audit_roots differ: run `anhuan audit verify`")
    keys = audit_key.known_keys(home)
    for root in known[len(have) :]:
        key = keys.get(root.key_id)
        if key is None or not audit_key.holds(key, root.line, bytes.fromhex(root.signature)):
            raise RootsDisagree(f"root {root.number} in the table is not signed by a key of this installation")
        _append(place, root.json)
    _send(home, known)


def _append(place: Path, entry: str) -> None:
    """Append one line and wait until the disk has it."""
    torn = place.exists() and not place.read_bytes().endswith(b"\n") and place.stat().st_size > 0
    handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(handle, (("\n" if torn else "") + entry + "\n").encode())
        os.fsync(handle)
    finally:
        os.close(handle)


def _send(home: Path, known: Sequence[Root]) -> None:
    """Give the sink every root it has not taken, oldest first; what it took is remembered beside the file."""
    command = settings.read().audit_sink
    if command is None:
        return
    mark = home / "audit" / "sent"
    sent = int(mark.read_text()) if mark.exists() else 0
    for root in known:
        if root.number <= sent:
            continue
        try:
            subprocess.run(
                shlex.split(command), input=root.json + "\n", text=True, check=True, timeout=SINK_SECONDS,
                stdout=subprocess.DEVNULL,
            )  # fmt: skip
        except (OSError, subprocess.SubprocessError) as error:
            sentence = f"root {root.number} stands, but {command!r} did not take it: {error}"
            raise SinkFailed(sentence, field="ANHUAN_AUDIT_SINK") from error
        mark.write_text(str(root.number))


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One process of this installation at a time signs and publishes."""
    folder = home / "audit"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
