"""What one payment costs by a schedule: a free quota, rates in tiers above it, floor, cap and rounding.

Values in, values out. Fen are whole, rates exact, and every rounding is the one that the schedule names.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from anhuan.kit import terms
from anhuan.kit.errors import Broken
from anhuan.kit.money import round_half_up, round_up
from anhuan.repayments.model import FeeLine

SERVICE: Final = "service"  # the schedule of the house that runs this installation
ROUNDINGS: Final = {"up": round_up, "half_up": round_half_up}


class BadSchedule(Broken):
    """A fee schedule that makes no sense: tiers out of order, a rate below zero, a cap below the floor."""

    code = "repay.bad_schedule"


@dataclass(frozen=True, slots=True)
class Tier:
    """One step of a schedule: a rate on what lies between the bound before and `up_to` (None: everything above)."""

    up_to: int | None  # fen above the quota
    rate: Fraction


@dataclass(frozen=True, slots=True)
class Schedule:
    """收费标准: one dated row; the quota is one person's for one month, floor and cap are of one payment, in fen."""

    id: str  # "channel:<id>" or "service"
    free_quota: int
    tiers: tuple[Tier, ...]
    floor: int
    cap: int | None
    rounding: str
    version: str  # the first day of the row

    @property
    def charges(self) -> bool:
        """Whether anything can ever be charged by it."""
        return any(tier.rate for tier in self.tiers)


def read(key: str, *, on: date, held: terms.Terms | None = None) -> Schedule:
    """The schedule that holds on a day; raises `NoSuchTerm` where nobody knows a price, `BadSchedule` for a bad row."""
    row = (held or terms.seeds()).ask("fee", on=on, scopes=(key,))
    said: Mapping[str, Any] = row.value
    steps: Sequence[Mapping[str, Any]] = said.get("tiers") or [{"rate": said.get("rate", "0")}]
    made = Schedule(
        key, said.get("free_quota", 0), tuple(Tier(one.get("up_to"), Fraction(Decimal(one["rate"]))) for one in steps),
        said.get("floor", 0), said.get("cap"), said.get("rounding", "up"), row.valid_from.isoformat(),
    )  # fmt: skip
    if not _sensible(made):
        raise BadSchedule(f"the fee schedule {key} of {made.version} makes no sense", field=key)
    return made


def fee_of(charged: int, schedule: Schedule) -> int:
    """The fee on so many fen above the quota: tier by tier, rounded once, then floor and cap; nothing on nothing."""
    exact, below = Fraction(0), 0
    for tier in schedule.tiers:
        here = charged if tier.up_to is None else min(charged, tier.up_to)
        exact += tier.rate * max(0, here - below)
        below = here
    if exact == 0:
        return 0
    rounded = max(schedule.floor, ROUNDINGS[schedule.rounding](exact))
    return rounded if schedule.cap is None else min(rounded, schedule.cap)


def line(amount: int, schedule: Schedule, *, free_left: int) -> FeeLine:
    """The fee of one payment, its free part taken from what is left of the month's quota."""
    if not schedule.charges:
        return FeeLine(schedule.id, 0, 0, 0, 0, schedule.version)
    free = min(amount, max(0, free_left))
    fee = fee_of(amount - free, schedule)
    return FeeLine(schedule.id, free, amount - free, fee, max(0, free_left) - free, schedule.version)


def _sensible(one: Schedule) -> bool:
    bounds = [tier.up_to for tier in one.tiers]
    closed = [bound for bound in bounds[:-1] if bound is not None]
    return (
        bounds[-1] is None
        and len(closed) == len(bounds) - 1
        and all(low < high for low, high in zip([0, *closed], closed, strict=False))
        and all(tier.rate >= 0 for tier in one.tiers)
        and one.rounding in ROUNDINGS
        and one.free_quota >= 0
        and one.floor >= 0
        and (one.cap is None or one.floor <= one.cap)
    )
