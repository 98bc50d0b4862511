"""A contradiction bars its part until two people have cleared it: the acts, the pages, and the payment after it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from starlette.testclient import TestClient
from tests.channels.conftest import NOW, World
from tests.identity.desk import acting, at_desk
from tests.people import browser

from anhuan import app as pages
from anhuan.channels import clearing, evidence, instructions, service, store
from anhuan.channels.evidence_rules import Kind
from anhuan.channels.model import Barred, Instruction, OtherBody, Rejected, State, StillOpen
from anhuan.identity import Role, changes, looking
from anhuan.identity.desk_page import notices
from anhuan.identity.model import ReasonTooShort
from anhuan.identity.rights import DESK, WHO_MAY
from anhuan.kit import audit, ids, wall
from anhuan.kit import db as database
from anhuan.kit.actors import Actor

WHY = "银行书面确认未扣款，第 17 号函"
CHANNELS = "/desk/channels"


def barred(world: World) -> Instruction:
    """An instruction of which the bank said no, and then that it is on its way."""
    made = world.prepare()
    world.bank.next = ["no:insufficient_funds"]
    world.deliver(made)
    world.bank.states[str(made.key)] = {"state": "processing"}
    world.again(made)
    with pytest.raises(Barred):
        world.prepare(attempt=2)
    return made


@contextmanager
def opened(world: World, who: Actor) -> Iterator[tuple[Session, UUID]]:
    """One transaction of an operator who has the party's rows open, and the open contradiction's number."""
    with at_desk(who) as db:
        wall.enter(db, party=world.party, person=who.person_id)
        yield db, next(one[1] for one in store.open_contradictions(db) if one[0] == world.party)


def shown_in(db: Session, world: World, number: UUID) -> str:
    """The fingerprint of what waits for a second person."""
    waiting = clearing.find(db, world.party, number).waiting
    assert waiting is not None
    return waiting.shown_hash.hex()


@pytest.fixture
def two() -> tuple[Actor, Actor]:
    return acting(ids.new_id(), Role.OPERATIONS), acting(ids.new_id(), Role.RISK)


def test_one_asks_another_confirms_and_the_part_may_be_paid_again(world: World, two: tuple[Actor, Actor]) -> None:
    barred(world)
    one, other = two
    with opened(world, one) as (db, number):
        clearing.ask(db, one, world.party, number, reason=WHY, now=NOW)
    with pytest.raises(Barred):
        world.prepare(attempt=2)  # asking alone opens nothing
    with opened(world, other) as (db, number):
        shown = shown_in(db, world, number)
        clearing.confirm(db, other, world.party, number, shown=shown, now=NOW)
    again = world.prepare(attempt=2)
    assert again.attempt == 2
    world.deliver(again)
    assert world.state(again) is State.SUCCESS
    with world.rows() as rows:
        case = clearing.find(rows, world.party, number)
    assert [(word.kind, word.said_by, word.reason) for word in case.words] == [
        ("asked", one.person_id, WHY), ("confirmed", other.person_id, WHY)
    ]  # fmt: skip
    assert (case.row.cleared_by, case.row.cleared_why, case.row.said != "") == (other.person_id, WHY, True)
    with database.sessions("audit").begin() as log:
        acts = [one.act for one in audit.page_of(log, subject=f"instruction:{case.row.key}")]
    assert acts[:2] == ["channel.cleared", "channel.clearing_asked"]


def test_an_instruction_that_still_stands_is_not_paid_again_although_it_is_cleared(
    world: World, two: tuple[Actor, Actor]
) -> None:
    made = world.prepare()
    world.deliver(made)
    with database.sessions("work").begin() as db:
        wall.everybody(db)
        row = store.instruction(db, world.party, made.key)
        assert row is not None
        service.contradict(db, row, "other_amount_arrived", "another amount on the card", now=NOW)
    cleared(world, *two)
    with pytest.raises(StillOpen):
        world.prepare(attempt=2)


def cleared(world: World, one: Actor, other: Actor) -> None:
    """Cleared by these two."""
    with opened(world, one) as (db, number):
        clearing.ask(db, one, world.party, number, reason=WHY, now=NOW)
    with opened(world, other) as (db, number):
        shown = shown_in(db, world, number)
        clearing.confirm(db, other, world.party, number, shown=shown, now=NOW)


def test_nobody_confirms_the_own_word_and_what_was_shown_is_what_is_confirmed(
    world: World, two: tuple[Actor, Actor]
) -> None:
    barred(world)
    one, other = two
    with opened(world, one) as (db, number):
        with pytest.raises(clearing.NoClearing):
            clearing.confirm(db, one, world.party, number, shown="00" * 32, now=NOW)
        with pytest.raises(ReasonTooShort):
            clearing.ask(db, one, world.party, number, reason="好", now=NOW)
        clearing.ask(db, one, world.party, number, reason=WHY, now=NOW)
        shown = shown_in(db, world, number)
        with pytest.raises(clearing.OwnClearing):
            clearing.confirm(db, one, world.party, number, shown=shown, now=NOW)
    with opened(world, other) as (db, number):
        with pytest.raises(clearing.ClearingWaits):
            clearing.ask(db, other, world.party, number, reason=WHY, now=NOW)
        with pytest.raises(changes.NotAsShown):
            clearing.confirm(db, other, world.party, number, shown="00" * 32, now=NOW)
        clearing.refuse(db, other, world.party, number, shown=shown, reason="函件编号与银行登记对不上", now=NOW)
        with pytest.raises(clearing.NoClearing):
            clearing.confirm(db, other, world.party, number, shown=shown, now=NOW)
    with pytest.raises(Barred):
        world.prepare(attempt=2)
    cleared(world, other, one)  # a no is not the end: it may be asked anew
    assert world.prepare(attempt=2).attempt == 2


def test_the_database_keeps_no_clearing_by_one_person(world: World, two: tuple[Actor, Actor]) -> None:
    barred(world)
    one, _ = two
    clear = text("UPDATE channel_contradictions SET cleared_at = now(), cleared_by = :who WHERE id = :number")
    with (
        opened(world, one) as (db, number),
        pytest.raises(DBAPIError, match="row-level security"),
        db.begin_nested(),
    ):
        db.execute(clear, {"who": one.person_id, "number": number})
    own = text(
        "INSERT INTO channel_clearings SELECT user_id, uuidv7(), contradiction_id, 'confirmed', id, asked_by, said_by,"
        " shown_hash, reason, said_at FROM channel_clearings WHERE kind = 'asked' AND contradiction_id = :number"
    )
    with opened(world, one) as (db, number):
        clearing.ask(db, one, world.party, number, reason=WHY, now=NOW)
        with pytest.raises(DBAPIError, match="nobody_confirms_the_own"), db.begin_nested():
            db.execute(own, {"number": number})
        with pytest.raises(DBAPIError, match="permission denied"), db.begin_nested():
            db.execute(text("DELETE FROM channel_clearings"))


# --- what two people found out ---------------------------------------------------------------------------------------


def stopped_by_another_body(world: World) -> Instruction:
    """An instruction of which the bank knows another body: nobody sends or asks any more."""
    made = world.prepare()
    world.bank.bodies[str(made.key)] = b"somebody else's"
    with pytest.raises(OtherBody):
        world.deliver(made)
    return made


def found_out(world: World, two: tuple[Actor, Actor], verdict: clearing.Verdict | None) -> None:
    """Cleared by these two with this word, and the worker has drawn the conclusion."""
    one, other = two
    with opened(world, one) as (db, number):
        clearing.ask(db, one, world.party, number, reason=WHY, verdict=verdict, now=NOW)
    with opened(world, other) as (db, number):
        shown = shown_in(db, world, number)
        clearing.confirm(db, other, world.party, number, shown=shown, now=NOW)
    with database.sessions("work").begin() as db:
        wall.enter(db, party=world.party, person=world.party)
        key = clearing.find(db, world.party, number).row.key
        evidence.weigh(db, world.party, key, now=NOW)
        evidence.weigh(db, world.party, key, now=NOW)  # twice is once


def test_stopped_by_another_body_and_found_unpaid_it_ends_and_may_be_paid_again(
    world: World, two: tuple[Actor, Actor]
) -> None:
    made = stopped_by_another_body(world)
    found_out(world, two, clearing.Verdict.NOT_PAID)
    with world.rows() as db:
        assert instructions.known(db, world.party, made.key) == Rejected("not_paid")
    assert world.deliver(made) == Rejected("not_paid")
    again = world.prepare(attempt=2)
    world.deliver(again)
    assert world.state(again) is State.SUCCESS


def test_stopped_by_another_body_and_found_paid_it_ends_and_waits_for_its_proof(
    world: World, two: tuple[Actor, Actor]
) -> None:
    made = stopped_by_another_body(world)
    found_out(world, two, clearing.Verdict.PAID)
    assert world.state(made) is State.SUCCESS
    with pytest.raises(StillOpen):
        world.prepare(attempt=2)


def test_said_paid_then_no_and_found_unpaid_the_money_counts_as_come_back(
    world: World, two: tuple[Actor, Actor]
) -> None:
    made = world.prepare()
    world.deliver(made)
    world.bank.states[str(made.key)] = {"state": "failed", "code": "insufficient_funds"}
    world.again(made)
    found_out(world, two, clearing.Verdict.NOT_PAID)
    with world.rows() as db:
        [event] = store.events(db, world.party, made.key)
    assert (event.kind, event.amount_minor) == ("reversed", 50_000)
    assert world.prepare(attempt=2).attempt == 2


def test_bank_data_beat_the_word_of_two(world: World, two: tuple[Actor, Actor]) -> None:
    made = stopped_by_another_body(world)
    with database.sessions("work").begin() as db:
        wall.enter(db, party=world.party, person=world.party)
        proof = evidence.Proof(Kind.BANK_FILE, "entry 7", posted_on=NOW.date(), amount=50_000)
        evidence.give(db, service.WORKER, world.party, made.key, proof, now=NOW)
    found_out(world, two, clearing.Verdict.NOT_PAID)
    assert world.state(made) is State.SUCCESS


def test_where_nobody_can_be_asked_a_clearing_says_what_was_found_out(world: World, two: tuple[Actor, Actor]) -> None:
    stopped_by_another_body(world)
    with opened(world, two[0]) as (db, number), pytest.raises(clearing.VerdictNeeded):
        clearing.ask(db, two[0], world.party, number, reason=WHY, now=NOW)


# --- the pages ------------------------------------------------------------------------------------------------------


def client_of(engine: Engine, *roles: Role, lang: str = "zh") -> TestClient:
    """Somebody with these roles, at the door of the house."""
    made = pages.create(database.sessions(), now=lambda: NOW)
    heads = browser(engine, ids.new_id(), roles=roles, now=NOW)
    heads["cookie"] += f"; lang={lang}"
    return TestClient(made, base_url="http://localhost", headers=heads, follow_redirects=False)


def send(client: TestClient, path: str, **data: str) -> Any:
    """A form of ours, sent."""
    token = re.search(r'name="csrf" value="([0-9a-f]+)"', client.get("/desk").text)
    assert token
    return client.post(path, data={"csrf": token[1], **data})


def look_at(client: TestClient, place: str) -> str:
    """The address of the facts, after the reason was written down."""
    assert "请写明原因" in client.get(place).text
    assert send(client, f"{place}/look", reason="短").status_code == 422
    answer = send(client, f"{place}/look", reason=WHY)
    assert answer.status_code == 303, answer.text[-800:]
    return str(answer.headers["location"])


def decide(client: TestClient, page: str, verb: str, **data: str) -> Any:
    """A word on exactly what the page shows."""
    place, look = page.split("?look=")
    shown = re.search(r'内容指纹</dt><dd class="hash">([0-9a-f]{64})', client.get(page).text)
    return send(client, f"{place}/{verb}", **{"look": look, "reason": WHY, "shown": shown[1] if shown else "", **data})


def place_of(client: TestClient) -> str:
    """The address of the one open contradiction in the list."""
    found = re.search(r'href="(/desk/channels/contradictions/[^"]+)"', client.get(CHANNELS).text)
    assert found
    return found[1]


def test_two_people_clear_it_on_the_pages_and_one_alone_cannot(world: World, clean: Engine) -> None:
    one, other = client_of(clean, Role.OPERATIONS), client_of(clean, Role.RISK)
    browser(clean, world.party, now=NOW)  # the party is somebody whom the house knows
    with database.sessions("work").begin() as db:
        wall.everybody(db)
        db.execute(text("UPDATE channel_contradictions SET cleared_at = now(), cleared_by = user_id"))
    assert "没有待核实的矛盾" in one.get(CHANNELS).text
    made = barred(world)
    place = place_of(one)
    assert str(world.party) in place
    assert "还没有人提出" in one.get(CHANNELS).text
    assert "1 笔指令前后说法矛盾,待核实" in other.get("/desk").text
    page = look_at(one, place)
    shown = one.get(page).text
    for word in ("先说失败,后说处理中", "500", str(made.key), "还没有人提出核实", "能:这笔指令已失败"):
        assert word in shown, word
    assert decide(one, page, "ask", reason="好").status_code == 409
    assert decide(one, page, "ask").status_code == 303
    assert "提出的人不能自己确认" in one.get(page).text
    alone = decide(one, page, "confirm")
    assert (alone.status_code, "不能自己确认" in alone.text) == (409, True)
    with pytest.raises(Barred):
        world.prepare(attempt=2)
    assert "等第二人" in other.get(CHANNELS).text
    assert "1 笔矛盾的核实等待第二人确认" in other.get("/desk").text
    assert decide(other, page, "confirm").status_code == 409, "the look of somebody else opens nothing"
    seen = look_at(other, place)
    assert decide(other, seen, "confirm", shown="00" * 32).status_code == 409
    assert decide(other, seen, "confirm").status_code == 303
    assert "这一笔可以再付" in other.get(seen).text
    assert "没有待核实的矛盾" in other.get(CHANNELS).text
    assert world.prepare(attempt=2).attempt == 2
    assert decide(other, seen, "delete").status_code == 409, "there is no such verb"
    assert decide(other, seen, "ask").status_code == 409


def test_a_stopped_payment_of_an_organisation_is_opened_and_ended_on_the_pages(world: World, clean: Engine) -> None:
    owner = ids.new_id()
    browser(clean, owner, roles=(Role.OWNER,), now=NOW)
    with database.sessions("work").begin() as db:
        wall.everybody(db)
        db.execute(text("UPDATE channel_contradictions SET cleared_at = now(), cleared_by = user_id"))
        asked = "SELECT organisation_id FROM members WHERE person_id = :owner"
        world.party = db.scalars(text(asked), {"owner": owner}).one()
    made = stopped_by_another_body(world)
    one, other = client_of(clean, Role.OPERATIONS), client_of(clean, Role.RISK)
    page = look_at(one, place_of(one))
    assert "查明的结果" in one.get(page).text
    refused = decide(one, page, "ask")
    assert (refused.status_code, "请写明查到的结果" in refused.text) == (409, True)
    assert decide(one, page, "ask", verdict="not_paid").status_code == 303
    seen = look_at(other, place_of(other))
    assert "查明:没有付款" in other.get(seen).text
    assert decide(other, seen, "confirm").status_code == 303
    with database.sessions("work").begin() as db:
        wall.enter(db, party=world.party, person=world.party)
        assert evidence.weigh(db, world.party, made.key, now=NOW) == Rejected("not_paid")
    with database.transaction() as db:  # whoever acts for it reads who looked, and nobody else does
        wall.enter(db, party=world.party, person=owner)
        assert len(looking.of_person(db, world.party)) == 2
        wall.enter(db, party=owner, person=owner)
        assert list(looking.of_person(db, world.party)) == []


def test_a_form_from_elsewhere_says_nothing_and_refusals_are_told_in_english_too(world: World, clean: Engine) -> None:
    browser(clean, world.party, now=NOW)
    barred(world)
    one = client_of(clean, Role.RISK, lang="en")
    rows = one.get(CHANNELS).text
    assert "nobody has asked yet" in rows
    place = next(one for one in re.findall(r'href="(/desk/channels/contradictions/[^"]+)"', rows)
                 if str(world.party) in one)  # fmt: skip
    assert one.post(f"{place}/look", data={"csrf": "00" * 64, "reason": WHY}).status_code == 422
    look = str(send(one, f"{place}/look", reason=WHY).headers["location"])
    assert "Nobody has asked to clear it." in one.get(look).text
    sent = {"look": look.split("=")[1], "reason": WHY}
    for verb in ("ask", "confirm", "refuse"):
        assert one.post(f"{place}/{verb}", data={"csrf": "00" * 64, **sent}).status_code == 422
    refused = send(one, f"{place}/confirm", **sent)
    assert (refused.status_code, "Nobody has asked to clear it, or that is decided already" in refused.text) == (
        409, True,
    )  # fmt: skip


@pytest.mark.parametrize("role", DESK)
def test_each_role_looks_into_contradictions_as_the_table_says(world: World, clean: Engine, role: Role) -> None:
    place = f"{CHANNELS}/contradictions/{world.party}/{ids.new_id()}"
    assert (client_of(clean, role).get(place).status_code == 200) == (role in WHO_MAY["desk.contradictions"])
    who = acting(ids.new_id(), role)
    with at_desk(who) as db:
        told = [one.en for one in notices(db, who, now=NOW, on=NOW.date())]
    assert role in WHO_MAY["desk.contradictions"] or not any("contradiction" in one for one in told)
