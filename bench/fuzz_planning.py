"""Random requests against the laws of planning, for as long as one likes: `python -m bench.fuzz_planning SEED COUNT`.

What breaks a law is written beside its seed as JSON into the folder named by `--keep`, ready for `anhuan plan`.
"""

import argparse
import json
import random
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

from tests.laws.plan_requests import any_request, tiny_request

from anhuan.planning import Request, Status, cost_of, live_habits, plan, request_from


def broken_laws(request: Request, *, seconds: float) -> Iterator[str]:
    """Every law that the plan of a request breaks, in one sentence each."""
    began = perf_counter()
    made = plan(request, seconds=seconds)
    took = perf_counter() - began
    breakdown, _ = cost_of(request, made.legs)
    gap, allowed = made.cost - made.lower_bound, max(100, made.cost // 1000)
    if breakdown.total != made.cost:
        yield f"the simulator says {breakdown.total}, the plan {made.cost}"
    if gap < 0:
        yield f"the bound {made.lower_bound} lies above the cost {made.cost}"
    if made.status is Status.OPTIMAL and gap > allowed:
        yield f"optimal with a gap of {gap}"
    if gap > allowed and took < seconds / 2:
        yield f"a gap of {gap} at a cost of {made.cost} after {took:.1f} s of {seconds:.0f}"
    if took > 2 * seconds:
        yield f"{took:.1f} s, {seconds:.0f} were allowed"
    for habit in live_habits(request):
        if habit.cost < made.lower_bound:
            yield f"{habit.kind} costs {habit.cost}, below the bound {made.lower_bound}"
        elif habit.cost < made.cost:
            yield f"{habit.kind} costs {habit.cost}, the plan {made.cost}"


def main() -> int:
    """Try so many seeds; the exit code says whether a law broke."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("seed", type=int, nargs="?", default=1)
    asked.add_argument("count", type=int, nargs="?", default=20)
    asked.add_argument("--tiny", action="store_true", help="requests of a few yuan, where rounding matters most")
    asked.add_argument("--seconds", type=float, default=3.0)
    asked.add_argument("--keep", type=Path, help="folder for the requests that break a law")
    given = asked.parse_args()
    broken = 0
    for seed in range(given.seed, given.seed + given.count):
        told = (tiny_request if given.tiny else any_request)(random.Random(seed))
        try:
            laws = list(broken_laws(request_from(told), seconds=given.seconds))
        except Exception:
            laws = [traceback.format_exc(limit=3)]
        for law in laws:
            print(f"{seed}: {law}", flush=True)
        broken += bool(laws)
        if laws and given.keep:
            given.keep.mkdir(parents=True, exist_ok=True)
            given.keep.joinpath(f"{'tiny' if given.tiny else 'any'}-{seed}.json").write_text(json.dumps(told, indent=1))
    print(f"{broken} of {given.count} requests broke a law")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
