"""A whole plan is confirmed once: every payment and fee shown, one proof, one group; what stands is counted."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy.orm import Session
from tests.people import sign_in

from anhuan import cards, planning, repayments
from anhuan.cards import BillFacts, Charge
from anhuan.kit import ids
from anhuan.kit.actors import Actor, ActorKind
from anhuan.repayments import plans, store_plans
from anhuan.repayments.model import AmountRule, GroupKind, NothingToPay, OrderStatus, RepayAsk
from anhuan.repayments.plans import PlanWish
from anhuan.repayments.tables import GroupRow

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)  # ten o'clock in China
TODAY = date(2026, 11, 22)


@dataclass
class Family:
    """One person: 1,500.00 now, 5,000.00 salary on 28 November; two bills, due on 26 November and 8 December."""

    db: Session
    party: UUID
    own: UUID
    near: UUID
    far: UUID
    now: datetime = NOW

    @property
    def me(self) -> Actor:
        return Actor(ActorKind.COMMAND, person_id=self.party, party_id=self.party)

    def wish(self) -> PlanWish:
        return plans.wish_of(self.db, self.party, now=self.now)

    def confirm(self, intent: UUID | None = None) -> tuple[repayments.OrderView, ...]:
        wish = self.wish()
        return plans.confirm(self.db, self.me, wish, intent=intent or ids.new_id(), answer=None, now=self.now)


def owed(db: Session, party: UUID, bank: str, total: int, statement_on: date, due_on: date, tail: str) -> UUID:
    facts = BillFacts(bank, "CNY", total, total // 10, statement_on, due_on, (tail,),
                      charges=(Charge(statement_on - timedelta(days=9), total),), known_complete=True)  # fmt: skip
    return cards.record_bill(db, party, facts, now=NOW).account_id


def family_of(db: Session, party: UUID) -> Family:
    own = cards.set_account(db, party, "icbc", "1024", label="工资卡")
    cards.record_balance(db, party, own.account_id, 150_000, balance_on=TODAY)
    planning.set_flow(db, party, own.account_id, 500_000, on_date=date(2026, 11, 28))
    near = owed(db, party, "cmb", 100_000, date(2026, 11, 6), date(2026, 11, 26), "6214")
    far = owed(db, party, "icbc", 300_000, date(2026, 11, 15), date(2026, 12, 8), "7640")
    return Family(db, party, own.account_id, near, far)


@pytest.fixture
def family(db: Session, user_id: UUID) -> Family:
    sign_in(db, user_id)
    return family_of(db, user_id)


@pytest.mark.scope("S0-16")
def test_the_whole_plan_is_shown_with_every_payment_before_anybody_confirms(family: Family) -> None:
    wish = family.wish()
    assert [(one.ask.account_id, one.amount, one.by_hand) for one in wish.quotes] == [
        (family.near, 100_000, True), (family.far, 300_000, True),
    ]  # fmt: skip
    assert (wish.amount, wish.fee, wish.blocked, wish.left, wish.replaced) == (400_000, 0, (), (), ())
    near, far = wish.quotes
    assert near.ask.start_on is not None, "what is not due yet waits for its day"
    assert far.ask.start_on is not None
    assert far.ask.start_on >= date(2026, 11, 28), "the second waits for the salary, and is not refused for it"


def test_every_payment_begins_in_time_for_its_channel(family: Family) -> None:
    for one in family.wish().quotes:
        assert one.safe_by_at is not None
        assert one.start_at <= one.safe_by_at, one.card_name


@pytest.mark.scope("S0-16")
def test_one_confirmation_places_all_of_it_in_one_group(family: Family) -> None:
    orders = family.confirm(intent := ids.new_id())
    assert len({one.group_id for one in orders}) == 1
    assert [one.status for one in orders] == [OrderStatus.SCHEDULED] * 2
    assert {one.rule for one in orders} == {AmountRule.PLANNED}
    group = family.db.get(GroupRow, (family.party, orders[0].group_id))
    assert group is not None
    assert group.kind == GroupKind.PLAN
    plan = store_plans.standing(family.db, family.party)
    assert plan is not None
    assert (plan.id, plan.group_id) == (intent, group.id)


def test_two_taps_are_one_plan(family: Family) -> None:
    intent = ids.new_id()
    first = family.confirm(intent)
    again = plans.confirm(family.db, family.me, family.wish(), intent=intent, answer=None, now=NOW)
    assert [one.order_id for one in first] == [one.order_id for one in again]


def test_another_plan_is_another_act(family: Family) -> None:
    wish, intent = family.wish(), ids.new_id()
    cheaper = replace(wish, items=wish.items[:1])
    assert wish.key(intent) == wish.key(intent) != cheaper.key(intent)
    assert wish.digest() != replace(wish, left=(), replaced=(), items=()).digest()


def test_a_new_plan_takes_the_place_of_what_the_old_one_had_arranged(family: Family) -> None:
    old = family.confirm()
    wish = family.wish()
    assert {one.order_id for one in wish.replaced} == {one.order_id for one in old}
    assert wish.amount == 400_000, "what is arranged is planned anew, not counted as paid"
    new = family.confirm()
    assert {repayments.find(family.db, family.party, one.order_id).status for one in old} == {OrderStatus.CANCELLED}
    assert {one.status for one in new} == {OrderStatus.SCHEDULED}
    assert sum(repayments.on_its_way(family.db, family.party, on=TODAY).values()) == 400_000


def test_looking_at_a_plan_leaves_the_arranged_orders_as_they_are(family: Family) -> None:
    old = family.confirm()
    family.wish()
    assert {repayments.find(family.db, family.party, one.order_id).status for one in old} == {OrderStatus.SCHEDULED}


@pytest.mark.scope("S0-11")
def test_what_is_on_its_way_is_neither_planned_nor_spent_twice(family: Family) -> None:
    ask = RepayAsk(family.near, family.own, AmountRule.FULL, channel="bank_transfer")
    quote = repayments.quote(family.db, family.party, ask, now=NOW)
    repayments.confirm(family.db, family.me, [quote], key=ids.new_id(), answer=None, now=NOW)
    wish = family.wish()
    assert [one.ask.account_id for one in wish.quotes] == [family.far]
    points = planning.plan_mine(family.db, family.party, as_of=TODAY).points
    assert points[0].total == 50_000, "1,000.00 of the 1,500.00 is under way"


def test_a_promise_to_pay_by_hand_that_a_newer_bill_left_behind_is_planned_anew(family: Family) -> None:
    ask = RepayAsk(family.near, family.own, AmountRule.FULL, channel="bank_app")
    quote = repayments.quote(family.db, family.party, ask, now=NOW)
    [old] = repayments.confirm(family.db, family.me, [quote], key=ids.new_id(), answer=None, now=NOW)
    repayments.start(family.db, family.party, old.order_id, now=NOW)
    assert family.near not in {one.ask.account_id for one in family.wish().quotes}
    family.now = NOW + timedelta(days=15)
    owed(family.db, family.party, "cmb", 120_000, date(2026, 12, 6), date(2026, 12, 26), "6214")
    cards.record_balance(family.db, family.party, family.own, 1_000_000, balance_on=date(2026, 12, 7))
    assert sum(one.amount for one in family.wish().quotes if one.ask.account_id == family.near) == 120_000


def test_with_nothing_to_pay_there_is_nothing_to_confirm(family: Family) -> None:
    family.confirm()
    empty = replace(family.wish(), items=())
    with pytest.raises(NothingToPay):
        plans.confirm(family.db, family.me, empty, intent=ids.new_id(), answer=None, now=NOW)


@pytest.mark.scope("S3-11")
def test_payments_of_one_plan_share_the_months_quota(family: Family) -> None:
    cards.record_balance(family.db, family.party, family.own, 1_000_000, balance_on=TODAY)
    owed(family.db, family.party, "ceb", 400_000, date(2026, 11, 8), date(2026, 11, 27), "1111")
    for channel in ("bank_transfer", "wechat"):
        planning.set_channel(family.db, family.party, channel, chosen=channel == "wechat")
    lines = [line for one in family.wish().quotes for part in one.parts for line in part.fees]
    november = sum(line.free for line in lines if line.charged or line.free_left < 500_000)
    assert sum(line.free for line in lines) <= 2 * 500_000, "a month has one quota"
    assert november > 0
    assert all(line.fee == 0 or line.charged > 0 for line in lines)
