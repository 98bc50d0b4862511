"""The demonstration as `make run` opens it, in processes of its own, and a browser without script in front of it."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import Cookie, CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import psycopg
from tests.cli.test_serve import free_port

from anhuan.kit import fetch, postgres

WAIT = 120.0  # seconds for anything that should come soon, on a busy machine too


class _Everywhere(DefaultCookiePolicy):
    """Sends secure cookies to this machine, as browsers do."""

    def return_ok_secure(self, cookie: Cookie, request: urllib.request.Request) -> bool:
        return True


class _Form(HTMLParser):
    """The fields of the form that has a field of this name, as a browser would send them untouched."""

    def __init__(self, named: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.action = ""
        self._named, self._mine, self._fields, self._select = named, "", list[tuple[str, str]](), ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._mine, self._fields = said.get("action", ""), []
        elif tag == "select":
            self._select = said.get("name", "")
        elif tag == "option" and self._select:
            held = [name for name, _ in self._fields]
            if "selected" in said or self._select not in held:
                self._fields = [one for one in self._fields if one[0] != self._select]
                self._fields.append((self._select, said.get("value", "")))
        elif tag in ("input", "textarea") and said.get("name"):
            chosen = said.get("type") not in ("radio", "checkbox") or "checked" in said
            if chosen:
                self._fields.append((said["name"], said.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        if tag == "form" and not self.found and any(name == self._named for name, _ in self._fields):
            self.found, self.action = self._fields, self._mine


@dataclass
class Browser:
    """One person's browser: pages as text, forms as they stand."""

    origin: str
    jar: CookieJar = field(default_factory=lambda: CookieJar(_Everywhere()))
    page: str = ""
    address: str = ""

    def get(self, path: str) -> str:
        """A page."""
        return self._open(urllib.request.Request(self.origin + path))

    def post(self, path: str, fields: Sequence[tuple[str, str]]) -> str:
        """Send a form, and follow to where it leads."""
        body = urlencode(list(fields)).encode()
        return self._open(urllib.request.Request(self.origin + path, body, {"Origin": self.origin}))

    def send(self, named: str, *, to: str = "", **changes: str) -> str:
        """Send the form of this page that has this field, with some fields filled in otherwise."""
        form = _Form(named)
        form.feed(self.page)
        assert form.found, f"no form with {named} on {self.address}: {self.text[:400]}"
        fields = [(name, changes.pop(name, value)) for name, value in form.found]
        return self.post(to or form.action, [*fields, *changes.items()])

    @property
    def text(self) -> str:
        """What a person reads."""
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", self.page))

    def links(self, part: str) -> list[str]:
        """Addresses of links that have this part."""
        return [one for one in re.findall(r'href="([^"]+)"', self.page) if part in one]

    def _open(self, request: urllib.request.Request) -> str:
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))
        try:
            with opener.open(request, timeout=30) as answer:
                self.page, self.address = answer.read().decode(), answer.geturl()
        except urllib.error.HTTPError as error:
            self.page, self.address = error.read().decode(), error.geturl()
        return self.page


@dataclass
class House:
    """The running demonstration: its pages, its bank, its database."""

    process: subprocess.Popen[bytes]
    home: Path
    port: int
    database: str

    def person(self, who: UUID) -> Browser:
        """Somebody who came in by one tap."""
        browser = Browser(f"http://localhost:{self.port}")
        browser.get("/sign-in")
        browser.send("csrf", to="/sign-in/demo", who=str(who))
        return browser

    def children(self, word: str) -> list[int]:
        """The processes that this demonstration started with this word on their command line."""
        found = []
        for place in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                said, parent = place.read_bytes(), place.with_name("stat").read_text().rpartition(")")[2].split()[1]
            except OSError:
                continue
            if int(parent) == self.process.pid and word.encode() in said.split(b"\0"):
                found.append(int(place.parent.name))
        return found

    def bank(self, method: str, path: str, said: Mapping[str, Any] | None = None) -> Any:
        """The hand on its simulated bank."""
        env = Path(f"/proc/{self.children('work')[0]}/environ").read_bytes().split(b"\0")
        url = next(one.decode().partition("=")[2] for one in env if one.startswith(b"ANHUAN_SIMBANK_URL="))
        head = {"authorization": f"Bearer {(self.home / 'simbank' / 'control-token').read_text().strip()}"}
        body = None if said is None else json.dumps(said).encode()
        answer = fetch.fetch_here(url + path, method=method, body=body, headers=head, seconds=30.0)
        assert answer.status == 200, answer.body
        return json.loads(answer.body)

    def asked(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of its database, seen by its owner."""
        with psycopg.connect(self.database) as db:
            db.execute("SET ROLE anhuan_owner")
            return db.execute(sql.encode(), values).fetchall()


def soon(what: Callable[[], object], *, within: float = WAIT, said: Callable[[], str] = str) -> float:
    """Wait until it is so; how many seconds that took."""
    began = time.monotonic()
    while not what():
        assert time.monotonic() - began < within, f"not within {within:.0f} s: {said()}"
        time.sleep(0.2)
    return time.monotonic() - began


@contextmanager
def running() -> Iterator[House]:
    """`anhuan serve --demo` on a fresh folder, until its page answers and its own bank's cards are there."""
    with tempfile.TemporaryDirectory(prefix="anhuan-live-") as folder:
        place, port = Path(folder), free_port()
        place.chmod(0o711)
        home = place / "home"
        command = [sys.executable, "-m", "anhuan.cli", "serve", "--demo", "--port", str(port)]
        env = {**os.environ, "ANHUAN_HOME": str(home)}
        process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
        server = postgres.Embedded(home)
        try:
            soon(lambda: _answers(port), within=150)
            house = House(process, home, port, server.join().owner)
            soon(lambda: house.children("work"), within=150)  # the worker comes when the household is whole
            yield house
        finally:
            server.leave()
            process.send_signal(signal.SIGINT)
            try:
                assert process.wait(timeout=60) in (0, -signal.SIGKILL)
            finally:
                process.kill()
                server.stop()


def _answers(port: int) -> bool:
    door = http.client.HTTPConnection("localhost", port, timeout=30)
    try:
        door.request("GET", "/sign-in")
        return door.getresponse().status == 200
    except OSError:
        return False
    finally:
        door.close()
