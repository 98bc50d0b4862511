"""What `make run` shows, with real processes: tap, watch it arrive; break the channel, watch the honest handling.

The parts share one demonstration, as a newcomer would: they run in this order, and while one waits another goes on.
"""

import os
import re
import signal
from collections.abc import Iterator
from uuid import UUID

import pytest
from tests.stories.live import Browser, House, running, soon

from anhuan.identity import Role, demonstration
from anhuan.kit import ids
from anhuan.ledger import Code

pytestmark = pytest.mark.timeout(400)

HOLDER = ids.LOCAL_USER
OPERATIONS, RISK = (
    next(one.id for one in demonstration.PEOPLE if one.role is role) for role in (Role.OPERATIONS, Role.RISK)
)
ARRIVED = "已到账"


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with running() as house:
        yield house


@pytest.fixture(scope="module")
def holder(house: House) -> Browser:
    return house.person(HOLDER)


def account_of(browser: Browser, tail: str) -> str:
    """The billed account of the card with these last digits."""
    browser.get("/repay")
    found: list[str] = re.findall("<label.*?</label>", browser.page, re.DOTALL)
    labels = [one for one in found if tail in re.sub("<[^>]*>", "", one)]
    assert labels, f"no bill of {tail} to pay: {browser.text[:600]}"
    return labels[0].partition('value="')[2].partition('"')[0]


def tap(browser: Browser, tail: str, **changes: str) -> str:
    """From the sheet to what was accepted: choose, confirm, one more tap; where the order's progress is shown."""
    browser.get(f"/repay/{account_of(browser, tail)}")
    browser.send("key", **changes)  # the choice is shown anew with all that follows from it
    assert "模拟银行" in browser.text, browser.text[:800]
    cost = re.search(r'<input[^>]*name="read"[^>]*value="([^"]+)"', browser.page)
    browser.send("key", act="pay", **({"read": cost[1]} if cost else {}))  # what it costs was seen
    assert "确认是您本人" in browser.text, browser.text[:800]
    browser.send("step_up")
    assert "/repay/group/" in browser.address, browser.text[:800]
    return browser.links("/repay/orders/")[0]


def shows(browser: Browser, place: str, words: str) -> bool:
    browser.get(place)
    return words in browser.text


def key_of(house: House, place: str) -> UUID:
    (row,) = house.asked("SELECT key FROM repay_orders WHERE id = %s", place.rpartition("/")[2])
    return UUID(str(row[0]))


@pytest.mark.scope("S3-01")
def test_a_tap_arrives_by_bank_data_within_seconds_and_the_bill_is_paid(house: House, holder: Browser) -> None:
    order = tap(holder, "2260")
    took = soon(lambda: shows(holder, order, ARRIVED), said=lambda: holder.text[:600])
    assert took < 60, "seconds, also on a busy machine"
    truth = house.bank("GET", f"/sim/payments/{key_of(house, order)}")
    assert (truth["debits"], truth["credits"]) == (1, 1), "what is shown is what the bank booked"
    assert house.bank("GET", "/sim/books")["sound"]
    holder.get("/repay")
    assert "2260" not in holder.text, "nothing of this bill is left to pay"


def test_a_stopped_bank_makes_payments_wait_with_the_reason_and_two_people_let_them_go(
    house: House, holder: Browser
) -> None:
    one, other = house.person(OPERATIONS), house.person(RISK)
    one.get("/desk/stops")
    one.send("what", what="channel:simbank", reason="演练:渠道暂停,看付款怎样等待")
    stop = one.address
    waiting = tap(holder, "7717", rule="custom", amount="50.00")
    soon(lambda: shows(holder, waiting, "暂停") or "停用" in holder.text, said=lambda: holder.text[:600])
    assert ARRIVED not in holder.text
    assert house.bank("GET", f"/sim/payments/{key_of(house, waiting)}")["state"] == "absent", "nothing went out"

    one.get(stop.removeprefix(one.origin))
    one.send("reason", to=f"{stop.removeprefix(one.origin)}/ask", reason="演练已经结束,恢复发送付款")
    other.get(stop.removeprefix(one.origin))
    other.send("shown")
    soon(lambda: shows(holder, waiting, ARRIVED), within=120, said=lambda: holder.text[:600])
    assert house.bank("GET", f"/sim/payments/{key_of(house, waiting)}")["debits"] == 1


def test_a_worker_killed_while_the_bank_is_asked_pays_once_all_the_same(house: House, holder: Browser) -> None:
    before = house.children("work")
    house.bank(
        "PUT", "/sim/script", {"steps": [{"scenarios": [22], "for": "next"}]}
    )  # it takes half a minute to answer
    order = tap(holder, "7717", rule="custom", amount="60.00")
    key = key_of(house, order)
    soon(lambda: house.bank("GET", f"/sim/payments/{key}")["debits"] == 1)  # taken, and nobody has heard of it
    for worker in before:
        os.kill(worker, signal.SIGKILL)
    soon(lambda: bool(set(house.children("work")) - set(before)))
    soon(lambda: shows(holder, order, ARRIVED), within=120, said=lambda: holder.text[:600])
    truth = house.bank("GET", f"/sim/payments/{key}")
    assert (truth["state"], truth["debits"], truth["credits"]) == ("success", 1, 1)


def test_every_posting_of_the_demonstration_has_its_order(house: House) -> None:
    orders = {row[0] for row in house.asked("SELECT id FROM repay_orders")}
    money = "SELECT DISTINCT ref FROM ledger.posting WHERE code <> %s"  # a month's free quota is nobody's payment
    refs = {row[0] for row in house.asked(money, int(Code.QUOTA_GRANTED))}
    assert refs <= orders
    assert len(orders) >= 8, "five of the past, three of this story"


def test_nothing_is_left_running_when_the_demonstration_is_killed(house: House) -> None:
    children = [*house.children("work"), *house.children("simbank")]
    assert len(children) == 2
    house.process.kill()
    house.process.wait()
    soon(lambda: not any(os.path.exists(f"/proc/{child}") for child in children))
