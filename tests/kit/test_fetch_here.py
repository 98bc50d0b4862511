"""Programs on this machine are called over plain http, and nothing else is."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from anhuan.kit import fetch
from anhuan.kit.fetch import NoAnswer, NotAllowed


class Neighbour(BaseHTTPRequestHandler):
    """A program beside ours: answers with what it got, or not at all."""

    def do_PUT(self) -> None:
        if self.path == "/silent":
            time.sleep(1)
            return
        if self.path == "/drop":
            self.close_connection = True
            return
        got = self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.send_response(503)
        self.send_header("Content-Length", str(len(got)))
        self.send_header("Retry-After", "7")
        self.end_headers()
        self.wfile.write(got)

    do_POST = do_PUT  # noqa: N815 - the library's name

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Neighbour)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_a_program_on_this_machine_gets_the_bytes_and_its_status_is_told(port: int, name: str) -> None:
    answer = fetch.fetch_here(f"http://{name}:{port}/x?y=1", method="PUT", body=b"\x00\xff")
    assert (answer.status, answer.headers["retry-after"], answer.body) == (503, "7", b"\x00\xff")


@pytest.mark.parametrize("path", ["/silent", "/drop"])
def test_silence_and_a_dropped_connection_are_no_answer(port: int, path: str) -> None:
    with pytest.raises(NoAnswer):
        fetch.fetch_here(f"http://127.0.0.1:{port}{path}", method="POST", body=b"", seconds=0.3)


@pytest.mark.parametrize("url", [
    "http://bank.example/", "http://10.0.0.1:80/", "https://127.0.0.1/", "http://127.0.0.1@bank.example/",
    "http://127.0.0.1.bank.example/", "http://[::ffff:10.0.0.1]/", "http://127.0.0.1:99999/", "file:///etc/passwd",
    "http://127.0.0.1/#x", "http://2130706433/", "http://localhost.bank.example/", "//127.0.0.1/", "",
])  # fmt: skip
def test_nothing_but_this_machine_is_called_over_plain_http(url: str) -> None:
    assert not fetch.is_here(url)
    with pytest.raises(NotAllowed):
        fetch.fetch_here(url)


def test_a_method_nobody_uses_is_refused(port: int) -> None:
    with pytest.raises(NotAllowed):
        fetch.fetch_here(f"http://127.0.0.1:{port}/", method="DELETE")
