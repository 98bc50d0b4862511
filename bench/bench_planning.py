"""The planner's speed and size beside the plain model (one variable per day, card and channel), on invented households.

ANHUAN_BENCH_PLAIN=0 leaves the plain model out; its seconds are bounded, and a run out of time counts as that long.
"""

import os
import random
import resource
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from time import perf_counter

from rich.table import Table

from anhuan.planning import Plan, Request, Status, plan, request_from
from bench.households import KINDS, Kind, household
from bench.plain_model import PlainAnswer, solve_plain

SEED = 20261122
PLAIN_SECONDS = 60.0
# Households planned, households the plain model solves, bars: median ms, times faster, worst ms.
RUNS = {
    "monthly income, 5 cards": (100, 5, 10, 50, 1000),
    "monthly income, 20 cards": (30, 1, 100, None, 1000),
    "shop, income every day, 5 cards": (60, 5, 100, 10, 1000),
    "monthly income, 60 cards": (6, 0, None, None, 5000),
    "enough money, 5 cards": (100, 3, 1, None, 1000),
}


@dataclass(frozen=True)
class Timed:
    """One household planned: its request, the answer, and how long it took in milliseconds."""

    request: Request
    answer: Plan
    ms: float

    @property
    def short(self) -> bool:
        """Whether money was short of some minimum, or anything had to be left to bear interest."""
        return self.answer.status is Status.SHORTFALL or self.answer.cost > 0


def tables() -> Iterator[Table]:
    """The planner alone on every kind, then beside the plain model."""
    plan(request_from(household(random.Random(SEED), KINDS[0])))  # imports and warms the solver
    planned = {kind.name: [_planned(kind, SEED + i) for i in range(RUNS[kind.name][0])] for kind in KINDS}
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield _speed(planned, memory)
    if os.environ.get("ANHUAN_BENCH_PLAIN") != "0":
        yield from (_beside(kind, planned[kind.name][: RUNS[kind.name][1]]) for kind in KINDS if RUNS[kind.name][1])


def _planned(kind: Kind, seed: int) -> Timed:
    request = request_from(household(random.Random(seed), kind))
    began = perf_counter()
    answer = plan(request)
    return Timed(request, answer, (perf_counter() - began) * 1000)


def _speed(planned: dict[str, list[Timed]], memory: float) -> Table:
    table = Table(title=f"planning 92 days, seed {SEED}; memory of the process {memory:.0f} MB (bar: 400 MB)")
    for head in ("households", "planned", "median ms", "p99 ms", "with a cost", "their median ms", "short of a minimum",
                 "proved", "bar"):  # fmt: skip
        table.add_column(head, justify="left" if head in ("households", "bar") else "right")
    for name, runs in planned.items():
        times = sorted(run.ms for run in runs)
        costly = [run.ms for run in runs if run.short]
        proved = sum(run.answer.cost - run.answer.lower_bound <= max(100, run.answer.cost // 1000) for run in runs)
        _, _, middle, _, worst = RUNS[name]
        bars = [f"median {middle} ms"] if middle else []
        table.add_row(
            name, str(len(runs)), f"{median(times):.1f}", f"{times[min(len(times) - 1, int(len(times) * 0.99))]:.0f}",
            f"{len(costly) / len(runs):.0%}", f"{median(costly):.1f}" if costly else "-",
            f"{sum(run.answer.status is Status.SHORTFALL for run in runs) / len(runs):.0%}",
            f"{proved / len(runs):.0%}", ", ".join([*bars, f"p99 {worst} ms"]),
        )  # fmt: skip
    return table


def _beside(kind: Kind, runs: list[Timed]) -> Table:
    table = Table(
        title=f"{kind.name}: beside one variable per day, card and channel (same HiGHS, {PLAIN_SECONDS:.0f} s)"
    )
    for head in (
        "status",
        "cost, fen",
        "plain cost",
        "plain bound",
        "ms",
        "plain ms",
        "columns",
        "switches",
        "faster",
        "bar",
    ):
        table.add_column(head, justify="left" if head in ("status", "bar") else "right")
    times = []
    for run in runs:
        plain: PlainAnswer = solve_plain(run.request, seconds=PLAIN_SECONDS)
        times.append(plain.seconds * 1000 / run.ms)
        table.add_row(
            str(run.answer.status), f"{run.answer.cost:,}", "none in time" if plain.cost is None else f"{plain.cost:,}",
            f"{plain.bound:,}", f"{run.ms:.1f}", f"{plain.seconds * 1000:.0f}", f"{plain.columns:,}",
            str(plain.switches), f"{times[-1]:.0f}x", "",
        )  # fmt: skip
    wanted = RUNS[kind.name][3]
    table.add_row("median", "", "", "", "", "", "", "", f"{median(times):.0f}x", f"{wanted}x" if wanted else "")
    return table
