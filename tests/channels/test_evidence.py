"""By hand with evidence: the user's word, then bank data; a proof can be doubted and nothing is ever deleted."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from tests.channels.conftest import NOW, TODAY, World
from tests.identity.desk import acting, at_desk

from anhuan.channels import evidence, instructions, manual, service, store
from anhuan.channels.evidence import Proof
from anhuan.channels.evidence_rules import Arrival, Kind, Piece, arrived_on, standing
from anhuan.channels.model import (
    Instruction,
    NoEvidence,
    NotByHand,
    Rejected,
    Settled,
    State,
    Unknown,
    Why,
)
from anhuan.identity import Role
from anhuan.kit import db as database
from anhuan.kit import ids, wall
from anhuan.kit.actors import Actor

pytestmark = pytest.mark.scope("S2-35", "S3-14")
STATEMENT = Proof(Kind.STATEMENT, "statement line 17", posted_on=TODAY, amount=50_000)


def by_hand(world: World) -> Instruction:
    made = world.prepare(channel="bank_app")
    world.deliver(made)
    return made


def holder(world: World) -> Actor:
    return acting(world.party, Role.HOLDER)


@contextmanager
def worker(world: World) -> Iterator[Session]:
    """The party's rows, by the worker's login: what banks say comes in there."""
    with database.sessions("work").begin() as db:
        wall.enter(db, party=world.party, person=world.party)
        yield db


def given(world: World, made: Instruction, proof: Proof = STATEMENT, by: UUID | None = None) -> UUID:
    with worker(world) as db:
        return evidence.give(db, service.WORKER, world.party, made.key, proof, now=world.clock(), confirmed_by=by)


def weighed(world: World, made: Instruction) -> object:
    with worker(world) as db:
        return evidence.weigh(db, world.party, made.key, now=world.clock())


def arrival(world: World, made: Instruction) -> Arrival:
    with world.rows() as db:
        return evidence.of(db, world.party, made.key).arrival


def test_by_hand_nothing_goes_out_and_the_steps_are_told(world: World) -> None:
    made = by_hand(world)
    assert world.state(made) is State.PROCESSING
    assert world.deliver(made) == Unknown(Why.PROCESSING)  # nobody to ask, and nothing is sent again
    told = manual.steps(made, on=TODAY)
    assert (told.amount, told.way_zh) == (50_000, "打开招商银行的手机银行，在「信用卡」里选「还款」")
    assert "China Merchants Bank" in told.way_en
    assert not world.bank.sent


def test_killed_before_its_answer_was_kept_a_payment_by_hand_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = world.prepare(channel="bank_app")

    def killed(*_: object, **__: object) -> None:
        raise SystemExit

    monkeypatch.setattr(service, "note", killed)
    with pytest.raises(SystemExit):
        world.deliver(made)
    monkeypatch.undo()
    assert world.state(made) is State.CREATED
    assert world.deliver(made) == Unknown(Why.PROCESSING)


def test_the_users_word_is_no_proof_and_the_statement_is(world: World) -> None:
    made = by_hand(world)
    with world.rows() as db:
        evidence.mark_paid(db, holder(world), world.party, made.key, now=NOW, note="手机银行")
    assert isinstance(weighed(world, made), Unknown)
    assert arrival(world, made) is Arrival.MARKED
    given(world, made)
    assert isinstance(weighed(world, made), Settled)
    assert (world.state(made), arrival(world, made)) == (State.SUCCESS, Arrival.ARRIVED)


def test_not_paid_ends_it_and_opens_the_next_attempt(world: World) -> None:
    made = by_hand(world)
    with world.rows() as db:
        evidence.mark_unpaid(db, holder(world), world.party, made.key, now=NOW)
    assert weighed(world, made) == Rejected("not_paid")
    assert world.prepare(channel="bank_app", attempt=2).attempt == 2


def test_a_proof_after_the_word_not_paid_is_a_contradiction_that_bars(world: World) -> None:
    made = by_hand(world)
    with world.rows() as db:
        evidence.mark_unpaid(db, holder(world), world.party, made.key, now=NOW)
    weighed(world, made)
    given(world, made)
    weighed(world, made)
    assert world.state(made) is State.FAILED
    with world.rows() as db:
        assert [one.kind for one in store.contradictions(db, world.party, [made.key])] == ["paid_after_no"]


@pytest.mark.parametrize(("proof", "by"), [
    (STATEMENT, False),
    (Proof(Kind.BANK_FILE, "entry 3", posted_on=TODAY, amount=50_000), False),
    (Proof(Kind.BANK_NOTICE, "sms", posted_on=TODAY), True),
    (Proof(Kind.RECEIPT, "receipt", posted_on=TODAY, receipt_sha256="ab" * 32), True),
])  # fmt: skip
def test_the_webs_login_brings_words_and_no_proof(world: World, proof: Proof, by: bool) -> None:
    made = by_hand(world)
    with world.rows() as db:
        evidence.mark_paid(db, holder(world), world.party, made.key, now=NOW)
    with pytest.raises(DBAPIError, match="web_words"), world.rows() as db:
        evidence.give(db, holder(world), world.party, made.key, proof, now=NOW,
                      confirmed_by=world.party if by else None)  # fmt: skip
    assert arrival(world, made) is Arrival.MARKED


def test_the_same_proof_twice_is_one_row(world: World) -> None:
    made = by_hand(world)
    assert given(world, made) == given(world, made)


def test_a_doubted_proof_stays_and_says_in_doubt_until_a_new_one_comes(world: World) -> None:
    made = by_hand(world)
    first = given(world, made)
    weighed(world, made)
    with world.rows() as db:
        evidence.doubt(db, holder(world), world.party, made.key, first, reason="记在别人的账单上", now=NOW)
    assert arrival(world, made) is Arrival.IN_DOUBT
    assert world.state(made) is State.SUCCESS  # nothing goes back
    given(world, made, Proof(Kind.STATEMENT, "statement line 3", posted_on=TODAY + timedelta(days=2), amount=50_000))
    with world.rows() as db:
        seen = evidence.of(db, world.party, made.key)
    assert (seen.arrival, seen.on, len(seen.rows)) == (Arrival.ARRIVED, date(2026, 11, 24), 3)


def test_another_amount_on_the_card_is_a_contradiction(world: World) -> None:
    made = by_hand(world)
    given(world, made, Proof(Kind.STATEMENT, "line 9", posted_on=TODAY, amount=49_000))
    weighed(world, made)
    with world.rows() as db:
        assert [one.kind for one in store.contradictions(db, world.party, [made.key])] == ["other_amount_arrived"]


@pytest.mark.parametrize("proof", [
    Proof(Kind.RECEIPT, "receipt", posted_on=TODAY),  # no hash
    Proof(Kind.RECEIPT, "receipt", posted_on=TODAY, receipt_sha256="ab" * 32),  # nobody checked it
    Proof(Kind.BANK_NOTICE, "sms", posted_on=TODAY),
    Proof(Kind.STATEMENT, "line"),  # no day
    Proof(Kind.STATEMENT, " ", posted_on=TODAY),  # from nowhere
    Proof(Kind.DOUBT, "line", posted_on=TODAY),
    Proof(Kind.MARKED, "line", posted_on=TODAY),
])  # fmt: skip
def test_what_is_no_proof_is_refused(world: World, proof: Proof) -> None:
    made = by_hand(world)
    with pytest.raises(NoEvidence):
        given(world, made, proof)


def test_an_operator_confirms_a_receipt_in_the_own_name_and_in_no_other(world: World) -> None:
    made = by_hand(world)
    operator, proof = acting(ids.new_id(), Role.OPERATIONS), Proof(
        Kind.RECEIPT, "receipt 1", posted_on=TODAY, amount=50_000, receipt_sha256="ab" * 32
    )  # fmt: skip
    with pytest.raises(DBAPIError, match="row-level security"):
        confirmed(world, made, operator, proof, by=ids.new_id())
    confirmed(world, made, operator, proof, by=operator.person_id)
    assert isinstance(weighed(world, made), Settled)


def confirmed(world: World, made: Instruction, who: Actor, proof: Proof, *, by: UUID | None) -> None:
    with at_desk(who) as db:
        wall.enter(db, party=world.party, person=who.person_id)
        evidence.give(db, who, world.party, made.key, proof, now=NOW, confirmed_by=by)


def test_what_a_channel_carries_is_not_told_by_hand(world: World) -> None:
    made = world.prepare()
    with world.rows() as db, pytest.raises(NotByHand):
        evidence.mark_paid(db, holder(world), world.party, made.key, now=NOW)


def test_bank_data_settle_what_no_channel_answers(world: World) -> None:
    made = world.prepare()
    world.bank.next, world.bank.answers = ["hang up"], ["silent"]
    world.deliver(made)
    given(world, made)
    assert isinstance(weighed(world, made), Settled)


@pytest.mark.parametrize("login", ["app", "desk"])
def test_evidence_is_never_edited_or_deleted(world: World, login: str) -> None:
    given(world, by_hand(world))
    for statement in ("DELETE FROM channel_evidence", "UPDATE channel_evidence SET kind = 'marked'"):
        with pytest.raises(DBAPIError, match="permission denied"), database.sessions(login).begin() as db:
            db.execute(text(statement))


@pytest.mark.parametrize("said", [
    "amount_minor = amount_minor", "state = 'success', final_at = now()", "state = 'failed', final_code = 'not_paid',"
    " final_at = now(), stands = false", "sent_at = now()", "next_look_at = NULL",
])  # fmt: skip
def test_the_webs_login_changes_nothing_of_an_instruction_but_to_take_it_back(world: World, said: str) -> None:
    world.prepare()
    with pytest.raises(DBAPIError, match=r"permission denied|web_takes_back"), world.rows() as db:
        db.execute(text(f"UPDATE channel_instructions SET {said}"))


def test_the_webs_login_takes_nothing_back_that_was_sent(world: World) -> None:
    made = by_hand(world)
    taken_back = "state = 'failed', final_code = 'withdrawn', final_at = now(), stands = false"
    with pytest.raises(DBAPIError, match="web_takes_back"), world.rows() as db:
        db.execute(text(f"UPDATE channel_instructions SET {taken_back}"))
    assert world.state(made) is State.PROCESSING


def test_what_a_channel_says_with_its_no_is_kept_sealed_and_told_again(world: World) -> None:
    made = world.prepare()
    said = Rejected("insufficient_funds", "余额不足，还差 12.34 元", missing=1_234)
    with worker(world) as db:
        service.take_up(db, world.party, made.key, now=NOW)
        service.note(db, world.party, made.key, said, now=NOW, asked=False)
        assert instructions.known(db, world.party, made.key) == said
        kept = db.execute(text("SELECT no_message, missing_minor FROM channel_instructions")).one()
    assert all("1234" not in str(part) and isinstance(part, bytes) for part in kept)


def piece(kind: Kind, about: UUID | None = None, number: int = 1) -> Piece:
    return Piece(UUID(int=number), kind, TODAY, about)


@pytest.mark.parametrize(("pieces", "found"), [
    ([], Arrival.NOTHING),
    ([piece(Kind.MARKED)], Arrival.MARKED),
    ([piece(Kind.MARKED), piece(Kind.UNPAID)], Arrival.UNPAID),  # the last word
    ([piece(Kind.UNPAID), piece(Kind.MARKED)], Arrival.MARKED),
    ([piece(Kind.UNPAID), piece(Kind.STATEMENT)], Arrival.ARRIVED),
    ([piece(Kind.STATEMENT), piece(Kind.DOUBT, UUID(int=1), 2)], Arrival.IN_DOUBT),
    ([piece(Kind.STATEMENT), piece(Kind.DOUBT, UUID(int=9), 2)], Arrival.ARRIVED),  # about something else
    ([piece(Kind.STATEMENT), piece(Kind.RECEIPT, None, 3), piece(Kind.DOUBT, UUID(int=1), 2)], Arrival.ARRIVED),
])  # fmt: skip
def test_what_evidence_tells_together(pieces: list[Piece], found: Arrival) -> None:
    assert standing(pieces) is found
    assert (arrived_on(pieces) is not None) is (found is Arrival.ARRIVED)


def test_whoever_gives_evidence_is_written_down(world: World) -> None:
    given(world, by_hand(world))
    with database.sessions("audit").begin() as db:
        acts = db.scalars(text("SELECT payload::jsonb ->> 'act' FROM audit_log")).all()
    assert "evidence.given" in acts
