"""The server as a person starts it: pages come, nobody else can connect, Ctrl-C ends everything, data stay."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from anhuan.cli import serve
from anhuan.kit import ids, postgres


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
    first = start(home, "--demo")
    page = filled_page(first[1])
    stop(first[0])
    assert "招商银行" in page
    assert not postgres.Embedded(home).running(), "Ctrl-C stops the database too"

    second = start(home, "--demo")
    again = filled_page(second[1])
    stop(second[0])
    assert amounts(again) == amounts(page)


@pytest.mark.timeout(500)
def test_a_real_start_shows_a_welcome_link_and_no_invented_people_and_is_never_a_demonstration(home: Path) -> None:
    process, port = start(home)
    assert 'name="who"' not in wait_for(port, "/sign-in")
    said = stop(process)
    link = next(line for line in said.splitlines() if "/welcome/" in line)
    assert link.startswith(f"http://localhost:{port}/welcome/")

    refused, _ = start(home, "--demo")
    _, wrong = refused.communicate(timeout=200)
    assert refused.returncode == 1
    assert "ANHUAN_HOME" in wrong


def start(home: Path, *options: str) -> tuple[subprocess.Popen[str], int]:
    port = free_port()
    command = [sys.executable, "-m", "anhuan.cli", "serve", *options, "--port", str(port)]
    env = os.environ | {"ANHUAN_HOME": str(home)}
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True), port


def wait_for(port: int, path: str) -> str:
    """A page, as soon as it answers."""
    until = time.monotonic() + 150
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://localhost:{port}{path}", timeout=30) as answer:
                return str(answer.read().decode())
        except OSError:  # not yet
            time.sleep(0.2)
    raise AssertionError("no page came")


def home_page(port: int) -> str:
    """The home page of the invented card holder, signed in by one tap."""
    wait_for(port, "/sign-in")
    with closing(http.client.HTTPConnection("localhost", port, timeout=60)) as door:
        door.request("GET", "/sign-in")
        seen = door.getresponse()
        cookie, page = str(seen.getheader("set-cookie")).partition(";")[0], seen.read().decode()
        csrf = page.partition('name="csrf" value="')[2].partition('"')[0]
        body = urllib.parse.urlencode({"csrf": csrf, "who": str(ids.LOCAL_USER)})
        sent = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
        door.request("POST", "/sign-in/demo", body, sent)
        done = door.getresponse()
        done.read()
        kept = "; ".join(one.partition(";")[0] for one in done.headers.get_all("set-cookie") or [])
        door.request("GET", "/", headers={"Cookie": kept})
        return door.getresponse().read().decode()


def filled_page(port: int) -> str:
    """The same once the cards that truly pay are there: they come while the page is open already."""
    page, until = home_page(port), time.monotonic() + 300
    while time.monotonic() < until:
        time.sleep(3)
        before, page = page, home_page(port)
        if "甲银行" in page and "丙银行" in page and amounts(before) == amounts(page):
            return page
    raise AssertionError("the cards of the demonstration did not come")


def stop(process: subprocess.Popen[str]) -> str:
    """Press Ctrl-C; the program ends in order and has told its address; what it said."""
    process.send_signal(signal.SIGINT)
    said, wrong = process.communicate(timeout=100)
    assert process.returncode == 0, wrong
    assert "http://localhost:" in said
    assert wrong == ""
    return said


def amounts(page: str) -> list[str]:
    return [word for word in page.replace("<", " ").split() if word.startswith("¥")]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])
