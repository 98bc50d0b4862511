"""Runs the bench files named on the command line, or all of them, one after the other."""

import base64
import importlib
import os
import platform
import sys
import time
from pathlib import Path

from rich.console import Console

HERE = Path(__file__).parent


def main(wanted: list[str]) -> int:
    """Print the tables of each bench file; returns the exit code."""
    console = Console(width=None if sys.stdout.isatty() else 140)
    known = sorted(file.stem.removeprefix("bench_") for file in HERE.glob("bench_*.py"))
    strange = sorted(set(wanted) - set(known))
    if strange:
        console.print(f"no bench named {', '.join(strange)}; there are: {', '.join(known)}")
        return 1
    cores, load = os.cpu_count(), os.getloadavg()[0]
    console.print(f"{platform.machine()}, {cores} cores, load {load:.1f}, Python {platform.python_version()}")
    os.environ.pop("ANHUAN_KMS_COMMAND", None)
    os.environ["ANHUAN_MASTER_KEY"] = base64.b64encode(os.urandom(32)).decode()  # not the key of who runs this
    for name in wanted or known:
        began = time.perf_counter()
        for table in importlib.import_module(f"bench.bench_{name}").tables():
            console.print(table)
        console.print(f"{name}: {time.perf_counter() - began:.0f} s", style="dim")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
