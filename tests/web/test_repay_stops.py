"""Behind an operator's stop: what waits says why and until when, and what people pay at their bank goes on."""

import re

import pytest
from tests.channels.bank import NAME
from tests.channels.test_stops import stopped
from tests.identity.desk import acting
from tests.repayments.conftest import clean, home, house
from tests.web.test_repay_pages import Phone, door, phone, plain

from anhuan.channels.stops import Scope
from anhuan.identity import Role
from anhuan.kit import clock, ids
from anhuan.repayments import OrderStatus, Wait

__all__ = ["clean", "door", "home", "house", "phone"]


def stop(scope: Scope, name: str = "") -> None:
    """One operator closes this from now on."""
    stopped(acting(ids.new_id(), Role.OPERATIONS), scope, name)


@pytest.mark.scope("S0-14")
def test_what_was_taken_on_behind_a_stop_does_not_say_that_it_is_on_its_way(phone: Phone) -> None:
    form = phone.form(phone.get(phone.sheet))
    stop(Scope.CHANNEL, NAME)
    said = plain(phone.get(phone.confirm(form)))
    assert "已受理,还没有付出" in said
    assert "渠道暂停,恢复后自动继续" in said
    assert "钱在路上" not in said


def test_what_nothing_keeps_says_that_it_is_on_its_way(phone: Phone) -> None:
    assert "已受理,钱在路上" in plain(phone.get(phone.confirm(phone.form(phone.get(phone.sheet)))))


def test_the_next_look_behind_a_stop_is_the_one_that_will_be(phone: Phone) -> None:
    phone.confirm(phone.form(phone.get(phone.sheet)))
    stop(Scope.BANK, "cmb")
    [order] = phone.orders()
    phone.home.deliver(order)
    soon = f"{(phone.home.clock().astimezone(clock.CHINA)).replace(second=0):%H:%M}"
    phone.home.clock.pass_(seconds=1)
    said = plain(phone.get(f"/repay/orders/{order.order_id}"))
    found = re.search(r"下次再看 (?:今天 |.*?)(\d\d:\d\d)", said)
    assert found, said
    assert minutes(found[1]) - minutes(soon) == 1, "the channels look each minute, not in half an hour"
    assert "银行暂停,恢复后自动继续" in said


@pytest.mark.parametrize(("scope", "name"), [(Scope.BANK, "cmb"), (Scope.EVERYTHING, "")])
def test_what_a_person_pays_at_the_bank_goes_on_behind_a_stop(phone: Phone, scope: Scope, name: str) -> None:
    stop(scope, name)
    to = phone.confirm(phone.form(phone.get(f"{phone.sheet}?channel=bank_app")))
    assert "已记下,等您在银行付" in plain(phone.get(to))
    [order] = phone.orders()
    phone.home.deliver(order)
    found = phone.home.found(order)
    assert (found.status, found.wait) == (OrderStatus.SENT, None)
    said = plain(phone.get(f"/repay/by-hand/{order.key}"))
    assert "您自己付不受影响" in said, "a warning, and no lock"
    assert "我已付款" in said


def test_a_stop_of_the_way_itself_keeps_what_a_person_would_walk(phone: Phone) -> None:
    form = phone.form(phone.get(f"{phone.sheet}?channel=bank_app"))
    stop(Scope.CHANNEL, "bank_app")
    phone.confirm(form)
    [order] = phone.orders()
    phone.home.deliver(order)
    found = phone.home.found(order)
    assert (found.status, found.wait) == (OrderStatus.PLACED, Wait.CHANNEL_STOPPED)


def test_without_a_stop_nothing_is_warned_of(phone: Phone) -> None:
    phone.confirm(phone.form(phone.get(f"{phone.sheet}?channel=bank_app")))
    [order] = phone.orders()
    assert "您自己付不受影响" not in plain(phone.get(f"/repay/by-hand/{order.key}"))


def minutes(at: str) -> int:
    return int(at[:2]) * 60 + int(at[3:])
