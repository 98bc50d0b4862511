"""Orders at the console: what may come too late first, lists without names and amounts, one order for a reason."""

import re
from datetime import datetime
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.channels.conftest import NOW
from tests.identity.desk import WHY
from tests.people import browser
from tests.repayments.conftest import Home, clean, home, house

from anhuan import app as pages
from anhuan.channels.model import Settled
from anhuan.identity import Role
from anhuan.identity.rights import DESK, WHO_MAY
from anhuan.kit import clock, ids
from anhuan.kit import db as database
from anhuan.repayments import OrderView

__all__ = ["clean", "home", "house"]
ORDERS = "/desk/orders"


def client_of(home: Home, *roles: Role, lang: str = "zh") -> TestClient:
    """Somebody with these roles, at the door of the house, whose clock is the story's."""
    made = pages.create(database.sessions(), now=home.clock)
    heads = browser(database.sessions().kw["bind"], ids.new_id(), roles=roles, now=home.clock())
    heads["cookie"] += f"; lang={lang}"
    return TestClient(made, base_url="http://localhost", headers=heads, follow_redirects=False)


def send(client: TestClient, path: str, **data: str) -> Any:
    """A form of ours, sent."""
    token = re.search(r'name="csrf" value="([0-9a-f]+)"', client.get("/desk").text)
    assert token
    return client.post(path, data={"csrf": token[1], **data})


def look_at(client: TestClient, home: Home, order: OrderView) -> str:
    """The address of one order, after the reason was written down."""
    place = f"{ORDERS}/{home.party}/{order.order_id}"
    assert "请写明原因" in client.get(place).text
    assert send(client, f"{place}/look", reason="短").status_code == 422
    answer = send(client, f"{place}/look", reason=WHY)
    assert answer.status_code == 303, answer.text[-800:]
    return str(answer.headers["location"])


def hidden(home: Home, order: OrderView, text: str) -> bool:
    """Whether a page tells nothing of the money of an order."""
    return "1,000.00" not in text and str(order.source_id) not in text and str(order.account_id) not in text


def test_a_quiet_day_says_so(home: Home) -> None:
    shown = client_of(home, Role.OPERATIONS).get(f"{ORDERS}?bank=abc")
    assert shown.status_code == 200
    assert "今天没有濒临逾期的还款" in shown.text
    assert "这里没有还款单" in shown.text


def test_what_is_under_way_is_listed_without_its_amount(home: Home) -> None:
    [order] = home.tap()
    shown = client_of(home, Role.SUPPORT).get(f"{ORDERS}?work=open").text
    assert f"{ORDERS}/{home.party}/{order.order_id}" in shown
    assert "招商银行" in shown
    assert hidden(home, order, shown)


@pytest.mark.scope("S0-14")
def test_a_payment_near_its_last_safe_moment_stands_first(home: Home) -> None:
    [order] = home.tap()
    client = client_of(home, Role.OPERATIONS)
    assert str(order.order_id) not in client.get(ORDERS).text, "there is time yet"
    home.clock.now = datetime(2026, 12, 7, 9, 20, tzinfo=clock.CHINA)  # it is due tomorrow
    client = client_of(home, Role.OPERATIONS)
    shown = client.get(ORDERS).text
    assert "可能晚于最晚安全时间" in shown
    assert str(order.order_id) in shown
    assert "笔可能晚于最晚安全时间" in client.get("/desk").text
    home.clock.now = NOW
    home.deliver(order)
    home.prove(order)
    home.clock.now = datetime(2026, 12, 7, 9, 20, tzinfo=clock.CHINA)
    assert str(order.order_id) not in client.get(ORDERS).text, "it has arrived"


def test_a_stopped_channel_shows_the_waiting_order_with_its_reason_and_it_arrives_after_the_lifting(
    home: Home,
) -> None:
    operations, risk = client_of(home, Role.OPERATIONS), client_of(home, Role.RISK)
    stopped = send(operations, "/desk/stops", what="channel:little_bank", reason=WHY)
    assert stopped.status_code == 303, stopped.text[-600:]
    place = stopped.headers["location"]
    [order] = home.tap()
    home.deliver(order)
    assert "渠道停用或熔断" in operations.get(f"{ORDERS}?work=waiting").text
    behind = re.search(r"(\d+) 笔付款在等待", operations.get(place).text)
    assert behind
    assert int(behind[1]) >= 1
    send(operations, f"{place}/ask", reason=WHY)
    shown = re.search(r'内容指纹</dt><dd class="hash">([0-9a-f]{64})', risk.get(place).text)
    assert shown
    assert send(risk, f"{place}/confirm", shown=shown[1]).status_code == 303
    home.clock.pass_(minutes=1)
    assert isinstance(home.deliver(order), Settled)
    home.prove(order)
    assert home.found(order).status == "arrived"
    assert "这里没有还款单" in operations.get(f"{ORDERS}?work=waiting").text


def test_one_order_opens_for_a_reason_with_everything_that_is_known(home: Home) -> None:
    [order] = home.tap()
    home.deliver(order)
    client = client_of(home, Role.FINANCE)
    page = look_at(client, home, order)
    shown = client.get(page).text
    for word in ("¥1,000.00", "渠道说已付,入账还没有银行数据证明", "已发给渠道", "SHA-256", "扣取", WHY):
        assert word in shown, word
    posting = re.search(r'href="(/desk/ledger/postings/[^"]+)"', shown)
    assert posting
    assert client.get(posting[1]).status_code == 200
    home.clock.pass_(days=1)
    assert "请写明原因" in client_of(home, Role.FINANCE).get(page).text, "a look lasts a while, and belongs to one"


def test_the_channel_is_asked_at_once_and_nothing_is_sent(home: Home) -> None:
    [order] = home.tap()
    client = client_of(home, Role.OPERATIONS)
    page = look_at(client, home, order)
    place, look = page.split("?look=")
    assert "现在就问渠道" not in client.get(page).text, "nothing has gone out yet"
    assert send(client, f"{place}/ask", look=look).status_code == 409
    home.bank.next = ["accepted"]
    home.deliver(order)
    assert "现在就问渠道" in client.get(page).text
    assert send(client, f"{place}/ask", look=look).status_code == 303
    assert home.bank.sent[str(order.key)] == 1


def test_lists_are_narrowed_in_their_address(home: Home) -> None:
    [order] = home.tap()
    client = client_of(home, Role.OPERATIONS)
    asked = {"channel=little_bank": True, "channel=bank_app": False, "bank=cmb": True, "bank=icbc": False}
    for query, found in asked.items():
        assert (str(order.order_id) in client.get(f"{ORDERS}?work=open&{query}").text) == found, query
    assert client.get(f"{ORDERS}?work=nothing").status_code == 422


@pytest.mark.parametrize("role", DESK)
def test_each_role_sees_orders_as_the_table_says(home: Home, role: Role) -> None:
    assert (client_of(home, role).get(ORDERS).status_code == 200) == (role in WHO_MAY["desk.orders"])


def test_english_pages_have_no_chinese_of_their_own(home: Home) -> None:
    [order] = home.tap()
    home.deliver(order)
    client = client_of(home, Role.OPERATIONS, lang="en")
    place = f"{ORDERS}/{home.party}/{order.order_id}"
    page = send(client, f"{place}/look", reason=WHY).headers["location"]
    for path in (ORDERS, f"{ORDERS}?work=open", place, page):
        said = re.sub(r'<button[^>]*lang="zh-CN">.*?</button>', "", client.get(path).text).replace(WHY, "")
        assert re.findall(r"[\u4e00-\u9fff]+", said) == [], path
