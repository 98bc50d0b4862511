"""A small town, the faults of the bank, kills of every process: the short form of `make chaos`, judged by all laws.

It runs the real command: its own embedded server with fsync on, web server, two workers, simulated bank, all killed.
"""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.timeout(400)  # a whole town lives in the fixture; a busy machine takes its time
KILLS = 5  # each kind once, and one more
# All but 22, half a minute of real waiting, and 35, a bill that cannot be read: few are left to pay without it.
FAULTS = ",".join(str(number) for number in range(1, 35) if number != 22)
# A month: whichever day it is today, a bill comes within nine days and falls due twenty days later.
ASKED = ("--households", "3", "--days", "32", "--seed", "7", "--faults", FAULTS, "--kills", str(KILLS), "--json")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The report of one town, and how the command ended."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("ANHUAN_")}
    env["ANHUAN_HOME"] = str(tmp_path_factory.mktemp("nobody"))
    command = [sys.executable, "-m", "anhuan.cli", "simulate", *ASKED]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            out, err = running.communicate(timeout=340)
        except BaseException:
            running.send_signal(signal.SIGINT)  # it takes its database, bank, web and workers with it
            with suppress(subprocess.TimeoutExpired):
                running.communicate(timeout=60)
            running.kill()
            raise
    assert out, err[-2000:]
    return {**json.loads(out), "exit": running.returncode}


def test_a_town_under_kills_and_faults_breaks_no_law(town: dict[str, Any]) -> None:
    assert town["broken"] == []
    assert town["exit"] == 0


def test_every_kind_of_process_was_killed_and_people_paid_all_the_same(town: dict[str, Any]) -> None:
    killed = {kind: many for kind, many in town["kills"].items() if kind != "worker_held_still"}
    assert sum(killed.values()) == KILLS
    assert set(killed) == {"web", "worker", "bank", "database"}
    assert town["orders"] > 0
    assert town["faults"]


def test_the_files_of_every_day_were_fetched_and_those_that_went_wrong_met_as_such(town: dict[str, Any]) -> None:
    assert town["files"]["read"] > 0
    assert town["faults"]["27"] > 0
    assert town["files"]["waited for"] + town["files"].get("refused", 0) > 0


def test_nothing_of_the_town_is_left(town: dict[str, Any]) -> None:
    assert not Path(town["home"]).exists()
