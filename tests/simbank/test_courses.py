"""Chance that repeats, and scenarios folded into one course: pure, without a bank."""

from collections import Counter
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from anhuan.simbank import courses, scenarios
from anhuan.simbank.courses import Course
from anhuan.simbank.dice import Dice, Draws, Stream
from anhuan.simbank.model import FINAL, BadOrder, State


def test_a_draw_depends_on_its_question_and_on_no_order() -> None:
    dice = Dice(3)
    assert dice.number("a", "b") == Dice(3).number("a", "b")
    assert len({dice.number("a", "b"), dice.number("ab"), dice.number("b", "a"), Dice(4).number("a", "b")}) == 4


@pytest.mark.parametrize("probability", ["0", "1", "0.25"])
def test_a_chance_comes_as_often_as_it_is_said(probability: str) -> None:
    hits = sum(Dice(1).chance(Fraction(probability), n) for n in range(4000)) / 4000
    assert abs(hits - float(probability)) <= (0.03 if probability == "0.25" else 0)


def test_ids_and_references_have_their_shape() -> None:
    assert Dice(1).uuid("x").version == 8
    assert [len(Dice(1).digits(16, n)) for n in range(50)] == [16] * 50


@pytest.mark.parametrize("draws", [Stream(b"x"), Random(1)])
def test_a_stream_draws_like_the_librarys_generators(draws: Draws) -> None:
    seen = Counter(draws.randint(1, 3) for _ in range(600))
    assert set(seen) == {1, 2, 3}
    assert min(seen.values()) > 120
    assert 0 <= draws.random() < 1
    assert draws.choice("abc") in "abc"
    assert len(draws.randbytes(70)) == 70
    assert draws.getrandbits(5) < 32


def test_a_payment_without_scenarios_succeeds_at_once() -> None:
    assert courses.course_of((), {}, Dice(1), "k") == Course()


@given(numbers=some.lists(some.sampled_from(scenarios.ALL), unique=True), seed=some.integers(0, 9))
def test_every_combination_is_a_course_that_ends_and_can_be_kept(numbers: list[int], seed: int) -> None:
    course = courses.course_of(numbers, {}, Dice(seed), "k")
    assert courses.read(course.as_json()) == course
    assert course == courses.course_of(reversed(numbers), {}, Dice(seed), "k")
    assert State(course.steps[-1][1]) in FINAL
    assert [seconds for seconds, _ in course.steps] == sorted(seconds for seconds, _ in course.steps)
    assert course.answer in ("whole", "late", *courses.ANSWERS)


@pytest.mark.parametrize("params", [{"7": {"how": "never"}}, {"13": {"forged": ["nicely"]}}])
def test_a_parameter_that_means_nothing_is_refused(params: dict[str, Any]) -> None:
    with pytest.raises(BadOrder):
        courses.course_of([int(number) for number in params], params, Dice(1), "k")


@pytest.mark.parametrize(
    ("number", "heard", "waited", "place", "code"),
    [
        (20, 5, 0, None, "maintenance"),
        (20, 5, 30 * 60, None, None),  # the window is over
        (21, 0, 0, None, "rate_limited"),
        (21, 1, 0, None, None),  # told to wait once
        (30, 0, 0, 2, "busy"),  # the second of a batch
        (30, 0, 0, 1, None),
        (30, 0, 0, None, None),  # alone
        (30, 1, 0, 2, None),  # the second time
        (1, 0, 0, 2, None),
    ],
)
def test_when_nothing_is_taken(number: int, heard: int, waited: int, place: int | None, code: str | None) -> None:
    found = courses.busy([number], {}, heard=heard, waited=waited, place=place)
    assert (found.code if found else None) == code
