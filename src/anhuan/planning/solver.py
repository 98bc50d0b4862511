"""A small mixed-integer program and its proved answer: HiGHS solves the linear parts, branching is done here.

The programs of planning are tiny and their linear relaxation is tight; what a general solver spends on cuts and
heuristics costs more than walking the few dozen branches by warm starts (measured: docs/planning.md).
"""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from math import ceil, floor, inf
from time import perf_counter
from typing import Any, Final

Terms = list[tuple[int, float]]
_WHOLE: Final = 1e-6  # how near to a whole number counts as whole
_EXACT: Final = 0.01  # yuan: the gap aimed at first, since the last steps of a proof are mostly cheap
_PATIENCE: Final = 0.2  # seconds until the gap that was asked for is good enough
_MANY: Final = 100  # switches: above, where no answer comes, a general solver's cuts are worth their time
_OWN_SHARE: Final = 0.3  # of the time, to find a first answer before it has its turn
_GRACE: Final = 0.5  # seconds past the time for one linear program, or for the dive that has no answer yet


@dataclass(slots=True)
class Program:
    """A mixed-integer program being written, in yuan: minimise cost over columns within rows."""

    cost: list[float] = field(default_factory=list)
    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)
    switches: dict[int, tuple[float, bool]] = field(default_factory=dict)  # column -> (weight, safe side is up)
    row_low: list[float] = field(default_factory=list)
    row_high: list[float] = field(default_factory=list)
    starts: list[int] = field(default_factory=lambda: [0])
    index: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    offset: float = 0.0

    def column(self, cost: float = 0.0, low: float = 0.0, high: float = inf) -> int:
        """A continuous quantity."""
        self.cost.append(cost)
        self.low.append(low)
        self.high.append(high)
        return len(self.cost) - 1

    def switch(self, cost: float = 0.0, high: float = 1.0, *, weight: float = 1.0, safe_up: bool = False) -> int:
        """A whole number from 0 to `high`, most often a yes or no.

        `weight` tells how much is at stake (what is branched on first), `safe_up` towards which side a rounded value
        stays feasible.
        """
        column = self.column(cost, 0.0, high)
        self.switches[column] = (weight, safe_up)
        return column

    def row(self, low: float, terms: Iterable[tuple[int, float]], high: float = inf) -> None:
        """A rule: low <= sum of terms <= high; terms of one column may come several times."""
        summed: dict[int, float] = {}
        for column, factor in terms:
            summed[column] = summed.get(column, 0.0) + factor
        self.index += summed
        self.value += summed.values()
        self.starts.append(len(self.index))
        self.row_low.append(low)
        self.row_high.append(high)


@dataclass(frozen=True, slots=True)
class Solved:
    """An answer: values of the columns (empty where none was found), its cost and the proved bound, in yuan."""

    values: list[float]
    cost: float
    bound: float
    nodes: int = 0
    bound_without: float = -inf

    @property
    def found(self) -> bool:
        """Whether there is any answer."""
        return bool(self.values)


def solve(
    program: Program, *, seconds: float, gap: float, relative_gap: float, cutoff: float = inf,
    without: Sequence[int] = (),
) -> Solved:  # fmt: skip
    """Minimise to a hundredth of a yuan; after a while, until the gap (in yuan or of the cost) is proved or time is up.

    Answers dearer than `cutoff` are of no interest: without a cheaper one the answer is empty, its bound still proved.
    With rows named in `without`, `bound_without` is a bound for the program that lacks them.
    """
    search = _Search(program, gap, relative_gap, cutoff)
    now = perf_counter()
    many = len(program.switches) > _MANY
    solved = search.run(now + seconds, first_by=now + seconds * (_OWN_SHARE if many else 1.0))
    if many and not solved.found and solved.bound < inf:
        solved = _by_cuts(program, solved, max(0.1, now + seconds - perf_counter()), gap, relative_gap, cutoff)
    return replace(solved, bound_without=search.bound_without(without)) if without else solved


@dataclass(order=True, slots=True)
class _Waiting:
    """A node to be solved when it is taken, if it is still of interest then; `bound` is its parent's."""

    bound: float
    order: int
    low: Any = field(compare=False)
    high: Any = field(compare=False)
    pick: int = field(compare=False)
    up: int = field(compare=False)
    distance: float = field(compare=False)


class _Search:
    """Best bound first, diving while a child stays promising; every node starts from the basis of the last one."""

    def __init__(self, program: Program, gap: float, relative_gap: float, cutoff: float) -> None:
        import highspy
        import numpy as np

        self.np, self.program = np, program
        self.highs = _loaded(program)
        self.optimal = highspy.HighsModelStatus.kOptimal
        self.ends = {
            self.optimal, highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kObjectiveBound,
            highspy.HighsModelStatus.kUnbounded, highspy.HighsModelStatus.kUnboundedOrInfeasible,
        }  # fmt: skip
        self.columns = np.array(list(program.switches), dtype=np.int32)
        self.root_low = np.array([program.low[c] for c in program.switches])
        self.root_high = np.array([program.high[c] for c in program.switches])
        self.weights = np.array([max(1e-6, weight) for weight, _ in program.switches.values()])
        self.safe_up = np.array([safe_up for _, safe_up in program.switches.values()])
        self.gap, self.relative_gap = gap, relative_gap
        self.best: list[float] = []
        self.best_cost = cutoff
        self.nodes = self.order = 0
        self.given_up = inf  # the lowest bound of what was left unexplored
        self.until = perf_counter()
        self.patient_until = perf_counter() + _PATIENCE
        # what branching a switch down or up has gained so far, per unit of rounding
        self.gains = np.zeros((2, len(self.columns)))
        self.counts = np.zeros((2, len(self.columns)))

    def run(self, until: float, *, first_by: float = inf) -> Solved:
        """Search until a moment, or without any answer until an earlier one."""
        self.until = until
        root = self._relax(self.root_low, self.root_high, above=-inf)
        if root is None:
            return Solved([], inf, self.given_up, self.nodes)
        self._round_safely(root[1])
        heap: list[_Waiting] = []
        node: tuple[float, list[float], Any, Any] | None = (*root, self.root_low, self.root_high)
        while True:
            while node is not None and node[0] < self.best_cost - self.slack() and not self._over():
                near, far = self._children(*node)
                if near is None or far is None:
                    break
                heapq.heappush(heap, far)
                node = self._enter(near)
            if node is not None:  # whole, or not worth the search within the slack, or there is no time for it
                self.given_up = min(self.given_up, node[0])
            late = perf_counter() > (until if self.best else min(until, first_by))
            if not heap or heap[0].bound >= self.best_cost - self.slack() or late:
                break
            node = self._enter(heapq.heappop(heap))
        bound = min(heap[0].bound if heap else inf, self.given_up, self.best_cost)
        return Solved(self.best, self.best_cost if self.best else inf, bound, self.nodes)

    def _over(self) -> bool:
        """Whether a dive must stop where it is: at the end of the time, a grace later while there is no answer."""
        return perf_counter() > (self.until if self.best else self.until + _GRACE)

    def _enter(self, waiting: "_Waiting") -> tuple[float, list[float], Any, Any] | None:
        """Solve a node, and learn from it what its branching gained."""
        relaxed = self._relax(waiting.low, waiting.high, above=waiting.bound)
        if relaxed is None:
            return None
        self.gains[waiting.up, waiting.pick] += max(0.0, relaxed[0] - waiting.bound) / waiting.distance
        self.counts[waiting.up, waiting.pick] += 1
        return (*relaxed, waiting.low, waiting.high)

    def bound_without(self, rows: Sequence[int]) -> float:
        """The linear bound of the program when these rows need not hold."""
        chosen = self.np.array(rows, dtype=self.np.int32)
        none = self.np.full(len(rows), -inf)
        self.highs.changeRowsBounds(len(rows), chosen, none, self.np.full(len(rows), inf))
        relaxed = self._relax(self.root_low, self.root_high)
        return -inf if relaxed is None else relaxed[0]

    def slack(self) -> float:
        """How far below the best answer a branch may be left unexplored, in yuan."""
        if self.best_cost == inf:
            return 0.0
        if perf_counter() < self.patient_until:
            return _EXACT
        return max(self.gap, self.relative_gap * abs(self.best_cost))

    def _children(
        self, bound: float, values: list[float], low: Any, high: Any
    ) -> "tuple[_Waiting, _Waiting] | tuple[None, None]":
        """Split a node on the switch that promises most on both sides: the cheaper child, then the other.

        Each child has fewer whole numbers left to choose from than its parent, so every dive comes to an end.
        """
        np = self.np
        at = self._within(values, low, high)
        below_by = at - np.floor(at + _WHOLE)
        fractional = np.minimum(below_by, 1 - below_by) > _WHOLE
        if not fractional.any():
            return None, None
        known = self.counts > 0
        learnt = np.where(known, self.gains / np.maximum(self.counts, 1), 0.0)
        scale = (
            float((learnt[known] / np.broadcast_to(self.weights, learnt.shape)[known]).mean()) if known.any() else 1.0
        )
        down, up = np.where(known, learnt, scale * self.weights) * np.stack([below_by, 1 - below_by])
        score = np.where(fractional, np.maximum(down, 1e-6) * np.maximum(up, 1e-6), -1.0)
        pick = int(score.argmax())
        below, above = high.copy(), low.copy()
        below[pick], above[pick] = floor(at[pick]), ceil(at[pick])
        self.order += 2
        children = (
            _Waiting(bound, self.order, low, below, pick, 0, float(below_by[pick])),
            _Waiting(bound, self.order + 1, above, high, pick, 1, float(1 - below_by[pick])),
        )
        return children if down[pick] <= up[pick] else (children[1], children[0])

    def _within(self, values: list[float], low: Any, high: Any) -> Any:
        """The switches' values inside their bounds: HiGHS scales, and what it calls optimal may lie beyond by 1e-6."""
        return self.np.clip([values[c] for c in self.columns], low, high)

    def _relax(self, low: Any, high: Any, *, above: float = inf) -> tuple[float, list[float]] | None:
        """The linear relaxation of a node; whole answers are remembered when they are the best so far.

        None where there is nothing to gain; a run without an outcome leaves the node open at its bound `above`.
        """
        if len(self.columns):
            self.highs.changeColsBounds(len(self.columns), self.columns, low, high)
        outcome = self._run()
        if outcome not in self.ends:  # out of time, or lost its way from the basis before
            self.highs.clearSolver()
            outcome = self._run()
        if outcome not in self.ends:
            self.given_up = min(self.given_up, above)
        if outcome != self.optimal:
            return None
        cost = self.highs.getObjectiveValue()
        values = self.highs.getSolution().col_value
        if cost < self.best_cost:
            at = self._within(values, low, high)
            if not len(at) or self.np.abs(at - self.np.round(at)).max() <= _WHOLE:
                self.best, self.best_cost = list(values), cost
                # a node that cannot get below this need not be solved to its end
                self.highs.setOptionValue("objective_bound", cost)
        return cost, values

    def _run(self) -> Any:
        """One linear program within the time, or a grace past it; HiGHS counts the time of all its runs together."""
        left = max(self.until - perf_counter(), _GRACE)
        self.highs.setOptionValue("time_limit", self.highs.getRunTime() + left)
        self.highs.run()
        self.nodes += 1
        return self.highs.getModelStatus()

    def _round_safely(self, values: list[float]) -> None:
        """A first answer: every fraction to its safe side, then the linear rest."""
        at = self.np.array([values[c] for c in self.columns])
        if not len(at) or self.np.abs(at - self.np.round(at)).max() <= _WHOLE:
            return
        whole = self.np.where(self.safe_up, self.np.ceil(at - _WHOLE), self.np.floor(at + _WHOLE))
        self._relax(self.np.minimum(whole, self.root_high), self.np.minimum(whole, self.root_high))


def _by_cuts(
    program: Program, before: Solved, seconds: float, gap: float, relative_gap: float, cutoff: float
) -> Solved:
    """The same program by HiGHS' own branch and cut, starting from what is known; the better of the two answers."""
    import highspy
    import numpy as np

    highs = _loaded(program)
    columns = np.array(list(program.switches), dtype=np.int32)
    highs.changeColsIntegrality(len(columns), columns, np.array([highspy.HighsVarType.kInteger] * len(columns)))
    # without presolve: HiGHS 1.14 was seen to prove a wrong optimum with it (docs/planning.md)
    for option, value in (
        ("solver", "choose"), ("time_limit", seconds), ("mip_abs_gap", gap),
        ("mip_rel_gap", relative_gap), ("mip_feasibility_tolerance", 1e-7),
    ):  # fmt: skip
        highs.setOptionValue(option, value)
    if cutoff < inf:
        highs.setOptionValue("objective_bound", cutoff)
    if before.found:
        known = highspy.HighsSolution()
        known.col_value = before.values
        highs.setSolution(known)
    highs.run()
    info = highs.getInfo()
    bound = max(before.bound, info.mip_dual_bound) if abs(info.mip_dual_bound) < 1e15 else before.bound
    cost, values = before.cost, before.values
    if info.primal_solution_status == 2 and info.objective_function_value < min(before.cost, cutoff):
        cost, values = info.objective_function_value, list(highs.getSolution().col_value)
    if highs.getModelStatus() == highspy.HighsModelStatus.kInfeasible and not before.found:
        bound = inf
    return Solved(values, cost, min(bound, cost), before.nodes + int(info.mip_node_count))


def _loaded(program: Program) -> Any:
    import highspy
    import numpy as np

    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(program.cost), len(program.row_low)
    lp.col_cost_ = np.array(program.cost)
    lp.col_lower_, lp.col_upper_ = np.array(program.low), np.array(program.high)
    lp.row_lower_, lp.row_upper_ = np.array(program.row_low), np.array(program.row_high)
    lp.offset_ = program.offset
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = np.array(program.starts, dtype=np.int32)
    lp.a_matrix_.index_ = np.array(program.index, dtype=np.int32)
    lp.a_matrix_.value_ = np.array(program.value)
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("threads", 1)
    highs.setOptionValue("presolve", "off")
    highs.setOptionValue("solver", "simplex")
    highs.passModel(lp)
    return highs
