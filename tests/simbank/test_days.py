"""What the bank makes of a day that is over: files with and without faults, bills by the issuers' own terms."""

import hashlib
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from tests.bank import SimBank

DAY = "2026-03-02"


def files(bank: SimBank, day: str = DAY) -> dict[str, bytes]:
    """The bytes of a day's files by kind, each agreeing with what the bank announced."""
    found = {}
    for one in bank.call("GET", f"/v1/files?day={day}").json["files"]:
        content = bank.call("GET", f"/v1/files/{day}/{one['name']}").body
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (one["sha256"], one["size"])
        found[one["kind"]] = content
    return found


def amounts(bank: SimBank, day: str = DAY) -> dict[str, int]:
    """Key and amount (fen) of every payment in the bank's own CSV."""
    found = {}
    for line in files(bank, day)["bank_csv"].decode().splitlines()[1:]:
        cells = line.split(",")
        if len(cells) == 12 and cells[5] == "借":
            found[cells[3]] = int(Decimal(cells[6]) * 100)
    return found


def test_the_files_of_a_day_are_out_the_next_morning_at_nine(bank: SimBank) -> None:
    bank.pay("k1")
    bank.pay("k2", 12_345)
    for moment in ("2026-03-02T23:59:59+08:00", "2026-03-03T08:59:59+08:00"):
        bank.move(to=moment)
        answer = bank.call("GET", f"/v1/files?day={DAY}")
        assert (answer.status, answer.json) == (404, {"code": "not_ready", "from": "2026-03-03T09:00:00+08:00"})
    bank.move(seconds=1)
    assert set(files(bank)) == {"trade", "fund_flow", "alipay", "bank_csv", "camt053"}
    assert amounts(bank) == {"k1": 50_000, "k2": 12_345}
    bank.move(to="2026-03-04T09:00:00+08:00")
    assert amounts(bank, "2026-03-03") == {}


def test_a_payment_at_the_last_second_counts_for_its_day(bank: SimBank) -> None:
    bank.move(to="2026-03-02T23:59:59+08:00")
    bank.pay("k1")
    bank.move(seconds=1)
    bank.pay("k2")
    bank.move(to="2026-03-04T09:00:00+08:00")
    assert (list(amounts(bank)), list(amounts(bank, "2026-03-03"))) == (["k1"], ["k2"])


def test_what_came_back_stands_in_the_file_of_the_day_it_came_back(bank: SimBank) -> None:
    bank.script(17)
    bank.pay("k1")
    bank.move(to="2026-03-04T09:00:00+08:00")
    assert "退汇".encode() in files(bank, "2026-03-03")["bank_csv"]
    assert list(amounts(bank)) == ["k1"]


@pytest.mark.parametrize("number", [23, 24, 25])
@pytest.mark.parametrize("how", ["script", "switch"])
def test_a_fault_of_rows_changes_the_file_and_not_the_money(bank: SimBank, number: int, how: str) -> None:
    if how == "script":
        bank.script(number, to="k1")
    else:
        bank.control("PUT", f"/sim/scenarios/{number}", {"on": True})
    bank.pay("k1")
    bank.pay("k2", 700)
    assert [bank.ask(key).json["amount"] for key in ("k1", "k2")] == [50_000, 700]
    bank.move(to="2026-03-03T09:00:00+08:00")
    told = amounts(bank)
    own = {key: amount for key, amount in told.items() if key in ("k1", "k2")}
    match number:
        case 23:
            assert told == ({"k2": 700} if how == "script" else {})
        case 24:
            assert own == {"k1": 50_000, "k2": 700}
            assert len(told) == (3 if how == "script" else 4)
        case 25:
            assert abs(told["k1"] - 50_000) == 1
            assert abs(told["k2"] - 700) == (0 if how == "script" else 1)
    assert bank.books()["sound"]


def test_a_late_day_is_late_for_everybody(bank: SimBank) -> None:
    bank.script(27, how="late", hours=6)
    bank.pay("k1")
    bank.move(to="2026-03-03T14:59:59+08:00")
    assert bank.call("GET", f"/v1/files?day={DAY}").json["from"] == "2026-03-03T15:00:00+08:00"
    bank.move(seconds=1)
    assert amounts(bank) == {"k1": 50_000}


def test_a_reissued_day_is_wrong_first_and_right_later(bank: SimBank) -> None:
    bank.script(27, how="reissued", hours=2)
    bank.pay("k1")
    bank.pay("k2", 700)
    bank.move(to="2026-03-03T09:00:00+08:00")
    first = amounts(bank)
    bank.move(hours=2)
    assert amounts(bank) == {"k1": 50_000, "k2": 700} != first
    assert {one["edition"] for one in bank.call("GET", f"/v1/files?day={DAY}").json["files"]} == {2}


@pytest.mark.parametrize("how", ["truncated", "wrong_checksum"])
def test_a_damaged_file_does_not_agree_with_what_was_announced(bank: SimBank, how: str) -> None:
    bank.script(27, how=how)
    bank.pay("k1")
    bank.move(to="2026-03-03T09:00:00+08:00")
    with pytest.raises(AssertionError):
        files(bank)


def test_a_file_in_gbk_says_the_same(bank: SimBank) -> None:
    bank.script(27, how="gbk")
    bank.pay("k1")
    bank.move(to="2026-03-03T09:00:00+08:00")
    found = files(bank)["trade"]
    assert "交易时间" in found.decode("gb18030")
    with pytest.raises(UnicodeDecodeError):
        found.decode()


def test_a_reference_comes_again_the_year_after(bank: SimBank) -> None:
    bank.reset(datetime.fromisoformat("2025-12-30T10:00:00+08:00"))
    old = bank.pay("old")["reference"]
    bank.move(to="2026-01-05T10:00:00+08:00")
    bank.script(28)
    assert bank.pay("new")["reference"] == old
    assert bank.pay("other")["reference"] != old


# --- bills ---


def charge(bank: SimBank, *charges: tuple[str, int, str]) -> None:
    """Charges on card-1: day, fen, words."""
    said = [{"card": "card-1", "day": day, "amount": fen, "text": words} for day, fen, words in charges]
    bank.control("POST", "/sim/charges", {"charges": said})


def bills(bank: SimBank) -> list[Any]:
    """The bills of card-1."""
    found: list[Any] = bank.call("GET", "/v1/cards/card-1/statements").json["statements"]
    return found


def owed(bank: SimBank) -> int:
    """What card-1 owes in the bank's books, fen."""
    return -next(int(one["balance"]) for one in bank.books()["accounts"] if one["name"] == "card:card-1")


def test_a_bill_comes_on_the_statement_day_with_what_was_charged(bank: SimBank) -> None:
    charge(bank, ("2026-03-02", 80_000, "超市"), ("2026-03-04", 20_000, "地铁"), ("2026-03-06", 500, "早点"))
    bank.move(to="2026-03-05T23:59:59+08:00")
    assert bills(bank) == []
    bank.move(seconds=1)
    (bill,) = bills(bank)
    assert (bill["day"], bill["balance"], bill["minimum"], bill["due_on"]) == (
        "2026-03-05", 100_000, 10_000, "2026-03-25",
    )  # fmt: skip
    assert owed(bank) == 100_000


def test_what_is_not_paid_bears_interest_and_the_books_owe_what_the_bill_says(bank: SimBank) -> None:
    charge(bank, ("2026-03-02", 80_000, "超市"), ("2026-03-20", 5_000, "书店"))
    bank.move(to="2026-04-06T10:00:00+08:00")
    last = bills(bank)[-1]
    assert last["interest"] > 0
    assert last["late_fee"] > 0
    assert last["balance"] == 85_000 + last["interest"] + last["late_fee"] == owed(bank)
    kinds = [one["kind"] for one in bank.postings()]
    assert kinds == ["charge", "charge", "interest", "late_fee"]
    assert bank.books()["sound"]


def test_who_pays_in_full_pays_no_interest(bank: SimBank) -> None:
    charge(bank, ("2026-03-02", 80_000, "超市"))
    bank.move(to="2026-03-25T10:00:00+08:00")
    bank.pay("k1", 80_000)
    bank.move(to="2026-04-06T10:00:00+08:00")
    assert [(one["balance"], one["interest"], one["late_fee"]) for one in bills(bank)] == [(80_000, 0, 0), (0, 0, 0)]
    assert owed(bank) == 0


def test_31_a_refund_after_the_statement_day_lowers_the_next_bill_and_not_this_one(bank: SimBank) -> None:
    bank.control("PUT", "/sim/cards/card-1/scenario", {"numbers": [31], "params": {"share": "0.25", "days": 2}})
    charge(bank, ("2026-03-02", 80_000, "超市"))
    bank.move(to="2026-03-20T10:00:00+08:00")
    assert [(one["kind"], one["amount"]) for one in bank.postings()] == [("charge", -80_000), ("refund", 20_000)]
    bank.pay("k1", 80_000)
    bank.move(to="2026-04-06T10:00:00+08:00")
    assert [one["balance"] for one in bills(bank)] == [80_000, 0]
    assert owed(bank) == -20_000  # to the holder's credit, and taken off the bill after
    assert bank.books()["sound"]


def test_32_a_withdrawn_posting_costs_interest_where_the_correction_comes_too_late(bank: SimBank) -> None:
    bank.script(32, withdrawn_days=1, corrected_days=8)
    charge(bank, ("2026-03-02", 80_000, "超市"))
    bank.move(to="2026-03-24T10:00:00+08:00")
    bank.pay("k1", 80_000)
    bank.move(to="2026-04-06T10:00:00+08:00")
    assert [one["kind"] for one in bank.postings() if one["key"] == "k1"] == ["payment", "withdrawn", "corrected"]
    assert bills(bank)[-1]["interest"] > 0
    assert bank.books()["sound"]


@pytest.mark.parametrize("form", ["json", "html", "csv", "eml"])
def test_a_bill_comes_in_the_forms_that_banks_send(bank: SimBank, form: str) -> None:
    charge(bank, ("2026-03-02", 80_000, "超市"))
    bank.move(to="2026-03-06T10:00:00+08:00")
    content = bank.call("GET", f"/v1/cards/card-1/statements/2026-03-05.{form}").body
    assert content
    assert bank.call("GET", f"/v1/cards/card-1/statements/2026-03-06.{form}").status == 404
    if form in ("html", "csv"):
        assert "800.00" in content.decode("utf-8", "replace")


def test_35_a_changed_template_is_another_page_with_the_same_bill_behind_it(bank: SimBank) -> None:
    def page(marks: list[int]) -> tuple[bytes, Any]:
        bank.reset()
        bank.control("PUT", "/sim/cards/card-1/scenario", {"numbers": marks})
        charge(bank, ("2026-03-02", 80_000, "超市"))
        bank.move(to="2026-03-06T10:00:00+08:00")
        told = bank.call("GET", "/v1/cards/card-1/statements/2026-03-05.json").json
        return bank.call("GET", "/v1/cards/card-1/statements/2026-03-05.html").body, told

    (usual, one), (changed, other) = page([]), page([35])
    assert usual != changed
    assert {**one, "layout": "changed"} == other
    assert "到期还款日" in usual.decode()


def test_charges_of_days_that_are_over_or_of_unknown_cards_are_refused(bank: SimBank) -> None:
    cash = {"card": "card-1", "amount": 5, "kind": "cash"}  # this bank gives none
    for said in ({"card": "card-1", "day": "2026-03-01", "amount": 5}, {"card": "card-9", "amount": 5}, cash):
        with pytest.raises(AssertionError, match=r"simbank\.bad_order"):
            bank.control("POST", "/sim/charges", {"charges": [said]})
    assert bank.postings() == []


def test_a_card_says_since_when_its_lines_are_wanted(bank: SimBank) -> None:
    bank.pay("k1")
    bank.move(days=1)
    bank.pay("k2")
    since = bank.call("GET", f"/v1/cards/card-1/postings?since={date(2026, 3, 3)}").json["postings"]
    assert [one["key"] for one in since] == ["k2"]
    assert bank.call("GET", "/v1/cards/card-9/postings").status == 404
