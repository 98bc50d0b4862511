"""A small town, every fault of the bank, kills of every process: the short form of `make chaos`, judged by all laws.

It runs the real command: its own embedded server with fsync on, web server, two workers, simulated bank, all killed.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

KILLS = 8
ASKED = ("--households", "6", "--days", "36", "--seed", "7", "--faults", "all", "--kills", str(KILLS), "--json")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The report of one town, and how the command ended."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("ANHUAN_")}
    env["ANHUAN_HOME"] = str(tmp_path_factory.mktemp("nobody"))
    command = [sys.executable, "-m", "anhuan.cli", "simulate", *ASKED]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=900)
    assert done.stdout, done.stderr[-2000:]
    return {**json.loads(done.stdout), "exit": done.returncode}


def test_a_town_under_kills_and_faults_breaks_no_law(town: dict[str, Any]) -> None:
    assert town["broken"] == []
    assert town["exit"] == 0


def test_the_town_was_killed_and_paid_all_the_same(town: dict[str, Any]) -> None:
    killed = {kind: many for kind, many in town["kills"].items() if kind != "worker_held_still"}
    assert sum(killed.values()) == KILLS
    assert set(killed) == {"web", "worker", "bank", "database"}
    assert town["orders"] > 0
    assert town["arrived"] > 0
    assert town["paid_fen"] > 0


def test_nothing_of_the_town_is_left(town: dict[str, Any]) -> None:
    assert not Path(town["home"]).exists()
