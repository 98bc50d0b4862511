"""Our branching above HiGHS finds what HiGHS' own branch and cut finds."""

import random
from math import inf

import pytest

from anhuan.planning import solver
from anhuan.planning.solver import Program, Solved, solve


def knapsack(seed: int) -> Program:
    """Bills to pay in full or to leave, with a rest that may be paid in part: the shape of a month short of money."""
    dice = random.Random(seed)
    program = Program()
    paid: list[tuple[int, float]] = []
    for _ in range(dice.randint(4, 12)):
        size = dice.randint(100, 900)
        full = program.switch(-dice.uniform(1, 40), weight=1.0)
        part = program.column(-dice.uniform(0.001, 0.02), high=size)
        program.row(0.0, [(part, 1.0), (full, -float(size))])
        paid.append((part, 1.0))
    program.row(-inf, paid, dice.randint(300, 2500))
    return program


@pytest.mark.parametrize("seed", range(12))
def test_branching_and_cuts_agree_on_the_optimum(seed: int) -> None:
    program = knapsack(seed)
    ours = solve(program, seconds=10, gap=1e-6, relative_gap=0.0)
    theirs = solver._by_cuts(program, Solved([], inf, -inf), 10, 1e-6, 0.0, inf)
    assert ours.found
    assert ours.cost == pytest.approx(theirs.cost, abs=0.02)
    assert ours.bound <= theirs.cost + 1e-6
    assert ours.cost - ours.bound <= 0.011


def test_a_program_without_an_answer_is_found_out() -> None:
    program = Program()
    column = program.column(1.0, high=1.0)
    program.row(2.0, [(column, 1.0)])
    solved = solve(program, seconds=1, gap=0.1, relative_gap=0.0)
    assert not solved.found
    assert solved.bound == inf


def test_leaving_rows_out_gives_a_bound_that_is_no_higher() -> None:
    program = Program()
    column = program.column(1.0)
    program.row(3.0, [(column, 1.0)])
    program.row(1.0, [(column, 1.0)])
    solved = solve(program, seconds=1, gap=0.0, relative_gap=0.0, without=[0])
    assert (solved.cost, solved.bound_without) == (3.0, 1.0)


def test_answers_dearer_than_the_cutoff_are_not_told() -> None:
    program = Program()
    program.switch(5.0)
    program.row(1.0, [(0, 2.0)])
    assert not solve(program, seconds=1, gap=0.0, relative_gap=0.0, cutoff=4.0).found
