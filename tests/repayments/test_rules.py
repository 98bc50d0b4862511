"""The table of steps, and what an answer with its proofs makes of an order."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anhuan.channels.evidence_rules import Arrival
from anhuan.channels.model import WITHDRAWN, Answer, Event, EventKind, Rejected, Settled, Unknown, Why
from anhuan.repayments import rules
from anhuan.repayments.model import CLOSED, OPEN, BadStep, OrderStatus

S = OrderStatus
NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
PAID = Settled("R1", NOW, 100)
BACK = Settled("R1", NOW, 100, event=Event(EventKind.RETURNED, NOW, 100, "wrong card"))
answers: st.SearchStrategy[Answer] = st.one_of(
    st.just(PAID), st.just(BACK), st.just(Rejected("insufficient_funds")), st.just(Rejected(WITHDRAWN)),
    st.builds(Unknown, st.sampled_from(Why)),
)  # fmt: skip


@pytest.mark.parametrize(
    ("known", "arrival", "contradicted", "status"),
    [
        (PAID, Arrival.NOTHING, False, S.PROMISED),  # a channel's word is a promise
        (PAID, Arrival.ARRIVED, False, S.ARRIVED),  # bank data
        (Unknown(Why.NO_ANSWER), Arrival.ARRIVED, False, S.ARRIVED),  # the proof came before the answer
        (PAID, Arrival.IN_DOUBT, False, S.IN_DOUBT),  # a proof was taken back
        (PAID, Arrival.ARRIVED, True, S.IN_DOUBT),  # the bank contradicts itself
        (BACK, Arrival.ARRIVED, True, S.GIVEN_BACK),  # money that came back ends it whatever else is said
        (Rejected("daily_limit"), Arrival.NOTHING, False, S.FAILED),
        (Rejected(WITHDRAWN), Arrival.NOTHING, False, S.CANCELLED),
        (Unknown(Why.NO_ANSWER), Arrival.NOTHING, False, S.SENT),  # a timeout is no failure
        (Unknown(Why.NOT_FOUND), Arrival.NOTHING, False, S.SENT),
        (Unknown(Why.PROCESSING), Arrival.MARKED, False, S.SENT),  # a person's word proves nothing
    ],
)
def test_what_is_known_makes_the_status(known: Answer, arrival: Arrival, contradicted: bool, status: S) -> None:
    assert rules.status_of(known, arrival, sent_at=NOW, contradicted=contradicted, now_is=S.SENT) is status


@given(answers, st.sampled_from(Arrival), st.booleans(), st.sampled_from(S))
def test_nothing_is_called_arrived_without_a_proof(known: Answer, arrival: Arrival, doubt: bool, before: S) -> None:
    found = rules.status_of(known, arrival, sent_at=NOW, contradicted=doubt, now_is=before)
    assert found is not S.ARRIVED or arrival is Arrival.ARRIVED


@given(st.builds(Unknown, st.sampled_from(Why)), st.sampled_from(Arrival))
def test_an_unknown_answer_never_ends_an_order_without_proof(known: Unknown, arrival: Arrival) -> None:
    found = rules.status_of(known, arrival, sent_at=NOW, contradicted=False, now_is=S.SENT)
    assert found not in {S.FAILED, S.CANCELLED, S.GIVEN_BACK}


def test_what_came_back_or_was_taken_back_stays_so() -> None:
    assert rules.NEXT[S.GIVEN_BACK] == rules.NEXT[S.CANCELLED] == frozenset()


def test_every_status_has_its_place_in_the_table_and_is_open_or_closed() -> None:
    assert set(rules.NEXT) == set(S) == OPEN | CLOSED
    assert not OPEN & CLOSED


def test_a_step_that_the_table_does_not_know_stops_everything() -> None:
    with pytest.raises(BadStep):
        rules.step(S.CANCELLED, S.SENT)
