"""Our branching above HiGHS finds what HiGHS' own branch and cut finds, and it always comes to an end."""

import random
from math import inf
from time import perf_counter

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


def numb() -> Program:
    """A switch with so large a factor that HiGHS' scaling lets it lie 1.5e-6 beyond its bound and be optimal."""
    program = Program()
    switch = program.switch(weight=10.0)
    balance, amount, rest = program.column(0.0792), program.column(), program.column()
    program.row(0.0, [(switch, 1e11), (balance, -1.0)])
    program.row(78687.36, [(amount, 1.0)], 78687.36)
    program.row(0.0, [(balance, 1.0), (rest, -1.0)], 0.0)
    program.row(67475.54, [(amount, -1.0), (rest, 1.0)], 67475.54)
    return program


@pytest.mark.timeout(10)  # it takes a millisecond, or for ever
def test_a_settled_switch_that_lies_beyond_its_bound_is_not_branched_on_again() -> None:
    solved = solve(numb(), seconds=0.5, gap=0.3, relative_gap=0.0004)
    assert solved.found
    assert solved.nodes < 10
    assert solved.bound <= solved.cost == pytest.approx(0.0792 * (78687.36 + 67475.54))


def test_a_root_that_is_out_of_time_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solver, "_GRACE", 0.0)
    solved = solve(knapsack(3), seconds=0.0, gap=1e-6, relative_gap=0.0, without=[0])
    assert not solved.found
    assert (solved.bound, solved.bound_without) == (-inf, -inf)  # which is not infeasible: that is +inf


def test_a_branch_without_an_outcome_stays_open_at_its_parents_bound() -> None:
    class Halted(solver._Search):
        """HiGHS may make no more steps once the root is solved and rounded."""

        def _round_safely(self, values: list[float]) -> None:
            super()._round_safely(values)
            self.highs.setOptionValue("simplex_iteration_limit", 0)

    program = knapsack(3)
    whole = solve(program, seconds=10, gap=1e-6, relative_gap=0.0)
    search = Halted(program, 1e-6, 0.0, inf)
    root = search._relax(search.root_low, search.root_high)
    halted = search.run(perf_counter() + 10)
    assert root is not None
    assert search.given_up == halted.bound == pytest.approx(root[0])
    assert halted.bound < whole.bound <= whole.cost <= halted.cost


def test_a_dive_stops_where_it_is_when_time_is_up() -> None:
    search = solver._Search(knapsack(3), 1e-6, 0.0, inf)
    late = search.run(perf_counter() - 1)
    assert late.found
    assert search.nodes == 2  # the root, and the root rounded
    assert late.bound < late.cost
