"""Register and channels at the console, and the way by hand for people with cards."""

import hashlib
import re
from uuid import UUID

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient
from tests.identity.desk import NOW, WHY, acting
from tests.people import browser

from anhuan import app as house
from anhuan import channels
from anhuan.channels import evidence
from anhuan.channels.evidence_rules import Kind
from anhuan.channels.model import Ask
from anhuan.identity import Role
from anhuan.identity.rights import DESK, WHO_MAY
from anhuan.kit import db as database
from anhuan.kit import ids, wall

PARTNERS, CHANNELS = "/desk/partners", "/desk/channels"
DOCUMENT = b"licence of an invented firm"


def client_of(engine: Engine, *roles: Role) -> TestClient:
    """Somebody with these roles, at the door of the house."""
    made = house.create(database.sessions(), now=lambda: NOW)
    heads = browser(engine, ids.new_id(), roles=roles, now=NOW)
    return TestClient(made, base_url="http://localhost", headers=heads, follow_redirects=False)


def token_of(client: TestClient, path: str) -> str:
    """The token of a page's forms."""
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', client.get(path).text)
    assert found
    return found[1]


def form(**other: object) -> dict[str, object]:
    """A whole entry as its form sends it."""
    return {
        "partner": "示例支付(虚构)", "holder": "示例支付服务有限公司(虚构)", "licence_kind": "支付业务许可证",
        "licence_number": "Z2099000000001", "verbs": ["pay", "ask", "statement"], "channels": ["pay_example"],
        "valid_from": "2026-01-01", "valid_to": "2027-01-01", "custody_bank": "示例银行(虚构)", "reason": WHY, **other,
    }  # fmt: skip


def enter(client: TestClient, **other: object) -> str:
    """The address of an entry that this operator has just made."""
    data = {**form(**other), "csrf": token_of(client, f"{PARTNERS}/new")}
    answer = client.post(PARTNERS, data=data, files={"document": ("licence.pdf", DOCUMENT)})
    assert answer.status_code == 303, re.sub(r"\s+", " ", answer.text)[-1500:]
    return str(answer.headers["location"])


def decide(client: TestClient, place: str, verb: str, **data: str) -> int:
    """What the house answers to a decision on exactly what the page shows."""
    shown = re.search(r'内容指纹</dt><dd class="hash">([0-9a-f]{64})', client.get(place).text)
    assert shown
    sent = {"csrf": token_of(client, "/desk"), "shown": shown[1], "reason": WHY, **data}
    return client.post(f"{place}/{verb}", data=sent).status_code


@pytest.fixture
def operations(own_database: Engine) -> TestClient:
    return client_of(own_database, Role.OPERATIONS)


@pytest.fixture
def risk(own_database: Engine) -> TestClient:
    return client_of(own_database, Role.RISK)


def test_a_licence_is_entered_by_one_and_approved_by_another(operations: TestClient, risk: TestClient) -> None:
    place = enter(operations)
    shown = operations.get(place).text
    assert hashlib.sha256(DOCUMENT).hexdigest() in shown, "of the document its hash is kept"
    assert "不能批准自己录入的" in shown
    assert decide(operations, place, "approve") == 409
    assert "待复核" in risk.get(PARTNERS).text
    assert decide(risk, place, "approve") == 303
    after = risk.get(place).text
    assert "40 天后到期" in after, "it ends within the days of warning, and says so"
    assert "续期:照此填一份新的" in after
    assert decide(risk, place, "approve") == 409, "once is enough"


def test_what_was_shown_is_what_is_approved(operations: TestClient, risk: TestClient) -> None:
    place = enter(operations)
    assert decide(risk, place, "approve", shown="00" * 32) == 409
    assert "待复核" in risk.get(place).text


def test_one_person_suspends_and_the_day_of_the_end_closes(operations: TestClient, risk: TestClient) -> None:
    place = enter(operations, valid_to="2027-12-31")
    assert decide(risk, place, "approve") == 303
    assert decide(operations, place, "suspend", from_day="2026-11-21") == 409, "not for yesterday"
    assert decide(operations, place, "suspend", from_day="2026-11-22") == 303
    assert "已暂停" in risk.get(PARTNERS).text


def test_an_incomplete_licence_is_refused_and_what_was_typed_stays(operations: TestClient) -> None:
    data = {**form(valid_to="2025-01-01"), "csrf": token_of(operations, f"{PARTNERS}/new")}
    answer = operations.post(PARTNERS, data=data)
    assert answer.status_code == 422
    assert "Z2099000000001" in answer.text
    assert 'role="alert"' in answer.text
    assert "还没有登记" in operations.get(PARTNERS).text


def test_a_form_from_elsewhere_enters_and_decides_nothing(operations: TestClient, risk: TestClient) -> None:
    assert operations.post(PARTNERS, data={**form(), "csrf": "00" * 64}).status_code == 422
    place = enter(operations)
    for verb in ("approve", "refuse", "suspend"):
        sent = {"csrf": "00" * 64, "reason": WHY, "from_day": "2026-11-22"}
        assert risk.post(f"{place}/{verb}", data=sent).status_code == 422
    assert "待复核" in risk.get(place).text


def test_the_desk_says_what_waits_and_what_ends(operations: TestClient, risk: TestClient) -> None:
    place = enter(operations)
    assert "1 条持牌登记等待复核" in risk.get("/desk").text
    decide(risk, place, "approve")
    assert "1 条持牌登记在 60 天内到期" in risk.get("/desk").text


@pytest.mark.parametrize("role", DESK)
def test_each_role_reads_and_writes_the_register_as_the_table_says(own_database: Engine, role: Role) -> None:
    client = client_of(own_database, role)
    assert (client.get(PARTNERS).status_code == 200) == (role in WHO_MAY["desk.partners"])
    assert (client.get(f"{PARTNERS}/new").status_code == 200) == (role in WHO_MAY["desk.partners_write"])


@pytest.mark.scope("S2-23", "S3-14")
def test_the_matrix_shows_every_bank_with_a_way(own_database: Engine) -> None:
    shown = client_of(own_database, Role.OPERATIONS).get(CHANNELS)
    assert shown.status_code == 200
    for word in ("发卡行App", "模拟银行", "招商银行", "甲银行（模拟）", "未开通", "没有结果未知的指令"):
        assert word in shown.text, word
    one = client_of(own_database, Role.OPERATIONS).get(f"{CHANNELS}/bank_app")
    assert "招商银行" in one.text
    assert client_of(own_database, Role.OPERATIONS).get(f"{CHANNELS}/nowhere").status_code == 404


@pytest.mark.parametrize("role", DESK)
def test_each_role_sees_the_channels_as_the_table_says(own_database: Engine, role: Role) -> None:
    assert (client_of(own_database, role).get(CHANNELS).status_code == 200) == (role in WHO_MAY["desk.channels"])


# --- by hand --------------------------------------------------------------------------------------------------------

BY_HAND = "/repay/by-hand"


def holder(engine: Engine) -> tuple[TestClient, UUID]:
    """Somebody with cards at the door of the house."""
    person = ids.new_id()
    made = house.create(database.sessions(), now=lambda: NOW)
    return TestClient(
        made, base_url="http://localhost", headers=browser(engine, person, now=NOW), follow_redirects=False
    ), person


def to_pay(person: UUID, amount: int = 123_456) -> UUID:
    """A payment that this person is to make in the bank's own app."""
    with database.transaction() as db:
        wall.enter(db, party=person, person=person)
        ask = Ask(ids.new_id(), 1, 1, "bank_app", "cmb", "尾号 6688", "尾号 7190", amount)
        return channels.prepare(db, person, ask, now=NOW).key


@pytest.mark.scope("S2-35", "S3-14")
def test_a_payment_by_hand_is_prepared_marked_and_waits_for_the_bill(own_database: Engine) -> None:
    client, person = holder(own_database)
    assert "没有要自己付的还款" in client.get(BY_HAND).text
    key = to_pay(person)
    place = f"{BY_HAND}/{key}"
    shown = client.get(place).text
    for word in ("打开招商银行的手机银行", "1,234", ".56", "尾号 7190", "待付款", "我已付款"):
        assert word in shown, word
    sent = {"csrf": token_of(client, place), "note": "用工资卡付的"}
    assert client.post(f"{place}/paid", data=sent, files={"receipt": ("a.png", b"picture")}).status_code == 303
    after = client.get(place).text
    assert "等下一张账单确认" in after
    assert hashlib.sha256(b"picture").hexdigest()[:16] in after
    assert "我已付款" not in after
    assert "等账单确认" in client.get(BY_HAND).text


def test_what_was_marked_by_mistake_is_taken_back(own_database: Engine) -> None:
    client, person = holder(own_database)
    place = f"{BY_HAND}/{to_pay(person)}"
    client.post(f"{place}/paid", data={"csrf": token_of(client, place)})
    assert client.post(f"{place}/unpaid", data={"csrf": token_of(client, place)}).status_code == 303
    assert "账单仍然待还" in client.get(place).text


@pytest.mark.parametrize(("kinds", "says"), [
    (["statement"], "有银行数据为证"),
    (["statement", "doubt"], "请先不要重复还款"),
])  # fmt: skip
def test_bank_data_confirms_and_a_withdrawn_proof_leaves_a_doubt(
    own_database: Engine, kinds: list[str], says: str
) -> None:
    client, person = holder(own_database)
    key = to_pay(person)
    who = acting(person, Role.HOLDER)
    with database.sessions("work").begin() as db:
        wall.enter(db, party=person, person=person)
        proof = evidence.Proof(Kind.STATEMENT, "账单 11 月 第 3 行", posted_on=NOW.date(), amount=123_456)
        given = evidence.give(db, who, person, key, proof, now=NOW)
        if "doubt" in kinds:
            evidence.doubt(db, who, person, key, given, reason="银行更正了入账", now=NOW)
    assert says in client.get(f"{BY_HAND}/{key}").text


def test_a_payment_of_somebody_else_is_not_there(own_database: Engine) -> None:
    client, _ = holder(own_database)
    _, other = holder(own_database)
    key = to_pay(other)
    token = token_of(client, "/me")
    assert client.get(f"{BY_HAND}/{key}").status_code == 404
    assert client.post(f"{BY_HAND}/{key}/paid", data={"csrf": token}).status_code == 404
    assert client.post(f"{BY_HAND}/{key}/unpaid", data={"csrf": token}).status_code == 404
    assert client.post(f"{BY_HAND}/{key}/paid", data={"csrf": "00" * 64}).status_code == 422
