"""A standing plan is looked at again when something happened: a change is proposed, and nothing moves unasked."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session
from tests.people import sign_in
from tests.repayments.test_plans import NOW, TODAY, Family, family_of, owed

from anhuan import cards, notify, planning, repayments
from anhuan.kit import db as database
from anhuan.kit import ids, jobs, wall
from anhuan.planning.above import Standing
from anhuan.repayments import fees, journey_plans, payers, plans, proposing, replanning, service, store_plans
from anhuan.repayments.model import AmountRule, OrderStatus, RepayAsk
from anhuan.repayments.replanning import Proposal

MORE = 300_000


@pytest.fixture
def family(db: Session, user_id: UUID) -> Family:
    sign_in(db, user_id)
    made = family_of(db, user_id)
    made.confirm()
    return made


@contextmanager
def opened(party: UUID) -> Iterator[Session]:
    """The party's rows, by the web's login."""
    with database.transaction() as db:
        wall.enter(db, party=party, person=party)
        yield db


def look(family: Family, why: str = "") -> Proposal | None:
    return proposing.look(family.db, family.party, why, now=family.now)


def standing(family: Family) -> Standing:
    request = planning.request_of(family.db, family.party, as_of=TODAY)
    return proposing.standing(family.db, family.party, request)


def told(family: Family) -> list[str]:
    found = notify.messages(family.db, family.party, lang="zh", now=family.now)
    return [one.kind for one in found if one.acknowledged_at is None]


def statuses(family: Family) -> list[OrderStatus]:
    return [one.status for one in repayments.orders(family.db, family.party)]


def another_bill(family: Family) -> UUID:
    return owed(family.db, family.party, "ceb", 60_000, date(2026, 11, 8), date(2026, 11, 30), "1111")


def test_while_nothing_happens_nothing_is_proposed(family: Family) -> None:
    assert look(family) is None
    assert look(family, "arrived") is None
    assert standing(family) is Standing.CONFIRMED


def test_a_day_that_passes_is_no_change(family: Family) -> None:
    look(family)
    family.now += timedelta(days=1)
    plan = store_plans.standing(family.db, family.party)
    assert plan is not None
    tomorrow = planning.request_of(family.db, family.party, as_of=TODAY + timedelta(days=1))
    assert plans.differs_in(plan.fingerprint, plans.fingerprint(family.db, family.party, tomorrow)) == ""
    assert look(family) is None


@pytest.mark.scope("S0-11")
def test_a_new_bill_is_proposed_and_the_payer_is_told_once(family: Family) -> None:
    account = another_bill(family)
    found = look(family)
    assert found is not None
    assert (found.why, [one.account_id for one in found.new], found.gone) == ("bill", [account], ())
    assert found.before is not None
    assert found.before > found.after
    again = look(family, "arrived")
    assert again is not None
    assert again.id == found.id
    assert told(family) == ["plan_changed"]
    assert statuses(family) == [OrderStatus.SCHEDULED] * 2, "a proposal moves nothing"
    assert standing(family) is Standing.CHANGED


@pytest.mark.scope("S0-11")
def test_money_that_is_missing_makes_the_old_plan_impossible(family: Family) -> None:
    cards.record_balance(family.db, family.party, family.own, 40_000, balance_on=TODAY)
    found = look(family)
    assert found is not None
    assert (found.why, found.before) == ("balance", None)
    assert found.gone


@pytest.mark.scope("S0-11")
def test_income_that_came_needs_no_change_where_the_plan_is_as_good(family: Family) -> None:
    cards.record_balance(family.db, family.party, family.own, 650_000, balance_on=TODAY)
    assert look(family) is None
    assert told(family) == []


@pytest.mark.scope("S0-11")
def test_an_arranged_payment_that_was_taken_back_is_proposed_anew(family: Family) -> None:
    first = repayments.orders(family.db, family.party)[0]
    repayments.cancel(family.db, family.me, family.party, first.order_id, now=family.now)
    found = look(family, "cancelled")
    assert found is not None
    assert (found.why, [one.account_id for one in found.new]) == ("cancelled", [first.account_id])


@pytest.mark.scope("S0-11", "S0-16")
def test_confirming_a_change_takes_the_old_back_and_places_the_new_in_one_go(family: Family) -> None:
    before = store_plans.standing(family.db, family.party)
    assert before is not None
    another_bill(family)
    look(family)
    new = family.confirm()
    assert sorted(one.amount for one in new) == [60_000, 100_000, 300_000]
    assert {one.group_id for one in new} != {before.group_id}, "an old confirmation is never used again"
    assert statuses(family).count(OrderStatus.CANCELLED) == 2
    assert before.ended_at is not None
    assert (replanning.proposal(family.db, family.party), look(family)) == (None, None)


@pytest.mark.scope("S0-11")
def test_keeping_the_old_plan_is_respected_until_something_else_changes(family: Family) -> None:
    another_bill(family)
    look(family)
    assert replanning.dismiss(family.db, family.me, now=family.now)
    assert (look(family), look(family, "arrived"), told(family)) == (None, None, [])
    assert not replanning.dismiss(family.db, family.me, now=family.now)
    owed(family.db, family.party, "spdb", 50_000, date(2026, 11, 9), date(2026, 11, 29), "2222")
    assert look(family) is not None


def test_a_proposal_that_no_longer_holds_is_taken_back_with_its_message(family: Family) -> None:
    cards.record_balance(family.db, family.party, family.own, 40_000, balance_on=TODAY)
    assert look(family) is not None
    cards.record_balance(family.db, family.party, family.own, 150_000, balance_on=TODAY)
    assert look(family) is None
    assert (told(family), replanning.proposal(family.db, family.party)) == ([], None)


def test_after_its_last_day_a_plan_stands_no_longer(family: Family) -> None:
    family.now += timedelta(days=100)
    assert look(family) is None
    assert store_plans.standing(family.db, family.party) is None


@pytest.mark.scope("S3-11")
def test_a_fee_that_rose_until_the_day_ends_the_order_and_asks_anew(family: Family) -> None:
    db, party = family.db, family.party
    cards.record_balance(db, party, family.own, 5_000_000, balance_on=TODAY)
    third = owed(db, party, "ceb", 900_000, date(2026, 11, 8), date(2026, 11, 30), "1111")
    later, now = (
        repayments.quote(db, party, RepayAsk(third, family.own, AmountRule.CUSTOM, 400_000, "wechat", day), now=at)
        for day, at in ((date(2026, 11, 25), family.now), (None, family.now))
    )
    assert (later.fee, now.fee) == (0, 0)
    (waiting,) = repayments.confirm(db, family.me, [later], key=ids.new_id(), answer=None, now=family.now)
    repayments.confirm(db, family.me, [now], key=ids.new_id(), answer=None, now=family.now)
    on_the_day = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
    lines = fees.lines_for(payers.of(db, party, now=on_the_day), 400_000, "wechat", now=on_the_day)
    assert sum(line.fee for line in lines) == 300
    ended = service.start(db, party, waiting.order_id, now=on_the_day)
    assert (ended.status, ended.final_code) == (OrderStatus.FAILED, "repay.changed")


@pytest.mark.scope("S0-11")
def test_the_worker_looks_at_standing_plans_by_itself_and_proposes_what_changed(own_database: Engine) -> None:
    party = ids.new_id()
    sign_in(own_database, party)

    with opened(party) as db:
        made = family_of(db, party)
        made.confirm()
        owed(db, party, "ceb", 60_000, date(2026, 11, 8), date(2026, 11, 30), "1111")
    journey_plans.plans()
    with jobs.transaction() as db:
        asked = text("SELECT args FROM procrastinate_jobs WHERE task_name = :name")
        found = db.scalars(asked, {"name": replanning.REPLAN}).all()
        assert [one["party"] for one in found] == [str(party)]
        journey_plans.step(db, party, "", now=NOW)
    with opened(party) as db:
        change = replanning.proposal(db, party)
        assert change is not None
        assert (change.why, change.kept) == ("bill", 2)
