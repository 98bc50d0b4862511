"""What attackers have: a socket to the real server, a browser that is signed in, one that is not.

Each attack is one test named after it. Its docstring has three lines, which docs/ATTACKS.md shows: what is tried, what
must happen, and what shows that the test can fail.
"""

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi.routing import APIRoute
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker
from starlette.testclient import TestClient
from tests.people import browser

from anhuan import app
from anhuan.cli import serve
from anhuan.kit import db as database
from anhuan.kit.rates import Limit

BASE = "http://localhost:8000"


def lifted(name: str) -> Limit:
    """No limit in the way of attacks that are not about limits."""
    return Limit(name, 1_000_000, 1)


def house_of(sessions: sessionmaker[Session]) -> Any:
    """The whole house over one database."""
    made = app.create(sessions)
    made.state.limits = lifted
    return made


@dataclass(frozen=True)
class Wire:
    """A door of the real server on this machine, for requests that no browser would send."""

    port: int

    def send(self, raw: bytes, *, seconds: float = 10) -> bytes:
        """Everything that comes back until the server hangs up, or falls silent for a second after it spoke."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as line:
            line.sendall(raw)
            answer = b""
            while True:
                try:
                    part = line.recv(65536)
                except TimeoutError:
                    return answer
                if not part:
                    return answer
                answer += part
                line.settimeout(0.5)

    def get(self, target: bytes, *head: bytes, method: bytes = b"GET") -> bytes:
        """One plain request with these head lines besides."""
        lines = [method + b" " + target + b" HTTP/1.1", b"Host: localhost", b"Connection: close", *head]
        return self.send(b"\r\n".join(lines) + b"\r\n\r\n")


def status(answer: bytes) -> int:
    """The status of the first answer on a line; 0 when there is none."""
    words = answer.split(b" ", 2)
    return int(words[1]) if len(words) > 1 and answer.startswith(b"HTTP/") else 0


def heads(answer: bytes) -> dict[str, str]:
    """The head lines of the first answer."""
    lines = answer.split(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    return {
        name.decode().lower(): value.strip().decode() for name, _, value in (line.partition(b":") for line in lines)
    }


@pytest.fixture(scope="session")
def wire(worker_engine: Engine) -> Iterator[Wire]:
    """The real server, as `anhuan serve` runs it, over the database of this test worker; nothing here signs in."""
    engine = database.open_engine(worker_engine.url.render_as_string(hide_password=False))
    before = database.use(engine)
    door = socket.socket()
    door.bind(("127.0.0.1", 0))
    server = serve.server(house_of(sessionmaker(engine, expire_on_commit=False)))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [door]}, daemon=True)
    thread.start()
    for _ in range(3000):  # a minute, on a busy machine
        if server.started:
            break
        time.sleep(0.02)
    assert server.started
    yield Wire(door.getsockname()[1])
    server.should_exit = True
    thread.join(timeout=10)
    door.close()
    database.use(before)
    engine.dispose()


@pytest.fixture
def client(db: Session) -> Iterator[TestClient]:
    """The browser of a signed-in holder of cards."""
    with TestClient(house_of(database.sessions()), base_url=BASE, headers=browser(db), follow_redirects=False) as made:
        yield made


@pytest.fixture
def stranger(db: Session) -> Iterator[TestClient]:
    """A browser that is not signed in."""
    with TestClient(house_of(database.sessions()), base_url=BASE, follow_redirects=False) as made:
        yield made


def form_token(client: TestClient, path: str = "/cards/new") -> str:
    """The token that a form of this browser carries."""
    text = client.get(path).text
    return text.split('name="csrf" value="', 1)[1].split('"', 1)[0]


def routes(house: Any) -> Iterator[tuple[str, APIRoute]]:
    """Every route of the house with its whole path, pages and JSON."""
    for route in house.routes:
        if isinstance(route, APIRoute):
            yield route.path, route
        elif hasattr(route, "original_router"):
            yield from routes(route.original_router)
        elif hasattr(route, "app") and hasattr(route.app, "routes"):
            yield from ((route.path + path, found) for path, found in routes(route.app))
