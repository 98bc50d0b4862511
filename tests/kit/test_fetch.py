"""The only way out: whom it calls, at which address, how long and how much; against a real server on this machine."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from anhuan.kit import fetch
from anhuan.kit.fetch import Host, NoAnswer, NotAllowed, Reach
from anhuan.kit.settings import BadSetting

ON = date(2026, 11, 22)
NAME = "bank.example"


@dataclass
class Server:
    """A bank's machine on loopback: where it listens, who trusts it, what it was asked."""

    port: int
    trust: ssl.SSLContext
    asked: list[str]

    def reach(self, name: str = NAME, **other: object) -> Reach:
        host = Host(name, self.port, "test", date(2026, 1, 1))
        return replace(Reach((host,), lambda *_: ["127.0.0.1"], self.trust, loopback=True), **other)  # type: ignore[arg-type]

    def fetch(self, path: str = "/", *, reach: Reach | None = None, seconds: float = 3, at_most: int = 1000,
              method: str = "GET", body: bytes | None = None) -> fetch.Answer:  # fmt: skip
        return fetch.fetch(f"https://{NAME}:{self.port}{path}", purpose="test", on=ON, reach=reach or self.reach(),
                           seconds=seconds, at_most=at_most, method=method, body=body)  # fmt: skip


class Bank(BaseHTTPRequestHandler):
    """Answers well and badly, by path."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(f"{self.command} {self.path} {self.headers['Host']}")
        answers: dict[str, Callable[[], None]] = {
            "/long": lambda: self.say(200, b"x" * 5000),
            "/endless": self.endless,
            "/slow": self.slow,
            "/silent": lambda: time.sleep(3),
            "/moved": lambda: self.say(302, b"", Location=f"https://{NAME}/inside"),
            "/packed": lambda: self.say(200, b"x", Content_Encoding="gzip"),
            "/cut": lambda: self.say(200, b"half", length=400),
        }
        answers.get(self.path, lambda: self.say(200, b"well"))()

    do_POST = do_GET  # noqa: N815 - the library's name

    def say(self, status: int, body: bytes, *, length: int | None = None, **head: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in head.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def endless(self) -> None:
        self.send_response(200)
        self.end_headers()
        for _ in range(100_000):
            self.wfile.write(b"x" * 1000)

    def slow(self) -> None:
        """A head line that never ends, one byte at a time."""
        for _ in range(100):
            self.wfile.write(b"H")
            time.sleep(0.1)

    def handle(self) -> None:
        try:
            super().handle()
        except (OSError, ssl.SSLError):
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads this log."""


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for the bank's name, made for this run."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    file = tmp_path_factory.mktemp("bank") / "bank.pem"
    plain = serialization.NoEncryption()
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


@pytest.fixture
def bank(papers: Path) -> Iterator[Server]:
    handler = type("Handler", (Bank,), {"asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a visitor who leaves is no news
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(papers)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield Server(server.server_port, ssl.create_default_context(cafile=str(papers)), handler.asked)  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()


def test_a_host_of_the_list_is_called_by_its_name_at_the_address_that_was_found(bank: Server) -> None:
    answer = bank.fetch("/statement?day=2026-11-22")
    assert (answer.status, answer.body) == (200, b"well")
    assert bank.asked == [f"GET /statement?day=2026-11-22 {NAME}:{bank.port}"]


def test_a_post_carries_its_body(bank: Server) -> None:
    assert bank.fetch("/pay", method="POST", body=b"{}").status == 200
    assert bank.asked[0].startswith("POST /pay")


def test_the_name_is_looked_up_once_and_the_check_holds_for_what_is_called(bank: Server) -> None:
    """DNS rebinding: a second look would lead inside."""
    looks: list[str] = []

    def rebinding(name: str, port: int) -> list[str]:
        looks.append(name)
        return ["127.0.0.1"] if len(looks) == 1 else ["10.0.0.1"]

    assert bank.fetch(reach=bank.reach(resolve=rebinding)).status == 200
    assert looks == [NAME]


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["10.0.0.1"], ["8.8.8.8", "169.254.169.254"], ["::1"], []])
def test_a_name_that_leads_inside_is_never_called(bank: Server, addresses: list[str]) -> None:
    with pytest.raises(NotAllowed):
        bank.fetch(reach=bank.reach(resolve=lambda *_: addresses, loopback=False))
    assert bank.asked == []


@pytest.mark.parametrize(("path", "kept_waiting"), [
    ("/long", 2),      # more than was allowed
    ("/endless", 2),   # without an announced end
    ("/slow", 2),      # a byte now and then
    ("/silent", 2),
    ("/moved", 2),     # a redirect could lead inside
    ("/packed", 2),    # a bomb could be in it
    ("/cut", 2),
])  # fmt: skip
def test_a_bad_answer_is_none_and_costs_no_more_time_than_allowed(bank: Server, path: str, kept_waiting: float) -> None:
    began = time.monotonic()
    with pytest.raises(NoAnswer):
        bank.fetch(path, seconds=1)
    assert time.monotonic() - began < kept_waiting
    assert len(bank.asked) == 1, "the bank was asked once and never again"


def test_another_name_than_the_certificates_is_no_answer(bank: Server) -> None:
    reach = bank.reach("other.example")
    with pytest.raises(NoAnswer):
        fetch.fetch(f"https://other.example:{bank.port}/", purpose="test", on=ON, reach=reach, seconds=3)
    assert bank.asked == []


def test_a_certificate_that_nobody_vouches_for_is_no_answer(bank: Server) -> None:
    with pytest.raises(NoAnswer):
        bank.fetch(reach=bank.reach(trust=None))
    assert bank.asked == []


@pytest.mark.parametrize("url", [
    "http://bank.example/",                    # not secret
    "ftp://bank.example/", "file:///etc/passwd", "gopher://bank.example/",
    "https://other.example/",                  # not on the list
    "https://bank.example:8443/",              # another door of the same house
    "https://bank.example.evil.example/",
    "https://bank.example@evil.example/",
    "https://evil.example\\@bank.example/",
    "https://bank.example/#x",
    "https://bank.example/a b",
    "https://bank.example/\r\nHost: x",
    "https://b\u0430nk.example/",              # a Cyrillic letter
    "https://127.0.0.1/", "https://[::1]/", "https://2130706433/", "https://0177.0.0.1/", "https://0x7f.1/",
    "https://127.1/", "https://localhost/", "https://[::ffff:127.0.0.1]/", "https://169.254.169.254/latest/meta-data/",
    "https://bank.example:99999/", "https://", "",
])  # fmt: skip
def test_no_other_address_is_called(url: str) -> None:
    reach = Reach((Host(NAME, 443, "test", date(2026, 1, 1)),), resolve=lambda *_: pytest.fail("it was looked up"))
    with pytest.raises(NotAllowed):
        fetch.fetch(url, purpose="test", on=ON, reach=reach)


@pytest.mark.parametrize(("purpose", "on"), [("other", ON), ("test", date(2025, 12, 31)), ("test", date(2027, 1, 1))])
def test_a_host_is_allowed_for_its_purpose_and_its_days(purpose: str, on: date) -> None:
    host = Host(NAME, 443, "test", date(2026, 1, 1), date(2027, 1, 1))
    with pytest.raises(NotAllowed):
        fetch.fetch(f"https://{NAME}/", purpose=purpose, on=on, reach=Reach((host,), resolve=lambda *_: ["10.0.0.1"]))


@pytest.mark.parametrize("address", [
    "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192", "198.18.0.1", "224.0.0.1", "255.255.255.255",
    "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:8.8.8.8",      # IPv4 inside IPv6
    "::127.0.0.1",                             # the same, of old
    "2002:7f00:1::", "2002:a9fe:a9fe::1",      # 6to4
    "64:ff9b::7f00:1", "64:ff9b:1::a00:1",     # NAT64
    "2001:0:7f00:1::",                         # Teredo
    "2001:db8::1", "100::1", "fec0::1",
    "0177.0.0.1", "0x7f000001", "2130706433", "127.1", "localhost", "",
])  # fmt: skip
def test_an_address_inside_is_known_in_every_spelling(address: str) -> None:
    assert not fetch.is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "223.5.5.5", "172.32.0.1", "2400:3200::1", "2606:4700::1"])
def test_an_address_of_the_internet_is_known(address: str) -> None:
    assert fetch.is_public(address)


def test_the_house_as_shipped_calls_nobody() -> None:
    assert fetch.reach_of().hosts == ()


def test_an_operator_adds_a_host_with_its_source(tmp_path: Path) -> None:
    row = '[[hosts]]\nname = "api.bank.example"\nport = 443\npurpose = "payouts"\nfrom = 2026-11-22\n'
    (tmp_path / "reach.toml").write_text(row + 'source = "contract 17"\n')
    assert fetch.reach_of(tmp_path).hosts == (Host("api.bank.example", 443, "payouts", ON),)
    (tmp_path / "reach.toml").write_text(row)
    with pytest.raises(BadSetting):
        fetch.reach_of(tmp_path)
    (tmp_path / "reach.toml").write_text(row.replace("api.bank.example", "10.0.0.1") + 'source = "x"\n')
    with pytest.raises(BadSetting):
        fetch.reach_of(tmp_path)
