"""Organisations: an owner always, links that serve once, acting for one, and what two members must agree on."""

import threading

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from tests.identity.desk import NOW, a_person, acting, admitted, at_home, me

from anhuan.identity import Role, changes, organisations, sessions, store_access
from anhuan.identity.change_rules import Status
from anhuan.identity.model import OwnChange
from anhuan.identity.organisations import (
    BadInvitation,
    BadOrganisation,
    MemberAlready,
    NeedsOwner,
    OrganisationKind,
    UnknownOrganisation,
)
from anhuan.identity.rules import house
from anhuan.identity.tables import MemberRow
from anhuan.kit import ids, page
from anhuan.kit.actors import Actor, Strength

SHOP = OrganisationKind.MERCHANT
WHY = "门店上个月换了财务负责人"
CODE = "91350100M000100Y43"  # the specimen of GB 32100-2015


@pytest.fixture
def owner(own_database: Engine) -> Actor:
    """The owner of a shop, acting for it."""
    person = a_person(name="甲店主")
    with at_home(person) as db:
        made = organisations.make(db, person, kind=SHOP, name="示例小店(虚构)", now=NOW)
    return acting(me(person), Role.OWNER, party=made)


def joined(owner: Actor, role: Role) -> Actor:
    """Somebody who came in by an invitation, acting for the shop."""
    person = a_person(name="乙店员")
    with at_home(owner) as db:
        token = organisations.invite(db, owner, role, now=NOW)
    with at_home(person) as db:
        party = organisations.join(db, person, token, now=NOW)
    return acting(me(person), role, party=party)


@pytest.mark.scope("S0-29")
def test_whoever_makes_an_organisation_owns_it_and_acts_for_it(own_database: Engine) -> None:
    person = a_person()
    with at_home(person) as db:
        before = sessions.open_session(db, me(person), strength=Strength.PASSKEY, now=NOW)
    who = admitted(before)
    with at_home(who) as db:
        made = organisations.make(db, who, kind=SHOP, name="示例小店(虚构)", now=NOW)
        after = organisations.act_for(db, who, made, now=NOW)
    assert admitted(before).party_id is None, "the session goes on under a new token alone"
    now_acting = admitted(after)
    assert (now_acting.person_id, now_acting.party_id, now_acting.roles) == (me(person), made, frozenset({"owner"}))
    with at_home(now_acting) as db:
        back = organisations.act_for(db, now_acting, me(person), now=NOW)
    assert admitted(back).party_id == me(person)


def test_nobody_acts_for_an_organisation_of_others(owner: Actor) -> None:
    stranger = a_person()
    assert owner.party_id is not None
    for party in (owner.party_id, ids.new_id()):
        with pytest.raises(UnknownOrganisation), at_home(stranger) as db:
            organisations.act_for(db, stranger, party, now=NOW)


def test_the_database_lets_nobody_enter_an_organisation_by_himself(owner: Actor) -> None:
    stranger = a_person()
    with pytest.raises(DBAPIError, match="row-level security"), at_home(stranger) as db:
        db.execute(
            text(
                "INSERT INTO members (person_id, id, organisation_id, role, since, given_by)"
                " VALUES (:me, :id, :shop, 'owner', now(), :me)"
            ),
            {"me": me(stranger), "id": ids.new_id(), "shop": owner.party_id},
        )


@pytest.mark.scope("S0-29")
def test_an_invitation_is_good_once(owner: Actor) -> None:
    one, other = a_person(), a_person()
    with at_home(owner) as db:
        token = organisations.invite(db, owner, Role.MAKER, now=NOW)
    with at_home(one) as db:
        assert organisations.invited(db, one, token, now=NOW).name == "示例小店(虚构)"
        organisations.join(db, one, token, now=NOW)
    with pytest.raises(BadInvitation), at_home(other) as db:
        organisations.join(db, other, token, now=NOW)
    with pytest.raises(BadInvitation), at_home(other) as db:
        organisations.invited(db, other, "x" * 43, now=NOW)


def test_of_two_who_use_one_link_at_once_one_comes_in(owner: Actor) -> None:
    people = [a_person(), a_person()]
    with at_home(owner) as db:
        token = organisations.invite(db, owner, Role.MAKER, now=NOW)
    ready, told = threading.Barrier(2), []

    def hand(who: Actor) -> None:
        ready.wait()
        try:
            with at_home(who) as db:
                organisations.join(db, who, token, now=NOW)
            told.append("in")
        except BadInvitation:
            told.append("out")

    hands = [threading.Thread(target=hand, args=(who,)) for who in people]
    for thread in hands:
        thread.start()
    for thread in hands:
        thread.join()
    assert sorted(told) == ["in", "out"]


def test_an_invitation_ends_by_time_and_by_the_owner(owner: Actor) -> None:
    person = a_person()
    with at_home(owner) as db:
        old, gone = (organisations.invite(db, owner, Role.MAKER, now=NOW) for _ in range(2))
        assert owner.party_id is not None
        newest = store_access.open_invitations(db, owner.party_id, at=NOW)
        row = next(one for one in newest if one.token_hash == sessions.hash_of(gone))
        organisations.take_back(db, owner, row.id, now=NOW)
        ends_at = row.ends_at
    hours = house("organisation_invitation_hours", on=NOW.date())
    assert (ends_at - NOW).total_seconds() == hours * 3600
    for token, at in ((gone, NOW), (old, ends_at)):
        with pytest.raises(BadInvitation), at_home(person) as db:
            organisations.join(db, person, token, now=at)


def test_a_link_makes_no_owner_and_a_maker_makes_no_link(owner: Actor) -> None:
    with pytest.raises(BadOrganisation), at_home(owner) as db:
        organisations.invite(db, owner, Role.OWNER, now=NOW)
    maker = joined(owner, Role.MAKER)
    with pytest.raises(page.NotAllowed), at_home(maker) as db:
        organisations.invite(db, maker, Role.MAKER, now=NOW)
    with at_home(owner) as db:
        token = organisations.invite(db, owner, Role.CHECKER, now=NOW)
    with pytest.raises(MemberAlready), at_home(acting(me(maker))) as db:
        organisations.join(db, acting(me(maker)), token, now=NOW)


@pytest.mark.scope("S0-29")
def test_an_organisation_is_never_without_an_owner(owner: Actor) -> None:
    maker = joined(owner, Role.MAKER)
    with pytest.raises(NeedsOwner), at_home(owner) as db:
        organisations.leave(db, owner, now=NOW)
    with at_home(maker) as db:
        change = organisations.propose_role(db, maker, me(owner), Role.MAKER, reason=WHY, now=NOW)
    checker = joined(owner, Role.CHECKER)
    with pytest.raises(NeedsOwner), at_home(checker) as db:
        changes.sign(db, checker, change.id, shown=change.shown_hash, now=NOW)


@pytest.mark.scope("S0-29")
def test_a_role_changes_when_a_maker_asks_and_a_checker_agrees(owner: Actor) -> None:
    maker, checker = joined(owner, Role.MAKER), joined(owner, Role.CHECKER)
    with at_home(maker) as db:
        change = organisations.propose_role(db, maker, me(checker), Role.MAKER, reason=WHY, now=NOW)
    for who in (maker, checker):  # who asked, and whom it is about
        with pytest.raises(OwnChange), at_home(who) as db:
            changes.sign(db, who, change.id, shown=change.shown_hash, now=NOW)
    with at_home(owner) as db:
        assert changes.sign(db, owner, change.id, shown=change.shown_hash, now=NOW) is Status.APPROVED
    assert roles_of(owner) == {me(owner): "owner", me(maker): "maker", me(checker): "maker"}


@pytest.mark.scope("S0-29")
def test_the_company_account_changes_by_two_people(owner: Actor) -> None:
    maker = joined(owner, Role.MAKER)
    with at_home(maker) as db:
        change = organisations.propose_details(
            db, maker, registration=CODE, account_bank="招商银行福州分行", account_number="5910 0000 1234 567",
            reason=WHY, now=NOW,
        )  # fmt: skip
        assert organisations.details(db, change.subject_id) is None
    with at_home(owner) as db:
        changes.sign(db, owner, change.id, shown=change.shown_hash, now=NOW)
        row = organisations.details(db, change.subject_id)
    assert row is not None
    assert (row.registration, row.account_number, row.change_id) == (CODE, "591000001234567", change.id)


def test_another_organisation_sees_nothing_of_it(owner: Actor) -> None:
    maker, stranger = joined(owner, Role.MAKER), a_person()
    with at_home(stranger) as db:
        party = organisations.make(db, stranger, kind=SHOP, name="别家店(虚构)", now=NOW)
    other = acting(me(stranger), Role.OWNER, party=party)
    with at_home(maker) as db:
        change = organisations.propose_role(db, maker, me(owner), Role.CHECKER, reason=WHY, now=NOW)
    with at_home(other) as db:
        assert store_access.change(db, change.id) is None
        assert owner.party_id is not None
        assert store_access.members(db, owner.party_id) == []
    with pytest.raises(changes.UnknownChange), at_home(other) as db:
        changes.sign(db, other, change.id, shown=change.shown_hash, now=NOW)


def test_an_owner_removes_a_member_at_once_and_the_session_has_no_rights_left(owner: Actor) -> None:
    maker = joined(owner, Role.MAKER)
    with at_home(acting(me(maker))) as db:
        token = sessions.open_session(db, me(maker), strength=Strength.PASSKEY, now=NOW, party_id=maker.party_id)
    assert admitted(token).roles == {"maker"}
    with at_home(owner) as db:
        organisations.remove(db, owner, me(maker), now=NOW)
    assert "cards.read" not in admitted(token).rights


@pytest.mark.parametrize(("code", "good"), [
    (CODE, True),
    ("91350100M000100Y44", False),  # the check sign
    ("91350100M000100I43", False),  # I is no sign of the code
    ("91350100M000100Y4", False),
])  # fmt: skip
def test_a_credit_code_has_its_check_sign(code: str, good: bool) -> None:
    assert organisations.is_credit_code(code) is good


def roles_of(owner: Actor) -> dict[object, str]:
    """Everybody's standing role in the organisation."""
    assert owner.party_id is not None
    with at_home(owner) as db:
        found: list[tuple[MemberRow, object]] = list(store_access.members(db, owner.party_id))
        return {member.person_id: member.role for member, _ in found}
