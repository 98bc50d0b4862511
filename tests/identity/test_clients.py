"""Keys of programs: opened by signatures, shown once, ended by time and by hand; a partner sees what was consented."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from starlette.testclient import TestClient
from tests.identity.desk import NOW, WHY, a_person, at_desk, at_home, me, signed
from tests.people import sign_in

from anhuan import app as house
from anhuan.identity import Role, clients, consent, freezing, store_keys
from anhuan.identity.change_rules import Status
from anhuan.identity.clients import BadClient, KeyGone
from anhuan.identity.consent_words import Purpose
from anhuan.identity.rules import house as number
from anhuan.kit import audit, ids, page
from anhuan.kit import db as database
from anhuan.kit.actors import Actor

ADMIN = Role.ADMINISTRATOR


class World:
    """Two administrators, a risk officer, and a partner's client with one drawn key."""

    def __init__(self) -> None:
        self.one, self.other, self.risk = a_person(ADMIN), a_person(ADMIN), a_person(Role.RISK)
        self.moment = NOW
        with at_desk(self.one) as db:
            change = clients.propose_open(
                db, self.one, organisation="示例记账(虚构)", name="记账助手", scopes=["partner.board"], quota=3,
                reason=WHY, now=NOW,
            )  # fmt: skip
        assert signed(change, self.other) is Status.OPEN
        assert signed(change, self.risk) is Status.APPROVED
        self.client = change.subject_id
        self.key_id, self.key = self.drawn()
        self.door = TestClient(
            house.create(database.sessions(), now=lambda: self.moment), base_url="http://localhost:8000"
        )

    def drawn(self) -> tuple[UUID, str]:
        """Draw the newest key of the client."""
        with at_desk(self.one) as db:
            row = store_keys.keys_of(db, self.client)[0]
            return row.id, clients.draw(db, self.one, row.id, now=self.moment)

    def ask(self, person: UUID, key: str | None = None) -> tuple[int, str]:
        """The partner asks for somebody's board: status and code."""
        answer = self.door.get(
            f"/api/v1/partner/people/{person}/board", headers={"Authorization": f"Bearer {key or self.key}"}
        )
        return answer.status_code, answer.json().get("code", "")


@pytest.fixture
def world(own_database: Engine) -> World:
    """A partner with a client."""
    return World()


def agreed(person: Actor, client: UUID) -> None:
    """The person agrees to share with this client."""
    with at_home(person) as db:
        consent.give(db, me(person), Purpose.SHARING, actor=person, now=NOW, partner=str(client))


def test_a_partner_sees_what_the_person_agreed_to_share_and_the_look_is_written_down(world: World) -> None:
    person, other = a_person(), a_person()
    agreed(person, world.client)
    assert world.ask(me(person))[0] == 200
    with at_home(person) as db:
        looks = audit.page_of(db, subject=f"person:{me(person)}", act="person.read")
    assert [one.actor["client"] for one in looks] == [str(world.client)]
    nobody = world.ask(ids.new_id())
    assert world.ask(me(other)) == nobody, "without consent the answer is the same as for nobody"
    assert nobody[0] == 404


def test_consent_for_one_client_opens_nothing_to_another(world: World) -> None:
    person = a_person()
    agreed(person, ids.new_id())
    assert world.ask(me(person))[0] == 404


def test_consent_that_was_taken_back_opens_nothing(world: World) -> None:
    person = a_person()
    agreed(person, world.client)
    with at_home(person) as db:
        consent.withdraw(db, me(person), Purpose.SHARING, actor=person, now=NOW, partner=str(world.client))
    assert world.ask(me(person))[0] == 404


def test_a_key_is_kept_as_a_hash_and_drawn_once(world: World) -> None:
    with at_desk(world.one) as db:
        row = store_keys.client_key(db, world.key_id)
        assert row is not None
        assert row.secret_hash == clients.hash_of(world.key.split("_", 2)[2])
    with pytest.raises(KeyGone), at_desk(world.one) as db:
        clients.draw(db, world.one, world.key_id, now=NOW)


def test_a_wrong_secret_a_stranger_and_a_shape_that_is_none_are_nobody(world: World) -> None:
    number, secret = world.key.split("_", 2)[1:]
    turned = secret[:-2] + ("AA" if secret[-2:] != "AA" else "BB")
    for key in (f"anh_{number}_{turned}", f"anh_{ids.new_id().hex}_{secret}", "anh_", "", "x" * 4000):
        assert world.ask(ids.new_id(), key or " ")[0] == 401
    with at_desk(world.one) as db:
        refused = audit.page_of(db, act="client.refused")
    assert [one.facts["why"] for one in refused] == ["secret"], "a known number with a wrong secret is written down"


def test_a_key_ends_by_hand_and_by_time(world: World) -> None:
    person = a_person()
    agreed(person, world.client)
    world.moment = NOW + timedelta(days=number("client_key_days", on=NOW.date()))
    assert world.ask(me(person))[0] == 401
    world.moment = NOW
    with at_desk(world.one) as db:
        clients.end_key(db, world.one, world.key_id, now=NOW)
    assert world.ask(me(person))[0] == 401


def test_a_new_key_works_beside_the_old_one_for_a_while(world: World) -> None:
    person, old = a_person(), world.key
    agreed(person, world.client)
    with at_desk(world.one) as db:
        change = clients.propose_key(db, world.one, world.client, reason=WHY, now=NOW)
    assert signed(change, world.other) is Status.APPROVED
    _, new = world.drawn()
    assert (world.ask(me(person), old)[0], world.ask(me(person), new)[0]) == (200, 200)
    world.moment = NOW + timedelta(days=number("client_overlap_days", on=NOW.date()))
    assert (world.ask(me(person), old)[0], world.ask(me(person), new)[0]) == (401, 200)


def test_a_client_has_its_quota(world: World) -> None:
    asked = [world.ask(ids.new_id())[0] for _ in range(4)]
    assert asked == [404, 404, 404, 429]


def test_a_key_opens_nothing_beside_its_scopes(world: World) -> None:
    for path in ("/api/v1/board", "/api/v1/accounts"):
        assert world.door.get(path, headers={"Authorization": f"Bearer {world.key}"}).status_code == 403
    assert world.door.get("/desk", headers={"Authorization": f"Bearer {world.key}"}).status_code == 403


def test_a_key_that_nobody_draws_in_time_is_gone(world: World) -> None:
    with at_desk(world.one) as db:
        change = clients.propose_key(db, world.one, world.client, reason=WHY, now=NOW)
    signed(change, world.other)
    world.moment = NOW + timedelta(hours=number("client_draw_hours", on=NOW.date()))
    with pytest.raises(KeyGone):
        world.drawn()


def test_the_database_opens_no_client_without_signatures(world: World) -> None:
    wide = text("UPDATE api_clients SET scopes = '[\"cards.read\"]', change_id = gen_random_uuid() WHERE id = :id")
    with pytest.raises(DBAPIError, match="row-level security"), at_desk(world.one) as db:
        db.execute(wide, {"id": world.client})


def test_scopes_are_rights_of_partners_alone(world: World) -> None:
    with pytest.raises(BadClient), at_desk(world.one) as db:
        clients.propose_scopes(db, world.one, world.client, scopes=["cards.read"], quota=3, reason=WHY, now=NOW)


def test_a_personal_key_reads_cards_and_never_signs_in_or_pays(own_database: Engine) -> None:
    cookie = sign_in(own_database, person := ids.new_id(), now=NOW)
    app = TestClient(house.create(database.sessions(), now=lambda: NOW), base_url="http://localhost:8000")
    who = a_person()
    with at_home(who) as db:
        for scope in ("limits.write", "consent.write", "me.use", "members.write", "desk.home"):
            with pytest.raises(BadClient):
                clients.make_personal(db, who, label="记账", scopes=[scope], now=NOW)
        key = clients.make_personal(db, who, label="记账", scopes=["cards.read"], now=NOW)
    head = {"Authorization": f"Bearer {key}"}
    assert app.get("/api/v1/board", headers=head).status_code == 200
    assert app.post("/api/v1/cards", headers=head, json={}).status_code == 403
    assert app.get("/me", headers={**head, "cookie": cookie}).status_code == 403, "the key counts alone"
    assert person != who.person_id


def test_personal_keys_of_a_frozen_person_open_nothing(own_database: Engine) -> None:
    who, risk, other = a_person(), a_person(Role.RISK), a_person(Role.RISK)
    with at_home(who) as db:
        key = clients.make_personal(db, who, label="记账", scopes=["cards.read"], now=NOW)
    app = TestClient(house.create(database.sessions(), now=lambda: NOW), base_url="http://localhost:8000")
    assert app.get("/api/v1/board", headers={"Authorization": f"Bearer {key}"}).status_code == 200
    with at_desk(risk) as db:
        change = freezing.propose(db, risk, me(who), told="多次收到诈骗预警，需要核实身份", reason=WHY, now=NOW)
    signed(change, other)
    assert app.get("/api/v1/board", headers={"Authorization": f"Bearer {key}"}).status_code == 401


def test_only_who_may_write_clients_draws_a_key(world: World) -> None:
    with pytest.raises(page.NotAllowed), at_desk(world.risk) as db:
        clients.draw(db, world.risk, world.key_id, now=NOW)
