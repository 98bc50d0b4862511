"""Repayments through the JSON door: quoted by anybody of the house, placed with the person's own proof, followed."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pyotp
import pytest
from fastapi.testclient import TestClient
from tests.channels.test_stops import stopped
from tests.identity.desk import acting
from tests.people import sign_in
from tests.repayments.conftest import Home, clean, home, house

from anhuan import app, cards, repayments
from anhuan.identity import clients, codes
from anhuan.identity.rights import Role, rights_of
from anhuan.kit import db as database
from anhuan.kit import ids, wall
from anhuan.kit.actors import Actor, ActorKind

__all__ = ["clean", "home", "house"]
SECRET = codes.new_secret()
URL = "http://localhost:8000"


class Door(TestClient):
    """The JSON door with somebody before it."""

    def said(self, verb: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        answer = self.request(verb, f"/api/v1{path}", json=body, **more)
        return answer.status_code, answer.json()


@pytest.fixture
def door(home: Home) -> Iterator[Door]:
    cookie = sign_in(database.sessions().kw["bind"], home.party, now=home.clock())
    with home.rows() as db:
        earlier = pyotp.TOTP(SECRET).at(home.clock().timestamp() - 30)
        assert codes.keep_totp(db, home.party, SECRET, earlier, now=home.clock())
    made = app.create(database.sessions(), now=home.clock)
    with Door(made, base_url=URL, headers={"cookie": cookie, "origin": URL}) as opened:
        yield opened


def wish(home: Home, **other: Any) -> dict[str, Any]:
    """100.00 yuan to the card, or as said."""
    sent = {"account_id": str(home.account_id), "source_id": str(home.source_id), "rule": "custom", "amount": "100.00",
            "channel": "little_bank"}  # fmt: skip
    return sent | other


def placed(door: Door, home: Home, **other: Any) -> dict[str, Any]:
    """One payment, confirmed with a code."""
    body: dict[str, Any] = {"wishes": [wish(home, **other)], "key": str(ids.new_id())}
    status, asked = door.said("POST", "/repayments/step-ups", body)
    assert (status, asked["by_code"]) == (201, True)
    proof = {"step_up": asked["id"], "code": pyotp.TOTP(SECRET).at(home.clock())}
    status, made = door.said("POST", "/repayments", body | {"proof": proof})
    assert status == 201, made
    return {"body": body | {"proof": proof}, **made}


def test_a_quote_tells_everything_and_moves_nothing(door: Door, home: Home) -> None:
    status, told = door.said("POST", "/repayments/quotes", wish(home))
    assert (status, told["amount"], told["channel"], told["troubles"]) == (200, "100.00", "little_bank", [])
    assert told["debit"] == told["amount"], "no fee at this bank"
    assert told["due_on"] == "2026-12-08"
    status, told = door.said("POST", "/repayments/quotes", wish(home, amount="99999.00"))
    assert [one["code"] for one in told["troubles"]] == ["repay.already_on_its_way"]
    assert door.said("GET", "/repayments")[1] == {"orders": [], "next": None}


def test_several_payments_from_one_account_tell_what_it_lacks_for_them_together(door: Door, home: Home) -> None:
    with home.rows() as db:
        cards.record_balance(db, home.party, home.source_id, 50_000, balance_on=date(2026, 11, 22))
    both = [wish(home, amount="300.00")] * 2
    status, told = door.said("POST", "/repayments/quotes/together", {"wishes": both})
    assert (status, told["amount"], told["debit"], told["short"]) == (200, "600.00", "600.00", "100.00")
    assert [one["troubles"] for one in told["quotes"]] == [[], []], "each alone could be paid"
    assert door.said("POST", "/repayments/quotes/together", {"wishes": both[:1]})[1]["short"] == "0.00"
    status, no = door.said("POST", "/repayments/step-ups", {"wishes": both, "key": str(ids.new_id())})
    assert (status, no["code"]) == (422, "repay.too_little_money"), "nobody proves who he is for what cannot be"


def test_a_payment_is_placed_once_with_the_persons_proof(door: Door, home: Home) -> None:
    body = {"wishes": [wish(home)], "key": str(ids.new_id())}
    status, said = door.said("POST", "/repayments", body)
    assert (status, said["code"]) == (422, "stepup.needed")
    assert home.money()["held"] == 0
    made = placed(door, home)
    [order] = made["orders"]
    assert (order["status"], order["amount"], order["arrived"]) == ("placed", "100.00", None)
    assert home.money()["held"] == 10_000
    status, again = door.said("POST", "/repayments", made["body"])
    assert (status, again["orders"][0]["order_id"]) == (201, order["order_id"]), "the same key is the same payment"
    assert home.money()["held"] == 10_000


def test_a_proof_for_one_payment_is_none_for_another(door: Door, home: Home) -> None:
    body = {"wishes": [wish(home)], "key": str(ids.new_id())}
    _, asked = door.said("POST", "/repayments/step-ups", body)
    proof = {"step_up": asked["id"], "code": pyotp.TOTP(SECRET).at(home.clock())}
    other = {**body, "wishes": [wish(home, amount="900.00")], "proof": proof}
    status, said = door.said("POST", "/repayments", other)
    assert (status, said["code"]) == (422, "stepup.void")


def test_the_request_key_may_stand_in_the_header(door: Door, home: Home) -> None:
    made = placed(door, home)
    body = {name: value for name, value in made["body"].items() if name != "key"}
    head = {"Idempotency-Key": made["body"]["key"]}
    status, again = door.said("POST", "/repayments", body, headers=head)
    assert (status, again["group_id"]) == (201, made["group_id"])
    status, said = door.said("POST", "/repayments", body)
    assert (status, said["field"]) == (422, "key")
    status, said = door.said("POST", "/repayments", made["body"], headers={"Idempotency-Key": str(ids.new_id())})
    assert (status, said["field"]) == (422, "key")
    status, said = door.said("POST", "/repayments", {**made["body"], "wishes": [wish(home, amount="1.00")]})
    assert (status, said["code"]) == (422, "repay.key_reused")


def test_a_payment_is_followed_from_the_tap_to_its_proof(door: Door, home: Home) -> None:
    made = placed(door, home)
    [order] = made["orders"]
    with home.rows() as db:
        held = repayments.find(db, home.party, UUID(order["order_id"]))
    home.deliver(held)
    status, told = door.said("GET", f"/repayments/{order['order_id']}")
    assert (status, told["order"]["status"]) == (200, "promised")
    home.prove(held)
    _, told = door.said("GET", f"/repayments/{order['order_id']}")
    assert (told["order"]["status"], told["order"]["arrived"]) == ("arrived", "100.00")
    kinds = [one["kind"] for one in told["timeline"]]
    assert [one for one in kinds if one in ("confirmed", "placed", "sent", "promised", "arrived")] == [
        "confirmed", "placed", "sent", "promised", "arrived",
    ]  # fmt: skip
    assert door.said("GET", f"/repayments/groups/{made['group_id']}")[1]["orders"][0]["status"] == "arrived"


def test_behind_a_stop_it_says_why_it_waits_and_when_it_is_tried_next(door: Door, home: Home) -> None:
    stopped(acting(ids.new_id(), Role.OPERATIONS))
    [order] = placed(door, home)["orders"]
    told = door.said("GET", f"/repayments/{order['order_id']}")[1]["order"]
    assert (told["status"], told["wait"]) == ("placed", "channel_stopped")
    assert datetime.fromisoformat(told["next_at"]) == home.clock() + timedelta(minutes=1), "not in half an hour"


def test_an_order_is_cancelled_before_it_goes_out_and_not_after(door: Door, home: Home) -> None:
    [order] = placed(door, home)["orders"]
    status, told = door.said("POST", f"/repayments/{order['order_id']}/cancel")
    assert (status, told["order"]["status"]) == (200, "cancelled")
    assert home.money()["held"] == 0
    home.clock.pass_(minutes=1)  # a code counts once
    [order] = placed(door, home)["orders"]
    with home.rows() as db:
        home.deliver(repayments.find(db, home.party, UUID(order["order_id"])))
    status, said = door.said("POST", f"/repayments/{order['order_id']}/cancel")
    assert (status, said["code"]) == (422, "repay.too_late_to_cancel")


def test_pages_of_the_list_lose_nothing(door: Door, home: Home) -> None:
    made = []
    for _ in range(3):
        made.append(placed(door, home, amount="10.00")["orders"][0]["order_id"])
        home.clock.pass_(minutes=1)
    seen: list[str] = []
    query: dict[str, Any] = {"at_most": 2}
    while True:
        _, told = door.said("GET", "/repayments", params=query)
        seen += [one["order_id"] for one in told["orders"]]
        if told["next"] is None:
            break
        query["before"] = told["next"]
    assert seen == made[::-1]


def test_nobody_elses_payment_is_shown(door: Door, home: Home) -> None:
    for path in (f"/repayments/{ids.new_id()}", f"/repayments/groups/{ids.new_id()}"):
        status, said = door.said("GET", path)
        assert (status, said["code"]) == (404, "repay.not_found")


def test_a_program_of_the_person_reads_and_quotes_and_never_pays(door: Door, home: Home) -> None:
    rights = rights_of([Role.HOLDER])
    me = Actor(ActorKind.PERSON, home.party, home.party, frozenset({Role.HOLDER}), rights, session_id=ids.new_id())
    with database.transaction() as db:
        wall.enter(db, party=home.party, person=home.party)
        scopes = ["repay.read"]
        key = clients.make_personal(db, me, label="记账", scopes=scopes, now=home.clock())
    made = app.create(database.sessions(), now=home.clock)
    with Door(made, base_url=URL, headers={"authorization": f"Bearer {key}"}) as program:
        assert program.said("POST", "/repayments/quotes", wish(home))[0] == 200
        assert program.said("GET", "/repayments")[0] == 200
        body = {"wishes": [wish(home)], "key": str(ids.new_id())}
        status, said = program.said("POST", "/repayments", body)
        assert (status, said["code"]) == (403, "access.not_allowed")
    assert home.money()["held"] == 0


def test_the_description_names_every_code_and_an_example(door: Door) -> None:
    _, told = door.said("GET", "/openapi.json")
    place = told["paths"]["/repayments"]["post"]
    for code in ("stepup.needed", "repay.key_reused", "repay.over_day_limit", "repay.no_source"):
        assert f"`{code}`" in place["description"]
    assert place["x-right"] == "repay.write"
    assert told["components"]["schemas"]["NewRepayment"]["examples"][0]["wishes"][0]["amount"] == "500.00"
