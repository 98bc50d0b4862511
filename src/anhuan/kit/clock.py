"""The clock of the house: rules never look at it, acts get `now` as an argument, doors ask here.

A simulation holds it for all its processes: ANHUAN_CLOCK_FILE names a file that says which moment it is. Only the home
of a throw-away town, which carries a mark, may have such a clock; ids and the ledger's own stamps keep the real one.
"""

import os
import time
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Final

from anhuan.kit import settings
from anhuan.kit.errors import Broken

# Chinese bank days end at midnight UTC+8, all year round.
CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")
HELD_BY: Final = "ANHUAN_CLOCK_FILE"
MARK: Final = "THROW_AWAY_TOWN"  # a file in the home of a simulation, beside the file of its clock
RUNS_ON: Final = 240.0  # seconds of real time that a held clock goes on by itself, so that no two moments are one

_believed: set[str] = set()  # clock files that were found to stand in a throw-away town


class NotATown(Broken):
    """ANHUAN_CLOCK_FILE is set where no simulation runs: a real installation keeps the machine's clock."""

    code = "clock.not_a_simulation"


def now() -> datetime:
    """This moment, in UTC."""
    place = os.environ.get(HELD_BY)
    return datetime.now(UTC) if not place else _held(place)


def today() -> date:
    """The bank day in China at this moment."""
    return now().astimezone(CHINA).date()


def is_held() -> bool:
    """Whether a simulation holds the clock of this process."""
    return bool(os.environ.get(HELD_BY))


def hold(place: Path, moment: datetime) -> None:
    """Let it be this moment for every process whose clock is this file, from here on."""
    fresh = place.with_name(f".{place.name}.{os.getpid()}")
    fresh.write_text(f"{moment.astimezone(UTC).isoformat()} {time.monotonic():.3f}\n")
    fresh.replace(place)


def _held(place: str) -> datetime:
    """The moment in the file, and the little that has really passed since it was written."""
    if place not in _believed:
        _check(Path(place))
        _believed.add(place)
    with open(place, encoding="ascii") as file:
        moment, _, since = file.read().partition(" ")
    passed = time.monotonic() - float(since) if since.strip() else 0.0
    return datetime.fromisoformat(moment) + timedelta(seconds=min(max(passed, 0.0), RUNS_ON))


def _check(place: Path) -> None:
    """A held clock lies in the home of a marked town, and that town has its own embedded server."""
    given = settings.read()
    if place.absolute().parent != given.home or not (given.home / MARK).is_file() or given.database_url is not None:
        raise NotATown(f"{HELD_BY} is set, and {given.home} is no throw-away town", field=HELD_BY)
