"""The balance of an account over time as shapes: a step line in one small picture; the template only prints it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

WIDTH: Final = 640
HEIGHT: Final = 120
LEFT: Final = 8
RIGHT: Final = 632
TOP: Final = 8
BASE: Final = 112


@dataclass(frozen=True, slots=True)
class Curve:
    """The picture: a step line with its area, the line of zero, the last point; from when to when, and how far."""

    line: str
    area: str
    zero_y: int
    last_x: int
    last_y: int
    highest: int
    lowest: int
    since: datetime
    until: datetime
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = RIGHT


def curve(steps: Sequence[tuple[datetime, int]], *, until: datetime) -> Curve | None:
    """Draw balances (minor units) that hold from their moments on, up to `until`; nothing for fewer than two."""
    if len(steps) < 2:
        return None
    first, last = steps[0][0], max(until, steps[-1][0])
    highest, lowest = max(0, *(value for _, value in steps)), min(0, *(value for _, value in steps))
    span, height = max(1.0, (last - first).total_seconds()), max(1, highest - lowest)

    def x(at: datetime) -> int:
        return LEFT + int((at - first).total_seconds() * (RIGHT - LEFT) / span)

    def y(value: int) -> int:
        return BASE - (value - lowest) * (BASE - TOP) // height

    corners = [(x(steps[0][0]), y(steps[0][1]))]
    for at, value in steps[1:]:
        corners += [(x(at), corners[-1][1]), (x(at), y(value))]
    corners.append((RIGHT, corners[-1][1]))
    path = " L".join(f"{a} {b}" for a, b in corners)
    return Curve(
        line=f"M{path}", area=f"M{corners[0][0]} {y(0)} L{path} L{RIGHT} {y(0)} Z", zero_y=y(0), last_x=RIGHT,
        last_y=corners[-1][1], highest=highest, lowest=lowest, since=first,
        until=last,
    )  # fmt: skip


def sampled(seq: int, *, at_most: int = 60) -> list[int]:
    """Which entries to draw of an account that has this many: evenly spaced, the first and the last among them."""
    if seq <= at_most:
        return list(range(1, seq + 1))
    return sorted({1 + round(place * (seq - 1) / (at_most - 1)) for place in range(at_most)})
