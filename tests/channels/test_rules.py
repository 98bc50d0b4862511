"""The table of states and what an answer makes of an instruction; the breaker, the splitting, the verbs."""

import importlib
import inspect
import re
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.channels.bank import RECORD

from anhuan.channels import breaker, registry, rules
from anhuan.channels.breaker import Count, Thresholds
from anhuan.channels.model import (
    FINAL,
    Answer,
    Connector,
    Event,
    EventKind,
    Rejected,
    Settled,
    State,
    Unknown,
    Why,
    Window,
)

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
AMOUNT = 50_000
BACK = Event(EventKind.RETURNED, NOW, AMOUNT, "wrong card")
ANSWERS: list[Answer] = [
    Settled("R1", NOW, AMOUNT),
    Settled("R1", NOW, AMOUNT, 0, BACK),
    Settled("R1", NOW, AMOUNT - 1),
    Rejected("insufficient_funds"),
    Rejected("never_heard_of"),
    *(Unknown(why) for why in Why),
]
SENT = [None, NOW - timedelta(minutes=1), NOW - timedelta(hours=1)]


@pytest.mark.parametrize("state", list(State))
def test_every_answer_in_every_state_follows_the_table(state: State) -> None:
    for answer, sent_at in product(ANSWERS, SENT):
        found = rules.change(rules.Standing(state, AMOUNT, sent_at), answer, record=RECORD, now=NOW)
        if found.state is not None:
            assert found.state in rules.NEXT[state], (state, answer)
        if state in FINAL:
            assert found.state is None, "a final state never changes"
        if found.state is State.FAILED:
            assert found.final_code in {*RECORD.final_codes, "not_found"}


@pytest.mark.parametrize("state", [State.CREATED, State.UNKNOWN])
@pytest.mark.parametrize("why", list(Why))
def test_what_is_not_known_is_never_a_no_before_its_time(state: State, why: Why) -> None:
    early = rules.Standing(state, AMOUNT, NOW - timedelta(minutes=29))
    assert rules.change(early, Unknown(why), record=RECORD, now=NOW).state is not State.FAILED


@pytest.mark.parametrize(("state", "why", "becomes"), [
    (State.ACCEPTED, Why.NO_ANSWER, None),  # an unanswered question changes nothing
    (State.ACCEPTED, Why.NOT_FOUND, None),  # it was accepted: that it is not found now proves nothing
    (State.ACCEPTED, Why.PROCESSING, State.PROCESSING),
    (State.PROCESSING, Why.ACCEPTED, None),  # never backwards
    (State.UNKNOWN, Why.ACCEPTED, State.ACCEPTED),
    (State.CREATED, Why.BUSY, None),  # nothing was taken
    (State.CREATED, Why.NO_ANSWER, State.UNKNOWN),
])  # fmt: skip
def test_steps_on_the_way(state: State, why: Why, becomes: State | None) -> None:
    standing = rules.Standing(state, AMOUNT, NOW - timedelta(hours=2))
    assert rules.change(standing, Unknown(why), record=RECORD, now=NOW).state is becomes


def test_a_channel_that_never_makes_not_found_final_is_asked_for_ever() -> None:
    record = replace(RECORD, not_found_final_after_minutes=None)
    old = rules.Standing(State.UNKNOWN, AMOUNT, NOW - timedelta(days=300))
    assert rules.change(old, Unknown(Why.NOT_FOUND), record=record, now=NOW).state is None


@settings(deadline=None)
@given(amount=st.integers(1, 10_000_000), most=st.integers(1000, 500_000), least=st.integers(1, 500_000))
def test_a_split_loses_no_fen_and_every_part_fits(amount: int, most: int, least: int) -> None:
    parts = rules.split(amount, at_least=least, at_most=most)
    assert not parts or sum(parts) == amount
    assert all(least <= part <= most for part in parts)
    assert not parts or len(parts) == -(-amount // most)


@pytest.mark.parametrize(("at", "starts", "ends", "waits"), [
    (time(2, 0), time(1, 0), time(3, 0), 60),
    (time(3, 0), time(1, 0), time(3, 0), None),  # the end is free again
    (time(23, 30), time(23, 0), time(1, 0), 90),  # over midnight
    (time(0, 30), time(23, 0), time(1, 0), 30),
    (time(12, 0), time(23, 0), time(1, 0), None),
])  # fmt: skip
def test_a_maintenance_window_is_waited_out(at: time, starts: time, ends: time, waits: int | None) -> None:
    record = replace(RECORD, maintenance=(Window(starts, ends),))
    until = rules.waits_until(record, NOW, zone_time=at)
    assert until == (None if waits is None else NOW + timedelta(minutes=waits))


LIMITS = Thresholds(3, timedelta(minutes=5), (timedelta(minutes=1), timedelta(minutes=10)))


def run(calls: list[tuple[int, bool]]) -> Count:
    """The count after calls at minutes, good or not."""
    count = Count()
    for minute, good in calls:
        count = breaker.after_call(count, good=good, now=NOW + timedelta(minutes=minute), thresholds=LIMITS)
    return count


@pytest.mark.parametrize(("calls", "open_at", "shut_at"), [
    ([(0, False), (1, False), (2, False)], 2, 3),  # three in a row
    ([(0, False), (1, False), (2, False), (4, False)], 4, 14),  # the first call after it fails again: longer
    ([(0, False), (1, False), (2, False), (30, False)], 30, 40),  # also when it comes late
])  # fmt: skip
def test_failures_in_a_row_open_it_and_each_time_longer(
    calls: list[tuple[int, bool]], open_at: int, shut_at: int
) -> None:
    count = run(calls)
    assert breaker.is_open(count, NOW + timedelta(minutes=open_at))
    assert not breaker.is_open(count, NOW + timedelta(minutes=shut_at))


@pytest.mark.parametrize("calls", [
    [(0, False), (1, False)],  # too few
    [(0, False), (1, False), (2, True), (3, False)],  # a good one between
    [(0, False), (1, False), (9, False)],  # too far apart
    [(0, False), (1, False), (2, False), (3, True)],  # closed by the first good answer
])  # fmt: skip
def test_it_stays_closed(calls: list[tuple[int, bool]]) -> None:
    assert not breaker.is_open(run(calls), NOW + timedelta(minutes=calls[-1][0]))


CHARGING = re.compile(r"charge|capture|sale|purchase|pre_?auth|collect|debit_card|draw_from", re.IGNORECASE)


@pytest.mark.scope("S2-23")
def test_no_connector_has_a_verb_that_charges_a_card() -> None:
    """The protocol and every connector that comes with the house, and what the search would find."""
    verbs = [name for name in dir(Connector) if not name.startswith("_")]
    assert set(verbs) >= {"capabilities", "pay", "ask", "read_callback", "statement", "health"}
    named = list(verbs)
    for place in registry.BUILT_IN.values():
        module = importlib.import_module(place.partition(":")[0])
        kinds = [one for _, one in inspect.getmembers(module, inspect.isclass) if one.__module__ == module.__name__]
        named += [name for kind in kinds for name in dir(kind) if not name.startswith("_")]
    assert [name for name in named if CHARGING.search(name)] == []
    assert CHARGING.search("capture_payment")
    assert CHARGING.search("preauthorise")
