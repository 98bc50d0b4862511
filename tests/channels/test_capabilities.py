"""The capability record: one dated row for each bank and channel, and the matrix that pages show."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from tests.channels.bank import NAME, RECORD, Bank, Connector
from tests.channels.conftest import NOW, TODAY

from anhuan.channels import capabilities, health, journey, kept_files, limits, registry, store_house
from anhuan.channels.model import DayFile, FileDamaged, Health, HealthState, Licence, UnknownChannel
from anhuan.kit import clock, terms
from anhuan.kit import db as database

pytestmark = pytest.mark.scope("S2-23", "S3-14")


def test_every_bank_has_a_way_by_hand_whatever_else_it_has() -> None:
    for bank in capabilities.banks(on=TODAY):
        record = capabilities.record("bank_app", bank, on=TODAY)
        assert (record.licence, record.asks, record.partner) == (Licence.OWN_HAND, False, "")


def test_numbers_that_the_planner_knows_stand_nowhere_twice() -> None:
    record = capabilities.record("unionpay_app", "cmb", on=TODAY)
    planned = terms.channel("unionpay_app", on=TODAY)
    assert (record.per_payment_min, record.payments_per_month) == (1000, 5)
    assert (planned.per_payment_min, planned.payments_per_month) == (1000, 5)


@pytest.mark.parametrize("bank", ["sim_a", "sim_b", "sim_c", "sim_d"])
def test_the_four_simulated_banks_are_known_and_only_for_demonstrations(bank: str) -> None:
    record = capabilities.record("simbank", bank, on=TODAY)
    assert (record.licence, record.idempotent_by_key, record.asks) == (Licence.DEMONSTRATION, True, True)
    assert capabilities.banks(on=TODAY)[bank][0].endswith("（模拟）")


def test_no_record_is_none_and_never_a_guess() -> None:
    assert capabilities.find("simbank", "cmb", on=TODAY) is None
    assert capabilities.find("bank_app", "cmb", on=date(2009, 12, 31)) is None
    with pytest.raises(UnknownChannel):
        capabilities.record("nobody", "cmb", on=TODAY)


def test_a_connector_cannot_say_that_it_needs_no_licence() -> None:
    free = replace(RECORD, licence=Licence.OWN_HAND, partner="")
    with registry.only(**{NAME: Connector(Bank(), registry._tell, free)}):
        record = capabilities.record(NAME, "cmb", on=TODAY)
    assert (record.licence, record.partner) == (Licence.NEEDED, NAME)


def test_what_a_channel_tells_otherwise_is_reported_field_by_field() -> None:
    theirs = replace(RECORD, per_payment_max=100_000, idempotent_by_key=False)
    assert [(one.field, one.ours, one.theirs) for one in capabilities.differences(RECORD, theirs)] == [
        ("per_payment_max", 300_000, 100_000),
        ("idempotent_by_key", True, False),
    ]
    assert capabilities.differences(RECORD, RECORD) == []


def test_a_row_of_one_bank_lies_over_the_general_one_from_its_day_on() -> None:
    near = terms.Term(
        "capability:simbank@sim_b", "record", {"per_payment_max": 100}, "record", TODAY, None, "H", "house", "test",
        TODAY,
    )  # fmt: skip
    held = terms.seeds().over([near])
    assert capabilities.record("simbank", "sim_b", on=TODAY, held=held).per_payment_max == 100
    before = capabilities.record("simbank", "sim_b", on=TODAY - timedelta(days=1), held=held)
    assert before.per_payment_max == capabilities.record("simbank", "sim_a", on=TODAY).per_payment_max != 100


def test_the_matrix_has_every_pair_and_says_which_are_open(db: Session) -> None:
    found = health.matrix(db, TODAY)
    assert len(found.cells) == len(found.banks) * len(found.channels)
    hand, simulated = found.cells["cmb", "bank_app"], found.cells["sim_a", "simbank"]
    assert (hand.live, simulated.live, found.cells["cmb", "simbank"].record) == (True, False, None)
    assert hand.record is not None
    assert dict(capabilities.as_rows(hand.record))["arrival_class"] == "instant"


def test_every_channel_is_looked_at_and_a_connector_that_fails_is_silent(
    clean: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector = Connector(Bank(), registry._tell)
    with registry.only(**{NAME: connector}):
        monkeypatch.setattr(clock, "now", lambda: NOW)
        journey.look()
        monkeypatch.setattr(connector, "health", lambda now: 1 / 0)
        assert health.look(NAME, now=NOW).state is HealthState.SILENT
        with database.sessions("work").begin() as db:
            states = {one.channel: one for one in health.health(db, now=NOW)}
    seen = states[NAME].health
    assert seen is not None
    assert seen.state is HealthState.ANSWERED
    simulated = states["simbank"].health
    assert simulated is not None
    assert simulated.state is HealthState.SILENT  # nobody has set it up here
    assert not states[NAME].live
    assert states["bank_app"].live


def test_payments_go_by_a_fresh_look_and_not_by_an_old_one(clean: Engine) -> None:
    silent = Health(HealthState.SILENT, NOW)
    with database.sessions("work").begin() as db:
        health.keep(db, NAME, silent)
        assert health.states(db, now=NOW + timedelta(minutes=9))[NAME] is HealthState.SILENT
        assert NAME not in health.states(db, now=NOW + timedelta(minutes=11))  # as one that nobody ever looked at


def test_a_file_is_kept_once_and_other_bytes_are_a_new_version(clean: Engine) -> None:
    def kept(content: bytes) -> kept_files.Kept:
        file = DayFile(NAME, TODAY, "trade", "t.csv", limits.sha256(content), content)
        with database.sessions("work").begin() as db:
            return kept_files.keep(db, file, now=NOW)

    first, same, other = kept(b"a"), kept(b"a"), kept(b"b")
    assert [(one.version, one.new) for one in (first, same, other)] == [(1, True), (1, False), (2, True)]
    assert first.id == same.id
    with database.sessions("work").begin() as db:
        assert [one.content for one in kept_files.of_day(db, NAME, TODAY)] == [b"a", b"b"]
        assert store_house.last_version(db, NAME, TODAY, "fund_flow") == 0
        with pytest.raises(FileDamaged):
            kept_files.keep(db, DayFile(NAME, TODAY, "trade", "t.csv", "00" * 32, b"c"), now=NOW)
