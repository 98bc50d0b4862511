"""Roles at the desk and freezes: two administrators, one who always stays, an end by time, and what a freeze leaves."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from tests.identity.desk import NOW, WHY, a_person, acting, at_desk, at_home, me, signed

from anhuan.identity import Role, freezing, grants, sessions, store_access
from anhuan.identity.change_rules import Kind, Status
from anhuan.identity.grants import BadRole, LastAdministrator
from anhuan.identity.model import OwnChange
from anhuan.kit import clock, ids, wall
from anhuan.kit import db as database
from anhuan.kit.actors import Actor, Strength

ADMIN = Role.ADMINISTRATOR


def test_a_role_that_was_taken_is_gone_at_the_next_request(own_database: Engine) -> None:
    one, other, risk = a_person(ADMIN), a_person(ADMIN), a_person()
    with at_home(risk) as db:
        token = sessions.open_session(db, me(risk), strength=Strength.PASSKEY, now=NOW)
    with at_desk(one) as db:
        given = grants.propose(db, one, me(risk), Role.SUPPORT, reason=WHY, now=NOW)
    assert signed(given, other) is Status.APPROVED
    assert "desk.people" in rights_by(token)
    with at_desk(other) as db:
        taken = grants.propose_end(db, other, me(risk), Role.SUPPORT, reason=WHY, now=NOW)
    assert "desk.people" in rights_by(token), "nothing happens before another administrator has signed"
    assert signed(taken, one) is Status.APPROVED
    assert "desk.people" not in rights_by(token)


def test_the_last_administrator_stays(own_database: Engine) -> None:
    one, other, risk, operations = a_person(ADMIN), a_person(ADMIN), a_person(Role.RISK), a_person(Role.OPERATIONS)
    third = a_person(ADMIN)
    for leaving, proposer, signer in ((third, one, other), (other, one, third)):
        with at_desk(proposer) as db:
            change = grants.propose_end(db, proposer, me(leaving), ADMIN, reason=WHY, now=NOW)
        if leaving is third:
            assert signed(change, signer) is Status.APPROVED
    assert administrators() == {me(one), me(other)}
    with at_desk(other) as db:
        last = grants.propose_end(db, other, me(one), ADMIN, reason=WHY, now=NOW)
    end_by_worker(other)
    with pytest.raises(LastAdministrator):
        signed(last, acting(ids.new_id(), ADMIN))
    with at_desk(risk) as db:
        frozen = freezing.propose(db, risk, me(one), told="账户可能被他人控制，需要核实", reason=WHY, now=NOW)
    with pytest.raises(LastAdministrator):
        signed(frozen, operations)


def test_risk_has_a_word_in_who_watches_the_others(own_database: Engine) -> None:
    one, other = a_person(ADMIN), a_person(ADMIN)
    with at_desk(one) as db:
        first = grants.propose(db, one, me(a_person()), Role.RISK, reason=WHY, now=NOW)
    assert first.kind == Kind.ROLE_GRANT, "as long as there is no risk officer, two administrators name the first"
    assert signed(first, other) is Status.APPROVED
    with at_desk(one) as db:
        second = grants.propose(db, one, me(a_person()), Role.RISK, reason=WHY, now=NOW)
        auditor = grants.propose(db, one, me(a_person()), Role.AUDITOR, reason=WHY, now=NOW)
    for change in (second, auditor):
        assert change.kind == Kind.ROLE_GRANT_GUARD
        assert signed(change, other) is Status.OPEN
        assert signed(change, acting(first.subject_id, Role.RISK)) is Status.APPROVED


def test_a_role_for_a_while_ends_by_itself(own_database: Engine) -> None:
    now = clock.now()  # the database's own clock ends it, so the test may not hold another
    person, past = a_person(), now - timedelta(seconds=1)
    with at_home(person) as db:
        token = sessions.open_session(db, me(person), strength=Strength.PASSKEY, now=now)
    with database.sessions("work").begin() as db:
        given = (
            "INSERT INTO role_grants (person_id, id, role, since, ends_at, given_by) VALUES (:p, :i, :r, :s, :e, :p)"
        )
        for role, ends_at in (("support", now + timedelta(days=1)), ("finance", past)):
            db.execute(text(given), {"p": me(person), "i": ids.new_id(), "r": role, "s": NOW, "e": ends_at})
    with database.transaction() as db:
        assert sessions.admit(db, token, now=now).roles == {"holder", "support"}


@pytest.mark.parametrize("role", [Role.HOLDER, Role.OWNER, Role.PARTNER])
def test_only_roles_of_the_desk_are_given_there(own_database: Engine, role: Role) -> None:
    one = a_person(ADMIN)
    with pytest.raises(BadRole), at_desk(one) as db:
        grants.propose(db, one, me(a_person()), role, reason=WHY, now=NOW)


def test_nobody_asks_for_a_role_for_himself(own_database: Engine) -> None:
    one = a_person(ADMIN)
    with pytest.raises(OwnChange), at_desk(one) as db:
        grants.propose(db, one, me(one), Role.RISK, reason=WHY, now=NOW)


def test_a_frozen_person_looks_but_nothing_moves(own_database: Engine) -> None:
    risk, other, person = a_person(Role.RISK), a_person(Role.RISK), a_person()
    with at_home(person) as db:
        token = sessions.open_session(db, me(person), strength=Strength.PASSKEY, now=NOW)
    assert {"cards.write", "limits.write", "plan.write"} <= rights_by(token)
    with at_desk(risk) as db:
        change = freezing.propose(db, risk, me(person), told="多次收到诈骗预警，需要核实身份", reason=WHY, now=NOW)
    assert signed(change, other) is Status.APPROVED
    kept = rights_by(token)
    assert {"me.use", "cards.read", "bills.read", "plan.read", "consent.write"} <= kept
    assert not {right for right in kept if right.endswith(("write", "import"))} - {"consent.write"}
    with at_home(person) as db:
        told = freezing.told(db, me(person))
    assert told is not None
    assert told.reason == "多次收到诈骗预警，需要核实身份"
    with at_desk(other) as db:
        thaw = freezing.propose_end(db, other, me(person), reason=WHY, now=NOW)
    assert signed(thaw, risk) is Status.APPROVED
    assert "cards.write" in rights_by(token)


def test_the_database_freezes_nobody_without_a_signature(own_database: Engine) -> None:
    risk, person = a_person(Role.RISK), a_person()
    with pytest.raises(DBAPIError, match="row-level security"), at_desk(risk) as db:
        store_access.set_state(db, me(person), "frozen")
    with at_desk(risk) as db:
        change = freezing.propose(db, risk, me(person), told="多次收到诈骗预警，需要核实身份", reason=WHY, now=NOW)
    with pytest.raises(DBAPIError, match="row-level security"), at_desk(risk) as db:
        insert_freeze(db, change.subject_id, change.id)


def insert_freeze(db: Session, person_id: object, change_id: object) -> None:
    """A freeze by raw SQL."""
    made = "INSERT INTO freezes (person_id, id, told, since, change_id) VALUES (:p, :i, '\\x00', now(), :c)"
    db.execute(text(made), {"p": person_id, "i": ids.new_id(), "c": change_id})


def end_by_worker(who: Actor) -> None:
    """Somebody's roles end, by the worker's login: the test comes to a state that signatures forbid."""
    with database.sessions("work").begin() as db:
        wall.everybody(db)
        db.execute(text("UPDATE role_grants SET until = now() WHERE person_id = :p"), {"p": me(who)})


def administrators() -> set[object]:
    """Who stands as administrator."""
    with database.sessions("desk").begin() as db:
        return {one.person_id for one in store_access.standing_grants(db, now=NOW) if one.role == ADMIN}


def rights_by(token: str) -> frozenset[str]:
    """What the next request with this token may do."""
    with database.transaction() as db:
        return sessions.admit(db, token, now=NOW).rights
