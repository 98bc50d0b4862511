"""The planner: request in, the provably cheapest plan out. No clock, no database, no chance."""

from dataclasses import replace
from math import floor

from anhuan.planning.costing import cost_of
from anhuan.planning.means import Means, means_of
from anhuan.planning.model import (
    BadPlan,
    Breakdown,
    Legs,
    Missed,
    Plan,
    Request,
    Status,
)
from anhuan.planning.opening import Opening, open_card
from anhuan.planning.plenty import enough_money
from anhuan.planning.program import Written, write
from anhuan.planning.settle import settle
from anhuan.planning.shortage import missed_minimums
from anhuan.planning.solver import Solved, solve
from anhuan.planning.tidy import tidy

# What `optimal` promises (planning.md): a gap of at most 0.1% of the cost or 100 fen. The search aims at less than half
# of it, so that settling to whole fen stays inside.
_ALLOWED_SHARE = 1000
_ALLOWED_FEN = 100
_AIM_YUAN = 0.3
_AIM_SHARE = 4e-4


def plan(request: Request, *, seconds: float = 5.0) -> Plan:
    """The cheapest plan with a proved lower bound, all in fen; `seconds` bounds the search.

    The cost is the simulator's, to the fen. Status as in planning.md.
    """
    openings = [open_card(request, card) for card in request.cards]
    means = {account.id: means_of(request, account) for account in request.accounts}
    easy = enough_money(request, openings, means)
    if easy is not None:
        return easy
    return _Search(request, openings, means, seconds).best()


class _Search:
    """The program solved, settled and, where needed, asked again more strictly."""

    def __init__(self, request: Request, openings: list[Opening], means: dict[str, Means], seconds: float) -> None:
        self.request, self.openings, self.means, self.seconds = request, openings, means, seconds
        self.legs = Legs()
        self.breakdown, self.outcomes = cost_of(request, self.legs)
        self.bound = 0

    def best(self) -> Plan:
        self._attempt()
        if not self._proved() and self._fees_matter():
            self._attempt(fees_first=True)
        missed = sum(outcome.missed for outcome in self.outcomes.values())
        status = Status.OPTIMAL if self._proved() else Status.FEASIBLE
        told: tuple[Missed, ...] = ()
        if missed and not self._all_minimums_possible():
            status, told = Status.SHORTFALL, missed_minimums(self.request, self.legs, self.outcomes)
        return Plan(status, self.legs, self.breakdown, min(self.bound, self.breakdown.total), told)

    def _attempt(self, *, fees_first: bool = False) -> None:
        written = write(self.request, self.openings, self.means, fees_first=fees_first)
        solved = solve(written.program, seconds=self.seconds, gap=_AIM_YUAN, relative_gap=_AIM_SHARE)
        self.bound = max(self.bound, bound_in_fen(solved, written))
        if not solved.found:
            return
        for request in (self.request, _tightened(self.request)):
            try:
                if request is not self.request:
                    means = {account.id: means_of(request, account) for account in request.accounts}
                    written = write(request, self.openings, means, fees_first=fees_first)
                    solved = solve(written.program, seconds=self.seconds, gap=_AIM_YUAN, relative_gap=_AIM_SHARE)
                    if not solved.found:
                        return
                self._keep(tidy(self.request, settle(self.request, self.openings, written, solved.values)))
            except BadPlan:
                continue
            return

    def _keep(self, legs: Legs) -> None:
        breakdown, outcomes = cost_of(self.request, legs)
        if breakdown.total < self.breakdown.total or not self.legs.payments:
            self.legs, self.breakdown, self.outcomes = legs, breakdown, outcomes

    def _proved(self) -> bool:
        return proved(self.breakdown, self.bound)

    def _fees_matter(self) -> bool:
        return any(one.fees for outcome in self.outcomes.values() for one in outcome.statements)

    def _all_minimums_possible(self) -> bool:
        if any(opening.missed for opening in self.openings):
            return False
        written = write(self.request, self.openings, self.means, keep_minimums=True)
        return solve(written.program, seconds=self.seconds, gap=1e9, relative_gap=1.0).found


def proved(breakdown: Breakdown, bound: int) -> bool:
    """Whether the gap between cost and bound is what `optimal` allows."""
    return breakdown.total - bound <= max(_ALLOWED_FEN, breakdown.total // _ALLOWED_SHARE)


def bound_in_fen(solved: Solved, written: Written) -> int:
    """The proved bound for whole-fen plans: every sum that the rules round may round down by half a fen."""
    return max(0, floor(solved.bound * 100 - written.roundings / 2 - 0.5 - abs(solved.bound) * 1e-6))


def _tightened(request: Request) -> Request:
    """The same request with a few fen less everywhere: room for the rounding that an exact fit leaves none."""
    return replace(
        request,
        accounts=tuple(replace(account, reserve=account.reserve + 20) for account in request.accounts),
        channels=tuple(
            replace(channel, per_day_max=max(1, channel.per_day_max - 20)) if channel.per_day_max else channel
            for channel in request.channels
        ),
    )
