"""The dead-man alert: at the last safe moment, and when only paying by hand is left, the payer is told once each."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from tests.repayments.autopaying import given, until
from tests.repayments.conftest import Home, clean, home, house
from tests.repayments.views import an_order

from anhuan import notify
from anhuan.identity import limits
from anhuan.kit import clock, wall
from anhuan.kit.db import sessions
from anhuan.repayments import alert_bills, alert_rules, alerts, journey_alerts
from anhuan.repayments.alert_rules import Stage
from anhuan.repayments.model import OrderStatus, OrderView, Wait

__all__ = ["clean", "home", "house"]
pytestmark = pytest.mark.scope("S0-42")
SPANS = {"held_ahead": timedelta(hours=24), "not_started_after": timedelta(minutes=60)}


def look(home: Home, now: datetime) -> list[notify.Message]:
    """What the worker's look tells this payer; what was told before is acknowledged."""
    with home.rows() as db:
        notify.acknowledge(db, home.party, None, now=now)
    with sessions("work").begin() as db:
        wall.everybody(db)
        found = alerts.due(db, now)
    for party, order_id in alerts.each(found):
        journey_alerts.one(party, order_id, now=now)
    with home.rows() as db:
        told = notify.messages(db, home.party, lang="zh", now=now)
    return [one for one in told if one.kind.startswith("alert_") and one.acknowledged_at is None]


def moments(order: OrderView) -> tuple[datetime, datetime]:
    assert order.safe_by_at is not None
    assert order.by_hand_at is not None
    assert order.safe_by_at < order.by_hand_at
    return order.safe_by_at, order.by_hand_at


def test_both_moments_are_told_once_each(home: Home) -> None:
    (order,) = home.tap()
    home.deliver(order)
    safe, by_hand = moments(order)
    assert look(home, safe - timedelta(seconds=1)) == []
    assert [one.kind for one in look(home, safe)] == ["alert_safe_out"]
    assert look(home, by_hand - timedelta(seconds=1)) == []
    assert [one.kind for one in look(home, by_hand)] == ["alert_hand_out"]
    assert look(home, by_hand + timedelta(hours=5)) == []
    assert home.told(order).count("alerted") == 2


def test_what_may_be_on_its_way_is_weighed_in_yuan_and_left_to_the_payer(home: Home) -> None:
    (order,) = home.tap()
    home.deliver(order)
    (message,) = look(home, moments(order)[1])
    assert "钱可能已在路上" in message.text
    assert "渠道说" in message.text
    assert "溢缴款,最多 ¥1,000.00" in message.text
    assert "至少自己还最低还款额 ¥100.00" in message.text
    late = message.text.split("晚一天约多付 ")[1].split(",")[0]
    assert late.startswith("¥")
    assert late > "¥1"
    assert "由您决定" in message.text


def test_what_never_went_out_is_to_be_paid_by_hand(home: Home) -> None:
    (order,) = home.tap()
    (message,) = look(home, moments(order)[1])
    assert message.kind == "alert_hand_not_out"
    assert "没有扣款" in message.text
    assert message.link == f"/repay/orders/{order.order_id}"
    assert message.urgent


def test_what_is_proved_needs_no_alert_and_ends_the_one_that_was(home: Home) -> None:
    (order,) = home.tap()
    home.deliver(order)
    look(home, moments(order)[0])
    home.prove(order)
    assert look(home, moments(order)[1]) == []
    with home.rows() as db:
        assert notify.urgent(db, home.party, lang="zh", now=home.clock()) == ()


@pytest.mark.scope("S0-14")
def test_a_paused_payment_is_told_before_its_last_safe_moment(home: Home) -> None:
    (order,) = home.tap()
    with home.rows() as db:
        limits.pause_everything(db, home.me, now=home.clock())
    home.deliver(order)
    assert home.found(order).wait is Wait.PAUSED
    safe, _ = moments(order)
    assert look(home, safe - timedelta(hours=25)) == []
    (message,) = look(home, safe - timedelta(hours=24))
    assert message.kind == "alert_held"
    assert "您暂停了所有付款" in message.text


@pytest.mark.scope("S3-24")
def test_a_bill_under_a_mandate_that_nobody_ordered_is_told_once(home: Home) -> None:
    """The worker never came: the run was planned, and its last safe moment has passed without an order."""
    given(home)
    assert bills(home) == []
    until(home, date(2026, 12, 8), hour=10)
    (one,) = bills(home)
    with home.worker() as db:
        alert_bills.tell(db, one, now=home.clock(), by_job=True)
    with home.rows() as db:
        (told,) = [one for one in notify.messages(db, home.party, lang="zh", now=home.clock()) if one.urgent]
    assert told.kind == "alert_no_order"
    assert "没有扣款" in told.text
    assert told.link == f"/repay/{home.account_id}"
    assert bills(home) == [], "once"


def bills(home: Home) -> list[alert_bills.Missing]:
    with sessions("work").begin() as db:
        wall.everybody(db)
        found = alert_bills.untold(db, alert_bills.missing(db, home.clock()))
    return [one for one in found if one.party == home.party]


def order(**changes: Any) -> OrderView:
    """An order of the tenth of the month, safe until the fifteenth, by hand from the sixteenth."""
    return replace(an_order(), **changes)


def at(day: int, hour: int = 9) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=clock.CHINA)


@pytest.mark.parametrize(
    ("stage", "changes", "told"),
    [
        (Stage.SAFE_BY, {}, at(15)),
        (Stage.SAFE_BY, {"placed_at": at(15, 10)}, None),  # the sheet said that it is late
        (Stage.BY_HAND, {}, at(16)),
        (Stage.BY_HAND, {"placed_at": at(16, 10)}, at(16, 12)),  # once it could have arrived
        (Stage.BY_HAND, {"status": OrderStatus.ARRIVED}, None),
        (Stage.HELD, {}, None),
        (Stage.HELD, {"status": OrderStatus.PLACED, "wait": Wait.BALANCE}, at(14)),
        (Stage.HELD, {"status": OrderStatus.SCHEDULED, "wait": Wait.DAY}, None),
        (Stage.HELD, {"status": OrderStatus.SENT, "wait": Wait.BALANCE}, None),
        (Stage.NOT_STARTED, {"status": OrderStatus.SCHEDULED, "next_at": at(12)}, at(12, 10)),
        (Stage.NOT_STARTED, {"status": OrderStatus.PLACED, "next_at": at(12)}, None),
    ],
)
def test_when_each_stage_is_told(stage: Stage, changes: dict[str, Any], told: datetime | None) -> None:
    assert alert_rules.moment_of(order(**changes), stage, **SPANS) == told


def test_after_a_long_silence_the_gravest_is_told_and_the_others_count_as_told() -> None:
    assert alert_rules.due_stages(order(), (), now=at(17), **SPANS) == (Stage.SAFE_BY, Stage.BY_HAND)
    assert alert_rules.due_stages(order(), ("safe_by",), now=at(17), **SPANS) == (Stage.BY_HAND,)
