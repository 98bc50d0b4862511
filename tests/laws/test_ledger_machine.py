"""Laws 1 to 4, 6, 7, 9 and 10 of the ledger: whatever is sent in whatever order, PostgreSQL and the plain ledger agree.

LAWS_EXAMPLES=2000 makes it a long run, which also makes what fails small; `python -m bench.fuzz_ledger` draws by dice
and goes on for minutes.
"""

import os
from collections import Counter
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from sqlalchemy import Engine
from tests.laws.ledger_chain import faults
from tests.laws.ledger_laws import laws_hold
from tests.laws.ledger_lines import AMOUNTS, BOUNDS, CLOSELY, COMMON, ODD, Recipe, Together
from tests.laws.ledger_pair import LANES, Pair, World, build_world

from anhuan.ledger.model import Result

LONG = "LAWS_EXAMPLES" in os.environ
BUDGET = settings(
    max_examples=int(os.environ.get("LAWS_EXAMPLES", "30")), stateful_step_count=14, deadline=None, database=None,
    derandomize=not LONG, suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, *([Phase.shrink] if LONG else [])],  # to make a failure small takes minutes
)  # fmt: skip
SMALL = st.integers(min_value=0, max_value=11)
CLOSE = st.sampled_from(CLOSELY)
RECIPES = st.lists(
    st.builds(
        Recipe,
        what=st.sampled_from((*COMMON * 3, *ODD)),
        first=st.integers(min_value=0, max_value=40),
        second=SMALL,
        amount=st.sampled_from(AMOUNTS),
        pick=SMALL,
        together=st.sampled_from((Together.ALONE, Together.ALONE, Together.OPENS, Together.JOINS)),
    ),
    min_size=1,
    max_size=10,
)


@pytest.fixture
def worlds(own_database: Engine, owner_connection: psycopg.Connection[Any]) -> dict[int, World]:
    """Two lanes with a person each, in a database of this test alone."""
    made = {lane: build_world(owner_connection, lane) for lane in LANES}
    owner_connection.commit()
    return made


class TwoLedgers(RuleBasedStateMachine):
    """Steps on both ledgers at once; a run is one transaction that is rolled back."""

    connection: psycopg.Connection[Any]
    worlds: dict[int, World]
    said: Counter[Result]

    def __init__(self) -> None:
        super().__init__()
        self.pairs = {lane: Pair(self.connection, world, salt=lane) for lane, world in self.worlds.items()}

    @rule(lane=st.sampled_from((*LANES, LANES[0])), recipes=RECIPES, apart=st.booleans())
    def send(self, lane: int, recipes: list[Recipe], apart: bool) -> None:
        """A batch, or the same lines as batches of one."""
        self.pairs[lane].send(recipes, apart=apart)

    @rule(lane=st.sampled_from(LANES), pick=SMALL)
    def send_again(self, lane: int, pick: int) -> None:
        """An earlier batch once more, after an answer that never came."""
        self.pairs[lane].again(pick)

    @rule(
        which=st.integers(min_value=0, max_value=40), floor=st.sampled_from(BOUNDS), room=st.sampled_from(BOUNDS),
        out=st.sampled_from((False, False, True)), into=st.sampled_from((False, False, True)),
    )  # fmt: skip
    def set_bounds(self, which: int, floor: int | None, room: int | None, out: bool, into: bool) -> None:
        """Bounds that may lie below what is drawn, and freezes now and then."""
        pair = self.pairs[LANES[0]]
        ceil = None if room is None else max(abs(room), floor or 0)
        account = pair.account(which)
        pair.bound(account, floor, ceil, out=out, into=into)
        pair.probe(account, apart=False)

    @rule(which=st.integers(min_value=0, max_value=40), below=CLOSE, above=CLOSE, apart=st.booleans())
    def squeeze(self, which: int, below: int | None, above: int | None, apart: bool) -> None:
        """Bounds that the very next lines meet, or that what stands there is outside of already."""
        pair = self.pairs[LANES[1]]
        pair.squeeze(pair.account(which), below=below, above=above, apart=apart)

    def teardown(self) -> None:
        """The laws of the whole database, the chain, and the past."""
        try:
            for pair in self.pairs.values():
                pair.compare()
                pair.check_as_of()
                self.said.update(pair.said)
            assert faults(self.connection) == []
            laws_hold(self.connection)
        finally:
            self.connection.rollback()


@pytest.mark.scope("S0-39")
def test_whatever_is_sent_the_ledger_does_what_the_plain_one_does(
    owner_connection: psycopg.Connection[Any], worlds: dict[int, World]
) -> None:
    seen: Counter[Result] = Counter()
    machine = type("Here", (TwoLedgers,), {"connection": owner_connection, "worlds": worlds, "said": seen})
    run_state_machine_as_test(machine, settings=BUDGET)
    assert set(Result) - set(seen) <= {Result.OVERFLOW}, "an answer that no step of this run led to"
    assert seen[Result.OK] > seen.total() // 5, "hardly anything was accepted: these runs show little"
