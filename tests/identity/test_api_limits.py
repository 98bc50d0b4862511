"""Own limits through the JSON door and the command line."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pyotp
import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session
from tests.people import sign_in
from typer.testing import CliRunner

from anhuan import app
from anhuan.identity import codes
from anhuan.identity.cli_limits import app as limits_app
from anhuan.kit import clock
from anhuan.kit import db as database
from anhuan.kit.ids import LOCAL_USER

NOW = datetime(2026, 11, 22, 9, 20, tzinfo=clock.CHINA)


SECRET = codes.new_secret()


def code(at: datetime) -> str:
    """What the app of the person shows at this moment."""
    return pyotp.TOTP(SECRET).at(at)


@pytest.fixture
def door(db: Session) -> Iterator[TestClient]:
    cookie = sign_in(db, now=NOW)
    assert codes.keep_totp(db, LOCAL_USER, SECRET, code(NOW - timedelta(seconds=30)), now=NOW)
    house = app.create(database.sessions(), now=lambda: NOW)
    with TestClient(
        house, base_url="http://localhost:8000", headers={"cookie": cookie, "origin": "http://localhost:8000"}
    ) as made:
        yield made


def test_a_limit_narrows_at_once_and_widens_with_a_proof_a_day_later(door: TestClient) -> None:
    low = door.put("/api/v1/limits", json={"kind": "per_payment", "amount": "2000.00"})
    assert (low.status_code, low.json()["amount"]) == (200, "2000.00")
    wish = {"kind": "per_payment", "amount": "9000.00"}
    refused = door.put("/api/v1/limits", json=wish)
    assert (refused.status_code, refused.json()["code"]) == (422, "stepup.needed")
    asked = door.post("/api/v1/step-ups", json={"act": "limit_raise", **wish})
    assert asked.status_code == 201
    proof = {"step_up": asked.json()["id"], "code": code(NOW)}
    other = door.put("/api/v1/limits", json={**wish, "amount": "9000.01", "proof": proof})
    assert (other.status_code, other.json()["code"]) == (422, "stepup.void")
    done = door.put("/api/v1/limits", json={**wish, "proof": proof})
    assert done.status_code == 200
    again = door.put("/api/v1/limits", json={**wish, "proof": proof})
    assert (again.status_code, again.json()["code"]) == (422, "stepup.void")
    shown = door.get("/api/v1/limits").json()
    assert [one["amount"] for one in shown["standing"]] == ["2000.00"]
    assert [(one["amount"], one["from_at"][:16]) for one in shown["waiting"]] == [("9000.00", "2026-11-23T01:20")]


def test_the_pause_stands_at_once_and_ends_with_a_proof_of_its_own(door: TestClient) -> None:
    assert door.post("/api/v1/pause").status_code == 204
    assert door.get("/api/v1/limits").json()["paused_since"] is not None
    asked = door.post("/api/v1/step-ups", json={"act": "pause_lift"}).json()
    assert door.post("/api/v1/pause/lift", json={"step_up": asked["id"], "code": code(NOW)}).status_code == 204
    assert door.get("/api/v1/limits").json()["paused_since"] is None


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"kind": "per_payment", "amount": "0"}, "amount"),
        ({"kind": "per_payment", "amount": "x"}, "amount"),
        ({"kind": "per_week", "amount": "5"}, "kind"),
        ({"kind": "per_card", "amount": "5"}, "account_id"),
        ({"kind": "per_payment", "amount": "5", "user_id": "x"}, None),  # nobody asks for somebody else
    ],
)
def test_a_bad_wish_is_told_by_its_field_and_nothing_is_kept(
    door: TestClient, sent: dict[str, str], field: str | None
) -> None:
    said = door.put("/api/v1/limits", json=sent)
    assert (said.status_code, said.json().get("field")) == (422, field)
    assert door.get("/api/v1/limits").json()["standing"] == []


def test_the_command_line_narrows_and_pauses_but_never_widens(db: Session) -> None:
    run = CliRunner().invoke
    assert "¥2,000.00" in run(limits_app, ["set", "per_payment", "2000", "--lang", "zh"]).output
    refused = run(limits_app, ["set", "per_payment", "3000"])
    assert getattr(refused.exception, "code", "") == "stepup.needed"
    assert "已全部暂停" in run(limits_app, ["pause", "--lang", "zh"]).output
    assert "¥2,000.00" in run(limits_app, ["show"]).output
