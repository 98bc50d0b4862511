"""Chance that can be repeated: every draw is a hash of the seed and of what is being decided, in no order at all.

Two runs with one seed draw alike even where their threads do not; nothing here is secret or fit to guard a secret.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Protocol, TypeVar
from uuid import UUID

_BITS: Final = 64
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Dice:
    """The dice of one seed."""

    seed: int

    def bytes(self, *about: object) -> bytes:
        """32 bytes for this question."""
        return hashlib.sha256("\x1f".join(map(str, (self.seed, *about))).encode()).digest()

    def number(self, *about: object) -> int:
        """A whole number of 64 bits for this question."""
        return int.from_bytes(self.bytes(*about)[: _BITS // 8], "big")

    def between(self, low: int, high: int, *about: object) -> int:
        """A whole number from low to high, both included."""
        return low + self.number(*about) % (high - low + 1)

    def chance(self, probability: Fraction, *about: object) -> bool:
        """Whether something of this probability happens here."""
        return self.number(*about) < probability * (1 << _BITS)

    def one_of(self, choices: Sequence[T], *about: object) -> T:
        """One of the choices."""
        return choices[self.number(*about) % len(choices)]

    def digits(self, many: int, *about: object) -> str:
        """So many decimal digits, for references."""
        return str(int.from_bytes(self.bytes(*about), "big") % 10**many).zfill(many)

    def token(self, *about: object) -> str:
        """A short word of 128 bits, for nonces."""
        return base64.urlsafe_b64encode(self.bytes(*about)[:16]).decode().rstrip("=")

    def uuid(self, *about: object) -> UUID:
        """An id of version 8 (RFC 9562)."""
        chance = int.from_bytes(self.bytes(*about)[:16], "big") & ~(0xF << 76 | 0b11 << 62)
        return UUID(int=chance | 0x8 << 76 | 0b10 << 62)

    def stream(self, *about: object) -> "Stream":
        """Draws one after the other, for code that wants to choose as it goes."""
        return Stream(self.bytes("stream", *about))


class Draws(Protocol):
    """What code that chooses as it goes may ask of chance; `Stream` and the library's own generators have it."""

    def randbytes(self, many: int, /) -> bytes:
        """So many bytes."""

    def getrandbits(self, many: int, /) -> int:
        """A whole number of so many bits."""

    def randrange(self, stop: int, /) -> int:
        """A whole number from 0 to below `stop`."""

    def randint(self, low: int, high: int, /) -> int:
        """A whole number from low to high, both included."""

    def choice(self, choices: Sequence[T], /) -> T:
        """One of the choices."""

    def random(self) -> float:
        """A share from 0 to below 1."""


class Stream:
    """A row of draws from one start; the same start gives the same row."""

    def __init__(self, start: bytes) -> None:
        self._start, self._drawn = start, 0

    def randbytes(self, many: int) -> bytes:
        """So many bytes."""
        found = b""
        while len(found) < many:
            self._drawn += 1
            found += hashlib.sha256(self._start + self._drawn.to_bytes(8, "big")).digest()
        return found[:many]

    def getrandbits(self, many: int) -> int:
        """A whole number of so many bits."""
        return int.from_bytes(self.randbytes(-(-many // 8)), "big") >> -many % 8

    def randrange(self, stop: int) -> int:
        """A whole number from 0 to below `stop`."""
        return self.getrandbits(_BITS + stop.bit_length()) % stop

    def randint(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + self.randrange(high - low + 1)

    def choice(self, choices: Sequence[T]) -> T:
        """One of the choices."""
        return choices[self.randrange(len(choices))]

    def random(self) -> float:
        """A share from 0 to below 1, of no money."""
        return self.getrandbits(53) / (1 << 53)
