"""The strongest test through the real process: bills over the wire, payments over the wire, predictions to the fen."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.bank import SimBank, running
from tests.laws.bank_households import IN_THE_LAW
from tests.laws.bank_over_http import live

from anhuan.kit import postgres


@pytest.fixture
def sim(server: postgres.Access) -> Iterator[SimBank]:
    """A bank of this test alone: its months are long."""
    with running(server) as bank:
        yield bank


@pytest.mark.scope("S0-05", "S0-38")
def test_two_months_of_four_families_are_billed_as_they_were_planned(sim: SimBank) -> None:
    tally = live(sim, families=4, months=2, seed=20261122)
    assert tally.differences == []
    assert set(tally.banks) == set(IN_THE_LAW)
    assert tally.bills >= 8
    assert tally.billed > 0


def test_an_instalment_is_taken_of_a_bill_and_comes_back_in_shares(bank: SimBank) -> None:
    bank.control("POST", "/sim/charges", {"charges": [{"card": "card-1", "amount": 100_000}]})
    bank.move(to="2026-03-06T09:00:00+08:00")
    (bill,) = bills(bank)
    take = "/sim/cards/card-1/instalments"
    for refused in (
        {"offer": "12", "amount": 100_001},
        {"offer": "12", "amount": 49_999},
        {"offer": "5", "amount": 60_000},
    ):
        with pytest.raises(AssertionError, match=r"simbank\.bad_event"):
            bank.control("POST", take, refused)
    assert bank.control("POST", take, {"offer": "3", "amount": 100_000})["periods"] == 3
    with pytest.raises(AssertionError, match=r"simbank\.bad_event"):
        bank.control("POST", take, {"offer": "3", "amount": 50_000})
    bank.move(to="2026-06-06T09:00:00+08:00")
    assert bill["balance"] == 100_000
    shares = [33_333 + 900, 33_333 + 900, 33_334 + 900]
    paid_never = bills(bank)[1:]
    assert [sum(row["amount"] for row in one["rows"] if row["kind"] == "share") for one in paid_never] == shares
    assert [one["kind"] for one in bank.postings() if one["kind"] == "instalment_fee"] == ["instalment_fee"] * 3
    bank.move(to="2026-07-05T09:00:00+08:00")
    with pytest.raises(AssertionError, match=r"simbank\.bad_order"):
        bank.control("POST", take, {"offer": "3", "amount": 50_000})


def test_what_a_wrong_booking_made_the_bank_charge_is_flagged_on_its_bill(bank: SimBank) -> None:
    bank.control("POST", "/sim/charges", {"charges": [{"card": "card-1", "amount": 400_000}]})
    bank.move(to="2026-03-25T09:00:00+08:00")  # the due day; with three days of grace the 28th is the last
    bank.script(32, withdrawn_days=1, corrected_days=6)
    bank.pay("k1", 400_000)
    bank.move(to="2026-04-06T09:00:00+08:00")
    bill = bills(bank)[1]
    assert bill["interest"] > 0
    assert bill["late_fee"] == 2_000
    listed = bank.call("GET", "/v1/cards/card-1/statements").json["statements"]
    assert listed[0]["charged_by_mistake"] == 0
    assert listed[1]["charged_by_mistake"] >= bill["interest"] + bill["late_fee"]


def bills(bank: SimBank) -> list[Any]:
    """Every bill of card-1, as JSON."""
    listed = bank.call("GET", "/v1/cards/card-1/statements").json["statements"]
    return [bank.call("GET", f"/v1/cards/card-1/statements/{one['day']}.json").json for one in listed]
