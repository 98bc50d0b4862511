"""Instructions under true workers and true kills, and the law over any course of events: money leaves at most once."""

import asyncio
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from tests.channels.bank import NAME, RECORD, Bank, Connector
from tests.channels.conftest import NOW, Clock, World, licensed, recorded

from anhuan.channels import capabilities, delivery, health, hearing, journey, registry, store, store_house
from anhuan.channels.model import (
    FINAL,
    Answer,
    Barred,
    BreakerOpen,
    CardStopped,
    Instruction,
    Rejected,
    Settled,
    State,
    StillOpen,
    Unknown,
    Why,
)
from anhuan.kit import clock, ids, jobs, wall
from anhuan.kit import db as database
from anhuan.repayments import journey_autopay


@pytest.mark.scope("S0-38")
@pytest.mark.parametrize("idempotent", [True, False])
def test_a_process_killed_in_the_middle_of_the_call_leaves_a_question_and_no_second_payment(
    world: World, idempotent: bool
) -> None:
    recorded(world, idempotent_by_key=idempotent)
    world.bank.idempotent = idempotent
    made, arrived, go_on = world.prepare(), threading.Event(), threading.Event()

    def held() -> None:
        arrived.set()
        go_on.wait(60)

    world.bank.before = held
    child = os.fork()
    if child == 0:  # a worker of its own: it never comes back from this call
        with suppress(BaseException):
            database.use_login("work", database.open_engine(str_url("work")))
            world.deliver(made)
        os._exit(1)
    assert arrived.wait(60)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    world.bank.before = None
    go_on.set()
    until(lambda: world.bank.debits[str(made.key)] == 1)
    assert world.state(made) is State.CREATED  # our row, `sent_at` in it, and nothing known
    assert isinstance(world.deliver(made), Settled)
    assert (world.bank.debits[str(made.key)], world.bank.sent[str(made.key)]) == (1, 1)


def str_url(login: str) -> str:
    url: str = database.sessions(login).kw["bind"].url.render_as_string(hide_password=False)
    return url


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.02)


@pytest.fixture
def worker(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A true worker of the queue, beside the test, on the test's clock."""
    monkeypatch.setattr(clock, "now", world.clock)
    loop, stop = asyncio.new_event_loop(), asyncio.Event()

    def work() -> None:
        loop.run_until_complete(jobs.run(str_url("work").replace("+psycopg", ""), until=stop))

    thread = threading.Thread(target=work)
    thread.start()
    yield world
    loop.call_soon_threadsafe(stop.set)
    thread.join(20)
    loop.close()


def test_a_worker_follows_an_instruction_to_its_end_by_itself(worker: World) -> None:
    made = worker.prepare()
    worker.bank.next, worker.bank.answers = ["processing"], ["processing"]
    with worker.rows() as db:
        journey.send(db, worker.party, made.key, made.channel)
    until(lambda: worker.state(made) is State.SUCCESS)  # each question promises the next
    assert worker.bank.asked[str(made.key)] >= 2
    assert worker.bank.debits[str(made.key)] == 1


def test_a_round_takes_each_due_question_once_nearest_end_first(world: World) -> None:
    made = [world.prepare(part=part, expires_at=NOW + timedelta(hours=10 - part)) for part in (1, 2, 3)]
    world.bank.next = ["processing"] * 3
    for one in made:
        world.deliver(one)
    later = NOW + timedelta(hours=1)
    with database.sessions("work").begin() as db:
        wall.everybody(db)
        due = store.due(db, later, until=later + timedelta(minutes=5), at_most=10)
        again = store.due(db, later, until=later + timedelta(minutes=5), at_most=10)
    assert [key for party, key, _ in due if party == world.party] == [one.key for one in reversed(made)]
    assert not [key for party, key, _ in again if party == world.party]


def test_one_channel_cannot_take_all_workers(world: World) -> None:
    with world.rows() as db:
        for part in range(1, 9):
            journey.send(db, world.party, world.prepare(part=part).key, NAME)
    with database.sessions("work").begin() as db:
        locks = db.scalars(text("SELECT DISTINCT lock FROM procrastinate_jobs WHERE status = 'todo'")).all()
    assert 1 <= len(locks) <= 2 < jobs.CONCURRENCY


def test_what_somebody_sends_goes_before_a_batch_and_before_all_that_waits_to_be_asked(world: World) -> None:
    """After a wave of autopay thousands of callbacks and looks wait; who taps then does not wait behind them."""
    with world.rows() as db:
        for _ in range(3):
            jobs.defer(db, hearing.HEARD, callback=ids.new_id())
        jobs.defer(db, journey_autopay.SHARE, lock="autopay 0", priority=journey_autopay.URGENCY, share=0)
        journey.send(db, world.party, world.prepare().key, NAME)
    with database.sessions("work")() as db:
        fetch = text("SELECT task_name FROM procrastinate_fetch_job_v2(ARRAY['anhuan'], NULL)")
        assert [db.scalar(fetch) for _ in range(3)] == [journey.FOLLOW, journey_autopay.SHARE, hearing.HEARD]


def test_what_a_channel_tells_otherwise_than_our_record_is_flagged(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", world.clock)
    theirs = [one for one in world.connector.capabilities(NOW.date()) if one.bank == "cmb"]
    assert theirs == [RECORD]
    found = [capabilities.Difference("cmb", "per_payment_max", 300_000, 100_000)]
    with database.sessions("work").begin() as db:
        health.flag(db, NAME, found, now=NOW)
        assert [(one.field, one.theirs) for one in store_house.flags(db)] == [("per_payment_max", "100000")]
    journey.compare()


class Killed(BaseException):
    """The process ends here."""


class Direct(Connector):
    """The same bank without the wire, for many courses; it may be killed before or after the bank hears."""

    kill = ""

    def pay(self, instruction: Instruction) -> Answer:
        if self.kill == "before":
            raise Killed
        found = self._bank.pay(str(instruction.key), instruction.body)
        if self.kill == "after":
            raise Killed
        return Unknown(Why.NO_ANSWER) if found is None else self._heard(*found, instruction.key)

    def ask(self, key: UUID) -> Answer:
        found = self._bank.ask(str(key))
        return Unknown(Why.NO_ANSWER) if found is None else self._heard(*found, key)

    def _heard(self, status: int, said: object, key: UUID) -> Answer:
        return self._read(status, json.dumps(said).encode(), key)


WAYS = ["hang up", "success", "processing", "accepted", "lost", "error", "busy", "no:insufficient_funds", "no:new"]
TOLD = ["not found", "truth", "silent", "busy", "processing"]
HIDES = timedelta(minutes=RECORD.not_found_final_after_minutes or 0)  # how long it may not know what it took
# What is done, how the bank takes a payment meanwhile, what it tells when asked, where the process is killed.
ACTS = st.tuples(
    st.sampled_from(["deliver", "deliver", "ask", "wait", "again"]),
    st.sampled_from(WAYS),
    st.sampled_from(TOLD),
    st.sampled_from(["", "", "before", "after"]),
)


@pytest.mark.parametrize("idempotent", [True, False])
def test_over_any_course_of_events_money_leaves_at_most_once(clean: Engine, idempotent: bool) -> None:
    """Law (a) of channels.md: one debit for each key; one standing success for each part; a state never goes back."""
    bank = Bank(idempotent=idempotent)
    connector = Direct(bank, registry._tell)
    connector.record = replace(RECORD, idempotent_by_key=idempotent, per_day_max=None)
    licensed()

    @settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(ACTS, min_size=3, max_size=12))
    def law(acts: list[tuple[str, str, str, str]]) -> None:
        world = World(bank, connector, Clock(), ids.new_id())
        made, seen, took = [world.prepare()], dict[object, State](), dict[object, datetime]()
        bank.next, bank.answers = [], []
        for act, how, told, kill in acts:
            # Of what it took so long ago the bank keeps its word and knows the key: "not found" would be final.
            knows = any(world.clock() >= at + HIDES for at in took.values())
            bank.next, bank.answers, connector.kill = [how], ["truth" if knows and told == "not found" else told], kill
            with suppress(Killed, StillOpen, Barred, BreakerOpen, CardStopped):
                _play(world, made, act)
            for one in made:
                state, before = world.state(one), seen.get(one.key)
                assert before not in FINAL or state is before
                assert bank.debits[str(one.key)] <= 1
                seen[one.key] = state
                if bank.debits[str(one.key)]:
                    took.setdefault(one.key, world.clock())
        bank.next, bank.answers, connector.kill = [], [], ""
        world.clock.pass_(minutes=45)
        ends = [delivery.follow(world.party, one.key, now=world.clock) for one in made]
        assert sum(bank.debits[str(one.key)] for one in made) <= 1, "two attempts at one part were both paid"
        paid = [one for one, end in zip(made, ends, strict=True) if isinstance(end, Settled)]
        assert all(bank.debits[str(one.key)] == 1 for one in paid)
        refused = [one for one, end in zip(made, ends, strict=True) if isinstance(end, Rejected)]
        assert all(bank.debits[str(one.key)] == 0 for one in refused)

    with registry.only(**{NAME: connector}):
        law()


def _play(world: World, made: list[Instruction], act: str) -> None:
    match act:
        case "deliver":
            world.deliver(made[-1])
        case "ask":
            world.again(made[-1])
        case "wait":
            world.clock.pass_(minutes=20)
        case "again":
            made.append(world.prepare(attempt=len(made) + 1))
