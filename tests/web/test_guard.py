"""The guard at the door, asked directly: hosts, origins, sizes and head lines, before any page is reached."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI, UploadFile
from starlette.responses import PlainTextResponse, Response
from starlette.testclient import TestClient

from anhuan.kit import doors
from anhuan.kit.errors import Broken, Refused, Unavailable
from anhuan.web.guard import BODY_LIMIT, CSP, UPLOAD_LIMIT, Guard


@pytest.fixture
def asked() -> list[int]:
    """How many bytes each request that reached the application carried."""
    return []


@pytest.fixture
def client(asked: list[int]) -> Iterator[TestClient]:
    """A browser's view of a small application behind the guard."""
    app = FastAPI()

    @app.get("/page")
    def page() -> Response:
        return PlainTextResponse("hello")

    @app.post("/page")
    @app.post("/import")
    def take(file: UploadFile) -> Response:
        asked.append(len(file.file.read()))
        return PlainTextResponse("taken")

    app.add_middleware(Guard)
    with TestClient(app, base_url="http://localhost:8000") as made:
        yield made


def test_every_answer_carries_the_strict_policy_and_is_not_stored(client: TestClient) -> None:
    headers = client.get("/page").headers
    assert headers["content-security-policy"] == CSP
    assert "unsafe" not in CSP
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "", "127.0.0.1.evil.example:8000"])
def test_another_host_name_is_turned_away(client: TestClient, host: str) -> None:
    answer = client.get("/page", headers={"host": host})
    assert answer.status_code == 421
    assert answer.headers["content-security-policy"] == CSP


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:9", "[::1]:8000", "[::1]"])
def test_this_machine_is_let_in_under_its_names(client: TestClient, host: str) -> None:
    assert client.get("/page", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},  # another port of this machine is another site to us
        {"sec-fetch-site": "none"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:9999"},
    ],
)
def test_a_form_from_elsewhere_is_refused_before_it_is_read(
    client: TestClient, asked: list[int], headers: dict[str, str]
) -> None:
    assert client.post("/page", files={"file": b"x"}, headers=headers).status_code == 403
    assert asked == []


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "same-origin"}, {"origin": "http://localhost:8000"}])
def test_our_own_form_is_read(client: TestClient, asked: list[int], headers: dict[str, str]) -> None:
    assert client.post("/page", files={"file": b"four"}, headers=headers).status_code == 200
    assert asked == [4]


def test_a_body_that_declares_too_much_is_turned_away_unread(client: TestClient, asked: list[int]) -> None:
    answer = client.post("/page", files={"file": b"x" * (BODY_LIMIT + 1)})
    assert (answer.status_code, asked) == (413, [])


def test_a_body_that_hides_its_size_is_counted_as_it_comes(client: TestClient, asked: list[int]) -> None:
    def stream() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for _ in range(BODY_LIMIT // 65536 + 2):
            yield b"x" * 65536
        yield b"\r\n--b--\r\n"

    answer = client.post("/page", content=stream(), headers={"content-type": "multipart/form-data; boundary=b"})
    assert (answer.status_code, asked) == (413, [])


def test_an_import_may_carry_more_than_a_form(client: TestClient, asked: list[int]) -> None:
    assert UPLOAD_LIMIT > BODY_LIMIT
    assert client.post("/import", files={"file": b"x" * (BODY_LIMIT + 1)}).status_code == 200
    assert asked == [BODY_LIMIT + 1]


class NoSuchThing(Refused):
    """没有这个东西: a test's own refusal."""

    code = "thing.not_found"


@pytest.mark.parametrize(
    ("bad", "status"),
    [(Refused("no"), 422), (NoSuchThing("no"), 404), (Unavailable("later"), 503), (Broken("law"), 500)],
)
def test_bad_news_has_the_status_of_its_kind(bad: Refused, status: int) -> None:
    assert doors.status_of(bad) == status
