"""Consents and requests about one's own data through the JSON door and the command line."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from tests.identity.households import NOW
from tests.people import browser
from typer.testing import CliRunner

from anhuan import app
from anhuan.identity import cli_consent, erasure, journey
from anhuan.kit import clock, ids, wall
from anhuan.kit import db as database
from anhuan.kit.actors import Actor, ActorKind

pytestmark = pytest.mark.scope("S1-29", "S2-14")


@pytest.fixture
def client(own_database: Engine) -> Iterator[TestClient]:
    """The whole house; the person who asks agreed to bill reading."""
    house = app.create(database.sessions(), now=clock.now)
    who = browser(own_database, now=clock.now())
    with TestClient(house, base_url="http://localhost:8000/api/v1", headers=who) as made:
        yield made


def test_a_bill_is_refused_without_a_yes_and_the_answer_says_where_to_give_it(client: TestClient) -> None:
    assert client.post("/consents/bill_reading/withdraw").json()["stands"] is False
    files = [("files", ("card.csv", b"x"))]
    answer = client.post("/imports/preview", files=files)
    assert (answer.status_code, answer.json()["code"]) == (403, "consent.missing")
    assert "/api/v1/consents/bill_reading" in answer.json()["message"]
    commit = client.post("/imports/01900000-0000-7000-8000-0000000000aa/commit")
    assert (commit.status_code, commit.json()["code"]) == (403, "consent.missing")
    given = client.post("/consents/bill_reading", json={"version": 1})
    assert (given.status_code, given.json()["stands"]) == (200, True)
    assert client.post("/imports/preview", files=files).status_code == 201


def test_the_list_says_what_holds_and_which_words_a_yes_would_name(client: TestClient) -> None:
    held = {one["purpose"]: one for one in client.get("/consents").json()}
    assert [name for name, one in held.items() if one["stands"]] == ["bill_reading"]
    text = client.get("/documents/consent_scoring").json()
    assert (held["scoring"]["version"], held["scoring"]["sha256"]) == (text["version"], text["sha256"])


@pytest.mark.parametrize(
    ("purpose", "body", "status"),
    [
        ("marketing", {"version": 7}, 422),  # not the words in force
        ("marketing", {"version": 1, "stands": True}, 422),  # a field that nobody asked for
        ("marketing", {}, 422),  # a yes to nothing
        ("everything", {"version": 1}, 404),
        ("sharing:nobody", {"version": 1}, 404),  # no partner has this name
        ("sharing", {"version": 1}, 404),
    ],
)
def test_a_yes_that_is_not_plain_is_refused(
    client: TestClient, purpose: str, body: dict[str, object], status: int
) -> None:
    assert client.post(f"/consents/{purpose}", json=body).status_code == status
    assert [one["purpose"] for one in client.get("/consents").json() if one["stands"]] == ["bill_reading"]


def test_a_copy_is_asked_for_followed_and_fetched(client: TestClient) -> None:
    asked = client.post("/data-requests", json={"kind": "export"})
    assert (asked.status_code, asked.json()["state"]) == (202, "waiting")
    number = asked.json()["id"]
    assert client.post(f"/data-requests/{number}/file", json={}).status_code == 404
    journey.make_export(str(ids.LOCAL_USER), number)
    told = client.get(f"/data-requests/{number}").json()
    assert (told["state"], told["percent"]) == ("done", 100)
    assert "file_name" not in told
    file = client.post(f"/data-requests/{number}/file", json={})
    assert (file.status_code, file.json()["code"]) == (422, "stepup.needed"), "tests/identity/test_approvals.py goes on"


def test_an_erasure_cools_and_is_called_off(client: TestClient) -> None:
    assert client.post("/data-requests", json={"kind": "erasure"}).json()["code"] == "stepup.needed"
    with database.transaction() as db:
        wall.enter(db, party=ids.LOCAL_USER, person=ids.LOCAL_USER)
        me = Actor(ActorKind.PERSON, person_id=ids.LOCAL_USER, party_id=ids.LOCAL_USER)
        number = str(erasure.ask(db, ids.LOCAL_USER, actor=me, now=clock.now(), lang="zh").id)
    assert client.post("/data-requests", json={"kind": "erasure"}).json()["id"] == number, "one at a time"
    assert client.post(f"/data-requests/{number}/cancel").json()["state"] == "cancelled"
    assert [one["state"] for one in client.get("/data-requests").json()] == ["cancelled"]


def test_nobody_sees_anothers_requests(client: TestClient, own_database: Engine) -> None:
    number = client.post("/data-requests", json={"kind": "export"}).json()["id"]
    eve = browser(own_database, ids.new_id(), now=clock.now())
    assert client.get(f"/data-requests/{number}", headers=eve).status_code == 404
    assert client.post(f"/data-requests/{number}/file", headers=eve, json={}).status_code == 404
    assert client.post(f"/data-requests/{number}/cancel", headers=eve).status_code == 404
    assert client.get("/data-requests", headers=eve).json() == []


def test_the_command_line_says_yes_and_no(db: Session) -> None:
    run = CliRunner()
    given = run.invoke(cli_consent.app, ["give", "bill_reading", "--yes"], catch_exceptions=False)
    assert given.output.startswith("✓ bill_reading"), given.output
    listed = run.invoke(cli_consent.app, ["list", "--lang", "en"], catch_exceptions=False).output
    assert [line[0] for line in listed.splitlines()] == ["✓", "○", "○", "○"]
    assert "Bill reading" in listed
    shown = run.invoke(cli_consent.app, ["give", "marketing"], input="n\n", catch_exceptions=False)
    assert shown.exit_code == 1
    assert "营销" in shown.output
    run.invoke(cli_consent.app, ["withdraw", "bill_reading"], catch_exceptions=False)
    listed = run.invoke(cli_consent.app, ["list"], catch_exceptions=False).output
    assert [line[0] for line in listed.splitlines()] == ["○", "○", "○", "○"]
    assert NOW
