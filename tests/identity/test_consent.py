"""The consent ledger: a yes holds for one purpose, one text and some time; a no holds at once."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from anhuan.identity import consent, documents, rules, store_consent
from anhuan.identity.consent_words import PURPOSES, Channel, NoConsent, Purpose, TextChanged, UnknownPurpose, parse
from anhuan.kit import actors, audit, wall
from anhuan.kit.actors import Actor, ActorKind

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
YEAR = timedelta(days=rules.house("consent_days_bill_reading", on=NOW.date()))
SECOND = timedelta(seconds=1)

pytestmark = pytest.mark.scope("S1-29", "S2-14")


@pytest.fixture
def lin(db: Session, user_id: UUID) -> Actor:
    """A person whose rows are open."""
    wall.enter(db, party=user_id, person=user_id)
    return Actor(ActorKind.PERSON, person_id=user_id, party_id=user_id)


def give(
    db: Session, lin: Actor, purpose: Purpose = Purpose.BILL_READING, now: datetime = NOW, partner: str = ""
) -> None:
    assert lin.party_id is not None
    consent.give(db, lin.party_id, purpose, actor=lin, now=now, partner=partner)


def stands(db: Session, lin: Actor, purpose: Purpose, now: datetime = NOW, partner: str = "") -> bool:
    assert lin.party_id is not None
    return consent.stands(db, lin.party_id, purpose, now, partner=partner)


def test_nobody_agreed_before_they_were_asked(db: Session, lin: Actor, user_id: UUID) -> None:
    assert [one.name for one in consent.all_standing(db, user_id, NOW) if one.stands] == []
    with pytest.raises(NoConsent, match="consents/bill_reading"):
        consent.require(db, user_id, Purpose.BILL_READING, NOW)


def test_a_yes_to_one_purpose_is_a_yes_to_that_one_alone(db: Session, lin: Actor) -> None:
    give(db, lin)
    assert [one for one in Purpose if one is not Purpose.SHARING and stands(db, lin, one)] == [Purpose.BILL_READING]


def test_every_purpose_can_be_agreed_to_without_any_other(db: Session, lin: Actor) -> None:
    for purpose in Purpose:
        give(db, lin, purpose, partner="bank-a" if purpose is Purpose.SHARING else "")
        assert stands(db, lin, purpose, partner="bank-a" if purpose is Purpose.SHARING else "")
        assert lin.party_id is not None
        assert (
            consent.withdraw(
                db, lin.party_id, purpose, actor=lin, now=NOW, partner="bank-a" if purpose is Purpose.SHARING else ""
            ).stands
            is False
        )


@pytest.mark.parametrize(
    ("after", "holds"),
    [
        (-SECOND, False),  # not before it was said
        (timedelta(0), True),
        (YEAR - SECOND, True),
        (YEAR, False),  # it ended by its term, without anybody doing anything
    ],
)
def test_a_yes_holds_from_its_moment_until_its_end(db: Session, lin: Actor, after: timedelta, holds: bool) -> None:
    give(db, lin)
    assert stands(db, lin, Purpose.BILL_READING, NOW + after) is holds


def test_a_no_holds_at_once_and_a_new_yes_after_it(db: Session, lin: Actor, user_id: UUID) -> None:
    give(db, lin)
    consent.withdraw(db, user_id, Purpose.BILL_READING, actor=lin, now=NOW)
    assert not stands(db, lin, Purpose.BILL_READING)
    give(db, lin)
    assert stands(db, lin, Purpose.BILL_READING)
    assert [row.event for row in store_consent.events(db, user_id, at_most=9)] == ["given", "withdrawn", "given"]


def test_sharing_with_one_partner_is_not_sharing_with_another(db: Session, lin: Actor) -> None:
    give(db, lin, Purpose.SHARING, partner="bank-a")
    assert stands(db, lin, Purpose.SHARING, partner="bank-a")
    assert not stands(db, lin, Purpose.SHARING, partner="bank-b")


def test_two_taps_are_one_yes_and_a_renewal_near_the_end_is_a_second(db: Session, lin: Actor, user_id: UUID) -> None:
    give(db, lin)
    give(db, lin)
    assert len(store_consent.events(db, user_id, at_most=9)) == 1
    near = NOW + YEAR - timedelta(days=rules.house("consent_renew_days", on=NOW.date()))
    assert consent.standing(db, user_id, Purpose.BILL_READING, near).renew
    assert not consent.standing(db, user_id, Purpose.BILL_READING, near - SECOND).renew
    give(db, lin, now=near)
    assert consent.standing(db, user_id, Purpose.BILL_READING, near).expires_at == near + YEAR


def test_the_row_tells_which_words_were_shown_in_which_language(db: Session, lin: Actor, user_id: UUID) -> None:
    shown = documents.first(documents.Kind.BILL_READING)
    consent.give(db, user_id, Purpose.BILL_READING, actor=lin, now=NOW, lang="en", channel=Channel.API, version=1)
    row = store_consent.newest(db, user_id, "bill_reading", "")
    assert row is not None
    assert (row.document_sha256, row.rendered_sha256) == (shown.sha256, shown.rendered("en"))
    assert shown.rendered("en") != shown.rendered("zh")
    assert (row.channel, row.mode, row.periodic, row.person_id) == ("api", "store", True, user_id)
    assert row.data_types == list(PURPOSES[Purpose.BILL_READING].data)


def test_a_yes_to_words_that_are_not_in_force_is_refused(db: Session, lin: Actor, user_id: UUID) -> None:
    with pytest.raises(TextChanged):
        consent.give(db, user_id, Purpose.BILL_READING, actor=lin, now=NOW, version=2)
    assert store_consent.events(db, user_id, at_most=9) == []


@pytest.mark.parametrize("verb", ["UPDATE consent_events SET event = 'given'", "DELETE FROM consent_events"])
def test_the_database_lets_nobody_edit_the_ledger(db: Session, lin: Actor, verb: str) -> None:
    give(db, lin)
    with pytest.raises(DBAPIError, match="permission denied"), db.begin_nested():
        db.execute(text(verb))


def test_others_see_nothing_of_it(db: Session, lin: Actor, user_id: UUID) -> None:
    give(db, lin)
    wall.enter(db, party=UUID(int=7), person=UUID(int=7))
    assert store_consent.events(db, user_id, at_most=9) == []
    assert not consent.stands(db, user_id, Purpose.BILL_READING, NOW)


def test_every_yes_and_no_stands_in_the_audit_log(db: Session, lin: Actor, user_id: UUID) -> None:
    give(db, lin)
    consent.withdraw(db, user_id, Purpose.BILL_READING, actor=lin, now=NOW)
    acts = [record.act for record in audit.page_of(db, subject=f"party:{user_id}")]
    assert acts == ["consent.withdrawn", "consent.given"]


def test_withdrawing_everything_leaves_nothing_standing(db: Session, lin: Actor, user_id: UUID) -> None:
    give(db, lin)
    give(db, lin, Purpose.SHARING, partner="bank-a")
    assert consent.withdraw_all(db, user_id, actor=lin, now=NOW) == 2
    assert consent.withdraw_all(db, user_id, actor=lin, now=NOW) == 0
    assert not any(one.stands for one in consent.all_standing(db, user_id, NOW))


@pytest.mark.parametrize(
    "said", ["", "billing", "sharing", "sharing:", "sharing:a b", "marketing:bank-a", "sharing:-x"]
)
def test_a_purpose_that_is_not_in_the_table_is_refused(said: str) -> None:
    with pytest.raises(UnknownPurpose):
        parse(said)


def test_the_table_of_purposes_is_whole() -> None:
    assert set(PURPOSES) == set(Purpose)
    for purpose, line in PURPOSES.items():
        assert rules.house(line.days, on=NOW.date()) > rules.house("consent_renew_days", on=NOW.date()), purpose
        assert line.data


def test_nobody_is_somebody(db: Session, user_id: UUID) -> None:
    wall.enter(db, party=None)
    with pytest.raises(DBAPIError, match="row-level security"), db.begin_nested():
        consent.give(db, user_id, Purpose.MARKETING, actor=actors.NOBODY, now=NOW)
