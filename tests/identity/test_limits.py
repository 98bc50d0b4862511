"""A party's own limits: down at once, up after a cooling time and a proof; the pause stops everything."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session
from tests.people import sign_in

from anhuan.identity import limits, stepup
from anhuan.identity.limits import LimitKind, Which, Wish
from anhuan.identity.stepup import Answer
from anhuan.kit import clock, ids
from anhuan.kit.actors import Actor, ActorKind, Strength

NOW = datetime(2026, 11, 22, 9, 20, tzinfo=clock.CHINA)
LATER = NOW + timedelta(hours=24)
PAYMENT = Which(LimitKind.PER_PAYMENT)
DAY = Which(LimitKind.PER_DAY)


@pytest.fixture
def lin(db: Session, user_id: UUID) -> Actor:
    """A person of a demonstration, where a tap is the proof, so that these tests are about limits alone."""
    sign_in(db, user_id, now=NOW, strength=Strength.DEMO)
    return Actor(ActorKind.PERSON, person_id=user_id, party_id=user_id, session_id=ids.new_id(), strength=Strength.DEMO)


def proof(db: Session, who: Actor, act: stepup.Act, *, now: datetime = NOW) -> Answer:
    return Answer(stepup.begin(db, who, act, shown="所见", now=now).id)


def raised(db: Session, who: Actor, which: Which, to: int | None, *, now: datetime = NOW) -> Wish:
    assert who.party_id is not None
    held = limits.at(db, who.party_id, now=now).standing[which]
    answer = proof(db, who, limits.raise_act(who.party_id, which, to, held), now=now)
    return limits.set_limit(db, who, which, to, now=now, answer=answer)


@pytest.mark.scope("S3-20")
def test_a_lower_limit_holds_at_once(db: Session, lin: Actor) -> None:
    limits.set_limit(db, lin, PAYMENT, 500_000, now=NOW)
    limits.set_limit(db, lin, PAYMENT, 200_000, now=NOW)
    assert limits.at(db, lin.party_id or ids.LOCAL_USER, now=NOW).of(LimitKind.PER_PAYMENT) == 200_000


@pytest.mark.scope("S3-20")
def test_a_higher_limit_waits_out_the_cooling_time(db: Session, lin: Actor, user_id: UUID) -> None:
    limits.set_limit(db, lin, PAYMENT, 200_000, now=NOW)
    raised(db, lin, PAYMENT, 900_000)
    just_before = LATER - timedelta(microseconds=1)
    assert limits.at(db, user_id, now=just_before).of(LimitKind.PER_PAYMENT) == 200_000
    assert limits.at(db, user_id, now=LATER).of(LimitKind.PER_PAYMENT) == 900_000


def test_taking_a_limit_away_is_a_raise_too(db: Session, lin: Actor, user_id: UUID) -> None:
    limits.set_limit(db, lin, PAYMENT, 200_000, now=NOW)
    with pytest.raises(stepup.StepUpNeeded):
        limits.set_limit(db, lin, PAYMENT, None, now=NOW)
    raised(db, lin, PAYMENT, None)
    assert limits.at(db, user_id, now=NOW).of(LimitKind.PER_PAYMENT) == 200_000
    assert limits.at(db, user_id, now=LATER).of(LimitKind.PER_PAYMENT) is None


def test_whoever_lowers_does_not_rise_tomorrow(db: Session, lin: Actor, user_id: UUID) -> None:
    limits.set_limit(db, lin, PAYMENT, 200_000, now=NOW)
    raised(db, lin, PAYMENT, 900_000)
    limits.set_limit(db, lin, PAYMENT, 100_000, now=NOW + timedelta(hours=1))
    assert limits.at(db, user_id, now=LATER + timedelta(days=9)).of(LimitKind.PER_PAYMENT) == 100_000


def test_a_raise_that_waits_can_be_withdrawn(db: Session, lin: Actor, user_id: UUID) -> None:
    limits.set_limit(db, lin, DAY, 200_000, now=NOW)
    raised(db, lin, DAY, 900_000)
    assert limits.withdraw_raise(db, lin, DAY, now=NOW + timedelta(hours=2))
    assert not limits.withdraw_raise(db, lin, DAY, now=NOW + timedelta(hours=2))
    assert limits.at(db, user_id, now=LATER).of(LimitKind.PER_DAY) == 200_000


def test_the_proof_for_one_amount_raises_no_other(db: Session, lin: Actor, user_id: UUID) -> None:
    limits.set_limit(db, lin, PAYMENT, 200_000, now=NOW)
    answer = proof(db, lin, limits.raise_act(user_id, PAYMENT, 300_000, 200_000))
    with pytest.raises(stepup.StepUpVoid):
        limits.set_limit(db, lin, PAYMENT, 300_001, now=NOW, answer=answer)


def test_the_proof_is_void_when_the_limit_moved_meanwhile(db: Session, lin: Actor, user_id: UUID) -> None:
    limits.set_limit(db, lin, PAYMENT, 200_000, now=NOW)
    answer = proof(db, lin, limits.raise_act(user_id, PAYMENT, 300_000, 200_000))
    limits.set_limit(db, lin, PAYMENT, 100_000, now=NOW + timedelta(minutes=1))
    with pytest.raises(stepup.StepUpVoid):
        limits.set_limit(db, lin, PAYMENT, 300_000, now=NOW + timedelta(minutes=2), answer=answer)


def test_payments_within_the_limits_pass_and_those_beyond_are_refused(db: Session, lin: Actor, user_id: UUID) -> None:
    card, other = ids.new_id(), ids.new_id()
    limits.set_limit(db, lin, PAYMENT, 300_000, now=NOW)
    limits.set_limit(db, lin, DAY, 400_000, now=NOW)
    limits.set_limit(db, lin, Which(LimitKind.PER_CARD, card), 100_000, now=NOW)
    held = limits.at(db, user_id, now=NOW)
    held.insist(100_000, account_id=card, paid_today=300_000)  # each limit reached, none passed
    held.insist(300_000, account_id=other, paid_today=100_000)
    for amount, account, paid in ((100_001, card, 0), (300_001, other, 0), (300_000, other, 100_001)):
        with pytest.raises(limits.OverOwnLimit):
            held.insist(amount, account_id=account, paid_today=paid)


@pytest.mark.parametrize(
    ("which", "amount", "field"),
    [
        (PAYMENT, 0, "amount"),  # nothing may be paid: that is the pause
        (PAYMENT, -1, "amount"),
        (PAYMENT, limits.HIGHEST + 1, "amount"),
        (Which(LimitKind.PER_CARD), 5, "account_id"),
        (Which(LimitKind.PER_DAY, ids.new_id()), 5, "account_id"),
    ],
)
def test_a_limit_that_cannot_be_meant_is_refused_by_name(
    db: Session, lin: Actor, user_id: UUID, which: Which, amount: int, field: str
) -> None:
    with pytest.raises(limits.BadLimit) as refused:
        limits.set_limit(db, lin, which, amount, now=NOW)
    assert refused.value.field == field
    assert limits.wishes_of(db, user_id) == []


def test_one_tap_pauses_everything_and_a_second_changes_nothing(db: Session, lin: Actor, user_id: UUID) -> None:
    assert limits.pause_everything(db, lin, now=NOW) == NOW
    assert limits.pause_everything(db, lin, now=LATER) == NOW
    with pytest.raises(limits.Paused):
        limits.at(db, user_id, now=LATER).insist(1, account_id=ids.new_id(), paid_today=0)


def test_going_on_asks_for_a_proof_of_its_own(db: Session, lin: Actor, user_id: UUID) -> None:
    limits.pause_everything(db, lin, now=NOW)
    with pytest.raises(stepup.StepUpNeeded):
        limits.lift_pause(db, lin, now=LATER)
    limits.lift_pause(db, lin, now=LATER, answer=proof(db, lin, limits.lift_act(user_id, NOW), now=LATER))
    assert limits.at(db, user_id, now=LATER).pause is None
    assert limits.pause_everything(db, lin, now=LATER) == LATER, "it can be paused again"


AMOUNTS = st.one_of(st.none(), st.integers(1, 10))
STEPS = st.lists(st.tuples(st.integers(0, 30), st.one_of(st.just("withdraw"), AMOUNTS)), max_size=7)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_whatever_is_asked_no_wider_limit_holds_before_its_cooling_time(
    db: Session, lin: Actor, steps: list[tuple[int, int | str | None]]
) -> None:
    """Hours pass, wishes come in any order: a limit widens only by a wish a day old that was not withdrawn."""
    party = ids.new_id()  # somebody new each time, whose tries nobody has counted
    sign_in(db, party, now=NOW, strength=Strength.DEMO)
    who = replace(lin, person_id=party, party_id=party)
    now, narrowest = NOW, [(NOW, limits.at(db, party, now=NOW).of(LimitKind.PER_PAYMENT))]
    for hours, wish in steps:
        now += timedelta(hours=hours)
        if wish == "withdraw":
            limits.withdraw_raise(db, who, PAYMENT, now=now)
        else:
            assert not isinstance(wish, str)
            held = limits.at(db, party, now=now).of(LimitKind.PER_PAYMENT)
            answer = None
            if not limits.is_lower(wish, held):
                answer = proof(db, who, limits.raise_act(party, PAYMENT, wish, held or 0), now=now)
            limits.set_limit(db, who, PAYMENT, wish, now=now, answer=answer)
            if answer is None:
                assert limits.at(db, party, now=now).of(LimitKind.PER_PAYMENT) == wish
        holds = limits.at(db, party, now=now).of(LimitKind.PER_PAYMENT)
        lately = [amount for at, amount in narrowest if at > now - timedelta(hours=24)]
        for amount in lately:
            if not limits.is_lower(holds, amount):
                asked = [one for one in limits.wishes_of(db, party) if one.amount == holds]
                assert any(one.asked_at <= now - timedelta(hours=24) for one in asked), (steps, amount, holds)
        narrowest.append((now, holds))
