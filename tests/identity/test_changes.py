"""Changes that several people sign: nobody signs the own, the page shown binds, one word each, time ends it."""

import threading
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session
from tests.identity.desk import NOW, WHY, a_person, at_desk, me, signed

from anhuan.identity import Role, change_rules, changes, freezing, grants, store_access
from anhuan.identity.change_rules import RULES, Kind, Status
from anhuan.identity.changes import ChangeClosed, ChangeStale, NotAsShown, SignedAlready, UnknownChange
from anhuan.identity.model import OwnChange, ReasonTooShort
from anhuan.identity.rights import DESK
from anhuan.identity.tables_access import ChangeRow
from anhuan.kit import audit, ids, page
from anhuan.kit.actors import Actor

ADMIN = Role.ADMINISTRATOR


@pytest.fixture
def two(own_database: Engine) -> tuple[Actor, Actor]:
    """Two administrators."""
    return a_person(ADMIN), a_person(ADMIN)


def test_every_kind_has_a_line_that_can_be_signed_and_done() -> None:
    assert set(RULES) == set(Kind)
    for rule in RULES.values():
        assert callable(changes.act_of(rule)), rule.kind
        assert all(change_rules.seat_for(rule, [], [role]) for seat in rule.seats for role in seat)
        house = rule.proposers | frozenset().union(*rule.seats) <= set(DESK)
        assert house != rule.of_an_organisation


@pytest.mark.parametrize(("words", "complete"), [
    ([], False),
    (["administrator"], False),
    (["risk"], False),
    (["risk", "risk"], False),  # two of the same seat leave the other empty
    (["risk", "administrator"], True),
    (["administrator", "risk"], True),
])  # fmt: skip
def test_each_seat_wants_a_person_of_its_own(words: list[str], complete: bool) -> None:
    assert change_rules.is_complete(RULES[Kind.ROLE_GRANT_GUARD], words) is complete


@pytest.mark.scope("S2-44")
def test_a_role_needs_two_administrators(two: tuple[Actor, Actor]) -> None:
    one, other = two
    newcomer = a_person()
    with at_desk(one) as db:
        change = grants.propose(db, one, me(newcomer), Role.SUPPORT, reason=WHY, now=NOW)
        assert store_access.standing_grants(db, now=NOW, person_id=me(newcomer)) == []
    assert signed(change, other) is Status.APPROVED
    with at_desk(one) as db:
        assert [row.role for row in store_access.standing_grants(db, now=NOW, person_id=me(newcomer))] == ["support"]


@pytest.mark.scope("S2-44")
def test_nobody_signs_what_they_proposed_or_what_is_about_themselves(two: tuple[Actor, Actor]) -> None:
    one, other = two
    with at_desk(one) as db:
        change = grants.propose(db, one, me(other), Role.SUPPORT, reason=WHY, now=NOW)
    for who in (one, other):
        with pytest.raises(OwnChange), at_desk(who) as db:
            changes.sign(db, who, change.id, shown=change.shown_hash, now=NOW)


@pytest.mark.scope("S2-44")
def test_the_database_refuses_a_signature_on_the_own_change(two: tuple[Actor, Actor]) -> None:
    one, _ = two
    newcomer = a_person()
    with at_desk(one) as db:
        change = grants.propose(db, one, me(newcomer), Role.SUPPORT, reason=WHY, now=NOW)
    with pytest.raises(IntegrityError, match="nobody_signs_the_own"), at_desk(one) as db:
        put_down(db, change, signed_by=me(one), proposed_by=me(one))
    with (
        pytest.raises(IntegrityError, match="foreign key"),
        at_desk(one) as db,
    ):  # nor by calling somebody else proposer
        put_down(db, change, signed_by=me(one), proposed_by=ids.new_id())


def test_the_database_refuses_a_signature_in_somebody_elses_name(two: tuple[Actor, Actor]) -> None:
    one, other = two
    with at_desk(one) as db:
        change = grants.propose(db, one, me(a_person()), Role.SUPPORT, reason=WHY, now=NOW)
    with pytest.raises(DBAPIError, match="row-level security"), at_desk(one) as db:
        put_down(db, change, signed_by=me(other), proposed_by=me(one))


def test_the_database_gives_no_role_that_nobody_signed(two: tuple[Actor, Actor]) -> None:
    one, _ = two
    with at_desk(one) as db:
        change = grants.propose(db, one, me(a_person()), Role.SUPPORT, reason=WHY, now=NOW)
    with pytest.raises(DBAPIError, match="row-level security"), at_desk(one) as db:
        take_it(db, change)


def test_a_signature_holds_only_for_what_was_shown(two: tuple[Actor, Actor]) -> None:
    one, other = two
    with at_desk(one) as db:
        change = grants.propose(db, one, me(a_person()), Role.SUPPORT, reason=WHY, now=NOW)
    with pytest.raises(NotAsShown), at_desk(other) as db:
        changes.sign(db, other, change.id, shown=bytes(32), now=NOW)
    with pytest.raises(IntegrityError, match="foreign key"), at_desk(other) as db:
        put_down(db, change, signed_by=me(other), proposed_by=me(one), shown=bytes(32))


def test_a_person_has_one_word(own_database: Engine) -> None:
    one, other, risk = a_person(ADMIN), a_person(ADMIN), a_person(Role.RISK)
    with at_desk(one) as db:
        change = grants.propose(db, one, me(a_person()), Role.AUDITOR, reason=WHY, now=NOW)
    assert change.kind == Kind.ROLE_GRANT_GUARD
    assert signed(change, other) is Status.OPEN
    with pytest.raises(SignedAlready), at_desk(other) as db:
        changes.sign(db, other, change.id, shown=change.shown_hash, now=NOW)
    assert signed(change, risk) is Status.APPROVED


def test_a_change_lapses_when_nobody_decides_in_time(two: tuple[Actor, Actor]) -> None:
    one, other = two
    with at_desk(one) as db:
        change = grants.propose(db, one, me(a_person()), Role.SUPPORT, reason=WHY, now=NOW)
    late = change.ends_at
    with pytest.raises(ChangeClosed), at_desk(other) as db:
        changes.sign(db, other, change.id, shown=change.shown_hash, now=late)
    with at_desk(other) as db:
        assert changes.find(db, other, change.id, now=late).status is Status.LAPSED
        assert store_access.lapse(db, now=late - timedelta(seconds=1)) == 0
        assert store_access.lapse(db, now=late) == 1
    with at_desk(other) as db:
        assert db.get_one(type(change), change.id).status == "lapsed"


def test_a_refused_or_withdrawn_change_is_over(two: tuple[Actor, Actor]) -> None:
    one, other = two
    newcomer = a_person()
    with at_desk(one) as db:
        first = grants.propose(db, one, me(newcomer), Role.SUPPORT, reason=WHY, now=NOW)
        second = grants.propose(db, one, me(newcomer), Role.FINANCE, reason=WHY, now=NOW)
    with at_desk(other) as db:
        changes.refuse(db, other, first.id, shown=first.shown_hash, now=NOW)
    with pytest.raises(page.NotAllowed), at_desk(other) as db:
        changes.withdraw(db, other, second.id, now=NOW)
    with at_desk(one) as db:
        changes.withdraw(db, one, second.id, now=NOW)
    for change in (first, second):
        with pytest.raises(ChangeClosed), at_desk(other) as db:
            changes.sign(db, other, change.id, shown=change.shown_hash, now=NOW)


def test_the_same_change_is_not_asked_twice(two: tuple[Actor, Actor]) -> None:
    one, other = two
    newcomer = a_person()
    with at_desk(one) as db:
        grants.propose(db, one, me(newcomer), Role.SUPPORT, reason=WHY, now=NOW)
    with pytest.raises(changes.AskedAlready), at_desk(other) as db:
        grants.propose(db, other, me(newcomer), Role.SUPPORT, reason=WHY, now=NOW)


def test_of_two_signatures_at_once_one_does_the_change(two: tuple[Actor, Actor]) -> None:
    """Both hands see an open change; the row is held by the first, the second then finds it decided."""
    one, other = two
    third = a_person(ADMIN)
    newcomer = a_person()
    with at_desk(one) as db:
        change = grants.propose(db, one, me(newcomer), Role.SUPPORT, reason=WHY, now=NOW)
    told: list[object] = []
    ready = threading.Barrier(2)

    def hand(who: Actor) -> None:
        ready.wait()
        try:
            told.append(signed(change, who))
        except ChangeClosed as refusal:
            told.append(type(refusal))

    hands = [threading.Thread(target=hand, args=(who,)) for who in (other, third)]
    for thread in hands:
        thread.start()
    for thread in hands:
        thread.join()
    assert sorted(map(str, told)) == sorted(map(str, [Status.APPROVED, ChangeClosed]))
    with at_desk(one) as db:
        assert len(store_access.standing_grants(db, now=NOW, person_id=me(newcomer))) == 1


def test_what_starts_from_something_that_changed_must_be_asked_anew(own_database: Engine) -> None:
    risk, operations, other = a_person(Role.RISK), a_person(Role.OPERATIONS), a_person(Role.RISK)
    person = a_person()
    with at_desk(risk) as db:
        first = freezing.propose(db, risk, me(person), told="交易异常，需要核实身份", reason=WHY, now=NOW)
        second = freezing.propose(db, risk, me(person), told="多次收到诈骗预警提示", reason=WHY, now=NOW)
    assert signed(first, operations) is Status.APPROVED
    with pytest.raises(ChangeStale):
        signed(second, other)


@pytest.mark.parametrize("reason", ["", "   ", "太短了", "啊啊啊啊啊啊啊啊啊啊啊啊", "rc-123", "RC-"])
def test_a_reason_that_says_nothing_is_refused(reason: str) -> None:
    with pytest.raises(ReasonTooShort):
        changes.reason_of(reason, now=NOW)


@pytest.mark.parametrize("reason", ["RC-20261122", "客户来电要求更正姓名登记", "CASE-77A1"])
def test_a_case_number_or_a_sentence_is_a_reason(reason: str) -> None:
    assert changes.reason_of(f"  {reason} ", now=NOW) == reason


def test_a_role_that_may_not_propose_or_sign_is_told_so(two: tuple[Actor, Actor]) -> None:
    one, _ = two
    support, newcomer = a_person(Role.SUPPORT), a_person()
    with pytest.raises(page.NotAllowed), at_desk(support) as db:
        grants.propose(db, support, me(newcomer), Role.SUPPORT, reason=WHY, now=NOW)
    with at_desk(one) as db:
        change = grants.propose(db, one, me(newcomer), Role.SUPPORT, reason=WHY, now=NOW)
    with pytest.raises(page.NotAllowed), at_desk(support) as db:
        changes.sign(db, support, change.id, shown=change.shown_hash, now=NOW)
    with pytest.raises(UnknownChange), at_desk(support) as db:
        changes.sign(db, support, ids.new_id(), shown=change.shown_hash, now=NOW)


def test_each_step_leaves_its_record(two: tuple[Actor, Actor]) -> None:
    one, other = two
    with at_desk(one) as db:
        change = grants.propose(db, one, me(a_person()), Role.SUPPORT, reason=WHY, now=NOW)
    signed(change, other)
    with at_desk(one) as db:
        written = audit.page_of(db, subject=f"change:{change.id}")
    assert [one.act for one in reversed(written)] == ["change.asked", "approval.given", "approval.used"]
    assert {one.facts["shown"] for one in written} == {change.shown_hash.hex()}


def put_down(db: Session, change: ChangeRow, *, signed_by: UUID, proposed_by: UUID, shown: bytes | None = None) -> None:
    """A signature by raw SQL, as a mistake in the program would write it."""
    db.execute(
        text(
            "INSERT INTO change_signatures (change_id, signed_by, proposed_by, shown_hash, as_role, verdict, signed_at)"
            " VALUES (:change, :signed, :proposed, :shown, 'administrator', 'approve', now())"
        ),
        {"change": change.id, "signed": signed_by, "proposed": proposed_by, "shown": shown or change.shown_hash},
    )


def take_it(db: Session, change: ChangeRow) -> None:
    """Call the change approved and give the role, both by raw SQL."""
    approved = "UPDATE change_requests SET status = 'approved', decided_at = now() WHERE id = :id"
    db.execute(text(approved), {"id": change.id})
    given = (
        "INSERT INTO role_grants (person_id, id, role, since, given_by, change_id)"
        " VALUES (:person, :id, 'support', now(), :by, :change)"
    )
    values = {"person": change.subject_id, "id": ids.new_id(), "by": change.proposed_by, "change": change.id}
    db.execute(text(given), values)
