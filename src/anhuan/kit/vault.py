"""The vault: values are sealed before they reach the database, and found again by keyed hashes.

A sealed value is: 1 byte format, 4 bytes number of the data key, 12 bytes nonce, ciphertext, 16 bytes tag. The name of
its table and column is authenticated with it, so a value that was moved to another column does not open.

Nonces are random (NIST SP 800-38D, 8.2.2), which allows 2^32 values under one key. They are drawn from blocks that the
database counts before the first is used, so the count can only be too high, whatever is killed. What a block lends ends
after `LEASE_SECONDS`: by then a process knows that its key was retired.
"""

import hmac
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from functools import cache
from struct import Struct
from struct import error as StructError  # noqa: N812 - it is a class
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy import Column, ColumnElement, Connection, Dialect, Engine, LargeBinary, Table, create_engine, event
from sqlalchemy.pool import NullPool
from sqlalchemy.sql import operators
from sqlalchemy.types import TypeDecorator

from anhuan.kit import db, keys, store_keys
from anhuan.kit.errors import Broken, Unavailable
from anhuan.kit.keys import DataKey
from anhuan.kit.settings import BadSetting
from anhuan.kit.store_keys import Purpose

AES: Final = 1
SM4: Final = 2
FORMATS: Final = {"aes": AES, "sm4": SM4}
MOST_SEALS: Final = 2**32  # NIST SP 800-38D, 8.3: at most so many random nonces under one key
WORN_AT: Final = 2**30  # selfcheck asks for a new key from here on
LEASE_SECONDS: Final = 30.0
HASH_BYTES: Final = 16
_FIRST_BLOCK: Final = 256
_LARGEST_BLOCK: Final = 2**20
_DRAW: Final = 1024  # nonces at a time: one call to the system for many
_HEADER: Final = Struct(">BI")
_INT: Final = Struct(">q")
_TYPED_INT: Final = Struct(">cq")
_LEAST: Final = -(2**63)
_MOST: Final = 2**63 - 1
T = TypeVar("T")
_Cipher = Callable[[bytes, bytes, bytes], bytes]  # nonce, text, place


class CannotOpen(Broken):
    """A sealed value does not open: another key sealed it, it was altered, or it was moved from another column."""

    code = "vault.cannot_open"


class KeyWornOut(Unavailable):
    """The data key has sealed as many values as is safe: `anhuan keys rotate` makes the next one."""

    code = "vault.key_worn_out"


class LawBroken(Broken):
    """A row was given a value that its column may not hold; the database cannot see it, so the row itself says no."""

    code = "vault.law_broken"


class NoPlace(Broken):
    """A sealed type is used without a column of a table, so nothing says where its values belong."""

    code = "vault.no_place"


def seal(place: str, value: Any) -> bytes:
    """Seal one value for a place ("table.column"): str, int, date, bytes, Decimal, UUID, datetime, bool or JSON."""
    ring = _held.ring if _held.bind is db._bound else _ring()
    if ring.until < time.monotonic():
        ring.renew()
    return ring.sealer.seal(pack(value), place.encode())


def open_(place: str, sealed: bytes) -> Any:
    """The value that was sealed for this place, of the type it had; `CannotOpen` names the place alone."""
    return unpack(open_raw(place, sealed))


def open_raw(place: str, sealed: bytes) -> bytes:
    """The packed value, for whoever seals it again without looking at it."""
    ring = _held.ring if _held.bind is db._bound else _ring()
    try:
        opened = ring.openers.get(sealed[:5]) or ring.opener(sealed[:5])
        return opened(sealed[5:17], sealed[17:], place.encode())
    except _unopened() as error:
        raise CannotOpen(f"a value of {place} does not open") from error


def seal_raw(place: str, packed: bytes) -> bytes:
    """Seal what `open_raw` gave."""
    ring = _ring()
    if ring.until < time.monotonic():
        ring.renew()
    return ring.sealer.seal(packed, place.encode())


def header_now() -> bytes:
    """The first five bytes of whatever is sealed from now on: format and key."""
    ring = _ring()
    ring.renew(at_once=True)
    return ring.sealer.header


def keyed_hash(purpose: str, value: str | bytes, *, party: UUID | None = None) -> bytes:
    """Sixteen bytes that stand for a value in an index and say nothing about it without the key (HMAC-SHA256).

    The same value hashes differently for each purpose, and for each party where one is named. Raises nothing: the
    caller brings the value into the one form it is searched by.
    """
    told = value.encode() if isinstance(value, str) else value
    owner = b"\0" if party is None else b"\1" + party.bytes
    return hmac.digest(_ring().hash_key(purpose), owner + told, "sha256")[:HASH_BYTES]


def keyed_number(purpose: str, value: str | bytes, *, party: UUID | None = None) -> int:
    """The same as a signed number of 64 bits, for compact indexes; two values may rarely share one."""
    number: int = _INT.unpack(keyed_hash(purpose, value, party=party)[:8])[0]
    return number


def insist(value: T, lawful: bool, law: str) -> T:
    """The value, where its column's law holds: what a CHECK constraint would uphold if the database could see it."""
    if not lawful:
        raise LawBroken(law)
    return value


@contextmanager
def keys_of(connection: Connection) -> Iterator[None]:
    """Let a migration seal with the keys that its own, uncommitted transaction sees."""
    global _held  # one at a time: migrations run alone
    before, held = db.use(connection), _held
    _held = _Held(connection, Ring(lambda: _lend(connection)))
    try:
        yield
    finally:
        db.use(before)
        _held = held


# What a value is before it is sealed: one letter for its type, then its bytes. Money has a fixed width, because the
# length of what is sealed can be seen.


def pack(value: Any) -> bytes:
    """The bytes of a value, with its type."""
    kind = type(value)
    if kind is int:
        return _TYPED_INT.pack(b"i", value) if _LEAST <= value <= _MOST else b"I" + str(value).encode()
    return b"s" + value.encode() if kind is str else _packed(value)


def unpack(packed: bytes) -> Any:
    """The value of packed bytes."""
    kind = packed[:1]
    return _TYPED_INT.unpack(packed)[1] if kind == b"i" else _UNPACK[kind](packed[1:])


def _packed(value: Any) -> bytes:
    match value:
        case bytes():
            return b"b" + value
        case bool() | list() | dict() | float() | tuple():
            return b"j" + msgspec.json.encode(value)
        case IntEnum() | StrEnum():
            return pack(value.value)
        case datetime():
            return b"t" + value.isoformat().encode()
        case date():
            return b"d" + value.isoformat().encode()
        case Decimal():
            return b"n" + str(value).encode()
        case UUID():
            return b"u" + value.bytes
    raise TypeError(f"a {type(value).__name__} cannot be sealed")


_UNPACK: Final[dict[bytes, Callable[[bytes], Any]]] = {
    b"s": bytes.decode,
    b"I": lambda body: int(body.decode()),
    b"b": bytes,
    b"j": msgspec.json.decode,
    b"t": lambda body: datetime.fromisoformat(body.decode()),
    b"d": lambda body: date.fromisoformat(body.decode()),
    b"n": lambda body: Decimal(body.decode()),
    b"u": lambda body: UUID(bytes=body),
}


class Sealed(TypeDecorator[Any]):
    """A column whose values are sealed: `mapped_column(Sealed(str), info=C2)`. Nothing stays NULL.

    The database can neither compare nor add such values; what must be found has a keyed hash beside it.
    """

    impl = LargeBinary
    cache_ok = True

    class Comparator(TypeDecorator.Comparator[Any]):
        """Whether there is a value can be asked; a comparison would be with another ciphertext, and never hold."""

        def operate(self, op: Any, *other: Any, **more: Any) -> Any:
            """Refuse what the database cannot do with sealed values."""
            # SQLAlchemy itself asks whether a column equals a column, to find it again among others.
            if op in (operators.is_, operators.is_not) or (other and isinstance(other[0], ColumnElement | None)):
                return super().operate(op, *other, **more)
            raise TypeError(f"{self.expr} is sealed: the database cannot compare, order or add it")

    comparator_factory = Comparator

    def __init__(self, kind: type[Any] = object, place: str = "") -> None:
        super().__init__()
        self.kind = kind
        self.place = place  # part of the cache key, so no statement is run with another column's place

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        """Seal on the way to the database; refuses a value of another type, which is a mistake in the program."""
        if value is None:
            return None
        if not isinstance(value, self.kind):
            raise TypeError(f"{self.place} holds {self.kind.__name__}, not {type(value).__name__}")
        return seal(self._known_place(), value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Any:
        """Open on the way from the database."""
        return None if value is None else open_(self._known_place(), value)

    def _known_place(self) -> str:
        if not self.place:
            raise NoPlace("a sealed type was used outside a table's column")
        return self.place


@event.listens_for(Column, "after_parent_attach")
def _put_in_place(column: Column[Any], parent: Any) -> None:
    """Tell a sealed type the column it stands in; a type object that two columns share would know only one."""
    if isinstance(column.type, Sealed) and isinstance(parent, Table):
        place = f"{parent.name}.{column.name}"
        if column.type.place not in ("", place):
            column.type = Sealed(column.type.kind)
        column.type.place = place
        column.type.__dict__.pop("_static_cache_key", None)  # remembered from before it had a place


# Keys at work


class Sealer:
    """The key that seals at present, and the nonces lent for it."""

    def __init__(self, number: int, kind: int, encrypt: _Cipher, reserve: Callable[[int, int], int]) -> None:
        self.number = number
        self.header = _HEADER.pack(kind, number)
        self._encrypt, self._reserve = encrypt, reserve
        self._nonces: list[bytes] = []
        self._lent, self._block = 0, _FIRST_BLOCK
        self._lock = threading.Lock()

    def seal(self, packed: bytes, place: bytes) -> bytes:
        """Seal packed bytes for a place, with a nonce that serves once."""
        try:
            nonce = self._nonces.pop()  # atomic: no two threads get the same one
        except IndexError:
            nonce = self._draw()
        return self.header + nonce + self._encrypt(nonce, packed, place)

    def _draw(self) -> bytes:
        with self._lock:
            if not self._lent:
                self._borrow()
            count = min(_DRAW, self._lent)
            self._lent -= count
            chance = os.urandom(12 * count)
            fresh = [chance[at : at + 12] for at in range(0, len(chance), 12)]
            first = fresh.pop()
            self._nonces.extend(fresh)
        return first

    def _borrow(self) -> None:
        """Count the next block in the database before any of it is used; blocks double, so calls are few."""
        if self._reserve(self.number, self._block) > MOST_SEALS:
            raise KeyWornOut(f"data key {self.number} has sealed 2^32 values: run `anhuan keys rotate`")
        self._lent = self._block
        self._block = min(_LARGEST_BLOCK, self._block * 2)


class Ring:
    """The opened keys of one database: one that seals, all that open, one that hashes."""

    def __init__(self, lend: Callable[[], AbstractContextManager[Connection]]) -> None:
        self.openers: dict[bytes, _Cipher] = {}
        self.sealer: Sealer
        self._lend = lend
        self._lock = threading.Lock()
        self._secrets: dict[int, bytes] = {}
        self._load()

    def renew(self, *, at_once: bool = False) -> None:
        """Ask again which key seals, because another process may have made a new one."""
        with self._lock:
            if at_once or self.until < time.monotonic():
                self._load()

    def opener(self, header: bytes) -> _Cipher:
        """What opens values that begin with these five bytes; an unknown key is looked for once more."""
        kind, number = _HEADER.unpack(header)
        with self._lock:
            if number not in self._data and self._loaded < time.monotonic() - 1:
                self._load()
            opened = self.openers[header] = _opening(kind, self._data[number])
        return opened

    def hash_key(self, purpose: str) -> bytes:
        """The key of one purpose's hashes."""
        found = self._hash_keys.get(purpose)
        if found is None:
            found = self._hash_keys[purpose] = self._index.derived(f"hash {purpose}", 32)
        return found

    def _load(self) -> None:
        with self._lend() as connection:
            opened = keys.unlock(store_keys.keys(connection), known=self._secrets)
        self._secrets = {key.number: key.secret for key in opened}
        self._data = {key.number: key for key in opened if key.purpose == Purpose.DATA}
        self.openers = {}
        self._hash_keys: dict[str, bytes] = {}
        self._index = max((key for key in opened if key.purpose == Purpose.INDEX), key=_number)
        current = max((key for key in self._data.values() if not key.retired), key=_number)
        kind = chosen_format()
        if not hasattr(self, "sealer") or self.sealer.header != _HEADER.pack(kind, current.number):
            self.sealer = Sealer(current.number, kind, _sealing(kind, current), self._reserve)
        self._loaded = time.monotonic()
        self.until = self._loaded + LEASE_SECONDS

    def _reserve(self, number: int, count: int) -> int:
        with self._lend() as connection:
            return store_keys.reserve(connection, number, count)


def chosen_format() -> int:
    """The cipher that the environment asks for what is sealed from now on (ANHUAN_CIPHER); both are always opened."""
    name = os.environ.get("ANHUAN_CIPHER") or "aes"
    if name not in FORMATS:
        raise BadSetting(f"ANHUAN_CIPHER must be one of {', '.join(FORMATS)}, not {name!r}", field="ANHUAN_CIPHER")
    return FORMATS[name]


@dataclass(frozen=True, slots=True)
class _Held:
    """The ring in use and the bind it belongs to."""

    bind: Engine | Connection | None
    ring: Any


_NONE: Final = _Held(object(), None)  # type: ignore[arg-type]  # a bind that no process has
_held: _Held = _NONE
_rings: dict[str, Ring] = {}
_lock = threading.Lock()


def _ring() -> Ring:
    """The ring of the database that this process works on; loaded at its first use."""
    global _held  # the ring used last
    held, bind = _held, db._bind()
    if held.bind is not bind:
        url = bind.engine.url
        with _lock:
            place = f"{url.host}:{url.port}/{url.database}?{sorted(url.query.items())}"
            if place not in _rings:
                engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
                _rings[place] = Ring(engine.begin)
            _held = held = _Held(bind, _rings[place])
    ring: Ring = held.ring
    return ring


@contextmanager
def _lend(connection: Connection) -> Iterator[Connection]:
    yield connection


def forget() -> None:
    """Drop every opened key of this process; the next use loads them again. A forked child must not share nonces."""
    global _held, _lock
    _held, _lock = _NONE, threading.Lock()
    _rings.clear()


os.register_at_fork(after_in_child=forget)


def _number(key: DataKey) -> int:
    return key.number


def _sealing(kind: int, key: DataKey) -> _Cipher:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if kind == AES:
        return AESGCM(key.derived("AES-256-GCM", 32)).encrypt
    secret = key.derived("SM4-GCM", 16)

    def encrypt(nonce: bytes, text: bytes, place: bytes) -> bytes:
        sealing = Cipher(algorithms.SM4(secret), modes.GCM(nonce)).encryptor()
        sealing.authenticate_additional_data(place)
        return sealing.update(text) + sealing.finalize() + sealing.tag

    return encrypt


def _opening(kind: int, key: DataKey) -> _Cipher:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if kind == AES:
        return AESGCM(key.derived("AES-256-GCM", 32)).decrypt
    if kind != SM4:
        raise KeyError(kind)
    secret = key.derived("SM4-GCM", 16)

    def decrypt(nonce: bytes, text: bytes, place: bytes) -> bytes:
        opening = Cipher(algorithms.SM4(secret), modes.GCM(nonce)).decryptor()
        opening.authenticate_additional_data(place)
        return opening.update(text[:-16]) + opening.finalize_with_tag(text[-16:])

    return decrypt


@cache
def _unopened() -> tuple[type[Exception], ...]:
    """What a value that does not open raises; asked only then, so that help pages do not load the ciphers."""
    from cryptography.exceptions import InvalidTag

    return (InvalidTag, KeyError, ValueError, StructError)
