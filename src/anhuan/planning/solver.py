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
_OWN_SHARE: Final = 0.3  # of the time, before the general solver has its turn


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
    """Minimise; stops when the gap (in yuan, or relative to the cost) is proved or the seconds are over.

    Answers dearer than `cutoff` are of no interest: without a cheaper one the answer is empty, its bound still proved.
    With rows named in `without`, `bound_without` is a bound for the program that lacks them.
    """
    search = _Search(program, gap, relative_gap, cutoff)
    solved = search.run(perf_counter() + seconds * _OWN_SHARE)
    if solved.bound < solved.cost - search.slack():  # many switches: there a general solver's cuts are worth their time
        solved = _by_cuts(program, solved, seconds * (1 - _OWN_SHARE), gap, relative_gap, cutoff)
    return replace(solved, bound_without=search.bound_without(without)) if without else solved


class _Search:
    """Best bound first, diving while a child stays promising; every node starts from the basis of the last one."""

    def __init__(self, program: Program, gap: float, relative_gap: float, cutoff: float) -> None:
        import numpy as np

        self.np, self.program = np, program
        self.highs = _loaded(program)
        self.columns = np.array(list(program.switches), dtype=np.int32)
        self.root_low = np.array([program.low[c] for c in program.switches])
        self.root_high = np.array([program.high[c] for c in program.switches])
        self.weights = np.array([weight for weight, _ in program.switches.values()])
        self.safe_up = np.array([safe_up for _, safe_up in program.switches.values()])
        self.gap, self.relative_gap = gap, relative_gap
        self.best: list[float] = []
        self.best_cost = cutoff
        self.nodes = 0

    def run(self, until: float) -> Solved:
        root = self._relax(self.root_low, self.root_high)
        if root is None:
            return Solved([], inf, inf, self.nodes)
        self._round_safely(root[1])
        # (bound of the parent, order, low, high): a node is solved when it is taken, if it is still of interest then
        heap: list[tuple[float, int, Any, Any]] = []
        order, given_up = 0, inf
        node: tuple[float, list[float], Any, Any] | None = (*root, self.root_low, self.root_high)
        while True:
            while node is not None and node[0] < self.best_cost - self.slack():
                near, far = self._children(*node[1:])
                if near is None or far is None:
                    break
                order += 1
                heapq.heappush(heap, (node[0], order, *far))
                relaxed = self._relax(*near)
                node = None if relaxed is None else (*relaxed, *near)
            if node is not None:  # whole, or not worth the search within the slack
                given_up = min(given_up, node[0])
            if not heap or heap[0][0] >= self.best_cost - self.slack() or perf_counter() > until:
                break
            _, _, low, high = heapq.heappop(heap)
            relaxed = self._relax(low, high)
            node = None if relaxed is None else (*relaxed, low, high)
        bound = min(heap[0][0] if heap else inf, given_up, self.best_cost)
        return Solved(self.best, self.best_cost if self.best else inf, bound, self.nodes)

    def bound_without(self, rows: Sequence[int]) -> float:
        """The linear bound of the program when these rows need not hold."""
        chosen = self.np.array(rows, dtype=self.np.int32)
        none = self.np.full(len(rows), -inf)
        self.highs.changeRowsBounds(len(rows), chosen, none, self.np.full(len(rows), inf))
        relaxed = self._relax(self.root_low, self.root_high)
        return -inf if relaxed is None else relaxed[0]

    def slack(self) -> float:
        """How far below the best answer a branch may be left unexplored, in yuan."""
        return max(self.gap, self.relative_gap * abs(self.best_cost)) if self.best_cost < inf else 0.0

    def _children(self, values: list[float], low: Any, high: Any) -> tuple[Any, Any]:
        """Split a node on its weightiest fraction: the bounds of the nearer child and of the other; None when whole."""
        at = self.np.array([values[c] for c in self.columns])
        away = self.np.abs(at - self.np.round(at))
        if away.max(initial=0.0) <= _WHOLE:
            return None, None
        pick = int((away * self.weights).argmax())
        below, above = (low, high.copy()), (low.copy(), high)
        below[1][pick], above[0][pick] = floor(at[pick]), ceil(at[pick])
        return (above, below) if at[pick] - floor(at[pick]) > 0.5 else (below, above)

    def _relax(self, low: Any, high: Any) -> tuple[float, list[float]] | None:
        """The linear relaxation of a node; whole answers are remembered when they are the best so far."""
        if len(self.columns):
            self.highs.changeColsBounds(len(self.columns), self.columns, low, high)
        self.highs.run()
        self.nodes += 1
        if self.highs.getModelStatus() != self.optimal:
            return None
        cost = self.highs.getObjectiveValue()
        values = self.highs.getSolution().col_value
        if cost < self.best_cost and all(abs(values[c] - round(values[c])) <= _WHOLE for c in self.columns):
            self.best, self.best_cost = list(values), cost
        return cost, values

    @property
    def optimal(self) -> Any:
        import highspy

        return highspy.HighsModelStatus.kOptimal

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
    for option, value in (
        ("presolve", "on"), ("solver", "choose"), ("time_limit", seconds), ("mip_abs_gap", gap),
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
