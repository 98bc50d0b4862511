"""The timeline of a plan as shapes: what the own accounts hold day by day, what is paid, what comes in.

Pure geometry in whole pixels of one small picture; the template only prints it (web.md, section 6).
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from anhuan.planning.model import Plan, Request

WIDTH: Final = 358
HEIGHT: Final = 150
LEFT: Final = 4
RIGHT: Final = 354
TOP: Final = 22
BASE: Final = 126


@dataclass(frozen=True, slots=True)
class Bar:
    """A payment or an income on a day: a bar from the ground up, in fen and pixels."""

    x: int
    y: int
    height: int
    on: date
    amount: int


@dataclass(frozen=True, slots=True)
class Tick:
    """A day written under the picture."""

    x: int
    on: date
    anchor: str


@dataclass(frozen=True, slots=True)
class Point:
    """The lowest balance: where it stands and what it is, in fen."""

    x: int
    y: int
    on: date
    amount: int


@dataclass(frozen=True, slots=True)
class DayRow:
    """One day on which something happens, for the table under the picture; amounts in fen."""

    on: date
    income: int
    paid: int
    balance: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """The picture: the balance as a step line, bars, the reserve, the lowest point, and the same as rows."""

    line: str
    area: str
    payments: tuple[Bar, ...]
    incomes: tuple[Bar, ...]
    reserve: int
    reserve_y: int | None
    lowest: Point
    ticks: tuple[Tick, ...]
    rows: tuple[DayRow, ...]
    width: int = WIDTH
    height: int = HEIGHT
    base: int = BASE


def timeline(request: Request, plan: Plan) -> Timeline:
    """Draw what the accounts of the request hold at the end of each day if the plan is followed."""
    income, paid = _flows(request), _payments(plan)
    balances: list[int] = []
    held = sum(account.balance for account in request.accounts)
    for day in range(request.as_of, request.last + 1):
        held += income.get(day, 0) - paid.get(day, 0) + _moved(plan, day)
        balances.append(held)
    top = max(*balances, *paid.values(), *income.values(), 1)
    scale = _Scale(request.as_of, request.last, min(0, *balances), top)
    reserve = sum(account.reserve for account in request.accounts)
    corners = _corners(scale, request.as_of, balances)
    low = min(range(len(balances)), key=lambda n: (balances[n], n))
    return Timeline(
        line="M" + " L".join(f"{x} {y}" for x, y in corners),
        area="M" + " L".join(f"{x} {y}" for x, y in [(corners[0][0], BASE), *corners, (corners[-1][0], BASE)]) + " Z",
        payments=tuple(_bar(scale, day, amount) for day, amount in sorted(paid.items())),
        incomes=tuple(_bar(scale, day, amount) for day, amount in sorted(income.items()) if amount > 0),
        reserve=reserve,
        reserve_y=scale.y(reserve) if reserve else None,
        lowest=_point(scale, request.as_of + low, balances[low]),
        ticks=_ticks(scale),
        rows=tuple(
            DayRow(date.fromordinal(day), income.get(day, 0), paid.get(day, 0), balances[day - request.as_of])
            for day in sorted({*income, *paid})
            if request.as_of <= day <= request.last
        ),
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    first: int
    last: int
    floor: int
    top: int

    def x(self, day: int) -> int:
        return LEFT + (day - self.first) * (RIGHT - LEFT) // max(1, self.last - self.first)

    def y(self, amount: int) -> int:
        return BASE - (amount - self.floor) * (BASE - TOP) // max(1, self.top - self.floor)


def _flows(request: Request) -> dict[int, int]:
    found: dict[int, int] = {}
    for flow in request.flows:
        found[flow.day] = found.get(flow.day, 0) + flow.amount
    return found


def _payments(plan: Plan) -> dict[int, int]:
    found: dict[int, int] = {}
    for payment in plan.legs.payments:
        found[payment.day] = found.get(payment.day, 0) + payment.amount + payment.fee
    return found


def _moved(plan: Plan, day: int) -> int:
    drawn = sum(move.amount for move in plan.legs.draws if move.day == day)
    return drawn - sum(move.amount for move in plan.legs.line_repayments if move.day == day)


def _corners(scale: _Scale, first: int, balances: list[int]) -> list[tuple[int, int]]:
    """The corners of a step line: only where the balance changes, and at both ends."""
    corners = [(scale.x(first), scale.y(balances[0]))]
    for n in range(1, len(balances)):
        if balances[n] != balances[n - 1]:
            corners += [(scale.x(first + n), scale.y(balances[n - 1])), (scale.x(first + n), scale.y(balances[n]))]
    return [*corners, (scale.x(first + len(balances) - 1), scale.y(balances[-1]))]


def _bar(scale: _Scale, day: int, amount: int) -> Bar:
    height = max(2, amount * (BASE - TOP) // max(1, scale.top - scale.floor))
    return Bar(scale.x(day), BASE - height, height, date.fromordinal(day), amount)


def _point(scale: _Scale, day: int, amount: int) -> Point:
    return Point(scale.x(day), scale.y(amount), date.fromordinal(day), amount)


def _ticks(scale: _Scale) -> tuple[Tick, ...]:
    span = scale.last - scale.first
    days = [scale.first, scale.first + span // 3, scale.first + 2 * span // 3, scale.last]
    anchors = ("start", "middle", "middle", "end")
    return tuple(Tick(scale.x(day), date.fromordinal(day), anchor) for day, anchor in zip(days, anchors, strict=True))
