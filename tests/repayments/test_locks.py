"""Several orders taken back at once: nobody waits for anybody in a circle, whoever is told of one of them meanwhile."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, event
from tests.channels.bank import RECORD
from tests.repayments.autopaying import given, me, until, work
from tests.repayments.conftest import Home, clean, home, house
from tests.repayments.test_autopay import NOTICE, PAY

from anhuan import channels, repayments
from anhuan.channels import evidence
from anhuan.kit import ids, jobs, wall
from anhuan.repayments import AmountRule, OrderStatus, OrderView, autopay, mandates, plans
from anhuan.repayments.plans import PlanWish

__all__ = ["clean", "home", "house"]


def placed(home: Home) -> tuple[UUID, tuple[OrderView, ...]]:
    """A mandate whose debit a limit cut into parts: none of its orders has gone out. Oldest first."""
    home.connector.record = replace(RECORD, per_payment_max=40_000, per_day_max=20_000_000)
    made = given(home)
    until(home, NOTICE)
    work(home)
    until(home, PAY)
    with jobs.transaction() as db:
        wall.everybody(db)
        autopay.run_due(db, now=home.clock(), at_most=10)
    with home.rows() as db:
        found = sorted(repayments.orders(db, home.party), key=lambda one: (one.placed_at, one.order_id))
    assert [one.status for one in found] == [OrderStatus.PLACED] * 3
    return made.id, tuple(found)


@contextmanager
def before_holding(key: UUID, by: Callable[[], bool]) -> Iterator[threading.Event]:
    """Set when the thread that `by` knows is about to hold this instruction."""
    reached = threading.Event()

    def look(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        if "FROM channel_instructions" in statement and "FOR UPDATE" in statement and by():
            values = parameters.values() if isinstance(parameters, dict) else parameters
            if key in values or str(key) in values:
                reached.set()

    event.listen(Engine, "before_cursor_execute", look)
    try:
        yield reached
    finally:
        event.remove(Engine, "before_cursor_execute", look)


def while_the_last_is_told(home: Home, orders: tuple[OrderView, ...], act: Callable[[], Any]) -> list[BaseException]:
    """Run the act while the worker holds the last order's instruction and then moves it; what either of them raised."""
    last, bad = orders[-1].key, list[BaseException]()
    assert last is not None

    def acting() -> None:
        try:
            act()
        except BaseException as error:
            bad.append(error)

    thread = threading.Thread(target=acting, name="acting")
    with before_holding(last, lambda: threading.current_thread() is thread) as reached:
        try:
            with home.worker() as db:
                evidence.hold(db, home.party, [last])
                thread.start()
                assert reached.wait(30), "the act never wanted the last instruction"
                channels.withdraw(db, home.party, last, now=home.clock())  # tells the order, which posts to the books
        except BaseException as error:
            bad.append(error)
        thread.join(30)
    assert not thread.is_alive()
    return bad


def test_a_mandate_that_ends_while_one_of_its_orders_is_told_of_waits_in_no_circle(home: Home) -> None:
    mandate_id, orders = placed(home)
    with home.rows() as db:
        who = me(home, db)

    def revoke() -> None:
        with home.rows() as db:
            mandates.revoke(db, who, mandate_id, now=home.clock())

    assert while_the_last_is_told(home, orders, revoke) == []
    assert {home.found(one).status for one in orders} == {OrderStatus.CANCELLED}
    assert home.money()["held"] == 0


def test_a_plan_that_takes_back_what_began_meanwhile_waits_in_no_circle(home: Home) -> None:
    item = plans.PlanItem(home.quote(rule=AmountRule.CUSTOM, amount=30_000), 0, PAY)
    _, orders = placed(home)
    wish = PlanWish((item,), (), orders, (), 0, PAY, b"")

    def confirm() -> None:
        with home.rows() as db:
            plans.confirm(db, home.me, wish, intent=ids.new_id(), answer=None, now=home.clock())

    assert while_the_last_is_told(home, orders, confirm) == []
    assert {home.found(one).status for one in orders} == {OrderStatus.CANCELLED}
    with home.rows() as db:
        assert sum(repayments.on_its_way(db, home.party, on=home.clock().date()).values()) == 30_000
