"""The bank as a process holds it: one connection, one act at a time, a clock that is held in hand or runs.

An act is a transaction with what it may look at: the bank's now, its dice, its profile. Acts follow one another under
a lock, so that the same calls in the same order give the same bank, whatever its threads do.
"""

import os
import secrets
import threading
import time as passing
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import cache
from importlib import resources
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from anhuan.kit import calendar, clock
from anhuan.kit.clock import CHINA
from anhuan.simbank import store
from anhuan.simbank.dice import Dice
from anhuan.simbank.model import AlreadyRuns, BadOrder, Profile
from anhuan.simbank.store import Db

KEY_ID: Final = "simbank-1"  # what the bank signs with
_PATIENCE: Final = 5.0  # seconds for the connection of a killed bank to be noticed


@dataclass(frozen=True, slots=True)
class Act:
    """One act of the bank: its transaction, its now, its dice, how it works."""

    db: Db
    now: datetime
    dice: Dice
    profile: Profile
    callback_url: str | None

    @property
    def today(self) -> date:
        """The bank's day."""
        return self.now.astimezone(CHINA).date()

    def number(self, name: str) -> int:
        """The next number of this name."""
        return store.next_number(self.db, name)


class Bank:
    """The simulated bank on its database; `close` it in the end."""

    def __init__(self, url: str, *, seed: int, furnish: Callable[[Act], None], speed: int = 0) -> None:
        """`speed` 0: the clock is held in hand; 1 or more: it runs from where it stands, so many times as fast.

        `seed` and `furnish` make the first rows of a bank that is new.
        """
        self.url, self.speed, self._furnish = url, speed, furnish
        self.lock = threading.RLock()
        self.kick = threading.Event()  # something may be due for whoever waits
        self._db = self._open(seed)
        row = self._house()
        self.sign_key = Ed25519PrivateKey.from_private_bytes(row["sign_key"])
        self.control_token: str = row["control_token"]
        self._started = (row["now"], passing.monotonic())
        if speed == 1:
            self._started = (max(row["now"], clock.now()), passing.monotonic())

    @contextmanager
    def act(self, at: datetime | None = None) -> Iterator[Act]:
        """One act at the bank's now, or at a due moment on the way there; commits at its end, or leaves nothing."""
        with self.lock:
            db = self._connection()
            with db.transaction():
                row = self._house()
                now = at or row["now"]
                if now != row["now"]:
                    store.set_now(db, now)
                yield Act(db, now, Dice(row["seed"]), profile_of(row["profile"]), row["callback_url"])

    def should_be(self) -> datetime:
        """What a running clock shows by now, to the second; a held one shows what it shows."""
        with self.lock:
            stored: datetime = self._house()["now"]
        if not self.speed:
            return stored
        began, at = self._started
        shown: datetime = began + timedelta(seconds=int((passing.monotonic() - at) * self.speed))
        return max(stored, shown)

    def wire_now(self) -> datetime:
        """The moment that signatures are made and judged by: the bank's own, or the world's where its clock runs."""
        return clock.now() if self.speed else self.should_be()

    def restart_clock(self) -> None:
        """A running clock goes on from the moment stored now."""
        with self.lock:
            self._started = (self._house()["now"], passing.monotonic())

    def close(self) -> None:
        """Give the database back."""
        with self.lock:
            self._db.close()

    def _connection(self) -> Db:
        if self._db.closed:
            self._db = self._open(0)
        return self._db

    def _house(self) -> Any:
        row = store.house(self._connection())
        assert row is not None
        return row

    def _open(self, seed: int) -> Db:
        db = store.connect(self.url)
        until = passing.monotonic() + _PATIENCE
        while True:
            try:
                store.stand_alone(db)
                break
            except AlreadyRuns:
                if passing.monotonic() > until:
                    db.close()
                    raise
                passing.sleep(0.1)
        if store.prepare(db) or store.house(db) is None:
            begin = clock.now().replace(microsecond=0)
            with db.transaction():
                store.found(db, seed=seed, now=begin, sign_key=os.urandom(32), control_token=secrets.token_urlsafe(24))
                self._furnish(Act(db, begin, Dice(seed), profile_of({}), None))
        return db


def midnight(day: date) -> datetime:
    """The first moment of a bank day."""
    return datetime.combine(day, time(), CHINA)


def bank_calendar(profile: Profile, more_unknown: tuple[int, ...] = ()) -> calendar.Calendar:
    """Working days as this bank knows them."""
    hidden = {*profile.unknown_years, *more_unknown}
    return calendar.current().without_years(*hidden) if hidden else calendar.current()


def profile_of(changes: dict[str, Any]) -> Profile:
    """The profile of `bank.toml` with these changes; refuses a name or a value that cannot be."""
    unknown = set(changes) - set(_figures())
    if unknown:
        raise BadOrder(f"the profile has no {sorted(unknown)[0]}", field=sorted(unknown)[0])
    said = {**_figures(), **changes}
    try:
        made = Profile(
            **{name: int(value) for name, value in said.items() if isinstance(_figures()[name], int)
               and not isinstance(_figures()[name], bool) and name != "calls_per_second"},
            cut_off=time.fromisoformat(said["cut_off"]),
            workdays_only=bool(said["workdays_only"]),
            arrival=str(said["arrival"]),
            calls_per_second=int(said["calls_per_second"]) or None,
            files_from=time.fromisoformat(said["files_from"]),
            maintenance=tuple((time.fromisoformat(a), time.fromisoformat(b)) for a, b in said["maintenance"]),
            unknown_years=tuple(int(year) for year in said["unknown_years"]),
            callback_pauses=tuple(int(pause) for pause in said["callback_pauses"]),
        )  # fmt: skip
    except (TypeError, ValueError) as why:
        raise BadOrder(f"this cannot be a profile: {why}", field="profile") from why
    if made.arrival not in ("instant", "same_day", "next_day"):
        raise BadOrder("arrival is instant, same_day or next_day", field="arrival")
    return made


def lowered(profile: Profile, at_most: int | None) -> Profile:
    """The profile with a lower single limit (scenario 19): this many fen, or half of the record for 0."""
    if at_most is None:
        return profile
    return replace(profile, per_payment_max=at_most or profile.per_payment_max // 2)


@cache
def _figures() -> dict[str, Any]:
    said = tomllib.loads(resources.files("anhuan.simbank").joinpath("bank.toml").read_text("utf-8"))
    figures: dict[str, Any] = said["profile"]
    return figures
