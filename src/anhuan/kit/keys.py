"""Keys in an envelope: data keys lie in the database, locked by a master key that is never there.

The master key comes from a file of the installation, from the environment, or stays inside a key service (KMS) that
an external program speaks to. Whoever steals the database, a dump or a backup of it has nothing without it.
"""

import base64
import binascii
import hashlib
import json
import os
import secrets
import shlex
import stat
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Protocol

from sqlalchemy import Connection

from anhuan.kit import settings, store_keys
from anhuan.kit.errors import Broken, Refused, Unavailable
from anhuan.kit.settings import BadSetting
from anhuan.kit.store_keys import LockedKey, Purpose

KEY_BYTES: Final = 32
SERVICE_SECONDS: Final = 30  # a key service that has not answered by then is taken as absent
LOCAL: Final = "AES-256-GCM"  # how a master key that we hold locks a data key
REMOTE: Final = "KMS"


class NoMasterKey(Refused):
    """The data keys are locked by a master key that is not at hand."""

    code = "keys.no_master"


class OpenToOthers(Refused):
    """The file of the master key can be read or replaced by others."""

    code = "keys.open_to_others"


class WrongMasterKey(Broken):
    """A data key does not open with the master key that is said to have locked it, or was altered."""

    code = "keys.wrong_master"


class KeyServiceSilent(Unavailable):
    """The program that speaks to the key service failed or did not answer."""

    code = "keys.service_silent"


class KeyService(Protocol):
    """Whoever holds the master key: locks and unlocks data keys, bound to the place they lie in."""

    @property
    def name(self) -> str:
        """Which master key this is; stands beside what it locked."""

    @property
    def algorithm(self) -> str:
        """By which method it locks."""

    def wrap(self, key: bytes, place: str) -> bytes:
        """Lock a data key."""

    def unwrap(self, wrapped: bytes, place: str) -> bytes:
        """Unlock a data key; raises `WrongMasterKey` when it was locked by another key or for another place."""


@dataclass(frozen=True, slots=True)
class HeldKey:
    """A master key of 32 bytes in the memory of this process."""

    secret: bytes = field(repr=False)

    algorithm: str = field(default=LOCAL, init=False)

    @property
    def name(self) -> str:
        """A fingerprint that tells master keys apart and says nothing about them."""
        return hashlib.sha256(b"anhuan master key\0" + self.secret).hexdigest()[:16]

    def wrap(self, key: bytes, place: str) -> bytes:
        """Lock a data key: nonce, then ciphertext with its tag, by AES-256-GCM (NIST SP 800-38D)."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # here: help pages must not pay for it

        nonce = secrets.token_bytes(12)
        return nonce + AESGCM(self.secret).encrypt(nonce, key, place.encode())

    def unwrap(self, wrapped: bytes, place: str) -> bytes:
        """Unlock a data key."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            return AESGCM(self.secret).decrypt(wrapped[:12], wrapped[12:], place.encode())
        except InvalidTag as error:
            raise WrongMasterKey(f"{place} does not open with the master key {self.name}") from error


@dataclass(frozen=True, slots=True)
class CommandService:
    """A key service behind a program: one JSON object on its stdin, one on its stdout, once for each key.

    Asked `{"act": "name"}` it answers `{"name": ...}`; `{"act": "wrap", "key": BASE64, "context": ...}` gives
    `{"wrapped": BASE64}`; `{"act": "unwrap", "wrapped": BASE64, "context": ...}` gives `{"key": BASE64}`.
    """

    command: tuple[str, ...]

    algorithm: str = field(default=REMOTE, init=False)

    @property
    def name(self) -> str:
        """What the service calls the master key it uses at present."""
        return str(self._ask({"act": "name"}, "name"))

    def wrap(self, key: bytes, place: str) -> bytes:
        """Let the service lock a data key."""
        said = self._ask({"act": "wrap", "key": base64.b64encode(key).decode(), "context": place}, "wrapped")
        return _from_base64(said)

    def unwrap(self, wrapped: bytes, place: str) -> bytes:
        """Let the service unlock a data key."""
        asked = {"act": "unwrap", "wrapped": base64.b64encode(wrapped).decode(), "context": place}
        return _from_base64(self._ask(asked, "key"))

    def _ask(self, asked: Mapping[str, str], wanted: str) -> str:
        calm = {name: value for name, value in os.environ.items() if name not in ("ANHUAN_MASTER_KEY", "DATABASE_URL")}
        try:
            done = subprocess.run(
                self.command, input=json.dumps(asked), capture_output=True, text=True, check=True,
                timeout=SERVICE_SECONDS, env=calm,
            )  # fmt: skip
            return str(json.loads(done.stdout)[wanted])
        except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError) as error:
            # Neither what was asked nor what was answered is told: both may hold a key.
            sentence = f"the program of ANHUAN_KMS_COMMAND did not do {asked['act']!r} ({type(error).__name__})"
            raise KeyServiceSilent(sentence, field="ANHUAN_KMS_COMMAND") from None


@dataclass(frozen=True, slots=True)
class DataKey:
    """A data key at work: its number, what it is for, its secret, and whether it still seals."""

    number: int
    purpose: Purpose
    secret: bytes = field(repr=False)
    retired: bool

    def derived(self, use: str, length: int) -> bytes:
        """A key of its own for one use, by HKDF-SHA256 (RFC 5869), so that no secret serves two algorithms."""
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        return HKDF(SHA256(), length, salt=None, info=f"anhuan {use}".encode()).derive(self.secret)


def master(env: Mapping[str, str] | None = None, *, make: bool = False) -> KeyService:
    """Whoever holds the master key of this installation: the key service, else the environment, else the file.

    A missing file is made only where the caller says so: an installation that has data keys must never get another.
    """
    given = os.environ if env is None else env
    command, text = given.get("ANHUAN_KMS_COMMAND"), given.get("ANHUAN_MASTER_KEY")
    if command and text:
        raise BadSetting("set ANHUAN_KMS_COMMAND or ANHUAN_MASTER_KEY, not both", field="ANHUAN_KMS_COMMAND")
    if command:
        return service(command)
    if text:
        return HeldKey(read_key(text, field="ANHUAN_MASTER_KEY"))
    place = master_file(env)
    if make and not place.exists():
        write_key(place)
    return held_in(place)


def service(command: str) -> KeyService:
    """The key service behind this program, given as a command line."""
    return CommandService(tuple(shlex.split(command)))


def held_in(place: Path) -> KeyService:
    """The master key in this file; refuses a file that others can read or replace."""
    return HeldKey(_read_file(place))


def master_file(env: Mapping[str, str] | None = None) -> Path:
    """Where the master key lies unless the environment says otherwise."""
    return settings.read(env).home / "keys" / "master.key"


def read_key(text: str, *, field: str) -> bytes:
    """A master key from its base64 text; refuses what is not 32 bytes, without repeating it."""
    try:
        secret = base64.b64decode(text.strip().encode(), validate=True)
    except binascii.Error:
        secret = b""
    if len(secret) != KEY_BYTES:
        raise BadSetting(f"{field} must be {KEY_BYTES} bytes in base64", field=field)
    return secret


def write_key(place: Path, secret: bytes | None = None) -> None:
    """Write a master key, a fresh one unless given, to a file nobody else may read; the first of two writers wins."""
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = place.with_name(f"{place.name}.{secrets.token_hex(4)}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as out:
        out.write(base64.b64encode(secret or secrets.token_bytes(KEY_BYTES)) + b"\n")
        out.flush()
        os.fsync(out.fileno())
    try:
        os.link(fresh, place)  # unlike a rename this never replaces a key that is there
    except FileExistsError:
        if secret is not None:
            raise
    finally:
        fresh.unlink()


def establish(connection: Connection, *, now: datetime) -> None:
    """Make the first keys of a fresh database, in the caller's transaction, as the owner; nothing if it has any."""
    store_keys.alone(connection)
    if store_keys.keys(connection):
        return
    holder = master(make=True)
    for purpose in Purpose:
        add_key(connection, holder, purpose, now=now)


def add_key(connection: Connection, holder: KeyService, purpose: Purpose, *, now: datetime) -> int:
    """Make one more key and keep it locked; returns its number. The caller is `alone`."""
    number = store_keys.next_number(connection)
    wrapped = holder.wrap(secrets.token_bytes(KEY_BYTES), _place(number, purpose))
    told: dict[str, Any] = {"algorithm": holder.algorithm, "master": holder.name}
    store_keys.add(connection, number, purpose, wrapped=wrapped, now=now, **told)
    return number


def unlock(
    rows: Sequence[LockedKey], holder: KeyService | None = None, *, known: Mapping[int, bytes] | None = None
) -> list[DataKey]:
    """The keys that were not destroyed, opened by the master key of this installation.

    Those whose secrets are `known` by number are not opened again: no key service is asked twice.
    """
    kept = [row for row in rows if row.wrapped is not None]
    if not kept:
        raise NoMasterKey("the database has no data keys: run `anhuan db migrate`")
    opened = dict(known or {})
    locked = [row for row in kept if row.id not in opened]
    if locked:
        held = holder or master()
        _insist_on(held, locked)
        opened |= {row.id: held.unwrap(row.wrapped or b"", _place(row.id, row.purpose)) for row in locked}
    return [DataKey(row.id, row.purpose, opened[row.id], bool(row.retired_at)) for row in kept]


def rewrap(connection: Connection, before: KeyService, after: KeyService) -> int:
    """Put every data key under another master key, in the caller's transaction, as the owner; returns how many."""
    store_keys.alone(connection)
    rows = [row for row in store_keys.keys(connection) if row.wrapped is not None]
    algorithm, name = after.algorithm, after.name
    if {row.master for row in rows} == {name}:
        return len(rows)  # a run that was killed before it could put the new master key into place
    opened = unlock(rows, before)
    for key in opened:
        wrapped = after.wrap(key.secret, _place(key.number, key.purpose))
        store_keys.relock(connection, key.number, algorithm=algorithm, master=name, wrapped=wrapped)
    return len(opened)


def _insist_on(held: KeyService, locked: Sequence[LockedKey]) -> None:
    """Say which master key is missing, instead of that a key is broken."""
    if isinstance(held, HeldKey) and (foreign := {row.master for row in locked} - {held.name}):
        sentence = f"the data keys are locked by the master key {', '.join(sorted(foreign))}, here is {held.name}"
        raise NoMasterKey(sentence, field="ANHUAN_MASTER_KEY")


def _place(number: int, purpose: Purpose) -> str:
    return f"data_keys/{number}/{purpose}"


def _read_file(place: Path) -> bytes:
    """The master key in a file that only its owner may touch, in a folder where only the owner may put files."""
    try:
        handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        sentence = f"the master key {place} is missing: bring it back from its backup, or set ANHUAN_MASTER_KEY"
        raise NoMasterKey(sentence, field="ANHUAN_MASTER_KEY") from None
    with os.fdopen(handle, "rb") as file:
        _only_ours(place, os.fstat(file.fileno()), forbidden=0o077)
        _only_ours(place.parent, place.parent.stat(), forbidden=0o022)
        return read_key(file.read(200).decode("ascii", "replace"), field=str(place))


def _only_ours(place: Path, info: os.stat_result, *, forbidden: int) -> None:
    if info.st_uid not in (os.geteuid(), 0) or stat.S_IMODE(info.st_mode) & forbidden:
        raise OpenToOthers(f"{place} is open to others: chmod {'600' if place.is_file() else '700'} {place}")


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise KeyServiceSilent("the key service answered no base64", field="ANHUAN_KMS_COMMAND") from None
