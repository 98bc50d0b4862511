"""The dice of a town: every draw is a hash of the seed and of what is decided, so threads and kills change no draw."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Dice:
    """The dice of one seed."""

    seed: int

    def number(self, *about: object) -> int:
        """A whole number of 64 bits for this question."""
        said = "\x1f".join(map(str, (self.seed, *about))).encode()
        return int.from_bytes(hashlib.sha256(said).digest()[:8], "big")

    def between(self, low: int, high: int, *about: object) -> int:
        """A whole number from low to high, both included."""
        return low + self.number(*about) % (high - low + 1)

    def percent(self, many: int, *about: object) -> bool:
        """Whether something happens that happens so many times in a hundred."""
        return self.number(*about) % 100 < many

    def one_of(self, choices: Sequence[T], *about: object) -> T:
        """One of the choices."""
        return choices[self.number(*about) % len(choices)]

    def shuffled(self, things: Sequence[T], *about: object) -> list[T]:
        """The things in an order of chance."""
        order = sorted(range(len(things)), key=lambda place: self.number(*about, place))
        return [things[place] for place in order]
