"""One more proof for a copy of everything, an erasure, and a key whose secret is shown: bound to it, and spent once."""

import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session
from tests.attacks.hands import Clock, Hand, Owner, hand, house_at
from tests.identity.desk import WHY, a_person, at_desk, signed
from tests.identity.proofs import answered, confirmed, proof_of

from anhuan.identity import Role, clients, export, journey, store_keys
from anhuan.identity.tables import GrantRow
from anhuan.kit import clock, ids, wall
from anhuan.kit import db as database

ADMIN = Role.ADMINISTRATOR
SOURCES = Path(__file__).resolve().parents[2] / "src" / "anhuan"


class Home:
    """Lin, signed in, with a passkey in the hand."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.clock = engine, Clock()
        self.clock.at = clock.now()  # the worker's clock is the wall's
        self.house: FastAPI = house_at(database.sessions(), self.clock)
        with Session(engine) as db, db.begin():
            self.lin = Owner(db, at=self.clock.at)
        self.hand: Hand = self.lin.enters(hand(self.house), self.clock.at)

    def count(self, table: str) -> int:
        """Rows of Lin's in a table."""
        with Session(self.engine) as db, db.begin():
            wall.enter(db, party=self.lin.id, person=self.lin.id)
            return int(db.execute(text(f"select count(*) from {table}")).scalar_one())

    def copy(self) -> UUID:
        """A finished copy of everything."""
        made = self.hand.call("POST", "/api/v1/data-requests", {"kind": "export"})
        journey.make_export(str(self.lin.id), made.json()["id"])
        return UUID(made.json()["id"])

    def waiting_key(self) -> UUID:
        """A key of a new client that three signed, which an administrator may draw."""
        one, other, risk = (a_person(role, now=self.clock.at) for role in (ADMIN, ADMIN, Role.RISK))
        with at_desk(one) as db:
            change = clients.propose_open(
                db, one, organisation="示例记账(虚构)", name="记账助手", scopes=["partner.board"], quota=3,
                reason=WHY, now=self.clock.at,
            )  # fmt: skip
        signed(change, other, risk, now=self.clock.at)
        with at_desk(one) as db:
            return store_keys.keys_of(db, change.subject_id)[0].id


@pytest.fixture
def home(own_database: Engine) -> Home:
    """Lin at home."""
    return Home(own_database)


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


def test_a_copy_is_handed_over_with_a_proof_once(home: Home) -> None:
    path = f"/me/data/{home.copy()}/file"
    asked = home.hand.post(path)
    assert asked.status_code == 200
    assert asked.content[:2] != b"PK"
    assert "下载" in asked.text
    before, form = home.hand.session, answered(asked, home.lin.device)
    fetched = home.hand.post(path, form)
    assert fetched.content[:2] == b"PK"
    assert "no-store" in fetched.headers["cache-control"]
    assert home.hand.session != before, "the session goes on under a new token"
    again = home.hand.post(path, form)
    assert (again.status_code, again.content[:2] == b"PK") == (422, False)
    assert "这次确认已失效" in again.text


def test_the_json_door_wants_the_same_proof_for_a_copy(home: Home) -> None:
    number = str(home.copy())
    path = f"/api/v1/data-requests/{number}/file"
    assert code(home.hand.call("POST", path, {})) == (422, "stepup.needed")
    other = proof_of(home.hand, home.lin.device, act="erasure")
    assert code(home.hand.call("POST", path, {"proof": other})) == (422, "stepup.void")
    proof = proof_of(home.hand, home.lin.device, act="export_fetched", request_id=number)
    assert home.hand.call("POST", path, {"proof": proof}).content[:2] == b"PK"
    assert code(home.hand.call("POST", path, {"proof": proof})) == (422, "stepup.void")


def test_a_proof_for_one_copy_is_void_for_another_and_for_a_file_that_was_swapped(home: Home) -> None:
    first, second = home.copy(), home.copy()
    proof = proof_of(home.hand, home.lin.device, act="export_fetched", request_id=str(first))
    path = f"/api/v1/data-requests/{second}/file"
    assert code(home.hand.call("POST", path, {"proof": proof})) == (422, "stepup.void")
    with Session(home.engine) as db, db.begin():
        wall.enter(db, party=home.lin.id, person=home.lin.id)
        row, _ = export.ready(db, home.lin.id, first, actor=_actor(home), now=home.clock.at)
        (export.folder() / str(row.file_name)).write_bytes(b"something else")
    path = f"/api/v1/data-requests/{first}/file"
    assert code(home.hand.call("POST", path, {"proof": proof})) == (422, "stepup.void")


def test_an_erasure_is_asked_for_with_a_proof_of_what_was_shown(home: Home) -> None:
    asked = home.hand.post("/me/data/erase")
    assert asked.status_code == 200
    assert home.count("data_requests") == 0
    form = answered(asked, home.lin.device)
    assert home.hand.post("/me/data/erase", form).status_code == 303
    assert home.count("data_requests") == 1


def test_a_proof_of_an_erasure_is_void_once_the_counts_are_others(home: Home) -> None:
    proof = proof_of(home.hand, home.lin.device, act="erasure")
    home.copy()  # one request more stays behind
    wish = {"kind": "erasure", "proof": proof}
    assert code(home.hand.call("POST", "/api/v1/data-requests", wish)) == (422, "stepup.void")
    assert code(home.hand.call("POST", "/api/v1/data-requests", {"kind": "erasure"})) == (422, "stepup.needed")
    wish = {"kind": "erasure", "proof": proof_of(home.hand, home.lin.device, act="erasure")}
    assert home.hand.call("POST", "/api/v1/data-requests", wish).status_code == 202


def test_a_key_is_made_with_a_proof_of_its_name_and_scopes_once(home: Home) -> None:
    asked = home.hand.post("/me/keys", {"label": "记账", "scopes": ["cards.read", "bills.read"]})
    assert asked.status_code == 200
    assert "记账" in asked.text
    assert home.count("personal_keys") == 0
    form = answered(asked, home.lin.device)
    for other in ({"label": "别的"}, {"scopes": ["cards.read", "cards.write"]}, {"scopes": ["cards.read"]}):
        refused = home.hand.post("/me/keys", form | other)
        assert (refused.status_code, "anh_" in refused.text) == (422, False)
    made = home.hand.post("/me/keys", form)
    assert "anh_" in made.text
    assert home.hand.post("/me/keys", form).status_code == 422
    assert home.count("personal_keys") == 1


def test_a_key_that_cannot_be_is_refused_before_anybody_is_asked(home: Home) -> None:
    refused = home.hand.post("/me/keys", {"label": "x", "scopes": "limits.write"})
    assert (refused.status_code, "data-question" in refused.text) == (422, False)


def test_the_whole_way_of_a_key_through_its_pages(home: Home) -> None:
    assert "anh_" in confirmed(home.hand, home.lin.device, "/me/keys", {"label": "x", "scopes": "cards.read"}).text


def test_a_partners_key_is_drawn_with_a_proof_of_its_own(home: Home) -> None:
    with database.sessions("work").begin() as db:
        lin = home.lin.id
        db.add(GrantRow(person_id=lin, id=ids.new_id(), role=ADMIN, since=home.clock.at, given_by=lin))
    keys = [home.waiting_key(), home.waiting_key()]
    paths = [f"/desk/keys/{one}/draw" for one in keys]
    asked = home.hand.post(paths[0])
    assert (asked.status_code, "anh_" in asked.text) == (200, False)
    form = answered(asked, home.lin.device)
    other = home.hand.post(paths[1], form)
    assert (other.status_code, "anh_" in other.text) == (422, False)
    assert "anh_" in home.hand.post(paths[0], form).text
    assert "anh_" not in home.hand.post(paths[0], form).text


def test_no_door_goes_around_the_proofs() -> None:
    inner = re.compile(r"\b(export\.fetch|erasure\.ask|clients\.make_personal|clients\.draw)\(")
    found = {path.name for path in SOURCES.rglob("*.py") if inner.search(path.read_text(encoding="utf-8"))}
    assert found == {"approvals.py"}


def _actor(home: Home) -> Any:
    from anhuan.identity import sessions

    with database.transaction() as db:
        return sessions.admit(db, home.hand.session, now=home.clock.at)
