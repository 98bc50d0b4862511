"""Joining accepts the agreements in the versions that were shown, and nothing else; a new version waits on /me."""

import re
from datetime import datetime, time

import pyotp
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session
from tests.attacks.hands import NOW, PASSWORD, Clock, Hand, hand, house_at
from tests.identity.authenticator import Authenticator
from tests.identity.test_documents import SOON, publish

from anhuan.cli import demo
from anhuan.identity import agreeing, demonstration, recovery, sessions, signin
from anhuan.identity.documents import AGREEMENTS
from anhuan.kit import clock, ids, page, terminal, wall
from anhuan.kit import db as database
from anhuan.kit.actors import Strength


class House:
    """The whole house by a clock in the hand, and a stranger's browser before it."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.browser = hand(house_at(database.sessions(), self.clock))


@pytest.fixture
def house(own_database: Engine) -> House:
    return House()


@pytest.fixture
def browser(house: House) -> Hand:
    return house.browser


def link() -> str:
    with database.sessions("work").begin() as db:
        token = signin.invite(db, now=NOW, person_id=ids.LOCAL_USER, given_by=recovery.installer())
    return f"/welcome/{token}"


def form_of(browser: Hand, path: str) -> dict[str, str]:
    """The form of joining by password, filled."""
    shown = browser.get(path + "/password").text
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', shown))
    fields.pop("csrf", None)
    code = pyotp.TOTP(fields["secret"]).at(NOW)
    return fields | {"name": "林晓", "handle": "lin", "password": PASSWORD, "code": code}


def accepted(engine: Engine) -> list[tuple[str, int]]:
    with Session(engine) as db, db.begin():
        wall.enter(db, party=ids.LOCAL_USER, person=ids.LOCAL_USER)
        rows = db.execute(text("select kind, version from agreement_acceptances order by kind")).all()
        assert db.execute(text("select count(*) from consent_events")).scalar_one() == 0, "no consent by joining"
        return [(kind, version) for kind, version in rows]


def test_the_page_of_joining_links_what_it_accepts_and_ticks_nothing(browser: Hand) -> None:
    path = link()
    for shown in (browser.get(path).text, browser.get(path + "/password").text):
        for kind in AGREEMENTS:
            assert f'href="/documents/{kind.value}?version=1"' in shown
            assert browser.get(f"/documents/{kind.value}?version=1").status_code == 200, "readable before joining"
        assert shown.index("加入即表示") < shown.rindex("<button")
        assert 'type="checkbox"' not in shown


def test_joining_by_password_records_what_was_shown(browser: Hand, own_database: Engine) -> None:
    path = link()
    joined = browser.post(path + "/password", form_of(browser, path))
    assert joined.status_code == 200, joined.text[:500]
    assert accepted(own_database) == [(kind.value, 1) for kind in sorted(AGREEMENTS)]
    assert "协议等您确认" not in browser.get("/me").text


def test_joining_by_passkey_records_what_was_shown(browser: Hand, own_database: Engine) -> None:
    path, device = link(), Authenticator()
    agreed = form_of(browser, path)["agreed"]
    asked = browser.post(path + "/passkey/options", {"name": "林晓"}).json()
    form = {"name": "林晓", "challenge": asked["challenge"], "credential": device.make(asked["options"])}
    assert browser.post(path + "/passkey", form | {"agreed": agreed}).status_code == 303
    assert accepted(own_database) == [(kind.value, 1) for kind in sorted(AGREEMENTS)]


@pytest.mark.parametrize("agreed", ["", "user_agreement:1", "user_agreement:2 privacy_policy:1 risk_notice:1"])
def test_nobody_joins_with_other_versions_than_those_in_force(browser: Hand, own_database: Engine, agreed: str) -> None:
    path = link()
    refused = browser.post(path + "/password", form_of(browser, path) | {"agreed": agreed})
    assert refused.status_code in (409, 422)
    assert accepted(own_database) == []
    assert browser.get(path).status_code == 200, "the invitation still works"


def test_a_new_version_waits_on_the_own_page_with_what_changed(house: House, own_database: Engine) -> None:
    browser, path = house.browser, link()
    assert browser.post(path + "/password", form_of(browser, path)).status_code == 200
    publish(more="还款服务的新的一条。", now=NOW)
    assert "协议等您确认" not in browser.get("/me").text, "it does not hold yet"
    house.clock.at = datetime.combine(SOON, time(12), clock.CHINA)
    with Session(own_database) as db, db.begin():
        wall.enter(db, party=ids.LOCAL_USER, person=ids.LOCAL_USER)
        token = sessions.open_session(db, ids.LOCAL_USER, strength=Strength.PASSKEY, now=house.clock.at)
    browser.cookies[page.SESSION_COOKIE] = token
    told = browser.get("/me").text
    assert "协议等您确认" in told
    assert 'href="/documents/user_agreement?compare=1"' in told
    assert "还款服务的新的一条。" in browser.get("/documents/user_agreement?compare=1").text
    assert browser.post("/documents/user_agreement/accept", {"version": "2"}).status_code == 303
    assert "协议等您确认" not in browser.get("/me").text


def test_people_of_a_demonstration_have_accepted(own_database: Engine) -> None:
    for _ in range(2):  # twice is once
        terminal.may("installer")(demo.prepare)()
    today = clock.today()
    with database.transaction() as db:
        for one in demonstration.PEOPLE:
            for party in {one.id, one.party or one.id}:
                wall.enter(db, party=party, person=one.id)
                assert agreeing.waiting(db, party, today) == ()
