"""Chance that can be repeated: every draw is a hash of the seed and of what is being decided, in no order at all.

Two runs with one seed draw alike even where their threads do not; nothing here is secret or fit to guard a secret.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, TypeVar
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
