"""The JSON door: one form of bad news, one description, and the guard of the whole house before it."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from anhuan import api, app
from anhuan.kit import db as database
from anhuan.kit.errors import Bad, Broken, Refused, Unavailable


class NoSuchThing(Refused):
    """There is no such thing."""

    code = "test.no_such"


class NotNow(Unavailable):
    """The world is silent."""

    code = "test.silent"


@pytest.fixture
def bare() -> FastAPI:
    """The JSON application with a few routes that fail in every way; the database is never asked."""
    made = api.create()

    def fail(how: str, times: int = 1) -> None:
        """Raise what the path names."""
        news: dict[str, Exception] = {
            "refused": Refused("that is too much", field="amount"),
            "missing": NoSuchThing("no such card"),
            "silent": NotNow("try again"),
            "broken": Broken("a law fails"),
            "fault": ZeroDivisionError("a secret of the inside"),
        }
        raise news[how]

    made.add_api_route("/fail/{how}", fail, methods=["POST"])
    return made


@pytest.mark.parametrize(("how", "status", "code"), [
    ("refused", 422, "refused"),      # a rule said no
    ("missing", 404, "test.no_such"),  # or somebody else's: the answer is the same
    ("silent", 503, "test.silent"),   # try again
    ("broken", 500, "broken"),        # a law of ours fails
    ("fault", 500, "fault"),          # nobody foresaw it
])  # fmt: skip
def test_bad_news_has_one_form(bare: FastAPI, how: str, status: int, code: str) -> None:
    answer = TestClient(bare).post(f"/fail/{how}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert set(answer.json()) <= {"code", "message", "field"}
    assert "secret" not in answer.text


def test_a_refusal_names_its_field(bare: FastAPI) -> None:
    assert TestClient(bare).post("/fail/refused").json()["field"] == "amount"


def test_a_request_that_cannot_be_read_names_the_place(bare: FastAPI) -> None:
    answer = TestClient(bare).post("/fail/refused?times=often")
    assert answer.status_code == 422
    assert (answer.json()["code"], answer.json()["field"]) == ("request.invalid", "times")


@pytest.fixture
def client(db: Session) -> Iterator[TestClient]:
    """The whole house on the database of this test."""
    with TestClient(app.create(database.sessions()), base_url="http://localhost:8000") as made:
        yield made


def test_an_unknown_address_below_api_answers_in_json(client: TestClient) -> None:
    answer = client.get("/api/v1/nothing-here")
    assert answer.status_code == 404
    assert answer.json()["code"] == "http.404"


def test_the_description_lists_routes_and_the_form_of_bad_news(client: TestClient) -> None:
    described = client.get("/api/v1/openapi.json").json()
    assert described["info"]["title"] == "Anhuan"
    assert described["paths"], "no room has mounted its routes"
    for path, methods in described["paths"].items():
        for method, about in methods.items():
            assert about["responses"]["422"]["content"]["application/json"]["schema"]["$ref"].endswith("/Trouble"), path
            assert about.get("summary"), f"{method} {path}"


def test_the_json_door_stands_behind_the_guard(client: TestClient) -> None:
    assert client.get("/api/v1/openapi.json", headers={"host": "evil.example"}).status_code == 421
    crossed = client.post("/api/v1/plans", json={}, headers={"sec-fetch-site": "cross-site"})
    assert crossed.status_code == 403


@pytest.mark.parametrize("kind", [Refused, Unavailable, Broken])
def test_every_kind_of_bad_news_has_a_status(kind: type[Bad]) -> None:
    from anhuan.kit.doors import status_of

    assert status_of(kind("no")) in (404, 422, 500, 503)


def test_answers_for_programs_are_attachments_and_no_pages(db: Session) -> None:
    house = app.create(database.sessions())
    with TestClient(house, base_url="http://localhost:8000") as client:
        answer = client.get("/api/v1/openapi.json")
    assert answer.headers["content-disposition"] == 'attachment; filename="api.json"'
    assert answer.headers["content-type"] == "application/json"


def test_a_refused_access_is_logged_with_its_code(db: Session) -> None:
    house = app.create(database.sessions())
    with TestClient(house, base_url="http://localhost:8000") as client, capture_logs() as logged:
        assert client.get("/api/v1/board").status_code == 401
    assert [(one["code"], one["status"]) for one in logged] == [("access.not_signed_in", 401)]
