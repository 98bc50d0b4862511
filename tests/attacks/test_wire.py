"""Attacks on the wire: requests that no browser sends, against the real server."""

import io
import sys

import pytest
import structlog
from tests.attacks.conftest import Wire, heads, status

from anhuan.kit import terminal
from anhuan.web import assets

OWN = b"Host: localhost\r\n"
PLAIN = assets.url("icon.svg").encode()  # something that everybody may ask for
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
SECOND = b"GET /static/nothing HTTP/1.1\r\nHost: localhost\r\n\r\n"  # what an attacker hides in a body


def answers(raw: bytes) -> int:
    """How many answers came back."""
    return raw.count(b"HTTP/1.1 ")


def test_smuggling_by_length_and_chunks(wire: Wire) -> None:
    """Tried: a body whose end is told twice, by Content-Length and by chunks, with a second request hidden in it.
    Must: 400, one answer, the line is cut.
    Control: two honest requests on one line get two answers.
    """
    hidden = (
        b"POST /me/hide HTTP/1.1\r\n" + OWN + FORM + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    )
    answer = wire.send(hidden + SECOND)
    assert (status(answer), answers(answer)) == (400, 1)
    assert answers(wire.send(SECOND + SECOND)) == 2


def test_smuggling_by_two_lengths(wire: Wire) -> None:
    """Tried: two Content-Length lines, a short one and one that swallows the next request.
    Must: 400 and one answer.
    Control: one Content-Length gets past the shape of the request, to the rule about forms.
    """
    head = b"POST /me/hide HTTP/1.1\r\n" + OWN + FORM
    answer = wire.send(head + b"Content-Length: 0\r\nContent-Length: 60\r\n\r\n" + SECOND)
    assert (status(answer), answers(answer)) == (400, 1)
    assert status(wire.send(head + b"Connection: close\r\nContent-Length: 0\r\n\r\n")) not in (0, 400)


@pytest.mark.parametrize("line", [
    b"Transfer-Encoding: xchunked", b"Transfer-Encoding: chunked, identity", b"Transfer-Encoding:\x0bchunked",
    b"Transfer-Encoding : chunked", b"Transfer-Encoding: identity",
])  # fmt: skip
def test_smuggling_by_obscured_chunks(wire: Wire, line: bytes) -> None:
    """Tried: Transfer-Encoding in spellings that one server reads and another does not.
    Must: 4xx or 501, one answer, whatever is behind it is never a request.
    Control: plain `chunked` is read as a body.
    """
    head = b"POST /me/hide HTTP/1.1\r\n" + OWN + FORM
    answer = wire.send(head + line + b"\r\n\r\n0\r\n\r\n" + SECOND)
    assert status(answer) in (400, 403, 501)
    assert answers(answer) == 1
    honest = wire.send(head + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    assert status(honest) not in (0, 400, 501)


@pytest.mark.parametrize(
    "host", [b"evil.example", b"localhost.evil.example", b"localhost@evil.example", b"evil.example:8000"]
)
def test_foreign_host_name(wire: Wire, host: bytes) -> None:
    """Tried: our pages under another name (DNS rebinding, poisoned links).
    Must: 400 or 421, and the name is not repeated.
    Control: `localhost` is answered.
    """
    answer = wire.send(b"GET " + PLAIN + b" HTTP/1.1\r\nConnection: close\r\nHost: " + host + b"\r\n\r\n")
    assert status(answer) in (400, 421)
    assert b"evil" not in answer
    assert status(wire.get(PLAIN)) == 200


def test_two_host_names(wire: Wire) -> None:
    """Tried: two Host lines, the second one foreign.
    Must: 400.
    Control: one line is answered.
    """
    assert status(wire.get(PLAIN, b"Host: evil.example")) == 400
    assert status(wire.get(PLAIN)) == 200


def test_absolute_target_with_another_host(wire: Wire) -> None:
    """Tried: GET http://evil.example/ with our name in Host, or the other way round.
    Must: 400, so that no part of the house reads another name than the guard did.
    Control: the same request in the common form is answered.
    """
    assert status(wire.get(b"http://evil.example/sign-in")) == 400
    assert status(wire.get(b"//evil.example/sign-in")) == 400
    assert status(wire.get(PLAIN)) == 200


@pytest.mark.parametrize("head", [b"X-Forwarded-Host: evil.example", b"Forwarded: host=evil.example;proto=https",
                                  b"X-Original-URL: /me", b"X-Rewrite-URL: /me"])  # fmt: skip
def test_forwarded_names_are_not_believed(wire: Wire, head: bytes) -> None:
    """Tried: head lines by which some frameworks take another host or path for the real one.
    Must: the answer is the one without them.
    Control: another path has another answer.
    """
    plain, tried = wire.get(b"/nowhere"), wire.get(b"/nowhere", head)
    assert status(tried) == status(plain) == 404
    assert b"evil" not in tried
    assert status(wire.get(b"/me")) == 303


@pytest.mark.parametrize("target", [b"/nowhere%0d%0aSet-Cookie:%20x=1", b"/sign-in?back=/%0d%0aSet-Cookie:%20x=1",
                                    b"/me?x=%0aSet-Cookie:x=1", b"/nowhere\r\nSet-Cookie: x=1"])  # fmt: skip
def test_header_injection(wire: Wire, target: bytes) -> None:
    """Tried: line ends in path and query, to write a head line of our answer.
    Must: no such line in the answer.
    Control: the cookies that we do set are seen by the same reading.
    """
    answer = wire.get(target)
    assert b"\nset-cookie: x" not in answer.lower()
    assert b"\nset-cookie: " in wire.get(b"/sign-in").lower()


def test_oversized_head(wire: Wire) -> None:
    """Tried: one head line of 20 kB, a hundred thousand bytes of them, and two hundred lines.
    Must: 400 or 431.
    Control: a line of 4 kB is let through.
    """
    assert status(wire.get(PLAIN, b"X: " + b"a" * 20_000)) == 431
    assert status(wire.get(PLAIN, b"X: " + b"a" * 100_000)) in (400, 431)
    assert status(wire.get(PLAIN, *[b"X%d: y" % number for number in range(200)])) == 431
    assert status(wire.get(PLAIN, b"X: " + b"a" * 4000)) == 200


def test_overlong_address(wire: Wire) -> None:
    """Tried: a path and a query of 9 kB.
    Must: 414, without touching a route.
    Control: a long query of 2 kB is answered.
    """
    assert status(wire.get(b"/" + b"a" * 9000)) == 414
    assert status(wire.get(PLAIN + b"?x=" + b"a" * 9000)) == 414
    assert status(wire.get(PLAIN + b"?x=" + b"a" * 2000)) == 200


@pytest.mark.parametrize("path", [
    b"../guard.py", b"..%2fguard.py", b"%2e%2e/guard.py", b"%2e%2e%2fguard.py", b"..%5cguard.py",
    b"%252e%252e/guard.py", b"....//guard.py", b"/etc/passwd", b"%c0%ae%c0%ae/guard.py", b"kit/../../guard.py",
    b"..;/guard.py",
    b"anhuan.css%00.png",
])  # fmt: skip
def test_path_traversal_on_static_files(wire: Wire, path: bytes) -> None:
    """Tried: ways out of the folder of static files, in every spelling.
    Must: 400 or 404, and never a byte of a file.
    Control: a real static file is served.
    """
    answer = wire.get(b"/static/" + path)
    assert status(answer) in (400, 404)
    assert b"import " not in answer
    assert b"root:" not in answer
    assert status(wire.get(assets.url("anhuan.css").encode())) == 200


@pytest.mark.parametrize("target", [b"/sign-in%00", b"/%00", b"/sign-in?back=%00", b"/static/a%00.css"])
def test_nul_in_the_address(wire: Wire, target: bytes) -> None:
    """Tried: a NUL, at which C code would end the text.
    Must: 400.
    Control: another escaped letter is read.
    """
    assert status(wire.get(target)) == 400
    assert status(wire.get(PLAIN + b"?back=%41")) == 200


@pytest.mark.parametrize("method", [b"TRACE", b"TRACK", b"CONNECT", b"PROPFIND", b"DEBUG", b"get"])
def test_unusual_methods(wire: Wire, method: bytes) -> None:
    """Tried: TRACE and others, which show secrets of the head or reach behind the routes.
    Must: 405 (or 400), and nothing of the request is repeated.
    Control: GET is answered.
    """
    answer = wire.get(PLAIN, b"Cookie: __Host-anhuan=planted", method=method)
    assert status(answer) in (400, 405)
    assert b"planted" not in answer
    assert status(wire.get(PLAIN)) == 200


@pytest.mark.parametrize("head", [b"X-HTTP-Method-Override: POST", b"X-Method-Override: DELETE", b"X-HTTP-Method: PUT"])
def test_method_override(wire: Wire, head: bytes) -> None:
    """Tried: a GET that asks to be taken for a POST.
    Must: it is a GET: the path that only takes POST says 405.
    Control: a POST to that path is another answer.
    """
    assert status(wire.get(b"/me/hide", head)) == 405
    assert status(wire.get(b"/me/hide", b"Content-Length: 0", method=b"POST")) != 405


def test_oversized_body(wire: Wire) -> None:
    """Tried: a form that declares 2 MB, and one that hides as much in chunks.
    Must: 413 before it is read.
    Control: a small form gets as far as the rule about forms.
    """
    head = b"POST /me/hide HTTP/1.1\r\nConnection: close\r\n" + OWN + FORM
    assert status(wire.send(head + b"Content-Length: 2000000\r\n\r\n")) == 413
    chunk = b"%x\r\n%s\r\n" % (65536, b"a" * 65536)
    assert status(wire.send(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 16 + b"1\r\na\r\n")) == 413
    assert status(wire.send(head + b"Content-Length: 1\r\n\r\na")) not in (0, 413)


def test_websocket(wire: Wire) -> None:
    """Tried: an upgrade to a WebSocket, which no check of a request would meet.
    Must: no switch of protocols.
    Control: the same request without the upgrade is answered in the same way.
    """
    key = b"Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw=="
    lines = (b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13", key)
    raw = b"GET " + PLAIN + b" HTTP/1.1\r\n" + OWN + b"\r\n".join(lines) + b"\r\n\r\n"
    assert status(wire.send(raw)) != 101
    assert status(wire.get(PLAIN)) == 200


@pytest.mark.parametrize("raw", [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET / HTTP/9.9\r\n\r\n", b"\x00",
                                 b"GET /\r\n\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\nA\r\n\r\n"])  # fmt: skip
def test_garbage_on_the_wire(wire: Wire, raw: bytes) -> None:
    """Tried: bytes of other protocols and broken requests.
    Must: 400 or silence, no trace, and the next visitor is served.
    Control: the next visitor.
    """
    answer = wire.send(raw, seconds=2)
    assert status(answer) in (0, 400)
    assert b"Traceback" not in answer
    assert status(wire.get(PLAIN)) == 200


def test_the_server_does_not_tell_what_it_is(wire: Wire) -> None:
    """Tried: reading the product and version of the server off its answers.
    Must: no Server or X-Powered-By line.
    Control: other head lines are seen by the same reading.
    """
    told = heads(wire.get(PLAIN))
    assert "content-security-policy" in told
    assert not {"server", "x-powered-by"} & set(told)


@pytest.mark.parametrize("mark", ["\x1b[31mred", "\u2028", "\u202e", "\x07", "\x9b2J"])
def test_log_injection(mark: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tried: line ends, colours, marks that turn text, in what is logged, to write lines of our log or hide some.
    Must: one line, printable, whatever was logged.
    Control: the logger without this step prints the mark.
    """
    before, out = structlog.get_config(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", out)
    try:
        terminal.log_to_stderr(verbose=True)
        structlog.get_logger("t").warning("refused", path=f"/x{mark}", agent=f"a{mark}\r\n2026-11-22 all is well")
        steps = [step for step in structlog.get_config()["processors"] if step is not terminal.one_line]
        said = out.getvalue()
        structlog.configure(processors=steps)
        structlog.get_logger("t").warning("refused", path=f"/x{mark}")
    finally:
        structlog.configure(**before)
    assert said.count("\n") == 1
    assert said.rstrip("\n").isprintable()
    assert mark in out.getvalue()[len(said) :]
