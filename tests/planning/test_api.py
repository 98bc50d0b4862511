"""Room planning through the JSON door of the whole house."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session
from tests.people import browser
from tests.planning.example import EXAMPLE

from anhuan import app, cards
from anhuan.cards import BillFacts, Charge
from anhuan.kit import db as database
from anhuan.kit.ids import LOCAL_USER

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


@pytest.fixture
def client(db: Session) -> Iterator[TestClient]:
    """The whole house on the database of this test, on 21 November 2026."""
    house = app.create(database.sessions(), now=lambda: NOW)
    who = browser(db, now=NOW)
    with TestClient(house, base_url="http://localhost:8000/api/v1", headers=who) as made:
        yield made


def own_account(db: Session) -> str:
    own = cards.set_account(db, LOCAL_USER, "ccb", "0099", reserve=50_000)
    cards.record_balance(db, LOCAL_USER, own.account_id, 1_200_000, balance_on=NOW.date())
    return str(own.account_id)


@pytest.mark.scope("S0-05")
def test_a_request_is_answered_as_planning_says(client: TestClient) -> None:
    answer = client.post("plans", json=EXAMPLE)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["status"], told["cost"], told["breakdown"]["interest"]) == ("optimal", 0, 0)
    assert {"date", "account", "channel", "card", "amount", "fee", "credited"} == set(told["payments"][0])
    assert set(told["explanation"]["habits"]) == {"minimum_only", "by_due_date", "highest_rate", "smallest_balance"}


def test_a_bad_request_is_refused_with_its_field(client: TestClient) -> None:
    answer = client.post("plans", json=EXAMPLE | {"horizon_days": -1})
    assert answer.status_code == 422
    assert (answer.json()["code"], answer.json()["field"]) == ("plan.bad_request", "horizon_days")
    assert client.post("plans", content=b"{", headers={"content-type": "application/json"}).status_code == 422


def test_the_shape_of_a_request_stands_in_the_interface_description(client: TestClient) -> None:
    described = client.get("openapi.json").json()
    body = described["paths"]["/plans"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert {"as_of", "accounts", "cards"} <= set(body["required"])
    assert "daily_rate" in body["properties"]["cards"]["items"]["properties"]


def test_the_stored_household_is_planned_with_its_names(client: TestClient, db: Session) -> None:
    own_account(db)
    facts = BillFacts(
        "icbc", "CNY", 800000, 80000, date(2026, 11, 8), date(2026, 11, 28), ("7640",),
        charges=(Charge(date(2026, 10, 20), 800000),), known_complete=True,
    )  # fmt: skip
    cards.record_bill(db, LOCAL_USER, facts, now=NOW)
    told = client.get("plans/mine", params={"lang": "en"}).json()
    assert [payment["amount"] for payment in told["payments"]] == [800000]
    assert told["names"][told["payments"][0]["card"]] == "ICBC 7640"
    assert "ICBC 7640" in str(told["assumptions"])
    chinese = client.get("plans/mine", params={"lang": "zh"}).json()
    assert "工商银行 尾号 7640" in str(chinese["assumptions"])
    assert "icbc" not in str((told["assumptions"], chinese["assumptions"], chinese["names"]))
    assert not told["approximate"]


def test_expected_money_channels_and_settings_are_kept(client: TestClient, db: Session) -> None:
    flow: dict[str, Any] = {"account_id": own_account(db), "amount": "15000.00", "label": "工资", "day_of_month": 5}
    made = client.post("flows", json=flow).json()
    assert client.get("flows").json() == [made]
    changed = client.put(f"flows/{made['flow_id']}", json=flow | {"amount": "16000.00"}).json()
    assert changed["amount"] == "16000.00"
    assert client.delete(f"flows/{made['flow_id']}").status_code == 204
    assert client.delete(f"flows/{made['flow_id']}").status_code == 404
    assert client.put("channels/wechat", json={"chosen": True}).status_code == 204
    assert {one["channel_id"] for one in client.get("channels").json() if one["chosen"]} == {"bank_transfer", "wechat"}
    wishes = {"horizon_days": 30, "rely_on_grace": True}
    assert client.put("plan-settings", json=wishes).json() == client.get("plan-settings").json() == wishes
    assert client.put("plan-settings", json=wishes | {"horizon_days": 0}).status_code == 422
