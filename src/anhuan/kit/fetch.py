"""The only way out: every connection that this program opens by itself, but for its database, is opened here.

Only hosts of a dated list are called, over https, at an address that was looked up once and lies in the public
internet; no redirect is followed, and both time and size end. A name that somebody typed is never enough.
Programs on this machine (the simulated bank) are called over plain http at a loopback address, and nowhere else.
"""

import http.client
import re
import socket
import ssl
import threading
import tomllib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from importlib import resources
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from anhuan.kit.errors import Refused, Unavailable
from anhuan.kit.settings import BadSetting

MAX_BYTES: Final = 1 << 20
SECONDS: Final = 10.0
METHODS: Final = ("GET", "POST")
METHODS_HERE: Final = (*METHODS, "PUT")
HERE: Final = {"127.0.0.1": "127.0.0.1", "localhost": "127.0.0.1", "::1": "::1"}  # names of this machine for itself
_URL: Final = re.compile(r"[!-\[\]-~]{1,2000}")  # printable ASCII without the backslash
_NAME: Final = re.compile(
    r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+(?!0x|[0-9])[a-z0-9][a-z0-9-]{0,61}[a-z0-9]"
)

# IANA's special-purpose registries (RFC 6890 and later), and what clouds answer their own machines at.
_NOT_PUBLIC_4: Final = tuple(map(IPv4Network, (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
    "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32",
)))  # fmt: skip
_PUBLIC_6: Final = IPv6Network("2000::/3")
_NOT_PUBLIC_6: Final = tuple(map(IPv6Network, (
    "2001::/23",       # Teredo, benchmarking, ORCHID
    "2001:db8::/32", "3fff::/20",  # documentation
    "2002::/16",       # 6to4 carries any IPv4 address inside
    "2620:4f:8000::/48",
)))  # fmt: skip


class NotAllowed(Refused):
    """不允许访问: the address is not one that this program may call."""

    code = "fetch.not_allowed"


class NoAnswer(Unavailable):
    """对方没有回应: no answer, not in time, too long, or one that leads elsewhere."""

    code = "fetch.no_answer"


@dataclass(frozen=True, slots=True)
class Host:
    """One host that may be called, on some days, for one purpose."""

    name: str
    port: int
    purpose: str
    valid_from: date
    valid_to: date | None = None


Resolver = Callable[[str, int], Sequence[str]]


def resolve(name: str, port: int) -> Sequence[str]:
    """The addresses of a name, as this machine knows them."""
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


@dataclass(frozen=True, slots=True)
class Reach:
    """Whom may be called and how they are found; `loopback` is for tests, which have no other machine."""

    hosts: tuple[Host, ...]
    resolve: Resolver = resolve
    trust: ssl.SSLContext | None = None
    loopback: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status, head lines in small letters, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def fetch(
    url: str,
    *,
    purpose: str,
    on: date,
    reach: Reach,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    at_most: int = MAX_BYTES,
    seconds: float = SECONDS,
) -> Answer:
    """Call a host of the list; raises NotAllowed before anything is sent, NoAnswer when no whole answer comes.

    NoAnswer does not mean that nothing happened over there: who sends money asks again with the same key.
    """
    host, target = _allowed(url, purpose, on, reach)
    if method not in METHODS:
        raise NotAllowed(f"the method {method!r} is not used")
    address = _address(host, reach)
    line = _Line(host, address, reach.trust or ssl.create_default_context(), seconds)
    return _exchange(line, method, target, body=body, headers=headers, at_most=at_most, seconds=seconds)


def fetch_here(
    url: str,
    *,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    at_most: int = MAX_BYTES,
    seconds: float = SECONDS,
) -> Answer:
    """Call a program on this very machine over plain http; same promises and exceptions as `fetch`."""
    address, port, target = _allowed_here(url)
    if method not in METHODS_HERE:
        raise NotAllowed(f"the method {method!r} is not used")
    line = _PlainLine(address, port, seconds)
    return _exchange(line, method, target, body=body, headers=headers, at_most=at_most, seconds=seconds)


def is_here(url: str) -> bool:
    """Whether an address names a program on this machine that `fetch_here` would call."""
    try:
        _allowed_here(url)
    except NotAllowed:
        return False
    return True


def _exchange(
    line: "_Line | _PlainLine",
    method: str,
    target: str,
    *,
    body: bytes | None,
    headers: Mapping[str, str] | None,
    at_most: int,
    seconds: float,
) -> Answer:
    """One request and its whole answer in these seconds, however slowly the bytes come."""
    late = threading.Timer(seconds, line.cut)
    late.daemon = True
    late.start()
    try:
        line.request(method, target, body=body, headers={"User-Agent": "anhuan", **(headers or {})})
        return _read(line.getresponse(), at_most)
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswer(f"{line.host} gave no whole answer ({type(error).__name__})") from error
    finally:
        late.cancel()
        line.close()


def reach_of(home: Path | None = None) -> Reach:
    """The hosts of the package, and those that the operator put into reach.toml of the installation's folder."""
    shipped = resources.files("anhuan.kit").joinpath("seeds", "reach.toml").read_text("utf-8")
    own = home / "reach.toml" if home is not None else None
    texts = [shipped, *([own.read_text("utf-8")] if own is not None and own.is_file() else [])]
    return Reach(tuple(_host(row) for text in texts for row in tomllib.loads(text).get("hosts", ())))


def is_public(text: str) -> bool:
    """Whether an address lies in the public internet; one that carries another inside is none, whatever it carries."""
    try:
        found: IPv4Address | IPv6Address = ip_address(text)
    except ValueError:
        return False
    if isinstance(found, IPv4Address):
        return not any(found in network for network in _NOT_PUBLIC_4)
    if found.scope_id is not None or found not in _PUBLIC_6:  # mapped, compatible, NAT64, local and link-local ones
        return False
    return not any(found in network for network in _NOT_PUBLIC_6)


class _Line(http.client.HTTPSConnection):
    """A connection to an address that was chosen before, proving the name that was asked for."""

    def __init__(self, host: Host, address: str, trust: ssl.SSLContext, seconds: float) -> None:
        super().__init__(host.name, host.port, timeout=seconds, context=trust)
        self._address, self._trust = address, trust
        self._gone = False

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), self.timeout)
        self.sock = plain  # so that `cut` reaches it while the keys are still being agreed
        self.sock = self._trust.wrap_socket(plain, server_hostname=self.host)
        if self._gone:
            raise TimeoutError

    def cut(self) -> None:
        """End the exchange from another thread."""
        self._gone = True
        sock: Any = self.sock
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


class _PlainLine(http.client.HTTPConnection):
    """A connection to this machine."""

    def __init__(self, address: str, port: int, seconds: float) -> None:
        super().__init__(address, port, timeout=seconds)
        self._gone = False

    def connect(self) -> None:
        super().connect()
        if self._gone:
            raise TimeoutError

    def cut(self) -> None:
        """End the exchange from another thread."""
        self._gone = True
        sock: Any = self.sock
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


def _allowed_here(url: str) -> tuple[str, int, str]:
    """Loopback address, port and what to ask for, of an address that names this machine."""
    try:
        parts = urlsplit(url)
        port, address = parts.port or 80, HERE.get(parts.hostname or "")
    except ValueError:
        raise NotAllowed("this is no address") from None
    if not _URL.fullmatch(url) or parts.scheme != "http" or "@" in parts.netloc or parts.fragment or address is None:
        raise NotAllowed("only this machine is called over plain http", field="reach")
    return address, port, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _allowed(url: str, purpose: str, on: date, reach: Reach) -> tuple[Host, str]:
    """The host of the list that a URL names, and what to ask it for."""
    try:
        parts = urlsplit(url)
        port = parts.port or 443
    except ValueError:
        raise NotAllowed("this is no address") from None
    if not _URL.fullmatch(url) or parts.scheme != "https" or "@" in parts.netloc or parts.fragment:
        raise NotAllowed("only plain https addresses are called")
    name = parts.hostname or ""
    if not (_NAME.fullmatch(name) or (reach.loopback and name == "localhost")):
        raise NotAllowed("only hosts with a name are called")
    for host in reach.hosts:
        in_time = host.valid_from <= on and (host.valid_to is None or on < host.valid_to)
        if in_time and (host.name, host.port, host.purpose) == (name, port, purpose):
            return host, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    raise NotAllowed(f"{name}:{port} is not on the list for {purpose}", field="reach")


def _address(host: Host, reach: Reach) -> str:
    """The address to connect to: looked up once, and every one that the name has must be fit."""
    try:
        found = reach.resolve(host.name, host.port)
    except OSError as error:
        raise NoAnswer(f"{host.name} has no address") from error
    unfit = [one for one in found if not (is_public(one) or (reach.loopback and _is_loopback(one)))]
    if unfit or not found:
        raise NotAllowed(f"{host.name} leads to an address inside", field="reach")
    return found[0]


def _is_loopback(text: str) -> bool:
    return text in ("127.0.0.1", "::1")


def _read(answer: http.client.HTTPResponse, at_most: int) -> Answer:
    if 300 <= answer.status < 400:
        raise NoAnswer("the answer leads elsewhere; no redirect is followed")
    if answer.getheader("Content-Encoding", "identity") != "identity":
        raise NoAnswer("the answer is packed although nobody asked for that")
    body = answer.read(at_most + 1)
    if len(body) > at_most:
        raise NoAnswer(f"the answer is longer than {at_most} bytes")
    if answer.length:  # the connection ended before what was announced
        raise NoAnswer("the answer ended too early")
    return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body)


def _host(row: Mapping[str, Any]) -> Host:
    try:
        if not row["source"]:
            raise ValueError("a host needs its source")
        host = Host(row["name"], row["port"], row["purpose"], row["from"], row.get("to"))
    except (KeyError, ValueError) as error:
        raise BadSetting(f"reach.toml: a host needs name, port, purpose, from and source ({error})") from error
    if not _NAME.fullmatch(host.name):
        raise BadSetting(f"reach.toml: {host.name!r} is no name of a host in small letters")
    return host
