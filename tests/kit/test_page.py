"""What pages share: tokens that only this browser's forms carry, redirects that htmx understands, choices kept."""

from collections.abc import Iterator

import pytest
from fastapi import Depends, FastAPI, Request
from starlette.responses import JSONResponse, Response
from starlette.testclient import TestClient

from anhuan.kit import page
from anhuan.kit.doors import own_path


@pytest.fixture
def client() -> Iterator[TestClient]:
    """A small application that hands out tokens and takes forms."""
    app = FastAPI()

    @app.get("/token")
    def token(request: Request) -> Response:
        answer = JSONResponse([page.form_token(request), page.form_token(request)])
        answer.set_cookie(page.CSRF_COOKIE, page.form_secret(request).hex())
        return answer

    @app.post("/take", dependencies=[Depends(page.own_form)])
    def take(request: Request) -> Response:
        return page.go("/there", request=request, note="记下了。")

    @app.get("/who")
    def who(request: Request) -> Response:
        seen = page.visitor(request)
        return JSONResponse([seen.lang, seen.hide_amounts, page.read_note(request), page.is_partial(request)])

    @app.exception_handler(page.ForeignForm)
    def refused(request: Request, error: Exception) -> Response:
        return Response(status_code=422)

    with TestClient(app, follow_redirects=False) as made:
        yield made


def test_every_token_of_one_browser_differs_and_all_are_taken(client: TestClient) -> None:
    one, other = client.get("/token").json()
    assert one != other
    assert [client.post("/take", data={"csrf": token}).status_code for token in (one, other)] == [303, 303]


@pytest.mark.parametrize("token", ["", "zz", "00" * 64, "ab" * 63])
def test_a_token_that_is_not_ours_is_refused(client: TestClient, token: str) -> None:
    client.get("/token")
    assert client.post("/take", data={"csrf": token}).status_code == 422


def test_a_token_of_another_browser_is_refused(client: TestClient) -> None:
    token = client.get("/token").json()[0]
    client.cookies.clear()
    client.cookies.set(page.CSRF_COOKIE, "11" * 32)
    assert client.post("/take", data={"csrf": token}).status_code == 422


def test_a_browser_without_the_cookie_is_refused(client: TestClient) -> None:
    token = client.get("/token").json()[0]
    client.cookies.clear()
    assert client.post("/take", data={"csrf": token}).status_code == 422


def test_htmx_is_told_to_load_the_whole_page(client: TestClient) -> None:
    token = client.get("/token").json()[0]
    answer = client.post("/take", data={"csrf": token}, headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (204, "/there")


def test_a_note_reaches_the_next_page(client: TestClient) -> None:
    token = client.get("/token").json()[0]
    client.post("/take", data={"csrf": token})
    assert client.get("/who").json()[2] == "记下了。"


def test_a_broken_note_is_no_note(client: TestClient) -> None:
    client.cookies.set(page.NOTE_COOKIE, "nothex")
    assert client.get("/who").json()[2] == ""


@pytest.mark.parametrize(("said", "lang"), [("en", "en"), ("zh", "zh"), ("fr", "zh"), ("", "zh")])
def test_chinese_is_spoken_unless_english_was_chosen(client: TestClient, said: str, lang: str) -> None:
    client.cookies.set("lang", said)
    assert client.get("/who").json()[0] == lang


def test_a_fragment_is_asked_for_by_its_head_line(client: TestClient) -> None:
    assert client.get("/who", headers={"HX-Request-Type": "partial"}).json()[3]
    assert not client.get("/who", headers={"HX-Request-Type": "full"}).json()[3]


@pytest.mark.parametrize(
    ("back", "to"),
    [("/cards", "/cards"), ("//evil.example", "/"), ("https://evil.example", "/"), ("/\\evil.example", "/"), ("", "/")],
)
def test_a_form_sends_people_only_to_our_own_pages(back: str, to: str) -> None:
    assert own_path(back) == to
