"""Money leaves once: whatever the bank does, whoever is killed when, and however many workers there are."""

import threading
from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest
from sqlalchemy import text
from tests.channels.conftest import NOW, World, recorded

from anhuan.channels import delivery, service, store, store_house
from anhuan.channels.model import (
    Barred,
    BreakerOpen,
    CardStopped,
    Instruction,
    NotLive,
    OtherBody,
    Rejected,
    Settled,
    State,
    StillOpen,
    Unfit,
    Unknown,
    UnknownInstruction,
    Why,
    Window,
)
from anhuan.kit import db as database
from anhuan.kit import wall

pytestmark = pytest.mark.scope("S0-38", "S2-04")


class Killed(BaseException):
    """The process ends here."""


def test_a_success_is_one_call_and_one_debit(world: World) -> None:
    made = world.prepare()
    assert isinstance(world.deliver(made), Settled)
    assert isinstance(world.deliver(made), Settled)  # run again: the row knows, nobody is called
    assert (world.bank.sent[str(made.key)], world.bank.asked[str(made.key)]) == (1, 0)
    assert world.bank.debits[str(made.key)] == 1


def test_prepared_twice_is_one_instruction_with_the_same_bytes(world: World) -> None:
    first, second = world.prepare(), world.prepare()
    assert (first.key, first.body) == (second.key, second.body)
    with pytest.raises(StillOpen):
        world.prepare(amount=50_001)


def test_a_timeout_is_unknown_and_asking_finds_what_was_done(world: World) -> None:
    made = world.prepare()
    world.bank.next, world.connector.seconds = ["hang"], 0.4
    assert world.deliver(made) == Unknown(Why.NO_ANSWER, made_next(world, made))
    assert world.state(made) is State.UNKNOWN
    world.clock.pass_(seconds=30)
    world.connector.seconds = 60
    assert isinstance(world.again(made), Settled)
    assert world.bank.debits[str(made.key)] == 1


def made_next(world: World, made: Instruction) -> datetime | None:
    with world.rows() as db:
        row = store.instruction(db, world.party, made.key)
        assert row is not None
        return row.next_ask_at


def test_a_timeout_is_never_followed_by_a_send_where_the_channel_promises_nothing(world: World) -> None:
    recorded(world, idempotent_by_key=False)
    world.bank.idempotent = False
    made = world.prepare()
    world.bank.next = ["lost"]
    world.deliver(made)
    for _ in range(5):
        world.clock.pass_(minutes=3)
        assert world.deliver(made) == world_unknown(world, made, Why.NOT_FOUND)
    assert world.bank.sent[str(made.key)] == 1
    world.clock.pass_(minutes=16)
    assert world.again(made) == Rejected("not_found")


def world_unknown(world: World, made: Instruction, why: Why) -> Unknown:
    return Unknown(why, made_next(world, made))


def test_not_found_becomes_a_no_only_after_its_time(world: World) -> None:
    made = world.prepare()
    world.bank.next = ["lost"]
    world.deliver(made)
    world.clock.pass_(minutes=29)
    assert isinstance(world.again(made), Unknown)
    world.clock.pass_(minutes=2)
    assert world.again(made) == Rejected("not_found")
    assert world.prepare(attempt=2).key != made.key


def test_not_found_early_changes_nothing_and_the_payment_is_found_later(world: World) -> None:
    made = world.prepare()
    world.bank.next, world.bank.answers = ["hang up"], ["not found", "not found"]
    world.deliver(made)
    for _ in range(2):
        world.clock.pass_(minutes=1)
        assert isinstance(world.again(made), Unknown)
    assert isinstance(world.again(made), Settled)
    assert world.bank.debits[str(made.key)] == 1


@pytest.mark.parametrize("idempotent", [True, False])
@pytest.mark.parametrize("arrived", [True, False])
def test_killed_between_the_row_and_the_answer_the_next_worker_asks_first(
    world: World, idempotent: bool, arrived: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(world, idempotent_by_key=idempotent)
    world.bank.idempotent = idempotent
    made = world.prepare()
    send = world.connector.pay

    def killed(instruction: Instruction) -> None:
        if arrived:
            send(instruction)
        raise Killed

    monkeypatch.setattr(world.connector, "pay", killed)
    with pytest.raises(Killed):
        world.deliver(made)
    monkeypatch.undo()
    assert world.state(made) is State.CREATED
    answer = world.deliver(made)
    assert world.bank.asked[str(made.key)] == 1
    assert world.bank.debits[str(made.key)] == (1 if arrived or idempotent else 0)
    assert isinstance(answer, Settled) is (arrived or idempotent)
    world.clock.pass_(hours=1)
    world.deliver(made)
    assert world.bank.debits[str(made.key)] <= 1


def test_killed_before_the_answer_is_recorded_the_answer_is_heard_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = world.prepare()

    def killed(*_: object, **__: object) -> None:
        raise Killed

    monkeypatch.setattr(service, "note", killed)
    with pytest.raises(Killed):
        world.deliver(made)
    monkeypatch.undo()
    assert isinstance(world.deliver(made), Settled)
    assert world.bank.debits[str(made.key)] == 1
    with world.rows() as db:
        verbs = [one.verb for one in store.messages(db, world.party, made.key)]
    assert verbs == ["pay", "ask"]  # what was heard before the end was kept before it was acted on


@pytest.mark.parametrize("idempotent", [True, False])
def test_two_workers_at_once_make_one_debit(world: World, idempotent: bool) -> None:
    recorded(world, idempotent_by_key=idempotent)
    world.bank.idempotent = idempotent
    made = world.prepare()
    both = threading.Barrier(4)
    found: list[object] = []

    def work() -> None:
        both.wait()
        found.append(world.deliver(made))

    workers = [threading.Thread(target=work) for _ in range(4)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    assert len(found) == 4
    assert world.bank.debits[str(made.key)] == 1
    assert isinstance(world.deliver(made), Settled)


def test_busy_says_that_nothing_was_taken_so_the_bytes_may_go_out_again_but_once(world: World) -> None:
    recorded(world, idempotent_by_key=False)
    world.bank.idempotent = False
    made = world.prepare()
    world.bank.next = ["busy", "hang up"]
    answer = world.deliver(made)
    assert isinstance(answer, Unknown)
    assert (answer.why, world.state(made)) == (Why.BUSY, State.CREATED)
    world.clock.pass_(minutes=1)
    world.deliver(made)  # asked, not known, sent again: and this time nobody answers
    world.bank.answers = ["not found"] * 3
    for _ in range(3):
        world.clock.pass_(minutes=1)
        world.deliver(made)
    assert world.bank.sent[str(made.key)] == 2
    assert world.bank.debits[str(made.key)] == 1


def test_busy_about_a_question_says_nothing_about_the_bytes(world: World) -> None:
    recorded(world, idempotent_by_key=False)
    world.bank.idempotent = False
    made = world.prepare()
    world.bank.next, world.bank.answers = ["hang up"], ["busy", "not found"]
    world.deliver(made)
    for _ in range(2):
        world.clock.pass_(minutes=1)
        world.deliver(made)
    assert world.bank.sent[str(made.key)] == 1


def test_another_body_under_our_key_stops_everything(world: World) -> None:
    made = world.prepare()
    world.bank.bodies[str(made.key)] = b"something else"
    world.bank.states[str(made.key)] = {"state": "success", "amount": 1}
    with pytest.raises(OtherBody):
        world.deliver(made)
    with pytest.raises(OtherBody):
        world.deliver(made)
    assert world.bank.sent[str(made.key)] == 1
    with pytest.raises((Barred, StillOpen)):
        world.prepare(attempt=2)
    with database.sessions("audit").begin() as db:
        acts = db.scalars(text("SELECT payload::jsonb ->> 'act' FROM audit_log")).all()
    assert {"channel.stopped", "channel.contradiction"} <= set(acts)


def test_altered_bytes_never_leave_the_house(world: World) -> None:
    made = world.prepare()
    with delivery._transaction(world.party, world.clock()) as db:
        row = store.instruction(db, world.party, made.key)
        assert row is not None
        row.body = row.body.replace(b"50000", b"90000")
    with pytest.raises(OtherBody):
        world.deliver(made)
    assert world.bank.sent[str(made.key)] == 0


def test_a_final_no_opens_the_next_attempt_and_an_unlisted_one_does_not(world: World) -> None:
    made = world.prepare()
    world.bank.next = ["no:insufficient_funds"]
    assert world.deliver(made) == Rejected("insufficient_funds")
    second = world.prepare(attempt=2)
    world.bank.next = ["no:something_new"]
    assert isinstance(world.deliver(second), Unknown)
    with pytest.raises(StillOpen):
        world.prepare(attempt=3)
    with world.rows() as db:
        assert [one.field for one in store_house.flags(db)] == ["final_codes"]


def test_a_return_is_a_row_of_its_own_and_opens_the_next_attempt(world: World) -> None:
    made = world.prepare()
    world.deliver(made)
    with pytest.raises(StillOpen):
        world.prepare(attempt=2)
    event = {"kind": "returned", "at": "2026-11-23T02:00:00+00:00", "amount": 50_000}
    world.bank.states[str(made.key)] = {"state": "success", "amount": 50_000, "event": event}
    world.clock.pass_(days=1)
    for _ in range(3):
        world.again(made)
    with world.rows() as db:
        assert [one.kind for one in store.events(db, world.party, made.key)] == ["returned"]
    assert world.state(made) is State.SUCCESS  # the first stays as it was
    assert world.prepare(attempt=2).attempt == 2


def test_part_of_the_money_back_opens_nothing(world: World) -> None:
    made = world.prepare()
    world.deliver(made)
    event = {"kind": "returned", "at": "2026-11-23T02:00:00+00:00", "amount": 20_000}
    world.bank.states[str(made.key)] = {"state": "success", "amount": 50_000, "event": event}
    world.again(made)
    with pytest.raises(StillOpen):
        world.prepare(attempt=2)


@pytest.mark.parametrize(("first", "then", "kind"), [
    ("no:insufficient_funds", {"state": "success", "amount": 50_000}, "paid_after_no"),
    ("no:insufficient_funds", {"state": "processing"}, "alive_after_no"),
    ("success", {"state": "failed", "code": "insufficient_funds"}, "no_after_paid"),
    ("success", {"state": "success", "amount": 49_999}, "other_amount"),
])  # fmt: skip
def test_a_contradicted_end_stays_and_bars_the_next_attempt(
    world: World, first: str, then: dict[str, object], kind: str
) -> None:
    made = world.prepare()
    world.bank.next = [first]
    world.deliver(made)
    before = world.state(made)
    world.bank.states[str(made.key)] = then
    world.again(made)
    world.again(made)
    assert world.state(made) is before
    with world.rows() as db:
        assert [one.kind for one in store.contradictions(db, world.party, [made.key])] == [kind]
    with pytest.raises(Barred):
        world.prepare(attempt=2)


def test_everything_that_was_said_is_kept_with_its_hash(world: World) -> None:
    made = world.prepare()
    world.bank.next = ["hang up"]
    world.deliver(made)
    world.again(made)
    with world.rows() as db:
        held = store.messages(db, world.party, made.key)
        assert [(one.verb, one.status) for one in held] == [("pay", -1), ("ask", 200)]
        assert all(len(one.sha256) == 64 for one in held)
        raw = db.execute(text("SELECT content FROM channel_messages")).scalars().all()
    assert not any(b"success" in bytes(one) for one in raw)  # sealed


def test_nothing_is_sent_without_a_licence_that_day_and_no_job_is_needed_for_it(world: World) -> None:
    made = world.prepare(expires_at=NOW + timedelta(days=60))
    world.clock.now = NOW.replace(month=12, day=31, hour=15)  # 23:00 on the last day in China
    world.clock.pass_(hours=2)
    with pytest.raises(NotLive):
        world.deliver(made)
    with pytest.raises(NotLive):
        world.prepare(part=2)
    assert world.bank.sent[str(made.key)] == 0
    world.clock.pass_(hours=-2)
    assert isinstance(world.deliver(made), Settled)


def test_what_was_sent_is_followed_to_its_end_although_the_licence_has_ended(world: World) -> None:
    made = world.prepare()
    world.bank.next = ["accepted"]
    world.deliver(made)
    world.clock.now = NOW.replace(year=2027)
    assert isinstance(world.again(made), Settled)


def test_what_was_never_sent_can_be_withdrawn_and_runs_out(world: World) -> None:
    made, other = world.prepare(), world.prepare(part=2)
    with world.rows() as db:
        assert service.withdraw(db, world.party, made.key, now=NOW) == Rejected("withdrawn")
    assert world.deliver(made) == Rejected("withdrawn")
    world.clock.pass_(hours=25)
    assert world.deliver(other) == Rejected("expired")
    assert not world.bank.sent


def test_withdrawing_what_was_sent_follows_it_to_its_end(world: World) -> None:
    made = world.prepare()
    world.bank.next = ["processing"]
    world.deliver(made)
    with world.rows() as db:
        assert isinstance(service.withdraw(db, world.party, made.key, now=NOW), Unknown)
    assert isinstance(world.again(made), Settled)


def test_nothing_is_sent_inside_a_maintenance_window(world: World) -> None:
    recorded(world, maintenance=(Window(time(9, 30), time(10, 30)),))
    made = world.prepare()
    assert world.deliver(made) == Unknown(Why.BUSY, NOW + timedelta(minutes=30))
    assert not world.bank.sent
    world.clock.pass_(minutes=31)
    assert isinstance(world.deliver(made), Settled)


def test_a_silent_channel_opens_its_breaker_and_a_good_answer_closes_it(world: World) -> None:
    world.bank.next = ["lost"] * 5
    made = [world.prepare(part=part) for part in range(1, 7)]
    for one in made[:5]:
        world.deliver(one)
    with pytest.raises(BreakerOpen):
        world.prepare(part=9)
    held = world.deliver(made[5])
    assert isinstance(held, Unknown)
    assert held.why is Why.BUSY
    assert world.bank.sent[str(made[5].key)] == 0
    world.clock.pass_(seconds=61)
    assert isinstance(world.deliver(made[5]), Settled)
    assert world.prepare(part=9).part == 9


def test_a_frozen_card_stops_this_card_alone(world: World) -> None:
    made = world.prepare()
    world.bank.next = ["no:card_frozen"]
    assert world.deliver(made) == Rejected("card_frozen")
    with pytest.raises(CardStopped):
        world.prepare(attempt=2)
    assert world.prepare(part=2, card_ref="card-0001").part == 2


@pytest.mark.parametrize("changes", [
    {"amount": 99},  # below the smallest
    {"amount": 300_001},  # above the largest: split before it comes here
    {"amount": 0},
    {"currency": "USD"},
    {"funding_kind": "credit_card"},  # never another card
])  # fmt: skip
def test_what_the_record_does_not_allow_is_refused_before_anything_is_made(
    world: World, changes: dict[str, object]
) -> None:
    with pytest.raises(Unfit):
        world.prepare(**changes)


def test_the_limit_of_a_day_counts_what_stands(world: World) -> None:
    for part in (1, 2, 3):
        world.prepare(part=part, amount=300_000)
    with pytest.raises(Unfit):
        world.prepare(part=4, amount=100)
    world.clock.pass_(days=1)
    assert world.prepare(part=4, amount=100).part == 4


def test_a_broken_connector_is_an_unknown_and_never_a_no(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made = world.prepare()

    def broken(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(world.connector, "pay", broken)
    assert isinstance(world.deliver(made), Unknown)
    monkeypatch.setattr(world.connector, "ask", lambda _: "nonsense")
    assert isinstance(world.again(made), Unknown)
    assert world.state(made) is State.UNKNOWN


def test_questions_go_on_with_growing_pauses_and_never_end_in_a_guess(world: World) -> None:
    made = world.prepare()
    world.bank.next, world.bank.answers = ["processing"], ["processing"] * 9
    answer, pauses = world.deliver(made), list[float]()
    for _ in range(9):
        assert isinstance(answer, Unknown)
        assert answer.again_at is not None
        pauses.append((answer.again_at - world.clock()).total_seconds())
        world.clock.now = answer.again_at
        answer = world.again(made)
    assert pauses == sorted(pauses)
    assert pauses[-1] == 14400
    assert world.state(made) is State.PROCESSING


def test_nobody_elses_instruction_can_be_read_or_delivered(world: World) -> None:
    made = world.prepare()
    stranger = replace(world, party=made.order_id)
    with pytest.raises(UnknownInstruction):
        stranger.deliver(made)
    with database.transaction() as db:
        wall.enter(db, party=made.order_id, person=made.order_id)
        assert store.instruction(db, world.party, made.key) is None
