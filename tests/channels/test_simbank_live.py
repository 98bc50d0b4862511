"""The connector as an installation has it: enrolled with a running bank, made from the settings, by the real clock."""

import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from tests.bank import SimBank, running

from anhuan.channels import capabilities, conformance, registry, simbank_keys, simbank_sandbox, wire
from anhuan.channels.model import HealthState, Instruction, Settled, Unknown, Why
from anhuan.channels.simbank_http import SimulatedBank
from anhuan.kit import clock, postgres
from anhuan.kit.settings import BadSetting


@pytest.fixture(scope="module")
def process(server: postgres.Access) -> Iterator[SimBank]:
    with running(server) as bank:
        yield bank


@pytest.fixture
def bank(process: SimBank) -> SimBank:
    process.reset(clock.now().replace(microsecond=0))
    return process


@pytest.fixture
def connector(bank: SimBank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedBank]:
    place = simbank_keys.enrol(bank.url, token=bank.token, place=tmp_path / "keys" / "simbank.json")
    monkeypatch.setenv("ANHUAN_SIMBANK_URL", bank.url)
    monkeypatch.setenv("ANHUAN_SIMBANK_KEYS", str(place))
    registry.forget()
    made = registry.find("simbank")
    assert isinstance(made, SimulatedBank)
    yield made
    registry.forget()


def instruction(amount: int = 50_000, service_fee: int = 0) -> Instruction:
    key = uuid4()
    plain = Instruction(
        key, key, 1, 1, "simbank", "lin", "card-1", amount, "CNY", clock.now() + timedelta(hours=1), b"", bank="sim_a",
        service_fee=service_fee,
    )  # fmt: skip
    return replace(plain, body=wire.body_of(plain, "林晓"))


def test_a_payment_goes_out_and_stands_on_the_card(connector: SimulatedBank, bank: SimBank) -> None:
    order = instruction()
    answer = connector.pay(order)
    assert isinstance(answer, Settled)
    assert connector.ask(order.key) == answer
    [line] = connector.postings("card-1", since=clock.today() - timedelta(days=1))
    assert (line.kind, line.amount, line.key) == ("payment", 50_000, order.key)


def test_a_fee_for_the_house_is_taken_with_the_payment_and_changes_no_answer(
    connector: SimulatedBank, bank: SimBank
) -> None:
    order = instruction(service_fee=450)
    answer = connector.pay(order)
    assert isinstance(answer, Settled)
    assert (answer.amount, answer.fee_kept) == (50_000, 0)
    held = {one["name"]: one["balance"] for one in bank.books()["accounts"]}
    assert held["client:lin"] == 1_000_000 - 50_450
    assert [fen for name, fen in held.items() if name.startswith("partner:")] == [450]
    assert bank.books()["sound"]


def test_a_key_nobody_sent_is_not_found_and_the_bank_is_well(connector: SimulatedBank) -> None:
    assert connector.ask(uuid4()) == Unknown(Why.NOT_FOUND)
    assert connector.health(now=clock.now()).state in (HealthState.ANSWERED, HealthState.SLOW)


def test_what_the_bank_tells_of_itself_is_what_our_record_says(connector: SimulatedBank) -> None:
    [told] = connector.capabilities(clock.today())
    ours = capabilities.record("simbank", "sim_a", on=clock.today())
    differing = {one.field for one in capabilities.differences(ours, told)}
    assert differing <= {"callbacks", "cut_off"}  # no address for callbacks was told; the cut-off is of workday banks


def test_the_file_of_keys_is_closed_to_others_and_a_wrong_token_gets_none(bank: SimBank, tmp_path: Path) -> None:
    stranger = simbank_keys.enrol(bank.url, token=bank.token, place=tmp_path / "keys.json")
    assert stat.S_IMODE(stranger.stat().st_mode) == 0o600
    with pytest.raises(BadSetting):
        simbank_keys.enrol(bank.url, token="wrong")


def test_the_sandbox_of_an_installation_needs_the_token_that_its_bank_left(
    bank: SimBank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANHUAN_HOME", str(tmp_path))
    monkeypatch.setenv("ANHUAN_SIMBANK_URL", bank.url)
    with pytest.raises(conformance.Unreached):
        simbank_sandbox.make()
    (tmp_path / "simbank").mkdir()
    (tmp_path / "simbank" / "control-token").write_text(bank.token + "\n")
    with pytest.raises(conformance.Unreached, match="people of its own"):
        simbank_sandbox.make()
    bank.control("POST", "/sim/reset", {"seed": 1})
    made = simbank_sandbox.make()
    assert conformance.scenario(1, made).verdict is conformance.Verdict.HELD
    made.close()
    simbank_sandbox.make().close()  # what the kit itself left there is nobody's
