"""Own limits in a real browser: lower at once, higher with a passkey that saw the amount, pause with one tap."""

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlencode

import pyotp
import pytest
from playwright.sync_api import Page, Route, expect
from tests.web.conftest import DESK, NARROW, Open, Site, axe, no_sideways, shot
from tests.web.test_signin import acts, joined

from anhuan.identity import codes, limits
from anhuan.kit import db as database
from anhuan.kit import ids, wall

pytestmark = pytest.mark.browser


def ask(page: Page, site: Site, amount: str) -> None:
    page.goto(site.address + "/me/limits")
    page.get_by_label("改为(元),留空表示不限制").first.fill(amount)
    page.get_by_role("button", name="保存 每笔最多").click()


def held(site: Site) -> limits.Limits:
    with database.transaction() as db:
        wall.enter(db, party=ids.LOCAL_USER, person=ids.LOCAL_USER)
        return limits.at(db, ids.LOCAL_USER, now=site.now())


@pytest.mark.scope("S3-16", "S3-20")
def test_a_limit_falls_at_once_and_rises_by_a_passkey_a_day_later(open_page: Open, site: Site) -> None:
    page, _ = joined(open_page, site)
    ask(page, site, "2000")
    expect(page.get_by_text("¥2,000.00")).to_be_visible()
    before = page.context.cookies()
    ask(page, site, "9000")
    expect(page.get_by_text("单笔限额从 ¥2,000.00 提高到 ¥9,000.00")).to_be_visible()
    shot(page, "limits-confirm")
    assert axe(page) == []
    page.get_by_role("button", name="用面容或指纹确认").click()
    expect(page.get_by_role("button", name="保存 每笔最多")).to_be_visible()  # the page before has the same address
    expect(page.get_by_text("提高到 ¥9,000.00")).to_be_visible()
    assert page.url.endswith("/me/limits")
    shot(page, "limits")
    assert axe(page) == []
    token = {cookie["name"]: cookie["value"] for cookie in before}["__Host-anhuan"]
    assert token not in [cookie["value"] for cookie in page.context.cookies()], "the session has a new token"
    assert "session.stepped_up" in acts(site)
    assert [wish.amount for wish in held(site).waiting] == [900_000]
    site.moment[0] += timedelta(hours=24)
    assert held(site).of(limits.LimitKind.PER_PAYMENT) == 900_000


def test_a_form_that_was_changed_on_its_way_is_void(open_page: Open, site: Site) -> None:
    """Whoever sits in the browser changes the amount after the person approved what the page showed."""
    page, _ = joined(open_page, site)
    ask(page, site, "2000")
    ask(page, site, "9000")

    def change(route: Route) -> None:
        sent = {name: values[0] for name, values in parse_qs(route.request.post_data or "").items()}
        route.continue_(post_data=urlencode({**sent, "amount": "90000"}))

    page.route("**/me/limits", lambda route: change(route) if route.request.method == "POST" else route.continue_())
    page.get_by_role("button", name="用面容或指纹确认").click()
    expect(page.get_by_role("alert").first).to_contain_text("这次确认已失效")
    assert held(site).waiting == ()


def test_a_proof_that_was_sent_once_is_worth_nothing_again(open_page: Open, site: Site) -> None:
    page, _ = joined(open_page, site)
    ask(page, site, "2000")
    ask(page, site, "9000")
    sent: list[str] = []

    def keep(route: Route) -> None:
        sent.append(route.request.post_data or "")
        route.continue_()

    page.route("**/me/limits", lambda route: keep(route) if route.request.method == "POST" else route.continue_())
    page.get_by_role("button", name="用面容或指纹确认").click()
    expect(page.get_by_role("button", name="撤回提高")).to_be_visible()
    page.get_by_role("button", name="撤回提高").click()
    expect(page.get_by_role("button", name="撤回提高")).to_have_count(0)
    token = page.locator("input[name=csrf]").first.get_attribute("value") or ""
    form: dict[str, str | float | bool] = {name: values[0] for name, values in parse_qs(sent[0]).items()}
    form["csrf"] = token
    again = page.request.post(site.address + "/me/limits", form=form, headers={"Origin": site.address})
    assert again.status == 422
    assert "这次确认已失效" in again.text()
    assert held(site).waiting == ()


def test_without_a_passkey_a_code_confirms_and_a_wrong_one_says_so(open_page: Open, site: Site) -> None:
    page, _ = joined(open_page, site)
    secret = codes.new_secret()
    with database.transaction() as db:
        wall.enter(db, party=ids.LOCAL_USER, person=ids.LOCAL_USER)
        first = pyotp.TOTP(secret).at(site.now() - timedelta(seconds=30))
        assert codes.keep_totp(db, ids.LOCAL_USER, secret, first, now=site.now())
    ask(page, site, "2000")
    ask(page, site, "9000")
    right = pyotp.TOTP(secret).at(site.now())
    page.get_by_label("或输入 6 位动态码").fill("000000" if right != "000000" else "000001")
    page.get_by_role("button", name="用动态码确认").click()
    expect(page.get_by_role("alert").first).to_contain_text("验证没有通过")
    page.get_by_label("或输入 6 位动态码").fill(f"{right[:3]} {right[3:]}")
    page.get_by_role("button", name="用动态码确认").click()
    expect(page.get_by_role("button", name="撤回提高")).to_be_visible()


def test_a_cancelled_passkey_leaves_everything_as_it_was(open_page: Open, site: Site) -> None:
    page, device = joined(open_page, site)
    ask(page, site, "2000")
    ask(page, site, "9000")
    device.knows_its_owner(False)
    page.get_by_role("button", name="用面容或指纹确认").click()
    expect(page.locator("[data-passkey-trouble]")).to_contain_text("没有改动任何内容")
    assert held(site).waiting == ()
    page.get_by_role("link", name="不做了").click()
    expect(page).to_have_url(re.compile(r"/me/limits$"))


def test_one_tap_pauses_everything_and_going_on_asks_for_a_face(open_page: Open, site: Site) -> None:
    page, _ = joined(open_page, site)
    page.goto(site.address + "/me/limits")
    page.get_by_role("button", name="全部暂停").click()
    expect(page.get_by_role("heading", name="已全部暂停")).to_be_visible()
    shot(page, "limits-paused")
    assert axe(page) == []
    page.get_by_role("button", name="恢复付款").click()
    expect(page.get_by_text("恢复付款。自")).to_be_visible()
    page.get_by_role("button", name="用面容或指纹确认").click()
    expect(page.get_by_role("button", name="全部暂停")).to_be_visible()
    assert held(site).pause is None


@pytest.mark.parametrize("size", [NARROW, DESK])
def test_the_pages_of_limits_fit_their_screen(open_page: Open, site: Site, size: dict[str, int]) -> None:
    page, _ = joined(open_page, site)
    ask(page, site, "12345678.90")
    page.set_viewport_size({"width": size["width"], "height": size["height"]})
    page.goto(site.address + "/me/limits")
    no_sideways(page)
    ask(page, site, "99999999.99")
    no_sideways(page)
