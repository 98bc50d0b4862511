"""The simulated bank as tests use it: the real process on a database of its own, and somebody who signs calls to it."""

import base64
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import make_url

from anhuan.kit import fetch, postgres, signing
from anhuan.kit.errors import Bad
from anhuan.simbank import founding

STARTS = datetime.fromisoformat("2026-03-02T10:00:00+08:00")  # a Monday
PARTNER = "anhuan-test"


class Lost(Exception):
    """No whole answer came, or one that nobody signed."""


@dataclass
class Said:
    """One answer of the bank."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)


@dataclass
class SimBank:
    """A running bank and a partner whose key it trusts."""

    process: subprocess.Popen[bytes]
    url: str
    database: str
    token: str
    public: Ed25519PublicKey
    key_id: str
    seed: int
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    now: datetime = STARTS
    partner: str = PARTNER

    def control(self, method: str, path: str, said: Any = None) -> Any:
        """Tell the bank something as whoever holds its control token."""
        body = None if said is None else json.dumps(said).encode()
        head = {"authorization": f"Bearer {self.token}"}
        answer = fetch.fetch_here(self.url + path, method=method, body=body, headers=head, seconds=60.0)
        assert answer.status == 200, answer.body.decode()
        return json.loads(answer.body)

    def reset(self, now: datetime = STARTS, seed: int | None = None) -> None:
        """Begin again at this moment with one person (`lin`, 10,000.00) and one card (`card-1`)."""
        self.now = now
        seed = self.seed if seed is None else seed
        self.control("POST", "/sim/reset", {"seed": seed, "now": now.isoformat()})
        public = base64.b64encode(self.key.public_key().public_bytes_raw()).decode()
        self.control("PUT", f"/sim/partners/{self.partner}", {"public": public})
        self.control("POST", "/sim/accounts", {"funding": "lin", "holder": "林晓", "balance": 1_000_000})
        self.control("POST", "/sim/cards", {"card": "card-1", "bank": "sim_a", "name": "林晓", "statement_day": 5})

    def call(
        self, method: str, path: str, said: Any = None, *, seconds: float = 30.0, head: Mapping[str, str] | None = None
    ) -> Said:
        """One signed call; raises Lost where no signed answer comes."""
        body = b"" if said is None else said if isinstance(said, bytes) else json.dumps(said).encode()
        signed = dict(head or signing.sign(self.key, self.partner, method, path, body, now=self.now))
        try:
            answer = fetch.fetch_here(
                self.url + path, method=method, body=body or None, headers=signed, seconds=seconds
            )
            who = signing.verify(
                {self.key_id: self.public}, answer.headers, "ANSWER", str(answer.status), answer.body, now=self.now
            )
        except Bad as bad:
            raise Lost(bad.message) from bad
        assert who.nonce == signed[signing.NONCE], "the answer belongs to another request"
        return Said(answer.status, answer.headers, answer.body)

    def body(self, key: str | None = None, amount: int = 50_000, **more: Any) -> dict[str, Any]:
        """The body of a payment of 500.00 from lin to card-1."""
        expires = (self.now + timedelta(days=2)).isoformat()
        said = {"key": key or str(uuid4()), "amount": amount, "currency": "CNY", "funding": "lin", "card": "card-1"}
        return {**said, "name": "林晓", "expires_at": expires, **more}

    def pay(self, key: str, amount: int = 50_000, **more: Any) -> Any:
        """Pay, and read the answer of a bank that takes it."""
        answer = self.call("POST", "/v1/payments", self.body(key, amount, **more))
        assert answer.status == 200, answer.body.decode()
        return answer.json

    def ask(self, key: str) -> Said:
        """What became of a key."""
        return self.call("GET", f"/v1/payments/{key}")

    def move(self, *, to: datetime | str | None = None, **by: float) -> Any:
        """Move the bank's clock, and ours with it."""
        self.now = datetime.fromisoformat(to) if isinstance(to, str) else to or self.now + timedelta(**by)
        return self.control("PUT", "/sim/clock", {"now": self.now.isoformat()})

    def script(self, *numbers: int, to: str = "next", **params: Any) -> None:
        """The next payment, or this key, meets these scenarios; `params` of a single one."""
        self.control("PUT", "/sim/script", {"steps": [{"scenarios": list(numbers), "for": to, "params": params}]})

    def truth(self, key: str) -> Any:
        """All that the bank knows of a key."""
        return self.control("GET", f"/sim/payments/{key}")

    def books(self) -> Any:
        """The books laid open."""
        return self.control("GET", "/sim/books")

    def postings(self, card: str = "card-1") -> Any:
        """What stands on a card."""
        return self.call("GET", f"/v1/cards/{card}/postings").json["postings"]

    def kill(self) -> None:
        """kill -9."""
        self.process.send_signal(signal.SIGKILL)
        _gone(self.process)

    def start_again(self) -> None:
        """The same bank on the same database."""
        again = start(self.database, seed=self.seed)
        assert (again.token, again.key_id) == (self.token, self.key_id)
        self.process, self.url = again.process, again.url


def start(database: str, *, seed: int = 1, options: Sequence[str] = (), home: Path | None = None) -> SimBank:
    """Start the real process on this database and wait for its line; `home` is its installation's folder."""
    command = [sys.executable, "-m", "anhuan.cli", "simbank", "--port", "0", "--database", database]
    env = {**os.environ, **({"ANHUAN_HOME": str(home)} if home else {})}
    process = subprocess.Popen([*command, "--seed", str(seed), *options], stdout=subprocess.PIPE, env=env)
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        _gone(process)
        raise AssertionError("the bank did not start")
    said = json.loads(line)
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(said["public"]))
    return SimBank(process, said["url"], database, said["token"], public, said["key_id"], seed)


def _gone(process: subprocess.Popen[bytes]) -> None:
    """Wait for the end of a process that was told to end."""
    try:
        process.wait(timeout=30)
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


@contextmanager
def running(
    server: postgres.Access, *, seed: int = 1, options: Sequence[str] = (), home: Path | None = None
) -> Iterator[SimBank]:
    """A bank on a fresh database of the test server, both gone afterwards."""
    name = f"anhuan_simbank_{uuid4().hex[:12]}"
    database = founding.make(server.owner, "only-a-test", name)
    bank = start(database, seed=seed, options=options, home=home)
    try:
        bank.reset()
        yield bank
    finally:
        told_to_end = bank.process.poll() is None
        bank.process.terminate()
        _gone(bank.process)
        assert not told_to_end or bank.process.returncode in (0, 128 + signal.SIGTERM), "it did not end in order"
        admin_url = make_url(server.owner).set(database="postgres").render_as_string(hide_password=False)
        with psycopg.connect(admin_url, autocommit=True) as admin:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())
            admin.execute(f'DROP ROLE "{name}"'.encode())


@dataclass
class Ear:
    """Hears callbacks as they come: head, path and bytes; answers with `status`."""

    url: str
    heard: "queue.SimpleQueue[tuple[dict[str, str], str, bytes]]"
    status: int = 204

    def all(self, bank: SimBank) -> list[tuple[dict[str, str], str, bytes]]:
        """Everything heard until now, after the bank has sent what was due."""
        bank.control("POST", "/sim/callbacks/flush")
        found = []
        while not self.heard.empty():
            found.append(self.heard.get())
        return found


@contextmanager
def listening() -> Iterator[Ear]:
    """A small server on this machine that hears callbacks."""
    heard: queue.SimpleQueue[tuple[dict[str, str], str, bytes]] = queue.SimpleQueue()
    ear = Ear("", heard)

    class Hear(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            heard.put(({name.lower(): value for name, value in self.headers.items()}, self.path, body))
            self.send_response(ear.status)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Hear) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        ear.url = f"http://127.0.0.1:{server.server_address[1]}/callbacks"
        yield ear
        server.shutdown()
        thread.join()
