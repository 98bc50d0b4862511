"""Stops at the console: one person closes with a reason, two open again, and each role does what the table says."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient
from tests.identity.desk import NOW, WHY
from tests.people import browser

from anhuan import app as house
from anhuan.channels import breaker
from anhuan.identity import Role
from anhuan.identity.rights import DESK, WHO_MAY
from anhuan.kit import db as database
from anhuan.kit import ids

STOPS = "/desk/stops"


def client_of(engine: Engine, *roles: Role, lang: str = "zh") -> TestClient:
    """Somebody with these roles, at the door of the house."""
    made = house.create(database.sessions(), now=lambda: NOW)
    heads = browser(engine, ids.new_id(), roles=roles, now=NOW)
    heads["cookie"] += f"; lang={lang}"
    return TestClient(made, base_url="http://localhost", headers=heads, follow_redirects=False)


def send(client: TestClient, path: str, **data: str) -> tuple[int, str]:
    """A form of ours, sent: the answer's number, and where it leads or what it shows."""
    token = re.search(r'name="csrf" value="([0-9a-f]+)"', client.get("/desk").text)
    assert token
    answer = client.post(path, data={"csrf": token[1], **data})
    return answer.status_code, answer.headers.get("location", answer.text)


@pytest.fixture
def operations(own_database: Engine) -> TestClient:
    return client_of(own_database, Role.OPERATIONS)


@pytest.fixture
def risk(own_database: Engine) -> TestClient:
    return client_of(own_database, Role.RISK)


def stop(client: TestClient, what: str = "channel:simbank", **data: str) -> str:
    """The address of a stop that this operator has just made."""
    status, place = send(client, STOPS, what=what, reason=WHY, **data)
    assert status == 303, place[-900:]
    return place


@pytest.mark.scope("S0-14")
def test_one_person_stops_a_channel_and_two_lift_it(operations: TestClient, risk: TestClient) -> None:
    assert "没有停用,没有熔断" in operations.get(STOPS).text
    place = stop(operations)
    assert "渠道 · 模拟银行" in operations.get(STOPS).text
    assert "1 项停用生效中" in risk.get("/desk").text
    assert "已停用" in risk.get("/desk/channels").text
    assert WHY in risk.get("/desk/channels/simbank").text, "why a channel is stopped stands on its own page"
    assert send(operations, f"{place}/ask", reason=WHY)[0] == 303
    assert "提出的人不能自己确认" in operations.get(place).text
    shown = re.search(r'内容指纹</dt><dd class="hash">([0-9a-f]{64})', risk.get(place).text)
    assert shown
    assert "1 项解除停用等待第二人确认" in risk.get("/desk").text
    assert send(operations, f"{place}/confirm", shown=shown[1])[0] == 409
    assert send(risk, f"{place}/confirm", shown="00" * 32)[0] == 409
    assert send(risk, f"{place}/confirm", shown=shown[1])[0] == 303
    assert "已经结束" in risk.get(place).text
    assert "没有停用,没有熔断" in risk.get(STOPS).text


def test_a_stop_needs_a_reason_and_what_was_typed_stays(operations: TestClient) -> None:
    status, shown = send(operations, STOPS, what="bank:cmb", hours="4", reason="好")
    assert status == 422
    assert 'role="alert"' in shown
    assert '<option value="bank:cmb" selected>' in shown
    assert '<option value="4" selected>' in shown
    for what in ("", "channel:nobody", "planet:mars", "everything:cmb"):
        assert send(operations, STOPS, what=what, reason=WHY)[0] == 422
    assert operations.post(STOPS, data={"what": "bank:cmb", "reason": WHY, "csrf": "00" * 64}).status_code == 422


def test_everything_can_be_stopped_for_an_hour(operations: TestClient) -> None:
    place = stop(operations, "everything:", hours="1")
    shown = operations.get(place).text
    assert "全部付款" in shown
    assert "10:20" in shown, "it says until when"


def test_a_breaker_that_opened_by_itself_is_closed_with_a_reason(operations: TestClient) -> None:
    with database.sessions("work").begin() as db:
        breaker.trip(db, "simbank", why="no_answer", until=NOW + timedelta(minutes=30), now=NOW)
    assert "连续没有回应" in operations.get(STOPS).text
    place = f"{STOPS}/breakers/simbank"
    assert "09:50" in operations.get(place).text
    assert send(operations, place, reason="短")[0] == 422
    assert send(operations, place, reason=WHY)[0] == 303
    assert operations.get(place).status_code == 404, "it is closed"


@pytest.mark.parametrize("role", DESK)
def test_each_role_stops_what_the_table_says(own_database: Engine, role: Role) -> None:
    client, allowed = client_of(own_database, role), role in WHO_MAY["desk.stops"]
    assert (client.get(STOPS).status_code == 200) == allowed
    assert (send(client, STOPS, what="channel:simbank", reason=WHY)[0] == 303) == allowed


def test_the_english_page_has_no_chinese_of_its_own(own_database: Engine) -> None:
    client = client_of(own_database, Role.OPERATIONS, lang="en")
    place = stop(client)
    for path in (STOPS, place):
        said = re.sub(r'<button[^>]*lang="zh-CN">.*?</button>', "", client.get(path).text).replace(WHY, "")
        assert re.findall(r"[\u4e00-\u9fff]+", said) == []
