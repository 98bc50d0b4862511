"""Requests as JSON: what is wrong is named by its field, what is missing takes its default."""

import json
from copy import deepcopy
from typing import Any

import pytest
from tests.planning.example import EXAMPLE

from anhuan.planning import BadRequest, plan, read_request, request_from, unused_fields


def broken(path: str, value: Any) -> dict[str, Any]:
    """The example with one field changed; `path` like cards.0.daily_rate."""
    asked = deepcopy(EXAMPLE)
    *way, last = path.split(".")
    at: Any = asked
    for step in way:
        at = at[int(step)] if step.isdigit() else at[step]
    at[int(last) if last.isdigit() else last] = value
    return asked


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("as_of", "21.11.2026", "as_of"),
        ("as_of", "9999-12-31", "as_of"),
        ("horizon_days", -1, "horizon_days"),
        ("horizon_days", 100_000, "horizon_days"),
        ("horizon_days", "92", "horizon_days"),
        ("terminal_days", -1, "terminal_days"),
        ("missed_minimum_cost", -1, "missed_minimum_cost"),
        ("accounts.0.balance", 10**15, "accounts[0].balance"),
        ("accounts.0.balance", 0.5, "accounts[0].balance"),
        ("accounts.0.balance", True, "accounts[0].balance"),
        ("accounts.0.reserve", -1, "accounts[0].reserve"),
        ("accounts.0.id", "", "accounts[0].id"),
        ("accounts.0.id", "a", "accounts"),  # a card is never a source of money
        ("cash_flows.0.account", "none", "cash_flows[0].account"),
        ("cash_flows.0.date", "2026-11-20", "cash_flows[0].date"),
        ("channels.0.accounts.0", "none", "channels[0].accounts[0]"),
        ("channels.0.cards.0", "none", "channels[0].cards[0]"),
        ("channels.0.fee_rate", "0,001", "channels[0].fee_rate"),
        ("channels.0.fee_rate", "-0.001", "channels[0].fee_rate"),
        ("channels.0.fee_rate", 0.001, "channels[0].fee_rate"),
        ("channels.0.lead_days", -1, "channels[0].lead_days"),
        ("channels.0.per_payment_max", -1, "channels[0].per_payment_max"),
        ("cards.0.id", "debit", "accounts"),
        ("cards.0.daily_rate", "two", "cards[0].daily_rate"),
        ("cards.0.daily_rate", "1.5", "cards[0].daily_rate"),
        ("cards.0.interest_basis", "half", "cards[0].interest_basis"),
        ("cards.0.grace_days", 40, "cards[0].statements[1].statement_date"),
        ("cards.0.statements.0.due_date", "2026-11-01", "cards[0].statements[0].due_date"),
        ("cards.0.statements.0.charges.0.posted", "2026-11-09", "cards[0].statements[0].charges[0].posted"),
        ("cards.0.statements.0.charges.0.amount", -5, "cards[0].statements[0].charges[0].amount"),
        ("cards.0.statements.0.minimum", 800_001, "cards[0].statements[0].minimum"),
        ("cards.0.statements.0.paid.0.amount", 800_001, "cards[0].statements[0].paid"),
        ("cards.0.statements.0.paid.0.date", "2026-11-07", "cards[0].statements[0].paid[0].date"),
        ("cards.0.statements.0.paid.0.date", "2026-12-08", "cards[0].statements[0].paid[0].date"),
        ("cards.0.statements.1.statement_date", "2026-12-01", "cards[0].statements[1].statement_date"),
        ("cards.0.statements.1.carried", 1, "cards[0].statements[1].carried"),
        ("cards.0.statements.1.fees", 1, "cards[0].statements[1].fees"),
        ("cards.0.statements.1.paid", [{"date": "2026-12-09", "amount": 1}], "cards[0].statements[1].paid"),
        ("cards.0.instalment_offers.0.statement", 2, "cards[0].instalment_offers[0].statement"),
        ("cards.0.instalment_offers.0.periods", 0, "cards[0].instalment_offers[0].periods"),
        ("cards.0.instalment_offers.0.maximum", -1, "cards[0].instalment_offers[0].maximum"),
        ("credit_lines.0.account", "a", "credit_lines[0].account"),
        ("credit_lines.0.id", "a", "credit_lines"),  # nor is its limit a credit line
    ],
)
def test_what_is_wrong_is_named_by_its_field(path: str, value: Any, field: str) -> None:
    with pytest.raises(BadRequest) as refused:
        request_from(broken(path, value))
    assert refused.value.field == field
    assert refused.value.message


@pytest.mark.parametrize("missing", ["as_of", "accounts", "cards"])
def test_what_is_missing_is_named(missing: str) -> None:
    asked = {key: value for key, value in EXAMPLE.items() if key != missing}
    with pytest.raises(BadRequest) as refused:
        read_request(json.dumps(asked))
    assert refused.value.field == missing


@pytest.mark.parametrize("text", ["", "{", "[]", "null", b"\xff\xfe", "[" * 10_000])
def test_what_is_no_request_at_all_is_refused_too(text: str | bytes) -> None:
    with pytest.raises(BadRequest):
        read_request(text)


def test_two_things_of_one_name_are_refused() -> None:
    asked = broken("accounts", EXAMPLE["accounts"] * 2)
    with pytest.raises(BadRequest) as refused:
        request_from(asked)
    assert refused.value.field == "accounts[1].id"


def test_absent_lists_and_amounts_take_their_defaults() -> None:
    request = request_from({"as_of": "2026-11-21", "accounts": [], "cards": []})
    assert (request.last - request.as_of, request.terminal_days, request.missed_minimum_cost) == (92, 180, 100_000)
    made = plan(request)
    assert (made.cost, made.lower_bound, str(made.status)) == (0, 0, "optimal")


def test_fields_that_no_rule_reads_are_told() -> None:
    asked = broken("cards.0.colour", "red") | {"currency": "CNY"}
    assert sorted(unused_fields(asked)) == ["cards[0].colour", "currency"]
