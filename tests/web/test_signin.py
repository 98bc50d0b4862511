"""Sign-in in a real browser with a virtual authenticator: in, again, and every way that must not open."""

import json
import re
from datetime import datetime, timedelta
from typing import Any

import pyotp
import pytest
from playwright.sync_api import CDPSession, Page, expect
from sqlalchemy import text
from tests.web.conftest import DESK, NARROW, Open, Site, axe, no_sideways, shot

from anhuan.identity import passkeys, recovery, signin
from anhuan.identity.rights import Role
from anhuan.kit import db as database
from anhuan.kit import ids, wall
from anhuan.kit import page as pages

pytestmark = pytest.mark.browser


class Device:
    """A virtual authenticator of the browser: a phone that knows its owner's face, until it is told otherwise."""

    def __init__(self, page: Page) -> None:
        self.cdp: CDPSession = page.context.new_cdp_session(page)
        self.cdp.send("WebAuthn.enable")
        self.id = self._new()

    def _new(self) -> str:
        options = {
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
            "isUserVerified": True, "automaticPresenceSimulation": True,
        }  # fmt: skip
        made: Any = self.cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        return str(made["authenticatorId"])

    def knows_its_owner(self, yes: bool) -> None:
        self.cdp.send("WebAuthn.setUserVerified", {"authenticatorId": self.id, "isUserVerified": yes})

    def keys(self) -> list[dict[str, Any]]:
        found: Any = self.cdp.send("WebAuthn.getCredentials", {"authenticatorId": self.id})
        return list(found["credentials"])

    def replace(self, key: dict[str, Any] | None) -> None:
        """Throw this device away; the new one holds the key, if one is given."""
        self.cdp.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": self.id})
        self.id = self._new()
        if key is not None:
            self.cdp.send("WebAuthn.addCredential", {"authenticatorId": self.id, "credential": key})


def invitation(site: Site, *roles: Role) -> str:
    """The path of a welcome link, as the installer makes it."""
    with database.sessions("work").begin() as db:
        first = ids.LOCAL_USER if not roles else None
        given = roles or (Role.HOLDER, Role.ADMINISTRATOR)
        token = signin.invite(db, now=site.now(), roles=given, person_id=first, given_by=recovery.installer())
    return f"/welcome/{token}"


def joined(open_page: Open, site: Site) -> tuple[Page, Device]:
    """A person who came in by a link and a passkey, and has codes on paper."""
    page, _ = open_page(invitation(site))
    device = Device(page)
    page.get_by_label("怎么称呼您").fill("林晓")
    page.get_by_role("button", name="用面容或指纹登录").click()
    page.wait_for_url("**/me/security/second")
    return page, device


def paper(page: Page) -> list[str]:
    """Make codes for paper and read them off."""
    page.get_by_role("button", name="生成恢复码").click()
    expect(page.get_by_role("heading", name="请抄下来")).to_be_visible()
    return page.locator(".paper li").all_inner_texts()


def sign_out(page: Page) -> None:
    page.goto(page.url.split("/", 3)[0] + "//" + page.url.split("/")[2] + "/me/security")
    page.get_by_role("button", name="退出登录").click()
    page.wait_for_url("**/sign-in")


def tap(page: Page) -> None:
    page.get_by_role("button", name="用面容或指纹登录").click()


def acts(site: Site) -> list[str]:
    with database.sessions("audit").begin() as db:
        return list(db.scalars(text("SELECT act FROM audit_log ORDER BY number")))


def count(site: Site, question: str) -> int:
    with database.sessions("work").begin() as db:
        wall.everybody(db)
        return int(db.scalar(text(question)) or 0)


def test_the_first_person_comes_in_by_the_welcome_link_signs_out_and_in_again_and_again(
    open_page: Open, site: Site
) -> None:
    page, device = joined(open_page, site)
    shot(page, "signin-second")
    assert axe(page) == []
    assert len(paper(page)) == 10
    shot(page, "signin-kept")
    assert axe(page) == []
    page.get_by_role("link", name="我已抄好").click()
    for _ in range(2):
        sign_out(page)
        tap(page)
        page.wait_for_url("**/")
        expect(page.get_by_text("先添加一张信用卡")).to_be_visible()
    assert device.keys()[0]["signCount"] >= 3
    assert acts(site).count("session.signed_in") == 3
    assert {"person.invited", "person.registered", "passkey.added", "session.signed_out"} <= set(acts(site))
    assert count(site, f"SELECT count(*) FROM role_grants WHERE person_id = '{ids.LOCAL_USER}'") == 2


def test_a_welcome_link_works_once(open_page: Open, site: Site) -> None:
    path = invitation(site)
    page, _ = open_page(path)
    Device(page)
    page.get_by_label("怎么称呼您").fill("林晓")
    tap(page)
    page.wait_for_url("**/me/security/second")
    other, _ = open_page(path)
    expect(other.get_by_text("这个链接已失效或已用过")).to_be_visible()


def test_who_is_not_known_is_led_to_sign_in_and_back_to_the_page_they_wanted(open_page: Open, site: Site) -> None:
    page, _ = joined(open_page, site)
    sign_out(page)
    page.goto(site.address + "/plan?money=-50")
    assert "/sign-in?back=" in page.url
    tap(page)
    page.wait_for_url("**/plan?money=-50")


def test_an_answer_sent_twice_opens_once(open_page: Open, site: Site) -> None:
    page, _ = joined(open_page, site)
    sign_out(page)
    sent: list[str] = []
    page.on("request", lambda one: sent.append(one.post_data or "") if one.url.endswith("/sign-in/passkey") else None)
    tap(page)
    page.wait_for_url("**/")
    sign_out(page)
    script = """([form, csrf]) => {
      const body = new URLSearchParams(form); body.set("csrf", csrf);
      return fetch("/sign-in/passkey", {method: "POST", body}).then(a => a.status);
    }"""
    csrf = page.locator("form[data-passkey] input[name=csrf]").input_value()
    assert page.evaluate(script, [sent[0], csrf]) == 422
    page.goto(site.address + "/me")
    assert "/sign-in" in page.url


def test_a_device_that_does_not_know_its_owner_is_not_let_in_and_says_what_to_do(open_page: Open, site: Site) -> None:
    page, device = joined(open_page, site)
    sign_out(page)
    device.knows_its_owner(False)
    tap(page)
    said = page.locator("[data-passkey-trouble]")
    expect(said).to_contain_text("已取消,没有登录")
    expect(page.get_by_role("button", name="用面容或指纹登录")).to_be_enabled()
    assert axe(page) == []
    shot(page, "signin-cancelled")
    device.knows_its_owner(True)
    tap(page)
    page.wait_for_url("**/")


def test_an_answer_for_another_origin_is_refused(open_page: Open, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    page, _ = joined(open_page, site)
    sign_out(page)
    monkeypatch.setenv("ANHUAN_ORIGIN", "http://localhost:1")  # what the house believes its address to be
    tap(page)
    expect(page.locator(".card.late")).to_contain_text("没有通过验证")
    shot(page, "signin-refused")
    assert axe(page) == []
    assert "session.refused" in acts(site)


def test_a_question_is_answered_within_its_minutes_or_not_at_all(open_page: Open, site: Site) -> None:
    page, _ = joined(open_page, site)
    sign_out(page)

    def later(route: Any) -> None:
        site.moment[0] += timedelta(minutes=2, seconds=1)
        route.continue_()

    page.route("**/sign-in/passkey", later)
    tap(page)
    expect(page.locator(".card.late")).to_contain_text("已过期或已用过")


def test_a_question_put_to_one_browser_cannot_be_answered_from_another(open_page: Open, site: Site) -> None:
    page, _ = joined(open_page, site)
    sign_out(page)
    sent: list[str] = []

    def steal(route: Any) -> None:
        sent.append(route.request.post_data)
        route.abort()

    page.route("**/sign-in/passkey", steal)
    with page.expect_event("requestfailed"):
        tap(page)
    thief, _ = open_page("/sign-in")
    script = """([form, csrf]) => {
      const body = new URLSearchParams(form); body.set("csrf", csrf);
      return fetch("/sign-in/passkey", {method: "POST", body}).then(a => a.status);
    }"""
    csrf = thief.locator("form[data-passkey] input[name=csrf]").input_value()
    assert thief.evaluate(script, [sent[0], csrf]) == 422
    thief.goto(site.address + "/me")
    assert "/sign-in" in thief.url


def test_a_copied_key_is_let_in_told_to_its_owner_and_written_down(open_page: Open, site: Site) -> None:
    page, device = joined(open_page, site)
    sign_out(page)
    tap(page)
    page.wait_for_url("**/")
    key = device.keys()[0]
    sign_out(page)
    device.replace(key | {"signCount": 0})  # an older copy of the same key
    tap(page)
    page.wait_for_url("**/")
    assert "passkey.doubted" in acts(site)
    page.goto(site.address + "/me/security")
    expect(page.get_by_text("计数异常,可能被复制")).to_be_visible()


def code_of(page: Page, moment: datetime) -> str:
    """What the app would show for the secret on the page."""
    secret = page.locator("input[name=secret]").input_value()
    return pyotp.TOTP(secret).at(moment)


def with_password(page: Page, site: Site, path: str) -> tuple[str, str, list[str]]:
    """Join by password without any script; returns secret, sign-in name and paper codes."""
    page.goto(site.address + path)
    page.get_by_role("link", name="用密码和动态码").click()
    page.get_by_label("怎么称呼您").fill("莫言秋")
    page.get_by_label("登录名").fill("moyan")
    page.get_by_label("密码", exact=False).first.fill("tugboat plum sixty")
    secret = page.locator("input[name=secret]").input_value()
    shot(page, "signin-new-password")
    page.get_by_label("应用里现在显示的六位数字").fill(code_of(page, site.now()))
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_role("heading", name="请抄下来")).to_be_visible()
    handle = re.search(r"moyan-\d{4}", page.locator("main").inner_text())
    assert handle
    return secret, handle[0], page.locator(".paper li").all_inner_texts()


def by_password(page: Page, site: Site, handle: str, password: str, code: str) -> None:
    page.goto(site.address + "/sign-in/password")
    page.get_by_label("登录名").fill(handle)
    page.get_by_label("密码", exact=True).fill(password)
    page.get_by_label("动态码,或一个恢复码").fill(code)
    page.get_by_role("button", name="登录", exact=True).click()


def test_the_password_way_works_without_any_script(open_page: Open, site: Site) -> None:
    page, _ = open_page("/sign-in", scripts=False)
    secret, handle, codes = with_password(page, site, invitation(site))
    page.get_by_role("link", name="我已抄好").click()
    page.goto(site.address + "/me/security")
    page.get_by_role("button", name="退出登录").click()
    code = pyotp.TOTP(secret).at(site.now() + timedelta(seconds=30))
    site.moment[0] += timedelta(seconds=30)
    by_password(page, site, handle, "tugboat plum sixty", code)
    expect(page.get_by_text("先添加一张信用卡")).to_be_visible()
    page.goto(site.address + "/me/security")
    page.get_by_role("button", name="退出登录").click()
    by_password(page, site, handle, "tugboat plum sixty", code)  # the same code again
    expect(page.locator(".card.late")).to_contain_text("登录名、密码或动态码不对")
    by_password(page, site, handle, "tugboat plum sixty", codes[0])
    expect(page.get_by_text("先添加一张信用卡")).to_be_visible()


def test_a_wrong_name_a_wrong_password_and_a_wrong_code_say_the_same(open_page: Open, site: Site) -> None:
    page, _ = open_page("/sign-in", scripts=False)
    secret, handle, _ = with_password(page, site, invitation(site))
    page.context.clear_cookies()
    site.moment[0] += timedelta(minutes=1)
    good = pyotp.TOTP(secret).at(site.now())
    said = []
    for name, password, code in (
        ("nobody-0000", "tugboat plum sixty", good), (handle, "tugboat plum sixtx", good),
        (handle, "tugboat plum sixty", "000000"), (handle, "tugboat plum sixty", ""),
    ):  # fmt: skip
        by_password(page, site, name, password, code or "x")
        said.append(page.locator(".card.late").inner_text())
        page.locator("input[name=handle]").fill("")
    assert len(set(said)) == 1
    assert acts(site).count("session.refused") == 4
    shot(page, "signin-password-wrong")


def test_ways_in_and_devices_are_listed_named_and_ended(open_page: Open, site: Site) -> None:
    page, _ = joined(open_page, site)
    paper(page)
    page.goto(site.address + "/me/security")
    expect(page.get_by_text("本机")).to_be_visible()
    page.get_by_text("改名或移除").click()
    expect(page.get_by_role("button", name="移除这把密钥")).to_be_disabled()
    page.get_by_label("名称").fill("我的手机")
    page.get_by_role("button", name="改名").click()
    expect(page.locator(".what", has_text="我的手机")).to_be_visible()
    assert axe(page) == []
    no_sideways(page)
    shot(page, "signin-security")
    site.moment[0] += timedelta(minutes=16)  # the proof is too old to change ways in
    page.get_by_role("button", name="重新生成恢复码").click()
    page.wait_for_url("**/me/security/prove**")
    assert axe(page) == []
    before = next(one["value"] for one in page.context.cookies() if one["name"] == pages.SESSION_COOKIE)
    page.get_by_role("button", name="用面容或指纹验证").click()
    page.wait_for_url(re.compile(r"//[^/]+/me/security$"))
    after = next(one["value"] for one in page.context.cookies() if one["name"] == pages.SESSION_COOKIE)
    assert before != after
    page.get_by_role("button", name="重新生成恢复码").click()
    expect(page.get_by_role("heading", name="请抄下来")).to_be_visible()
    page.goto(site.address + "/me/security")
    page.get_by_role("button", name="退出所有设备").click()
    page.wait_for_url("**/sign-in")
    for token in (before, after):  # neither the token before the proof nor the last one lives on
        kept = page.request.get(
            f"{site.address}/me", headers={"Cookie": f"{pages.SESSION_COOKIE}={token}"}, max_redirects=0
        )
        assert kept.status == 303


def test_a_lost_account_comes_back_after_a_day_and_any_device_may_say_no(open_page: Open, site: Site) -> None:
    owner, _ = joined(open_page, site)
    codes = paper(owner)
    stranger, _ = open_page("/recover")
    shot(stranger, "signin-recover")
    assert axe(stranger) == []
    stranger.get_by_label("恢复码").fill(codes[0])
    stranger.get_by_role("button", name="开始找回").click()
    expect(stranger.get_by_role("heading", name=re.compile("后可以重新设置"))).to_be_visible()
    shot(stranger, "signin-recovering")
    assert axe(stranger) == []
    stranger.get_by_role("button", name="先看看我的账户").click()
    stranger.goto(site.address + "/me/security")
    expect(stranger.get_by_text("现在只能查看")).to_be_visible()
    assert stranger.get_by_role("button", name="添加通行密钥").count() == 0
    stranger.goto(site.address + "/cards/new")
    expect(stranger.get_by_text("没有做这件事的权限")).to_be_visible()

    owner.goto(site.address + "/")
    owner.get_by_role("link", name="您的账户有一条安全提醒").click()
    shot(owner, "signin-recovery-told")
    assert axe(owner) == []
    owner.get_by_role("button", name="不是我,取消找回").click()
    expect(owner.get_by_text("已取消找回")).to_be_visible()
    stranger.goto(site.address + "/me")
    assert "/sign-in" in stranger.url


def test_the_day_after_a_recovery_ends_every_session_and_makes_a_new_way_in(open_page: Open, site: Site) -> None:
    owner, _ = joined(open_page, site)
    codes = paper(owner)
    lost, _ = open_page("/recover")
    lost.get_by_label("恢复码").fill(codes[1].upper().replace("-", " "))
    lost.get_by_role("button", name="开始找回").click()
    link = lost.locator(".link").inner_text()
    device = Device(lost)
    lost.goto(link)
    expect(lost.get_by_role("heading", name=re.compile("后可以重新设置"))).to_be_visible()
    site.moment[0] += timedelta(hours=11)
    owner.goto(site.address + "/me")  # in use until shortly before
    site.moment[0] += timedelta(hours=13)
    lost.goto(link)
    shot(lost, "signin-recovered")
    tap(lost)
    lost.wait_for_url("**/me/security**")
    assert len(device.keys()) == 1
    owner.goto(site.address + "/me")
    assert "/sign-in" in owner.url
    tap(owner)  # the old key is worth nothing
    expect(owner.locator(".card.late")).to_contain_text("没有通过验证")
    lost.goto(link)
    expect(lost.get_by_text("已取消、已完成或已过期")).to_be_visible()


@pytest.mark.parametrize("size", [NARROW, DESK])
def test_the_pages_before_sign_in_have_no_barrier(open_page: Open, site: Site, size: dict[str, int]) -> None:
    path = invitation(site)
    page, _ = open_page("/sign-in", size=size)
    for lang in ("zh", "en"):
        page.context.add_cookies([{"name": "lang", "value": lang, "url": site.address}])
        for at in ("/sign-in", "/sign-in/password", "/recover", path, f"{path}/password", "/welcome/nothing"):
            page.goto(site.address + at)
            assert axe(page) == [], at
            no_sideways(page)
            name = at.replace(path, "-welcome").replace("/", "-")
            shot(page, f"signin-{lang}-{size['width']}{name}")


def test_the_answer_that_the_browser_sends_is_what_the_library_reads(open_page: Open, site: Site) -> None:
    _, device = joined(open_page, site)
    with database.transaction() as db:
        wall.enter(db, party=ids.LOCAL_USER, person=ids.LOCAL_USER)
        assert len(passkeys.all_of(db, ids.LOCAL_USER)) == 1
    assert json.dumps(device.keys()[0]["rpId"]) == '"localhost"'


def test_a_typed_password_can_be_looked_at(open_page: Open) -> None:
    page, _ = open_page("/sign-in/password")
    field = page.locator("input[name=password]")
    field.fill("correct horse battery")
    expect(field).to_have_attribute("type", "password")
    page.get_by_role("button", name="显示密码").click()
    expect(field).to_have_attribute("type", "text")
    page.get_by_role("button", name="隐藏密码").click()
    expect(field).to_have_attribute("type", "password")
