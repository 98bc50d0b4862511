"""Whose is it: the connector asks the running bank; a credit card is no source; what nobody can say stays unknown."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.bank import SimBank, running

from anhuan.channels import holders, registry, simbank_keys
from anhuan.channels.conformance_members import beyond, no_charging_verb, six_verbs
from anhuan.channels.conformance_model import Verdict
from anhuan.channels.holders import Kind
from anhuan.channels.model import Seen
from anhuan.channels.simbank_http import SimulatedBank
from anhuan.kit import clock, postgres

SIMBANK = "simbank"


@pytest.fixture(scope="module")
def bank(server: postgres.Access) -> Iterator[SimBank]:
    with running(server) as bank:
        bank.reset(clock.now().replace(microsecond=0))
        yield bank


@pytest.fixture
def seen(bank: SimBank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Seen]]:
    """The connector as an installation has it, and what it showed to its witness."""
    place = simbank_keys.enrol(bank.url, token=bank.token, place=tmp_path / "simbank.json")
    monkeypatch.setenv("ANHUAN_SIMBANK_URL", bank.url)
    monkeypatch.setenv("ANHUAN_SIMBANK_KEYS", str(place))
    registry.forget()
    shown: list[Seen] = []
    found = registry.find(SIMBANK)
    assert isinstance(found, SimulatedBank)
    found._witness = shown.append
    yield shown
    registry.forget()


def check(kind: Kind, ref: str, name: str = "林晓", channel: str = SIMBANK) -> holders.Holder:
    return holders.check(channel, kind, ref, name, now=clock.now())


@pytest.mark.scope("S0-34")
def test_an_own_debit_account_may_pay_and_the_answer_was_seen_before_it_counted(seen: list[Seen]) -> None:
    found = check(Kind.FUNDING, "lin")
    assert (found.match, found.funding_kind, len(found.answer_sha256)) == (True, "own_debit", 64)
    assert [(one.verb, one.status, one.key) for one in seen] == [("holder", 200, None)]
    assert check(Kind.CARD, "card-1").match is True


@pytest.mark.scope("S0-34")
@pytest.mark.parametrize("name", ["林晓", "张三"])  # the payer's own card is no source either
def test_a_credit_card_offered_as_a_source_is_refused(seen: list[Seen], name: str) -> None:
    with pytest.raises(holders.CreditAsSource):
        check(Kind.FUNDING, "card-1", name)


def test_a_debit_account_named_as_the_card_to_repay_is_refused(seen: list[Seen]) -> None:
    with pytest.raises(holders.NotACreditCard):
        check(Kind.CARD, "lin")


def test_somebody_elses_account_and_one_that_is_not_there_do_not_match(seen: list[Seen]) -> None:
    assert check(Kind.FUNDING, "lin", "张三").match is False
    nobody = check(Kind.FUNDING, "nobody")
    assert (nobody.match, nobody.funding_kind) == (False, "")


def test_what_nobody_can_say_stays_unknown(seen: list[Seen], bank: SimBank, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody_knows = holders.Holder(None)
    assert check(Kind.FUNDING, "lin", channel="bank_app") == nobody_knows  # paid by hand: nobody compares
    assert not holders.offered("bank_app", now=clock.now())
    assert holders.offered(SIMBANK, now=clock.now())
    assert check(Kind.FUNDING, " ") == check(Kind.FUNDING, "lin", "") == nobody_knows
    registry.forget()
    monkeypatch.setenv("ANHUAN_SIMBANK_URL", "http://127.0.0.1:9")  # nobody listens there
    assert check(Kind.FUNDING, "lin") == nobody_knows
    registry.forget()
    monkeypatch.delenv("ANHUAN_SIMBANK_URL")
    assert check(Kind.FUNDING, "lin") == nobody_knows


def test_a_check_is_no_verb_that_charges_and_needs_no_place_among_the_six(seen: list[Seen]) -> None:
    found: Any = registry.find(SIMBANK)
    assert no_charging_verb(found).verdict is Verdict.HELD
    assert six_verbs(found).verdict is Verdict.HELD
    assert "check_holder" in beyond(found)
