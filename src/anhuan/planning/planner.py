"""The planner: request in, the provably cheapest plan out. No clock, no database, no chance."""

from contextlib import suppress
from dataclasses import dataclass, replace
from math import floor, inf
from time import perf_counter

from anhuan.planning.costing import cost_of
from anhuan.planning.habits import KINDS, live
from anhuan.planning.means import Means, means_of
from anhuan.planning.model import (
    BadPlan,
    Breakdown,
    CardOutcome,
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
from anhuan.planning.solver import solve
from anhuan.planning.tidy import tidy

# What `optimal` promises (planning.md): a gap of at most 0.1% of the cost or 100 fen. The search aims at less than half
# of it, so that settling to whole fen stays inside.
_ALLOWED_SHARE = 1000
_ALLOWED_FEN = 100
_AIM_YUAN = 0.3
_AIM_SHARE = 4e-4
_LAST_STEP = 0.5  # seconds for the last and largest program, which mostly only sharpens a bound
_MARGINS = (20, 200)  # fen held back where an exact fit leaves no room for rounding


def plan(request: Request, *, seconds: float = 2.5) -> Plan:
    """The cheapest plan with a proved lower bound, all in fen; `seconds` bounds the search.

    The cost is the simulator's, to the fen. Status as in planning.md.
    """
    openings = [open_card(request, card) for card in request.cards]
    means = means_by_account(request)
    easy = enough_money(request, openings, means)
    if easy is not None:
        return easy
    return _Search(request, openings, means, seconds).best()


class _Search:
    """The program solved, settled and, where needed, asked again more strictly."""

    def __init__(self, request: Request, openings: list[Opening], means: dict[str, Means], seconds: float) -> None:
        self.request, self.openings, self.means = request, openings, means
        self.until = perf_counter() + seconds
        self.counted = any(
            channel.fee_minimum or channel.per_payment_min or channel.payments_per_month for channel in request.channels
        )
        self.legs: Legs | None = None
        self.breakdown, self.outcomes = Breakdown(), dict[str, CardOutcome]()
        self.rounding = 0

    def best(self) -> Plan:
        """First among plans that keep every minimum; then a proof, or a second search, that missing one is dearer."""
        kept = self._attempt(keep_minimums=True)
        past = sum(opening.missed for opening in self.openings)
        bound = min(bound_in_fen(kept.bound, kept.written), self._bound_of_missing(kept)) if kept.found else 0
        if kept.found and not self._proved(bound) and self._fees_matter() and self._time_left():
            again = self._attempt(keep_minimums=True, fees_first=True)
            bound = max(bound, min(bound_in_fen(again.bound, again.written), self._bound_of_missing(kept)))
        if self.legs is None or (not self._proved(bound) and self._time_left()):
            free = self._attempt(cutoff=self.breakdown.total / 100 + 1 if self.legs else inf)
            bound = max(bound, bound_in_fen(free.bound, free.written))
            if not self._proved(bound) and self._fees_matter() and self._time_left():
                self.until = min(self.until, perf_counter() + _LAST_STEP)
                free = self._attempt(fees_first=True)
                bound = max(bound, bound_in_fen(free.bound, free.written))
        return self._told(bound, short=past > 0 or not kept.possible)

    def _told(self, bound: int, *, short: bool) -> Plan:
        if self.legs is None or self.breakdown.total - bound > self.rounding:
            # time ran out, or what the program leaves out made a difference: people's habits are plans, too
            for kind in KINDS:
                with suppress(BadPlan):
                    lived = live(self.request, kind)
                    if self.legs is None or lived.cost < self.breakdown.total:
                        self._keep(tidy(self.request, lived.legs, self.means))
        if self.legs is None:
            self._keep(Legs())  # paying nothing is always allowed
        assert self.legs is not None
        status = Status.OPTIMAL if self._proved(bound) else Status.FEASIBLE
        missed: tuple[Missed, ...] = ()
        if short and any(outcome.missed for outcome in self.outcomes.values()):
            status, missed = Status.SHORTFALL, missed_minimums(self.request, self.legs, self.outcomes)
        return Plan(status, self.legs, self.breakdown, min(bound, self.breakdown.total), missed)

    def _time_left(self) -> bool:
        return perf_counter() < self.until

    def _bound_of_missing(self, kept: "_Attempt") -> int:
        """A bound for every plan that misses one more minimum: the mark, and what all else costs at the least."""
        return bound_in_fen(kept.bound_without, kept.written) + self.request.missed_minimum_cost

    def _attempt(self, *, keep_minimums: bool = False, fees_first: bool = False, cutoff: float = inf) -> "_Attempt":
        """Solve and settle; what is found is kept when it is the best so far."""
        first: _Attempt | None = None
        tighter = [(_tightened(self.request, fen), True) for fen in _MARGINS]
        for request, strict in ((self.request, False), (self.request, True), *tighter):
            if strict and request is self.request and not self.counted:
                continue
            means = self.means if request is self.request else means_by_account(request)
            written = write(
                request, self.openings, means, keep_minimums=keep_minimums, fees_first=fees_first, strict=strict
            )
            solved = solve(
                written.program, seconds=max(0.05, self.until - perf_counter()), gap=_AIM_YUAN,
                relative_gap=_AIM_SHARE, cutoff=cutoff, without=written.minimum_rows,
            )  # fmt: skip
            self.rounding = written.roundings // 2 + 2
            tried = _Attempt(written, solved.bound, solved.bound_without, solved.found, solved.bound < inf)
            first = tried if first is None or (request is self.request and tried.found) else first
            if not solved.found:
                break
            try:
                legs = settle(self.request, self.openings, written, solved.values)
                self._keep(tidy(self.request, legs, self.means))
            except BadPlan:
                continue
            if request is not self.request or strict or not self.counted or self._near(solved.cost):
                break
        assert first is not None
        return first

    def _near(self, cost: float) -> bool:
        """Whether what was left out of the program did not cost more than `optimal` allows."""
        return proved(self.breakdown, floor(cost * 100))

    def _keep(self, legs: Legs) -> None:
        breakdown, outcomes = cost_of(self.request, legs)
        if self.legs is None or breakdown.total < self.breakdown.total:
            self.legs, self.breakdown, self.outcomes = legs, breakdown, outcomes

    def _proved(self, bound: int) -> bool:
        return self.legs is not None and proved(self.breakdown, bound)

    def _fees_matter(self) -> bool:
        return any(one.fees for outcome in self.outcomes.values() for one in outcome.statements)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What one search proved, in yuan."""

    written: Written
    bound: float
    bound_without: float
    found: bool
    possible: bool


def means_by_account(request: Request) -> dict[str, Means]:
    """The room of every account."""
    return {account.id: means_of(request, account) for account in request.accounts}


def proved(breakdown: Breakdown, bound: int) -> bool:
    """Whether the gap between cost and bound is what `optimal` allows."""
    return breakdown.total - bound <= max(_ALLOWED_FEN, breakdown.total // _ALLOWED_SHARE)


def bound_in_fen(bound: float, written: Written) -> int:
    """The proved bound for whole-fen plans: every sum that the rules round may round down by half a fen."""
    if bound in (inf, -inf):
        return 0
    return max(0, floor(bound * 100 - written.roundings / 2 - 0.5 - abs(bound) * 1e-6))


def _tightened(request: Request, fen: int) -> Request:
    """The same request with a few fen less everywhere: room for the rounding that an exact fit leaves none."""
    return replace(
        request,
        accounts=tuple(replace(account, reserve=account.reserve + fen) for account in request.accounts),
        channels=tuple(
            replace(channel, per_day_max=max(1, channel.per_day_max - fen)) if channel.per_day_max else channel
            for channel in request.channels
        ),
    )
