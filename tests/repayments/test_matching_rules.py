"""Pairing payments with imported lines: one to one, whatever the order of the input, and never by a guess."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from anhuan.repayments.matching_rules import Pairs, Sent, Shown, may_be, pair

pytestmark = pytest.mark.scope("S3-02")

DAY = date(2026, 11, 2)
AMOUNTS = (50_000, 49_950, 10_000)


def sent(number: int, day: int = 0, amount: int = 50_000, *, fee: int = 0, days: int = 10, **more: object) -> Sent:
    """A payment sent so many days after the first, an hour apart by its number."""
    first = DAY + timedelta(days=day)
    at = datetime.combine(first, time(0), UTC) + timedelta(minutes=number)
    made = Sent(UUID(int=number), frozenset({amount, amount - fee}), at, first, first + timedelta(days=days))
    return replace(made, **more)  # type: ignore[arg-type]


def shown(number: int, day: int = 0, amount: int = 50_000, *, also: tuple[int, ...] = ()) -> Shown:
    """A line booked so many days after the first."""
    return Shown(UUID(int=1000 + number), amount, DAY + timedelta(days=day), also=frozenset(UUID(int=1000 + n)
                                                                                           for n in also))  # fmt: skip


def found(*, payments: list[Sent], lines: list[Shown]) -> tuple[dict[int, int], set[int]]:
    """What pairs, and what stays unclear, by number."""
    said = pair(payments, lines)
    return {one.int: line.int - 1000 for one, line in said.found.items()}, {one.int for one in said.unclear}


@pytest.mark.parametrize(("payments", "lines", "pairs", "unclear"), [
    ([sent(1)], [shown(1)], {1: 1}, set()),
    ([sent(1)], [shown(1, 10)], {1: 1}, set()),  # the last day of the window
    ([sent(1)], [shown(1, 11)], {}, set()),
    ([sent(1, 1)], [shown(1, 0)], {}, set()),  # booked before it was sent
    ([sent(1)], [shown(1, amount=49_999)], {}, set()),  # a fen is a difference
    ([sent(1, fee=50)], [shown(1, amount=49_950)], {1: 1}, set()),  # the fee that the channel told of
    ([sent(1), sent(2)], [shown(1), shown(2)], {1: 1, 2: 2}, set()),  # two payments need two lines
    ([sent(1), sent(2)], [shown(1)], {}, {1, 2}),  # one line, and nobody knows whose
    ([sent(1)], [shown(1), shown(2, 3)], {}, {1}),  # two lines, and nobody knows which
    ([sent(1), sent(2, 5)], [shown(1, 1)], {1: 1}, set()),  # booked before the second was sent
    ([sent(1), sent(2, 5)], [shown(1, 1), shown(2, 6)], {1: 1, 2: 2}, set()),
    ([sent(1), sent(2, amount=10_000)], [shown(1, 2)], {1: 1}, set()),
    ([sent(1, lines=frozenset({UUID(int=1001)})), sent(2)], [shown(1), shown(2)], {2: 2}, set()),  # proved before
    ([sent(1, lines=frozenset({UUID(int=1001)})), sent(2)], [shown(2, also=(1,))], {}, set()),  # the same movement
    ([sent(1, posted_on=DAY, posted=50_000), sent(2)], [shown(1), shown(2, 1)], {1: 1, 2: 2}, set()),
    ([sent(1, posted_on=DAY, posted=50_000), sent(2)], [shown(1)], {1: 1}, set()),  # other bank data know its day
    ([sent(1, posted_on=DAY, posted=50_000), sent(2)], [shown(1, 1)], {}, {2}),  # perhaps printed a day later
])  # fmt: skip
def test_what_belongs_together(
    payments: list[Sent], lines: list[Shown], pairs: dict[int, int], unclear: set[int]
) -> None:
    assert found(payments=payments, lines=lines) == (pairs, unclear)


days = some.integers(0, 14)
payments = some.lists(
    some.builds(sent, some.integers(1, 9), days, some.sampled_from(AMOUNTS), fee=some.sampled_from((0, 50))),
    max_size=6, unique_by=lambda one: one.id,
)  # fmt: skip
lines = some.lists(
    some.builds(shown, some.integers(1, 9), days, some.sampled_from(AMOUNTS)), max_size=6, unique_by=lambda one: one.id
)


def taken_in(payments: list[Sent], said: Pairs) -> list[Sent]:
    """The payments with what was found as their proof."""
    return [replace(one, lines=one.lines | {said.found[one.id]}) if one.id in said.found else one for one in payments]


@settings(max_examples=120, deadline=None)
@given(payments, lines)
def test_one_to_one_and_only_what_may_be(payments: list[Sent], lines: list[Shown]) -> None:
    said = pair(payments, lines)
    assert len(set(said.found.values())) == len(said.found)
    by_id, line_of = {one.id: one for one in payments}, {line.id: line for line in lines}
    assert all(may_be(by_id[one], line_of[line]) for one, line in said.found.items())
    assert not said.unclear & set(said.found)


@settings(max_examples=120, deadline=None)
@given(payments, lines, some.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(payments: list[Sent], lines: list[Shown], dice: object) -> None:
    said = pair(payments, lines)
    assert pair(payments[::-1], lines[::-1]) == said
    dice.shuffle(payments)  # type: ignore[attr-defined]
    dice.shuffle(lines)  # type: ignore[attr-defined]
    assert pair(payments, lines) == said


@settings(max_examples=120, deadline=None)
@given(payments, lines, days)
def test_an_unrelated_line_changes_nothing(payments: list[Sent], lines: list[Shown], day: int) -> None:
    other = shown(99, day, amount=77_777)
    early = replace(shown(98), posted_on=DAY - timedelta(days=1))
    assert pair(payments, [*lines, other, early]) == pair(payments, lines)


@settings(max_examples=120, deadline=None)
@given(payments, lines)
def test_running_twice_finds_nothing_more(payments: list[Sent], lines: list[Shown]) -> None:
    said = pair(payments, lines)
    assert pair(taken_in(payments, said), lines) == Pairs({}, said.unclear)
