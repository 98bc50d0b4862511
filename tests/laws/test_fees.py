"""What is true of fees for every amount and every sensible schedule."""

from fractions import Fraction
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anhuan.kit.terms import FeeSchedule
from anhuan.repayments import fee_rules
from anhuan.repayments.fee_rules import Schedule, Tier

FEN = st.integers(0, 10**9)
AMOUNT = st.integers(1, 10**9)
RATES = st.fractions(0, Fraction(1, 20), max_denominator=10**5)


@st.composite
def schedules(draw: st.DrawFn, *, tiers: int = 4) -> Schedule:
    bounds = list(accumulate(draw(st.lists(st.integers(1, 10**8), max_size=tiers - 1))))
    steps = tuple(Tier(bound, draw(RATES)) for bound in [*bounds, None])
    floor = draw(st.integers(0, 5_000))
    cap = draw(st.none() | st.integers(floor, floor + 10**6))
    return Schedule("service", draw(FEN), steps, floor, cap, draw(st.sampled_from(["up", "half_up"])), "2026-01-01")


@pytest.mark.scope("S2-06")
@settings(deadline=None)
@given(schedules(), AMOUNT, FEN)
def test_a_fee_is_never_negative_and_the_parts_of_a_payment_are_the_payment(
    schedule: Schedule, amount: int, left: int
) -> None:
    line = fee_rules.line(amount, schedule, free_left=left)
    assert line.fee >= 0
    if schedule.charges:
        assert line.free + line.charged == amount
        assert line.free_left == left - line.free >= 0
    else:
        assert (line.free, line.charged, line.fee) == (0, 0, 0)


@settings(deadline=None)
@given(schedules(), AMOUNT, FEN)
def test_what_the_quota_covers_costs_nothing_and_the_floor_falls_only_on_what_is_charged(
    schedule: Schedule, amount: int, left: int
) -> None:
    line = fee_rules.line(amount, schedule, free_left=left)
    if amount <= left:
        assert line.fee == 0
    if line.fee:
        assert line.charged > 0
        assert line.fee >= schedule.floor
    assert schedule.cap is None or line.fee <= schedule.cap


@settings(deadline=None)
@given(schedules(), AMOUNT, AMOUNT, FEN)
def test_a_larger_payment_never_costs_less_and_a_larger_quota_never_costs_more(
    schedule: Schedule, one: int, other: int, left: int
) -> None:
    small, large = sorted((one, other))
    fees = [fee_rules.line(amount, schedule, free_left=left).fee for amount in (small, large)]
    assert fees[0] <= fees[1]
    assert fee_rules.line(large, schedule, free_left=left + small).fee <= fees[1]


@settings(deadline=None)
@given(schedules(), st.lists(AMOUNT, min_size=1, max_size=6), FEN)
def test_paying_in_parts_never_makes_the_free_part_larger(schedule: Schedule, parts: list[int], left: int) -> None:
    whole = fee_rules.line(sum(parts), schedule, free_left=left)
    free, rest = 0, left
    for part in parts:
        line = fee_rules.line(part, schedule, free_left=rest)
        free, rest = free + line.free, line.free_left
    assert free == whole.free


@settings(deadline=None)
@given(schedules(tiers=1), st.lists(AMOUNT, min_size=1, max_size=6), FEN)
def test_with_one_rate_and_rounding_up_paying_in_parts_is_never_cheaper(
    schedule: Schedule, parts: list[int], left: int
) -> None:
    plain = Schedule("x", 0, schedule.tiers, schedule.floor, None, "up", "")
    total, rest = 0, left
    for part in parts:
        line = fee_rules.line(part, plain, free_left=rest)
        total, rest = total + line.fee, line.free_left
    assert total >= fee_rules.line(sum(parts), plain, free_left=left).fee


@settings(deadline=None)
@given(RATES, AMOUNT, FEN, st.integers(0, 100), st.sampled_from(["up", "half_up"]))
def test_a_channel_costs_what_the_planner_counts_with(
    rate: Fraction, amount: int, left: int, floor: int, rounding: str
) -> None:
    planned = FeeSchedule(left, rate, floor, rounding).fee_for(amount)  # type: ignore[arg-type]  # an exact rate
    schedule = Schedule("channel:x", left, (Tier(None, rate),), floor, None, rounding, "")
    assert fee_rules.line(amount, schedule, free_left=left).fee == planned
