"""The guard at the door, asked directly: hosts, origins, sizes and head lines, before any page is reached."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import pytest
from fastapi import FastAPI, UploadFile
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import NullPool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.testclient import TestClient

from anhuan.kit import db as database
from anhuan.kit import doors, settings
from anhuan.kit.errors import Broken, Refused, Unavailable
from anhuan.kit.rates import Limit
from anhuan.web import guard
from anhuan.web.guard import BODY_LIMIT, CSP, UPLOAD_LIMIT, Door, Guard, door_of
from anhuan.web.well_formed import MAX_FIELD, MAX_TARGET, complaint


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


# --- shape ---


@pytest.mark.parametrize(("method", "path", "status"), [
    ("GET", b"/page", None),
    ("GET", b"/%E5%8D%A1", None),            # other scripts, well written
    ("TRACE", b"/page", 405),                # repeats secrets of the head
    ("CONNECT", b"localhost:8000", 405),
    ("SHOW", b"/page", 405),
    ("GET", b"http://evil.example/page", 400),  # an absolute form: two servers may read two hosts
    ("GET", b"page", 400),
    ("GET", b"/static/../secrets", 400),
    ("GET", b"/static/%2e%2e/secrets", 400),
    ("GET", b"/static/.%2E/secrets", 400),
    ("GET", b"/static/%252e%252e/secrets", 400),
    ("GET", b"/static/..%2fsecrets", 400),
    ("GET", b"/static/..%5Csecrets", 400),
    ("GET", b"/static\\secrets", 400),
    ("GET", b"/page%00.html", 400),
    ("GET", b"/page%0d%0aset-cookie:x", 400),
    ("GET", b"/page%1b[31m", 400),
    ("GET", b"//evil.example", 400),
    ("GET", b"/%ff%fe", 400),                # no UTF-8
    ("GET", b"/" + b"a" * MAX_TARGET, 414),
])  # fmt: skip
def test_a_target_has_one_plain_reading(method: str, path: bytes, status: int | None) -> None:
    assert complaint(method, path, b"", [(b"host", b"localhost")]) == status


@pytest.mark.parametrize(("fields", "status"), [
    ([], None),
    ([(b"content-length", b"3")], None),
    ([(b"transfer-encoding", b"Chunked")], None),
    ([(b"host", b"localhost")], 400),                                              # a second one
    ([(b"content-length", b"3"), (b"transfer-encoding", b"chunked")], 400),
    ([(b"content-length", b"3"), (b"content-length", b"3")], 400),
    ([(b"content-length", b"+3")], 400),
    ([(b"content-length", b"3, 3")], 400),
    ([(b"transfer-encoding", b"chunked, identity")], 400),
    ([(b"transfer-encoding", b"\x0bchunked")], 400),
    ([(b"authorization", b"Bearer a"), (b"authorization", b"Bearer b")], 400),
    ([(b"x", b"a\x00b")], 400),
    ([(b"x", b"a\x1bb")], 400),
    ([(b"x", b"a" * MAX_FIELD)], 431),
    ([(b"x", b"a" * 5000)] * 7, 431),
    ([(b"x", b"")] * 101, 431),
])  # fmt: skip
def test_a_head_is_small_and_says_everything_once(fields: list[tuple[bytes, bytes]], status: int | None) -> None:
    assert complaint("POST", b"/page", b"", [(b"host", b"localhost"), *fields]) == status


@pytest.mark.parametrize(
    "host", [b"a b", b"localhost/x", b"localhost@evil", b"localhost:80:80", b"localhost:", b"<>", b"[::1"]
)
def test_a_host_line_is_a_host(host: bytes) -> None:
    assert complaint("GET", b"/", b"", [(b"host", host)]) == 400


def test_a_request_without_a_host_line_is_refused() -> None:
    assert complaint("GET", b"/", b"", []) == 400


# --- origin ---


COOKIE = {"cookie": "a=b; __Host-anhuan=secret"}


def test_a_form_with_our_session_that_does_not_say_where_it_comes_from_is_refused(
    client: TestClient, asked: list[int]
) -> None:
    assert client.post("/page", files={"file": b"x"}, headers=COOKIE).status_code == 403
    assert client.post("/page", files={"file": b"x"}, headers={"cookie": "__Host-anhuan-form=x"}).status_code == 200
    assert asked == [1]


@pytest.mark.parametrize(("headers", "status"), [
    ({"sec-fetch-site": "same-origin"}, 200),
    ({"origin": "http://localhost:8000"}, 200),
    ({"sec-fetch-site": "same-origin", "origin": "https://evil.example"}, 200),  # a browser's word comes first
    ({"sec-fetch-site": "cross-site", "origin": "http://localhost:8000"}, 403),
    ({"origin": "https://localhost:8000"}, 403),                                # another scheme
    ({"origin": "http://localhost:8000.evil.example"}, 403),
])  # fmt: skip
def test_a_form_with_our_session_says_where_it_comes_from(
    client: TestClient, headers: dict[str, str], status: int
) -> None:
    assert client.post("/page", files={"file": b"x"}, headers=COOKIE | headers).status_code == status


def test_a_program_with_a_key_needs_no_origin(client: TestClient) -> None:
    head = {"authorization": "Bearer key"}
    assert client.post("/page", files={"file": b"x"}, headers=head).status_code == 200


@pytest.mark.parametrize(("headers", "status"), [
    ({"sec-fetch-site": "none"}, 200),                                                   # typed
    ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}, 200),  # a link
    ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}, 403),
    ({"sec-fetch-site": "same-site", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}, 403),
    ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}, 403),
])  # fmt: skip
def test_other_sites_may_link_to_a_page_but_not_embed_or_fetch_it(
    client: TestClient, headers: dict[str, str], status: int
) -> None:
    assert client.get("/page", headers=headers).status_code == status


# --- the public door ---

PROXY = "192.0.2.10"
PUBLIC = door_of(settings.read({"ANHUAN_ORIGIN": "https://pay.example", "ANHUAN_PROXY": f"{PROXY}, 2001:db8::/64"}))


def public(asked_from: str = PROXY, door: Door = PUBLIC) -> TestClient:
    """A house behind a proxy; its page tells who it thinks asks."""
    app = FastAPI()

    @app.get("/who")
    @app.post("/who")
    def who(request: Request) -> list[str]:
        assert request.client is not None
        return [request.client.host, request.url.scheme]

    app.add_middleware(Guard, door=door)
    return TestClient(app, base_url="http://pay.example", client=(asked_from, 5000), follow_redirects=False)


@pytest.mark.parametrize(("asked_from", "told", "believed"), [
    (PROXY, "203.0.113.7", "203.0.113.7"),
    (PROXY, "1.2.3.4, 203.0.113.7", "203.0.113.7"),          # what the visitor wrote himself stands on the left
    (PROXY, f"203.0.113.7, {PROXY}", "203.0.113.7"),         # two proxies of ours
    ("2001:db8::5", "2001:db8:9::1", "2001:db8:9::1"),
    (PROXY, "203.0.113.7, junk", PROXY),
    (PROXY, "", PROXY),
])  # fmt: skip
def test_a_trusted_proxy_is_believed_about_the_sender(asked_from: str, told: str, believed: str) -> None:
    head = {"x-forwarded-for": told, "x-forwarded-proto": "https"}
    assert public(asked_from).get("/who", headers=head).json() == [believed, "https"]


def test_nobody_else_is_believed() -> None:
    head = {"x-forwarded-for": "203.0.113.7", "x-forwarded-proto": "https"}
    local = Door("http://localhost", PUBLIC.proxies)
    told = public("198.51.100.1", local).get("/who", headers=head | {"host": "localhost"}).json()
    assert told == ["198.51.100.1", "http"]
    assert public("198.51.100.1").get("/who", headers=head).status_code == 308, "not over https for all we know"


def test_the_public_house_wants_https_and_tells_browsers_to_remember() -> None:
    client = public()
    sent = client.get("/who?a=1", headers={"x-forwarded-for": "203.0.113.7"})
    assert (sent.status_code, sent.headers["location"]) == (308, "https://pay.example/who?a=1")
    assert client.post("/who", headers={"x-forwarded-proto": "http"}).status_code == 403, (
        "its secrets were told already"
    )
    secure = client.get("/who", headers={"x-forwarded-proto": "https"})
    assert secure.headers["strict-transport-security"].startswith("max-age=31536000")


@pytest.mark.parametrize(("host", "status"), [
    ("pay.example", 200), ("PAY.example", 200), ("pay.example:443", 200),
    ("localhost", 421), ("pay.example:8443", 421), ("pay.example.evil.example", 421), ("192.0.2.10", 421),
])  # fmt: skip
def test_the_public_house_answers_to_its_own_name_alone(host: str, status: int) -> None:
    assert public().get("/who", headers={"host": host, "x-forwarded-proto": "https"}).status_code == status


def test_the_public_house_knows_its_own_forms() -> None:
    head = COOKIE | {"x-forwarded-proto": "https"}
    assert public().post("/who", headers=head | {"origin": "https://pay.example"}).status_code == 200
    assert public().post("/who", headers=head | {"origin": "http://pay.example"}).status_code == 403


def test_this_machine_over_plain_http_is_not_told_to_insist_on_https(client: TestClient) -> None:
    assert "strict-transport-security" not in client.get("/page").headers


@pytest.mark.parametrize("text", ["http://pay.example", "https://pay.example/", "https://a@pay.example", "pay.example",
                                  "https://", "https://pay.example:0", "https://PAY.example", "x:y"])  # fmt: skip
def test_an_origin_is_https_and_nothing_behind_it(text: str) -> None:
    with pytest.raises(settings.BadSetting):
        settings.read({"ANHUAN_ORIGIN": text})


@pytest.mark.parametrize("text", ["proxy.example", "0.0.0.0/0", "::/0", "10.0.0.1/8", "*"])
def test_a_trusted_proxy_is_an_address_or_a_network_and_never_everybody(text: str) -> None:
    with pytest.raises(settings.BadSetting):
        settings.read({"ANHUAN_PROXY": text})


# --- rates ---


def counted(sessions: Callable[[], sessionmaker[Session]], address: str = "198.51.100.9") -> TestClient:
    """A small house that counts tries, four of each kind in a minute."""
    app = FastAPI()
    app.state.limits = lambda name: Limit(name, 400 if name == "door.address" else 4, 60)

    @app.get("/page")
    @app.post("/page")
    @app.post("/sign-in/password")
    @app.post("/api/v1/x")
    def page() -> Response:
        return PlainTextResponse("hello")

    app.add_middleware(Guard, sessions=sessions)
    return TestClient(app, base_url="http://localhost:8000", client=(address, 5000))


def passed(client: TestClient, path: str, times: int, **headers: str) -> int:
    return [client.post(path, headers=headers).status_code for _ in range(times)].count(200)


@pytest.mark.usefixtures("own_database")
def test_who_writes_too_often_is_told_when_to_come_back() -> None:
    client = counted(database.sessions)
    assert passed(client, "/page", 6) == 4
    refused = client.post("/page")
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 15
    assert refused.headers["content-security-policy"] == CSP
    assert client.get("/page").status_code == 200, "reading goes on"


@pytest.mark.usefixtures("own_database")
def test_programs_are_told_in_json() -> None:
    client = counted(database.sessions)
    assert passed(client, "/api/v1/x", 5) == 4
    refused = client.post("/api/v1/x")
    assert refused.json()["code"] == "access.too_many"
    assert "retry-after" in refused.headers


@pytest.mark.usefixtures("own_database")
def test_counting_is_shared_by_processes_and_by_the_ipv6_addresses_of_one_household() -> None:
    assert passed(counted(database.sessions, "2001:db8:1:2::1"), "/page", 3) == 3
    assert passed(counted(database.sessions, "2001:db8:1:2::ffff"), "/page", 3) == 1
    assert passed(counted(database.sessions, "2001:db8:1:3::1"), "/page", 3) == 3


@pytest.mark.usefixtures("own_database")
def test_one_session_and_one_key_have_a_count_of_their_own() -> None:
    for number in range(6):  # each from another address
        client = counted(database.sessions, f"198.51.100.{number}")
        origin = {"cookie": "__Host-anhuan=one", "sec-fetch-site": "same-origin"}
        assert client.post("/page", headers=origin).status_code == (200 if number < 4 else 429)
        assert client.get("/page", headers={"authorization": "Bearer k"}).status_code == (200 if number < 4 else 429)


@pytest.mark.usefixtures("own_database")
def test_who_cannot_be_counted_is_not_let_in() -> None:
    nowhere = create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none", poolclass=NullPool)
    refused = counted(lambda: sessionmaker(nowhere)).post("/page")
    assert refused.status_code == 503
    assert "127.0.0.1" not in refused.text


def test_a_flood_ends_before_it_costs_anything() -> None:
    app = FastAPI()
    app.state.limits = lambda name: Limit(name, 20, 600)
    app.add_api_route("/page", lambda: "hello")
    app.add_middleware(Guard)
    client = TestClient(app, base_url="http://localhost:8000")
    assert [client.get("/page").status_code for _ in range(30)].count(429) == 10


def test_every_answer_keeps_the_people_apart(client: TestClient) -> None:
    headers = client.get("/page").headers
    assert "Cookie" in headers["vary"]
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["x-frame-options"] == "DENY"


def test_a_body_that_never_comes_ends(asked: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "BODY_IDLE", 0.05)
    sent: list[Any] = []

    async def silence() -> Any:
        await anyio.sleep(5)

    async def reader(scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "http.disconnect"

    async def keep(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/page", "raw_path": b"/page", "query_string": b"",
             "scheme": "http", "client": ("127.0.0.1", 1), "headers": [(b"host", b"localhost")]}  # fmt: skip
    with ThreadPoolExecutor(1) as pool:  # a browser's loop may run in this thread
        pool.submit(anyio.run, Guard(reader), scope, silence, keep).result()
    assert sent[0]["status"] == 408
