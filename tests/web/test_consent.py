"""Consent, agreements and one's own data in a browser: one tap for yes as for no, and progress that is told."""

import io
import threading
import zipfile
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session
from tests.people import sign_in
from tests.web.conftest import Open, Site, axe, no_sideways, shot
from tests.web.households import demo_household
from tests.web.test_signin import joined

from anhuan.identity import consent, erasure, export, journey, sessions, store_consent
from anhuan.identity.consent_words import Purpose
from anhuan.kit import ids, wall
from anhuan.kit.actors import Actor, ActorKind, Strength
from anhuan.kit.ids import LOCAL_USER
from anhuan.kit.page import SESSION_COOKIE

pytestmark = [pytest.mark.browser, pytest.mark.scope("S1-29", "S2-14")]

PAGES = ("/me/consents", "/me/consents/bill_reading", "/me/data", "/me/data/erase", "/documents",
         "/documents/privacy_policy")  # fmt: skip


def stands(site: Site, purpose: Purpose = Purpose.BILL_READING) -> bool:
    with Session(site.engine) as db, db.begin():
        wall.enter(db, party=LOCAL_USER, person=LOCAL_USER)
        return consent.stands(db, LOCAL_USER, purpose, site.now())


def withdrawn(site: Site) -> None:
    """The person has taken the consent back that the test's sign-in gives."""
    me = Actor(ActorKind.PERSON, person_id=LOCAL_USER, party_id=LOCAL_USER)
    with Session(site.engine) as db, db.begin():
        wall.enter(db, party=LOCAL_USER, person=LOCAL_USER)
        consent.withdraw(db, LOCAL_USER, Purpose.BILL_READING, actor=me, now=site.now())


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_page_is_clean_in_both_languages(site: Site, open_page: Open, lang: str) -> None:
    with Session(site.engine) as db, db.begin():
        wall.enter(db, party=LOCAL_USER, person=LOCAL_USER)
        demo_household(db, site.now())
    page, _ = open_page("/me")
    if lang == "en":
        page.get_by_role("button", name="English", exact=True).click()
    for path in PAGES:
        page.goto(site.address + path)
        expect(page.locator("main")).to_be_visible()
        no_sideways(page)
        assert axe(page) == [], path
        shot(page, f"consent-{lang}{path.replace('/', '-')}")


@pytest.mark.parametrize("scripts", [True, False])
def test_a_yes_and_a_no_are_one_tap_each(site: Site, open_page: Open, scripts: bool) -> None:
    page, _ = open_page("/me/consents/marketing", scripts=scripts)
    page.get_by_role("button", name="同意", exact=True).click()
    assert stands(site, Purpose.MARKETING)
    page.goto(site.address + "/me/consents")
    page.get_by_role("button", name="撤回:营销").click()
    expect(page.get_by_role("status")).to_contain_text("已撤回")
    assert not stands(site, Purpose.MARKETING)
    assert stands(site), "another purpose is not touched"


def test_nothing_is_ticked_beforehand(site: Site, open_page: Open) -> None:
    page, _ = open_page("/me/consents")
    assert page.locator("input[type=checkbox]").count() == 0
    assert [one.name for one in held(site) if one.stands] == ["bill_reading"], "what the test's sign-in gave, no more"


def held(site: Site) -> tuple[consent.Standing, ...]:
    with Session(site.engine) as db, db.begin():
        wall.enter(db, party=LOCAL_USER, person=LOCAL_USER)
        return consent.all_standing(db, LOCAL_USER, site.now())


def test_the_first_import_asks_once_and_goes_on(site: Site, open_page: Open) -> None:
    page, _ = open_page("/me")
    withdrawn(site)
    page.goto(site.address + "/import")
    expect(page.get_by_role("heading", name="账单读取", exact=True)).to_be_visible()
    shot(page, "consent-zh-first-import")
    page.get_by_role("button", name="同意", exact=True).click()
    expect(page).to_have_url(site.address + "/import")
    assert stands(site)
    page.goto(site.address + "/import")
    expect(page.get_by_role("button", name="预览")).to_be_visible()


def test_a_consent_near_its_end_offers_to_go_on(site: Site, open_page: Open) -> None:
    page, _ = open_page("/me")
    with Session(site.engine) as db, db.begin():
        wall.enter(db, party=LOCAL_USER, person=LOCAL_USER)
        found = consent.standing(db, LOCAL_USER, Purpose.BILL_READING, site.now())
    assert found.expires_at is not None
    site.moment[0] = found.expires_at - timedelta(days=10)
    again(page, site)
    page.goto(site.address + "/me/consents")
    expect(page.get_by_text("快到期,可以续期")).to_be_visible()
    page.get_by_role("link", name="账单读取").click()
    page.get_by_role("button", name="同意续期").click()
    expect(page.get_by_text("快到期,可以续期")).to_have_count(0)


def again(page: Page, site: Site) -> None:
    """Sign in anew: the session before is over by now."""
    with Session(site.engine) as db, db.begin():
        wall.enter(db, party=LOCAL_USER, person=LOCAL_USER)
        token = sessions.open_session(db, LOCAL_USER, strength=Strength.PASSKEY, now=site.now())
    cookie = {"name": SESSION_COOKIE, "value": token, "url": site.address.replace("http", "https", 1), "httpOnly": True}
    page.context.add_cookies([cookie])  # type: ignore[list-item]


def test_an_export_tells_how_far_it_is_and_is_fetched(site: Site, open_page: Open) -> None:
    page, _ = joined(open_page, site)
    page.goto(site.address + "/me/data")
    page.get_by_role("button", name="导出", exact=True).click()
    expect(page.get_by_text("正在排队")).to_be_visible()
    assert axe(page) == []
    shot(page, "consent-zh-export-waiting")
    with Session(site.engine) as db, db.begin():
        wall.enter(db, party=LOCAL_USER, person=LOCAL_USER)
        request = store_consent.requests(db, LOCAL_USER)[0].id
    done = threading.Thread(target=journey.make_export, args=(str(LOCAL_USER), str(request)))
    done.start()
    expect(page.get_by_role("button", name="下载")).to_be_visible(timeout=30_000)
    done.join()
    shot(page, "consent-zh-export-done")
    page.get_by_role("button", name="下载").click()
    expect(page.get_by_text("备好的全部数据")).to_be_visible()
    assert axe(page) == []
    with page.expect_download() as waiting:
        page.get_by_role("button", name="用面容或指纹确认").click()
    with zipfile.ZipFile(io.BytesIO(waiting.value.path().read_bytes())) as found:
        assert {"index.html", "manifest.json", "data/people.json"} <= set(found.namelist())


def test_an_erasure_is_shown_in_numbers_called_off_and_has_a_receipt(site: Site, open_page: Open) -> None:
    page, _ = joined(open_page, site)
    page.goto(site.address + "/me/data")
    page.get_by_role("link", name="看看会删除什么").click()
    expect(page.get_by_role("heading", name="依法保留")).to_be_visible()
    page.get_by_role("button", name="申请删除").click()
    expect(page.get_by_text("申请删除账户和")).to_be_visible()
    shot(page, "consent-zh-erasure-confirm")
    page.get_by_role("button", name="用面容或指纹确认").click()
    expect(page.get_by_role("button", name="取消删除")).to_be_visible()
    shot(page, "consent-zh-erasure-cooling")
    page.get_by_role("link", name="/receipts/").click()
    expect(page.get_by_role("heading", name="删除回执")).to_be_visible()
    assert axe(page) == []
    page.goto(site.address + "/me/data")
    page.get_by_role("button", name="取消删除").click()
    expect(page.get_by_role("status")).to_contain_text("没有删除任何内容")


def test_the_receipt_is_read_by_whoever_holds_its_link(site: Site, open_page: Open) -> None:
    person = ids.new_id()
    sign_in(site.engine, person, now=site.now())
    me = Actor(ActorKind.PERSON, person_id=person, party_id=person)
    with Session(site.engine) as db, db.begin():
        wall.enter(db, party=person, person=person)
        request = erasure.ask(db, person, actor=me, now=site.now() - timedelta(days=60), lang="zh").id
    journey.erase(str(person), str(request))
    page, _ = open_page("/me")
    page.context.clear_cookies()
    page.goto(f"{site.address}/receipts/{erasure.receipt_token(request)}")
    expect(page.get_by_role("heading", name="依法保留")).to_be_visible()
    expect(page.get_by_text("反洗钱法第 34 条:").or_(page.get_by_text("反洗钱法第 34 条：")).first).to_be_visible()
    no_sideways(page)
    assert axe(page) == []
    shot(page, "consent-zh-receipt")
    assert export.EXPORT
