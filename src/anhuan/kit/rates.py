"""How often something may be tried: limits as dated configuration, counters shared by all processes of a house.

A counter survives restarts and the failure of the request that tried: it is written on a connection of its own. Its key
is kept as a keyed hash alone. The algorithm is GCRA: a limit of 8 in 900 seconds lets 8 through at once and gives back
one every 112 seconds, so nobody waits for a window to end and nobody gets two windows' worth at its border.
"""

import math
import threading
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from importlib import resources
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session, sessionmaker

from anhuan.kit import clock, db, store_rates, vault
from anhuan.kit.errors import Broken, Refused

SWEEP_EVERY: Final = timedelta(minutes=10)
MOST_KNOWN: Final = 20_000  # refused or local keys that one process remembers
IPV6_PREFIX: Final = 64  # what one household or one rented machine has (RFC 6177): its addresses count as one


class TooMany(Refused):
    """请求太频繁: tried too often; `retry_after` in the facts says in how many seconds it may be tried again."""

    code = "access.too_many"


class NoSuchLimit(Broken):
    """The code asks for a limit that the configuration does not have on this day."""

    code = "access.no_such_limit"


@dataclass(frozen=True, slots=True)
class Limit:
    """So many tries at once, regained evenly over so many seconds."""

    name: str
    at_once: int
    seconds: float

    @property
    def window(self) -> timedelta:
        """The time that tries may fill ahead."""
        return timedelta(seconds=self.seconds)

    @property
    def step(self) -> timedelta:
        """The time one try takes."""
        return self.window / self.at_once


@dataclass(frozen=True, slots=True)
class _Row:
    limit: Limit
    valid_from: date
    valid_to: date | None


def limit(name: str, *, on: date | None = None) -> Limit:
    """The limit of this name that holds on the day, today if none is said."""
    day = on or clock.today()
    for row in _rows().get(name, ()):
        if row.valid_from <= day and (row.valid_to is None or day < row.valid_to):
            return row.limit
    raise NoSuchLimit(f"no limit named {name} on {day}")


def names() -> tuple[str, ...]:
    """Every limit of the configuration."""
    return tuple(_rows())


def take(key: str, of: Limit, *, now: datetime, sessions: sessionmaker[Session] | None = None) -> None:
    """Count one try of this key, at once and for good; raises TooMany, and counts nothing, when it comes too soon."""
    take_all([(key, of)], now=now, sessions=sessions)


def take_all(
    wanted: Sequence[tuple[str, Limit]], *, now: datetime, sessions: sessionmaker[Session] | None = None
) -> None:
    """Count one try of each key in one statement; raises TooMany with the longest wait when any comes too soon."""
    bind: Engine | Connection = (sessions or db.sessions()).kw["bind"]
    tries = [store_rates.Try(_hashed(key, of), of.step, of.window) for key, of in wanted]
    known = _known_of(bind)
    refused = known.still(tries, now)
    if not refused:
        refused = store_rates.take(bind, tries, now=now)
        known.keep(refused, now)
        if known.sweep_due(now):
            store_rates.sweep(bind, before=now)
    if refused:
        raise too_many(max(refused.values()) - now)


def take_sign_in(
    account: str, address: str, *, known_device: bool, now: datetime, sessions: sessionmaker[Session] | None = None
) -> None:
    """Count one try to sign in to an account from an address; raises TooMany.

    Tight for the pair of both; loose for the account alone, and only for devices it does not know: who guesses at
    somebody's account slows down other strangers, never its owner at home.
    """
    day = now.astimezone(clock.CHINA).date()
    wanted = [(f"{account}|{address_key(address)}", limit("sign_in.account_address", on=day))]
    if not known_device:
        wanted.append((account, limit("sign_in.account", on=day)))
    take_all(wanted, now=now, sessions=sessions)


def sweep(*, now: datetime, sessions: sessionmaker[Session] | None = None) -> None:
    """Forget counters that are at rest; `take` does so by itself from time to time."""
    store_rates.sweep((sessions or db.sessions()).kw["bind"], before=now)


def too_many(wait: timedelta) -> TooMany:
    """The refusal with its wait in whole seconds, at least one."""
    seconds = max(1, math.ceil(wait.total_seconds()))
    return TooMany(f"请求太频繁,请在 {seconds} 秒后再试。没有保存任何改动。", retry_after=seconds)


def address_key(address: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 of an IPv6 address; anything else as it is."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped or ip_network((found, IPV6_PREFIX), strict=False))
    return str(found)


class Local:
    """The same algorithm in the memory of one process, for floods that should cost nothing."""

    def __init__(self) -> None:
        self._busy_until: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def take(self, key: str, of: Limit, *, now: datetime) -> timedelta | None:
        """Count one try; the time to wait when it comes too soon, else None."""
        with self._lock:
            if len(self._busy_until) >= MOST_KNOWN:
                self._busy_until = {held: until for held, until in self._busy_until.items() if until > now}
                if len(self._busy_until) >= MOST_KNOWN:  # a flood from everywhere: forget all rather than grow
                    self._busy_until = {}
            then = max(self._busy_until.get(key, now), now) + of.step
            if then > now + of.window:
                return then - of.window - now
            self._busy_until[key] = then
            return None


class _Known:
    """Keys of one database that are refused until a moment: until then the database need not be asked again."""

    def __init__(self) -> None:
        self._until: dict[bytes, datetime] = {}
        self._lock = threading.Lock()
        self._swept_at: datetime | None = None

    def still(self, tries: Sequence[store_rates.Try], now: datetime) -> dict[bytes, datetime]:
        with self._lock:
            return {
                each.key_hash: until
                for each in tries
                if (until := self._until.get(each.key_hash)) is not None and until - each.window < now < until
            }

    def keep(self, refused: Mapping[bytes, datetime], now: datetime) -> None:
        if not refused:
            return
        with self._lock:
            if len(self._until) >= MOST_KNOWN:
                self._until = {key: until for key, until in self._until.items() if until > now}
            if len(self._until) < MOST_KNOWN:
                self._until.update(refused)

    def sweep_due(self, now: datetime) -> bool:
        with self._lock:
            due = self._swept_at is None or now - self._swept_at >= SWEEP_EVERY
            if due:
                self._swept_at = now
            return due


_known: WeakKeyDictionary[Engine, _Known] = WeakKeyDictionary()  # of each database this process works on
_known_lock: Final = threading.Lock()


def _known_of(bind: Engine | Connection) -> _Known:
    if not isinstance(bind, Engine):
        return _Known()
    with _known_lock:
        return _known.setdefault(bind, _Known())


def _hashed(key: str, of: Limit) -> bytes:
    return vault.keyed_hash("rates", f"{of.name}\0{key}")


@cache
def _rows() -> Mapping[str, tuple[_Row, ...]]:
    said = tomllib.loads(resources.files("anhuan.kit").joinpath("seeds", "limits.toml").read_text("utf-8"))
    sources = said.pop("sources")
    del said["checked_on"]
    found = {}
    for name, held in said.items():
        for row in held["rows"]:
            assert row["source"] in sources, name
        found[name] = tuple(
            _Row(Limit(name, row["at_once"], row["seconds"]), row["from"], row.get("to")) for row in held["rows"]
        )
    return found
