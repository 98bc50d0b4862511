"""The books at the console: what operators find, what they may not, and what a person's accounts cost: a reason."""

import re
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient
from tests.identity.desk import NOW, WHY, a_person, me
from tests.people import browser
from tests.web import books

from anhuan import app as house
from anhuan.identity import Role
from anhuan.identity.rights import DESK
from anhuan.kit import audit, audit_key, clock, ids
from anhuan.kit import db as database
from anhuan.kit.actors import Actor, ActorKind
from anhuan.ledger import proof, roots

LEDGER = "/desk/ledger"
READERS = (Role.RISK, Role.FINANCE, Role.AUDITOR)


def client_of(engine: Engine, *roles: Role) -> TestClient:
    """Somebody with these roles at the desk, at the door of the house."""
    made = house.create(database.sessions(), now=lambda: NOW)
    heads = browser(engine, ids.new_id(), roles=roles, now=NOW)
    return TestClient(made, base_url="http://localhost", headers=heads, follow_redirects=False)


@pytest.fixture
def kept(own_database: Engine) -> books.Kept:
    """A person with a small history in the books."""
    return books.keep(me(a_person(name="林小安")))


@pytest.fixture
def finance(own_database: Engine) -> TestClient:
    """Somebody of finance, who sees the house's accounts and nobody's own."""
    return client_of(own_database, Role.FINANCE)


def account_address(client: TestClient, kind: str, unit: str = books.TRACKED) -> str:
    """The address of a house account that exists in one lane alone."""
    answer = client.get(f"{LEDGER}/house", params={"unit": unit, "kind": kind, "sub": books.CHANNEL})
    assert answer.status_code == 303, answer.text[:200]
    return str(answer.headers["location"])


def test_house_accounts_are_listed_with_their_sign_turned(finance: TestClient, kept: books.Kept) -> None:
    shown = finance.get(LEDGER).text
    assert "应收渠道款 · simbank" in shown
    assert "¥0.30" in shown
    assert "−¥0.30" not in shown, "what a channel owes us reads as a positive amount"
    assert str(kept.person) not in shown
    assert "cmb-6688" not in shown
    assert "应为零" in shown, "money in suspense is marked"
    assert "应收渠道款 · simbank" not in finance.get(LEDGER, params={"unit": "quota"}).text


def test_an_account_shows_balance_entries_and_the_balance_of_a_moment(finance: TestClient, kept: books.Kept) -> None:
    place = account_address(finance, "transit")
    shown = finance.get(place).text
    assert shown.count("还款扣款") >= 4
    assert "¥0.50" in shown, "500.00 were taken on the order and 499.50 arrived"
    before = finance.get(place, params={"at": "2026-01-01T00:00"}).text
    assert "2026" in before or "1月1日" in before
    assert "相差" in before
    assert "没有读懂这个时刻" in finance.get(place, params={"at": "gestern"}).text


def test_a_posting_shows_both_legs_its_chain_and_that_its_seal_holds(finance: TestClient, kept: books.Kept) -> None:
    shown = finance.get(f"{LEDGER}/postings/{ids.derive(kept.hold, 'resolve')}").text
    assert "刚才重新计算,相符" in shown
    assert shown.count("<li") >= 3
    for word in ("冻结", "扣取", "冲正"):
        assert word in shown
    assert "在途资金 · simbank" in shown
    assert "●●●" in shown, "the leg on a person's account stays closed"
    assert str(kept.person) not in shown
    assert "cmb-6688" not in shown


def test_a_number_leads_to_its_posting_or_to_all_of_its_business(finance: TestClient, kept: books.Kept) -> None:
    straight = finance.get(f"{LEDGER}/find", params={"number": str(kept.arrived)})
    assert straight.headers["location"] == f"{LEDGER}/postings/{kept.arrived}"
    every = finance.get(f"{LEDGER}/find", params={"number": f" {kept.order} "}).text
    assert every.count("/desk/ledger/postings/") == 4
    nothing = finance.get(f"{LEDGER}/find", params={"number": str(ids.new_id())})
    assert (nothing.status_code, "没有这个编号的凭证" in nothing.text) == (404, True)
    assert "不是一个完整的编号" in finance.get(f"{LEDGER}/find", params={"number": "42"}).text


def test_health_names_what_waits_and_since_when(finance: TestClient, kept: books.Kept) -> None:
    shown = finance.get(f"{LEDGER}/health").text
    assert str(kept.open_hold) in shown
    assert "待查挂账(应为零)" in shown
    assert "还没有核验过账本" in shown


@pytest.mark.parametrize(("findings", "says"), [(0, "核验全部相符"), (2, "2 处不符,请立即停止入账")])
def test_the_last_check_of_the_books_is_told(own_database: Engine, findings: int, says: str) -> None:
    with database.sessions("work").begin() as db:
        facts = {"postings": 7, "batches": 3, "findings": findings, "from_root": 0, "milliseconds": 1200}
        audit.write(db, Actor(ActorKind.COMMAND), "ledger.verified", "ledger:books", facts, now=NOW)
    client = client_of(own_database, Role.AUDITOR)
    assert says in client.get(f"{LEDGER}/health").text
    assert ("账本核验有 2 处不符" in client.get("/desk").text) == bool(findings)


def test_the_books_are_shown_while_they_are_empty(own_database: Engine) -> None:
    client = client_of(own_database, Role.AUDITOR)
    assert "账本里还没有科目" in client.get(LEDGER).text
    assert "没有未了结的冻结" in client.get(f"{LEDGER}/health").text


# --- whose account it is --------------------------------------------------------------------------------------------


def opened(client: TestClient, person: UUID) -> str:
    """The address of this person's accounts after a reason was given."""
    asked = client.get(f"{LEDGER}/people/{person}")
    assert "请写明原因" in asked.text
    token = re.search(r'name="csrf" value="([0-9a-f]+)"', asked.text)
    assert token
    answer = client.post(f"{LEDGER}/people/{person}/look", data={"csrf": token[1], "reason": WHY})
    assert answer.status_code == 303, answer.text[:300]
    return str(answer.headers["location"])


def test_a_persons_accounts_open_for_a_reason_that_is_written_down(own_database: Engine, kept: books.Kept) -> None:
    risk = client_of(own_database, Role.RISK)
    refused = risk.get(f"{LEDGER}/people/{kept.person}", params={"look": str(ids.new_id())}).text
    assert "cmb-6688" not in refused
    place = opened(risk, kept.person)
    shown = risk.get(place).text
    assert "cmb-6688" in shown
    assert "cmb-7190" in shown
    assert WHY in shown
    link = re.search(rf'href="({LEDGER}/people/{kept.person}/accounts/[^"]+)"', shown)
    assert link
    account = risk.get(link[1].replace("&amp;", "&")).text
    assert "¥510.00" in account, "500.00 taken and 10.00 unexplained; what was given back is not"
    with database.sessions("desk").begin() as db:
        acts = [one.act for one in audit.page_of(db, subject=f"person:{kept.person}")]
    assert "person.read" in acts


def test_a_look_at_one_person_opens_no_account_of_another(own_database: Engine, kept: books.Kept) -> None:
    risk, other = client_of(own_database, Role.RISK), books.keep(me(a_person(name="王五")))
    mine = risk.get(opened(risk, kept.person)).text
    theirs = risk.get(opened(risk, other.person)).text
    look = re.search(r"look=([0-9a-f-]{36})", mine)
    places = re.findall(r"/accounts/(\d+)/(\d+)\?", theirs)
    assert look
    assert len(places) == 2
    for shard, number in places:
        crossed = f"{LEDGER}/people/{kept.person}/accounts/{shard}/{number}"
        assert risk.get(crossed, params={"look": look[1]}).status_code == 404
        assert risk.get(f"{LEDGER}/accounts/{shard}/{number}").status_code == 404
        stolen = risk.get(f"{LEDGER}/people/{other.person}/accounts/{shard}/{number}", params={"look": look[1]})
        assert "请写明原因" in stolen.text


@pytest.mark.parametrize("role", [role for role in DESK if role not in READERS])
def test_other_roles_see_no_books(own_database: Engine, role: Role) -> None:
    client = client_of(own_database, role)
    for path in ("", "/health", "/find?number=1", f"/postings/{ids.new_id()}", "/accounts/1/1"):
        assert client.get(LEDGER + path).status_code == 403, path


@pytest.mark.parametrize("role", [role for role in DESK if role is not Role.RISK])
def test_a_persons_accounts_are_for_those_who_watch_risks(own_database: Engine, role: Role) -> None:
    assert client_of(own_database, role).get(f"{LEDGER}/people/{ids.new_id()}").status_code == 403


def test_a_reason_from_another_site_is_not_written_down(own_database: Engine, kept: books.Kept) -> None:
    risk = client_of(own_database, Role.RISK)
    answer = risk.post(f"{LEDGER}/people/{kept.person}/look", data={"reason": WHY, "csrf": "00" * 64})
    assert answer.status_code == 422
    with database.sessions("desk").begin() as db:
        assert not [one for one in audit.page_of(db) if one.act == "person.read"]


# --- what is taken away ---------------------------------------------------------------------------------------------


def test_a_statement_is_taken_away_and_written_down(finance: TestClient, kept: books.Kept) -> None:
    place = account_address(finance, "channel_due", books.HOUSE)
    days = {"first": "2026-01-01", "last": "2026-12-31"}
    answer = finance.get(f"{place}/statement.csv", params=days)
    assert answer.headers["content-type"].startswith("text/csv")
    rows = answer.text.splitlines()
    assert "0.30" in rows[2]
    assert rows[-1].startswith("root")
    with database.sessions("desk").begin() as db:
        taken = [one.subject for one in audit.page_of(db, act="export.taken")]
    assert taken == ["account:" + place.removeprefix(f"{LEDGER}/accounts/")]


def test_a_proof_is_taken_away_once_a_root_covers_it_and_holds_without_us(
    finance: TestClient, kept: books.Kept, tmp_path: Path
) -> None:
    place = f"{LEDGER}/postings/{kept.arrived}"
    assert "等待下一个签名的根" in finance.get(place).text
    assert finance.get(f"{place}/proof.json").status_code == 422
    roots.seal_due(now=clock.now(), home=tmp_path)
    assert "第 1 号根已覆盖" in finance.get(place).text
    taken = finance.get(f"{place}/proof.json")
    assert "attachment" in taken.headers["content-disposition"]
    shown = proof.check(taken.text, audit_key.known_keys(tmp_path))
    assert shown.id == kept.arrived
