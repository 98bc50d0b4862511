"""The limited process: what a parser that was taken over could still do, tried in a process of its own."""

import json
import platform
import subprocess
import sys
import textwrap

import pytest

from anhuan.statements import sandbox

FILTERED = sys.platform == "linux" and platform.machine() in ("x86_64", "aarch64")

TRY = """
    import ctypes, json, os, resource, signal, socket, subprocess, sys, tempfile
    from anhuan.statements import confinement
    folder = tempfile.mkdtemp()
    os.chmod(folder, 0o777)
    kept = os.path.join(folder, "kept")
    open(kept, "w").close()
    acts = {
        "read a file": lambda: open("/etc/hostname").read(),
        "write a file": lambda: open(os.path.join(folder, "x"), "w"),
        "delete a file": lambda: os.unlink(kept),
        "list a folder": lambda: os.listdir("/"),
        "open a socket": lambda: socket.socket(),
        "open a pair of sockets": lambda: socket.socketpair(),
        "start a program": lambda: subprocess.run(["true"]),
        "fork": lambda: os.fork() or os._exit(0),
        "become another program": lambda: os.execv("/bin/true", ["true"]) if CONFINED else None,
        "end another process": lambda: os.kill(os.getppid(), 0),
        "look into another process": lambda: open("/proc/self/mem", "rb"),
        "read the clock": lambda: os.times() and __import__("time").time(),
        "use memory": lambda: len(bytearray(50_000_000)),
    }
    CONFINED = sys.argv[1] == "confined"
    if CONFINED:
        confinement.confine()
    done = {}
    for name, act in acts.items():
        try:
            act()
            done[name] = True
        except OSError as error:
            done[name] = False
    sys.stdout.write(json.dumps([done, sorted(confinement.standing)]))
"""


def tried(how: str) -> tuple[dict[str, bool], list[str]]:
    """Which acts succeed in a fresh process."""
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(TRY), how], capture_output=True, text=True, check=True)
    acts, walls = json.loads(done.stdout)
    return acts, walls


@pytest.mark.skipif(not FILTERED, reason="the filter of system calls is written for Linux on x86-64 and ARM64")
def test_behind_the_walls_there_is_only_computing() -> None:
    done, walls = tried("confined")
    assert {act for act, succeeded in done.items() if succeeded} == {"read the clock", "use memory"}
    assert "few system calls" in walls


def test_without_the_walls_each_of_these_acts_succeeds() -> None:
    """The control: the test above fails when a wall is missing."""
    done, walls = tried("free")
    assert all(done.values()), done
    assert walls == []


@pytest.mark.skipif(not FILTERED, reason="the filter of system calls is written for Linux on x86-64 and ARM64")
def test_the_worker_stands_behind_the_walls() -> None:
    assert {"few system calls", "no new privileges"} <= sandbox.walls()
