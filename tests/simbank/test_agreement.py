"""The strongest test through the real process: bills over the wire, payments over the wire, predictions to the fen."""

from collections.abc import Iterator

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
def test_three_months_of_four_families_are_billed_as_they_were_planned(sim: SimBank) -> None:
    tally = live(sim, families=4, months=3, seed=20261122)
    assert tally.differences == []
    assert set(tally.banks) == set(IN_THE_LAW)
    assert tally.bills >= 12
    assert tally.billed > 0
