"""A town whose command was killed is taken away by the next one; a living or a kept one is never touched."""

import os
import signal
import subprocess
import sys
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

import pytest

from anhuan.simulation import leftovers, service
from anhuan.simulation.model import Ask

TOWN = """
import signal, sys
from pathlib import Path
from tests.simulation.test_leftovers import copy
from anhuan.simulation import nursery, service
from anhuan.simulation.model import Ask
from anhuan.simulation.processes import Town

keep = Path(sys.argv[1]) if len(sys.argv) > 1 else None
home = service._home(Ask(1, 1, 1, (), 0, keep))
nursery.begin = copy
town = Town(home, web_port=1, bank_port=2)
town.start("web")
print(home, town._running["web"].pid, flush=True)
signal.pause()
"""


def copy(place: ForkServerContext, _command: object, **_: object) -> ForkServerProcess:
    """A process of a town that does nothing."""
    process = place.Process(target=wait)
    process.start()
    return process


def wait() -> None:
    os.setsid()
    signal.pause()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where towns are made in this test."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    return tmp_path


def town(*keep: str) -> tuple[subprocess.Popen[str], Path, int]:
    """A command that lives in a town: itself, its folder, and the one process of the town."""
    made = subprocess.Popen([sys.executable, "-c", TOWN, *keep], stdout=subprocess.PIPE, text=True)
    assert made.stdout is not None
    home, _, pid = made.stdout.readline().strip().rpartition(" ")
    return made, Path(home), int(pid)


def killed(command: subprocess.Popen[str]) -> None:
    command.kill()
    command.wait(timeout=30)
    assert command.stdout is not None
    command.stdout.close()


def test_what_a_killed_command_left_is_ended_and_removed(place: Path) -> None:
    command, home, pid = town()
    assert leftovers.sweep() == [], "it lives"
    assert home.is_dir()
    killed(command)
    assert leftovers.since(pid) is not None, "its processes live on alone"
    assert leftovers.sweep() == [home]
    assert leftovers.since(pid) is None
    assert not home.exists()


def test_a_town_that_is_kept_and_what_is_nobodys_town_stay(place: Path) -> None:
    command, home, pid = town(str(place / f"{leftovers.PREFIX}kept"))
    killed(command)
    strange = place / f"{leftovers.PREFIX}strange"
    strange.mkdir()
    (strange / leftovers.MARK).write_text("{")
    try:
        assert leftovers.sweep() == []
        assert leftovers.since(pid) is not None
        assert home.is_dir()
        assert strange.is_dir()
    finally:
        os.kill(pid, signal.SIGKILL)


def test_a_process_that_has_the_id_of_one_that_is_gone_is_left_alone(place: Path) -> None:
    command, home, pid = town()
    killed(command)
    other = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], start_new_session=True)
    (home / leftovers.PROCESSES).write_text(f"{pid} {leftovers.since(pid)}\n{other.pid} 1\n")
    assert leftovers.sweep() == [home]
    assert other.poll() is None
    other.kill()
    other.wait(timeout=30)


def test_the_next_town_takes_it_away_before_it_begins(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command, home, _ = town()
    killed(command)
    said: list[str] = []

    def enough(_: Ask) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(service, "_home", enough)
    with pytest.raises(KeyboardInterrupt):
        service.run(Ask(1, 1, 1, (), 0, None), ports=(1, 2), say=said.append)
    assert not home.exists()
    assert said == [f"taken away: {home}, whose command was killed"]
