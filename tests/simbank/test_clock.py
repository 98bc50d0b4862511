"""The clock in hand, and a bank that forgets nothing: order, the same bytes again, kill -9, one process per books."""

import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from tests.bank import STARTS, Ear, Lost, SimBank, running

from anhuan.kit import clock, postgres
from anhuan.simbank import scenarios

PAYING = [number for number in scenarios.ALL if number not in (7, 8, 9, 22)]  # what answers on the spot


def test_the_clock_stands_still_until_it_is_moved(bank: SimBank) -> None:
    shown = [bank.control("GET", "/sim/clock")["now"] for _ in range(2)]
    assert shown == ["2026-03-02T10:00:00+08:00"] * 2
    assert bank.move(hours=1)["now"] == "2026-03-02T11:00:00+08:00"
    with pytest.raises(AssertionError, match=r"simbank\.clock_goes_back"):
        bank.control("PUT", "/sim/clock", {"now": "2026-03-02T10:59:59+08:00"})


def test_one_long_move_does_what_many_short_ones_do(bank: SimBank) -> None:
    def month(step: timedelta) -> Any:
        bank.reset()
        bank.control("POST", "/sim/charges", {"charges": [{"card": "card-1", "amount": 90_000, "text": "超市"}]})
        for number in (2, 3, 17, 26, 32):
            bank.script(number)
            bank.pay(f"k{number}")
        while bank.now < STARTS + timedelta(days=40):
            bank.move(to=min(bank.now + step, STARTS + timedelta(days=40)))
        return bank.postings(), bank.books(), [bank.truth(f"k{number}")["movements"] for number in (2, 3, 17, 26, 32)]

    assert month(timedelta(days=40)) == month(timedelta(hours=13))


def test_the_same_seed_clock_and_calls_give_the_same_bytes(bank: SimBank, ear: Ear) -> None:
    def story() -> list[Any]:
        bank.reset(seed=11)
        bank.control("PUT", "/sim/callbacks", {"url": ear.url})
        for number in (2, 13, 17, 24, 25, 27):
            bank.control("PUT", f"/sim/scenarios/{number}", {"on": True, "probability": "0.4"})
        bodies = [bank.body(f"k{n}", 1_000 + n) for n in range(12)]
        said = [bank.call("POST", "/v1/payments", body).body for body in bodies]
        bank.move(days=2)
        heard = [(head["x-sign-nonce"], head["x-sign-signature"], body) for head, _, body in ear.all(bank)]
        listed = bank.call("GET", "/v1/files?day=2026-03-02")
        files = [bank.call("GET", f"/v1/files/2026-03-02/{one['name']}").body for one in listed.json.get("files", [])]
        return [said, [bank.ask(f"k{n}").body for n in range(12)], heard, listed.body, files, bank.books()]

    first, second = story(), story()
    assert first == second
    assert len(first[2]) > 12
    bank.reset(seed=12)
    assert bank.pay("k0", 1_000)["reference"] != json.loads(first[0][0])["reference"]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=some.data())
def test_whatever_meets_in_whatever_order_money_leaves_once_and_the_books_are_sound(
    bank: SimBank, data: some.DataObject
) -> None:
    bank.reset(seed=data.draw(some.integers(0, 99)))
    keys = [f"k{n}" for n in range(4)]
    for key in keys:
        bank.script(*data.draw(some.lists(some.sampled_from(PAYING), max_size=3, unique=True)), to=key)
        bodies = {key: bank.body(key, data.draw(some.integers(1, 400_000)))}
        for _ in range(data.draw(some.integers(1, 3))):
            bank.call("POST", "/v1/payments", bodies[key])
            bank.move(minutes=data.draw(some.integers(0, 900)))
            assert bank.books()["sound"]
    bank.move(days=4)
    books = bank.books()
    assert (books["sound"], books["sum"]) == (True, 0)
    for key in keys:
        truth = bank.truth(key)
        assert truth["debits"] <= 1
        assert truth["credits"] + truth["given_back"] <= truth["debits"]


def test_a_bank_killed_while_it_keeps_somebody_waiting_has_forgotten_nothing(bank: SimBank, ear: Ear) -> None:
    bank.control("PUT", "/sim/script", {"steps": [
        {"scenarios": [2, 7], "params": {"2": {"minutes": 5}, "7": {"how": "hang", "seconds": 30}}},
    ]})  # fmt: skip
    body = bank.body("k1")
    with pytest.raises(Lost):
        bank.call("POST", "/v1/payments", body, seconds=3)
    bank.kill()
    bank.start_again()
    assert bank.call("POST", "/v1/payments", body).json["state"] == "accepted"
    bank.move(minutes=5)
    assert bank.ask("k1").json["state"] == "success"
    assert bank.truth("k1")["debits"] == 1
    assert [json.loads(said)["state"] for _, _, said in ear.all(bank)] == ["success"]
    assert bank.books()["sound"]


def test_a_bank_killed_in_the_middle_of_anything_takes_each_payment_once(bank: SimBank) -> None:
    bodies = [bank.body(f"k{n}", 100 + n) for n in range(60)]
    answered: dict[str, Any] = {}

    def send() -> None:
        for body in bodies:
            try:
                answered[body["key"]] = bank.call("POST", "/v1/payments", body, seconds=30).json
            except Lost:
                return

    sender = threading.Thread(target=send)
    sender.start()
    while sender.is_alive() and len(answered) < 7:
        sender.join(0.005)
    bank.kill()
    sender.join()
    assert 7 <= len(answered) < 60, "it was killed too late to prove anything"
    bank.start_again()
    for body in bodies:
        said = bank.call("POST", "/v1/payments", body).json
        assert answered.setdefault(body["key"], said) == said
    assert [bank.truth(body["key"])["debits"] for body in bodies] == [1] * 60
    books = bank.books()
    assert books["sound"]
    held = next(one["balance"] for one in books["accounts"] if one["name"] == "client:lin")
    assert held == 1_000_000 - sum(100 + n for n in range(60))


def test_a_running_clock_does_by_itself_what_is_due(server: postgres.Access) -> None:
    with running(server, options=["--real-time", "--speed", "600"]) as bank:
        bank.reset(clock.now())
        bank.script(2, minutes=2)
        bank.now = clock.now()
        key = bank.call("POST", "/v1/payments", bank.body("k1")).json["key"]
        for _ in range(100):
            bank.now = clock.now()
            state = bank.ask(key).json["state"]
            if state == "success":
                break
            threading.Event().wait(0.05)
        assert state == "success"
