"""The server as a person starts it: pages come, nobody else can connect, Ctrl-C ends everything, data stay."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from anhuan.cli import serve
from anhuan.kit import postgres


@pytest.fixture
def home() -> Iterator[Path]:
    """A data folder that the database's account may enter."""
    with tempfile.TemporaryDirectory(prefix="anhuan-serve-") as folder:
        place = Path(folder)
        place.chmod(0o711)
        yield place / "home"
        postgres.Embedded(place / "home").stop()


def test_the_server_listens_on_this_machine_alone() -> None:
    doors = serve.loopback(free_port())
    assert {door.getsockname()[0] for door in doors} <= {"127.0.0.1", "::1"}
    for door in doors:
        door.close()


def test_a_port_that_is_taken_is_named_with_a_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(serve.PortTaken, match=f"port {port} is taken .*--port {port + 1}"):
            serve.loopback(port)


@pytest.mark.timeout(500)  # two whole starts
def test_the_first_start_shows_the_demo_household_and_a_second_one_keeps_it(home: Path) -> None:
    first = start(home)
    page = wait_for_page(first[1])
    stop(first[0])
    assert "招商银行" in page
    assert not postgres.Embedded(home).running(), "Ctrl-C stops the database too"

    second = start(home)
    assert amounts(wait_for_page(second[1])) == amounts(page)
    stop(second[0])


def start(home: Path) -> tuple[subprocess.Popen[str], int]:
    port = free_port()
    command = [sys.executable, "-m", "anhuan.cli", "serve", "--demo", "--port", str(port)]
    env = os.environ | {"ANHUAN_HOME": str(home)}
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True), port


def wait_for_page(port: int) -> str:
    """The home page, as soon as it answers."""
    until = time.monotonic() + 150
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://localhost:{port}/", timeout=30) as answer:
                return str(answer.read().decode())
        except OSError:  # not yet
            time.sleep(0.2)
    raise AssertionError("no page came")


def stop(process: subprocess.Popen[str]) -> None:
    """Press Ctrl-C; the program ends in order and has told its address."""
    process.send_signal(signal.SIGINT)
    said, wrong = process.communicate(timeout=100)
    assert process.returncode == 0, wrong
    assert "http://localhost:" in said
    assert wrong == ""


def amounts(page: str) -> list[str]:
    return [word for word in page.replace("<", " ").split() if word.startswith("¥")]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])
