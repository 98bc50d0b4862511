"""Processes of a town begin as copies of one that has read all the code: a town starts hundreds of them, and each would
spend seconds on nothing but reading it again. From its first line on, a copy is a process like any other.
"""

import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from pkgutil import resolve_name
from typing import Final

# What web, workers and bank read; none of it opens a file, a connection or a thread when it is read.
READ: Final = ["anhuan.app", "anhuan.cli.serve", "anhuan.cli.simbank", "anhuan.cli.work", "anhuan.simulation.nursery"]
WEB: Final = "web"


def ready() -> ForkServerContext:
    """Where copies come from; it begins with the first copy, and ends with this process."""
    place = multiprocessing.get_context("forkserver")
    place.set_forkserver_preload(list(READ))
    return place


def begin(
    place: ForkServerContext, command: Sequence[str], *, env: Mapping[str, str], log: Path
) -> ForkServerProcess:  # fmt: skip
    """Start `anhuan` with these words (`web PORT`: the pages of a demonstration); what it says goes to the log."""
    process = place.Process(target=_live, args=(list(command), dict(env), str(log)))
    process.start()
    return process


def _live(command: list[str], env: dict[str, str], log: str) -> None:
    """The first lines of a copy: a session, an environment and a log of its own, then the command."""
    os.setsid()
    os.environ.clear()
    os.environ.update(env)
    out, nothing = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), os.open(os.devnull, os.O_RDONLY)
    for number, to in ((nothing, 0), (out, 1), (out, 2)):
        os.dup2(number, to)
    sys.argv = ["anhuan", *command]
    if command[0] == WEB:
        serve = resolve_name("anhuan.cli.serve")  # the command line stands above this room: named, not imported
        serve.run(serve.loopback(int(command[1])), serve.DEMONSTRATION)
    else:
        resolve_name("anhuan.cli.main:main")(command)
