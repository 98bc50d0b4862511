"""Callbacks: kept whatever they are, believed only when signed, and never more than a reason to ask."""

import json
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from tests.channels.bank import NAME
from tests.channels.conftest import NOW, World

from anhuan import api
from anhuan.channels import hearing, journey, limits, store_house
from anhuan.channels.hearing import Verdict
from anhuan.channels.model import CALLBACK_PATH, Instruction, State
from anhuan.identity import admit
from anhuan.kit import clock, ids, rates
from anhuan.kit import db as database

pytestmark = pytest.mark.scope("S0-38")
PATH = CALLBACK_PATH.format(channel=NAME).removeprefix("/api/v1")


def said(key: UUID, event: str = "e1", *, at: str = NOW.isoformat()) -> bytes:
    return json.dumps({"key": str(key), "event_id": event, "state": "success", "at": at}).encode()


@pytest.fixture
def door(world: World) -> Iterator[TestClient]:
    """The JSON door as a bank's program reaches it."""
    app = api.create()
    app.state.sessions = database.sessions
    app.state.desk = lambda: database.sessions("desk")
    app.state.admit = admit
    app.state.clock = world.clock
    with TestClient(app) as client:
        yield client


def post(door: TestClient, body: bytes, *, signature: str = "good", path: str = PATH) -> int:
    return door.post(path, content=body, headers={"X-Sign-Signature": signature}).status_code


def verdicts() -> list[str]:
    with database.sessions("work").begin() as db:
        return [one.verdict for one in reversed(store_house.callbacks(db, NAME))]


def promised() -> list[str]:
    """The callbacks that somebody will ask about."""
    with database.sessions("work").begin() as db:
        asked = "SELECT args ->> 'callback' FROM procrastinate_jobs WHERE task_name = :name ORDER BY id"
        return list(db.scalars(text(asked), {"name": hearing.HEARD}).all())


def sent(world: World, how: str) -> Instruction:
    made = world.prepare()
    world.bank.next = [how]
    world.deliver(made)
    return made


def test_a_callback_makes_us_ask_and_the_answer_counts_not_what_it_claims(
    door: TestClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = sent(world, "processing")
    world.bank.states[str(made.key)] = {"state": "failed", "code": "insufficient_funds"}
    assert post(door, said(made.key)) == 204  # it claims success
    assert world.state(made) is State.PROCESSING
    monkeypatch.setattr(clock, "now", world.clock)
    for one in promised():
        journey.heard(one)
    assert world.state(made) is State.FAILED


def test_the_same_callback_three_times_is_three_receipts_and_one_question(door: TestClient, world: World) -> None:
    made = sent(world, "processing")
    assert [post(door, said(made.key)) for _ in range(3)] == [204, 204, 204]
    assert sorted(verdicts()) == ["hint", "replay", "replay"]
    assert len(promised()) == 1


@pytest.mark.parametrize(("body", "signature", "verdict"), [
    (said(ids.new_id()), "bad", Verdict.FORGED),
    (b"not even JSON", "bad", Verdict.FORGED),
    (b"", "bad", Verdict.FORGED),
    (said(ids.new_id(), event=""), "good", Verdict.FORGED),
    (said(ids.new_id(), event="e" * 500), "good", Verdict.FORGED),
    (said(ids.new_id(), at=(NOW - timedelta(hours=1)).isoformat()), "good", Verdict.STALE),
])  # fmt: skip
def test_what_is_not_believed_is_kept_as_an_event_of_security_and_changes_nothing(
    door: TestClient, world: World, body: bytes, signature: str, verdict: Verdict
) -> None:
    assert post(door, body, signature=signature) == 401
    assert (verdicts(), promised()) == ([verdict.value], [])
    with database.sessions("audit").begin() as db:
        facts = db.scalars(text("SELECT payload::jsonb ->> 'act' FROM audit_log ORDER BY number DESC LIMIT 1")).one()
    assert facts == "channel.forged"


def test_callbacks_out_of_order_end_in_what_the_bank_says_now(
    door: TestClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = sent(world, "accepted")
    for event in ("3-success", "1-failed", "2-processing"):
        assert post(door, said(made.key, event)) == 204
    monkeypatch.setattr(clock, "now", world.clock)
    for one in promised():
        journey.heard(one)
    assert world.state(made) is State.SUCCESS
    assert world.bank.debits[str(made.key)] == 1


def test_a_key_that_nobody_has_is_kept_and_left_alone(door: TestClient, world: World) -> None:
    assert post(door, said(ids.new_id())) == 204
    journey.heard(promised()[0])
    assert not world.bank.asked


def test_what_is_too_long_is_not_read_and_an_unknown_channel_is_not_found(door: TestClient, world: World) -> None:
    assert post(door, b"x" * 70_000) == 413
    for channel in ("nobody", "manual", "simbank"):  # unknown, by hand, not set up here: told alike
        assert post(door, b"{}", path=f"/callbacks/{channel}") == 404
    assert verdicts() == []


def test_of_what_is_not_believed_only_the_beginning_is_kept(door: TestClient, world: World) -> None:
    assert post(door, b"x" * 60_000, signature="bad") == 401
    with database.sessions("work").begin() as db:
        (row,) = store_house.callbacks(db, NAME)
    assert (len(row.content), row.sha256) == (hearing.KEPT_BYTES, limits.sha256(b"x" * 60_000))


def test_a_flood_is_slowed_down(door: TestClient, world: World) -> None:
    world.clock.pass_(hours=3)  # this process remembers whom it refused; the other tests are earlier
    codes = {post(door, said(ids.new_id()), signature="bad") for _ in range(8)}
    assert codes == {401}
    limit = rates.limit("callbacks.address", on=NOW.date())
    for _ in range(limit.at_once):
        try:
            rates.take("testclient", limit, now=world.clock(), sessions=database.sessions())
        except rates.TooMany:
            break
    assert post(door, said(ids.new_id())) == 429


def test_what_a_callback_said_is_sealed_and_the_door_cannot_read_it(door: TestClient, world: World) -> None:
    made = sent(world, "processing")
    post(door, said(made.key))
    with database.sessions("work").begin() as db:
        raw = db.execute(text("SELECT content FROM channel_callbacks")).scalar_one()
        assert store_house.callbacks(db, NAME)[0].content == said(made.key)
    assert str(made.key).encode() not in bytes(raw)
    with pytest.raises(Exception, match="permission denied"), database.transaction() as db:
        db.execute(text("SELECT content FROM channel_callbacks"))
