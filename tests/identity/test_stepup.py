"""Step-up: bound to one act, to one session, to a few minutes, and spent once."""

import threading
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from tests.people import sign_in

from anhuan.identity import stepup
from anhuan.identity.stepup import Act, ActKind, Answer
from anhuan.kit import clock, ids, wall
from anhuan.kit import db as database
from anhuan.kit.actors import Actor, ActorKind, Strength

NOW = datetime(2026, 11, 22, 9, 20, tzinfo=clock.CHINA)
PAYMENT = Act(ActKind.PAYMENT, {"amount": 1_286_050, "card": "招商 6214", "payer": "建行 0099", "fee": 286})


@pytest.fixture
def lin(db: Session, user_id: UUID) -> Actor:
    """A person of a demonstration, where a tap is the proof."""
    sign_in(db, user_id, now=NOW, strength=Strength.DEMO)
    return actor(user_id)


def actor(person_id: UUID) -> Actor:
    return Actor(
        ActorKind.PERSON, person_id=person_id, party_id=person_id, session_id=ids.new_id(), strength=Strength.DEMO
    )


def asked(db: Session, who: Actor, act: Act = PAYMENT) -> Answer:
    return Answer(stepup.begin(db, who, act, shown="付 ¥12,860.50 到 招商 6214", now=NOW).id)


def test_a_proof_lets_its_act_pass_once(db: Session, lin: Actor) -> None:
    answer = asked(db, lin)
    assert stepup.insist(db, lin, PAYMENT, answer, now=NOW) == answer.step_up_id
    with pytest.raises(stepup.StepUpVoid):
        stepup.insist(db, lin, PAYMENT, answer, now=NOW)


@pytest.mark.parametrize(
    "other",
    [
        {"amount": 1_286_051},  # one fen more
        {"card": "招商 6215"},
        {"payer": "建行 0098"},
        {"fee": 0},
        {"cost_table": "another"},
    ],
)
def test_a_proof_is_void_for_any_other_act(db: Session, lin: Actor, other: dict[str, str | int]) -> None:
    answer = asked(db, lin)
    with pytest.raises(stepup.StepUpVoid):
        stepup.insist(db, lin, Act(PAYMENT.kind, {**PAYMENT.facts, **other}), answer, now=NOW)
    stepup.insist(db, lin, PAYMENT, answer, now=NOW)  # it was the act that was wrong


def test_the_kind_of_an_act_is_part_of_what_is_bound(db: Session, lin: Actor) -> None:
    answer = asked(db, lin)
    with pytest.raises(stepup.StepUpVoid):
        stepup.insist(db, lin, Act(ActKind.LIMIT_RAISE, PAYMENT.facts), answer, now=NOW)


def test_text_and_number_are_not_the_same_fact() -> None:
    assert Act(ActKind.PAYMENT, {"a": 1}).binding() != Act(ActKind.PAYMENT, {"a": "1"}).binding()
    assert Act(ActKind.PAYMENT, {"a": "1", "b": "2"}).binding() == Act(ActKind.PAYMENT, {"b": "2", "a": "1"}).binding()


def test_a_proof_is_void_after_its_minutes(db: Session, lin: Actor) -> None:
    answer = asked(db, lin)
    with pytest.raises(stepup.StepUpVoid):
        stepup.insist(db, lin, PAYMENT, answer, now=NOW + timedelta(minutes=2))


def test_a_proof_is_void_in_another_session_of_the_same_person(db: Session, lin: Actor) -> None:
    answer = asked(db, lin)
    with pytest.raises(stepup.StepUpVoid):
        stepup.insist(db, replace(lin, session_id=ids.new_id()), PAYMENT, answer, now=NOW)


def test_a_proof_of_somebody_else_is_void(db: Session, lin: Actor) -> None:
    answer = asked(db, lin)
    stranger = ids.new_id()
    sign_in(db, stranger, now=NOW, strength=Strength.DEMO)
    with pytest.raises(stepup.StepUpVoid):
        stepup.insist(db, replace(lin, person_id=stranger, party_id=stranger), PAYMENT, answer, now=NOW)


def test_outside_a_demonstration_a_tap_proves_nothing(db: Session, lin: Actor) -> None:
    real = replace(lin, strength=Strength.PASSKEY)
    with pytest.raises(stepup.StepUpFailed):
        stepup.insist(db, real, PAYMENT, asked(db, real), now=NOW)


def test_guessing_ends_after_a_few_wrong_answers(db: Session, lin: Actor) -> None:
    from anhuan.kit.rates import TooMany

    real = replace(lin, strength=Strength.PASSKEY)
    answer = replace(asked(db, real), code="000000")
    for _ in range(5):
        with pytest.raises(stepup.StepUpFailed):
            stepup.insist(db, real, PAYMENT, answer, now=NOW)
    with pytest.raises(TooMany):
        stepup.insist(db, real, PAYMENT, answer, now=NOW)


def test_two_at_once_spend_a_proof_only_once(own_database: Engine) -> None:
    person = ids.new_id()
    sign_in(own_database, person, now=NOW, strength=Strength.DEMO)
    who = actor(person)
    with database.transaction() as db:
        wall.enter(db, party=person, person=person)
        answer = asked(db, who)
    passed: list[UUID] = []
    void: list[Exception] = []
    together = threading.Barrier(4)

    def spend() -> None:
        together.wait()
        try:
            with database.transaction() as db:
                wall.enter(db, party=person, person=person)
                passed.append(stepup.insist(db, who, PAYMENT, answer, now=NOW))
        except stepup.StepUpVoid as refused:
            void.append(refused)

    threads = [threading.Thread(target=spend) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(passed), len(void)) == (1, 3)
