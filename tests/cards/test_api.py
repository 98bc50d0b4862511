"""Room cards through the JSON door of the whole house."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session
from tests.people import browser

from anhuan import app, cards
from anhuan.cards import BillFacts, Charge, RecordedBill
from anhuan.kit import db as database
from anhuan.kit.ids import LOCAL_USER, new_id

NOW = datetime(2026, 4, 20, 3, 0, tzinfo=UTC)


@pytest.fixture
def client(db: Session) -> Iterator[TestClient]:
    """The whole house on the database of this test, on 20 April 2026."""
    house = app.create(database.sessions(), now=lambda: NOW)
    who = browser(db, now=NOW)
    with TestClient(house, base_url="http://localhost:8000/api/v1", headers=who) as made:
        yield made


@pytest.fixture
def kept(db: Session) -> RecordedBill:
    """A bill of 10,000.00, due in five days."""
    charges = (Charge(date(2026, 3, 10), 1000000),)
    days = (date(2026, 4, 5), date(2026, 4, 25))
    facts = BillFacts("cgb", "CNY", 1000000, 100000, *days, ("6736",), charges=charges, known_complete=True)
    done = cards.record_bill(db, LOCAL_USER, facts, now=NOW)
    db.flush()
    return done


def get(client: TestClient, path: str, **query: Any) -> Any:
    answer = client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.scope("S0-23")
def test_the_board_speaks_in_decimal_text(client: TestClient, kept: RecordedBill) -> None:
    board = get(client, "board")
    (entry,) = board["entries"]
    assert (entry["urgency"], entry["days_left"], entry["bill"]["open"]) == ("week", 5, "10000.00")
    assert entry["account"]["cards"][0]["last_digits"] == "6736"
    assert entry["safe_pay_by"] == "2026-04-24T13:00:00+08:00"
    assert board["totals"][0]["next_30_days"] == "10000.00"
    assert get(client, "board", on="2026-04-26")["entries"][0]["urgency"] == "overdue"


@pytest.mark.scope("S3-06")
def test_choices_carry_their_steps_and_the_steps_are_exact(client: TestClient, kept: RecordedBill) -> None:
    found = get(client, f"bills/{kept.bill_id}/choices", pay=["9900"], lang="en")
    assert [(one["choice"], one["cost"]) for one in found] == [
        ("full", "0.00"),
        ("custom", "230.50"),
        ("minimum", "275.00"),
        ("nothing", "330.00"),
    ]
    working = [step for step in found[1]["steps"] if "×" in step["working"] and "2026" in step["working"]]
    assert sum(Fraction(step["amount"]) for step in working) == Fraction("230.50")


def test_the_price_of_days_late(client: TestClient, kept: RecordedBill) -> None:
    late = get(client, f"bills/{kept.bill_id}/late", days=1)
    assert (late["interest"], late["late_fee"], late["missed"]) == ("235.00", "50.00", True)


def test_a_payment_is_noted(client: TestClient, kept: RecordedBill) -> None:
    answer = client.post(f"bills/{kept.bill_id}/payments", json={"amount": "9000.00", "credited_on": "2026-04-10"})
    assert answer.status_code == 201
    assert (answer.json()["open"], answer.json()["minimum_open"]) == ("1000.00", "0.00")


def test_terms_are_shown_and_set(client: TestClient, kept: RecordedBill) -> None:
    path = f"accounts/{kept.account_id}/terms"
    new = {"value": "0.00045", "valid_from": "2026-04-01", "source": "contract"}
    assert client.put(f"{path}/daily_rate", json=new).status_code == 200
    sheet = {term["key"]: term for term in get(client, path, on="2026-04-05")}
    assert (sheet["daily_rate"]["value"], sheet["daily_rate"]["assumed"]) == ("0.00045", False)
    assert sheet["late_fee_rate"]["assumed"]
    wrong = client.put(f"{path}/daily_rate", json=new | {"value": "lots"})
    assert (wrong.status_code, wrong.json()["code"], wrong.json()["field"]) == (422, "cards.bad_term", "daily_rate")


def test_a_card_is_added_changed_and_removed(client: TestClient) -> None:
    made = client.post("cards", json={"bank": "boc", "number": "6222000000000000004"}).json()
    assert made["last_digits"] == "0004"
    changed = client.patch(f"cards/{made['card_id']}", json={"groups": ["家"]}).json()
    assert changed["groups"] == ["家"]
    assert client.delete(f"cards/{made['card_id']}").status_code == 204
    assert get(client, "accounts") == []


def test_a_mistyped_number_is_refused_and_not_repeated(client: TestClient) -> None:
    answer = client.post("cards", json={"bank": "boc", "number": "6222000000000000005"})
    assert (answer.status_code, answer.json()["code"]) == (422, "cards.bad_number")
    assert "6222" not in answer.text


def test_own_accounts_and_shared_limits(client: TestClient, kept: RecordedBill) -> None:
    own = client.put("own-accounts", json={"bank": "ccb", "number": "6666", "balance": "12000.00", "reserve": "500"})
    assert (own.json()["balance"], own.json()["balance_on"]) == ("12000.00", "2026-04-20")
    assert len(get(client, "own-accounts")) == 1
    line = client.post("lines", json={"label": "总额度", "account_ids": [str(kept.account_id)], "limit": "60000"})
    assert line.status_code == 201
    assert get(client, "board")["lines"][0]["available"] == "50000.00"


def test_the_page_of_an_account_and_the_versions_of_its_bill(client: TestClient, kept: RecordedBill) -> None:
    shown = get(client, f"accounts/{kept.account_id}")
    assert shown["upcoming"][0]["statement_on"] == "2026-05-05"
    assert shown["bills"][0]["charges"] == [{"posted_on": "2026-03-10", "amount": "10000.00", "instalment": False}]
    assert [one["version"] for one in get(client, f"bills/{kept.bill_id}")] == [1]
    assert {one["channel"] for one in get(client, f"bills/{kept.bill_id}/safe")} >= {"wechat"}


def test_the_true_rate_of_an_instalment(client: TestClient) -> None:
    cost = get(client, "instalment-rate", principal="12000", periods=12, fee_rate="0.006")
    assert (cost["nominal"][:6], cost["fees"], cost["payments"][0]) == ("0.1303", "864.00", "1072.00")


@pytest.mark.parametrize("path", ["accounts/{}", "accounts/{}/terms", "bills/{}", "bills/{}/choices", "bills/{}/safe"])
def test_what_one_does_not_have_is_not_found(client: TestClient, path: str) -> None:
    missing: UUID = new_id()
    assert client.get(path.format(missing)).status_code == 404
