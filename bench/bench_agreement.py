"""What the planner predicted beside what the simulated banks billed: random households, to the fen.

ANHUAN_BENCH_HOUSEHOLDS changes how many households are planned (900 by default, over 2,000 household-months),
ANHUAN_BENCH_FAMILIES how many live at the bank's real process, over its wire (30 by default, 0 leaves them out).
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from time import perf_counter

from rich.table import Table
from tests.bank import running
from tests.laws.bank_agreement import Tally, planned, random_life
from tests.laws.bank_over_http import live

from anhuan.kit import postgres

PLANNED = int(os.environ.get("ANHUAN_BENCH_HOUSEHOLDS", "900"))
SECONDS = 0.6  # of search for one plan; any plan will do
LIVES = {60: 300, 92: 300, 365: 150}  # horizon in days: households that pay as they like
FAMILIES = int(os.environ.get("ANHUAN_BENCH_FAMILIES", "30"))
MONTHS = 12  # of each family
SEED = 20261122
SHOWN = 20


def tables() -> Iterator[Table]:
    """Three kinds of households in one table, then the rules that their bills went through."""
    rows: list[tuple[str, Tally, float]] = []
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        rows.append(_timed("planned, 92 days", pool, partial(planned, seconds=SECONDS), range(PLANNED)))
        for horizon, count in LIVES.items():
            name = f"paying as they like, {horizon} days"
            rows.append(_timed(name, pool, partial(random_life, horizon=horizon), range(count)))
        free = partial(random_life, horizon=365, free=True)
        rows.append(_timed("agreements at random, 365 days", pool, free, range(LIVES[365])))
    if FAMILIES:
        rows.append(_over_http())
    yield _table(rows)
    yield _rules([tally for _, tally, _ in rows])
    differences = [line for _, tally, _ in rows for line in tally.differences]
    if differences:
        yield _found(differences)


def _timed(
    name: str, pool: ProcessPoolExecutor, live: Callable[[int], Tally], seeds: range
) -> tuple[str, Tally, float]:
    began, total = perf_counter(), Tally()
    for tally in pool.map(live, seeds, chunksize=5):
        total.add(tally)
    return name, total, perf_counter() - began


def _over_http() -> tuple[str, Tally, float]:
    """Families at the real process on a server of their own: planned each month from its bills, paid over its wire."""
    with tempfile.TemporaryDirectory(prefix="anhuan-bench-") as folder:
        Path(folder).chmod(0o711)  # as root the server runs as another user, who must get in
        server = postgres.Embedded(Path(folder), testing=True)
        try:
            with running(server.join()) as bank:
                began = perf_counter()
                tally = live(bank, families=FAMILIES, months=MONTHS, seed=SEED)
                return "the real process over HTTP", tally, perf_counter() - began
        finally:
            server.leave()


def _table(rows: list[tuple[str, Tally, float]]) -> Table:
    table = Table(
        title="months predicted and billed: interest, late fees, instalment fees, every later bill, to the fen"
    )
    for head in ("households", "banks", "count", "months", "cards", "bills", "yuan charged", "differences", "s",
                 "bar"):  # fmt: skip
        table.add_column(head, justify="left" if head in ("households", "banks", "bar") else "right")
    whole, took = Tally(), 0.0
    for name, tally, seconds in rows:
        table.add_row(name, *_cells(tally), f"{seconds:.0f}", "")
        whole.add(tally)
        took += seconds
    table.add_row("together", *_cells(whole), f"{took:.0f}", "0 in 2,000 months")
    return table


def _cells(tally: Tally) -> list[str]:
    banks = " ".join(name.removeprefix("sim_") for name in sorted(tally.banks))
    counts = (tally.households, tally.months, tally.cards, tally.bills, tally.billed // 100, len(tally.differences))
    return [banks, *(f"{one:,}" for one in counts)]


def _rules(tallies: list[Tally]) -> Table:
    table = Table(title="rules that these bills went through")
    table.add_column("rule")
    table.add_column("bills", justify="right")
    whole = Tally()
    for tally in tallies:
        whole.add(tally)
    for name, count in whole.branches.most_common():
        table.add_row(name, f"{count:,}")
    return table


def _found(differences: list[str]) -> Table:
    table = Table(title=f"{len(differences)} differences, the first {SHOWN}")
    table.add_column("what differs")
    for line in differences[:SHOWN]:
        table.add_row(line)
    return table
