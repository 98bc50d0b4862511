"""Callbacks as they are heard: true ones signed, forged ones not; again after a bad answer; by the bank's clock."""

import json
from typing import Any

import pytest
from tests.bank import Ear, SimBank

from anhuan.kit import signing


def said(heard: list[tuple[dict[str, str], str, bytes]]) -> list[Any]:
    """The bodies."""
    return [json.loads(body) for _, _, body in heard]


def believed(bank: SimBank, heard: tuple[dict[str, str], str, bytes]) -> str:
    """What signing says of a callback at the bank's moment."""
    head, path, body = heard
    try:
        signing.verify({bank.key_id: bank.public}, head, "POST", path, body, now=bank.now)
    except (signing.BadSignature, signing.OldSignature) as bad:
        return bad.code
    return "true"


def test_a_callback_is_signed_and_names_key_state_and_moment(bank: SimBank, ear: Ear) -> None:
    bank.pay("k1")
    (heard,) = ear.all(bank)
    assert believed(bank, heard) == "true"
    told = json.loads(heard[2])
    assert {name: told[name] for name in ("key", "state", "at")} == {
        "key": "k1", "state": "success", "at": "2026-03-02T10:00:00+08:00",
    }  # fmt: skip
    assert heard[1] == "/callbacks"


def test_a_failure_and_a_return_are_told_too(bank: SimBank, ear: Ear) -> None:
    bank.script(33)
    bank.pay("k1")
    bank.script(17)
    bank.pay("k2")
    bank.move(days=2)
    assert [(one["key"], one["state"]) for one in said(ear.all(bank))] == [
        ("k1", "failed"), ("k2", "success"), ("k2", "returned"),
    ]  # fmt: skip


def test_10_the_older_word_comes_last(bank: SimBank, ear: Ear) -> None:
    bank.script(10)
    bank.pay("k1")
    bank.move(minutes=10)
    told = said(ear.all(bank))
    assert [one["state"] for one in told] == ["success", "failed"]
    assert told[1]["at"] < told[0]["at"]
    assert len({one["event_id"] for one in told}) == 2
    assert bank.ask("k1").json["state"] == "success"


def test_11_the_same_event_comes_three_times_under_fresh_signatures(bank: SimBank, ear: Ear) -> None:
    bank.script(11)
    bank.pay("k1")
    heard = ear.all(bank)
    assert [one["event_id"] for one in said(heard)] == [said(heard)[0]["event_id"]] * 3
    assert len({head[signing.NONCE] for head, _, _ in heard}) == 3
    assert [believed(bank, one) for one in heard] == ["true"] * 3


def test_13_every_forgery_is_refused_by_whoever_checks(bank: SimBank, ear: Ear) -> None:
    bank.script(13, minutes=5)
    bank.pay("k1")
    bank.move(seconds=20)
    heard = ear.all(bank)
    assert [believed(bank, one) for one in heard] == [
        "signing.bad_signature", "signing.bad_signature", "signing.old", "signing.bad_signature",
    ]  # fmt: skip
    assert [one["state"] for one in said(heard)] == ["failed", "failed", "failed", "success"]
    assert bank.ask("k1").json["state"] == "processing"
    bank.move(minutes=5)
    assert [believed(bank, one) for one in ear.all(bank)] == ["true"]


def test_a_callback_that_is_not_welcome_comes_again_by_the_banks_clock(bank: SimBank, ear: Ear) -> None:
    ear.status = 500
    bank.pay("k1")
    counted = [len(ear.all(bank))]
    for seconds in (14, 1, 15):
        bank.move(seconds=seconds)
        counted.append(len(ear.all(bank)))
    assert counted == [1, 0, 1, 1]
    ear.status = 200
    bank.move(seconds=30)
    assert len(ear.all(bank)) == 1
    bank.move(days=1)
    assert ear.all(bank) == []


def test_the_bank_gives_up_after_its_last_pause(bank: SimBank, ear: Ear) -> None:
    bank.control("PUT", "/sim/profile", {"callback_pauses": [1, 1]})
    ear.status = 404
    bank.pay("k1")
    heard = len(ear.all(bank))
    for _ in range(5):
        bank.move(seconds=5)
        heard += len(ear.all(bank))
    assert heard == 3


def test_nobody_is_called_where_no_address_is_known(bank: SimBank) -> None:
    bank.pay("k1")
    assert bank.truth("k1")["said"] == []


@pytest.mark.parametrize(
    "url", ["http://example.com/x", "https://127.0.0.1/x", "file:///etc/passwd", "http://127.0.0.1@evil/"]
)
def test_callbacks_go_to_this_machine_alone(bank: SimBank, url: str) -> None:
    with pytest.raises(AssertionError, match=r"simbank\.bad_order"):
        bank.control("PUT", "/sim/callbacks", {"url": url})


def test_a_payment_waits_for_no_listener(bank: SimBank) -> None:
    bank.control("PUT", "/sim/callbacks", {"url": "http://127.0.0.1:9/nobody"})
    assert bank.pay("k1")["state"] == "success"
    assert bank.control("POST", "/sim/callbacks/flush")["callbacks"] <= 1
    (row,) = bank.truth("k1")["said"]
    assert (row["tries"], row["answered"], row["done_at"]) == (1, None, None)
