"""One real bank for all tests of a run; each test begins it again."""

from collections.abc import Iterator

import pytest
from tests.bank import Ear, SimBank, listening, running

from anhuan.kit import postgres


@pytest.fixture(scope="session")
def process(server: postgres.Access) -> Iterator[SimBank]:
    """The process that the tests share."""
    with running(server) as bank:
        yield bank


@pytest.fixture
def bank(process: SimBank) -> SimBank:
    """The bank at the beginning: Monday 2026-03-02 10:00, lin with 10,000.00, one card."""
    process.reset()
    return process


@pytest.fixture
def ear(bank: SimBank) -> Iterator[Ear]:
    """Somebody who hears the bank's callbacks."""
    with listening() as ear:
        bank.control("PUT", "/sim/callbacks", {"url": ear.url})
        yield ear
