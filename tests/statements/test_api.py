"""The intake through the JSON door of the whole house."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session
from tests.people import browser
from tests.statements.test_cli import TABLE
from tests.statements.world import NOW

from anhuan import app
from anhuan.kit import db as database


@pytest.fixture
def client(db: Session) -> Iterator[TestClient]:
    """The whole house on the database of this test."""
    house = app.create(database.sessions(), now=lambda: NOW)
    who = browser(db, now=NOW)
    with TestClient(house, base_url="http://localhost:8000/api/v1", headers=who) as made:
        yield made


def test_a_batch_is_previewed_committed_read_and_taken_back(client: TestClient) -> None:
    files = [("files", ("card.csv", TABLE.encode())), ("files", ("empty.csv", b""))]
    shown = client.post("/imports/preview", files=files)
    assert shown.status_code == 201, shown.text
    made = shown.json()
    assert [(each["effect"], each["rows_new"]) for each in made["files"]] == [("new", 2), ("refused", 0)]
    assert client.get(f"/imports/preview/{made['id']}").json() == made
    done = client.post(f"/imports/{made['id']}/commit").json()
    assert (done["files"], done["lines"]) == (1, 2)
    lines = client.get("/lines", params={"bank": "cmb", "card": "3096"}).json()
    assert (lines["total"], lines["lines"][0]["amount"]) == (2, "2.00")
    assert client.get(f"/imports/{made['id']}/lines", params={"at_most": 1}).json()["total"] == 2
    assert [each["reader"] for each in client.get("/statements/health").json() if each["layouts"]]
    assert client.post(f"/imports/{made['id']}/undo").json()["state"] == "taken_back"
    assert client.get("/lines").json()["total"] == 0
    assert [each["state"] for each in client.get("/imports").json()] == ["taken_back"]


def test_an_unknown_import_is_not_found(client: TestClient) -> None:
    answer = client.post("/imports/01900000-0000-7000-8000-0000000000aa/commit")
    assert (answer.status_code, answer.json()["code"]) == (404, "import.unknown")
