"""The conformance kit against the real simulated bank, and against connectors that are careless in one way each."""

import importlib
import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from tests.bank import running

from anhuan.channels import conformance, conformance_laws, registry
from anhuan.channels.conformance import RIGHT_ENDS, Verdict
from anhuan.channels.conformance_desk import Recorder
from anhuan.channels.model import (
    Answer,
    Connector,
    DayFile,
    Hint,
    Instruction,
    OtherBody,
    Rejected,
    Settled,
    State,
    Unknown,
    Why,
)
from anhuan.channels.simbank_sandbox import SimbankSandbox
from anhuan.kit import postgres

# --- no verb charges a card ---


@pytest.mark.parametrize("name", [
    "charge", "charge_card", "capture", "sale", "purchase", "preauthorise", "pre_authorize", "collect_from_card",
    "cardCharge", "CardPurchase", "do_sale_now", "_capture_later", "authorise", "pull_funds", "cash_advance",
    "debitCard", "swipe", "deduct_from_card", "checkout", "acquire",
])  # fmt: skip
def test_a_name_that_charges_a_card_is_found_in_any_spelling(name: str) -> None:
    assert conformance.charging(name)


@pytest.mark.parametrize("name", [
    "pay", "pay_many", "ask", "read_callback", "statement", "health", "capabilities", "name", "postings", "bill_days",
    "_call", "write", "pulse", "sailing", "cards", "credited_on",
])  # fmt: skip
def test_a_name_that_charges_nothing_is_left_alone(name: str) -> None:
    assert not conformance.charging(name)


def connectors() -> Iterator[tuple[str, type]]:
    """Every connector class that comes with the package, found as the registry finds it."""
    for name, place in registry.BUILT_IN.items():
        module = importlib.import_module(place.partition(":")[0])
        classes = [one for _, one in inspect.getmembers(module, inspect.isclass) if one.__module__ == module.__name__]
        found = [one for one in classes if hasattr(one, "pay") and hasattr(one, "read_callback")]
        assert found, f"{name} has no connector class in {module.__name__}"
        yield from ((name, one) for one in found)


@pytest.mark.scope("S2-04")
def test_no_member_of_the_protocol_or_of_any_connector_charges_a_card() -> None:
    asked = {name for name, member in vars(Connector).items() if callable(member) and not name.startswith("_")}
    assert asked == {"capabilities", "pay", "ask", "read_callback", "statement", "health"}
    found = [(owner.__name__, name, word) for owner in (Connector, *(one for _, one in connectors()))
             for name in conformance.members(owner) if (word := conformance.charging(name))]  # fmt: skip
    assert found == []
    assert {name for name, _ in connectors()} == set(registry.BUILT_IN)


def test_a_connector_with_such_a_verb_or_without_one_of_the_six_is_told() -> None:
    class Half:
        name = "half"

        def pay(self, order: str) -> None: ...

        def charge_card(self) -> None: ...

    lines = {line.title: line for line in (conformance.no_charging_verb(Half()), conformance.six_verbs(Half()))}
    assert "charge_card (charge)" in lines["no verb that charges a card"].why
    assert "ask is missing" in lines["six verbs"].why
    assert "pay(order) should take (instruction)" in lines["six verbs"].why


# --- against the real bank ---


@pytest.fixture(scope="module")
def sandbox(server: postgres.Access) -> Iterator[SimbankSandbox]:
    with running(server) as bank:
        made = SimbankSandbox(bank.url, bank.token, seconds=6)
        yield made
        made.close()


@pytest.mark.parametrize("number", [1, 8, 13, 15, 18, 20, 26, 30])
def test_the_reference_connector_holds(sandbox: SimbankSandbox, number: int) -> None:
    line = conformance.scenario(number, sandbox)
    assert line.verdict is Verdict.HELD, line


@pytest.mark.parametrize("number", [31, 35])
def test_what_a_connector_cannot_show_is_listed_with_its_reason(sandbox: SimbankSandbox, number: int) -> None:
    line = conformance.scenario(number, sandbox)
    assert (line.verdict, "statements" in line.why) == (Verdict.UNREACHED, True)


@pytest.mark.parametrize(("title", "law"), conformance_laws.LAWS, ids=[title for title, _ in conformance_laws.LAWS])
def test_the_laws_hold(sandbox: SimbankSandbox, title: str, law: Callable[[Any], conformance.Line]) -> None:
    line = law(sandbox)
    assert (line.title, line.verdict) == (title, Verdict.HELD), line


def test_the_kits_right_ends_are_the_banks_own(sandbox: SimbankSandbox) -> None:
    states = {"success": State.SUCCESS, "failed": State.FAILED, "absent": State.FAILED}
    for number, end in RIGHT_ENDS.items():
        said = sandbox.control("GET", f"/sim/oracle/{number}")["oracle"]
        code = "" if said["code"] == "other_body" else said["code"] or ""
        events = (said["event"],) if said["event"] else ()
        theirs = (said["answers"][0], states[said["state"]], code, said["debits"], said["credits"], said["given_back"],
                  events, "" if said["file"] == "none" else said["file"])  # fmt: skip
        ours = (end.first, end.state, end.code, end.debits, end.credits, end.given_back,
                tuple(one.value for one in end.events), end.difference)  # fmt: skip
        assert ours == theirs, number


# --- careless connectors are caught ---


class Careless(Recorder):
    """A connector that does one thing wrong."""


class TimeoutIsNo(Careless):
    def pay(self, instruction: Instruction) -> Answer:
        answer = super().pay(instruction)
        return Rejected("card_frozen") if answer == Unknown(Why.NO_ANSWER) else answer


class NotFoundIsNo(Careless):
    def ask(self, key: UUID) -> Answer:
        answer = super().ask(key)
        return Rejected("card_frozen") if answer == Unknown(Why.NOT_FOUND) else answer


class AsksByPaying(Careless):
    """Asks by making a new payment under a new key."""

    def __init__(self, inner: Connector) -> None:
        super().__init__(inner)
        self.again: dict[UUID, Instruction] = {}

    def ask(self, key: UUID) -> Answer:
        self.inner.pay(self.again[key])
        return super().ask(key)

    def pay(self, instruction: Instruction) -> Answer:
        other = UUID(int=instruction.key.int ^ 1)
        body = instruction.body.replace(str(instruction.key).encode(), str(other).encode())
        self.again[instruction.key] = replace(instruction, key=other, body=body)
        return super().pay(instruction)


class BelievesCallbacks(Careless):
    def read_callback(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Hint:
        said = json.loads(body)
        return Hint(UUID(said["key"]), said["event_id"], now)


class HidesOtherBodies(Careless):
    def pay(self, instruction: Instruction) -> Answer:
        try:
            return super().pay(instruction)
        except OtherBody:
            return Unknown(Why.NO_ANSWER)


class ForgetsFees(Careless):
    def statement(self, day: Any) -> list[DayFile]:
        return []


class NeverBusy(Careless):
    def pay(self, instruction: Instruction) -> Answer:
        answer = super().pay(instruction)
        busy = isinstance(answer, Unknown) and answer.why is Why.BUSY
        return Settled("S", datetime.fromisoformat("2026-03-02T10:00:00+08:00"), instruction.amount) if busy else answer


@pytest.mark.parametrize(("careless", "number", "how"), [
    (TimeoutIsNo, 8, ""),
    (TimeoutIsNo, 9, ""),
    (NotFoundIsNo, 8, ""),
    (NotFoundIsNo, 9, ""),
    (BelievesCallbacks, 13, ""),
    (HidesOtherBodies, 15, ""),
    (NeverBusy, 20, ""),
    (NeverBusy, 21, ""),
])  # fmt: skip
def test_a_careless_connector_is_caught(
    sandbox: SimbankSandbox, careless: Callable[[Connector], Careless], number: int, how: str
) -> None:
    honest = sandbox.connector
    try:
        sandbox.connector = careless(honest)
        assert conformance.scenario(number, sandbox).verdict is Verdict.BROKEN
    finally:
        sandbox.connector = honest


@pytest.mark.parametrize(("careless", "law"), [
    (AsksByPaying, conformance_laws.ask_first),
    (BelievesCallbacks, conformance_laws.callback_signatures),
])  # fmt: skip
def test_a_careless_connector_breaks_the_laws(
    sandbox: SimbankSandbox, careless: Callable[[Connector], Careless], law: Callable[[Any], conformance.Line]
) -> None:
    honest = sandbox.connector
    try:
        sandbox.connector = careless(honest)
        assert law(sandbox).verdict is Verdict.BROKEN
    finally:
        sandbox.connector = honest


def test_a_connector_without_files_is_listed_and_not_passed(sandbox: SimbankSandbox) -> None:
    honest = sandbox.connector
    try:
        sandbox.connector = ForgetsFees(honest)
        assert conformance.scenario(26, sandbox).verdict is Verdict.UNREACHED
    finally:
        sandbox.connector = honest


# --- the report ---


def test_the_report_is_a_table_and_json_and_counts_what_was_not_reached(sandbox: SimbankSandbox) -> None:
    report = conformance.conform(sandbox, numbers=(1, 35), laws=False)
    assert report.held
    assert "| 35 |" in report.as_table()
    assert all(line.count("|") == 6 for line in report.as_table().splitlines())
    said = json.loads(report.as_json())
    assert (said["held"], said["counts"]) == (True, {"held": 3, "broken": 0, "unreached": 1})
    assert "pay_many" in said["members"]


def test_a_connector_without_a_sandbox_shows_its_members_and_every_reason(sandbox: SimbankSandbox) -> None:
    report = conformance.still(sandbox.connector, "it has no test bank")
    assert [line.verdict for line in report.lines[:2]] == [Verdict.HELD] * 2
    assert {line.why for line in report.lines[2:]} == {"it has no test bank"}
    assert len(report.lines) == 37
