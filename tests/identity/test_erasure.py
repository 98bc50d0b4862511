"""Erasure: told beforehand, called off in time, whole, repeatable; what law keeps is behind the compliance role."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from tests.identity.households import rows_of, settle

from anhuan.identity import consent, erasure, export, holdings, journey, purposes, rules, sessions, store, store_consent
from anhuan.identity.consent_words import Duty, NoConsent, Purpose
from anhuan.identity.rights import Role
from anhuan.identity.tables_consent import DataRequestRow
from anhuan.kit import actors, audit, clock, ids, jobs, wall
from anhuan.kit import db as database
from anhuan.kit.actors import Actor, ActorKind, Strength
from anhuan.kit.page import NotAllowed

pytestmark = pytest.mark.scope("S1-29")

COOLING = timedelta(days=rules.house("erasure_cooling_days", on=date(2026, 11, 22)))


@pytest.fixture
def lin(own_database: Engine) -> Actor:
    """A person with something in every room."""
    return settle(own_database)


def entered(db: Session, who: Actor) -> UUID:
    assert who.party_id is not None
    wall.enter(db, party=who.party_id, person=who.person_id)
    return who.party_id


def ask(engine: Engine, who: Actor, *, ago: timedelta = COOLING) -> UUID:
    """A request made so long ago that it may act now, or not yet."""
    with Session(engine) as db, db.begin():
        return erasure.ask(db, entered(db, who), actor=who, now=clock.now() - ago, lang="zh").id


def row(engine: Engine, who: Actor, request: UUID) -> DataRequestRow:
    with Session(engine) as db, db.begin():
        found = store_consent.request(db, entered(db, who), request)
        assert found is not None
        db.expunge(found)
        return found


def run(who: Actor, request: UUID) -> None:
    journey.erase(str(who.party_id), str(request))


def test_what_will_happen_is_told_in_numbers_and_comes_true(own_database: Engine, lin: Actor) -> None:
    with Session(own_database) as db, db.begin():
        told = erasure.forecast(db, entered(db, lin), clock.now())
    request = ask(own_database, lin)
    run(lin, request)
    done = row(own_database, lin, request)
    assert done.state == "done"
    assert done.report["went"] == {one.table: one.rows for one in told.goes}
    stays = done.report["stays"]
    assert set(stays) >= {one.table for one in told.stays}
    assert sum(one.rows for one in told.goes) > 20


def test_nothing_is_left_but_what_a_duty_keeps(own_database: Engine, lin: Actor) -> None:
    assert lin.party_id is not None
    before = rows_of(own_database, lin.party_id)
    run(lin, ask(own_database, lin))
    left = rows_of(own_database, lin.party_id)
    assert {"cards", "bills", "statement_lines", "plan_flows", "sessions"} <= set(before)
    assert set(left) <= set(holdings.duties())
    assert {"people", "consent_events", "data_requests"} <= set(left)


def test_another_persons_rows_stay(own_database: Engine, lin: Actor) -> None:
    other = settle(own_database, "周二")
    assert other.party_id is not None
    before = rows_of(own_database, other.party_id)
    run(lin, ask(own_database, lin))
    assert rows_of(own_database, other.party_id) == before


def test_the_person_is_nobody_afterwards(own_database: Engine, lin: Actor) -> None:
    assert lin.party_id is not None
    with Session(own_database) as db, db.begin():
        party = entered(db, lin)
        token = sessions.open_session(db, party, strength=Strength.PASSKEY, now=clock.now())
    run(lin, ask(own_database, lin))
    with Session(own_database) as db, db.begin():
        assert sessions.admit(db, token, now=clock.now()) == actors.NOBODY
        person = store.person(db, entered(db, lin))
        assert person is not None
        assert (person.state, person.handle, person.handle_hash, person.name) == ("erased", None, None, None)


def test_every_consent_is_withdrawn_with_it(own_database: Engine, lin: Actor) -> None:
    run(lin, ask(own_database, lin))
    with Session(own_database) as db, db.begin():
        assert not any(one.stands for one in consent.all_standing(db, entered(db, lin), clock.now()))


def test_copies_that_wait_to_be_fetched_go_with_it(own_database: Engine, lin: Actor) -> None:
    with Session(own_database) as db, db.begin():
        copy = export.ask(db, entered(db, lin), actor=lin, now=clock.now(), lang="zh").id
    journey.make_export(str(lin.party_id), str(copy))
    name = row(own_database, lin, copy).file_name
    assert name is not None
    assert (export.folder() / name).exists()
    run(lin, ask(own_database, lin))
    assert not (export.folder() / name).exists()
    assert row(own_database, lin, copy).state == "gone"


def test_it_can_be_called_off_until_it_begins(own_database: Engine, lin: Actor) -> None:
    assert lin.party_id is not None
    before = rows_of(own_database, lin.party_id)
    request = ask(own_database, lin, ago=COOLING - timedelta(minutes=1))
    run(lin, request)
    assert row(own_database, lin, request).state == "cooling", "a job that comes too early does nothing"
    with Session(own_database) as db, db.begin():
        erasure.cancel(db, entered(db, lin), request, actor=lin, now=clock.now())
    run(lin, request)
    assert row(own_database, lin, request).state == "cancelled"
    assert rows_of(own_database, lin.party_id) == before | {"data_requests": 1}


def test_it_cannot_be_called_off_once_it_began(own_database: Engine, lin: Actor) -> None:
    request = ask(own_database, lin)
    run(lin, request)
    with Session(own_database) as db, db.begin():
        party = entered(db, lin)
        with pytest.raises(erasure.TooLate):
            erasure.cancel(db, party, request, actor=lin, now=clock.now())


def test_killed_between_two_rooms_it_goes_on_where_it_was(
    own_database: Engine, lin: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Session(own_database) as db, db.begin():
        told = erasure.forecast(db, entered(db, lin), clock.now())
    request = ask(own_database, lin)
    added, calls = erasure._added, []

    def cut(*given: object) -> dict[str, object]:
        calls.append(given)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return added(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(erasure, "_added", cut)
    with pytest.raises(KeyboardInterrupt):
        run(lin, request)
    half = row(own_database, lin, request)
    assert half.state == "running"
    assert 0 < half.percent < 100
    run(lin, request)
    done = row(own_database, lin, request)
    assert done.report["went"] == {one.table: one.rows for one in told.goes}, "each row is counted once"
    run(lin, request)
    assert row(own_database, lin, request).done_at == done.done_at


def test_the_receipt_opens_by_its_link_and_by_no_other(own_database: Engine, lin: Actor) -> None:
    request = ask(own_database, lin)
    run(lin, request)
    with Session(own_database) as db, db.begin():
        wall.enter(db, party=None)
        found = erasure.receipt(db, erasure.receipt_token(request))
        assert (found.id, found.state) == (request, "done")
    with Session(own_database) as db, db.begin():
        wall.enter(db, party=None)
        with pytest.raises(export.NoSuchRequest):
            erasure.receipt(db, "0" * 32)


@pytest.mark.parametrize(
    ("duty", "day", "until"),
    [
        (holdings.AML, date(2026, 11, 22), date(2036, 11, 22)),  # ten years since 2025
        (holdings.AML, date(2024, 12, 31), date(2029, 12, 31)),  # five before
        (holdings.PROOF, date(2026, 11, 22), date(2029, 11, 22)),
        (holdings.AML, date(2028, 2, 29), date(2038, 3, 1)),  # no such day ten years later
    ],
)
def test_the_last_day_of_a_duty_comes_from_dated_terms(duty: str, day: date, until: date) -> None:
    assert holdings.kept_until(duty, day) == until


def test_what_is_kept_opens_for_the_compliance_role_alone(own_database: Engine, lin: Actor) -> None:
    run(lin, ask(own_database, lin))
    assert lin.party_id is not None

    def at_desk(role: Role, purpose: Duty | Purpose) -> None:
        who = Actor(ActorKind.PERSON, person_id=ids.new_id(), roles=frozenset({role.value}))
        with database.sessions("desk").begin() as db:
            assert lin.party_id is not None
            purposes.open_for(db, lin.party_id, purpose, actor=who, now=clock.now())
            assert store_consent.events(db, lin.party_id, at_most=9)

    at_desk(Role.RISK, Duty.AML)
    for role, purpose in ((Role.SUPPORT, Duty.CONTRACT), (Role.RISK, Duty.SECURITY), (Role.RISK, Purpose.BILL_READING)):
        with pytest.raises(purposes.Erased):
            at_desk(role, purpose)
    with pytest.raises(NotAllowed):
        at_desk(Role.SUPPORT, Duty.AML)


def test_a_purpose_opens_with_consent_and_closes_without(own_database: Engine, lin: Actor) -> None:
    assert lin.party_id is not None
    who = Actor(ActorKind.PERSON, person_id=ids.new_id(), roles=frozenset({Role.RISK.value}))
    now = datetime.now(UTC)
    with database.sessions("desk").begin() as db:
        purposes.open_for(db, lin.party_id, Purpose.BILL_READING, actor=who, now=now)
        assert rows_here(db, lin.party_id)
        with pytest.raises(NoConsent):
            purposes.open_for(db, lin.party_id, Purpose.SCORING, actor=who, now=now)
        assert not rows_here(db, lin.party_id), "the door that was open is shut by the refusal"
        read = [one.facts for one in audit.page_of(db, subject=f"person:{lin.party_id}") if one.act == "person.read"]
    assert [one["purpose"] for one in read] == ["bill_reading"]


def rows_here(db: Session, party: UUID) -> bool:
    return bool(store_consent.events(db, party, at_most=1))


def test_proof_goes_after_its_last_day_and_not_before(own_database: Engine, lin: Actor) -> None:
    request = ask(own_database, lin)
    run(lin, request)
    assert lin.party_id is not None
    today = datetime.now(UTC).date()  # the database goes by its own day, which begins hours after China's
    with jobs.transaction() as db:
        assert store_consent.forget_kept(db, today) == 0
    assert "consent_events" in rows_of(own_database, lin.party_id)
    with jobs.transaction() as db:
        wall.everybody(db)
        found = store_consent.request(db, lin.party_id, request)
        assert found is not None
        stays = {**found.report["stays"]}
        stays["consent_events"] = {**stays["consent_events"], "until": "2020-01-01"}
        found.report = {**found.report, "stays": stays}
    with jobs.transaction() as db:
        assert store_consent.forget_kept(db, today) == 1
    assert "consent_events" not in rows_of(own_database, lin.party_id)


def test_other_kept_rows_go_too_and_the_receipt_says_so(own_database: Engine, lin: Actor) -> None:
    request = ask(own_database, lin)
    run(lin, request)
    assert lin.party_id is not None
    assert "role_grants" in rows_of(own_database, lin.party_id)
    day = date.fromisoformat(row(own_database, lin, request).report["stays"]["role_grants"]["until"])
    for then, left in ((day, True), (day + timedelta(days=1), False), (day + timedelta(days=2), False)):
        with jobs.transaction() as db:
            wall.everybody(db)
            due = store_consent.over(db, then, at_most=9)
        assert (lin.party_id in due) is (then == day + timedelta(days=1)), "once, on the day after the last"
        with jobs.transaction() as db:
            purposes.open_for(db, lin.party_id, Duty.OWN_REQUEST, actor=export.WORKER, now=clock.now())
            erasure.forget(db, lin.party_id, then)
        assert ("role_grants" in rows_of(own_database, lin.party_id)) is left
    assert row(own_database, lin, request).report["stays"]["role_grants"]["gone_on"]
    assert "people" in rows_of(own_database, lin.party_id)
    journey.forget()


def test_nobody_erases_somebody_else(own_database: Engine, lin: Actor) -> None:
    assert lin.party_id is not None
    colleague = Actor(ActorKind.PERSON, person_id=ids.new_id(), party_id=lin.party_id)
    with Session(own_database) as db, db.begin():
        party = entered(db, lin)
        with pytest.raises(NotAllowed):
            erasure.ask(db, party, actor=colleague, now=clock.now(), lang="zh")
