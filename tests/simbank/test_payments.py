"""Payments over the real wire: taken once, asked about, moved by the clock, refused for good."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.bank import PARTNER, Lost, SimBank

from anhuan.kit import signing


def test_a_payment_is_taken_and_stands_on_the_card(bank: SimBank) -> None:
    said = bank.pay("k1")
    assert (said["state"], said["amount"], said["taken_at"]) == ("success", 50_000, "2026-03-02T10:00:00+08:00")
    assert bank.ask("k1").json == said
    assert [(one["kind"], one["amount"], one["key"]) for one in bank.postings()] == [("payment", 50_000, "k1")]
    assert bank.books()["sound"]


def test_the_same_key_with_the_same_body_is_answered_alike_and_debited_once(bank: SimBank) -> None:
    first = bank.pay("k1")
    assert [bank.pay("k1") for _ in range(3)] == [first] * 3
    assert bank.truth("k1")["debits"] == 1


def test_many_at_once_under_one_key_are_one_payment(bank: SimBank) -> None:
    body = bank.body("k1")
    with ThreadPoolExecutor(12) as pool:
        said = list(pool.map(lambda _: bank.call("POST", "/v1/payments", body).body, range(24)))
    assert len(set(said)) == 1
    assert bank.truth("k1")["debits"] == 1


def test_the_same_key_with_another_body_is_refused_and_changes_nothing(bank: SimBank) -> None:
    first = bank.pay("k1")
    answer = bank.call("POST", "/v1/payments", bank.body("k1", 50_001))
    assert (answer.status, answer.json["code"]) == (409, "other_body")
    assert bank.ask("k1").json == first
    assert bank.truth("k1")["debits"] == 1


def test_an_unknown_key_is_not_found_and_moves_nothing(bank: SimBank) -> None:
    answer = bank.ask("nobody")
    assert (answer.status, answer.json) == (404, {"code": "not_found"})


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"amount": 5_000_001}, "over_single_limit"),  # 50,000.01
        ({"amount": 1_000_001}, "insufficient_funds"),  # lin has 10,000.00
        ({"currency": "USD"}, "other_currency"),
        ({"funding": "nobody"}, "unknown_funding"),
        ({"expires_at": "2026-03-02T10:00:00+08:00"}, "expired"),  # this very moment
    ],
)
def test_a_final_no_says_why_and_takes_no_money(bank: SimBank, more: dict[str, Any], code: str) -> None:
    said = bank.pay("k1", **more)
    assert (said["state"], said["code"]) == ("failed", code)
    assert bank.truth("k1")["debits"] == 0
    assert bank.books()["sound"]


def test_what_is_missing_is_told_in_fen_and_in_words(bank: SimBank) -> None:
    said = bank.pay("k1", 1_234_567)
    assert said["missing"] == 234_567
    assert "2,345.67" in said["message"] or "2345.67" in said["message"]


def test_the_daily_limit_opens_again_at_midnight_utc8(bank: SimBank) -> None:
    bank.control("PUT", "/sim/profile", {"per_day_max": 80_000})
    assert bank.pay("k1")["state"] == "success"
    refused = bank.pay("k2")
    assert (refused["code"], refused["resets_at"]) == ("daily_limit", "2026-03-03T00:00:00+08:00")
    bank.move(to="2026-03-02T23:59:59+08:00")
    assert bank.pay("k3")["code"] == "daily_limit"
    bank.move(seconds=1)
    assert bank.pay("k4")["state"] == "success"


def test_a_frozen_card_is_paid_again_when_it_is_let_go(bank: SimBank) -> None:
    bank.control("PUT", "/sim/cards/card-1", {"frozen": True})
    assert bank.pay("k1")["code"] == "card_frozen"
    bank.control("PUT", "/sim/cards/card-1", {"frozen": False})
    assert bank.pay("k2")["state"] == "success"


@pytest.mark.parametrize("wrong", [{"card": "card-9"}, {"name": "林晓明"}])
def test_a_wrong_card_or_name_is_accepted_and_comes_back_the_next_day(bank: SimBank, wrong: dict[str, Any]) -> None:
    assert bank.pay("k1", **wrong)["state"] == "success"
    assert bank.books()["transit"] == 50_000
    bank.move(to="2026-03-03T11:00:00+08:00")
    said = bank.ask("k1").json
    assert said["state"] == "success"
    assert said["event"] == {
        "kind": "returned", "at": "2026-03-03T11:00:00+08:00", "amount": 50_000, "reason": "name_or_card",
    }  # fmt: skip
    books = bank.books()
    assert books["sound"]
    assert books["transit"] == 0
    assert next(one["balance"] for one in books["accounts"] if one["name"] == "client:lin") == 1_000_000


def test_a_reversal_takes_the_money_off_the_card_the_same_day(bank: SimBank) -> None:
    bank.pay("k1")
    bank.control("POST", "/sim/payments/k1/reverse", {"reason": "bank_error"})
    assert bank.ask("k1").json["event"]["kind"] == "reversed"
    assert [one["amount"] for one in bank.postings()] == [50_000, -50_000]
    assert bank.truth("k1")["credits"] == 0
    assert bank.books()["sound"]


def test_after_its_lifetime_a_key_is_neither_told_nor_made_again(bank: SimBank) -> None:
    bank.pay("k1")
    body = bank.body("k1")
    bank.move(days=31)
    assert bank.ask("k1").json["code"] == "key_expired"
    again = bank.call("POST", "/v1/payments", body)
    assert again.status in (409, 410)
    assert bank.truth("k1")["debits"] == 1


def test_each_item_of_a_batch_has_a_state_of_its_own(bank: SimBank) -> None:
    items = [bank.body("b1"), bank.body("b2", 2_000_000), bank.body("b3"), {"key": "b4"}]
    said = bank.call("POST", "/v1/payments/batch", {"items": items}).json["items"]
    assert [one.get("state") or one["error"]["code"] for one in said] == ["success", "failed", "success", "bad_request"]
    alone = bank.call("POST", "/v1/payments", items[0])
    assert alone.json == said[0]
    assert bank.truth("b1")["debits"] == 1


def test_a_batch_has_an_end(bank: SimBank) -> None:
    answer = bank.call("POST", "/v1/payments/batch", {"items": [bank.body() for _ in range(51)]})
    assert (answer.status, answer.json["code"]) == (400, "bad_request")
    assert bank.books()["transit"] == 0


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b'{"key": 1}', json.dumps({"key": "k", "amount": 1.5}).encode(), b'{"key": "k", "amount": -5}'],
)
def test_what_cannot_be_read_is_refused_and_nothing_is_kept(bank: SimBank, body: bytes) -> None:
    answer = bank.call("POST", "/v1/payments", body)
    assert (answer.status, answer.json["code"]) == (400, "bad_request")


@pytest.mark.parametrize("more", [{"name": "a\x00b"}, {"card": "9" * 65}, {"amount": 1 << 62}, {"amount": True}])
def test_words_and_amounts_that_no_column_holds_are_refused(bank: SimBank, more: dict[str, Any]) -> None:
    answer = bank.call("POST", "/v1/payments", {**bank.body("k1"), **more})
    assert (answer.status, answer.json["code"]) == (400, "bad_request")


def test_a_body_without_end_is_not_kept(bank: SimBank) -> None:
    answer = bank.call("POST", "/v1/payments", b" " * ((1 << 20) + 1))
    assert (answer.status, answer.json["code"]) == (413, "too_long")


def test_the_maintenance_window_takes_nothing_and_says_until_when(bank: SimBank) -> None:
    bank.control("PUT", "/sim/profile", {"maintenance": [["09:30", "10:30"]]})
    answer = bank.call("POST", "/v1/payments", bank.body("k1"))
    assert (answer.status, answer.json) == (503, {"code": "maintenance", "until": "2026-03-02T10:30:00+08:00"})
    assert answer.headers["retry-after"] == "1800"
    assert bank.call("GET", "/v1/health").json["state"] == "maintenance"
    bank.move(minutes=30)
    assert bank.pay("k1")["state"] == "success"


def test_more_calls_than_the_rate_are_told_to_wait(bank: SimBank) -> None:
    bank.control("PUT", "/sim/profile", {"calls_per_second": 3})
    answers = [bank.call("POST", "/v1/payments", bank.body(f"k{n}")) for n in range(5)]
    assert [one.status for one in answers] == [200, 200, 200, 429, 429]
    assert answers[3].headers["retry-after"] == "1"
    bank.move(seconds=1)
    assert bank.pay("k3")["state"] == "success"


@pytest.mark.parametrize(
    ("at", "booked"),
    [
        ("2026-03-02T15:59:59+08:00", "2026-03-02"),  # a Monday before the cut-off
        ("2026-03-02T16:00:00+08:00", "2026-03-03"),  # on it
        ("2026-03-06T17:00:00+08:00", "2026-03-09"),  # Friday evening: Monday
        ("2026-02-14T10:00:00+08:00", "2026-02-14"),  # a working Saturday
        ("2026-02-14T16:30:00+08:00", "2026-02-24"),  # after it: nine days of Spring Festival
        ("2026-10-01T10:00:00+08:00", "2026-10-08"),  # National Day
    ],
)
def test_a_bank_of_workdays_books_by_its_cut_off_and_its_calendar(bank: SimBank, at: str, booked: str) -> None:
    bank.reset(datetime.fromisoformat(at))
    bank.control("PUT", "/sim/profile", {"workdays_only": True})
    bank.pay("k1")
    bank.move(to=f"{booked}T12:00:00+08:00" if not at.startswith(booked) else bank.now)
    assert [one["posted_on"] for one in bank.postings()] == [booked]


def test_a_year_that_nobody_has_published_has_no_working_saturday(bank: SimBank) -> None:
    bank.reset(datetime.fromisoformat("2026-02-14T10:00:00+08:00"))
    bank.control("PUT", "/sim/profile", {"workdays_only": True, "unknown_years": [2026]})
    told = bank.call("GET", "/v1/capabilities?on=2026-02-14").json
    assert (told["open"], told["calendar_known"]) == (False, False)
    bank.pay("k1")
    assert bank.postings() == []


def test_the_capabilities_are_those_of_the_profile(bank: SimBank) -> None:
    told = bank.call("GET", "/v1/capabilities?on=2026-03-02").json
    assert told["idempotent_by_key"]
    assert told["key_days"] == 30
    assert told["cut_off"] is None
    assert "insufficient_funds" in told["final_codes"]


# --- who is calling ---


def test_a_call_without_a_signature_is_refused(bank: SimBank) -> None:
    with pytest.raises(KeyError):  # there is no nonce to compare with: nobody signed
        bank.call("POST", "/v1/payments", bank.body("k1"), head={"x-none": "1"})
    assert bank.truth("k1")["state"] == "absent"


@pytest.mark.parametrize("change", ["body", "path", "method"])
def test_a_signature_holds_for_one_method_path_and_body(bank: SimBank, change: str) -> None:
    body = json.dumps(bank.body("k1")).encode()
    method, path = "POST", "/v1/payments"
    signed = signing.sign(
        bank.key, PARTNER,
        "PUT" if change == "method" else method,
        "/v1/payments/batch" if change == "path" else path,
        body + b" " if change == "body" else body, now=bank.now,
    )  # fmt: skip
    answer = bank.call(method, path, body, head=signed)
    assert (answer.status, answer.json["code"]) == (401, "bad_signature")
    assert bank.truth("k1")["state"] == "absent"


def test_a_message_heard_before_or_signed_long_ago_is_refused(bank: SimBank) -> None:
    body = json.dumps(bank.body("k1")).encode()
    signed = signing.sign(bank.key, PARTNER, "POST", "/v1/payments", body, now=bank.now)
    assert bank.call("POST", "/v1/payments", body, head=signed).status == 200
    again = bank.call("POST", "/v1/payments", body, head=signed)
    assert (again.status, again.json["code"]) == (401, "replayed")
    old = signing.sign(bank.key, PARTNER, "POST", "/v1/payments", body, now=bank.now - timedelta(minutes=6))
    assert bank.call("POST", "/v1/payments", body, head=old).json["code"] == "old"


def test_another_partner_learns_nothing_about_a_key(bank: SimBank) -> None:
    bank.pay("k1")
    other = replace(bank, key=Ed25519PrivateKey.generate(), partner="somebody-else")
    assert (other.ask("k1").status, other.ask("k1").json["code"]) == (401, "bad_signature")
    public = base64.b64encode(other.key.public_key().public_bytes_raw()).decode()
    bank.control("PUT", "/sim/partners/somebody-else", {"public": public})
    assert other.ask("k1").json == {"code": "not_found"}
    assert other.call("POST", "/v1/payments", bank.body("k1")).json["code"] == "other_body"


def test_an_answer_of_another_house_is_not_believed(bank: SimBank) -> None:
    other = replace(bank, public=Ed25519PrivateKey.generate().public_key())
    with pytest.raises(Lost):
        other.ask("k1")


def test_a_fee_for_the_partner_is_taken_with_the_payment_and_stands_on_the_partners_account(bank: SimBank) -> None:
    said = bank.pay("k1", service_fee=300)
    assert (said["state"], said["amount"], said["service_fee"]) == ("success", 50_000, 300)
    held = {one["name"]: one["balance"] for one in bank.books()["accounts"]}
    assert (held["client:lin"], held[f"partner:{PARTNER}"]) == (949_700, 300)
    assert [one["amount"] for one in bank.postings()] == [50_000]
    assert bank.books()["sound"]


def test_the_fee_for_the_partner_comes_back_with_the_money(bank: SimBank) -> None:
    bank.pay("k1", name="somebody else", service_fee=300)
    bank.move(to="2026-03-03T12:00:00+08:00")
    held = {one["name"]: one["balance"] for one in bank.books()["accounts"]}
    assert (bank.ask("k1").json["event"]["kind"], held["client:lin"]) == ("returned", 1_000_000)
    assert held[f"partner:{PARTNER}"] == 0
    assert bank.books()["sound"]


def test_who_has_the_amount_but_not_the_fee_has_too_little(bank: SimBank) -> None:
    said = bank.pay("k1", 1_000_000, service_fee=300)
    assert (said["code"], said["missing"]) == ("insufficient_funds", 300)
    assert bank.call("POST", "/v1/payments", bank.body("k2", service_fee=-1)).status == 400
