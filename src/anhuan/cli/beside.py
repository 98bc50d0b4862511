"""Programs beside this one: child processes that end with the block, and with this process whatever ends it."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Final

ENDS_BY_ITSELF: Final = 5.0  # seconds a child gets before it is told to end
ENDS_WHEN_TOLD: Final = 5.0  # and then before it is made to


@contextlib.contextmanager
def child(*command: str, told: float = ENDS_WHEN_TOLD) -> Iterator[subprocess.Popen[bytes]]:
    """A child that runs during the block and is ended after it."""
    child = started(*command)
    try:
        yield child
    finally:
        end(child, told=told)


def started(*command: str, heard: bool = False) -> subprocess.Popen[bytes]:
    """`anhuan COMMAND --parent` as a child that lives while its standard input is open; `heard` keeps its output."""
    return subprocess.Popen(
        [sys.executable, "-m", "anhuan.cli", *command, "--parent"], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE if heard else subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for the parent, which then ends the child in order
    )  # fmt: skip


def end(child: subprocess.Popen[bytes], *, told: float = ENDS_WHEN_TOLD) -> None:
    """Let a child end in order; one that does not is told to, and then made to. Ending it twice is ending it once."""
    assert child.stdin is not None
    child.stdin.close()
    for then, patience in ((child.terminate, ENDS_BY_ITSELF), (child.kill, told)):
        try:
            child.wait(timeout=patience)
            break
        except subprocess.TimeoutExpired:
            then()
    child.wait()


def end_with_parent() -> None:
    """In a child: ask this process politely to end when its parent has, if by kill -9.

    The parent holds the other end of our input and never writes: when it ends, so does the input.
    """
    threading.Thread(target=_when_input_ends, name="parent", daemon=True).start()


def _when_input_ends() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)
