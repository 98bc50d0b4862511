"""The 35 scenarios of the simulated bank, as a process of its own, through the room's acts, PostgreSQL and the ledger.

Each is played calmly, and once more with our process dead between `sent_at` and the answer. After each the laws are
asked: money left once (a), books sum to zero and transit is empty (b), every message is kept with its hash (d), and the
killed play ends as the calm one (f). What later rooms do with an end (plan anew, warn, open a break) begins from the
facts asserted here.
"""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import Engine
from tests.bank import running
from tests.channels.conftest import house
from tests.conftest import _on
from tests.laws.ledger_laws import laws_hold
from tests.stories.room_desk import RoomDesk

from anhuan.channels import delivery, registry, store_house
from anhuan.channels.conformance import RIGHT_ENDS, Recorder, Sandbox, Stage, Unreached
from anhuan.channels.conformance_plays import play, to_its_end
from anhuan.channels.evidence_rules import Arrival
from anhuan.channels.model import Answer, Instruction, OtherBody, Seen, Settled, State
from anhuan.channels.simbank_sandbox import SimbankSandbox
from anhuan.identity import demonstration
from anhuan.kit import clock, jobs, postgres
from anhuan.kit import db as database

__all__ = ["house"]
ELSEWHERE = (31, 35)  # of statements: in test_scenarios_of_statements.py
PLAYED = [(number, how) for number, end in RIGHT_ENDS.items() if number not in ELSEWHERE for how in end.hows]
CRASHED = [number for number, how in PLAYED if number not in (8, 28, 30) and how == RIGHT_ENDS[number].hows[0]]


class Town:
    """The bank, and a fresh desk for every play."""

    def __init__(self, sandbox: SimbankSandbox, seen: list[Seen], owner_url: str) -> None:
        self.sandbox, self.seen, self.owner_url = sandbox, seen, owner_url
        self.recorder = Recorder(sandbox.bank)
        self.desks: list[RoomDesk] = []
        self.die = False

    def desk(self, sandbox: Sandbox) -> RoomDesk:
        """A person nobody has seen, at a channel without a history."""
        with psycopg.connect(self.owner_url, autocommit=True) as inside:
            inside.execute("SET ROLE anhuan_owner")
            inside.execute("TRUNCATE channel_breakers, channel_flags, channel_callbacks CASCADE")
        self.desks.append(RoomDesk(self.sandbox, self.recorder, self.seen, die=self.die))
        return self.desks[-1]


@pytest.fixture(scope="module")
def bank(server: postgres.Access, house: Engine) -> Iterator[Town]:
    """One bank for the module, in a demonstration."""
    with database.transaction() as db:
        demonstration.declare(db, demonstration.DEMONSTRATION, now=clock.now())
    seen: list[Seen] = []

    def witness(one: Seen) -> None:
        seen.append(one)
        registry._tell(one)

    with running(server) as process:
        sandbox = SimbankSandbox(process.url, process.token, seconds=6, witness=witness)
        town = Town(sandbox, seen, _on(server.owner, str(house.url.database)))
        with registry.only(simbank=town.recorder):
            yield town
        sandbox.close()


@pytest.fixture
def town(bank: Town) -> Town:
    """The same bank for this test."""
    bank.desks.clear()
    bank.die = False
    return bank


# --- the plays ---


@pytest.mark.parametrize(("number", "how"), PLAYED)
def test_the_room_comes_to_the_right_end(town: Town, number: int, how: str) -> None:
    desk = town.desk(town.sandbox)
    assert play(RIGHT_ENDS[number], town.sandbox, desk, how).faults == []
    laws_after(town, desk)


@pytest.mark.parametrize("number", CRASHED)
def test_killed_between_sent_at_and_the_answer_it_comes_to_the_same_end(town: Town, number: int) -> None:
    town.die = True
    desk, end = town.desk(town.sandbox), RIGHT_ENDS[number]
    stage = play(replace(end, first=""), town.sandbox, desk, end.hows[0])
    # A bank that was busy once only has taken it by the time that somebody asks.
    beside = ("not told when to come back", "taken all the same") if number in (20, 21) else ()
    assert [fault for fault in stage.faults if fault not in beside] == []
    assert desk.deaths == 1
    assert town.recorder.of(desk.keys[0])[:2] == ["pay", "ask"], "asked before anything went out again"
    laws_after(town, desk)


def laws_after(town: Town, desk: RoomDesk) -> None:
    """Laws (a), (b), (d) of channels.md, and the ledger's own, at the end of a play."""
    books = town.sandbox.control("GET", "/sim/books")
    assert (books["sound"], books["transit"]) == (True, 0)
    assert desk.unkept() == []
    for key in desk.keys:
        view, truth = desk.view(key), town.sandbox.truth(key)
        assert max(truth.debits, truth.credits) <= 1
        if view.sends and view.state is State.SUCCESS and not view.events:
            assert desk.arrival(key)[0] is Arrival.ARRIVED
        if not view.sends or view.state is State.FAILED or view.events:
            assert desk.arrival(key)[0] is Arrival.NOTHING
    expect_balances(desk)


def expect_balances(desk: RoomDesk) -> None:
    """Every fen that was taken is on the card, with the channel as a fee, or back; nothing is in transit."""
    taken = arrived = 0
    for key in desk.keys:
        view, order = desk.view(key), desk.order_of[key]
        if view.state is State.SUCCESS and not view.events:
            taken += order.amount
            arrived += sum(one.amount for one in desk.sandbox.proofs(order, key))
    found = desk.balances()
    open_holds = sum(desk.order_of[key].amount for key in desk.keys if desk.view(key).state is State.CREATED)
    assert found == {"bank": -taken, "card": arrived, "outside_fee": taken - arrived, "transit": 0, "held": open_holds}


# --- facts that later rooms act upon ---


def test_18_tells_when_the_limit_resets_and_says_so_again(town: Town) -> None:
    """For re-planning: a final no with the moment from which another day or channel may be chosen."""
    desk, order = town.desk(town.sandbox), town.sandbox.arrange(18)
    key = desk.prepare(order)
    answer = desk.step(key)
    assert desk.view(key).resets_at == (town.sandbox.now() + timedelta(days=1)).replace(hour=0)
    assert answer == desk.step(key)


def test_10_to_13_every_callback_is_kept_and_a_forged_one_is_an_event_of_security(town: Town) -> None:
    """For the desk of risk: receipts with their verdict, and one entry of the audit log for each forgery."""
    desk = town.desk(town.sandbox)
    play(RIGHT_ENDS[13], town.sandbox, desk)
    with jobs.transaction() as db:
        kept = [row.verdict for row in store_house.callbacks(db, "simbank")]
    assert sorted(kept) == ["forged", "forged", "forged", "hint", "stale"]


def test_15_another_body_stops_the_instruction_and_bars_the_next(town: Town) -> None:
    """For whoever is woken: the instruction is stopped, the contradiction is open, no new attempt is made."""
    desk, order = town.desk(town.sandbox), town.sandbox.arrange(1)
    key = desk.prepare(order)
    one = desk.instruction(key)
    other = replace(one, body=one.body.replace(b'"amount":50000', b'"amount":40000'))
    assert isinstance(town.sandbox.bank.pay(other), Settled), "somebody else's bytes came first"
    with pytest.raises(OtherBody):
        desk.step(key)
    assert desk.view(key).stopped
    with pytest.raises(OtherBody):
        desk.step(key)


def test_17_the_success_stays_and_the_return_stands_beside_it_so_the_bill_may_be_paid_anew(town: Town) -> None:
    """For the journey: state, event and amount; the second attempt is a new key."""
    desk = town.desk(town.sandbox)
    play(RIGHT_ENDS[17], town.sandbox, desk)
    first, second = desk.keys
    assert desk.view(first).state is State.SUCCESS
    assert desk.instruction(second).attempt == 2
    assert first != second


def test_32_in_doubt_after_the_withdrawal_and_arrived_again_after_the_correction(town: Town) -> None:
    """For the board: `in_doubt` between the two, and nothing deleted."""
    desk, order = town.desk(town.sandbox), town.sandbox.arrange(32)
    key = desk.prepare(order)
    desk.step(key)
    said = [desk.arrival(key)[0]]
    for _ in range(4):
        town.sandbox.move(town.sandbox.now() + timedelta(days=1))
        desk.step(key)
        said.append(desk.arrival(key)[0])
    assert list(dict.fromkeys(said)) == [Arrival.ARRIVED, Arrival.IN_DOUBT]
    assert said[-1] is Arrival.ARRIVED


@pytest.mark.parametrize("die", [False, True])
def test_8_sent_again_in_time_the_same_bytes_are_taken_once(town: Town, die: bool) -> None:
    """The bank promises one execution per key, so before its expiry the lost instruction goes out again."""
    town.die = die
    desk = town.desk(town.sandbox)
    order = town.sandbox.arrange(8)
    key = desk.prepare(order)
    stage = Stage(town.sandbox, desk, replace(RIGHT_ENDS[8]))
    to_its_end(stage, key, desk.step(key))
    view = desk.view(key)
    assert (view.state, view.sends, desk.deaths) == (State.SUCCESS, 2, int(die))
    assert town.sandbox.spent(order) == order.amount
    laws_after(town, desk)


# --- kill -9 ---


class Fatal(Recorder):
    """The process is killed for good once the bytes are out: nothing of it runs any more, no `finally` either."""

    def pay(self, instruction: Instruction) -> Answer:
        self.inner.pay(instruction)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("still alive")


@pytest.mark.parametrize("number", [1, 2, 16])
def test_kill_9_between_sent_at_and_the_answer_costs_one_question_and_no_fen(
    town: Town, house: Engine, number: int
) -> None:
    desk, order = town.desk(town.sandbox), town.sandbox.arrange(number)
    key = desk.prepare(order)
    child = os.fork()
    if child == 0:  # pragma: no cover - it does not live to tell
        die_paying(town, house, desk, key)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert desk.view(key).sends == 1, "`sent_at` was committed before the call"
    start = len(town.recorder.verbs)
    stage = Stage(town.sandbox, desk, RIGHT_ENDS[number])
    to_its_end(stage, key, desk.step(key))
    assert town.recorder.verbs[start][0] == "ask"
    end = RIGHT_ENDS[number]
    assert desk.view(key).state is end.state
    assert town.sandbox.spent(order) == order.amount * end.debits
    laws_after(town, desk)


def die_paying(town: Town, house: Engine, desk: RoomDesk, key: UUID) -> None:
    """In the child: connections of our own, then the payment that kills us."""
    try:
        house.dispose(close=False)
        database._login("work").dispose(close=False)
        with registry.only(simbank=Fatal(town.sandbox.bank)):
            delivery.deliver(desk.party, key, now=town.sandbox.now)
    finally:
        os._exit(3)


# --- the ledger in the end ---


def test_after_all_of_it_the_laws_of_the_ledger_hold(town: Town, house: Engine) -> None:
    with psycopg.connect(town.owner_url) as reader:
        assert laws_hold(reader) > 0


def test_a_scenario_that_cannot_be_reached_is_said_to_be(town: Town) -> None:
    for number in ELSEWHERE:
        with pytest.raises(Unreached):
            play(RIGHT_ENDS[number], town.sandbox, town.desk(town.sandbox))
