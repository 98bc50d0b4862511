"""Passkeys: what is let in, and every bent answer that is not. The signatures are true ones."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.orm import Session
from tests.identity.authenticator import Authenticator

from anhuan.identity import passkeys, sessions, store_signin
from anhuan.kit import actors, audit, ids, wall
from anhuan.kit.actors import Actor, ActorKind

NOW = datetime(2026, 11, 22, 1, 20, tzinfo=UTC)
BROWSER, OTHER_BROWSER = b"this browser", b"another browser"


@dataclass
class Holder:
    """A person with one device."""

    id: UUID
    device: Authenticator


@pytest.fixture
def lin(db: Session) -> Holder:
    person = sessions.add_person(db, now=NOW, name="林")
    device = Authenticator()
    asked, options = passkeys.register_options(db, person, name="林", now=NOW, session_id=None)
    key = passkeys.check_registration(db, asked, device.make(options), now=NOW)
    assert key.person_id == person
    passkeys.keep(db, key, name="我的手机", now=NOW)
    return Holder(person, device)


def sign_in(db: Session, device: Authenticator, *, at: datetime = NOW) -> passkeys.Proof:
    wall.enter(db, party=None)
    asked, options = passkeys.sign_in_options(db, BROWSER, now=at)
    return passkeys.verify_sign_in(db, asked, device.answer(options), BROWSER, now=at)


def test_a_key_signs_its_owner_in_without_a_name_and_again(db: Session, lin: Holder) -> None:
    for _ in range(2):
        proof = sign_in(db, lin.device)
        assert proof.person_id == lin.id
        assert not proof.doubtful


def test_the_browser_is_told_to_verify_its_user_and_keep_the_key_itself(db: Session, lin: Holder) -> None:
    _, new = passkeys.register_options(db, lin.id, name="林", now=NOW)
    assert new["authenticatorSelection"]["userVerification"] == "required"
    assert new["authenticatorSelection"]["residentKey"] == "required"
    assert len(new["excludeCredentials"]) == 1
    _, again = passkeys.options(db, lin.id, binding=None, now=NOW)
    assert again["userVerification"] == "required"
    _, unknown = passkeys.sign_in_options(db, BROWSER, now=NOW)
    assert unknown["allowCredentials"] == []


def test_the_same_answer_twice_opens_nothing(db: Session, lin: Holder) -> None:
    wall.enter(db, party=None)
    asked, options = passkeys.sign_in_options(db, BROWSER, now=NOW)
    answer = lin.device.answer(options)
    passkeys.verify_sign_in(db, asked, answer, BROWSER, now=NOW)
    with pytest.raises(passkeys.ChallengeGone):
        passkeys.verify_sign_in(db, asked, answer, BROWSER, now=NOW)


def test_an_old_answer_does_not_fit_a_new_question(db: Session, lin: Holder) -> None:
    wall.enter(db, party=None)
    _, first = passkeys.sign_in_options(db, BROWSER, now=NOW)
    second, _ = passkeys.sign_in_options(db, BROWSER, now=NOW)
    with pytest.raises(passkeys.NotVerified):
        passkeys.verify_sign_in(db, second, lin.device.answer(first), BROWSER, now=NOW)


def test_a_question_is_spent_by_a_wrong_answer_too(db: Session, lin: Holder) -> None:
    wall.enter(db, party=None)
    asked, options = passkeys.sign_in_options(db, BROWSER, now=NOW)
    with pytest.raises(passkeys.NotVerified):
        passkeys.verify_sign_in(db, asked, "{}", BROWSER, now=NOW)
    with pytest.raises(passkeys.ChallengeGone):
        passkeys.verify_sign_in(db, asked, lin.device.answer(options), BROWSER, now=NOW)


def test_a_late_answer_opens_nothing(db: Session, lin: Holder) -> None:
    wall.enter(db, party=None)
    asked, options = passkeys.sign_in_options(db, BROWSER, now=NOW)
    late = NOW + timedelta(minutes=2)
    with pytest.raises(passkeys.ChallengeGone):
        passkeys.verify_sign_in(db, asked, lin.device.answer(options), BROWSER, now=late)


def test_a_question_put_to_another_browser_cannot_be_answered(db: Session, lin: Holder) -> None:
    wall.enter(db, party=None)
    asked, options = passkeys.sign_in_options(db, BROWSER, now=NOW)
    with pytest.raises(passkeys.ChallengeGone):
        passkeys.verify_sign_in(db, asked, lin.device.answer(options), OTHER_BROWSER, now=NOW)


def bent(**how: Any) -> Callable[[Authenticator], None]:
    def bend(device: Authenticator) -> None:
        for name, value in how.items():
            setattr(device, name, value)

    return bend


@pytest.mark.parametrize("bend", [
    bent(origin="http://localhost:9999"),      # another port is another origin
    bent(origin="https://localhost:8000"),     # so is another scheme
    bent(origin="http://localhost.evil.example:8000"),
    bent(site="evil.example"),                 # a key made for another name
    bent(verified=False),                      # nobody showed a face or a finger
    bent(user=b"somebody else 16"),            # the key names another user
    bent(id=b"a key nobody knows"),
    bent(key=Authenticator().key),             # signed by another key
])  # fmt: skip
def test_a_bent_answer_opens_nothing(db: Session, lin: Holder, bend: Callable[[Authenticator], None]) -> None:
    bend(lin.device)
    with pytest.raises(passkeys.NotVerified):
        sign_in(db, lin.device)


@pytest.mark.parametrize("bend", [
    bent(origin="http://localhost:9999"), bent(site="evil.example"), bent(verified=False),
])  # fmt: skip
def test_a_bent_new_key_is_not_kept(db: Session, lin: Holder, bend: Callable[[Authenticator], None]) -> None:
    second = Authenticator()
    bend(second)
    wall.enter(db, party=lin.id, person=lin.id)
    asked, options = passkeys.register_options(db, lin.id, name="林", now=NOW)
    with pytest.raises(passkeys.NotVerified):
        passkeys.check_registration(db, asked, second.make(options), now=NOW)
    assert len(passkeys.all_of(db, lin.id)) == 1


@pytest.mark.parametrize("said", [
    "", "[]", "null", "{}", '{"rawId": "", "response": {}}', '{"rawId": "!!", "id": "!!", "response": {}}',
    '{"rawId": 1, "response": []}', "[" * 5000, "x" * 30_000,
    json.dumps({"rawId": "AAAA", "id": "AAAA", "type": "public-key", "response": {"clientDataJSON": 5}}),
])  # fmt: skip
def test_no_answer_is_a_fault_of_ours(db: Session, lin: Holder, said: str) -> None:
    wall.enter(db, party=None)
    asked, _ = passkeys.sign_in_options(db, BROWSER, now=NOW)
    with pytest.raises(passkeys.NotVerified):
        passkeys.verify_sign_in(db, asked, said, BROWSER, now=NOW)
    asked, _ = passkeys.sign_in_options(db, BROWSER, now=NOW)
    with pytest.raises((passkeys.NotVerified, passkeys.ChallengeGone)):
        passkeys.check_registration(db, asked, said, now=NOW, visitor=BROWSER)


def test_a_counter_that_stands_still_is_noted_and_told_but_refuses_nobody(db: Session, lin: Holder) -> None:
    sign_in(db, lin.device)
    lin.device.count -= 1  # a copy of the key was used elsewhere
    proof = sign_in(db, lin.device)
    assert proof.person_id == lin.id
    assert proof.doubtful
    wall.enter(db, party=lin.id, person=lin.id)
    assert [key.doubted for key in passkeys.all_of(db, lin.id)] == [True]
    assert "passkey.doubted" in [one.act for one in audit.page_of(db, subject=f"person:{lin.id}")]


def test_a_key_that_lives_in_a_cloud_never_counts_and_is_never_doubted(db: Session) -> None:
    person = sessions.add_person(db, now=NOW)
    device = Authenticator(cloud=True)
    asked, options = passkeys.register_options(db, person, name="x", now=NOW)
    passkeys.keep(db, passkeys.check_registration(db, asked, device.make(options), now=NOW), name="", now=NOW)
    assert not sign_in(db, device).doubtful
    assert not sign_in(db, device).doubtful
    wall.enter(db, party=person, person=person)
    assert passkeys.all_of(db, person)[0].synced


def test_a_proof_is_tied_to_person_act_and_session(db: Session, lin: Holder) -> None:
    session = ids.new_id()
    for person, binding, of in (
        (ids.new_id(), b"500.00", session), (lin.id, b"501.00", session), (lin.id, None, session),
        (lin.id, b"500.00", None),
    ):  # fmt: skip
        wall.enter(db, party=lin.id, person=lin.id)
        asked, options = passkeys.options(db, lin.id, binding=b"500.00", now=NOW, session_id=session)
        with pytest.raises(passkeys.ChallengeGone):
            passkeys.verify(
                db, asked, lin.device.answer(options), person_id=person, binding=binding, now=NOW, session_id=of
            )
    asked, options = passkeys.options(db, lin.id, binding=b"500.00", now=NOW, session_id=session)
    answer = lin.device.answer(options)
    proof = passkeys.verify(db, asked, answer, person_id=lin.id, binding=b"500.00", now=NOW, session_id=session)
    assert proof.person_id == lin.id


def test_a_question_of_one_purpose_is_no_question_of_another(db: Session, lin: Holder) -> None:
    wall.enter(db, party=lin.id, person=lin.id)
    asked, options = passkeys.options(db, lin.id, binding=None, now=NOW)
    with pytest.raises(passkeys.ChallengeGone):
        passkeys.verify_sign_in(db, asked, lin.device.answer(options), BROWSER, now=NOW)


def test_another_persons_key_proves_nothing_here(db: Session, lin: Holder) -> None:
    mo = sessions.add_person(db, now=NOW)
    device = Authenticator()
    asked, options = passkeys.register_options(db, mo, name="x", now=NOW)
    passkeys.keep(db, passkeys.check_registration(db, asked, device.make(options), now=NOW), name="", now=NOW)
    wall.enter(db, party=lin.id, person=lin.id)
    asked, options = passkeys.options(db, lin.id, binding=None, now=NOW)
    with pytest.raises(passkeys.NotVerified):
        passkeys.verify(db, asked, device.answer(options), person_id=lin.id, binding=None, now=NOW)


def test_a_key_is_kept_once(db: Session, lin: Holder) -> None:
    wall.enter(db, party=lin.id, person=lin.id)
    asked, options = passkeys.register_options(db, lin.id, name="x", now=NOW)
    with pytest.raises(passkeys.NotVerified):
        passkeys.check_registration(db, asked, lin.device.make(options), now=NOW)


def test_keys_are_named_renamed_and_removed_but_never_the_last_way_in(db: Session, lin: Holder) -> None:
    who = Actor(ActorKind.PERSON, person_id=lin.id, party_id=lin.id)
    wall.enter(db, party=lin.id, person=lin.id)
    key = passkeys.all_of(db, lin.id)[0]
    assert key.name == "我的手机"
    passkeys.rename(db, who, key.id, "  旧\n手机\x00 ", now=NOW)
    assert passkeys.all_of(db, lin.id)[0].name == "旧手机"
    with pytest.raises(passkeys.LastWayIn):
        passkeys.remove(db, who, key.id, now=NOW, others=False)
    passkeys.remove(db, who, key.id, now=NOW, others=True)
    assert passkeys.all_of(db, lin.id) == ()
    with pytest.raises(passkeys.NotVerified):
        sign_in(db, lin.device)


def test_old_questions_are_swept_by_the_worker(db: Session, lin: Holder) -> None:
    from anhuan.kit import db as database

    assert actors.NOBODY.person_id is None
    with database.sessions("work").begin() as worker:
        wall.everybody(worker)
        assert store_signin.sweep(worker, before=NOW - timedelta(days=1)) == 0
